//! Outages as the industry exchanges them: the profile of IEC 61968-3 that the Outage Data Initiative Nationwide (ODIN) uses.
//!
//! One customer stands for one meter. What we do not know is left out: how many are served where an outage is, and a kind of
//! cause, of which the profile knows five that our causes do not mean.

use jiff::{Timestamp, tz::TimeZone};

use super::{Area, Confidence, CrewState, PublicOutage, Standing};
use crate::document::{Value, local};

/// Namespace of the profile.
pub const NAMESPACE: &str = "http://iec.ch/TC57/2014/FROutages#";
/// Element of the XML document.
pub const ROOT: &str = "Outages";

/// Goes with every outage.
pub const DISCLAIMER: &str = "Figures and estimates are what is believed now, and change as more becomes known.";

/// How fields are named: XML as the profile names its classes, JSON as its readers expect properties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Properties.
    Json,
    /// Elements.
    Xml,
}

impl Form {
    const fn name(self, json: &'static str, xml: &'static str) -> &'static str {
        match self {
            Self::Json => json,
            Self::Xml => xml,
        }
    }
}

/// The document of these outages; work that was cancelled is none.
#[must_use]
pub fn document(outages: &[PublicOutage], form: Form, now: Timestamp, zone: &TimeZone) -> Value {
    let takes_place = outages.iter().filter(|outage| !outage.cancelled);
    let outages = takes_place.map(|outage| one(outage, form, now, zone)).collect();
    Value::Object(vec![(form.name("outage", "Outage"), Value::Each(outages))])
}

fn one(outage: &PublicOutage, form: Form, now: Timestamp, zone: &TimeZone) -> Value {
    let time = |at: Timestamp| Value::text(local(at, zone));
    let period = |from: Timestamp, until: Option<Timestamp>| {
        Value::known(vec![("end", Value::or_none(until, time)), ("start", time(from))])
    };
    let standing = outage.standing(now);
    let begun = standing != Standing::Planned;
    let restored = outage.customers.filter(|_| begun).map(|all| (all - outage.without_supply).max(0));
    let estimate = outage.estimate.map(|estimate| {
        let confidence = match estimate.confidence {
            Confidence::High => Some("high"),
            Confidence::Low => Some("low"),
            // The profile has no word between.
            Confidence::Medium => None,
        };
        Value::known(vec![
            ("confidenceKind", Value::or_none(confidence, Value::text)),
            ("ert", time(estimate.latest)),
            ("ertSource", Value::text(estimate.source.code())),
        ])
    });
    let community = outage.provinces().join(" ");
    let names = vec![name(form, "UtilityName", &outage.region), name(form, "UtilityId", &outage.node)];
    let areas = outage.areas.iter().map(|area| self::area(area, outage, form, time)).collect();
    Value::known(vec![
        ("mRID", Value::text(outage.id.to_string())),
        ("cause", Value::text(outage.cause.code())),
        ("communityDescriptor", if community.is_empty() { Value::None } else { Value::text(community) }),
        ("customersRestored", Value::or_none(restored, Value::Number)),
        ("metersAffected", if begun { Value::Number(outage.without_supply) } else { Value::None }),
        ("originalMetersAffected", Value::or_none(outage.customers, Value::Number)),
        ("outageKind", Value::or_none(status(standing, outage.crew), Value::text)),
        ("reportedStartTime", if begun { time(outage.begins_at) } else { Value::None }),
        ("statusKind", Value::text(crew(outage.crew))),
        ("utilityDisclaimer", Value::text(DISCLAIMER)),
        ("actualPeriod", if begun { period(outage.begins_at, outage.ended_at) } else { Value::None }),
        ("estimatedPeriod", Value::or_none(outage.window, |window| period(window.starts_at, Some(window.ends_at)))),
        (form.name("estimatedRestorationTime", "EstimatedRestorationTime"), estimate.unwrap_or(Value::None)),
        (form.name("names", "Names"), Value::Each(names)),
        (form.name("outageArea", "OutageArea"), Value::Each(areas)),
    ])
}

/// `OutageStatusKind`; it has no word for what has not begun.
const fn status(standing: Standing, crew: CrewState) -> Option<&'static str> {
    match (standing, crew) {
        (Standing::Planned | Standing::Cancelled, _) => None,
        (Standing::Out, _) => Some("confirmed"),
        (Standing::PartlyRestored, _) => Some("partiallyRestored"),
        (Standing::Restored, CrewState::None | CrewState::Done) => Some("closed"),
        (Standing::Restored, _) => Some("restored"),
    }
}

/// `CrewStatusKind`.
const fn crew(crew: CrewState) -> &'static str {
    match crew {
        CrewState::None => "awaitingCrewAssignment",
        CrewState::Assigned => "assigned",
        CrewState::EnRoute => "enroute",
        CrewState::OnSite => "arrived",
        CrewState::Done => "fieldComplete",
    }
}

fn name(form: Form, kind: &'static str, name: &str) -> Value {
    let kind = match form {
        Form::Json => ("nameType", Value::text(kind)),
        Form::Xml => ("NameType", Value::Object(vec![("name", Value::text(kind))])),
    };
    Value::Object(vec![("name", Value::text(name)), kind])
}

fn area(area: &Area, outage: &PublicOutage, form: Form, time: impl Fn(Timestamp) -> Value) -> Value {
    let whole = area.district.is_none() && area.area_code.is_none() && area.feeder.is_none();
    let kind = if whole && area.transformer.is_none() && area.polygon.is_none() { "state" } else { "serviceArea" };
    let parts = [
        ("Province", &area.province),
        ("District", &area.district),
        ("AreaCode", &area.area_code),
        ("Feeder", &area.feeder),
        ("Transformer", &area.transformer),
    ];
    let names = parts.into_iter().filter_map(|(kind, text)| Some(name(form, kind, text.as_deref()?))).collect();
    Value::known(vec![
        ("earliestReportedTime", time(outage.begins_at)),
        ("outageAreaKind", Value::text(kind)),
        (form.name("names", "Names"), Value::Each(names)),
    ])
}
