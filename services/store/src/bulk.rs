//! Bulk actions: long-running operations that survive their process.

use gridcare_domain::ticket::LinkKind;
use uuid::Uuid;

use crate::{
    NodeStore, StoreError,
    db::{Row, Tx},
    relation::LINKED_TICKETS,
    request::{self, Request},
    statement::{Rows, statements, values},
    writer::Answer,
};

statements! {
    BULK_INSERT = "INSERT INTO bulk_operation (id, state, action, items, started_us) VALUES ($1, 1, $2, $3, $4)";
    BULK_ITEMS_INSERT [operation_id Uuid, place Int, ticket_id Uuid] =
        "INSERT INTO bulk_item (operation_id, place, ticket_id) SELECT operation_id, place, ticket_id FROM v WHERE true";
    BULK_OF =
        "SELECT o.id, o.state, o.items, o.started_us, o.ended_us,
             (SELECT COUNT(*) FROM bulk_item AS i WHERE i.operation_id = o.id AND i.reason = '') AS succeeded,
             (SELECT COUNT(*) FROM bulk_item AS i WHERE i.operation_id = o.id AND i.reason <> '') AS refused
         FROM bulk_operation AS o WHERE o.id = $1";
    BULK_ACTION_OF = "SELECT action FROM bulk_operation WHERE id = $1";
    BULK_RUNNING = "SELECT id, action FROM bulk_operation WHERE state = 1 ORDER BY id LIMIT 10";
    BULK_WAITING = "SELECT place, ticket_id FROM bulk_item WHERE operation_id = $1 AND reason IS NULL ORDER BY place LIMIT $2";
    BULK_RESULTS_PUT [operation_id Uuid, place Int, reason Text, message Text] =
        "UPDATE bulk_item SET reason = v.reason, message = v.message FROM v
         WHERE bulk_item.operation_id = v.operation_id AND bulk_item.place = v.place AND bulk_item.reason IS NULL";
    BULK_END = "UPDATE bulk_operation SET state = $2, ended_us = $3 WHERE id = $1 AND state = 1";
    BULK_RESULTS =
        "SELECT place, ticket_id, reason, message FROM bulk_item
         WHERE operation_id = $1 AND place > $2 AND reason IS NOT NULL AND ($3 = 0 OR reason <> '') ORDER BY place LIMIT $4";
    BULK_OLD = "SELECT id FROM bulk_operation WHERE ended_us IS NOT NULL AND ended_us < $1 ORDER BY ended_us LIMIT 1";
    BULK_ITEMS_EXPIRE =
        "DELETE FROM bulk_item WHERE operation_id = $1
             AND place IN (SELECT place FROM bulk_item WHERE operation_id = $1 ORDER BY place LIMIT $2)";
    BULK_EXPIRE = "DELETE FROM bulk_operation WHERE id = $1";
}

/// Running, done or cancelled: the numbers of the wire.
pub const RUNNING: i64 = 1;
/// All items have results.
pub const DONE: i64 = 2;
/// Somebody stopped it.
pub const CANCELLED: i64 = 3;

/// A long-running operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// `UUIDv7`.
    pub id: Uuid,
    /// [`RUNNING`], [`DONE`] or [`CANCELLED`].
    pub state: i64,
    /// How many tickets.
    pub items: i64,
    /// When it was started, microseconds since 1970.
    pub started_us: i64,
    /// When it ended.
    pub ended_us: Option<i64>,
    /// Tickets with which it was done.
    pub succeeded: i64,
    /// Tickets that refused.
    pub refused: i64,
}

/// What became of one ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemResult {
    /// Its place in the operation, from 1.
    pub place: i64,
    /// Which ticket.
    pub ticket_id: Uuid,
    /// Empty when it was done; else the reason of the refusal.
    pub reason: String,
    /// The refusal in words.
    pub message: String,
}

fn operation(row: &Row) -> Result<Operation, StoreError> {
    Ok(Operation {
        id: row.uuid(0)?,
        state: row.int(1)?,
        items: row.int(2)?,
        started_us: row.int(3)?,
        ended_us: row.int_or_null(4)?,
        succeeded: row.int(5)?,
        refused: row.int(6)?,
    })
}

/// Stores an operation over all tickets that are linked to a target at this moment; none when there are none.
pub(crate) async fn start_linked(
    tx: &mut Tx,
    now_us: i64,
    id: Uuid,
    action: &[u8],
    kind: LinkKind,
    target: Uuid,
) -> Result<(), StoreError> {
    const PAGE: i64 = 10_000;
    let (mut place, mut after) = (0_i64, Some(Uuid::nil()));
    while let Some(last) = after {
        let page = tx.fetch(&LINKED_TICKETS, values![target, kind.number(), last, PAGE]).await?;
        let mut rows = Rows::of(&BULK_ITEMS_INSERT, page.len());
        after = None;
        for row in &page {
            let ticket = row.uuid(0)?;
            place += 1;
            rows.push(values![id, place, ticket]);
            after = Some(ticket);
        }
        if !rows.is_empty() {
            tx.execute_rows(&BULK_ITEMS_INSERT, rows).await?;
        }
    }
    if place > 0 {
        tx.execute(&BULK_INSERT, values![id, action, place, now_us]).await?;
    }
    Ok(())
}

