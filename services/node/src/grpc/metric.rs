use gridcare_domain::{
    metric::{FIGURES, fold::Grain},
    refusal::Violation,
};
use gridcare_proto::{
    convert::{code, metric as convert, time},
    metric::v1::{self as wire, metric_service_server::MetricService},
};
use jiff::tz::TimeZone;
use tonic::{Request, Response, Status};

use super::{Metrics, codes, failed, refuse_if};
use crate::{
    flows::metric_is_asked::{Question, quarter, verify},
    outlet::{Outflow, outlet},
};

#[tonic::async_trait]
impl MetricService for Metrics {
    type VerifyMetricsStream = Outflow<wire::VerifyMetricsResponse>;

    async fn query_metrics(
        &self,
        request: Request<wire::QueryMetricsRequest>,
    ) -> Result<Response<wire::QueryMetricsResponse>, Status> {
        let body = request.into_inner();
        let mut found = Vec::new();
        let (from_us, until_us) = period(body.from.as_ref(), body.until.as_ref(), &mut found);
        let grain = match wire::Granularity::try_from(body.granularity) {
            Ok(wire::Granularity::Unspecified | wire::Granularity::Total) => Grain::Total,
            Ok(wire::Granularity::Hour) => Grain::Hour,
            Ok(wire::Granularity::Day) => Grain::Day,
            Ok(wire::Granularity::Month) => Grain::Month,
            Err(_) => {
                found.push(Violation::new("granularity", "UNKNOWN_CODE", "give a granularity of this version"));
                Grain::Total
            }
        };
        let channels = codes("channels", &body.channels, |number| code::channel_from_wire(*number), &mut found);
        check_size(grain, from_us, until_us, body.with_sketches, &mut found);
        let name = if body.time_zone.is_empty() { self.0.time_zone.as_str() } else { body.time_zone.as_str() };
        let zone = if body.time_zone.is_empty() { Ok(self.0.zone.clone()) } else { TimeZone::get(name) };
        if zone.is_err() {
            found.push(Violation::new("time_zone", "UNKNOWN_ZONE", "give an IANA time zone such as Asia/Ho_Chi_Minh"));
        }
        refuse_if(found)?;
        let zone = zone.unwrap_or(TimeZone::UTC);
        let question = Question { from_us, until_us, grain, channels, zone, with_sketches: body.with_sketches };
        let rows = self.0.query_metrics(&question).await.map_err(|e| failed(&e))?;
        let rows = rows.map_err(|refusal| gridcare_chassis::status::refuse(&refusal))?;
        let formula = |f: &gridcare_domain::metric::Figure| wire::FigureFormula {
            metric: format!("{}.{}", f.channel, f.metric),
            formula: f.formula.to_owned(),
        };
        Ok(Response::new(wire::QueryMetricsResponse {
            definition: Some(convert::definition_to_wire(&self.0.definition)),
            rows,
            formulas: FIGURES.iter().map(formula).collect(),
            time_zone: name.to_owned(),
        }))
    }

    async fn verify_metrics(
        &self,
        request: Request<wire::VerifyMetricsRequest>,
    ) -> Result<Response<Self::VerifyMetricsStream>, Status> {
        let body = request.into_inner();
        let mut found = Vec::new();
        let (from_us, until_us) = match (&body.from, &body.until) {
            (None, None) => (i64::MIN, i64::MAX),
            (from, until) => period(from.as_ref(), until.as_ref(), &mut found),
        };
        refuse_if(found)?;
        let (out, stream) = outlet();
        tokio::spawn(verify(self.0.clone(), from_us, until_us, out));
        Ok(Response::new(stream))
    }
}

/// How much an answer may hold: enough for a year by the hour, or by the month with sketches.
fn check_size(grain: Grain, from_us: i64, until_us: i64, with_sketches: bool, found: &mut Vec<Violation>) {
    const HOUR_US: i64 = 3_600_000_000;
    const YEAR_US: i64 = 366 * 24 * HOUR_US;
    let length = until_us.saturating_sub(from_us);
    let most = if with_sketches { 1_000 } else { 9_000 };
    let intervals = match grain {
        Grain::Total => 1,
        Grain::Hour => length / HOUR_US,
        Grain::Day => length / (24 * HOUR_US),
        Grain::Month => length / (28 * 24 * HOUR_US),
    };
    if intervals > most {
        found.push(Violation::new("until", "TOO_MANY_ROWS", format!("ask for at most {most} intervals at once")));
    }
    if with_sketches && length > YEAR_US {
        found.push(Violation::new("until", "TOO_LONG", "ask for at most 366 days with sketches"));
    }
}

/// A period on quarters of an hour, or violations.
fn period(
    from: Option<&prost_types::Timestamp>,
    until: Option<&prost_types::Timestamp>,
    found: &mut Vec<Violation>,
) -> (i64, i64) {
    let mut bound = |field: &str, at: Option<&prost_types::Timestamp>| {
        let us = quarter(at.and_then(time::instant));
        if us.is_none() {
            found.push(Violation::new(field, "NOT_A_QUARTER", "give a time on a quarter of an hour"));
        }
        us
    };
    let (from_us, until_us) = (bound("from", from), bound("until", until));
    if let (Some(from_us), Some(until_us)) = (from_us, until_us)
        && until_us <= from_us
    {
        found.push(Violation::new("until", "EMPTY_PERIOD", "give an until that is later than from"));
    }
    (from_us.unwrap_or(0), until_us.unwrap_or(0))
}
