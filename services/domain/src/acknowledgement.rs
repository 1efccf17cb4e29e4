use crate::contact::code::codes;

codes! {
    /// What a bundle of rules is to a node.
    StandardStatus {
        /// Verified, and waiting for its time.
        Pending = 1 "pending",
        /// Its rules hold now.
        InForce = 2 "in_force",
        /// Not taken; the last good one stays.
        Refused = 3 "refused",
        /// Another version has taken its place.
        Superseded = 4 "superseded",
    }
}

/// What a node says of a bundle, as the country learns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledgement {
    /// Such as `evn-2013.1`; empty when the bundle could not be read.
    pub standard: String,
    /// What it is.
    pub status: StandardStatus,
    /// Stable reasons of a refusal.
    pub reasons: Vec<String>,
    /// SHA-256 of the bundle's bytes, 64 lowercase hexadecimal digits.
    pub digest: String,
    /// Since when, microseconds since 1970.
    pub at_us: i64,
    /// Grows with every change of what is said.
    pub version: i64,
}

/// What decides when an accepted bundle is in force: the same on every node, in whatever order bundles reached it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Turn {
    /// From when its rules hold.
    pub effective_us: i64,
    /// Of two that begin at once, the later published one holds.
    pub published_us: i64,
    /// And of two that were published at once, the one with the greater name.
    pub standard: String,
}

/// The status of each accepted bundle at `now_us`, and until when those that are superseded were in force, in the order
/// given. At most one is in force.
#[must_use]
pub fn statuses(turns: &[Turn], now_us: i64) -> Vec<(StandardStatus, Option<i64>)> {
    let begun = |turn: &&Turn| turn.effective_us <= now_us;
    let status = |turn: &Turn| {
        if !begun(&turn) {
            return (StandardStatus::Pending, None);
        }
        match turns.iter().filter(begun).filter(|other| *other > turn).min() {
            None => (StandardStatus::InForce, None),
            Some(next) => (StandardStatus::Superseded, Some(next.effective_us)),
        }
    };
    turns.iter().map(status).collect()
}

/// Which of the accepted bundles holds at `at_us`: its place in the order given. Before the first begins, the first.
#[must_use]
pub fn holding(turns: &[Turn], at_us: i64) -> Option<usize> {
    let begun = (0..turns.len()).filter(|i| turns[*i].effective_us <= at_us);
    begun.max_by_key(|i| &turns[*i]).or_else(|| (0..turns.len()).min_by_key(|i| &turns[*i]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn turn(effective_us: i64, published_us: i64, standard: &str) -> Turn {
        Turn { effective_us, published_us, standard: standard.into() }
    }

    #[test]
    fn a_late_bundle_takes_its_place_between_those_that_came_before_it() {
        use StandardStatus::{InForce, Pending, Superseded};
        let turns = [turn(0, 0, "a"), turn(20, 5, "c"), turn(10, 4, "b"), turn(30, 6, "d")];
        assert_eq!(
            statuses(&turns, 25),
            [(Superseded, Some(10)), (InForce, None), (Superseded, Some(20)), (Pending, None)]
        );
        assert_eq!([-5, 0, 15, 20, 99].map(|at| holding(&turns, at)), [Some(0), Some(0), Some(2), Some(1), Some(3)]);
        assert_eq!(holding(&[], 0), None);
    }

    proptest! {
        #[test]
        fn exactly_one_is_in_force_and_it_is_the_one_that_holds(
            times in prop::collection::vec((0..50_i64, 0..5_i64), 1..12), now in 0..60_i64,
        ) {
            let turns: Vec<_> = times.iter().enumerate().map(|(i, (e, p))| turn(*e, *p, &format!("s{i}"))).collect();
            let found = statuses(&turns, now);
            let in_force: Vec<_> = (0..turns.len()).filter(|i| found[*i].0 == StandardStatus::InForce).collect();
            if turns.iter().any(|turn| turn.effective_us <= now) {
                prop_assert_eq!(&in_force, &vec![holding(&turns, now).unwrap()]);
            } else {
                prop_assert!(in_force.is_empty());
            }
            // Whoever holds at an instant had begun by then and had not been superseded.
            for at in 0..=now {
                let holder = holding(&turns, at).unwrap();
                if turns[holder].effective_us <= at {
                    let (status, until) = found[holder];
                    prop_assert!(status != StandardStatus::Pending && until.is_none_or(|until| at < until));
                }
            }
        }
    }
}
