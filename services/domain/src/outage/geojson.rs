//! GeoJSON (RFC 7946): one feature for each outage.

use jiff::{Timestamp, tz::TimeZone};

use super::{Area, Position, PublicOutage, Window};
use crate::{
    document::{Value, local},
    province,
};

/// What a collection says besides its features.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// Whether there was no room for more outages.
    pub cut: bool,
    /// Which regions the collection covers, at a gateway.
    pub completeness: Option<Value>,
}

/// A `FeatureCollection` of outages, in the order given.
#[must_use]
pub fn collection(outages: &[PublicOutage], about: About, now: Timestamp, zone: &TimeZone) -> Value {
    let features = outages.iter().map(|outage| feature(outage, now, zone)).collect();
    Value::Object(vec![
        ("type", Value::text("FeatureCollection")),
        ("features", Value::Each(features)),
        // Foreign members (§6.1): whoever does not know them reads the rest.
        ("complete", Value::Flag(!about.cut)),
        ("completeness", about.completeness.unwrap_or(Value::None)),
    ])
}

fn feature(outage: &PublicOutage, now: Timestamp, zone: &TimeZone) -> Value {
    let time = |at: Timestamp| Value::text(local(at, zone));
    let window =
        |window: Window| Value::Object(vec![("starts_at", time(window.starts_at)), ("ends_at", time(window.ends_at))]);
    let estimate = |estimate: super::Estimate| {
        Value::Object(vec![
            ("earliest", time(estimate.earliest)),
            ("latest", time(estimate.latest)),
            ("source", Value::text(estimate.source.code())),
            ("confidence", Value::text(estimate.confidence.code())),
        ])
    };
    let properties = Value::Object(vec![
        ("region", Value::text(&outage.region)),
        ("node", Value::text(&outage.node)),
        ("kind", Value::text(outage.kind.code())),
        ("status", Value::text(outage.standing(now).code())),
        ("cause", Value::text(outage.cause.code())),
        ("begins_at", time(outage.begins_at)),
        ("ended_at", Value::or_none(outage.ended_at, time)),
        ("estimate", Value::or_none(outage.estimate, estimate)),
        ("customers", Value::or_none(outage.customers, Value::Number)),
        ("without_supply", Value::Number(outage.without_supply)),
        ("crew", Value::text(outage.crew.code())),
        ("part_of", Value::or_none(outage.parent, |id| Value::text(id.to_string()))),
        ("planned", Value::or_none(outage.window, window)),
        ("alternative", Value::or_none(outage.alternative, window)),
        ("areas", Value::Each(outage.areas.iter().map(area).collect())),
        ("updated_at", time(outage.updated_at)),
    ]);
    Value::Object(vec![
        ("type", Value::text("Feature")),
        ("id", Value::text(outage.id.to_string())),
        ("geometry", geometry(&outage.areas)),
        ("properties", properties),
    ])
}

/// What is drawn: the rings that somebody drew, and nothing where nobody did (§3.2). A province's outline would say that all of
/// it is without supply.
fn geometry(areas: &[Area]) -> Value {
    let position = |position: &Position| {
        let (longitude, latitude) = position.degrees();
        Value::Each(vec![Value::Decimal(longitude), Value::Decimal(latitude)])
    };
    let mut polygons: Vec<Value> = areas
        .iter()
        .filter_map(|area| area.polygon.as_ref())
        .map(|polygon| Value::Each(vec![Value::Each(polygon.counter_clockwise().iter().map(position).collect())]))
        .collect();
    let (kind, coordinates) = match polygons.len() {
        0 => return Value::None,
        1 => ("Polygon", polygons.swap_remove(0)),
        _ => ("MultiPolygon", Value::Each(polygons)),
    };
    Value::Object(vec![("type", Value::text(kind)), ("coordinates", coordinates)])
}

fn area(area: &Area) -> Value {
    let text = |text: &Option<String>| Value::or_none(text.as_deref(), Value::text);
    let named = area.province.as_deref().and_then(province::find);
    Value::known(vec![
        ("province", text(&area.province)),
        ("province_name", Value::or_none(named, |province| Value::text(province.name_vi))),
        ("district", text(&area.district)),
        ("area_code", text(&area.area_code)),
        ("feeder", text(&area.feeder)),
        ("transformer", text(&area.transformer)),
    ])
}

#[cfg(test)]
#[path = "public_tests.rs"]
mod tests;
