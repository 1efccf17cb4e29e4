use gridcare_chassis::identity::Principal;
use gridcare_domain::refusal::Violation;
use gridcare_store::{StoreError, gateway::GatewayStore, request::Request};
use prost::Message;
use uuid::Uuid;

/// Answers to mutations are kept for a week.
const KEPT_US: i64 = 7 * 86_400 * 1_000_000;
/// Answers that one transaction forgets at most.
const PAGE: i64 = 1_000;

/// Forgets answers that are kept no longer. A gateway is asked for few mutations, so that whoever publishes something sees to it.
pub(crate) async fn forget_answers(store: &GatewayStore, now_us: i64) -> Result<(), StoreError> {
    let mut after = Some(Uuid::nil());
    while let Some(key) = after {
        after = store.expire_requests(key, PAGE, now_us - KEPT_US).await?;
    }
    Ok(())
}

/// The identity of a mutation: who asked, for what, under which id, and with which body, as hashes of 128 bits.
pub(crate) fn request_of(principal: &Principal, method: &str, request_id: &str, body: &impl Message) -> Request {
    let mut key = blake3::Hasher::new();
    for part in [principal.as_str(), method, request_id] {
        // No part can contain the separator: ids are checked, principals are names of certificates.
        key.update(part.as_bytes()).update(&[0]);
    }
    Request { key: short(&key.finalize()), body: short(&blake3::hash(&body.encode_to_vec())) }
}

fn short(hash: &blake3::Hash) -> Uuid {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_bytes()[..16]);
    Uuid::from_bytes(bytes)
}

/// The rule of request ids.
pub(crate) fn check_request_id(request_id: &str, found: &mut Vec<Violation>) {
    let printable = request_id.chars().all(|c| c.is_ascii_graphic());
    if request_id.is_empty() || request_id.len() > 64 || !printable {
        let cure = "give 1 to 64 printable ASCII characters, unique for this request, such as a uuid";
        found.push(Violation::new("request_id", "REQUIRED", cure));
    }
}
