use std::collections::HashMap;

use super::daily::SUSTAINED_OVER_US;
use crate::outage::{Area, Outage, Site, supply::interruptions};

/// One sustained interruption and the areas in which it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposure {
    /// Whoever is supplied in one of these had it.
    pub areas: Vec<Area>,
}

impl Exposure {
    /// The sustained interruptions of an outage that began within a time: those of an area by itself where steps name it;
    /// those of which only the number of customers is known count once for all areas of the outage.
    #[must_use]
    pub fn of(outage: &Outage, from_us: i64, until_us: i64, now_us: i64) -> Vec<Self> {
        let mut named: Vec<&Area> = Vec::new();
        for area in outage.steps.iter().filter_map(|numbered| numbered.step.area.as_ref()) {
            if !named.contains(&area) {
                named.push(area);
            }
        }
        let sustained = interruptions(&outage.course().deltas()).into_iter().filter(|one| {
            (from_us..until_us).contains(&one.from_us)
                && one.until_us.unwrap_or(now_us) - one.from_us > SUSTAINED_OVER_US
        });
        let mut found = Vec::new();
        let mut seen: Vec<(i64, i64)> = Vec::new();
        for one in sustained {
            // Customers who lost supply together and regained it in parts were interrupted once.
            if seen.contains(&(one.group, one.from_us)) || (one.group == 0 && seen.iter().any(|(group, _)| *group == 0))
            {
                continue;
            }
            seen.push((one.group, one.from_us));
            let area = usize::try_from(one.group - 1).ok().and_then(|place| named.get(place));
            found.push(Self { areas: area.map_or_else(|| outage.areas.clone(), |area| vec![(*area).clone()]) });
        }
        found
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

/// `CEMI_n` (IEEE 1366-2012 §4.2.6): how many of these had more than `n` sustained interruptions. It needs to know who they
/// are, so it is computed where customers are known, and regions add both numbers.
#[must_use]
pub fn frequent<'a>(n: usize, sites: impl Iterator<Item = (Site<'a>, i64)>, exposures: &[Exposure]) -> Frequent {
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
        found.known += customers;
        found.customers += if met.len() > n { customers } else { 0 };
    }
    found
}
