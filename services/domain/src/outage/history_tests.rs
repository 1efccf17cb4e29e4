use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::outage::{Step, StepKind, Window, supply};

const BY: By<'static> = By { author: "lan", reason: "as the control room says" };
const SILENT: By<'static> = By { author: "lan", reason: "" };
const NOTICE_US: i64 = 5 * 24 * 3_600_000_000;

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_369_180_800).unwrap() + SignedDuration::from_mins(minute)
}

fn draft() -> Draft {
    Draft {
        kind: OutageKind::Unplanned,
        cause: Cause::Equipment,
        areas: vec![Area { feeder: Some("471-E5".into()), ..Area::default() }],
        begins_at: Some(at(0)),
        ended_at: None,
        estimate: None,
        customers: None,
        parent: None,
        plan: None,
        source: "SCADA".into(),
    }
}

fn work(starts: i64) -> Plan {
    let window = Window { starts_at: at(starts), ends_at: at(starts + 240) };
    Plan { window, alternative: None, announced_at: None, emergency_reason: None }
}

fn planned(starts: i64) -> Draft {
    Draft { kind: OutageKind::Planned, begins_at: None, plan: Some(work(starts)), ..draft() }
}

fn recorded(draft: Draft) -> Outage {
    Outage::record(Uuid::nil(), draft, BY, at(1), NOTICE_US).unwrap()
}

fn step(minute: i64, kind: StepKind, customers: i64) -> Change {
    Change::Stepped(Step { at: at(minute), kind, customers, area: None, source: String::new() })
}

fn claim(fact: Fact, choose: bool) -> Change {
    Change::Claimed { fact, source: "a newspaper".into(), choose }
}

fn reasons(refused: Result<Outage, Refusal>) -> Vec<(String, &'static str)> {
    refused.unwrap_err().violations.into_iter().map(|v| (v.field, v.reason)).collect()
}

#[test]
fn steps_are_appended_and_corrected_and_never_lost() {
    let outage = recorded(draft());
    let lost = [step(0, StepKind::Lost, 900), step(30, StepKind::Regained, 400)];
    let outage = outage.change(&lost, SILENT, at(31), NOTICE_US).unwrap();
    let right = Step { at: at(30), kind: StepKind::Regained, customers: 450, area: None, source: "crew".into() };
    let corrected = [Change::StepCorrected { no: 2, step: Some(right.clone()) }];
    assert_eq!(reasons(outage.change(&corrected, SILENT, at(40), NOTICE_US)), [("reason".into(), "REQUIRED")]);
    let outage = outage.change(&corrected, BY, at(40), NOTICE_US).unwrap();
    assert_eq!(outage.steps.iter().map(|s| (s.no, s.step.customers)).collect::<Vec<_>>(), [(1, 900), (2, 450)]);
    let outage = outage.change(&[Change::StepCorrected { no: 2, step: None }], BY, at(41), NOTICE_US).unwrap();
    let outage = outage.change(&[step(50, StepKind::Regained, 1)], SILENT, at(51), NOTICE_US).unwrap();
    assert_eq!(outage.steps.iter().map(|s| s.no).collect::<Vec<_>>(), [1, 3], "numbers are not used twice");
    assert!(outage.history.iter().any(|entry| entry.change == Change::Stepped(right.clone())
        || matches!(&entry.change, Change::StepCorrected { step: Some(step), .. } if *step == right)));
    assert_eq!((outage.version, outage.history.len()), (5, 6));
    let over = outage.change(&[step(60, StepKind::Regained, 900)], SILENT, at(61), NOTICE_US);
    assert_eq!(reasons(over), [("changes".into(), "REGAINED_MORE_THAN_LOST")]);
}

#[test]
fn conflicting_claims_are_kept_and_the_chosen_one_is_believed() {
    let outage = recorded(draft());
    let later = [claim(Fact::Onset(at(8)), false), claim(Fact::Customers(5_000), false)];
    let outage = outage.change(&later, SILENT, at(20), NOTICE_US).unwrap();
    assert_eq!((outage.begins_at, outage.customers), (at(0), Some(5_000)), "the first of its fact is believed");
    let onset = outage.claims.iter().find(|claim| claim.fact == Fact::Onset(at(8))).unwrap().no;
    let chosen = outage.change(&[Change::Chosen { no: onset }], BY, at(21), NOTICE_US).unwrap();
    assert_eq!((chosen.begins_at, chosen.claims.len()), (at(8), outage.claims.len()));
    assert_eq!(chosen.claims.iter().find(|claim| claim.no == onset).unwrap().reason, BY.reason);
    assert_eq!(chosen.course().onset_claims.len(), 2);
    let back = chosen.change(&[claim(Fact::Restoration(Some(at(90))), false)], SILENT, at(91), NOTICE_US).unwrap();
    assert_eq!(back.ended_at, Some(at(90)));
    let not = back.change(&[claim(Fact::Restoration(None), true)], BY, at(95), NOTICE_US).unwrap();
    assert_eq!(not.ended_at, None, "it was said too early");
    let early = chosen.change(&[claim(Fact::Restoration(Some(at(5))), false)], SILENT, at(91), NOTICE_US);
    assert_eq!(reasons(early), [("changes".into(), "ENDED_BEFORE_BEGUN")]);
}

