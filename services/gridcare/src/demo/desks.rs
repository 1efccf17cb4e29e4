//! Live desks: calls come in, become tickets with running clocks, and are worked by agents who claim the next one, answer,
//! resolve and close.

use std::fmt::Write as _;

use futures::future::try_join_all;
use gridcare_chassis::client::Caller;
use gridcare_domain::topic::Topic;
use gridcare_proto::ticket::v1::{
    AddTimelineEntryRequest, Agent, ChangeTicketStateRequest, ClaimNextTicketRequest, CloseTicketRequest,
    OpenTicketRequest, PutAgentRequest, ResolveTicketRequest, TicketState, TimelineKind, TimelineVisibility,
    team_service_client::TeamServiceClient, ticket_service_client::TicketServiceClient,
};
use serde_json::{Value, json};
use tonic::Status;

use super::{
    country::Running,
    facts::{Country, Region},
    tickets::{patiently, topics},
};
use crate::{connection::Connection, failure::Failure};

/// One ticket for so many of those that are imported.
const ONE_IN: usize = 10;
/// Agents of a region; a region's tickets are a multiple.
const AGENTS: usize = 5;
/// More than anybody has on the desk.
const CAPACITY: i32 = 100;
const TEAM: &str = "live-desk";

/// What the live desks did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Desks {
    pub(super) opened: u64,
    pub(super) outages: u64,
    pub(super) resolved: u64,
    pub(super) closed: u64,
}

impl Desks {
    /// All of them together.
    pub(super) fn sum(desks: impl Iterator<Item = Self>) -> Self {
        desks.fold(Self::default(), |sum, one| Self {
            opened: sum.opened + one.opened,
            outages: sum.outages + one.outages,
            resolved: sum.resolved + one.resolved,
            closed: sum.closed + one.closed,
        })
    }

    /// In words.
    pub(super) fn text(&self) -> String {
        let mut text = String::from("\nLive desks\n");
        let open = self.opened - self.resolved;
        let _ = writeln!(
            text,
            "  {} calls became tickets, {} of them about outages; each was claimed and answered, {} resolved, {} of these closed, {open} go on",
            self.opened, self.outages, self.resolved, self.closed
        );
        text
    }

    /// As JSON; the README documents its shape.
    pub(super) fn json(&self) -> Value {
        json!({ "opened": self.opened, "outages": self.outages, "resolved": self.resolved, "closed": self.closed })
    }
}

/// Has a region's desks work. In an earlier run's folder the same calls are the same tickets.
pub(super) async fn work(running: &Running, country: &Country, region: &Region) -> Result<Desks, Failure> {
    let Some(url) = running.node_url(&region.code) else {
        return Err(Failure::said(format!("{} desks: there is no such node", region.code)));
    };
    let caller = Connection::near(url).caller()?;
    let calls = topics(country, region, "calls", ONE_IN);
    let shares = calls.len() / AGENTS;
    let taking = calls.chunks(shares.max(1)).enumerate().map(|(line, calls)| take(caller.clone(), region, line, calls));
    let outages = calls.iter().filter(|topic| **topic == Topic::Outage).count() as u64;
    let working = async {
        try_join_all(taking).await?;
        try_join_all((0..AGENTS).map(|agent| sit(caller.clone(), region, agent, shares))).await
    };
    let worked = working.await.map_err(|status| Failure::answered(format!("the desks of {}", region.code), &status))?;
    let all = Desks::sum(worked.into_iter());
    Ok(Desks { opened: calls.len() as u64, outages, ..all })
}

/// One line of the hotline: a call becomes a ticket.
async fn take(caller: Caller, region: &Region, line: usize, calls: &[Topic]) -> Result<(), Status> {
    let mut client = TicketServiceClient::new(caller);
    for (number, topic) in calls.iter().enumerate() {
        let request = OpenTicketRequest {
            request_id: format!("desk/{}/{line}/{number}", region.code),
            topic: topic.code().to_owned(),
            channel: "hotline".to_owned(),
            subject: topic.name_vi().to_owned(),
            team: TEAM.to_owned(),
            author: "tổng đài".to_owned(),
            ..OpenTicketRequest::default()
        };
        patiently(async || client.open_ticket(request.clone()).await).await?;
    }
    Ok(())
}

