//! What happened, and what is assumed beyond the sources, from the files in `facts/`.

use std::{fs, path::Path};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::failure::Failure;

const INCIDENT: &str = include_str!("../../facts/incident-2013-05-22.yaml");
const ASSUMED: &str = include_str!("../../facts/replay-2013-05-22.yaml");

/// The incident as its sources tell it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Incident {
    pub(super) title_vi: String,
    pub(super) title_en: String,
    pub(super) onset_claims: Vec<Claim>,
    pub(super) regions: Vec<String>,
    pub(super) customers_affected: u64,
    pub(super) timeline: Vec<Happening>,
}

/// When it began, as somebody says.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Claim {
    #[serde(deserialize_with = "moment")]
    pub(super) at: Timestamp,
    pub(super) source: String,
}

/// What happened when.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Happening {
    #[serde(deserialize_with = "moment")]
    pub(super) at: Timestamp,
    pub(super) event: String,
}

/// What no source says.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Assumed {
    pub(super) scale: u64,
    #[serde(deserialize_with = "moment")]
    pub(super) begin: Timestamp,
    #[serde(deserialize_with = "moment")]
    pub(super) end: Timestamp,
    pub(super) regions: Vec<RegionPlan>,
    pub(super) national: NationalPlan,
    pub(super) known_after_minutes: i64,
    #[serde(deserialize_with = "moments")]
    pub(super) claims_known_at: Vec<Timestamp>,
    pub(super) restored: Vec<Restored>,
    pub(super) callers: f64,
    pub(super) half_life_minutes: f64,
    pub(super) patience_seconds: u32,
    pub(super) talk_seconds: u32,
    pub(super) writers: f64,
    pub(super) throttled: Throttled,
    pub(super) cut_off: CutOff,
}

/// How one corporation is equipped, and what its people do.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct RegionPlan {
    pub(super) code: String,
    pub(super) sms_parts_per_second: Vec<u64>,
    pub(super) trunks: u64,
    #[serde(deserialize_with = "moment")]
    pub(super) first_notice: Timestamp,
    #[serde(deserialize_with = "moment")]
    pub(super) review: Timestamp,
    #[serde(deserialize_with = "moment")]
    pub(super) apology: Timestamp,
    #[serde(deserialize_with = "moment")]
    pub(super) all_clear: Timestamp,
}

/// What the national utility does.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct NationalPlan {
    #[serde(deserialize_with = "moment")]
    pub(super) first_notice: Timestamp,
    #[serde(deserialize_with = "moments")]
    pub(super) progress: Vec<Timestamp>,
    #[serde(deserialize_with = "moment")]
    pub(super) apology: Timestamp,
    #[serde(deserialize_with = "moment")]
    pub(super) all_clear: Timestamp,
}

/// Some have supply again.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Restored {
    #[serde(deserialize_with = "moment")]
    pub(super) at: Timestamp,
    pub(super) region: String,
    pub(super) share: f64,
}

/// A message centre takes less for a while.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Throttled {
    pub(super) region: String,
    /// From 1.
    pub(super) link: usize,
    #[serde(deserialize_with = "moment")]
    pub(super) from: Timestamp,
    #[serde(deserialize_with = "moment")]
    pub(super) until: Timestamp,
    pub(super) share: f64,
}

/// A node is away from the gateway for a while.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct CutOff {
    pub(super) region: String,
    #[serde(deserialize_with = "moment")]
    pub(super) from: Timestamp,
    #[serde(deserialize_with = "moment")]
    pub(super) until: Timestamp,
}

/// All of it.
#[derive(Debug, Clone)]
pub(super) struct Story {
    pub(super) incident: Incident,
    pub(super) assumed: Assumed,
}

impl Story {
    /// The facts that ship, or those of another file in place of either.
    pub(super) fn read(incident: Option<&Path>, assumed: Option<&Path>) -> Result<Self, Failure> {
        let story = Self {
            incident: parse(incident, INCIDENT, "facts/incident-2013-05-22.yaml")?,
            assumed: parse(assumed, ASSUMED, "facts/replay-2013-05-22.yaml")?,
        };
        story.check()?;
        Ok(story)
    }

