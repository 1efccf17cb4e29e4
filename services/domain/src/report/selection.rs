use jiff::tz::TimeZone;

use super::{ALL, ClockOutcome, Facts, Measure, contribution::clock_parts, contributions, day::Days};
use crate::metric::ddsketch::DurationSketch;

/// A figure, asked for the tickets behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// What was counted.
    pub measure: Measure,
    /// On which days.
    pub days: Days,
    /// All when empty.
    pub categories: Vec<String>,
    /// Of clocks: this target alone.
    pub target: Option<String>,
    /// Of clocks: these outcomes alone; all when empty.
    pub outcomes: Vec<ClockOutcome>,
    /// Of the others: this team, channel, topic, score or repetition alone.
    pub detail: Option<String>,
}

impl Selection {
    /// The days on which a ticket counts in the figure.
    #[must_use]
    pub fn days_of(&self, facts: &Facts, zone: &TimeZone) -> Vec<i32> {
        let mut days: Vec<_> = contributions(facts, zone, &DurationSketch::default())
            .into_iter()
            .filter(|(key, _)| key.measure == self.measure && key.category != ALL && self.days.holds(key.day))
            .filter(|(key, _)| self.categories.is_empty() || self.categories.contains(&key.category))
            .filter(|(key, _)| self.admits(&key.detail))
            .map(|(key, _)| key.day)
            .collect();
        days.sort_unstable();
        days.dedup();
        days
    }

    fn admits(&self, detail: &str) -> bool {
        match self.measure {
            Measure::Clock => clock_parts(detail).is_some_and(|(outcome, _, target, _)| {
                (self.outcomes.is_empty() || self.outcomes.contains(&outcome))
                    && self.target.as_deref().is_none_or(|wanted| wanted == target)
            }),
            // Bins are not for people.
            Measure::FirstResponse | Measure::Resolution => true,
            _ => self.detail.as_deref().is_none_or(|wanted| wanted == detail),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::tally::tests::facts, *};
    use crate::report::Tally;

    proptest! {
        #[test]
        fn behind_a_figure_are_as_many_tickets_as_it_counts(
            tickets in prop::collection::vec(facts(), 0..20), from in 15_840..16_200_i32, length in 1..200_i32,
        ) {
            let mut tally = Tally::default();
            for facts in &tickets {
                tally.count(facts, &TimeZone::UTC, 1);
            }
            let days = Days { from, until: from + length };
            for measure in [Measure::Inflow, Measure::Resolved, Measure::Ended, Measure::Satisfaction, Measure::TeamOpen] {
                let selection = Selection { measure, days, categories: vec![], target: None, outcomes: vec![], detail: None };
                let counted: i64 = tally.iter()
                    .filter(|(key, _)| key.measure == measure && key.category == ALL && days.holds(key.day))
                    .map(|(_, amount)| amount.n).sum();
                let listed: usize = tickets.iter().map(|facts| selection.days_of(facts, &TimeZone::UTC).len()).sum();
                prop_assert_eq!(counted, i64::try_from(listed).unwrap());
            }
        }
    }
}
