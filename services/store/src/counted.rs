use std::collections::{BTreeMap, BTreeSet, HashMap};

use gridcare_domain::{
    feed::Kind,
    metric::ddsketch::DurationSketch,
    report::{Amount, Facts, Key, Selection, Tally, contributions, day::Grain, days},
    ticket::{State, Ticket},
};
use jiff::tz::TimeZone;
use uuid::Uuid;

use crate::{
    NodeStore, StoreError,
    db::{Row, Tx},
    feed,
    lease::{self, Lease},
    statement::{Rows, statements, values},
    tally, ticket,
};

statements! {
    TALLIED = "SELECT position, time_zone, recount_after FROM tally_rolled WHERE one = 1";
    TALLIED_ADVANCE = "UPDATE tally_rolled SET position = $1, epoch = $2 WHERE one = 1 AND position = $3 AND recount_after IS NULL AND epoch <= $2";
    TALLIED_RECOUNT = "UPDATE tally_rolled SET position = $1, epoch = $2, time_zone = $3, recount_after = $4 WHERE one = 1 AND epoch <= $2";
    TALLIED_RECOUNTED = "UPDATE tally_rolled SET recount_after = $1, epoch = $2 WHERE one = 1 AND recount_after = $3 AND epoch <= $2";
    COUNTED_OF [id Uuid] = "SELECT c.id, c.version, c.facts FROM v JOIN ticket_counted AS c ON c.id = v.id";
    COUNTED_PUT [id Uuid, version Int, facts Blob] =
        "INSERT INTO ticket_counted (id, version, facts) SELECT id, version, facts FROM v WHERE true
         ON CONFLICT (id) DO UPDATE SET version = excluded.version, facts = excluded.facts";
    COUNTED_DAY_ADD [day Int, id Uuid] =
        "INSERT INTO ticket_counted_day (day, id) SELECT day, id FROM v WHERE true ON CONFLICT (day, id) DO NOTHING";
    COUNTED_DAY_GONE [day Int, id Uuid] = "DELETE FROM ticket_counted_day WHERE (day, id) IN (SELECT day, id FROM v)";
    COUNTED_CLEAR = "DELETE FROM ticket_counted WHERE id >= $1";
    COUNTED_DAY_CLEAR = "DELETE FROM ticket_counted_day WHERE day >= $1";
    COUNTED_TALLIES = "SELECT measure, category, start, detail, n, total FROM ticket_tally WHERE node = $1 AND grain = $2";
    COUNTED_ON =
        "SELECT d.day, d.id, c.facts, t.number, t.prefix, t.state
         FROM ticket_counted_day AS d JOIN ticket_counted AS c ON c.id = d.id JOIN ticket AS t ON t.id = d.id
         WHERE (d.day, d.id) > ($1, $2) AND d.day < $3 ORDER BY d.day, d.id LIMIT $4";
}

/// How far the tallies have got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tallied {
    /// Everything up to this position of the feed is in them.
    pub position: i64,
    /// The zone of their days; empty before the first one.
    pub time_zone: String,
    /// All tickets are being counted anew, and those up to this id are.
    pub recount_after: Option<Uuid>,
}

/// A version of a ticket, as reports know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The ticket.
    pub id: Uuid,
    /// Later states have greater ones.
    pub version: i64,
    /// What is known of it.
    pub facts: Facts,
}

/// A ticket behind a figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    /// The local day on which it counts.
    pub day: i32,
    /// The ticket.
    pub id: Uuid,
    /// Its number and prefix, of which its reference is made.
    pub number: i64,
    /// The other part.
    pub prefix: String,
    /// Where it stands now.
    pub state: State,
    /// Its category, as it was counted.
    pub category: String,
}

/// What a stretch of tickets changes.
#[derive(Debug, Default)]
pub struct Difference {
    tally: Tally,
    newer: Vec<Version>,
    days_new: BTreeSet<(i32, Uuid)>,
    days_gone: BTreeSet<(i32, Uuid)>,
}

fn tallied(row: &Row) -> Result<Tallied, StoreError> {
    Ok(Tallied { position: row.int(0)?, time_zone: row.text(1)?, recount_after: row.uuid_or_null(2)? })
}

async fn tallied_in(tx: &mut Tx) -> Result<Tallied, StoreError> {
    let corrupt = || StoreError::Corrupt { table: "tally_rolled", what: "the one row is missing".into() };
    tallied(&tx.fetch_one(&TALLIED, vec![]).await?.ok_or_else(corrupt)?)
}

fn facts_of(bytes: &[u8]) -> Result<Facts, StoreError> {
    Facts::from_bytes(bytes).map_err(|e| StoreError::Corrupt { table: "ticket_counted", what: e.to_string() })
}

async fn counted_in(
    tx: &mut Tx,
    ids: impl ExactSizeIterator<Item = Uuid>,
) -> Result<HashMap<Uuid, (i64, Facts)>, StoreError> {
    let mut rows = Rows::of(&COUNTED_OF, ids.len());
    for id in ids {
        rows.push(values![id]);
    }
    let mut counted = HashMap::with_capacity(rows.len());
    for row in tx.fetch_rows(&COUNTED_OF, rows).await? {
        counted.insert(row.uuid(0)?, (row.int(1)?, facts_of(&row.blob(2)?)?));
    }
    Ok(counted)
}

