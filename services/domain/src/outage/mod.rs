//! A loss of supply: planned or not, why, where, who lost and regained it when, and when it is expected back. An outage is its
//! history: nothing that was recorded is lost, and all else is derived from it.

mod area;
mod change;
mod claim;
mod code;
/// Outages for maps.
pub mod geojson;
/// Which reports mean which outage.
pub mod grouping;
mod history;
/// Calendars of planned work.
pub mod icalendar;
/// Outages for other systems of the industry.
pub mod odin;
/// Outages and their parts together.
pub mod parts;
mod plan;
mod polygon;
mod public;
mod rules;
/// Who is without supply when.
pub mod supply;

pub use area::{Area, Site};
pub use change::{By, Change, Draft, Entry, Step};
pub use claim::{Claim, Fact};
pub use code::{Cause, Confidence, CrewState, EstimateSource, FactKind, OutageKind, StepKind};
use jiff::Timestamp;
pub use plan::{NOTICE_TARGET, Plan, Revision, Window, notice_us};
pub use polygon::{MOST_POSITIONS, Polygon, Position};
pub use public::{ENDED_STAYS, PLANNED_AHEAD, PublicOutage, Standing};
pub use rules::check_draft;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// When supply is expected back: a range, because an early honest range is worth more than a precise slip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    /// Not before.
    pub earliest: Timestamp,
    /// Not after, as far as anybody knows.
    pub latest: Timestamp,
    /// Who says so.
    pub source: EstimateSource,
    /// How sure they are.
    pub confidence: Confidence,
}

/// A step as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberedStep {
    /// From 1, in the order in which they were recorded.
    pub no: i64,
    /// What it says since its last correction.
    pub step: Step,
}

/// A loss of supply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// `UUIDv7`.
    pub id: Uuid,
    /// Grows by one with every change.
    pub version: i64,
    /// Planned or not.
    pub kind: OutageKind,
    /// Why, as is believed.
    pub cause: Cause,
    /// Where: at least one.
    pub areas: Vec<Area>,
    /// When it begins, or began, as is believed.
    pub begins_at: Timestamp,
    /// When supply was back everywhere, as is believed.
    pub ended_at: Option<Timestamp>,
    /// How many lost supply in all, as is believed.
    pub customers: Option<i64>,
    /// When supply is expected back.
    pub estimate: Option<Estimate>,
    /// Where those who repair it are.
    pub crew: CrewState,
    /// The outage of which it is a part.
    pub parent: Option<Uuid>,
    /// Every revision of the plan of the work; the last one holds.
    pub plan: Vec<Revision>,
    /// Steps that stand, in the order of their numbers.
    pub steps: Vec<NumberedStep>,
    /// Claims, in the order of their numbers.
    pub claims: Vec<Claim>,
    /// All that was recorded.
    pub history: Vec<Entry>,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Outage {
    /// Whether some of its areas cover this site.
    #[must_use]
    pub fn covers(&self, site: &Site<'_>) -> bool {
        self.areas.iter().any(|area| area.covers(site))
    }

    /// Whether supply is lost at this moment.
    #[must_use]
    pub fn lasts_at(&self, at: Timestamp) -> bool {
        !self.is_cancelled() && self.begins_at <= at && self.ended_at.is_none_or(|ended| ended > at)
    }

    /// Whether it was planned and does not take place.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.plan.last().is_some_and(|revision| revision.cancelled)
    }

    /// Until when it concerns whoever asks for a time: to its end, if it has one; a cancelled one never does.
    #[must_use]
    pub fn until(&self) -> Option<Timestamp> {
        if self.is_cancelled() { Some(self.begins_at) } else { self.ended_at }
    }

    /// Whether it takes place, or was to, between two moments. What has not ended lasts until now; work goes on at least as
    /// long as it is planned, and no longer while nobody says that it began.
    #[must_use]
    pub fn touches(&self, from: Timestamp, until: Timestamp, now: Timestamp) -> bool {
        let planned = self.plan.last().map(|revision| revision.plan.window.ends_at);
        let ends = self.until().unwrap_or_else(|| match planned {
            Some(planned) if self.course().onset_us.is_some() => planned.max(now),
            Some(planned) => planned,
            None => now,
        });
        self.begins_at < until && (self.begins_at >= from || ends > from)
    }

    /// What decides who is without supply when.
    #[must_use]
    pub fn course(&self) -> supply::Course {
        let onset = |claim: &Claim| match claim.fact {
            Fact::Onset(at) => Some((claim.no, at.as_microsecond(), claim.chosen)),
            _ => None,
        };
        let onsets: Vec<_> = self.claims.iter().filter_map(onset).collect();
        let mut groups: Vec<&Area> = Vec::new();
        let steps = self.steps.iter().map(|NumberedStep { step, .. }| {
            let group = step.area.as_ref().map_or(0, |area| {
                let known = groups.iter().position(|known| *known == area);
                known.unwrap_or_else(|| {
                    groups.push(area);
                    groups.len() - 1
                }) + 1
            });
            let customers = if step.kind == StepKind::Lost { step.customers } else { -step.customers };
            supply::Delta { at_us: step.at.as_microsecond(), customers, group: i64::try_from(group).unwrap_or(0) }
        });
        supply::Course {
            steps: steps.collect(),
            // Whoever is said to have lost supply was in an outage that had begun.
            onset_us: onsets
                .iter()
                .find(|(_, _, chosen)| *chosen)
                .map(|(_, at, _)| *at)
                .or_else(|| self.steps.iter().map(|numbered| numbered.step.at.as_microsecond()).min()),
            onset_claims: onsets.iter().map(|(no, at, _)| (*no, *at)).collect(),
            restored_us: self.ended_at.map(Timestamp::as_microsecond),
            customers: self.customers,
        }
    }
}
