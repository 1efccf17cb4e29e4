//! Days as people type them, and instants as people read them.

pub(crate) use gridcare_proto::convert::time::{instant as from_wire, timestamp as to_wire};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use prost_types::Timestamp as Wire;

use crate::failure::Failure;

/// The zone of that name.
pub(crate) fn zone(name: &str) -> Result<TimeZone, Failure> {
    TimeZone::get(name).map_err(|_| {
        Failure::said(format!("{name}: no such time zone on this machine; give an IANA name, or install tzdata"))
    })
}

/// The first instant of a local day.
pub(crate) fn midnight(day: Date, zone: &TimeZone) -> Result<Timestamp, Failure> {
    let instant = zone.to_zoned(day.to_datetime(jiff::civil::Time::midnight()));
    instant.map(|zoned| zoned.timestamp()).map_err(|error| Failure::because(day, &error))
}

/// Half-open, from one local day to another.
pub(crate) fn period(
    from: Option<Date>,
    until: Option<Date>,
    zone: &TimeZone,
) -> Result<(Option<Wire>, Option<Wire>), Failure> {
    if let (Some(from), Some(until)) = (from, until)
        && from >= until
    {
        return Err(Failure::said(format!(
            "--until {until}: must be after --from {from}; it is not part of the period"
        )));
    }
    let at = |day: Option<Date>| day.map(|day| midnight(day, zone).map(to_wire)).transpose();
    Ok((at(from)?, at(until)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_ends_after_it_begins() {
        let day = |text: &str| Some(text.parse().unwrap());
        assert!(period(day("2013-01-01"), day("2013-01-01"), &TimeZone::UTC).is_err());
        let (from, _) = period(day("2013-01-01"), None, &TimeZone::fixed(jiff::tz::offset(7))).unwrap();
        assert_eq!(from.unwrap().seconds, 1_356_973_200);
    }
}
