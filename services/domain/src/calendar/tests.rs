use jiff::civil::date;
use proptest::prelude::*;

use super::{
    wall_clock::{HOUR, MINUTE, calendars, daily, office, owners, us, vn, works},
    *,
};

const DAY: i64 = 24 * HOUR;

#[test]
fn years_begin_where_they_do() {
    for (year, text) in [
        (1900, "1900"),
        (1970, "1970"),
        (2000, "2000"),
        (2001, "2001"),
        (2008, "2008"),
        (2048, "2048"),
        (2101, "2101"),
        (2201, "2201"),
    ] {
        assert_eq!(us_of_year(year), us(&format!("{text}-01-01T00:00:00Z")), "{year}");
    }
}

#[test]
fn an_office_day_has_eight_hours_and_lunch_is_none() {
    let office = Calendar::new(office());
    let day = (vn("2013-05-22 00:00"), vn("2013-05-23 00:00"));
    assert_eq!(office.counted_us(day.0, day.1), 8 * HOUR);
    assert_eq!(
        office.spans_us(day.0, day.1),
        [(vn("2013-05-22 07:30"), vn("2013-05-22 11:30")), (vn("2013-05-22 13:00"), vn("2013-05-22 17:00"))]
    );
    assert_eq!(office.after_us(vn("2013-05-22 10:30"), 2 * HOUR), Some(vn("2013-05-22 14:00")));
    // The earliest instant: the end of a span, not the start of the next one.
    assert_eq!(office.after_us(vn("2013-05-22 10:30"), HOUR), Some(vn("2013-05-22 11:30")));
}

#[test]
fn nothing_works_at_tet() {
    let office = Calendar::new(office());
    // Tết 2013: from Saturday the 9th to Friday the 15th, and a weekend after it.
    assert_eq!(office.counted_us(vn("2013-02-08 17:00"), vn("2013-02-18 07:30")), 0);
    assert_eq!(office.after_us(vn("2013-02-08 16:00"), 2 * HOUR), Some(vn("2013-02-18 08:30")));
    assert_eq!(
        office.holidays_us(vn("2013-02-08 17:00"), vn("2013-02-18 07:30")),
        [(vn("2013-02-09 00:00"), vn("2013-02-16 00:00"))]
    );
}

#[test]
fn working_days_skip_the_day_of_opening_weekends_and_tet() {
    let office = Calendar::new(office());
    assert_eq!(office.close_of_working_day(vn("2013-05-22 09:00"), 1), Some(vn("2013-05-23 17:00")));
    assert_eq!(office.close_of_working_day(vn("2013-05-23 23:59"), 3), Some(vn("2013-05-28 17:00")));
    assert_eq!(office.close_of_working_day(vn("2013-05-25 09:00"), 1), Some(vn("2013-05-27 17:00")));
    assert_eq!(office.close_of_working_day(vn("2013-02-07 09:00"), 3), Some(vn("2013-02-19 17:00")));
    assert_eq!(office.close_of_working_day(vn("2013-02-12 09:00"), 7), Some(vn("2013-02-26 17:00")));
    assert_eq!(office.close_of_working_day(vn("2013-02-12 09:00"), 0), Some(vn("2013-02-12 09:00")));
}

#[test]
fn a_leap_day_is_a_day_like_others() {
    let office = Calendar::new(office());
    assert_eq!(office.counted_us(vn("2024-02-29 00:00"), vn("2024-03-01 00:00")), 8 * HOUR);
    assert_eq!(office.close_of_working_day(vn("2024-02-28 09:00"), 1), Some(vn("2024-02-29 17:00")));
    assert_eq!(office.close_of_working_day(vn("2024-02-28 09:00"), 2), Some(vn("2024-03-01 17:00")));
}

