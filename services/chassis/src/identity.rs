//! Who is calling: the name in the client's certificate.

use tonic::{
    Request,
    transport::server::{TcpConnectInfo, TlsConnectInfo},
};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// The metadata key by which a caller on plain loopback may name itself.
pub const PRINCIPAL: &str = "gridcare-principal";

/// Whoever a request is attributed to: idempotency, audit and rate limits are kept by this name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Principal(pub String);

impl Principal {
    /// The product itself, for what nobody asked for by a call. No certificate and no caller can have this name.
    #[must_use]
    pub fn internal() -> Self {
        Self("\0gridcare".to_owned())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Principal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The principal of a request: the first URI of the client certificate, else its common name.
///
/// Without a certificate, a caller on loopback is who it says it is (`gridcare-principal`), or `loopback`. Anyone else
/// without a certificate is `anonymous`; [`crate::tls::server`] sees to it that there is no such listener.
pub fn principal_of<T>(request: &Request<T>) -> Principal {
    let extensions = request.extensions();
    let (certificate, peer) = match extensions.get::<TlsConnectInfo<TcpConnectInfo>>() {
        Some(tls) => (tls.peer_certs(), tls.get_ref().remote_addr()),
        None => (None, extensions.get::<TcpConnectInfo>().and_then(TcpConnectInfo::remote_addr)),
    };
    if let Some(name) = certificate.as_ref().and_then(|chain| chain.first()).and_then(|der| certified_name(der)) {
        return Principal(name);
    }
    // A certificate without a name is no name: it does not fall back to the claims of loopback.
    let local = certificate.is_none() && peer.is_some_and(|address| address.ip().to_canonical().is_loopback());
    if !local {
        return Principal("anonymous".to_owned());
    }
    let claimed = request.metadata().get(PRINCIPAL).and_then(|name| name.to_str().ok()).filter(|name| !name.is_empty());
    Principal(claimed.unwrap_or("loopback").to_owned())
}

/// The first URI SAN of a certificate, else its common name.
fn certified_name(der: &[u8]) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let uri = certificate.subject_alternative_name().ok().flatten().and_then(|names| {
        names.value.general_names.iter().find_map(|name| match name {
            GeneralName::URI(uri) => Some((*uri).to_owned()),
            _ => None,
        })
    });
    uri.or_else(|| certificate.subject().iter_common_name().next()?.as_str().ok().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(address: &str) -> Request<()> {
        let mut request = Request::new(());
        let remote_addr = Some(address.parse().unwrap());
        request.extensions_mut().insert(TcpConnectInfo { local_addr: None, remote_addr });
        request
    }

    #[test]
    fn only_loopback_may_name_itself() {
        assert_eq!(principal_of(&from("127.0.0.1:5")).as_str(), "loopback");
        let mut named = from("[::ffff:127.0.0.1]:5");
        named.metadata_mut().insert(PRINCIPAL, "desk".parse().unwrap());
        assert_eq!(principal_of(&named).as_str(), "desk");
        let mut foreign = from("192.0.2.7:5");
        foreign.metadata_mut().insert(PRINCIPAL, "desk".parse().unwrap());
        assert_eq!(principal_of(&foreign).as_str(), "anonymous");
        assert_eq!(principal_of(&Request::new(())).as_str(), "anonymous");
    }

    #[test]
    fn a_uri_goes_before_a_common_name() {
        let name = |sans: Vec<rcgen::SanType>| {
            let mut params = rcgen::CertificateParams::default();
            params.distinguished_name.push(rcgen::DnType::CommonName, "courier 7");
            params.subject_alt_names = sans;
            let key = rcgen::KeyPair::generate().unwrap();
            certified_name(params.self_signed(&key).unwrap().der())
        };
        let spiffe = "spiffe://hanoi.example/courier";
        assert_eq!(name(vec![rcgen::SanType::URI(spiffe.try_into().unwrap())]).as_deref(), Some(spiffe));
        assert_eq!(name(vec![]).as_deref(), Some("courier 7"));
        assert_eq!(certified_name(b"not a certificate"), None);
    }
}
