//! A standard takes effect: a bundle is offered, accepted or refused with every reason, and holds from its time on.

mod begin;

pub(crate) use begin::begin;

use std::{error::Error, time::Duration};

use gridcare_chassis::id::new_id;
use gridcare_domain::{
    acknowledgement::StandardStatus,
    feed::Change,
    metric::Definition,
    refusal::{Refusal, RefusalKind},
    standard::{Offer, Severity, Signature, Standard, accept, lint, other_thresholds, read},
};
use gridcare_proto::{
    convert::{standard::acknowledgement_change, standard::status_to_wire, time},
    standard::v1 as wire,
};
use gridcare_store::{
    StoreError,
    lease::{self, Lease},
    request::Request,
    standard::{StoredStandard, WholeStandard},
    writer::Answer,
};
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use crate::{
    Node, STANDARDS, SharedNode,
    flows::clocks_are_rebased::rebase_all,
    standards::{Known, Terms, Unreadable},
};

/// Without a wake-up, rows are looked at this often: the bus is only a hint, and replicas agree within a second.
const LOOK: Duration = Duration::from_millis(500);
/// How long a replica that stopped while clocks followed is waited for.
const LEASE: Duration = Duration::from_secs(10);
/// Refused with their names alone: who is not trusted is not read, and nothing of it is repeated.
const STRANGERS: [&str; 3] = ["UNKNOWN_KEY", "BAD_SIGNATURE", "NOT_TEXT"];

