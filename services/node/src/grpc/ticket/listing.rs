use gridcare_domain::{reference::Reference, refusal::Violation};
use gridcare_proto::{
    convert::ticket::{clocks_to_wire, entry_to_wire, to_wire},
    ticket::v1 as wire,
};
use gridcare_store::ticket::{After, Order};
use prost::Message as _;
use tonic::{Response, Status};
use uuid::Uuid;

use super::{
    super::{failed, page, refuse_if},
    reading,
};
use crate::Node;

/// A page of tickets.
pub(super) async fn list(
    node: &Node,
    body: wire::ListTicketsRequest,
) -> Result<Response<wire::ListTicketsResponse>, Status> {
    let mut found = Vec::new();
    let filter = body.filter.clone().unwrap_or_default();
    let bound = wire::ListTicketsRequest { page_token: String::new(), page_size: 0, ..body.clone() }.encode_to_vec();
    let limit = page::size(body.page_size, &mut found);
    let place = page::place::<24>(&bound, &body.page_token, &mut found);
    let order = match wire::TicketOrder::try_from(body.order) {
        Ok(wire::TicketOrder::Unspecified | wire::TicketOrder::OpenedDesc) => Order::OpenedDesc,
        Ok(wire::TicketOrder::OpenedAsc) => Order::OpenedAsc,
        Ok(wire::TicketOrder::UpdatedDesc) => Order::UpdatedDesc,
        Ok(wire::TicketOrder::DeadlineAsc) => Order::DeadlineAsc,
        Err(_) => {
            found.push(Violation::new("order", "UNKNOWN_CODE", "give an order of this version"));
            Order::OpenedDesc
        }
    };
    let query = reading::query(&filter, &mut found);
    refuse_if(found)?;
    let rules = node.rules();
    let shown = |ticket: &_| to_wire(ticket, clocks_to_wire(ticket, rules.book()), &[]);
    if let Ok(reference) = Reference::parse(&filter.words) {
        // Somebody typed a reference into the search: there is one answer, or none.
        let found = node.store.ticket_by_reference(&reference).await.map_err(|e| failed(&e))?;
        let tickets = found.iter().filter(|ticket| query.admits(ticket)).map(shown).collect();
        return Ok(Response::new(wire::ListTicketsResponse { tickets, next_page_token: String::new() }));
    }
    let after = place.map(|place| After {
        id: Uuid::from_slice(&place[..16]).unwrap_or_default(),
        key_us: i64::from_be_bytes(place[16..].try_into().unwrap_or_default()),
    });
    let mut tickets = node.store.tickets(&query, order, after, limit + 1).await.map_err(|e| failed(&e))?;
    let more = tickets.len() > limit;
    tickets.truncate(limit);
    let next_page_token = match tickets.last().filter(|_| more) {
        Some(last) => {
            let key_us = order.after(last).key_us;
            page::token(&bound, &[&last.id.as_bytes()[..], &key_us.to_be_bytes()].concat())
        }
        None => String::new(),
    };
    let tickets = tickets.iter().map(shown).collect();
    Ok(Response::new(wire::ListTicketsResponse { tickets, next_page_token }))
}

/// A page of a ticket's timeline, the newest entries first. Its token is bound to the ticket, not to the name that was given:
/// whoever reads on after that ticket was merged begins again, and misses nothing.
pub(super) async fn timeline(
    node: &Node,
    ticket: Uuid,
    limit: usize,
    token: &str,
) -> Result<Response<wire::ListTimelineResponse>, Status> {
    let mut found = Vec::new();
    let before = page::place::<16>(ticket.as_bytes(), token, &mut found).map_or(Uuid::max(), Uuid::from_bytes);
    refuse_if(found)?;
    let most = i64::try_from(limit + 1).unwrap_or(i64::MAX);
    let mut entries = node.store.timeline_before(ticket, before, most).await.map_err(|e| failed(&e))?;
    let more = entries.len() > limit;
    entries.truncate(limit);
    let next = entries.last().filter(|_| more).map(|last| page::token(ticket.as_bytes(), last.id.as_bytes()));
    let entries = entries.iter().map(entry_to_wire).collect();
    Ok(Response::new(wire::ListTimelineResponse { entries, next_page_token: next.unwrap_or_default() }))
}
