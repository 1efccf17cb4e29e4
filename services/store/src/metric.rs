use std::collections::{BTreeMap, BTreeSet};

use gridcare_domain::{
    contact::{Channel, Direction},
    feed::Change,
    metric::{Bucket, BucketKey, Counts, Definition, Sketches, ddsketch::DurationSketch, hyperloglog::UniqueSketch},
};
use uuid::Uuid;

use crate::{
    Committed, NodeStore, StoreError,
    contact::{self, StoredContact},
    db::{Row, Tx},
    feed,
    lease::{self, Lease},
    statement::{Rows, Value, statements, values},
};

statements! {
    // Rows in key order, so that two processes lock them in the same order.
    TALLY_ADD [channel Int, direction Int, start_us Int, contacts Int, answered Int, answered_within Int, abandoned Int, short_abandoned Int,
               busy Int, self_served Int, unanswered Int, failed Int, handled Int, wait_answered_ms Int, wait_ms Int, talk_ms Int, hold_ms Int, wrap_ms Int] =
        "INSERT INTO metric_tally (channel, direction, start_us, contacts, answered, answered_within, abandoned, short_abandoned, busy,
             self_served, unanswered, failed, handled, wait_answered_ms, wait_ms, talk_ms, hold_ms, wrap_ms)
         SELECT channel, direction, start_us, contacts, answered, answered_within, abandoned, short_abandoned, busy,
             self_served, unanswered, failed, handled, wait_answered_ms, wait_ms, talk_ms, hold_ms, wrap_ms
         FROM v WHERE true
         ON CONFLICT (start_us, channel, direction) DO UPDATE SET
             contacts = metric_tally.contacts + excluded.contacts, answered = metric_tally.answered + excluded.answered,
             answered_within = metric_tally.answered_within + excluded.answered_within, abandoned = metric_tally.abandoned + excluded.abandoned,
             short_abandoned = metric_tally.short_abandoned + excluded.short_abandoned, busy = metric_tally.busy + excluded.busy,
             self_served = metric_tally.self_served + excluded.self_served, unanswered = metric_tally.unanswered + excluded.unanswered,
             failed = metric_tally.failed + excluded.failed, handled = metric_tally.handled + excluded.handled,
             wait_answered_ms = metric_tally.wait_answered_ms + excluded.wait_answered_ms, wait_ms = metric_tally.wait_ms + excluded.wait_ms,
             talk_ms = metric_tally.talk_ms + excluded.talk_ms, hold_ms = metric_tally.hold_ms + excluded.hold_ms,
             wrap_ms = metric_tally.wrap_ms + excluded.wrap_ms";
    TALLY_SPAN =
        "SELECT channel, direction, start_us, contacts, answered, answered_within, abandoned, short_abandoned, busy, self_served,
             unanswered, failed, handled, wait_answered_ms, wait_ms, talk_ms, hold_ms, wrap_ms
         FROM metric_tally WHERE start_us >= $1 AND start_us < $2 ORDER BY start_us, channel, direction";
    BUCKET_PUT [channel Int, direction Int, start_us Int, definition Text, revision Int, contacts Int, answered Int, answered_within Int,
                abandoned Int, short_abandoned Int, busy Int, self_served Int, unanswered Int, failed Int, handled Int, wait_answered_ms Int,
                wait_ms Int, talk_ms Int, hold_ms Int, wrap_ms Int, wait Blob, handle Blob, customers Blob] =
        "INSERT INTO metric_bucket (channel, direction, start_us, definition, revision, contacts, answered, answered_within, abandoned,
             short_abandoned, busy, self_served, unanswered, failed, handled, wait_answered_ms, wait_ms, talk_ms, hold_ms, wrap_ms, wait, handle, customers)
         SELECT channel, direction, start_us, definition, revision, contacts, answered, answered_within, abandoned,
             short_abandoned, busy, self_served, unanswered, failed, handled, wait_answered_ms, wait_ms, talk_ms, hold_ms, wrap_ms, wait, handle, customers
         FROM v WHERE true
         ON CONFLICT (start_us, channel, direction) DO UPDATE SET definition = excluded.definition, revision = excluded.revision,
             contacts = excluded.contacts, answered = excluded.answered, answered_within = excluded.answered_within,
             abandoned = excluded.abandoned, short_abandoned = excluded.short_abandoned, busy = excluded.busy,
             self_served = excluded.self_served, unanswered = excluded.unanswered, failed = excluded.failed, handled = excluded.handled,
             wait_answered_ms = excluded.wait_answered_ms, wait_ms = excluded.wait_ms, talk_ms = excluded.talk_ms,
             hold_ms = excluded.hold_ms, wrap_ms = excluded.wrap_ms, wait = excluded.wait, handle = excluded.handle, customers = excluded.customers";
    BUCKET_OF [channel Int, direction Int, start_us Int] =
        "SELECT b.channel, b.direction, b.start_us, b.definition, b.revision, b.contacts, b.answered, b.answered_within, b.abandoned,
             b.short_abandoned, b.busy, b.self_served, b.unanswered, b.failed, b.handled, b.wait_answered_ms, b.wait_ms, b.talk_ms, b.hold_ms, b.wrap_ms,
             b.wait, b.handle, b.customers
         FROM metric_bucket AS b JOIN v ON v.start_us = b.start_us AND v.channel = b.channel AND v.direction = b.direction";
    BUCKET_SPAN =
        "SELECT channel, direction, start_us, definition, revision, contacts, answered, answered_within, abandoned,
             short_abandoned, busy, self_served, unanswered, failed, handled, wait_answered_ms, wait_ms, talk_ms, hold_ms, wrap_ms, wait, handle, customers
         FROM metric_bucket WHERE start_us >= $1 AND start_us < $2 ORDER BY start_us, channel, direction LIMIT $3";
    REBUILD_MARK [channel Int, direction Int, start_us Int] =
        "INSERT INTO metric_rebuild (channel, direction, start_us, mark) SELECT channel, direction, start_us, 1 FROM v WHERE true
         ON CONFLICT (start_us, channel, direction) DO UPDATE SET mark = metric_rebuild.mark + 1";
    REBUILD_LIST = "SELECT channel, direction, start_us, mark FROM metric_rebuild ORDER BY start_us, channel, direction LIMIT $1";
    REBUILD_DONE = "DELETE FROM metric_rebuild WHERE channel = $1 AND direction = $2 AND start_us = $3 AND mark = $4";
    TALLY_EXTENT = "SELECT MIN(start_us), MAX(start_us) FROM metric_tally WHERE start_us >= $1 AND start_us < $2";
    BUCKET_EXTENT = "SELECT MIN(start_us), MAX(start_us) FROM metric_bucket WHERE start_us >= $1 AND start_us < $2";
    CONTACT_EXTENT = "SELECT MIN(arrived_us), MAX(arrived_us) FROM contact WHERE arrived_us >= $1 AND arrived_us < $2";
    DEFINITION_SETTLE =
        "INSERT INTO metric_definition (one, definition, service_level_ms, short_abandon_ms, unique_id) VALUES (1, $1, $2, $3, $4)
         ON CONFLICT (one) DO UPDATE SET definition = excluded.definition, service_level_ms = excluded.service_level_ms,
             short_abandon_ms = excluded.short_abandon_ms, unique_id = excluded.unique_id
         WHERE (SELECT arrival_no FROM contact_head WHERE one = 1) = 0";
    DEFINITION_OF = "SELECT definition, service_level_ms, short_abandon_ms, unique_id FROM metric_definition WHERE one = 1";
    ROLLED = "SELECT arrival_no FROM metric_rolled WHERE one = 1";
    ROLLED_ADVANCE = "UPDATE metric_rolled SET arrival_no = $1, epoch = $2 WHERE one = 1 AND arrival_no = $3 AND epoch <= $2";
}