async fn write(tx: &mut Tx, node: &str, difference: &Difference) -> Result<(), StoreError> {
    let Difference { tally, newer, days_new, days_gone } = difference;
    let mut rows = Rows::of(&COUNTED_PUT, newer.len());
    for Version { id, version, facts } in newer {
        rows.push(values![*id, *version, facts.to_bytes()]);
    }
    tx.execute_rows(&COUNTED_PUT, rows).await?;
    for (statement, days) in [(&COUNTED_DAY_GONE, days_gone), (&COUNTED_DAY_ADD, days_new)] {
        let mut rows = Rows::of(statement, days.len());
        for (day, id) in days {
            rows.push(values![i64::from(*day), *id]);
        }
        tx.execute_rows(statement, rows).await?;
    }
    tally::add(tx, node, tally).await
}

/// All tallies of a node of one grain, for a verification.
async fn tallies_in(tx: &mut Tx, node: &str, grain: Grain) -> Result<Tally, StoreError> {
    let mut tally = Tally::default();
    for row in tx.fetch(&COUNTED_TALLIES, values![node, grain.number()]).await? {
        let (key, amount) = tally_entry(&row)?;
        tally.add(key, amount, 1);
    }
    Ok(tally)
}

fn tally_entry(row: &Row) -> Result<(Key, Amount), StoreError> {
    let corrupt = |_| StoreError::Corrupt { table: "ticket_tally", what: "a day out of range".into() };
    let day = i32::try_from(row.int(2)?).map_err(corrupt)?;
    let key = Key { measure: tally::measure_of(row.int(0)?)?, category: row.text(1)?, day, detail: row.text(3)? };
    Ok((key, Amount { n: row.int(4)?, total: row.int(5)? }))
}

impl NodeStore {
    /// How far the tallies have got, and the feed's newest position at that moment.
    pub async fn tallied(&self) -> Result<(Tallied, i64), StoreError> {
        let mut tx = self.db.snapshot().await?;
        let tallied = tallied_in(&mut tx).await?;
        Ok((tallied, feed::head_in(&mut tx).await?.cursor.position))
    }

    /// What these versions change in the tallies. Only the holder of the roller's lease changes what this reads, so it is
    /// made before the transaction that writes it, which need not last so long.
    pub async fn tally_difference(&self, versions: Vec<Version>, zone: &TimeZone) -> Result<Difference, StoreError> {
        let mut newest: BTreeMap<Uuid, Version> = BTreeMap::new();
        for version in versions {
            if newest.get(&version.id).is_none_or(|kept| kept.version < version.version) {
                newest.insert(version.id, version);
            }
        }
        let mut tx = self.db.snapshot().await?;
        let held = counted_in(&mut tx, newest.keys().copied().collect::<Vec<_>>().into_iter()).await?;
        drop(tx);
        let sketch = DurationSketch::default();
        let mut difference = Difference::default();
        for version in newest.into_values() {
            let held = held.get(&version.id);
            if held.is_some_and(|(held, _)| *held >= version.version) {
                continue;
            }
            let new = contributions(&version.facts, zone, &sketch);
            let mut gone = BTreeSet::new();
            if let Some((_, facts)) = held {
                let old = contributions(facts, zone, &sketch);
                gone = days(&old);
                for (key, amount) in old {
                    difference.tally.add(key, amount, -1);
                }
            }
            let days = days(&new);
            difference.days_gone.extend(gone.difference(&days).map(|day| (*day, version.id)));
            difference.days_new.extend(days.difference(&gone).map(|day| (*day, version.id)));
            for (key, amount) in new {
                difference.tally.add(key, amount, 1);
            }
            difference.newer.push(version);
        }
        Ok(difference)
    }

    /// Writes a difference and moves the roller's cursor in the feed from `from` to `through`, all under its lease.
    pub async fn tally_advance(
        &self,
        lease: &Lease,
        node: &str,
        from: i64,
        through: i64,
        difference: &Difference,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        lease::fence(&mut tx, lease).await?;
        if tx.execute(&TALLIED_ADVANCE, values![through, lease.epoch, from]).await? == 0 {
            return Err(StoreError::LeaseLost(lease.name.clone()));
        }
        write(&mut tx, node, difference).await?;
        tx.commit().await
    }

