//! Clocks as a patient clerk would keep them: a sheet per clock with one line per minute.

use std::{collections::BTreeMap, sync::Arc};

use super::stories::{HORIZON, Story, Told};
use crate::{
    calendar::{
        CalendarSpec,
        wall_clock::{MINUTE, owners},
    },
    clock::{ClockKind, Due, IntervalKind, Limit, Mode, Rule},
};

/// What a line says: the rule in force, and the date of the event.
type Line = (usize, Arc<Rule>, Option<i64>);

/// A clock; times are minutes after the opening.
pub(super) struct Sheet {
    pub(super) target: String,
    pub(super) kind: ClockKind,
    pub(super) start: i64,
    pub(super) stop: Option<i64>,
    pub(super) void: bool,
    /// Since when something can be due.
    ruled: i64,
    lines: Vec<Line>,
}

/// What follows from a sheet.
pub(super) struct Kept {
    /// From the start on, until the end or the horizon.
    pub(super) minutes: Vec<IntervalKind>,
    pub(super) dues: Vec<(i64, Due)>,
    pub(super) deadline: Option<i64>,
}

pub(super) struct Clerk<'a> {
    story: &'a Story,
    /// The mode of each minute.
    modes: Vec<Mode>,
    pub(super) sheets: Vec<Sheet>,
    /// For each calendar, the days to which each minute belongs; longer than the horizon, for days that go on.
    owners: Vec<Vec<Vec<jiff::civil::Date>>>,
}

impl<'a> Clerk<'a> {
    pub(super) fn new(story: &'a Story) -> Self {
        let minutes = |spec: &CalendarSpec| -> Vec<Vec<_>> {
            (0..HORIZON + 3 * 1440).map(|minute| owners(spec, story.at(minute)).collect()).collect()
        };
        let owners = story.calendars.iter().map(minutes).collect();
        let modes = vec![Mode::Active; usize::try_from(HORIZON).unwrap()];
        let mut clerk = Self { story, modes, sheets: Vec::new(), owners };
        clerk.add(0, 0, story.event, 0);
        for index in 0..story.told.len() {
            clerk.hear(index);
        }
        clerk
    }

    fn hear(&mut self, index: usize) {
        let (minute, told) = &self.story.told[index];
        let minute = *minute;
        if self.first(index, |told| matches!(told, Told::Void)).is_some() {
            return;
        }
        match told {
            Told::Mode(mode) => {
                self.modes[usize::try_from(minute).unwrap()..].fill(*mode);
                if *mode == Mode::Done {
                    self.stop(minute, &[ClockKind::FirstResponse, ClockKind::NextResponse]);
                }
            }
            Told::Replied => self.stop(minute, &[ClockKind::FirstResponse, ClockKind::NextResponse]),
            Told::Happened => self.stop(minute, &[ClockKind::Event]),
            Told::Asked => {
                let response = |sheet: &Sheet| matches!(sheet.kind, ClockKind::FirstResponse | ClockKind::NextResponse);
                let set = self.story.rules_at(index);
                let rule = self.story.rules[set].iter().find(|rule| rule.kind == ClockKind::NextResponse);
                if let Some(rule) = rule.filter(|_| !self.sheets.iter().any(|s| response(s) && s.stop.is_none())) {
                    self.sheets.push(Sheet::new((set, Arc::clone(rule), None), minute, minute));
                }
            }
            Told::Ruled(set, late, event) => {
                let since = (minute - late).max(0);
                let rules = &self.story.rules[*set];
                for sheet in self.sheets.iter_mut().filter(|sheet| sheet.stop.is_none()) {
                    let since = since.max(sheet.start);
                    if let Some(rule) = rules.iter().find(|rule| rule.target == sheet.target) {
                        sheet.rule(*set, rule, since, *event);
                    } else {
                        (sheet.stop, sheet.void) = (Some(since), true);
                    }
                }
                self.add(*set, since, *event, index);
            }
            Told::Void => {
                for sheet in self.sheets.iter_mut().filter(|sheet| sheet.stop.is_none()) {
                    (sheet.stop, sheet.void) = (Some(minute.max(sheet.start)), true);
                }
            }
        }
    }

