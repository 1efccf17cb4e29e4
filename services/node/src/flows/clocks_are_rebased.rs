//! Open clocks under another standard: page after page, while writes go on. What somebody touches meanwhile comes under it by
//! that touch.

use std::{sync::Arc, time::Duration};

use futures::future::try_join_all;
use gridcare_chassis::id::new_id;
use gridcare_domain::{
    standard::Standard,
    ticket::{State, Ticket, rebase, rebase_late},
};
use gridcare_proto::convert::{feed::ticket_change, ticket::clocks_to_wire};
use gridcare_store::{StoreError, due::Walk};

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

/// Puts all open tickets under this standard; one that came late takes its place before those that follow it. Whoever calls
/// it holds the lease under which one process does it.
pub(crate) async fn rebase_all(node: &Node, standard: &Arc<Standard>) -> Result<(), StoreError> {
    let later = later_than(node, standard);
    // Of two that begin at once only the last ever holds.
    if later.first().is_some_and(|next| next.effective_us() <= standard.effective_us()) {
        return Ok(());
    }
    let rules = Rules { standard: standard.clone(), ..node.rules() };
    let began = tokio::time::Instant::now();
    let changed = pass(node, &rules, &later, Walk::new).await?;
    let seconds = began.elapsed().as_secs_f64();
    tracing::info!(standard = standard.version(), changed, seconds, "open clocks are rebased");
    // Another process may have written under the old version until it saw the new one.
    tokio::time::sleep_until(began + GRACE).await;
    // So may a call or an import under way, and what moves while a walk goes on may move to where it has been: whatever is
    // found was behind one, and so might more be.
    while pass(node, &rules, &later, |state| Walk::left_behind(state, standard.version())).await? > 0 {}
    Ok(())
}

/// Those that hold after this one, in the order in which they do, as far as they are owed with it: all of them where it came
/// late, since what is decided of it changes what they begin with.
fn later_than(node: &Node, standard: &Standard) -> Vec<Arc<Standard>> {
    let (_, owed) = node.standards.owed();
    let owed = owed.into_iter().map(|(owed, _)| owed);
    owed.skip_while(|owed| owed.version() != standard.version()).skip(1).collect()
}

/// Rebases open tickets, one state after the other; returns how many changed.
async fn pass(
    node: &Node,
    rules: &Rules,
    later: &[Arc<Standard>],
    walk_of: impl Fn(State) -> Walk,
) -> Result<usize, StoreError> {
    let mut changed = 0;
    for state in OPEN {
        let walk = walk_of(state);
        let lanes = (0..LANES).map(|_| lane(node, rules, later, &walk));
        changed += try_join_all(lanes).await?.into_iter().sum::<usize>();
    }
    Ok(changed)
}

/// Page after page of a walk.
async fn lane(node: &Node, rules: &Rules, later: &[Arc<Standard>], walk: &Walk) -> Result<usize, StoreError> {
    let mut changed = 0;
    loop {
        let now = node.now();
        let decide = |ticket: &Ticket| {
            let governance = rules.governance();
            let next = rebase(ticket, governance, now).or_else(|| rebase_late(ticket, governance, later, now))?;
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
