use gridcare_domain::{
    feed::{Change, Cursor, Entry, Kind},
    refusal::{Refusal, RefusalKind},
};
use uuid::Uuid;

use crate::{
    NodeStore, StoreError,
    db::{Db, Row, Tx},
    statement::{Rows, statements, values},
};

statements! {
    // The last lock before a commit: positions are dense and in commit order.
    FEED_ADVANCE = "UPDATE feed_head SET position = position + $1 WHERE one = 1 RETURNING position";
    FEED_APPEND [position Int, batch_id Uuid, committed_us Int, kind Int, key Text, version Int, payload Blob] =
        "INSERT INTO feed (position, batch_id, committed_us, kind, key, version, payload)
         SELECT position, batch_id, committed_us, kind, key, version, payload FROM v WHERE true";
    FEED_HEAD = "SELECT incarnation, position, horizon FROM feed_head WHERE one = 1";
    FEED_BATCH_AT = "SELECT batch_id FROM feed WHERE position = $1";
    FEED_READ = "SELECT position, batch_id, committed_us, kind, key, version, payload FROM feed WHERE position > $1 ORDER BY position LIMIT $2";
    FEED_REBIRTH = "UPDATE feed_head SET incarnation = $1 WHERE one = 1 AND incarnation = $2";
    FEED_COMPACT = "DELETE FROM feed WHERE position > $1 AND position <= $2";
    FEED_HORIZON = "UPDATE feed_head SET horizon = $1 WHERE one = 1 AND horizon < $1";
    FEED_OLD = "SELECT MAX(position) FROM (SELECT position FROM feed WHERE position > $1 AND committed_us < $2 ORDER BY position LIMIT $3) AS old";
}

/// The state of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The newest position and its batch.
    pub cursor: Cursor,
    /// Entries up to here have been compacted away.
    pub horizon: i64,
}

/// Appends changes as one batch. Must be the last thing before the commit, since it takes the feed's one lock.
pub(crate) async fn append(tx: &mut Tx, batch_id: Uuid, now_us: i64, changes: Vec<Change>) -> Result<(), StoreError> {
    if changes.is_empty() {
        return Ok(());
    }
    let count = i64::try_from(changes.len()).unwrap_or(i64::MAX);
    let head = tx.fetch_one(&FEED_ADVANCE, values![count]).await?;
    let head = head.ok_or(StoreError::Corrupt { table: "feed_head", what: "the one row is missing".into() })?.int(0)?;
    let mut rows = Rows::of(&FEED_APPEND, changes.len());
    for (position, change) in (head - count + 1..).zip(changes) {
        let Change { kind, key, version, payload } = change;
        rows.push(values![position, batch_id, now_us, kind as i64, key, version, payload]);
    }
    tx.execute_rows(&FEED_APPEND, rows).await?;
    Ok(())
}

fn entry(row: &Row) -> Result<Entry, StoreError> {
    let kind = Kind::from_number(row.int(3)?)
        .ok_or_else(|| StoreError::Corrupt { table: "feed", what: "unknown kind".into() })?;
    let change = Change { kind, key: row.text(4)?, version: row.int(5)?, payload: row.blob(6)? };
    Ok(Entry { position: row.int(0)?, batch_id: row.uuid(1)?, committed_us: row.int(2)?, change })
}

/// The head, within a reading transaction, so that position and batch belong together.
pub(crate) async fn head_in(tx: &mut Tx) -> Result<Head, StoreError> {
    let corrupt = || StoreError::Corrupt { table: "feed_head", what: "the one row is missing".into() };
    let row = tx.fetch_one(&FEED_HEAD, vec![]).await?.ok_or_else(corrupt)?;
    let (incarnation, position, horizon) = (row.uuid(0)?, row.int(1)?, row.int(2)?);
    let batch_id = match tx.fetch_one(&FEED_BATCH_AT, values![position]).await? {
        Some(row) => Some(row.uuid(0)?),
        None => None,
    };
    Ok(Head { cursor: Cursor { incarnation, position, batch_id }, horizon })
}

/// Entries after a position, within a transaction.
pub(crate) async fn after_in(tx: &mut Tx, position: i64, limit: i64) -> Result<Vec<Entry>, StoreError> {
    tx.fetch(&FEED_READ, values![position, limit]).await?.iter().map(entry).collect()
}

impl NodeStore {
    /// The feed's head.
    pub async fn feed_head(&self) -> Result<Head, StoreError> {
        head(&self.db).await
    }

    /// Entries after a position, at most `limit`.
    pub async fn feed_after(&self, position: i64, limit: i64) -> Result<Vec<Entry>, StoreError> {
        self.db.fetch(&FEED_READ, values![position, limit]).await?.iter().map(entry).collect()
    }

    /// Whether a reader may go on from `cursor`. A cursor that proves that our history was rewritten (a restored
    /// backup, a promoted standby that lagged) begins a new incarnation, so that every other reader learns of it too.
    pub async fn feed_check(&self, cursor: &Cursor, reborn: Uuid) -> Result<Result<(), Refusal>, StoreError> {
        // One moment for head, horizon and batch, or a compaction in between would look like a rewritten history.
        let mut tx = self.db.snapshot().await?;
        let head = head_in(&mut tx).await?;
        if cursor.position == 0 && head.horizon == 0 {
            return Ok(Ok(()));
        }
        let snapshot = |reason, message: &str| Ok(Err(Refusal::new(RefusalKind::Precondition, reason, message)));
        if cursor.incarnation != head.cursor.incarnation && cursor.position > 0 {
            return snapshot("HISTORY_REWRITTEN", "this cursor belongs to an earlier incarnation; take a snapshot");
        }
        if cursor.position < head.horizon {
            return snapshot("BEHIND_HORIZON", "entries after this cursor have been compacted away; take a snapshot");
        }
        let at = tx.fetch_one(&FEED_BATCH_AT, values![cursor.position]).await?.map(|row| row.uuid(0)).transpose()?;
        drop(tx);
        // At the horizon itself the batch is gone; nothing can be compared, and nothing can be missing.
        let at_horizon = cursor.position == head.horizon && cursor.position <= head.cursor.position;
        if cursor.position > head.cursor.position || (at != cursor.batch_id && !(at_horizon && at.is_none())) {
            let mut tx = self.db.begin().await?;
            tx.execute(&FEED_REBIRTH, values![reborn, cursor.incarnation]).await?;
            tx.commit().await?;
            return snapshot("HISTORY_REWRITTEN", "this cursor is not of this history; take a snapshot");
        }
        Ok(Ok(()))
    }

    /// Deletes entries committed before `before_us`, a range of at most `limit` at a time; returns how many went.
    pub async fn feed_compact(&self, before_us: i64, limit: i64) -> Result<u64, StoreError> {
        let horizon = self.feed_head().await?.horizon;
        let row = self.db.fetch_one(&FEED_OLD, values![horizon, before_us, limit]).await?;
        let Some(until) = row.map(|row| row.int_or_null(0)).transpose()?.flatten() else { return Ok(0) };
        let mut tx = self.db.begin().await?;
        // The horizon moves with the deletion, so that no reader ever sees a hole it could take for the end.
        tx.execute(&FEED_HORIZON, values![until]).await?;
        let gone = tx.execute(&FEED_COMPACT, values![horizon, until]).await?;
        tx.commit().await?;
        Ok(gone)
    }
}

async fn head(db: &Db) -> Result<Head, StoreError> {
    let mut tx = db.snapshot().await?;
    head_in(&mut tx).await
}