/// A bucket to be rebuilt from all of its contacts, with the mark that was seen.
pub type Rebuild = (BucketKey, i64);

/// What the roller has to work on, as of one moment.
#[derive(Debug, Default)]
pub struct Unrolled {
    /// Contacts up to here are already in the published buckets.
    pub rolled: i64,
    /// The next contacts, in order of arrival.
    pub contacts: Vec<StoredContact>,
    /// All contacts, up to `rolled`, of buckets that a correction has made wrong.
    pub rebuilds: Vec<(Rebuild, Vec<StoredContact>)>,
    /// The published buckets that are concerned.
    pub buckets: BTreeMap<BucketKey, Bucket>,
}

fn key_of(row: &Row) -> Result<BucketKey, StoreError> {
    let corrupt = || StoreError::Corrupt { table: "metric", what: "unknown channel or direction".into() };
    Ok(BucketKey {
        channel: Channel::from_number(row.int(0)?).ok_or_else(corrupt)?,
        direction: Direction::from_number(row.int(1)?).ok_or_else(corrupt)?,
        start_us: row.int(2)?,
    })
}

fn counts_of(row: &Row, first: usize) -> Result<Counts, StoreError> {
    let values: Result<Vec<_>, _> = (0..Counts::NAMES.len()).map(|i| row.int(first + i)).collect();
    Counts::from_values(&values?).ok_or(StoreError::Corrupt { table: "metric", what: "too few counts".into() })
}

