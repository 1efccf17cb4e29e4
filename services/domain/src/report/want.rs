use std::collections::BTreeMap;

use super::{
    Amount, Measure,
    day::{Days, Grain, cover},
};

/// The slot of what came before the period: what the backlog begins with.
pub(super) const BEFORE: i64 = -1;
/// The slot of the tickets that are open now, by team.
pub(super) const TEAMS: i64 = -2;
/// The slot of the first band of ages; the next ones follow downwards.
pub(super) const AGES: i64 = -3;

/// One stretch of stored tallies that a report needs, and the place to which its sum belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    /// An interval's number, or a negative number for what is not of an interval.
    pub slot: i64,
    /// By days or by months.
    pub grain: Grain,
    /// What is counted.
    pub measure: Measure,
    /// A category, or [`super::ALL`].
    pub category: String,
    /// First days of the stored intervals.
    pub days: Days,
}

/// All that a report over these intervals needs, whole months as months. `today` is the day on which open tickets are so
/// many days old.
#[must_use]
pub fn wants(intervals: &[Days], categories: &[String], today: i32) -> Vec<Want> {
    let mut wants = Vec::new();
    for category in categories {
        let mut want = |slot: i64, measure: Measure, days: Days| {
            wants.extend(cover(days).into_iter().map(|(grain, days)| Want {
                slot,
                grain,
                measure,
                category: category.clone(),
                days,
            }));
        };
        for (slot, days) in (0..).zip(intervals) {
            for measure in Measure::ALL {
                // What is open now is not of an interval.
                if !matches!(measure, Measure::Open | Measure::TeamOpen) {
                    want(slot, *measure, *days);
                }
            }
        }
        if let Some(first) = intervals.first() {
            want(BEFORE, Measure::Inflow, Days::before(first.from));
            want(BEFORE, Measure::Ended, Days::before(first.from));
        }
        want(TEAMS, Measure::TeamOpen, Days { from: i32::MIN, until: i32::MAX });
        for (slot, band) in super::figures::AgeBand::ALL.iter().enumerate() {
            want(AGES - i64::try_from(slot).unwrap_or(0), Measure::Open, band.days(today));
        }
    }
    wants
}

type Slot = BTreeMap<(Measure, String), Amount>;

/// The sums that were wanted, by category and slot. Sums of nodes add up to those of a region, and of the country.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sums(BTreeMap<String, BTreeMap<i64, Slot>>);

impl Sums {
    /// Adds one sum.
    pub fn add(&mut self, category: &str, slot: i64, measure: Measure, detail: String, amount: Amount) {
        let slots = match self.0.get_mut(category) {
            Some(slots) => slots,
            None => self.0.entry(category.to_owned()).or_default(),
        };
        slots.entry(slot).or_default().entry((measure, detail)).or_default().add(amount, 1);
    }

    /// Adds the sums of another node, asked for over the same intervals.
    pub fn merge(&mut self, other: &Self) {
        for (category, slots) in &other.0 {
            for (slot, sums) in slots {
                for ((measure, detail), amount) in sums {
                    self.add(category, *slot, *measure, detail.clone(), *amount);
                }
            }
        }
    }

    /// Several categories as one, called `name`.
    #[must_use]
    pub fn together(&self, categories: &[String], name: &str) -> Self {
        let mut sums = Self::default();
        for slots in categories.iter().filter_map(|category| self.0.get(category)) {
            for (slot, own) in slots {
                for ((measure, detail), amount) in own {
                    sums.add(name, *slot, *measure, detail.clone(), *amount);
                }
            }
        }
        sums
    }

    /// What is summed in a slot of a category.
    pub(super) fn slot(&self, category: &str, slot: i64) -> impl Iterator<Item = (Measure, &str, Amount)> {
        let slot = self.0.get(category).and_then(|slots| slots.get(&slot));
        slot.into_iter().flatten().map(|((measure, detail), amount)| (*measure, detail.as_str(), *amount))
    }
}
