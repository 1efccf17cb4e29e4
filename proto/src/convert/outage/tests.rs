use gridcare_domain::outage::{By, Change, Outage};
use jiff::Timestamp;
use uuid::Uuid;

use super::*;
use crate::outage::v1::{self as wire, fact_claim, outage_change, outage_entry};

const BY: By<'static> = By { author: "lan", reason: "a reason" };

fn at(seconds: i64) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds, nanos: 0 }
}

fn area() -> wire::OutageArea {
    let corner = |longitude, latitude| wire::Position { longitude, latitude };
    wire::OutageArea {
        feeder: " 471-E5 ".into(),
        polygon: vec![corner(106.5, 10.5), corner(106.75, 10.5), corner(106.75, 10.75), corner(106.5, 10.5)],
        ..Default::default()
    }
}

fn draft() -> wire::OutageDraft {
    wire::OutageDraft {
        kind: wire::OutageKind::Unplanned.into(),
        cause: "equipment".into(),
        areas: vec![area()],
        begins_at: Some(at(100)),
        estimate: Some(wire::ReturnEstimate {
            earliest: Some(at(200)),
            latest: Some(at(300)),
            source: wire::EstimateSource::Crew.into(),
            confidence: wire::Confidence::Low.into(),
        }),
        customers: 40,
        source: "SCADA".into(),
        ..Default::default()
    }
}

/// One change of every sort.
fn changes() -> Vec<outage_change::Change> {
    use outage_change::Change as Given;
    let step = |seconds, kind: wire::StepKind, customers| wire::SupplyStep {
        at: Some(at(seconds)),
        kind: kind.into(),
        customers,
        area: Some(area()),
        source: "crew".into(),
    };
    let claim = |fact| wire::FactClaim { fact: Some(fact), source: "a newspaper".into() };
    vec![
        Given::Step(step(110, wire::StepKind::Lost, 30)),
        Given::Step(step(150, wire::StepKind::Regained, 10)),
        Given::CorrectStep(wire::StepCorrection { no: 2, step: Some(step(160, wire::StepKind::Regained, 20)) }),
        Given::CorrectStep(wire::StepCorrection { no: 2, step: None }),
        Given::WithdrawEstimate(true),
        Given::Crew(wire::CrewState::OnSite.into()),
        Given::Claim(wire::ClaimMade { claim: Some(claim(fact_claim::Fact::Onset(at(90)))), choose: true }),
        Given::Claim(wire::ClaimMade { claim: Some(claim(fact_claim::Fact::Cause("weather".into()))), choose: false }),
        Given::Claim(wire::ClaimMade { claim: Some(claim(fact_claim::Fact::NotRestored(true))), choose: false }),
        Given::ChooseClaim(1),
        Given::Areas(wire::AreaList { areas: vec![wire::OutageArea { area_code: "PD 01".into(), ..area() }] }),
        Given::ParentId(Uuid::from_u128(7).to_string()),
    ]
}

fn unfolded() -> Outage {
    let draft = draft_from_wire(&draft(), "").unwrap();
    let outage = Outage::record(Uuid::nil(), draft, BY, Timestamp::UNIX_EPOCH, 0).unwrap();
    let mut found = Vec::new();
    let read: Vec<Change> = changes()
        .into_iter()
        .filter_map(|change| change_from_wire(&wire::OutageChange { change: Some(change) }, "changes[0]", &mut found))
        .collect();
    assert_eq!((found, read.len()), (vec![], changes().len()));
    outage.change(&read, BY, Timestamp::UNIX_EPOCH, 0).unwrap()
}

#[test]
fn what_was_recorded_is_told_as_it_was_given() {
    let outage = unfolded();
    let history: Vec<_> = outage.history.iter().map(entry_to_wire).collect();
    let Some(outage_entry::What::Recorded(first)) = &history[0].what else { panic!("it begins with its draft") };
    let trimmed = wire::OutageArea { feeder: "471-E5".into(), ..area() };
    assert_eq!(*first, wire::OutageDraft { areas: vec![trimmed], ..draft() });
    let mut found = Vec::new();
    for (entry, change) in history[1..].iter().zip(&outage.history[1..]) {
        let Some(outage_entry::What::Changed(told)) = &entry.what else { panic!("and goes on with changes") };
        assert_eq!(change_from_wire(told, "", &mut found).as_ref(), Some(&change.change));
    }
    let told = to_wire(&outage, Timestamp::from_second(120).unwrap());
    assert_eq!((told.etag.as_str(), told.without_supply, told.customer_time_us.as_str()), ("v2", 30, "300000000"));
    assert_eq!((told.claims.len(), told.steps.len()), (6, 1));
}

#[test]
fn the_country_computes_from_the_same_course_and_reads_no_prose() {
    let outage = unfolded();
    let federated = outage_to_federation(&outage);
    assert_eq!(course_from_wire(&federated).unwrap(), outage.course());
    assert_eq!((federated.areas[0].area_code.as_str(), federated.areas[0].feeder.as_str()), ("", "471-E5"));
}

#[test]
fn every_violation_is_told_at_once() {
    let bad = wire::OutageDraft {
        kind: 9,
        cause: "ghosts".into(),
        ended_at: Some(prost_types::Timestamp { seconds: 0, nanos: -1 }),
        estimate: Some(wire::ReturnEstimate::default()),
        plan: Some(wire::WorkPlan::default()),
        parent_id: "x".into(),
        customers: -4,
        ..Default::default()
    };
    let found = draft_from_wire(&bad, "outage.").unwrap_err();
    let mut fields: Vec<_> = found.iter().map(|v| v.field.as_str()).collect();
    fields.sort_unstable();
    let expected = [
        "outage.areas",
        "outage.begins_at",
        "outage.cause",
        "outage.customers",
        "outage.ended_at",
        "outage.estimate",
        "outage.estimate.source",
        "outage.kind",
        "outage.parent_id",
        "outage.plan.window",
    ];
    assert_eq!(fields, expected);
    let mut found = Vec::new();
    let step = wire::SupplyStep {
        area: Some(wire::OutageArea { polygon: vec![wire::Position { longitude: 181.0, latitude: 0.0 }], ..area() }),
        ..Default::default()
    };
    change_from_wire(&wire::OutageChange { change: Some(outage_change::Change::Step(step)) }, "changes[3]", &mut found);
    change_from_wire(&wire::OutageChange::default(), "changes[4]", &mut found);
    let fields: Vec<_> = found.iter().map(|v| v.field.as_str()).collect();
    let expected = ["changes[3].step.at", "changes[3].step.kind", "changes[3].step.area.polygon[0]", "changes[4]"];
    assert_eq!(fields, expected);
}
