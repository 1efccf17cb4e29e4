use std::sync::{Arc, PoisonError, RwLock};

use gridcare_chassis::clock::SharedClock;
use gridcare_domain::{
    acknowledgement::{StandardStatus, Turn, holding},
    clock::{Rule, RuleBook, RuleKey},
    standard::{Finding, Overlay, PublicKey, Shelf, Standard, read, read_overlay},
    ticket::Versions,
};
use gridcare_store::standard::{AcceptedStandards, StoredOverlay, WholeStandard};

use crate::standard_settings::Prepared;

/// What this node asks of bundles.
pub(crate) struct Terms {
    pub(crate) trusted: Vec<PublicKey>,
    pub(crate) overlay: Option<Overlay>,
    pub(crate) exports: Option<Vec<String>>,
}

impl Terms {
    pub(crate) fn of(prepared: Prepared) -> Self {
        let Prepared { trusted, overlay, exports, .. } = prepared;
        Self { trusted, overlay: overlay.map(|(overlay, _)| overlay), exports }
    }

    /// How rows name what this node tightens; empty when nothing.
    pub(crate) fn overlay_name(&self) -> String {
        self.overlay.as_ref().map(overlay_name).unwrap_or_default()
    }
}

/// How an overlay is named in rows and in versions of standards, such as `hcmc-fast.1`.
pub(crate) fn overlay_name(overlay: &Overlay) -> String {
    format!("{}.{}", overlay.overlay, overlay.version)
}

/// The standards of this node: the one that holds now, those that will, and all that ever did.
///
/// What holds is decided by the clock, not by the row that says so: every replica changes over at the same instant.
pub(crate) struct Standards {
    pub(crate) terms: Terms,
    clock: SharedClock,
    known: RwLock<Arc<Known>>,
}

/// What the rows say, compiled.
pub(crate) struct Known {
    /// The rows' revision.
    pub(crate) revision: i64,
    /// When each accepted bundle's turn comes.
    turns: Vec<Turn>,
    /// The same bundles under what this node tightens in them.
    reigning: Vec<Arc<Standard>>,
    /// Times from which bundles hold that the rows still call pending.
    pending: Vec<i64>,
    /// Places of those whose rules open clocks do not run under yet, by time, with their digests.
    owed: Vec<(usize, String)>,
    /// Under every overlay there ever was, so that any stamp of a record is understood.
    shelf: Shelf,
    overlays: Vec<StoredOverlay>,
}

/// A stored bundle or overlay that this version of the product cannot read.
#[derive(Debug, thiserror::Error)]
#[error("{name} is stored here and cannot be read: {what}; run the version of the product that accepted it")]
pub(crate) struct Unreadable {
    name: String,
    what: String,
}

impl Known {
    /// Compiles what the rows say. Without any accepted bundle there is nothing to work by.
    pub(crate) fn of(rows: AcceptedStandards) -> Result<Self, Unreadable> {
        let AcceptedStandards { revision, standards, overlays } = rows;
        let mut read_overlays = Vec::with_capacity(overlays.len());
        for StoredOverlay { name, yaml } in &overlays {
            let overlay = read_overlay(yaml).map_err(|findings| unreadable(name, &findings))?;
            read_overlays.push((name.as_str(), overlay));
        }
        let mut known = Self {
            revision,
            turns: Vec::new(),
            reigning: Vec::new(),
            pending: Vec::new(),
            owed: Vec::new(),
            shelf: Shelf::default(),
            overlays: Vec::new(),
        };
        for whole in &standards {
            known.add(whole, &read_overlays)?;
        }
        known.overlays = overlays;
        if known.reigning.is_empty() {
            return Err(Unreadable { name: "no standard".to_owned(), what: "nothing was accepted yet".to_owned() });
        }
        Ok(known)
    }

