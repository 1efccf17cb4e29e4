//! Which tickets other systems asked for by Open311.

use gridcare_domain::ticket::{State, Ticket};
use uuid::Uuid;

use crate::{
    NodeStore, StoreError,
    statement::{Rows, statements, values},
    ticket::{columns, ticket},
    writer::Extra,
};

statements! {
    OPEN311_ADD = "INSERT INTO open311_request (ticket_id, opened_us, partner) VALUES ($1, $2, $3) ON CONFLICT (ticket_id) DO NOTHING";
    OPEN311_NEWEST = concat!(
        "SELECT ", columns!(), " FROM open311_request AS o JOIN ticket ON ticket.id = o.ticket_id
         WHERE o.opened_us >= $1 AND o.opened_us < $2
         AND ((CAST($3 AS BIGINT) >> CAST(ticket.state AS INTEGER)) & 1) = 1
         AND (CAST($4 AS TEXT) IS NULL OR REPLACE(CAST($4 AS TEXT), '|' || ticket.category || '|', '') <> CAST($4 AS TEXT))
         ORDER BY o.opened_us DESC, o.ticket_id DESC LIMIT $5"
    );
    OPEN311_BY_NUMBER [number Int] = concat!(
        "SELECT ", columns!(), " FROM ticket JOIN v ON v.number = ticket.number
         JOIN open311_request AS o ON o.ticket_id = ticket.id ORDER BY ticket.id"
    );
    OPEN311_BY_ID = concat!(
        "SELECT ", columns!(), " FROM open311_request AS o JOIN ticket ON ticket.id = o.ticket_id WHERE o.ticket_id = $1"
    );
}

/// What a list of requests asks for.
#[derive(Debug, Clone, Default)]
pub struct RequestQuery {
    /// Asked for at or after, microseconds since 1970.
    pub from_us: i64,
    /// Asked for before, microseconds since 1970.
    pub until_us: i64,
    /// States; all when empty.
    pub states: Vec<State>,
    /// Codes of categories; all when empty.
    pub categories: Vec<String>,
}

/// A ticket was asked for by Open311.
#[must_use]
pub fn asked_for(ticket: Uuid, opened_us: i64, partner: &str) -> Extra {
    Extra { statement: &OPEN311_ADD, values: values![ticket, opened_us, partner] }
}

impl NodeStore {
    /// Requests of a period, the newest first.
    pub async fn open311_requests(&self, query: &RequestQuery, limit: usize) -> Result<Vec<Ticket>, StoreError> {
        let states = query.states.iter().fold(0, |mask, state| mask | (1_i64 << state.number()));
        let categories = (!query.categories.is_empty()).then(|| format!("|{}|", query.categories.join("|")));
        let values = values![
            query.from_us,
            query.until_us,
            if query.states.is_empty() { i64::MAX } else { states },
            categories,
            i64::try_from(limit).unwrap_or(i64::MAX),
        ];
        self.db.fetch(&OPEN311_NEWEST, values).await?.iter().map(ticket).collect()
    }

    /// The requests among the tickets of these numbers.
    pub async fn open311_numbered(&self, numbers: &[i64]) -> Result<Vec<Ticket>, StoreError> {
        let mut rows = Rows::of(&OPEN311_BY_NUMBER, numbers.len());
        for number in numbers {
            rows.push(values![*number]);
        }
        let mut tx = self.db.snapshot().await?;
        tx.fetch_rows(&OPEN311_BY_NUMBER, rows).await?.iter().map(ticket).collect()
    }

    /// The request that is this ticket.
    pub async fn open311_request(&self, id: Uuid) -> Result<Option<Ticket>, StoreError> {
        self.db.fetch_one(&OPEN311_BY_ID, values![id]).await?.as_ref().map(ticket).transpose()
    }
}
