//! Which reports of customers mean which outage: by where they are and when they wrote.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{Area, Outage, Polygon, Site, area::key};

/// What is put around reports that lie near each other, in ten-millionths of a degree: about 50 m, the houses next to theirs.
const MARGIN: i32 = 4_500;

/// What makes two reports one. A corporation's grid and habits decide; these suit feeders of some thousands of customers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// A report so long before the onset that is believed still means it: onsets are claimed late, as in May 2013, where
    /// three sources lay 27 minutes apart.
    pub before_onset: SignedDuration,
    /// A report so long after the restoration still means it: people write when they come home.
    pub after_restoration: SignedDuration,
    /// Reports so far apart in time may mean one outage: as long as restoring a fault may take by the standard.
    pub apart: SignedDuration,
    /// Reports so far apart on the map may mean one outage, in metres: about the reach of a transformer of low voltage.
    pub reach_m: f64,
    /// So many reports together make a fault of the grid likely, rather than of one house.
    pub enough: usize,
    /// So many do where nothing but the area is common to them: it has so many houses that a few of them report something anyway.
    pub enough_of_area: usize,
}

impl Default for Rule {
    fn default() -> Self {
        Self {
            before_onset: SignedDuration::from_mins(30),
            after_restoration: SignedDuration::from_mins(30),
            apart: SignedDuration::from_hours(2),
            reach_m: 500.0,
            enough: 3,
            enough_of_area: 10,
        }
    }
}

/// What a customer reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report<'a> {
    /// The ticket.
    pub ticket: Uuid,
    /// When it was opened.
    pub at: Timestamp,
    /// Where the customer is supplied: each of their premises.
    pub sites: Vec<Site<'a>>,
    /// Outages from which somebody took it out: it does not mean those, whatever the rule says.
    pub taken_out: &'a [Uuid],
}

/// What a rule proposes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proposal {
    /// These tickets mean an outage that is known.
    Join {
        /// The outage.
        outage: Uuid,
        /// The tickets, in the order given.
        tickets: Vec<Uuid>,
    },
    /// These tickets mean one that nobody has recorded.
    Record {
        /// The narrowest thing that they have in common.
        area: Area,
        /// The first of them.
        since: Timestamp,
        /// The tickets, in the order of time.
        tickets: Vec<Uuid>,
    },
}

impl Rule {
    /// How well a report fits an outage, the smaller the better; none when it does not.
    fn misfit(&self, report: &Report<'_>, outage: &Outage) -> Option<(u8, bool, i64)> {
        let sooner = outage.begins_at.saturating_sub(self.before_onset).unwrap_or(Timestamp::MIN);
        let ends = outage.ended_at.map(|at| at.saturating_add(self.after_restoration).unwrap_or(Timestamp::MAX));
        let over = report.at < sooner || ends.is_some_and(|ends| report.at > ends);
        if over || outage.is_cancelled() || report.taken_out.contains(&outage.id) {
            return None;
        }
        let fits = |area: &Area| {
            let covers = report.sites.iter().any(|site| area.covers(site));
            // Of two rings side by side, the one that holds the place is meant.
            (covers || report.sites.iter().any(|site| self.is_near(area, site))).then(|| (breadth(area), !covers))
        };
        let (narrowest, beside) = outage.areas.iter().filter_map(fits).min()?;
        Some((narrowest, beside, report.at.duration_since(outage.begins_at).abs().as_secs()))
    }

    /// Whether a place lies within reach of a ring, where all else that is given holds.
    fn is_near(&self, area: &Area, site: &Site<'_>) -> bool {
        let near = |ring: &Polygon| site.position.is_some_and(|position| ring.metres_to(position) <= self.reach_m);
        area.may_reach(site, self.reach_m) && area.polygon.as_ref().is_some_and(near)
    }

