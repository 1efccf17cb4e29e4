//! Tickets at which something must be noticed, and open tickets one after the other.

use std::collections::HashSet;

use gridcare_domain::{
    feed::Change,
    ticket::{State, Ticket},
};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::{
    Committed, NodeStore, StoreError, contact,
    db::{Engine, Tx},
    feed,
    statement::{Rows, values},
    ticket::{
        self, TICKET_CAME_BACK, TICKET_CHILDREN, TICKET_DUE, TICKET_MERGED_INTO, TICKET_NEXT_DUE,
        TICKET_OF_STATE_LOCKED, TICKET_REBASE,
    },
};

/// The longest way from a merged ticket to the one that lives.
const MERGES: usize = 1_000;

/// How far open tickets of one state have been taken in hand. Several may walk it together: each takes the next page, and
/// while one writes, another reads and decides.
#[derive(Debug)]
pub struct Walk {
    state: State,
    after: Mutex<Uuid>,
}

impl Walk {
    /// Through the tickets of a state that come after an id.
    #[must_use]
    pub fn new(state: State, after: Uuid) -> Self {
        Self { state, after: Mutex::new(after) }
    }
}

/// One step of a rebase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rebased {
    /// Tickets looked at; none at the end of the walk.
    pub seen: usize,
    /// Tickets that changed.
    pub changed: usize,
}

/// Writes tickets as they were decided; returns what is to be told of them, and those that somebody else wrote meanwhile.
async fn put(tx: &mut Tx, decided: Vec<(Ticket, Change)>) -> Result<(Vec<Change>, Vec<Uuid>), StoreError> {
    let mut updates = Rows::of(&TICKET_REBASE, decided.len());
    for (next, _) in &decided {
        updates.push(values![
            next.id,
            next.version,
            next.updated_at.as_microsecond(),
            next.standard.as_str(),
            next.clocks.encode(),
            next.due_us,
            next.deadline_us,
        ]);
    }
    let rows = tx.fetch_rows(&TICKET_REBASE, updates).await?;
    let written = rows.iter().map(|row| row.uuid(0)).collect::<Result<HashSet<_>, _>>()?;
    let (mut told, mut missed) = (Vec::with_capacity(decided.len()), Vec::new());
    for (next, change) in decided {
        if written.contains(&next.id) {
            told.push(change);
        } else {
            missed.push(next.id);
        }
    }
    Ok((told, missed))
}

impl NodeStore {
    /// The next instant at which something must be noticed, microseconds since 1970.
    pub async fn next_due_us(&self) -> Result<Option<i64>, StoreError> {
        let row = self.db.fetch_one(&TICKET_NEXT_DUE, vec![]).await?;
        Ok(row.map(|row| row.int_or_null(0)).transpose()?.flatten())
    }

    /// Tickets that are due, the longest overdue first, with when they were.
    pub async fn due_tickets(&self, now_us: i64, limit: i64) -> Result<Vec<(Uuid, i64)>, StoreError> {
        let rows = self.db.fetch(&TICKET_DUE, values![now_us, limit]).await?;
        rows.iter().map(|row| Ok((row.uuid(0)?, row.int(1)?))).collect()
    }

    /// Whether the customer of a resolved ticket came back about the same topic within the window, which ends at `until_us`:
    /// with another ticket, a call, a message or a visit. A reopening is known to the ticket itself.
    pub async fn came_back(&self, ticket: &Ticket, until_us: i64) -> Result<bool, StoreError> {
        let (Some(customer), Some(resolved)) = (&ticket.customer_code, ticket.resolved_at) else { return Ok(false) };
        let (code, topic, from_us) = (customer.as_str(), ticket.topic.number(), resolved.as_microsecond());
        if self.db.fetch_one(&TICKET_CAME_BACK, values![code, topic, ticket.id, from_us, until_us]).await?.is_some() {
            return Ok(true);
        }
        contact::came_back(&mut self.db.snapshot().await?, customer, topic, from_us, until_us).await
    }

    /// Tickets that are parts of this one.
    pub async fn children(&self, parent: Uuid) -> Result<Vec<Uuid>, StoreError> {
        self.db.fetch(&TICKET_CHILDREN, values![parent, 1_000_i64]).await?.iter().map(|row| row.uuid(0)).collect()
    }

    /// The ticket in which this one lives on, itself unless it was merged.
    pub async fn living_ticket(&self, id: Uuid) -> Result<Uuid, StoreError> {
        let mut living = id;
        for _ in 0..MERGES {
            let row = self.db.fetch_one(&TICKET_MERGED_INTO, values![living]).await?;
            match row.map(|row| row.uuid_or_null(0)).transpose()?.flatten() {
                Some(into) => living = into,
                None => return Ok(living),
            }
        }
        Err(StoreError::Corrupt { table: "ticket", what: "merges lead in a circle".into() })
    }

    /// Puts the next `limit` tickets of a walk under other rules as `decide` says; all in one transaction with their feed
    /// entries. Other writes go on between the steps. What fails is not taken in hand again by the same walk.
    pub async fn rebase(
        &self,
        walk: &Walk,
        limit: i64,
        now_us: i64,
        batch_id: Uuid,
        decide: impl Fn(&Ticket) -> Option<(Ticket, Change)>,
    ) -> Result<Rebased, StoreError> {
        let mut after = walk.after.lock().await;
        let page = values![walk.state.number(), *after, limit];
        // SQLite has one writer: it is not kept waiting by what is only read and decided.
        let mut tx = match self.db.engine() {
            Engine::Postgres => Some(self.db.begin().await?),
            Engine::Sqlite => None,
        };
        let rows = match &mut tx {
            Some(tx) => tx.fetch(&TICKET_OF_STATE_LOCKED, page).await?,
            None => self.db.fetch(&TICKET_OF_STATE_LOCKED, page).await?,
        };
        let tickets: Vec<Ticket> = rows.iter().map(ticket::ticket).collect::<Result<_, _>>()?;
        let Some(last) = tickets.last() else {
            return Ok(Rebased { seen: 0, changed: 0 });
        };
        *after = last.id;
        drop(after);
        let decided: Vec<_> = tickets.iter().filter_map(&decide).collect();
        if decided.is_empty() {
            return Ok(Rebased { seen: tickets.len(), changed: 0 });
        }
        let mut tx = match tx {
            Some(tx) => tx,
            None => self.db.begin().await?,
        };
        let (mut told, missed) = put(&mut tx, decided).await?;
        if !missed.is_empty() {
            // Somebody wrote them between our reading and our writing: now nobody else does.
            let again = ticket::lock(&mut tx, missed.into_iter()).await?;
            let (more, raced) = put(&mut tx, again.iter().filter_map(&decide).collect()).await?;
            if !raced.is_empty() {
                return Err(StoreError::Raced);
            }
            told.extend(more);
        }
        let changed = told.len();
        feed::append(&mut tx, batch_id, now_us, told).await?;
        tx.commit().await?;
        self.writer.committed(Committed { feed: true, contacts: false });
        Ok(Rebased { seen: tickets.len(), changed })
    }
}
