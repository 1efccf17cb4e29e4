//! TLS from files: mutual outside loopback, always.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity, ServerTlsConfig};

use crate::config::Tls;

/// Why TLS cannot be set up; each says the cure.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A listener that others can reach, without all the files.
    #[error("tls.{}: missing, and {listen} is not loopback; give tls.cert, tls.key and tls.client_ca (PEM files), or listen on 127.0.0.1", missing.join(", tls."))]
    Missing {
        /// Where it would listen.
        listen: SocketAddr,
        /// Which keys.
        missing: Vec<&'static str>,
    },
    /// Some of the files only.
    #[error("{given}: given without {missing}; give both, or neither")]
    Half {
        /// The key that is there.
        given: &'static str,
        /// The key that is not.
        missing: &'static str,
    },
    /// A file that cannot be read.
    #[error("{key}: cannot read {}: {source}", path.display())]
    Read {
        /// Which key names it.
        key: &'static str,
        /// Where it should be.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file that holds something else.
    #[error("{key}: {} holds no PEM {expected}", path.display())]
    Content {
        /// Which key names it.
        key: &'static str,
        /// Where it is.
        path: PathBuf,
        /// What should be in it.
        expected: &'static str,
    },
    /// A far endpoint without encryption.
    #[error("{endpoint}: plain http leaves this machine; use https:// with tls files")]
    Plaintext {
        /// The address.
        endpoint: String,
    },
    /// An encrypted endpoint, and no authority to trust.
    #[error("{endpoint}: https needs the authority that signed its certificate; give its PEM file as ca")]
    NoAuthority {
        /// The address.
        endpoint: String,
    },
    /// Not an address at all.
    #[error("{endpoint}: not an address such as https://host:port ({reason})")]
    Endpoint {
        /// What was given.
        endpoint: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// The files with which a process proves itself to a server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClientTls {
    /// The authorities whose servers are trusted, PEM.
    pub ca: Option<PathBuf>,
    /// The certificate chain, PEM.
    pub cert: Option<PathBuf>,
    /// Its private key, PEM.
    pub key: Option<PathBuf>,
    /// The name that the server's certificate must carry, where it is not the host of the endpoint.
    pub domain: Option<String>,
}

/// How long a handshake may take, so that silent connections do not pile up.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// What a gRPC port at `listen` needs. Nothing on loopback without files; all three files anywhere else.
pub fn server(tls: &Tls, listen: SocketAddr) -> Result<Option<ServerTlsConfig>, TlsError> {
    if !listen.ip().to_canonical().is_loopback() {
        let keys = [("cert", &tls.cert), ("key", &tls.key), ("client_ca", &tls.client_ca)];
        let missing: Vec<_> = keys.iter().filter(|(_, path)| path.is_none()).map(|(key, _)| *key).collect();
        if !missing.is_empty() {
            return Err(TlsError::Missing { listen, missing });
        }
    }
    let Some(identity) = identity(tls.cert.as_deref(), tls.key.as_deref(), ["tls.cert", "tls.key"])? else {
        return match tls.client_ca {
            Some(_) => Err(TlsError::Half { given: "tls.client_ca", missing: "tls.cert" }),
            None => Ok(None),
        };
    };
    let config = ServerTlsConfig::new().identity(identity).timeout(HANDSHAKE);
    Ok(Some(match &tls.client_ca {
        Some(path) => config.client_ca_root(authority("tls.client_ca", path)?),
        None => config,
    }))
}

/// A channel that connects when it is first used, and again whenever it must.
///
/// Plain `http://` goes to loopback only.
pub fn channel(endpoint: &str, tls: &ClientTls) -> Result<Channel, TlsError> {
    let refuse = |reason: String| TlsError::Endpoint { endpoint: endpoint.to_owned(), reason };
    let uri: http::Uri = endpoint.parse().map_err(|error: http::uri::InvalidUri| refuse(error.to_string()))?;
    let host = uri.host().ok_or_else(|| refuse("no host".to_owned()))?;
    let mut builder = Endpoint::from(uri.clone())
        .tcp_nodelay(true)
        .tcp_keepalive(Some(Duration::from_secs(30)))
        .connect_timeout(Duration::from_secs(5))
        // A peer that vanished without a word is noticed within half a minute, also between calls.
        .http2_keep_alive_interval(Duration::from_secs(15))
        .keep_alive_timeout(Duration::from_secs(10))
        .keep_alive_while_idle(true)
        // The default of 64 KiB stalls imports and feeds on a long line.
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(4 << 20);
    match uri.scheme_str() {
        Some("https") => {
            let ca = tls.ca.as_deref().ok_or_else(|| TlsError::NoAuthority { endpoint: endpoint.to_owned() })?;
            let mut config = ClientTlsConfig::new().ca_certificate(authority("ca", ca)?);
            if let Some(identity) = identity(tls.cert.as_deref(), tls.key.as_deref(), ["cert", "key"])? {
                config = config.identity(identity);
            }
            config = config.domain_name(tls.domain.as_deref().unwrap_or_else(|| host.trim_matches(['[', ']'])));
            builder = builder.tls_config(config).map_err(|error| refuse(chain(&error)))?;
        }
        Some("http") if is_loopback(host) => {}
        Some("http") => return Err(TlsError::Plaintext { endpoint: endpoint.to_owned() }),
        _ => return Err(refuse("neither http:// nor https://".to_owned())),
    }
    Ok(builder.connect_lazy())
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

fn chain(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

fn identity(cert: Option<&Path>, key: Option<&Path>, keys: [&'static str; 2]) -> Result<Option<Identity>, TlsError> {
    match (cert, key) {
        (Some(cert), Some(key)) => {
            let (chain, secret) = (read(keys[0], cert)?, read(keys[1], key)?);
            certificates(keys[0], cert, &chain)?;
            let found = rustls_pemfile::private_key(&mut chain_reader(&secret));
            if !matches!(found, Ok(Some(_))) {
                return Err(TlsError::Content { key: keys[1], path: key.to_owned(), expected: "private key" });
            }
            Ok(Some(Identity::from_pem(chain, secret)))
        }
        (None, None) => Ok(None),
        (Some(_), None) => Err(TlsError::Half { given: keys[0], missing: keys[1] }),
        (None, Some(_)) => Err(TlsError::Half { given: keys[1], missing: keys[0] }),
    }
}

fn authority(key: &'static str, path: &Path) -> Result<Certificate, TlsError> {
    let pem = read(key, path)?;
    certificates(key, path, &pem)?;
    Ok(Certificate::from_pem(pem))
}

fn read(key: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Read { key, path: path.to_owned(), source })
}

/// The TLS library would accept an empty list and fail at the first connection; the file is looked at here instead.
fn certificates(key: &'static str, path: &Path, pem: &[u8]) -> Result<(), TlsError> {
    let mut count = 0;
    for certificate in rustls_pemfile::certs(&mut chain_reader(pem)) {
        if certificate.is_err() {
            count = 0;
            break;
        }
        count += 1;
    }
    if count == 0 {
        return Err(TlsError::Content { key, path: path.to_owned(), expected: "certificate" });
    }
    Ok(())
}

fn chain_reader(pem: &[u8]) -> io::BufReader<&[u8]> {
    io::BufReader::new(pem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_loopback_every_file_is_needed() {
        let open = "0.0.0.0:7400".parse().unwrap();
        let error = server(&Tls::default(), open).unwrap_err().to_string();
        assert!(error.contains("tls.cert, tls.key, tls.client_ca: missing") && error.contains("127.0.0.1"), "{error}");
        assert!(server(&Tls::default(), "127.0.0.1:7400".parse().unwrap()).unwrap().is_none());
        assert!(server(&Tls::default(), "[::1]:7400".parse().unwrap()).unwrap().is_none());
        let half = Tls { cert: Some("/c".into()), ..Tls::default() };
        assert!(matches!(server(&half, "127.0.0.1:1".parse().unwrap()), Err(TlsError::Half { .. })));
    }

    #[tokio::test]
    async fn plain_http_stays_on_this_machine() {
        let none = ClientTls::default();
        for near in ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1"] {
            assert!(channel(near, &none).is_ok(), "{near}");
        }
        assert!(matches!(channel("http://10.0.0.1:1", &none), Err(TlsError::Plaintext { .. })));
        assert!(matches!(channel("http://localhost.evil:1", &none), Err(TlsError::Plaintext { .. })));
        assert!(matches!(channel("https://10.0.0.1:1", &none), Err(TlsError::NoAuthority { .. })));
        assert!(matches!(channel("10.0.0.1:1", &none), Err(TlsError::Endpoint { .. })));
    }
}
