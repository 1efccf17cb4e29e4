use std::sync::{Arc, LazyLock, OnceLock, PoisonError, RwLock};

use gridcare_domain::{
    acknowledgement::{Turn, holding},
    clock::{RuleBook as _, RuleKey},
    standard::{Shelf, Standard, builtin, read},
};
use gridcare_proto::convert::report::RuleText;
use gridcare_store::{
    StoreError,
    gateway::{GatewayStore, Published},
};

/// Published bundles that are looked at: more than a country publishes in a decade.
const MOST: i64 = 500;

/// The standards that this gateway can quote: that which ships with the product, and all that it published. What a region
/// tightens in one is known to that region alone.
pub(super) struct Known {
    shelf: Arc<Shelf>,
    /// What ships, and what this gateway published.
    turns: Vec<Turn>,
}

impl Known {
    /// What a rule says, by its key.
    pub(super) fn text(&self, rule: &str) -> Option<RuleText> {
        self.shelf.rule(&RuleKey(rule.to_owned())).map(|rule| RuleText::from(&*rule))
    }

    /// The standard in force at a member that has all that was published; none where this product cannot read it.
    pub(super) fn in_force(&self, now_us: i64) -> Option<&Arc<Standard>> {
        let turn = self.turns.get(holding(&self.turns, now_us)?)?;
        self.shelf.version(&turn.standard)
    }
}

/// Compiled once; a bundle never changes under its name.
pub(super) async fn known(store: &GatewayStore) -> Result<Known, StoreError> {
    static SHIPPED: LazyLock<Option<Arc<Standard>>> = LazyLock::new(|| compiled(builtin()));
    static SHELF: OnceLock<RwLock<Arc<Shelf>>> = OnceLock::new();
    let held = SHELF.get_or_init(|| {
        let mut shelf = Shelf::default();
        if let Some(standard) = SHIPPED.clone() {
            shelf.put(standard);
        }
        RwLock::new(Arc::new(shelf))
    });
    let mut shelf = held.read().unwrap_or_else(PoisonError::into_inner).clone();
    let shipped = SHIPPED.iter().map(|standard| Turn {
        effective_us: standard.effective_us(),
        // As nodes have it that begin with it.
        published_us: standard.effective_us(),
        standard: standard.version().to_owned(),
    });
    let mut turns: Vec<_> = shipped.collect();
    let mut learnt = Vec::new();
    for published in store.published_standards(None, MOST).await? {
        if shelf.version(&published.name).is_none()
            && let Some((bundle, _)) = store.published_bytes(&published.name).await?
        {
            learnt.extend(compiled(&String::from_utf8_lossy(&bundle)));
        }
        let Published { name: standard, published_us, effective_us, .. } = published;
        turns.push(Turn { effective_us, published_us, standard });
    }
    if !learnt.is_empty() {
        let mut more = (*shelf).clone();
        for standard in learnt {
            more.put(standard);
        }
        shelf = Arc::new(more);
        *held.write().unwrap_or_else(PoisonError::into_inner) = shelf.clone();
    }
    Ok(Known { shelf, turns })
}

/// None for one that a newer product published.
fn compiled(yaml: &str) -> Option<Arc<Standard>> {
    read(yaml).and_then(Standard::compile_accepted).ok().map(Arc::new)
}
