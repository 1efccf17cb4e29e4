use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use gridcare_domain::refusal::Violation;

/// Sizes of pages.
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

/// The place in a token, or a violation.
pub(super) fn place<const N: usize>(filter: &[u8], token: &str, found: &mut Vec<Violation>) -> Option<[u8; N]> {
    if token.is_empty() {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(token).unwrap_or_default();
    let place = bytes.split_at_checked(8).and_then(|(hash, place)| {
        (hash == &blake3::hash(filter).as_bytes()[..8]).then(|| <[u8; N]>::try_from(place).ok()).flatten()
    });
    if place.is_none() {
        found.push(Violation::new(
            "page_token",
            "FOREIGN_TOKEN",
            "give the token of the page before, with the same filter and order, or none to begin again",
        ));
    }
    place
}

/// A page token whose place is texts.
pub(super) fn text_token(filter: &[u8], texts: &[&str]) -> String {
    let mut place = Vec::new();
    for text in texts {
        place.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
        place.extend(text.as_bytes());
    }
    token(filter, &place)
}

/// The texts of such a token, or a violation.
pub(super) fn texts<const N: usize>(filter: &[u8], token: &str, found: &mut Vec<Violation>) -> Option<[String; N]> {
    if token.is_empty() {
        return None;
    }
    let read = || {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (hash, mut rest) = bytes.split_at_checked(8)?;
        if hash != &blake3::hash(filter).as_bytes()[..8] {
            return None;
        }
        let mut texts = Vec::new();
        while !rest.is_empty() {
            let (length, after) = rest.split_at_checked(4)?;
            let length = usize::try_from(u32::from_be_bytes(length.try_into().ok()?)).ok()?;
            let (text, after) = after.split_at_checked(length)?;
            let text = std::str::from_utf8(text).ok()?;
            // A text of the store holds none, and one engine could not be asked with it.
            if text.contains('\0') {
                return None;
            }
            texts.push(text.to_owned());
            rest = after;
        }
        <[String; N]>::try_from(texts).ok()
    };
    let texts = read();
    if texts.is_none() {
        let cure = "give the token of the page before, with the same filter and order, or none to begin again";
        found.push(Violation::new("page_token", "FOREIGN_TOKEN", cure));
    }
    texts
}
