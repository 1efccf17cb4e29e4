use std::sync::Arc;

use gridcare_domain::{
    clock::{Rule, RuleBook, RuleKey},
    standard::{Shelf, Standard, builtin, read},
    ticket::Versions,
};

/// The standards of this node.
pub(crate) struct Standards {
    shelf: Shelf,
    current: Arc<Standard>,
}

impl Standards {
    pub(crate) fn shipped() -> Self {
        let current = read(builtin()).and_then(Standard::compile).map(Arc::new).expect("the shipped standard is sound");
        let mut shelf = Shelf::default();
        shelf.put(current.clone());
        Self { shelf, current }
    }

    pub(crate) fn current(&self) -> Arc<Standard> {
        self.current.clone()
    }
}

impl RuleBook for Standards {
    fn rule(&self, key: &RuleKey) -> Option<Arc<Rule>> {
        self.shelf.rule(key)
    }
}

impl Versions for Standards {
    fn effective_us(&self, version: &str) -> Option<i64> {
        self.shelf.effective_us(version)
    }
}
