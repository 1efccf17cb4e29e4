//! What a session is told before it begins.

use std::{num::NonZeroU32, time::Duration};

use serde::{Deserialize, Serialize};

use super::super::{
    inbound::Assembly,
    matching::Keeping,
    outgoing::Dialect,
    pdu::{Address, Bind, VERSION},
};

/// One account at one centre.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SessionConfig {
    /// What logs and figures call it; it comes from the centre that it is for.
    #[serde(skip)]
    pub name: String,
    /// The account.
    pub system_id: String,
    /// Its password, which no configuration file holds.
    #[serde(skip)]
    pub password: String,
    /// What kind of system; mostly empty.
    pub system_type: String,
    /// Parts that may wait for their answers at once.
    pub window: NonZeroU32,
    /// Parts a second at most.
    pub rate: NonZeroU32,
    /// How this centre wants messages.
    pub dialect: Dialect,
    /// How its receipts are matched.
    pub receipts: Keeping,
    /// How parts of messages from phones are put together.
    pub assembly: Assembly,
    /// After so many silent milliseconds the other end is asked whether it is there.
    pub enquire_ms: u64,
    /// For so many milliseconds an answer is waited for.
    pub response_ms: u64,
    /// A connection, its TLS and its bind together may take so many milliseconds.
    pub connect_ms: u64,
    /// Between two attempts to connect at most so many milliseconds pass.
    pub longest_wait_ms: u64,
    /// Messages and receipts that may wait for the caller; what comes beyond is refused for now.
    pub inbound: NonZeroU32,
    /// Octets of a unit at most; a longer one ends the session.
    pub longest_pdu: usize,
}

const ONE: NonZeroU32 = NonZeroU32::MIN;

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            name: "smsc".into(),
            system_id: "gridcare".into(),
            password: String::new(),
            system_type: String::new(),
            window: NonZeroU32::new(10).unwrap_or(ONE),
            rate: NonZeroU32::new(100).unwrap_or(ONE),
            dialect: Dialect::default(),
            receipts: Keeping::default(),
            assembly: Assembly::default(),
            enquire_ms: 30_000,
            response_ms: 10_000,
            connect_ms: 10_000,
            longest_wait_ms: 60_000,
            inbound: NonZeroU32::new(1_000).unwrap_or(ONE),
            longest_pdu: 8_192,
        }
    }
}

impl std::fmt::Debug for SessionConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the password.
        f.debug_struct("SessionConfig")
            .field("name", &self.name)
            .field("system_id", &self.system_id)
            .finish_non_exhaustive()
    }
}

impl SessionConfig {
    pub(super) fn bind(&self) -> Bind {
        Bind {
            system_id: self.system_id.clone(),
            password: self.password.clone(),
            system_type: self.system_type.clone(),
            version: VERSION,
            range: Address::default(),
        }
    }

    pub(super) const fn enquire(&self) -> Duration {
        Duration::from_millis(self.enquire_ms)
    }

    pub(super) const fn response(&self) -> Duration {
        Duration::from_millis(self.response_ms)
    }

    pub(super) const fn connect(&self) -> Duration {
        Duration::from_millis(self.connect_ms)
    }

    pub(super) const fn longest_wait(&self) -> Duration {
        Duration::from_millis(self.longest_wait_ms)
    }
}
