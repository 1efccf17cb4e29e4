//! Tickets that come from another system, with their histories.

use std::collections::HashSet;

use uuid::Uuid;

use crate::{
    Committed, NodeStore, StoreError, feed,
    statement::{Rows, statements, values},
    ticket,
    writer::TicketWrite,
};

statements! {
    TICKET_IMPORT_PUT [source Text, source_key Text, ticket_id Uuid] =
        "INSERT INTO ticket_import (source, source_key, ticket_id) SELECT source, source_key, ticket_id FROM v WHERE true
         ON CONFLICT (source, source_key) DO NOTHING RETURNING source_key";
    TICKET_IMPORT_KNOWN [source Text, source_key Text] =
        "SELECT i.source_key FROM v JOIN ticket_import AS i ON i.source = v.source AND i.source_key = v.source_key";
}

/// A ticket of another system, with all that happened to it.
pub struct ImportedTicket {
    /// Its own key there.
    pub source_key: String,
    /// What is written; its `more` are the entries after the first.
    pub write: TicketWrite,
}

impl NodeStore {
    /// Which of these keys are known from this source.
    pub async fn known_imports(&self, source: &str, keys: &[&str]) -> Result<HashSet<String>, StoreError> {
        let mut rows = Rows::of(&TICKET_IMPORT_KNOWN, keys.len());
        for key in keys {
            rows.push(values![source, *key]);
        }
        let mut tx = self.db.snapshot().await?;
        tx.fetch_rows(&TICKET_IMPORT_KNOWN, rows).await?.iter().map(|row| row.text(0)).collect()
    }

    /// Stores those whose keys are new, in one transaction with their feed entries; returns how many were.
    pub async fn import_tickets(
        &self,
        source: &str,
        now_us: i64,
        batch_id: Uuid,
        tickets: &[ImportedTicket],
    ) -> Result<usize, StoreError> {
        let mut tx = self.db.begin().await?;
        let mut rows = Rows::of(&TICKET_IMPORT_PUT, tickets.len());
        for one in tickets {
            rows.push(values![source, one.source_key.as_str(), one.write.ticket.id]);
        }
        let new = tx.fetch_rows(&TICKET_IMPORT_PUT, rows).await?;
        let new: HashSet<String> = new.iter().map(|row| row.text(0)).collect::<Result<_, _>>()?;
        let writes: Vec<&TicketWrite> =
            tickets.iter().filter(|one| new.contains(&one.source_key)).map(|one| &one.write).collect();
        if writes.is_empty() {
            tx.rollback().await?;
            return Ok(0);
        }
        ticket::insert(&mut tx, &writes).await?;
        let entries: Vec<_> = writes
            .iter()
            .flat_map(|w| std::iter::once(&w.entry).chain(&w.more).map(|entry| (w.ticket.id, entry)))
            .collect();
        ticket::add_entries(&mut tx, &entries).await?;
        let changes = writes.iter().map(|write| write.change.clone()).collect();
        feed::append(&mut tx, batch_id, now_us, changes).await?;
        tx.commit().await?;
        self.writer.committed(Committed { feed: true, contacts: false });
        Ok(writes.len())
    }
}
