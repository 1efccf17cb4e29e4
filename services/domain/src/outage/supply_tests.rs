use proptest::prelude::*;

use super::*;

const MINUTE: i64 = 60_000_000;

fn delta(minute: i64, customers: i64, group: i64) -> Delta {
    Delta { at_us: minute * MINUTE, customers, group }
}

fn course(steps: Vec<Delta>) -> Course {
    Course { onset_us: Some(0), onset_claims: vec![(1, 0)], restored_us: None, customers: None, steps }
}

/// Steps that never give back more than was taken.
fn steps() -> impl Strategy<Value = Vec<Delta>> {
    prop::collection::vec((0..300i64, 1..50i64, 0..3i64, any::<bool>()), 0..12).prop_map(|given| {
        let mut given: Vec<_> = given.into_iter().map(|(minute, n, group, lost)| (minute, !lost, n, group)).collect();
        given.sort_unstable_by_key(|(minute, regained, ..)| (*minute, *regained));
        let mut without = 0;
        let mut steps = Vec::new();
        for (minute, regained, n, group) in given {
            let n = if regained { -n.min(without) } else { n };
            without += n;
            steps.extend((n != 0).then(|| delta(minute, n, group)));
        }
        steps
    })
}

/// Customer minutes, looking at every minute.
fn minute_by_minute(deltas: &[Delta], from: i64, until: i64) -> i128 {
    (from..until).map(|minute| i128::from(without_supply_at(deltas, minute * MINUTE))).sum()
}

#[test]
fn partial_restoration_is_exact() {
    // 1,000 lose supply at 0; 600 have it after 30 minutes, 300 lose it again at 40, all have it at 90.
    let steps = vec![delta(0, 1_000, 0), delta(30, -600, 0), delta(40, 300, 0), delta(90, -700, 0)];
    let deltas = course(steps).deltas();
    let at = |minute: i64| without_supply_at(&deltas, minute * MINUTE);
    assert_eq!([at(-1), at(0), at(29), at(30), at(39), at(40), at(90)], [0, 1_000, 1_000, 400, 400, 700, 0]);
    // 30 × 1,000 + 10 × 400 + 50 × 700 = 69,000 customer minutes.
    assert_eq!(customer_time_us(&deltas, 0, 200 * MINUTE), 69_000 * i128::from(MINUTE));
    assert_eq!(customer_time_us(&deltas, 30 * MINUTE, 40 * MINUTE), 4_000 * i128::from(MINUTE));
}

#[test]
fn whoever_lost_supply_first_has_it_first_but_within_the_area_that_is_named() {
    let deltas = [delta(0, 10, 1), delta(2, 10, 2), delta(4, -10, 2), delta(9, -10, 0)];
    let found = interruptions(&deltas);
    let minutes: Vec<_> = found.iter().map(|i| (i.group, (i.until_us.unwrap() - i.from_us) / MINUTE)).collect();
    assert_eq!(minutes, [(2, 2), (1, 9)]);
}

#[test]
fn without_steps_all_go_at_the_onset_and_return_with_the_restoration() {
    let whole = Course { restored_us: Some(60 * MINUTE), customers: Some(500), ..course(vec![]) };
    assert_eq!(whole.deltas(), [delta(0, 500, 0), delta(60, -500, 0)]);
    assert_eq!(Course { onset_us: None, ..whole.clone() }.deltas(), [], "work that has not begun interrupts nobody");
    assert_eq!(whole.deltas_from(Some(70 * MINUTE)), [delta(70, 500, 0), delta(70, -500, 0)]);
}

#[test]
fn another_onset_moves_the_losses_of_the_onset_and_what_lies_before_it() {
    let claimed = Course {
        restored_us: Some(60 * MINUTE),
        ..course(vec![delta(0, 100, 0), delta(10, 50, 0), delta(20, -30, 0)])
    };
    let earlier = claimed.deltas_from(Some(-8 * MINUTE));
    assert_eq!(earlier[..3], [delta(-8, 100, 0), delta(10, 50, 0), delta(20, -30, 0)]);
    let later = claimed.deltas_from(Some(15 * MINUTE));
    assert_eq!(later[..3], [delta(15, 100, 0), delta(15, 50, 0), delta(20, -30, 0)]);
}

#[test]
fn more_cannot_regain_supply_than_lost_it() {
    assert_eq!(course(vec![delta(5, -3, 0), delta(5, 3, 0)]).overdrawn(), None);
    let overdrawn = course(vec![delta(0, 3, 0), delta(9, 4, 0), delta(7, -4, 0)]).overdrawn();
    assert_eq!(overdrawn.map(Timestamp::as_microsecond), Some(7 * MINUTE));
}

proptest! {
    #[test]
    fn steps_equal_a_look_at_every_minute(steps in steps(), from in -50..350i64, length in 0..400i64, restored in prop::option::of(0..400i64)) {
        let course = Course { restored_us: restored.map(|minute| minute * MINUTE), ..course(steps) };
        prop_assert_eq!(course.overdrawn(), None);
        let deltas = course.deltas();
        let until = from + length;
        let exact = customer_time_us(&deltas, from * MINUTE, until * MINUTE);
        prop_assert_eq!(exact, minute_by_minute(&deltas, from, until) * i128::from(MINUTE));
        let of_one = |one: &Interruption| i128::from(one.until_us.unwrap_or(i64::MAX).min(until * MINUTE).max(from * MINUTE) - one.from_us.clamp(from * MINUTE, until * MINUTE)) * i128::from(one.customers);
        prop_assert_eq!(interruptions(&deltas).iter().map(of_one).sum::<i128>(), exact);
    }
}
