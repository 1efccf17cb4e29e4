//! Who is without supply when: exact, in whole customers and microseconds.

use std::collections::VecDeque;

use jiff::Timestamp;

/// Customers lose supply, or have it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delta {
    /// When, microseconds since 1970.
    pub at_us: i64,
    /// How many lose supply; negative: how many have it again.
    pub customers: i64,
    /// Which of them: those of one number are the same people; 0 when only their number is known.
    pub group: i64,
}

/// What decides who is without supply, at a node and at a gateway alike.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Course {
    /// The onset that is believed; none for planned work that has not begun.
    pub onset_us: Option<i64>,
    /// Every claim of the onset: its number and what it says.
    pub onset_claims: Vec<(i64, i64)>,
    /// When supply was back everywhere, as is believed.
    pub restored_us: Option<i64>,
    /// How many lost supply in all, as is believed.
    pub customers: Option<i64>,
    /// Steps, in the order in which they were recorded.
    pub steps: Vec<Delta>,
}

/// Customers who lost supply at one moment and had it again at another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interruption {
    /// Since when, microseconds since 1970.
    pub from_us: i64,
    /// Until when; none while it goes on.
    pub until_us: Option<i64>,
    /// How many.
    pub customers: i64,
    /// Which of them, as in [`Delta::group`]; 0 where several outages are put together.
    pub group: i64,
}

impl Course {
    /// Losses and returns of supply in the order of time, under the onset that is believed.
    #[must_use]
    pub fn deltas(&self) -> Vec<Delta> {
        self.deltas_from(self.onset_us)
    }

    /// The same as if it had begun then: losses of the moment that is believed to be the onset, and whatever is said to have
    /// happened before the claimed one, move to the claimed one.
    ///
    /// Without steps, all customers that are believed to have lost supply lost it at the onset. Whoever has not regained it
    /// by the restoration regains it then.
    #[must_use]
    pub fn deltas_from(&self, onset_us: Option<i64>) -> Vec<Delta> {
        let Some(onset) = onset_us else { return Vec::new() };
        let mut deltas = self.steps.clone();
        if deltas.is_empty() {
            let customers = self.customers.unwrap_or(0);
            deltas.extend((customers > 0).then_some(Delta { at_us: onset, customers, group: 0 }));
        }
        for delta in &mut deltas {
            if Some(delta.at_us) == self.onset_us && delta.customers > 0 {
                delta.at_us = onset;
            }
            delta.at_us = delta.at_us.max(onset);
        }
        // Losses before returns of the same moment, so that nobody regains what was not lost.
        deltas.sort_by_key(|delta| (delta.at_us, delta.customers < 0));
        let Some(restored) = self.restored_us.map(|at| at.max(onset)) else { return deltas };
        for delta in &mut deltas {
            delta.at_us = delta.at_us.min(restored);
        }
        deltas.sort_by_key(|delta| (delta.at_us, delta.customers < 0));
        for still in interruptions(&deltas).into_iter().filter(|one| one.until_us.is_none()) {
            deltas.push(Delta { at_us: restored, customers: -still.customers, group: still.group });
        }
        deltas
    }

    /// The first moment at which more have regained supply than lost it, by the steps.
    #[must_use]
    pub fn overdrawn(&self) -> Option<Timestamp> {
        let mut steps = self.steps.clone();
        steps.sort_by_key(|delta| (delta.at_us, delta.customers < 0));
        let mut without = 0_i64;
        steps.iter().find_map(|step| {
            without = without.saturating_add(step.customers);
            (without < 0).then(|| Timestamp::from_microsecond(step.at_us).unwrap_or_default())
        })
    }
}

/// The most who were without supply at one moment; none when nobody is known to have been.
#[must_use]
pub fn most_without(deltas: &[Delta]) -> Option<i64> {
    let most = deltas.iter().map(|delta| without_supply_at(deltas, delta.at_us)).max()?;
    (most > 0).then_some(most)
}

/// How many are without supply at this moment, by deltas in any order.
#[must_use]
pub fn without_supply_at(deltas: &[Delta], at_us: i64) -> i64 {
    deltas.iter().filter(|delta| delta.at_us <= at_us).map(|delta| delta.customers).sum()
}

/// Customers times microseconds without supply between two moments, by deltas in any order: exact.
#[must_use]
pub fn customer_time_us(deltas: &[Delta], from_us: i64, until_us: i64) -> i128 {
    // Each delta counts from its moment to the end; what is regained takes away again.
    let rest = |delta: &Delta| i128::from(until_us) - i128::from(delta.at_us.clamp(from_us, until_us.max(from_us)));
    deltas.iter().map(|delta| rest(delta) * i128::from(delta.customers)).sum()
}

/// Who was interrupted from when to when, by deltas in the order of time.
///
/// Counts do not say who of those without supply had it again. Of a group, whoever lost it first has it first; what no loss
/// of that group explains is taken from the others, oldest first. Sums of customer time do not depend on it, the line between
/// momentary and sustained does.
#[must_use]
pub fn interruptions(deltas: &[Delta]) -> Vec<Interruption> {
    let mut open: VecDeque<Interruption> = VecDeque::new();
    let mut ended = Vec::new();
    for delta in deltas {
        if delta.customers >= 0 {
            let one =
                Interruption { from_us: delta.at_us, until_us: None, customers: delta.customers, group: delta.group };
            open.extend((delta.customers > 0).then_some(one));
            continue;
        }
        let mut regained = delta.customers.saturating_neg();
        for own in [true, false] {
            for one in open.iter_mut().filter(|one| !own || one.group == delta.group) {
                let part = one.customers.min(regained);
                if part > 0 {
                    ended.push(Interruption { until_us: Some(delta.at_us), customers: part, ..*one });
                    (one.customers, regained) = (one.customers - part, regained - part);
                }
            }
        }
        open.retain(|one| one.customers > 0);
    }
    ended.extend(open);
    ended
}

#[cfg(test)]
#[path = "supply_tests.rs"]
mod tests;
