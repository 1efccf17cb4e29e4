//! When people work.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

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
