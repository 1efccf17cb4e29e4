use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Area, Estimate,
    claim::Fact,
    code::{Cause, CrewState, OutageKind, StepKind},
    plan::Plan,
};

/// Who lost or regained supply, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// When.
    pub at: Timestamp,
    /// Lost or regained.
    pub kind: StepKind,
    /// How many; at least 1.
    pub customers: i64,
    /// Which of them; none when only their number is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<Area>,
    /// Where this is known from; may be personal.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
}

/// An outage as it becomes known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// Planned or not.
    pub kind: OutageKind,
    /// Why.
    pub cause: Cause,
    /// Where.
    pub areas: Vec<Area>,
    /// When it began; none for planned work that has not.
    pub begins_at: Option<Timestamp>,
    /// When supply was back everywhere.
    pub ended_at: Option<Timestamp>,
    /// When supply is expected back.
    pub estimate: Option<Estimate>,
    /// How many lost supply in all.
    pub customers: Option<i64>,
    /// The outage of which it is a part.
    pub parent: Option<Uuid>,
    /// The plan, of planned work alone.
    pub plan: Option<Plan>,
    /// Who says so; may be personal.
    pub source: String,
}

/// One thing that is recorded of an outage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It becomes known.
    Recorded(Box<Draft>),
    /// Somebody lost or regained supply.
    Stepped(Step),
    /// A step was wrong; none: there was no such step.
    StepCorrected {
        /// Its number.
        no: i64,
        /// What it should have said.
        step: Option<Step>,
    },
    /// Somebody estimates when supply returns; none: nobody knows any longer.
    Estimated(Option<Estimate>),
    /// Those who repair it are somewhere else.
    CrewMoved(CrewState),
    /// Somebody claims a fact.
    Claimed {
        /// What.
        fact: Fact,
        /// Who; may be personal.
        source: String,
        /// Whether it is to be believed from now on.
        choose: bool,
    },
    /// Another claim is to be believed.
    Chosen {
        /// Its number.
        no: i64,
    },
    /// It is somewhere else than was thought: all areas.
    Redrawn(Vec<Area>),
    /// It is a part of another one; none: of none.
    Nested(Option<Uuid>),
    /// Planned work takes place at another time.
    Rescheduled(Plan),
    /// Planned work does not take place.
    Cancelled,
}

impl Change {
    /// Whether whoever records it must say why.
    #[must_use]
    pub const fn needs_reason(&self) -> bool {
        matches!(
            self,
            Self::StepCorrected { .. }
                | Self::Claimed { choose: true, .. }
                | Self::Chosen { .. }
                | Self::Rescheduled(_)
                | Self::Cancelled
        )
    }
}

/// Who records something, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct By<'a> {
    /// Who; personal.
    pub author: &'a str,
    /// Why; may be personal.
    pub reason: &'a str,
}

/// One thing that was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The outage's version afterwards.
    pub version: i64,
    /// When it was recorded.
    pub at: Timestamp,
    /// Who recorded it; personal.
    pub author: String,
    /// Why; may be personal.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// What.
    pub change: Change,
}
