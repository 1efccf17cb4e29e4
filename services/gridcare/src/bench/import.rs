//! `gridcare bench import`: contacts per second through a node, counted and in their buckets.

use std::time::Duration;

use clap::Args;
use gridcare_chassis::{
    id::new_id,
    tls::{self, ClientTls},
};
use gridcare_proto::contact::v1::{ImportContactsRequest, contact_service_client::ContactServiceClient};
use serde_json::json;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    load::Load,
    summary::{Summary, per_second, rounded},
    synthetic,
};
use crate::{failure::Failure, output};

/// Import contacts that are made up, and print how many a second the node acknowledged.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// gRPC address of the node
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7400")]
    address: String,
    /// Contacts to import; all are made before the clock starts
    #[arg(long, value_name = "N", default_value_t = 400_000, value_parser = clap::value_parser!(u32).range(1..))]
    contacts: u32,
    /// Contacts in one batch
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    batch: u32,
    /// Open tickets at the same time, in an open loop, and print their latencies too
    #[arg(long)]
    while_intake: bool,
    /// Tickets per second of --while-intake
    #[arg(long, value_name = "R", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    intake_rate: u32,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Import {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let batches = self.batches()?;
        let stop = CancellationToken::new();
        let load = self.load(stop.clone());
        let importing = async {
            let took = self.send(batches).await;
            stop.cancel();
            took
        };
        let opening = async {
            match load {
                Some(load) => load.run().await.map(Some),
                None => Ok(None),
            }
        };
        let (took, intake) = tokio::join!(importing, opening);
        self.tell(took?, intake?)
    }

    fn batches(&self) -> Result<Vec<ImportContactsRequest>, Failure> {
        let drafts = synthetic::drafts(usize::try_from(self.contacts).unwrap_or(usize::MAX))?;
        // Another source every time, or a second run would meet nothing but duplicates.
        let source = format!("bench/{}", new_id().simple());
        let size = usize::try_from(self.batch).unwrap_or(1);
        let mut drafts = drafts.into_iter().peekable();
        let mut batches = Vec::new();
        while drafts.peek().is_some() {
            batches.push(ImportContactsRequest {
                source: source.clone(),
                batch: batches.len() as u64,
                contacts: drafts.by_ref().take(size).collect(),
                checkpoint: String::new(),
            });
        }
        Ok(batches)
    }

    fn load(&self, stop: CancellationToken) -> Option<Load> {
        self.while_intake.then(|| Load::beside(&self.address, self.intake_rate, stop))
    }

    /// Sends all batches; returns the time from the first to the acknowledgement of the last.
    async fn send(&self, batches: Vec<ImportContactsRequest>) -> Result<Duration, Failure> {
        let refused =
            |status: &tonic::Status| Failure::answered(format!("the node at {} did not import", self.address), status);
        let channel = tls::channel(&self.address, &ClientTls::default())?;
        let mut client = ContactServiceClient::new(channel).max_encoding_message_size(16 << 20);
        let sent = batches.len() as u64;
        let (mut answered, mut accepted) = (0, 0);
        let began = Instant::now();
        let answers = client.import_contacts(tokio_stream::iter(batches)).await;
        let mut answers = answers.map_err(|status| refused(&status))?.into_inner();
        while let Some(answer) = answers.message().await.map_err(|status| refused(&status))? {
            answered += 1;
            accepted += answer.accepted;
        }
        let took = began.elapsed();
        if (answered, accepted) != (sent, self.contacts) {
            return Err(Failure::said(format!(
                "{answered} of {sent} batches were acknowledged, and {accepted} of {} contacts accepted",
                self.contacts
            )));
        }
        Ok(took)
    }

    fn tell(&self, took: Duration, intake: Option<Summary>) -> Result<(), Failure> {
        let rate = per_second(self.contacts.into(), took);
        let seconds = took.as_secs_f64();
        if self.json {
            output::line(json!({
                "contacts": self.contacts, "batch": self.batch, "seconds": rounded(seconds, 3), "rate": rounded(rate, 1),
                "intake": intake.map(|summary| summary.json()),
            }))?;
            return Ok(());
        }
        output::line(format_args!("{rate:.0} contacts/s, {} in {seconds:.2} s", self.contacts))?;
        if let Some(summary) = intake {
            output::line(format_args!("meanwhile:"))?;
            summary.show("tickets")?;
        }
        Ok(())
    }
}