    /// What to do with reports that are linked to no outage: those that fit a known one join the one that fits best, the
    /// narrowest area first; of the others, those that share a transformer or a feeder, or lie near each other, within a
    /// short time make a new one when there are enough; and of what is left, those of one area when there are many.
    #[must_use]
    pub fn propose(&self, reports: &[Report<'_>], outages: &[Outage]) -> Vec<Proposal> {
        let mut joins: Vec<(Uuid, Vec<Uuid>)> = Vec::new();
        let mut left: Vec<&Report<'_>> = Vec::new();
        for report in reports {
            let fitting = outages.iter().filter_map(|outage| Some((self.misfit(report, outage)?, outage.id)));
            match fitting.min() {
                None => left.push(report),
                Some((_, outage)) => match joins.iter_mut().find(|(known, _)| *known == outage) {
                    Some((_, tickets)) => tickets.push(report.ticket),
                    None => joins.push((outage, vec![report.ticket])),
                },
            }
        }
        left.sort_by_key(|report| (report.at, report.ticket));
        let found = joins.into_iter().map(|(outage, tickets)| Proposal::Join { outage, tickets });
        let mut taken = vec![false; left.len()];
        let near = self.clusters(&left, &mut taken, self.enough, |one, other| self.are_one(one, other));
        // Last, so that nobody who shares something narrower is counted for it.
        let of_area = self.clusters(&left, &mut taken, self.enough_of_area, are_of_one_area);
        found.chain(near).chain(of_area).collect()
    }

    /// Reports that are alike, where there are enough of those that are not taken.
    fn clusters(
        &self,
        reports: &[&Report<'_>],
        taken: &mut [bool],
        enough: usize,
        alike: impl Fn(&Site<'_>, &Site<'_>) -> bool,
    ) -> Vec<Proposal> {
        let mut found = Vec::new();
        for first in 0..reports.len() {
            if taken[first] {
                continue;
            }
            // What is not even like itself says nothing that others could share.
            let Some(seed) = reports[first].sites.iter().find(|site| alike(site, site)) else { continue };
            let together: Vec<usize> = (first..reports.len())
                .filter(|i| !taken[*i] && reports[*i].at.duration_since(reports[first].at) <= self.apart)
                .filter(|i| reports[*i].sites.iter().any(|site| alike(seed, site)))
                .collect();
            if together.len() < enough {
                continue;
            }
            for i in &together {
                taken[*i] = true;
            }
            let sites = together.iter().filter_map(|i| reports[*i].sites.iter().find(|site| alike(seed, site)));
            let Some(area) = shared(seed, sites) else { continue };
            let tickets = together.iter().map(|i| reports[*i].ticket).collect();
            found.push(Proposal::Record { area, since: reports[first].at, tickets });
        }
        found
    }

    fn are_one(&self, one: &Site<'_>, other: &Site<'_>) -> bool {
        let near = one.position.zip(other.position).is_some_and(|(a, b)| a.metres_to(b) <= self.reach_m);
        near || same(one.transformer, other.transformer) || same(one.feeder, other.feeder)
    }
}

/// Whether both are given, and the same.
fn same(one: Option<&str>, other: Option<&str>) -> bool {
    one.zip(other).is_some_and(|(one, other)| key(one) == key(other))
}

/// Whether two sites have the code of an area in common; another district may have one of that code.
fn are_of_one_area(one: &Site<'_>, other: &Site<'_>) -> bool {
    let agree = |one: Option<&str>, other: Option<&str>| one.is_none() || other.is_none() || same(one, other);
    same(one.area_code, other.area_code) && agree(one.province, other.province) && agree(one.district, other.district)
}

/// How much of the grid an area may be: the smaller the narrower.
const fn breadth(area: &Area) -> u8 {
    match area {
        Area { transformer: Some(_), .. } => 0,
        Area { polygon: Some(_), .. } => 1,
        Area { feeder: Some(_), .. } => 2,
        Area { area_code: Some(_), .. } => 3,
        Area { district: Some(_), .. } => 4,
        _ => 5,
    }
}

/// The narrowest thing that all these sites have in common.
fn shared<'a>(seed: &Site<'_>, sites: impl Iterator<Item = &'a Site<'a>>) -> Option<Area> {
    let sites: Vec<&Site<'_>> = sites.collect();
    let all = |own: Option<&str>, of: fn(&Site<'a>) -> Option<&'a str>| {
        own.filter(|own| sites.iter().all(|site| of(site).is_some_and(|other| key(own) == key(other))))
            .map(str::to_owned)
    };
    let narrow =
        all(seed.feeder, |site| site.feeder).is_some() || all(seed.transformer, |site| site.transformer).is_some();
    let positions: Option<Vec<_>> = sites.iter().map(|site| site.position).collect();
    let area = Area {
        province: all(seed.province, |site| site.province),
        district: all(seed.district, |site| site.district)
            .filter(|_| all(seed.province, |site| site.province).is_some()),
        area_code: all(seed.area_code, |site| site.area_code),
        feeder: all(seed.feeder, |site| site.feeder),
        transformer: all(seed.transformer, |site| site.transformer),
        // A province that reports of one street share says too much: what says enough is the place on the map.
        polygon: positions.filter(|_| !narrow).and_then(|positions| Polygon::around(&positions, MARGIN)),
    };
    (!area.is_empty()).then_some(area)
}

#[cfg(test)]
#[path = "grouping_tests.rs"]
mod tests;
