use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use gridcare_bus::Bus;
use gridcare_chassis::{backoff::Backoff, clock::SharedClock};
use gridcare_proto::{convert::feed, federation::v1 as wire};
use gridcare_store::{
    StoreError,
    gateway::{GatewayStore, NationalChange},
    lease::Lease,
};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tonic::Streaming;

use super::{
    NATIONAL,
    broken::Broken,
    intake::{Gathering, another},
};
use crate::{
    peers::{PATIENCE, Peer},
    wire::change_from_wire,
};

/// A node sends a bookmark every 5 s; after three of them are missing, it is silent.
const SILENCE: Duration = Duration::from_secs(15);
/// A member that cannot be followed is tried again at least this often.
const LONGEST: Duration = Duration::from_secs(5);

/// Follows one member's feed under one lease.
pub(super) struct Follower {
    pub(super) store: GatewayStore,
    pub(super) bus: Bus,
    pub(super) clock: SharedClock,
    pub(super) peer: Peer,
    pub(super) node: String,
    pub(super) lease: Lease,
    /// Told whenever the member is heard of again.
    pub(super) contact: watch::Sender<()>,
}

impl Follower {
    /// Follows until it is stopped or the lease is lost. Dropping it at any moment loses nothing but the transaction
    /// that is open.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut backoff = Backoff::up_to(LONGEST);
        loop {
            let ended = tokio::select! {
                () = stop.cancelled() => return,
                ended = self.session(&mut backoff) => ended,
            };
            if let Err(broken) = ended {
                let lost = tokio::select! {
                    () = stop.cancelled() => return,
                    lost = self.note(&broken) => lost,
                };
                if lost {
                    tracing::info!(node = self.node, "the lease is lost; another replica follows this member");
                    return;
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(backoff.wait()) => {}
            }
        }
    }

    /// Keeps what went wrong where answers find it. Whether the lease is lost.
    async fn note(&self, broken: &Broken) -> bool {
        match broken {
            Broken::Store(StoreError::LeaseLost(_)) => return true,
            Broken::Store(error) => tracing::warn!(node = self.node, error = chain(error), "the read model failed"),
            Broken::Gap | Broken::Rewritten => tracing::info!(node = self.node, %broken, "asking again"),
            Broken::Peer { reach, what } => {
                tracing::info!(node = self.node, ?reach, what, "a member cannot be followed");
                let now_us = self.clock.now().as_microsecond();
                match self.store.failing(&self.lease, &self.node, *reach, now_us).await {
                    Err(StoreError::LeaseLost(_)) => return true,
                    Err(error) => tracing::warn!(node = self.node, error = chain(&error), "the read model failed"),
                    Ok(()) => self.bus.wake(NATIONAL),
                }
            }
        }
        false
    }

    /// One connection: who are you, then everything after our cursor, for as long as it lasts.
    async fn session(&mut self, backoff: &mut Backoff) -> Result<(), Broken> {
        self.introduce().await?;
        match self.pull(backoff).await {
            Err(Broken::Rewritten) => {
                self.snapshot().await?;
                backoff.reset();
                Ok(())
            }
            ended => ended,
        }
    }

    async fn introduce(&mut self) -> Result<(), Broken> {
        let asked = self.peer.feed.describe_node(wire::DescribeNodeRequest {});
        let node = timeout(PATIENCE, asked).await.map_err(|_| Broken::silent())??.into_inner();
        if node.node != self.node {
            return Err(another(&self.node, &node.node));
        }
        Ok(self.store.describe(&self.lease, &self.node, &node.time_zone, &node.product_version).await?)
    }

    async fn pull(&mut self, backoff: &mut Backoff) -> Result<(), Broken> {
        let member = self.store.member(&self.node).await?;
        let member = member.ok_or_else(|| StoreError::LeaseLost(self.lease.name.clone()))?;
        let after = (member.cursor.position > 0).then(|| feed::cursor_to_wire(&self.node, &member.cursor));
        let asked = self.peer.feed.pull_feed(wire::PullFeedRequest { after });
        let mut stream = timeout(PATIENCE, asked).await.map_err(|_| Broken::silent())??.into_inner();
        let mut gathering = Gathering::after(&self.node, member.cursor, member.head);
        self.contact.send_replace(());
        loop {
            let Some(message) = next(&mut stream).await? else { return Ok(()) };
            let mut taken = gathering.take(&message);
            // While catching up, whatever is there already goes into the same transaction.
            while taken.is_ok() && !gathering.is_full() {
                match stream.next().now_or_never() {
                    Some(Some(Ok(message))) => taken = gathering.take(&message),
                    Some(Some(Err(status))) => taken = Err(status.into()),
                    Some(None) | None => break,
                }
            }
            self.keep(&mut gathering).await?;
            taken?;
            backoff.reset();
        }
    }

    /// Applies what was gathered; a bookmark alone says that the node lives.
    async fn keep(&self, gathering: &mut Gathering) -> Result<(), Broken> {
        let now_us = self.clock.now().as_microsecond();
        match gathering.frame() {
            Some(frame) => {
                let applied = self.store.apply(&self.lease, &frame, now_us).await?;
                let entries = u64::try_from(applied.changes).unwrap_or(0);
                metrics::counter!("gridcare_feed_entries_applied_total", "node" => self.node.clone())
                    .increment(entries);
                #[expect(clippy::cast_precision_loss, reason = "a gauge")]
                let behind = (frame.head - frame.to.position).max(0) as f64;
                metrics::gauge!("gridcare_feed_behind", "node" => self.node.clone()).set(behind);
            }
            None => self.store.bookmark(&self.lease, &self.node, gathering.head(), now_us).await?,
        }
        self.bus.wake(NATIONAL);
        Ok(())
    }

    /// Replaces all that we know of the member.
    async fn snapshot(&mut self) -> Result<(), Broken> {
        tracing::info!(node = self.node, "taking a snapshot");
        metrics::counter!("gridcare_feed_snapshots_total", "node" => self.node.clone()).increment(1);
        let asked = self.peer.feed.get_snapshot(wire::GetSnapshotRequest {});
        let mut stream = timeout(PATIENCE, asked).await.map_err(|_| Broken::silent())??.into_inner();
        let number = self.store.begin_snapshot(&self.lease, &self.node).await?;
        while let Some(part) = next(&mut stream).await? {
            let changes: Result<Vec<Option<NationalChange>>, _> =
                part.entries.iter().map(|entry| change_from_wire(&self.node, entry)).collect();
            let changes: Vec<_> = changes.map_err(Broken::skew)?.into_iter().flatten().collect();
            self.store.snapshot_part(&self.lease, &self.node, number, &changes).await?;
            let Some(cursor) = &part.cursor else { continue };
            if cursor.node != self.node {
                return Err(another(&self.node, &cursor.node));
            }
            let cursor = feed::cursor_from_wire(cursor).map_err(Broken::skew)?;
            let now_us = self.clock.now().as_microsecond();
            self.store.end_snapshot(&self.lease, &self.node, number, &cursor, now_us).await?;
            self.bus.wake(NATIONAL);
            return Ok(());
        }
        Err(Broken::peer(gridcare_domain::completeness::Reach::Unreachable, "the snapshot broke off"))
    }
}

async fn next<T>(stream: &mut Streaming<T>) -> Result<Option<T>, Broken> {
    Ok(timeout(SILENCE, stream.message()).await.map_err(|_| Broken::silent())??)
}

fn chain(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}
