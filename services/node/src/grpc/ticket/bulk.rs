use gridcare_chassis::{id::new_id, identity::Principal};
use gridcare_domain::{
    contact::check_text,
    refusal::{Refusal, RefusalKind, Violation},
    text,
    ticket::TEXT_LIMIT,
};
use gridcare_proto::{
    convert::time,
    ticket::v1::{self as wire, bulk_action::Action},
};
use gridcare_store::{
    StoreError,
    bulk::{CANCELLED, ItemResult, Operation},
    ticket::{After, Order},
    writer::Answer,
};
use prost::Message as _;
use uuid::Uuid;

use super::{reading, steps};
use crate::{BULK, Node, flows::bulk_action_runs::step_of, idempotency::request_of};

/// Tickets that a request can name.
const NAMES: usize = 10_000;
/// Tickets that a filter can find.
const FOUND: usize = 100_000;

/// What a bulk action does, as it is stored, and every rule that it breaks: what one ticket would refuse, many do too.
pub(super) fn read(body: &wire::StartBulkActionRequest, found: &mut Vec<Violation>) -> wire::BulkAction {
    if body.names.is_empty() == body.filter.is_none() {
        found.push(Violation::new("names", "CONTRADICTION", "give either names or a filter"));
    }
    if body.names.len() > NAMES {
        found.push(Violation::new("names", "TOO_MANY", format!("give at most {NAMES}, or a filter")));
    }
    let mut action = body.action.clone().unwrap_or_default();
    let of_outages =
        matches!(action.action, Some(Action::LinkOutage(_) | Action::UnlinkOutage(_) | Action::AnswerRestoration(_)));
    if of_outages {
        let cure = "tickets join and leave outages by the service of report grouping, which checks the outage";
        found.push(Violation::new("action", "NOT_BY_HAND", cure));
    } else if step_of(&action).is_none() {
        found.push(Violation::new("action", "REQUIRED", "give one action with codes of this version"));
    }
    check_text("action.author", &action.author, 200, found);
    check_text("action.reason", &action.reason, TEXT_LIMIT, found);
    action.author = text::nfc(&action.author);
    action.reason = text::nfc(&action.reason);
    match &mut action.action {
        Some(Action::Assignee(agent)) => *agent = steps::person(agent, "action.assignee", found),
        Some(Action::Category(code)) => steps::required(code, "action.category", "give a category", found),
        Some(Action::Team(code)) => {
            steps::required(code, "action.team", "give a team", found);
            reading::team(code, "action.team", found);
        }
        Some(Action::Reply(reply)) => {
            check_text("action.reply", reply, TEXT_LIMIT, found);
            steps::required(reply, "action.reply", "give the text of the reply", found);
            *reply = text::nfc(reply);
        }
        _ => {}
    }
    action
}

/// Starts an operation over the tickets that are named, or that pass the filter now.
pub(super) async fn start(
    node: &Node,
    principal: &Principal,
    body: &wire::StartBulkActionRequest,
    action: &wire::BulkAction,
) -> Answer {
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
    let answer = node.store.start_bulk(request, now_us, id, action.encode_to_vec(), &tickets, response).await?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read_one(action: Action) -> (wire::BulkAction, Vec<(String, &'static str)>) {
        let body = wire::StartBulkActionRequest {
            names: vec!["HCMC-1".into()],
            action: Some(wire::BulkAction {
                action: Some(action),
                author: "Hoa\u{300}".into(),
                reason: "Ma\u{302}\u{301}t".into(),
            }),
            ..Default::default()
        };
        let mut found = Vec::new();
        let action = read(&body, &mut found);
        (action, found.into_iter().map(|violation| (violation.field, violation.reason)).collect())
    }

    #[test]
    fn what_one_ticket_refuses_is_refused_of_many() {
        for (action, field) in [
            (Action::Assignee(String::new()), "action.assignee"),
            (Action::Assignee(" ".into()), "action.assignee"),
            (Action::Category(String::new()), "action.category"),
            (Action::Team(String::new()), "action.team"),
            (Action::Reply("\n".into()), "action.reply"),
        ] {
            assert_eq!(read_one(action).1, [(field.to_owned(), "REQUIRED")]);
        }
    }

    #[test]
    fn what_people_write_is_kept_in_composed_letters() {
        let (action, found) = read_one(Action::Assignee("Hoa\u{300}".into()));
        assert_eq!((action.action, found), (Some(Action::Assignee("Ho\u{e0}".into())), vec![]));
        assert_eq!((action.author.as_str(), action.reason.as_str()), ("Ho\u{e0}", "M\u{1ea5}t"));
        let (action, _) = read_one(Action::Reply("Hoa\u{300}".into()));
        assert_eq!(action.action, Some(Action::Reply("Ho\u{e0}".into())));
    }
}
