use gridcare_domain::{
    capability::Capability,
    customer_code::{CustomerCode, Subject, pseudonym},
    feed::{Change, Cursor, Entry, Kind},
    metric::Bucket,
    reliability::Served,
    report::day::{date_of, number_of},
    ticket::{Governance, Ticket},
};
use jiff::civil::Date;
use prost::Message as _;
use uuid::Uuid;

use crate::{
    convert::{code, metric, standard::narrow, time},
    federation::v1 as wire,
    federation::v1::feed_entry,
    metric::v1::MetricBucket,
    ticket::v1::Clock,
};

/// A cursor of this node on the wire.
#[must_use]
pub fn cursor_to_wire(node: &str, cursor: &Cursor) -> wire::FeedCursor {
    wire::FeedCursor {
        node: node.to_owned(),
        incarnation: cursor.incarnation.to_string(),
        position: u64::try_from(cursor.position).unwrap_or(0),
        batch_id: cursor.batch_id.map(|id| id.to_string()).unwrap_or_default(),
    }
}

/// A cursor from the wire. An incarnation may be empty at position 0.
pub fn cursor_from_wire(cursor: &wire::FeedCursor) -> Result<Cursor, String> {
    let position = i64::try_from(cursor.position).map_err(|_| "the position is beyond 2^63")?;
    let uuid = |text: &str, what: &str| Uuid::parse_str(text).map_err(|_| format!("{what} is not a uuid"));
    let incarnation = match cursor.incarnation.as_str() {
        "" if position == 0 => Uuid::nil(),
        text => uuid(text, "incarnation")?,
    };
    let batch_id = match cursor.batch_id.as_str() {
        "" if position == 0 => None,
        text => Some(uuid(text, "batch_id")?),
    };
    Ok(Cursor { incarnation, position, batch_id })
}

/// A capability on the wire.
#[must_use]
pub fn capability_to_wire(capability: &Capability, version: i64) -> wire::Capability {
    wire::Capability {
        channel: code::channel_to_wire(capability.channel),
        metric: capability.metric.clone(),
        offered_from: capability.offered_from.map(time::timestamp),
        reported_from: capability.reported_from.map(time::timestamp),
        reported_through: capability.reported_through.map(time::timestamp),
        version: u64::try_from(version).unwrap_or(0),
    }
}

/// A capability from the wire, with its version.
pub fn capability_from_wire(capability: &wire::Capability) -> Result<(Capability, i64), String> {
    let version = i64::try_from(capability.version).map_err(|_| "the version is beyond 2^63")?;
    let at = |at: &Option<prost_types::Timestamp>| at.as_ref().and_then(time::instant);
    let read = Capability {
        channel: code::channel_from_wire(capability.channel).ok_or("a capability has no known channel")?,
        metric: capability.metric.clone(),
        offered_from: at(&capability.offered_from),
        reported_from: at(&capability.reported_from),
        reported_through: at(&capability.reported_through),
    };
    Ok((read, version))
}

/// What decides how a ticket leaves its node.
#[derive(Clone, Copy)]
pub struct Leaving<'a> {
    /// The node's own key, under which people become pseudonyms.
    pub key: &'a [u8; 32],
    /// Says what may leave.
    pub governance: Governance<'a>,
}

/// What the country may know of a ticket: no free text; customers and agents as pseudonyms under the node's key; and of the
/// rest what the standard lets go.
#[must_use]
pub fn federated_ticket(ticket: &Ticket, clocks: Vec<Clock>, leaving: Leaving<'_>) -> wire::FederatedTicket {
    narrow(federated_whole(ticket, clocks, leaving.key), leaving.governance.standard)
}

