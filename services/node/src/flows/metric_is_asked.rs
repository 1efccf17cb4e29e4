use std::collections::{BTreeMap, BTreeSet};

use gridcare_domain::{
    contact::{Channel, Direction},
    metric::{
        Bucket, BucketKey, Counts, QUARTER_US, Sketches, UnequalDefinition,
        fold::{Grain, interval_of},
    },
    refusal::{Refusal, RefusalKind},
};
use gridcare_proto::{
    convert::{code, metric as convert, time},
    metric::v1 as wire,
};
use gridcare_store::StoreError;
use jiff::{Timestamp, tz::TimeZone};

use crate::{Node, SharedNode, outlet::Outlet};

/// A checked question.
pub(crate) struct Question {
    pub(crate) from_us: i64,
    pub(crate) until_us: i64,
    pub(crate) grain: Grain,
    pub(crate) channels: Vec<Channel>,
    pub(crate) zone: TimeZone,
    pub(crate) with_sketches: bool,
}

#[derive(Default)]
struct Fold {
    counts: Counts,
    sketches: Option<Sketches>,
    until_us: i64,
}

impl Node {
    /// Counts by channel, direction and local interval; exact as of the last commit. Sketches follow, about a second later.
    pub(crate) async fn query_metrics(
        &self,
        question: &Question,
    ) -> Result<Result<Vec<wire::MetricRow>, Refusal>, StoreError> {
        let mut folded: BTreeMap<(i64, Channel, Direction), Fold> = BTreeMap::new();
        let wanted = |key: &BucketKey| question.channels.is_empty() || question.channels.contains(&key.channel);
        let place = |key: &BucketKey| {
            interval_of(key.start_us, question.grain, &question.zone, question.from_us, question.until_us)
        };
        for (key, counts) in self.store.tallies(question.from_us, question.until_us).await? {
            if wanted(&key) {
                let (from, until) = place(&key);
                let fold = folded.entry((from, key.channel, key.direction)).or_default();
                fold.counts.add(&counts, 1);
                fold.until_us = until;
            }
        }
        if question.with_sketches {
            for bucket in self.store.buckets(question.from_us, question.until_us).await? {
                let Some(fold) = folded.get_mut(&(place(&bucket.key).0, bucket.key.channel, bucket.key.direction))
                else {
                    continue;
                };
                let merged = match &mut fold.sketches {
                    Some(sketches) => sketches.merge(&bucket.sketches),
                    none => {
                        *none = Some(bucket.sketches);
                        Ok(())
                    }
                };
                if merged.is_err() || bucket.definition != self.definition.id {
                    return Ok(Err(Refusal::new(
                        RefusalKind::Precondition,
                        "UNEQUAL_DEFINITIONS",
                        "the period holds buckets of unequal definitions, which do not merge; ask without sketches or for a shorter period",
                    )));
                }
            }
        }
        let row = |((from_us, channel, direction), fold): ((i64, Channel, Direction), Fold)| {
            let sketches = fold.sketches.as_ref();
            wire::MetricRow {
                channel: code::channel_to_wire(channel),
                direction: code::direction_to_wire(direction),
                from: Some(time::micros(from_us)),
                until: Some(time::micros(fold.until_us)),
                counts: Some(convert::counts_to_wire(&fold.counts)),
                wait: sketches.map(|s| convert::duration_sketch_to_wire(&s.wait)),
                handle: sketches.map(|s| convert::duration_sketch_to_wire(&s.handle)),
                customers: sketches.map(|s| convert::unique_sketch_to_wire(&s.customers)),
            }
        };
        Ok(Ok(folded.into_iter().map(row).collect()))
    }
}

const DAY_US: i64 = 24 * 3_600 * 1_000_000;
/// Mismatches that the sum repeats.
const REPEATED: usize = 1_000;

/// Recounts buckets from raw contacts, a day at a time, and tells what differs.
pub(crate) async fn verify(node: SharedNode, from_us: i64, until_us: i64, out: Outlet<wire::VerifyMetricsResponse>) {
    let mut sum = wire::VerifyMetricsResponse::default();
    let Some((first, last)) = (match node.store.metric_extent(from_us, until_us).await {
        Ok(extent) => extent,
        Err(e) => {
            out.fail(gridcare_chassis::status::fault(&e));
            return;
        }
    }) else {
        out.send(sum, "nothing: verify again").await;
        return;
    };
    let mut day = first;
    while day <= last {
        let end = day.saturating_add(DAY_US).min(until_us);
        let empty;
        match verify_span(&node, day, end).await {
            Ok(part) => {
                sum.buckets_checked += part.buckets_checked;
                sum.contacts_read += part.contacts_read;
                // The sum repeats as many as a reader would look at; each was told when it was found.
                let room = REPEATED.saturating_sub(sum.mismatches.len());
                sum.mismatches.extend(part.mismatches.iter().take(room).cloned());
                empty = part.buckets_checked == 0 && part.contacts_read == 0;
                if !out.send(part, "nothing: verify again").await {
                    return;
                }
            }
            Err(e) => {
                out.fail(gridcare_chassis::status::fault(&e));
                return;
            }
        }
        day = end.max(day + 1);
        if empty {
            // Years may lie between two contacts.
            match node.store.metric_extent(day, until_us).await {
                Ok(Some((next, _))) => day = next,
                Ok(None) => break,
                Err(e) => {
                    out.fail(gridcare_chassis::status::fault(&e));
                    return;
                }
            }
        }
    }
    out.send(sum, "nothing: verify again").await;
}