/// Why the standards could not be looked after.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Neglected {
    #[error("the store failed")]
    Store(#[from] StoreError),
    #[error("a bundle cannot be read")]
    Unreadable(#[from] Unreadable),
}

/// A bundle as its gateway hands it over.
pub(crate) struct Offered {
    pub(crate) bundle: Vec<u8>,
    pub(crate) signature: Vec<u8>,
    pub(crate) published_us: i64,
}

impl Node {
    /// Keeps a bundle with what was decided of it; the last good one stays whatever that is.
    pub(crate) async fn offer_standard(&self, request: Request, offered: Offered) -> Answer {
        let judged = judge(&self.standards.terms, &self.definition, offered, self.now_us());
        let twin = |offered: &mut StoredStandard, accepted: &StoredStandard| {
            let message = format!(
                "{} was accepted with digest {}; give another content another version",
                offered.name, accepted.digest
            );
            let refusal = Refusal::new(RefusalKind::AlreadyExists, "VERSION_EXISTS", message);
            refuse(offered, &[refusal], Vec::new());
        };
        let respond = |standard: &StoredStandard| {
            wire::OfferStandardResponse { standard: Some(standard_to_wire(standard)) }.encode_to_vec()
        };
        let answer = self.store.offer_standard(request, judged, self.now_us(), new_id(), twin, change, respond).await;
        if matches!(answer, Ok(Ok(_))) {
            // Before it is answered, so that whoever offered it finds it at work here.
            if let Err(error) = self.learn_standards().await {
                tracing::warn!(
                    error = &error as &dyn Error,
                    "a bundle was kept and is not known here yet; trying again"
                );
            }
            self.bus.wake(STANDARDS);
        }
        answer
    }

    /// Reads what is accepted.
    pub(crate) async fn learn_standards(&self) -> Result<(), Neglected> {
        self.standards.learn(Known::of(self.store.accepted_standards().await?)?);
        Ok(())
    }
}

/// The feed's change of what is said of a bundle.
pub(crate) fn change(standard: &StoredStandard) -> Change {
    acknowledgement_change(&standard.acknowledgement())
}

/// SHA-256, 64 lowercase hexadecimal digits.
pub(crate) fn digest(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// Verifies a bundle against what this node asks of it.
fn judge(terms: &Terms, definition: &Definition, offered: Offered, now_us: i64) -> WholeStandard {
    let Offered { bundle, signature, published_us } = offered;
    let mut standard = StoredStandard {
        digest: digest(&bundle),
        name: String::new(),
        status: StandardStatus::Pending,
        status_us: now_us,
        reasons: Vec::new(),
        verdict: Vec::new(),
        published_us,
        received_us: now_us,
        effective_us: None,
        superseded_us: None,
        revision: 0,
        rebased: false,
    };
    let judged = verdict(terms, &bundle, &signature, published_us);
    let known = !matches!(&judged, Err(against) if against.iter().any(|r| STRANGERS.contains(&r.reason)));
    let mut findings = Vec::new();
    if known && let Ok(yaml) = std::str::from_utf8(&bundle) {
        findings = lint(yaml).iter().map(finding_to_wire).collect();
        if let Ok(read) = read(yaml) {
            standard.name = read.version_id();
            standard.effective_us = Some(read.effective_at.as_microsecond());
        }
    }
    match judged {
        Ok(accepted) => {
            findings.extend(other_thresholds(accepted.bundle(), definition).iter().map(finding_to_wire));
            standard.verdict = wire::Standard { findings, ..Default::default() }.encode_to_vec();
        }
        Err(against) => refuse(&mut standard, &against, findings),
    }
    WholeStandard { standard, bundle, signature, overlay: terms.overlay_name() }
}

fn verdict(terms: &Terms, bundle: &[u8], signature: &[u8], published_us: i64) -> Result<Standard, Vec<Refusal>> {
    let refused = |reason, message: String| vec![Refusal::new(RefusalKind::Invalid, reason, message)];
    let not_text = |what| refused("NOT_TEXT", format!("the {what} is not UTF-8; give it as it was written"));
    let yaml = std::str::from_utf8(bundle).map_err(|_| not_text("bundle"))?;
    let signature = std::str::from_utf8(signature).map_err(|_| not_text("signature"))?;
    let signature = Signature::parse(signature).map_err(|error| refused("BAD_SIGNATURE", error.to_string()))?;
    let offer = Offer { yaml, signature: &signature, published_us };
    let terms = gridcare_domain::standard::Terms {
        trusted: &terms.trusted,
        export_limit: terms.exports.as_deref(),
        overlay: terms.overlay.as_ref(),
    };
    accept(&offer, &terms)
}

fn refuse(standard: &mut StoredStandard, against: &[Refusal], findings: Vec<wire::Finding>) {
    let reason = |r: &Refusal| wire::RefusalReason { reason: r.reason.to_owned(), message: r.message.clone() };
    standard.status = StandardStatus::Refused;
    standard.reasons = against.iter().map(|refusal| refusal.reason.to_owned()).collect();
    standard.reasons.dedup();
    let reasons = against.iter().map(reason).collect();
    standard.verdict = wire::Standard { reasons, findings, ..Default::default() }.encode_to_vec();
}

fn finding_to_wire(finding: &gridcare_domain::standard::Finding) -> wire::Finding {
    let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    let severity = match finding.severity {
        Severity::Error => wire::FindingSeverity::Error,
        Severity::Warning => wire::FindingSeverity::Warning,
    };
    wire::Finding {
        line: number(finding.line),
        column: number(finding.column),
        severity: severity.into(),
        code: finding.code.to_owned(),
        message: finding.message.clone(),
    }
}

/// What is said of a bundle, on the wire.
pub(crate) fn standard_to_wire(standard: &StoredStandard) -> wire::Standard {
    // Written by us; one that cannot be read has no details.
    let verdict = wire::Standard::decode(standard.verdict.as_slice()).unwrap_or_default();
    wire::Standard {
        version: standard.name.clone(),
        status: status_to_wire(standard.status),
        digest: standard.digest.clone(),
        published_at: Some(time::micros(standard.published_us)),
        received_at: Some(time::micros(standard.received_us)),
        effective_at: standard.effective_us.map(time::micros),
        status_since: Some(time::micros(standard.status_us)),
        in_force_until: standard.superseded_us.map(time::micros),
        ..verdict
    }
}

/// Looks after the standards until `shutdown`: learns what other replicas were given, lets bundles take effect when
/// their time has come, and has open clocks follow.
pub(crate) async fn run(node: SharedNode, shutdown: CancellationToken) {
    let holder = new_id().to_string();
    let mut wakeups = node.bus.subscribe(STANDARDS);
    let mut told = String::new();
    loop {
        let current = node.standards.current();
        if current.version() != told {
            current.version().clone_into(&mut told);
            tell_other_thresholds(&node, &current);
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            turned = turn(&node, &holder) => match turned {
                Ok(()) | Err(Neglected::Store(StoreError::LeaseLost(_))) => {}
                Err(e) => tracing::warn!(error = &e as &dyn Error, "standards could not be looked after; trying again"),
            }
        }
        // In small steps, so that a clock that is moved by hand is followed too.
        let due = node.standards.due_us().map_or(LOOK, |due| {
            let left = u64::try_from(due.saturating_sub(node.now_us())).unwrap_or_default();
            Duration::from_micros(left).clamp(Duration::from_millis(1), LOOK)
        });
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = wakeups.changed() => {}
            () = tokio::time::sleep(due) => {}
        }
    }
}

/// Figures go on as they are counted here, whatever the standard says: nobody shall take them for what it says.
fn tell_other_thresholds(node: &Node, standard: &Standard) {
    for finding in other_thresholds(standard.bundle(), &node.definition) {
        tracing::warn!(standard = standard.version(), code = finding.code, "{}", finding.message);
    }
}

async fn turn(node: &Node, holder: &str) -> Result<(), Neglected> {
    if node.store.standard_revision().await? != node.standards.revision() {
        node.learn_standards().await?;
    }
    if node.standards.due_us().is_some_and(|due| due <= node.now_us()) {
        let changed = node.store.settle_standards(node.now_us(), new_id(), change).await?;
        node.learn_standards().await?;
        for StoredStandard { name, status, .. } in &changed {
            tracing::info!(standard = name, %status, "a standard takes effect");
        }
        if !changed.is_empty() {
            node.bus.wake(STANDARDS);
        }
    }
    clocks_follow(node, holder).await
}

/// Has open clocks run under what holds now, in one replica at a time; one that dies is followed by another, which
/// begins with the standard that was not done.
async fn clocks_follow(node: &Node, holder: &str) -> Result<(), Neglected> {
    if node.standards.owed().1.is_empty() {
        return Ok(());
    }
    let Some(lease) = take(node, holder).await? else { return Ok(()) };
    // Whoever held it before may have done it all, and no revision tells.
    node.learn_standards().await?;
    let (revision, owed) = node.standards.owed();
    for (standard, digest) in owed {
        held(node, holder, &lease, rebase_all(node, &standard)).await?;
        if !node.store.standard_rebased(&lease, &digest, revision).await? {
            // Something was said meanwhile; what it changes is done with it.
            break;
        }
    }
    lease::release(node.store.db(), &lease).await?;
    node.learn_standards().await
}

/// Works for as long as the lease is held.
async fn held(
    node: &Node,
    holder: &str,
    lease: &Lease,
    work: impl Future<Output = Result<(), StoreError>>,
) -> Result<(), StoreError> {
    let renewing = async {
        loop {
            tokio::time::sleep(LEASE / 3).await;
            match take(node, holder).await {
                Ok(Some(renewed)) if renewed.epoch == lease.epoch => {}
                Ok(_) => return StoreError::LeaseLost(lease.name.clone()),
                Err(error) => return error,
            }
        }
    };
    tokio::select! {
        done = work => done,
        lost = renewing => Err(lost),
    }
}

async fn take(node: &Node, holder: &str) -> Result<Option<Lease>, StoreError> {
    let now_us = node.now_us();
    let until_us = now_us + i64::try_from(LEASE.as_micros()).unwrap_or(0);
    lease::take(node.store.db(), "clocks follow", holder, now_us, until_us).await
}
