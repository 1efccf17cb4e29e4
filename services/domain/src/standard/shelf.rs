//! All standards that a node ever worked by: old records keep the rules that they were decided under.

use std::sync::Arc;

use super::compiled::Standard;
use crate::{
    clock::{Rule, RuleBook, RuleKey},
    ticket::Versions,
};

/// Standards in the order in which they come into force.
#[derive(Debug, Clone, Default)]
pub struct Shelf(Vec<Arc<Standard>>);

impl Shelf {
    /// Puts a standard in its place; it replaces one of the same version.
    pub fn put(&mut self, standard: Arc<Standard>) {
        self.0.retain(|other| other.version() != standard.version());
        self.0.push(standard);
        self.0.sort_by(|one, other| {
            let order = |standard: &Standard| (standard.effective_us(), standard.bundle().version);
            order(one).cmp(&order(other)).then_with(|| one.version().cmp(other.version()))
        });
    }

    /// The standard in force at an instant: of those effective by then, the last. Before the first one there is none.
    #[must_use]
    pub fn at(&self, at_us: i64) -> Option<&Arc<Standard>> {
        self.0.iter().rev().find(|standard| standard.effective_us() <= at_us)
    }

    /// The standard that comes into force next after an instant.
    #[must_use]
    pub fn next(&self, after_us: i64) -> Option<&Arc<Standard>> {
        self.0.iter().find(|standard| standard.effective_us() > after_us)
    }

    /// The standard of this version.
    #[must_use]
    pub fn version(&self, version: &str) -> Option<&Arc<Standard>> {
        self.0.iter().find(|standard| standard.version() == version)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Standard>> {
        self.0.iter()
    }
}

impl RuleBook for Shelf {
    fn rule(&self, key: &RuleKey) -> Option<Arc<Rule>> {
        let version = key.0.split_once('/')?.0;
        self.version(version)?.rule(key)
    }
}

impl Versions for Shelf {
    fn effective_us(&self, version: &str) -> Option<i64> {
        self.version(version).map(|standard| standard.effective_us())
    }
}
