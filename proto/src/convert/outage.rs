use gridcare_domain::{
    outage::{Area, Cause, Estimate, EstimateSource, Outage, OutageKind, check},
    refusal::Violation,
    text::nfc,
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    convert::{code, ticket::etag, time},
    outage::v1 as wire,
};

/// The outage that a draft describes, or every rule that it breaks. `at` prefixes the field names.
pub fn from_wire(draft: &wire::OutageDraft, id: Uuid, now: Timestamp, at: &str) -> Result<Outage, Vec<Violation>> {
    let mut found = Vec::new();
    let mut no = |field: &str, reason, cure: &str| found.push(Violation::new(format!("{at}{field}"), reason, cure));
    let kind = code::outage_kind_from_wire(draft.kind);
    if kind.is_none() {
        no("kind", "UNKNOWN_CODE", "give PLANNED or UNPLANNED");
    }
    let cause = if draft.cause.is_empty() { Some(Cause::Unknown) } else { Cause::parse(&draft.cause) };
    if cause.is_none() {
        no("cause", "UNKNOWN_CODE", "give a cause of the closed list, such as equipment, or none");
    }
    let mut instant = |field: &str, given: Option<&prost_types::Timestamp>| {
        let read = given.and_then(time::instant);
        if given.is_some() && read.is_none() {
            no(field, "OUT_OF_RANGE", "give a time between the years -9999 and 9999");
        }
        read
    };
    let begins_at = instant("begins_at", draft.begins_at.as_ref());
    let ended_at = instant("ended_at", draft.ended_at.as_ref());
    let estimate = draft.estimate.as_ref();
    let earliest = instant("estimate.earliest", estimate.and_then(|estimate| estimate.earliest.as_ref()));
    let latest = instant("estimate.latest", estimate.and_then(|estimate| estimate.latest.as_ref()));
    if draft.begins_at.is_none() {
        no("begins_at", "REQUIRED", "give the time at which it begins");
    }
    let source = estimate.map(|estimate| code::estimate_source_from_wire(estimate.source));
    if let Some(estimate) = estimate {
        if estimate.earliest.is_none() || estimate.latest.is_none() {
            no("estimate", "REQUIRED", "give both ends of the range, or no estimate");
        }
        if source == Some(None) {
            no("estimate.source", "UNKNOWN_CODE", "say who estimates, such as CREW");
        }
    }
    let some = |given: &str| (!given.trim().is_empty()).then(|| nfc(given.trim()));
    let areas = draft.areas.iter().map(|area| Area {
        province: some(&area.province),
        district: some(&area.district),
        area_code: some(&area.area_code),
        feeder: some(&area.feeder),
    });
    let estimate = match (earliest, latest) {
        (Some(earliest), Some(latest)) => {
            let source = source.flatten().unwrap_or(EstimateSource::Dispatcher);
            Some(Estimate { earliest, latest, source })
        }
        _ => None,
    };
    let outage = Outage {
        id,
        version: 1,
        kind: kind.unwrap_or(OutageKind::Unplanned),
        cause: cause.unwrap_or(Cause::Unknown),
        areas: areas.collect(),
        begins_at: begins_at.unwrap_or(Timestamp::UNIX_EPOCH),
        ended_at,
        estimate,
        updated_at: now,
    };
    // Rules about the order of times say nothing when there is no time of beginning.
    found.extend(check(&outage, at).into_iter().filter(|v| begins_at.is_some() || !v.reason.contains("BEFORE")));
    if found.is_empty() { Ok(outage) } else { Err(found) }
}

/// An area on the wire.
fn area(area: &Area) -> wire::OutageArea {
    let text = |part: &Option<String>| part.clone().unwrap_or_default();
    wire::OutageArea {
        province: text(&area.province),
        district: text(&area.district),
        area_code: text(&area.area_code),
        feeder: text(&area.feeder),
    }
}

/// An outage on the wire.
#[must_use]
pub fn to_wire(outage: &Outage) -> wire::Outage {
    let draft = wire::OutageDraft {
        kind: code::outage_kind_to_wire(outage.kind),
        cause: outage.cause.code().to_owned(),
        areas: outage.areas.iter().map(area).collect(),
        begins_at: Some(time::timestamp(outage.begins_at)),
        ended_at: outage.ended_at.map(time::timestamp),
        estimate: outage.estimate.map(|estimate| wire::ReturnEstimate {
            earliest: Some(time::timestamp(estimate.earliest)),
            latest: Some(time::timestamp(estimate.latest)),
            source: code::estimate_source_to_wire(estimate.source),
        }),
    };
    wire::Outage {
        id: outage.id.to_string(),
        etag: etag(outage.version),
        outage: Some(draft),
        updated_at: Some(time::timestamp(outage.updated_at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> wire::OutageDraft {
        let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        wire::OutageDraft {
            kind: wire::OutageKind::Planned.into(),
            cause: "maintenance".into(),
            areas: vec![wire::OutageArea { feeder: " 471-E5 ".into(), ..Default::default() }],
            begins_at: at(100),
            ended_at: None,
            estimate: Some(wire::ReturnEstimate {
                earliest: at(200),
                latest: at(300),
                source: wire::EstimateSource::Schedule.into(),
            }),
        }
    }

    #[test]
    fn an_outage_survives_the_wire() {
        let outage = from_wire(&draft(), Uuid::nil(), Timestamp::UNIX_EPOCH, "").unwrap();
        assert_eq!(outage.areas[0].feeder.as_deref(), Some("471-E5"));
        let wire = to_wire(&outage);
        assert_eq!(from_wire(&wire.outage.unwrap(), Uuid::nil(), Timestamp::UNIX_EPOCH, ""), Ok(outage));
    }

    #[test]
    fn every_violation_is_told_at_once() {
        let bad = wire::OutageDraft {
            kind: 9,
            cause: "ghosts".into(),
            areas: vec![],
            begins_at: None,
            ended_at: Some(prost_types::Timestamp { seconds: 0, nanos: -1 }),
            estimate: Some(wire::ReturnEstimate::default()),
        };
        let found = from_wire(&bad, Uuid::nil(), Timestamp::UNIX_EPOCH, "outage.").unwrap_err();
        let fields: Vec<_> = found.iter().map(|v| v.field.as_str()).collect();
        let expected = [
            "outage.kind",
            "outage.cause",
            "outage.ended_at",
            "outage.begins_at",
            "outage.estimate",
            "outage.estimate.source",
            "outage.areas",
        ];
        assert_eq!(fields, expected);
    }
}
