//! Dispatches become messages, range by range; leases of lost couriers end, and what is over expires, all on the node's clock.

use std::{error::Error, time::Duration};

use futures::future::join_all;
use gridcare_domain::notice::{Group, plan};
use gridcare_store::{
    StoreError,
    dispatch::{RANGE, Turned},
};
use tokio_util::sync::CancellationToken;

use crate::{DELIVERIES, NOTICES, Node, SharedNode};

/// Without a wake-up, work is looked for this often: the bus is only a hint, and times come by themselves.
const LOOK: Duration = Duration::from_secs(1);
/// Messages of a dispatch that expire in one transaction.
const EXPIRE: i64 = 10_000;

/// Turns, ends and expires, in every process of the node: each range is turned once, whoever does it.
pub(crate) async fn run(node: SharedNode, shutdown: CancellationToken) {
    let mut wakeups = node.bus.subscribe(NOTICES);
    loop {
        let more = match turn(&node).await {
            Ok(more) => more,
            Err(e) => {
                tracing::warn!(error = &e as &dyn Error, "notices could not be turned into messages; trying again");
                false
            }
        };
        if more && !shutdown.is_cancelled() {
            continue;
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = wakeups.changed() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// A range of each dispatch for each who may turn one; says whether there is more.
async fn turn(node: &Node) -> Result<bool, StoreError> {
    let now_us = node.now_us();
    let ended = node.store.end_delivery_leases(now_us).await?;
    let mut more = node.store.expire_deliveries(now_us, EXPIRE).await? > 0;
    let mut added = 0;
    for no in node.store.turning_dispatches().await? {
        let lanes = (0..node.store.turning_lanes()).map(|_| node.store.turn_dispatch(no, RANGE));
        for turned in join_all(lanes).await {
            match turned {
                Ok(Turned::Range(messages)) => {
                    more = true;
                    added += messages;
                }
                Ok(Turned::Others | Turned::All) => {}
                // Another process was faster.
                Err(e) if e.is_transient() => more = true,
                Err(e) => return Err(e),
            }
        }
    }
    if added > 0 || ended > 0 {
        node.bus.wake(DELIVERIES);
    }
    node.plan_turned().await?;
    Ok(more)
}

impl Node {
    /// Keeps what is expected of sending what has been turned, to be compared with what happens.
    async fn plan_turned(&self) -> Result<(), StoreError> {
        for turned in self.store.unplanned_dispatches().await? {
            let group = |(wave, language, recipients): &(_, _, u64)| Group {
                wave: *wave,
                recipients: *recipients,
                text: turned.text(*language),
                diacritics: turned.diacritics,
            };
            let groups: Vec<_> = turned.groups.iter().map(group).collect();
            let planned = plan(&groups, self.notices.route().held(turned.held_us));
            self.store.dispatch_planned(turned.no, planned.recipients, planned.within_30_minutes).await?;
        }
        Ok(())
    }
}
