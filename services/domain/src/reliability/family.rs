use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::daily::Event;
use crate::outage::{
    parts::together,
    supply::{Interruption, interruptions},
};

/// Parts of parts have a limit where they are recorded; this one is beyond it.
const DEEPEST: usize = 64;

/// An outage that is a part of none, and who was interrupted by it and its parts together.
pub(super) struct Family<'a> {
    pub(super) root: &'a Event,
    pub(super) interruptions: Vec<Interruption>,
}

/// What outages come to within a time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lost {
    /// How many they are; parts are not counted beside what they are parts of.
    pub outages: usize,
    /// Customers times microseconds without supply, as indices count them.
    pub customer_us: i128,
}

impl Lost {
    /// What these outages come to from one moment to another; no time when the other is not later.
    #[must_use]
    pub fn between(events: &[Event], from_us: i64, until_us: i64) -> Self {
        let families = families(events, None);
        let within = |one: &Interruption| {
            let ends = one.until_us.map_or(until_us, |ends| ends.min(until_us));
            i128::from((ends - one.from_us.max(from_us)).max(0)) * i128::from(one.customers)
        };
        let customer_us = families.iter().flat_map(|family| &family.interruptions).map(within).sum();
        Self { outages: families.len(), customer_us }
    }
}

/// Outages with their parts, each once, and one outage's onset where another claim has it. A parent that is not among them is
/// as none.
pub(super) fn families(events: &[Event], onset: Option<(Uuid, i64)>) -> Vec<Family<'_>> {
    let known: HashSet<Uuid> = events.iter().map(|event| event.id).collect();
    let mut parts: HashMap<Uuid, Vec<&Event>> = HashMap::new();
    let mut roots = Vec::new();
    for event in events {
        match event.parent.filter(|parent| known.contains(parent)) {
            Some(parent) => parts.entry(parent).or_default().push(event),
            None => roots.push(event),
        }
    }
    roots.into_iter().map(|root| Family { root, interruptions: lost(root, &parts, onset, 0) }).collect()
}

/// Who was interrupted by an outage and all its parts.
fn lost(
    event: &Event,
    parts: &HashMap<Uuid, Vec<&Event>>,
    onset: Option<(Uuid, i64)>,
    depth: usize,
) -> Vec<Interruption> {
    let deltas = match onset.filter(|(id, _)| *id == event.id) {
        Some((_, claimed)) => event.course.deltas_from(Some(claimed)),
        None => event.course.deltas(),
    };
    let own = interruptions(&deltas);
    let Some(parts_of) = parts.get(&event.id).filter(|_| depth < DEEPEST) else { return own };
    together(&own, &parts_of.iter().map(|part| lost(part, parts, onset, depth + 1)).collect::<Vec<_>>())
}

/// Of which outage this one is a part in the end, by the parents of all that are known; itself when of none.
pub(super) fn root(of: Uuid, parents: &HashMap<Uuid, Option<Uuid>>) -> Uuid {
    let mut root = of;
    for _ in 0..DEEPEST {
        let parent = parents.get(&root).copied().flatten();
        let Some(parent) = parent.filter(|parent| parents.contains_key(parent)) else { break };
        root = parent;
    }
    root
}
