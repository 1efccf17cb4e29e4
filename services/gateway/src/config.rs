//! What a gateway is told before it starts.

use std::{collections::BTreeSet, net::IpAddr, path::PathBuf, time::Duration};

use gridcare_chassis::{
    config::{Listen, Public, Setting, Settings, Telemetry, Tls, TrustedKey},
    serve::Limits,
    tls::ClientTls,
};
use gridcare_domain::{metric::Definition, notice::printed::Sender, standard::SecretKey};
use jiff::{civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};
use tonic::codegen::http::Uri;

/// A gateway's configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GatewayConfig {
    /// Whose gateway it is.
    pub gateway: Identity,
    /// Where it listens.
    pub listen: Listen,
    /// Its read model.
    pub database: Database,
    /// What its replicas share.
    pub bus: Bus,
    /// Its own certificate, and whose clients it lets in.
    pub tls: Tls,
    /// How it proves itself to nodes.
    pub client_tls: ClientTls,
    /// Under which address and name it is known to the public.
    pub public: Public,
    /// What it takes on at most.
    pub limits: Limits,
    /// What it tells about itself.
    pub telemetry: Telemetry,
    /// What national figures mean; members' figures of another definition do not merge.
    pub figures: Figures,
    /// Whose bundles of rules it publishes.
    pub standards: Standards,
    /// Who signs notices, and with what their proofs.
    pub notices: Notices,
    /// How followers share the members.
    pub lease: Leasing,
    /// The members of the country.
    pub members: Vec<MemberSeat>,
}

/// Whose gateway it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Identity {
    /// Its name, the same for all replicas.
    pub id: String,
    /// ISO 3166-1 code of the country.
    pub country: String,
    /// IANA name of the zone whose days and months national tables show.
    pub time_zone: String,
}

impl Default for Identity {
    fn default() -> Self {
        Self { id: "gateway".into(), country: "VN".into(), time_zone: "Asia/Ho_Chi_Minh".into() }
    }
}

/// Its read model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// `sqlite:///path/to/file` or `postgres://user@host/database`.
    pub url: String,
    /// Connections at most.
    pub max_connections: u32,
}

impl Default for Database {
    fn default() -> Self {
        Self { url: "sqlite://gateway.db".into(), max_connections: 16 }
    }
}

/// What its replicas share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bus {
    /// `redis://host:6379`; without one, wake-ups and caches stay within the process.
    pub redis_url: Option<String>,
}

/// What national figures mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Figures {
    /// Name of this definition.
    pub definition: String,
    /// Seconds within which an answer meets the service level.
    pub service_level_s: u32,
    /// Seconds below which giving up is a short abandon.
    pub short_abandon_s: u32,
}

impl Default for Figures {
    fn default() -> Self {
        Self { definition: "contact/1".into(), service_level_s: 20, short_abandon_s: 5 }
    }
}

impl Figures {
    pub(crate) fn definition(&self) -> Definition {
        Definition {
            id: self.definition.clone(),
            service_level_ms: i64::from(self.service_level_s) * 1_000,
            short_abandon_ms: i64::from(self.short_abandon_s) * 1_000,
        }
    }
}

/// Whose bundles of rules it publishes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Standards {
    /// Whose bundles are published; nobody's when empty.
    pub trusted_keys: Vec<TrustedKey>,
}

/// Who signs notices, and with what their proofs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Notices {
    /// PEM file with the private key that countersigns proofs of notices; none are given without one.
    pub proof_key: Option<PathBuf>,
    /// Code of whoever signs printed notices.
    pub sender: String,
    /// Where those who read them may ask, such as a telephone number.
    pub contact: Option<String>,
}

impl Default for Notices {
    fn default() -> Self {
        Self { proof_key: None, sender: "EVN".into(), contact: None }
    }
}

impl Notices {
    /// Who signs.
    pub(crate) fn sender(&self) -> Sender {
        Sender::of_code(&self.sender, self.contact.clone())
    }

    /// The key, if one is configured, or what is wrong with its file.
    pub(crate) fn key(&self) -> Result<Option<SecretKey>, String> {
        let Some(path) = &self.proof_key else { return Ok(None) };
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        SecretKey::from_pem(&text).map(Some).map_err(|error| format!("{}: {error}", path.display()))
    }
}

/// How followers share the members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Leasing {
    /// Milliseconds after which a replica that says nothing is replaced.
    pub ttl_ms: u64,
}

