//! What the country may know of an outage, and what it makes of it.

use gridcare_domain::{
    feed,
    outage::{
        Area, Cause, Claim, Confidence, CrewState, Estimate, EstimateSource, Fact, Outage, OutageKind, Polygon,
        Position, PublicOutage, Window, supply,
    },
};
use jiff::Timestamp;
use prost::Message as _;
use uuid::Uuid;

use super::told;
use crate::{
    convert::{code, time},
    federation::v1::{self as wire, federated_claim},
    outage::v1 as home,
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

/// What everybody may know of a member's outage, as the country knows it; or what is wrong with the message.
pub fn public_from_wire(
    outage: &wire::FederatedOutage,
    node: &str,
    region: &str,
    now: Timestamp,
) -> Result<PublicOutage, &'static str> {
    const MALFORMED: &str = "an outage has a malformed time";
    let at = |at: Option<&prost_types::Timestamp>| at.and_then(time::instant).ok_or(MALFORMED);
    let id = |text: &str| Uuid::try_parse(text).map_err(|_| "an outage has a malformed id");
    let window = |window: &home::WorkWindow| -> Result<Window, &'static str> {
        Ok(Window { starts_at: at(window.starts_at.as_ref())?, ends_at: at(window.ends_at.as_ref())? })
    };
    let estimate = |given: &home::ReturnEstimate| -> Result<Estimate, &'static str> {
        Ok(Estimate {
            earliest: at(given.earliest.as_ref())?,
            latest: at(given.latest.as_ref())?,
            source: code::estimate_source_from_wire(given.source).unwrap_or(EstimateSource::Dispatcher),
            confidence: code::confidence_from_wire(given.confidence).unwrap_or(Confidence::Medium),
        })
    };
    let deltas = course_from_wire(outage).map_err(|_| MALFORMED)?.deltas();
    let plan = outage.plan.as_ref();
    Ok(PublicOutage {
        id: id(&outage.id)?,
        node: node.to_owned(),
        region: region.to_owned(),
        kind: code::outage_kind_from_wire(outage.kind).unwrap_or(OutageKind::Unplanned),
        cause: Cause::parse(&outage.cause).unwrap_or(Cause::Unknown),
        areas: outage.areas.iter().map(area_from_wire).collect(),
        begins_at: at(outage.begins_at.as_ref())?,
        ended_at: outage.ended_at.as_ref().map(|ended| at(Some(ended))).transpose()?,
        estimate: outage.estimate.as_ref().map(estimate).transpose()?,
        customers: Some(outage.customers).filter(|customers| *customers > 0).or_else(|| supply::most_without(&deltas)),
        without_supply: supply::without_supply_at(&deltas, now.as_microsecond()),
        crew: code::crew_state_from_wire(outage.crew).unwrap_or(CrewState::None),
        parent: (!outage.parent_id.is_empty()).then(|| id(&outage.parent_id)).transpose()?,
        window: plan.and_then(|plan| plan.window.as_ref()).map(window).transpose()?,
        alternative: plan.and_then(|plan| plan.alternative.as_ref()).map(window).transpose()?,
        cancelled: plan.is_some_and(|plan| plan.cancelled),
        updated_at: at(outage.updated_at.as_ref())?,
    })
}

fn area_from_wire(area: &wire::FederatedArea) -> Area {
    let some = |text: &String| (!text.is_empty()).then(|| text.clone());
    let position = |at: &home::Position| Position::from_degrees(at.longitude, at.latitude);
    let ring: Option<Vec<_>> = area.polygon.iter().map(position).collect();
    Area {
        province: some(&area.province),
        district: None,
        area_code: some(&area.area_code),
        feeder: some(&area.feeder),
        transformer: some(&area.transformer),
        // A ring that we would not have taken is not drawn.
        polygon: ring.map(|ring| Polygon { ring }).filter(|polygon| polygon.fault().is_none()),
    }
}
