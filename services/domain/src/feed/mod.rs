mod intake;

pub use intake::{Intake, Taken};

use uuid::Uuid;

/// How far a reader got in a node's feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The node's incarnation.
    pub incarnation: Uuid,
    /// Dense, in commit order, from 1; 0 is the beginning.
    pub position: i64,
    /// Batch id at that position; `None` at 0.
    pub batch_id: Option<Uuid>,
}

/// What kind of aggregate an entry carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A ticket.
    Ticket = 1,
    /// A metric bucket.
    MetricBucket = 2,
    /// A capability.
    Capability = 3,
    /// What a node says of a bundle of rules.
    Standard = 4,
    /// An outage.
    Outage = 5,
    /// How many customers are served since a day.
    CustomersServed = 6,
    /// A regional notice.
    Notice = 7,
    /// How far a notice has come.
    NoticeProgress = 8,
}

impl Kind {
    /// The kind of a stored number.
    #[must_use]
    pub const fn from_number(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::Ticket),
            2 => Some(Self::MetricBucket),
            3 => Some(Self::Capability),
            4 => Some(Self::Standard),
            5 => Some(Self::Outage),
            6 => Some(Self::CustomersServed),
            7 => Some(Self::Notice),
            8 => Some(Self::NoticeProgress),
            _ => None,
        }
    }
}

/// One change that concerns the country, before it has a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What it is a state of.
    pub kind: Kind,
    /// The aggregate, unique within its kind.
    pub key: String,
    /// The aggregate's version; later states have greater ones.
    pub version: i64,
    /// The aggregate's whole federated state, as the wire carries it.
    pub payload: Vec<u8>,
}

/// A change at its place in the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Dense, in commit order.
    pub position: i64,
    /// Random id of the commit batch.
    pub batch_id: Uuid,
    /// When it was committed, microseconds since 1970.
    pub committed_us: i64,
    /// The change.
    pub change: Change,
}
