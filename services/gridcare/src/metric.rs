//! `gridcare metric`: a node's figures, and proof that they are the sum of its contacts.

use clap::{Args, Subcommand, ValueEnum};
use gridcare_domain::contact as domain;
use gridcare_proto::{
    convert::code,
    metric::v1::{
        BucketMismatch, Granularity, MetricRow, QueryMetricsRequest, VerifyMetricsRequest,
        metric_service_client::MetricServiceClient,
    },
};
use indicatif::ProgressBar;
use jiff::{civil::Date, tz::TimeZone};
use serde_json::{Value, json};

use crate::{connection::Connection, failure::Failure, output, time};

/// Ask for a node's figures, or recompute them.
#[derive(Debug, Subcommand)]
pub(crate) enum Metric {
    Verify(Verify),
    Query(Query),
}

/// The node and the period that is asked about.
#[derive(Debug, Args)]
struct Asked {
    #[command(flatten)]
    connection: Connection,
    /// First local day; everything when absent
    #[arg(long, value_name = "DATE")]
    from: Option<Date>,
    /// The local day at whose beginning the period ends
    #[arg(long, value_name = "DATE")]
    until: Option<Date>,
    /// IANA zone of the days
    #[arg(long, value_name = "ZONE", default_value = "Asia/Ho_Chi_Minh")]
    time_zone: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Recompute every bucket from the raw contacts and compare; exits 1 when any differs.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    asked: Asked,
    /// Recount the tickets of reports too
    #[arg(long)]
    tickets: bool,
}

/// Show counts by channel and hour, day or month.
#[derive(Debug, Args)]
pub(crate) struct Query {
    #[command(flatten)]
    asked: Asked,
    /// How long one row is
    #[arg(long, value_enum, default_value_t = By::Total)]
    by: By,
    /// Only this channel; may be repeated
    #[arg(long, value_name = "CHANNEL", value_parser = channel)]
    channel: Vec<domain::Channel>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum By {
    /// The whole period
    Total,
    /// Local hours
    Hour,
    /// Local days
    Day,
    /// Local months
    Month,
}

impl Metric {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Verify(verify) => verify.run().await,
            Self::Query(query) => query.run().await,
        }
    }
}

impl Asked {
    fn client(&self) -> Result<MetricServiceClient<gridcare_chassis::client::Caller>, Failure> {
        Ok(MetricServiceClient::new(self.connection.caller()?).max_decoding_message_size(64 << 20))
    }

    fn failed(&self, status: &tonic::Status) -> Failure {
        Failure::answered(format!("the node at {} did not answer", self.connection.address), status)
    }
}

impl Verify {
    async fn run(self) -> Result<(), Failure> {
        let zone = time::zone(&self.asked.time_zone)?;
        let (from, until) = time::period(self.asked.from, self.asked.until, &zone)?;
        let failed = |status: tonic::Status| self.asked.failed(&status);
        let answer = self.asked.client()?.verify_metrics(VerifyMetricsRequest { from, until }).await.map_err(failed)?;
        let mut answer = answer.into_inner();
        let bar = ProgressBar::new_spinner();
        let (mut buckets, mut contacts, mut seen) = (0, 0, Vec::new());
        while let Some(progress) = answer.message().await.map_err(failed)? {
            // The counts grow; mismatches may be told as they are found, and all again in the sum at the end.
            (buckets, contacts) = (progress.buckets_checked, progress.contacts_read);
            bar.set_message(format!("{buckets} buckets, {contacts} contacts"));
            bar.tick();
            for mismatch in progress.mismatches {
                if !seen.contains(&mismatch) {
                    seen.push(mismatch);
                }
            }
        }
        bar.finish_and_clear();
        if self.asked.json {
            let found: Vec<_> = seen.iter().map(mismatch_json).collect();
            output::line(json!({ "buckets_checked": buckets, "contacts_read": contacts, "mismatches": found }))?;
        } else {
            for mismatch in &seen {
                output::line(mismatch_text(mismatch, &zone))?;
            }
            output::line(format!("{buckets} buckets checked against {contacts} contacts: {} differ", seen.len()))?;
        }
        // Both are told, whatever the first one found.
        let tickets_agree =
            !self.tickets || crate::report::verify::run(&self.asked.connection, self.asked.json).await?;
        if seen.is_empty() && tickets_agree { Ok(()) } else { Err(Failure::No) }
    }
}