/// The same with everything that the product ever federates; for a node's own figures.
#[must_use]
pub fn federated_whole(ticket: &Ticket, clocks: Vec<Clock>, key: &[u8; 32]) -> wire::FederatedTicket {
    let id = |id: Option<uuid::Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
    // An erased customer has none: the country forgets that these tickets are one person's.
    let known = ticket.customer_code.as_ref().filter(|code| !code.is_pseudonym());
    let customer = known.map(|code: &CustomerCode| pseudonym(Subject::Customer, code.as_str(), key));
    let assignee = ticket.assignee.as_ref().map(|who| pseudonym(Subject::Agent, who, key));
    wire::FederatedTicket {
        id: ticket.id.to_string(),
        reference: ticket.reference.to_string(),
        version: u64::try_from(ticket.version).unwrap_or(0),
        state: code::state_to_wire(ticket.state),
        priority: code::priority_to_wire(ticket.priority),
        topic: ticket.topic.code().to_owned(),
        channel: ticket.channel.code().to_owned(),
        province: ticket.province.clone().unwrap_or_default(),
        customer_pseudonym: customer.unwrap_or_default(),
        assignee_pseudonym: assignee.unwrap_or_default(),
        opened_at: Some(time::timestamp(ticket.opened_at)),
        updated_at: Some(time::timestamp(ticket.updated_at)),
        resolved_at: ticket.resolved_at.map(time::timestamp),
        closed_at: ticket.closed_at.map(time::timestamp),
        category: ticket.category.clone(),
        team: ticket.team.clone().unwrap_or_default(),
        standard: ticket.standard.clone(),
        clocks,
        first_response_at: ticket.first_response_at.map(time::timestamp),
        parent_id: id(ticket.parent),
        merged_into_id: id(ticket.merged_into),
        satisfaction: ticket.satisfaction.and_then(|n| i32::try_from(n).ok()).unwrap_or(0),
        rated_at: ticket.rated_at.map(time::timestamp),
        repetition: ticket.repetition.map_or(0, code::repetition_to_wire),
        locality: ticket.locality.map_or(0, code::locality_to_wire),
    }
}

/// The feed's change of a ticket with these clocks.
#[must_use]
pub fn ticket_change(ticket: &Ticket, clocks: Vec<Clock>, leaving: Leaving<'_>) -> Change {
    let payload = federated_ticket(ticket, clocks, leaving).encode_to_vec();
    Change { kind: Kind::Ticket, key: ticket.id.to_string(), version: ticket.version, payload }
}

/// The feed's change of a bucket.
#[must_use]
pub fn bucket_change(bucket: &Bucket) -> Change {
    let key = format!("{}/{}/{}", bucket.key.channel, bucket.key.direction, bucket.key.start_us);
    let payload = metric::bucket_to_wire(bucket).encode_to_vec();
    Change { kind: Kind::MetricBucket, key, version: bucket.revision, payload }
}

/// The feed's change of a capability.
#[must_use]
pub fn capability_change(capability: &Capability, version: i64) -> Change {
    let key = format!("{}/{}", capability.channel, capability.metric);
    let payload = capability_to_wire(capability, version).encode_to_vec();
    Change { kind: Kind::Capability, key, version, payload }
}

/// The feed's change of how many are served since a day.
#[must_use]
pub fn served_change(served: Served, version: i64) -> Change {
    let from = date_of(served.from).to_string();
    let version_told = u64::try_from(version).unwrap_or(0);
    let told =
        wire::FederatedCustomersServed { from: from.clone(), customers: served.customers, version: version_told };
    Change { kind: Kind::CustomersServed, key: from, version, payload: told.encode_to_vec() }
}

/// How many a member serves since a day, with the version of that.
pub fn served_from_wire(served: &wire::FederatedCustomersServed) -> Result<(Served, i64), String> {
    let from: Date = served.from.parse().map_err(|_| "a day of customers served is no date")?;
    let version = i64::try_from(served.version).map_err(|_| "the version is beyond 2^63")?;
    Ok((Served { from: number_of(from), customers: served.customers }, version))
}

/// A stored change as an entry's content; an error means that the row is not what this product writes.
pub fn change_to_wire(change: &Change) -> Result<feed_entry::Change, prost::DecodeError> {
    let payload = change.payload.as_slice();
    Ok(match change.kind {
        Kind::Ticket => feed_entry::Change::Ticket(wire::FederatedTicket::decode(payload)?),
        Kind::MetricBucket => feed_entry::Change::MetricBucket(MetricBucket::decode(payload)?),
        Kind::Capability => feed_entry::Change::Capability(wire::Capability::decode(payload)?),
        Kind::Outage => feed_entry::Change::Outage(wire::FederatedOutage::decode(payload)?),
        Kind::Notice => feed_entry::Change::Notice(wire::FederatedNotice::decode(payload)?),
        Kind::NoticeProgress => feed_entry::Change::NoticeProgress(wire::FederatedNoticeProgress::decode(payload)?),
        Kind::CustomersServed => feed_entry::Change::CustomersServed(wire::FederatedCustomersServed::decode(payload)?),
        Kind::Standard => feed_entry::Change::Standard(wire::StandardAcknowledgement::decode(payload)?),
    })
}

/// A stored entry on the wire.
pub fn entry_to_wire(entry: &Entry) -> Result<wire::FeedEntry, prost::DecodeError> {
    Ok(wire::FeedEntry {
        position: u64::try_from(entry.position).unwrap_or(0),
        batch_id: entry.batch_id.to_string(),
        committed_at: Some(time::micros(entry.committed_us)),
        change: Some(change_to_wire(&entry.change)?),
    })
}
