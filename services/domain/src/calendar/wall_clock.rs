//! Working time as a person with a calendar and a watch would tell it, minute by minute, and random calendars to tell it of.

use jiff::{
    Timestamp,
    civil::{Date, Weekday, date},
    tz::TimeZone,
};
use proptest::prelude::*;

use super::{CalendarSpec, Span};

pub(crate) const MINUTE: i64 = 60_000_000;
pub(crate) const HOUR: i64 = 60 * MINUTE;

/// Vietnamese holidays of 2013 around Tết, and those of 2024.
pub(crate) const HOLIDAYS: [Date; 19] = [
    date(2013, 1, 1),
    date(2013, 2, 9),
    date(2013, 2, 10),
    date(2013, 2, 11),
    date(2013, 2, 12),
    date(2013, 2, 13),
    date(2013, 2, 14),
    date(2013, 2, 15),
    date(2013, 4, 19),
    date(2013, 4, 29),
    date(2013, 4, 30),
    date(2013, 5, 1),
    date(2024, 2, 8),
    date(2024, 2, 9),
    date(2024, 2, 10),
    date(2024, 2, 11),
    date(2024, 2, 12),
    date(2024, 2, 13),
    date(2024, 2, 14),
];

pub(crate) fn us(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_microsecond()
}

/// A local time in Vietnam.
pub(crate) fn vn(text: &str) -> i64 {
    us(&format!("{}:00+07:00", text.replace(' ', "T")))
}

/// Weekdays from half past seven to half past eleven and from one to five, without holidays.
pub(crate) fn office() -> CalendarSpec {
    let day = vec![Span { from_minute: 450, until_minute: 690 }, Span { from_minute: 780, until_minute: 1020 }];
    CalendarSpec {
        id: "office".into(),
        zone: TimeZone::get("Asia/Ho_Chi_Minh").unwrap(),
        week: [day.clone(), day.clone(), day.clone(), day.clone(), day, vec![], vec![]],
        holidays: HOLIDAYS.into(),
        exceptions: [].into(),
    }
}

/// Every day the same span in a zone.
pub(crate) fn daily(zone: &str, from_minute: u16, until_minute: u16) -> CalendarSpec {
    let day = || vec![Span { from_minute, until_minute }];
    let week = [day(), day(), day(), day(), day(), day(), day()];
    CalendarSpec {
        id: zone.into(),
        zone: TimeZone::get(zone).unwrap(),
        week,
        holidays: [].into(),
        exceptions: [].into(),
    }
}

/// The days to whose spans the minute at this instant belongs: that day itself, or the one before if it worked over midnight.
pub(crate) fn owners(spec: &CalendarSpec, at_us: i64) -> impl Iterator<Item = Date> {
    let wall = spec.zone.to_datetime(Timestamp::from_microsecond(at_us).unwrap());
    let minute = u16::try_from(wall.hour()).unwrap() * 60 + u16::try_from(wall.minute()).unwrap();
    let today = wall.date();
    let days = [(today, minute), (today.yesterday().unwrap(), minute + 1440)];
    days.into_iter().filter(|(date, minute)| has(spec, *date, *minute)).map(|(date, _)| date)
}

pub(crate) fn works(spec: &CalendarSpec, at_us: i64) -> bool {
    owners(spec, at_us).next().is_some()
}

fn has(spec: &CalendarSpec, date: Date, minute: u16) -> bool {
    let usual = match date.weekday() {
        Weekday::Monday => &spec.week[0],
        Weekday::Tuesday => &spec.week[1],
        Weekday::Wednesday => &spec.week[2],
        Weekday::Thursday => &spec.week[3],
        Weekday::Friday => &spec.week[4],
        Weekday::Saturday => &spec.week[5],
        Weekday::Sunday => &spec.week[6],
    };
    let closed = spec.holidays.contains(&date) && !spec.exceptions.contains_key(&date);
    let spans = spec.exceptions.get(&date).unwrap_or(usual);
    !closed && spans.iter().any(|span| span.from_minute <= minute && minute < span.until_minute)
}

fn span() -> impl Strategy<Value = Span> {
    let long = prop_oneof![4 => 1_u16..600, 1 => 600_u16..1440];
    // Around the hours at which clocks change, too.
    let from = prop_oneof![2 => 0_u16..1440, 1 => 0_u16..200, 1 => 1200_u16..1440];
    (from, long).prop_map(|(from_minute, long)| Span { from_minute, until_minute: from_minute + long })
}

fn spans() -> impl Strategy<Value = Vec<Span>> {
    prop_oneof![1 => Just(vec![]), 4 => prop::collection::vec(span(), 1..4)]
}

/// A zone and a day around which something happens there, or to any calendar.
fn place() -> impl Strategy<Value = (&'static str, Date)> {
    prop::sample::select(vec![
        ("Asia/Ho_Chi_Minh", date(2013, 2, 8)),
        ("Asia/Ho_Chi_Minh", date(2024, 2, 27)),
        ("Asia/Ho_Chi_Minh", date(2013, 12, 30)),
        ("Europe/Berlin", date(2013, 3, 30)),
        ("Europe/Berlin", date(2013, 10, 26)),
        ("America/New_York", date(2024, 3, 9)),
        ("America/New_York", date(2024, 11, 2)),
        ("Australia/Lord_Howe", date(2013, 4, 6)),
        ("Australia/Lord_Howe", date(2013, 10, 5)),
        ("Europe/Berlin", date(2047, 12, 28)),
        ("America/New_York", date(2007, 12, 28)),
        ("Pacific/Apia", date(2011, 12, 28)),
    ])
}

/// A random calendar, and an instant of whole minutes shortly before something happens to it.
pub(crate) fn calendars() -> impl Strategy<Value = (CalendarSpec, i64)> {
    let week = prop::array::uniform7(spans());
    let holidays = prop::collection::vec(-3_i64..20, 0..6);
    let exceptions = prop::collection::vec((-3_i64..20, spans()), 0..4);
    (place(), week, holidays, exceptions, -2000_i64..2000).prop_map(
        |((zone, near), week, holidays, exceptions, minutes)| {
            let day = |offset: i64| near.checked_add(jiff::Span::new().days(offset)).unwrap();
            let spec = CalendarSpec {
                id: zone.into(),
                zone: TimeZone::get(zone).unwrap(),
                week,
                holidays: holidays.into_iter().map(day).collect(),
                exceptions: exceptions.into_iter().map(|(offset, spans)| (day(offset), spans)).collect(),
            };
            let midnight = near.to_zoned(TimeZone::UTC).unwrap().timestamp().as_microsecond();
            (spec, midnight + minutes * MINUTE)
        },
    )
}
