//! A standard goes out: a bundle is verified and published, and each member gets it, however long that takes.

mod deliver;

pub(crate) use deliver::Bundles;
use gridcare_bus::Bus;
use gridcare_domain::{
    metric::Definition,
    refusal::{Refusal, RefusalKind},
    standard::{Bundle, Offer, PublicKey, Signature, Terms, accept, other_thresholds, read},
};
use gridcare_proto::{convert::time, standard::v1 as wire};
use gridcare_store::{
    StoreError,
    gateway::{GatewayStore, Publication, Published},
    request::Request,
    writer::Answer,
};
use prost::Message as _;
use sha2::{Digest as _, Sha256};

use crate::idempotency::forget_answers;

/// Topic of the bus: a bundle was published.
const PUBLISHED: &str = "standards";

/// What is published, and who says so.
pub(crate) struct Publishing {
    pub(crate) request: Request,
    pub(crate) bundle: Vec<u8>,
    pub(crate) signature: Vec<u8>,
    /// What national figures are counted by.
    pub(crate) definition: Definition,
    pub(crate) now_us: i64,
}

/// Publishes a bundle for these members, or refuses it.
pub(crate) async fn publish(
    store: &GatewayStore,
    bus: &Bus,
    trusted: &[PublicKey],
    nodes: &[&str],
    publishing: Publishing,
) -> Answer {
    let Publishing { request, bundle, signature, definition, now_us } = publishing;
    let (publication, read) = match verify(trusted, bundle, signature, now_us) {
        Ok(verified) => verified,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let members = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
    let respond = |standard: &Published| {
        wire::PublishStandardResponse { standard: Some(published_to_wire(standard)), members }.encode_to_vec()
    };
    let mut answer = store.publish_standard(request, &publication, nodes, respond).await;
    if matches!(answer, Err(StoreError::Raced)) {
        // The first one's answer is there now.
        answer = store.publish_standard(request, &publication, nodes, respond).await;
    }
    if matches!(answer, Ok(Ok(_))) {
        tracing::info!(standard = publication.standard.name, members, "a standard is published");
        for finding in other_thresholds(&read, &definition) {
            tracing::warn!(standard = publication.standard.name, code = finding.code, "{}", finding.message);
        }
        bus.wake(PUBLISHED);
        forget_answers(store, now_us).await?;
    }
    answer
}

/// What every member would refuse is refused here, with the same reasons.
fn verify(
    trusted: &[PublicKey],
    bundle: Vec<u8>,
    signature: Vec<u8>,
    now_us: i64,
) -> Result<(Publication, Bundle), Refusal> {
    let invalid = |reason, message: String| Refusal::new(RefusalKind::Invalid, reason, message);
    let not_text = |_| invalid("INVALID_BUNDLE", "the bundle is not UTF-8; give it as it was written".to_owned());
    let yaml = std::str::from_utf8(&bundle).map_err(not_text)?;
    let signed = Signature::parse(&String::from_utf8_lossy(&signature));
    let signed = signed.map_err(|error| invalid("BAD_SIGNATURE", error.to_string()))?;
    let terms = Terms { trusted, export_limit: None, overlay: None };
    let too_late = match accept(&Offer { yaml, signature: &signed, published_us: now_us }, &terms) {
        Ok(_) => None,
        Err(mut against) => {
            let late = |refusal: &Refusal| refusal.reason == "EFFECTIVE_IN_THE_PAST";
            match against.iter().position(|refusal| !late(refusal)) {
                Some(first) => return Err(against.swap_remove(first)),
                None => against.into_iter().next(),
            }
        }
    };
    let read = read(yaml).map_err(|_| invalid("INVALID_BUNDLE", "the bundle cannot be read".to_owned()))?;
    let digest = format!("{:x}", Sha256::digest(&bundle));
    let standard = Published {
        name: read.version_id(),
        digest,
        key_id: signed.key,
        published_us: now_us,
        effective_us: read.effective_at.as_microsecond(),
    };
    Ok((Publication { standard, bundle, signature, too_late }, read))
}

/// A published bundle on the wire.
pub(crate) fn published_to_wire(standard: &Published) -> wire::PublishedStandard {
    wire::PublishedStandard {
        version: standard.name.clone(),
        digest: standard.digest.clone(),
        key_id: standard.key_id.clone(),
        published_at: Some(time::micros(standard.published_us)),
        effective_at: Some(time::micros(standard.effective_us)),
    }
}
