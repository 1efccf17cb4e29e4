use std::sync::Arc;

use super::{ClockKind, Rule, RuleKey};
use crate::contact::code::codes;

codes! {
    /// How a ticket stands, as far as clocks care.
    Mode {
        /// Somebody of ours has to act.
        Active = 1 "active",
        /// The customer has to answer.
        WaitingCustomer = 2 "waiting_customer",
        /// Somebody outside has to act.
        WaitingThirdParty = 3 "waiting_third_party",
        /// Resolved or closed.
        Done = 4 "done",
    }
}

/// A rule, in force for a clock since an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// Since when. Time before the first ruling counts by it, too, but nothing is due before it.
    pub at_us: i64,
    /// By which rule.
    pub rule: RuleKey,
    /// When the event takes place, for a limit that hangs on one.
    pub event_us: Option<i64>,
}

/// One deadline of a standard on one ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    /// What is promised.
    pub target: String,
    /// What it waits for.
    pub kind: ClockKind,
    /// When it started.
    pub started_us: i64,
    /// Which rules were in force since when; never empty, in order.
    pub rulings: Vec<Ruling>,
    /// When it ended, unless it goes on.
    pub stopped_us: Option<i64>,
    /// Whether it ended because the promise fell away.
    pub voided: bool,
    /// The warning noticed last, in thousandths of the limit; 0 is none.
    pub warned: u16,
    /// When that warning was due. A limit that is extended warns again, one that is restated does not.
    pub warned_us: Option<i64>,
    /// When the breach was due, once it is noticed; it stays.
    pub breached_us: Option<i64>,
}

impl Clock {
    const fn goes_on(&self) -> bool {
        self.stopped_us.is_none()
    }

    const fn awaits_response(&self) -> bool {
        matches!(self.kind, ClockKind::FirstResponse | ClockKind::NextResponse)
    }

    const fn is_open_question(&self) -> bool {
        matches!(self.kind, ClockKind::NextResponse) && self.goes_on()
    }

    fn is_of(&self, rule: &Rule) -> bool {
        self.target == rule.target && self.kind == rule.kind
    }

    fn stop(&mut self, at_us: i64) {
        if self.goes_on() {
            self.stopped_us = Some(at_us.max(self.started_us));
        }
    }
}

/// All clocks of one ticket.
///
/// Events are told in the order in which they happen; one that is told with an earlier time than the ticket's last change of
/// mode takes that time. Only rulings may come late.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clocks {
    /// How the ticket stood since when; the first is its opening.
    pub(super) modes: Vec<(i64, Mode)>,
    pub(super) all: Vec<Clock>,
    /// The first public answer, for first responses that are promised later.
    pub(super) replied_us: Option<i64>,
    /// The first time an awaited act was done, for targets that are promised later.
    pub(super) happened_us: Option<i64>,
    /// Since when nothing counts any more.
    pub(super) void_us: Option<i64>,
}

impl Clocks {
    /// The clocks of a ticket that is opened: every kind but next responses, and those that hang on an event if it is given.
    ///
    /// Of several rules with the same target and kind the first is taken.
    #[must_use]
    pub fn open(rules: &[Arc<Rule>], opened_us: i64, event_us: Option<i64>) -> Self {
        let modes = vec![(opened_us, Mode::Active)];
        let mut clocks = Self { modes, all: Vec::new(), replied_us: None, happened_us: None, void_us: None };
        clocks.start_missing(rules, opened_us, event_us);
        clocks
    }

    /// When the ticket was opened.
    #[must_use]
    pub fn opened_us(&self) -> i64 {
        self.modes.first().map_or(0, |(at_us, _)| *at_us)
    }

    /// How the ticket stands.
    #[must_use]
    pub fn present_mode(&self) -> Mode {
        self.modes.last().map_or(Mode::Active, |(_, mode)| *mode)
    }

    /// Every clock there ever was, also stopped and void ones.
    #[must_use]
    pub fn all(&self) -> &[Clock] {
        &self.all
    }

    /// The ticket stands otherwise from now on. Done ends what awaits a response; a resolution rests meanwhile.
    pub fn mode(&mut self, mode: Mode, at_us: i64) {
        let Some((last_us, last)) = self.modes.last().copied().filter(|_| self.void_us.is_none()) else { return };
        let at_us = at_us.max(last_us);
        if mode == Mode::Done {
            self.all.iter_mut().filter(|clock| clock.awaits_response()).for_each(|clock| clock.stop(at_us));
        }
        if mode != last {
            self.modes.push((at_us, mode));
        }
    }

    /// Staff answered publicly, which ends what awaits a response.
    pub fn replied(&mut self, at_us: i64) {
        if self.void_us.is_none() {
            self.replied_us.get_or_insert(at_us);
            self.all.iter_mut().filter(|clock| clock.awaits_response()).for_each(|clock| clock.stop(at_us));
        }
    }

    /// The customer wrote, which starts a next response unless a response is awaited already. While the ticket is done the
    /// clock rests, until the ticket is reopened, answered, or done once more.
    pub fn asked(&mut self, rule: Option<&Arc<Rule>>, at_us: i64) {
        let awaited = self.all.iter().any(|clock| clock.awaits_response() && clock.goes_on());
        if let Some(rule) = rule.filter(|_| !awaited && self.void_us.is_none()) {
            let at_us = at_us.max(self.opened_us());
            self.all.push(started(rule, at_us, at_us, None));
        }
    }

