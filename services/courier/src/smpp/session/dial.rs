//! The way to a centre.

use std::{io, path::Path, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

/// A connection, whatever carries it.
pub trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// Opens connections to one centre.
pub trait Dial: Send + Sync {
    /// A new connection.
    fn dial(&self) -> BoxFuture<'_, io::Result<Box<dyn Wire>>>;
}

/// Plain TCP: within a private network of the operator, as SMPP is mostly offered.
#[derive(Debug, Clone)]
pub struct Tcp {
    /// `host:port`
    pub address: String,
}

impl Tcp {
    async fn connect(address: &str) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(address).await?;
        // Units are small, and each is waited for.
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

impl Dial for Tcp {
    fn dial(&self) -> BoxFuture<'_, io::Result<Box<dyn Wire>>> {
        Box::pin(async { Ok(Box::new(Self::connect(&self.address).await?) as Box<dyn Wire>) })
    }
}

/// TCP with TLS.
#[derive(Clone)]
pub struct Tls {
    address: String,
    name: ServerName<'static>,
    config: Arc<ClientConfig>,
}

/// PEM files of a connection with TLS.
#[derive(Debug, Clone, Copy)]
pub struct TlsFiles<'a> {
    /// The authorities whose centre is trusted.
    pub ca: &'a Path,
    /// The certificate chain and the private key with which the account proves itself, where the centre asks for them.
    pub identity: Option<(&'a Path, &'a Path)>,
    /// The name that the centre's certificate must carry.
    pub name: &'a str,
}

impl Tls {
    /// Reads the files; connects to `host:port` when dialled.
    ///
    /// # Errors
    /// When a file cannot be read, or holds something else.
    pub fn new(address: &str, files: TlsFiles<'_>) -> io::Result<Self> {
        let wrong = |error: &dyn std::fmt::Display| io::Error::new(io::ErrorKind::InvalidInput, error.to_string());
        let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong(&error))?
            .with_root_certificates(roots(files.ca)?);
        let config = match files.identity {
            Some((chain, key)) => {
                builder.with_client_auth_cert(certificates(chain)?, private_key(key)?).map_err(|error| wrong(&error))?
            }
            None => builder.with_no_client_auth(),
        };
        let name = ServerName::try_from(files.name.to_owned()).map_err(|error| wrong(&error))?;
        Ok(Self { address: address.to_owned(), name, config: Arc::new(config) })
    }
}

impl Dial for Tls {
    fn dial(&self) -> BoxFuture<'_, io::Result<Box<dyn Wire>>> {
        Box::pin(async {
            let stream = Tcp::connect(&self.address).await?;
            let stream = TlsConnector::from(Arc::clone(&self.config)).connect(self.name.clone(), stream).await?;
            Ok(Box::new(stream) as Box<dyn Wire>)
        })
    }
}

/// The authorities in a PEM file.
pub(crate) fn roots(path: &Path) -> io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    }
    Ok(roots)
}

fn open(path: &Path) -> io::Result<io::BufReader<std::fs::File>> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("cannot read {}: {error}", path.display()));
    std::fs::File::open(path).map(io::BufReader::new).map_err(named)
}

fn none(path: &Path, what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("{} holds no PEM {what}", path.display()))
}

/// The chain in a PEM file.
pub(crate) fn certificates(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let found = rustls_pemfile::certs(&mut open(path)?).collect::<Result<Vec<_>, _>>()?;
    if found.is_empty() { Err(none(path, "certificate")) } else { Ok(found) }
}

/// The private key in a PEM file.
pub(crate) fn private_key(path: &Path) -> io::Result<PrivateKeyDer<'static>> {
    rustls_pemfile::private_key(&mut open(path)?)?.ok_or_else(|| none(path, "private key"))
}

/// Dials, but not longer than `within`.
pub(super) async fn within(within: Duration, dial: &dyn Dial) -> io::Result<Box<dyn Wire>> {
    tokio::time::timeout(within, dial.dial()).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
