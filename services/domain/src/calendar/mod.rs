//! Working hours as a function of instants.
//!
//! An instant works if its local wall time lies in a span of the calendar. So a span whose wall time is skipped when clocks
//! go forward shrinks, and one whose wall time comes twice when they go back counts both. Everything is microseconds since
//! 1970, UTC; counting is a binary search over an index built once.

mod spans;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod wall_clock;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::Range,
};

use jiff::{civil::Date, tz::TimeZone};

use spans::{DAY_US, Stretch, day_number, local_day};

/// The years that the index holds; elsewhere spans are made as they are asked for, which is slower.
const INDEXED: Range<i64> = us_of_year(2008)..us_of_year(2048);
/// Outside of these years nothing works, so that a question about an absurd instant ends.
const KNOWN: Range<i64> = us_of_year(1900)..us_of_year(2201);
/// How many days are made at once outside of the index: few at first, since most answers are near, and twice as many each time.
const CHUNK_DAYS: Range<i64> = 16..4096;

/// The first instant of a year in UTC; right for 1900 to 2299.
const fn us_of_year(year: i64) -> i64 {
    let (years, leap) = (year - 1970, (year - 1) / 4 - 1969 / 4);
    let centuries = (year - 1) / 100 - 1969 / 100;
    let eras = (year - 1) / 400 - 1969 / 400;
    (years * 365 + leap - centuries + eras) * DAY_US
}

/// Working time of a local day, half-open, in minutes of the wall clock since midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The first minute.
    pub from_minute: u16,
    /// The minute after the last one; beyond 1440 the span goes over midnight, up to 2880. It belongs to the day it begins on.
    pub until_minute: u16,
}

impl Span {
    /// A span over midnight ends with the next day.
    pub const LAST_MINUTE: u16 = 2880;
}

/// What a calendar is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarSpec {
    /// Its name within the standard.
    pub id: String,
    /// Where its wall clock hangs.
    pub zone: TimeZone,
    /// Spans of the days, Monday first; overlapping and adjoining ones merge.
    pub week: [Vec<Span>; 7],
    /// Days on which no span begins.
    pub holidays: BTreeSet<Date>,
    /// What replaces the spans of a day, also of a holiday.
    pub exceptions: BTreeMap<Date, Vec<Span>>,
}

impl CalendarSpec {
    /// The spans that begin on this day.
    fn day(&self, date: Date) -> &[Span] {
        match self.exceptions.get(&date) {
            Some(spans) => spans,
            None if self.holidays.contains(&date) => &[],
            None => usize::try_from(date.weekday().to_monday_zero_offset()).map_or(&[], |day| &self.week[day]),
        }
    }

    /// The instant after which nothing works.
    fn end_us(&self) -> i64 {
        if self.week.iter().any(|spans| !spans.is_empty()) {
            return KNOWN.end;
        }
        self.exceptions.last_key_value().map_or(KNOWN.start, |(date, _)| (day_number(*date) + 5) * DAY_US)
    }
}

/// A stretch of working time, and what the index holds before it.
struct Worked {
    from: i64,
    until: i64,
    before: i64,
}

/// A calendar that counts.
pub struct Calendar {
    spec: CalendarSpec,
    end_us: i64,
    worked: Vec<Worked>,
    /// Working days of the index by number since 1970, and when they close.
    closes: Vec<(i64, i64)>,
}

impl Calendar {
    /// The calendar, with its index.
    #[must_use]
    pub fn new(spec: CalendarSpec) -> Self {
        let Stretch { spans, closes } = spans::stretch(&spec, INDEXED.start, INDEXED.end);
        let mut before = 0;
        let with_sum = |(from, until)| {
            let span = Worked { from, until, before };
            before += until - from;
            span
        };
        let worked = spans.into_iter().map(with_sum).collect();
        Self { end_us: spec.end_us().clamp(KNOWN.start, KNOWN.end), spec, worked, closes }
    }

