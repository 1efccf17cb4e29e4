use std::collections::BTreeMap;

use gridcare_domain::{
    contact::{Channel, Direction},
    metric::{Bucket, BucketKey, Counts, Sketches, ddsketch::DurationSketch, hyperloglog::UniqueSketch},
};

use super::GatewayStore;
use crate::{
    StoreError,
    db::{Row, Tx},
    statement::{Rows, Value, statements, values},
};

statements! {
    NATIONAL_BUCKET_PUT [node Text, start_us Int, channel Int, direction Int, definition Text, revision Int, contacts Int, answered Int,
                         answered_within Int, abandoned Int, short_abandoned Int, busy Int, self_served Int, unanswered Int, failed Int, handled Int,
                         wait_answered_ms Int, wait_ms Int, talk_ms Int, hold_ms Int, wrap_ms Int, snapshot_no Int] =
        "INSERT INTO national_bucket (node, start_us, channel, direction, definition, revision, contacts, answered, answered_within, abandoned,
             short_abandoned, busy, self_served, unanswered, failed, handled, wait_answered_ms, wait_ms, talk_ms, hold_ms, wrap_ms, snapshot_no)
         SELECT node, start_us, channel, direction, definition, revision, contacts, answered, answered_within, abandoned,
             short_abandoned, busy, self_served, unanswered, failed, handled, wait_answered_ms, wait_ms, talk_ms, hold_ms, wrap_ms, snapshot_no
         FROM v WHERE true
         ON CONFLICT (node, start_us, channel, direction) DO UPDATE SET definition = excluded.definition, revision = excluded.revision,
             contacts = excluded.contacts, answered = excluded.answered, answered_within = excluded.answered_within,
             abandoned = excluded.abandoned, short_abandoned = excluded.short_abandoned, busy = excluded.busy,
             self_served = excluded.self_served, unanswered = excluded.unanswered, failed = excluded.failed, handled = excluded.handled,
             wait_answered_ms = excluded.wait_answered_ms, wait_ms = excluded.wait_ms, talk_ms = excluded.talk_ms,
             hold_ms = excluded.hold_ms, wrap_ms = excluded.wrap_ms, snapshot_no = excluded.snapshot_no
         WHERE excluded.snapshot_no > 0 OR excluded.revision > national_bucket.revision";
    NATIONAL_SKETCH_PUT [node Text, start_us Int, channel Int, direction Int, definition Text, revision Int, wait Blob, handle Blob, customers Blob, snapshot_no Int] =
        "INSERT INTO national_sketch (node, start_us, channel, direction, definition, revision, wait, handle, customers, snapshot_no)
         SELECT node, start_us, channel, direction, definition, revision, wait, handle, customers, snapshot_no FROM v WHERE true
         ON CONFLICT (node, start_us, channel, direction) DO UPDATE SET definition = excluded.definition, revision = excluded.revision,
             wait = excluded.wait, handle = excluded.handle, customers = excluded.customers, snapshot_no = excluded.snapshot_no
         WHERE excluded.snapshot_no > 0 OR excluded.revision > national_sketch.revision";
    NATIONAL_BUCKET_SWEEP = "DELETE FROM national_bucket WHERE node = $1 AND snapshot_no <> $2";
    NATIONAL_SKETCH_SWEEP = "DELETE FROM national_sketch WHERE node = $1 AND snapshot_no <> $2";
    NATIONAL_BUCKET_SUM =
        "SELECT definition, channel, direction, CAST(SUM(contacts) AS BIGINT), CAST(SUM(answered) AS BIGINT), CAST(SUM(answered_within) AS BIGINT),
             CAST(SUM(abandoned) AS BIGINT), CAST(SUM(short_abandoned) AS BIGINT), CAST(SUM(busy) AS BIGINT), CAST(SUM(self_served) AS BIGINT),
             CAST(SUM(unanswered) AS BIGINT), CAST(SUM(failed) AS BIGINT), CAST(SUM(handled) AS BIGINT), CAST(SUM(wait_answered_ms) AS BIGINT),
             CAST(SUM(wait_ms) AS BIGINT), CAST(SUM(talk_ms) AS BIGINT), CAST(SUM(hold_ms) AS BIGINT), CAST(SUM(wrap_ms) AS BIGINT)
         FROM national_bucket WHERE node = $1 AND start_us >= $2 AND start_us < $3 GROUP BY definition, channel, direction";
    NATIONAL_BUCKET_SPAN =
        "SELECT definition, channel, direction, contacts, answered, answered_within, abandoned, short_abandoned, busy, self_served,
             unanswered, failed, handled, wait_answered_ms, wait_ms, talk_ms, hold_ms, wrap_ms, start_us
         FROM national_bucket WHERE node = $1 AND start_us >= $2 AND start_us < $3 ORDER BY start_us, channel, direction";
    NATIONAL_SKETCH_SPAN =
        "SELECT definition, channel, direction, start_us, wait, handle, customers
         FROM national_sketch WHERE node = $1 AND start_us >= $2 AND start_us < $3 ORDER BY start_us, channel, direction";
}

/// The counts of one channel and direction of one node, over a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeriodSum {
    /// Id of the definition; sums of unequal definitions do not merge.
    pub definition: String,
    /// The channel.
    pub channel: Channel,
    /// The direction.
    pub direction: Direction,
    /// Counts and sums.
    pub counts: Counts,
}

/// The counts of one bucket of one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NationalBucket {
    /// Id of the definition.
    pub definition: String,
    /// Which bucket.
    pub key: BucketKey,
    /// Counts and sums.
    pub counts: Counts,
}