fn key_values(key: &BucketKey) -> Vec<Value> {
    values![key.channel.number(), key.direction.number(), key.start_us]
}

pub(crate) fn bucket_of(row: &Row) -> Result<Bucket, StoreError> {
    let corrupt = |what: &dyn std::fmt::Display| StoreError::Corrupt { table: "metric_bucket", what: what.to_string() };
    Ok(Bucket {
        key: key_of(row)?,
        definition: row.text(3)?,
        revision: row.int(4)?,
        counts: counts_of(row, 5)?,
        sketches: Sketches {
            wait: DurationSketch::from_bytes(&row.blob(20)?).map_err(|e| corrupt(&e))?,
            handle: DurationSketch::from_bytes(&row.blob(21)?).map_err(|e| corrupt(&e))?,
            customers: UniqueSketch::from_bytes(&row.blob(22)?).map_err(|e| corrupt(&e))?,
        },
    })
}

/// Adds to the exact tallies, in key order.
pub(crate) async fn tally(tx: &mut Tx, tallies: &BTreeMap<BucketKey, Counts>) -> Result<(), StoreError> {
    let mut ordered: Vec<_> = tallies.iter().collect();
    ordered.sort_by_key(|(key, _)| (key.start_us, key.channel, key.direction));
    let mut rows = Rows::of(&TALLY_ADD, tallies.len());
    for (key, counts) in ordered {
        rows.push(key_values(key).into_iter().chain(counts.values().into_iter().map(Value::from)));
    }
    tx.execute_rows(&TALLY_ADD, rows).await.map(drop)
}

/// Leaves a durable mark that these buckets must be rebuilt.
pub(crate) async fn mark_rebuild(tx: &mut Tx, keys: impl Iterator<Item = &BucketKey>) -> Result<(), StoreError> {
    let ordered: BTreeSet<_> = keys.map(|key| (key.start_us, key.channel, key.direction)).collect();
    let mut rows = Rows::of(&REBUILD_MARK, ordered.len());
    for (start_us, channel, direction) in ordered {
        rows.push(key_values(&BucketKey { channel, direction, start_us }));
    }
    tx.execute_rows(&REBUILD_MARK, rows).await.map(drop)
}

/// Buckets from `from_us` on, within a transaction, for a snapshot.
pub(crate) async fn buckets_in(tx: &mut Tx, from_us: i64, limit: i64) -> Result<Vec<Bucket>, StoreError> {
    tx.fetch(&BUCKET_SPAN, values![from_us, i64::MAX, limit]).await?.iter().map(bucket_of).collect()
}

