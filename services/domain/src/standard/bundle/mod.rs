//! What a bundle says, field by field as its file has it. Times and limits of rules stay in the words of the file; what
//! nodes work with is the compiled [`Standard`](super::Standard).

mod calendar;
mod consequence;
mod figure;
mod target;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use calendar::{CalendarEntry, ExceptionalDay, Holiday, Period, Week};
pub use consequence::{EscalationEntry, Role, When};
pub use figure::{Kpi, Merging, NoticeRule};
pub use target::{Counting, DatedRule, Overlap, Pause, Selector, Target, UNKNOWN_LOCALITY};

use super::locality::Locality;
use crate::{keyword::KeywordSet, ticket::Priority, topic::Topic};

/// A dated bundle of rules that all share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// Which standard, for example `evn-2013`.
    pub standard: String,
    /// Which version of it, from 1.
    pub version: u32,
    /// Name in Vietnamese.
    pub name_vi: String,
    /// Name in English.
    pub name_en: String,
    /// From when it is in force.
    pub effective_at: Timestamp,
    /// IANA zone in which its days begin.
    pub time_zone: String,
    /// When people work.
    pub calendars: Vec<CalendarEntry>,
    /// Kinds of places that limits distinguish.
    pub localities: Vec<LocalityEntry>,
    /// Degrees of urgency.
    pub priorities: Vec<PriorityEntry>,
    /// What requests are about, finer than topics.
    pub categories: Vec<Category>,
    /// What is promised.
    pub targets: Vec<Target>,
    /// What follows when a limit comes near or passes.
    #[serde(default)]
    pub escalations: Vec<EscalationEntry>,
    /// Figures, each with its one formula.
    #[serde(default)]
    pub kpis: Vec<Kpi>,
    /// What notices to the public must say, and by when.
    #[serde(default)]
    pub notices: Vec<NoticeRule>,
    /// Keywords of two-way text messages, by region.
    #[serde(default)]
    pub sms: Vec<KeywordSet>,
    /// How customers are asked afterwards.
    pub feedback: FeedbackEntry,
    /// Answers in both languages.
    #[serde(default)]
    pub templates: Vec<Template>,
    /// Federated fields that may leave a region.
    pub export: Vec<String>,
}

impl Bundle {
    /// What records are stamped with, for example `evn-2013.1`.
    #[must_use]
    pub fn version_id(&self) -> String {
        format!("{}.{}", self.standard, self.version)
    }

    /// The target of this id.
    #[must_use]
    pub fn target(&self, id: &str) -> Option<&Target> {
        self.targets.iter().find(|target| target.id == id)
    }

    /// What is said of the figure of this id.
    #[must_use]
    pub fn kpi(&self, id: &str) -> Option<&Kpi> {
        self.kpis.iter().find(|kpi| kpi.id == id)
    }
}

/// A kind of place that limits distinguish.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalityEntry {
    /// Which.
    pub code: Locality,
    /// Name in Vietnamese.
    pub name_vi: String,
    /// Name in English.
    pub name_en: String,
}

/// A degree of urgency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriorityEntry {
    /// Which.
    pub code: Priority,
    /// Name in Vietnamese.
    pub name_vi: String,
    /// Name in English.
    pub name_en: String,
}

/// What a request is about, finer than its topic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Category {
    /// By which targets and tickets name it.
    pub code: String,
    /// The topic that figures count it under.
    pub topic: Topic,
    /// Name in Vietnamese.
    pub name_vi: String,
    /// Name in English.
    pub name_en: String,
    /// Fields of a ticket that such a request must have.
    #[serde(default)]
    pub required: Vec<String>,
    /// How urgent it is unless somebody says otherwise.
    pub default_priority: Priority,
}

/// How customers are asked afterwards.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedbackEntry {
    /// How long after closing, such as `PT1H`.
    pub ask_after: String,
    /// Another contact about the same within this time means that the first did not settle it, such as `P7D`.
    pub repeat_contact_window: String,
    /// The template that asks; it goes out by text message, with what is known by itself filled in.
    pub template: String,
}

/// An answer in both languages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// By which agents choose it.
    pub id: String,
    /// Name in Vietnamese.
    pub name_vi: String,
    /// Name in English.
    pub name_en: String,
    /// The text in Vietnamese, with placeholders such as `{reference}`.
    pub text_vi: String,
    /// The text in English, with the same placeholders.
    pub text_en: String,
}
