//! Delivery status notifications: what a mail server says of a letter that it had taken (RFC 3464, in a report of RFC 6522).
//!
//! What is read was written by anybody. Nothing here is longer than what came, no more is looked at than [`LONGEST`] octets, and
//! whatever does not make sense is left out.

/// Octets of a notification that are looked at; a returned letter may follow, which nobody needs.
pub const LONGEST: usize = 256 * 1024;
/// Parts, recipients and lines of a header that are looked at.
const MOST: usize = 1_000;

/// What happened to a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It will not be delivered.
    Failed,
    /// It was not delivered yet; the server goes on.
    Delayed,
    /// It is in the recipient's mailbox.
    Delivered,
    /// It went to where nobody tells what becomes of it.
    Relayed,
}

/// What happened to the letter for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The address, without its type.
    pub address: String,
    /// What happened.
    pub action: Action,
    /// The enhanced status code, such as `5.1.1`; empty without one.
    pub status: String,
}

/// A notification.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notification {
    /// To whom it was sent, as every server on its way wrote it.
    pub to: Vec<String>,
    /// The `Message-ID` of the letter that it is about; empty without one.
    pub message_id: String,
    /// What happened, for each recipient that it names.
    pub recipients: Vec<Recipient>,
}

/// Where servers on the way write to whom a message went.
const ADDRESSED: [&str; 4] = ["delivered-to", "x-original-to", "envelope-to", "to"];

type Field = (String, String);

impl Notification {
    /// Reads a message; none when it is no notification.
    #[must_use]
    pub fn read(message: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(&message[..message.len().min(LONGEST)]);
        let (head, body) = split_head(&text);
        let fields = fields(head);
        let content = value(&fields, "content-type")?;
        if !content.to_ascii_lowercase().starts_with("multipart/report") {
            return None;
        }
        let mut found = Self::default();
        for name in ADDRESSED {
            let values = fields.iter().filter(|(field, _)| field == name);
            found.to.extend(values.flat_map(|(_, value)| value.split(',')).map(address));
        }
        let mut is_report = false;
        for part in parts(body, &boundary(content)?) {
            let (head, body) = split_head(part);
            let part_fields = self::fields(head);
            let kind = value(&part_fields, "content-type").unwrap_or("text/plain").to_ascii_lowercase();
            if kind.starts_with("message/delivery-status") || kind.starts_with("message/global-delivery-status") {
                is_report = true;
                found.recipients.extend(blocks(body).filter_map(|block| recipient(&self::fields(block))).take(MOST));
            } else if kind.starts_with("message/rfc822") || kind.starts_with("text/rfc822-headers") {
                let letter = self::fields(split_head(body).0);
                value(&letter, "message-id").unwrap_or_default().clone_into(&mut found.message_id);
            }
        }
        is_report.then_some(found)
    }
}

/// The lines before the first empty one, and what follows.
fn split_head(text: &str) -> (&str, &str) {
    if let Some(rest) = text.strip_prefix("\r\n").or_else(|| text.strip_prefix('\n')) {
        return ("", rest);
    }
    let crlf = text.find("\r\n\r\n").map(|at| (at, 4));
    let lf = text.find("\n\n").map(|at| (at, 2));
    match [crlf, lf].into_iter().flatten().min() {
        Some((at, length)) => (&text[..at], &text[at + length..]),
        None => (text, ""),
    }
}

/// Fields with names in lower case and values on one line.
fn fields(head: &str) -> Vec<Field> {
    let mut fields: Vec<Field> = Vec::new();
    for line in head.lines().take(MOST) {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    fields
}

fn value<'a>(fields: &'a [Field], name: &str) -> Option<&'a str> {
    fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
}

/// The address within `Name <address>`, or the whole.
fn address(text: &str) -> String {
    let inner = text.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or(text, |(inner, _)| inner);
    inner.trim().to_owned()
}

fn boundary(content_type: &str) -> Option<String> {
    let parameters = content_type.split(';').skip(1);
    let mut named = parameters.filter_map(|parameter| parameter.split_once('='));
    let (_, boundary) = named.find(|(name, _)| name.trim().eq_ignore_ascii_case("boundary"))?;
    let boundary = boundary.trim().trim_matches('"');
    (!boundary.is_empty() && boundary.len() <= 70).then(|| boundary.to_owned())
}

/// What stands between lines of the boundary.
fn parts<'a>(body: &'a str, boundary: &str) -> Vec<&'a str> {
    let (mut parts, mut begins, mut at) = (Vec::new(), None, 0);
    for line in body.split_inclusive('\n') {
        let end = at + line.len();
        if let Some(rest) = line.trim_end().strip_prefix("--").and_then(|rest| rest.strip_prefix(boundary)) {
            if let Some(begins) = begins {
                parts.push(&body[begins..at]);
            }
            begins = (rest != "--").then_some(end);
            if begins.is_none() || parts.len() >= MOST {
                return parts;
            }
        }
        at = end;
    }
    // Cut short: what has come of the last one.
    parts.extend(begins.map(|begins| &body[begins..]));
    parts
}