    fn check(&self) -> Result<(), Failure> {
        let (incident, assumed) = (&self.incident, &self.assumed);
        let planned = |region: &String| assumed.regions.iter().any(|plan| plan.code == *region);
        let known = |region: &String| incident.regions.contains(region);
        let told = if incident.onset_claims.is_empty() {
            "give at least one claim of the onset"
        } else if incident.onset_claims.len() != assumed.claims_known_at.len() + 1 {
            "say of every claim after the first when it becomes known: claims_known_at"
        } else if incident.regions.is_empty() || !incident.regions.iter().all(planned) {
            "say of every region of the incident how it is equipped: regions"
        } else if !known(&assumed.throttled.region) || !known(&assumed.cut_off.region) {
            "throttled and cut_off name a region of the incident"
        } else if assumed.scale == 0 || assumed.begin >= self.onset() || assumed.end <= self.restored_at() {
            "the replay begins before the fault and ends after supply is back, and its scale is at least 1"
        } else {
            return Ok(());
        };
        Err(Failure::said(format!("the replay's facts do not fit together: {told}")))
    }

    /// The earliest claim of the onset: from it the thirty minutes are counted.
    pub(super) fn onset(&self) -> Timestamp {
        self.incident.onset_claims.iter().map(|claim| claim.at).min().unwrap_or_default()
    }

    /// When supply is back for all.
    pub(super) fn restored_at(&self) -> Timestamp {
        let last = self.incident.timeline.iter().filter(|happening| happening.event == "fully_restored");
        last.map(|happening| happening.at).next_back().unwrap_or_default()
    }

    /// How a region is equipped.
    pub(super) fn plan(&self, region: &str) -> Option<&RegionPlan> {
        self.assumed.regions.iter().find(|plan| plan.code == region)
    }

    /// For how many seconds between two moments a region's centres, all together, may as well have taken nothing: what a
    /// throttled one took less, as time.
    pub(super) fn lost_seconds(&self, region: &str, from: Timestamp, until: Timestamp) -> i64 {
        let throttled = &self.assumed.throttled;
        let rates = self.plan(region).map_or(&[][..], |plan| &plan.sms_parts_per_second);
        let (Some(rate), true) = (rates.get(throttled.link.saturating_sub(1)), throttled.region == region) else {
            return 0;
        };
        let within = throttled.until.min(until).duration_since(throttled.from.max(from)).as_secs().max(0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "seconds of a day, shares of a rate"
        )]
        let lost = (within as f64 * (1.0 - throttled.share) * *rate as f64 / rates.iter().sum::<u64>().max(1) as f64)
            .round() as i64;
        lost
    }

    /// A count or a rate at the replay's scale, at least one.
    pub(super) const fn scaled(&self, count: u64) -> u64 {
        let scaled = count / self.assumed.scale;
        if scaled == 0 { 1 } else { scaled }
    }
}

fn parse<T: for<'a> Deserialize<'a>>(path: Option<&Path>, shipped: &str, name: &str) -> Result<T, Failure> {
    let Some(path) = path else {
        return serde_yaml_ng::from_str(shipped).map_err(|error| Failure::because(name.to_owned(), &error));
    };
    let failed = |error: &dyn std::error::Error| Failure::said(format!("{}: {error}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| failed(&error))?;
    serde_yaml_ng::from_str(&text).map_err(|error| failed(&error))
}

fn moment<'a, D: Deserializer<'a>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| D::Error::custom(format!("give a time such as 2013-05-22T14:00:00+07:00, not {text}")))
}

fn moments<'a, D: Deserializer<'a>>(deserializer: D) -> Result<Vec<Timestamp>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let read = |text: &String| text.parse().map_err(|_| D::Error::custom(format!("{text} is no time")));
    texts.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ships_fits_together() {
        let story = Story::read(None, None).unwrap();
        assert_eq!(story.onset(), "2013-05-22T13:52:00+07:00".parse().unwrap());
        assert_eq!(story.restored_at(), "2013-05-22T22:40:00+07:00".parse().unwrap());
        assert_eq!(story.incident.customers_affected, 8_000_000);
        assert_eq!((story.scaled(8_000_000), story.scaled(3)), (80_000, 1));
        let (onset, end) = (story.onset(), story.restored_at());
        assert_eq!((story.lost_seconds("SPC", onset, end), story.lost_seconds("HCMC", onset, end)), (36, 0));
        assert_eq!(story.lost_seconds("SPC", story.assumed.throttled.until, end), 0);
    }
}