#[test]
fn an_exception_replaces_a_day_even_a_holiday() {
    let mut spec = office();
    spec.exceptions.insert(date(2013, 2, 12), vec![Span { from_minute: 480, until_minute: 600 }]);
    spec.exceptions.insert(date(2013, 2, 18), vec![]);
    let office = Calendar::new(spec);
    assert_eq!(office.counted_us(vn("2013-02-08 17:00"), vn("2013-02-19 07:30")), 2 * HOUR);
    assert_eq!(office.close_of_working_day(vn("2013-02-08 09:00"), 1), Some(vn("2013-02-12 10:00")));
    assert_eq!(office.close_of_working_day(vn("2013-02-08 09:00"), 2), Some(vn("2013-02-19 17:00")));
    assert_eq!(
        office.holidays_us(vn("2013-02-11 09:00"), vn("2013-02-13 12:00")),
        [(vn("2013-02-11 09:00"), vn("2013-02-12 00:00")), (vn("2013-02-13 00:00"), vn("2013-02-13 12:00"))]
    );
}

#[test]
fn a_span_over_midnight_belongs_to_the_day_it_begins_on() {
    let mut spec = daily("Asia/Ho_Chi_Minh", 1320, 1800);
    spec.holidays.insert(date(2013, 5, 23));
    let nights = Calendar::new(spec);
    assert_eq!(
        nights.spans_us(vn("2013-05-22 00:00"), vn("2013-05-25 00:00")),
        [
            (vn("2013-05-22 00:00"), vn("2013-05-22 06:00")),
            (vn("2013-05-22 22:00"), vn("2013-05-23 06:00")),
            (vn("2013-05-24 22:00"), vn("2013-05-25 00:00"))
        ]
    );
    assert_eq!(nights.close_of_working_day(vn("2013-05-21 12:00"), 1), Some(vn("2013-05-23 06:00")));
    assert_eq!(nights.close_of_working_day(vn("2013-05-22 01:00"), 1), Some(vn("2013-05-25 06:00")));
}

#[test]
fn spans_that_adjoin_over_midnight_are_one() {
    let always = Calendar::new(daily("Europe/Berlin", 0, 1440));
    let year = (us("2013-01-01T00:00:00Z"), us("2014-01-01T00:00:00Z"));
    assert_eq!(always.spans_us(year.0, year.1), [year]);
    let longest = Calendar::new(daily("Europe/Berlin", 0, 2880));
    assert_eq!(longest.spans_us(year.0, year.1), [year]);
}

#[test]
fn when_clocks_go_forward_a_span_shrinks() {
    let nights = Calendar::new(daily("Europe/Berlin", 60, 240));
    let (from, until) = (us("2013-03-30T23:00:00Z"), us("2013-03-31T22:00:00Z"));
    assert_eq!(nights.counted_us(from, until), 2 * HOUR);
    // A day whose only span does not exist is no working day.
    let gone = Calendar::new(daily("Europe/Berlin", 120, 180));
    assert_eq!(gone.counted_us(from, until), 0);
    assert_eq!(gone.close_of_working_day(us("2013-03-30T12:00:00Z"), 1), Some(us("2013-04-01T01:00:00Z")));
}

#[test]
fn when_clocks_go_back_a_span_counts_both_hours() {
    let nights = Calendar::new(daily("Europe/Berlin", 120, 180));
    let (from, until) = (us("2013-10-26T22:00:00Z"), us("2013-10-27T23:00:00Z"));
    assert_eq!(nights.spans_us(from, until), [(us("2013-10-27T00:00:00Z"), us("2013-10-27T02:00:00Z"))]);
    assert_eq!(nights.close_of_working_day(us("2013-10-26T12:00:00Z"), 1), Some(us("2013-10-27T02:00:00Z")));
    let half = Calendar::new(daily("Europe/Berlin", 60, 150));
    assert_eq!(
        half.spans_us(from, until),
        [
            (us("2013-10-26T23:00:00Z"), us("2013-10-27T00:30:00Z")),
            (us("2013-10-27T01:00:00Z"), us("2013-10-27T01:30:00Z"))
        ]
    );
}

