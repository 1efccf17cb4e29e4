use std::sync::Arc;

use gridcare_domain::{clock::RuleBook, standard::Standard, ticket::Governance};
use gridcare_proto::convert::feed::Leaving;

use crate::{Node, standards::Standards};

/// The rules under which one request is decided: the standard in force when it came, and all that ever were.
#[derive(Clone)]
pub(crate) struct Rules {
    pub(crate) standard: Arc<Standard>,
    pub(crate) standards: Arc<Standards>,
}

impl Rules {
    pub(crate) fn governance(&self) -> Governance<'_> {
        Governance { standard: &self.standard, book: &*self.standards }
    }

    pub(crate) fn book(&self) -> &dyn RuleBook {
        &*self.standards
    }

    pub(crate) fn leaving<'a>(&'a self, key: &'a [u8; 32]) -> Leaving<'a> {
        Leaving { key, governance: self.governance() }
    }
}

impl Node {
    /// The rules that hold now.
    pub(crate) fn rules(&self) -> Rules {
        Rules { standard: self.standards.current(), standards: self.standards.clone() }
    }
}
