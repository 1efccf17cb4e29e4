//! The mail server that takes all letters.

use std::{
    io,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use lettre::transport::smtp::{
    Error,
    authentication::{Credentials, DEFAULT_MECHANISMS},
    client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters},
    commands::{Data, Mail, Rcpt},
    extension::{ClientId, Extension, MailParameter},
};
use tokio::time::{Instant, timeout};

use super::letter::Letter;
use crate::config::{Email, MailTls, secret};

/// A connection that was not used for so long is not used again: servers close them after a few minutes.
const FRESH: Duration = Duration::from_secs(30);

/// Why the mail server cannot be used as configured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MailServerError {
    #[error("a file cannot be read")]
    File(#[from] io::Error),
    #[error("the TLS of the mail server cannot be set up")]
    Tls(#[from] Error),
    #[error("email.server is not host:port")]
    Address,
}

/// What became of a letter.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Handed {
    /// The server has it.
    Taken,
    /// The server will not take it.
    Refused(String),
    /// The server may take it later: this letter alone, or, of nobody, any.
    Later { reason: String, anybody: bool },
    /// It was written, and whether the server has it is not known.
    Unknown(String),
}

/// Hands letters to one server, over connections that are kept.
pub(crate) struct MailServer {
    host: String,
    port: u16,
    tls: Option<TlsParameters>,
    starttls: bool,
    hello: ClientId,
    account: Option<Credentials>,
    patience: Duration,
    kept: Mutex<Vec<(Instant, AsyncSmtpConnection)>>,
}

/// What one command came to, before any of the letter was written.
fn before(error: &Error, anybody: bool) -> Handed {
    let reason = error.to_string();
    if error.is_permanent() && !anybody { Handed::Refused(reason) } else { Handed::Later { reason, anybody } }
}

impl MailServer {
    pub(crate) fn new(server: &str, config: &Email) -> Result<Self, MailServerError> {
        let (host, port) = server.rsplit_once(':').ok_or(MailServerError::Address)?;
        let port = port.parse().map_err(|_| MailServerError::Address)?;
        let mut tls = TlsParameters::builder(host.to_owned());
        if let Some(ca) = &config.ca {
            tls = tls.certificate_store(CertificateStore::None);
            tls = tls.add_root_certificate(Certificate::from_pem(&std::fs::read(ca)?)?);
        }
        let account = match (&config.user, &config.password_file) {
            (Some(user), Some(path)) => Some(Credentials::new(user.clone(), secret(path)?)),
            _ => None,
        };
        Ok(Self {
            host: host.to_owned(),
            port,
            tls: if config.tls == MailTls::None { None } else { Some(tls.build_rustls()?) },
            starttls: config.tls == MailTls::Starttls,
            hello: ClientId::Domain(config.hello.clone()),
            account,
            patience: Duration::from_millis(config.timeout_ms),
            kept: Mutex::default(),
        })
    }

    /// Hands over one letter.
    pub(crate) async fn hand_over(&self, letter: &Letter) -> Handed {
        let mut connection = match self.connection().await {
            Ok(connection) => connection,
            Err(reason) => return Handed::Later { reason, anybody: true },
        };
        let handed = self.converse(&mut connection, letter).await;
        // A server that has said no is still listening; one that has said nothing is not.
        let usable = match &handed {
            Handed::Taken => true,
            Handed::Refused(_) | Handed::Later { anybody: false, .. } => self.begins_anew(&mut connection).await,
            Handed::Later { .. } | Handed::Unknown(_) => false,
        };
        if usable {
            self.kept.lock().unwrap_or_else(PoisonError::into_inner).push((Instant::now(), connection));
        }
        handed
    }

    async fn converse(&self, connection: &mut AsyncSmtpConnection, letter: &Letter) -> Handed {
        let silent = |anybody| Handed::Later { reason: "the mail server does not answer".to_owned(), anybody };
        let international = !letter.to.to_string().is_ascii();
        if international && !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            // Said to the server, it would be a word on the whole channel.
            return Handed::Refused("the mail server takes no international addresses".to_owned());
        }
        let parameters = if international { vec![MailParameter::SmtpUtfEight] } else { Vec::new() };
        match timeout(self.patience, connection.command(Mail::new(Some(letter.from.clone()), parameters))).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return before(&error, true),
            Err(_) => return silent(true),
        }
        match timeout(self.patience, connection.command(Rcpt::new(letter.to.clone(), Vec::new()))).await {
            Ok(Ok(_)) => {}
            // Without a code it is no word on the recipient.
            Ok(Err(error)) => return before(&error, error.status().is_none()),
            Err(_) => return silent(true),
        }
        match timeout(self.patience, connection.command(Data)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return before(&error, error.status().is_none()),
            Err(_) => return silent(true),
        }
        match timeout(self.patience, connection.message(&letter.octets)).await {
            Ok(Ok(_)) => Handed::Taken,
            Ok(Err(error)) if error.is_permanent() => Handed::Refused(error.to_string()),
            Ok(Err(error)) if error.is_transient() => Handed::Later { reason: error.to_string(), anybody: false },
            Ok(Err(error)) => Handed::Unknown(error.to_string()),
            Err(_) => Handed::Unknown("the mail server does not say whether it has the letter".to_owned()),
        }
    }

    async fn begins_anew(&self, connection: &mut AsyncSmtpConnection) -> bool {
        let reset = timeout(self.patience, connection.command("RSET\r\n")).await;
        matches!(reset, Ok(Ok(_)))
    }

    /// One that was used a moment ago and still answers, or a new one.
    async fn connection(&self) -> Result<AsyncSmtpConnection, String> {
        while let Some((used, mut connection)) = self.take_kept() {
            if used.elapsed() < FRESH && self.begins_anew(&mut connection).await {
                return Ok(connection);
            }
        }
        timeout(self.patience, self.connect())
            .await
            .map_err(|_| "the mail server does not answer".to_owned())?
            .map_err(|error| error.to_string())
    }

    fn take_kept(&self) -> Option<(Instant, AsyncSmtpConnection)> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Error> {
        let place = (self.host.as_str(), self.port);
        let implicit = self.tls.clone().filter(|_| !self.starttls);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(place, Some(self.patience), &self.hello, implicit, None).await?;
        if let Some(tls) = self.tls.clone().filter(|_| self.starttls) {
            connection.starttls(tls, &self.hello).await?;
        }
        if let Some(account) = &self.account {
            connection.auth(DEFAULT_MECHANISMS, account).await?;
        }
        Ok(connection)
    }
}
