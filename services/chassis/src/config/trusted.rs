//! Keys whose bundles of rules are taken.

use gridcare_domain::standard::PublicKey;
use serde::{Deserialize, Serialize};

/// A key whose bundles of rules are taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedKey {
    /// As signatures name it: the first 16 hexadecimal digits of its SHA-256.
    pub id: String,
    /// PEM, or base64 of its 32 bytes.
    pub public: String,
}

impl TrustedKey {
    /// The keys of a list at `path`, each checked against the name under which signatures know it.
    pub fn read_all(path: &str, keys: &[Self], found: &mut Vec<String>) -> Vec<PublicKey> {
        let mut trusted: Vec<PublicKey> = Vec::new();
        for (i, Self { id, public }) in keys.iter().enumerate() {
            match PublicKey::parse(public) {
                Err(error) => found.push(format!("{path}[{i}].public: {error}")),
                Ok(key) if key.id() != *id => {
                    found.push(format!("{path}[{i}].id: this key is {}, not {id:?}; give its own id", key.id()));
                }
                Ok(key) if trusted.contains(&key) => found.push(format!("{path}[{i}]: {id} stands twice; leave one")),
                Ok(key) => trusted.push(key),
            }
        }
        trusted
    }
}

#[cfg(test)]
mod tests {
    use gridcare_domain::standard::SecretKey;

    use super::*;

    #[test]
    fn every_key_is_checked_against_its_name() {
        let key = SecretKey::from_seed(&[7; 32]).public();
        let trusted = |id: &str, public: &str| TrustedKey { id: id.into(), public: public.into() };
        let good = trusted(&key.id(), &key.to_base64());
        let mut found = Vec::new();
        let read = TrustedKey::read_all("keys", std::slice::from_ref(&good), &mut found);
        assert_eq!(read, std::slice::from_ref(&key));
        assert!(found.is_empty());
        let wrong = [good.clone(), good, trusted("national", &key.to_base64()), trusted("x", "AAAA")];
        assert_eq!(TrustedKey::read_all("keys", &wrong, &mut found), [key]);
        let starts: Vec<_> = found.iter().map(|violation| violation.split(':').next().unwrap_or_default()).collect();
        assert_eq!(starts, ["keys[1]", "keys[2].id", "keys[3].public"]);
    }
}