impl Default for Leasing {
    fn default() -> Self {
        Self { ttl_ms: 10_000 }
    }
}

impl Leasing {
    /// After this long without a word, a replica is replaced.
    #[must_use]
    pub const fn ttl(&self) -> Duration {
        Duration::from_millis(self.ttl_ms)
    }
}

/// One member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberSeat {
    /// Its node's name, as the node itself says it.
    pub node: String,
    /// Its region; several nodes may share one.
    pub region: String,
    /// `https://host:port`, or `http://` on loopback.
    pub endpoint: String,
    /// Since which local day answers expect it; always, when absent.
    #[serde(default)]
    pub from: Option<Date>,
}

impl Settings for GatewayConfig {
    const SETTINGS: &'static [Setting] = &[
        Setting::new("gateway.id", "name of this gateway, the same for all of its replicas"),
        Setting::new("gateway.country", "ISO 3166-1 code of the country, such as VN"),
        Setting::new("gateway.time_zone", "IANA name of the zone of national tables, such as Asia/Ho_Chi_Minh"),
        Listen::SETTINGS[0],
        Listen::SETTINGS[1],
        Setting::secret("database.url", "sqlite:///path/to/file or postgres://user@host/database"),
        Setting::new("database.max_connections", "connections to the database at most, a number above 0"),
        Setting::secret("bus.redis_url", "redis://host:6379, where several replicas share wake-ups and caches"),
        Tls::SETTINGS[0],
        Tls::SETTINGS[1],
        Tls::SETTINGS[2],
        Setting::new("client_tls.ca", "PEM file with the authorities whose nodes are trusted"),
        Setting::new("client_tls.cert", "PEM file with the certificate chain shown to nodes"),
        Setting::new("client_tls.key", "PEM file with the private key of client_tls.cert"),
        Setting::new("client_tls.domain", "name that every node's certificate carries, if not its endpoint's host"),
        Public::SETTINGS[0],
        Public::SETTINGS[1],
        Public::SETTINGS[2],
        Public::SETTINGS[3],
        Limits::SETTINGS[0],
        Limits::SETTINGS[1],
        Limits::SETTINGS[2],
        Limits::SETTINGS[3],
        Limits::SETTINGS[4],
        Limits::SETTINGS[5],
        Telemetry::SETTINGS[0],
        Telemetry::SETTINGS[1],
        Telemetry::SETTINGS[2],
        Setting::new("figures.definition", "name of what national figures mean, as the members name it"),
        Setting::new("figures.service_level_s", "seconds within which an answer meets the service level"),
        Setting::new("figures.short_abandon_s", "seconds below which giving up is a short abandon"),
        Setting::new("standards.trusted_keys", "list of {id, public}: whose bundles of rules are published"),
        Setting::new("notices.proof_key", "PEM file with the private key that countersigns proofs of notices"),
        Setting::new("notices.sender", "code of whoever signs printed notices, such as EVN"),
        Setting::new("notices.contact", "where readers of printed notices may ask, such as a telephone number"),
        Setting::new("lease.ttl_ms", "milliseconds after which a silent replica is replaced, at least 300"),
        Setting::new("members", "list of {node, region, endpoint, from}; from is a date such as 2013-01-01"),
    ];

    fn check(&self) -> Vec<String> {
        let mut violations = self.listen.check();
        violations.extend(self.tls.check(self.listen.grpc));
        violations.extend(self.public.check());
        violations.extend(self.limits.check());
        violations.extend(self.telemetry.check());
        let mut require = |kept: bool, violation: &str| {
            if !kept {
                violations.push(violation.to_owned());
            }
        };
        let Identity { id, country, time_zone } = &self.gateway;
        require(is_name(id), "gateway.id: give letters, digits, - and _, at most 64");
        require(
            country.len() == 2 && country.bytes().all(|b| b.is_ascii_uppercase()),
            "gateway.country: give two capital letters, such as VN",
        );
        require(
            TimeZone::get(time_zone).is_ok(),
            "gateway.time_zone: no such zone here; give an IANA name such as Asia/Ho_Chi_Minh, or install tzdata",
        );
        let definition = &self.figures.definition;
        require((1..=64).contains(&definition.len()), "figures.definition: give 1 to 64 characters, such as contact/1");
        let database = ["sqlite:", "postgres://", "postgresql://"];
        require(
            database.iter().any(|scheme| self.database.url.starts_with(scheme)),
            "database.url: give sqlite:///path/to/file or postgres://user@host/database",
        );
        require(self.database.max_connections > 0, "database.max_connections: give a number above 0");
        let redis = self.bus.redis_url.as_deref().unwrap_or("redis://");
        require(
            redis.starts_with("redis://") || redis.starts_with("rediss://"),
            "bus.redis_url: give redis://host:6379",
        );
        require((300..=3_600_000).contains(&self.lease.ttl_ms), "lease.ttl_ms: give milliseconds from 300 to 3600000");
        let ClientTls { cert, key, .. } = &self.client_tls;
        require(cert.is_some() == key.is_some(), "client_tls.cert: give it together with client_tls.key, or neither");
        TrustedKey::read_all("standards.trusted_keys", &self.standards.trusted_keys, &mut violations);
        if !is_name(&self.notices.sender) {
            violations.push("notices.sender: give letters, digits, - and _, at most 64".to_owned());
        }
        if let Err(what) = self.notices.key() {
            violations.push(format!("notices.proof_key: {what}"));
        }
        violations.extend(self.check_members());
        violations
    }
}

