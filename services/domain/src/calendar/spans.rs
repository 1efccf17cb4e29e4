//! From wall times to instants: which instants have a local time in this range.

use std::ops::RangeInclusive;

use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};

use super::{CalendarSpec, Span};

/// A day of the wall clock.
pub(super) const DAY_US: i64 = 24 * 3_600_000_000;
/// A minute of the wall clock.
const MINUTE_US: i64 = 60_000_000;
/// No zone is further from UTC than a day and a bit.
const FAR_US: i64 = 2 * DAY_US;
/// The day that has number 0.
const EPOCH: Date = Date::constant(1970, 1, 1);

/// A period in which the wall clock is ahead of UTC by the same time.
struct Offset {
    from: i64,
    until: i64,
    ahead: i64,
}

/// What works within a range of instants.
pub(super) struct Stretch {
    /// In order and never adjoining.
    pub(super) spans: Vec<(i64, i64)>,
    /// Working days by number, and when they close; a few beyond the range, too.
    pub(super) closes: Vec<(i64, i64)>,
}

/// The number of a day since 1970.
pub(super) fn day_number(date: Date) -> i64 {
    date.duration_since(EPOCH).as_hours() / 24
}

/// The local day of an instant.
pub(super) fn local_day(zone: &TimeZone, at_us: i64) -> i64 {
    (at_us + offset_us(zone, at_us)).div_euclid(DAY_US)
}

/// The instants of a local day.
pub(super) fn day_us(zone: &TimeZone, number: i64) -> (i64, i64) {
    let (local, late) = (number * DAY_US, (number + 1) * DAY_US);
    let mut range = (i64::MAX, i64::MIN);
    for offset in offsets(zone, local - FAR_US, late + FAR_US) {
        if let Some((from, until)) = cut(local, late, &offset) {
            range = (range.0.min(from), range.1.max(until));
        }
    }
    range
}

/// Everything that works within `[from_us, until_us)`.
pub(super) fn stretch(spec: &CalendarSpec, from_us: i64, until_us: i64) -> Stretch {
    let days = local_day(&spec.zone, from_us) - 3..=local_day(&spec.zone, until_us) + 1;
    let mut spans = Vec::new();
    let closes = walk(spec, days, &mut spans);
    let mut merged: Vec<(i64, i64)> = Vec::with_capacity(spans.len());
    for (from, until) in spans {
        let (from, until) = (from.max(from_us), until.min(until_us));
        match merged.last_mut() {
            Some(last) if last.1 >= from => last.1 = last.1.max(until),
            _ if from < until => merged.push((from, until)),
            _ => {}
        }
    }
    Stretch { spans: merged, closes }
}

/// Working days among these, and when they close.
pub(super) fn closes(spec: &CalendarSpec, days: RangeInclusive<i64>) -> Vec<(i64, i64)> {
    walk(spec, days, &mut Vec::new())
}

/// Collects the working time of spans that begin on these days, in order, and says when each working day closes.
fn walk(spec: &CalendarSpec, days: RangeInclusive<i64>, spans: &mut Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    let mut closes = Vec::new();
    let Ok(mut date) = EPOCH.checked_add((*days.start()).days()) else { return closes };
    let offsets = offsets(&spec.zone, days.start() * DAY_US - FAR_US, (days.end() + 3) * DAY_US + FAR_US);
    let mut first = 0;
    for number in days {
        let midnight = number * DAY_US;
        while offsets.get(first).is_some_and(|offset| offset.until < midnight - FAR_US) {
            first += 1;
        }
        let mut close: Option<i64> = None;
        for Span { from_minute, until_minute } in spec.day(date) {
            let (from, until) = (*from_minute, (*until_minute).min(Span::LAST_MINUTE));
            let (from, until) = (midnight + i64::from(from) * MINUTE_US, midnight + i64::from(until) * MINUTE_US);
            for offset in offsets[first..].iter().take_while(|offset| offset.from <= until + FAR_US) {
                if let Some(span) = cut(from, until, offset) {
                    close = close.max(Some(span.1));
                    insert(spans, span);
                }
            }
        }
        closes.extend(close.map(|close| (number, close)));
        let Ok(next) = date.tomorrow() else { break };
        date = next;
    }
    closes
}

/// Keeps spans in order. They come nearly so, out of place only over midnight and where clocks go back.
fn insert(spans: &mut Vec<(i64, i64)>, span: (i64, i64)) {
    let before = spans.iter().rev().take_while(|other| **other > span).count();
    spans.insert(spans.len() - before, span);
}

/// The instants of a period whose wall time lies in `[from, until)`.
fn cut(from: i64, until: i64, offset: &Offset) -> Option<(i64, i64)> {
    let (from, until) = (from - offset.ahead, until - offset.ahead);
    let (from, until) = (from.max(offset.from), until.min(offset.until));
    (from < until).then_some((from, until))
}

/// The periods of offsets that cover a range of instants.
fn offsets(zone: &TimeZone, from_us: i64, until_us: i64) -> Vec<Offset> {
    let mut offset = Offset { from: from_us, until: until_us, ahead: offset_us(zone, from_us) };
    let mut offsets = Vec::new();
    let Ok(from) = Timestamp::from_microsecond(from_us) else { return offsets };
    for transition in zone.following(from) {
        let at_us = transition.timestamp().as_microsecond();
        if at_us >= until_us {
            break;
        }
        let next_us = micros(transition.offset().seconds());
        if next_us != offset.ahead {
            offsets.push(Offset { until: at_us, ..offset });
            offset = Offset { from: at_us, until: until_us, ahead: next_us };
        }
    }
    offsets.push(offset);
    offsets
}

fn offset_us(zone: &TimeZone, at_us: i64) -> i64 {
    Timestamp::from_microsecond(at_us).map_or(0, |at| micros(zone.to_offset(at).seconds()))
}

fn micros(seconds: i32) -> i64 {
    i64::from(seconds) * 1_000_000
}
