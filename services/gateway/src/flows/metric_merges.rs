//! A metric merges: regions are sums of their nodes, the country is the sum of its regions, and both say what they cover.

mod fold;
mod period;
mod reach;
mod status;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use period::{Intervals, Period, month_so_far};
pub(crate) use reach::completeness;
pub(crate) use status::{MemberView, figures, tickets};
pub(crate) use table::{Question, formulas, table};
