//! What the country may know of an outage, and what it makes of it.

use gridcare_domain::{
    feed,
    outage::{Area, Claim, Fact, Outage, supply},
};
use prost::Message as _;

use super::told;
use crate::{
    convert::{code, time},
    federation::v1::{self as wire, federated_claim},
};

/// A code may leave; whatever else somebody wrote where a code belongs stays.
fn code_of(text: Option<&String>) -> String {
    let plain =
        |text: &&String| text.len() <= 40 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./:".contains(&b));
    text.filter(plain).cloned().unwrap_or_default()
}

fn area(area: &Area) -> wire::FederatedArea {
    wire::FederatedArea {
        province: code_of(area.province.as_ref()),
        area_code: code_of(area.area_code.as_ref()),
        feeder: code_of(area.feeder.as_ref()),
        transformer: code_of(area.transformer.as_ref()),
        polygon: told::area(area).polygon,
    }
}

fn claim(claim: &Claim) -> wire::FederatedClaim {
    let fact = match claim.fact {
        Fact::Onset(at) => federated_claim::Fact::Onset(time::timestamp(at)),
        Fact::Cause(cause) => federated_claim::Fact::Cause(cause.code().to_owned()),
        Fact::Customers(customers) => federated_claim::Fact::Customers(customers),
        Fact::Restoration(Some(at)) => federated_claim::Fact::Restoration(time::timestamp(at)),
        Fact::Restoration(None) => federated_claim::Fact::NotRestored(true),
    };
    wire::FederatedClaim { no: claim.no, chosen: claim.chosen, fact: Some(fact) }
}

/// What the country may know of an outage: codes, numbers and times.
#[must_use]
pub fn outage_to_federation(outage: &Outage) -> wire::FederatedOutage {
    let step = |delta: &supply::Delta| wire::FederatedStep {
        at: Some(time::micros(delta.at_us)),
        customers: delta.customers,
        group: delta.group,
    };
    let plan = outage.plan.last().map(|revision| wire::FederatedPlan {
        revision: revision.number,
        window: Some(told::window(&revision.plan.window)),
        alternative: revision.plan.alternative.as_ref().map(told::window),
        emergency: revision.plan.emergency_reason.is_some(),
        cancelled: revision.cancelled,
    });
    wire::FederatedOutage {
        id: outage.id.to_string(),
        version: u64::try_from(outage.version).unwrap_or(0),
        kind: code::outage_kind_to_wire(outage.kind),
        cause: outage.cause.code().to_owned(),
        areas: outage.areas.iter().map(area).collect(),
        begins_at: Some(time::timestamp(outage.begins_at)),
        ended_at: outage.ended_at.map(time::timestamp),
        estimate: outage.estimate.as_ref().map(told::estimate),
        customers: outage.customers.unwrap_or(0),
        crew: code::crew_state_to_wire(outage.crew),
        parent_id: outage.parent.map(|id| id.to_string()).unwrap_or_default(),
        steps: outage.course().steps.iter().map(step).collect(),
        claims: outage.claims.iter().map(claim).collect(),
        plan,
        updated_at: Some(time::timestamp(outage.updated_at)),
    }
}

/// The feed's change of an outage.
#[must_use]
pub fn outage_change(outage: &Outage) -> feed::Change {
    let payload = outage_to_federation(outage).encode_to_vec();
    feed::Change { kind: feed::Kind::Outage, key: outage.id.to_string(), version: outage.version, payload }
}

/// What decides who is without supply when, as the country knows it: the same as at home.
pub fn course_from_wire(outage: &wire::FederatedOutage) -> Result<supply::Course, String> {
    let at = |at: Option<&prost_types::Timestamp>| {
        at.and_then(time::instant).map(jiff::Timestamp::as_microsecond).ok_or("an outage has a malformed time")
    };
    let mut course = supply::Course::default();
    for claim in &outage.claims {
        match &claim.fact {
            Some(federated_claim::Fact::Onset(onset)) => {
                let onset = at(Some(onset))?;
                course.onset_claims.push((claim.no, onset));
                course.onset_us = if claim.chosen { Some(onset) } else { course.onset_us };
            }
            Some(federated_claim::Fact::Restoration(restored)) if claim.chosen => {
                course.restored_us = Some(at(Some(restored))?);
            }
            _ => {}
        }
    }
    course.customers = Some(outage.customers).filter(|customers| *customers > 0);
    for step in &outage.steps {
        let at_us = at(step.at.as_ref())?;
        course.steps.push(supply::Delta { at_us, customers: step.customers, group: step.group });
    }
    let first = course.steps.iter().map(|step| step.at_us).min();
    course.onset_us = course.onset_us.or(first);
    Ok(course)
}
