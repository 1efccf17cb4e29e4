use proptest::prelude::*;

use super::*;
use crate::{
    report::{ClockFact, ClockPhase, Repetition},
    ticket::State,
};

const HOUR_US: i64 = 3_600_000_000;
/// The morning of 22 May 2013.
const MORNING_US: i64 = 1_369_180_800_000_000;

fn instant() -> impl Strategy<Value = i64> {
    (0..24 * 400_i64, 0..HOUR_US).prop_map(|(hours, rest)| MORNING_US + hours * HOUR_US + rest)
}

fn word(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(words).prop_map(str::to_owned)
}

fn clock() -> impl Strategy<Value = ClockFact> {
    let times = (instant(), prop::option::of(instant()), prop::option::of(instant()), prop::option::of(instant()));
    let target = word(&["restore_after_fault", "answer_call", "connect"]);
    let rule = word(&["evn-2013.1/restore_after_fault/0", "evn-2026.1/connect/1", ""]);
    (target, 1..5_i64, rule, times, prop::sample::select(ClockPhase::ALL)).prop_map(
        |(target, kind, rule, (started_us, deadline_us, stopped_us, breached_us), phase)| ClockFact {
            target,
            kind,
            rule,
            started_us,
            deadline_us,
            stopped_us,
            breached_us,
            phase,
        },
    )
}

pub(in crate::report) fn facts() -> impl Strategy<Value = Facts> {
    let codes = (
        prop::sample::select(State::ALL),
        any::<bool>(),
        word(&["", "outage", "billing"]),
        word(&["outage", "billing"]),
        word(&["hotline", "sms"]),
        word(&["", "team-1"]),
    );
    let times = (
        instant(),
        instant(),
        prop::option::of(instant()),
        prop::option::of(instant()),
        prop::option::of(instant()),
        prop::option::of((1..6_i64, instant())),
    );
    let repetition = prop::option::of(prop::sample::select(Repetition::ALL));
    (codes, times, repetition, prop::collection::vec(clock(), 0..4)).prop_map(|(codes, times, repetition, clocks)| {
        let (state, merged, category, topic, channel, team) = codes;
        let (opened_us, updated_us, first_response_us, resolved_us, closed_us, rated) = times;
        Facts {
            state,
            merged,
            category,
            topic,
            channel,
            team,
            opened_us,
            updated_us,
            first_response_us,
            resolved_us,
            closed_us,
            rated,
            repetition,
            clocks,
        }
    })
}

/// A reader's side: the newest version of each ticket, and the tallies kept by differences.
#[derive(Default)]
struct Counted {
    held: BTreeMap<u8, (i64, Facts)>,
    tally: Tally,
}

impl Counted {
    fn take(&mut self, ticket: u8, version: i64, facts: &Facts, zone: &TimeZone) {
        if self.held.get(&ticket).is_some_and(|(held, _)| *held >= version) {
            return;
        }
        if let Some((_, old)) = self.held.insert(ticket, (version, facts.clone())) {
            self.tally.count(&old, zone, -1);
        }
        self.tally.count(facts, zone, 1);
    }

    fn recount(&self, zone: &TimeZone) -> Tally {
        let mut tally = Tally::default();
        for (_, facts) in self.held.values() {
            tally.count(facts, zone, 1);
        }
        tally
    }
}

fn total(tally: &Tally, measure: Measure) -> i64 {
    tally.iter().filter(|(key, _)| key.measure == measure && key.category.is_empty()).map(|(_, amount)| amount.n).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn tallies_by_difference_equal_a_recount_whatever_the_order_of_versions(
        versions in prop::collection::vec((0..6_u8, 1..9_i64, facts()), 0..40),
        zone in prop::sample::select(vec!["Asia/Ho_Chi_Minh", "America/New_York", "Asia/Kathmandu"]),
    ) {
        let zone = TimeZone::get(zone).unwrap();
        let mut counted = Counted::default();
        for (ticket, version, facts) in &versions {
            counted.take(*ticket, *version, facts, &zone);
            // Again, as a feed that is read twice would have it.
            counted.take(*ticket, *version, facts, &zone);
        }
        prop_assert_eq!(&counted.tally, &counted.recount(&zone));
        // Days add up to months.
        let mut months = Tally::default();
        for (_, facts) in counted.held.values() {
            let mut own = Tally::default();
            own.count(facts, &zone, 1);
            months.merge(own.months());
        }
        prop_assert_eq!(months, counted.tally.months());
    }

    #[test]
    fn what_came_in_is_open_or_has_ended_and_has_one_end(tickets in prop::collection::vec(facts(), 0..30)) {
        let mut tally = Tally::default();
        for facts in &tickets {
            tally.count(facts, &TimeZone::UTC, 1);
        }
        let of = |measure| total(&tally, measure);
        prop_assert_eq!(of(Measure::Inflow), i64::try_from(tickets.len()).unwrap());
        prop_assert_eq!(of(Measure::Inflow), of(Measure::Open) + of(Measure::Ended));
        for by in [Measure::Channel, Measure::Topic, Measure::TeamInflow] {
            prop_assert_eq!(of(by), of(Measure::Inflow));
        }
        prop_assert_eq!(of(Measure::TeamOpen), of(Measure::Open));
        prop_assert_eq!(of(Measure::Resolution), of(Measure::Resolved));
        prop_assert!(of(Measure::Closed) + of(Measure::Cancelled) + of(Measure::Merged) <= of(Measure::Ended));
    }

    #[test]
    fn categories_add_up_to_all_of_them(tickets in prop::collection::vec(facts(), 0..20)) {
        let mut tally = Tally::default();
        for facts in &tickets {
            tally.count(facts, &TimeZone::UTC, 1);
        }
        let (mut all, mut parts) = (Tally::default(), Tally::default());
        for (key, amount) in tally.iter() {
            let whole = Key { category: String::new(), ..key.clone() };
            if key.category.is_empty() { all.add(whole, *amount, 1) } else { parts.add(whole, *amount, 1) }
        }
        prop_assert_eq!(all, parts);
    }
}
