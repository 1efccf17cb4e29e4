//! Open clocks under another standard: page after page, while writes go on. What somebody touches meanwhile comes under it by
//! that touch.

use std::{sync::Arc, time::Duration};

use futures::future::try_join_all;
use gridcare_chassis::id::new_id;
use gridcare_domain::{
    standard::Standard,
    ticket::{State, Ticket, rebase},
};
use gridcare_proto::convert::{feed::ticket_change, ticket::clocks_to_wire};
use gridcare_store::{StoreError, due::Walk};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{Node, rules::Rules};

/// Tickets of one transaction: its locks are short, and its cost is spread.
const PAGE: i64 = 1_000;
/// Pages under way at once: while the database writes one, the next is read and decided.
const LANES: usize = 3;
/// Within this all processes of a node have seen a change of the standard.
const GRACE: Duration = Duration::from_secs(2);
/// Every state in which clocks go on.
const OPEN: [State; 6] =
    [State::New, State::Assigned, State::InProgress, State::WaitingCustomer, State::WaitingThirdParty, State::Reopened];

/// Puts all open tickets under this standard. Whoever calls it holds the lease under which one process does it.
pub(crate) async fn rebase_all(node: &Node, standard: &Arc<Standard>) -> Result<(), StoreError> {
    let rules = Rules { standard: standard.clone(), ..node.rules() };
    let (began, switched) = (tokio::time::Instant::now(), node.now());
    let changed = pass(node, &rules, Uuid::nil()).await?;
    let seconds = began.elapsed().as_secs_f64();
    tracing::info!(standard = standard.version(), changed, seconds, "open clocks are rebased");
    // Another process may have opened tickets under the old version until it saw the new one.
    tokio::time::sleep_until(began + GRACE).await;
    pass(node, &rules, first_id_of(switched)).await.map(drop)
}

/// The least id of what was opened within a grace before this instant.
fn first_id_of(at: Timestamp) -> Uuid {
    let ms =
        u64::try_from(at.as_millisecond()).unwrap_or(0).saturating_sub(u64::try_from(GRACE.as_millis()).unwrap_or(0));
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&ms.to_be_bytes()[2..]);
    Uuid::from_bytes(bytes)
}

/// Rebases open tickets after an id; returns how many changed.
async fn pass(node: &Node, rules: &Rules, from: Uuid) -> Result<usize, StoreError> {
    let mut changed = 0;
    for state in OPEN {
        let walk = Walk::new(state, from);
        let lanes = (0..LANES).map(|_| lane(node, rules, &walk));
        changed += try_join_all(lanes).await?.into_iter().sum::<usize>();
    }
    Ok(changed)
}

/// Page after page of a walk.
async fn lane(node: &Node, rules: &Rules, walk: &Walk) -> Result<usize, StoreError> {
    let mut changed = 0;
    loop {
        let now = node.now();
        let decide = |ticket: &Ticket| {
            let next = rebase(ticket, rules.governance(), now)?;
            let clocks = clocks_to_wire(&next, rules.book());
            let change = ticket_change(&next, clocks, rules.leaving(&node.pseudonym_key));
            Some((next, change))
        };
        let step = node.store.rebase(walk, PAGE, now.as_microsecond(), new_id(), decide).await?;
        changed += step.changed;
        if step.seen == 0 {
            return Ok(changed);
        }
    }
}
