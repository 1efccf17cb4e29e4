//! Dated, signed rules that all share: what is promised, by which clock, and what may leave a region.
//!
//! A [`Bundle`] is what a YAML file says; a [`Standard`] is what nodes work with; [`accept`] stands between them where the
//! file comes from outside.

mod acceptance;
mod bundle;
mod compiled;
mod diff;
mod escalation;
mod export;
mod finding;
mod form;
/// Limits and durations as people write them.
pub mod limit;
mod lint;
mod locality;
mod notice_duty;
mod overlay;
mod reading;
mod shape;
mod shelf;
mod signature;
mod template;
#[cfg(test)]
mod tests;
mod texts;
mod tree;

pub use acceptance::{Offer, Terms, accept};
pub use bundle::{
    Bundle, CalendarEntry, Category, Counting, DatedRule, EscalationEntry, ExceptionalDay, FeedbackEntry, Holiday, Kpi,
    LocalityEntry, Merging, NoticeRule, Overlap, Pause, Period, PriorityEntry, Role, Selector, Target, Template,
    UNKNOWN_LOCALITY, Week, When,
};
pub use compiled::{Feedback, RuleSubject, Standard};
pub use diff::{Change, Sort, diff};
pub use escalation::Escalation;
pub use export::{FEDERATED, INDISPENSABLE, REQUIRABLE};
pub use finding::{Finding, Path, Severity, has_errors};
pub use form::{overlay_schema, schema};
pub use lint::other_thresholds;
pub use locality::Locality;
pub use notice_duty::NoticeDuty;
pub use overlay::{Lowered, Overlay};
pub use reading::{lint, lint_overlay, read, read_overlay};
pub use shelf::Shelf;
pub use signature::{KeyError, PublicKey, SecretKey, Signature, Signed};
pub use template::{Language, PLACEHOLDERS};
pub use tree::DOCUMENT_LIMIT;

/// The standard that ships with the product: the rules of the national utility, of 2013 until today.
#[must_use]
pub const fn builtin() -> &'static str {
    include_str!("../../standards/evn-2013.yaml")
}
