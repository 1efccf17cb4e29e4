//! What belongs to a ticket beside its row and its timeline: watchers, links, attachments; and entries that change hands.

use std::collections::{HashMap, HashSet};

use gridcare_domain::ticket::{Attachment, LinkKind};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    NodeStore, StoreError,
    db::Row,
    statement::{Rows, statements, values},
    ticket::TICKET_CHILDREN,
    writer::Extra,
};

statements! {
    WATCHER_ADD = "INSERT INTO ticket_watcher (ticket_id, watcher, at_us) VALUES ($1, $2, $3) ON CONFLICT (ticket_id, watcher) DO NOTHING";
    WATCHER_REMOVE = "DELETE FROM ticket_watcher WHERE ticket_id = $1 AND watcher = $2";
    WATCHERS_MOVE =
        "INSERT INTO ticket_watcher (ticket_id, watcher, at_us) SELECT $2, watcher, at_us FROM ticket_watcher WHERE ticket_id = $1
         ON CONFLICT (ticket_id, watcher) DO NOTHING";
    WATCHERS_OF = "SELECT watcher FROM ticket_watcher WHERE ticket_id = $1 ORDER BY watcher LIMIT 1000";
    LINK_ADD = "INSERT INTO ticket_link (ticket_id, kind, target, at_us) VALUES ($1, $2, $3, $4) ON CONFLICT (ticket_id, kind, target) DO NOTHING";
    LINK_REMOVE = "DELETE FROM ticket_link WHERE ticket_id = $1 AND kind = $2 AND target = $3";
    LINKS_MOVE =
        "INSERT INTO ticket_link (ticket_id, kind, target, at_us) SELECT $2, kind, target, at_us FROM ticket_link WHERE ticket_id = $1
         ON CONFLICT (ticket_id, kind, target) DO NOTHING";
    LINKS_OF = "SELECT kind, target, at_us FROM ticket_link WHERE ticket_id = $1 AND kind > 0 ORDER BY kind, target LIMIT 1000";
    LINKED_TICKETS = "SELECT ticket_id FROM ticket_link WHERE target = $1 AND kind = $2 AND ticket_id > $3 ORDER BY ticket_id LIMIT $4";
    LINKED_AMONG [ticket_id Uuid, kind Int] =
        "SELECT DISTINCT ticket_link.ticket_id, ticket_link.target FROM v
         JOIN ticket_link ON ticket_link.ticket_id = v.ticket_id AND ticket_link.kind = v.kind";
    ATTACHMENT_ADD =
        "INSERT INTO ticket_attachment (ticket_id, id, uri, file_name, media_type, size_bytes, sha256, at_us)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    ATTACHMENTS_MOVE = "UPDATE ticket_attachment SET ticket_id = $2 WHERE ticket_id = $1";
    ATTACHMENTS_OF =
        "SELECT id, uri, file_name, media_type, size_bytes, sha256, at_us FROM ticket_attachment WHERE ticket_id = $1 ORDER BY id LIMIT 1000";
    TIMELINE_MOVE = "UPDATE timeline SET ticket_id = $2 WHERE ticket_id = $1 AND id <> $3";
    MERGED_MOVE = "UPDATE ticket SET merged_into = $2 WHERE merged_into = $1";
    ENTRY_MOVE = "UPDATE timeline SET ticket_id = $3 WHERE ticket_id = $1 AND id = $2";
}

/// A link as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// To what.
    pub kind: LinkKind,
    /// Its id.
    pub target: Uuid,
    /// Since when.
    pub at: Timestamp,
}

/// Everything beside a ticket's row and timeline.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Relations {
    /// Who is told of what happens to it; personal.
    pub watchers: Vec<String>,
    /// What it is linked to.
    pub links: Vec<Link>,
    /// Files.
    pub attachments: Vec<Attachment>,
    /// Tickets that are parts of it.
    pub children: Vec<Uuid>,
}

/// A ticket is linked.
#[must_use]
pub fn link(ticket: Uuid, kind: LinkKind, target: Uuid, at: Timestamp) -> Extra {
    Extra { statement: &LINK_ADD, values: values![ticket, kind.number(), target, at.as_microsecond()] }
}

/// A ticket is linked no longer.
#[must_use]
pub fn unlink(ticket: Uuid, kind: LinkKind, target: Uuid) -> Extra {
    Extra { statement: &LINK_REMOVE, values: values![ticket, kind.number(), target] }
}

/// Somebody took a ticket out of what it was linked to. That is remembered under the kind's negative number, so that it is not
/// proposed for it again.
#[must_use]
pub fn take_out(ticket: Uuid, kind: LinkKind, target: Uuid, at: Timestamp) -> [Extra; 2] {
    let values = values![ticket, -kind.number(), target, at.as_microsecond()];
    [unlink(ticket, kind, target), Extra { statement: &LINK_ADD, values }]
}

/// A file is attached.
#[must_use]
pub fn attach(ticket: Uuid, file: &Attachment) -> Extra {
    let values = values![
        ticket,
        file.id,
        file.uri.as_str(),
        file.file_name.as_str(),
        file.media_type.as_str(),
        file.size_bytes,
        file.sha256.as_str(),
        file.at.as_microsecond(),
    ];
    Extra { statement: &ATTACHMENT_ADD, values }
}

