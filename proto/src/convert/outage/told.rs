//! What callers are told.

use gridcare_domain::outage::{Area, Change, Claim, Draft, Entry, Estimate, Fact, Outage, Plan, Step, Window, supply};
use jiff::Timestamp;

use crate::{
    convert::{code, ticket::etag, time},
    outage::v1::{self as wire, fact_claim, outage_change, outage_entry},
};

fn text(part: Option<&String>) -> String {
    part.cloned().unwrap_or_default()
}

/// An area on the wire.
#[must_use]
pub fn area(area: &Area) -> wire::OutageArea {
    let ring = area.polygon.iter().flat_map(|polygon| &polygon.ring);
    wire::OutageArea {
        province: text(area.province.as_ref()),
        district: text(area.district.as_ref()),
        area_code: text(area.area_code.as_ref()),
        feeder: text(area.feeder.as_ref()),
        transformer: text(area.transformer.as_ref()),
        polygon: ring
            .map(|position| {
                let (longitude, latitude) = position.degrees();
                wire::Position { longitude, latitude }
            })
            .collect(),
    }
}

pub(super) fn estimate(estimate: &Estimate) -> wire::ReturnEstimate {
    wire::ReturnEstimate {
        earliest: Some(time::timestamp(estimate.earliest)),
        latest: Some(time::timestamp(estimate.latest)),
        source: code::estimate_source_to_wire(estimate.source),
        confidence: code::confidence_to_wire(estimate.confidence),
    }
}

pub(super) fn window(window: &Window) -> wire::WorkWindow {
    wire::WorkWindow {
        starts_at: Some(time::timestamp(window.starts_at)),
        ends_at: Some(time::timestamp(window.ends_at)),
    }
}

fn plan(plan: &Plan) -> wire::WorkPlan {
    wire::WorkPlan {
        window: Some(window(&plan.window)),
        alternative: plan.alternative.as_ref().map(window),
        announced_at: plan.announced_at.map(time::timestamp),
        emergency_reason: text(plan.emergency_reason.as_ref()),
    }
}

fn step(step: &Step) -> wire::SupplyStep {
    wire::SupplyStep {
        at: Some(time::timestamp(step.at)),
        kind: code::step_kind_to_wire(step.kind),
        customers: step.customers,
        area: step.area.as_ref().map(area),
        source: step.source.clone(),
    }
}

fn fact(fact: Fact, source: &str) -> wire::FactClaim {
    let fact = match fact {
        Fact::Onset(at) => fact_claim::Fact::Onset(time::timestamp(at)),
        Fact::Cause(cause) => fact_claim::Fact::Cause(cause.code().to_owned()),
        Fact::Customers(customers) => fact_claim::Fact::Customers(customers),
        Fact::Restoration(Some(at)) => fact_claim::Fact::Restoration(time::timestamp(at)),
        Fact::Restoration(None) => fact_claim::Fact::NotRestored(true),
    };
    wire::FactClaim { fact: Some(fact), source: source.to_owned() }
}

fn claim(claim: &Claim) -> wire::NumberedClaim {
    wire::NumberedClaim {
        no: claim.no,
        claim: Some(fact(claim.fact, &claim.source)),
        chosen: claim.chosen,
        recorded_at: Some(time::timestamp(claim.recorded_at)),
        author: claim.author.clone(),
        reason: claim.reason.clone(),
    }
}

fn draft(draft: &Draft) -> wire::OutageDraft {
    wire::OutageDraft {
        kind: code::outage_kind_to_wire(draft.kind),
        cause: draft.cause.code().to_owned(),
        areas: draft.areas.iter().map(area).collect(),
        begins_at: draft.begins_at.map(time::timestamp),
        ended_at: draft.ended_at.map(time::timestamp),
        estimate: draft.estimate.as_ref().map(estimate),
        customers: draft.customers.unwrap_or(0),
        parent_id: draft.parent.map(|id| id.to_string()).unwrap_or_default(),
        plan: draft.plan.as_ref().map(plan),
        source: draft.source.clone(),
    }
}

