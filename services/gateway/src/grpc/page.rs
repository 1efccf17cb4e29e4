use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use gridcare_domain::refusal::Violation;
use gridcare_store::gateway::TicketAfter;
use uuid::Uuid;

/// The size of a page, or a violation.
pub(super) fn size(page_size: i32, found: &mut Vec<Violation>) -> usize {
    match page_size {
        0 => 50,
        1..=1_000 => usize::try_from(page_size).unwrap_or(50),
        _ => {
            found.push(Violation::new("page_size", "OUT_OF_RANGE", "give 1 to 1000, or 0 for 50"));
            50
        }
    }
}

/// A page token: where the page ended, bound to the filter it came from, so that it cannot be used with another.
pub(super) fn token(filter: &[u8], after: &TicketAfter) -> String {
    let mut bytes = blake3::hash(filter).as_bytes()[..8].to_vec();
    bytes.extend_from_slice(after.id.as_bytes());
    bytes.extend_from_slice(after.node.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The place in a token, or a violation.
pub(super) fn after(filter: &[u8], token: &str, found: &mut Vec<Violation>) -> Option<TicketAfter> {
    if token.is_empty() {
        return None;
    }
    let read = || {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (hash, place) = bytes.split_at_checked(8)?;
        let (id, node) = place.split_at_checked(16)?;
        if hash != &blake3::hash(filter).as_bytes()[..8] || node.len() > 64 || node.contains(&0) {
            return None;
        }
        Some(TicketAfter { id: Uuid::from_slice(id).ok()?, node: std::str::from_utf8(node).ok()?.to_owned() })
    };
    let place = read();
    if place.is_none() {
        let cure = "give the token of the page before, with the same filter, or none to begin again";
        found.push(Violation::new("page_token", "FOREIGN_TOKEN", cure));
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_its_filter_alone() {
        let place = TicketAfter { id: Uuid::from_u128(5), node: "n1".into() };
        let given = token(b"filter", &place);
        let mut found = Vec::new();
        assert_eq!(after(b"filter", &given, &mut found), Some(place));
        assert!(found.is_empty());
        for (filter, token) in
            [("other", given.as_str()), ("filter", "AAAA"), ("filter", "not base64!"), ("filter", "é")]
        {
            assert_eq!(after(filter.as_bytes(), token, &mut found), None);
        }
        assert_eq!(found.len(), 4);
    }
}
