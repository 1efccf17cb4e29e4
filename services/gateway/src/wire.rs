//! Federated tickets and entries between the wire and the read model. What a node sends is checked: the country's
//! database must hold no free text, whatever a node does.

use gridcare_proto::{
    convert::{code, feed, metric, time},
    federation::v1::{self as wire, feed_entry::Change},
};
use gridcare_store::gateway::{FederatedTicket, NationalChange};
use uuid::Uuid;

/// The state that an entry carries; `None` for a kind that a newer product knows and we do not.
pub(crate) fn change_from_wire(entry: &wire::FeedEntry) -> Result<Option<NationalChange>, String> {
    Ok(match &entry.change {
        None => None,
        Some(Change::Ticket(ticket)) => Some(NationalChange::Ticket(ticket_from_wire(ticket)?)),
        Some(Change::MetricBucket(bucket)) => {
            let bucket = metric::bucket_from_wire(bucket)?;
            word("definition", &bucket.definition)?;
            word("key_id", bucket.sketches.customers.key_id())?;
            Some(NationalChange::Bucket(bucket))
        }
        Some(Change::Capability(capability)) => {
            let (capability, version) = feed::capability_from_wire(capability)?;
            word("metric", &capability.metric)?;
            Some(NationalChange::Capability(capability, version))
        }
        Some(Change::Standard(_)) => None,
    })
}

fn ticket_from_wire(ticket: &wire::FederatedTicket) -> Result<FederatedTicket, String> {
    let at = |at: &Option<prost_types::Timestamp>| at.as_ref().and_then(time::instant);
    let missing = |what: &str| format!("a ticket has no {what}");
    Ok(FederatedTicket {
        id: Uuid::parse_str(&ticket.id).map_err(|_| missing("valid id"))?,
        reference: word("reference", &ticket.reference)?,
        version: i64::try_from(ticket.version).map_err(|_| missing("version below 2^63"))?,
        state: code::state_from_wire(ticket.state).ok_or_else(|| missing("known state"))?,
        priority: code::priority_from_wire(ticket.priority).ok_or_else(|| missing("known priority"))?,
        topic: word("topic", &ticket.topic)?,
        channel: word("channel", &ticket.channel)?,
        province: word("province", &ticket.province)?,
        customer_pseudonym: word("customer_pseudonym", &ticket.customer_pseudonym)?,
        assignee_pseudonym: word("assignee_pseudonym", &ticket.assignee_pseudonym)?,
        opened_at: at(&ticket.opened_at).ok_or_else(|| missing("opened_at"))?,
        updated_at: at(&ticket.updated_at).ok_or_else(|| missing("updated_at"))?,
        resolved_at: at(&ticket.resolved_at),
        closed_at: at(&ticket.closed_at),
    })
}

/// A code or an opaque id: no spaces, nothing outside ASCII, short.
fn word(field: &str, text: &str) -> Result<String, String> {
    let plain = text.len() <= 96 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./:+=".contains(&b));
    if plain { Ok(text.to_owned()) } else { Err(format!("{field} is neither a code nor an opaque id")) }
}

/// A ticket on the wire.
pub(crate) fn ticket_to_wire(ticket: FederatedTicket) -> wire::FederatedTicket {
    wire::FederatedTicket {
        id: ticket.id.to_string(),
        reference: ticket.reference,
        version: u64::try_from(ticket.version).unwrap_or(0),
        state: code::state_to_wire(ticket.state),
        priority: code::priority_to_wire(ticket.priority),
        topic: ticket.topic,
        channel: ticket.channel,
        province: ticket.province,
        customer_pseudonym: ticket.customer_pseudonym,
        assignee_pseudonym: ticket.assignee_pseudonym,
        opened_at: Some(time::timestamp(ticket.opened_at)),
        updated_at: Some(time::timestamp(ticket.updated_at)),
        resolved_at: ticket.resolved_at.map(time::timestamp),
        closed_at: ticket.closed_at.map(time::timestamp),
        ..wire::FederatedTicket::default()
    }
}
