//! A sandbox centre: a real SMPP server that behaves as it is told, keeps what it took for inspection, and lives within this
//! process or behind a port.
//!
//! Nothing in it is drawn from the air: the same submits in the same order and with the same seed have the same ids and fates.
//! Delays run on `tokio::time`, which tests pause and replays step; dates come from the clock that it is given.

mod attend;
mod config;
mod ledger;
mod receipts;

use std::{
    collections::{HashMap, VecDeque},
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::future::BoxFuture;
use gridcare_chassis::clock::SharedClock;
use gridcare_domain::sms_text::{Encoding, SmsText};
use rustls::ServerConfig;
use tokio::{
    net::TcpListener,
    sync::{Notify, mpsc},
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use self::{attend::Owed, ledger::Ledger};
pub use self::{
    config::{Ids, ReceiptForm, SmscConfig},
    ledger::{AcceptedPart, SmscCounts},
};
use crate::smpp::{
    coding,
    pdu::{Address, Message, npi, ton},
    piece::{Joining, Piece},
    session::{Dial, Wire, certificates, private_key},
};

/// A sandbox centre; clones are the same one.
#[derive(Clone)]
pub struct Smsc(Arc<Inner>);

struct Inner {
    clock: SharedClock,
    config: Mutex<SmscConfig>,
    ledger: Mutex<Ledger>,
    /// What is owed to an account that is not bound.
    owed: Mutex<HashMap<String, VecDeque<Owed>>>,
    links: Mutex<Links>,
    changed: Notify,
    stop: CancellationToken,
}

/// Sessions that are bound and take messages.
#[derive(Default)]
struct Links {
    next: u64,
    bound: Vec<(u64, String, mpsc::UnboundedSender<Owed>)>,
    /// Cancelled to cut all connections at once.
    cut: CancellationToken,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Smsc {
    /// A centre that nobody has bound to yet. `stop` ends its connections.
    #[must_use]
    pub fn new(config: SmscConfig, clock: SharedClock, stop: CancellationToken) -> Self {
        Self(Arc::new(Inner {
            clock,
            config: Mutex::new(config),
            ledger: Mutex::new(Ledger::default()),
            owed: Mutex::default(),
            links: Mutex::default(),
            changed: Notify::new(),
            stop,
        }))
    }

    /// How it behaves.
    #[must_use]
    pub fn config(&self) -> SmscConfig {
        lock(&self.0.config).clone()
    }

    /// Makes it behave otherwise from now on.
    pub fn change(&self, change: impl FnOnce(&mut SmscConfig)) {
        change(&mut lock(&self.0.config));
    }

    /// What it has done.
    #[must_use]
    pub fn counts(&self) -> SmscCounts {
        lock(&self.0.ledger).counts
    }

    /// Parts that it took, as many as it remembers, the oldest first.
    #[must_use]
    pub fn accepted(&self) -> Vec<AcceptedPart> {
        lock(&self.0.ledger).parts.iter().cloned().collect()
    }

    /// Parts that have no outcome yet.
    #[must_use]
    pub fn queue(&self) -> usize {
        lock(&self.0.ledger).queue
    }

    /// Sessions that are bound and take messages.
    #[must_use]
    pub fn bound(&self) -> usize {
        lock(&self.0.links).bound.len()
    }

    /// Waits until something has happened here.
    pub async fn changed(&self) {
        self.0.changed.notified().await;
    }

    /// Breaks all connections without a word, as a cable would.
    pub fn cut(&self) {
        std::mem::take(&mut lock(&self.0.links).cut).cancel();
    }

    /// A phone writes. The message goes to one bound session, in parts when it is long, or waits for one.
    pub fn write_from(&self, phone: &str, to: &str, text: &str, encoding: Encoding, reference: u16) {
        let address = |digits: &str, ton| Address { ton, npi: npi::TELEPHONE, digits: digits.to_owned() };
        let texts = SmsText::new(text, encoding).parts;
        let total = u8::try_from(texts.len()).unwrap_or(u8::MAX);
        for (text, number) in texts.iter().zip(1..=total) {
            let mut message = Message {
                source: address(phone, ton::INTERNATIONAL),
                destination: address(to, ton::NETWORK),
                data_coding: coding::data_coding(encoding),
                text: coding::encode(text, encoding),
                ..Message::default()
            };
            if total > 1 {
                Piece { reference, total, number }.mark(&mut message, Joining::Header);
            }
            self.send(message);
        }
    }

    /// Sends a message of any kind to one bound session, or keeps it for the next one.
    pub fn send(&self, message: Message) {
        let owed = Owed { message: Box::new(message), is_receipt: false, tries: 0 };
        let links = lock(&self.0.links);
        let Some((_, _, link)) = links.bound.first() else {
            drop(links);
            // Whoever binds first is given it.
            return lock(&self.0.owed).entry(String::new()).or_default().push_back(owed);
        };
        if let Err(back) = link.send(owed) {
            drop(links);
            lock(&self.0.owed).entry(String::new()).or_default().push_back(back.0);
        }
    }

    /// Listens until it is told to stop.
    ///
    /// # Errors
    /// When the listener itself fails.
    pub async fn serve(&self, listener: TcpListener, tls: Option<TlsAcceptor>) -> io::Result<()> {
        let mut sessions = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let (stream, _) = accepted?;
                    stream.set_nodelay(true)?;
                    let (smsc, tls) = (self.clone(), tls.clone());
                    sessions.spawn(async move {
                        match tls {
                            None => smsc.attend(Box::new(stream)).await,
                            Some(tls) => match timeout(HANDSHAKE, tls.accept(stream)).await {
                                Ok(Ok(stream)) => smsc.attend(Box::new(stream)).await,
                                Ok(Err(error)) => tracing::warn!(%error, "a TLS handshake failed"),
                                Err(_) => tracing::warn!("a TLS handshake took too long"),
                            },
                        }
                    });
                }
                Some(_) = sessions.join_next(), if !sessions.is_empty() => {}
                () = self.0.stop.cancelled() => break,
            }
        }
        while sessions.join_next().await.is_some() {}
        Ok(())
    }

    async fn attend(&self, wire: Box<dyn Wire>) {
        attend::attend(self.clone(), wire).await;
        self.0.changed.notify_waiters();
    }
}

/// Within this a connection with TLS has shaken hands.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// TLS at the centre's end, with its certificate chain and its private key from PEM files.
///
/// # Errors
/// When a file cannot be read, or holds something else.
pub fn acceptor(cert: &Path, key: &Path) -> io::Result<TlsAcceptor> {
    let wrong = |error: rustls::Error| io::Error::new(io::ErrorKind::InvalidInput, error);
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(wrong)?
        .with_no_client_auth()
        .with_single_cert(certificates(cert)?, private_key(key)?)
        .map_err(wrong)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Octets that a connection within this process holds in each direction.
const WITHIN: usize = 64 * 1024;

impl Dial for Smsc {
    /// A connection within this process, without sockets, so that paused time works.
    fn dial(&self) -> BoxFuture<'_, io::Result<Box<dyn Wire>>> {
        Box::pin(async {
            if self.0.stop.is_cancelled() {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let (near, far) = tokio::io::duplex(WITHIN);
            let smsc = self.clone();
            tokio::spawn(async move { smsc.attend(Box::new(far)).await });
            Ok(Box::new(near) as Box<dyn Wire>)
        })
    }
}
