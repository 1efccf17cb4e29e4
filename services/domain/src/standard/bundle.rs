//! What a bundle says, field by field as its file has it. Times and limits of rules stay in the words of the file; what
//! nodes work with is the compiled [`Standard`](super::Standard).

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::locality::Locality;
use crate::{clock::ClockKind, contact::Channel, keyword::KeywordSet, ticket::Priority, topic::Topic};

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
}

/// When people work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalendarEntry {
    /// By which targets name it.
    pub id: String,
    /// Name in Vietnamese.
    pub name_vi: String,
    /// Name in English.
    pub name_en: String,
    /// IANA zone of its hours; the bundle's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// Hours of each weekday.
    pub week: Week,
    /// Years whose holidays are listed; of others nothing is known.
    #[serde(default)]
    pub holidays_known: Vec<Period>,
    /// Days without hours.
    #[serde(default)]
    pub holidays: Vec<Holiday>,
    /// Days with hours of their own, holidays or not.
    #[serde(default)]
    pub exceptions: Vec<ExceptionalDay>,
}

/// Hours such as `07:30-11:30` of each weekday; over midnight as `22:00-30:00`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the names of the days say it")]
pub struct Week {
    pub mon: Vec<String>,
    pub tue: Vec<String>,
    pub wed: Vec<String>,
    pub thu: Vec<String>,
    pub fri: Vec<String>,
    pub sat: Vec<String>,
    pub sun: Vec<String>,
}

impl Week {
    /// The days with their names, Monday first.
    #[must_use]
    pub fn days(&self) -> [(&'static str, &[String]); 7] {
        [
            ("mon", &self.mon),
            ("tue", &self.tue),
            ("wed", &self.wed),
            ("thu", &self.thu),
            ("fri", &self.fri),
            ("sat", &self.sat),
            ("sun", &self.sun),
        ]
    }
}

/// Local days, half-open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// The first day.
    pub from: Date,
    /// The day after the last.
    pub until: Date,
}

impl Period {
    /// Whether the day lies within.
    #[must_use]
    pub fn holds(&self, date: Date) -> bool {
        self.from <= date && date < self.until
    }
}

/// A day without hours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holiday {
    /// The day.
    pub date: Date,
    /// Name in Vietnamese.
    pub name_vi: String,
    /// Name in English.
    pub name_en: String,
}

/// A day with hours of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExceptionalDay {
    /// The day.
    pub date: Date,
    /// Its hours; none for a day off.
    pub spans: Vec<String>,
    /// Why, in Vietnamese.
    pub name_vi: String,
    /// Why, in English.
    pub name_en: String,
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
    /// Such as `2 h`, `3 wd`, `5 d before`; see [`limit`](super::limit).
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

/// What follows when a limit comes near or passes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EscalationEntry {
    /// By which timelines name it.
    pub id: String,
    /// What sets it off.
    pub when: When,
    /// The fraction of the limit, for warnings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<f64>,
    /// Only clocks of these kinds; all when empty.
    #[serde(default)]
    pub kinds: Vec<ClockKind>,
    /// Only these targets; all when empty.
    #[serde(default)]
    pub targets: Vec<String>,
    /// Only tickets of these priorities; all when empty.
    #[serde(default)]
    pub priorities: Vec<Priority>,
    /// The least priority that the ticket has afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raise_to: Option<Priority>,
    /// Roles that are told.
    #[serde(default)]
    pub notify: Vec<Role>,
    /// The team that takes the ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reassign_to: Option<String>,
}

/// What sets an escalation off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// A fraction of the limit has passed.
    Warned,
    /// The limit has passed.
    Breached,
}

crate::contact::code::codes! {
    /// Who is told.
    Role {
        /// Who has the ticket.
        Assignee = 1 "assignee",
        /// Who leads the team.
        Supervisor = 2 "supervisor",
        /// Who sends crews.
        Dispatcher = 3 "dispatcher",
        /// Who speaks to the public.
        CommunicationsOfficer = 4 "communications_officer",
        /// Who decides at night.
        DutyOfficer = 5 "duty_officer",
        /// Who runs the system.
        Administrator = 6 "administrator",
    }
}

/// A figure with its one formula.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kpi {
    /// By which reports and other formulas name it.
    pub id: String,
    /// Name in Vietnamese.
    pub name_vi: String,
    /// Name in English.
    pub name_en: String,
    /// Over measures and other figures, for example `answered_within / offered`.
    pub formula: String,
    /// Of what it is a share, when it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denominator: Option<String>,
    /// The time that a measure of the formula depends on, such as `PT20S`.
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

/// What a notice to the public must say, and by when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeRule {
    /// By which notices name it.
    pub id: String,
    /// Name in Vietnamese.
    pub name_vi: String,
    /// Name in English.
    pub name_en: String,
    /// What it must say.
    pub content: Vec<String>,
    /// How soon the first must be out, such as `PT30M`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_within: Option<String>,
    /// The target whose limit it has, when it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Where it must appear.
    pub channels: Vec<Channel>,
    /// Who says so.
    pub source: String,
}

/// How customers are asked afterwards.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedbackEntry {
    /// How long after resolving, such as `PT1H`.
    pub ask_after: String,
    /// Another contact about the same within this time means that the first did not settle it, such as `P7D`.
    pub repeat_contact_window: String,
    /// The template that asks.
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
