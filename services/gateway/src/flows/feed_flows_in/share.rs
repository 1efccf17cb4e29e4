use std::{collections::BTreeMap, sync::Arc, time::Duration};

use gridcare_bus::Bus;
use gridcare_chassis::clock::SharedClock;
use gridcare_store::{
    StoreError,
    gateway::GatewayStore,
    lease::{self, Lease},
};
use tokio::{sync::watch, task::JoinHandle, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{LEASES, follow::Follower, lease_name};
use crate::{
    flows::{notice_goes_out::Revisions, standard_goes_out::Bundles},
    handover::{Goods, Handover, Recipient},
    peers::Peer,
};

/// However often leases are given back, the database is asked no more often than this.
const BREATH: Duration = Duration::from_millis(50);

/// This replica's part in following the members: at most its fair share of them.
pub(crate) struct Sharing {
    pub(crate) store: GatewayStore,
    pub(crate) bus: Bus,
    pub(crate) clock: SharedClock,
    /// Every member's node, and how it is reached.
    pub(crate) peers: Arc<BTreeMap<String, Peer>>,
    /// A random id of this process.
    pub(crate) replica: String,
    pub(crate) ttl: Duration,
}

struct Held {
    lease: Lease,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Held {
    /// Ends the follower and waits until it has let go of everything.
    async fn end(self) -> Lease {
        self.stop.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(lease = self.lease.name, %error, "a follower panicked");
        }
        self.lease
    }
}

impl Sharing {
    /// Follows until `stop`, then gives everything back.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut held = BTreeMap::new();
        let mut wakes = self.bus.subscribe(LEASES);
        while !stop.is_cancelled() {
            if let Err(error) = self.tend(&mut held).await {
                // The leases run out meanwhile, and the fence of every transaction sees to it that nothing is doubled.
                tracing::warn!(%error, "leases could not be tended");
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = sleep(self.ttl / 3) => {}
                () = wakes.changed() => sleep(BREATH).await,
            }
        }
        for held in held.into_values() {
            self.give_back(held).await;
        }
        if let Err(error) = self.store.replica_leaves(&self.replica).await {
            tracing::warn!(%error, "this replica could not say that it leaves");
        }
        self.bus.wake(LEASES);
    }

    async fn tend(&self, held: &mut BTreeMap<String, Held>) -> Result<(), StoreError> {
        let live = self.store.replica_seen(&self.replica, self.now_us(), self.now_us() - self.ttl_us()).await?;
        let share = self.peers.len().div_ceil(usize::try_from(live).unwrap_or(1).max(1));
        self.renew(held).await?;
        while held.len() > share {
            let Some((_, surplus)) = held.pop_last() else { break };
            self.give_back(surplus).await;
            self.bus.wake(LEASES);
        }
        for node in self.turn() {
            if held.len() >= share {
                break;
            }
            if !held.contains_key(node)
                && let Some(lease) = self.take(node).await?
            {
                held.insert(node.to_owned(), self.begin(node, lease));
            }
        }
        Ok(())
    }

    /// Renews what is held. A lease that was lost for a time comes back with another epoch, and needs another follower.
    async fn renew(&self, held: &mut BTreeMap<String, Held>) -> Result<(), StoreError> {
        let nodes: Vec<_> = held.keys().cloned().collect();
        for node in nodes {
            let renewed = self.take(&node).await?;
            let Some(known) = held.get_mut(&node) else { continue };
            match renewed {
                Some(lease) if lease.epoch == known.lease.epoch && !known.task.is_finished() => known.lease = lease,
                renewed => {
                    if let Some(old) = held.remove(&node) {
                        old.end().await;
                    }
                    if let Some(lease) = renewed {
                        held.insert(node.clone(), self.begin(&node, lease));
                    }
                }
            }
        }
        Ok(())
    }

    async fn take(&self, node: &str) -> Result<Option<Lease>, StoreError> {
        let now_us = self.now_us();
        lease::take(self.store.db(), &lease_name(node), &self.replica, now_us, now_us + self.ttl_us()).await
    }

    fn begin(&self, node: &str, lease: Lease) -> Held {
        tracing::info!(node, epoch = lease.epoch, "following");
        let stop = CancellationToken::new();
        let (contact, heard) = watch::channel(());
        let peer = self.peers[node].clone();
        let follower = Follower {
            store: self.store.clone(),
            bus: self.bus.clone(),
            clock: self.clock.clone(),
            peer: peer.clone(),
            node: node.to_owned(),
            lease: lease.clone(),
            contact,
        };
        let to = Recipient {
            store: self.store.clone(),
            clock: self.clock.clone(),
            node: node.to_owned(),
            lease: lease.clone(),
        };
        let following = follower.run(stop.clone());
        let bundles = self.handover(Bundles(peer.standards), &to, &heard).run(stop.clone());
        let revisions = self.handover(Revisions(peer.landing), &to, &heard).run(stop.clone());
        // One lease for all: who has lost it does none of it.
        let task = tokio::spawn(async {
            tokio::select! { () = following => {} () = bundles => {} () = revisions => {} }
        });
        Held { lease, stop, task }
    }

    fn handover<G: Goods>(&self, goods: G, to: &Recipient, contact: &watch::Receiver<()>) -> Handover<G> {
        Handover { goods, to: to.clone(), bus: self.bus.clone(), contact: contact.clone() }
    }

    async fn give_back(&self, held: Held) {
        let lease = held.end().await;
        if let Err(error) = lease::release(self.store.db(), &lease).await {
            tracing::warn!(lease = lease.name, %error, "a lease could not be given back; it will run out");
        }
    }

    /// The members, beginning at another one in each replica, so that replicas that start together do not all try the
    /// same ones first.
    fn turn(&self) -> impl Iterator<Item = &str> {
        let first = self.replica.bytes().fold(0_usize, |sum, b| sum.wrapping_mul(31).wrapping_add(usize::from(b)));
        let first = first % self.peers.len().max(1);
        self.peers.keys().cycle().skip(first).take(self.peers.len()).map(String::as_str)
    }

    fn now_us(&self) -> i64 {
        self.clock.now().as_microsecond()
    }

    fn ttl_us(&self) -> i64 {
        i64::try_from(self.ttl.as_micros()).unwrap_or(i64::MAX)
    }
}
