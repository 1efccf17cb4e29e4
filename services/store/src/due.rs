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
        TICKET_OF_OTHER_STANDARD, TICKET_OF_STATE, TICKET_REBASE,
    },
};

/// The longest way from a merged ticket to the one that lives. A merge leads all that ended in its source on to its target, so
/// that it is one step, but not always was.
const MERGES: usize = 1_000;

/// How far open tickets of one state have been taken in hand. Several may walk it together: each takes the next page, and
/// while one writes, another reads and decides.
#[derive(Debug)]
pub struct Walk {
    state: State,
    /// Only those that are not under this version of the standard.
    not_under: Option<String>,
    after: Mutex<Uuid>,
}

impl Walk {
    /// Through all tickets of a state.
    #[must_use]
    pub fn new(state: State) -> Self {
        Self { state, not_under: None, after: Mutex::new(Uuid::nil()) }
    }

    /// Through all tickets of a state, of which only those are read that are not under this version of the standard.
    #[must_use]
    pub fn left_behind(state: State, version: &str) -> Self {
        Self { not_under: Some(version.to_owned()), ..Self::new(state) }
    }
}

/// One step of a rebase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rebased {
    /// Tickets looked at: some until the walk has ended, then none.
    pub seen: usize,
    /// Tickets that changed.
    pub changed: usize,
}

/// A page of a walk: its tickets, and the transaction in which they are locked, if they are.
struct Taken {
    tx: Option<Tx>,
    seen: usize,
    tickets: Vec<Ticket>,
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
        let Some(Taken { tx, seen, tickets }) = self.take(walk, limit).await? else {
            return Ok(Rebased { seen: 0, changed: 0 });
        };
        let decided: Vec<_> = tickets.iter().filter_map(&decide).collect();
        if decided.is_empty() {
            return Ok(Rebased { seen, changed: 0 });
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
        Ok(Rebased { seen, changed })
    }

    /// The next page of a walk; `None` at its end. Nobody is kept waiting by what is only read and decided: not the one writer of
    /// `SQLite`, nor on Postgres whoever works on a ticket, where each lock is a write as well.
    async fn take(&self, walk: &Walk, limit: i64) -> Result<Option<Taken>, StoreError> {
        let mut after = walk.after.lock().await;
        let Some(version) = &walk.not_under else {
            let page = values![walk.state.number(), *after, limit];
            let rows = self.db.fetch(&TICKET_OF_STATE, page).await?;
            let tickets: Vec<Ticket> = rows.iter().map(ticket::ticket).collect::<Result<_, _>>()?;
            let Some(last) = tickets.last() else { return Ok(None) };
            *after = last.id;
            return Ok(Some(Taken { tx: None, seen: tickets.len(), tickets }));
        };
        let page = values![walk.state.number(), *after, limit, version.as_str()];
        let rows = self.db.fetch(&TICKET_OF_OTHER_STANDARD, page).await?;
        let Some(last) = rows.last() else { return Ok(None) };
        *after = last.uuid(0)?;
        drop(after);
        let mut left = Vec::new();
        for row in &rows {
            if row.text(1)? != *version {
                left.push(row.uuid(0)?);
            }
        }
        if left.is_empty() {
            return Ok(Some(Taken { tx: None, seen: rows.len(), tickets: Vec::new() }));
        }
        let (tx, tickets) = match self.db.engine() {
            Engine::Postgres => {
                let mut tx = self.db.begin().await?;
                let tickets = ticket::lock(&mut tx, left.into_iter()).await?;
                (Some(tx), tickets)
            }
            Engine::Sqlite => (None, ticket::lock(&mut self.db.snapshot().await?, left.into_iter()).await?),
        };
        Ok(Some(Taken { tx, seen: rows.len(), tickets }))
    }
}
