use std::{collections::BTreeMap, error::Error, time::Duration};

use gridcare_chassis::id::new_id;
use gridcare_domain::metric::{Bucket, BucketKey, UnequalDefinition};
use gridcare_proto::convert::feed::bucket_change;
use gridcare_store::{
    StoreError,
    lease::{self, Lease},
    metric::{Rebuild, Unrolled},
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{CONTACTS, Node, SharedNode};

/// A busy bucket becomes an entry at most this often.
const THROTTLE: Duration = Duration::from_secs(1);
/// How long a roller that stopped is waited for.
const LEASE: Duration = Duration::from_secs(10);
/// Without a wake-up, work is looked for this often: the bus is only a hint.
const LOOK: Duration = Duration::from_secs(2);
const CONTACTS_PER_READ: i64 = 5_000;
const REBUILDS_PER_READ: i64 = 20;
/// So many buckets are published at once, that a catch-up stays small in memory and tickets do not wait long for it.
const BUCKETS_PER_COMMIT: usize = 500;

/// Rolls contacts up into published buckets, in one process of the node at a time.
pub(crate) async fn run(node: SharedNode, shutdown: CancellationToken) {
    let holder = new_id().to_string();
    let mut wakeups = node.bus.subscribe(CONTACTS);
    let mut held = None;
    loop {
        let began = Instant::now();
        match turn(&node, &holder).await {
            Ok(lease) => held = lease,
            Err(StoreError::LeaseLost(_)) => held = None,
            Err(e) => tracing::warn!(error = &e as &dyn Error, "metrics could not be rolled up; trying again"),
        }
        let rested = tokio::select! {
            () = shutdown.cancelled() => false,
            () = async {
                tokio::time::sleep_until(began + THROTTLE).await;
                tokio::select! { () = wakeups.changed() => {} () = tokio::time::sleep(LOOK) => {} }
            } => true,
        };
        if !rested {
            if let Some(lease) = held {
                // Another process goes on at once instead of waiting for the lease to end.
                let _ = lease::release(node.store.db(), &lease).await;
            }
            return;
        }
    }
}

/// One turn: everything there is, unless another process holds the lease.
async fn turn(node: &Node, holder: &str) -> Result<Option<Lease>, StoreError> {
    loop {
        let now = node.now_us();
        let until = now + i64::try_from(LEASE.as_micros()).unwrap_or(0);
        let Some(lease) = lease::take(node.store.db(), "metric roller", holder, now, until).await? else {
            return Ok(None);
        };
        let began = Instant::now();
        if !roll(node, &lease).await? {
            return Ok(Some(lease));
        }
        // Catching up takes half of the time at most: what arrives meanwhile goes first, and nobody waits for a sketch.
        tokio::time::sleep(began.elapsed()).await;
    }
}

/// Reads until there is nothing more, the throttle has passed or the commit is full; publishes; says whether more is left.
async fn roll(node: &Node, lease: &Lease) -> Result<bool, StoreError> {
    let began = Instant::now();
    let mut sum = Sum::default();
    let mut from = None;
    let mut through = 0;
    let more = loop {
        let work = node.store.unrolled_after(from.map(|_| through), CONTACTS_PER_READ, REBUILDS_PER_READ).await?;
        if from.is_none() {
            from = Some(work.rolled);
            through = work.rolled;
        }
        let full = i64::try_from(work.contacts.len()).unwrap_or(0) == CONTACTS_PER_READ;
        let rebuilding = i64::try_from(work.rebuilds.len()).unwrap_or(0) == REBUILDS_PER_READ;
        through = work.contacts.last().map_or(through, |c| c.arrival_no);
        sum.add(node, work)?;
        if !full {
            break rebuilding;
        }
        if began.elapsed() >= THROTTLE || sum.buckets.len() >= BUCKETS_PER_COMMIT {
            break true;
        }
    };
    let from = from.unwrap_or(through);
    if through == from && sum.rebuilt.is_empty() {
        return Ok(false);
    }
    let buckets = sum.finish();
    metrics::counter!("gridcare_metric_buckets_published_total").increment(buckets.len() as u64);
    let changes = buckets.iter().map(bucket_change).collect();
    node.store.publish_buckets(lease, from, through, &buckets, &sum.rebuilt, new_id(), node.now_us(), changes).await?;
    Ok(more)
}

/// Buckets as they will be published.
#[derive(Default)]
struct Sum {
    buckets: BTreeMap<BucketKey, Bucket>,
    rebuilt: Vec<Rebuild>,
}

impl Sum {
    fn add(&mut self, node: &Node, work: Unrolled) -> Result<(), StoreError> {
        let unequal = |UnequalDefinition| {
            StoreError::Corrupt {
            table: "metric_bucket",
            what: "a bucket was made under another key; give keys.unique its earlier keys.unique_id back, or a new one with a new node".into(),
        }
        };
        for (key, bucket) in work.buckets {
            // What this turn already holds is newer than what is published.
            self.buckets.entry(key).or_insert(bucket);
        }
        // Rebuilds come first: they count what was rolled before, and the new contacts are added to the result.
        for ((key, mark), contacts) in work.rebuilds {
            let revision = self.buckets.get(&key).map_or(0, |bucket| bucket.revision);
            let mut bucket = Bucket { revision, ..Bucket::new(key, &node.definition, &node.unique_key.id) };
            for stored in &contacts {
                bucket.add(&stored.contact, &node.definition, &node.unique_key).map_err(unequal)?;
            }
            self.buckets.insert(key, bucket);
            self.rebuilt.push((key, mark));
        }
        for stored in work.contacts.iter().filter(|stored| stored.contact.counts()) {
            let key = BucketKey::of(&stored.contact);
            let bucket =
                self.buckets.entry(key).or_insert_with(|| Bucket::new(key, &node.definition, &node.unique_key.id));
            bucket.add(&stored.contact, &node.definition, &node.unique_key).map_err(unequal)?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Vec<Bucket> {
        let publish = |(_, mut bucket): (BucketKey, Bucket)| {
            bucket.revision += 1;
            bucket
        };
        std::mem::take(&mut self.buckets).into_iter().map(publish).collect()
    }
}
