//! The flows of a node: load, decide, save with its feed entry, return.

pub(crate) mod bulk_action_runs;
pub(crate) mod clock_runs_out;
pub(crate) mod clocks_are_rebased;
pub(crate) mod contact_arrives;
pub(crate) mod customer_is_erased;
pub(crate) mod customer_is_exported;
pub(crate) mod customer_is_imported;
pub(crate) mod feed_flows_out;
pub(crate) mod metric_is_asked;
pub(crate) mod metric_rolls_up;
pub(crate) mod old_rows_go;
pub(crate) mod outage_unfolds;
pub(crate) mod owner_is_named;
pub(crate) mod sms_is_answered;
pub(crate) mod standard_takes_effect;
pub(crate) mod template_is_rendered;
pub(crate) mod ticket_is_assigned;
pub(crate) mod ticket_is_explained;
pub(crate) mod ticket_is_imported;
pub(crate) mod ticket_merges;
pub(crate) mod ticket_moves;