    /// When something of this kind was first told, before that one.
    fn first(&self, index: usize, is: impl Fn(&Told) -> bool) -> Option<i64> {
        self.story.told[..index].iter().find(|(_, told)| is(told)).map(|(minute, _)| *minute)
    }

    fn stop(&mut self, minute: i64, kinds: &[ClockKind]) {
        for sheet in self.sheets.iter_mut().filter(|sheet| sheet.stop.is_none() && kinds.contains(&sheet.kind)) {
            sheet.stop = Some(minute.max(sheet.start));
        }
    }

    /// Sheets for targets that have none, unless what they wait for came before.
    fn add(&mut self, set: usize, since: i64, event: Option<i64>, index: usize) {
        for rule in &self.story.rules[set] {
            let over = match rule.kind {
                ClockKind::NextResponse => continue,
                ClockKind::Event if event.is_none() => continue,
                ClockKind::Event => self.first(index, |told| matches!(told, Told::Happened)),
                ClockKind::FirstResponse => {
                    self.first(index, |told| matches!(told, Told::Replied | Told::Mode(Mode::Done)))
                }
                ClockKind::Resolution => None,
            };
            let has = self.sheets.iter().any(|sheet| sheet.target == rule.target && !sheet.void);
            if !has && over.is_none_or(|over| over > since) {
                let event = event.filter(|_| rule.kind == ClockKind::Event);
                let mut sheet = Sheet::new((set, Arc::clone(rule), event), 0, since);
                sheet.stop = over;
                self.sheets.push(sheet);
            }
        }
    }

    fn pauses(sheet: &Sheet, rule: &Rule, mode: Mode) -> bool {
        sheet.kind != ClockKind::Event
            && (mode == Mode::Done
                || mode == Mode::WaitingCustomer && rule.pauses_customer
                || mode == Mode::WaitingThirdParty && rule.pauses_third_party)
    }

    fn works(&self, rule: &Rule, minute: i64) -> bool {
        match (rule.limit, &rule.calendar) {
            (Limit::Working { .. } | Limit::WorkingDays { .. }, Some(calendar)) => {
                let number = self.story.calendars.iter().position(|spec| spec.id == calendar.id()).unwrap();
                !self.owners[number][usize::try_from(minute).unwrap()].is_empty()
            }
            _ => true,
        }
    }

    /// How many minutes may be counted; none if more than until the horizon.
    fn budget(&self, sheet: &Sheet, (_, rule, event): &Line) -> Option<i64> {
        match rule.limit {
            Limit::Elapsed { us } | Limit::Working { us } => Some(us / MINUTE),
            Limit::BeforeEvent { us } => Some(event.unwrap() - us / MINUTE - sheet.start),
            Limit::AfterEvent { us } => Some(event.unwrap() + us / MINUTE - sheet.start),
            Limit::WorkingDays { days } => {
                let calendar = rule.calendar.as_ref().unwrap();
                let number = self.story.calendars.iter().position(|spec| spec.id == calendar.id()).unwrap();
                let started = jiff::Timestamp::from_microsecond(self.story.at(sheet.start)).unwrap();
                let opening = self.story.calendars[number].zone.to_datetime(started).date();
                // The first and the last minute of every working day.
                let mut days_us: BTreeMap<_, (i64, i64)> = BTreeMap::new();
                for (minute, owners) in (0..).zip(&self.owners[number]).skip(usize::try_from(sheet.start).unwrap()) {
                    for day in owners.iter().filter(|day| **day > opening) {
                        days_us.entry(day).or_insert((minute, minute)).1 = minute;
                    }
                }
                let (first, last) = days_us.into_values().nth(usize::try_from(days).unwrap() - 1)?;
                let counted = || (sheet.start..=last).filter(|minute| self.works(rule, *minute)).count();
                (first < HORIZON).then(|| i64::try_from(counted()).unwrap())
            }
        }
    }

