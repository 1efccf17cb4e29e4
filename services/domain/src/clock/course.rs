//! How a clock runs: its legs between changes, and what is due on them.

use std::sync::Arc;

use super::{Clock, ClockKind, Limit, Mode, Rule, RuleBook, Ruling};
use crate::calendar::Calendar;

/// A stretch of a clock's life in which neither the mode nor the rule changes; the last one of a clock that goes on is endless.
pub(super) struct Leg {
    pub(super) from_us: i64,
    pub(super) until_us: i64,
    pub(super) mode: Mode,
    /// Index of the ruling by which it counts.
    pub(super) ruling: usize,
    /// Whether that ruling is in force; before the first one it only counts.
    in_force: bool,
    pub(super) paused: bool,
}

/// What a ruling says, with its rule at hand.
pub(super) struct Terms {
    /// None if nobody knows the rule; then time counts round the clock towards no deadline.
    pub(super) rule: Option<Arc<Rule>>,
    /// How much may be counted.
    pub(super) budget_us: Option<i64>,
    /// The deadline, where an event fixes it.
    fixed_us: Option<i64>,
    is_event: bool,
}

/// What is due on a clock's way.
#[derive(Default)]
pub(super) struct Course {
    /// When the limit of the last ruling is used up; for what ended or rests, when it would have been. None while it pauses.
    pub(super) deadline_us: Option<i64>,
    /// The first instant at which the clock runs with the limit in force used up.
    pub(super) breach_us: Option<i64>,
    /// Warnings before the breach, in order, with their thousandths.
    pub(super) warnings: Vec<(i64, u16)>,
}

impl Terms {
    fn new(clock: &Clock, ruling: &Ruling, book: &dyn RuleBook) -> Self {
        let rule = book.rule(&ruling.rule);
        let limit = rule.as_ref().map(|rule| rule.limit);
        let fixed_us = match (limit, ruling.event_us) {
            (Some(Limit::BeforeEvent { us }), Some(event_us)) => Some(event_us.saturating_sub(us)),
            (Some(Limit::AfterEvent { us }), Some(event_us)) => Some(event_us.saturating_add(us)),
            _ => None,
        };
        let start = clock.started_us;
        let budget_us = match limit {
            Some(Limit::Elapsed { us } | Limit::Working { us }) => Some(us),
            Some(Limit::WorkingDays { days }) => match rule.as_deref().and_then(Rule::hours) {
                Some(hours) => hours.close_of_working_day(start, days).map(|close| hours.counted_us(start, close)),
                // Without a calendar every day works, and has no close but its end.
                None => Some(i64::from(days).saturating_mul(24 * 3_600_000_000)),
            },
            Some(Limit::BeforeEvent { .. } | Limit::AfterEvent { .. }) => fixed_us.map(|us| us.saturating_sub(start)),
            None => None,
        };
        let is_event = clock.kind == ClockKind::Event || limit.is_some_and(Limit::needs_event);
        Self { rule, budget_us, fixed_us, is_event }
    }

    pub(super) fn hours(&self) -> Option<&Calendar> {
        self.rule.as_deref().and_then(Rule::hours)
    }

    pub(super) fn pauses(&self, mode: Mode) -> bool {
        !self.is_event
            && match mode {
                Mode::Active => false,
                Mode::WaitingCustomer => self.rule.as_ref().is_some_and(|rule| rule.pauses_customer),
                Mode::WaitingThirdParty => self.rule.as_ref().is_some_and(|rule| rule.pauses_third_party),
                Mode::Done => true,
            }
    }

    /// When, from `from_us` on, that much more is counted.
    fn reach(&self, from_us: i64, left_us: i64) -> Option<i64> {
        match self.hours() {
            _ if left_us <= 0 => Some(from_us),
            Some(hours) => hours.after_us(from_us, left_us),
            None => Some(from_us.saturating_add(left_us)),
        }
    }

    fn counted_us(&self, from_us: i64, until_us: i64) -> i64 {
        self.hours().map_or_else(|| until_us.saturating_sub(from_us), |hours| hours.counted_us(from_us, until_us))
    }

    fn warnings(&self) -> impl DoubleEndedIterator<Item = (i64, u16)> {
        let warnings = self.rule.as_ref().map_or(&[][..], |rule| &rule.warnings);
        let budget_us = i128::from(self.budget_us.unwrap_or_default().max(0));
        let after = move |permille: &u16| i64::try_from(budget_us * i128::from(*permille) / 1000).unwrap_or(i64::MAX);
        // Nothing to warn of without a limit.
        warnings.iter().filter(move |_| budget_us > 0).map(move |permille| (after(permille), *permille))
    }

