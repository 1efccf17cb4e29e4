//! Which tickets other systems asked for by Open311.

use std::collections::HashMap;

use gridcare_domain::{
    outage::Position,
    ticket::{State, Ticket},
};
use uuid::Uuid;

use crate::{
    NodeStore, StoreError,
    db::Tx,
    statement::{Rows, statements, values},
    ticket::{columns, ticket},
    writer::Extra,
};

statements! {
    OPEN311_ADD =
        "INSERT INTO open311_request (ticket_id, opened_us, partner, lon_e7, lat_e7) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (ticket_id) DO NOTHING";
    OPEN311_POSITION [ticket_id Uuid] =
        "SELECT o.ticket_id, o.lon_e7, o.lat_e7 FROM v JOIN open311_request AS o ON o.ticket_id = v.ticket_id WHERE o.lon_e7 IS NOT NULL";
    OPEN311_ERASE [ticket_id Uuid] =
        "UPDATE open311_request SET lon_e7 = NULL, lat_e7 = NULL FROM v WHERE open311_request.ticket_id = v.ticket_id";
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

/// A ticket was asked for by Open311, for what lies there.
#[must_use]
pub fn asked_for(ticket: Uuid, opened_us: i64, partner: &str, position: Option<Position>) -> Extra {
    let (lon, lat) = (position.map(|at| i64::from(at.lon_e7)), position.map(|at| i64::from(at.lat_e7)));
    Extra { statement: &OPEN311_ADD, values: values![ticket, opened_us, partner, lon, lat] }
}

/// Where these tickets' customers live is forgotten.
pub(crate) async fn forget(tx: &mut Tx, tickets: impl ExactSizeIterator<Item = Uuid>) -> Result<(), StoreError> {
    let mut rows = Rows::of(&OPEN311_ERASE, tickets.len());
    for ticket in tickets {
        rows.push(values![ticket]);
    }
    tx.execute_rows(&OPEN311_ERASE, rows).await.map(drop)
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

    /// Where what was asked for lies, of those tickets of which it is known.
    pub async fn open311_positions(&self, tickets: &[Uuid]) -> Result<HashMap<Uuid, Position>, StoreError> {
        let corrupt = || StoreError::Corrupt { table: "open311_request", what: "a position beyond the earth".into() };
        let mut rows = Rows::of(&OPEN311_POSITION, tickets.len());
        for ticket in tickets {
            rows.push(values![*ticket]);
        }
        let mut found = HashMap::new();
        for row in self.db.snapshot().await?.fetch_rows(&OPEN311_POSITION, rows).await? {
            let degree = |at| row.int(at).and_then(|units| i32::try_from(units).map_err(|_| corrupt()));
            found.insert(row.uuid(0)?, Position { lon_e7: degree(1)?, lat_e7: degree(2)? });
        }
        Ok(found)
    }

    /// The request that is this ticket.
    pub async fn open311_request(&self, id: Uuid) -> Result<Option<Ticket>, StoreError> {
        self.db.fetch_one(&OPEN311_BY_ID, values![id]).await?.as_ref().map(ticket).transpose()
    }
}
