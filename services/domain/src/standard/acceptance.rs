//! What a node does with a bundle from outside: accepts it, or says everything that stands against it.

use super::{
    bundle::Bundle,
    compiled::Standard,
    export::INDISPENSABLE,
    finding::{Finding, Severity},
    overlay::{Overlay, refused, wider},
    reading::read,
    signature::{PublicKey, Signature},
};
use crate::refusal::{Refusal, RefusalKind, Violation};

/// A bundle as it was published.
#[derive(Debug, Clone, Copy)]
pub struct Offer<'a> {
    /// The exact text.
    pub yaml: &'a str,
    /// Who signed it, and when.
    pub signature: &'a Signature,
    /// When it was published. When it arrived does not matter: what arrives late applies from its `effective_at`.
    pub published_us: i64,
}

/// What a node asks of a bundle.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// Whom it trusts.
    pub trusted: &'a [PublicKey],
    /// What may leave its region at most; whatever the product federates when absent.
    pub export_limit: Option<&'a [String]>,
    /// What its region promises beyond the standard. It waits while another standard is in force.
    pub overlay: Option<&'a Overlay>,
}

/// The standard, or everything that stands against it: `UNKNOWN_KEY`, `BAD_SIGNATURE`, `INVALID_BUNDLE` with every finding,
/// `EFFECTIVE_IN_THE_PAST`, `WIDER_EXPORT`, `LAXER_OVERLAY`, `OVERLAY_CHANGES_CLOCK`.
pub fn accept(offer: &Offer<'_>, terms: &Terms<'_>) -> Result<Standard, Vec<Refusal>> {
    // Nothing of a stranger is read.
    signed_by_a_friend(offer, terms.trusted).map_err(|refusal| vec![refusal])?;
    let bundle = read(offer.yaml).map_err(|found| invalid(&found))?;
    let mut refusals: Vec<_> = in_the_past(&bundle, offer).into_iter().collect();
    if let Some(limit) = terms.export_limit {
        let beyond = |field: &&String| !limit.contains(field) && !INDISPENSABLE.contains(&field.as_str());
        let fields = bundle.export.iter().filter(beyond);
        refusals.extend(fields.map(|field| wider(field, "the configuration of this node does not let it go")));
    }
    let standard = Standard::compile(bundle).map_err(|found| invalid(&found))?;
    let standard = match terms.overlay.filter(|overlay| overlay.fits(standard.bundle())) {
        None => standard,
        Some(overlay) => match standard.with_overlay(overlay) {
            Ok(standard) => standard,
            Err(against) => {
                refusals.extend(against);
                return Err(refusals);
            }
        },
    };
    if refusals.is_empty() { Ok(standard) } else { Err(refusals) }
}

fn signed_by_a_friend(offer: &Offer<'_>, trusted: &[PublicKey]) -> Result<(), Refusal> {
    let signature = offer.signature;
    let Some(key) = trusted.iter().find(|key| key.id() == signature.key) else {
        let known: Vec<_> = trusted.iter().map(PublicKey::id).collect();
        let known = if known.is_empty() { "no key at all".to_owned() } else { known.join(", ") };
        let message = format!("the bundle is signed by {}; this node trusts {known}", signature.key);
        return Err(Refusal::new(RefusalKind::Denied, "UNKNOWN_KEY", message).with("key", &signature.key));
    };
    if key.verifies(offer.yaml.as_bytes(), signature) {
        return Ok(());
    }
    let message = format!("the signature of {} does not belong to this bundle; publish what was signed", signature.key);
    Err(Refusal::new(RefusalKind::Denied, "BAD_SIGNATURE", message).with("key", &signature.key))
}

/// What is in force must not have been decided otherwise before anybody could know.
fn in_the_past(bundle: &Bundle, offer: &Offer<'_>) -> Option<Refusal> {
    let effective_us = bundle.effective_at.as_microsecond();
    let (signed, published) = (offer.signature.signed_at, offer.published_us);
    let known_us = signed.as_microsecond().max(published);
    (effective_us <= known_us).then(|| {
        let word = if signed.as_microsecond() >= published { "signed" } else { "published" };
        let message = format!("it was {word} after its effective_at {} had come; date it later", bundle.effective_at);
        refused("EFFECTIVE_IN_THE_PAST", message)
    })
}

fn invalid(found: &[Finding]) -> Vec<Refusal> {
    let errors: Vec<_> = found.iter().filter(|finding| finding.severity == Severity::Error).collect();
    let (wide, other): (Vec<_>, Vec<_>) = errors.into_iter().partition(|finding| finding.code == "WIDER_EXPORT");
    let mut refusals: Vec<_> =
        wide.into_iter().map(|finding| refused("WIDER_EXPORT", finding.message.clone())).collect();
    if !other.is_empty() {
        let violation = |finding: &&Finding| {
            let place = format!("line {}, column {}: {}", finding.line, finding.column, finding.message);
            Violation::new(finding.path.to_string(), finding.code, place)
        };
        let first = other.first().map_or_else(String::new, ToString::to_string);
        let message = format!("the bundle has {} errors, the first at {first}", other.len());
        let violations = other.iter().map(violation).collect();
        refusals.push(Refusal { violations, ..Refusal::new(RefusalKind::Invalid, "INVALID_BUNDLE", message) });
    }
    refusals
}
