use std::path::PathBuf;

use gridcare_chassis::{config::Setting, tls::ClientTls};
use gridcare_domain::keyword::Limits;
use serde::{Deserialize, Serialize};

/// How customers' messages are answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sms {
    /// The number that answers name for everything else; "the call centre" in words when empty.
    pub hotline: String,
    /// Numbers of the corporation, besides the short codes of its keywords; they are never answered.
    pub own_numbers: Vec<String>,
    /// Answers to one number within an hour.
    pub replies_per_hour: u32,
    /// Answers to one text of one number within ten minutes.
    pub same_text: u32,
}

impl Default for Sms {
    fn default() -> Self {
        let Limits { per_hour, same_text } = Limits::default();
        Self { hotline: String::new(), own_numbers: Vec::new(), replies_per_hour: per_hour, same_text }
    }
}

impl Sms {
    /// Its keys, under `sms`.
    pub const SETTINGS: [Setting; 4] = [
        Setting::new("sms.hotline", "number that answers by SMS name for everything else, such as 1900545454"),
        Setting::new("sms.own_numbers", "list of the corporation's own numbers, which are never answered"),
        Setting::new("sms.replies_per_hour", "answers by SMS to one number within an hour"),
        Setting::new("sms.same_text", "answers by SMS to the same text of one number within ten minutes"),
    ];

    /// Violations of its rules.
    pub(crate) fn check(&self) -> Vec<String> {
        let mut found = Vec::new();
        if self.replies_per_hour == 0 || self.same_text == 0 {
            found.push("sms: give replies_per_hour and same_text above 0, or nobody is answered".to_owned());
        }
        if self.hotline.len() > 40 {
            found.push("sms.hotline: give at most 40 bytes, since every answer may carry it".to_owned());
        }
        found
    }

    /// How much one number is answered.
    pub(crate) const fn limits(&self) -> Limits {
        Limits { per_hour: self.replies_per_hour, same_text: self.same_text }
    }
}

/// Where bills are asked for. Neither: they are not offered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Billing {
    /// `gridcare.billing.v1.BillingService` in front of the billing system.
    pub endpoint: Option<String>,
    /// A CSV file instead of one.
    pub file: Option<PathBuf>,
    /// How this node proves itself to the endpoint.
    pub tls: ClientTls,
}

impl Billing {
    /// Its keys, under `billing`.
    pub const SETTINGS: [Setting; 6] = [
        Setting::new("billing.endpoint", "gRPC address of the billing adapter, such as https://billing.local:7500"),
        Setting::new("billing.file", "CSV file with bills and readings instead of billing.endpoint"),
        Setting::new("billing.tls.ca", "PEM file with the authorities whose billing adapter is trusted"),
        Setting::new("billing.tls.cert", "PEM file with this node's certificate for the billing adapter"),
        Setting::new("billing.tls.key", "PEM file with the private key of billing.tls.cert"),
        Setting::new("billing.tls.domain", "name in the adapter's certificate, where it is not the endpoint's host"),
    ];

    /// Violations of its rules.
    pub(crate) fn check(&self) -> Vec<String> {
        let mut found = Vec::new();
        if self.endpoint.is_some() && self.file.is_some() {
            found.push("billing.file: billing.endpoint is given too; leave one of them".to_owned());
        }
        let ClientTls { cert, key, .. } = &self.tls;
        if cert.is_some() != key.is_some() {
            found.push("billing.tls.cert: give it together with billing.tls.key, or neither".to_owned());
        }
        let schemes = ["http://", "https://"];
        if self.endpoint.as_ref().is_some_and(|at| !schemes.iter().any(|scheme| at.starts_with(scheme))) {
            found.push("billing.endpoint: give an address such as https://billing.local:7500".to_owned());
        }
        found
    }
}