/// The sketches of one bucket of one node.
#[derive(Debug, Clone, PartialEq)]
pub struct NationalSketches {
    /// Id of the definition.
    pub definition: String,
    /// Which bucket.
    pub key: BucketKey,
    /// Sketches.
    pub sketches: Sketches,
}

/// Keeps the greater revisions; a snapshot's whatever they are, since its history may have been rewritten.
pub(super) async fn put(tx: &mut Tx, node: &str, buckets: &[&Bucket], snapshot_no: i64) -> Result<(), StoreError> {
    // One statement may touch a row once.
    let mut newest: BTreeMap<_, &Bucket> = BTreeMap::new();
    for bucket in buckets {
        let key = (bucket.key.start_us, bucket.key.channel, bucket.key.direction);
        let kept = newest.entry(key).or_insert(bucket);
        if bucket.revision > kept.revision {
            *kept = bucket;
        }
    }
    let mut counts = Rows::of(&NATIONAL_BUCKET_PUT, newest.len());
    let mut sketches = Rows::of(&NATIONAL_SKETCH_PUT, newest.len());
    for ((start_us, channel, direction), bucket) in newest {
        let definition = bucket.definition.as_str();
        let head = values![node, start_us, channel.number(), direction.number(), definition, bucket.revision];
        let Sketches { wait, handle, customers } = &bucket.sketches;
        let blobs = values![wait.to_bytes(), handle.to_bytes(), customers.to_bytes(), snapshot_no];
        sketches.push(head.iter().cloned().chain(blobs));
        let numbers = bucket.counts.values().into_iter().map(Value::from);
        counts.push(head.into_iter().chain(numbers).chain(values![snapshot_no]));
    }
    tx.execute_rows(&NATIONAL_BUCKET_PUT, counts).await?;
    tx.execute_rows(&NATIONAL_SKETCH_PUT, sketches).await.map(drop)
}

/// Deletes what the snapshot did not bring.
pub(super) async fn sweep(tx: &mut Tx, node: &str, snapshot_no: i64) -> Result<(), StoreError> {
    tx.execute(&NATIONAL_BUCKET_SWEEP, values![node, snapshot_no]).await?;
    tx.execute(&NATIONAL_SKETCH_SWEEP, values![node, snapshot_no]).await.map(drop)
}

fn corrupt(what: impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt { table: "national_bucket", what: what.to_string() }
}

fn codes(row: &Row) -> Result<(Channel, Direction), StoreError> {
    let channel = Channel::from_number(row.int(1)?).ok_or_else(|| corrupt("unknown channel"))?;
    let direction = Direction::from_number(row.int(2)?).ok_or_else(|| corrupt("unknown direction"))?;
    Ok((channel, direction))
}

fn counts(row: &Row) -> Result<Counts, StoreError> {
    let values: Result<Vec<_>, _> = (0..Counts::NAMES.len()).map(|i| row.int(3 + i)).collect();
    Counts::from_values(&values?).ok_or_else(|| corrupt("too few counts"))
}

fn period_sum(row: &Row) -> Result<PeriodSum, StoreError> {
    let (channel, direction) = codes(row)?;
    Ok(PeriodSum { definition: row.text(0)?, channel, direction, counts: counts(row)? })
}

fn national_bucket(row: &Row) -> Result<NationalBucket, StoreError> {
    let (channel, direction) = codes(row)?;
    let key = BucketKey { channel, direction, start_us: row.int(3 + Counts::NAMES.len())? };
    Ok(NationalBucket { definition: row.text(0)?, key, counts: counts(row)? })
}

fn national_sketches(row: &Row) -> Result<NationalSketches, StoreError> {
    let (channel, direction) = codes(row)?;
    let sketches = Sketches {
        wait: DurationSketch::from_bytes(&row.blob(4)?).map_err(corrupt)?,
        handle: DurationSketch::from_bytes(&row.blob(5)?).map_err(corrupt)?,
        customers: UniqueSketch::from_bytes(&row.blob(6)?).map_err(corrupt)?,
    };
    let key = BucketKey { channel, direction, start_us: row.int(3)? };
    Ok(NationalSketches { definition: row.text(0)?, key, sketches })
}

impl GatewayStore {
    /// Sums of a node's buckets that start in `[from, until)`.
    pub async fn period_sums(&self, node: &str, from_us: i64, until_us: i64) -> Result<Vec<PeriodSum>, StoreError> {
        let rows = self.db.fetch(&NATIONAL_BUCKET_SUM, values![node, from_us, until_us]).await?;
        rows.iter().map(period_sum).collect()
    }

    /// Counts of a node's buckets that start in `[from, until)`, in order of their start.
    pub async fn national_buckets(
        &self,
        node: &str,
        from_us: i64,
        until_us: i64,
    ) -> Result<Vec<NationalBucket>, StoreError> {
        let rows = self.db.fetch(&NATIONAL_BUCKET_SPAN, values![node, from_us, until_us]).await?;
        rows.iter().map(national_bucket).collect()
    }

    /// Sketches of a node's buckets that start in `[from, until)`, in order of their start.
    pub async fn national_sketches(
        &self,
        node: &str,
        from_us: i64,
        until_us: i64,
    ) -> Result<Vec<NationalSketches>, StoreError> {
        let rows = self.db.fetch(&NATIONAL_SKETCH_SPAN, values![node, from_us, until_us]).await?;
        rows.iter().map(national_sketches).collect()
    }
}
