//! What callers give: every violation of a request at once.

use gridcare_domain::{
    outage::{
        Area, Cause, Change, Confidence, Draft, Estimate, EstimateSource, Fact, OutageKind, Plan, Polygon, Position,
        Step, StepKind, Window, check_draft,
    },
    refusal::Violation,
    text::nfc,
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    convert::{code, time},
    outage::v1::{self as wire, fact_claim, outage_change},
};

/// Reads parts of a message, and remembers what is wrong with them.
struct Reader<'a> {
    found: &'a mut Vec<Violation>,
}

impl Reader<'_> {
    fn no(&mut self, field: &str, reason: &'static str, cure: &str) {
        self.found.push(Violation::new(field, reason, cure));
    }

    fn maybe(&mut self, field: &str, given: Option<&prost_types::Timestamp>) -> Option<Timestamp> {
        let read = given.and_then(time::instant);
        if given.is_some() && read.is_none() {
            self.no(field, "OUT_OF_RANGE", "give a time between the years -9999 and 9999");
        }
        read
    }

    fn must(&mut self, field: &str, given: Option<&prost_types::Timestamp>) -> Option<Timestamp> {
        if given.is_none() {
            self.no(field, "REQUIRED", "give the time");
        }
        self.maybe(field, given)
    }

    fn cause(&mut self, field: &str, word: &str) -> Option<Cause> {
        let read = if word.is_empty() { Some(Cause::Unknown) } else { Cause::parse(word) };
        if read.is_none() {
            self.no(field, "UNKNOWN_CODE", "give a cause of the closed list, such as equipment, or none");
        }
        read
    }

    fn id(&mut self, field: &str, text: &str) -> Option<Uuid> {
        let read = if text.is_empty() { None } else { Uuid::try_parse(text).ok() };
        if read.is_none() && !text.is_empty() {
            self.no(field, "MALFORMED", "give an outage's id, a uuid, or none");
        }
        read
    }

    fn estimate(&mut self, at: &str, given: &wire::ReturnEstimate) -> Option<Estimate> {
        let earliest = self.maybe(&format!("{at}.earliest"), given.earliest.as_ref());
        let latest = self.maybe(&format!("{at}.latest"), given.latest.as_ref());
        if given.earliest.is_none() || given.latest.is_none() {
            self.no(at, "REQUIRED", "give both ends of the range, or no estimate");
        }
        let source = code::estimate_source_from_wire(given.source);
        if source.is_none() {
            self.no(&format!("{at}.source"), "UNKNOWN_CODE", "say who estimates, such as CREW");
        }
        let confidence = code::confidence_from_wire(given.confidence);
        if confidence.is_none() && given.confidence != 0 {
            self.no(&format!("{at}.confidence"), "UNKNOWN_CODE", "give LOW, MEDIUM or HIGH, or none");
        }
        let source = source.unwrap_or(EstimateSource::Dispatcher);
        let confidence = confidence.unwrap_or(Confidence::Medium);
        Some(Estimate { earliest: earliest?, latest: latest?, source, confidence })
    }

    fn window(&mut self, at: &str, given: &wire::WorkWindow) -> Option<Window> {
        let starts_at = self.must(&format!("{at}.starts_at"), given.starts_at.as_ref());
        let ends_at = self.must(&format!("{at}.ends_at"), given.ends_at.as_ref());
        Some(Window { starts_at: starts_at?, ends_at: ends_at? })
    }

    fn plan(&mut self, at: &str, given: &wire::WorkPlan) -> Option<Plan> {
        if given.window.is_none() {
            self.no(&format!("{at}.window"), "REQUIRED", "say when the work starts and ends");
        }
        let window = given.window.as_ref().and_then(|window| self.window(&format!("{at}.window"), window));
        let alternative = given.alternative.as_ref();
        let alternative = alternative.and_then(|window| self.window(&format!("{at}.alternative"), window));
        let announced_at = self.maybe(&format!("{at}.announced_at"), given.announced_at.as_ref());
        let emergency_reason = some(&given.emergency_reason);
        Some(Plan { window: window?, alternative, announced_at, emergency_reason })
    }

    fn step(&mut self, at: &str, given: &wire::SupplyStep) -> Option<Step> {
        let moment = self.must(&format!("{at}.at"), given.at.as_ref());
        let kind = code::step_kind_from_wire(given.kind);
        if kind.is_none() {
            self.no(&format!("{at}.kind"), "UNKNOWN_CODE", "give LOST or REGAINED");
        }
        let area = given.area.as_ref().map(|area| self.area(&format!("{at}.area"), area));
        let (kind, source) = (kind.unwrap_or(StepKind::Lost), nfc(given.source.trim()));
        Some(Step { at: moment?, kind, customers: given.customers, area, source })
    }

    fn area(&mut self, at: &str, given: &wire::OutageArea) -> Area {
        let read = |position: &wire::Position| Position::from_degrees(position.longitude, position.latitude);
        let ring: Vec<_> = given.polygon.iter().map_while(read).collect();
        if ring.len() < given.polygon.len() {
            let cure = "give longitudes from -180 to 180 and latitudes from -90 to 90, in degrees";
            self.no(&format!("{at}.polygon[{}]", ring.len()), "OUT_OF_RANGE", cure);
        }
        Area {
            province: some(&given.province),
            district: some(&given.district),
            area_code: some(&given.area_code),
            feeder: some(&given.feeder),
            transformer: some(&given.transformer),
            polygon: (!given.polygon.is_empty()).then_some(Polygon { ring }),
        }
    }

    fn areas(&mut self, at: &str, given: &[wire::OutageArea]) -> Vec<Area> {
        given.iter().enumerate().map(|(i, area)| self.area(&format!("{at}areas[{i}]"), area)).collect()
    }

    fn fact(&mut self, at: &str, given: &wire::FactClaim) -> Option<Fact> {
        match &given.fact {
            Some(fact_claim::Fact::Onset(moment)) => self.must(&format!("{at}.onset"), Some(moment)).map(Fact::Onset),
            Some(fact_claim::Fact::Cause(word)) => self.cause(&format!("{at}.cause"), word).map(Fact::Cause),
            Some(fact_claim::Fact::Customers(customers)) => Some(Fact::Customers(*customers)),
            Some(fact_claim::Fact::Restoration(moment)) => {
                self.must(&format!("{at}.restoration"), Some(moment)).map(|at| Fact::Restoration(Some(at)))
            }
            Some(fact_claim::Fact::NotRestored(true)) => Some(Fact::Restoration(None)),
            Some(fact_claim::Fact::NotRestored(false)) | None => {
                self.no(at, "REQUIRED", "claim an onset, a cause, a number of customers or a restoration");
                None
            }
        }
    }

    fn change(&mut self, at: &str, given: &wire::OutageChange) -> Option<Change> {
        use outage_change::Change as Given;
        Some(match given.change.as_ref() {
            Some(Given::Step(step)) => Change::Stepped(self.step(&format!("{at}.step"), step)?),
            Some(Given::CorrectStep(correction)) => {
                let at = format!("{at}.correct_step.step");
                let step = correction.step.as_ref().map(|step| self.step(&at, step));
                if step == Some(None) {
                    return None;
                }
                Change::StepCorrected { no: correction.no, step: step.flatten() }
            }
            Some(Given::Estimate(estimate)) => {
                Change::Estimated(Some(self.estimate(&format!("{at}.estimate"), estimate)?))
            }
            Some(Given::WithdrawEstimate(true)) => Change::Estimated(None),
            Some(Given::Crew(number)) => {
                let crew = code::crew_state_from_wire(*number);
                if crew.is_none() {
                    self.no(&format!("{at}.crew"), "UNKNOWN_CODE", "say where the crew is, such as ON_SITE");
                }
                Change::CrewMoved(crew?)
            }
            Some(Given::Claim(made)) => {
                let claim = made.claim.clone().unwrap_or_default();
                let fact = self.fact(&format!("{at}.claim.claim"), &claim)?;
                Change::Claimed { fact, source: nfc(claim.source.trim()), choose: made.choose }
            }
            Some(Given::ChooseClaim(no)) => Change::Chosen { no: *no },
            Some(Given::Areas(list)) => Change::Redrawn(self.areas(&format!("{at}.areas."), &list.areas)),
            Some(Given::ParentId(text)) => {
                let parent = self.id(&format!("{at}.parent_id"), text);
                if parent.is_none() && !text.is_empty() {
                    return None;
                }
                Change::Nested(parent)
            }
            Some(Given::Reschedule(plan)) => Change::Rescheduled(self.plan(&format!("{at}.reschedule"), plan)?),
            Some(Given::CancelWork(true)) => Change::Cancelled,
            Some(Given::WithdrawEstimate(false) | Given::CancelWork(false)) | None => {
                self.no(at, "REQUIRED", "give one change");
                return None;
            }
        })
    }
}

