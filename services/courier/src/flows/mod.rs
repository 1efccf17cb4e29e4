//! What a courier does: messages leave, receipts return, replies arrive.

pub(crate) mod message_leaves;
pub(crate) mod receipt_returns;
pub(crate) mod reply_arrives;
