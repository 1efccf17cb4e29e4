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
    fn misfit(&self, report: &Report<'_>, outage: &Outage) -> Option<(u8, i64)> {
        let sooner = outage.begins_at.saturating_sub(self.before_onset).unwrap_or(Timestamp::MIN);
        let ends = outage.ended_at.map(|at| at.saturating_add(self.after_restoration).unwrap_or(Timestamp::MAX));
        if outage.is_cancelled() || report.at < sooner || ends.is_some_and(|ends| report.at > ends) {
            return None;
        }
        let covering = outage
            .areas
            .iter()
            .filter(|area| report.sites.iter().any(|site| area.covers(site) || self.is_near(area, site)));
        let narrowest = covering.map(breadth).min()?;
        Some((narrowest, report.at.duration_since(outage.begins_at).abs().as_secs()))
    }

    /// Whether a place lies within reach of a ring, where all else that is given holds.
    fn is_near(&self, area: &Area, site: &Site<'_>) -> bool {
        let (Some(ring), Some(position)) = (&area.polygon, site.position) else { return false };
        let rest = Area { polygon: None, ..area.clone() };
        let near = ring.ring.iter().any(|corner| corner.metres_to(position) <= self.reach_m);
        near && (rest.is_empty() || rest.covers(site))
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
mod tests {
    use super::*;
    use crate::outage::{By, Cause, Draft, OutageKind, Position};

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_369_180_800).unwrap() + SignedDuration::from_mins(minute)
    }

    fn outage(id: u128, area: Area, begins: i64, ended: Option<i64>) -> Outage {
        let draft = Draft {
            kind: OutageKind::Unplanned,
            cause: Cause::Unknown,
            areas: vec![area],
            begins_at: Some(at(begins)),
            ended_at: ended.map(at),
            estimate: None,
            customers: None,
            parent: None,
            plan: None,
            source: String::new(),
        };
        Outage::record(Uuid::from_u128(id), draft, By { author: "lan", reason: "" }, at(begins), 0).unwrap()
    }

    fn fed<'a>(feeder: &'a str, transformer: &'a str) -> Site<'a> {
        let province = Some("VN-SG");
        Site { province, feeder: Some(feeder), transformer: Some(transformer), ..Site::default() }
    }

    fn report(ticket: u128, minute: i64, site: Site<'_>) -> Report<'_> {
        Report { ticket: Uuid::from_u128(ticket), at: at(minute), sites: vec![site] }
    }

    fn feeder(code: &str) -> Area {
        Area { feeder: Some(code.into()), ..Area::default() }
    }

    #[test]
    fn a_report_joins_the_narrowest_outage_that_covers_it_in_time() {
        let province = Area { province: Some("VN-SG".into()), ..Area::default() };
        let outages = [
            outage(1, province, 0, None),
            outage(2, feeder("471-E5"), 0, Some(60)),
            outage(3, feeder("472-E5"), 0, Some(60)),
        ];
        let reports = [
            report(10, 5, fed("471-e5", "T1")),
            report(11, -20, fed("471-E5", "T2")),
            report(12, 89, fed("472-E5", "T3")),
            report(13, 200, fed("472-E5", "T3")),
            report(14, -40, fed("471-E5", "T1")),
        ];
        let found = Rule::default().propose(&reports, &outages);
        let join = |outage, tickets: &[u128]| Proposal::Join {
            outage: Uuid::from_u128(outage),
            tickets: tickets.iter().map(|ticket| Uuid::from_u128(*ticket)).collect(),
        };
        assert_eq!(found, [join(2, &[10, 11]), join(3, &[12]), join(1, &[13])], "ticket 14 came before all of them");
    }

    #[test]
    fn enough_reports_of_one_feeder_within_a_short_time_make_a_new_outage() {
        let reports = [
            report(1, 0, fed("471-E5", "T1")),
            report(2, 10, fed("471-E5", "T2")),
            report(3, 15, fed("479-E9", "T9")),
            report(4, 119, fed("471-E5", "T1")),
            report(5, 121, fed("471-E5", "T1")),
        ];
        let found = Rule::default().propose(&reports, &[]);
        let [Proposal::Record { area, since, tickets }] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((area.feeder.as_deref(), area.transformer.as_deref()), (Some("471-E5"), None));
        assert_eq!((*since, tickets.clone()), (at(0), [1, 2, 4].map(Uuid::from_u128).to_vec()));
    }

    #[test]
    fn many_reports_of_one_area_make_a_new_outage_where_nothing_narrower_does() {
        let of_area = |area_code, feeder| Site {
            province: Some("VN-SG"),
            district: Some("Quận 1"),
            area_code: Some(area_code),
            feeder,
            ..Site::default()
        };
        let mut reports: Vec<_> = (0..9).map(|i| report(i, 1, of_area("PD0100", None))).collect();
        // The same code in another district, and those whose feeder says more.
        reports.push(report(20, 1, Site { district: Some("Quận 3"), ..of_area("PD0100", None) }));
        reports.extend((30..33).map(|i| report(i, 1, of_area("PD0100", Some("471-E5")))));
        let propose = |reports: &[Report<'_>]| Rule::default().propose(reports, &[]);
        let found = propose(&reports);
        let [Proposal::Record { area, .. }] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(area.feeder.as_deref(), Some("471-E5"));
        reports.push(report(40, 119, of_area("pd0100", Some("479-E9"))));
        let found = propose(&reports);
        let [_, Proposal::Record { area, tickets, .. }] = found.as_slice() else { panic!("{found:?}") };
        let expected = Area {
            province: Some("VN-SG".into()),
            district: Some("Quận 1".into()),
            area_code: Some("PD0100".into()),
            ..Area::default()
        };
        assert_eq!((area, tickets.len()), (&expected, 10));
    }

    #[test]
    fn reports_near_each_other_are_one_and_far_ones_are_not() {
        let near = |metres: i32| Site {
            province: Some("VN-SG"),
            position: Some(Position { lon_e7: 1_067_000_000, lat_e7: 107_700_000 + metres * 90 }),
            ..Site::default()
        };
        let reports =
            [report(1, 0, near(0)), report(2, 1, near(300)), report(3, 2, near(490)), report(4, 3, near(900))];
        let found = Rule::default().propose(&reports, &[]);
        let [Proposal::Record { area, tickets, .. }] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((area.province.as_deref(), tickets.len()), (Some("VN-SG"), 3));
        let ring = area.polygon.as_ref().unwrap();
        assert_eq!(ring.fault(), None);
        let covered = [0, 300, 490, 900].map(|metres| ring.covers(near(metres).position.unwrap()));
        assert_eq!(covered, [true, true, true, false], "whoever reports from there later means it too");
        assert_eq!(Rule { reach_m: 100.0, ..Rule::default() }.propose(&reports, &[]), []);
    }
}