    /// The highest warning that this much is beyond; 0 for none.
    fn passed(&self, counted_us: i64) -> u16 {
        self.warnings().rev().find(|(after_us, _)| *after_us <= counted_us).map_or(0, |(_, permille)| permille)
    }
}

/// The terms of all rulings of a clock, in order.
pub(super) fn terms(clock: &Clock, book: &dyn RuleBook) -> Vec<Terms> {
    clock.rulings.iter().map(|ruling| Terms::new(clock, ruling, book)).collect()
}

/// The legs of a clock, in order, from its start to its end.
pub(super) fn legs(clock: &Clock, modes: &[(i64, Mode)], terms: &[Terms]) -> Vec<Leg> {
    let mut legs = Vec::new();
    let mut at = clock.started_us;
    let end = clock.stopped_us.unwrap_or(i64::MAX);
    // How many modes and rulings have begun.
    let mut begun = modes.partition_point(|(at_us, _)| *at_us <= at).max(1);
    let mut ruled = clock.rulings.partition_point(|ruling| ruling.at_us <= at);
    while at < end {
        let Some((_, mode)) = modes.get(begun - 1) else { break };
        let next_mode = modes.get(begun).map_or(i64::MAX, |(at_us, _)| *at_us);
        let next_ruling = clock.rulings.get(ruled).map_or(i64::MAX, |ruling| ruling.at_us);
        let until = end.min(next_mode).min(next_ruling);
        let ruling = ruled.saturating_sub(1);
        if at < until {
            let paused = terms.get(ruling).is_some_and(|terms| terms.pauses(*mode));
            legs.push(Leg { from_us: at, until_us: until, mode: *mode, ruling, in_force: ruled > 0, paused });
        }
        at = until;
        begun += usize::from(next_mode <= until && begun < modes.len());
        ruled += usize::from(next_ruling <= until && ruled < clock.rulings.len());
    }
    legs
}

/// What is due on the way of a clock.
pub(super) fn course(clock: &Clock, modes: &[(i64, Mode)], terms: &[Terms]) -> Course {
    let mut course = Course::default();
    let Some(last) = terms.last() else { return course };
    let (mut counted, mut noted, mut ruling) = (0_i64, 0, None);
    course.deadline_us = last.fixed_us;
    for leg in legs(clock, modes, terms) {
        let Some(terms) = terms.get(leg.ruling) else { continue };
        if let Some(budget_us) = last.budget_us.filter(|_| course.deadline_us.is_none()) {
            let left_us = budget_us.saturating_sub(counted);
            let reached = if leg.paused && left_us > 0 { None } else { terms.reach(leg.from_us, left_us) };
            course.deadline_us = reached.filter(|at_us| *at_us <= leg.until_us);
        }
        if leg.in_force && ruling != Some(leg.ruling) {
            // An extended limit is warned of again, a restated one is not.
            noted = terms.passed(counted).min(noted);
            ruling = Some(leg.ruling);
        }
        if leg.paused {
            continue;
        }
        if leg.in_force && course.breach_us.is_none() {
            let until = |at_us: &i64| *at_us < leg.until_us;
            let breach =
                terms.budget_us.and_then(|budget_us| terms.reach(leg.from_us, budget_us.saturating_sub(counted)));
            course.breach_us = breach.filter(until);
            let passed = terms.passed(counted);
            for (after_us, permille) in terms.warnings() {
                // Of several that are passed at once, only the last is worth saying.
                if permille <= noted || permille < passed {
                    continue;
                }
                let due = terms.reach(leg.from_us, after_us.saturating_sub(counted));
                let Some(due) = due.filter(until).filter(|due| course.breach_us.is_none_or(|breach| *due < breach))
                else {
                    break;
                };
                course.warnings.push((due, permille));
                noted = permille;
            }
        }
        counted = counted.saturating_add(terms.counted_us(leg.from_us, leg.until_us));
    }
    let ended_us = clock.stopped_us.or_else(|| {
        let rest = modes.last().filter(|(_, mode)| *mode == Mode::Done && last.pauses(Mode::Done));
        rest.map(|(at_us, _)| *at_us)
    });
    if let (None, Some(ended_us), Some(budget_us)) = (course.deadline_us, ended_us, last.budget_us) {
        course.deadline_us = last.reach(ended_us.max(clock.started_us), budget_us.saturating_sub(counted));
    }
    course
}
