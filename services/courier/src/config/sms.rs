use std::{collections::BTreeSet, io, path::PathBuf, sync::Arc};

use serde::{Deserialize, Serialize};

use super::email::secret;
use crate::smpp::{
    outgoing::Sender,
    route::Choice,
    session::{Dial, SessionConfig, Tcp, Tls, TlsFiles},
};

/// Text messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sms {
    /// As whom they are sent: a name, a short code, or a number.
    pub sender: String,
    /// How centres are chosen.
    pub choice: Choice,
    /// For so many seconds a message waits for a centre that takes it; then it goes back to the node.
    pub patience_s: u64,
    /// The centres, in the order of preference.
    pub centres: Vec<Centre>,
}

impl Default for Sms {
    fn default() -> Self {
        Self { sender: "GRIDCARE".into(), choice: Choice::default(), patience_s: 30, centres: Vec::new() }
    }
}

/// One account at one message centre.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Centre {
    /// Whose ids they are: kept with every message, so that it must not change while receipts are awaited.
    pub name: String,
    /// `host:port`
    pub address: String,
    /// A file that holds the account's password.
    pub password_file: Option<PathBuf>,
    /// Files of TLS; plain TCP without.
    pub tls: Option<CentreTls>,
    /// Sessions that are bound at once; window and rate are those of each.
    pub connections: u8,
    /// How each session works.
    pub session: SessionConfig,
}

impl Default for Centre {
    fn default() -> Self {
        Self {
            name: "smsc".into(),
            address: "127.0.0.1:2775".into(),
            password_file: None,
            tls: None,
            connections: 1,
            session: SessionConfig::default(),
        }
    }
}

/// PEM files of a connection with TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CentreTls {
    /// The authorities whose centre is trusted.
    pub ca: PathBuf,
    /// The certificate chain of the account, where the centre asks for one.
    pub cert: Option<PathBuf>,
    /// Its private key.
    pub key: Option<PathBuf>,
    /// The name that the centre's certificate must carry.
    pub name: String,
}

impl Centre {
    /// The way to it.
    ///
    /// # Errors
    /// When a file cannot be read, or holds something else.
    pub fn dial(&self) -> io::Result<Arc<dyn Dial>> {
        let Some(CentreTls { ca, cert, key, name }) = &self.tls else {
            return Ok(Arc::new(Tcp { address: self.address.clone() }));
        };
        let identity = cert.as_deref().zip(key.as_deref());
        Ok(Arc::new(Tls::new(&self.address, TlsFiles { ca, identity, name })?))
    }

    /// What each of its sessions is told.
    ///
    /// # Errors
    /// When the password's file cannot be read.
    pub fn sessions(&self) -> io::Result<Vec<SessionConfig>> {
        let password = match &self.password_file {
            Some(path) => secret(path)?,
            None => self.session.password.clone(),
        };
        let session = |number: u8| SessionConfig {
            name: if number == 1 { self.name.clone() } else { format!("{}-{number}", self.name) },
            password: password.clone(),
            ..self.session.clone()
        };
        Ok((1..=self.connections).map(session).collect())
    }
}

impl Sms {
    pub(super) fn check(&self, violations: &mut Vec<String>) {
        if let Err(violation) = Sender::parse(&self.sender) {
            violations.push(format!("sms.sender: {}", violation.description));
        }
        if !(1..=3_600).contains(&self.patience_s) {
            violations.push("sms.patience_s: give seconds from 1 to 3600".to_owned());
        }
        let mut names = BTreeSet::new();
        for (at, centre) in self.centres.iter().enumerate() {
            let mut violate = |field: &str, what: &str| violations.push(format!("sms.centres[{at}].{field}: {what}"));
            let Centre { name, address, tls, connections, session, .. } = centre;
            if !(1..=32).contains(&name.len()) || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
                violate("name", "give letters, digits and -, at most 32");
            }
            if !names.insert(name) {
                violate("name", &format!("{name:?} is listed twice; give each centre once"));
            }
            if !address.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()) {
                violate("address", "give host:port");
            }
            if tls.as_ref().is_some_and(|tls| tls.cert.is_some() != tls.key.is_some()) {
                violate("tls.cert", "give it together with tls.key, or neither");
            }
            if !(1..=16).contains(connections) {
                violate("connections", "give 1 to 16");
            }
            if session.window.get() > 10_000 {
                violate("session.window", "give at most 10000");
            }
        }
    }
}
