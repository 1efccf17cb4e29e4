use gridcare_domain::feed::Cursor;

use super::{
    GatewayStore, NationalChange, acknowledgement, apply, bucket, capability, member, notice_target, outage,
    regional_notice, ticket,
};
use crate::{
    StoreError,
    lease::{self, Lease},
};

impl GatewayStore {
    /// Begins to replace all that is known of a member. Its cursor stays where it is until [`Self::end_snapshot`], so
    /// that a snapshot that breaks off is taken again.
    pub async fn begin_snapshot(&self, lease: &Lease, node: &str) -> Result<i64, StoreError> {
        let mut tx = self.db.begin().await?;
        lease::fence(&mut tx, lease).await?;
        let number = member::begin_snapshot(&mut tx, lease, node).await?;
        tx.commit().await?;
        Ok(number)
    }

    /// Keeps a part of the snapshot, whatever is there: history was rewritten, so versions may be lower.
    pub async fn snapshot_part(
        &self,
        lease: &Lease,
        node: &str,
        number: i64,
        changes: &[NationalChange],
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        lease::fence(&mut tx, lease).await?;
        apply::put(&mut tx, node, changes, number).await?;
        tx.commit().await
    }

    /// Deletes what the snapshot did not bring, and goes on from its cursor; notices that the member had are handed to it again.
    pub async fn end_snapshot(
        &self,
        lease: &Lease,
        node: &str,
        number: i64,
        cursor: &Cursor,
        now_us: i64,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        lease::fence(&mut tx, lease).await?;
        member::end_snapshot(&mut tx, lease, node, number, cursor, now_us).await?;
        ticket::sweep(&mut tx, node, number).await?;
        bucket::sweep(&mut tx, node, number).await?;
        capability::sweep(&mut tx, node, number).await?;
        acknowledgement::sweep(&mut tx, node, number).await?;
        outage::sweep(&mut tx, node, number).await?;
        regional_notice::sweep(&mut tx, node, number).await?;
        notice_target::rewritten(&mut tx, node, now_us).await?;
        tx.commit().await
    }
}
