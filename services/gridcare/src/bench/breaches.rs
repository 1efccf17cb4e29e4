//! `gridcare bench breaches`: how soon a node notices that a limit has passed.

use std::time::Duration;

use clap::Args;
use gridcare_chassis::{clock::SystemClock, id::new_id};
use gridcare_proto::{
    convert::time,
    ticket::v1::{
        ClockExplanation, ClockKind, ExplainClocksRequest, GetTicketRequest, ImportTicketsRequest, ImportedTicket,
        ListTicketsRequest, OpenTicketRequest, Ticket, TicketFilter, TicketOrder, TimelineEntry, TimelineKind,
        ticket_service_client::TicketServiceClient,
    },
};
use serde_json::json;
use tokio::time::{Instant, sleep};
use tonic::transport::Channel;

use super::{
    summary::Spread,
    tickets::{client, page, refused},
};
use crate::{failure::Failure, output};

/// Outages: the shipped standard limits them round the clock, also while no office is open.
const CATEGORY: &str = "outage";
const SECOND_US: i64 = 1_000_000;
/// The first limit passes so long after the tickets are made: time to bring them in.
const AHEAD_US: i64 = 5 * SECOND_US;
/// From the first limit to the last.
const SPREAD_US: i64 = 10 * SECOND_US;
/// How often what has passed is looked for.
const LOOK: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_mins(1);

/// Bring in tickets whose limit passes within seconds, and print how long after its deadline the node noticed each breach.
///
/// What counts is the time of the timeline's entry: the moment at which the node looked. It is written at once, and what is
/// due after it is looked for only then, so that slow writing shows in the entries that follow.
#[derive(Debug, Args)]
pub(crate) struct Breaches {
    /// gRPC address of the node, which works by the shipped standard and by this machine's clock
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7400")]
    address: String,
    /// Tickets whose limit passes
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=500))]
    tickets: u32,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Breaches {
    pub(super) async fn run(self) -> Result<(), Failure> {
        // A customer of this run alone: their tickets are found by an index, however many others there are.
        let customer = format!("PE{:011}", now_us() / SECOND_US);
        let mut desk = Desk { client: client(&self.address)?, customer };
        desk.import(&[now_us() - SECOND_US]).await?;
        let probe = desk.listed().await?.pop();
        let probe = probe.ok_or_else(|| Failure::said("a ticket that the node took is not in its list"))?.id;
        let (target, allowed_us) = desk.limit(&probe).await?;

        let first_us = now_us() + AHEAD_US - allowed_us;
        let many = i64::from(self.tickets);
        let opened: Vec<i64> = (0..many).map(|n| first_us + n * SPREAD_US / many).collect();
        desk.import(&opened).await?;
        let mut waiting = Vec::with_capacity(opened.len());
        for ticket in desk.listed().await?.into_iter().filter(|ticket| ticket.id != probe) {
            let clock = ticket.clocks.iter().find(|clock| clock.target == target && clock.breached_at.is_none());
            let due_us = clock.and_then(|clock| us(clock.deadline.as_ref()));
            let late = || Failure::said(format!("{target} had passed before the node had taken all tickets"));
            waiting.push((ticket.id, due_us.ok_or_else(late)?));
        }
        if waiting.len() != opened.len() {
            return Err(Failure::said(format!("the node shows {} of {many} tickets that it took", waiting.len())));
        }
        let spread = Spread::of(&mut desk.noticed(&target, waiting).await?);
        if self.json {
            output::line(json!({ "tickets": many, "target": target, "delay_ms": spread.json() }))?;
        } else {
            output::line(format_args!("{many} breaches of {target} were noticed after their deadlines by {spread}"))?;
        }
        Ok(())
    }
}

/// The tickets of one run at the node.
struct Desk {
    client: TicketServiceClient<Channel>,
    customer: String,
}

impl Desk {
    /// Brings in tickets that were opened at these times, and on which nobody has worked.
    async fn import(&mut self, opened: &[i64]) -> Result<(), Failure> {
        let ticket = |opened_us: &i64| ImportedTicket {
            source_key: format!("{}/{opened_us}", self.customer),
            opened_at: Some(time::micros(*opened_us)),
            opening: Some(OpenTicketRequest {
                category: CATEGORY.to_owned(),
                channel: "hotline".to_owned(),
                subject: "Mất điện".to_owned(),
                customer_code: self.customer.clone(),
                ..OpenTicketRequest::default()
            }),
            events: Vec::new(),
        };
        let request = ImportTicketsRequest {
            request_id: new_id().to_string(),
            source: "bench".to_owned(),
            tickets: opened.iter().map(ticket).collect(),
        };
        let answer = self.client.import_tickets(request).await.map_err(refused("an import of tickets"))?.into_inner();
        match answer.rejections.first() {
            Some(no) => Err(Failure::said(format!("{} was refused: {}", no.source_key, no.message))),
            None => Ok(()),
        }
    }

