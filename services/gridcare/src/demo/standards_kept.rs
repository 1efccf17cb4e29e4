//! Whether the standards were kept, by region and nationally, as the gateway's report says.

use std::{fmt::Write as _, time::Duration};

use gridcare_proto::report::v1::{
    GetNationalReportRequest, GetNationalReportResponse, ReportPeriod, ReportRow, ReportStep,
    national_report_service_client::NationalReportServiceClient,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Run, country::Running, fill::Filled};
use crate::{connection::Connection, failure::Failure};

/// How long the report may take to hold everything that the gateway has.
const PATIENCE: Duration = Duration::from_secs(30);

/// The national report over the demo's period, once it holds every ticket that was brought in.
pub(super) async fn ask(run: &Run, running: &Running, filled: &Filled) -> Result<GetNationalReportResponse, Failure> {
    let mut client = NationalReportServiceClient::new(Connection::near(running.gateway_url()).caller()?)
        .max_decoding_message_size(64 << 20);
    let period = run.published.period;
    let period = ReportPeriod {
        from: period.from.to_string(),
        until: period.until.to_string(),
        step: ReportStep::Total.into(),
        ..ReportPeriod::default()
    };
    let request = GetNationalReportRequest { period: Some(period), regions: Vec::new() };
    let until = Instant::now() + PATIENCE;
    loop {
        let answer = client.get_national_report(request.clone()).await;
        let report =
            answer.map_err(|status| Failure::answered("the national report".to_owned(), &status))?.into_inner();
        let counted = report.rows.iter().find(|row| row.region.is_empty()).map_or(0, |row| row.inflow);
        if counted >= filled.tickets() || Instant::now() > until {
            return Ok(report);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// One line for each target: nationally, and in each region.
pub(super) fn text(run: &Run, report: &GetNationalReportResponse) -> String {
    let mut text = String::from("\nStandards of 2013: clocks met, of those that ended\n");
    let regions: Vec<&str> = run.country.regions.iter().map(|region| region.code.as_str()).collect();
    let _ = write!(text, "{:<28}{:>8}{:>9}", "target", "limit", "country");
    for region in &regions {
        let _ = write!(text, "{region:>8}");
    }
    text.push('\n');
    let Some(country) = row_of(report, "") else { return text };
    for target in &country.compliance {
        let _ = write!(text, "{:<28}{:>8}{:>9}", target.target, target.limit, share(target.of_ended));
        for region in &regions {
            let own = row_of(report, region).and_then(|row| row.compliance.iter().find(|c| c.rule == target.rule));
            let _ = write!(text, "{:>8}", own.map_or_else(String::new, |own| share(own.of_ended)));
        }
        text.push('\n');
    }
    text
}

fn row_of<'a>(report: &'a GetNationalReportResponse, region: &str) -> Option<&'a ReportRow> {
    report.rows.iter().find(|row| row.region == region && row.category.is_empty())
}

fn share(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{:.1} %", share * 100.0))
}

/// The same as JSON; the README documents its shape.
pub(super) fn json(run: &Run, report: &GetNationalReportResponse) -> Value {
    let place = |region: &str| {
        let Some(row) = row_of(report, region) else { return Value::Null };
        let targets = row.compliance.iter().map(|c| {
            json!({
                "target": c.target, "standard": c.standard, "limit": c.limit, "source": c.source, "assumed": c.assumed,
                "started": c.started, "ended": c.ended, "met": c.met, "breached": c.breached,
                "of_all": c.of_all, "of_ended": c.of_ended,
            })
        });
        let outages = row.topics.iter().find(|share| share.code == "outage");
        json!({
            "inflow": row.inflow, "resolved": row.resolved, "backlog": row.backlog,
            "outage_share": outages.and_then(|share| share.share),
            "satisfaction": row.satisfaction.as_ref().and_then(|s| s.mean),
            "first_contact": row.first_contact.as_ref().and_then(|f| f.rate),
            "targets": targets.collect::<Vec<_>>(),
        })
    };
    let regions: serde_json::Map<String, Value> =
        run.country.regions.iter().map(|region| (region.code.clone(), place(&region.code))).collect();
    json!({ "national": place(""), "regions": regions })
}
