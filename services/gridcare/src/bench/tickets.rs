//! `gridcare bench fill` and `pages`: a million tickets, and what reading them costs.

use std::time::Duration;

use clap::Args;
use futures::{StreamExt as _, stream};
use gridcare_chassis::{
    id::new_id,
    tls::{self, ClientTls},
};
use gridcare_proto::ticket::v1::{
    ExplainClocksRequest, ImportTicketsRequest, ImportedEvent, ImportedTicket, ListTicketsRequest, OpenTicketRequest,
    TicketFilter, TicketOrder, TicketState, TimelineKind, imported_event::Event,
    ticket_service_client::TicketServiceClient,
};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tokio::time::Instant;
use tonic::transport::Channel;

use super::summary::{per_second, rounded};
use crate::{failure::Failure, output};

/// Tickets in one request.
const BATCH: u32 = 1_000;
/// Requests under way at once.
const AT_ONCE: usize = 4;
/// Seconds between two tickets: a million of them are about a year.
const APART_S: i64 = 31;

pub(super) fn client(address: &str) -> Result<TicketServiceClient<Channel>, Failure> {
    let channel = tls::channel(address, &ClientTls::default())?;
    Ok(TicketServiceClient::new(channel).max_encoding_message_size(16 << 20).max_decoding_message_size(64 << 20))
}

pub(super) fn refused(what: &str) -> impl Fn(tonic::Status) -> Failure {
    move |status| Failure::answered(format!("{what} failed"), &status)
}

/// Bring made-up tickets into a node, with the clocks that their histories give them, and print how many a second it kept.
#[derive(Debug, Args)]
pub(crate) struct Fill {
    /// gRPC address of the node
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7400")]
    address: String,
    /// Tickets to have in the end; those that an earlier run brought in count
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    tickets: u32,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Fill {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let client = client(&self.address)?;
        let now = gridcare_chassis::clock::SystemClock::shared().now().as_second();
        // The newest is ten minutes old, so that first answers are not all late.
        let first = now - 600 - i64::from(self.tickets) * APART_S;
        let bar = ProgressBar::new(self.tickets.into());
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} tickets, {per_sec}, {eta} to go") {
            bar.set_style(style);
        }
        let began = Instant::now();
        let batches = (0..self.tickets.div_ceil(BATCH)).map(|number| {
            let mut client = client.clone();
            let tickets = self.tickets;
            async move {
                let range = number * BATCH..((number + 1) * BATCH).min(tickets);
                let request = ImportTicketsRequest {
                    request_id: new_id().to_string(),
                    source: "bench".to_owned(),
                    tickets: range.map(|n| ticket(n, first + i64::from(n) * APART_S, now)).collect(),
                };
                let answer = client.import_tickets(request).await.map_err(refused("an import of tickets"))?;
                let answer = answer.into_inner();
                match answer.rejections.first() {
                    Some(no) => Err(Failure::said(format!("{} was refused: {}", no.source_key, no.message))),
                    None => Ok(answer.imported),
                }
            }
        });
        let mut answers = stream::iter(batches).buffered(AT_ONCE);
        let mut kept = 0;
        while let Some(answer) = answers.next().await {
            kept += answer?;
            bar.inc(BATCH.into());
        }
        bar.finish_and_clear();
        let took = began.elapsed();
        let rate = per_second(kept.into(), took);
        if self.json {
            let seconds = rounded(took.as_secs_f64(), 2);
            output::line(json!({ "tickets": kept, "seconds": seconds, "rate": rounded(rate, 1) }))?;
        } else {
            output::line(format_args!("{kept} tickets in {:.1} s, {rate:.0} a second", took.as_secs_f64()))?;
        }
        Ok(())
    }
}

/// Three in ten are about a lost supply, one in a hundred thousand has a rare word; nine in ten go on.
fn ticket(n: u32, opened: i64, now: i64) -> ImportedTicket {
    let at = |seconds: i64| Some(prost_types::Timestamp { seconds, nanos: 0 });
    let spread = n.wrapping_mul(2_654_435_761);
    let (topic, subject) = match spread % 10 {
        0..3 => ("outage", format!("Mất điện tại trạm {}", n % 5_000)),
        3..6 => ("bill", format!("Hỏi hóa đơn tiền điện kỳ {}", n % 12)),
        6..8 => ("meter_complaint", format!("Công tơ số {} chạy nhanh", n % 90_000)),
        _ => ("information", format!("Hỏi thông tin dịch vụ {}", n % 300)),
    };
    let rare = if n.is_multiple_of(100_000) { " khẩn thiết hiếmhoi" } else { "" };
    let opening = OpenTicketRequest {
        topic: topic.to_owned(),
        channel: if n.is_multiple_of(3) { "sms" } else { "hotline" }.to_owned(),
        subject: subject + rare,
        customer_code: format!("PE{:011}", spread % 2_000_000),
        team: format!("district-{}", spread % 24),
        ..OpenTicketRequest::default()
    };
    let mut events = Vec::new();
    let mut add = |after: i64, event| {
        if opened + after < now {
            events.push(ImportedEvent { at: at(opened + after), event: Some(event), ..ImportedEvent::default() });
        }
    };
    if !n.is_multiple_of(4) {
        add(120, Event::Assignee(format!("agent {}", n % 499)));
        add(300, Event::Said(TimelineKind::Reply.into()));
    }
    if n.is_multiple_of(10) {
        add(7_000, Event::State(TicketState::Resolved.into()));
    }
    ImportedTicket { source_key: n.to_string(), opened_at: at(opened), opening: Some(opening), events }
}

