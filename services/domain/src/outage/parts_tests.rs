use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// So many customers from one minute to another.
fn lost(customers: i64, from: i64, until: i64) -> Interruption {
    Interruption { from_us: from, until_us: Some(until), customers, group: 0 }
}

/// How many were interrupted from when to when.
fn sums(found: &[Interruption]) -> BTreeMap<(i64, Option<i64>), i64> {
    let mut sums = BTreeMap::new();
    for one in found.iter().filter(|one| one.until_us != Some(one.from_us)) {
        *sums.entry((one.from_us, one.until_us)).or_default() += one.customers;
    }
    sums
}

fn without_at(minute: i64, of: &[Interruption]) -> i64 {
    let then = |one: &&Interruption| one.from_us <= minute && one.until_us.is_none_or(|until| until > minute);
    of.iter().filter(then).map(|one| one.customers).sum()
}

/// Some interruptions; a few go on.
fn some() -> impl Strategy<Value = Vec<Interruption>> {
    let one = (1..50i64, 0..200i64, prop::option::weighted(0.8, 0..100i64));
    prop::collection::vec(one, 0..8).prop_map(|given| {
        let one = |(customers, from, lasts): (i64, i64, Option<i64>)| Interruption {
            until_us: lasts.map(|lasts| from + lasts),
            ..lost(customers, from, from)
        };
        given.into_iter().map(one).collect()
    })
}

#[test]
fn a_feeder_within_a_regional_event_counts_once() {
    let region = [lost(1_000, 0, 60)];
    let known = vec![lost(200, 10, 50)];
    assert_eq!(sums(&together(&region, std::slice::from_ref(&known))), sums(&region));
    let longer = together(&region, &[vec![lost(200, 10, 90)]]);
    assert_eq!(sums(&longer), sums(&[lost(800, 0, 60), lost(200, 0, 90)]));
    assert_eq!(together(&[], std::slice::from_ref(&known)), known);
    assert_eq!(together(&region, &[vec![]]), region);
}

#[test]
fn whoever_regains_supply_in_one_part_is_not_who_lost_it_in_another() {
    let parts = [vec![lost(100, 0, 120)], vec![lost(50, 30, 33)]];
    assert_eq!(sums(&together(&[], &parts)), sums(&parts.concat()));
    assert_eq!(sums(&together(&[lost(10, 0, 120)], &parts)), sums(&parts.concat()), "it knows of fewer than they");
    // Twenty whom no part knows are among those of the second part while that lasts, and still out afterwards.
    let more = together(&[lost(120, 0, 120)], &parts);
    assert_eq!(sums(&more), sums(&[lost(120, 0, 120), lost(30, 30, 33)]));
    // One part ends as another begins: other people, unless the outage knows of more.
    let after = [vec![lost(100, 0, 30)], vec![lost(50, 30, 60)]];
    assert_eq!(sums(&together(&[lost(10, 0, 30)], &after)), sums(&after.concat()));
    let region = [lost(120, 0, 60)];
    assert_eq!(sums(&together(&region, &after)), sums(&region));
}

#[test]
fn whom_the_outage_itself_tells_apart_stay_apart_beside_its_parts() {
    let own = [lost(10, 2, 4), lost(10, 0, 9)];
    assert_eq!(sums(&together(&own, &[vec![lost(1, 0, 9)]])), sums(&own));
}

proptest! {
    #[test]
    fn an_outage_and_its_parts_lose_the_greater_of_both_at_every_minute(own in some(), one in some(), two in some()) {
        let both = together(&own, &[one.clone(), two.clone()]);
        prop_assert!(both.iter().all(|one| one.customers > 0));
        for minute in 0..310 {
            let parts = without_at(minute, &one) + without_at(minute, &two);
            prop_assert_eq!(without_at(minute, &both), without_at(minute, &own).max(parts));
        }
    }

    #[test]
    fn parts_beyond_the_outage_come_to_what_they_are_alone(one in some(), two in some(), silent in any::<bool>()) {
        let alone = [one.clone(), two.clone()].concat();
        let half = |one: Interruption| Interruption { customers: one.customers / 2, ..one };
        let own: Vec<Interruption> = if silent { vec![] } else { one.iter().copied().map(half).collect() };
        let both = together(&own, &[one, two]);
        prop_assert_eq!(sums(&both), sums(&alone));
        let time = |of: &[Interruption]| -> i64 {
            of.iter().map(|one| (one.until_us.unwrap_or(400) - one.from_us) * one.customers).sum()
        };
        prop_assert_eq!(time(&both), time(&alone));
    }
}
