//! From quarters of an hour to local hours, days and months.

use jiff::{RoundMode, Timestamp, ToSpan as _, Unit, ZonedRound, tz::TimeZone};

/// Length of a folded interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grain {
    /// The whole period.
    Total,
    /// Local hours.
    Hour,
    /// Local days.
    Day,
    /// Local months.
    Month,
}

/// The interval, half-open, microseconds since 1970, that holds the bucket at `start_us`, cut to the period asked for.
///
/// Local days and months have the lengths that the zone gives them: 23 or 25 hours where clocks change. An instant that
/// the calendar cannot express falls into the whole period.
#[must_use]
pub fn interval_of(start_us: i64, grain: Grain, zone: &TimeZone, from_us: i64, until_us: i64) -> (i64, i64) {
    let whole = (from_us, until_us);
    let Ok(at) = Timestamp::from_microsecond(start_us) else { return whole };
    let local = at.to_zoned(zone.clone());
    let bounds = match grain {
        Grain::Total => return whole,
        Grain::Hour => {
            let floor = ZonedRound::new().smallest(Unit::Hour).mode(RoundMode::Trunc);
            local.round(floor).and_then(|from| Ok((from.clone(), from.checked_add(1.hour())?)))
        }
        Grain::Day => local.start_of_day().and_then(|from| Ok((from.clone(), from.tomorrow()?.start_of_day()?))),
        Grain::Month => local
            .first_of_month()
            .and_then(|first| first.start_of_day())
            .and_then(|from| Ok((from.clone(), from.checked_add(1.month())?.start_of_day()?))),
    };
    bounds.map_or(whole, |(from, until)| {
        (from.timestamp().as_microsecond().max(from_us), until.timestamp().as_microsecond().min(until_us))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::metric::{QUARTER_US, quarter_of};

    fn us(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_microsecond()
    }

    const ALL: (i64, i64) = (i64::MIN, i64::MAX);

    #[test]
    fn a_day_in_vietnam_begins_at_seventeen_hours_utc() {
        let zone = TimeZone::get("Asia/Ho_Chi_Minh").unwrap();
        let day = interval_of(us("2013-05-22T16:45:00Z"), Grain::Day, &zone, ALL.0, ALL.1);
        assert_eq!(day, (us("2013-05-21T17:00:00Z"), us("2013-05-22T17:00:00Z")));
        let month = interval_of(us("2013-02-10T00:00:00Z"), Grain::Month, &zone, ALL.0, ALL.1);
        assert_eq!(month, (us("2013-01-31T17:00:00Z"), us("2013-02-28T17:00:00Z")));
    }

    #[test]
    fn a_day_on_which_clocks_go_back_has_twenty_five_hours() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let (from, until) = interval_of(us("2013-10-27T10:00:00Z"), Grain::Day, &zone, ALL.0, ALL.1);
        assert_eq!((until - from) / 3_600_000_000, 25);
    }

    #[test]
    fn an_interval_is_cut_to_the_period() {
        let zone = TimeZone::UTC;
        let (from, until) = (us("2013-05-22T06:00:00Z"), us("2013-05-22T18:00:00Z"));
        assert_eq!(interval_of(us("2013-05-22T07:00:00Z"), Grain::Day, &zone, from, until), (from, until));
    }

    proptest! {
        #[test]
        fn every_bucket_lies_within_its_interval(
            at in 1_300_000_000_000_000_i64..1_500_000_000_000_000,
            zone in prop::sample::select(vec!["Asia/Ho_Chi_Minh", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Australia/Lord_Howe"]),
            grain in prop::sample::select(vec![Grain::Hour, Grain::Day, Grain::Month]),
        ) {
            let zone = TimeZone::get(zone).unwrap();
            let start = quarter_of(at);
            let (from, until) = interval_of(start, grain, &zone, ALL.0, ALL.1);
            prop_assert!(from <= start && start + QUARTER_US <= until, "{from} {start} {until}");
            // The interval's own first bucket falls into the same interval.
            prop_assert_eq!(interval_of(from, grain, &zone, ALL.0, ALL.1), (from, until));
        }
    }
}
