use gridcare_domain::{
    report::{ClockFact, Facts, Repetition, clocks_from_bytes, clocks_to_bytes},
    ticket::{Priority, State},
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    StoreError,
    db::Row,
    statement::{Value, values},
};

/// Columns of a ticket, in the order in which rows are read.
macro_rules! columns {
    () => {
        "t.node, t.id, t.reference, t.version, t.state, t.priority, t.topic, t.channel, t.province, t.customer_pseudonym,
         t.assignee_pseudonym, t.opened_us, t.updated_us, t.resolved_us, t.closed_us, t.category, t.team, t.standard, t.clocks,
         t.first_response_us, t.parent_id, t.merged_into_id, t.satisfaction, t.rated_us, t.repetition, t.locality"
    };
}
pub(super) use columns;

/// What the country knows of a ticket: no free text, and nobody's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FederatedTicket {
    /// `UUIDv7`: later tickets have greater ids.
    pub id: Uuid,
    /// Unique nationwide.
    pub reference: String,
    /// Later states have greater ones.
    pub version: i64,
    /// Where it stands.
    pub state: State,
    /// How urgent it is.
    pub priority: Priority,
    /// A word of the list of topics, perhaps of a newer list than ours.
    pub topic: String,
    /// A word of the list of channels, likewise.
    pub channel: String,
    /// ISO 3166-2 code, or empty.
    pub province: String,
    /// Keyed by the node, or empty.
    pub customer_pseudonym: String,
    /// Keyed by the node, or empty.
    pub assignee_pseudonym: String,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
    /// When it was closed or cancelled.
    pub closed_at: Option<Timestamp>,
    /// A code of the standard's categories, or empty.
    pub category: String,
    /// A code of the node's teams, or empty.
    pub team: String,
    /// Version of the standard that governs it, or empty.
    pub standard: String,
    /// Its clocks.
    pub clocks: Vec<ClockFact>,
    /// The first public answer.
    pub first_response_at: Option<Timestamp>,
    /// The ticket that it is a part of.
    pub parent_id: Option<Uuid>,
    /// The ticket that it was merged into.
    pub merged_into_id: Option<Uuid>,
    /// 1 to 5; 0 when nobody has said.
    pub satisfaction: i64,
    /// When it was said.
    pub rated_at: Option<Timestamp>,
    /// The wire's number; 0 while nobody knows.
    pub repetition: i64,
    /// The wire's number; 0 when nobody has said.
    pub locality: i64,
}

impl FederatedTicket {
    /// What reports know of it.
    #[must_use]
    pub fn facts(&self) -> Facts {
        let us = |at: Option<Timestamp>| at.map(Timestamp::as_microsecond);
        Facts {
            state: self.state,
            merged: self.merged_into_id.is_some(),
            category: self.category.clone(),
            topic: self.topic.clone(),
            channel: self.channel.clone(),
            team: self.team.clone(),
            opened_us: self.opened_at.as_microsecond(),
            updated_us: self.updated_at.as_microsecond(),
            first_response_us: us(self.first_response_at),
            resolved_us: us(self.resolved_at),
            closed_us: us(self.closed_at),
            rated: us(self.rated_at).filter(|_| self.satisfaction > 0).map(|at| (self.satisfaction, at)),
            repetition: Repetition::from_number(self.repetition),
            clocks: self.clocks.clone(),
        }
    }
}

/// A ticket and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NationalTicket {
    /// The node that owns it.
    pub node: String,
    /// The ticket.
    pub ticket: FederatedTicket,
}

/// The values of a row, in the order of its statement.
pub(super) fn row_of(node: &str, t: &FederatedTicket, snapshot_no: i64) -> Vec<Value> {
    let us = |at: Option<Timestamp>| at.map(Timestamp::as_microsecond);
    values![
        node,
        t.id,
        t.reference.as_str(),
        t.version,
        t.state.number(),
        t.priority.number(),
        t.topic.as_str(),
        t.channel.as_str(),
        t.province.as_str(),
        t.customer_pseudonym.as_str(),
        t.assignee_pseudonym.as_str(),
        t.opened_at.as_microsecond(),
        t.updated_at.as_microsecond(),
        us(t.resolved_at),
        us(t.closed_at),
        t.category.as_str(),
        t.team.as_str(),
        t.standard.as_str(),
        clocks_to_bytes(&t.clocks),
        us(t.first_response_at),
        t.parent_id,
        t.merged_into_id,
        t.satisfaction,
        us(t.rated_at),
        t.repetition,
        t.locality,
        snapshot_no,
    ]
}

/// A row of [`columns`].
pub(super) fn national_ticket(row: &Row) -> Result<NationalTicket, StoreError> {
    let corrupt = |what: &str| StoreError::Corrupt { table: "national_ticket", what: what.to_owned() };
    let at = |us| Timestamp::from_microsecond(us).map_err(|_| corrupt("a time out of range"));
    let ticket = FederatedTicket {
        id: row.uuid(1)?,
        reference: row.text(2)?,
        version: row.int(3)?,
        state: State::from_number(row.int(4)?).ok_or_else(|| corrupt("unknown state"))?,
        priority: Priority::from_number(row.int(5)?).ok_or_else(|| corrupt("unknown priority"))?,
        topic: row.text(6)?,
        channel: row.text(7)?,
        province: row.text(8)?,
        customer_pseudonym: row.text(9)?,
        assignee_pseudonym: row.text(10)?,
        opened_at: at(row.int(11)?)?,
        updated_at: at(row.int(12)?)?,
        resolved_at: row.int_or_null(13)?.map(at).transpose()?,
        closed_at: row.int_or_null(14)?.map(at).transpose()?,
        category: row.text(15)?,
        team: row.text(16)?,
        standard: row.text(17)?,
        clocks: clocks_from_bytes(&row.blob(18)?).map_err(|e| corrupt(&e.to_string()))?,
        first_response_at: row.int_or_null(19)?.map(at).transpose()?,
        parent_id: row.uuid_or_null(20)?,
        merged_into_id: row.uuid_or_null(21)?,
        satisfaction: row.int(22)?,
        rated_at: row.int_or_null(23)?.map(at).transpose()?,
        repetition: row.int(24)?,
        locality: row.int(25)?,
    };
    Ok(NationalTicket { node: row.text(0)?, ticket })
}
