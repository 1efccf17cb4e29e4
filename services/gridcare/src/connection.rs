//! How a command reaches a node or a gateway; the options that all client commands share.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use gridcare_chassis::{
    client::Caller,
    methods::Methods,
    tls::{self, ClientTls},
};

use crate::failure::Failure;

/// Whom to ask, and how to prove who is asking.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Connection {
    /// gRPC address of the node or gateway. Plain http goes to this machine only
    #[arg(long, visible_alias = "at", value_name = "URL", default_value = "http://127.0.0.1:7400")]
    #[arg(env = "GRIDCARE_ADDRESS")]
    pub(crate) address: String,
    /// PEM file with the authorities whose servers are trusted; needed with https
    #[arg(long, value_name = "FILE", env = "GRIDCARE_CA")]
    ca: Option<PathBuf>,
    /// PEM file with the certificate chain of whoever asks
    #[arg(long, value_name = "FILE", env = "GRIDCARE_CERT", requires = "key")]
    cert: Option<PathBuf>,
    /// PEM file with the private key of --cert
    #[arg(long, value_name = "FILE", env = "GRIDCARE_KEY", requires = "cert")]
    key: Option<PathBuf>,
    /// Name in the server's certificate, where it is not the host of the address
    #[arg(long, value_name = "NAME", env = "GRIDCARE_DOMAIN")]
    domain: Option<String>,
    /// Seconds within which one call must be answered
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

impl Connection {
    /// A connection on this machine with the usual limits.
    pub(crate) fn near(address: String) -> Self {
        Self { address, ca: None, cert: None, key: None, domain: None, timeout: 10 }
    }

    /// Calls over a channel that connects when it is first used.
    pub(crate) fn caller(&self) -> Result<Caller, Failure> {
        let files = ClientTls {
            ca: self.ca.clone(),
            cert: self.cert.clone(),
            key: self.key.clone(),
            domain: self.domain.clone(),
        };
        let channel = tls::channel(&self.address, &files)?;
        let methods = Methods::read([gridcare_proto::DESCRIPTORS])
            .map_err(|error| Failure::because("the descriptors of the wire cannot be read", &error))?;
        Ok(Caller::new(channel, methods, Duration::from_secs(self.timeout)))
    }
}
