use std::sync::Arc;

use gridcare_domain::{
    assignment::{Needs, Strategy, choose},
    refusal::{Refusal, RefusalKind},
    ticket::State,
};
use gridcare_proto::ticket::v1 as wire;
use gridcare_store::{
    StoreError,
    request::Request,
    ticket::{Order, TicketQuery},
    writer::Answer,
};
use prost::Message as _;

use crate::{
    Node,
    flows::ticket_moves::{Move, Name, Step, no_such_ticket},
};

/// Tickets that one claim tries at most, and agents that one assignment tries: so many others would have to be faster.
const TRIED: usize = 64;
/// States in which a ticket waits for somebody to take it.
const WAITING: [State; 6] =
    [State::New, State::Assigned, State::InProgress, State::WaitingCustomer, State::WaitingThirdParty, State::Reopened];

impl Node {
    /// The next ticket for an agent: that with the soonest deadline that nobody has. Of several who ask at once each gets
    /// another one.
    pub(crate) async fn claim_next_ticket(&self, request: Request, agent: &str, team: Option<String>) -> Answer {
        if let Some(answered) = self.store.answered(request).await? {
            return Ok(answered);
        }
        let query = TicketQuery { states: WAITING.to_vec(), team, unassigned: true, ..TicketQuery::default() };
        for order in [Order::DeadlineAsc, Order::OpenedAsc] {
            // What pauses has no deadline, and comes last.
            for ticket in self.store.tickets(&query, order, None, TRIED).await? {
                let what = Move {
                    step: Step::Claim(agent.to_owned()),
                    author: agent.to_owned(),
                    text: String::new(),
                    version: None,
                };
                let respond = |ticket, _| wire::ClaimNextTicketResponse { ticket: Some(ticket) }.encode_to_vec();
                match self.move_living_ticket(request, ticket.id, what, Arc::new(respond)).await? {
                    Err(refusal) if ["ALREADY_CLAIMED", "ILLEGAL_TRANSITION"].contains(&refusal.reason) => {}
                    answer => return Ok(answer),
                }
            }
        }
        let message = "nobody waits in this queue; ask again when there is more to do";
        Ok(Err(Refusal::new(RefusalKind::NotFound, "NOTHING_TO_CLAIM", message)))
    }

    /// A ticket given to whom a strategy chooses.
    pub(crate) async fn auto_assign_ticket(
        &self,
        request: Request,
        name: &Name,
        strategy: Strategy,
        team: Option<String>,
        author: String,
    ) -> Answer {
        if let Some(answered) = self.store.answered(request).await? {
            return Ok(answered);
        }
        let Some(id) = self.living(name).await? else { return Ok(Err(no_such_ticket())) };
        // One choice at a time in this process, so that agents have their turns, and seldom two see the last place of one.
        let _turn = self.assigning.lock().await;
        let Some(ticket) = self.store.ticket(id).await? else { return Ok(Err(no_such_ticket())) };
        let team = team.or_else(|| ticket.team.clone());
        let needs = Needs { category: &ticket.category, team: team.as_deref() };
        let mut tried = 0;
        loop {
            let agents = self.store.agents(team.as_deref(), &self.zone).await?;
            let chosen = match choose(strategy, &needs, &agents, self.now_us()) {
                Ok(agent) => agent.id.clone(),
                Err(refusal) => return Ok(Err(refusal)),
            };
            let (author, text) = (author.clone(), String::new());
            let what = Move { step: Step::AssignByTurn(chosen), author, text, version: None };
            let respond = |ticket, _| wire::AutoAssignTicketResponse { ticket: Some(ticket) }.encode_to_vec();
            match self.move_living_ticket(request, id, what, Arc::new(respond)).await {
                // Another process gave the last place away meanwhile, which the next look at the agents sees.
                Err(StoreError::AgentFull) if tried < TRIED => tried += 1,
                answer => return answer,
            }
        }
    }
}
