use gridcare_domain::{
    clock::{ClockState, Phase, RuleBook},
    customer_code::CustomerCode,
    ticket::{Attachment, Ticket, TimelineEntry},
};

use crate::{
    convert::{code, time},
    ticket::v1 as wire,
};

/// The compare-and-set token of a version.
#[must_use]
pub fn etag(version: i64) -> String {
    format!("v{version}")
}

/// A ticket on the wire, with these clocks and these entries of its timeline.
#[must_use]
pub fn to_wire(ticket: &Ticket, clocks: Vec<wire::Clock>, timeline: &[TimelineEntry]) -> wire::Ticket {
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let id = |id: Option<uuid::Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
    wire::Ticket {
        id: ticket.id.to_string(),
        reference: ticket.reference.to_string(),
        etag: etag(ticket.version),
        state: code::state_to_wire(ticket.state),
        priority: code::priority_to_wire(ticket.priority),
        topic: ticket.topic.code().to_owned(),
        channel: ticket.channel.code().to_owned(),
        subject: ticket.subject.clone(),
        description: ticket.description.clone(),
        customer_code: text(ticket.customer_code.as_ref().map(CustomerCode::as_str)),
        requester_name: text(ticket.requester_name.as_deref()),
        requester_contact_point: text(ticket.requester_contact_point.as_deref()),
        province: text(ticket.province.as_deref()),
        assignee: text(ticket.assignee.as_deref()),
        opened_at: Some(time::timestamp(ticket.opened_at)),
        updated_at: Some(time::timestamp(ticket.updated_at)),
        resolved_at: ticket.resolved_at.map(time::timestamp),
        closed_at: ticket.closed_at.map(time::timestamp),
        timeline: timeline.iter().map(entry_to_wire).collect(),
        category: ticket.category.clone(),
        locality: ticket.locality.map_or(0, code::locality_to_wire),
        team: text(ticket.team.as_deref()),
        standard: ticket.standard.clone(),
        clocks,
        deadline: ticket.deadline_us.map(time::micros),
        event_at: ticket.event_at.map(time::timestamp),
        first_response_at: ticket.first_response_at.map(time::timestamp),
        parent_id: id(ticket.parent),
        merged_into_id: id(ticket.merged_into),
        satisfaction: ticket.satisfaction.and_then(|score| i32::try_from(score).ok()).unwrap_or(0),
        rated_at: ticket.rated_at.map(time::timestamp),
        repetition: ticket.repetition.map_or(0, code::repetition_to_wire),
        watchers: Vec::new(),
        links: Vec::new(),
        attachments: Vec::new(),
        child_ids: Vec::new(),
    }
}

/// The clocks of a ticket on the wire.
#[must_use]
pub fn clocks_to_wire(ticket: &Ticket, book: &dyn RuleBook) -> Vec<wire::Clock> {
    ticket.clocks.states(book).into_iter().map(clock_to_wire).collect()
}

fn clock_to_wire(state: ClockState) -> wire::Clock {
    // Of a clock that pauses nobody knows when it will run out.
    let deadline = state.deadline_us.filter(|_| !matches!(state.phase, Phase::Paused | Phase::Resting));
    wire::Clock {
        target: state.target,
        kind: code::clock_kind_to_wire(state.kind),
        rule: state.rule.0,
        started_at: Some(time::micros(state.started_us)),
        deadline: deadline.map(time::micros),
        stopped_at: state.stopped_us.map(time::micros),
        breached_at: state.breached_us.map(time::micros),
        phase: code::clock_phase_to_wire(state.phase),
    }
}

/// An attachment on the wire.
#[must_use]
pub fn attachment_to_wire(file: &Attachment) -> wire::Attachment {
    wire::Attachment {
        id: file.id.to_string(),
        uri: file.uri.clone(),
        file_name: file.file_name.clone(),
        media_type: file.media_type.clone(),
        size_bytes: file.size_bytes,
        sha256: file.sha256.clone(),
        at: Some(time::timestamp(file.at)),
    }
}

/// An entry of a timeline on the wire.
#[must_use]
pub fn entry_to_wire(entry: &TimelineEntry) -> wire::TimelineEntry {
    wire::TimelineEntry {
        id: entry.id.to_string(),
        at: Some(time::timestamp(entry.at)),
        kind: code::timeline_kind_to_wire(entry.kind),
        visibility: code::visibility_to_wire(entry.visibility),
        author: entry.author.clone(),
        text: entry.text.clone(),
        state: entry.state.map_or(0, code::state_to_wire),
    }
}
