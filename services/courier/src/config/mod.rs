//! What a courier is told before it starts.

mod email;
mod sms;
#[cfg(test)]
mod tests;
mod webhook;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use gridcare_chassis::{
    config::{Setting, Settings, Telemetry},
    tls::ClientTls,
};
use serde::{Deserialize, Serialize};

pub(crate) use self::email::secret;
pub use self::{
    email::{Email, MailTls},
    sms::{Centre, CentreTls, Sms},
    webhook::{Hook, Webhooks},
};

/// A courier's configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CourierConfig {
    /// Which courier it is.
    pub courier: Identity,
    /// For which node it works.
    pub node: NodeSeat,
    /// How it proves itself to the node.
    pub client_tls: ClientTls,
    /// Where it listens.
    pub listen: Listen,
    /// What it tells about itself.
    pub telemetry: Telemetry,
    /// How it gets messages.
    pub lease: Leasing,
    /// Text messages; none without centres.
    pub sms: Sms,
    /// Email; none without a server.
    pub email: Email,
    /// Webhooks; none without any.
    pub webhook: Webhooks,
}

/// Which courier it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Identity {
    /// Its name, another one for each running courier of a node.
    pub name: String,
}

impl Default for Identity {
    fn default() -> Self {
        Self { name: "courier-1".into() }
    }
}

/// For which node it works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NodeSeat {
    /// `https://host:port`, or `http://` on loopback.
    pub endpoint: String,
}

impl Default for NodeSeat {
    fn default() -> Self {
        Self { endpoint: "http://127.0.0.1:7400".into() }
    }
}

/// Where it listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Listen {
    /// `/livez`, `/readyz` and `/metrics`.
    pub http: SocketAddr,
}

impl Default for Listen {
    fn default() -> Self {
        Self { http: (Ipv4Addr::LOCALHOST, 7482).into() }
    }
}

/// How it gets messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Leasing {
    /// For how many seconds messages are its own before it must ask again. A lost courier's messages wait as long.
    pub seconds: u64,
    /// For how many seconds the node is to wait for a message when there is none.
    pub wait_seconds: u64,
}

impl Default for Leasing {
    fn default() -> Self {
        Self { seconds: 60, wait_seconds: 20 }
    }
}

impl Settings for CourierConfig {
    const SETTINGS: &'static [Setting] = &[
        Setting::new("courier.name", "name of this courier, another one for each running courier of a node"),
        Setting::new("node.endpoint", "the node's gRPC port, https://host:port, or http:// on loopback"),
        Setting::new("client_tls.ca", "PEM file with the authorities whose node is trusted"),
        Setting::new("client_tls.cert", "PEM file with the certificate chain shown to the node"),
        Setting::new("client_tls.key", "PEM file with the private key of client_tls.cert"),
        Setting::new("client_tls.domain", "name that the node's certificate carries, if not its endpoint's host"),
        Setting::new("listen.http", "address of the HTTP port for probes and metrics, IP:PORT"),
        Telemetry::SETTINGS[0],
        Telemetry::SETTINGS[1],
        Telemetry::SETTINGS[2],
        Setting::new("lease.seconds", "seconds for which messages are leased, 5 to 600"),
        Setting::new("lease.wait_seconds", "seconds that the node waits for a message when there is none, 0 to 30"),
        Setting::new("sms.sender", "as whom text messages are sent: a name, a short code, or a number"),
        Setting::new("sms.choice", "preferred (the first centre that is well) or shared (all of them)"),
        Setting::new("sms.patience_s", "seconds that a message waits for a centre before it goes back to the node"),
        Setting::new(
            "sms.centres",
            "list of {name, address, password_file, tls, connections, session}: message centres by SMPP",
        ),
        Setting::new("email.server", "host:port of the mail server that takes all email; without it none is sent"),
        Setting::new("email.tls", "starttls, implicit, or none (on loopback)"),
        Setting::new("email.ca", "PEM file with the authorities whose mail server is trusted; the system's without"),
        Setting::new("email.user", "account at the mail server, where it asks for one"),
        Setting::new("email.password_file", "file with the password of email.user"),
        Setting::new("email.from", "as whom email is sent, such as EVN <care@evn.example>"),
        Setting::new("email.bounce", "where bounces go, such as bounce@evn.example: bounce+NUMBER@evn.example"),
        Setting::new("email.bounce_key_file", "file with a secret that seals bounce addresses against forgers"),
        Setting::new("email.hello", "name of this host, as it is told to the mail server"),
        Setting::new("email.window", "emails that are under way at once, 1 to 1000"),
        Setting::new("email.timeout_ms", "milliseconds within which the mail server answers a command"),
        Setting::new("email.bounces", "maildir in which bounces arrive; without it nobody looks for them"),
        Setting::new("email.bounces_every_s", "seconds between two looks into email.bounces"),
        Setting::new("webhook.ca", "PEM file with the authorities whose webhooks are trusted; the system's without"),
        Setting::new("webhook.hooks", "list of {name, url, secret_file, timeout_ms}: who is told by webhook"),
    ];

    fn check(&self) -> Vec<String> {
        let mut violations = self.telemetry.check();
        let name = &self.courier.name;
        if !(1..=64).contains(&name.len()) || !name.bytes().all(|octet| octet.is_ascii_graphic()) {
            violations.push("courier.name: give 1 to 64 visible ASCII characters".to_owned());
        }
        if let Err(error) = gridcare_chassis::tls::channel(&self.node.endpoint, &ClientTls::default())
            && !(self.node.endpoint.starts_with("https://") && self.client_tls.ca.is_some())
        {
            violations.push(format!("node.endpoint: {error}"));
        }
        let ClientTls { cert, key, .. } = &self.client_tls;
        if cert.is_some() != key.is_some() {
            violations.push("client_tls.cert: give it together with client_tls.key, or neither".to_owned());
        }
        if !(5..=600).contains(&self.lease.seconds) {
            violations.push("lease.seconds: give 5 to 600".to_owned());
        }
        if self.lease.wait_seconds > 30 {
            violations.push("lease.wait_seconds: give 0 to 30".to_owned());
        }
        self.sms.check(&mut violations);
        self.email.check(&mut violations);
        self.webhook.check(&mut violations);
        violations
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.to_canonical().is_loopback())
}