/// Ask for pages of 50 in every named way, and explain clocks; print the latencies of each.
#[derive(Debug, Args)]
pub(crate) struct Pages {
    /// gRPC address of the node
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7400")]
    address: String,
    /// Calls of each kind
    #[arg(long, value_name = "N", default_value_t = 300)]
    calls: u32,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Pages {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let mut client = client(&self.address)?;
        let mut found = serde_json::Map::new();
        for (name, make) in WAYS {
            let mut took = Vec::new();
            for call in 0..self.calls {
                let request = make(call);
                let began = Instant::now();
                let answer = client.list_tickets(request).await.map_err(refused("a page of tickets"))?.into_inner();
                // The first calls fill caches that a node at work has filled.
                if call >= self.calls / 10 {
                    took.push(began.elapsed());
                }
                if answer.tickets.is_empty() {
                    return Err(Failure::said(format!("{name}: no ticket was found; fill the node first")));
                }
            }
            self.tell(name, &mut took, &mut found)?;
        }
        let listed = ListTicketsRequest { page_size: 500, ..ListTicketsRequest::default() };
        let names: Vec<String> = client
            .list_tickets(listed)
            .await
            .map_err(refused("a page of tickets"))?
            .into_inner()
            .tickets
            .into_iter()
            .map(|ticket| ticket.id)
            .collect();
        let mut took = Vec::new();
        for call in 0..self.calls {
            let name = names[call as usize % names.len()].clone();
            let began = Instant::now();
            client
                .explain_clocks(ExplainClocksRequest { name, at: None })
                .await
                .map_err(refused("an explanation of clocks"))?;
            took.push(began.elapsed());
        }
        self.tell("explain-clocks", &mut took, &mut found)?;
        if self.json {
            output::line(serde_json::Value::Object(found))?;
        }
        Ok(())
    }

    fn tell(
        &self,
        name: &str,
        took: &mut [Duration],
        found: &mut serde_json::Map<String, serde_json::Value>,
    ) -> Result<(), Failure> {
        took.sort_unstable();
        let at = |share: usize| took[(took.len() * share / 100).min(took.len() - 1)].as_secs_f64() * 1e3;
        let (p50, p99) = (at(50), at(99));
        found.insert(name.to_owned(), json!({ "p50": rounded(p50, 3), "p99": rounded(p99, 3) }));
        if self.json {
            return Ok(());
        }
        output::line(format_args!("{name:<24} p50 {p50:>8.2} ms  p99 {p99:>8.2} ms"))?;
        Ok(())
    }
}

type Make = fn(u32) -> ListTicketsRequest;

/// The ways in which a desk asks.
const WAYS: [(&str, Make); 9] = [
    ("newest", |_| page(TicketFilter::default(), TicketOrder::OpenedDesc)),
    ("new-oldest-first", |_| {
        let states = vec![TicketState::New.into()];
        page(TicketFilter { states, ..TicketFilter::default() }, TicketOrder::OpenedAsc)
    }),
    ("queue-by-deadline", |_| {
        page(TicketFilter { unassigned: true, ..TicketFilter::default() }, TicketOrder::DeadlineAsc)
    }),
    ("team-by-deadline", |n| {
        let team = format!("district-{}", n % 24);
        page(TicketFilter { team, ..TicketFilter::default() }, TicketOrder::DeadlineAsc)
    }),
    ("agent-newest", |n| {
        let assignee = format!("agent {}", n % 499);
        page(TicketFilter { assignee, ..TicketFilter::default() }, TicketOrder::OpenedDesc)
    }),
    ("my-queue-by-deadline", |n| {
        let assignee = format!("agent {}", n % 499);
        page(TicketFilter { assignee, ..TicketFilter::default() }, TicketOrder::DeadlineAsc)
    }),
    ("changed-last", |_| page(TicketFilter::default(), TicketOrder::UpdatedDesc)),
    ("rare-word", |_| {
        page(TicketFilter { words: "hiemhoi".to_owned(), ..TicketFilter::default() }, TicketOrder::OpenedDesc)
    }),
    ("common-word", |n| {
        let words = if n % 2 == 0 { "mat dien" } else { "điện" }.to_owned();
        page(TicketFilter { words, ..TicketFilter::default() }, TicketOrder::OpenedDesc)
    }),
];

pub(super) fn page(filter: TicketFilter, order: TicketOrder) -> ListTicketsRequest {
    ListTicketsRequest { filter: Some(filter), order: order.into(), page_size: 50, page_token: String::new() }
}
