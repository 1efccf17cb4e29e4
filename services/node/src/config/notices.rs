use std::collections::BTreeSet;

use gridcare_chassis::config::Setting;
use gridcare_domain::notice::{QuietHours, Route};
use jiff::civil::Time;
use serde::{Deserialize, Serialize};

/// How notices become messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Notices {
    /// Parts of text messages that its message centres take in a second, all together; for plans.
    pub sms_parts_per_second: u32,
    /// Seconds between publishing and the first part; for plans.
    pub sms_delay_s: u32,
    /// Names of partners' systems that are called; where they are, their couriers know.
    pub webhooks: Vec<String>,
    /// Local time from which on nobody is disturbed without need, such as `22:00`; with `quiet_until`, or neither.
    pub quiet_from: Option<Time>,
    /// Local time until which nobody is.
    pub quiet_until: Option<Time>,
}

impl Default for Notices {
    fn default() -> Self {
        Self {
            sms_parts_per_second: 100,
            sms_delay_s: 0,
            webhooks: Vec::new(),
            quiet_from: None,
            quiet_until: None,
        }
    }
}

impl Notices {
    /// Its keys, under `notices`.
    pub const SETTINGS: [Setting; 5] = [
        Setting::new("notices.sms_parts_per_second", "parts of SMS that its message centres take in a second, for plans"),
        Setting::new("notices.sms_delay_s", "seconds between publishing and the first part of an SMS, for plans"),
        Setting::new("notices.webhooks", "list of names of partners' systems that are called, such as press-agency"),
        Setting::new("notices.quiet_from", "local time from which on routine notices wait, such as 22:00:00"),
        Setting::new("notices.quiet_until", "local time until which they wait, such as 06:00:00"),
    ];

    /// Violations of its rules.
    pub(crate) fn check(&self) -> Vec<String> {
        let mut found = Vec::new();
        if self.quiet_from.is_some() != self.quiet_until.is_some() {
            found.push("notices.quiet_from: give it together with notices.quiet_until, or neither".to_owned());
        }
        let name = |name: &String| (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic());
        let names: BTreeSet<_> = self.webhooks.iter().collect();
        if !self.webhooks.iter().all(name) || names.len() < self.webhooks.len() {
            found.push("notices.webhooks: give each name once, 1 to 64 visible ASCII characters".to_owned());
        }
        found
    }

    /// When nobody is disturbed without need.
    pub(crate) fn quiet(&self) -> Option<QuietHours> {
        self.quiet_from.zip(self.quiet_until).map(|(from, until)| QuietHours { from, until })
    }

    /// How fast text messages go out.
    pub(crate) const fn route(&self) -> Route {
        Route { parts_per_second: self.sms_parts_per_second, delay_s: self.sms_delay_s }
    }
}
