pub(crate) mod code;
mod rules;

pub use code::{Channel, Direction, Outcome};
pub use rules::{check, check_text};

use jiff::Timestamp;
use uuid::Uuid;

use crate::{customer_code::CustomerCode, topic::Topic};

/// Longest accepted free text of a contact, in bytes.
pub const NOTE_LIMIT: usize = 4_096;

/// One call, message, visit or letter, in or out. Durations are milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// `UUIDv7`, made by the process that recorded it.
    pub id: Uuid,
    /// The system it came from; `api` when it was recorded directly.
    pub source: String,
    /// Its own key there; with the source it is the natural key that makes imports idempotent.
    pub source_key: String,
    /// The door the customer used.
    pub channel: Channel,
    /// Who began.
    pub direction: Direction,
    /// When it arrived; decides its bucket.
    pub arrived_at: Timestamp,
    /// When somebody answered.
    pub answered_at: Option<Timestamp>,
    /// When it ended; a contact counts only then.
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// From arrival to answer or giving up.
    pub wait_ms: Option<i64>,
    /// Speaking.
    pub talk_ms: Option<i64>,
    /// On hold after the answer.
    pub hold_ms: Option<i64>,
    /// Work after the contact.
    pub wrap_ms: Option<i64>,
    /// What it was about.
    pub topic: Option<Topic>,
    /// Whose contact it was.
    pub customer_code: Option<CustomerCode>,
    /// The other side's phone number or address; personal.
    pub contact_point: Option<String>,
    /// Who answered; personal.
    pub agent: Option<String>,
    /// Reference of the ticket it belongs to.
    pub ticket: Option<String>,
    /// Free text; personal.
    pub note: Option<String>,
}

impl Contact {
    /// Whether it ended, and so counts.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.ended_at.is_some() && self.outcome.is_some()
    }
}
