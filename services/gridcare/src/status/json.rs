//! The national status for programs.

use gridcare_domain::contact::Channel;
use gridcare_proto::federation::v1::{Completeness, FigureCompleteness, GetNationalStatusResponse};
use serde_json::{Map, Value, json};

use super::{
    cells::Cell,
    table::{self, COLUMNS},
};
use crate::time;

/// A cell: a number, or the word that says why there is none.
pub(crate) fn value(cell: Cell) -> Value {
    match cell {
        Cell::Number(number) => number.into(),
        Cell::NotOffered => "not_offered".into(),
        Cell::NotReported => "not_reported".into(),
        Cell::Unknown => "unknown".into(),
        Cell::Share(covered, expected) => json!({ "covered": covered, "expected": expected }),
    }
}

/// The whole answer as one object.
pub(super) fn status(status: &GetNationalStatusResponse) -> Value {
    let region = |code: &str| json!({ "code": code, "channels": channels(status, Some(code)), "tickets": tickets(status, Some(code)) });
    let regions: Vec<_> = table::regions(status).into_iter().map(region).collect();
    json!({
        "period": { "from": instant(status.from.as_ref()), "until": instant(status.until.as_ref()) },
        "as_of": instant(status.as_of.as_ref()),
        "regions": regions,
        "national": national(status),
        "completeness": completeness(status.completeness.as_ref()),
    })
}

/// `{"hotline": {"offered": …}, …}` of one region, or of the country.
pub(crate) fn channels(status: &GetNationalStatusResponse, region: Option<&str>) -> Value {
    by_channel(|channel, metric| {
        let figure = table::figure(status, channel, metric);
        value(region.map_or_else(|| table::national(figure), |region| table::cell(figure, region)))
    })
}

/// The country's sums, and which regions each of them covers.
pub(crate) fn national(status: &GetNationalStatusResponse) -> Value {
    let covers = by_channel(|channel, metric| {
        table::figure(status, channel, metric)
            .and_then(|figure| figure.completeness.as_ref())
            .map_or(Value::Null, covers)
    });
    json!({ "channels": channels(status, None), "completeness": covers, "tickets": tickets(status, None) })
}

/// Open and all tickets of one region, or of the country; null where nothing was ever received.
pub(crate) fn tickets(status: &GetNationalStatusResponse, region: Option<&str>) -> Value {
    let mut found =
        status.tickets.iter().filter(|tickets| region.is_none_or(|region| tickets.region == region)).peekable();
    if found.peek().is_none() {
        return Value::Null;
    }
    let (open, total) = found.fold((0, 0), |(open, total), tickets| (open + tickets.open, total + tickets.total));
    json!({ "open": open, "total": total })
}

/// Which regions the answer covers, as of when.
pub(crate) fn completeness(completeness: Option<&Completeness>) -> Value {
    let Some(completeness) = completeness else { return Value::Null };
    let region = |reach: &gridcare_proto::federation::v1::RegionReach| {
        let status = reach.status().as_str_name().trim_start_matches("REACH_STATUS_").to_owned();
        json!({
            "code": reach.region, "node": reach.node, "status": status, "behind": reach.behind,
            "as_of": instant(reach.as_of.as_ref()), "since": instant(reach.since.as_ref()),
        })
    };
    let regions: Vec<_> = completeness.regions.iter().map(region).collect();
    json!({ "expected": completeness.expected, "covered": completeness.covered, "regions": regions })
}

fn by_channel(of: impl Fn(Channel, &str) -> Value) -> Value {
    let mut channels: Map<String, Value> = Map::new();
    for (channel, metric) in COLUMNS {
        let metrics = channels.entry(channel.code()).or_insert_with(|| json!({}));
        metrics[metric] = of(channel, metric);
    }
    channels.into()
}

fn covers(figure: &FigureCompleteness) -> Value {
    json!({
        "expected": figure.expected, "covered": figure.covered,
        "not_offered": figure.not_offered, "not_reported": figure.not_reported, "partial": figure.partial,
    })
}

/// An instant, or null.
pub(crate) fn instant(at: Option<&prost_types::Timestamp>) -> Value {
    at.and_then(time::from_wire).map_or(Value::Null, |at| at.to_string().into())
}
