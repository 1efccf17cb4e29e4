mod keep;
mod keys;
mod notices;
mod open;
mod sms;

use std::net::SocketAddr;

use gridcare_chassis::{
    config::{Listen, Public, Setting, Settings, Telemetry, Tls},
    serve::Limits,
};
use gridcare_domain::{
    capability::Capability,
    contact::Channel,
    metric::Definition,
    reference::Reference,
    routing::{Route, Routing},
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
pub use keep::Keep;
pub use keys::Keys;
pub(crate) use keys::key_bytes;
pub use notices::Notices;
pub(crate) use open::Open;
pub use open::{Open311, Partner};
use serde::{Deserialize, Serialize};
pub use sms::{Billing, Sms};

pub use crate::standard_settings::StandardSettings;

/// Who this node is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Identity {
    /// Unique in the country, for example `hcmc-1`.
    pub id: String,
    /// Code of the corporation, for example `HCMC`.
    pub region: String,
    /// First part of its ticket references; unique in the country.
    pub reference_prefix: String,
    /// IANA name of the zone in which its days begin.
    pub time_zone: String,
}

impl Default for Identity {
    fn default() -> Self {
        let none = String::new;
        Self { id: none(), region: none(), reference_prefix: none(), time_zone: "Asia/Ho_Chi_Minh".to_owned() }
    }
}

/// Where the rows are.
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
        Self { url: String::new(), max_connections: 12 }
    }
}

/// Where wake-ups and caches are shared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BusConfig {
    /// `redis://host:6379`; none, and they stay within this process.
    pub redis_url: Option<String>,
}

/// What the figures mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Figures {
    /// Name of this definition; figures of different definitions do not merge.
    pub definition: String,
    /// Seconds within which an answer meets the service level.
    pub service_level_s: u32,
    /// Seconds below which giving up is a short abandon.
    pub short_abandon_s: u32,
}

impl Default for Figures {
    fn default() -> Self {
        Self { definition: "contact/1".to_owned(), service_level_s: 20, short_abandon_s: 5 }
    }
}

/// One metric of one channel that this corporation offers. A channel that is not listed is not offered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// For example `hotline`.
    pub channel: String,
    /// For example `answered`.
    pub metric: String,
    /// First local day on which the channel existed.
    pub offered_from: Date,
    /// First local day for which the figure is reported; none, and it is not.
    #[serde(default)]
    pub reported_from: Option<Date>,
    /// Last local day for which it was reported; none while reporting goes on.
    #[serde(default)]
    pub reported_through: Option<Date>,
}

/// Who serves which customer code: by default the table that ships with the product.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RoutingConfig {
    /// YAML file with one key, `routes`; none: the built-in table, unless `table` is given.
    pub file: Option<String>,
    /// The rows themselves, in place of a file.
    pub table: Vec<Route>,
}

/// The configuration of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NodeConfig {
    /// Who this node is.
    pub node: Identity,
    /// Where it listens.
    pub listen: Listen,
    /// Where its rows are.
    pub database: Database,
    /// Where wake-ups are shared.
    pub bus: BusConfig,
    /// Certificates.
    pub tls: Tls,
    /// Logs, traces and figures about itself.
    pub telemetry: Telemetry,
    /// Keys.
    pub keys: Keys,
    /// How long things are kept.
    pub keep: Keep,
    /// What the figures mean.
    pub figures: Figures,
    /// How customers' messages are answered.
    pub sms: Sms,
    /// How notices become messages.
    pub notices: Notices,
    /// Where bills are asked for.
    pub billing: Billing,
    /// Under which address and name it is known to the public.
    pub public: Public,
    /// Which systems of others may ask for services.
    pub open311: Open311,
    /// What it takes on at most.
    pub limits: Limits,
    /// Whose rules it takes, and what it promises beyond them.
    pub standards: StandardSettings,
    /// Who serves which customer code.
    pub routing: RoutingConfig,
    /// What it offers and reports.
    pub capabilities: Vec<Offer>,
}

