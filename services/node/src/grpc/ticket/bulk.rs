use gridcare_chassis::{id::new_id, identity::Principal};
use gridcare_domain::{
    contact::check_text,
    refusal::{Refusal, RefusalKind, Violation},
    ticket::TEXT_LIMIT,
};
use gridcare_proto::{convert::time, ticket::v1 as wire};
use gridcare_store::{
    StoreError,
    bulk::{CANCELLED, ItemResult, Operation},
    ticket::{After, Order},
    writer::Answer,
};
use prost::Message as _;
use uuid::Uuid;

use super::reading;
use crate::{BULK, Node, flows::bulk_action_runs::step_of, idempotency::request_of};

/// Tickets that a request can name.
const NAMES: usize = 10_000;
/// Tickets that a filter can find.
const FOUND: usize = 100_000;

/// What a bulk action does, or every rule that it breaks.
pub(super) fn check(body: &wire::StartBulkActionRequest, found: &mut Vec<Violation>) {
    if body.names.is_empty() == body.filter.is_none() {
        found.push(Violation::new("names", "CONTRADICTION", "give either names or a filter"));
    }
    if body.names.len() > NAMES {
        found.push(Violation::new("names", "TOO_MANY", format!("give at most {NAMES}, or a filter")));
    }
    let action = body.action.clone().unwrap_or_default();
    let of_outages = matches!(
        action.action,
        Some(
            wire::bulk_action::Action::LinkOutage(_)
                | wire::bulk_action::Action::UnlinkOutage(_)
                | wire::bulk_action::Action::AnswerRestoration(_)
        )
    );
    if of_outages {
        let cure = "tickets join and leave outages by the service of report grouping, which checks the outage";
        found.push(Violation::new("action", "NOT_BY_HAND", cure));
    } else if step_of(&action).is_none() {
        found.push(Violation::new("action", "REQUIRED", "give one action with codes of this version"));
    }
    check_text("action.author", &action.author, 200, found);
    check_text("action.reason", &action.reason, TEXT_LIMIT, found);
    match &action.action {
        Some(wire::bulk_action::Action::Team(code)) => reading::team(code, "action.team", found),
        Some(wire::bulk_action::Action::Assignee(agent)) => check_text("action.assignee", agent, 200, found),
        Some(wire::bulk_action::Action::Reply(text)) => check_text("action.reply", text, TEXT_LIMIT, found),
        _ => {}
    }
}

/// Starts an operation over the tickets that are named, or that pass the filter now.
pub(super) async fn start(node: &Node, principal: &Principal, body: &wire::StartBulkActionRequest) -> Answer {
    let request = request_of(principal, "StartBulkAction", &body.request_id, body);
    if let Some(answered) = node.store.answered(request).await? {
        return Ok(answered);
    }
    let tickets = match &body.filter {
        Some(filter) => filtered(node, filter).await?,
        None => named(node, &body.names).await?,
    };
    let tickets = match tickets {
        Ok(tickets) => tickets,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let (id, now_us) = (new_id(), node.now_us());
    let operation = Operation {
        id,
        state: gridcare_store::bulk::RUNNING,
        items: i64::try_from(tickets.len()).unwrap_or(i64::MAX),
        started_us: now_us,
        ended_us: None,
        succeeded: 0,
        refused: 0,
    };
    let response = wire::StartBulkActionResponse { operation: Some(to_wire(&operation)) }.encode_to_vec();
    let action = body.action.clone().unwrap_or_default().encode_to_vec();
    let answer = node.store.start_bulk(request, now_us, id, action, &tickets, response).await?;
    node.bus.wake(BULK);
    Ok(answer)
}

async fn named(node: &Node, names: &[String]) -> Result<Result<Vec<Uuid>, Refusal>, StoreError> {
    let mut tickets = Vec::with_capacity(names.len());
    for (i, given) in names.iter().enumerate() {
        let mut found = Vec::new();
        let field = format!("names[{i}]");
        let Some(name) = reading::name(given, &field, &mut found) else { return Ok(Err(Refusal::invalid(found))) };
        let Some(id) = node.living(&name).await? else {
            let message = format!("{field}: there is no such ticket at this node");
            return Ok(Err(Refusal::new(RefusalKind::NotFound, "NO_SUCH_TICKET", message)));
        };
        if !tickets.contains(&id) {
            tickets.push(id);
        }
    }
    Ok(Ok(tickets))
}

async fn filtered(node: &Node, filter: &wire::TicketFilter) -> Result<Result<Vec<Uuid>, Refusal>, StoreError> {
    let mut found = Vec::new();
    let query = reading::query(filter, &mut found);
    if !found.is_empty() {
        return Ok(Err(Refusal::invalid(found)));
    }
    let mut tickets: Vec<Uuid> = Vec::new();
    let mut after = None;
    loop {
        let page = node.store.tickets(&query, Order::OpenedDesc, after, 1_000).await?;
        let Some(last) = page.last() else { return Ok(Ok(tickets)) };
        after = Some(After { id: last.id, key_us: last.updated_at.as_microsecond() });
        tickets.extend(page.iter().map(|ticket| ticket.id));
        if tickets.len() > FOUND {
            let message = format!("more than {FOUND} tickets pass this filter; narrow it");
            return Ok(Err(Refusal::new(RefusalKind::Precondition, "TOO_MANY_TICKETS", message)));
        }
    }
}

/// Stops an operation; what is done stays done.
pub(super) async fn cancel(node: &Node, id: Uuid) -> Result<Option<Operation>, StoreError> {
    node.store.end_bulk(id, CANCELLED, node.now_us()).await?;
    node.store.bulk(id).await
}

pub(super) fn to_wire(operation: &Operation) -> wire::BulkOperation {
    let count = |n: i64| u64::try_from(n).unwrap_or(0);
    wire::BulkOperation {
        id: operation.id.to_string(),
        state: i32::try_from(operation.state).unwrap_or(0),
        items: count(operation.items),
        succeeded: count(operation.succeeded),
        refused: count(operation.refused),
        started_at: Some(time::micros(operation.started_us)),
        ended_at: operation.ended_us.map(time::micros),
    }
}

pub(super) fn result_to_wire(result: &ItemResult) -> wire::BulkResult {
    wire::BulkResult {
        ticket_id: result.ticket_id.to_string(),
        reason: result.reason.clone(),
        message: result.message.clone(),
    }
}