fn some(given: &str) -> Option<String> {
    (!given.trim().is_empty()).then(|| nfc(given.trim()))
}

/// The draft that a caller gives, or every rule that it breaks. `at` prefixes the field names.
pub fn draft_from_wire(given: &wire::OutageDraft, at: &str) -> Result<Draft, Vec<Violation>> {
    let mut found = Vec::new();
    let mut reader = Reader { found: &mut found };
    let kind = code::outage_kind_from_wire(given.kind);
    if kind.is_none() {
        reader.no(&format!("{at}kind"), "UNKNOWN_CODE", "give PLANNED or UNPLANNED");
    }
    let draft = Draft {
        kind: kind.unwrap_or(OutageKind::Unplanned),
        cause: reader.cause(&format!("{at}cause"), &given.cause).unwrap_or(Cause::Unknown),
        begins_at: reader.maybe(&format!("{at}begins_at"), given.begins_at.as_ref()),
        ended_at: reader.maybe(&format!("{at}ended_at"), given.ended_at.as_ref()),
        estimate: given.estimate.as_ref().and_then(|estimate| reader.estimate(&format!("{at}estimate"), estimate)),
        customers: Some(given.customers).filter(|customers| *customers != 0),
        parent: reader.id(&format!("{at}parent_id"), &given.parent_id),
        plan: given.plan.as_ref().and_then(|plan| reader.plan(&format!("{at}plan"), plan)),
        areas: reader.areas(at, &given.areas),
        source: nfc(given.source.trim()),
    };
    // What could not be read is not told again as missing.
    let read = found.len();
    for violation in check_draft(&draft, at) {
        let told = found[..read].iter().any(|known| known.field.starts_with(&violation.field));
        let moot = kind.is_none() && violation.field.ends_with("plan");
        if !told && !moot {
            found.push(violation);
        }
    }
    if found.is_empty() { Ok(draft) } else { Err(found) }
}

/// The change that a caller gives; what is wrong with it is added to `found`. `at` is the change's field.
pub fn change_from_wire(given: &wire::OutageChange, at: &str, found: &mut Vec<Violation>) -> Option<Change> {
    let before = found.len();
    let read = Reader { found }.change(at, given);
    read.filter(|_| found.len() == before)
}

/// Where somebody is, as a filter names them: its one position.
pub fn site_position(area: &wire::OutageArea, at: &str, found: &mut Vec<Violation>) -> Option<Position> {
    let read = match area.polygon.as_slice() {
        [] => return None,
        [one] => Position::from_degrees(one.longitude, one.latitude),
        _ => None,
    };
    if read.is_none() {
        found.push(Violation::new(format!("{at}.polygon"), "OUT_OF_RANGE", "give one position in degrees, or none"));
    }
    read
}
