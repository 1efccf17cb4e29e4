//! Signatures of bundles: Ed25519 over what was signed and when, in a file beside the bundle.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use ed25519_dalek::{
    Signer as _, SigningKey, VerifyingKey,
    pkcs8::{DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _, EncodePublicKey as _, KeypairBytes},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What a signature is of. It goes before everything that is signed, so that a signature of one thing never means another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signed {
    /// A bundle of rules.
    Standard,
    /// The head of a notice's proof.
    NoticeProof,
}

impl Signed {
    const fn domain(self) -> &'static [u8] {
        match self {
            Self::Standard => b"gridcare standard signature v1\n",
            Self::NoticeProof => b"gridcare notice proof head v1\n",
        }
    }
}

/// Why a key or a signature cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Neither PEM nor base64 of a key.
    #[error("this is no Ed25519 public key; give PEM, or base64 of its 32 bytes")]
    Public,
    /// Not a private key.
    #[error("this is no Ed25519 private key; give PEM of PKCS#8, such as `gridcare keys generate` writes")]
    Secret,
    /// It could not be written.
    #[error("the key cannot be written as PEM")]
    Writing,
    /// Not a signature file.
    #[error("this is no signature of a standard: {0}")]
    Signature(String),
}

/// Whom a node trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Reads PEM, or base64 of the 32 bytes.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if text.starts_with("-----BEGIN") {
            return VerifyingKey::from_public_key_pem(text).map(Self).map_err(|_| KeyError::Public);
        }
        let bytes = BASE64.decode(text).map_err(|_| KeyError::Public)?;
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| KeyError::Public)?;
        VerifyingKey::from_bytes(&bytes).map(Self).map_err(|_| KeyError::Public)
    }

    /// The first 16 hexadecimal digits of the key's SHA-256: how signatures name it.
    #[must_use]
    pub fn id(&self) -> String {
        let digest: [u8; 32] = Sha256::digest(self.0.as_bytes()).into();
        let first = digest.iter().take(8).fold(0, |id: u64, byte| id << 8 | u64::from(*byte));
        format!("{first:016x}")
    }

    /// Base64 of the 32 bytes, on one line.
    #[must_use]
    pub fn to_base64(&self) -> String {
        BASE64.encode(self.0.as_bytes())
    }

    /// PEM.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        self.0.to_public_key_pem(ed25519_dalek::pkcs8::spki::der::pem::LineEnding::LF).map_err(|_| KeyError::Writing)
    }

    /// Whether this key signed exactly these bytes, as a standard, at the time that the signature names.
    #[must_use]
    pub fn verifies(&self, bytes: &[u8], signature: &Signature) -> bool {
        self.verifies_as(Signed::Standard, bytes, signature)
    }

    /// Whether this key signed exactly these bytes, as this, at the time that the signature names.
    #[must_use]
    pub fn verifies_as(&self, what: Signed, bytes: &[u8], signature: &Signature) -> bool {
        let Ok(raw) = BASE64.decode(&signature.signature) else { return false };
        let Ok(raw) = ed25519_dalek::Signature::from_slice(&raw) else { return false };
        self.0.verify_strict(&message(what, bytes, signature.signed_at), &raw).is_ok()
    }
}

/// Who signs.
pub struct SecretKey(SigningKey);

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey of {}", self.public().id())
    }
}

impl SecretKey {
    /// The key of 32 random bytes.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// Reads PEM of PKCS#8.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        SigningKey::from_pkcs8_pem(text.trim()).map(Self).map_err(|_| KeyError::Secret)
    }

    /// PEM of PKCS#8. Version 1, without the public key: some tools read nothing newer.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        let pair = KeypairBytes { secret_key: self.0.to_bytes(), public_key: None };
        let pem = pair.to_pkcs8_pem(ed25519_dalek::pkcs8::spki::der::pem::LineEnding::LF);
        pem.map(|pem| pem.to_string()).map_err(|_| KeyError::Writing)
    }

    /// Whom those trust who trust this key.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs exactly these bytes, as a standard.
    #[must_use]
    pub fn sign(&self, bytes: &[u8], signed_at: Timestamp) -> Signature {
        self.sign_as(Signed::Standard, bytes, signed_at)
    }

    /// Signs exactly these bytes, as this.
    #[must_use]
    pub fn sign_as(&self, what: Signed, bytes: &[u8], signed_at: Timestamp) -> Signature {
        let signature = self.0.sign(&message(what, bytes, signed_at));
        Signature { key: self.public().id(), signed_at, signature: BASE64.encode(signature.to_bytes()) }
    }
}

/// Who signed what, and when; a small YAML file beside the bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// The id of the key.
    pub key: String,
    /// When, as the signer says; it is signed too.
    pub signed_at: Timestamp,
    /// Base64 of the 64 bytes.
    pub signature: String,
}

impl Signature {
    /// Reads the file.
    pub fn parse(yaml: &str) -> Result<Self, KeyError> {
        serde_yaml_ng::from_str(yaml).map_err(|e| KeyError::Signature(e.to_string()))
    }

    /// The file.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        format!("key: \"{}\"\nsigned_at: {}\nsignature: {}\n", self.key, self.signed_at, self.signature)
    }
}

/// What is signed: a domain, the time, and the digest of the exact bytes, each of fixed length.
fn message(what: Signed, bytes: &[u8], signed_at: Timestamp) -> Vec<u8> {
    let mut message = what.domain().to_vec();
    message.extend(signed_at.as_nanosecond().to_be_bytes());
    message.extend(Sha256::digest(bytes));
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u8) -> SecretKey {
        SecretKey::from_seed(&[number; 32])
    }

    #[test]
    fn a_signature_holds_for_its_bytes_its_time_and_its_key_alone() {
        let at: Timestamp = "2026-01-02T03:04:05.000006Z".parse().unwrap();
        let signature = key(1).sign(b"standard: x", at);
        assert!(key(1).public().verifies(b"standard: x", &signature));
        assert!(!key(1).public().verifies(b"standard: x\n", &signature));
        assert!(!key(2).public().verifies(b"standard: x", &signature));
        let earlier = Signature { signed_at: Timestamp::UNIX_EPOCH, ..signature.clone() };
        assert!(!key(1).public().verifies(b"standard: x", &earlier));
        for broken in ["", "AAAA", "not base64!", &"A".repeat(88)] {
            let broken = Signature { signature: broken.to_owned(), ..signature.clone() };
            assert!(!key(1).public().verifies(b"standard: x", &broken));
        }
        assert_eq!(Signature::parse(&signature.to_yaml()).unwrap(), signature);
    }

    #[test]
    fn keys_read_back_and_strangers_do_not() {
        let secret = key(7);
        let public = secret.public();
        assert_eq!(SecretKey::from_pem(&secret.to_pem().unwrap()).unwrap().public(), public);
        assert_eq!(PublicKey::parse(&public.to_pem().unwrap()).unwrap(), public);
        assert_eq!(PublicKey::parse(&public.to_base64()).unwrap(), public);
        assert_eq!(public.id().len(), 16);
        assert!(!format!("{secret:?}").contains(&secret.to_pem().unwrap()));
        for text in ["", "-----BEGIN PUBLIC KEY-----", "AAAA", &secret.to_pem().unwrap()] {
            assert_eq!(PublicKey::parse(text).unwrap_err(), KeyError::Public);
        }
        assert_eq!(SecretKey::from_pem(&public.to_pem().unwrap()).unwrap_err(), KeyError::Secret);
    }
}
