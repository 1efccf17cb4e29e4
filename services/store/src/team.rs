//! Who works on tickets.

use gridcare_domain::{
    assignment::{Agent, Load},
    calendar::Span,
};
use jiff::tz::TimeZone;

use crate::{
    NodeStore, StoreError,
    db::Row,
    request::{self, Request},
    statement::{Value, statements, values},
    writer::{Answer, Extra},
};

/// How many open tickets an agent has.
macro_rules! load {
    () => {
        "(SELECT COUNT(*) FROM ticket WHERE ticket.assignee = agent.id AND ticket.state IN (1, 2, 3, 4, 5, 9))"
    };
}

statements! {
    AGENT_PUT =
        "INSERT INTO agent (id, team, skills, shifts, capacity, active, assigned_us) VALUES ($1, $2, $3, $4, $5, $6, 0)
         ON CONFLICT (id) DO UPDATE SET team = excluded.team, skills = excluded.skills, shifts = excluded.shifts,
             capacity = excluded.capacity, active = excluded.active";
    AGENT_LIST = concat!("SELECT id, team, skills, shifts, capacity, active, assigned_us, ", load!(), " AS load
         FROM agent WHERE (CAST($1 AS TEXT) IS NULL OR team = $1) ORDER BY id LIMIT 10000");
    // It locks the agent's row, also when another was given a ticket later: whoever wants the same agent waits.
    AGENT_ASSIGNED =
        "UPDATE agent SET assigned_us = CASE WHEN assigned_us < $2 THEN $2 ELSE assigned_us END WHERE id = $1";
    AGENT_FULL = concat!("SELECT 1 FROM agent WHERE id = $1 AND capacity < ", load!());
}

/// The agent was given a ticket now. A write that leaves the agent with more than they may have fails with
/// [`StoreError::AgentFull`]: counted by a statement of its own once the agent's row is locked, so that it sees what others gave
/// meanwhile.
#[must_use]
pub fn assigned(agent: &str, at_us: i64) -> [Extra; 2] {
    [
        Extra { statement: &AGENT_ASSIGNED, values: values![agent, at_us] },
        Extra { statement: &AGENT_FULL, values: values![agent] },
    ]
}

fn agent(row: &Row, zone: &TimeZone) -> Result<(Agent, Load), StoreError> {
    let corrupt = |what: &str| StoreError::Corrupt { table: "agent", what: what.to_owned() };
    let shifts: Vec<Vec<(u16, u16)>> = serde_json::from_str(&row.text(3)?).map_err(|_| corrupt("shifts"))?;
    let mut week: [Vec<Span>; 7] = Default::default();
    for (day, spans) in week.iter_mut().zip(shifts) {
        day.extend(spans.into_iter().map(|(from_minute, until_minute)| Span { from_minute, until_minute }));
    }
    let agent = Agent {
        id: row.text(0)?,
        team: row.text(1)?,
        skills: serde_json::from_str(&row.text(2)?).map_err(|_| corrupt("skills"))?,
        shifts: week,
        zone: zone.clone(),
        capacity: u32::try_from(row.int(4)?).map_err(|_| corrupt("capacity"))?,
        active: row.int(5)? != 0,
    };
    let load = Load { open: u32::try_from(row.int(7)?).unwrap_or(u32::MAX), last_assigned_us: row.int(6)? };
    Ok((agent, load))
}

impl NodeStore {
    /// Keeps an agent as given, whether or not they were known.
    pub async fn put_agent(&self, request: Request, now_us: i64, agent: &Agent, response: Vec<u8>) -> Answer {
        let shifts: Vec<Vec<(u16, u16)>> = agent
            .shifts
            .iter()
            .map(|day| day.iter().map(|span| (span.from_minute, span.until_minute)).collect())
            .collect();
        let text = |json: Result<String, serde_json::Error>| {
            json.map_err(|e| StoreError::Corrupt { table: "agent", what: e.to_string() })
        };
        let values: Vec<Value> = values![
            agent.id.as_str(),
            agent.team.as_str(),
            text(serde_json::to_string(&agent.skills))?,
            text(serde_json::to_string(&shifts))?,
            i64::from(agent.capacity),
            i64::from(agent.active),
        ];
        let mut tx = self.db.begin().await?;
        if let Some(answered) = request::find(&mut tx, [request].into_iter()).await?.get(&request.key) {
            return Ok(answered.replay(&request));
        }
        if request::insert(&mut tx, now_us, [(request, response.clone())].into_iter()).await?.is_empty() {
            return Err(StoreError::Raced);
        }
        tx.execute(&AGENT_PUT, values).await?;
        tx.commit().await?;
        Ok(Ok(response))
    }

    /// Agents of a team, or of all, with what is on their desks. Their shifts are in `zone`.
    pub async fn agents(&self, team: Option<&str>, zone: &TimeZone) -> Result<Vec<(Agent, Load)>, StoreError> {
        self.db.fetch(&AGENT_LIST, values![team]).await?.iter().map(|row| agent(row, zone)).collect()
    }
}
