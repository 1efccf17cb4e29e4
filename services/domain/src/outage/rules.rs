use jiff::Timestamp;

use super::{
    Area, Change, Draft, Estimate, Fact, Outage, OutageKind, Step,
    change::By,
    plan::{Plan, Window},
};
use crate::{contact::check_text, province, refusal::Violation};

/// Areas of one outage at most.
const MOST_AREAS: usize = 1_000;
/// Longest name or code of an area, in bytes.
const NAME_LIMIT: usize = 100;
/// Longest name of a source, in bytes.
const SOURCE_LIMIT: usize = 200;
/// Longest reason, in bytes.
const REASON_LIMIT: usize = 1_000;
/// More people than any country has customers.
const MOST_CUSTOMERS: i64 = 1_000_000_000;
/// 2200-01-01, seconds since 1970.
const LATEST_S: i64 = 7_258_118_400;

/// Every rule that a draft breaks; empty when it is sound. `at` prefixes the field names.
#[must_use]
pub fn check_draft(draft: &Draft, at: &str) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut no = |field: &str, reason, cure: &str| found.push(Violation::new(format!("{at}{field}"), reason, cure));
    match (draft.kind, &draft.plan) {
        (OutageKind::Unplanned, Some(_)) => no("plan", "NOT_PLANNED", "give a plan for planned outages alone"),
        (OutageKind::Planned, None) => no("plan", "REQUIRED", "say when the work is to take place"),
        _ => {}
    }
    if draft.begins_at.is_none() && draft.kind == OutageKind::Unplanned {
        no("begins_at", "REQUIRED", "give the time at which it began");
    }
    let begins_at = draft.begins_at.or(draft.plan.as_ref().map(|plan| plan.window.starts_at));
    if draft.ended_at.is_some_and(|ended| begins_at.is_some_and(|begins| ended < begins)) {
        no("ended_at", "ENDED_BEFORE_BEGUN", "an outage ends at or after its beginning");
    }
    if draft.ended_at.is_some() && draft.begins_at.is_none() {
        no("begins_at", "REQUIRED", "give the time at which it began, if it has ended");
    }
    check_time(&format!("{at}begins_at"), draft.begins_at, &mut found);
    check_time(&format!("{at}ended_at"), draft.ended_at, &mut found);
    if let Some(customers) = draft.customers {
        check_customers(&format!("{at}customers"), customers, &mut found);
    }
    if let Some(estimate) = &draft.estimate {
        check_estimate(estimate, begins_at, &format!("{at}estimate"), &mut found);
    }
    if let Some(plan) = &draft.plan {
        check_plan(plan, &format!("{at}plan"), &mut found);
    }
    check_text(&format!("{at}source"), &draft.source, SOURCE_LIMIT, &mut found);
    check_areas(&draft.areas, at, &mut found);
    found
}

/// Every rule that a change of this outage breaks. `at` prefixes the field names.
pub(super) fn check_change(outage: &Outage, change: &Change, by: By<'_>, at: &str, found: &mut Vec<Violation>) {
    if change.needs_reason() && by.reason.trim().is_empty() {
        found.push(Violation::new("reason", "REQUIRED", "say why: it stays in the outage's history"));
    }
    check_text("reason", by.reason, REASON_LIMIT, found);
    match change {
        Change::Stepped(step) => check_step(outage, step, &format!("{at}step."), found),
        Change::StepCorrected { no, step } => {
            if !outage.steps.iter().any(|known| known.no == *no) {
                let cure = "give the number of a step that stands";
                found.push(Violation::new(format!("{at}correct_step.no"), "NO_SUCH_STEP", cure));
            }
            if let Some(step) = step {
                check_step(outage, step, &format!("{at}correct_step.step."), found);
            }
        }
        Change::Estimated(Some(estimate)) => {
            check_estimate(estimate, Some(outage.begins_at), &format!("{at}estimate"), found);
        }
        Change::Claimed { fact, source, .. } => {
            let at = format!("{at}claim.claim.");
            match fact {
                Fact::Onset(time) => check_time(&format!("{at}onset"), Some(*time), found),
                Fact::Restoration(time) => check_time(&format!("{at}restoration"), *time, found),
                Fact::Customers(customers) => check_customers(&format!("{at}customers"), *customers, found),
                Fact::Cause(_) => {}
            }
            check_text(&format!("{at}source"), source, SOURCE_LIMIT, found);
        }
        Change::Chosen { no } => {
            if !outage.claims.iter().any(|claim| claim.no == *no) {
                let cure = "give the number of a claim of this outage";
                found.push(Violation::new(format!("{at}choose_claim"), "NO_SUCH_CLAIM", cure));
            }
        }
        Change::Redrawn(areas) => check_areas(areas, &format!("{at}areas."), found),
        Change::Nested(parent) => {
            if *parent == Some(outage.id) {
                let cure = "give another outage: none is a part of itself";
                found.push(Violation::new(format!("{at}parent_id"), "PART_OF_ITSELF", cure));
            }
        }
        Change::Rescheduled(plan) => {
            check_is_planned(outage, &format!("{at}reschedule"), found);
            check_plan(plan, &format!("{at}reschedule"), found);
        }
        Change::Cancelled => check_is_planned(outage, &format!("{at}cancel_work"), found),
        Change::Recorded(_) | Change::Estimated(None) | Change::CrewMoved(_) => {}
    }
}