impl NodeStore {
    /// What an operation does, as it was given.
    pub async fn bulk_action(&self, id: Uuid) -> Result<Option<Vec<u8>>, StoreError> {
        self.db.fetch_one(&BULK_ACTION_OF, values![id]).await?.map(|row| row.blob(0)).transpose()
    }

    /// Stores an operation with its items; it runs when somebody runs it.
    pub async fn start_bulk(
        &self,
        request: Request,
        now_us: i64,
        id: Uuid,
        action: Vec<u8>,
        tickets: &[Uuid],
        response: Vec<u8>,
    ) -> Answer {
        let mut tx = self.db.begin().await?;
        if let Some(answered) = request::find(&mut tx, [request].into_iter()).await?.get(&request.key) {
            return Ok(answered.replay(&request));
        }
        if request::insert(&mut tx, now_us, [(request, response.clone())].into_iter()).await?.is_empty() {
            return Err(StoreError::Raced);
        }
        let items = i64::try_from(tickets.len()).unwrap_or(i64::MAX);
        tx.execute(&BULK_INSERT, values![id, action, items, now_us]).await?;
        let mut rows = Rows::of(&BULK_ITEMS_INSERT, tickets.len());
        for (place, ticket) in (1_i64..).zip(tickets) {
            rows.push(values![id, place, *ticket]);
        }
        tx.execute_rows(&BULK_ITEMS_INSERT, rows).await?;
        tx.commit().await?;
        Ok(Ok(response))
    }

    /// An operation with its progress.
    pub async fn bulk(&self, id: Uuid) -> Result<Option<Operation>, StoreError> {
        self.db.fetch_one(&BULK_OF, values![id]).await?.as_ref().map(operation).transpose()
    }

    /// Operations that are not finished, with their actions.
    pub async fn running_bulks(&self) -> Result<Vec<(Uuid, Vec<u8>)>, StoreError> {
        let rows = self.db.fetch(&BULK_RUNNING, vec![]).await?;
        rows.iter().map(|row| Ok((row.uuid(0)?, row.blob(1)?))).collect()
    }

    /// The next items without a result.
    pub async fn waiting_items(&self, id: Uuid, limit: i64) -> Result<Vec<(i64, Uuid)>, StoreError> {
        let rows = self.db.fetch(&BULK_WAITING, values![id, limit]).await?;
        rows.iter().map(|row| Ok((row.int(0)?, row.uuid(1)?))).collect()
    }

    /// Keeps results; an item that has one keeps it.
    pub async fn put_results(&self, id: Uuid, results: &[ItemResult]) -> Result<(), StoreError> {
        let mut rows = Rows::of(&BULK_RESULTS_PUT, results.len());
        for result in results {
            rows.push(values![id, result.place, result.reason.as_str(), result.message.as_str()]);
        }
        let mut tx = self.db.begin().await?;
        tx.execute_rows(&BULK_RESULTS_PUT, rows).await?;
        tx.commit().await
    }

    /// Ends an operation that runs; false when it had ended.
    pub async fn end_bulk(&self, id: Uuid, state: i64, now_us: i64) -> Result<bool, StoreError> {
        let mut tx = self.db.begin().await?;
        let ended = tx.execute(&BULK_END, values![id, state, now_us]).await?;
        tx.commit().await?;
        Ok(ended > 0)
    }

    /// Forgets at most `limit` items of the operation that ended first, before `before_us`, and it with the last of them; returns
    /// how many rows.
    pub async fn forget_bulks(&self, before_us: i64, limit: i64) -> Result<u64, StoreError> {
        let Some(row) = self.db.fetch_one(&BULK_OLD, values![before_us]).await? else { return Ok(0) };
        let id = row.uuid(0)?;
        let mut tx = self.db.begin().await?;
        let mut gone = tx.execute(&BULK_ITEMS_EXPIRE, values![id, limit]).await?;
        if gone < u64::try_from(limit).unwrap_or(0) {
            gone += tx.execute(&BULK_EXPIRE, values![id]).await?;
        }
        tx.commit().await?;
        Ok(gone)
    }

    /// Results in the order of their places.
    pub async fn bulk_results(
        &self,
        id: Uuid,
        after: i64,
        refused_only: bool,
        limit: i64,
    ) -> Result<Vec<ItemResult>, StoreError> {
        let rows = self.db.fetch(&BULK_RESULTS, values![id, after, i64::from(refused_only), limit]).await?;
        let result = |row: &Row| {
            Ok(ItemResult {
                place: row.int(0)?,
                ticket_id: row.uuid(1)?,
                reason: row.text_or_null(2)?.unwrap_or_default(),
                message: row.text_or_null(3)?.unwrap_or_default(),
            })
        };
        rows.iter().map(result).collect()
    }
}