/// An agent's desk, and the ticket on it.
struct Desk {
    client: TicketServiceClient<Caller>,
    agent: String,
    /// What this desk's request ids begin with.
    prefix: String,
}

/// An agent: claims so many, one after the other, and works each.
async fn sit(caller: Caller, region: &Region, agent: usize, share: usize) -> Result<Desks, Status> {
    let prefix = format!("desk/{}/agent/{agent}", region.code);
    let id = format!("bàn trực {}", agent + 1);
    let place = Agent { id: id.clone(), team: TEAM.to_owned(), capacity: CAPACITY, active: true, ..Agent::default() };
    let put = PutAgentRequest { request_id: prefix.clone(), agent: Some(place) };
    let mut teams = TeamServiceClient::new(caller.clone());
    patiently(async || teams.put_agent(put.clone()).await).await?;
    let mut desk = Desk { client: TicketServiceClient::new(caller), agent: id, prefix };
    let mut done = Desks::default();
    for number in 0..share {
        let ticket = desk.claim(number).await?;
        desk.answer(number, &ticket).await?;
        // One in ten waits for its customer, and one in ten goes on.
        match number % 10 {
            8 => desk.wait(number, &ticket).await?,
            9 => {}
            _ => {
                desk.resolve(number, &ticket).await?;
                done.resolved += 1;
                if number % 5 != 0 {
                    desk.close(number, &ticket).await?;
                    done.closed += 1;
                }
            }
        }
    }
    Ok(done)
}

impl Desk {
    fn request_id(&self, number: usize, step: &str) -> String {
        format!("{}/{number}/{step}", self.prefix)
    }

    async fn claim(&mut self, number: usize) -> Result<String, Status> {
        let request = ClaimNextTicketRequest {
            request_id: self.request_id(number, "claim"),
            agent: self.agent.clone(),
            team: TEAM.to_owned(),
        };
        let claimed = patiently(async || self.client.claim_next_ticket(request.clone()).await).await?;
        claimed.ticket.map(|ticket| ticket.id).ok_or_else(|| Status::internal("a claim without a ticket"))
    }

    async fn answer(&mut self, number: usize, ticket: &str) -> Result<(), Status> {
        let reply = AddTimelineEntryRequest {
            request_id: self.request_id(number, "reply"),
            name: ticket.to_owned(),
            kind: TimelineKind::Reply.into(),
            visibility: TimelineVisibility::Public.into(),
            author: self.agent.clone(),
            text: "Đã tiếp nhận yêu cầu.".to_owned(),
            ..AddTimelineEntryRequest::default()
        };
        patiently(async || self.client.add_timeline_entry(reply.clone()).await).await?;
        self.turn(number, ticket, TicketState::InProgress, "Đang xử lý.").await
    }

    async fn wait(&mut self, number: usize, ticket: &str) -> Result<(), Status> {
        self.turn(number, ticket, TicketState::WaitingCustomer, "Chờ khách hàng bổ sung thông tin.").await
    }

    async fn turn(&mut self, number: usize, ticket: &str, state: TicketState, reason: &str) -> Result<(), Status> {
        let change = ChangeTicketStateRequest {
            request_id: self.request_id(number, state.as_str_name()),
            name: ticket.to_owned(),
            state: state.into(),
            author: self.agent.clone(),
            reason: reason.to_owned(),
            ..ChangeTicketStateRequest::default()
        };
        patiently(async || self.client.change_ticket_state(change.clone()).await).await.map(drop)
    }

    async fn resolve(&mut self, number: usize, ticket: &str) -> Result<(), Status> {
        let resolve = ResolveTicketRequest {
            request_id: self.request_id(number, "resolve"),
            name: ticket.to_owned(),
            author: self.agent.clone(),
            resolution: "Đã xử lý xong.".to_owned(),
            ..ResolveTicketRequest::default()
        };
        patiently(async || self.client.resolve_ticket(resolve.clone()).await).await.map(drop)
    }

    async fn close(&mut self, number: usize, ticket: &str) -> Result<(), Status> {
        let close = CloseTicketRequest {
            request_id: self.request_id(number, "close"),
            name: ticket.to_owned(),
            author: self.agent.clone(),
            ..CloseTicketRequest::default()
        };
        patiently(async || self.client.close_ticket(close.clone()).await).await.map(drop)
    }
}