    /// Begins to count all tickets anew, in this zone: forgets what was counted. The feed is followed from its head of
    /// now on, once all are counted.
    pub async fn tally_recount(&self, lease: &Lease, node: &str, time_zone: &str) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        lease::fence(&mut tx, lease).await?;
        let position = feed::head_in(&mut tx).await?.cursor.position;
        if tx.execute(&TALLIED_RECOUNT, values![position, lease.epoch, time_zone, Uuid::nil()]).await? == 0 {
            return Err(StoreError::LeaseLost(lease.name.clone()));
        }
        tally::clear(&mut tx, node).await?;
        tx.execute(&COUNTED_CLEAR, values![Uuid::nil()]).await?;
        tx.execute(&COUNTED_DAY_CLEAR, values![i64::MIN]).await?;
        tx.commit().await
    }

    /// Tickets in the order of their ids, to be counted anew.
    pub async fn tickets_after(&self, id: Uuid, limit: i64) -> Result<Vec<Ticket>, StoreError> {
        let mut tx = self.db.snapshot().await?;
        ticket::page_in(&mut tx, id, limit).await
    }

    /// Writes a difference of a recount, which has got from ticket `after` to `through`; `None`: to the last one.
    pub async fn tally_recounted(
        &self,
        lease: &Lease,
        node: &str,
        after: Uuid,
        through: Option<Uuid>,
        difference: &Difference,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        lease::fence(&mut tx, lease).await?;
        if tx.execute(&TALLIED_RECOUNTED, values![through, lease.epoch, after]).await? == 0 {
            return Err(StoreError::LeaseLost(lease.name.clone()));
        }
        write(&mut tx, node, difference).await?;
        tx.commit().await
    }

    /// Tickets that may be behind a figure, by day and id after this place, `look` of them at most; and the place from which
    /// to go on, unless that was all.
    pub async fn tickets_behind(
        &self,
        selection: &Selection,
        zone: &TimeZone,
        after: (i32, Uuid),
        look: i64,
        most: usize,
    ) -> Result<(Vec<Behind>, Option<(i32, Uuid)>), StoreError> {
        let values = values![i64::from(after.0), after.1, i64::from(selection.days.until), look];
        let rows = self.db.fetch(&COUNTED_ON, values).await?;
        let full = i64::try_from(rows.len()).unwrap_or(0) == look;
        let corrupt = |what: &str| StoreError::Corrupt { table: "ticket_counted_day", what: what.to_owned() };
        let mut found = Vec::new();
        let mut place = None;
        for row in &rows {
            let day = i32::try_from(row.int(0)?).map_err(|_| corrupt("a day out of range"))?;
            let id = row.uuid(1)?;
            let facts = facts_of(&row.blob(2)?)?;
            place = Some((day, id));
            if selection.days_of(&facts, zone).contains(&day) {
                let state = State::from_number(row.int(5)?).ok_or_else(|| corrupt("unknown state"))?;
                let (number, prefix) = (row.int(3)?, row.text(4)?);
                found.push(Behind { day, id, number, prefix, state, category: facts.category });
                if found.len() == most {
                    return Ok((found, place));
                }
            }
        }
        Ok((found, place.filter(|_| full)))
    }

    /// Begins to compare all tickets with the tallies, as of one moment. It holds a reading transaction until dropped.
    pub async fn begin_audit(&self, node: &str) -> Result<Audit, StoreError> {
        let mut tx = self.db.snapshot().await?;
        let tallied = tallied_in(&mut tx).await?;
        let mut pending = BTreeSet::new();
        let mut position = tallied.position;
        loop {
            let entries = feed::after_in(&mut tx, position, PAGE).await?;
            let Some(last) = entries.last() else { break };
            position = last.position;
            let tickets = entries.iter().filter(|entry| entry.change.kind == Kind::Ticket);
            pending.extend(tickets.filter_map(|entry| Uuid::parse_str(&entry.change.key).ok()));
        }
        let days = tallies_in(&mut tx, node, Grain::Day).await?;
        let months = tallies_in(&mut tx, node, Grain::Month).await?;
        Ok(Audit { tx, tallied, pending, days, months, after: Uuid::nil() })
    }
}

const PAGE: i64 = 1_000;

/// Tickets and tallies as of one moment.
pub struct Audit {
    tx: Tx,
    /// How far the tallies had got.
    pub tallied: Tallied,
    /// Tickets whose newest versions are not in the tallies yet: what was counted of them stands for them.
    pending: BTreeSet<Uuid>,
    /// The tallies by days.
    pub days: Tally,
    /// The tallies by months.
    pub months: Tally,
    after: Uuid,
}

/// A ticket, and what of it was counted.
pub struct Audited {
    /// As it is now.
    pub ticket: Ticket,
    /// As it was counted.
    pub counted: Option<Facts>,
    /// Whether a newer version waits to be counted.
    pub pending: bool,
}

impl Audit {
    /// The next tickets; none at the end.
    pub async fn next(&mut self) -> Result<Vec<Audited>, StoreError> {
        let tickets = ticket::page_in(&mut self.tx, self.after, PAGE).await?;
        if let Some(last) = tickets.last() {
            self.after = last.id;
        }
        let ids: Vec<_> = tickets.iter().map(|ticket| ticket.id).collect();
        let mut counted = counted_in(&mut self.tx, ids.into_iter()).await?;
        let audited = |ticket: Ticket| Audited {
            counted: counted.remove(&ticket.id).map(|(_, facts)| facts),
            pending: self.pending.contains(&ticket.id),
            ticket,
        };
        Ok(tickets.into_iter().map(audited).collect())
    }
}