    pub(super) fn keep(&self, sheet: &Sheet) -> Kept {
        let mut kept = Kept { minutes: Vec::new(), dues: Vec::new(), deadline: None };
        let (mut counted, mut noted, mut breached, mut line) = (0, 0, false, None);
        // Lines with the same rule and event share their budget.
        let mut budgets = BTreeMap::new();
        let last = sheet.lines.last().unwrap();
        let last_budget = self.budget(sheet, last);
        let rests = sheet.stop.is_none() && *self.modes.last().unwrap() == Mode::Done && sheet.kind != ClockKind::Event;
        let ended = if rests {
            let awake = self.modes.iter().rposition(|mode| *mode != Mode::Done).map_or(0, |minute| minute + 1);
            Some(i64::try_from(awake).unwrap().max(sheet.start))
        } else {
            sheet.stop
        };
        for minute in sheet.start..HORIZON {
            let index = usize::try_from(minute).unwrap();
            let present @ (set, rule, event) = &sheet.lines[index];
            let over = sheet.stop.is_some_and(|stop| stop <= minute);
            if kept.deadline.is_none() && last_budget.is_some_and(|budget| counted >= budget) {
                kept.deadline = Some(minute);
            }
            // What ended is led on as if it ran.
            let paused = Self::pauses(sheet, rule, self.modes[index]) && ended.is_none_or(|ended| ended > minute);
            if over {
                counted += i64::from(self.works(&last.1, minute));
                continue;
            }
            let budget = *budgets.entry((*set, *event)).or_insert_with(|| self.budget(sheet, present));
            let resting = ended.is_some_and(|ended| ended <= minute);
            if minute >= sheet.ruled && !resting {
                let is_beyond = |permille: &&u16| {
                    budget.is_some_and(|budget| budget > 0 && counted * 1000 >= budget * i64::from(**permille))
                };
                let beyond = rule.warnings.iter().rev().find(is_beyond).copied().unwrap_or(0);
                if line != Some((*set, *event)) {
                    noted = beyond.min(noted);
                    line = Some((*set, *event));
                }
                if !paused && !breached {
                    if budget.is_some_and(|budget| counted >= budget) {
                        kept.dues.push((minute, Due::Breached));
                        breached = true;
                    } else if beyond > noted {
                        kept.dues.push((minute, Due::Warned(beyond)));
                        noted = beyond;
                    }
                }
            }
            let works = self.works(if resting { &last.1 } else { rule }, minute);
            kept.minutes.push(match (self.works(rule, minute), paused || resting) {
                (false, _) => IntervalKind::Outside,
                (true, true) => IntervalKind::Paused,
                (true, false) => IntervalKind::Counted,
            });
            counted += i64::from(works && !paused);
        }
        // A date that an event fixes needs no counting.
        if matches!(last.1.limit, Limit::BeforeEvent { .. } | Limit::AfterEvent { .. }) {
            kept.deadline = last_budget.map(|budget| sheet.start + budget);
        }
        if sheet.void {
            (kept.deadline, kept.dues) = (None, Vec::new());
        }
        kept
    }
}

impl Sheet {
    fn new(line: Line, start: i64, ruled: i64) -> Self {
        let (target, kind) = (line.1.target.clone(), line.1.kind);
        let lines = vec![line; usize::try_from(HORIZON).unwrap()];
        Self { target, kind, start, stop: None, void: false, ruled, lines }
    }

    fn rule(&mut self, set: usize, rule: &Arc<Rule>, since: i64, event: Option<i64>) {
        let known = self.lines.last().unwrap().2;
        let line = (set, Arc::clone(rule), event.filter(|_| self.kind == ClockKind::Event).or(known));
        // The first ruling covers from the start, so that one which replaces it does as well.
        let from = if since <= self.ruled { 0 } else { usize::try_from(since).unwrap() };
        self.ruled = self.ruled.min(since);
        self.lines[from..].fill(line);
    }
}
