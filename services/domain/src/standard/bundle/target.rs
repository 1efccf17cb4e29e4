//! What is promised to whom.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{clock::ClockKind, standard::locality::Locality, ticket::Priority};

/// What is promised to whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// By which clocks, overlays and reports name it.
    pub id: String,
    /// What its clock waits for.
    pub kind: ClockKind,
    /// Name in Vietnamese.
    pub name_vi: String,
    /// Name in English.
    pub name_en: String,
    /// Whom it concerns; everybody when absent.
    #[serde(default)]
    pub applies_to: Selector,
    /// Whether hours count as they pass, or working hours only.
    pub clock: Counting,
    /// Whose hours, for working time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<String>,
    /// For whom the clock waits.
    #[serde(default)]
    pub pauses: Vec<Pause>,
    /// Fractions of the limit at which to warn, ascending.
    #[serde(default)]
    pub warnings: Vec<f64>,
    /// What to do when several rules hold on one day; an error when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap: Option<Overlap>,
    /// Its limits by date.
    pub rules: Vec<DatedRule>,
}

/// Whom a target concerns. An empty list restricts nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Selector {
    /// Codes of categories.
    pub categories: Vec<String>,
    /// Priorities.
    pub priorities: Vec<Priority>,
    /// `town`, `rural`, or `unknown` for requests whose place nobody noted.
    pub localities: Vec<String>,
}

impl Selector {
    /// How specific it is: one that names categories beats one that does not, then localities, then priorities.
    #[must_use]
    pub fn specificity(&self) -> u8 {
        let named = |list_is_empty: bool, weight| if list_is_empty { 0 } else { weight };
        named(self.categories.is_empty(), 4)
            + named(self.localities.is_empty(), 2)
            + named(self.priorities.is_empty(), 1)
    }

    /// Whether it concerns such a request.
    #[must_use]
    pub fn selects(&self, category: &str, priority: Priority, locality: Option<Locality>) -> bool {
        let locality = locality.map_or(UNKNOWN_LOCALITY, Locality::code);
        (self.categories.is_empty() || self.categories.iter().any(|code| code == category))
            && (self.priorities.is_empty() || self.priorities.contains(&priority))
            && (self.localities.is_empty() || self.localities.iter().any(|code| code == locality))
    }
}

/// How a selector names requests whose locality nobody noted.
pub const UNKNOWN_LOCALITY: &str = "unknown";

/// Which time counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counting {
    /// All of it.
    Elapsed,
    /// That within a calendar's hours.
    Working,
}

/// For whom a clock waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pause {
    /// The customer has to answer.
    Customer,
    /// Somebody outside has to act.
    ThirdParty,
}

/// What to do when several rules hold on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// The stricter one holds.
    Stricter,
}

/// A limit with its dates and its source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatedRule {
    /// Such as `2 h`, `3 wd`, `5 d before`; see [`limit`](crate::standard::limit).
    pub limit: String,
    /// The first day of opening that it holds for.
    pub from: Date,
    /// The day after the last; for ever when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
    /// Who says so.
    pub source: String,
    /// Whether the source does not say it, or not since when, and we assumed it.
    #[serde(default)]
    pub assumed: bool,
}

impl DatedRule {
    /// Whether it holds for what is opened on that day.
    #[must_use]
    pub fn holds(&self, date: Date) -> bool {
        self.from <= date && self.until.is_none_or(|until| date < until)
    }
}
