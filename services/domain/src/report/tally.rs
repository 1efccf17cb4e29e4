use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::{Facts, Measure, contributions, day::month_of};
use crate::metric::ddsketch::DurationSketch;

/// What is counted where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// What is counted.
    pub measure: Measure,
    /// A category, or [`super::ALL`].
    pub category: String,
    /// The first local day of the interval; days since 1970.
    pub day: i32,
    /// What the measure is cut into: a bin, a team, the outcome of a clock.
    pub detail: String,
}

/// How many, and the sum of what is summed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amount {
    /// How many.
    pub n: i64,
    /// The sum of milliseconds or scores; 0 where only the number counts.
    pub total: i64,
}

impl Amount {
    /// Adds `sign` times the other.
    pub const fn add(&mut self, other: Self, sign: i64) {
        self.n += sign * other.n;
        self.total += sign * other.total;
    }

    /// Whether nothing is counted.
    #[must_use]
    pub const fn is_nothing(self) -> bool {
        self.n == 0 && self.total == 0
    }
}

/// Sums of contributions, or differences of such sums.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<Key, Amount>);

impl Tally {
    /// Adds `sign` times this amount: 1 to count, -1 to take back. What comes to nothing is not kept.
    pub fn add(&mut self, key: Key, amount: Amount, sign: i64) {
        match self.0.entry(key) {
            std::collections::btree_map::Entry::Vacant(place) => {
                let mut sum = Amount::default();
                sum.add(amount, sign);
                if !sum.is_nothing() {
                    place.insert(sum);
                }
            }
            std::collections::btree_map::Entry::Occupied(mut place) => {
                place.get_mut().add(amount, sign);
                if place.get().is_nothing() {
                    place.remove();
                }
            }
        }
    }

    /// Counts a ticket, or takes it back.
    pub fn count(&mut self, facts: &Facts, zone: &TimeZone, sign: i64) {
        for (key, amount) in contributions(facts, zone, &DurationSketch::default()) {
            self.add(key, amount, sign);
        }
    }

    /// Adds another tally.
    pub fn merge(&mut self, other: Self) {
        for (key, amount) in other.0 {
            self.add(key, amount, 1);
        }
    }

    /// The same by months: each key's day is the first of its month.
    #[must_use]
    pub fn months(&self) -> Self {
        let mut months = Self::default();
        for (key, amount) in &self.0 {
            months.add(Key { day: month_of(key.day), ..key.clone() }, *amount, 1);
        }
        months
    }

    /// Keys and amounts, in the order of the keys; nothing that comes to nothing.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Amount)> {
        self.0.iter()
    }

    /// What is counted there.
    #[must_use]
    pub fn get(&self, key: &Key) -> Amount {
        self.0.get(key).copied().unwrap_or_default()
    }

    /// How many keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
#[path = "tally_tests.rs"]
pub(super) mod tests;
