//! iCalendar (RFC 5545), as far as planned work needs it.

use jiff::Timestamp;

/// Longest line in octets, without its end (§3.1).
const LINE: usize = 75;

/// One event of a calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarEvent {
    /// Stays the same whatever becomes of the event (§3.8.4.7).
    pub uid: String,
    /// Grows with every revision (§3.8.7.4).
    pub sequence: i64,
    /// When this revision was made.
    pub stamp: Timestamp,
    /// From.
    pub starts_at: Timestamp,
    /// Until.
    pub ends_at: Timestamp,
    /// One line.
    pub summary: String,
    /// More lines.
    pub description: String,
    /// Where.
    pub location: String,
    /// It does not take place.
    pub cancelled: bool,
}

/// A calendar of this name with these events.
#[must_use]
pub fn calendar(name: &str, events: &[CalendarEvent]) -> String {
    let mut out = String::new();
    let mut line = |name: &str, value: &str| fold(&mut out, &format!("{name}:{value}"));
    line("BEGIN", "VCALENDAR");
    line("VERSION", "2.0");
    line("PRODID", "-//Gridcare//Planned work//EN");
    line("CALSCALE", "GREGORIAN");
    line("METHOD", "PUBLISH");
    line("X-WR-CALNAME", &escape(name));
    for event in events {
        line("BEGIN", "VEVENT");
        line("UID", &escape(&event.uid));
        line("SEQUENCE", &event.sequence.to_string());
        line("DTSTAMP", &utc(event.stamp));
        line("LAST-MODIFIED", &utc(event.stamp));
        line("DTSTART", &utc(event.starts_at));
        line("DTEND", &utc(event.ends_at));
        line("STATUS", if event.cancelled { "CANCELLED" } else { "CONFIRMED" });
        line("SUMMARY", &escape(&event.summary));
        line("DESCRIPTION", &escape(&event.description));
        line("LOCATION", &escape(&event.location));
        line("TRANSP", "TRANSPARENT");
        line("END", "VEVENT");
    }
    line("END", "VCALENDAR");
    out
}

/// A time in UTC (§3.3.5, form 2).
fn utc(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// Text as a value (§3.3.11). Other control characters are none of a text.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | ';' | ',' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// Adds a line, folded where it would be too long, but never within a character (§3.1).
fn fold(out: &mut String, line: &str) {
    let mut length = 0;
    for c in line.chars() {
        if length + c.len_utf8() > LINE {
            out.push_str("\r\n ");
            length = 1;
        }
        out.push(c);
        length += c.len_utf8();
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn event(summary: &str) -> CalendarEvent {
        let at = |second| Timestamp::from_second(second).unwrap();
        CalendarEvent {
            uid: "7@hcmc-1".into(),
            sequence: 2,
            stamp: at(1_784_000_000),
            starts_at: at(1_784_500_000),
            ends_at: at(1_784_514_400),
            summary: summary.into(),
            description: "a\nb; c, d\\".into(),
            location: "Quận 1".into(),
            cancelled: true,
        }
    }

    /// What a reader makes of it: lines unfolded, values unescaped.
    fn read(text: &str) -> Vec<(String, String)> {
        let unfolded = text.replace("\r\n ", "");
        let value = |escaped: &str| {
            let (mut out, mut chars) = (String::new(), escaped.chars());
            while let Some(c) = chars.next() {
                match (c, if c == '\\' { chars.next() } else { None }) {
                    ('\\', Some('n')) => out.push('\n'),
                    ('\\', Some(escaped)) => out.push(escaped),
                    (c, _) => out.push(c),
                }
            }
            out
        };
        let lines = unfolded.split_terminator("\r\n");
        lines.map(|line| line.split_once(':').unwrap()).map(|(name, text)| (name.to_owned(), value(text))).collect()
    }

    #[test]
    fn an_event_keeps_its_uid_and_says_that_it_is_cancelled() {
        let text = calendar("Lịch cắt điện", &[event("Bảo trì")]);
        for line in [
            "UID:7@hcmc-1\r\n",
            "SEQUENCE:2\r\n",
            "STATUS:CANCELLED\r\n",
            "DTSTAMP:20260714T033320Z\r\n",
            "DESCRIPTION:a\\nb\\; c\\, d\\\\\r\n",
        ] {
            assert!(text.contains(line), "{line:?} in {text}");
        }
        assert!(text.starts_with("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n") && text.ends_with("END:VCALENDAR\r\n"));
    }

    proptest! {
        #[test]
        fn every_text_survives_in_lines_of_75_octets(summary in "[\\PC\n;,\\\\éđ電]{0,200}") {
            let text = calendar(&summary, &[event(&summary)]);
            prop_assert!(text.split("\r\n").all(|line| line.len() <= LINE));
            prop_assert!(!text.replace("\r\n", "").contains(['\r', '\n']));
            let found = read(&text);
            let of = |name: &str| found.iter().find(|(known, _)| known == name).unwrap().1.clone();
            prop_assert_eq!(of("SUMMARY"), summary.clone());
            prop_assert_eq!(of("X-WR-CALNAME"), summary);
            prop_assert_eq!(of("DESCRIPTION"), "a\nb; c, d\\");
        }
    }
}
