mod bucket;
mod counts;
/// Quantiles of durations.
pub mod ddsketch;
mod figure;
/// Quarters of an hour folded into local intervals.
pub mod fold;
/// Unique customers.
pub mod hyperloglog;

pub use bucket::{Bucket, BucketKey, QUARTER_US, Sketches, quarter_of};
pub use counts::{Counts, Definition};
pub use figure::{FIGURES, Figure, figure};

/// Two sketches or buckets whose definitions differ cannot be merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the definitions differ, so these do not merge; recompute one of them under the other's definition")]
pub struct UnequalDefinition;
