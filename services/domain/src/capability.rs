use jiff::Timestamp;

use crate::contact::Channel;

/// What a node says of one metric of one channel. Intervals are half-open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capability {
    /// The channel.
    pub channel: Channel,
    /// The metric, for example `answered`.
    pub metric: String,
    /// Since when the channel exists; `None`: it does not.
    pub offered_from: Option<Timestamp>,
    /// Since when the figure is reported; `None`: it is not.
    pub reported_from: Option<Timestamp>,
    /// Until when it was reported; `None`: still.
    pub reported_through: Option<Timestamp>,
}

/// How one figure of one region over a period is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The channel did not exist during any part of the period.
    NotOffered,
    /// It existed, and nobody reports the figure.
    NotReported,
    /// The figure covers a part of the time in which the channel was offered.
    Partial,
    /// The figure covers all of it.
    Reported,
}

/// The standing of a figure over `[from, until)`. A capability that was never declared is not offered, never zero.
#[must_use]
pub fn standing(capability: Option<&Capability>, from: Timestamp, until: Timestamp) -> Standing {
    let Some(capability) = capability else { return Standing::NotOffered };
    let Some(offered) = capability.offered_from.filter(|offered| *offered < until) else {
        return Standing::NotOffered;
    };
    let Some(reported) = capability.reported_from.filter(|reported| *reported < until) else {
        return Standing::NotReported;
    };
    if capability.reported_through.is_some_and(|through| through <= from.max(offered)) {
        return Standing::NotReported;
    }
    let begins_late = reported > from.max(offered);
    let ends_early = capability.reported_through.is_some_and(|through| through < until);
    if begins_late || ends_early { Standing::Partial } else { Standing::Reported }
}
