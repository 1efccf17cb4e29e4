//! What a gateway does, one sentence per module.

pub(crate) mod feed_flows_in;
pub(crate) mod metric_merges;
pub(crate) mod notice_goes_out;
pub(crate) mod notice_is_planned;
pub(crate) mod notice_is_proven;
pub(crate) mod notice_is_written;
pub(crate) mod notices_are_published;
pub(crate) mod outages_are_published;
pub(crate) mod reliability_is_summed;
pub(crate) mod report_is_drawn;
pub(crate) mod standard_goes_out;
