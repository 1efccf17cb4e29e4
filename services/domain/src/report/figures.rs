use std::collections::BTreeMap;

use super::{
    ClockOutcome, Measure, Repetition, Sums,
    contribution::{ZERO_BIN, clock_parts},
    day::Days,
    want::{AGES, BEFORE, TEAMS},
};
use crate::metric::ddsketch::{DEFAULT_ACCURACY_PPM, DurationSketch};

/// A stored detail that this product does not write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the tally of {} has the detail {detail:?}", measure.code())]
pub struct Unreadable {
    measure: Measure,
    detail: String,
}

/// A band of ages of open tickets, in whole local days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgeBand {
    /// At least so many days.
    pub from: i32,
    /// Less than so many; `None`: any more.
    pub until: Option<i32>,
}

impl AgeBand {
    /// The bands of every report.
    pub const ALL: [Self; 5] = [
        Self { from: 0, until: Some(1) },
        Self { from: 1, until: Some(3) },
        Self { from: 3, until: Some(7) },
        Self { from: 7, until: Some(30) },
        Self { from: 30, until: None },
    ];

    /// The days on which tickets of this band were opened.
    pub(super) fn days(self, today: i32) -> Days {
        // A clock that ran ahead may have opened one tomorrow.
        let until = if self.from == 0 { i32::MAX } else { today - self.from + 1 };
        Days { from: self.until.map_or(i32::MIN, |until| today - until + 1), until }
    }
}

/// The clocks of one rule that started within an interval.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compliance {
    /// Id of the target in the standard.
    pub target: String,
    /// The wire's number of the kind of clock.
    pub kind: i64,
    /// `<version of the standard>/<target>/<rule>`.
    pub rule: String,
    /// All that started, without those that are void.
    pub started: i64,
    /// Of these, those that have ended.
    pub ended: i64,
    /// Of these, those that ended within the limit.
    pub met: i64,
    /// Ended after the limit, or passed it and go on.
    pub breached: i64,
    /// Of the breached, those that go on.
    pub overdue: i64,
    /// No rule asks for them any more.
    pub void: i64,
}

impl Compliance {
    /// The share of all that started.
    #[must_use]
    pub fn of_all(&self) -> Option<f64> {
        share(self.met, self.started)
    }

    /// The share of those that ended.
    #[must_use]
    pub fn of_ended(&self) -> Option<f64> {
        share(self.met, self.ended)
    }
}

/// A part of a whole; none of nothing.
#[must_use]
pub fn share(part: i64, whole: i64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "counts of tickets are far below 2^53")]
    let quotient = part as f64 / whole as f64;
    (whole > 0).then_some(quotient)
}

/// What a team had to do in an interval.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TeamLoad {
    /// Opened.
    pub inflow: i64,
    /// Resolved.
    pub resolved: i64,
}

/// All figures of one interval.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// Opened.
    pub inflow: i64,
    /// Not open any more.
    pub ended: i64,
    /// Resolved.
    pub resolved: i64,
    /// Closed.
    pub closed: i64,
    /// Cancelled.
    pub cancelled: i64,
    /// Merged into others.
    pub merged: i64,
    /// Open at the end of the interval.
    pub backlog: i64,
    /// From opening to the first public answer, ms.
    pub first_response: DurationSketch,
    /// From opening to the resolution, ms.
    pub resolution: DurationSketch,
    /// By target, kind and rule.
    pub compliance: Vec<Compliance>,
    /// How many gave each score.
    pub scores: BTreeMap<i64, i64>,
    /// Sum of the scores.
    pub score_total: i64,
    /// Resolved, and the customer did not come back.
    pub not_repeated: i64,
    /// Resolved, and the customer came back.
    pub repeated: i64,
    /// By team; empty: no team.
    pub teams: BTreeMap<String, TeamLoad>,
    /// Opened, by channel.
    pub channels: BTreeMap<String, i64>,
    /// Opened, by topic.
    pub topics: BTreeMap<String, i64>,
}

/// What is open now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// All.
    pub open: i64,
    /// By age, in the order of [`AgeBand::ALL`].
    pub ages: [i64; 5],
    /// By team; empty: no team.
    pub teams: BTreeMap<String, i64>,
}

impl Sums {
    /// The figures of each interval of a category.
    ///
    /// # Errors
    /// [`Unreadable`] when a stored detail is none of ours.
    pub fn figures(&self, category: &str, intervals: usize) -> Result<Vec<Figures>, Unreadable> {
        let mut backlog = 0;
        for (measure, _, amount) in self.slot(category, BEFORE) {
            backlog += if measure == Measure::Inflow { amount.n } else { -amount.n };
        }
        let mut all = Vec::with_capacity(intervals);
        for slot in (0..).take(intervals) {
            let mut figures = self.interval(category, slot)?;
            backlog += figures.inflow - figures.ended;
            figures.backlog = backlog;
            all.push(figures);
        }
        Ok(all)
    }