impl GatewayConfig {
    fn check_members(&self) -> Vec<String> {
        let mut violations = Vec::new();
        let mut nodes = BTreeSet::new();
        for (i, member) in self.members.iter().enumerate() {
            let MemberSeat { node, region, endpoint, .. } = member;
            let mut violate = |field: &str, what: &str| violations.push(format!("members[{i}].{field}: {what}"));
            if !is_name(node) {
                violate("node", "give letters, digits, - and _, at most 64");
            }
            if !nodes.insert(node) {
                violate("node", &format!("{node:?} is listed twice; give each node once"));
            }
            if !is_name(region) {
                violate("region", "give letters, digits, - and _, at most 64");
            }
            if let Some(what) = self.check_endpoint(endpoint) {
                violate("endpoint", &what);
            }
        }
        violations
    }

    fn check_endpoint(&self, endpoint: &str) -> Option<String> {
        let uri = endpoint.parse::<Uri>().ok();
        let Some((scheme, host)) = uri.as_ref().and_then(|uri| Some((uri.scheme_str()?, uri.host()?))) else {
            return Some(format!("{endpoint:?} is no address; give https://host:port"));
        };
        match scheme {
            "https" if self.client_tls.ca.is_none() => Some("https needs client_tls.ca".to_owned()),
            "http" if !is_loopback(host) => Some("plain http leaves this machine; give https://host:port".to_owned()),
            "http" | "https" => None,
            _ => Some(format!("{scheme}:// is not spoken here; give https://host:port")),
        }
    }
}

fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(node: &str, endpoint: &str) -> MemberSeat {
        MemberSeat { node: node.into(), region: "north".into(), endpoint: endpoint.into(), from: None }
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        let mut config = GatewayConfig::default();
        assert_eq!(config.check(), Vec::<String>::new());
        config.gateway.time_zone = "Mars/Olympus".into();
        config.gateway.country = "Vietnam".into();
        config.database.url = "mysql://x".into();
        config.lease.ttl_ms = 1;
        config.members = vec![
            member("a", "http://127.0.0.1:1"),
            member("a", "http://10.0.0.1:1"),
            member("b c", "https://node:1"),
            member("d", "not an address"),
        ];
        let violations = config.check().join("\n");
        for key in [
            "gateway.time_zone:",
            "gateway.country:",
            "database.url:",
            "lease.ttl_ms:",
            "members[1].node:",
            "members[1].endpoint:",
            "members[2].node:",
            "members[2].endpoint:",
            "members[3].endpoint:",
        ] {
            assert!(violations.contains(key), "{key} in {violations}");
        }
    }

    #[test]
    fn every_leaf_is_a_setting() {
        let mut sample = GatewayConfig::default();
        sample.bus.redis_url = Some("redis://h".into());
        sample.tls = Tls { cert: Some("c".into()), key: Some("k".into()), client_ca: Some("a".into()) };
        sample.client_tls =
            ClientTls { ca: Some("a".into()), cert: Some("c".into()), key: Some("k".into()), domain: Some("d".into()) };
        sample.notices.proof_key = Some("k".into());
        sample.notices.contact = Some("19001006".into());
        sample.telemetry.otlp_endpoint = Some("http://h".into());
        sample.members = vec![member("a", "http://127.0.0.1:1")];
        assert_eq!(gridcare_chassis::config::unlisted(&sample), Vec::<String>::new());
    }
}
