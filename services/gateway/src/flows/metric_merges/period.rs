use gridcare_domain::metric::{
    QUARTER_US,
    fold::{Grain, interval_of},
    quarter_of,
};
use jiff::{Timestamp, ToSpan as _, tz::TimeZone};

/// A half-open period on quarters of an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Period {
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
}

impl Period {
    pub(crate) fn begins_us(self) -> i64 {
        self.from.as_microsecond()
    }

    pub(crate) fn ends_us(self) -> i64 {
        self.until.as_microsecond()
    }
}

/// The current local month until now, rounded up to a quarter of an hour.
pub(crate) fn month_so_far(now: Timestamp, zone: &TimeZone) -> Period {
    let now_us = now.as_microsecond();
    let until_us = quarter_of(now_us.saturating_add(QUARTER_US - 1));
    let until = Timestamp::from_microsecond(until_us).unwrap_or(now);
    let local = now.to_zoned(zone.clone());
    let from = local.first_of_month().and_then(|first| first.start_of_day()).map_or(now, |first| first.timestamp());
    // On the very first moment of a month there is nothing so far; a period still has a length.
    let until = if until > from { until } else { until.saturating_add(15.minutes()).unwrap_or(until) };
    Period { from, until }
}

/// The local intervals of a period: it is cut at local hours, midnights or first days of months, and its ends are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Intervals(Vec<Period>);

impl Intervals {
    /// `None` if there would be more than `limit`.
    pub(crate) fn of(period: Period, grain: Grain, zone: &TimeZone, limit: usize) -> Option<Self> {
        let mut intervals = Vec::new();
        let mut from = period.from;
        while from < period.until {
            if intervals.len() == limit {
                return None;
            }
            let (_, until_us) = interval_of(from.as_microsecond(), grain, zone, period.begins_us(), period.ends_us());
            let until =
                Timestamp::from_microsecond(until_us).ok().filter(|until| *until > from).unwrap_or(period.until);
            intervals.push(Period { from, until });
            from = until;
        }
        Some(Self(intervals))
    }

    pub(crate) fn as_slice(&self) -> &[Period] {
        &self.0
    }

    /// Which interval holds this moment of the period.
    pub(crate) fn find(&self, us: i64) -> Option<usize> {
        let after = self.0.partition_point(|interval| interval.begins_us() <= us);
        after.checked_sub(1).filter(|i| us < self.0[*i].ends_us())
    }
}
