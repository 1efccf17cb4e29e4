use std::{
    fs,
    path::{Path, PathBuf},
};

use gridcare_chassis::tls::ClientTls;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType};

/// An authority, and the files that it has made.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    folder: PathBuf,
    /// Its own certificate, PEM.
    pub ca: PathBuf,
}

/// A certificate and its key, PEM files.
pub struct Certified {
    /// The certificate.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl Authority {
    /// A new one with a folder of its own in `parent`.
    ///
    /// # Panics
    /// When the folder is there already.
    #[must_use]
    pub fn new(parent: &Path, name: &str) -> Self {
        let folder = parent.join(name);
        fs::create_dir(&folder).expect("a new folder");
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = folder.join("ca.pem");
        fs::write(&ca, params.self_signed(&key).expect("a certificate").pem()).expect("a file");
        Self { issuer: Issuer::new(params, key), folder, ca }
    }

    fn issue(&self, name: &str, san: SanType) -> Certified {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![san];
        let files =
            Certified { cert: self.folder.join(format!("{name}.pem")), key: self.folder.join(format!("{name}.key")) };
        fs::write(&files.cert, params.signed_by(&key, &self.issuer).expect("a certificate").pem()).expect("a file");
        fs::write(&files.key, key.serialize_pem()).expect("a file");
        files
    }

    /// Files of a server on 127.0.0.1.
    ///
    /// # Panics
    /// Never: it is an address.
    #[must_use]
    pub fn server(&self, name: &str) -> Certified {
        self.issue(name, SanType::IpAddress("127.0.0.1".parse().expect("an address")))
    }

    /// Files of a client who is `uri`.
    ///
    /// # Panics
    /// When the URI is not ASCII.
    #[must_use]
    pub fn client(&self, name: &str, uri: &str) -> Certified {
        self.issue(name, SanType::URI(uri.try_into().expect("a URI")))
    }

    /// Flags of a process that serves with `own` and lets in clients of this authority.
    #[must_use]
    pub fn server_flags(&self, own: &Certified) -> Vec<String> {
        flags(&[("--tls-cert", &own.cert), ("--tls-key", &own.key), ("--tls-client-ca", &self.ca)])
    }

    /// Flags of a gateway that shows `own` to nodes of this authority.
    #[must_use]
    pub fn follower_flags(&self, own: &Certified) -> Vec<String> {
        flags(&[("--client-tls-cert", &own.cert), ("--client-tls-key", &own.key), ("--client-tls-ca", &self.ca)])
    }

    /// Flags of a command that shows `own` to servers of this authority.
    #[must_use]
    pub fn command_flags(&self, own: &Certified) -> Vec<String> {
        flags(&[("--cert", &own.cert), ("--key", &own.key), ("--ca", &self.ca)])
    }

    /// What a client needs that trusts servers of this authority and shows `own`, or nothing.
    #[must_use]
    pub fn client_files(&self, own: Option<&Certified>) -> ClientTls {
        ClientTls {
            ca: Some(self.ca.clone()),
            cert: own.map(|own| own.cert.clone()),
            key: own.map(|own| own.key.clone()),
            domain: None,
        }
    }
}

fn flags(pairs: &[(&str, &Path)]) -> Vec<String> {
    pairs.iter().flat_map(|(flag, path)| [(*flag).to_owned(), path.display().to_string()]).collect()
}