impl Settings for NodeConfig {
    const SETTINGS: &'static [Setting] = &[
        Setting::new("node.id", "name of this node, unique in the country, such as hcmc-1"),
        Setting::new("node.region", "code of the corporation, such as HCMC"),
        Setting::new(
            "node.reference_prefix",
            "first part of its ticket references, unique in the country, such as HCMC",
        ),
        Setting::new("node.time_zone", "IANA zone in which its days begin"),
        Listen::SETTINGS[0],
        Listen::SETTINGS[1],
        Setting::secret("database.url", "sqlite:///path/to/file or postgres://user@host/database"),
        Setting::new(
            "database.max_connections",
            "connections to the database at most; on Postgres the writer has up to six of its own beside them",
        ),
        Setting::secret("bus.redis_url", "redis://host:6379 to share wake-ups between replicas"),
        Tls::SETTINGS[0],
        Tls::SETTINGS[1],
        Tls::SETTINGS[2],
        Telemetry::SETTINGS[0],
        Telemetry::SETTINGS[1],
        Telemetry::SETTINGS[2],
        Setting::secret("keys.pseudonym", "64 hexadecimal digits, this node's alone, or @file"),
        Setting::secret("keys.unique", "64 hexadecimal digits, shared by the country's nodes, or @file"),
        Setting::new("keys.unique_id", "name of keys.unique"),
        Keep::SETTINGS[0],
        Keep::SETTINGS[1],
        Keep::SETTINGS[2],
        Keep::SETTINGS[3],
        Setting::new("figures.definition", "name of what the figures mean"),
        Setting::new("figures.service_level_s", "seconds within which an answer meets the service level"),
        Setting::new("figures.short_abandon_s", "seconds below which giving up is a short abandon"),
        Sms::SETTINGS[0],
        Sms::SETTINGS[1],
        Sms::SETTINGS[2],
        Sms::SETTINGS[3],
        Notices::SETTINGS[0],
        Notices::SETTINGS[1],
        Notices::SETTINGS[2],
        Notices::SETTINGS[3],
        Notices::SETTINGS[4],
        Billing::SETTINGS[0],
        Billing::SETTINGS[1],
        Billing::SETTINGS[2],
        Billing::SETTINGS[3],
        Billing::SETTINGS[4],
        Billing::SETTINGS[5],
        Public::SETTINGS[0],
        Public::SETTINGS[1],
        Public::SETTINGS[2],
        Public::SETTINGS[3],
        Open311::SETTINGS[0],
        Open311::SETTINGS[1],
        Setting::new(
            "routing.file",
            "YAML file that says who serves which customer code; the built-in table when absent",
        ),
        Setting::new("routing.table", "list of {prefix or province, region, from, until}, in place of a file"),
        Limits::SETTINGS[0],
        Limits::SETTINGS[1],
        Limits::SETTINGS[2],
        Limits::SETTINGS[3],
        Limits::SETTINGS[4],
        Limits::SETTINGS[5],
        StandardSettings::SETTINGS[0],
        StandardSettings::SETTINGS[1],
        StandardSettings::SETTINGS[2],
        StandardSettings::SETTINGS[3],
        Setting::new(
            "capabilities",
            "list of {channel, metric, offered_from, reported_from, reported_through}; what is not listed is not offered",
        ),
    ];

    fn check(&self) -> Vec<String> {
        let mut found = Vec::new();
        let name = |text: &str| {
            !text.is_empty() && text.len() <= 32 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        };
        if !name(&self.node.id) {
            found.push("node.id: give 1 to 32 letters, digits or hyphens, such as hcmc-1".to_owned());
        }
        if !name(&self.node.region) {
            found.push("node.region: give the corporation's code, such as HCMC".to_owned());
        }
        if let Err(e) = Reference::new(self.prefix(), 1) {
            found.push(format!("node.reference_prefix: {e}; give 2 to 8 letters and digits, such as HCMC"));
        }
        if TimeZone::get(&self.node.time_zone).is_err() {
            found.push(format!(
                "node.time_zone: {:?} is not an IANA time zone; give one such as Asia/Ho_Chi_Minh",
                self.node.time_zone
            ));
        }
        let schemes = ["sqlite:", "postgres://", "postgresql://"];
        if !schemes.iter().any(|scheme| self.database.url.starts_with(scheme)) {
            found.push("database.url: give sqlite:///path/to/file or postgres://user@host/database".to_owned());
        }
        if self.database.max_connections == 0 {
            found.push("database.max_connections: give a number above 0".to_owned());
        }
        if self.bus.redis_url.as_ref().is_some_and(|url| !url.starts_with("redis://") || url.len() < 9) {
            found.push("bus.redis_url: give redis://host:6379, or nothing".to_owned());
        }
        if self.figures.definition.is_empty() || self.figures.definition.len() > 64 {
            found.push("figures.definition: name what the figures mean, such as contact/1".to_owned());
        }
        if !name(&self.keys.unique_id) {
            found.push("keys.unique_id: give 1 to 32 letters, digits or hyphens, such as unique-1".to_owned());
        }
        for (key, value) in [("keys.pseudonym", &self.keys.pseudonym), ("keys.unique", &self.keys.unique)] {
            if key_bytes(value).is_none() {
                found.push(format!(
                    "{key}: give 64 hexadecimal digits, as `openssl rand -hex 32` prints, or @/path/to/file"
                ));
            }
        }
        if let Err(problems) = self.routing() {
            let key = if self.routing.table.is_empty() { "routing.file" } else { "routing.table" };
            found.extend(problems.into_iter().map(|problem| format!("{key}: {problem}")));
        }
        found.extend(self.listen.check());
        found.extend(self.tls.check(self.listen.grpc));
        found.extend(self.telemetry.check());
        found.extend(self.keep.check());
        found.extend(self.sms.check());
        found.extend(self.notices.check());
        found.extend(self.billing.check());
        found.extend(self.public.check());
        found.extend(self.open311.check(self.listen.http));
        found.extend(self.limits.check());
        found.extend(self.standards.check());
        for (i, offer) in self.capabilities.iter().enumerate() {
            if Channel::parse(&offer.channel).is_none() {
                found.push(format!(
                    "capabilities[{i}].channel: {:?} is not a channel; give one such as hotline",
                    offer.channel
                ));
            }
            if self.capabilities[..i].iter().any(|other| other.channel == offer.channel && other.metric == offer.metric)
            {
                found.push(format!("capabilities[{i}]: {} {} stands twice; leave one", offer.channel, offer.metric));
            }
            if offer.metric.is_empty() || offer.metric.len() > 64 {
                found.push(format!("capabilities[{i}].metric: name the metric, such as answered"));
            }
            if offer.reported_from.is_some_and(|from| offer.reported_through.is_some_and(|through| through < from)) {
                found.push(format!("capabilities[{i}].reported_through: it is before reported_from; exchange them"));
            }
        }
        found
    }
}

