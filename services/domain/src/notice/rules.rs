use jiff::{SignedDuration, Timestamp};

use super::{Content, NoticeChannel, RevisionKind};
use crate::{audience, refusal::Violation};

/// Longest title, in characters: what fits into a headline of an alert.
pub const TITLE_LIMIT: usize = 160;
/// Longest body, in characters.
pub const TEXT_LIMIT: usize = 1_000;
/// A notice is told for at most this long.
const LONGEST: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Every rule that a revision's content breaks; empty when it is sound. `at` prefixes the field names.
#[must_use]
pub fn check(content: &Content, now: Timestamp, at: &str) -> Vec<Violation> {
    let mut found = audience::check(&content.audience, &format!("{at}audience."));
    let mut no = |field: &str, reason, cure: String| found.push(Violation::new(format!("{at}{field}"), reason, cure));
    if content.channels.is_empty() && content.kind != RevisionKind::Cancel {
        no("channels", "REQUIRED", "give at least one channel".into());
    }
    for (field, text) in [("vi", &content.vi), ("en", &content.en)] {
        for (part, text, most) in [("title", &text.title, TITLE_LIMIT), ("body", &text.body, TEXT_LIMIT)] {
            let length = text.chars().count();
            if text.trim().is_empty() {
                no(&format!("{field}.{part}"), "REQUIRED", "give the text in both languages".into());
            } else if length > most {
                no(&format!("{field}.{part}"), "LENGTH", format!("give at most {most} characters"));
            }
            if text.contains('\0') {
                no(&format!("{field}.{part}"), "NUL", "text must not contain the NUL character".into());
            }
            if text.contains(['{', '}']) {
                no(&format!("{field}.{part}"), "UNFILLED", "fill in every placeholder, and write no braces".into());
            }
        }
    }
    if content.expires_at <= now {
        no("expires_at", "IN_THE_PAST", "give a time after now".into());
    } else if content.expires_at.duration_since(now) > LONGEST {
        no("expires_at", "TOO_FAR", "give a time within 30 days".into());
    }
    if content.diacritics && !content.channels.contains(&NoticeChannel::Sms) {
        no("diacritics", "NOT_APPLICABLE", "leave it out where no SMS is sent".into());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        audience::Audience,
        notice::{NoticeText, Phase, Urgency},
    };

    fn sound() -> Content {
        let text = |title: &str| NoticeText { title: title.into(), body: "22 tỉnh phía Nam".into() };
        Content {
            kind: RevisionKind::Initial,
            phase: Phase::First,
            urgency: Urgency::Safety,
            audience: Audience { regions: vec!["SPC".into()], ..Audience::default() },
            channels: vec![NoticeChannel::Web, NoticeChannel::Sms],
            vi: text("Mất điện"),
            en: text("Power cut"),
            expires_at: Timestamp::from_second(3_600).unwrap(),
            diacritics: false,
        }
    }

    #[test]
    fn every_violation_is_named_at_once() {
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(check(&sound(), now, ""), []);
        let mut broken = sound();
        broken.audience.regions.clear();
        broken.channels.clear();
        broken.vi.title = " ".into();
        broken.en.body = "{place}".into();
        broken.expires_at = now;
        broken.diacritics = true;
        let found = check(&broken, now, "content.");
        let fields: Vec<_> = found.iter().map(|v| v.field.trim_start_matches("content.")).collect();
        assert_eq!(fields, ["audience.regions", "channels", "vi.title", "en.body", "expires_at", "diacritics"]);
    }
}
