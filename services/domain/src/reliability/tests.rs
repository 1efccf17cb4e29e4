use jiff::tz::TimeZone;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::{
    outage::supply::{Course, Delta},
    report::day::Days,
};

const MINUTE: i64 = 60_000_000;
const DAY: i64 = 1_440;

/// An outage of so many customers from one minute since 1970 to another.
fn event(id: u128, customers: i64, from: i64, until: i64) -> Event {
    let course = Course {
        onset_us: Some(from * MINUTE),
        onset_claims: vec![(1, from * MINUTE)],
        restored_us: Some(until * MINUTE),
        customers: Some(customers),
        steps: vec![],
    };
    Event { id: Uuid::from_u128(id), parent: None, loss_of_supply: false, course }
}

/// An outage of which nobody said how many it interrupted.
fn uncounted(id: u128, from: i64, until: i64) -> Event {
    let mut event = event(id, 1, from, until);
    event.course.customers = None;
    event
}

fn served(customers: i64) -> Vec<Served> {
    vec![Served { from: -10_000, customers }]
}

fn daily(events: &[Event], customers: i64, span: Days) -> Daily {
    Daily::of(events, &served(customers), span, &TimeZone::UTC, i64::MAX, None)
}

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-9 * expected.abs().max(1.0), "{found} is not {expected}");
}

/// 2,000 customers over two days.
///
/// | Began | Customers | Minutes | |
/// |---|---|---|---|
/// | day 0, 10:00 | 1,000 | 30 | sustained: 30,000 customer minutes |
/// | day 0, 12:00 | 200 | 4 | momentary |
/// | day 0, 23:00 | 500 | 120 | sustained, over midnight, of day 0: 60,000 customer minutes |
/// | day 1, 08:00 | 100 | 5 | momentary: five minutes are not longer than five minutes |
/// | day 1, 09:00 | 400 | 50 | sustained, lost to the grid: 20,000 customer minutes |
///
/// SAIDI = 110,000 / 2,000 = 55; SAIFI = 1,900 / 2,000 = 0.95; CAIDI = 110,000 / 1,900; ASAI = 1 − 55 / 2,880;
/// MAIFI = 300 / 2,000 = 0.15. Without loss of supply: SAIDI = 45, SAIFI = 0.75, CAIDI = 60. Loss of supply alone: 10 and 0.2.
fn example() -> Vec<Event> {
    vec![
        event(1, 1_000, 600, 630),
        event(2, 200, 720, 724),
        event(3, 500, 1_380, 1_500),
        event(4, 100, DAY + 480, DAY + 485),
        Event { loss_of_supply: true, ..event(5, 400, DAY + 540, DAY + 590) },
    ]
}

#[test]
fn the_worked_example_comes_to_what_is_computed_by_hand() {
    let days = Days { from: 0, until: 2 };
    let daily = daily(&example(), 2_000, days);
    assert_eq!((daily.0[&0].interrupted, daily.0[&1].interrupted), (1_500, 400), "by the day on which they began");
    let found = reliability(&daily, days);
    close(found.served, 2_000.0);
    let of = |class| *found.indices.iter().find(|indices| indices.class == class).unwrap();
    let all = of(Class::All);
    close(all.saidi, 55.0);
    close(all.saifi, 0.95);
    close(all.caidi.unwrap(), 110_000.0 / 1_900.0);
    close(all.asai, 1.0 - 55.0 / 2_880.0);
    close(all.maifi.unwrap(), 0.15);
    let own = of(Class::WithoutLoss);
    close(own.saidi, 45.0);
    close(own.saifi, 0.75);
    close(own.caidi.unwrap(), 60.0);
    let loss = of(Class::LossOfSupply);
    close(loss.saidi, 10.0);
    close(loss.saifi, 0.2);
    assert_eq!((found.threshold, found.major), (None, vec![]));
}

/// Before the period, daily SAIDI was 1, e and e² minutes, and nothing on all other days. The logarithms are 0, 1 and 2:
/// α = 1, β = 1, and the threshold is exp(3.5) = 33.1 minutes. A day of 40 minutes is major, one of 30 is not.
#[test]
fn a_day_beyond_two_and_a_half_beta_is_a_major_event_day() {
    let period = Days { from: 0, until: 3 };
    let span = Days { from: history_of(period).from, until: period.until };
    assert_eq!(span.from, -1_826, "five years of 365 days and a leap day");
    let e = std::f64::consts::E;
    let mut sums = daily(&[event(1, 1_000_000, 60, 100), event(2, 1_000_000, DAY + 60, DAY + 90)], 1_000_000, span);
    for (day, minutes) in [(-1_000, 1.0), (-500, e), (-3, e * e)] {
        #[expect(clippy::cast_possible_truncation, reason = "a few thousand million")]
        let customer_us = (minutes * 60e6 * 1e6) as i128;
        sums.0.get_mut(&day).unwrap().customer_us = customer_us;
    }
    let found = reliability(&sums, period);
    let threshold = found.threshold.unwrap();
    assert!((threshold.minutes - 33.115_451_958_692).abs() < 1e-6, "{threshold:?}");
    assert_eq!((threshold.days, found.major), (3, vec![0]));
    let of = |class| found.indices.iter().find(|indices| indices.class == class).unwrap().saidi;
    close(of(Class::All), 70.0);
    close(of(Class::WithoutMajor), 30.0);
}

