//! A loss of supply: planned or not, why, where, since when, and when supply is expected back.

mod area;
mod code;
mod rules;

pub use area::{Area, Site};
pub use code::{Cause, EstimateSource, OutageKind};
use jiff::Timestamp;
pub use rules::check;
use uuid::Uuid;

/// When supply is expected back: a range, because an early honest range is worth more than a precise slip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// Not before.
    pub earliest: Timestamp,
    /// Not after, as far as anybody knows.
    pub latest: Timestamp,
    /// Who says so.
    pub source: EstimateSource,
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
    /// Why.
    pub cause: Cause,
    /// Where: at least one.
    pub areas: Vec<Area>,
    /// When it begins, or began.
    pub begins_at: Timestamp,
    /// When supply was back everywhere.
    pub ended_at: Option<Timestamp>,
    /// When supply is expected back.
    pub estimate: Option<Estimate>,
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
        self.begins_at <= at && self.ended_at.is_none_or(|ended| ended > at)
    }
}
