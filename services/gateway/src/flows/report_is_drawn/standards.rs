use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use gridcare_domain::{
    clock::{RuleBook as _, RuleKey},
    standard::{Shelf, Standard, builtin, read},
};
use gridcare_proto::convert::report::RuleText;
use gridcare_store::{StoreError, gateway::GatewayStore};

/// Published bundles that are looked at: more than a country publishes in a decade.
const MOST: i64 = 500;

/// The standards that this gateway can quote: that which ships with the product, and all that it published. What a region
/// tightens in one is known to that region alone.
#[derive(Clone)]
pub(super) struct Known(Arc<Shelf>);

impl Known {
    /// What a rule says, by its key.
    pub(super) fn text(&self, rule: &str) -> Option<RuleText> {
        self.0.rule(&RuleKey(rule.to_owned())).map(|rule| RuleText::from(&*rule))
    }
}

/// Compiled once; a bundle never changes under its name.
pub(super) async fn known(store: &GatewayStore) -> Result<Known, StoreError> {
    static SHELF: OnceLock<RwLock<Arc<Shelf>>> = OnceLock::new();
    let held = SHELF.get_or_init(|| {
        let mut shelf = Shelf::default();
        if let Some(standard) = compiled(builtin()) {
            shelf.put(standard);
        }
        RwLock::new(Arc::new(shelf))
    });
    let mut shelf = held.read().unwrap_or_else(PoisonError::into_inner).clone();
    let mut learnt = Vec::new();
    for published in store.published_standards(None, MOST).await? {
        if shelf.version(&published.name).is_none()
            && let Some((bundle, _)) = store.published_bytes(&published.name).await?
        {
            learnt.extend(compiled(&String::from_utf8_lossy(&bundle)));
        }
    }
    if !learnt.is_empty() {
        let mut more = (*shelf).clone();
        for standard in learnt {
            more.put(standard);
        }
        shelf = Arc::new(more);
        *held.write().unwrap_or_else(PoisonError::into_inner) = shelf.clone();
    }
    Ok(Known(shelf))
}

/// None for one that a newer product published.
fn compiled(yaml: &str) -> Option<Arc<Standard>> {
    read(yaml).and_then(Standard::compile).ok().map(Arc::new)
}