#[test]
fn parts_are_not_counted_twice_and_each_claim_of_an_onset_has_its_indices() {
    let days = Days { from: 0, until: 1 };
    let region = event(1, 1_000, 600, 700);
    let part = Event { parent: Some(region.id), ..event(2, 300, 610, 690) };
    let both = [region.clone(), part];
    assert_eq!(daily(&both, 2_000, days), daily(std::slice::from_ref(&region), 2_000, days));
    let zone = TimeZone::UTC;
    let claimed = Some((region.id, 650 * MINUTE));
    let later = Daily::of(&both[..1], &served(2_000), days, &zone, i64::MAX, claimed);
    close(reliability(&later, days).indices[0].saidi, 25.0);
    let with_part = Daily::of(&both, &served(2_000), days, &zone, i64::MAX, claimed);
    // From 610 to 650 the 300 of the part alone: 12,000 more customer minutes.
    assert_eq!(with_part.0[&0].customer_us, 62_000 * i128::from(MINUTE));
}

/// A regional event without counts and two of its parts: 100 customers from minute 0 to 120, 50 others from 30 to 33.
///
/// 100 are sustained with 12,000 customer minutes, 50 are momentary; SAIDI leaves out the 150 customer minutes of these.
#[test]
fn parts_that_overlap_are_interrupted_each_as_long_as_it_says() {
    let days = Days { from: 0, until: 1 };
    let region = uncounted(1, 0, 120);
    let part = |id, customers, from, until| Event { parent: Some(region.id), ..event(id, customers, from, until) };
    let family = [region.clone(), part(2, 100, 0, 120), part(3, 50, 30, 33)];
    let day = daily(&family, 2_000, days).0[&0];
    assert_eq!((day.interrupted, day.momentary, day.customer_us), (100, 50, 12_000 * i128::from(MINUTE)));
    let minutes = |from: i64, until: i64| Lost::between(&family, from * MINUTE, until * MINUTE).customer_us;
    assert_eq!(minutes(0, DAY), 12_150 * i128::from(MINUTE), "customer time does");
    // A part of the one part, which that one counts already, changes nothing.
    let nested = Event { parent: Some(Uuid::from_u128(2)), ..event(4, 60, 10, 40) };
    assert_eq!(daily(&[&family[..], &[nested]].concat(), 2_000, days).0[&0], day);
}

#[test]
fn an_outage_over_midnight_counts_in_each_month_as_long_as_it_lasted_there() {
    // 500 customers from four hours before midnight to four hours after it, told of by the part alone.
    let region = uncounted(1, DAY - 240, DAY + 240);
    let part = Event { parent: Some(region.id), ..event(2, 500, DAY - 240, DAY + 240) };
    let events = [region, part, event(3, 30, 0, 60)];
    let minutes = |from: i64, until: i64| {
        let lost = Lost::between(&events, from * MINUTE, until * MINUTE);
        (lost.outages, lost.customer_us / i128::from(MINUTE))
    };
    assert_eq!(minutes(0, DAY), (2, 500 * 240 + 30 * 60));
    assert_eq!(minutes(DAY, 2 * DAY), (2, 500 * 240));
    assert_eq!(minutes(2 * DAY, 3 * DAY), (2, 0));
    assert_eq!(minutes(2 * DAY, DAY), (2, 0), "a month that has not begun has no hours");
    let mut lasts = event(4, 10, 0, 60);
    lasts.course.restored_us = None;
    assert_eq!(Lost::between(&[lasts], 0, 90 * MINUTE).customer_us, 900 * i128::from(MINUTE), "until now");
}

#[test]
fn nothing_is_said_where_nobody_said_how_many_are_served() {
    let days = Days { from: 0, until: 2 };
    let daily = Daily::of(&example(), &[], days, &TimeZone::UTC, i64::MAX, None);
    assert_eq!(reliability(&daily, days).indices, []);
}

fn some_events() -> impl Strategy<Value = Vec<Event>> {
    let one = (1..2_000i64, 0..4 * DAY, 1..400i64, any::<bool>(), prop::option::of(0..8u128), 0..300i64);
    prop::collection::vec(one, 0..12).prop_map(|given| {
        given
            .into_iter()
            .zip(0_u128..)
            .map(|((customers, from, lasts, loss, parent, half), id)| {
                let mut event = event(id, customers, from, from + lasts);
                event.loss_of_supply = loss;
                // Parents come before their parts, so that there is no circle.
                event.parent = parent.filter(|parent| *parent < id).map(Uuid::from_u128);
                if half > 0 && customers > 1 {
                    let delta = |minute: i64, customers| Delta { at_us: minute * MINUTE, customers, group: 0 };
                    event.course.steps = vec![delta(from, customers), delta(from + half.min(lasts), -customers / 2)];
                }
                event
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn the_sum_of_the_regions_is_the_nation_computed_at_once(north in some_events(), south in some_events()) {
        let days = Days { from: 0, until: 5 };
        let mut merged = daily(&north, 3_000, days);
        merged.merge(&daily(&south, 5_000, days));
        // The south's outages get ids of their own.
        let apart = |id: Uuid| Uuid::from_u128(id.as_u128() + 1_000);
        let south = south.into_iter().map(|event| Event { id: apart(event.id), parent: event.parent.map(apart), ..event });
        let nation: Vec<Event> = north.into_iter().chain(south).collect();
        let at_once = daily(&nation, 8_000, days);
        prop_assert_eq!(&merged, &at_once);
        prop_assert_eq!(reliability(&merged, days), reliability(&at_once, days));
    }

    #[test]
    fn no_class_counts_more_than_all(events in some_events()) {
        let days = Days { from: 0, until: 5 };
        let found = reliability(&daily(&events, 3_000, days), days);
        for indices in &found.indices {
            prop_assert!(indices.customer_us <= found.indices[0].customer_us && indices.customer_us >= 0);
            prop_assert!(indices.asai <= 1.0);
        }
        let sum = found.indices[2].customer_us + found.indices[4].customer_us;
        prop_assert_eq!(sum, found.indices[0].customer_us, "loss of supply and the rest are all");
    }
}
