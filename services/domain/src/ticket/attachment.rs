use jiff::Timestamp;
use uuid::Uuid;

use crate::refusal::Violation;

/// Largest file, in bytes: 25 MiB.
pub const ATTACHMENT_LIMIT: i64 = 25 << 20;

/// What may be attached: what people photograph, scan and record. Nothing that runs.
pub const MEDIA_TYPES: [&str; 8] =
    ["image/jpeg", "image/png", "image/webp", "application/pdf", "text/plain", "audio/mpeg", "audio/wav", "video/mp4"];

/// A file that is kept elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// `UUIDv7`.
    pub id: Uuid,
    /// Where it is kept; personal.
    pub uri: String,
    /// How it was called; personal.
    pub file_name: String,
    /// One of [`MEDIA_TYPES`].
    pub media_type: String,
    /// How large, bytes.
    pub size_bytes: i64,
    /// 64 lowercase hexadecimal digits.
    pub sha256: String,
    /// When it was attached.
    pub at: Timestamp,
}

impl Attachment {
    /// Every rule that it breaks; `at` prefixes the field names.
    #[must_use]
    pub fn check(&self, at: &str) -> Vec<Violation> {
        let mut found = Vec::new();
        let mut no =
            |field: &str, reason, cure: String| found.push(Violation::new(format!("{at}{field}"), reason, cure));
        let address = ["https://", "s3://"].iter().find_map(|scheme| self.uri.strip_prefix(scheme));
        let host = address.map(|rest| rest.split('/').next().unwrap_or_default());
        if host.is_none_or(str::is_empty) || self.uri.len() > 2_000 || self.uri.chars().any(char::is_whitespace) {
            no("uri", "MALFORMED", "give an https or s3 address of at most 2000 bytes".to_owned());
        } else if host.is_some_and(|host| host.contains('@')) {
            no("uri", "CREDENTIALS", "leave the credentials out of the address".to_owned());
        }
        let name = self.file_name.trim();
        let path = self.file_name.contains(['/', '\\']) || self.file_name.chars().any(char::is_control);
        if name.is_empty() || self.file_name.len() > 255 || path {
            no("file_name", "MALFORMED", "give a name of at most 255 bytes, without a folder".to_owned());
        }
        if !MEDIA_TYPES.contains(&self.media_type.as_str()) {
            no("media_type", "MEDIA_TYPE", format!("give one of {}", MEDIA_TYPES.join(", ")));
        }
        if !(1..=ATTACHMENT_LIMIT).contains(&self.size_bytes) {
            no("size_bytes", "TOO_LARGE", format!("a file has 1 to {ATTACHMENT_LIMIT} bytes"));
        }
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if self.sha256.len() != 64 || !self.sha256.bytes().all(digit) {
            no("sha256", "MALFORMED", "give 64 lowercase hexadecimal digits".to_owned());
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn photo() -> Attachment {
        Attachment {
            id: Uuid::nil(),
            uri: "https://files.example/2013/05/meter.jpg".into(),
            file_name: "công tơ.jpg".into(),
            media_type: "image/jpeg".into(),
            size_bytes: 204_800,
            sha256: "0".repeat(64),
            at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_photo_is_taken() {
        assert_eq!(photo().check("attachment."), []);
    }

    #[test]
    fn every_broken_rule_is_named_at_once() {
        let bad = Attachment {
            uri: "http://files.example/x".into(),
            file_name: "../etc/passwd".into(),
            media_type: "application/x-msdownload".into(),
            size_bytes: ATTACHMENT_LIMIT + 1,
            sha256: "ABC".into(),
            ..photo()
        };
        let found: Vec<_> = bad.check("attachment.").into_iter().map(|violation| violation.field).collect();
        assert_eq!(
            found,
            [
                "attachment.uri",
                "attachment.file_name",
                "attachment.media_type",
                "attachment.size_bytes",
                "attachment.sha256"
            ]
        );
    }

    #[test]
    fn an_address_with_credentials_is_refused() {
        let bad = Attachment { uri: "https://user:secret@files.example/x".into(), ..photo() };
        assert_eq!(bad.check("")[0].reason, "CREDENTIALS");
    }
}