/// What only the whole outage can break, after its changes.
pub(super) fn check_whole(outage: &Outage, field: &str, found: &mut Vec<Violation>) {
    if outage.ended_at.is_some_and(|ended| ended < outage.begins_at) {
        let cure = "an outage ends at or after its beginning: claim or choose times that go together";
        found.push(Violation::new(field, "ENDED_BEFORE_BEGUN", cure));
    }
    if let Some(at) = outage.course().overdrawn() {
        let cure = format!("at {at} more customers would have regained supply than lost it; correct a step");
        found.push(Violation::new(field, "REGAINED_MORE_THAN_LOST", cure));
    }
}

fn check_is_planned(outage: &Outage, field: &str, found: &mut Vec<Violation>) {
    if outage.plan.is_empty() {
        found.push(Violation::new(field, "NOT_PLANNED", "only planned work has a plan that could change"));
    } else if outage.is_cancelled() {
        found.push(Violation::new(field, "CANCELLED", "this work was cancelled; record it anew"));
    }
}

fn check_step(outage: &Outage, step: &Step, at: &str, found: &mut Vec<Violation>) {
    check_time(&format!("{at}at"), Some(step.at), found);
    check_customers(&format!("{at}customers"), step.customers, found);
    check_text(&format!("{at}source"), &step.source, SOURCE_LIMIT, found);
    if let Some(area) = &step.area {
        check_area(area, &format!("{at}area"), found);
    }
    let claimed = outage.claims.iter().any(|claim| claim.chosen && matches!(claim.fact, Fact::Onset(_)));
    if claimed && step.at < outage.begins_at {
        let cure = "no step comes before the onset that is believed; claim an earlier onset first";
        found.push(Violation::new(format!("{at}at"), "BEFORE_ONSET", cure));
    }
    if outage.ended_at.is_some_and(|ended| step.at > ended) {
        let cure = "no step comes after the restoration that is believed; claim a later one first";
        found.push(Violation::new(format!("{at}at"), "AFTER_RESTORATION", cure));
    }
}

fn check_customers(field: &str, customers: i64, found: &mut Vec<Violation>) {
    if !(1..=MOST_CUSTOMERS).contains(&customers) {
        found.push(Violation::new(field, "OUT_OF_RANGE", format!("give 1 to {MOST_CUSTOMERS} customers")));
    }
}

fn check_time(field: &str, at: Option<Timestamp>, found: &mut Vec<Violation>) {
    if at.is_some_and(|at| !(0..LATEST_S).contains(&at.as_second())) {
        let cure = "give a time from 1970 to 2199; a default or a broken clock gives others";
        found.push(Violation::new(field, "OUT_OF_RANGE", cure));
    }
}

fn check_estimate(estimate: &Estimate, begins_at: Option<Timestamp>, at: &str, found: &mut Vec<Violation>) {
    check_time(&format!("{at}.earliest"), Some(estimate.earliest), found);
    check_time(&format!("{at}.latest"), Some(estimate.latest), found);
    let field = || format!("{at}.latest");
    if estimate.latest < estimate.earliest {
        found.push(Violation::new(field(), "LATEST_BEFORE_EARLIEST", "exchange earliest and latest"));
    }
    if begins_at.is_some_and(|begins| estimate.latest < begins) {
        let cure = "supply returns at or after the outage's beginning";
        found.push(Violation::new(field(), "RETURN_BEFORE_BEGINNING", cure));
    }
}

fn check_plan(plan: &Plan, at: &str, found: &mut Vec<Violation>) {
    let windows = std::iter::once(("window", &plan.window)).chain(plan.alternative.iter().map(|w| ("alternative", w)));
    for (name, Window { starts_at, ends_at }) in windows {
        check_time(&format!("{at}.{name}.starts_at"), Some(*starts_at), found);
        check_time(&format!("{at}.{name}.ends_at"), Some(*ends_at), found);
        if ends_at <= starts_at {
            let cure = "work ends after it starts";
            found.push(Violation::new(format!("{at}.{name}.ends_at"), "ENDED_BEFORE_BEGUN", cure));
        }
    }
    check_time(&format!("{at}.announced_at"), plan.announced_at, found);
    if let Some(reason) = &plan.emergency_reason {
        check_text(&format!("{at}.emergency_reason"), reason, REASON_LIMIT, found);
    }
}

fn check_areas(areas: &[Area], at: &str, found: &mut Vec<Violation>) {
    if areas.is_empty() || areas.len() > MOST_AREAS {
        let cure = format!("give 1 to {MOST_AREAS} areas, or nobody knows whom it concerns");
        found.push(Violation::new(format!("{at}areas"), "LENGTH", cure));
        return;
    }
    for (i, area) in areas.iter().enumerate() {
        check_area(area, &format!("{at}areas[{i}]"), found);
    }
}

fn check_area(area: &Area, at: &str, found: &mut Vec<Violation>) {
    if area.is_empty() {
        let cure = "give a province, district, area code, feeder, transformer or polygon";
        found.push(Violation::new(at, "REQUIRED", cure));
    }
    if area.district.is_some() && area.province.is_none() {
        let cure = "give the province of the district: other provinces have districts of that name";
        found.push(Violation::new(format!("{at}.province"), "REQUIRED", cure));
    }
    if area.province.as_deref().is_some_and(|code| province::find(code).is_none()) {
        let cure = "give an ISO 3166-2 code such as VN-57, or none";
        found.push(Violation::new(format!("{at}.province"), "UNKNOWN_CODE", cure));
    }
    for (field, text) in [
        ("district", &area.district),
        ("area_code", &area.area_code),
        ("feeder", &area.feeder),
        ("transformer", &area.transformer),
    ] {
        if let Some(text) = text {
            check_text(&format!("{at}.{field}"), text, NAME_LIMIT, found);
        }
    }
    if let Some((reason, cure)) = area.polygon.as_ref().and_then(super::Polygon::fault) {
        found.push(Violation::new(format!("{at}.polygon"), reason, cure));
    }
}
