use gridcare_proto::federation::v1 as wire;
use gridcare_store::gateway::{NationalTicketQuery, TicketAfter};
use prost::Message as _;
use tonic::Status;

use super::{Parts, check, failed, page, refuse_if};
use crate::{flows::metric_merges::completeness, wire::ticket_to_wire};

pub(super) async fn list(
    parts: &Parts,
    request: &wire::ListNationalTicketsRequest,
) -> Result<wire::ListNationalTicketsResponse, Status> {
    let mut found = Vec::new();
    let regions = check::regions(&request.regions, &parts.country, &mut found);
    let states = check::states(&request.states, &mut found);
    let topics = check::topics(&request.topics, &mut found);
    let limit = page::size(request.page_size, &mut found);
    let filter = wire::ListNationalTicketsRequest { page_size: 0, page_token: String::new(), ..request.clone() };
    let filter = filter.encode_to_vec();
    let after = page::after(&filter, &request.page_token, &mut found);
    refuse_if(found)?;

    let now = parts.clock.now();
    let mut members = parts.members(now).await.map_err(|e| failed(&e))?;
    members.retain(|member| regions.is_empty() || regions.contains(&member.seat.region.as_str()));
    // Everything, by one index, unless something is to be left out, be it a member that is no longer configured.
    let all = regions.is_empty() && parts.store.members().await.map_err(|e| failed(&e))?.len() == members.len();
    let nodes: Vec<_> = members.iter().map(|member| member.seat.node.clone()).collect();
    let region_of = |node: &str| members.iter().find(|member| member.seat.node == node).map(|m| m.seat.region.clone());
    let mut tickets = if nodes.is_empty() {
        Vec::new()
    } else {
        let query = NationalTicketQuery { nodes: if all { Vec::new() } else { nodes.clone() }, states, topics };
        parts.store.national_tickets(&query, after.as_ref(), limit + 1).await.map_err(|e| failed(&e))?
    };
    let more = tickets.len() > limit;
    tickets.truncate(limit);
    let next_page_token = tickets
        .last()
        .filter(|_| more)
        .map(|last| page::ticket_token(&filter, &TicketAfter { id: last.ticket.id, node: last.node.clone() }));
    let tickets = tickets.into_iter().map(|found| wire::NationalTicket {
        region: region_of(&found.node).unwrap_or_default(),
        node: found.node,
        ticket: Some(ticket_to_wire(found.ticket)),
    });
    Ok(wire::ListNationalTicketsResponse {
        tickets: tickets.collect(),
        next_page_token: next_page_token.unwrap_or_default(),
        completeness: Some(completeness(&members, now)),
    })
}