impl Query {
    async fn run(self) -> Result<(), Failure> {
        let zone = time::zone(&self.asked.time_zone)?;
        let (Some(_), Some(_)) = (self.asked.from, self.asked.until) else {
            return Err(Failure::said("--from and --until: give both, such as --from 2013-01-01 --until 2013-06-01"));
        };
        let (from, until) = time::period(self.asked.from, self.asked.until, &zone)?;
        let granularity = match self.by {
            By::Total => Granularity::Total,
            By::Hour => Granularity::Hour,
            By::Day => Granularity::Day,
            By::Month => Granularity::Month,
        };
        let request = QueryMetricsRequest {
            from,
            until,
            granularity: granularity.into(),
            channels: self.channel.iter().map(|channel| code::channel_to_wire(*channel)).collect(),
            time_zone: self.asked.time_zone.clone(),
            with_sketches: false,
        };
        let answer = self.asked.client()?.query_metrics(request).await.map_err(|status| self.asked.failed(&status))?;
        for row in &answer.into_inner().rows {
            if self.asked.json {
                output::line(row_json(row))?;
            } else {
                output::line(row_text(row, &zone))?;
            }
        }
        Ok(())
    }
}

fn channel(text: &str) -> Result<domain::Channel, String> {
    let all = || domain::Channel::ALL.iter().map(|code| code.code()).collect::<Vec<_>>().join(", ");
    domain::Channel::parse(text).ok_or_else(|| format!("none of {}", all()))
}

fn words(channel: i32, direction: i32) -> (&'static str, &'static str) {
    let channel = code::channel_from_wire(channel).map_or("unknown", domain::Channel::code);
    (channel, code::direction_from_wire(direction).map_or("unknown", domain::Direction::code))
}

fn instant(at: Option<&prost_types::Timestamp>) -> Option<jiff::Timestamp> {
    at.and_then(time::from_wire)
}

fn local(at: Option<&prost_types::Timestamp>, zone: &TimeZone) -> String {
    instant(at).map_or_else(|| "?".to_owned(), |at| at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string())
}

fn mismatch_text(found: &BucketMismatch, zone: &TimeZone) -> String {
    let (channel, direction) = words(found.channel, found.direction);
    let start = local(found.start.as_ref(), zone);
    format!("{start} {channel} {direction}: {} is {}, recounted {}", found.what, found.stored, found.recounted)
}

fn mismatch_json(found: &BucketMismatch) -> Value {
    let (channel, direction) = words(found.channel, found.direction);
    json!({
        "channel": channel, "direction": direction, "start": instant(found.start.as_ref()).map(|at| at.to_string()),
        "what": found.what, "stored": found.stored, "recounted": found.recounted,
    })
}

fn row_text(row: &MetricRow, zone: &TimeZone) -> String {
    let (channel, direction) = words(row.channel, row.direction);
    let counts = row.counts.unwrap_or_default();
    format!(
        "{} .. {}  {channel:<8} {direction:<8} {:>9} contacts {:>9} answered {:>7} abandoned {:>7} busy",
        local(row.from.as_ref(), zone),
        local(row.until.as_ref(), zone),
        counts.contacts,
        counts.answered,
        counts.abandoned,
        counts.busy
    )
}

fn row_json(row: &MetricRow) -> Value {
    let (channel, direction) = words(row.channel, row.direction);
    let counts = row.counts.unwrap_or_default();
    let at = |wire| instant(wire).map(|at| at.to_string());
    json!({
        "channel": channel, "direction": direction, "from": at(row.from.as_ref()), "until": at(row.until.as_ref()),
        "contacts": counts.contacts, "answered": counts.answered, "answered_within": counts.answered_within,
        "abandoned": counts.abandoned, "short_abandoned": counts.short_abandoned, "busy": counts.busy,
        "self_served": counts.self_served, "unanswered": counts.unanswered, "failed": counts.failed,
        "wait_answered_ms": counts.wait_answered_ms, "talk_ms": counts.talk_ms, "hold_ms": counts.hold_ms,
        "wrap_ms": counts.wrap_ms,
    })
}
