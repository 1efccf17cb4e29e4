//! Open clocks under another standard: page after page, while writes go on. What somebody touches meanwhile comes under it by
//! that touch.

use std::{error::Error, time::Duration};

use gridcare_chassis::id::new_id;
use gridcare_domain::ticket::{State, Ticket, rebase};
use gridcare_proto::convert::{feed::ticket_change, ticket::clocks_to_wire};
use gridcare_store::{StoreError, lease};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{SharedNode, rules::Rules};

/// Tickets of one transaction: its locks are short, and its cost is spread.
const PAGE: i64 = 1_000;
/// How often a change of the standard is looked for.
const LOOK: Duration = Duration::from_millis(500);
/// How long a process that stopped in the middle is waited for.
const LEASE: Duration = Duration::from_secs(10);
/// Within this all processes of a node have seen a change of the standard.
const GRACE: Duration = Duration::from_secs(5);
/// Every state in which clocks go on.
const OPEN: [State; 6] =
    [State::New, State::Assigned, State::InProgress, State::WaitingCustomer, State::WaitingThirdParty, State::Reopened];

/// Rebases whenever the standard in force is not the one under which all open tickets are, in one process at a time.
pub(crate) async fn run(node: SharedNode, shutdown: CancellationToken) {
    let holder = new_id().to_string();
    let mut done = String::new();
    loop {
        let rules = node.rules();
        if done != rules.standard.version() {
            match rebase_all(&node, &rules, &holder, &shutdown).await {
                Ok(true) => rules.standard.version().clone_into(&mut done),
                Ok(false) => {}
                Err(e) => tracing::warn!(error = &e as &dyn Error, "open clocks could not be rebased; trying again"),
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Whether all open tickets are under this standard now.
async fn rebase_all(
    node: &SharedNode,
    rules: &Rules,
    holder: &str,
    shutdown: &CancellationToken,
) -> Result<bool, StoreError> {
    let version = rules.standard.version();
    if node.store.governed_by().await? == version {
        return Ok(true);
    }
    let began = tokio::time::Instant::now();
    let switched = node.now();
    let Some(changed) = pass(node, rules, holder, shutdown, Uuid::nil()).await? else { return Ok(false) };
    tracing::info!(standard = version, changed, seconds = began.elapsed().as_secs_f64(), "open clocks are rebased");
    // Another process may have opened tickets under the old version until it saw the new one.
    tokio::select! {
        () = shutdown.cancelled() => return Ok(false),
        () = tokio::time::sleep_until(began + GRACE) => {}
    }
    let Some(_) = pass(node, rules, holder, shutdown, first_id_of(switched)).await? else { return Ok(false) };
    node.store.set_governed(version).await?;
    Ok(true)
}

/// The least id of what was opened within a grace before this instant.
fn first_id_of(at: Timestamp) -> Uuid {
    let ms =
        u64::try_from(at.as_millisecond()).unwrap_or(0).saturating_sub(u64::try_from(GRACE.as_millis()).unwrap_or(0));
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&ms.to_be_bytes()[2..]);
    Uuid::from_bytes(bytes)
}

/// Rebases open tickets after an id; returns how many changed, or nothing when it had to stop before the end.
async fn pass(
    node: &SharedNode,
    rules: &Rules,
    holder: &str,
    shutdown: &CancellationToken,
    from: Uuid,
) -> Result<Option<usize>, StoreError> {
    let mut changed = 0;
    for state in OPEN {
        let mut after = from;
        loop {
            if shutdown.is_cancelled() {
                return Ok(None);
            }
            let now = node.now();
            let until = now.as_microsecond() + i64::try_from(LEASE.as_micros()).unwrap_or(0);
            if lease::take(node.store.db(), "clock rebaser", holder, now.as_microsecond(), until).await?.is_none() {
                return Ok(None);
            }
            let decide = |ticket: &Ticket| {
                let next = rebase(ticket, rules.governance(), now)?;
                let clocks = clocks_to_wire(&next, rules.book());
                let change = ticket_change(&next, clocks, rules.leaving(&node.pseudonym_key));
                Some((next, change))
            };
            let step = node.store.rebase(state, after, PAGE, now.as_microsecond(), new_id(), decide).await?;
            changed += step.changed;
            let Some(last) = step.after else { break };
            after = last;
        }
    }
    Ok(Some(changed))
}
