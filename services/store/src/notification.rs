//! What watchers and roles are told, in an order that a reader can follow.

use uuid::Uuid;

use crate::{
    NodeStore, StoreError,
    db::{Row, Tx},
    statement::{Rows, statements, values},
};

statements! {
    // Locked until the commit, so that a reader who has seen a number has seen all before it.
    NOTIFICATION_ADVANCE = "UPDATE notification_head SET number = number + $1 WHERE one = 1 RETURNING number";
    NOTIFICATION_INSERT [number Int, at_us Int, ticket_id Uuid, recipient Text, event Text, target Text] =
        "INSERT INTO notification (number, at_us, ticket_id, recipient, event, target)
         SELECT number, at_us, ticket_id, recipient, event, target FROM v WHERE true";
    NOTIFICATION_OF =
        "SELECT number, at_us, ticket_id, recipient, event, target FROM notification
         WHERE recipient = $1 AND number > $2 ORDER BY number LIMIT $3";
    // Numbers follow the times, but for differences of clocks: how far old ones go is seen in the first page of them.
    NOTIFICATION_OLD =
        "SELECT MAX(number) FROM (SELECT number, at_us FROM notification WHERE number > 0 ORDER BY number LIMIT $1) AS page WHERE at_us < $2";
    NOTIFICATION_EXPIRE = "DELETE FROM notification WHERE number > 0 AND number <= $1 AND at_us < $2";
}

/// Something that somebody is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Which ticket.
    pub ticket_id: Uuid,
    /// An agent, `team:<team>` or `role:<role>`; personal.
    pub recipient: String,
    /// What happened: a stable word.
    pub event: &'static str,
    /// The clock's target, or empty.
    pub target: String,
}

/// A notification as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredNotification {
    /// Dense, in commit order.
    pub number: i64,
    /// When it was written, microseconds since 1970.
    pub at_us: i64,
    /// Which ticket.
    pub ticket_id: Uuid,
    /// Who is told; personal.
    pub recipient: String,
    /// What happened.
    pub event: String,
    /// The clock's target, or empty.
    pub target: String,
}

pub(crate) async fn tell(tx: &mut Tx, now_us: i64, told: &[&Notification]) -> Result<(), StoreError> {
    if told.is_empty() {
        return Ok(());
    }
    let count = i64::try_from(told.len()).unwrap_or(i64::MAX);
    let corrupt = || StoreError::Corrupt { table: "notification_head", what: "the one row is missing".into() };
    let head = tx.fetch_one(&NOTIFICATION_ADVANCE, values![count]).await?.ok_or_else(corrupt)?.int(0)?;
    let mut rows = Rows::of(&NOTIFICATION_INSERT, told.len());
    for (number, one) in (head - count + 1..).zip(told) {
        rows.push(values![number, now_us, one.ticket_id, one.recipient.as_str(), one.event, one.target.as_str()]);
    }
    tx.execute_rows(&NOTIFICATION_INSERT, rows).await.map(drop)
}

fn notification(row: &Row) -> Result<StoredNotification, StoreError> {
    Ok(StoredNotification {
        number: row.int(0)?,
        at_us: row.int(1)?,
        ticket_id: row.uuid(2)?,
        recipient: row.text(3)?,
        event: row.text(4)?,
        target: row.text(5)?,
    })
}

impl NodeStore {
    /// What this recipient was told after a number, the oldest first.
    pub async fn notifications(
        &self,
        recipient: &str,
        after: i64,
        limit: i64,
    ) -> Result<Vec<StoredNotification>, StoreError> {
        self.db.fetch(&NOTIFICATION_OF, values![recipient, after, limit]).await?.iter().map(notification).collect()
    }

    /// Forgets at most `limit` of what was told before `before_us`, the lowest numbers first; returns how many.
    pub async fn forget_notifications(&self, before_us: i64, limit: i64) -> Result<u64, StoreError> {
        let row = self.db.fetch_one(&NOTIFICATION_OLD, values![limit, before_us]).await?;
        let Some(until) = row.map(|row| row.int_or_null(0)).transpose()?.flatten() else { return Ok(0) };
        let mut tx = self.db.begin().await?;
        let gone = tx.execute(&NOTIFICATION_EXPIRE, values![until, before_us]).await?;
        tx.commit().await?;
        Ok(gone)
    }
}
