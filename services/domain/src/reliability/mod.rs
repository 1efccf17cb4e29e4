//! Reliability of supply by IEEE Std 1366-2012, computed from outages, and summed over regions without averaging anything.
//!
//! A customer interruption is sustained when it lasts longer than five minutes (§3), else momentary. It belongs to the local day
//! on which it began, though it may last over midnight (§3, "major event day"). What regions have in common are sums of days:
//! customer time, interruptions, and customers served. The country's figures are computed from the sums of the regions' sums,
//! its threshold of major event days too: thresholds and indices of regions cannot be merged.

mod daily;
mod family;
mod frequent;
mod index;
#[cfg(test)]
mod tests;

pub use daily::{Daily, DaySums, Event, SUSTAINED_OVER_US, Served};
pub use family::Lost;
pub use frequent::{Exposure, Frequent, frequent};
pub use index::{Class, HISTORY_YEARS, Indices, Reliability, Threshold, history_of, reliability};
