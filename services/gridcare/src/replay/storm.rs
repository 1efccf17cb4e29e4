//! The call storm: who calls and writes when, and how many trunks there are to take them. Pure, and drawn from a fixed seed.

use gridcare_domain::contact::Outcome;

use crate::demo::draw::Draw;

/// A call as the exchange keeps it; times in milliseconds since the fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) at_ms: u64,
    /// Which customer calls.
    pub(super) customer: u64,
    pub(super) outcome: Outcome,
    pub(super) wait_ms: u64,
    pub(super) talk_ms: u64,
}

impl Call {
    pub(super) const fn ended_ms(&self) -> u64 {
        self.at_ms + self.wait_ms + self.talk_ms
    }
}

/// What a storm is made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Storm {
    /// How many are without supply.
    pub(super) affected: u64,
    /// How many of them call in the end.
    pub(super) callers: u64,
    /// After which time half of them have called.
    pub(super) half_life_ms: f64,
    /// After which time supply is back, and nobody calls any more.
    pub(super) ends_ms: u64,
    /// Calls that can be on the lines at once; a further one is busy.
    pub(super) trunks: usize,
    /// Median of how long callers wait for somebody.
    pub(super) patience_ms: f64,
    /// Median of how long they talk.
    pub(super) talk_ms: f64,
}

/// When somebody calls: half of all within each half-life of what is left.
pub(super) fn moments(draw: &mut Draw, count: u64, half_life_ms: f64, ends_ms: u64) -> Vec<u64> {
    const GRAIN: u32 = 1 << 24;
    let moment = |draw: &mut Draw| {
        let left = f64::from(draw.below(GRAIN - 1) + 1) / f64::from(GRAIN);
        // Nobody rings in the second in which the lamps go out.
        let after = 20_000.0 - half_life_ms * libm::log2(left);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "f64 to u64 saturates")]
        let after = after as u64;
        after
    };
    let mut moments: Vec<u64> = (0..count).map(|_| moment(draw)).filter(|at| *at < ends_ms).collect();
    moments.sort_unstable();
    moments
}

/// Every call of a region, in the order of arrival: taken while a trunk is free, busy otherwise.
pub(super) fn calls(draw: &mut Draw, storm: &Storm) -> Vec<Call> {
    // When each trunk is free again.
    let mut trunks = vec![0_u64; storm.trunks];
    let mut calls = Vec::new();
    for at_ms in moments(draw, storm.callers, storm.half_life_ms, storm.ends_ms) {
        let customer = below(draw, storm.affected);
        let wait_ms = u64::from(draw.milliseconds(storm.patience_ms / 4.0, 0.8, 300_000));
        let patience_ms = u64::from(draw.milliseconds(storm.patience_ms, 0.8, 600_000));
        let talk_ms = u64::from(draw.milliseconds(storm.talk_ms, 0.5, 1_200_000));
        let call = match trunks.iter_mut().find(|free_ms| **free_ms <= at_ms) {
            None => Call { at_ms, customer, outcome: Outcome::Busy, wait_ms: 0, talk_ms: 0 },
            Some(free_ms) => {
                let call = if patience_ms < wait_ms {
                    Call { at_ms, customer, outcome: Outcome::Abandoned, wait_ms: patience_ms, talk_ms: 0 }
                } else {
                    Call { at_ms, customer, outcome: Outcome::Answered, wait_ms, talk_ms }
                };
                *free_ms = call.ended_ms();
                call
            }
        };
        calls.push(call);
    }
    calls
}

fn below(draw: &mut Draw, limit: u64) -> u64 {
    u64::from(draw.below(u32::try_from(limit.max(1)).unwrap_or(u32::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn storm(trunks: usize) -> Storm {
        Storm {
            affected: 20_000,
            callers: 400,
            half_life_ms: 3_000_000.0,
            ends_ms: 30_000_000,
            trunks,
            patience_ms: 60_000.0,
            talk_ms: 120_000.0,
        }
    }

    #[test]
    fn no_more_calls_are_on_the_lines_than_there_are_trunks_and_every_other_is_busy() {
        for trunks in [1, 3, 1_000] {
            let calls = calls(&mut Draw::named("storm"), &storm(trunks));
            assert!((380..=400).contains(&calls.len()));
            let mut most = 0;
            for call in &calls {
                let held = |other: &&Call| {
                    other.outcome != Outcome::Busy && other.at_ms <= call.at_ms && call.at_ms < other.ended_ms()
                };
                let lines = calls.iter().filter(held).count();
                most = most.max(lines);
                assert!(call.outcome != Outcome::Busy || lines == trunks, "busy with {lines} of {trunks} lines held");
            }
            assert!(most <= trunks);
            let busy = calls.iter().filter(|call| call.outcome == Outcome::Busy).count();
            assert_eq!(busy == 0, trunks == 1_000);
        }
    }

    #[test]
    fn the_storm_ebbs() {
        let moments = moments(&mut Draw::named("ebb"), 10_000, 600_000.0, 36_000_000);
        let within = |ms| moments.iter().filter(|at| **at < ms).count();
        assert!((4_800..5_200).contains(&within(620_000)), "{}", within(620_000));
        assert!((7_300..7_700).contains(&within(1_220_000)));
    }
}
