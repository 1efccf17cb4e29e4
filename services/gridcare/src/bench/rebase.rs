//! `gridcare bench rebase`: what another standard costs that concerns every open ticket.

use std::time::Duration;

use clap::Args;
use gridcare_chassis::{
    id::new_id,
    tls::{self, ClientTls},
};
use gridcare_domain::standard::{SecretKey, builtin};
use gridcare_proto::{
    federation::v1::{DescribeNodeRequest, feed_service_client::FeedServiceClient},
    standard::v1::{OfferStandardRequest, standard_service_client::StandardServiceClient},
    ticket::v1::{Clock, ClockPhase, ListTicketsRequest, TicketFilter, TicketOrder, TicketState},
};
use serde_json::json;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    load::Load,
    summary::rounded,
    tickets::{client, page, refused},
};
use crate::{failure::Failure, output};

/// States in which clocks go on.
const OPEN: [TicketState; 6] = [
    TicketState::New,
    TicketState::Assigned,
    TicketState::InProgress,
    TicketState::WaitingCustomer,
    TicketState::WaitingThirdParty,
    TicketState::Reopened,
];

/// Offer the node another standard that takes effect at once, and wait until all open clocks are under it.
#[derive(Debug, Args)]
pub(crate) struct Rebase {
    /// gRPC address of the node
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7400")]
    address: String,
    /// PEM file of a private key that the node trusts
    #[arg(long, value_name = "FILE")]
    key: std::path::PathBuf,
    /// Tickets that go on, at least
    #[arg(long, value_name = "N")]
    open: u64,
    /// Give up after so many seconds
    #[arg(long, value_name = "S", default_value_t = 600)]
    patience: u64,
    /// Open tickets at the same time, so many a second in an open loop, and print their latencies too
    #[arg(long, value_name = "R", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    while_intake: Option<u32>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Rebase {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let stop = CancellationToken::new();
        let load = self.while_intake.map(|rate| Load::beside(&self.address, rate, stop.clone()));
        let rebasing = async {
            let took = self.rebased().await;
            stop.cancel();
            took
        };
        let opening = async {
            match load {
                Some(load) => load.run().await.map(Some),
                None => Ok(None),
            }
        };
        let (seconds, intake) = tokio::join!(rebasing, opening);
        let (seconds, intake) = (seconds?, intake?);
        let clocks = self.clocks().await?;
        if self.json {
            output::line(json!({
                "tickets": self.open, "clocks": clocks, "seconds": rounded(seconds, 2),
                "intake": intake.map(|summary| summary.json()),
            }))?;
            return Ok(());
        }
        output::line(format_args!(
            "{} open tickets with {clocks} open clocks are under the new standard after {seconds:.1} s",
            self.open
        ))?;
        match intake {
            Some(summary) => {
                output::line(format_args!("meanwhile:"))?;
                summary.show("tickets")
            }
            None => Ok(()),
        }
    }

    /// How many clocks go on, by a sample of each open state.
    async fn clocks(&self) -> Result<u64, Failure> {
        let mut client = client(&self.address)?;
        let open = |clock: &&Clock| matches!(clock.phase(), ClockPhase::Running | ClockPhase::Paused);
        let (mut tickets, mut clocks) = (0, 0);
        for state in OPEN {
            let filter = TicketFilter { states: vec![state.into()], ..TicketFilter::default() };
            let request = ListTicketsRequest { page_size: 1_000, ..page(filter, TicketOrder::OpenedAsc) };
            let found = client.list_tickets(request).await.map_err(refused("a page of tickets"))?.into_inner().tickets;
            tickets += found.len() as u64;
            clocks += found.iter().flat_map(|ticket| &ticket.clocks).filter(open).count() as u64;
        }
        Ok(self.open * clocks / tickets.max(1))
    }

    /// Offers the standard, and returns how many seconds after its instant the node says that its clocks are under it.
    async fn rebased(&self) -> Result<f64, Failure> {
        let channel = tls::channel(&self.address, &ClientTls::default())?;
        let mut feed = FeedServiceClient::new(channel.clone());
        let pem = std::fs::read_to_string(&self.key)
            .map_err(|error| Failure::because(format!("{} cannot be read", self.key.display()), &error))?;
        let key = SecretKey::from_pem(&pem).map_err(|error| Failure::because("the key cannot be used", &error))?;
        let now = gridcare_chassis::clock::SystemClock::shared().now();
        // A standard is dated to the second.
        let effective = jiff::Timestamp::from_second(now.as_second() + 4)
            .map_err(|error| Failure::because("the standard cannot be dated", &error))?;
        let bundle = builtin()
            .replace("\nversion: 1\n", "\nversion: 2\n")
            .replace("effective_at: 2013-01-01T00:00:00+07:00", &format!("effective_at: {effective}"));
        let signature = key.sign(bundle.as_bytes(), now).to_yaml();
        let head = |answer: gridcare_proto::federation::v1::DescribeNodeResponse| answer.head.map_or(0, |h| h.position);
        let failed = refused("the node");
        let before = head(feed.describe_node(DescribeNodeRequest {}).await.map_err(&failed)?.into_inner());
        let offer = OfferStandardRequest {
            request_id: new_id().to_string(),
            bundle: bundle.into_bytes(),
            signature: signature.into_bytes(),
            published_at: Some(prost_types::Timestamp { seconds: now.as_second(), nanos: now.subsec_nanosecond() }),
        };
        let answer = StandardServiceClient::new(channel).offer_standard(offer).await.map_err(&failed)?.into_inner();
        let reasons: Vec<_> = answer
            .standard
            .iter()
            .flat_map(|s| s.reasons.iter().map(|r| format!("{}: {}", r.reason, r.message)))
            .collect();
        if !reasons.is_empty() {
            return Err(Failure::said(format!("the node refused the standard: {}", reasons.join(", "))));
        }
        let wait = u64::try_from((effective - now).get_milliseconds().max(0)).unwrap_or(3_000);
        tokio::time::sleep(Duration::from_millis(wait)).await;
        let began = Instant::now();
        loop {
            let at = head(feed.describe_node(DescribeNodeRequest {}).await.map_err(&failed)?.into_inner());
            // What is opened meanwhile has an entry too.
            let opened = u64::from(self.while_intake.unwrap_or(0)) * began.elapsed().as_secs();
            if at >= before + self.open + opened {
                return Ok(began.elapsed().as_secs_f64());
            }
            if began.elapsed() > Duration::from_secs(self.patience) {
                return Err(Failure::said(format!(
                    "{} of {} tickets after {} s",
                    at - before,
                    self.open,
                    self.patience
                )));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}
