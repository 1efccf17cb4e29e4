//! Clocks of a ticket: deadlines that follow from dated rules, and the reasons for every second of them.
//!
//! Stored is only what happened ([`Clocks`]): how the ticket stood when, which rules were in force when, what stopped a clock.
//! Everything else (deadlines, breaches, intervals) is a function of that and of the rules, so that a late bundle, a new
//! category or a reopening need no correction of anything counted before.

mod course;
mod encoding;
mod explain;
mod rule;
mod states;
#[cfg(test)]
mod tests;
mod timeline;

pub use encoding::DecodeError;
pub use explain::{Explained, Interval, IntervalKind, Why};
pub use rule::{ClockKind, Limit, Rule, RuleBook, RuleKey};
pub use states::{Ahead, ClockState, Due, Noticed, Phase};
pub use timeline::{Clock, Clocks, Mode, Ruling};
