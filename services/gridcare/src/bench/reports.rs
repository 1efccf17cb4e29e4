//! `gridcare bench reports`: how long a node takes to answer with a report of twelve months.

use clap::Args;
use gridcare_chassis::{
    clock::SystemClock,
    tls::{self, ClientTls},
};
use gridcare_proto::report::v1::{
    GetReportRequest, ReportPeriod, ReportStep, report_service_client::ReportServiceClient,
};
use jiff::{ToSpan as _, tz::TimeZone};
use tokio::time::Instant;

use super::{summary::Spread, tickets::refused};
use crate::{failure::Failure, output};

/// Ask a node for the report of the last twelve months again and again, by months and as a whole, and print the latencies.
#[derive(Debug, Args)]
pub(crate) struct Asked {
    /// gRPC address of the node
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7400")]
    address: String,
    /// Calls of each kind
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    calls: u32,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Asked {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let channel = tls::channel(&self.address, &ClientTls::default())?;
        let mut client = ReportServiceClient::new(channel).max_decoding_message_size(64 << 20);
        let today = SystemClock::shared().now().to_zoned(TimeZone::UTC).date();
        let undated = |error: jiff::Error| Failure::because("the last twelve months cannot be told", &error);
        let until = today.tomorrow().map_err(undated)?;
        let from = until.checked_sub(12.months()).map_err(undated)?;
        let mut found = serde_json::Map::new();
        for (name, step) in [("month", ReportStep::Month), ("total", ReportStep::Total)] {
            let period = ReportPeriod {
                from: from.to_string(),
                until: until.to_string(),
                step: step.into(),
                ..ReportPeriod::default()
            };
            let mut took = Vec::new();
            for _ in 0..self.calls {
                let request = GetReportRequest { period: Some(period.clone()) };
                let began = Instant::now();
                let answer = client.get_report(request).await.map_err(refused("a report"))?.into_inner();
                took.push(began.elapsed());
                if answer.rows.iter().all(|row| row.inflow == 0) {
                    return Err(Failure::said("there are no tickets of the last twelve months; fill the node first"));
                }
            }
            let spread = Spread::of(&mut took);
            if self.json {
                found.insert(name.to_owned(), spread.json());
            } else {
                output::line(format_args!("{name:<5} {spread}"))?;
            }
        }
        if self.json {
            output::line(serde_json::Value::Object(found))?;
        }
        Ok(())
    }
}