/// Groups of lines between empty ones.
fn blocks(body: &str) -> impl Iterator<Item = &str> {
    let (mut rest, mut blocks) = (body, Vec::new());
    while !rest.trim().is_empty() && blocks.len() < MOST {
        let trimmed = rest.trim_start_matches(['\r', '\n']);
        let (block, others) = split_head(trimmed);
        blocks.push(block);
        rest = others;
    }
    blocks.into_iter()
}

/// One recipient's block; none for the block about the message as a whole.
fn recipient(fields: &[Field]) -> Option<Recipient> {
    let action = value(fields, "action")?.split_whitespace().next()?.to_ascii_lowercase();
    let action = match action.as_str() {
        "failed" => Action::Failed,
        "delayed" => Action::Delayed,
        "delivered" => Action::Delivered,
        "relayed" | "expanded" => Action::Relayed,
        _ => return None,
    };
    let named = value(fields, "original-recipient").or_else(|| value(fields, "final-recipient")).unwrap_or_default();
    let address = address(named.split_once(';').map_or(named, |(_, address)| address));
    let status = value(fields, "status").and_then(|status| status.split_whitespace().next()).unwrap_or_default();
    Some(Recipient { address, action, status: status.to_owned() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const POSTFIX: &str = "\
Return-Path: <>
Delivered-To: bounce+17@hcmc.example
From: MAILER-DAEMON@mail.example (Mail Delivery System)
To: bounce+17@hcmc.example
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary=\"4B1.1369203580/mail.example\"

This is a MIME-encapsulated message.

--4B1.1369203580/mail.example
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

Action: failed is written here too, and means nothing.

--4B1.1369203580/mail.example
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example
X-Postfix-Queue-ID: 4B1
Arrival-Date: Wed, 22 May 2013 14:19:40 +0700 (ICT)

Final-Recipient: rfc822; nobody@customers.example
Original-Recipient: rfc822;nobody@customers.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <nobody@customers.example>:
    Recipient address rejected

--4B1.1369203580/mail.example
Content-Type: message/rfc822

From: EVNHCMC <care@hcmc.example>
Message-ID: <gridcare.17@hcmc.example>
Subject: Power is back

Power is back.

--4B1.1369203580/mail.example--
";

    #[test]
    fn a_bounce_is_read_whatever_its_line_ends_are() {
        for text in [POSTFIX.to_owned(), POSTFIX.replace('\n', "\r\n")] {
            let found = Notification::read(text.as_bytes()).unwrap();
            assert_eq!(found.to, ["bounce+17@hcmc.example", "bounce+17@hcmc.example"]);
            assert_eq!(found.message_id, "<gridcare.17@hcmc.example>");
            let recipient = Recipient {
                address: "nobody@customers.example".into(),
                action: Action::Failed,
                status: "5.1.1".into(),
            };
            assert_eq!(found.recipients, [recipient]);
        }
    }

    #[test]
    fn several_recipients_are_told_apart_and_strange_actions_left_out() {
        let two = POSTFIX.replace(
            "Action: failed\nStatus",
            "Action: delayed\nStatus: 4.4.1\n\nFinal-Recipient: rfc822; b@c.example\nAction: DELIVERED\n\nAction: sung\n\nX-Status",
        );
        let found = Notification::read(two.as_bytes()).unwrap();
        let told: Vec<_> = found.recipients.iter().map(|r| (r.address.as_str(), r.action)).collect();
        assert_eq!(told, [("nobody@customers.example", Action::Delayed), ("b@c.example", Action::Delivered)]);
    }

    #[test]
    fn what_is_no_notification_is_none() {
        for text in ["", "Subject: hello\n\nhello", "Content-Type: multipart/report\n\n--x\n"] {
            assert_eq!(Notification::read(text.as_bytes()), None, "{text}");
        }
        let absence = POSTFIX.replace("message/delivery-status", "text/plain");
        assert_eq!(Notification::read(absence.as_bytes()), None);
    }

    proptest! {
        #[test]
        fn anything_is_survived(octets in prop::collection::vec(any::<u8>(), 0..2_000)) {
            let _ = Notification::read(&octets);
        }

        #[test]
        fn a_notification_that_is_damaged_anywhere_is_survived(
            at in 0..POSTFIX.len(), octets in prop::collection::vec(any::<u8>(), 0..20), cut in 0..POSTFIX.len(),
        ) {
            let mut damaged = POSTFIX.as_bytes()[..cut.max(at)].to_vec();
            damaged.splice(at..at, octets);
            if let Some(found) = Notification::read(&damaged) {
                prop_assert!(found.recipients.len() <= damaged.len());
            }
        }
    }
}
