use jiff::{
    Timestamp, ToSpan as _,
    civil::{Date, DateTime, Time},
    tz::TimeZone,
};

use crate::contact::code::codes;

codes! {
    /// How long the interval of a stored tally is.
    Grain {
        /// A local day.
        Day = 1 "day",
        /// A local month.
        Month = 2 "month",
    }
}

codes! {
    /// How a report cuts its period, with the numbers of the wire.
    Step {
        /// Not at all.
        Total = 1 "total",
        /// At local midnights.
        Day = 2 "day",
        /// At Mondays.
        Week = 3 "week",
        /// At first days of months.
        Month = 4 "month",
    }
}

const DAY_S: i64 = 86_400;

/// Local days, half-open; each is its number of days since 1 January 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Days {
    /// The first day.
    pub from: i32,
    /// The day after the last one.
    pub until: i32,
}

impl Days {
    /// From the beginning of time until the beginning of that day.
    #[must_use]
    pub const fn before(day: i32) -> Self {
        Self { from: i32::MIN, until: day }
    }

    /// Whether this day is one of them.
    #[must_use]
    pub const fn holds(self, day: i32) -> bool {
        self.from <= day && day < self.until
    }
}

/// The local day of an instant.
#[must_use]
pub fn local_day(us: i64, zone: &TimeZone) -> i32 {
    let seconds = us.div_euclid(1_000_000);
    let offset = Timestamp::from_microsecond(us).map_or(0, |at| i64::from(zone.to_offset(at).seconds()));
    i32::try_from((seconds + offset).div_euclid(DAY_S)).unwrap_or(i32::MAX)
}

/// The number of a date.
#[must_use]
pub fn number_of(date: Date) -> i32 {
    let midnight = DateTime::from_parts(date, Time::midnight()).to_zoned(TimeZone::UTC);
    let seconds = midnight.map_or(0, |at| at.timestamp().as_second());
    i32::try_from(seconds.div_euclid(DAY_S)).unwrap_or(0)
}

/// The date of a number; a number beyond the calendar gives its nearest end.
#[must_use]
pub fn date_of(day: i32) -> Date {
    let epoch = Date::constant(1970, 1, 1);
    epoch.checked_add(i64::from(day).clamp(-4_000_000, 2_900_000).days()).unwrap_or(if day < 0 {
        Date::MIN
    } else {
        Date::MAX
    })
}

/// The first day of the month that holds this one.
#[must_use]
pub fn month_of(day: i32) -> i32 {
    day - (i32::from(date_of(day).day()) - 1)
}

/// The first day of the month after the one that holds this day.
fn next_month(day: i32) -> i32 {
    // Every month has a 28th, and four days later the next one has begun.
    month_of(month_of(day) + 31)
}

/// The Monday of the week that holds this day.
fn monday(day: i32) -> i32 {
    // 1 January 1970 was a Thursday.
    day - (day + 3).rem_euclid(7)
}

/// The intervals of a period; the first and the last are cut to it. `None` if there would be more than `limit`.
#[must_use]
pub fn intervals(days: Days, step: Step, limit: usize) -> Option<Vec<Days>> {
    let mut intervals = Vec::new();
    let mut from = days.from;
    while from < days.until {
        if intervals.len() == limit {
            return None;
        }
        let until = match step {
            Step::Total => days.until,
            Step::Day => from + 1,
            Step::Week => monday(from) + 7,
            Step::Month => next_month(from),
        };
        let until = until.min(days.until);
        intervals.push(Days { from, until });
        from = until;
    }
    Some(intervals)
}

/// The fewest stored intervals that make up these days: whole months as months, the rest as days.
#[must_use]
pub fn cover(days: Days) -> Vec<(Grain, Days)> {
    if days.from >= days.until {
        return Vec::new();
    }
    let first = if days.from == i32::MIN {
        i32::MIN
    } else if month_of(days.from) == days.from {
        days.from
    } else {
        next_month(days.from)
    };
    let last = if days.until == i32::MAX { i32::MAX } else { month_of(days.until) };
    if first >= last {
        return vec![(Grain::Day, days)];
    }
    let parts = [
        (Grain::Day, Days { from: days.from, until: first }),
        (Grain::Month, Days { from: first, until: last }),
        (Grain::Day, Days { from: last, until: days.until }),
    ];
    parts.into_iter().filter(|(_, days)| days.from < days.until).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> i32 {
        number_of(text.parse().unwrap())
    }

    #[test]
    fn days_are_those_of_the_zone() {
        let us = |text: &str| text.parse::<Timestamp>().unwrap().as_microsecond();
        let hanoi = TimeZone::get("Asia/Ho_Chi_Minh").unwrap();
        assert_eq!(local_day(us("2013-05-21T16:59:59Z"), &hanoi), day("2013-05-21"));
        assert_eq!(local_day(us("2013-05-21T17:00:00Z"), &hanoi), day("2013-05-22"));
        let new_york = TimeZone::get("America/New_York").unwrap();
        assert_eq!(local_day(us("2013-07-01T03:59:59Z"), &new_york), day("2013-06-30"));
        assert_eq!(local_day(us("2013-12-01T04:59:59Z"), &new_york), day("2013-11-30"));
        assert_eq!(local_day(-1, &TimeZone::UTC), -1);
    }

    #[test]
    fn weeks_begin_on_mondays_and_months_on_firsts() {
        let of = |from: &str, until: &str, step| {
            let days = Days { from: day(from), until: day(until) };
            let dates = |d: Days| (date_of(d.from).to_string(), date_of(d.until).to_string());
            intervals(days, step, 10).unwrap().into_iter().map(dates).collect::<Vec<_>>()
        };
        let pair = |from: &str, until: &str| (from.to_owned(), until.to_owned());
        assert_eq!(
            of("2013-05-22", "2013-06-04", Step::Week),
            [pair("2013-05-22", "2013-05-27"), pair("2013-05-27", "2013-06-03"), pair("2013-06-03", "2013-06-04")]
        );
        assert_eq!(
            of("2012-02-01", "2012-03-02", Step::Month),
            [pair("2012-02-01", "2012-03-01"), pair("2012-03-01", "2012-03-02")]
        );
        let year = Days { from: day("2013-01-01"), until: day("2014-01-01") };
        assert_eq!(intervals(year, Step::Day, 364), None);
        assert_eq!(cover(year), [(Grain::Month, year)]);
    }

    proptest! {
        #[test]
        fn a_cover_holds_every_day_once(from in -1_000..20_000_i32, length in 0..900_i32) {
            let days = Days { from, until: from + length };
            let mut found = Vec::new();
            for (grain, part) in cover(days) {
                match grain {
                    Grain::Day => found.extend(part.from..part.until),
                    Grain::Month => {
                        prop_assert_eq!((month_of(part.from), month_of(part.until)), (part.from, part.until));
                        found.extend(part.from..part.until);
                    }
                }
            }
            prop_assert_eq!(found, (from..from + length).collect::<Vec<_>>());
        }

        #[test]
        fn a_number_and_its_date_are_one(day in -700_000..2_900_000_i32) {
            prop_assert_eq!(number_of(date_of(day)), day);
            prop_assert_eq!(date_of(month_of(day)).day(), 1);
        }
    }
}
