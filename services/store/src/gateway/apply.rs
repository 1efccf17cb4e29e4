use gridcare_domain::{
    acknowledgement::Acknowledgement, capability::Capability, feed::Cursor, metric::Bucket, reliability::Served,
};

use super::{
    FederatedNotice, FederatedOutage, FederatedTicket, GatewayStore, NoticeProgress, acknowledgement, bucket,
    capability, member, outage, regional_notice, ticket,
};
use crate::{
    StoreError,
    db::Tx,
    lease::{self, Lease},
};

/// The state of one aggregate, as a member's feed or snapshot gave it.
#[derive(Debug, Clone, PartialEq)]
pub enum NationalChange {
    /// A ticket.
    Ticket(FederatedTicket),
    /// A metric bucket.
    Bucket(Bucket),
    /// A capability and its version.
    Capability(Capability, i64),
    /// What it says of a bundle of rules.
    Standard(Acknowledgement),
    /// An outage.
    Outage(FederatedOutage),
    /// How many customers it serves since a day, and the version of that.
    Served(Served, i64),
    /// A notice of its own.
    Notice(FederatedNotice),
    /// How far a notice has come there.
    NoticeProgress(NoticeProgress),
}

/// What came from one stretch of a feed, to be kept together with the cursor behind it.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Whose feed.
    pub node: String,
    /// Where it was read from.
    pub from: Cursor,
    /// Where the reader stands after it.
    pub to: Cursor,
    /// The feed's newest position, as heard.
    pub head: i64,
    /// The states, in the order of the feed.
    pub changes: Vec<NationalChange>,
}

/// What a frame came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// States that were offered, superseded and known ones included.
    pub changes: usize,
}

/// Puts states, each unless a newer one is there; from a snapshot (a number above 0) whatever is there.
pub(super) async fn put(
    tx: &mut Tx,
    node: &str,
    changes: &[NationalChange],
    snapshot_no: i64,
) -> Result<(), StoreError> {
    let (mut tickets, mut buckets, mut capabilities) = (Vec::new(), Vec::new(), Vec::new());
    let (mut standards, mut outages, mut served) = (Vec::new(), Vec::new(), Vec::new());
    let (mut notices, mut progress) = (Vec::new(), Vec::new());
    for change in changes {
        match change {
            NationalChange::Ticket(ticket) => tickets.push(ticket),
            NationalChange::Bucket(bucket) => buckets.push(bucket),
            NationalChange::Capability(capability, version) => capabilities.push((capability, *version)),
            NationalChange::Standard(said) => standards.push(said),
            NationalChange::Outage(outage) => outages.push(outage),
            NationalChange::Served(given, version) => served.push((*given, *version)),
            NationalChange::Notice(notice) => notices.push(notice),
            NationalChange::NoticeProgress(told) => progress.push(told),
        }
    }
    ticket::put(tx, node, &tickets, snapshot_no).await?;
    bucket::put(tx, node, &buckets, snapshot_no).await?;
    capability::put(tx, node, &capabilities, snapshot_no).await?;
    acknowledgement::put(tx, node, &standards, snapshot_no).await?;
    outage::put(tx, node, &outages, snapshot_no).await?;
    outage::put_served(tx, node, &served, snapshot_no).await?;
    regional_notice::put(tx, node, &notices, snapshot_no).await?;
    regional_notice::put_progress(tx, node, &progress, snapshot_no).await
}

impl GatewayStore {
    /// Applies a frame and moves the cursor, both or neither. Whoever has lost the lease, or read from a place where the
    /// cursor no longer is, gets [`StoreError::LeaseLost`] and has changed nothing.
    pub async fn apply(&self, lease: &Lease, frame: &Frame, now_us: i64) -> Result<Applied, StoreError> {
        let mut tx = self.db.begin().await?;
        lease::fence(&mut tx, lease).await?;
        // Before the states, so that a frame that comes too late costs nothing more than this.
        member::advance(&mut tx, lease, &frame.node, &frame.from, &frame.to, frame.head, now_us).await?;
        put(&mut tx, &frame.node, &frame.changes, 0).await?;
        tx.commit().await?;
        Ok(Applied { changes: frame.changes.len() })
    }
}
