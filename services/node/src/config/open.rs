use std::net::SocketAddr;

use gridcare_chassis::config::Setting;
use gridcare_domain::notice::Publisher;
use serde::{Deserialize, Serialize};

/// A system that may ask for services.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partner {
    /// As tickets name it.
    pub name: String,
    /// What it shows as `api_key`.
    pub key: String,
}

impl std::fmt::Debug for Partner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Partner").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Which systems of others may ask for services. None: requests can be read, and nobody asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Open311 {
    /// The systems.
    pub partners: Vec<Partner>,
    /// Something in front of the HTTP port encrypts what partners send.
    pub behind_tls: bool,
}

impl Open311 {
    /// Its keys, under `open311`.
    pub const SETTINGS: [Setting; 2] = [
        Setting::secret("open311.partners", "list of {name, key}: systems that may ask for services by Open311"),
        Setting::new("open311.behind_tls", "true when a proxy in front of the HTTP port encrypts what partners send"),
    ];

    /// Violations of its rules.
    pub(crate) fn check(&self, http: SocketAddr) -> Vec<String> {
        let mut found = Vec::new();
        for (i, partner) in self.partners.iter().enumerate() {
            let plain = partner.name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
            if partner.name.is_empty() || partner.name.len() > 64 || !plain {
                found.push(format!("open311.partners[{i}].name: give 1 to 64 letters, digits, -, _ or ."));
            }
            let legible = partner.key.bytes().all(|b| b.is_ascii_graphic());
            if !(16..=200).contains(&partner.key.len()) || !legible {
                found.push(format!(
                    "open311.partners[{i}].key: give 16 to 200 printable characters, as `openssl rand -hex 32` prints"
                ));
            }
            if self.partners[..i].iter().any(|other| other.name == partner.name || other.key == partner.key) {
                found.push(format!("open311.partners[{i}]: its name or key stands twice; leave one"));
            }
        }
        if !self.partners.is_empty() && !http.ip().is_loopback() && !self.behind_tls {
            found.push(
                "open311.behind_tls: what partners send is personal and the HTTP port is plain; put a proxy with TLS in \
                 front of it and say true, listen on loopback, or leave open311.partners out"
                    .to_owned(),
            );
        }
        found
    }
}

/// What the open formats work with.
pub(crate) struct Open {
    /// Who tells the public, and where.
    pub(crate) publisher: Publisher,
    partners: Vec<(String, blake3::Hash)>,
}

impl Open {
    pub(crate) fn of(publisher: Publisher, open311: &Open311) -> Self {
        let hashed = |partner: &Partner| (partner.name.clone(), blake3::hash(partner.key.as_bytes()));
        Self { publisher, partners: open311.partners.iter().map(hashed).collect() }
    }

    /// The partner that shows this key. Hashes are compared in constant time.
    pub(crate) fn partner(&self, key: &str) -> Option<&str> {
        let shown = blake3::hash(key.as_bytes());
        self.partners.iter().find(|(_, hash)| *hash == shown).map(|(name, _)| name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use gridcare_chassis::config::Public;

    use super::*;

    #[test]
    fn partners_are_named_once_and_send_nothing_in_the_clear() {
        let partner = |name: &str, key: &str| Partner { name: name.into(), key: key.into() };
        let good = Open311 { partners: vec![partner("city", "0123456789abcdef")], behind_tls: false };
        let (local, open) = ("127.0.0.1:7480".parse().unwrap(), "0.0.0.0:7480".parse().unwrap());
        assert_eq!(good.check(local), Vec::<String>::new());
        assert!(good.check(open)[0].starts_with("open311.behind_tls: "));
        assert!(Open311 { behind_tls: true, ..good.clone() }.check(open).is_empty());
        let bad = [partner("", "short"), partner("city", "0123456789abcdef"), partner("city", "0123456789abcdeg")];
        assert_eq!(Open311 { partners: bad.to_vec(), behind_tls: false }.check(local).len(), 3);
        let publisher = Public::default().publisher("hcmc-1", "HCMC", "", local, jiff::tz::TimeZone::UTC);
        let known = Open::of(publisher, &good);
        assert_eq!((known.partner("0123456789abcdef"), known.partner("")), (Some("city"), None));
        let Publisher { sender, name, url, .. } = &known.publisher;
        assert_eq!((sender.as_str(), name.as_str(), url.as_str()), ("hcmc-1", "HCMC", "http://127.0.0.1:7480"));
        assert!(!format!("{good:?}").contains("0123"));
    }
}
