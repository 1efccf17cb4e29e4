//! What one region promises beyond the standard: lower limits, and less that leaves.

use std::cmp::Ordering;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{
    bundle::{Bundle, DatedRule, Target},
    compiled::Standard,
    export::{FEDERATED, INDISPENSABLE},
    finding::{Finding, Path},
    limit,
};
use crate::refusal::{Refusal, RefusalKind};

/// What one region promises beyond the standard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overlay {
    /// Which overlay, for example `hcmc-fast`.
    pub overlay: String,
    /// Which version of it, from 1.
    pub version: u32,
    /// Whose.
    pub region: String,
    /// Over which standard.
    pub standard: String,
    /// Over which version of it alone; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standard_version: Option<u32>,
    /// Limits that are lower here.
    #[serde(default)]
    pub targets: Vec<Lowered>,
    /// Fields that may leave, of those that the standard lets go; all of them when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub export: Option<Vec<String>>,
}

/// A lower limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lowered {
    /// The target.
    pub id: String,
    /// Counted as the standard counts.
    pub limit: String,
    /// The first day of opening that it holds for.
    pub from: Date,
    /// Who says so.
    pub source: String,
}

impl Overlay {
    pub(super) fn lint(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        for (at, lowered) in self.targets.iter().enumerate() {
            if self.targets[..at].iter().any(|other| other.id == lowered.id) {
                let path = Path::default().item("targets", at).key("id");
                found.push(Finding::error(&path, "DUPLICATE_ID", format!("`{}` is lowered already", lowered.id)));
            }
        }
        if let Some(fields) = &self.export {
            super::lint::export(fields, &mut found);
        }
        found
    }

    /// Whether it is meant for this bundle.
    #[must_use]
    pub fn fits(&self, bundle: &Bundle) -> bool {
        self.standard == bundle.standard && self.standard_version.is_none_or(|version| version == bundle.version)
    }
}

impl Standard {
    /// The standard under an overlay, which may only lower limits and narrow what leaves.
    pub fn with_overlay(&self, overlay: &Overlay) -> Result<Self, Vec<Refusal>> {
        let mut bundle = self.bundle().clone();
        if !overlay.fits(&bundle) {
            let message = format!("the overlay {} is not over {}", overlay.overlay, bundle.version_id());
            return Err(vec![refused("OVERLAY_OF_ANOTHER_STANDARD", message)]);
        }
        let mut refusals = Vec::new();
        for lowered in &overlay.targets {
            if let Some(target) = bundle.targets.iter_mut().find(|target| target.id == lowered.id) {
                refusals.extend(lower(target, lowered).err());
            } else {
                let message = format!("the standard has no target {}; correct the overlay", lowered.id);
                refusals.push(refused("UNKNOWN_TARGET", message).with("target", &lowered.id));
            }
        }
        if let Some(fields) = &overlay.export {
            for field in fields.iter().filter(|field| !self.exports(field)) {
                refusals.push(wider(field, "the standard does not let it go; take it out of the overlay"));
            }
            let lets_go = |field: &String| fields.contains(field) || INDISPENSABLE.contains(&field.as_str());
            bundle.export.retain(lets_go);
        }
        if !refusals.is_empty() {
            return Err(refusals);
        }
        let version = format!("{}+{}.{}", bundle.version_id(), overlay.overlay, overlay.version);
        self.compile_changed(bundle, version)
            .map_err(|found| found.iter().map(|finding| refused("INVALID_OVERLAY", finding.message.clone())).collect())
    }
}

/// The rules of a target with what is lower from some day on.
fn lower(target: &mut Target, lowered: &Lowered) -> Result<(), Refusal> {
    let mut rules = Vec::with_capacity(target.rules.len() + 1);
    let at_target = |refusal: Refusal| refusal.with("target", &lowered.id);
    let wanted = limit::read(&lowered.limit).map_err(|cure| at_target(refused("INVALID_OVERLAY", cure)))?;
    for rule in &target.rules {
        if rule.until.is_some_and(|until| until <= lowered.from) {
            rules.push(rule.clone());
            continue;
        }
        let held = limit::read(&rule.limit).map_err(|cure| at_target(refused("INVALID_OVERLAY", cure)))?;
        match limit::compare(&wanted, &held) {
            None => {
                let message = format!("{} has {}, which {} does not count like", lowered.id, rule.limit, lowered.limit);
                return Err(at_target(refused("OVERLAY_CHANGES_CLOCK", message)));
            }
            Some(Ordering::Greater) => {
                let message = format!("{} allows {} at most; {} is laxer", lowered.id, rule.limit, lowered.limit);
                return Err(at_target(refused("LAXER_OVERLAY", message)));
            }
            Some(Ordering::Equal) => rules.push(rule.clone()),
            Some(Ordering::Less) => {
                let from = rule.from.max(lowered.from);
                if rule.from < from {
                    rules.push(DatedRule { until: Some(from), ..rule.clone() });
                }
                let (limit, source) = (lowered.limit.clone(), lowered.source.clone());
                rules.push(DatedRule { limit, from, until: rule.until, source, assumed: false });
            }
        }
    }
    target.rules = rules;
    Ok(())
}

/// What exceeds what the product federates, or what somebody lets go.
pub(super) fn wider(field: &str, cure: &str) -> Refusal {
    let message = if FEDERATED.contains(&field) {
        format!("{field} would leave the region: {cure}")
    } else {
        format!("{field} is no field that this product lets leave a region; take it out")
    };
    refused("WIDER_EXPORT", message).with("field", field)
}

pub(super) fn refused(reason: &'static str, message: impl Into<String>) -> Refusal {
    Refusal::new(RefusalKind::Precondition, reason, message)
}
