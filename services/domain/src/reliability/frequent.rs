use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
};

use uuid::Uuid;

use super::{daily::SUSTAINED_OVER_US, family::root};
use crate::outage::{Area, Outage, Site, supply::interruptions};

/// One sustained interruption and the areas in which it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposure {
    /// The outage of which it is told, or that of which this is a part in the end.
    pub family: Uuid,
    /// Whoever is supplied in one of these had it.
    pub areas: Vec<Area>,
    /// Since when, microseconds since 1970.
    pub from_us: i64,
    /// Until when; until now while it goes on.
    pub until_us: i64,
}

impl Exposure {
    /// The sustained interruptions of these outages that reach into a time, microseconds since 1970: those of an area by
    /// itself where steps name it; those of which only the number of customers is known as one, from the first loss to the
    /// last return, for all areas of the outage.
    #[must_use]
    pub fn of(outages: &[Outage], period: &Range<i64>, now_us: i64) -> Vec<Self> {
        let parents: HashMap<Uuid, Option<Uuid>> = outages.iter().map(|outage| (outage.id, outage.parent)).collect();
        let mut found: Vec<Self> =
            outages.iter().flat_map(|outage| Self::of_one(outage, root(outage.id, &parents), now_us)).collect();
        found.retain(|one| one.from_us < period.end && one.until_us >= period.start);
        found
    }

    fn of_one(outage: &Outage, family: Uuid, now_us: i64) -> Vec<Self> {
        let mut named: Vec<&Area> = Vec::new();
        for area in outage.steps.iter().filter_map(|numbered| numbered.step.area.as_ref()) {
            if !named.contains(&area) {
                named.push(area);
            }
        }
        // Customers who lost supply together and regained it in parts were interrupted once.
        let mut spans: BTreeMap<(i64, i64), (i64, i64)> = BTreeMap::new();
        for one in interruptions(&outage.course().deltas()) {
            let until_us = one.until_us.unwrap_or(now_us);
            if until_us - one.from_us > SUSTAINED_OVER_US {
                let loss = if one.group == 0 { 0 } else { one.from_us };
                let span = spans.entry((one.group, loss)).or_insert((one.from_us, until_us));
                *span = (span.0.min(one.from_us), span.1.max(until_us));
            }
        }
        let exposure = |((group, _), (from_us, until_us)): ((i64, i64), (i64, i64))| {
            let area = usize::try_from(group - 1).ok().and_then(|place| named.get(place));
            let areas = area.map_or_else(|| outage.areas.clone(), |area| vec![(*area).clone()]);
            Self { family, areas, from_us, until_us }
        };
        spans.into_iter().map(exposure).collect()
    }
}

/// Who was interrupted often.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Frequent {
    /// Customers with more than n sustained interruptions.
    pub customers: i64,
    /// All customers of whom it is known where they are supplied.
    pub known: i64,
}

/// `CEMI_n` (IEEE 1366-2012 §4.2.6): how many of these had more than `n` sustained interruptions that began within a time. It
/// needs to know who they are, so it is computed where customers are known, and regions add both numbers.
///
/// What an outage and its parts tell of one customer is one interruption as long as it overlaps or adjoins.
#[must_use]
pub fn frequent<'a>(
    n: usize,
    period: &Range<i64>,
    sites: impl Iterator<Item = (Site<'a>, i64)>,
    exposures: &[Exposure],
) -> Frequent {
    let mut exposures: Vec<&Exposure> = exposures.iter().collect();
    exposures.sort_by_key(|exposure| (exposure.family, exposure.from_us));
    let mut by_scope: HashMap<String, Vec<usize>> = HashMap::new();
    for (i, exposure) in exposures.iter().enumerate() {
        for area in &exposure.areas {
            by_scope.entry(area.scope()).or_default().push(i);
        }
    }
    let mut found = Frequent::default();
    for (site, customers) in sites {
        let scopes = site.scopes();
        let mut met: Vec<usize> = scopes.iter().filter_map(|scope| by_scope.get(scope)).flatten().copied().collect();
        met.sort_unstable();
        met.dedup();
        met.retain(|i| exposures[*i].areas.iter().any(|area| area.covers(&site)));
        let times = times(met.iter().map(|i| exposures[*i]), period);
        found.known += customers;
        found.customers += if times > n { customers } else { 0 };
    }
    found
}

/// How many interruptions that began within a time these are for whoever had all of them, by family and then by beginning.
fn times<'a>(met: impl Iterator<Item = &'a Exposure>, period: &Range<i64>) -> usize {
    let mut times = 0;
    let mut last: Option<(Uuid, i64)> = None;
    for one in met {
        let goes_on = last.filter(|(family, until_us)| *family == one.family && *until_us >= one.from_us);
        let until_us = if let Some((_, until_us)) = goes_on {
            until_us.max(one.until_us)
        } else {
            times += usize::from(period.contains(&one.from_us));
            one.until_us
        };
        last = Some((one.family, until_us));
    }
    times
}

#[cfg(test)]
#[path = "frequent_tests.rs"]
mod tests;
