use std::{
    fs, io,
    path::{Path, PathBuf},
};

use lettre::{Address, message::Mailbox};
use serde::{Deserialize, Serialize};

use super::is_loopback;

/// How a connection with a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailTls {
    /// Not at all: on loopback alone.
    None,
    /// From the first octet on, as on port 465.
    Implicit,
    /// After `STARTTLS`, which the server must offer.
    #[default]
    Starttls,
}

/// Email.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Email {
    /// `host:port` of the mail server that takes everything; none, and no email is sent.
    pub server: Option<String>,
    /// How the connection is protected.
    pub tls: MailTls,
    /// PEM file with the authorities whose server is trusted; those of the system without.
    pub ca: Option<PathBuf>,
    /// The account, where the server asks for one.
    pub user: Option<String>,
    /// A file that holds the account's password.
    pub password_file: Option<PathBuf>,
    /// As whom it is sent: `EVNHCMC <care@hcmc.example>`.
    pub from: String,
    /// Where bounces go, with the number of the delivery after a `+`: `bounce@hcmc.example`.
    pub bounce: String,
    /// A file that holds a secret with which those numbers are sealed; without it, anybody can return anybody's letter.
    pub bounce_key_file: Option<PathBuf>,
    /// How this host names itself to the server.
    pub hello: String,
    /// Messages that are under way at once, each over a connection of its own.
    pub window: u16,
    /// Within so many milliseconds the server must have answered each command.
    pub timeout_ms: u64,
    /// The maildir in which bounces arrive; none, and nobody looks for them.
    pub bounces: Option<PathBuf>,
    /// How often that folder is looked at, in seconds.
    pub bounces_every_s: u64,
}

impl Default for Email {
    fn default() -> Self {
        Self {
            server: None,
            tls: MailTls::default(),
            ca: None,
            user: None,
            password_file: None,
            from: String::new(),
            bounce: String::new(),
            bounce_key_file: None,
            hello: "localhost".into(),
            window: 8,
            timeout_ms: 30_000,
            bounces: None,
            bounces_every_s: 10,
        }
    }
}

impl Email {
    pub(super) fn check(&self, violations: &mut Vec<String>) {
        let mut require = |kept: bool, violation: &str| {
            if !kept {
                violations.push(violation.to_owned());
            }
        };
        let Some(server) = &self.server else { return };
        let place = server.rsplit_once(':').filter(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
        require(place.is_some(), "email.server: give host:port, such as mail.example:587");
        let near = place.is_some_and(|(host, _)| is_loopback(host));
        require(near || self.tls != MailTls::None, "email.tls: none leaves this machine; give starttls or implicit");
        require(self.from.parse::<Mailbox>().is_ok(), "email.from: give an address such as EVN <care@evn.example>");
        let bounce = self.bounce.parse::<Address>();
        // Of 64 octets before the @ a number takes up to 20, and its seal 13.
        let longest = if self.bounce_key_file.is_some() { 31 } else { 40 };
        require(
            bounce.is_ok_and(|bounce| !bounce.user().contains('+') && bounce.user().len() <= longest),
            &format!(
                "email.bounce: give an address without +, such as bounce@evn.example, its name of at most {longest}"
            ),
        );
        require(self.user.is_some() == self.password_file.is_some(), "email.user: give it with email.password_file");
        require((1..=1_000).contains(&self.window), "email.window: give 1 to 1000");
        require((1..=600_000).contains(&self.timeout_ms), "email.timeout_ms: give 1 to 600000");
        require((1..=3_600).contains(&self.bounces_every_s), "email.bounces_every_s: give 1 to 3600");
    }
}

/// The first line of a file that holds a secret.
pub(crate) fn secret(path: &Path) -> io::Result<String> {
    let read = fs::read_to_string(path);
    let text =
        read.map_err(|error| io::Error::new(error.kind(), format!("cannot read {}: {error}", path.display())))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
