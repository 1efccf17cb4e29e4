//! Outside loopback nobody is served without a certificate; here on loopback, with the same files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::world::{World, call};
use gridcare_chassis::{
    config::Tls,
    serve::Limits,
    tls::{self, ClientTls},
};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType};

/// An authority, and the files it has made.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    folder: PathBuf,
    ca: PathBuf,
}

impl Authority {
    fn new(folder: &Path, name: &str) -> Self {
        let folder = folder.join(name);
        fs::create_dir(&folder).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = folder.join("ca.pem");
        fs::write(&ca, params.self_signed(&key).unwrap().pem()).unwrap();
        Self { issuer: Issuer::new(params, key), folder, ca }
    }

    /// Certificate and key for these names.
    fn issue(&self, name: &str, sans: Vec<SanType>) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.subject_alt_names = sans;
        let (cert_path, key_path) = (self.folder.join(format!("{name}.pem")), self.folder.join(format!("{name}.key")));
        fs::write(&cert_path, params.signed_by(&key, &self.issuer).unwrap().pem()).unwrap();
        fs::write(&key_path, key.serialize_pem()).unwrap();
        (cert_path, key_path)
    }
}

#[tokio::test]
async fn only_a_client_of_the_authority_is_served_under_its_certified_name() {
    let folder = tempfile::tempdir().unwrap();
    let ours = Authority::new(folder.path(), "ours");
    let theirs = Authority::new(folder.path(), "theirs");
    let (cert, key) = ours.issue("server", vec![SanType::DnsName("node.hanoi.example".try_into().unwrap())]);
    let files = Tls { cert: Some(cert), key: Some(key), client_ca: Some(ours.ca.clone()) };
    // The same files satisfy a listener that is open to the world.
    let config = tls::server(&files, "0.0.0.0:7400".parse().unwrap()).unwrap();
    let world = World::start(Limits::default(), config).await;
    let endpoint = format!("https://{}", world.address);

    let uri = "spiffe://hanoi.example/gateway";
    let who = vec![SanType::URI(uri.try_into().unwrap())];
    let (cert, key) = ours.issue("client", who.clone());
    let domain = Some("node.hanoi.example".to_owned());
    let good = ClientTls { ca: Some(ours.ca.clone()), cert: Some(cert), key: Some(key), domain };
    assert_eq!(call(tls::channel(&endpoint, &good).unwrap(), "Who", b"").await.unwrap(), uri);

    // No certificate; one of another authority; a server of another authority; a server of another name.
    let none = ClientTls { cert: None, key: None, ..good.clone() };
    let (cert, key) = theirs.issue("client", who);
    let foreign = ClientTls { cert: Some(cert), key: Some(key), ..good.clone() };
    let wary = ClientTls { ca: Some(theirs.ca.clone()), ..good.clone() };
    let elsewhere = ClientTls { domain: Some("node.saigon.example".to_owned()), ..good.clone() };
    for (case, refused) in [("none", none), ("foreign", foreign), ("wary", wary), ("elsewhere", elsewhere)] {
        let answer = call(tls::channel(&endpoint, &refused).unwrap(), "Who", b"").await;
        assert!(answer.is_err(), "{case}: {answer:?}");
    }
    // Plain text gets nowhere either.
    assert!(call(world.channel(), "Who", b"").await.is_err());
    assert_eq!(call(tls::channel(&endpoint, &good).unwrap(), "Who", b"").await.unwrap(), uri);
}

#[test]
fn wrong_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let ours = Authority::new(folder.path(), "ours");
    let (cert, key) = ours.issue("server", vec![]);
    let at = "127.0.0.1:1".parse().unwrap();
    let swapped = Tls { cert: Some(key.clone()), key: Some(cert.clone()), client_ca: None };
    let error = tls::server(&swapped, at).unwrap_err().to_string();
    assert!(error.starts_with("tls.cert: ") && error.contains("certificate"), "{error}");
    let absent = Tls { cert: Some(cert), key: Some("/no/such/key".into()), client_ca: None };
    let error = tls::server(&absent, at).unwrap_err().to_string();
    assert!(error.starts_with("tls.key: cannot read /no/such/key"), "{error}");
}