#[test]
fn the_plan_keeps_every_revision_and_what_changed() {
    let outage = recorded(planned(10_000));
    assert_eq!((outage.begins_at, outage.estimate.unwrap().latest), (at(10_000), at(10_240)));
    assert_eq!(outage.course().deltas(), [], "work that has not begun interrupts nobody");
    let late = Outage::record(Uuid::nil(), planned(7_000), BY, at(1), NOTICE_US).unwrap_err();
    assert_eq!((late.kind, late.reason), (RefusalKind::Precondition, "NOTICE_TOO_SHORT"));
    let moved = [Change::Rescheduled(work(12_000))];
    let outage = outage.change(&moved, BY, at(100), NOTICE_US).unwrap();
    let refused = outage.change(&[Change::Rescheduled(work(7_000))], BY, at(101), NOTICE_US).unwrap_err();
    assert_eq!(refused.reason, "NOTICE_TOO_SHORT");
    let outage = outage.change(&[Change::Cancelled], BY, at(102), NOTICE_US).unwrap();
    let numbers: Vec<_> = outage.plan.iter().map(|revision| (revision.number, revision.cancelled)).collect();
    assert_eq!(numbers, [(1, false), (2, false), (3, true)]);
    assert_eq!(outage.plan[1].changed(outage.plan.first()), ["starts_at", "ends_at"]);
    assert_eq!(outage.plan[2].changed(outage.plan.get(1)), ["cancelled"]);
    assert!(!outage.lasts_at(at(12_100)));
    let again = outage.change(&[Change::Cancelled, Change::Rescheduled(work(20_000))], BY, at(103), NOTICE_US);
    let expected = [("changes[0].cancel_work".into(), "CANCELLED"), ("changes[1].reschedule".into(), "CANCELLED")];
    assert_eq!(reasons(again), expected);
}