    fn add(&mut self, whole: &WholeStandard, overlays: &[(&str, Overlay)]) -> Result<(), Unreadable> {
        let row = &whole.standard;
        let yaml = String::from_utf8_lossy(&whole.bundle);
        let plain =
            read(&yaml).and_then(Standard::compile_accepted).map_err(|findings| unreadable(&row.name, &findings))?;
        let plain = Arc::new(plain);
        let mut reigning = plain.clone();
        self.shelf.put(plain.clone());
        for (name, overlay) in overlays.iter().filter(|(_, overlay)| overlay.fits(plain.bundle())) {
            match plain.with_overlay(overlay) {
                Ok(tightened) => {
                    let tightened = Arc::new(tightened);
                    self.shelf.put(tightened.clone());
                    if *name == whole.overlay {
                        reigning = tightened;
                    }
                }
                Err(refusals) if *name == whole.overlay => {
                    let what: Vec<_> = refusals.iter().map(ToString::to_string).collect();
                    return Err(Unreadable { name: format!("{}+{name}", row.name), what: what.join("; ") });
                }
                // An overlay of other days, which never was over this bundle.
                Err(_) => {}
            }
        }
        let effective_us = row.effective_us.unwrap_or(i64::MAX);
        match row.status {
            StandardStatus::Pending => self.pending.push(effective_us),
            _ if !row.rebased => self.owed.push((self.reigning.len(), row.digest.clone())),
            _ => {}
        }
        self.turns.push(row.turn());
        self.reigning.push(reigning);
        Ok(())
    }
}

fn unreadable(name: &str, findings: &[Finding]) -> Unreadable {
    let what: Vec<_> = findings.iter().map(ToString::to_string).collect();
    Unreadable { name: name.to_owned(), what: what.join("; ") }
}

impl Standards {
    pub(crate) fn new(terms: Terms, clock: SharedClock, known: Known) -> Self {
        Self { terms, clock, known: RwLock::new(Arc::new(known)) }
    }

    fn known(&self) -> Arc<Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes what newer rows say.
    pub(crate) fn learn(&self, known: Known) {
        let mut held = self.known.write().unwrap_or_else(PoisonError::into_inner);
        // Two that read at once may come back in the wrong order.
        if known.revision >= held.revision {
            *held = Arc::new(known);
        }
    }

    /// The standard that holds now.
    pub(crate) fn current(&self) -> Arc<Standard> {
        self.at(self.clock.now().as_microsecond())
    }

    /// The standard that holds at that time; before the first one begins, the first.
    pub(crate) fn at(&self, at_us: i64) -> Arc<Standard> {
        let known = self.known();
        // There always is one: `Known` refuses to be empty.
        let place = holding(&known.turns, at_us).unwrap_or_default();
        known.reigning[place].clone()
    }

    /// The standard of a record's stamp, such as `evn-2013.1` or `evn-2013.1+hcmc-fast.1`.
    pub(crate) fn by_version(&self, version: &str) -> Option<Arc<Standard>> {
        self.known().shelf.version(version).cloned()
    }

    /// The rows' revision that is known here.
    pub(crate) fn revision(&self) -> i64 {
        self.known().revision
    }

    /// The next time at which the rows will have to say something else; in the past when it has come.
    pub(crate) fn due_us(&self) -> Option<i64> {
        self.known().pending.iter().min().copied()
    }

    /// Standards under which open clocks do not run yet, in the order in which they hold, with their digests and the
    /// revision at which this is so.
    pub(crate) fn owed(&self) -> (i64, Vec<(Arc<Standard>, String)>) {
        let known = self.known();
        let owed = known.owed.iter().map(|(place, digest)| (known.reigning[*place].clone(), digest.clone()));
        (known.revision, owed.collect())
    }

    /// The text of an overlay by its name in rows; empty for none.
    pub(crate) fn overlay(&self, name: &str) -> String {
        let known = self.known();
        known.overlays.iter().find(|overlay| overlay.name == name).map(|o| o.yaml.clone()).unwrap_or_default()
    }
}

impl RuleBook for Standards {
    fn rule(&self, key: &RuleKey) -> Option<Arc<Rule>> {
        self.known().shelf.rule(key)
    }
}

impl Versions for Standards {
    fn effective_us(&self, version: &str) -> Option<i64> {
        self.known().shelf.effective_us(version)
    }
}
