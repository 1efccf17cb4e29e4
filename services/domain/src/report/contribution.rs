use std::collections::BTreeSet;

use jiff::tz::TimeZone;

use super::{Amount, ClockFact, ClockOutcome, Facts, Key, Measure, day::local_day};
use crate::{metric::ddsketch::DurationSketch, ticket::State};

/// The category that stands for all categories together: each contribution is made to its own and to this one, so that
/// figures of everything are read without reading every category.
pub const ALL: &str = "";
/// The category of a ticket that has none.
pub const UNCATEGORISED: &str = "uncategorised";
/// The detail of a duration of less than a millisecond, which no bin holds.
pub(super) const ZERO_BIN: &str = "zero";

/// Outcome, kind, target and rule of a clock as a detail. None of them has a blank.
#[must_use]
pub fn clock_detail(clock: &ClockFact) -> String {
    let ClockFact { kind, target, rule, .. } = clock;
    format!("{} {kind} {target} {rule}", clock.outcome())
}

/// A clock's detail in parts: outcome, kind, target, rule.
pub(super) fn clock_parts(detail: &str) -> Option<(ClockOutcome, i64, &str, &str)> {
    let mut parts = detail.splitn(4, ' ');
    let outcome = ClockOutcome::parse(parts.next()?)?;
    Some((outcome, parts.next()?.parse().ok()?, parts.next()?, parts.next()?))
}

/// All that one ticket adds to the tallies, in the days of this zone.
#[must_use]
pub fn contributions(facts: &Facts, zone: &TimeZone, sketch: &DurationSketch) -> Vec<(Key, Amount)> {
    let mut made = Contributions { facts, zone, sketch, made: Vec::with_capacity(24) };
    made.all();
    made.made
}

/// The local days on which a ticket counts somewhere.
#[must_use]
pub fn days(contributions: &[(Key, Amount)]) -> BTreeSet<i32> {
    contributions.iter().map(|(key, _)| key.day).collect()
}

struct Contributions<'a> {
    facts: &'a Facts,
    zone: &'a TimeZone,
    sketch: &'a DurationSketch,
    made: Vec<(Key, Amount)>,
}

impl Contributions<'_> {
    fn all(&mut self) {
        let facts = self.facts;
        let opened = facts.opened_us;
        self.one(Measure::Inflow, opened, "");
        self.one(Measure::Channel, opened, &facts.channel);
        self.one(Measure::Topic, opened, &facts.topic);
        self.one(Measure::TeamInflow, opened, &facts.team);
        match facts.ended_us() {
            None => {
                self.one(Measure::Open, opened, "");
                self.one(Measure::TeamOpen, opened, &facts.team);
            }
            Some(ended) => {
                self.one(Measure::Ended, ended, "");
                match facts.state {
                    _ if facts.merged => self.one(Measure::Merged, ended, ""),
                    State::Closed => self.one(Measure::Closed, facts.closed_us.unwrap_or(ended), ""),
                    State::Cancelled => self.one(Measure::Cancelled, facts.closed_us.unwrap_or(ended), ""),
                    _ => {}
                }
            }
        }
        if let Some(resolved) = facts.resolution_us() {
            self.one(Measure::Resolved, resolved, "");
            self.one(Measure::TeamResolved, resolved, &facts.team);
            self.duration(Measure::Resolution, resolved);
            if let Some(repetition) = facts.repetition {
                self.one(Measure::FirstContact, resolved, repetition.code());
            }
        }
        if let Some(answered) = facts.first_response_us.filter(|_| !facts.merged) {
            self.duration(Measure::FirstResponse, answered);
        }
        if let Some((score, at)) = facts.rated {
            self.add(Measure::Satisfaction, at, score.to_string(), Amount { n: 1, total: score });
        }
        for clock in &facts.clocks {
            self.one(Measure::Clock, clock.started_us, &clock_detail(clock));
        }
    }

    fn one(&mut self, measure: Measure, at_us: i64, detail: &str) {
        self.add(measure, at_us, detail.to_owned(), Amount { n: 1, total: 0 });
    }

    /// From opening until then, on the day on which it ended.
    fn duration(&mut self, measure: Measure, until_us: i64) {
        let ms = until_us.saturating_sub(self.facts.opened_us).max(0) / 1_000;
        let bin = self.sketch.bin_of(u64::try_from(ms).unwrap_or(0));
        let detail = bin.map_or_else(|| ZERO_BIN.to_owned(), |bin| bin.to_string());
        self.add(measure, until_us, detail, Amount { n: 1, total: ms });
    }

    fn add(&mut self, measure: Measure, at_us: i64, detail: String, amount: Amount) {
        let day = local_day(at_us, self.zone);
        let category = if self.facts.category.is_empty() { UNCATEGORISED } else { &self.facts.category };
        let own = Key { measure, category: category.to_owned(), day, detail: detail.clone() };
        self.made.push((own, amount));
        self.made.push((Key { measure, category: ALL.to_owned(), day, detail }, amount));
    }
}