#[test]
fn whoever_work_concerns_only_later_is_told_as_early() {
    let outage = recorded(planned(10_000));
    let feeder = |code: &str| Area { feeder: Some(code.into()), ..Area::default() };
    let redrawn = |areas: &[Area]| [Change::Redrawn(areas.to_vec())];
    let further = redrawn(&[feeder("471-E5"), feeder("472-E5")]);
    let refused = outage.change(&further, SILENT, at(9_940), NOTICE_US).unwrap_err();
    assert_eq!((refused.kind, refused.reason), (RefusalKind::Precondition, "NOTICE_TOO_SHORT"));
    let told = outage.change(&further, SILENT, at(100), NOTICE_US).unwrap();
    assert_eq!(told.plan.iter().map(|revision| revision.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(told.plan[1].changed(told.plan.first()), ["areas"]);
    let narrower = redrawn(&[Area { transformer: Some("T1".into()), ..feeder("471-e5") }]);
    for (within, minute) in [(narrower, 9_940), (further.clone(), 10_001)] {
        let outage = outage.change(&within, SILENT, at(minute), NOTICE_US).unwrap();
        assert_eq!(outage.plan.len(), 1, "it concerns nobody else, or has begun");
    }
    let emergency = Plan { emergency_reason: Some("a pole leans over a road".into()), ..work(10_000) };
    let [further] = further;
    let hurried = outage.change(&[Change::Rescheduled(emergency), further], BY, at(9_940), NOTICE_US).unwrap();
    assert_eq!(hurried.plan.len(), 3);
}

#[test]
fn every_broken_rule_is_named_at_once() {
    let district = Area { district: Some("Quận 1".into()), ..Area::default() };
    let elsewhere = Area { province: Some("XX".into()), feeder: Some("x".repeat(101)), ..Area::default() };
    let estimate =
        Estimate { earliest: at(0), latest: at(-5), source: EstimateSource::Crew, confidence: Confidence::Low };
    let broken = Draft {
        areas: vec![Area::default(), district, elsewhere],
        ended_at: Some(at(-1)),
        estimate: Some(estimate),
        customers: Some(0),
        plan: Some(work(0)),
        ..draft()
    };
    let found = reasons(Outage::record(Uuid::nil(), broken, BY, at(1), NOTICE_US));
    let expected = [
        ("outage.plan", "NOT_PLANNED"),
        ("outage.ended_at", "ENDED_BEFORE_BEGUN"),
        ("outage.customers", "OUT_OF_RANGE"),
        ("outage.estimate.latest", "LATEST_BEFORE_EARLIEST"),
        ("outage.estimate.latest", "RETURN_BEFORE_BEGINNING"),
        ("outage.areas[0]", "REQUIRED"),
        ("outage.areas[1].province", "REQUIRED"),
        ("outage.areas[2].province", "UNKNOWN_CODE"),
        ("outage.areas[2].feeder", "LENGTH"),
    ];
    assert_eq!(found, expected.map(|(field, reason)| (field.to_owned(), reason)));
    let changes = [
        step(-1, StepKind::Lost, 0),
        Change::StepCorrected { no: 9, step: None },
        Change::Chosen { no: 77 },
        Change::Nested(Some(Uuid::nil())),
        Change::Cancelled,
    ];
    let found = reasons(recorded(draft()).change(&changes, BY, at(5), NOTICE_US));
    let expected = [
        ("changes[0].step.customers", "OUT_OF_RANGE"),
        ("changes[0].step.at", "BEFORE_ONSET"),
        ("changes[1].correct_step.no", "NO_SUCH_STEP"),
        ("changes[2].choose_claim", "NO_SUCH_CLAIM"),
        ("changes[3].parent_id", "PART_OF_ITSELF"),
        ("changes[4].cancel_work", "NOT_PLANNED"),
    ];
    assert_eq!(found, expected.map(|(field, reason)| (field.to_owned(), reason)));
}

#[test]
fn an_outage_is_a_matter_of_the_time_that_it_touches() {
    let touches = |outage: &Outage, from, until| outage.touches(at(from), at(until), at(100));
    let over = recorded(Draft { ended_at: Some(at(60)), ..draft() });
    assert!(touches(&over, 59, 90) && touches(&over, -5, 1) && !touches(&over, 60, 90) && !touches(&over, -5, 0));
    let lasts = recorded(draft());
    assert!(touches(&lasts, 99, 200) && !touches(&lasts, 100, 200), "nobody knows what comes after now");
    let planned = recorded(planned(20_000));
    assert!(touches(&planned, 20_239, 20_300) && !touches(&planned, 20_240, 20_300));
    let cancelled = planned.change(&[Change::Cancelled], BY, at(5), NOTICE_US).unwrap();
    assert!(touches(&cancelled, 20_000, 20_300) && !touches(&cancelled, 20_001, 20_300));
    let begun = planned.change(&[step(20_010, StepKind::Lost, 5)], SILENT, at(20_011), NOTICE_US).unwrap();
    let late = begun.touches(at(20_300), at(20_400), at(20_350));
    assert!(late && !planned.touches(at(20_300), at(20_400), at(20_350)), "work that is not over, and none that began");
}

proptest! {
    #[test]
    fn an_outage_is_its_history(given in prop::collection::vec((0..8u8, 0..200i64, 1..100i64), 0..25)) {
        let mut outage = recorded(Draft { kind: OutageKind::Planned, plan: Some(work(20_000)), ..draft() });
        for (what, minute, n) in given {
            let change = match what {
                0 => step(minute, StepKind::Lost, n),
                1 => step(minute, StepKind::Regained, n),
                2 => Change::StepCorrected { no: n % 5, step: None },
                3 => claim(Fact::Onset(at(minute - 100)), n > 50),
                4 => claim(Fact::Restoration((n > 20).then(|| at(minute))), n > 50),
                5 => Change::Chosen { no: n % 6 },
                6 => Change::Rescheduled(work(20_000 + minute)),
                _ => Change::CrewMoved(CrewState::ALL[usize::try_from(n % 5).unwrap()]),
            };
            if let Ok(next) = outage.change(&[change], BY, at(minute), NOTICE_US) {
                prop_assert_eq!(&next.history[..outage.history.len()], &outage.history[..]);
                prop_assert!(next.updated_at >= outage.updated_at);
                outage = next;
            }
            let text = serde_json::to_string(&outage.history).unwrap();
            let read = Outage::of_history(outage.id, serde_json::from_str(&text).unwrap());
            prop_assert_eq!(read.as_ref(), Some(&outage));
            for claim in outage.course().onset_claims {
                let deltas = outage.course().deltas_from(Some(claim.1));
                prop_assert!(deltas.iter().all(|delta| supply::without_supply_at(&deltas, delta.at_us) >= 0));
            }
        }
    }
}