impl NodeStore {
    /// Settles what everything in this database is counted under, and from now on counts so. Once there are contacts it
    /// cannot change: counts of two definitions do not add up, nor do uniques under two keys. Returns what it is.
    pub async fn settle_definition(
        &self,
        definition: &Definition,
        unique_id: &str,
    ) -> Result<(Definition, String), StoreError> {
        let mut tx = self.db.begin().await?;
        let Definition { id, service_level_ms, short_abandon_ms } = definition;
        tx.execute(&DEFINITION_SETTLE, values![id.as_str(), *service_level_ms, *short_abandon_ms, unique_id]).await?;
        let corrupt = || StoreError::Corrupt { table: "metric_definition", what: "the one row is missing".into() };
        let row = tx.fetch_one(&DEFINITION_OF, vec![]).await?.ok_or_else(corrupt)?;
        let settled = Definition { id: row.text(0)?, service_level_ms: row.int(1)?, short_abandon_ms: row.int(2)? };
        let unique_id = row.text(3)?;
        tx.commit().await?;
        self.define(settled.clone());
        Ok((settled, unique_id))
    }

    /// What the roller has to work on: the next contacts, and at most a few rebuilds, all as of one moment.
    ///
    /// A roller that has not published yet what it read before goes on after its last contact, without rebuilds.
    pub async fn unrolled_after(
        &self,
        after: Option<i64>,
        contacts: i64,
        rebuilds: i64,
    ) -> Result<Unrolled, StoreError> {
        let mut tx = self.db.snapshot().await?;
        let corrupt = || StoreError::Corrupt { table: "metric_rolled", what: "the one row is missing".into() };
        let rolled = tx.fetch_one(&ROLLED, vec![]).await?.ok_or_else(corrupt)?.int(0)?;
        let new = contact::after_in(&mut tx, after.unwrap_or(rolled), contacts).await?;
        let mut work = Unrolled { rolled, contacts: new, ..Unrolled::default() };
        let rebuilds = if after.is_some() { 0 } else { rebuilds };
        for row in tx.fetch(&REBUILD_LIST, values![rebuilds]).await? {
            let key = key_of(&row)?;
            work.rebuilds.push(((key, row.int(3)?), contact::of_bucket(&mut tx, &key, rolled).await?));
        }
        let counting = work.contacts.iter().filter(|c| c.contact.counts()).map(|c| BucketKey::of(&c.contact));
        let keys: BTreeSet<_> = counting.chain(work.rebuilds.iter().map(|((key, _), _)| *key)).collect();
        let mut rows = Rows::of(&BUCKET_OF, keys.len());
        for key in &keys {
            rows.push(key_values(key));
        }
        for row in tx.fetch_rows(&BUCKET_OF, rows).await? {
            let bucket = bucket_of(&row)?;
            work.buckets.insert(bucket.key, bucket);
        }
        Ok(work)
    }

    /// Publishes buckets with their feed entries and moves the roller's cursor from `from` to `through`, all under its lease.
    #[expect(clippy::too_many_arguments, reason = "one transaction's parts; a struct would be named after the call")]
    pub async fn publish_buckets(
        &self,
        lease: &Lease,
        from: i64,
        through: i64,
        buckets: &[Bucket],
        rebuilt: &[Rebuild],
        batch_id: Uuid,
        now_us: i64,
        changes: Vec<Change>,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        lease::fence(&mut tx, lease).await?;
        if tx.execute(&ROLLED_ADVANCE, values![through, lease.epoch, from]).await? == 0 {
            return Err(StoreError::LeaseLost(lease.name.clone()));
        }
        let mut rows = Rows::of(&BUCKET_PUT, buckets.len());
        for bucket in buckets {
            let counts = bucket.counts.values().into_iter().map(Value::from);
            let Sketches { wait, handle, customers } = &bucket.sketches;
            rows.push(
                key_values(&bucket.key)
                    .into_iter()
                    .chain(values![bucket.definition.as_str(), bucket.revision])
                    .chain(counts)
                    .chain(values![wait.to_bytes(), handle.to_bytes(), customers.to_bytes()]),
            );
        }
        tx.execute_rows(&BUCKET_PUT, rows).await?;
        for (key, mark) in rebuilt {
            let values = key_values(key).into_iter().chain(values![*mark]).collect();
            tx.execute(&REBUILD_DONE, values).await?;
        }
        let feed = !changes.is_empty();
        feed::append(&mut tx, batch_id, now_us, changes).await?;
        tx.commit().await?;
        self.writer.committed(Committed { feed, contacts: false });
        Ok(())
    }

