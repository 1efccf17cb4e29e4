use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::{
    ClockOutcome::{Met, Missed, Overdue, Running, Void},
    *,
};
use crate::report::{
    Facts, Key, Tally, contributions,
    day::{Grain, Step, intervals, local_day, month_of},
    tally::tests::facts,
    wants,
};

const ALL: &str = "";

/// Answers wants from a tally, as the store does from its rows.
fn sums(tally: &Tally, periods: &[Days], categories: &[String], today: i32) -> Sums {
    let (days, months) = (tally.clone(), tally.months());
    let mut sums = Sums::default();
    for want in wants(periods, categories, today) {
        let rows = if want.grain == Grain::Day { &days } else { &months };
        for (key, amount) in rows.iter() {
            let Key { measure, category, day, detail } = key;
            if *measure == want.measure && *category == want.category && want.days.holds(*day) {
                sums.add(category, want.slot, *measure, detail.clone(), *amount);
            }
        }
    }
    sums
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn every_figure_equals_what_counting_the_tickets_one_by_one_gives(
        tickets in prop::collection::vec(facts(), 0..25),
        from in 15_840..16_200_i32, length in 1..120_i32, age in 0..60_i32,
        step in prop::sample::select(Step::ALL),
    ) {
        let zone = TimeZone::get("Asia/Ho_Chi_Minh").unwrap();
        let mut tally = Tally::default();
        for facts in &tickets {
            tally.count(facts, &zone, 1);
        }
        let periods = intervals(Days { from, until: from + length }, step, 1_000).unwrap();
        let today = 16_243 + age;
        let sums = sums(&tally, &periods, &[ALL.to_owned()], today);
        let day = |us: i64| local_day(us, &zone);
        for (days, figures) in periods.iter().zip(sums.figures(ALL, periods.len()).unwrap()) {
            let within = |us: Option<i64>| us.is_some_and(|us| days.holds(day(us)));
            let count = |test: &dyn Fn(&Facts) -> bool| i64::try_from(tickets.iter().filter(|t| test(t)).count()).unwrap();
            prop_assert_eq!(figures.inflow, count(&|t| within(Some(t.opened_us))));
            prop_assert_eq!(figures.resolved, count(&|t| within(t.resolution_us())));
            let open_then = |t: &Facts| day(t.opened_us) < days.until;
            let ended_then = |t: &Facts| t.ended_us().is_some_and(|us| day(us) < days.until);
            prop_assert_eq!(figures.backlog, count(&open_then) - count(&ended_then));
            prop_assert_eq!(figures.repeated, count(&|t| within(t.resolution_us()) && t.repetition == Some(Repetition::Repeated)));
            prop_assert_eq!(figures.scores.values().sum::<i64>(), count(&|t| within(t.rated.map(|(_, at)| at))));

            let mut resolution = DurationSketch::default();
            for t in tickets.iter().filter(|t| within(t.resolution_us())) {
                resolution.add(u64::try_from((t.resolution_us().unwrap() - t.opened_us).max(0) / 1_000).unwrap());
            }
            prop_assert_eq!(&figures.resolution, &resolution);

            let clocks: Vec<_> = tickets.iter().flat_map(|t| &t.clocks).filter(|c| days.holds(day(c.started_us))).collect();
            let clocks_of = |outcomes: &[ClockOutcome]| i64::try_from(clocks.iter().filter(|c| outcomes.contains(&c.outcome())).count()).unwrap();
            let sum = |read: fn(&Compliance) -> i64| figures.compliance.iter().map(read).sum::<i64>();
            prop_assert_eq!(sum(|c| c.started), clocks_of(&[Running, Overdue, Met, Missed]));
            prop_assert_eq!(sum(|c| c.ended), clocks_of(&[Met, Missed]));
            prop_assert_eq!(sum(|c| c.met), clocks_of(&[Met]));
            prop_assert_eq!(sum(|c| c.breached), clocks_of(&[Overdue, Missed]));
            prop_assert_eq!(sum(|c| c.void), clocks_of(&[Void]));
            prop_assert_eq!(figures.channels.values().sum::<i64>(), figures.inflow);
        }
        let standing = sums.standing(ALL);
        let open: Vec<_> = tickets.iter().filter(|t| t.ended_us().is_none()).collect();
        prop_assert_eq!(standing.open, i64::try_from(open.len()).unwrap());
        prop_assert_eq!(standing.teams.values().sum::<i64>(), standing.open);
        for (band, counted) in AgeBand::ALL.iter().zip(standing.ages) {
            let within = |t: &&&Facts| {
                let age = (today - day(t.opened_us)).max(0);
                age >= band.from && band.until.is_none_or(|until| age < until)
            };
            prop_assert_eq!(counted, i64::try_from(open.iter().filter(within).count()).unwrap());
        }
    }

    #[test]
    fn figures_of_two_nodes_are_those_of_their_union(
        one in prop::collection::vec(facts(), 0..12), two in prop::collection::vec(facts(), 0..12),
    ) {
        let zone = TimeZone::UTC;
        let tally = |tickets: &mut dyn Iterator<Item = &Facts>| {
            let mut tally = Tally::default();
            tickets.for_each(|facts| tally.count(facts, &zone, 1));
            tally
        };
        let first = month_of(15_847);
        let periods = intervals(Days { from: first, until: first + 400 }, Step::Month, 100).unwrap();
        let categories = [ALL.to_owned(), "outage".to_owned()];
        let of = |tally: &Tally| sums(tally, &periods, &categories, 16_300);
        let mut merged = of(&tally(&mut one.iter()));
        merged.merge(&of(&tally(&mut two.iter())));
        let union = of(&tally(&mut one.iter().chain(&two)));
        for category in &categories {
            prop_assert_eq!(merged.figures(category, periods.len()).unwrap(), union.figures(category, periods.len()).unwrap());
            prop_assert_eq!(merged.standing(category), union.standing(category));
        }
    }
}

#[test]
fn a_detail_that_nobody_writes_is_found() {
    let mut sums = Sums::default();
    sums.add(ALL, 0, Measure::Clock, "late 1 connect".to_owned(), crate::report::Amount { n: 1, total: 0 });
    assert!(sums.figures(ALL, 1).unwrap_err().to_string().contains("late 1 connect"));
}

#[test]
fn every_contribution_is_made_to_its_category_and_to_all() {
    let facts = Facts {
        state: crate::ticket::State::New,
        merged: false,
        category: String::new(),
        topic: "outage".into(),
        channel: "hotline".into(),
        team: String::new(),
        opened_us: 0,
        updated_us: 0,
        first_response_us: Some(0),
        resolved_us: None,
        closed_us: None,
        rated: None,
        repetition: None,
        clocks: Vec::new(),
    };
    let made = contributions(&facts, &TimeZone::UTC, &DurationSketch::default());
    let of = |category: &str| made.iter().filter(|(key, _)| key.category == category).count();
    assert_eq!((of(""), of("uncategorised")), (7, 7));
    let zero = made.iter().find(|(key, _)| key.measure == Measure::FirstResponse).unwrap();
    assert_eq!(zero.0.detail, "zero");
}