    async fn listed(&mut self) -> Result<Vec<Ticket>, Failure> {
        let filter = TicketFilter { customer_code: self.customer.clone(), ..TicketFilter::default() };
        let request = ListTicketsRequest { page_size: 1_000, ..page(filter, TicketOrder::OpenedDesc) };
        Ok(self.client.list_tickets(request).await.map_err(refused("a page of tickets"))?.into_inner().tickets)
    }

    /// The target of this ticket that allows the least, and how much.
    async fn limit(&mut self, id: &str) -> Result<(String, i64), Failure> {
        let request = ExplainClocksRequest { name: id.to_owned(), at: None };
        let failed = refused("an explanation of clocks");
        let explained = self.client.explain_clocks(request).await.map_err(failed)?.into_inner().clocks;
        let least = explained.iter().filter_map(allowed).min_by_key(|(_, allowed_us)| *allowed_us);
        let none = || format!("the standard of the node limits no answer to {CATEGORY} round the clock, nor its end");
        least.ok_or_else(|| Failure::said(none()))
    }

    /// How long after its deadline each breach was noticed.
    async fn noticed(&mut self, target: &str, mut waiting: Vec<(String, i64)>) -> Result<Vec<Duration>, Failure> {
        let (all, until) = (waiting.len(), Instant::now() + PATIENCE);
        let mut delays = Vec::with_capacity(all);
        while !waiting.is_empty() {
            if Instant::now() >= until {
                let (left, patience) = (waiting.len(), PATIENCE.as_secs());
                let missed = format!("{left} of {all} breaches of {target} were not noticed within {patience} s");
                return Err(Failure::said(missed));
            }
            sleep(LOOK).await;
            let now_us = now_us();
            let (passed, later): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|(_, due_us)| *due_us <= now_us);
            waiting = later;
            for (id, due_us) in passed {
                match self.noticed_us(&id, target).await? {
                    Some(at_us) => delays.push(delay(due_us, at_us)?),
                    None => waiting.push((id, due_us)),
                }
            }
        }
        Ok(delays)
    }

    /// When the node noticed the breach of this ticket; `None` when it has not yet.
    async fn noticed_us(&mut self, id: &str, target: &str) -> Result<Option<i64>, Failure> {
        let request = GetTicketRequest { name: id.to_owned() };
        let answer = self.client.get_ticket(request).await.map_err(refused("a look at a ticket"))?.into_inner();
        let timeline = answer.ticket.map(|ticket| ticket.timeline).unwrap_or_default();
        let of_target = |entry: &&TimelineEntry| {
            // One entry tells all breaches of one look.
            entry.kind() == TimelineKind::ClockBreached && entry.text.split(", ").any(|one| one == target)
        };
        Ok(timeline.iter().find(of_target).and_then(|entry| us(entry.at.as_ref())))
    }
}

fn now_us() -> i64 {
    SystemClock::shared().now().as_microsecond()
}

fn us(at: Option<&prost_types::Timestamp>) -> Option<i64> {
    Some(time::instant(at?)?.as_microsecond())
}

/// A target of the first answer or of the end that counts round the clock, and how much it allows: with another opening its
/// deadline is moved by as much.
fn allowed(explained: &ClockExplanation) -> Option<(String, i64)> {
    let clock = explained.clock.as_ref()?;
    let of_answer_or_end = matches!(clock.kind(), ClockKind::FirstResponse | ClockKind::Resolution);
    let round_the_clock = explained.rules.last()?.calendar.is_empty();
    let allowed_us = us(clock.deadline.as_ref())? - us(clock.started_at.as_ref())?;
    (of_answer_or_end && round_the_clock).then(|| (clock.target.clone(), allowed_us))
}

fn delay(due_us: i64, noticed_us: i64) -> Result<Duration, Failure> {
    let early = |_| Failure::said("a breach was noticed before its deadline; the clock of the node was moved");
    u64::try_from(noticed_us - due_us).map(Duration::from_micros).map_err(early)
}

#[cfg(test)]
mod tests {
    use gridcare_proto::ticket::v1::{Clock, ClockRule};

    use super::*;

    #[test]
    fn only_what_counts_round_the_clock_can_be_told_from_another_opening() {
        let explained = |kind: ClockKind, calendar: &str| ClockExplanation {
            clock: Some(Clock {
                target: "answer_first".to_owned(),
                kind: kind.into(),
                started_at: Some(time::micros(5)),
                deadline: Some(time::micros(905)),
                ..Clock::default()
            }),
            rules: vec![ClockRule { calendar: calendar.to_owned(), ..ClockRule::default() }],
            ..ClockExplanation::default()
        };
        assert_eq!(allowed(&explained(ClockKind::FirstResponse, "")), Some(("answer_first".to_owned(), 900)));
        assert_eq!(allowed(&explained(ClockKind::FirstResponse, "office")), None);
        assert_eq!(allowed(&explained(ClockKind::Event, "")), None);
    }
}
