use gridcare_domain::{
    refusal::Violation,
    report::{
        ALL,
        day::{Days, Step, date_of, intervals, number_of},
    },
};
use jiff::civil::Date;

use crate::report::v1 as wire;

/// Rows of one answer at most: intervals times categories.
const ROWS: usize = 2_000;
/// Categories that may be asked for at once.
const CATEGORIES: usize = 64;

/// A checked question.
#[derive(Debug, Clone)]
pub struct Asked {
    /// What one row is about each.
    pub intervals: Vec<Days>,
    /// All when empty.
    pub categories: Vec<String>,
    /// A row for each category too.
    pub by_category: bool,
    /// With the bins of durations.
    pub with_sketches: bool,
}

impl Asked {
    /// The whole period.
    #[must_use]
    pub fn days(&self) -> Days {
        let from = self.intervals.first().map_or(0, |days| days.from);
        Days { from, until: self.intervals.last().map_or(from, |days| days.until) }
    }

    /// The categories to read, of those that there are, and those to be shown together as all that was asked for.
    #[must_use]
    pub fn reads(&self, known: &[String]) -> Vec<String> {
        match (self.categories.is_empty(), self.by_category) {
            (true, false) => vec![ALL.to_owned()],
            (true, true) => std::iter::once(ALL.to_owned()).chain(known.iter().cloned()).collect(),
            (false, _) => self.categories.clone(),
        }
    }

    /// Refused, when with so many categories the answer would be too large.
    #[must_use]
    pub fn too_much(&self, categories: usize) -> Option<Violation> {
        (self.intervals.len().saturating_mul(categories) > ROWS).then(Self::much)
    }

    /// How a question is refused whose answer would be too large.
    #[must_use]
    pub fn much() -> Violation {
        let cure = "give a shorter period, a coarser step or fewer categories";
        Violation::new("period.step", "TOO_MUCH", format!("there would be more than {ROWS} rows; {cure}"))
    }
}

/// A day of ISO 8601 between the years 1900 and 2200.
fn day(field: &str, text: &str, found: &mut Vec<Violation>) -> Option<i32> {
    let date = text.parse::<Date>().ok().filter(|date| text.len() == 10 && (1_900..2_200).contains(&date.year()));
    if date.is_none() {
        found.push(Violation::new(field, "NOT_A_DATE", "give a date between 1900 and 2200 such as 2013-05-22"));
    }
    date.map(number_of)
}

/// Days from one date to another, or violations.
pub fn days_from_wire(at: &str, from: &str, until: &str, found: &mut Vec<Violation>) -> Option<Days> {
    // Both are looked at before either is missed.
    let (from, until) = (day(&format!("{at}from"), from, found), day(&format!("{at}until"), until, found));
    let days = Days { from: from?, until: until? };
    if days.until <= days.from {
        let cure = format!("give a date after {}; it is not part of the period", date_of(days.from));
        found.push(Violation::new(format!("{at}until"), "EMPTY_PERIOD", cure));
        return None;
    }
    Some(days)
}

/// A question that is sound, or every rule that it breaks.
pub fn period_from_wire(period: Option<&wire::ReportPeriod>, found: &mut Vec<Violation>) -> Option<Asked> {
    let Some(period) = period else {
        found.push(Violation::new("period", "REQUIRED", "give a period"));
        return None;
    };
    let days = days_from_wire("period.", &period.from, &period.until, found);
    let step = match period.step {
        0 => Some(Step::Total),
        number => Step::from_number(i64::from(number)),
    };
    if step.is_none() {
        found.push(Violation::new("period.step", "UNKNOWN_CODE", "give TOTAL, DAY, WEEK or MONTH"));
    }
    let mut categories = period.categories.clone();
    categories.sort_unstable();
    categories.dedup();
    if categories.len() > CATEGORIES || categories.iter().any(|category| !is_code(category)) {
        let cure = format!("give at most {CATEGORIES} codes of categories");
        found.push(Violation::new("period.categories", "UNKNOWN_CODE", cure));
    }
    let intervals = intervals(days?, step?, ROWS);
    if intervals.is_none() {
        let cure = format!("there would be more than {ROWS} rows; give a shorter period or a coarser step");
        found.push(Violation::new("period.step", "TOO_MUCH", cure));
    }
    Some(Asked {
        intervals: intervals?,
        categories,
        by_category: period.by_category,
        with_sketches: period.with_sketches,
    })
}

fn is_code(text: &str) -> bool {
    !text.is_empty() && text.len() <= 96 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(from: &str, until: &str, step: wire::ReportStep) -> Result<Asked, Vec<&'static str>> {
        let period =
            wire::ReportPeriod { from: from.into(), until: until.into(), step: step.into(), ..Default::default() };
        let mut found = Vec::new();
        let asked = period_from_wire(Some(&period), &mut found);
        asked.ok_or_else(|| found.into_iter().map(|violation| violation.reason).collect())
    }

    #[test]
    fn a_period_is_refused_with_every_violation() {
        assert_eq!(asked("2013-01-01", "2014-01-01", wire::ReportStep::Month).unwrap().intervals.len(), 12);
        let reasons = |from, until, step| asked(from, until, step).unwrap_err();
        assert_eq!(reasons("2013-13-01", "", wire::ReportStep::Day), ["NOT_A_DATE", "NOT_A_DATE"]);
        assert_eq!(reasons("2013-01-02", "2013-01-02", wire::ReportStep::Day), ["EMPTY_PERIOD"]);
        assert_eq!(reasons("1990-01-01", "2014-01-01", wire::ReportStep::Day), ["TOO_MUCH"]);
        assert_eq!(reasons("-009999-01-01", "2014-01-01", wire::ReportStep::Day), ["NOT_A_DATE"]);
        let mut found = Vec::new();
        assert!(period_from_wire(None, &mut found).is_none());
        assert_eq!(found[0].reason, "REQUIRED");
    }
}
