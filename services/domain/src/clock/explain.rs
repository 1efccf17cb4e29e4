use super::{
    ClockKind, Clocks, Mode, Phase, RuleBook, RuleKey,
    course::{Leg, Terms, course, legs, terms},
};
use crate::contact::code::codes;

codes! {
    /// What a stretch of time is to a clock.
    IntervalKind {
        /// It uses up the limit.
        Counted = 1 "counted",
        /// It lies in working hours, and somebody else had to act.
        Paused = 2 "paused",
        /// It lies outside of working hours.
        Outside = 3 "outside",
    }
}

codes! {
    /// Why a stretch of time is what it is.
    Why {
        /// Somebody of ours had to act, or the rule does not care who had to.
        Running = 1 "running",
        /// The customer had to answer.
        WaitingCustomer = 2 "waiting_customer",
        /// Somebody outside had to act.
        WaitingThirdParty = 3 "waiting_third_party",
        /// The ticket was done.
        Done = 4 "done",
        /// Outside of working hours.
        OutsideHours = 5 "outside_hours",
        /// A holiday.
        Holiday = 6 "holiday",
    }
}

/// A stretch of a clock's time, half-open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interval {
    /// Its first instant.
    pub from_us: i64,
    /// The instant after its last one.
    pub until_us: i64,
    /// What it is to the clock.
    pub kind: IntervalKind,
    /// Why.
    pub why: Why,
    /// By which rule.
    pub rule: RuleKey,
    /// Where that rule is written; empty if nobody knows it any more.
    pub source: String,
    /// Whether the date of that rule is assumed.
    pub assumed: bool,
}

/// A clock with every interval and its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// What is promised.
    pub target: String,
    /// What it waits for.
    pub kind: ClockKind,
    /// How it stands.
    pub phase: Phase,
    /// When it started.
    pub started_us: i64,
    /// When it ended.
    pub stopped_us: Option<i64>,
    /// When it was breached, also if nobody has noticed yet.
    pub breached_us: Option<i64>,
    /// Disjoint, exhaustive and in order, from the start until now or the end.
    pub intervals: Vec<Interval>,
    /// The sum of all intervals.
    pub elapsed_us: i64,
    /// The sum of what is counted.
    pub counted_us: i64,
    /// The sum of pauses.
    pub paused_us: i64,
    /// The sum of what lies outside of working hours.
    pub outside_us: i64,
    /// How much may be counted by the rule in force; none if it hangs on an unknown rule or event.
    pub budget_us: Option<i64>,
    /// As in [`super::ClockState::deadline_us`].
    pub deadline_us: Option<i64>,
}

impl Clocks {
    /// Every clock with every interval of its time until now, and why it is what it is.
    #[must_use]
    pub fn explain(&self, book: &dyn RuleBook, now_us: i64) -> Vec<Explained> {
        let states = self.states(book);
        let explain = |(clock, state): (&super::Clock, super::ClockState)| {
            let terms = terms(clock, book);
            let mut intervals: Vec<Interval> = Vec::new();
            for leg in legs(clock, &self.modes, &terms) {
                let until_us = leg.until_us.min(now_us);
                if let (Some(terms), Some(ruling)) = (terms.get(leg.ruling), clock.rulings.get(leg.ruling)) {
                    cut(&leg, until_us, terms, &ruling.rule, &mut intervals);
                }
            }
            let breach_us = course(clock, &self.modes, &terms).breach_us;
            let breach_us = breach_us.filter(|at_us| *at_us <= now_us && state.phase != Phase::Void);
            let sum = |kind: IntervalKind| {
                let lengths = intervals.iter().filter(|i| i.kind == kind).map(|i| i.until_us.saturating_sub(i.from_us));
                lengths.fold(0_i64, i64::saturating_add)
            };
            let (counted_us, paused_us) = (sum(IntervalKind::Counted), sum(IntervalKind::Paused));
            let outside_us = sum(IntervalKind::Outside);
            Explained {
                target: state.target,
                kind: state.kind,
                phase: state.phase,
                started_us: state.started_us,
                stopped_us: state.stopped_us,
                breached_us: state.breached_us.or(breach_us),
                elapsed_us: counted_us.saturating_add(paused_us).saturating_add(outside_us),
                counted_us,
                paused_us,
                outside_us,
                intervals,
                budget_us: terms.last().and_then(|terms| terms.budget_us),
                deadline_us: state.deadline_us,
            }
        };
        self.all.iter().zip(states).map(explain).collect()
    }
}

/// Cuts a leg into working time, holidays and what is neither.
fn cut(leg: &Leg, until_us: i64, terms: &Terms, rule: &RuleKey, intervals: &mut Vec<Interval>) {
    let mut push = |from_us: i64, until_us: i64, kind: IntervalKind, why: Why| {
        if from_us >= until_us {
            return;
        }
        match intervals.last_mut() {
            Some(last) if (last.kind, last.why, &last.rule) == (kind, why, rule) => last.until_us = until_us,
            _ => {
                let (source, assumed) =
                    terms.rule.as_ref().map_or_else(Default::default, |rule| (rule.source.clone(), rule.assumed));
                intervals.push(Interval { from_us, until_us, kind, why, rule: rule.clone(), source, assumed });
            }
        }
    };
    let why = match leg.mode {
        Mode::WaitingCustomer if leg.paused => Why::WaitingCustomer,
        Mode::WaitingThirdParty if leg.paused => Why::WaitingThirdParty,
        Mode::Done if leg.paused => Why::Done,
        _ => Why::Running,
    };
    let kind = if leg.paused { IntervalKind::Paused } else { IntervalKind::Counted };
    let Some(hours) = terms.hours() else { return push(leg.from_us, until_us, kind, why) };
    let mut at = leg.from_us;
    let spans = hours.spans_us(leg.from_us, until_us);
    let holidays = hours.holidays_us(leg.from_us, until_us);
    for (from, until) in spans.into_iter().chain([(until_us, until_us)]) {
        for (first, last) in &holidays {
            let (first, last) = (at.max(*first), from.min(*last));
            if first < last {
                push(at, first, IntervalKind::Outside, Why::OutsideHours);
                push(first, last, IntervalKind::Outside, Why::Holiday);
                at = last;
            }
        }
        push(at, from, IntervalKind::Outside, Why::OutsideHours);
        push(from, until, kind, why);
        at = until;
    }
}
