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
    Report { ticket: Uuid::from_u128(ticket), at: at(minute), sites: vec![site], taken_out: &[] }
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
    let reports = [report(1, 0, near(0)), report(2, 1, near(300)), report(3, 2, near(490)), report(4, 3, near(900))];
    let found = Rule::default().propose(&reports, &[]);
    let [Proposal::Record { area, tickets, .. }] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((area.province.as_deref(), tickets.len()), (Some("VN-SG"), 3));
    let ring = area.polygon.as_ref().unwrap();
    assert_eq!(ring.fault(), None);
    let covered = [0, 300, 490, 900].map(|metres| ring.covers(near(metres).position.unwrap()));
    assert_eq!(covered, [true, true, true, false], "whoever reports from there later means it too");
    assert_eq!(Rule { reach_m: 100.0, ..Rule::default() }.propose(&reports, &[]), []);
}

/// So many metres east and north of a corner of [`ring`].
fn place(east: i32, north: i32) -> Site<'static> {
    let position = Position { lon_e7: 1_067_000_000 + east * 92, lat_e7: 107_700_000 + north * 90 };
    Site { position: Some(position), ..Site::default() }
}

/// A box between these metres east, and two kilometres high: the middle of a side is far from every corner.
fn ring(west: i32, east: i32) -> Area {
    let corners = [place(west, 0), place(east, 2_000)].map(|site| site.position.unwrap());
    Area { polygon: Polygon::around(&corners, 0), ..Area::default() }
}

#[test]
fn a_ring_is_near_as_far_as_the_rule_reaches_and_no_farther() {
    let rule = Rule::default();
    for (east, north, near) in [
        (1_000, 1_000, true),
        (1_000, 2_499, true),
        (1_000, 2_501, false),
        (-490, 1_000, true),
        (-505, 1_000, false),
        (2_300, 2_300, true),
        // Within reach of each side's line, and of no place on the ring.
        (2_400, 2_400, false),
    ] {
        assert_eq!(rule.is_near(&ring(0, 2_000), &place(east, north)), near, "{east} {north}");
    }
    let of_province = Area { province: Some("VN-SG".into()), ..ring(0, 2_000) };
    for (province, near) in [(Some("vn-sg"), true), (Some("VN-57"), false), (None, false)] {
        assert_eq!(rule.is_near(&of_province, &Site { province, ..place(1_000, 2_300) }), near, "{province:?}");
    }
    let nowhere = Site { province: Some("VN-SG"), ..Site::default() };
    assert!(!rule.is_near(&of_province, &nowhere));
    let without_ring = Area { polygon: None, ..of_province };
    assert!(
        !rule.is_near(&without_ring, &Site { province: Some("VN-SG"), ..place(0, 0) }),
        "it covers; it is not near"
    );
}

#[test]
fn a_report_joins_the_ring_that_holds_it_before_one_beside_it() {
    let outages = [outage(1, ring(0, 2_000), 0, None), outage(2, ring(2_100, 4_000), 30, None)];
    let reports = [
        // The other one began when it was written, and lies 110 m away.
        report(10, 30, place(1_990, 1_000)),
        // Between both: the time decides.
        report(11, 30, place(2_050, 1_000)),
        report(12, 30, place(4_300, 1_000)),
        report(13, 30, place(4_600, 1_000)),
    ];
    let found = Rule::default().propose(&reports, &outages);
    let join = |outage, tickets: &[u128]| Proposal::Join {
        outage: Uuid::from_u128(outage),
        tickets: tickets.iter().map(|ticket| Uuid::from_u128(*ticket)).collect(),
    };
    assert_eq!(found, [join(1, &[10]), join(2, &[11, 12])], "ticket 13 is too far from both");
}

#[test]
fn a_report_that_was_taken_out_of_an_outage_does_not_mean_that_one() {
    let outages = [outage(1, ring(0, 2_000), 0, None), outage(2, feeder("471-E5"), 0, None)];
    let taken_out = [Uuid::from_u128(1)];
    let of = |ticket, site| Report { taken_out: &taken_out, ..report(ticket, 5, site) };
    let reports = [of(10, place(1_000, 1_000)), of(11, Site { feeder: Some("471-E5"), ..place(1_000, 1_000) })];
    let found = Rule::default().propose(&reports, &outages);
    let other = Proposal::Join { outage: Uuid::from_u128(2), tickets: vec![Uuid::from_u128(11)] };
    assert_eq!(found, [other], "it may mean another");
}
