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
pub(super) fn token(filter: &[u8], place: &[u8]) -> String {
    let mut bytes = blake3::hash(filter).as_bytes()[..8].to_vec();
    bytes.extend_from_slice(place);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The place in a token as `read` takes it, or a violation.
pub(super) fn place<T>(
    filter: &[u8],
    token: &str,
    found: &mut Vec<Violation>,
    read: impl FnOnce(&[u8]) -> Option<T>,
) -> Option<T> {
    if token.is_empty() {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(token).unwrap_or_default();
    let bound = bytes.split_at_checked(8).filter(|(hash, _)| *hash == &blake3::hash(filter).as_bytes()[..8]);
    let place = bound.and_then(|(_, place)| read(place));
    if place.is_none() {
        let cure = "give the token of the page before, with the same filter, or none to begin again";
        found.push(Violation::new("page_token", "FOREIGN_TOKEN", cure));
    }
    place
}

/// The token behind a row of a list that goes by a moment (microseconds since 1970) and an id.
pub(super) fn moment_token(filter: &[u8], moment_us: i64, id: Uuid) -> String {
    token(filter, &[&moment_us.to_be_bytes()[..], id.as_bytes()].concat())
}

/// The moment and id behind which a token goes on, or a violation.
pub(super) fn moment_and_id(filter: &[u8], token: &str, found: &mut Vec<Violation>) -> Option<(i64, Uuid)> {
    place(filter, token, found, |place| {
        let (moment, id) = place.split_first_chunk::<8>()?;
        Some((i64::from_be_bytes(*moment), Uuid::from_slice(id).ok()?))
    })
}

/// The token behind a ticket.
pub(super) fn ticket_token(filter: &[u8], after: &TicketAfter) -> String {
    token(filter, &[after.id.as_bytes(), after.node.as_bytes()].concat())
}

/// The ticket behind which a token goes on, or a violation.
pub(super) fn after(filter: &[u8], token: &str, found: &mut Vec<Violation>) -> Option<TicketAfter> {
    place(filter, token, found, |place| {
        let (id, node) = place.split_at_checked(16)?;
        let node = std::str::from_utf8(node).ok().filter(|node| node.len() <= 64 && !node.contains('\0'))?;
        Some(TicketAfter { id: Uuid::from_slice(id).ok()?, node: node.to_owned() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_its_filter_alone() {
        let place = TicketAfter { id: Uuid::from_u128(5), node: "n1".into() };
        let given = ticket_token(b"filter", &place);
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
