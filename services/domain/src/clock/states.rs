use super::{
    Clock, ClockKind, Clocks, Mode, RuleBook, RuleKey,
    course::{Course, Terms, course, terms},
};
use crate::contact::code::codes;

codes! {
    /// How a clock stands.
    Phase {
        /// Time is being used up, in working hours or outside of them.
        Running = 1 "running",
        /// Somebody else has to act.
        Paused = 2 "paused",
        /// The ticket is done; reopening it lets the clock go on.
        Resting = 3 "resting",
        /// What it waited for came.
        Stopped = 4 "stopped",
        /// The promise fell away.
        Void = 5 "void",
    }
}

/// What a clock is about to say, or has said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// So many thousandths of the limit are used up.
    Warned(u16),
    /// The limit is used up.
    Breached,
}

/// What was due and is now marked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noticed {
    /// Of which target.
    pub target: String,
    /// What the clock waits for.
    pub kind: ClockKind,
    /// What was due.
    pub what: Due,
    /// When it was due, which is not later than now.
    pub at_us: i64,
}

/// What lies ahead of a ticket's clocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ahead {
    /// As [`Clocks::next_due`].
    pub due_us: Option<i64>,
    /// As [`Clocks::deadline`].
    pub deadline_us: Option<i64>,
}

/// A clock as others see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockState {
    /// What is promised.
    pub target: String,
    /// What it waits for.
    pub kind: ClockKind,
    /// By which rule, now or at the end.
    pub rule: RuleKey,
    /// When it started.
    pub started_us: i64,
    /// When the limit is used up, or would have been had it not ended; none while it pauses, when void, or if it never comes.
    pub deadline_us: Option<i64>,
    /// When it ended.
    pub stopped_us: Option<i64>,
    /// When it was breached; of a running clock only once that was noticed.
    pub breached_us: Option<i64>,
    /// How it stands.
    pub phase: Phase,
    /// Whether the promise was kept; none as long as that is open, and when void.
    pub met: Option<bool>,
}

impl Clocks {
    /// When something is due that nobody has noticed yet, soonest first: a warning or a breach. It may have passed. None while
    /// everything rests.
    #[must_use]
    pub fn next_due(&self, book: &dyn RuleBook) -> Option<i64> {
        self.ahead(book).due_us
    }

    /// The soonest deadline of the clocks that run, also one that has passed.
    #[must_use]
    pub fn deadline(&self, book: &dyn RuleBook) -> Option<i64> {
        self.ahead(book).deadline_us
    }

    /// Both: what is stored of every change of a ticket, so that each clock's course is followed once.
    #[must_use]
    pub fn ahead(&self, book: &dyn RuleBook) -> Ahead {
        let mut ahead = Ahead::default();
        for clock in self.all.iter().filter(|clock| clock.stopped_us.is_none() || clock.may_be_due()) {
            let terms = terms(clock, book);
            let course = course(clock, &self.modes, &terms);
            if self.phase(clock, &terms) == Phase::Running {
                ahead.deadline_us = soonest(ahead.deadline_us, course.deadline_us);
            }
            let due = dues(clock, course).next();
            ahead.due_us = soonest(ahead.due_us, due.map(|(at_us, _)| at_us));
        }
        ahead
    }

    /// Marks what is due by now, and returns it in order of time.
    pub fn notice(&mut self, book: &dyn RuleBook, now_us: i64) -> Vec<Noticed> {
        let mut noticed = Vec::new();
        for index in 0..self.all.len() {
            let clock = &self.all[index];
            if !clock.may_be_due() {
                continue;
            }
            let course = course(clock, &self.modes, &terms(clock, book));
            let dues: Vec<_> = dues(clock, course).filter(|(at_us, _)| *at_us <= now_us).collect();
            let clock = &mut self.all[index];
            for (at_us, what) in dues {
                match what {
                    Due::Warned(permille) => (clock.warned, clock.warned_us) = (permille, Some(at_us)),
                    Due::Breached => clock.breached_us = Some(at_us),
                }
                noticed.push(Noticed { target: clock.target.clone(), kind: clock.kind, what, at_us });
            }
        }
        noticed.sort_by_key(|noticed| noticed.at_us);
        noticed
    }

    /// Every clock as others see it.
    #[must_use]
    pub fn states(&self, book: &dyn RuleBook) -> Vec<ClockState> {
        self.all.iter().map(|clock| self.state(clock, book)).collect()
    }

    pub(super) fn phase(&self, clock: &Clock, terms: &[Terms]) -> Phase {
        let mode = self.present_mode();
        let pauses = || terms.last().is_some_and(|terms| terms.pauses(mode));
        match clock.stopped_us {
            _ if clock.voided => Phase::Void,
            Some(_) => Phase::Stopped,
            None if !pauses() => Phase::Running,
            None if mode == Mode::Done => Phase::Resting,
            None => Phase::Paused,
        }
    }

    fn state(&self, clock: &Clock, book: &dyn RuleBook) -> ClockState {
        let terms = terms(clock, book);
        let Course { deadline_us, breach_us, .. } = course(clock, &self.modes, &terms);
        let phase = self.phase(clock, &terms);
        // What lies ahead of a running clock is no breach yet; with all others it lies behind.
        let breach_us = breach_us.filter(|_| !matches!(phase, Phase::Running | Phase::Void));
        let breached_us = clock.breached_us.or(breach_us);
        let met = match phase {
            Phase::Void => None,
            _ if breached_us.is_some() => Some(false),
            Phase::Running | Phase::Paused => None,
            Phase::Resting | Phase::Stopped => Some(true),
        };
        ClockState {
            target: clock.target.clone(),
            kind: clock.kind,
            rule: clock.rulings.last().map_or_else(|| RuleKey(String::new()), |ruling| ruling.rule.clone()),
            started_us: clock.started_us,
            deadline_us: deadline_us.filter(|_| phase != Phase::Void),
            stopped_us: clock.stopped_us,
            breached_us,
            phase,
            met,
        }
    }
}

impl Clock {
    /// Whether there may be something of it that nobody has noticed.
    const fn may_be_due(&self) -> bool {
        !self.voided && self.breached_us.is_none()
    }
}

/// What of a clock nobody has noticed yet, in order of time. A breach is due even after the end, if it came before.
fn dues(clock: &Clock, course: Course) -> impl Iterator<Item = (i64, Due)> {
    let Course { breach_us, warnings, .. } = course;
    // Under one ruling warnings only rise, so that a higher one before the last one noticed is the work of a late ruling.
    let ruled_us = clock.rulings.last().map_or(i64::MAX, |ruling| ruling.at_us);
    let unnoticed = move |(at_us, permille): &(i64, u16)| {
        Some(*at_us) > clock.warned_us || (*permille > clock.warned && *at_us >= ruled_us)
    };
    let moot = clock.stopped_us.is_some();
    let warnings = warnings.into_iter().filter(move |due| !moot && unnoticed(due));
    let warnings = warnings.map(|(at_us, permille)| (at_us, Due::Warned(permille)));
    warnings.chain(breach_us.map(|at_us| (at_us, Due::Breached))).filter(|_| clock.may_be_due())
}

fn soonest(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
