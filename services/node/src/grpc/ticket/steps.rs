use gridcare_chassis::id::new_id;
use gridcare_domain::{
    contact::check_text,
    refusal::Violation,
    text,
    ticket::{Attachment, Reclassification, TimelineKind, Visibility},
};
use gridcare_proto::{convert::code, ticket::v1 as wire};
use jiff::Timestamp;
use uuid::Uuid;

use super::reading::{moment, optional, team};
use crate::flows::ticket_moves::Step;

/// Something said: a note, a reply, or a message of the customer.
pub(super) fn say(q: &wire::AddTimelineEntryRequest, found: &mut Vec<Violation>) -> Option<Step> {
    let spoken = [TimelineKind::Note, TimelineKind::Reply, TimelineKind::Message];
    let kind = code::timeline_kind_from_wire(q.kind).filter(|kind| spoken.contains(kind));
    if kind.is_none() {
        let cure = "give NOTE, REPLY or MESSAGE; the others are written by what they record";
        found.push(Violation::new("kind", "UNKNOWN_CODE", cure));
    }
    let visibility = match q.visibility {
        0 => Some(if kind == Some(TimelineKind::Note) { Visibility::Internal } else { Visibility::Public }),
        number => code::visibility_from_wire(number),
    };
    if visibility.is_none() {
        found.push(Violation::new("visibility", "UNKNOWN_CODE", "give INTERNAL or PUBLIC"));
    }
    required(&q.text, "text", "give the text of the entry", found);
    Some(Step::Say(kind?, visibility?))
}

/// What has to say something.
pub(super) fn required(given: &str, field: &str, cure: &str, found: &mut Vec<Violation>) {
    if given.trim().is_empty() {
        found.push(Violation::new(field, "REQUIRED", cure));
    }
}

/// Whoever gets it.
pub(super) fn person(given: &str, field: &str, found: &mut Vec<Violation>) -> String {
    check_text(field, given, 200, found);
    required(given, field, "give who is to work on it", found);
    text::nfc(given)
}

pub(super) fn reclassify(q: &wire::ReclassifyTicketRequest, found: &mut Vec<Violation>) -> Step {
    team(&q.team, "team", found);
    let filled = |given: &String| (!given.is_empty()).then(|| given.clone());
    let to = Reclassification {
        category: filled(&q.category),
        priority: optional("priority", q.priority, code::priority_from_wire, found),
        locality: optional("locality", q.locality, code::locality_from_wire, found),
        team: filled(&q.team),
        event_at: moment("event_at", q.event_at.as_ref(), found),
    };
    if to == Reclassification::default() {
        let cure = "give at least one of category, priority, locality, team and event_at";
        found.push(Violation::new("category", "REQUIRED", cure));
    }
    Step::Reclassify(to)
}

pub(super) fn rate(score: i32, found: &mut Vec<Violation>) -> Step {
    if !(1..=5).contains(&score) {
        found.push(Violation::new("score", "OUT_OF_RANGE", "give 1 (very dissatisfied) to 5 (very satisfied)"));
    }
    Step::Rate(i64::from(score))
}

pub(super) fn link(q: &wire::LinkTicketRequest, found: &mut Vec<Violation>) -> Option<Step> {
    let kind = code::link_kind_from_wire(q.kind);
    if kind.is_none() {
        found.push(Violation::new("kind", "UNKNOWN_CODE", "give CONTACT or OUTAGE"));
    }
    let target = uuid(&q.target, "target", found);
    Some(if q.remove { Step::Unlink(kind?, target?) } else { Step::Link(kind?, target?) })
}

pub(super) fn attach(q: &wire::AttachToTicketRequest, found: &mut Vec<Violation>) -> Step {
    let given = q.attachment.clone().unwrap_or_default();
    let file = Attachment {
        id: new_id(),
        uri: given.uri,
        file_name: text::nfc(&given.file_name),
        media_type: given.media_type,
        size_bytes: given.size_bytes,
        sha256: given.sha256,
        // When it is written down.
        at: Timestamp::UNIX_EPOCH,
    };
    found.extend(file.check("attachment."));
    Step::Attach(file)
}

/// A UUID of a field.
pub(super) fn uuid(given: &str, field: &str, found: &mut Vec<Violation>) -> Option<Uuid> {
    let read = Uuid::try_parse(given).ok();
    if read.is_none() {
        found.push(Violation::new(field, "MALFORMED", "give a uuid"));
    }
    read
}