async fn verify_span(node: &Node, from_us: i64, until_us: i64) -> Result<wire::VerifyMetricsResponse, StoreError> {
    let span = node.store.recount_span(from_us, until_us).await?;
    let mut tallies: BTreeMap<BucketKey, Counts> = BTreeMap::new();
    let mut recounted: BTreeMap<BucketKey, Bucket> = BTreeMap::new();
    for stored in span.contacts.iter().filter(|stored| stored.contact.counts()) {
        let key = BucketKey::of(&stored.contact);
        tallies.entry(key).or_default().add(&Counts::of(&stored.contact, &node.definition), 1);
        if stored.arrival_no <= span.rolled {
            let bucket =
                recounted.entry(key).or_insert_with(|| Bucket::new(key, &node.definition, &node.unique_key.id));
            bucket.add(&stored.contact, &node.definition, &node.unique_key).map_err(|UnequalDefinition| {
                StoreError::Corrupt { table: "metric_bucket", what: "keys.unique_id changed while it ran".into() }
            })?;
        }
    }
    let mut mismatches = Vec::new();
    let mut differ = |key: &BucketKey, what: &str, stored: String, recounted: String| {
        mismatches.push(wire::BucketMismatch {
            channel: code::channel_to_wire(key.channel),
            direction: code::direction_to_wire(key.direction),
            start: Some(time::micros(key.start_us)),
            what: what.to_owned(),
            stored,
            recounted,
        });
    };
    let keys: BTreeSet<_> = tallies.keys().chain(span.tallies.keys()).copied().collect();
    for key in &keys {
        let (stored, counted) =
            (span.tallies.get(key).copied().unwrap_or_default(), tallies.get(key).copied().unwrap_or_default());
        if stored != counted {
            differ(key, "tally", differences(&stored, &counted), differences(&counted, &stored));
        }
    }
    let published: BTreeMap<_, _> = span.buckets.iter().map(|bucket| (bucket.key, bucket)).collect();
    let keys: BTreeSet<_> = recounted.keys().chain(published.keys()).copied().collect();
    for key in keys.iter().filter(|key| !span.rebuilds.contains(key)) {
        match (published.get(key), recounted.get(key)) {
            (Some(stored), Some(counted)) => {
                if stored.counts != counted.counts {
                    differ(
                        key,
                        "counts",
                        differences(&stored.counts, &counted.counts),
                        differences(&counted.counts, &stored.counts),
                    );
                }
                if stored.definition != counted.definition {
                    differ(key, "definition", stored.definition.clone(), counted.definition.clone());
                }
                if stored.sketches.wait != counted.sketches.wait {
                    differ(key, "wait", count(stored.sketches.wait.count()), count(counted.sketches.wait.count()));
                }
                if stored.sketches.handle != counted.sketches.handle {
                    differ(
                        key,
                        "handle",
                        count(stored.sketches.handle.count()),
                        count(counted.sketches.handle.count()),
                    );
                }
                if stored.sketches.customers != counted.sketches.customers {
                    let estimate = |s: &Sketches| format!("about {:.0}", s.customers.estimate());
                    differ(key, "customers", estimate(&stored.sketches), estimate(&counted.sketches));
                }
            }
            (None, Some(counted)) => {
                differ(key, "missing", String::new(), count(counted.counts.contacts.unsigned_abs()));
            }
            (Some(stored), None) if stored.counts != Counts::default() => {
                differ(key, "surplus", count(stored.counts.contacts.unsigned_abs()), String::new());
            }
            _ => {}
        }
    }
    Ok(wire::VerifyMetricsResponse {
        buckets_checked: keys.len() as u64,
        contacts_read: span.contacts.len() as u64,
        mismatches,
    })
}

fn count(values: u64) -> String {
    format!("{values} values")
}

/// The fields of `one` that differ from `other`.
fn differences(one: &Counts, other: &Counts) -> String {
    let pairs = Counts::NAMES.iter().zip(one.values().into_iter().zip(other.values()));
    let differing: Vec<_> = pairs.filter(|(_, (a, b))| a != b).map(|(name, (a, _))| format!("{name} {a}")).collect();
    differing.join(", ")
}

/// A period given on the wire, on quarters of an hour.
pub(crate) fn quarter(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::as_microsecond).filter(|us| us.rem_euclid(QUARTER_US) == 0)
}