#[test]
fn a_calendar_without_working_time_counts_nothing_and_reaches_nothing() {
    let mut spec = daily("Asia/Ho_Chi_Minh", 600, 600);
    assert_eq!(Calendar::new(spec.clone()).after_us(0, 1), None);
    spec.week = Default::default();
    spec.exceptions.insert(date(2013, 2, 12), vec![Span { from_minute: 480, until_minute: 600 }]);
    let once = Calendar::new(spec);
    assert_eq!(once.after_us(0, 2 * HOUR), Some(vn("2013-02-12 10:00")));
    assert_eq!(once.after_us(0, 2 * HOUR + 1), None);
    assert_eq!(once.close_of_working_day(vn("2013-02-11 10:00"), 1), Some(vn("2013-02-12 10:00")));
    assert_eq!(once.close_of_working_day(vn("2013-02-12 10:00"), 1), None);
    assert_eq!(once.counted_us(i64::MIN, i64::MAX), 2 * HOUR);
}

#[test]
fn absurd_instants_end_quickly() {
    let office = Calendar::new(office());
    for at in [i64::MIN, 0, i64::MAX] {
        for until in [i64::MIN, 0, i64::MAX] {
            let _ = (office.counted_us(at, until), office.spans_us(0, 1), office.holidays_us(at, until));
            let _ = (office.after_us(at, until), office.close_of_working_day(at, u32::MAX));
        }
    }
    assert_eq!(office.counted_us(5, 3), 0);
}

/// Working time of `[from, until)` with a part of a minute at both ends.
fn counted(spec: &CalendarSpec, from: i64, until: i64) -> i64 {
    let minutes = (from.div_euclid(MINUTE)..=until.div_euclid(MINUTE)).map(|minute| minute * MINUTE);
    let part = |minute: i64| (until.min(minute + MINUTE) - from.max(minute)).max(0);
    minutes.filter(|minute| works(spec, *minute)).map(part).sum()
}

/// The close of the n-th working day after that of `from`, as far as it lies within so many days.
fn close(spec: &CalendarSpec, from: i64, n: usize, days: i64) -> Option<i64> {
    let opening = spec.zone.to_datetime(jiff::Timestamp::from_microsecond(from).unwrap()).date();
    let mut closes = BTreeMap::new();
    for minute in 0..days * 1440 {
        for day in owners(spec, from + minute * MINUTE).filter(|day| *day > opening) {
            closes.insert(day, from + (minute + 1) * MINUTE);
        }
    }
    // The last two days may go on beyond what was looked at.
    let sure = closes.len().saturating_sub(2);
    closes.into_values().take(sure).nth(n - 1)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn counting_equals_a_count_of_minutes(
        (spec, near) in calendars(), start in 0_i64..4 * DAY, lengths in prop::collection::vec(0_i64..2 * DAY, 1..6)
    ) {
        let calendar = Calendar::new(spec.clone());
        let mut from = near + start;
        let first = from;
        let mut sum = 0;
        for length in lengths {
            let expected = counted(&spec, from, from + length);
            prop_assert_eq!(calendar.counted_us(from, from + length), expected);
            sum += expected;
            from += length;
        }
        prop_assert_eq!(calendar.counted_us(first, from), sum);
        let spans = calendar.spans_us(first, from);
        prop_assert!(spans.iter().all(|(a, b)| first <= *a && a < b && *b <= from));
        prop_assert!(spans.windows(2).all(|pair| pair[0].1 < pair[1].0));
        prop_assert_eq!(spans.iter().map(|(a, b)| b - a).sum::<i64>(), sum);
    }

    #[test]
    fn after_a_budget_exactly_that_much_has_passed_and_not_earlier(
        (spec, near) in calendars(), start in 0_i64..4 * DAY, budget in 1_i64..4 * DAY
    ) {
        let calendar = Calendar::new(spec);
        let from = near + start;
        if let Some(at) = calendar.after_us(from, budget) {
            prop_assert_eq!(calendar.counted_us(from, at), budget);
            prop_assert_eq!(calendar.counted_us(from, at - 1), budget - 1);
        } else {
            prop_assert!(calendar.counted_us(from, i64::MAX) < budget);
        }
    }

    #[test]
    fn working_days_close_when_their_last_minute_is_over((spec, near) in calendars(), n in 1_usize..6) {
        if let Some(expected) = close(&spec, near, n, 14) {
            let calendar = Calendar::new(spec);
            prop_assert_eq!(calendar.close_of_working_day(near, u32::try_from(n).unwrap()), Some(expected));
        }
    }
}
