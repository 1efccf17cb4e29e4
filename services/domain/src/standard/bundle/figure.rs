//! Figures with their formulas, and what notices must say.

use serde::{Deserialize, Serialize};

use crate::contact::Channel;

/// A figure of the product, with its one formula.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kpi {
    /// Which figure.
    pub id: String,
    /// Name in Vietnamese.
    pub name_vi: String,
    /// Name in English.
    pub name_en: String,
    /// How the product computes it, for example `answered_within / offered`.
    pub formula: String,
    /// Of what it is a share, when it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denominator: Option<String>,
    /// The time that it depends on, where it depends on one, such as `PT20S`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<String>,
    /// What should be reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objective: Option<f64>,
    /// How figures of several regions become one.
    pub merges_by: Merging,
    /// Who says so.
    pub source: String,
    /// Whether the source does not say it and we assumed it.
    #[serde(default)]
    pub assumed: bool,
}

/// How figures of several regions become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Merging {
    /// Numerators and denominators are added.
    Adding,
    /// Sketches of the same definition are merged.
    Sketch,
    /// Aligned buckets are added before the greatest is taken.
    AlignedBuckets,
    /// Each region counts its own customers; the sum says so.
    AtHome,
}

/// What a notice to the public must say, by when and where. Whoever plans a notice is told what it lacks; nothing is refused
/// for it.
///
/// Notices about planned work have the rule `planned_outage`, those about work in an emergency `emergency_outage`, and all
/// others `incident`. Rules of other ids are for people alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeRule {
    /// What notices it is for.
    pub id: String,
    /// Name in Vietnamese.
    pub name_vi: String,
    /// Name in English.
    pub name_en: String,
    /// What it must say. Where planned work is announced, `start` and `expected_return` are looked for: a text in which no
    /// number is the hour or the day does not say it in figures. All else, such as place and reason, is for people to judge.
    pub content: Vec<String>,
    /// How soon the first must be out, such as `PT30M`: counted from the earliest claim of an unplanned outage's onset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_within: Option<String>,
    /// The target whose limit it has, when it is one. That limit is watched by clocks of tickets, and when planned work is
    /// recorded; plans of notices do not count it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Where it must appear. Of these, notices go out by `web`, `sms` and `email`; the others are for people.
    pub channels: Vec<Channel>,
    /// Who says so.
    pub source: String,
}
