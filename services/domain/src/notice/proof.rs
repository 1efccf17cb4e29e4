//! What was done with a notice and when, as a chain that anybody can verify offline: each entry's hash covers all before it, and
//! a gateway countersigns the last one.

use std::{collections::BTreeMap, fmt::Write as _};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{
    contact::code::codes,
    standard::{PublicKey, SecretKey, Signature, Signed},
};

const FIRST_LINE: &str = "gridcare notice proof v1";

codes! {
    /// What was done, or happened.
    Event {
        /// A second person was asked.
        Submitted = 1 "submitted",
        /// A second person agreed.
        Approved = 2 "approved",
        /// It was told.
        Published = 3 "published",
        /// A second person looked at what went out in an emergency.
        Reviewed = 4 "reviewed",
        /// A node has taken it.
        Accepted = 5 "accepted",
        /// A message centre took the first message to somebody in a province.
        FirstSms = 6 "first_sms",
        /// Somebody outside read it for the first time.
        FirstFetch = 7 "first_fetch",
        /// So many deliveries stood so.
        Counted = 8 "counted",
    }
}

/// One link of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When, microseconds since 1970.
    pub at_us: i64,
    /// What.
    pub event: Event,
    /// Further facts: keys of `a-z_`, values of visible ASCII without `=` and `,`. Nothing personal.
    pub facts: BTreeMap<String, String>,
}

impl Entry {
    fn line(&self, number: usize) -> String {
        let facts: Vec<_> = self.facts.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let facts = if facts.is_empty() { "-".to_owned() } else { facts.join(",") };
        format!("{number} {} {} {facts}", self.at_us, self.event.code())
    }
}

/// The hash of a chain after each entry, the first one that of the notice alone.
#[must_use]
pub fn chain(notice: Uuid, entries: &[Entry]) -> Vec<[u8; 32]> {
    let mut hash: [u8; 32] = Sha256::digest(format!("{FIRST_LINE}\n{notice}")).into();
    let mut hashes = vec![hash];
    for (number, entry) in (1..).zip(entries) {
        hash = next(&hash, &entry.line(number));
        hashes.push(hash);
    }
    hashes
}

fn next(before: &[u8; 32], line: &str) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(before);
    hasher.update(line.as_bytes());
    hasher.finalize().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The head's bytes that are signed: how many entries there are, and their hash.
#[must_use]
pub fn head(notice: Uuid, entries: &[Entry]) -> Vec<u8> {
    let hash = chain(notice, entries).pop().unwrap_or_default();
    [&u64::try_from(entries.len()).unwrap_or(u64::MAX).to_be_bytes()[..], &hash].concat()
}

/// Countersigns a head.
#[must_use]
pub fn countersign(key: &SecretKey, head: &[u8], at: Timestamp) -> Signature {
    key.sign_as(Signed::NoticeProof, head, at)
}

/// The proof as a file.
#[must_use]
pub fn write(notice: Uuid, entries: &[Entry], signature: &Signature) -> String {
    let mut text = format!("{FIRST_LINE}\nnotice {notice}\n");
    for ((number, entry), hash) in (1..).zip(entries).zip(chain(notice, entries).iter().skip(1)) {
        let _ = writeln!(text, "{} {}", entry.line(number), hex(hash));
    }
    let _ = writeln!(text, "head {} {} {}", signature.key, signature.signed_at, signature.signature);
    text
}

/// Why a proof proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// It is not as it was written.
    #[error("line {0} is not as this program writes it; ask for the proof again")]
    Malformed(usize),
    /// An entry was changed, or one is missing.
    #[error("line {0} does not follow from those before it: something was changed or is missing")]
    Broken(usize),
    /// Somebody else signed it, or signed something else.
    #[error(
        "the head is not signed by the key that is trusted ({0}): give the key of the gateway, or do not believe it"
    )]
    NotSigned(String),
}

/// A proof that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// Of which notice.
    pub notice: Uuid,
    /// What was done.
    pub entries: Vec<Entry>,
    /// When it was countersigned.
    pub signed_at: Timestamp,
}

/// Verifies a file against the one key that its reader trusts.
pub fn verify(text: &str, trusted: &PublicKey) -> Result<Proven, ProofError> {
    let lines: Vec<&str> = text.lines().collect();
    let malformed = |line: usize| ProofError::Malformed(line + 1);
    let [first, notice, entries @ .., head_line] = lines.as_slice() else { return Err(malformed(lines.len())) };
    if *first != FIRST_LINE {
        return Err(malformed(0));
    }
    let notice = notice.strip_prefix("notice ").and_then(|id| Uuid::try_parse(id).ok()).ok_or_else(|| malformed(1))?;
    let mut read = Vec::with_capacity(entries.len());
    let mut hash = chain(notice, &[]).pop().unwrap_or_default();
    for (i, line) in entries.iter().enumerate() {
        let (line, claimed) = line.rsplit_once(' ').ok_or_else(|| malformed(i + 2))?;
        hash = next(&hash, line);
        if hex(&hash) != claimed {
            return Err(ProofError::Broken(i + 3));
        }
        read.push(entry(line, i + 1).ok_or_else(|| malformed(i + 2))?);
    }
    let signature = signature(head_line).ok_or_else(|| malformed(lines.len() - 1))?;
    let untrusted = || ProofError::NotSigned(trusted.id());
    if signature.key != trusted.id() || !trusted.verifies_as(Signed::NoticeProof, &head(notice, &read), &signature) {
        return Err(untrusted());
    }
    // Whatever reads alike but was written otherwise is not what was proven.
    if write(notice, &read, &signature) != text {
        return Err(malformed(0));
    }
    Ok(Proven { notice, entries: read, signed_at: signature.signed_at })
}

