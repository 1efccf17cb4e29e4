use gridcare_chassis::identity::principal_of;
use gridcare_domain::{assignment::Agent, calendar::Span, contact::check_text, refusal::Violation, text};
use gridcare_proto::ticket::v1::{self as wire, team_service_server::TeamService};
use prost::Message as _;
use tonic::{Request, Response, Status};

use super::{Teams, answered, failed, refuse_if, ticket::team};
use crate::idempotency::{check_request_id, request_of};

/// Shifts of an agent at most.
const SHIFTS: usize = 50;

#[tonic::async_trait]
impl TeamService for Teams {
    async fn put_agent(
        &self,
        request: Request<wire::PutAgentRequest>,
    ) -> Result<Response<wire::PutAgentResponse>, Status> {
        let principal = principal_of(&request);
        let body = request.into_inner();
        let mut found = Vec::new();
        check_request_id(&body.request_id, &mut found);
        let agent = self.read(&body.agent.clone().unwrap_or_default(), &mut found);
        refuse_if(found)?;
        let id = request_of(&principal, "PutAgent", &body.request_id, &body);
        let response = wire::PutAgentResponse { agent: Some(to_wire(&agent)) }.encode_to_vec();
        answered(self.0.store.put_agent(id, self.0.now_us(), &agent, response).await)
    }

    async fn list_agents(
        &self,
        request: Request<wire::ListAgentsRequest>,
    ) -> Result<Response<wire::ListAgentsResponse>, Status> {
        let body = request.into_inner();
        let mut found = Vec::new();
        team(&body.team, "team", &mut found);
        refuse_if(found)?;
        let of = (!body.team.is_empty()).then_some(body.team.as_str());
        let agents = self.0.store.agents(of, &self.0.zone).await.map_err(|e| failed(&e))?;
        let agents = agents
            .iter()
            .map(|(agent, load)| wire::AgentLoad { agent: Some(to_wire(agent)), open_tickets: i64::from(load.open) })
            .collect();
        Ok(Response::new(wire::ListAgentsResponse { agents }))
    }
}

impl Teams {
    fn read(&self, given: &wire::Agent, found: &mut Vec<Violation>) -> Agent {
        check_text("agent.id", &given.id, 200, found);
        if given.id.trim().is_empty() {
            found.push(Violation::new("agent.id", "REQUIRED", "give how the agent signs"));
        }
        team(&given.team, "agent.team", found);
        if given.team.is_empty() {
            found.push(Violation::new("agent.team", "REQUIRED", "give the agent's team"));
        }
        let rules = self.0.rules();
        for (i, skill) in given.skills.iter().enumerate() {
            if rules.standard.category(skill).is_none() {
                let cure = format!("give a category of standard {}", rules.standard.version());
                found.push(Violation::new(format!("agent.skills[{i}]"), "UNKNOWN_CODE", cure));
            }
        }
        let capacity = u32::try_from(given.capacity).ok().filter(|capacity| (1..=10_000).contains(capacity));
        if capacity.is_none() {
            found.push(Violation::new("agent.capacity", "OUT_OF_RANGE", "give 1 to 10000 open tickets"));
        }
        Agent {
            id: text::nfc(&given.id),
            team: given.team.clone(),
            skills: given.skills.clone(),
            shifts: week(&given.shifts, found),
            zone: self.0.zone.clone(),
            capacity: capacity.unwrap_or(1),
            active: given.active,
        }
    }
}

/// Shifts by weekday; none means always.
fn week(given: &[wire::Shift], found: &mut Vec<Violation>) -> [Vec<Span>; 7] {
    let mut week: [Vec<Span>; 7] = Default::default();
    if given.is_empty() {
        return std::array::from_fn(|_| vec![Span { from_minute: 0, until_minute: 1_440 }]);
    }
    if given.len() > SHIFTS {
        found.push(Violation::new("agent.shifts", "TOO_MANY", format!("give at most {SHIFTS}")));
    }
    for (i, shift) in given.iter().take(SHIFTS).enumerate() {
        let day = usize::try_from(shift.weekday - 1).ok().and_then(|day| week.get_mut(day));
        let minutes = (u16::try_from(shift.from_minute), u16::try_from(shift.until_minute));
        match (day, minutes) {
            (Some(day), (Ok(from_minute), Ok(until_minute)))
                if from_minute < 1_440 && from_minute < until_minute && until_minute <= 2_880 =>
            {
                day.push(Span { from_minute, until_minute });
            }
            _ => {
                let cure = "give weekday 1 to 7, and minutes with from below 1440, before until, at most 2880";
                found.push(Violation::new(format!("agent.shifts[{i}]"), "OUT_OF_RANGE", cure));
            }
        }
    }
    week
}

fn to_wire(agent: &Agent) -> wire::Agent {
    let shifts = (1..).zip(&agent.shifts).flat_map(|(weekday, spans)| {
        spans.iter().map(move |span| wire::Shift {
            weekday,
            from_minute: i32::from(span.from_minute),
            until_minute: i32::from(span.until_minute),
        })
    });
    wire::Agent {
        id: agent.id.clone(),
        team: agent.team.clone(),
        skills: agent.skills.clone(),
        shifts: shifts.collect(),
        capacity: i32::try_from(agent.capacity).unwrap_or(i32::MAX),
        active: agent.active,
    }
}
