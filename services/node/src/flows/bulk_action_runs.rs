//! Bulk actions: they survive the process that began them, and go on with the items that have no result.

use std::{error::Error, sync::Arc, time::Duration};

use futures::{StreamExt as _, stream};
use gridcare_chassis::{id::new_id, identity::Principal};
use gridcare_domain::ticket::{LinkKind, Priority, Reclassification, State, TimelineKind, Visibility};
use gridcare_proto::{convert::code, ticket::v1 as wire};
use gridcare_store::{
    StoreError,
    bulk::{DONE, ItemResult},
    lease,
};
use prost::Message as _;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    BULK, Node, SharedNode,
    flows::ticket_moves::{Move, Step},
    idempotency::request_of,
};

/// Items whose results are stored together: after a crash so many are asked for again, and answer as before.
const PAGE: i64 = 100;
/// Items under way at once; more would take the writer from those who wait for it.
const AT_ONCE: usize = 16;
/// Without a wake-up, operations are looked for this often.
const LOOK: Duration = Duration::from_secs(2);
/// How long a process that stopped is waited for.
const LEASE: Duration = Duration::from_secs(10);

/// Runs operations, each in one process at a time.
pub(crate) async fn run(node: SharedNode, shutdown: CancellationToken) {
    let holder = new_id().to_string();
    let mut wakeups = node.bus.subscribe(BULK);
    loop {
        if let Err(e) = look(&node, &holder, &shutdown).await {
            tracing::warn!(error = &e as &dyn Error, "bulk actions could not go on; trying again");
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = wakeups.changed() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

async fn look(node: &SharedNode, holder: &str, shutdown: &CancellationToken) -> Result<(), StoreError> {
    for (id, action) in node.store.running_bulks().await? {
        let Ok(action) = wire::BulkAction::decode(action.as_slice()) else {
            tracing::error!(%id, "a bulk action cannot be read; it is left alone");
            continue;
        };
        loop {
            let now = node.now_us();
            let until = now + i64::try_from(LEASE.as_micros()).unwrap_or(0);
            let leased = lease::take(node.store.db(), &format!("bulk {id}"), holder, now, until).await?;
            if leased.is_none() || shutdown.is_cancelled() {
                break;
            }
            let running =
                node.store.bulk(id).await?.is_some_and(|operation| operation.state == gridcare_store::bulk::RUNNING);
            let items = node.store.waiting_items(id, PAGE).await?;
            if !running {
                break;
            }
            if items.is_empty() {
                node.store.end_bulk(id, DONE, now).await?;
                break;
            }
            let results: Vec<Result<ItemResult, StoreError>> =
                stream::iter(items.into_iter().map(|(place, ticket)| tried(node, id, &action, place, ticket)))
                    .buffer_unordered(AT_ONCE)
                    .collect()
                    .await;
            let results = results.into_iter().collect::<Result<Vec<_>, _>>()?;
            node.store.put_results(id, &results).await?;
        }
    }
    Ok(())
}

/// Does it to one ticket. One whose rows cannot be read never can be: it fails alone, and the others do not wait for it.
async fn tried(
    node: &Node,
    operation: Uuid,
    action: &wire::BulkAction,
    place: i64,
    ticket: Uuid,
) -> Result<ItemResult, StoreError> {
    match item(node, operation, action, place, ticket).await {
        Err(e @ StoreError::Corrupt { .. }) => {
            tracing::error!(error = &e as &dyn Error, %operation, %ticket, "a ticket of a bulk action cannot be read");
            let message = format!("ticket {ticket} cannot be read; tell the operator of this node");
            Ok(ItemResult { place, ticket_id: ticket, reason: "FAILED".into(), message })
        }
        result => result,
    }
}

/// Does it to one ticket. The request id is the item's own, so that it happens once whatever happens to this process.
async fn item(
    node: &Node,
    operation: Uuid,
    action: &wire::BulkAction,
    place: i64,
    ticket: Uuid,
) -> Result<ItemResult, StoreError> {
    let done = |reason: &str, message: &str| ItemResult {
        place,
        ticket_id: ticket,
        reason: reason.to_owned(),
        message: message.to_owned(),
    };
    let living = node.store.living_ticket(ticket).await?;
    let request = request_of(&Principal::internal(), "BulkAction", &format!("{operation}/{place}"), action);
    let outage = |id: &str| Uuid::try_parse(id).unwrap_or_default();
    let special = match &action.action {
        Some(wire::bulk_action::Action::LinkOutage(id)) => {
            Some(node.join_outage(request, living, outage(id), &action.author).await?)
        }
        Some(wire::bulk_action::Action::AnswerRestoration(id)) => {
            Some(node.answer_restoration(living, outage(id), &action.author).await?)
        }
        _ => None,
    };
    if let Some(answer) = special {
        return Ok(answer.map_or_else(|refusal| done(refusal.reason, &refusal.message), |_| done("", "")));
    }
    let Some(step) = step_of(action) else { return Ok(done("UNKNOWN_ACTION", "this version knows no such action")) };
    let text = if let Some(wire::bulk_action::Action::Reply(text)) = &action.action { text } else { &action.reason };
    let what = Move { step, author: action.author.clone(), text: text.clone(), version: None };
    Ok(match node.move_living_ticket(request, living, what, Arc::new(|_, _| Vec::new())).await? {
        Ok(_) => done("", ""),
        Err(refusal) => done(refusal.reason, &refusal.message),
    })
}

/// The step that an action is; `None` for one that a newer product wrote, or for codes that are none.
pub(crate) fn step_of(action: &wire::BulkAction) -> Option<Step> {
    use wire::bulk_action::Action;
    let classify = |to: Reclassification| Some(Step::Reclassify(to));
    match action.action.as_ref()? {
        Action::State(number) => code::state_from_wire(*number).map(|state: State| Step::Become(state)),
        Action::Assignee(agent) => Some(Step::Assign(agent.clone())),
        Action::Priority(number) => {
            let priority: Priority = code::priority_from_wire(*number)?;
            classify(Reclassification { priority: Some(priority), ..Reclassification::default() })
        }
        Action::Category(category) => {
            classify(Reclassification { category: Some(category.clone()), ..Reclassification::default() })
        }
        Action::Team(team) => classify(Reclassification { team: Some(team.clone()), ..Reclassification::default() }),
        Action::UnlinkOutage(id) => Uuid::try_parse(id).ok().map(|id| Step::UndoLink(LinkKind::Outage, id)),
        // More than one step each, and none of theirs may be taken alone.
        Action::LinkOutage(_) | Action::AnswerRestoration(_) => None,
        Action::Reply(_) => Some(Step::Say(TimelineKind::Reply, Visibility::Public)),
    }
}
