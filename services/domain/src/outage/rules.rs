use jiff::Timestamp;

use super::Outage;
use crate::{contact::check_text, province, refusal::Violation};

/// Areas of one outage at most.
const MOST_AREAS: usize = 1_000;
/// Longest name or code of an area, in bytes.
const NAME_LIMIT: usize = 100;
/// 2200-01-01, seconds since 1970.
const LATEST_S: i64 = 7_258_118_400;

/// Every rule that an outage breaks; empty when it is sound. `at` prefixes the field names.
#[must_use]
pub fn check(outage: &Outage, at: &str) -> Vec<Violation> {
    let mut found = Vec::new();
    check_times(outage, at, &mut found);
    if outage.areas.is_empty() || outage.areas.len() > MOST_AREAS {
        found.push(Violation::new(
            format!("{at}areas"),
            "LENGTH",
            format!("give 1 to {MOST_AREAS} areas, or nobody knows whom it concerns"),
        ));
        return found;
    }
    for (i, area) in outage.areas.iter().enumerate() {
        let at = format!("{at}areas[{i}]");
        if area.is_empty() {
            let cure = "give a province, district, area code or feeder";
            found.push(Violation::new(at.clone(), "REQUIRED", cure));
        }
        if area.district.is_some() && area.province.is_none() {
            let cure = "give the province of the district: other provinces have districts of that name";
            found.push(Violation::new(format!("{at}.province"), "REQUIRED", cure));
        }
        if area.province.as_deref().is_some_and(|code| province::find(code).is_none()) {
            let cure = "give an ISO 3166-2 code such as VN-57, or none";
            found.push(Violation::new(format!("{at}.province"), "UNKNOWN_CODE", cure));
        }
        for (field, text) in [("district", &area.district), ("area_code", &area.area_code), ("feeder", &area.feeder)] {
            if let Some(text) = text {
                check_text(&format!("{at}.{field}"), text, NAME_LIMIT, &mut found);
            }
        }
    }
    found
}

fn check_times(outage: &Outage, at: &str, found: &mut Vec<Violation>) {
    let mut no = |field: &str, reason, cure: &str| found.push(Violation::new(format!("{at}{field}"), reason, cure));
    let estimate = outage.estimate;
    for (field, time) in [
        ("begins_at", Some(outage.begins_at)),
        ("ended_at", outage.ended_at),
        ("estimate.earliest", estimate.map(|estimate| estimate.earliest)),
        ("estimate.latest", estimate.map(|estimate| estimate.latest)),
    ] {
        if time.is_some_and(|time: Timestamp| !(0..LATEST_S).contains(&time.as_second())) {
            no(field, "OUT_OF_RANGE", "give a time from 1970 to 2199; a default or a broken clock gives others");
        }
    }
    if outage.ended_at.is_some_and(|ended| ended < outage.begins_at) {
        no("ended_at", "ENDED_BEFORE_BEGUN", "an outage ends at or after its beginning");
    }
    if estimate.is_some_and(|estimate| estimate.latest < estimate.earliest) {
        no("estimate.latest", "LATEST_BEFORE_EARLIEST", "exchange earliest and latest");
    }
    if estimate.is_some_and(|estimate| estimate.latest < outage.begins_at) {
        no("estimate.latest", "RETURN_BEFORE_BEGINNING", "supply returns at or after the outage's beginning");
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use uuid::Uuid;

    use super::*;
    use crate::outage::{Area, Cause, Estimate, EstimateSource, OutageKind};

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_369_180_800).unwrap() + SignedDuration::from_mins(minute)
    }

    fn sound() -> Outage {
        Outage {
            id: Uuid::nil(),
            version: 1,
            kind: OutageKind::Unplanned,
            cause: Cause::Equipment,
            areas: vec![Area { feeder: Some("471-E5".into()), ..Area::default() }],
            begins_at: at(0),
            ended_at: None,
            estimate: Some(Estimate { earliest: at(30), latest: at(90), source: EstimateSource::Crew }),
            updated_at: at(0),
        }
    }

    #[test]
    fn a_sound_outage_breaks_no_rule() {
        assert_eq!(check(&sound(), "outage."), []);
        assert!(sound().lasts_at(at(0)) && sound().lasts_at(at(500)) && !sound().lasts_at(at(-1)));
        let ended = Outage { ended_at: Some(at(60)), ..sound() };
        assert!(ended.lasts_at(at(59)) && !ended.lasts_at(at(60)));
    }

    #[test]
    fn every_broken_rule_is_named_at_once() {
        let district = Area { district: Some("Quận 1".into()), ..Area::default() };
        let elsewhere = Area { province: Some("XX".into()), feeder: Some("x".repeat(101)), ..Area::default() };
        let broken = Outage {
            areas: vec![Area::default(), district, elsewhere],
            ended_at: Some(at(-1)),
            estimate: Some(Estimate { earliest: at(0), latest: at(-5), source: EstimateSource::Crew }),
            ..sound()
        };
        let fields: Vec<_> = check(&broken, "outage.").into_iter().map(|v| (v.field, v.reason)).collect();
        let expected = [
            ("outage.ended_at", "ENDED_BEFORE_BEGUN"),
            ("outage.estimate.latest", "LATEST_BEFORE_EARLIEST"),
            ("outage.estimate.latest", "RETURN_BEFORE_BEGINNING"),
            ("outage.areas[0]", "REQUIRED"),
            ("outage.areas[1].province", "REQUIRED"),
            ("outage.areas[2].province", "UNKNOWN_CODE"),
            ("outage.areas[2].feeder", "LENGTH"),
        ];
        assert_eq!(fields, expected.map(|(field, reason)| (field.to_owned(), reason)));
        let nowhere = Outage { areas: Vec::new(), ..sound() };
        assert_eq!(check(&nowhere, "")[0].field, "areas");
    }
}
