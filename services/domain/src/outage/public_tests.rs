use jiff::SignedDuration;
use uuid::Uuid;

use super::*;
use crate::outage::{
    Cause, Confidence, CrewState, Estimate, EstimateSource, OutageKind, Polygon, Standing,
    odin::{self, Form},
};

fn at(hours: i64) -> Timestamp {
    "2013-05-22T07:13:00Z".parse::<Timestamp>().unwrap().saturating_add(SignedDuration::from_hours(hours)).unwrap()
}

fn zone() -> TimeZone {
    TimeZone::fixed(jiff::tz::offset(7))
}

fn ring(points: &[(i32, i32)]) -> Polygon {
    let scaled = |(lon, lat): &(i32, i32)| Position { lon_e7: lon * 1_000_000, lat_e7: lat * 1_000_000 };
    Polygon { ring: points.iter().map(scaled).collect() }
}

/// 500 kV, Di Linh to Tân Định: what the south lost that day, as far as this needs it.
fn outage(areas: Vec<Area>) -> PublicOutage {
    PublicOutage {
        id: Uuid::from_u128(1),
        node: "spc-1".into(),
        region: "SPC".into(),
        kind: OutageKind::Unplanned,
        cause: Cause::Transmission,
        areas,
        begins_at: at(0),
        ended_at: None,
        estimate: Some(Estimate {
            earliest: at(1),
            latest: at(2),
            source: EstimateSource::Dispatcher,
            confidence: Confidence::Medium,
        }),
        customers: Some(8_000),
        without_supply: 3_000,
        crew: CrewState::OnSite,
        parent: None,
        window: None,
        alternative: None,
        cancelled: false,
        updated_at: at(0),
    }
}

fn json(value: &Value) -> serde_json::Value {
    serde_json::from_str(&value.json()).unwrap()
}

#[test]
fn rings_are_drawn_counter_clockwise_as_longitude_and_latitude() {
    let province = Area { province: Some("VN-57".into()), ..Area::default() };
    let clockwise = Area {
        polygon: Some(ring(&[(1066, 110), (1066, 111), (1067, 111), (1067, 110), (1066, 110)])),
        ..province.clone()
    };
    let drawn = |areas: Vec<Area>| {
        let document = json(&collection(&[outage(areas)], About::default(), at(1), &zone()));
        document["features"][0].clone()
    };
    let one = drawn(vec![clockwise.clone()]);
    assert_eq!(
        one["geometry"],
        serde_json::json!({ "type": "Polygon", "coordinates": [[[106.6, 11.0], [106.7, 11.0], [106.7, 11.1], [106.6, 11.1], [106.6, 11.0]]] })
    );
    let two = drawn(vec![clockwise.clone(), province.clone(), clockwise]);
    assert_eq!(
        (two["geometry"]["type"].as_str(), two["geometry"]["coordinates"].as_array().map(Vec::len)),
        (Some("MultiPolygon"), Some(2))
    );
    let none = drawn(vec![province]);
    assert!(none["geometry"].is_null());
    assert_eq!(none["properties"]["areas"][0]["province_name"], "Bình Dương");
    assert_eq!(
        (&none["properties"]["status"], &none["properties"]["begins_at"]),
        (&"partly_restored".into(), &"2013-05-22T14:13:00+07:00".into())
    );
}

#[test]
fn an_outage_stands_where_its_times_and_numbers_say() {
    let base = outage(vec![]);
    let standing = |change: fn(&mut PublicOutage)| {
        let mut changed = base.clone();
        change(&mut changed);
        changed.standing(at(1))
    };
    assert_eq!(standing(|_| {}), Standing::PartlyRestored);
    assert_eq!(standing(|o| o.without_supply = 8_000), Standing::Out);
    assert_eq!(standing(|o| o.customers = None), Standing::Out);
    assert_eq!(standing(|o| o.begins_at = at(2)), Standing::Planned);
    assert_eq!(standing(|o| o.ended_at = Some(at(1))), Standing::Restored);
    assert_eq!(standing(|o| (o.cancelled, o.begins_at) = (true, at(2))), Standing::Cancelled);
}

#[test]
fn the_industry_reads_what_we_know_and_nothing_that_we_do_not() {
    let area = Area { province: Some("VN-57".into()), feeder: Some("471-E5".into()), ..Area::default() };
    let mut cancelled = outage(vec![area.clone()]);
    cancelled.cancelled = true;
    let outages = [outage(vec![area]), cancelled];
    let document = json(&odin::document(&outages, Form::Json, at(1), &zone()));
    assert_eq!(
        document,
        serde_json::json!({ "outage": [{
            "mRID": "00000000-0000-0000-0000-000000000001", "cause": "transmission", "communityDescriptor": "VN-57",
            "customersRestored": 5000, "metersAffected": 3000, "originalMetersAffected": 8000, "outageKind": "partiallyRestored",
            "reportedStartTime": "2013-05-22T14:13:00+07:00", "statusKind": "arrived", "utilityDisclaimer": odin::DISCLAIMER,
            "actualPeriod": { "start": "2013-05-22T14:13:00+07:00" },
            "estimatedRestorationTime": { "ert": "2013-05-22T16:13:00+07:00", "ertSource": "dispatcher" },
            "names": [{ "name": "SPC", "nameType": "UtilityName" }, { "name": "spc-1", "nameType": "UtilityId" }],
            "outageArea": [{
                "earliestReportedTime": "2013-05-22T14:13:00+07:00", "outageAreaKind": "serviceArea",
                "names": [{ "name": "VN-57", "nameType": "Province" }, { "name": "471-E5", "nameType": "Feeder" }],
            }],
        }] })
    );
    let xml = odin::document(&outages, Form::Xml, at(1), &zone()).xml(odin::ROOT, &[("xmlns", odin::NAMESPACE)]);
    let read = roxmltree::Document::parse(&xml).unwrap();
    let texts = |name: &str| -> Vec<_> {
        read.descendants()
            .filter(|node| node.has_tag_name((odin::NAMESPACE, name)))
            .filter_map(|node| node.text())
            .collect()
    };
    assert_eq!(texts("ert"), ["2013-05-22T16:13:00+07:00"]);
    assert_eq!(texts("NameType").len(), 0, "it holds its name");
    assert_eq!(read.root_element().children().count(), 1);
}
