//! What a gateway does, one sentence per module.

pub(crate) mod feed_flows_in;
pub(crate) mod metric_merges;
pub(crate) mod standard_goes_out;
