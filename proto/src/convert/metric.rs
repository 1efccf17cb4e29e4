use gridcare_domain::metric::{
    Bucket, BucketKey, Counts, Definition, QUARTER_US, Sketches, ddsketch::DurationSketch, hyperloglog::UniqueSketch,
};

use crate::{
    convert::{code, time},
    metric::v1 as wire,
};

/// Counts on the wire. They are sums of non-negative things; a negative one, which only a fault could make, shows as zero.
#[must_use]
pub fn counts_to_wire(counts: &Counts) -> wire::ContactCounts {
    let n = |value: i64| u64::try_from(value).unwrap_or(0);
    wire::ContactCounts {
        contacts: n(counts.contacts),
        answered: n(counts.answered),
        answered_within: n(counts.answered_within),
        abandoned: n(counts.abandoned),
        short_abandoned: n(counts.short_abandoned),
        busy: n(counts.busy),
        self_served: n(counts.self_served),
        unanswered: n(counts.unanswered),
        failed: n(counts.failed),
        handled: n(counts.handled),
        wait_answered_ms: n(counts.wait_answered_ms),
        wait_ms: n(counts.wait_ms),
        talk_ms: n(counts.talk_ms),
        hold_ms: n(counts.hold_ms),
        wrap_ms: n(counts.wrap_ms),
    }
}

/// Counts from the wire.
pub fn counts_from_wire(counts: &wire::ContactCounts) -> Result<Counts, String> {
    let n = |value: u64| i64::try_from(value).map_err(|_| "a count is beyond 2^63".to_owned());
    Ok(Counts {
        contacts: n(counts.contacts)?,
        answered: n(counts.answered)?,
        answered_within: n(counts.answered_within)?,
        abandoned: n(counts.abandoned)?,
        short_abandoned: n(counts.short_abandoned)?,
        busy: n(counts.busy)?,
        self_served: n(counts.self_served)?,
        unanswered: n(counts.unanswered)?,
        failed: n(counts.failed)?,
        handled: n(counts.handled)?,
        wait_answered_ms: n(counts.wait_answered_ms)?,
        wait_ms: n(counts.wait_ms)?,
        talk_ms: n(counts.talk_ms)?,
        hold_ms: n(counts.hold_ms)?,
        wrap_ms: n(counts.wrap_ms)?,
    })
}

/// A duration sketch on the wire.
#[must_use]
pub fn duration_sketch_to_wire(sketch: &DurationSketch) -> wire::DurationSketch {
    let mut before = 0;
    let bins = sketch.bins();
    let mut deltas = Vec::with_capacity(bins.len());
    let mut counts = Vec::with_capacity(bins.len());
    for (index, count) in bins {
        deltas.push(index - before);
        counts.push(count);
        before = index;
    }
    wire::DurationSketch {
        relative_accuracy_ppm: sketch.accuracy_ppm(),
        zero_count: sketch.zero_count(),
        bin_index_deltas: deltas,
        bin_counts: counts,
        sum: sketch.sum(),
    }
}

/// A duration sketch from the wire.
pub fn duration_sketch_from_wire(sketch: &wire::DurationSketch) -> Result<DurationSketch, String> {
    if sketch.bin_index_deltas.len() != sketch.bin_counts.len() {
        return Err("a duration sketch has unequal numbers of indices and counts".to_owned());
    }
    let mut index = 0_i32;
    let mut bins = Vec::with_capacity(sketch.bin_counts.len());
    for (delta, count) in sketch.bin_index_deltas.iter().zip(&sketch.bin_counts) {
        index = index.checked_add(*delta).ok_or("a duration sketch's index is out of range")?;
        bins.push((index, *count));
    }
    DurationSketch::from_parts(sketch.relative_accuracy_ppm, sketch.zero_count, bins, sketch.sum)
        .map_err(|e| e.to_string())
}

/// A sketch of unique customers on the wire.
#[must_use]
pub fn unique_sketch_to_wire(sketch: &UniqueSketch) -> wire::UniqueSketch {
    wire::UniqueSketch {
        precision: 12,
        key_id: sketch.key_id().to_owned(),
        sparse: sketch.sparse(),
        dense: sketch.dense().to_vec(),
    }
}

/// A sketch of unique customers from the wire.
pub fn unique_sketch_from_wire(sketch: &wire::UniqueSketch) -> Result<UniqueSketch, String> {
    UniqueSketch::from_parts(sketch.precision, sketch.key_id.as_str(), &sketch.sparse, &sketch.dense)
        .map_err(|e| e.to_string())
}

/// A definition on the wire.
#[must_use]
pub fn definition_to_wire(definition: &Definition) -> wire::MetricDefinition {
    wire::MetricDefinition {
        id: definition.id.clone(),
        service_level_ms: u64::try_from(definition.service_level_ms).unwrap_or(0),
        short_abandon_ms: u64::try_from(definition.short_abandon_ms).unwrap_or(0),
    }
}

/// A bucket on the wire.
#[must_use]
pub fn bucket_to_wire(bucket: &Bucket) -> wire::MetricBucket {
    wire::MetricBucket {
        definition: bucket.definition.clone(),
        channel: code::channel_to_wire(bucket.key.channel),
        direction: code::direction_to_wire(bucket.key.direction),
        start: Some(time::micros(bucket.key.start_us)),
        revision: u64::try_from(bucket.revision).unwrap_or(0),
        counts: Some(counts_to_wire(&bucket.counts)),
        wait: Some(duration_sketch_to_wire(&bucket.sketches.wait)),
        handle: Some(duration_sketch_to_wire(&bucket.sketches.handle)),
        customers: Some(unique_sketch_to_wire(&bucket.sketches.customers)),
    }
}

/// A bucket from the wire.
pub fn bucket_from_wire(bucket: &wire::MetricBucket) -> Result<Bucket, String> {
    let missing = |what: &str| format!("a metric bucket has no {what}");
    let start = bucket.start.as_ref().and_then(time::instant).ok_or_else(|| missing("start"))?;
    let start_us = start.as_microsecond();
    if start_us.rem_euclid(QUARTER_US) != 0 {
        return Err("a metric bucket does not start on a quarter of an hour".to_owned());
    }
    Ok(Bucket {
        key: BucketKey {
            channel: code::channel_from_wire(bucket.channel).ok_or_else(|| missing("known channel"))?,
            direction: code::direction_from_wire(bucket.direction).ok_or_else(|| missing("known direction"))?,
            start_us,
        },
        definition: bucket.definition.clone(),
        revision: i64::try_from(bucket.revision).map_err(|_| missing("revision below 2^63"))?,
        counts: counts_from_wire(bucket.counts.as_ref().ok_or_else(|| missing("counts"))?)?,
        sketches: Sketches {
            wait: duration_sketch_from_wire(bucket.wait.as_ref().ok_or_else(|| missing("wait sketch"))?)?,
            handle: duration_sketch_from_wire(bucket.handle.as_ref().ok_or_else(|| missing("handle sketch"))?)?,
            customers: unique_sketch_from_wire(bucket.customers.as_ref().ok_or_else(|| missing("customers sketch"))?)?,
        },
    })
}
