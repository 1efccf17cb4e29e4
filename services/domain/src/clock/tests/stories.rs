//! Random calendars, rules and timelines of tickets.

use std::{collections::BTreeMap, sync::Arc};

use proptest::prelude::*;

use crate::{
    calendar::{
        Calendar, CalendarSpec,
        wall_clock::{MINUTE, calendars},
    },
    clock::{ClockKind, Clocks, Limit, Mode, Rule, RuleKey},
};

/// How many minutes after the opening everything is looked at.
pub(super) const HORIZON: i64 = 8 * 1440;

pub(super) type Book = BTreeMap<RuleKey, Arc<Rule>>;

/// What is told to the clocks, at a minute after the opening.
#[derive(Debug, Clone)]
pub(super) enum Told {
    Mode(Mode),
    Replied,
    Asked,
    Happened,
    /// The rules of this number are in force since so many minutes before, and perhaps the event has a new date.
    Ruled(usize, i64, Option<i64>),
    Void,
}

#[derive(Debug, Clone)]
pub(super) struct Story {
    pub(super) calendars: Vec<CalendarSpec>,
    /// By number: the rules that are in force together.
    pub(super) rules: Vec<Vec<Arc<Rule>>>,
    pub(super) opened_us: i64,
    /// In minutes after the opening.
    pub(super) event: Option<i64>,
    pub(super) told: Vec<(i64, Told)>,
}

impl Story {
    pub(super) fn at(&self, minute: i64) -> i64 {
        self.opened_us + minute * MINUTE
    }

    pub(super) fn book(&self) -> Book {
        self.rules.iter().flatten().map(|rule| (rule.key.clone(), Arc::clone(rule))).collect()
    }

    pub(super) fn open(&self) -> Clocks {
        Clocks::open(&self.rules[0], self.opened_us, self.event.map(|minute| self.at(minute)))
    }

    /// The last ruling told until this one, which gives the rule of a next response.
    pub(super) fn rules_at(&self, index: usize) -> usize {
        let mut earlier = self.told[..index].iter().rev();
        earlier.find_map(|(_, told)| if let Told::Ruled(set, ..) = told { Some(*set) } else { None }).unwrap_or(0)
    }

    pub(super) fn tell(&self, clocks: &mut Clocks, index: usize) {
        let (minute, told) = &self.told[index];
        let at_us = self.at(*minute);
        match told {
            Told::Mode(mode) => clocks.mode(*mode, at_us),
            Told::Replied => clocks.replied(at_us),
            Told::Asked => {
                let next = |rule: &&Arc<Rule>| rule.kind == ClockKind::NextResponse;
                clocks.asked(self.rules[self.rules_at(index)].iter().find(next), at_us);
            }
            Told::Happened => clocks.happened(at_us),
            Told::Ruled(set, late, event) => {
                clocks.ruled(&self.rules[*set], at_us - late * MINUTE, event.map(|minute| self.at(minute)));
            }
            Told::Void => clocks.void(at_us),
        }
    }

    pub(super) fn clocks(&self) -> Clocks {
        let mut clocks = self.open();
        (0..self.told.len()).for_each(|index| self.tell(&mut clocks, index));
        clocks
    }
}

/// A limit of so many times twenty minutes, so that its fractions are whole minutes.
fn limit(kind: ClockKind) -> BoxedStrategy<Limit> {
    let us = prop_oneof![3 => 1_i64..60, 1 => 60_i64..400].prop_map(|twenties| twenties * 20 * MINUTE);
    if kind == ClockKind::Event {
        return (us, any::<bool>())
            .prop_map(|(us, before)| if before { Limit::BeforeEvent { us } } else { Limit::AfterEvent { us } })
            .boxed();
    }
    let days = (1_u32..5).prop_map(|days| Limit::WorkingDays { days });
    prop_oneof![
        1 => us.clone().prop_map(|us| Limit::Elapsed { us }),
        2 => us.prop_map(|us| Limit::Working { us }),
        1 => days,
    ]
    .boxed()
}