fn change(change: &Change) -> outage_change::Change {
    use outage_change::Change as Told;
    match change {
        // An outage is recorded once, which an entry says otherwise.
        Change::Recorded(draft) => Told::Areas(wire::AreaList { areas: draft.areas.iter().map(area).collect() }),
        Change::Stepped(taken) => Told::Step(step(taken)),
        Change::StepCorrected { no, step: corrected } => {
            Told::CorrectStep(wire::StepCorrection { no: *no, step: corrected.as_ref().map(step) })
        }
        Change::Estimated(Some(given)) => Told::Estimate(estimate(given)),
        Change::Estimated(None) => Told::WithdrawEstimate(true),
        Change::CrewMoved(crew) => Told::Crew(code::crew_state_to_wire(*crew)),
        Change::Claimed { fact: claimed, source, choose } => {
            Told::Claim(wire::ClaimMade { claim: Some(fact(*claimed, source)), choose: *choose })
        }
        Change::Chosen { no } => Told::ChooseClaim(*no),
        Change::Redrawn(areas) => Told::Areas(wire::AreaList { areas: areas.iter().map(area).collect() }),
        Change::Nested(parent) => Told::ParentId(parent.map(|id| id.to_string()).unwrap_or_default()),
        Change::Rescheduled(to) => Told::Reschedule(plan(to)),
        Change::Cancelled => Told::CancelWork(true),
    }
}

/// An entry of a history on the wire.
#[must_use]
pub fn entry_to_wire(entry: &Entry) -> wire::OutageEntry {
    let what = match &entry.change {
        Change::Recorded(recorded) => outage_entry::What::Recorded(draft(recorded)),
        other => outage_entry::What::Changed(wire::OutageChange { change: Some(change(other)) }),
    };
    wire::OutageEntry {
        version: u64::try_from(entry.version).unwrap_or(0),
        at: Some(time::timestamp(entry.at)),
        author: entry.author.clone(),
        reason: entry.reason.clone(),
        what: Some(what),
    }
}

/// An outage on the wire, as it is at this moment.
#[must_use]
pub fn to_wire(outage: &Outage, now: Timestamp) -> wire::Outage {
    let (now_us, deltas) = (now.as_microsecond(), outage.course().deltas());
    let numbered = outage.steps.iter().map(|numbered| wire::NumberedStep {
        no: numbered.no,
        step: Some(step(&numbered.step)),
        without_supply: supply::without_supply_at(&deltas, numbered.step.at.as_microsecond()),
    });
    let revisions = outage.plan.iter().enumerate().map(|(i, revision)| wire::PlanRevision {
        revision: revision.number,
        plan: Some(plan(&revision.plan)),
        cancelled: revision.cancelled,
        at: Some(time::timestamp(revision.at)),
        changed: revision
            .changed(i.checked_sub(1).and_then(|before| outage.plan.get(before)))
            .into_iter()
            .map(str::to_owned)
            .collect(),
    });
    wire::Outage {
        id: outage.id.to_string(),
        etag: etag(outage.version),
        kind: code::outage_kind_to_wire(outage.kind),
        cause: outage.cause.code().to_owned(),
        areas: outage.areas.iter().map(area).collect(),
        begins_at: Some(time::timestamp(outage.begins_at)),
        ended_at: outage.ended_at.map(time::timestamp),
        estimate: outage.estimate.as_ref().map(estimate),
        customers: outage.customers.unwrap_or(0),
        without_supply: supply::without_supply_at(&deltas, now_us),
        crew: code::crew_state_to_wire(outage.crew),
        parent_id: outage.parent.map(|id| id.to_string()).unwrap_or_default(),
        steps: numbered.collect(),
        claims: outage.claims.iter().map(claim).collect(),
        plan: revisions.collect(),
        updated_at: Some(time::timestamp(outage.updated_at)),
        customer_time_us: supply::customer_time_us(&deltas, i64::MIN, now_us).to_string(),
        // Whoever knows the notices says so.
        needs_notice: false,
        notice_draft_id: String::new(),
    }
}
