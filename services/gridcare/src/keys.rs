//! `gridcare keys`: the keys that standards are signed with, and proofs of notices.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use gridcare_domain::standard::{PublicKey, SecretKey};
use rand::{TryRngCore as _, rngs::OsRng};

use crate::{failure::Failure, output};

/// Make and show the keys that standards, and proofs of notices, are signed with.
#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    Generate(Generate),
    Show(Show),
}

/// Make an Ed25519 key to sign standards with, or for a gateway to countersign proofs of notices.
#[derive(Debug, Args)]
#[command(after_help = "\
Writes FILE, the private key (PEM of PKCS#8, readable by its owner alone), and FILE.pub, the public one that nodes are
configured to trust. Nothing is ever overwritten. Whoever has a private key for standards can sign rules for the whole country:
keep it off the servers. A gateway needs the private key of its proofs (notices.proof_key), and readers the public one; let it be
another key.

Examples:
  gridcare keys generate --out standards.key
  gridcare keys generate --out proof.key")]
pub(crate) struct Generate {
    /// Where the private key goes; the public one goes beside it with `.pub`
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Show the id of a key and its public part as one line of base64.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// A public or a private key
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Keys {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Generate(generate) => generate.run(),
            Self::Show(show) => show.run(),
        }
    }
}

impl Generate {
    fn run(self) -> Result<(), Failure> {
        let mut seed = [0; 32];
        OsRng.try_fill_bytes(&mut seed).map_err(|error| Failure::because("the system has no randomness", &error))?;
        let secret = SecretKey::from_seed(&seed);
        let public = secret.public();
        let written = |text: Result<String, _>| text.map_err(|error| Failure::because("the key", &error));
        let mut beside = self.out.clone().into_os_string();
        beside.push(".pub");
        let beside = PathBuf::from(beside);
        // The public one first: a private key without its public part would look finished.
        create(&beside, 0o644, &written(public.to_pem())?)?;
        if let Err(failure) = create(&self.out, 0o600, &written(secret.to_pem())?) {
            let _ = fs::remove_file(&beside);
            return Err(failure);
        }
        say(&public)
    }
}

impl Show {
    fn run(self) -> Result<(), Failure> {
        let failed = |error: &(dyn std::error::Error + 'static)| Failure::because(self.file.display(), error);
        let text = fs::read_to_string(&self.file).map_err(|error| failed(&error))?;
        let public = SecretKey::from_pem(&text).map(|secret| secret.public()).or_else(|_| PublicKey::parse(&text));
        say(&public.map_err(|error| failed(&error))?)
    }
}

fn say(public: &PublicKey) -> Result<(), Failure> {
    output::line(format_args!("{} {}", public.id(), public.to_base64()))?;
    Ok(())
}

/// Writes a new file that only its owner may change.
fn create(path: &Path, mode: u32, text: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::because(path.display(), &error);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn generate(out: &Path) -> Result<(), Failure> {
        Generate { out: out.to_owned() }.run()
    }

    #[test]
    fn a_key_is_made_that_only_its_owner_reads_and_its_public_part_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("standards.key");
        generate(&out).unwrap();
        assert_eq!(fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o600);
        let secret = SecretKey::from_pem(&fs::read_to_string(&out).unwrap()).unwrap();
        let public = PublicKey::parse(&fs::read_to_string(folder.path().join("standards.key.pub")).unwrap()).unwrap();
        assert_eq!(secret.public(), public);
        for file in [out, folder.path().join("standards.key.pub")] {
            Show { file }.run().unwrap();
        }
    }

    #[test]
    fn no_key_is_overwritten_and_no_half_of_a_pair_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("standards.key");
        fs::write(&out, "precious").unwrap();
        assert!(generate(&out).is_err());
        assert_eq!(fs::read_to_string(&out).unwrap(), "precious");
        assert!(!folder.path().join("standards.key.pub").exists());
    }

    #[test]
    fn two_keys_are_never_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        generate(&one).unwrap();
        generate(&other).unwrap();
        assert_ne!(fs::read(one).unwrap(), fs::read(other).unwrap());
    }
}
