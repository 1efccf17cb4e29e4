use std::{collections::BTreeSet, path::PathBuf};

use http::Uri;
use serde::{Deserialize, Serialize};

use super::is_loopback;

/// Webhooks: press systems, messaging gateways, partners.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Webhooks {
    /// PEM file with the authorities whose servers are trusted; those of the system without.
    pub ca: Option<PathBuf>,
    /// Who is told.
    pub hooks: Vec<Hook>,
}

/// One webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hook {
    /// Its name at the node.
    pub name: String,
    /// Where notices are posted: `https://…`, or `http://` on loopback.
    pub url: String,
    /// A file that holds the secret with which they are signed.
    pub secret_file: PathBuf,
    /// Within so many milliseconds it must have answered.
    #[serde(default = "ten_seconds")]
    pub timeout_ms: u64,
}

const fn ten_seconds() -> u64 {
    10_000
}

impl Webhooks {
    pub(super) fn check(&self, violations: &mut Vec<String>) {
        let mut names = BTreeSet::new();
        for (at, Hook { name, url, timeout_ms, .. }) in self.hooks.iter().enumerate() {
            let mut violate = |field: &str, what: &str| violations.push(format!("webhook.hooks[{at}].{field}: {what}"));
            if !(1..=64).contains(&name.len()) {
                violate("name", "give 1 to 64 characters");
            }
            if !names.insert(name) {
                violate("name", &format!("{name:?} is listed twice; give each webhook once"));
            }
            let uri = url.parse::<Uri>().ok();
            let (scheme, host) = uri.as_ref().map_or((None, None), |uri: &Uri| (uri.scheme_str(), uri.host()));
            match (scheme, host) {
                (Some("https"), Some(_)) => {}
                (Some("http"), Some(host)) if is_loopback(host) => {}
                (Some("http"), Some(_)) => violate("url", "plain http leaves this machine; give https://"),
                _ => violate("url", "give an address such as https://press.example/notices"),
            }
            if !(1..=120_000).contains(timeout_ms) {
                violate("timeout_ms", "give 1 to 120000");
            }
        }
    }
}