    /// What is open now, of a category.
    #[must_use]
    pub fn standing(&self, category: &str) -> Standing {
        let mut standing = Standing::default();
        for (slot, place) in (0..).zip(&mut standing.ages) {
            *place = self.slot(category, AGES - slot).map(|(_, _, amount)| amount.n).sum();
        }
        standing.open = standing.ages.iter().sum();
        for (_, team, amount) in self.slot(category, TEAMS).filter(|(.., amount)| amount.n != 0) {
            *standing.teams.entry(team.to_owned()).or_default() += amount.n;
        }
        standing
    }

    fn interval(&self, category: &str, slot: i64) -> Result<Figures, Unreadable> {
        let mut figures = Figures::default();
        let (mut answered, mut solved) = (Bins::default(), Bins::default());
        let mut clocks: BTreeMap<(String, i64, String), Compliance> = BTreeMap::new();
        for (measure, detail, amount) in self.slot(category, slot).filter(|(.., amount)| amount.n != 0) {
            let unreadable = || Unreadable { measure, detail: detail.to_owned() };
            match measure {
                Measure::Inflow => figures.inflow += amount.n,
                Measure::Ended => figures.ended += amount.n,
                Measure::Resolved => figures.resolved += amount.n,
                Measure::Closed => figures.closed += amount.n,
                Measure::Cancelled => figures.cancelled += amount.n,
                Measure::Merged => figures.merged += amount.n,
                Measure::Open | Measure::TeamOpen => {}
                Measure::FirstResponse => answered.add(detail, amount.n, amount.total).ok_or_else(unreadable)?,
                Measure::Resolution => solved.add(detail, amount.n, amount.total).ok_or_else(unreadable)?,
                Measure::Clock => {
                    let (outcome, kind, target, rule) = clock_parts(detail).ok_or_else(unreadable)?;
                    let row = clocks.entry((target.to_owned(), kind, rule.to_owned())).or_default();
                    row.count(outcome, amount.n);
                }
                Measure::Satisfaction => {
                    let score = detail.parse().map_err(|_| unreadable())?;
                    *figures.scores.entry(score).or_default() += amount.n;
                    figures.score_total += amount.total;
                }
                Measure::FirstContact => match Repetition::parse(detail).ok_or_else(unreadable)? {
                    Repetition::None => figures.not_repeated += amount.n,
                    Repetition::Repeated => figures.repeated += amount.n,
                },
                Measure::TeamInflow => figures.teams.entry(detail.to_owned()).or_default().inflow += amount.n,
                Measure::TeamResolved => figures.teams.entry(detail.to_owned()).or_default().resolved += amount.n,
                Measure::Channel => *figures.channels.entry(detail.to_owned()).or_default() += amount.n,
                Measure::Topic => *figures.topics.entry(detail.to_owned()).or_default() += amount.n,
            }
        }
        let sketch = |bins: Bins, measure| bins.sketch().ok_or(Unreadable { measure, detail: "all bins".to_owned() });
        figures.first_response = sketch(answered, Measure::FirstResponse)?;
        figures.resolution = sketch(solved, Measure::Resolution)?;
        let named = |((target, kind, rule), row)| Compliance { target, kind, rule, ..row };
        figures.compliance = clocks.into_iter().map(named).collect();
        Ok(figures)
    }
}

impl Compliance {
    const fn count(&mut self, outcome: ClockOutcome, n: i64) {
        match outcome {
            ClockOutcome::Void => {
                self.void += n;
                return;
            }
            ClockOutcome::Running => {}
            ClockOutcome::Overdue => {
                self.breached += n;
                self.overdue += n;
            }
            ClockOutcome::Met => {
                self.ended += n;
                self.met += n;
            }
            ClockOutcome::Missed => {
                self.ended += n;
                self.breached += n;
            }
        }
        self.started += n;
    }
}

/// Bins of a sketch, as they are stored.
#[derive(Default)]
struct Bins {
    zeros: i64,
    filled: BTreeMap<i32, i64>,
    total: i64,
}

impl Bins {
    fn add(&mut self, detail: &str, n: i64, total: i64) -> Option<()> {
        if detail == ZERO_BIN {
            self.zeros += n;
        } else {
            *self.filled.entry(detail.parse().ok()?).or_default() += n;
        }
        self.total += total;
        Some(())
    }

    fn sketch(self) -> Option<DurationSketch> {
        let count = |n: i64| u64::try_from(n).ok();
        let bins: Option<Vec<_>> = self.filled.into_iter().map(|(bin, n)| Some((bin, count(n)?))).collect();
        DurationSketch::from_parts(DEFAULT_ACCURACY_PPM, count(self.zeros)?, bins?, count(self.total)?).ok()
    }
}

#[cfg(test)]
#[path = "figures_tests.rs"]
mod tests;
