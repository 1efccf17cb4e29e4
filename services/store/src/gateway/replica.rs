use super::GatewayStore;
use crate::{
    StoreError,
    statement::{statements, values},
};

statements! {
    REPLICA_SEEN = "INSERT INTO gateway_replica (id, seen_us) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET seen_us = excluded.seen_us";
    REPLICA_LIVE = "SELECT COUNT(*) FROM gateway_replica WHERE seen_us >= $1";
    REPLICA_FORGET = "DELETE FROM gateway_replica WHERE seen_us < $1";
    REPLICA_LEAVE = "DELETE FROM gateway_replica WHERE id = $1";
}

impl GatewayStore {
    /// Says that this replica lives, and counts those seen at or after `live_us`, itself included.
    pub async fn replica_seen(&self, id: &str, now_us: i64, live_us: i64) -> Result<i64, StoreError> {
        let mut tx = self.db.begin().await?;
        tx.execute(&REPLICA_SEEN, values![id, now_us]).await?;
        let live = tx.fetch_one(&REPLICA_LIVE, values![live_us]).await?.map(|row| row.int(0)).transpose()?;
        // Rows of the dead are few; they go when they are ten times as old as it takes to count as dead.
        tx.execute(&REPLICA_FORGET, values![now_us - 10 * (now_us - live_us)]).await?;
        tx.commit().await?;
        Ok(live.unwrap_or(1).max(1))
    }

    /// This replica leaves, so that the others share its work at once.
    pub async fn replica_leaves(&self, id: &str) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        tx.execute(&REPLICA_LEAVE, values![id]).await?;
        tx.commit().await
    }
}