impl NodeConfig {
    /// The prefix of its references: the region's code when none is given.
    #[must_use]
    pub fn prefix(&self) -> &str {
        if self.node.reference_prefix.is_empty() { &self.node.region } else { &self.node.reference_prefix }
    }

    /// What the figures mean.
    #[must_use]
    pub fn definition(&self) -> Definition {
        Definition {
            id: self.figures.definition.clone(),
            service_level_ms: i64::from(self.figures.service_level_s) * 1_000,
            short_abandon_ms: i64::from(self.figures.short_abandon_s) * 1_000,
        }
    }

    /// Who serves which customer code.
    ///
    /// # Errors
    /// Everything that makes the table unusable.
    pub fn routing(&self) -> Result<Routing, Vec<String>> {
        match &self.routing.file {
            _ if !self.routing.table.is_empty() => Routing::new(self.routing.table.clone()),
            Some(file) => {
                let yaml =
                    std::fs::read_to_string(file).map_err(|error| vec![format!("{file} cannot be read: {error}")])?;
                Routing::read(&yaml)
            }
            None => Ok(Routing::builtin().clone()),
        }
    }

    pub(crate) fn open(&self, http: SocketAddr) -> Open {
        let publisher = self.public.publisher(&self.node.id, &self.node.region, &self.sms.hotline, http, self.zone());
        Open::of(publisher, &self.open311)
    }

    /// The zone in which its days begin; UTC when the name is wrong, which [`Settings::check`] refuses.
    #[must_use]
    pub fn zone(&self) -> TimeZone {
        TimeZone::get(&self.node.time_zone).unwrap_or(TimeZone::UTC)
    }

    /// What it offers, with its local days as instants; the last day of reporting counts whole.
    #[must_use]
    pub fn capabilities(&self) -> Vec<Capability> {
        let zone = self.zone();
        let midnight = |day: Date| -> Option<Timestamp> {
            Some(zone.to_zoned(day.to_datetime(jiff::civil::Time::midnight())).ok()?.timestamp())
        };
        let read = |offer: &Offer| {
            Some(Capability {
                channel: Channel::parse(&offer.channel)?,
                metric: offer.metric.clone(),
                offered_from: midnight(offer.offered_from),
                reported_from: offer.reported_from.and_then(midnight),
                reported_through: offer.reported_through.and_then(|day| day.tomorrow().ok()).and_then(midnight),
            })
        };
        self.capabilities.iter().filter_map(read).collect()
    }
}
