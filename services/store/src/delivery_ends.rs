//! What ends by itself: leases of couriers that are lost, and messages whose time is over. Who ends either takes the one row of
//! `delivery_head` first.

use std::collections::BTreeSet;

use crate::{
    NodeStore, StoreError,
    delivery::{DELIVERY_NEXT, DELIVERY_TURN},
    progress,
    statement::{Rows, statements, values},
};

statements! {
    LEASES_OVER = "SELECT epoch FROM delivery_lease WHERE until_us <= $1";
    // Whoever begins something under one of them has done so, or finds it gone.
    LEASES_LOCK = "SELECT epoch FROM delivery_lease WHERE until_us <= $1 ORDER BY until_us, epoch {lock:delivery_lease}";
    LEASE_END = "DELETE FROM delivery_lease WHERE epoch = $1";
    // A lost courier makes only what it was writing unknown.
    DELIVERY_RELEASE =
        "UPDATE delivery SET state = CASE WHEN state = 2 THEN 1 ELSE 4 END WHERE lease = $1 AND state IN (2, 3) RETURNING dispatch_no";
    DISPATCH_NOTICE = "SELECT notice_id FROM dispatch WHERE no = $1";
    DELIVERY_HELD = "SELECT number FROM delivery WHERE dispatch_no = $1 AND state <> 1 AND state IN (2, 3) LIMIT 1";
    DISPATCH_OVER = "SELECT no, notice_id FROM dispatch WHERE stage IN (0, 1) AND (expires_us <= $1 OR cancelled_us IS NOT NULL) ORDER BY stage, no";
    DELIVERY_EXPIRE [number Int] =
        "UPDATE delivery SET state = 6 FROM v WHERE delivery.number = v.number AND delivery.state + 0 = 1";
    DISPATCH_LOCK = "SELECT no FROM dispatch WHERE no = $1 {lock:dispatch}";
    DISPATCH_CLOSE = "UPDATE dispatch SET stage = 2, after_code = '' WHERE no = $1";
    RANGES_DROP = "DELETE FROM dispatch_range WHERE dispatch_no = $1";
}

impl NodeStore {
    /// Takes messages back from couriers that are lost; returns how many leases ended.
    pub async fn end_delivery_leases(&self, now_us: i64) -> Result<usize, StoreError> {
        if self.db.fetch(&LEASES_OVER, values![now_us]).await?.is_empty() {
            return Ok(0);
        }
        let mut tx = self.db.begin().await?;
        tx.execute(&DELIVERY_TURN, vec![]).await?;
        let over = tx.fetch(&LEASES_LOCK, values![now_us]).await?;
        let mut dispatches = BTreeSet::new();
        for row in &over {
            for released in tx.fetch(&DELIVERY_RELEASE, values![row.int(0)?]).await? {
                dispatches.insert(released.int(0)?);
            }
            tx.execute(&LEASE_END, values![row.int(0)?]).await?;
        }
        let mut notices = BTreeSet::new();
        for no in dispatches {
            if let Some(row) = tx.fetch_one(&DISPATCH_NOTICE, values![no]).await? {
                notices.insert(row.uuid(0)?);
            }
        }
        progress::mark(&mut tx, notices).await?;
        tx.commit().await?;
        Ok(over.len())
    }

    /// Lets at most `limit` queued messages of each dispatch expire that is cancelled or whose time is over; returns how many.
    pub async fn expire_deliveries(&self, now_us: i64, limit: i64) -> Result<u64, StoreError> {
        if self.db.fetch(&DISPATCH_OVER, values![now_us]).await?.is_empty() {
            return Ok(0);
        }
        let mut tx = self.db.begin().await?;
        tx.execute(&DELIVERY_TURN, vec![]).await?;
        let mut expired = 0;
        let mut notices = BTreeSet::new();
        for row in tx.fetch(&DISPATCH_OVER, values![now_us]).await? {
            let no = row.int(0)?;
            // Whoever turns a range of it has done so, and nobody begins another one.
            tx.fetch_one(&DISPATCH_LOCK, values![no]).await?;
            let next = tx.fetch(&DELIVERY_NEXT, values![no, limit]).await?;
            let mut rows = Rows::of(&DELIVERY_EXPIRE, next.len());
            for row in &next {
                rows.push(values![row.int(0)?]);
            }
            let gone = tx.execute_rows(&DELIVERY_EXPIRE, rows).await?;
            expired += gone;
            notices.insert(row.uuid(1)?);
            // What a courier still holds comes back to the queue when its lease ends, or when nobody took it, and expires then.
            if gone == 0 && tx.fetch_one(&DELIVERY_HELD, values![no]).await?.is_none() {
                tx.execute(&DISPATCH_CLOSE, values![no]).await?;
                tx.execute(&RANGES_DROP, values![no]).await?;
            }
        }
        progress::mark(&mut tx, notices).await?;
        tx.commit().await?;
        Ok(expired)
    }
}