fn rule(
    set: usize,
    target: &'static str,
    kind: ClockKind,
    calendars: Vec<Arc<Calendar>>,
) -> impl Strategy<Value = Arc<Rule>> {
    let warnings = prop::sample::subsequence(vec![250_u16, 500, 750, 800], 0..4);
    let calendar = prop::option::weighted(0.8, prop::sample::select(calendars));
    (limit(kind), calendar, any::<(bool, bool)>(), warnings).prop_map(move |(limit, calendar, pauses, warnings)| {
        // Working days have no budget of whole twenties, and need a calendar.
        let days = matches!(limit, Limit::WorkingDays { .. });
        let limit = if days && calendar.is_none() { Limit::Elapsed { us: 600 * MINUTE } } else { limit };
        Arc::new(Rule {
            key: RuleKey(format!("v.{set}/{target}/0")),
            target: target.into(),
            kind,
            limit,
            calendar,
            pauses_customer: pauses.0,
            pauses_third_party: pauses.1,
            warnings: if days { vec![] } else { warnings },
            source: format!("source {set}"),
            assumed: set == 0,
        })
    })
}

const TARGETS: [(&str, ClockKind); 6] = [
    ("answer", ClockKind::FirstResponse),
    ("answer_soon", ClockKind::FirstResponse),
    ("next_answer", ClockKind::NextResponse),
    ("restore", ClockKind::Resolution),
    ("refund", ClockKind::Resolution),
    ("notice", ClockKind::Event),
];

/// Some or all targets, each with a rule.
fn rules(set: usize, calendars: &[Arc<Calendar>], all: bool) -> BoxedStrategy<Vec<Arc<Rule>>> {
    let each: Vec<_> =
        TARGETS.iter().map(|(target, kind)| rule(set, target, *kind, calendars.to_vec()).boxed()).collect();
    let fewest = if all { TARGETS.len() } else { 1 };
    each.prop_flat_map(move |rules| prop::sample::subsequence(rules, fewest..=TARGETS.len())).boxed()
}

fn told(sets: usize, latest: i64) -> impl Strategy<Value = Told> {
    let event = prop::option::weighted(0.5, (0_i64..HORIZON / 20).prop_map(|twenties| twenties * 20));
    prop_oneof![
        8 => prop::sample::select(Mode::ALL).prop_map(Told::Mode),
        2 => Just(Told::Replied),
        2 => Just(Told::Asked),
        1 => Just(Told::Happened),
        3 => (0..sets, 0..=latest, event).prop_map(|(set, late, event)| Told::Ruled(set, late, event)),
        1 => Just(Told::Void),
    ]
}

/// A ticket's story. Rulings come up to `latest` minutes late; `all` lets every set of rules name every target.
pub(super) fn stories(latest: i64, all: bool) -> impl Strategy<Value = Story> {
    (calendars(), calendars()).prop_flat_map(move |((spec, opened_us), (other, _))| {
        let specs = vec![spec, CalendarSpec { id: "other".into(), ..other }];
        let compiled: Vec<_> = specs.iter().cloned().map(|spec| Arc::new(Calendar::new(spec))).collect();
        let rules = (0..3).map(|set| rules(set, &compiled, all)).collect::<Vec<_>>();
        let minute = prop_oneof![1 => 0..600_i64, 2 => 0..HORIZON / 2];
        let event = prop::option::weighted(0.7, (-200_i64..HORIZON / 20).prop_map(|twenties| twenties * 20));
        let told = prop::collection::vec((minute, told(3, latest)), 0..12);
        (rules, event, told).prop_map(move |(rules, event, mut told)| {
            told.sort_by_key(|(minute, _)| *minute);
            Story { calendars: specs.clone(), rules, opened_us, event, told }
        })
    })
}
