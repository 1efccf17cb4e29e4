use crate::{
    contact::{Contact, NOTE_LIMIT, Outcome},
    refusal::Violation,
};

/// No contact lasts longer: seven days, in milliseconds. A longer one is a broken clock.
const LONGEST_MS: i64 = 7 * 24 * 3_600 * 1_000;

/// 2200-01-01, seconds since 1970.
const LATEST_S: i64 = 7_258_118_400;

/// Every rule that a contact breaks; empty when it is sound. `at` prefixes the field names.
#[must_use]
pub fn check(contact: &Contact, at: &str) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut no = |field: &str, reason, description: &str| {
        found.push(Violation::new(format!("{at}{field}"), reason, description));
    };
    if contact.source_key.is_empty() || contact.source_key.len() > 200 {
        no("source_key", "LENGTH", "give a key of 1 to 200 bytes that is unique within the source");
    }
    for (field, at) in
        [("arrived_at", Some(contact.arrived_at)), ("answered_at", contact.answered_at), ("ended_at", contact.ended_at)]
    {
        if at.is_some_and(|at| !(0..LATEST_S).contains(&at.as_second())) {
            no(field, "OUT_OF_RANGE", "give a time from 1970 to 2199; a default or a broken clock gives others");
        }
    }
    if contact.answered_at.is_some_and(|answered| answered < contact.arrived_at) {
        no("answered_at", "ANSWERED_BEFORE_ARRIVED", "a contact is answered at or after its arrival");
    }
    if contact.ended_at.is_some_and(|ended| ended < contact.answered_at.unwrap_or(contact.arrived_at)) {
        no("ended_at", "ENDED_BEFORE_ANSWERED", "a contact ends at or after its arrival and answer");
    }
    if contact.ended_at.is_some() != contact.outcome.is_some() {
        no(
            "outcome",
            "OUTCOME_WITHOUT_END",
            "give ended_at and outcome together, or neither while the contact goes on",
        );
    }
    let unanswered = matches!(contact.outcome, Some(Outcome::Abandoned | Outcome::Busy | Outcome::Unanswered));
    if unanswered && contact.answered_at.is_some() {
        no("answered_at", "ANSWERED_YET_UNANSWERED", "an abandoned, busy or unanswered contact has no answered_at");
    }
    for (field, value) in
        [("wait", contact.wait_ms), ("talk", contact.talk_ms), ("hold", contact.hold_ms), ("wrap", contact.wrap_ms)]
    {
        match value {
            Some(ms) if ms < 0 => no(field, "NEGATIVE_DURATION", "a duration is not negative"),
            Some(ms) if ms > LONGEST_MS => no(field, "TOO_LONG", "a duration is at most seven days"),
            _ => {}
        }
    }
    for (field, text, limit) in [
        ("contact_point", &contact.contact_point, 200),
        ("agent", &contact.agent, 200),
        ("ticket", &contact.ticket, 32),
        ("note", &contact.note, NOTE_LIMIT),
    ] {
        if let Some(text) = text {
            check_text(&format!("{at}{field}"), text, limit, &mut found);
        }
    }
    check_text(&format!("{at}source_key"), &contact.source_key, 200, &mut found);
    found.dedup_by(|a, b| a.field == b.field && a.reason == b.reason);
    found
}

/// Rules of any text: its length in bytes, and no NUL, which one of the engines cannot store.
pub fn check_text(field: &str, text: &str, limit: usize, found: &mut Vec<Violation>) {
    if text.len() > limit {
        found.push(Violation::new(field, "LENGTH", format!("give at most {limit} bytes")));
    }
    if text.contains('\0') {
        found.push(Violation::new(field, "NUL", "text must not contain the NUL character"));
    }
}