    /// First and last quarter, microseconds since 1970, in which a span has contacts, tallies or buckets.
    pub async fn metric_extent(&self, from_us: i64, until_us: i64) -> Result<Option<(i64, i64)>, StoreError> {
        let mut extent: Option<(i64, i64)> = None;
        for statement in [&TALLY_EXTENT, &BUCKET_EXTENT, &CONTACT_EXTENT] {
            let Some(row) = self.db.fetch_one(statement, values![from_us, until_us]).await? else { continue };
            if let (Some(first), Some(last)) = (row.int_or_null(0)?, row.int_or_null(1)?) {
                let (first, last) = (gridcare_domain::metric::quarter_of(first).max(from_us), last);
                extent = Some(extent.map_or((first, last), |(f, l)| (f.min(first), l.max(last))));
            }
        }
        Ok(extent)
    }

    /// Exact tallies of a span, in order of their start.
    pub async fn tallies(&self, from_us: i64, until_us: i64) -> Result<Vec<(BucketKey, Counts)>, StoreError> {
        let rows = self.db.fetch(&TALLY_SPAN, values![from_us, until_us]).await?;
        rows.iter().map(|row| Ok((key_of(row)?, counts_of(row, 3)?))).collect()
    }

    /// Published buckets of a span, in order of their start.
    pub async fn buckets(&self, from_us: i64, until_us: i64) -> Result<Vec<Bucket>, StoreError> {
        let rows = self.db.fetch(&BUCKET_SPAN, values![from_us, until_us, i64::MAX]).await?;
        rows.iter().map(bucket_of).collect()
    }

    /// Contacts, tallies and published buckets of a span, all of one moment, and how far the roller was then.
    pub async fn recount_span(&self, from_us: i64, until_us: i64) -> Result<RecountSpan, StoreError> {
        let mut tx = self.db.snapshot().await?;
        let corrupt = || StoreError::Corrupt { table: "metric_rolled", what: "the one row is missing".into() };
        let rolled = tx.fetch_one(&ROLLED, vec![]).await?.ok_or_else(corrupt)?.int(0)?;
        let rebuilds =
            tx.fetch(&REBUILD_LIST, values![i64::MAX]).await?.iter().map(key_of).collect::<Result<_, _>>()?;
        let contacts = contact::span_in(&mut tx, from_us, until_us).await?;
        let tallies = tx.fetch(&TALLY_SPAN, values![from_us, until_us]).await?;
        let tallies =
            tallies.iter().map(|row| Ok((key_of(row)?, counts_of(row, 3)?))).collect::<Result<_, StoreError>>()?;
        let buckets = tx.fetch(&BUCKET_SPAN, values![from_us, until_us, i64::MAX]).await?;
        let buckets = buckets.iter().map(bucket_of).collect::<Result<_, _>>()?;
        Ok(RecountSpan { rolled, rebuilds, contacts, tallies, buckets })
    }
}

/// Everything that a recount compares.
#[derive(Debug)]
pub struct RecountSpan {
    /// Contacts up to here are in the published buckets.
    pub rolled: i64,
    /// Buckets that wait for being rebuilt.
    pub rebuilds: BTreeSet<BucketKey>,
    /// The raw contacts.
    pub contacts: Vec<StoredContact>,
    /// The exact tallies.
    pub tallies: BTreeMap<BucketKey, Counts>,
    /// The published buckets.
    pub buckets: Vec<Bucket>,
}
