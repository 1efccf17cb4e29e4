//! Federated tickets and entries between the wire and the read model. What a node sends is checked: the country's
//! database must hold no free text, whatever a node does.

mod notice;

use gridcare_domain::{acknowledgement::Acknowledgement, report::ClockFact};
use gridcare_proto::{
    convert::{code, feed, metric, outage::course_from_wire, report, standard, time},
    federation::v1::{self as wire, federated_claim, feed_entry::Change},
};
use gridcare_store::gateway::{FederatedOutage, FederatedTicket, NationalChange};
use jiff::Timestamp;
use prost::Message as _;
use uuid::Uuid;

/// The state that an entry of this node carries; `None` for a kind that a newer product knows and we do not.
pub(crate) fn change_from_wire(node: &str, entry: &wire::FeedEntry) -> Result<Option<NationalChange>, String> {
    Ok(match &entry.change {
        None => None,
        Some(Change::Notice(told)) => {
            let committed = entry.committed_at.as_ref().and_then(time::instant);
            Some(NationalChange::Notice(notice::notice_from_wire(told, committed.map(Timestamp::as_microsecond))?))
        }
        Some(Change::NoticeProgress(told)) => {
            Some(NationalChange::NoticeProgress(notice::progress_from_wire(node, told)?))
        }
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
        Some(Change::CustomersServed(served)) => {
            let (served, version) = feed::served_from_wire(served)?;
            Some(NationalChange::Served(served, version))
        }
        Some(Change::Outage(outage)) => Some(NationalChange::Outage(outage_from_wire(outage)?)),
        Some(Change::Standard(said)) => Some(NationalChange::Standard(said_from_wire(said)?)),
    })
}

fn said_from_wire(said: &wire::StandardAcknowledgement) -> Result<Acknowledgement, String> {
    let said = standard::acknowledgement_from_wire(said)?;
    word("standard", &said.standard)?;
    if said.digest.len() != 64 || !said.digest.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err("digest is no SHA-256".to_owned());
    }
    let stable = |reason: &String| {
        (1..=64).contains(&reason.len())
            && reason.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    };
    if said.reasons.len() > 64 || !said.reasons.iter().all(stable) {
        return Err("reasons are no stable reasons".to_owned());
    }
    Ok(said)
}

fn outage_from_wire(outage: &wire::FederatedOutage) -> Result<FederatedOutage, String> {
    let missing = |what: &str| format!("an outage has no {what}");
    let at = |at: &Option<prost_types::Timestamp>| at.as_ref().and_then(time::instant).map(Timestamp::as_microsecond);
    word("cause", &outage.cause)?;
    id("parent_id", &outage.parent_id)?;
    for area in &outage.areas {
        for (field, text) in [
            ("province", &area.province),
            ("area_code", &area.area_code),
            ("feeder", &area.feeder),
            ("transformer", &area.transformer),
        ] {
            word(field, text)?;
        }
    }
    for claim in &outage.claims {
        if let Some(federated_claim::Fact::Cause(cause)) = &claim.fact {
            word("cause", cause)?;
        }
    }
    course_from_wire(outage)?;
    let begins_us = at(&outage.begins_at).ok_or_else(|| missing("begins_at"))?;
    let cancelled = outage.plan.as_ref().is_some_and(|plan| plan.cancelled);
    Ok(FederatedOutage {
        id: Uuid::parse_str(&outage.id).map_err(|_| missing("valid id"))?,
        version: i64::try_from(outage.version).map_err(|_| missing("version below 2^63"))?,
        kind: code::outage_kind_from_wire(outage.kind).ok_or_else(|| missing("known kind"))?,
        begins_us,
        ended_us: if cancelled { Some(begins_us) } else { at(&outage.ended_at) },
        state: outage.encode_to_vec(),
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
        category: word("category", &ticket.category)?,
        team: word("team", &ticket.team)?,
        standard: word("standard", &ticket.standard)?,
        clocks: ticket.clocks.iter().map(known_clock).collect::<Result<_, _>>()?,
        first_response_at: at(&ticket.first_response_at),
        parent_id: id("parent_id", &ticket.parent_id)?,
        merged_into_id: id("merged_into_id", &ticket.merged_into_id)?,
        satisfaction: i64::from(ticket.satisfaction).clamp(0, 5),
        rated_at: at(&ticket.rated_at),
        repetition: ticket.repetition.into(),
        locality: ticket.locality.into(),
    })
}

/// A clock whose codes are codes.
fn known_clock(clock: &gridcare_proto::ticket::v1::Clock) -> Result<ClockFact, String> {
    word("target", &clock.target)?;
    word("rule", &clock.rule)?;
    report::clock_from_wire(clock)
}

/// The id of another ticket, or none.
fn id(field: &str, text: &str) -> Result<Option<Uuid>, String> {
    let none = text.is_empty();
    let read = (!none).then(|| Uuid::parse_str(text)).transpose();
    read.map_err(|_| format!("{field} is not an id"))
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
        category: ticket.category,
        team: ticket.team,
        standard: ticket.standard,
        clocks: ticket.clocks.iter().map(report::clock_to_wire).collect(),
        first_response_at: ticket.first_response_at.map(time::timestamp),
        parent_id: ticket.parent_id.map(|id| id.to_string()).unwrap_or_default(),
        merged_into_id: ticket.merged_into_id.map(|id| id.to_string()).unwrap_or_default(),
        satisfaction: i32::try_from(ticket.satisfaction).unwrap_or(0),
        rated_at: ticket.rated_at.map(time::timestamp),
        repetition: i32::try_from(ticket.repetition).unwrap_or(0),
        locality: i32::try_from(ticket.locality).unwrap_or(0),
    }
}
