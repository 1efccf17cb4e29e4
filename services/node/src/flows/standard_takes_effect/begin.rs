use gridcare_chassis::{clock::SharedClock, id::new_id};
use gridcare_domain::{
    acknowledgement::StandardStatus,
    standard::{Standard, read},
};
use gridcare_store::{
    NodeStore,
    standard::{AcceptedStandards, StoredOverlay, StoredStandard, WholeStandard},
};

use super::{change, digest};
use crate::{
    serve::NodeError,
    standard_settings::{Prepared, StandardSettings, against, complaint},
    standards::{Known, Standards, Terms, overlay_name},
};

/// The standards of a node that starts: those it has, or the one that its configuration gives a fresh one.
pub(crate) async fn begin(
    settings: &StandardSettings,
    store: &NodeStore,
    clock: &SharedClock,
) -> Result<Standards, NodeError> {
    let prepared = settings.read().map_err(NodeError::Standards)?;
    let now_us = clock.now().as_microsecond();
    let had = store.accepted_standards().await?;
    // Before anything is written: an overlay that is laxer than what is in force here changes nothing.
    let refused = disagreements(&had, &prepared);
    if !refused.is_empty() {
        return Err(NodeError::Standards(refused));
    }
    let initial = initial(&prepared, now_us)?;
    let overlay =
        prepared.overlay.as_ref().map(|(o, yaml)| StoredOverlay { name: overlay_name(o), yaml: yaml.clone() });
    if !store.begin_standards(&initial, overlay.as_ref(), now_us, new_id(), change).await? {
        let name = overlay.map(|overlay| overlay.name).unwrap_or_default();
        let message = format!(
            "standards.overlay: {name} was kept here with another text, and records name it; give the new text the next version"
        );
        return Err(NodeError::Standards(vec![message]));
    }
    let known = Known::of(store.accepted_standards().await?);
    let known = known.map_err(|unreadable| NodeError::Standards(vec![unreadable.to_string()]))?;
    Ok(Standards::new(Terms::of(prepared), clock.clone(), known))
}

/// What the configuration has against what is in force here, or waits.
fn disagreements(had: &AcceptedStandards, prepared: &Prepared) -> Vec<String> {
    let mut found = Vec::new();
    for whole in had.standards.iter().filter(|whole| whole.standard.status != StandardStatus::Superseded) {
        // One that cannot be read is told of by whoever compiles it.
        let Ok(standard) = read(&String::from_utf8_lossy(&whole.bundle)).and_then(Standard::compile_accepted) else {
            continue;
        };
        let overlay = prepared.overlay.as_ref().map(|(overlay, _)| overlay);
        let refusals = against(&standard, overlay, prepared.exports.as_deref());
        found.extend(refusals.iter().map(complaint));
    }
    found
}

/// What a fresh node works by from its first moment on.
fn initial(prepared: &Prepared, now_us: i64) -> Result<WholeStandard, NodeError> {
    let (text, standard) = &prepared.initial;
    let (name, effective_us) = (standard.version().to_owned(), standard.effective_us());
    if effective_us > now_us {
        let message = format!(
            "standards.initial: {name} is in force only from {}; give one that is now",
            standard.bundle().effective_at
        );
        return Err(NodeError::Standards(vec![message]));
    }
    let standard = StoredStandard {
        digest: digest(text.as_bytes()),
        name,
        status: StandardStatus::InForce,
        status_us: now_us,
        reasons: Vec::new(),
        verdict: Vec::new(),
        // Nobody published it; what was published for the same moment goes before it, and so on every node.
        published_us: effective_us,
        received_us: now_us,
        effective_us: Some(effective_us),
        superseded_us: None,
        revision: 1,
        rebased: true,
    };
    let overlay = prepared.overlay.as_ref().map(|(overlay, _)| overlay_name(overlay)).unwrap_or_default();
    Ok(WholeStandard { standard, bundle: text.as_bytes().to_vec(), signature: Vec::new(), overlay })
}