    /// What the customer wrote to another ticket is to be answered here from now on, by the rule of this ticket, but since they
    /// wrote it. Of two open questions the older one counts: both wait for the same answer.
    pub fn take_question(&mut self, other: &Self, rule: Option<&Arc<Rule>>, at_us: i64) {
        let questions = other.all.iter().filter(|clock| clock.is_open_question());
        let Some(asked) = questions.min_by_key(|clock| clock.started_us) else { return };
        let older = |clock: &Clock| clock.is_open_question() && clock.started_us <= asked.started_us;
        if self.void_us.is_some() || self.all.iter().any(older) {
            return;
        }
        let clock = match rule {
            Some(rule) if asked.is_of(rule) => {
                let mut clock = asked.clone();
                rule_anew(&mut clock, rule, at_us, None);
                clock
            }
            Some(rule) => started(rule, asked.started_us, at_us.max(asked.started_us), None),
            None => asked.clone(),
        };
        self.all.retain(|clock| !clock.is_open_question());
        self.all.push(clock);
    }

    /// What clocks of events wait for was done.
    pub fn happened(&mut self, at_us: i64) {
        if self.void_us.is_none() {
            self.happened_us.get_or_insert(at_us);
            self.all.iter_mut().filter(|clock| clock.kind == ClockKind::Event).for_each(|clock| clock.stop(at_us));
        }
    }

    /// Category, priority, standard or event changed: from `at_us` on these rules are in force, all of them that apply, also that
    /// of a next response. Of clocks that go on, rulings at `at_us` and later are replaced, and those that no rule names end
    /// void; what ended keeps its rulings. New targets count from the opening. An event that is not given stays what it was.
    pub fn ruled(&mut self, rules: &[Arc<Rule>], at_us: i64, event_us: Option<i64>) {
        if self.void_us.is_some() {
            return;
        }
        let at_us = at_us.max(self.opened_us());
        for clock in self.all.iter_mut().filter(|clock| clock.goes_on()) {
            if let Some(rule) = rules.iter().find(|rule| clock.is_of(rule)) {
                rule_anew(clock, rule, at_us, event_us);
            } else {
                clock.stop(at_us);
                clock.voided = true;
            }
        }
        self.start_missing(rules, at_us, event_us);
    }

    /// The ticket was merged or cancelled: what goes on ends void, and nothing counts any more.
    pub fn void(&mut self, at_us: i64) {
        if self.void_us.is_none() {
            self.void_us = Some(at_us);
            for clock in self.all.iter_mut().filter(|clock| clock.goes_on()) {
                clock.stop(at_us);
                clock.voided = true;
            }
        }
    }

    /// Starts clocks of targets that have none, from the opening, unless what they wait for came before `at_us`.
    fn start_missing(&mut self, rules: &[Arc<Rule>], at_us: i64, event_us: Option<i64>) {
        for rule in rules {
            let exists = self.all.iter().any(|clock| clock.is_of(rule) && !clock.voided);
            let lacks_event = rule.needs_event() && event_us.is_none();
            if exists || lacks_event || rule.kind == ClockKind::NextResponse {
                continue;
            }
            let stopped_us = match rule.kind {
                ClockKind::FirstResponse => self.answered_us(),
                ClockKind::Event => self.happened_us,
                ClockKind::NextResponse | ClockKind::Resolution => None,
            };
            if stopped_us.is_none_or(|stopped_us| stopped_us > at_us) {
                let mut clock = started(rule, self.opened_us(), at_us, event_us);
                clock.stopped_us = stopped_us;
                self.all.push(clock);
            }
        }
    }

    /// When a first response was no longer awaited: at the first answer, or when the ticket was first done.
    fn answered_us(&self) -> Option<i64> {
        let done = self.modes.iter().find(|(_, mode)| *mode == Mode::Done).map(|(at_us, _)| *at_us);
        self.replied_us.into_iter().chain(done).min()
    }
}

fn started(rule: &Arc<Rule>, started_us: i64, at_us: i64, event_us: Option<i64>) -> Clock {
    Clock {
        target: rule.target.clone(),
        kind: rule.kind,
        started_us,
        rulings: vec![Ruling { at_us, rule: rule.key.clone(), event_us: event_us.filter(|_| rule.needs_event()) }],
        stopped_us: None,
        voided: false,
        warned: 0,
        warned_us: None,
        breached_us: None,
    }
}

fn rule_anew(clock: &mut Clock, rule: &Arc<Rule>, at_us: i64, event_us: Option<i64>) {
    let at_us = at_us.max(clock.started_us);
    let known_us = clock.rulings.last().and_then(|ruling| ruling.event_us);
    let event_us = event_us.or(known_us).filter(|_| rule.needs_event());
    clock.rulings.retain(|ruling| ruling.at_us < at_us);
    let same = clock.rulings.last().is_some_and(|ruling| ruling.rule == rule.key && ruling.event_us == event_us);
    if !same {
        clock.rulings.push(Ruling { at_us, rule: rule.key.clone(), event_us });
    }
}
