use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{Area, Cause, CrewState, Estimate, Outage, OutageKind, Window, supply};

/// What everybody may know of an outage: at a node, and at a gateway of each of its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicOutage {
    /// `UUIDv7`.
    pub id: Uuid,
    /// The node whose outage it is.
    pub node: String,
    /// The corporation.
    pub region: String,
    /// Planned or not.
    pub kind: OutageKind,
    /// Why, as is believed.
    pub cause: Cause,
    /// Where.
    pub areas: Vec<Area>,
    /// When it begins, or began.
    pub begins_at: Timestamp,
    /// When supply was back everywhere.
    pub ended_at: Option<Timestamp>,
    /// When supply is expected back.
    pub estimate: Option<Estimate>,
    /// How many lost supply in all; none while nobody knows.
    pub customers: Option<i64>,
    /// How many are without supply now.
    pub without_supply: i64,
    /// Where those who repair it are.
    pub crew: CrewState,
    /// The outage of the same node of which it is a part.
    pub parent: Option<Uuid>,
    /// When the work is planned, of planned outages.
    pub window: Option<Window>,
    /// When it takes place if it cannot then.
    pub alternative: Option<Window>,
    /// It was planned, and does not take place.
    pub cancelled: bool,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Where an outage stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It has not begun.
    Planned,
    /// It does not take place.
    Cancelled,
    /// Supply is lost.
    Out,
    /// Some have it again.
    PartlyRestored,
    /// All have it again.
    Restored,
}

impl Standing {
    /// The stable word.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Cancelled => "cancelled",
            Self::Out => "out",
            Self::PartlyRestored => "partly_restored",
            Self::Restored => "restored",
        }
    }
}

/// How long an outage stays in documents after its end.
pub const ENDED_STAYS: SignedDuration = SignedDuration::from_hours(24);
/// How long before its beginning work is in documents.
pub const PLANNED_AHEAD: SignedDuration = SignedDuration::from_hours(30 * 24);

impl PublicOutage {
    /// What everybody may know of an outage of this node and corporation.
    #[must_use]
    pub fn of(outage: &Outage, node: &str, region: &str, now: Timestamp) -> Self {
        let plan = outage.plan.last().map(|revision| &revision.plan);
        let deltas = outage.course().deltas();
        Self {
            id: outage.id,
            node: node.to_owned(),
            region: region.to_owned(),
            kind: outage.kind,
            cause: outage.cause,
            areas: outage.areas.clone(),
            begins_at: outage.begins_at,
            ended_at: outage.ended_at,
            estimate: outage.estimate,
            customers: outage.customers.or_else(|| supply::most_without(&deltas)),
            without_supply: supply::without_supply_at(&deltas, now.as_microsecond()),
            crew: outage.crew,
            parent: outage.parent,
            window: plan.map(|plan| plan.window),
            alternative: plan.and_then(|plan| plan.alternative),
            cancelled: outage.is_cancelled(),
            updated_at: outage.updated_at,
        }
    }

    /// Where it stands at this moment.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> Standing {
        match self.ended_at {
            _ if self.cancelled => Standing::Cancelled,
            Some(ended) if ended <= now => Standing::Restored,
            _ if self.begins_at > now => Standing::Planned,
            _ if self.customers.is_some_and(|all| 0 < self.without_supply && self.without_supply < all) => {
                Standing::PartlyRestored
            }
            _ => Standing::Out,
        }
    }

    /// ISO 3166-2 codes of its provinces, each once.
    #[must_use]
    pub fn provinces(&self) -> Vec<&str> {
        let mut codes: Vec<_> = self.areas.iter().filter_map(|area| area.province.as_deref()).collect();
        codes.sort_unstable();
        codes.dedup();
        codes
    }
}
