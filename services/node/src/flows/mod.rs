//! The flows of a node: load, decide, save with its feed entry, return.

pub(crate) mod contact_arrives;
pub(crate) mod feed_flows_out;
pub(crate) mod metric_is_asked;
pub(crate) mod metric_rolls_up;
pub(crate) mod old_rows_go;
pub(crate) mod report_is_drawn;
pub(crate) mod report_is_verified;
pub(crate) mod ticket_moves;
pub(crate) mod tickets_are_tallied;
