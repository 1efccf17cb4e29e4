//! Parts that every process's configuration has.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use gridcare_domain::notice::Publisher;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::Setting;

/// Where a process listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Listen {
    /// gRPC, gRPC-Web, health and reflection.
    pub grpc: SocketAddr,
    /// `/livez`, `/readyz`, `/metrics`, and open formats.
    pub http: SocketAddr,
}

impl Default for Listen {
    fn default() -> Self {
        Self { grpc: (Ipv4Addr::LOCALHOST, 7400).into(), http: (Ipv4Addr::LOCALHOST, 7480).into() }
    }
}

impl Listen {
    /// Its keys, under `listen`.
    pub const SETTINGS: [Setting; 2] = [
        Setting::new("listen.grpc", "address of the gRPC port, IP:PORT; outside loopback it needs the tls keys"),
        Setting::new("listen.http", "address of the HTTP port for probes and metrics, IP:PORT"),
    ];

    /// Violations of its rules.
    #[must_use]
    pub fn check(&self) -> Vec<String> {
        if self.grpc == self.http && self.grpc.port() != 0 {
            return vec![format!("listen.http: {} is also listen.grpc; give it another port", self.http)];
        }
        Vec::new()
    }
}

/// Under which address and name it is known to the public.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Public {
    /// Where the public reaches the HTTP port, without a slash at the end; its own address when empty.
    pub url: String,
    /// Who sends its alerts: a name that is unique in the world, such as a domain; its own name when empty.
    pub sender: String,
    /// Its name for people; the corporation's code, or its own name, when empty.
    pub name: String,
    /// Nothing that it tells is real: a replay, or a drill.
    pub exercise: bool,
}

impl Public {
    /// Its keys, under `public`.
    pub const SETTINGS: [Setting; 4] = [
        Setting::new("public.url", "where the public reaches the HTTP port, such as https://cskh.example.vn"),
        Setting::new(
            "public.sender",
            "who sends its alerts (CAP), a name unique in the world, such as cskh.example.vn",
        ),
        Setting::new("public.name", "its name for people, such as EVN HCMC"),
        Setting::new("public.exercise", "true when nothing that it tells is real, as in a drill"),
    ];

    /// Violations of its rules.
    #[must_use]
    pub fn check(&self) -> Vec<String> {
        let mut found = Vec::new();
        let web = self.url.starts_with("https://") || self.url.starts_with("http://");
        if !self.url.is_empty() && (!web || self.url.ends_with('/')) {
            let cure = "give an address such as https://cskh.example.vn, without a slash at the end";
            found.push(format!("public.url: {cure}"));
        }
        if self.sender.len() > 200 || self.sender.contains(|c: char| c.is_whitespace() || ",<&".contains(c)) {
            found
                .push("public.sender: give a name without spaces, commas, < and &, such as cskh.example.vn".to_owned());
        }
        found
    }

    /// The address, for a process whose HTTP port this is.
    #[must_use]
    pub fn address(&self, http: SocketAddr) -> String {
        if self.url.is_empty() { format!("http://{http}") } else { self.url.clone() }
    }

    /// Who tells the public, for a process of this name, for people and machines, on this HTTP port.
    #[must_use]
    pub fn publisher(&self, id: &str, name: &str, contact: &str, http: SocketAddr, zone: TimeZone) -> Publisher {
        let or = |given: &str, own: &str| if given.is_empty() { own.to_owned() } else { given.to_owned() };
        Publisher {
            sender: or(&self.sender, id),
            name: or(&self.name, name),
            url: self.address(http),
            contact: contact.to_owned(),
            exercise: self.exercise,
            zone,
        }
    }
}

/// The files of mutual TLS. All three are needed outside loopback.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// The certificate chain, PEM.
    pub cert: Option<PathBuf>,
    /// Its private key, PEM.
    pub key: Option<PathBuf>,
    /// The authorities whose clients are let in, PEM.
    pub client_ca: Option<PathBuf>,
}

impl Tls {
    /// Its keys, under `tls`.
    pub const SETTINGS: [Setting; 3] = [
        Setting::new("tls.cert", "PEM file with the server's certificate chain"),
        Setting::new("tls.key", "PEM file with the private key of tls.cert"),
        Setting::new("tls.client_ca", "PEM file with the authorities whose client certificates are accepted"),
    ];

    /// Violations of its rules for a gRPC port at `listen`: what [`crate::tls::server`] would refuse, found earlier.
    #[must_use]
    pub fn check(&self, listen: SocketAddr) -> Vec<String> {
        crate::tls::server(self, listen).err().map(|error| error.to_string()).into_iter().collect()
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// For people.
    #[default]
    Pretty,
}

/// What a process tells about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// How log lines look.
    pub log: LogFormat,
    /// Which log lines are written, as `tracing` filters say it.
    pub filter: String,
    /// An OTLP collector for traces and metrics; none, and nothing is sent.
    pub otlp_endpoint: Option<String>,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self { log: LogFormat::default(), filter: "info".to_owned(), otlp_endpoint: None }
    }
}

impl Telemetry {
    /// Its keys, under `telemetry`.
    pub const SETTINGS: [Setting; 3] = [
        Setting::new("telemetry.log", "json or pretty"),
        Setting::new("telemetry.filter", "which log lines are written, such as info or info,gridcare_node=debug"),
        Setting::new(
            "telemetry.otlp_endpoint",
            "OTLP collector (gRPC) for traces and metrics, such as http://127.0.0.1:4317",
        ),
    ];

    /// Violations of its rules.
    #[must_use]
    pub fn check(&self) -> Vec<String> {
        let mut violations = Vec::new();
        if let Err(error) = tracing_subscriber::EnvFilter::try_new(&self.filter) {
            violations.push(format!("telemetry.filter: {error}; write it like info,gridcare_node=debug"));
        }
        if let Some(endpoint) = &self.otlp_endpoint {
            let uri = endpoint.parse::<http::Uri>().ok();
            // No TLS to collectors: they stand beside the process, and take it from there.
            if !uri.is_some_and(|uri| uri.scheme_str() == Some("http") && uri.host().is_some()) {
                violations.push(format!(
                    "telemetry.otlp_endpoint: {endpoint:?} is no http:// address; name a collector near by, such as http://127.0.0.1:4317"
                ));
            }
        }
        violations
    }
}
