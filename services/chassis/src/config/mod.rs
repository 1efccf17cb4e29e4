//! Configuration: defaults, then a YAML file, then `GRIDCARE_…` variables, then flags; checked whole before anything binds.
//!
//! A process declares a struct of plain values and, for each leaf, a [`Setting`]. From those come the flags, the
//! variables, the help, the refusal of unknown keys and the hiding of secrets:
//!
//! | key in the file | flag | variable |
//! |---|---|---|
//! | `listen.grpc` | `--listen-grpc` | `GRIDCARE_LISTEN_GRPC` |
//!
//! A flag or a variable is taken as text where the key takes text, else as YAML (`[a, b]`, `{north: 3}`). A secret may be
//! given as `@/path/to/file`. An empty variable counts as absent. (On Kubernetes set `enableServiceLinks: false`: it invents variables of its own.)

mod flags;
mod load;
mod parts;
mod print;
mod trusted;

use serde::{Serialize, de::DeserializeOwned};

pub use self::{
    flags::{command, print_wanted},
    load::{load, load_from},
    parts::{Listen, LogFormat, Public, Telemetry, Tls},
    print::print,
    trusted::TrustedKey,
};

/// One key of a configuration.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Where it stands, with dots: `listen.grpc`.
    pub path: &'static str,
    /// One line for `--help` and for the refusal of a wrong value.
    pub help: &'static str,
    /// Whether its value is hidden when printed, and may be given as `@/path/to/file`.
    pub secret: bool,
}

impl Setting {
    /// A key whose value may be shown.
    #[must_use]
    pub const fn new(path: &'static str, help: &'static str) -> Self {
        Self { path, help, secret: false }
    }

    /// A key whose value is hidden.
    #[must_use]
    pub const fn secret(path: &'static str, help: &'static str) -> Self {
        Self { path, help, secret: true }
    }

    /// `listen-grpc`
    fn flag(&self) -> String {
        self.path.replace(['.', '_'], "-")
    }

    /// `GRIDCARE_LISTEN_GRPC`
    fn variable(&self) -> String {
        format!("GRIDCARE_{}", self.path.replace('.', "_").to_uppercase())
    }
}

/// A configuration. Its structs carry `#[serde(default, deny_unknown_fields)]`.
pub trait Settings: Serialize + DeserializeOwned + Default {
    /// Every leaf. Lists and maps are leaves.
    const SETTINGS: &'static [Setting];

    /// Every violation of a rule that the types do not express, each as `key: what is wrong; what to do`.
    fn check(&self) -> Vec<String>;
}

/// Why a configuration is refused: every reason at once.
#[derive(Debug, thiserror::Error)]
#[error("the configuration is refused:\n  - {}", violations.join("\n  - "))]
pub struct ConfigError {
    /// Each names its key and the cure.
    pub violations: Vec<String>,
}

/// The leaves of a sample configuration that no [`Setting`] names, for a test in each crate that has settings.
///
/// Give a sample in which every optional key is set: an absent one has no leaves.
#[must_use]
pub fn unlisted<T: Settings>(sample: &T) -> Vec<String> {
    let value = figment::value::Value::serialize(sample).unwrap_or_else(|_| figment::value::Value::from(""));
    let mut leaves = Vec::new();
    load::leaves(&value, String::new(), &|path| T::SETTINGS.iter().any(|setting| setting.path == path), &mut leaves);
    leaves.retain(|(path, _)| !T::SETTINGS.iter().any(|setting| setting.path == path));
    leaves.into_iter().map(|(path, _)| path).collect()
}

#[cfg(test)]
mod tests;
