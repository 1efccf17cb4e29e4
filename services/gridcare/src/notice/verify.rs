use std::{fs, path::PathBuf};

use clap::Args;
use gridcare_domain::{notice::proof, standard::PublicKey};
use jiff::Timestamp;

use crate::{failure::Failure, output};

/// Verify the proof of a notice, without asking anybody. Exits with 1 and the reason when it proves nothing.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  gridcare notice verify notice.proof --trust gateway.key.pub")]
pub(crate) struct Verify {
    /// The proof, as it was exported
    proof: PathBuf,
    /// The public key of the gateway that countersigned it, PEM or base64 in a file
    #[arg(long, value_name = "FILE")]
    trust: PathBuf,
}

impl Verify {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let Self { proof, trust } = self;
        let read = |path: &PathBuf| fs::read_to_string(path).map_err(|error| Failure::because(path.display(), &error));
        let trusted = PublicKey::parse(&read(trust)?).map_err(|error| Failure::because(trust.display(), &error))?;
        let proven =
            proof::verify(&read(proof)?, &trusted).map_err(|error| Failure::because(proof.display(), &error))?;
        output::line(format_args!(
            "notice {}: {} entries, countersigned {}",
            proven.notice,
            proven.entries.len(),
            proven.signed_at
        ))?;
        for proof::Entry { at_us, event, facts } in &proven.entries {
            let at = Timestamp::from_microsecond(*at_us).unwrap_or_default();
            let facts: Vec<_> = facts.iter().map(|(key, value)| format!("{key}={value}")).collect();
            output::line(format_args!("{at}  {event}  {}", facts.join(" ")))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use gridcare_domain::standard::SecretKey;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_proof_is_verified_offline_and_an_altered_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (key, notice) = (SecretKey::from_seed(&[5; 32]), Uuid::from_u128(7));
        let entries = [proof::Entry { at_us: 5, event: proof::Event::Published, facts: BTreeMap::new() }];
        let signed = proof::countersign(&key, &proof::head(notice, &entries), Timestamp::UNIX_EPOCH);
        let text = proof::write(notice, &entries, &signed);
        let put = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let verify = |proof, trust| Verify { proof, trust }.run();
        let trust = put("gateway.key.pub", &key.public().to_pem().unwrap());
        verify(put("good", &text), trust.clone()).unwrap();
        verify(put("bad", &text.replace("published", "submitted")), trust.clone()).unwrap_err();
        let stranger = put("other.pub", &SecretKey::from_seed(&[6; 32]).public().to_pem().unwrap());
        verify(put("good", &text), stranger).unwrap_err();
    }
}
