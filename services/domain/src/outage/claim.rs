use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::code::{Cause, FactKind};

/// What somebody says of one fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// When it began.
    Onset(Timestamp),
    /// Why.
    Cause(Cause),
    /// How many lost supply in all.
    Customers(i64),
    /// When supply was back everywhere; none: it is not.
    Restoration(Option<Timestamp>),
}

impl Fact {
    /// Which fact.
    #[must_use]
    pub const fn kind(self) -> FactKind {
        match self {
            Self::Onset(_) => FactKind::Onset,
            Self::Cause(_) => FactKind::Cause,
            Self::Customers(_) => FactKind::Customers,
            Self::Restoration(_) => FactKind::Restoration,
        }
    }
}

/// A claim of one fact. Sources contradict each other: all are kept, and one is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// From 1, in the order in which they were recorded.
    pub no: i64,
    /// What is claimed.
    pub fact: Fact,
    /// Who says so; may be personal.
    pub source: String,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// Who recorded it; personal.
    pub author: String,
    /// Whether it is the one that is believed: the first of its fact, until another one is chosen.
    pub chosen: bool,
    /// Why it was chosen, when somebody chose it; may be personal.
    pub reason: String,
}