fn entry(line: &str, number: usize) -> Option<Entry> {
    let mut fields = line.split(' ');
    let (at, event, facts) = (fields.nth(1)?, fields.next()?, fields.next()?);
    let facts = match facts {
        "-" => BTreeMap::new(),
        facts => facts
            .split(',')
            .map(|fact| fact.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned())))
            .collect::<Option<_>>()?,
    };
    let entry = Entry { at_us: at.parse().ok()?, event: Event::parse(event)?, facts };
    (entry.line(number) == line).then_some(entry)
}

fn signature(line: &str) -> Option<Signature> {
    let mut fields = line.strip_prefix("head ")?.split(' ');
    let (key, at, signature) = (fields.next()?, fields.next()?, fields.next()?);
    Some(Signature { key: key.to_owned(), signed_at: at.parse().ok()?, signature: signature.to_owned() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOTICE: Uuid = Uuid::from_u128(0x018f_0000_0000_7000_8000_0000_0000_0001);

    fn entries() -> Vec<Entry> {
        let entry = |at_us, event, facts: &[(&str, &str)]| Entry {
            at_us,
            event,
            facts: facts.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        };
        vec![
            entry(1_369_203_000_000_000, Event::Submitted, &[("revision", "1")]),
            entry(1_369_203_060_000_000, Event::Published, &[("revision", "1"), ("text", "3f2a")]),
            entry(1_369_203_090_000_000, Event::FirstSms, &[("province", "VN-57")]),
            entry(1_369_204_800_000_000, Event::Counted, &[("delivered", "412345"), ("sent", "9")]),
        ]
    }

    fn key(seed: u8) -> SecretKey {
        SecretKey::from_seed(&[seed; 32])
    }

    fn proof() -> String {
        let at = "2013-05-22T08:30:00Z".parse().unwrap();
        write(NOTICE, &entries(), &countersign(&key(1), &head(NOTICE, &entries()), at))
    }

    #[test]
    fn a_proof_holds_with_its_key_and_with_no_other() {
        let proven = verify(&proof(), &key(1).public()).unwrap();
        assert_eq!((proven.notice, proven.entries), (NOTICE, entries()));
        assert!(matches!(verify(&proof(), &key(2).public()), Err(ProofError::NotSigned(_))));
    }

    #[test]
    fn every_flipped_bit_of_every_byte_is_found() {
        let proof = proof();
        for at in 0..proof.len() {
            for bit in 0..8 {
                let mut bytes = proof.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                let Ok(text) = String::from_utf8(bytes) else { continue };
                assert!(verify(&text, &key(1).public()).is_err(), "byte {at}, bit {bit}: {text}");
            }
        }
    }

    #[test]
    fn no_line_can_be_left_out_exchanged_or_doubled() {
        let proof = proof();
        let lines: Vec<_> = proof.lines().collect();
        let joined = |lines: Vec<&str>| format!("{}\n", lines.join("\n"));
        for i in 0..lines.len() {
            let (mut without, mut twice) = (lines.clone(), lines.clone());
            without.remove(i);
            twice.insert(i, lines[i]);
            assert!(verify(&joined(without), &key(1).public()).is_err());
            assert!(verify(&joined(twice), &key(1).public()).is_err());
            if i > 0 {
                let mut exchanged = lines.clone();
                exchanged.swap(i - 1, i);
                assert!(verify(&joined(exchanged), &key(1).public()).is_err());
            }
        }
    }

    #[test]
    fn a_signature_of_a_standard_proves_no_notice() {
        let at = "2013-05-22T08:30:00Z".parse().unwrap();
        let stolen = write(NOTICE, &entries(), &key(1).sign(&head(NOTICE, &entries()), at));
        assert!(matches!(verify(&stolen, &key(1).public()), Err(ProofError::NotSigned(_))));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC{0,80}(\n\\PC{0,80}){0,4}") {
            prop_assert!(verify(&text, &key(1).public()).is_err());
        }

        #[test]
        fn any_byte_exchanged_for_any_other_is_found(at in any::<prop::sample::Index>(), byte in 0_u8..128) {
            let mut bytes = proof().into_bytes();
            let at = at.index(bytes.len());
            prop_assume!(bytes[at] != byte);
            bytes[at] = byte;
            prop_assert!(verify(&String::from_utf8(bytes).unwrap(), &key(1).public()).is_err());
        }
    }
}
