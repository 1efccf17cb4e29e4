//! Reliability on the wire.

use gridcare_domain::{
    refusal::Violation,
    reliability::{Event, Frequent, HISTORY_YEARS, Indices, Reliability},
    report::day::{Days, date_of, number_of},
};
use jiff::{ToSpan as _, civil::Date};
use uuid::Uuid;

use crate::{convert::outage::course_from_wire, federation::v1::FederatedOutage, outage::v1 as wire};

/// The days of a period, or what is wrong with it.
pub fn period_from_wire(from: &str, until: &str, found: &mut Vec<Violation>) -> Option<Days> {
    let mut date = |field: &str, text: &str| {
        let read: Option<Date> = text.parse().ok();
        if read.is_none() {
            found.push(Violation::new(field, "MALFORMED", "give a date such as 2013-01-01"));
        }
        read
    };
    // Both are looked at before either is missed.
    let (from, until) = (date("from", from), date("until", until));
    let (from, until) = (from?, until?);
    let most = from.checked_add(i64::from(HISTORY_YEARS).years()).unwrap_or(Date::MAX);
    if until <= from || until > most || from < Date::constant(1970, 1, 1) {
        let cure = format!("give an until later than from, by at most {HISTORY_YEARS} years, after 1970");
        found.push(Violation::new("until", "OUT_OF_RANGE", cure));
        return None;
    }
    Some(Days { from: number_of(from), until: number_of(until) })
}

/// Indices on the wire.
#[must_use]
pub fn indices_to_wire(indices: &Indices) -> wire::ReliabilityIndices {
    wire::ReliabilityIndices {
        reliability_class: i32::try_from(indices.class.number()).unwrap_or(0),
        saidi: indices.saidi,
        saifi: indices.saifi,
        caidi: indices.caidi,
        asai: indices.asai,
        maifi: indices.maifi,
        customer_time_us: indices.customer_us.to_string(),
        interrupted: indices.interrupted,
        momentary: indices.momentary,
    }
}

/// The reliability of a period on the wire.
#[must_use]
pub fn to_wire(reliability: &Reliability) -> wire::Reliability {
    wire::Reliability {
        customers_served: reliability.served,
        indices: reliability.indices.iter().map(indices_to_wire).collect(),
        threshold: reliability.threshold.map(|threshold| wire::MajorEventThreshold {
            minutes: threshold.minutes,
            alpha: threshold.alpha,
            beta: threshold.beta,
            days: u32::try_from(threshold.days).unwrap_or(u32::MAX),
        }),
        major_event_days: reliability.major.iter().map(|day| date_of(*day).to_string()).collect(),
    }
}

/// Who was interrupted often, on the wire.
#[must_use]
pub fn frequent_to_wire(n: u32, frequent: Frequent) -> wire::FrequentInterruptions {
    #[expect(clippy::cast_precision_loss, reason = "a ratio of counts")]
    let cemi = if frequent.known > 0 { frequent.customers as f64 / frequent.known as f64 } else { 0.0 };
    wire::FrequentInterruptions { n, customers: frequent.customers, known: frequent.known, cemi }
}

/// An outage of a member, as far as indices ask.
pub fn event_from_wire(outage: &FederatedOutage) -> Result<Event, String> {
    let id = |text: &str| Uuid::parse_str(text).map_err(|_| "an outage's id is none".to_owned());
    let cause = gridcare_domain::outage::Cause::parse(&outage.cause);
    Ok(Event {
        id: id(&outage.id)?,
        parent: if outage.parent_id.is_empty() { None } else { Some(id(&outage.parent_id)?) },
        loss_of_supply: cause.is_some_and(gridcare_domain::outage::Cause::is_loss_of_supply),
        course: course_from_wire(outage)?,
    })
}

#[cfg(test)]
mod tests {
    use gridcare_domain::reliability::Class;

    use super::*;

    #[test]
    fn every_class_has_its_name_on_the_wire() {
        for class in Class::ALL {
            let number = i32::try_from(class.number()).unwrap();
            let name = format!("RELIABILITY_CLASS_{}", class.code().to_uppercase());
            assert_eq!(wire::ReliabilityClass::try_from(number).unwrap().as_str_name(), name);
        }
    }

    #[test]
    fn a_period_is_read_or_refused() {
        let mut found = Vec::new();
        let days = period_from_wire("2013-01-01", "2014-01-01", &mut found).unwrap();
        assert_eq!((days.until - days.from, found.len()), (365, 0));
        for (from, until) in [("x", ""), ("2013-01-02", "2013-01-02"), ("2013-01-01", "2018-01-02")] {
            assert_eq!(period_from_wire(from, until, &mut found), None, "{from} {until}");
        }
        let fields: Vec<_> = found.iter().map(|v| v.field.as_str()).collect();
        assert_eq!(fields, ["from", "until", "until", "until"]);
    }
}