/// Everything of `from` belongs to `to` from now on: every entry of its timeline, each exactly once, save `last`, which says
/// that it was handed over. What was merged into `from` leads on to `to` at once, so that a chain of merges has one step.
#[must_use]
pub fn hand_over(from: Uuid, to: Uuid, last: Uuid) -> Vec<Extra> {
    let rest = [&WATCHERS_MOVE, &LINKS_MOVE, &ATTACHMENTS_MOVE, &MERGED_MOVE];
    let timeline = Extra { statement: &TIMELINE_MOVE, values: values![from, to, last] };
    std::iter::once(timeline)
        .chain(rest.into_iter().map(|statement| Extra { statement, values: values![from, to] }))
        .collect()
}

/// One entry of `from` belongs to `to` from now on. A write that finds it gone fails with [`StoreError::EntryGone`].
#[must_use]
pub fn hand_over_entry(from: Uuid, entry: Uuid, to: Uuid) -> Extra {
    Extra { statement: &ENTRY_MOVE, values: values![from, entry, to] }
}

/// A ticket has no parts when this is written. A write that finds one fails with [`StoreError::HasParts`].
#[must_use]
pub fn no_parts(ticket: Uuid) -> Extra {
    Extra { statement: &TICKET_CHILDREN, values: values![ticket, 1_i64] }
}

fn at(us: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(us).map_err(|e| StoreError::Corrupt { table: "ticket_link", what: e.to_string() })
}

fn link_of(row: &Row) -> Result<Link, StoreError> {
    let corrupt = || StoreError::Corrupt { table: "ticket_link", what: "unknown kind".into() };
    Ok(Link {
        kind: LinkKind::from_number(row.int(0)?).ok_or_else(corrupt)?,
        target: row.uuid(1)?,
        at: at(row.int(2)?)?,
    })
}

fn attachment_of(row: &Row) -> Result<Attachment, StoreError> {
    Ok(Attachment {
        id: row.uuid(0)?,
        uri: row.text(1)?,
        file_name: row.text(2)?,
        media_type: row.text(3)?,
        size_bytes: row.int(4)?,
        sha256: row.text(5)?,
        at: at(row.int(6)?)?,
    })
}

impl NodeStore {
    /// Everything beside a ticket's row and timeline.
    pub async fn relations(&self, ticket: Uuid) -> Result<Relations, StoreError> {
        let watchers = self.db.fetch(&WATCHERS_OF, values![ticket]).await?;
        let links = self.db.fetch(&LINKS_OF, values![ticket]).await?;
        let attachments = self.db.fetch(&ATTACHMENTS_OF, values![ticket]).await?;
        Ok(Relations {
            watchers: watchers.iter().map(|row| row.text(0)).collect::<Result<_, _>>()?,
            links: links.iter().map(link_of).collect::<Result<_, _>>()?,
            attachments: attachments.iter().map(attachment_of).collect::<Result<_, _>>()?,
            children: self.children(ticket).await?,
        })
    }

    /// Somebody watches a ticket from now on, or no longer.
    pub async fn set_watcher(&self, ticket: Uuid, watcher: &str, on: bool, at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        if on {
            tx.execute(&WATCHER_ADD, values![ticket, watcher, at.as_microsecond()]).await?;
        } else {
            tx.execute(&WATCHER_REMOVE, values![ticket, watcher]).await?;
        }
        tx.commit().await
    }

    /// Who watches a ticket.
    pub async fn watchers(&self, ticket: Uuid) -> Result<Vec<String>, StoreError> {
        self.db.fetch(&WATCHERS_OF, values![ticket]).await?.iter().map(|row| row.text(0)).collect()
    }

    /// Those of these tickets that are linked to anything of this kind.
    pub async fn linked_among(&self, tickets: &[Uuid], kind: LinkKind) -> Result<HashSet<Uuid>, StoreError> {
        self.links_among(tickets, kind.number()).await?.iter().map(|row| row.uuid(0)).collect()
    }

    /// What of this kind somebody took these tickets out of.
    pub async fn taken_out(&self, tickets: &[Uuid], kind: LinkKind) -> Result<HashMap<Uuid, Vec<Uuid>>, StoreError> {
        let mut found: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
        for row in self.links_among(tickets, -kind.number()).await? {
            found.entry(row.uuid(0)?).or_default().push(row.uuid(1)?);
        }
        Ok(found)
    }

    async fn links_among(&self, tickets: &[Uuid], number: i64) -> Result<Vec<Row>, StoreError> {
        let mut rows = Rows::of(&LINKED_AMONG, tickets.len());
        for ticket in tickets {
            rows.push(values![*ticket, number]);
        }
        self.db.snapshot().await?.fetch_rows(&LINKED_AMONG, rows).await
    }

    /// Tickets linked to a contact or an outage, in the order of their ids.
    pub async fn linked_tickets(
        &self,
        kind: LinkKind,
        target: Uuid,
        after: Uuid,
        limit: i64,
    ) -> Result<Vec<Uuid>, StoreError> {
        let rows = self.db.fetch(&LINKED_TICKETS, values![target, kind.number(), after, limit]).await?;
        rows.iter().map(|row| row.uuid(0)).collect()
    }
}
