use gridcare_domain::{
    contact::{Contact, check},
    customer_code::CustomerCode,
    refusal::Violation,
    text,
    topic::Topic,
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    contact::v1::{ContactDraft, ContactViolation},
    convert::{code, time},
};

/// The contact that a draft describes, or every rule that it breaks. `at` prefixes the field names.
pub fn from_wire(draft: ContactDraft, id: Uuid, source: &str, at: &str) -> Result<Contact, Vec<Violation>> {
    let mut found = Vec::new();
    let mut no = |field: &str, reason, description: &str| {
        found.push(Violation::new(format!("{at}{field}"), reason, description));
    };
    let channel = code::channel_from_wire(draft.channel);
    if channel.is_none() {
        no("channel", "REQUIRED", "give a channel");
    }
    let direction = code::direction_from_wire(draft.direction);
    if direction.is_none() {
        no("direction", "REQUIRED", "give a direction");
    }
    let outcome = code::outcome_from_wire(draft.outcome);
    if outcome.is_none() && draft.outcome != 0 {
        no("outcome", "UNKNOWN_CODE", "give one of the outcomes of this version");
    }
    let mut instant = |field: &str, value: Option<&prost_types::Timestamp>| -> Option<Timestamp> {
        let read = value.and_then(time::instant);
        if value.is_some() && read.is_none() {
            no(field, "OUT_OF_RANGE", "give a time between the years -9999 and 9999");
        }
        read
    };
    let arrived_at = instant("arrived_at", draft.arrived_at.as_ref());
    let answered_at = instant("answered_at", draft.answered_at.as_ref());
    let ended_at = instant("ended_at", draft.ended_at.as_ref());
    if draft.arrived_at.is_none() {
        no("arrived_at", "REQUIRED", "give the time of arrival");
    }
    let mut millis = |field: &str, value: Option<&prost_types::Duration>| -> Option<i64> {
        let read = value.and_then(time::millis);
        if value.is_some() && read.is_none() {
            no(field, "OUT_OF_RANGE", "give a duration of at most seven days");
        }
        read
    };
    let wait_ms = millis("wait", draft.wait.as_ref());
    let talk_ms = millis("talk", draft.talk.as_ref());
    let hold_ms = millis("hold", draft.hold.as_ref());
    let wrap_ms = millis("wrap", draft.wrap.as_ref());
    let topic = Topic::parse(&draft.topic);
    if topic.is_none() && !draft.topic.is_empty() {
        no("topic", "UNKNOWN_CODE", "give a topic of the closed list");
    }
    let customer_code = match draft.customer_code.as_str() {
        "" => None,
        given => match CustomerCode::parse(given) {
            Ok(read) => Some(read),
            Err(e) => {
                no("customer_code", "MALFORMED", &e.to_string());
                None
            }
        },
    };
    let filled = |given: String| if given.is_empty() { None } else { Some(nfc(given)) };
    let contact = Contact {
        id,
        source: source.to_owned(),
        source_key: nfc(draft.source_key),
        channel: channel.unwrap_or(gridcare_domain::contact::Channel::Hotline),
        direction: direction.unwrap_or(gridcare_domain::contact::Direction::Inbound),
        arrived_at: arrived_at.unwrap_or(Timestamp::UNIX_EPOCH),
        answered_at,
        ended_at,
        outcome,
        wait_ms,
        talk_ms,
        hold_ms,
        wrap_ms,
        topic,
        customer_code,
        contact_point: filled(draft.contact_point),
        agent: filled(draft.agent),
        ticket: filled(draft.ticket),
        note: filled(draft.note),
    };
    // Rules about the order of times say nothing when there is no time of arrival.
    found.extend(check(&contact, at).into_iter().filter(|v| arrived_at.is_some() || !v.reason.contains("BEFORE")));
    if found.is_empty() { Ok(contact) } else { Err(found) }
}

fn nfc(given: String) -> String {
    if given.is_ascii() { given } else { text::nfc(&given) }
}

/// A contact on the wire.
#[must_use]
pub fn to_wire(contact: &Contact) -> ContactDraft {
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    ContactDraft {
        source_key: contact.source_key.clone(),
        channel: code::channel_to_wire(contact.channel),
        direction: code::direction_to_wire(contact.direction),
        arrived_at: Some(time::timestamp(contact.arrived_at)),
        answered_at: contact.answered_at.map(time::timestamp),
        ended_at: contact.ended_at.map(time::timestamp),
        outcome: contact.outcome.map_or(0, code::outcome_to_wire),
        wait: contact.wait_ms.map(time::duration),
        talk: contact.talk_ms.map(time::duration),
        hold: contact.hold_ms.map(time::duration),
        wrap: contact.wrap_ms.map(time::duration),
        topic: contact.topic.map_or("", Topic::code).to_owned(),
        customer_code: text(contact.customer_code.as_ref().map(CustomerCode::as_str)),
        contact_point: text(contact.contact_point.as_deref()),
        agent: text(contact.agent.as_deref()),
        ticket: text(contact.ticket.as_deref()),
        note: text(contact.note.as_deref()),
    }
}

/// A violation on the wire, for batches.
#[must_use]
pub fn violation_to_wire(violation: Violation) -> ContactViolation {
    ContactViolation { field: violation.field, reason: violation.reason.to_owned(), description: violation.description }
}
