use jiff::Timestamp;

use super::*;
use crate::outage::{By, Cause, Change, Draft, OutageKind, Step, StepKind};

const MINUTE: i64 = 60_000_000;

fn feeder(code: &str) -> Area {
    Area { feeder: Some(code.into()), ..Area::default() }
}

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(minute * 60).unwrap()
}

/// An outage of a hundred customers from one minute since 1970 to another.
fn outage(id: u128, parent: Option<u128>, area: Area, from: i64, until: i64) -> Outage {
    let draft = Draft {
        kind: OutageKind::Unplanned,
        cause: Cause::Weather,
        areas: vec![area],
        begins_at: Some(at(from)),
        ended_at: Some(at(until)),
        estimate: None,
        customers: Some(100),
        parent: parent.map(Uuid::from_u128),
        plan: None,
        source: "SCADA".into(),
    };
    let by = By { author: "lan", reason: "" };
    Outage::record(Uuid::from_u128(id), draft, by, at(until), 0).unwrap()
}

/// How many of ten customers of the feeder F1, which is in Sài Gòn, were interrupted more than `n` times between minutes.
fn more_than(n: usize, outages: &[Outage], from: i64, until: i64) -> i64 {
    let site = Site { feeder: Some("F1"), province: Some("VN-SG"), ..Site::default() };
    let period = from * MINUTE..until * MINUTE;
    let exposures = Exposure::of(outages, &period, i64::MAX);
    frequent(n, &period, std::iter::once((site, 10)), &exposures).customers
}

#[test]
fn whoever_lost_supply_too_often_is_counted_where_customers_are_known() {
    let exposures: Vec<_> = ["F1", "F1", "F2", "F1"]
        .into_iter()
        .zip(1_u128..)
        .map(|(code, id)| Exposure {
            family: Uuid::from_u128(id),
            areas: vec![feeder(code), feeder("F9")],
            from_us: 0,
            until_us: 9 * MINUTE,
        })
        .collect();
    let sites = ["F1", "F2", "F3", "f9"].map(|feeder| Site { feeder: Some(feeder), ..Site::default() });
    let of = |n| frequent(n, &(0..1), sites.iter().map(|site| (*site, 10)), &exposures);
    assert_eq!(of(0), Frequent { customers: 30, known: 40 });
    assert_eq!(of(2), Frequent { customers: 20, known: 40 });
    assert_eq!(of(3), Frequent { customers: 10, known: 40 });
}

#[test]
fn an_interruption_within_a_larger_one_is_the_same() {
    let province = || Area { province: Some("VN-SG".into()), ..Area::default() };
    let event = outage(1, None, province(), 60, 120);
    let of = |parts: &[Outage]| {
        let all = [std::slice::from_ref(&event), parts].concat();
        (0..4).take_while(|n| more_than(*n, &all, 0, 600) > 0).count()
    };
    assert_eq!(of(&[outage(2, Some(1), feeder("F1"), 70, 100)]), 1, "a feeder within the province");
    let deeper = [outage(2, Some(1), feeder("F2"), 60, 80), outage(3, Some(2), feeder("F1"), 110, 150)];
    assert_eq!(of(&deeper), 1, "a part of a part that outlasts the event");
    assert_eq!(of(&[outage(2, Some(1), feeder("F1"), 120, 150)]), 1, "it goes on where the event ends");
    assert_eq!(of(&[outage(2, Some(1), feeder("F1"), 121, 150)]), 2, "supply was back for a minute");
    assert_eq!(of(&[outage(2, None, feeder("F1"), 70, 100)]), 2, "nobody says that they belong together");
    assert_eq!(of(&[outage(2, Some(9), feeder("F1"), 70, 100)]), 2, "a parent that is not known is none");
}

#[test]
fn an_interruption_belongs_to_the_time_in_which_it_began() {
    let outages = [outage(1, None, feeder("F1"), 50, 150), outage(2, Some(1), feeder("F1"), 110, 130)];
    assert_eq!((more_than(0, &outages, 0, 100), more_than(0, &outages, 100, 200)), (10, 0));
    assert_eq!(more_than(0, &outages[1..], 100, 200), 10);
    assert_eq!(more_than(0, &[outage(1, None, feeder("F1"), 50, 55)], 0, 100), 0, "five minutes are momentary");
}

#[test]
fn an_area_that_loses_supply_twice_was_interrupted_twice() {
    let step = |minute, kind| {
        Change::Stepped(Step { at: at(minute), kind, customers: 10, area: Some(feeder("F1")), source: String::new() })
    };
    let (lost, regained) = (StepKind::Lost, StepKind::Regained);
    let steps = [step(50, lost), step(60, regained), step(90, lost), step(100, regained)];
    let by = By { author: "lan", reason: "" };
    let outages = [outage(1, None, feeder("F1"), 50, 100).change(&steps, by, at(100), 0).unwrap()];
    assert_eq!((more_than(1, &outages, 0, 200), more_than(2, &outages, 0, 200)), (10, 0));
}