    /// Its name within the standard.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.spec.id
    }

    /// What it was made of.
    #[must_use]
    pub const fn spec(&self) -> &CalendarSpec {
        &self.spec
    }

    /// Working time within `[from_us, until_us)`.
    #[must_use]
    pub fn counted_us(&self, from_us: i64, until_us: i64) -> i64 {
        let within = |range: &Range<i64>| (from_us.max(range.start), until_us.min(range.end));
        let (from, until) = within(&INDEXED);
        let mut counted = if from < until { self.indexed_us(until) - self.indexed_us(from) } else { 0 };
        for range in [KNOWN.start..INDEXED.start, INDEXED.end..self.end_us] {
            let (mut from, until) = within(&range);
            while from < until {
                let next = until.min(from + CHUNK_DAYS.end * DAY_US);
                counted += spans::stretch(&self.spec, from, next).spans.iter().map(|(a, b)| b - a).sum::<i64>();
                from = next;
            }
        }
        counted
    }

    /// The earliest instant from `from_us` on by which `budget_us` of working time have passed; none if it never comes.
    #[must_use]
    pub fn after_us(&self, from_us: i64, budget_us: i64) -> Option<i64> {
        if budget_us <= 0 {
            return Some(from_us);
        }
        let (mut at, mut left, mut chunk) = (from_us.max(KNOWN.start), budget_us, CHUNK_DAYS.start);
        while at < self.end_us {
            if INDEXED.contains(&at) {
                let sum = self.indexed_us(at).saturating_add(left);
                // The first span by whose end that much has passed.
                let index = self.worked.partition_point(|s| s.before + (s.until - s.from) < sum);
                if let Some(span) = self.worked.get(index) {
                    return Some(span.from + (sum - span.before));
                }
                left = sum - self.indexed_us(INDEXED.end);
                at = INDEXED.end;
                continue;
            }
            let limit = if at < INDEXED.start { INDEXED.start } else { self.end_us };
            let next = limit.min(at + chunk * DAY_US);
            chunk = CHUNK_DAYS.end.min(chunk * 2);
            for (from, until) in spans::stretch(&self.spec, at, next).spans {
                if until - from >= left {
                    return Some(from + left);
                }
                left -= until - from;
            }
            at = next;
        }
        None
    }

    /// When the `n`-th working day after the local day of `opened_us` closes; that day itself is not counted, and none are no time.
    ///
    /// A day works if a span that begins on it has any time; it closes at the end of its last span, be it over midnight.
    #[must_use]
    pub fn close_of_working_day(&self, opened_us: i64, n: u32) -> Option<i64> {
        let Some(mut skip) = n.checked_sub(1).and_then(|skip| usize::try_from(skip).ok()) else {
            return Some(opened_us);
        };
        let at = opened_us.clamp(KNOWN.start, KNOWN.end - 1);
        let mut day = local_day(&self.spec.zone, at);
        if INDEXED.contains(&at) {
            let first = self.closes.partition_point(|(number, _)| *number <= day);
            if let Some((_, close_us)) = self.closes.get(first.saturating_add(skip)) {
                return Some(*close_us);
            }
            skip -= self.closes.len() - first;
            day = self.closes.last().map_or(day, |(number, _)| day.max(*number));
        }
        let mut chunk = CHUNK_DAYS.start;
        while day * DAY_US < self.end_us {
            let last = day + chunk;
            chunk = CHUNK_DAYS.end.min(chunk * 2);
            let closes = spans::closes(&self.spec, day + 1..=last);
            if let Some((_, close_us)) = closes.get(skip) {
                return Some(*close_us);
            }
            skip -= closes.len();
            day = last;
        }
        None
    }

    /// Stretches of working time, cut to `[from_us, until_us)`, in order and never adjoining.
    #[must_use]
    pub fn spans_us(&self, from_us: i64, until_us: i64) -> Vec<(i64, i64)> {
        let (from_us, until_us) = (from_us.max(KNOWN.start), until_us.min(self.end_us));
        if from_us >= until_us {
            return Vec::new();
        }
        if from_us < INDEXED.start || until_us > INDEXED.end {
            return spans::stretch(&self.spec, from_us, until_us).spans;
        }
        let first = self.worked.partition_point(|span| span.until <= from_us);
        let inside = self.worked[first..].iter().take_while(|span| span.from < until_us);
        inside.map(|span| (span.from.max(from_us), span.until.min(until_us))).collect()
    }

    /// Holidays on which no span begins, as stretches of whole local days, cut to `[from_us, until_us)`.
    #[must_use]
    pub fn holidays_us(&self, from_us: i64, until_us: i64) -> Vec<(i64, i64)> {
        let (from_us, until_us) = (from_us.max(KNOWN.start), until_us.min(KNOWN.end));
        if from_us >= until_us {
            return Vec::new();
        }
        let (first, last) = (local_day(&self.spec.zone, from_us), local_day(&self.spec.zone, until_us));
        let holidays = self.spec.holidays.iter().filter(|date| self.spec.day(**date).is_empty());
        let mut stretches: Vec<(i64, i64)> = Vec::new();
        for number in holidays.map(|date| day_number(*date)).filter(|number| (first..=last).contains(number)) {
            let (from, until) = spans::day_us(&self.spec.zone, number);
            let (from, until) = (from.max(from_us), until.min(until_us));
            match stretches.last_mut() {
                Some(before) if before.1 >= from => before.1 = before.1.max(until),
                _ if from < until => stretches.push((from, until)),
                _ => {}
            }
        }
        stretches
    }

    /// Working time of the index before this instant.
    fn indexed_us(&self, at_us: i64) -> i64 {
        let index = self.worked.partition_point(|span| span.from <= at_us);
        let Some(span) = index.checked_sub(1).and_then(|index| self.worked.get(index)) else { return 0 };
        span.before + at_us.min(span.until) - span.from
    }
}

impl fmt::Debug for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the index, which would fill pages.
        f.debug_struct("Calendar").field("spec", &self.spec).finish_non_exhaustive()
    }
}
