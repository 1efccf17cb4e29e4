use std::collections::BTreeSet;

use gridcare_domain::notice::proof::{Entry, Event};
use uuid::Uuid;

use super::GatewayStore;
use crate::{
    StoreError,
    db::{Row, Tx},
    statement::{Rows, statements, values},
};

statements! {
    // Locks the chain until the commit, so that numbers are given once and without gaps.
    PROOF_HEAD =
        "INSERT INTO proof_head (owner, notice_id, entries) VALUES ($1, $2, 0)
         ON CONFLICT (owner, notice_id) DO UPDATE SET entries = proof_head.entries RETURNING entries";
    PROOF_GROW = "UPDATE proof_head SET entries = $1 WHERE owner = $2 AND notice_id = $3";
    PROOF_KNOWN [owner Text, notice_id Uuid, once Text] =
        "SELECT p.once FROM proof_entry AS p JOIN v ON p.owner = v.owner AND p.notice_id = v.notice_id AND p.once = v.once";
    PROOF_PUT [owner Text, notice_id Uuid, number Int, at_us Int, event Int, facts Text, once Text] =
        "INSERT INTO proof_entry (owner, notice_id, number, at_us, event, facts, once)
         SELECT owner, notice_id, number, at_us, event, facts, once FROM v WHERE true";
    PROOF_OF = "SELECT at_us, event, facts FROM proof_entry WHERE owner = $1 AND notice_id = $2 ORDER BY number";
}

/// The owner of the nation's notices.
pub(super) const NATIONAL: &str = "";

/// What happened, and what it is, so that it is in the chain once however often it is heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofEntry {
    /// The entry.
    pub entry: Entry,
    /// Two of a notice with the same name are the same.
    pub once: String,
}

fn facts_to_text(entry: &Entry) -> String {
    let facts: Vec<_> = entry.facts.iter().map(|(key, value)| format!("{key}={value}")).collect();
    facts.join(",")
}

fn read(row: &Row) -> Result<Entry, StoreError> {
    let corrupt = |what: &str| StoreError::Corrupt { table: "proof_entry", what: what.to_owned() };
    let facts = row.text(2)?;
    let fact = |fact: &str| fact.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
    let facts = facts.split(',').filter(|fact| !fact.is_empty()).map(fact).collect::<Option<_>>();
    Ok(Entry {
        at_us: row.int(0)?,
        event: Event::from_number(row.int(1)?).ok_or_else(|| corrupt("unknown event"))?,
        facts: facts.ok_or_else(|| corrupt("a fact without a value"))?,
    })
}

async fn known(
    tx: &mut Tx,
    owner: &str,
    notice_id: Uuid,
    entries: &[ProofEntry],
) -> Result<BTreeSet<String>, StoreError> {
    let mut rows = Rows::of(&PROOF_KNOWN, entries.len());
    for entry in entries {
        rows.push(values![owner, notice_id, entry.once.as_str()]);
    }
    tx.fetch_rows(&PROOF_KNOWN, rows).await?.iter().map(|row| row.text(0)).collect()
}

/// Adds to a chain what is new, in the order of when, what and the facts.
pub(super) async fn append(
    tx: &mut Tx,
    owner: &str,
    notice_id: Uuid,
    entries: &[ProofEntry],
) -> Result<(), StoreError> {
    // Looked at first, so that what is heard again and again locks nothing.
    if entries.is_empty() || known(tx, owner, notice_id, entries).await?.len() == entries.len() {
        return Ok(());
    }
    let head = tx.fetch_one(&PROOF_HEAD, values![owner, notice_id]).await?;
    let before = head.ok_or_else(|| StoreError::Corrupt { table: "proof_head", what: "no row".into() })?.int(0)?;
    let mut chained = known(tx, owner, notice_id, entries).await?;
    let mut new: Vec<_> = entries.iter().filter(|entry| chained.insert(entry.once.clone())).collect();
    if new.is_empty() {
        return Ok(());
    }
    new.sort_by_cached_key(|new| (new.entry.at_us, new.entry.event.number(), facts_to_text(&new.entry)));
    let mut rows = Rows::of(&PROOF_PUT, new.len());
    let mut number = before;
    for ProofEntry { entry, once } in new {
        number += 1;
        let (at_us, event, facts) = (entry.at_us, entry.event.number(), facts_to_text(entry));
        rows.push(values![owner, notice_id, number, at_us, event, facts, once.as_str()]);
    }
    tx.execute_rows(&PROOF_PUT, rows).await?;
    tx.execute(&PROOF_GROW, values![number, owner, notice_id]).await.map(drop)
}

impl GatewayStore {
    /// The chain of a notice: of the nation, or of a member's.
    pub async fn proof(&self, owner: Option<&str>, notice_id: Uuid) -> Result<Vec<Entry>, StoreError> {
        let owner = owner.unwrap_or(NATIONAL);
        self.db.fetch(&PROOF_OF, values![owner, notice_id]).await?.iter().map(read).collect()
    }

    /// Adds to the chain of a notice what is not in it yet.
    pub async fn prove(&self, owner: Option<&str>, notice_id: Uuid, entries: &[ProofEntry]) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        append(&mut tx, owner.unwrap_or(NATIONAL), notice_id, entries).await?;
        tx.commit().await
    }
}
