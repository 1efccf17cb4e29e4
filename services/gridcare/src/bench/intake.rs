//! `gridcare bench intake`: durable tickets per second.

use std::time::Duration;

use clap::Args;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::load::Load;
use crate::{failure::Failure, output};

/// Open tickets, one per call, and print the rate and the latencies.
#[derive(Debug, Args)]
#[command(after_help = "\
Without --rate the loop is closed: each caller calls again when it was answered. With it the loop is open: calls are due at
fixed times, and latency counts from then, so that a stalled node cannot hide its stall (coordinated omission).")]
pub(crate) struct Intake {
    /// gRPC address of the node
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7400")]
    address: String,
    /// Calls that can be under way at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    callers: u32,
    /// Seconds that are measured
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: u32,
    /// Seconds before that, which are not
    #[arg(long, value_name = "SECONDS", default_value_t = 3, value_parser = clap::value_parser!(u32).range(0..=3_600))]
    warmup: u32,
    /// Calls per second of an open loop
    #[arg(long, value_name = "R", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: Option<u32>,
    /// Connections that the callers share
    #[arg(long, value_name = "C", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    connections: u32,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Intake {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let load = Load {
            address: self.address,
            callers: self.callers,
            connections: self.connections,
            rate: self.rate,
            warmup: Duration::from_secs(self.warmup.into()),
            measured: Some(Duration::from_secs(self.seconds.into())),
            stop: CancellationToken::new(),
        };
        let summary = load.run().await?;
        if self.json {
            let mut found = summary.json();
            found["loop"] = json!(if self.rate.is_some() { "open" } else { "closed" });
            found["callers"] = json!(self.callers);
            found["asked_rate"] = json!(self.rate);
            output::line(found)?;
            return Ok(());
        }
        summary.show("tickets")
    }
}
