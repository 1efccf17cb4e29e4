//! Reports about tickets: what each ticket adds to which day, how that adds up, and what the sums mean.
//!
//! A ticket's [`Facts`] make a set of contributions, each on a local day. A tally is the sum of the contributions of all
//! tickets; a changed ticket takes its old contributions back and makes its new ones, so that tallies are exact whatever the
//! order in which versions arrive. Days add up to months, nodes to regions, regions to the country.

mod code;
mod contribution;
/// Local days, weeks and months.
pub mod day;
mod facts;
mod figure;
mod figures;
mod packed;
mod selection;
mod tally;
mod want;

pub use code::{ClockOutcome, ClockPhase, Measure, Repetition};
pub use contribution::{ALL, UNCATEGORISED, clock_detail, contributions, days};
pub use facts::{ClockFact, Facts};
pub use figure::{REPORT_FIGURES, ReportFigure};
pub use figures::{AgeBand, Compliance, Figures, Standing, TeamLoad, Unreadable, share};
pub use packed::{MalformedFacts, clocks_from_bytes, clocks_to_bytes};
pub use selection::Selection;
pub use tally::{Amount, Key, Tally};
pub use want::{Sums, Want, wants};
