use gridcare_domain::{
    customer_code::CustomerCode,
    ticket::{Ticket, TimelineEntry},
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

/// A ticket on the wire, with these entries of its timeline.
#[must_use]
pub fn to_wire(ticket: &Ticket, timeline: &[TimelineEntry]) -> wire::Ticket {
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
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
        ..wire::Ticket::default()
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
