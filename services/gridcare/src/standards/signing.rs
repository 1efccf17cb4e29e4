use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use gridcare_chassis::clock::{Clock as _, SystemClock};
use gridcare_domain::{
    refusal::Refusal,
    standard::{Offer, PublicKey, SecretKey, Signature, Standard, Terms, accept, read_overlay},
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{bundle_of, lines, text};
use crate::{failure::Failure, output};

/// Sign a standard, so that nodes that trust the key accept it.
#[derive(Debug, Args)]
#[command(after_help = "\
The signature is a small YAML file beside the standard: the id of the key, when it was signed, and the signature over both
that time and the exact bytes of the file. A standard with errors is not signed. One whose `effective_at` has come is signed
with a warning: nodes refuse it, since what was in force must not be decided afterwards.

Example:
  gridcare standards sign evn.yaml --key standards.key      writes evn.yaml.sig")]
pub(crate) struct Sign {
    /// The standard
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The private key, PEM of PKCS#8 as `gridcare keys generate` writes
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Where the signature goes; beside the standard with `.sig` when absent
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Tell whether a node that trusts these keys would accept a standard. Exits with 1 and the reasons when not.
#[derive(Debug, Args)]
#[command(after_help = "\
Reasons: UNKNOWN_KEY, BAD_SIGNATURE, INVALID_BUNDLE, EFFECTIVE_IN_THE_PAST, WIDER_EXPORT, LAXER_OVERLAY, OVERLAY_CHANGES_CLOCK.

Example:
  gridcare standards verify evn.yaml --trust standards.key.pub --overlay hcmc-fast.yaml")]
pub(crate) struct Verify {
    /// The standard
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// A public key that is trusted, PEM or base64 in a file; may be repeated
    #[arg(long, value_name = "FILE", required = true)]
    trust: Vec<PathBuf>,
    /// The signature; beside the standard with `.sig` when absent
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    /// What a region promises beyond the standard
    #[arg(long, value_name = "FILE")]
    overlay: Option<PathBuf>,
    /// A field that may leave the region; may be repeated. All that the product federates when absent
    #[arg(long, value_name = "FIELD")]
    export: Vec<String>,
    /// When it is published; as soon as it was signed when absent
    #[arg(long, value_name = "INSTANT")]
    published_at: Option<Timestamp>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Sign {
    pub(super) fn run(self) -> Result<(), Failure> {
        let secret = secret(&self.key)?;
        // Read once: what is signed is what was checked.
        let yaml = text(&self.file)?;
        let bundle = bundle_of(&self.file, &yaml)?;
        let now = SystemClock.now();
        if bundle.effective_at <= now {
            output::tell(format_args!(
                "gridcare: warning: {} has come already; nodes refuse a standard that is signed after its effective_at",
                bundle.effective_at
            ));
        }
        let out = match self.out {
            Some(out) => out,
            None if self.file == Path::new("-") => {
                return Err(Failure::said("--out: say where the signature of standard input goes"));
            }
            None => beside(&self.file),
        };
        let signature = secret.sign(yaml.as_bytes(), now);
        fs::write(&out, signature.to_yaml()).map_err(|error| Failure::because(out.display(), &error))?;
        output::line(format_args!("{} signed by {}: {}", bundle.version_id(), signature.key, out.display()))?;
        Ok(())
    }
}

impl Verify {
    pub(super) fn run(self) -> Result<(), Failure> {
        let yaml = text(&self.file)?;
        let path = self.signature.unwrap_or_else(|| beside(&self.file));
        let signature = Signature::parse(&text(&path)?).map_err(|error| Failure::because(path.display(), &error))?;
        let trusted = self.trust.iter().map(|path| public(path)).collect::<Result<Vec<_>, _>>()?;
        let overlay = match &self.overlay {
            None => None,
            Some(path) => Some(read_overlay(&text(path)?).map_err(|found| Failure::said(lines(path, &found)))?),
        };
        let terms = Terms {
            trusted: &trusted,
            export_limit: (!self.export.is_empty()).then_some(self.export.as_slice()),
            overlay: overlay.as_ref(),
        };
        let published_us = self.published_at.unwrap_or(signature.signed_at).as_microsecond();
        let answer = accept(&Offer { yaml: &yaml, signature: &signature, published_us }, &terms);
        if self.json {
            output::line(as_json(&answer, &signature))?;
        }
        match answer {
            Ok(_) if self.json => Ok(()),
            Err(_) if self.json => Err(Failure::No),
            Ok(standard) => {
                let (version, from) = (standard.version(), standard.bundle().effective_at);
                let Signature { key, signed_at, .. } = &signature;
                output::line(format_args!("{version} signed by {key} at {signed_at}, in force from {from}"))?;
                Ok(())
            }
            Err(refusals) => Err(Failure::said(as_text(&self.file, &refusals))),
        }
    }
}

fn as_text(file: &Path, refusals: &[Refusal]) -> String {
    let mut lines = Vec::new();
    for refusal in refusals {
        lines.push(format!("{}: {}: {}", file.display(), refusal.reason, refusal.message));
        lines.extend(
            refusal.violations.iter().map(|violation| format!("  {}: {}", violation.reason, violation.description)),
        );
    }
    lines.join("\n")
}

fn as_json(answer: &Result<Standard, Vec<Refusal>>, signature: &Signature) -> Value {
    match answer {
        Ok(standard) => json!({
            "accepted": true, "version": standard.version(), "key": signature.key,
            "signed_at": signature.signed_at, "effective_at": standard.bundle().effective_at,
        }),
        Err(refusals) => {
            let violation = |it: &gridcare_domain::refusal::Violation| json!({ "path": it.field, "code": it.reason, "message": it.description });
            let refusal = |refusal: &Refusal| {
                let findings: Vec<_> = refusal.violations.iter().map(violation).collect();
                json!({ "reason": refusal.reason, "message": refusal.message, "findings": findings })
            };
            let refusals: Vec<_> = refusals.iter().map(refusal).collect();
            json!({ "accepted": false, "key": signature.key, "signed_at": signature.signed_at, "refusals": refusals })
        }
    }
}

/// The file of a standard's signature.
fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".sig");
    name.into()
}

fn secret(path: &Path) -> Result<SecretKey, Failure> {
    SecretKey::from_pem(&text(path)?).map_err(|error| Failure::because(path.display(), &error))
}

fn public(path: &Path) -> Result<PublicKey, Failure> {
    PublicKey::parse(&text(path)?).map_err(|error| Failure::because(path.display(), &error))
}
