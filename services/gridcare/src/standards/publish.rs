use std::{fs, path::PathBuf};

use clap::Args;
use gridcare_proto::standard::v1::{
    PublishStandardRequest, PublishStandardResponse, national_standard_service_client::NationalStandardServiceClient,
};
use serde_json::json;

use crate::{connection::Connection, failure::Failure, output, time};

/// Publish a signed standard at a gateway, which hands it to every member.
#[derive(Debug, Args)]
#[command(after_help = "\
The gateway refuses what its members would refuse: BAD_SIGNATURE, UNKNOWN_KEY, INVALID_BUNDLE, EFFECTIVE_IN_THE_PAST; and
VERSION_EXISTS for another content of a version. Publishing the same file again sends it once more to those who refused it.

Example:
  gridcare standards publish evn.yaml evn.yaml.sig --address http://127.0.0.1:7400")]
pub(crate) struct Publish {
    /// The standard
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Its signature; beside the standard with `.sig` when absent
    #[arg(value_name = "SIG")]
    signature: Option<PathBuf>,
    #[command(flatten)]
    connection: Connection,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Publish {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let read = |path: &PathBuf| fs::read(path).map_err(|error| Failure::because(path.display(), &error));
        let signature = self.signature.clone().unwrap_or_else(|| {
            let mut beside = self.file.clone().into_os_string();
            beside.push(".sig");
            beside.into()
        });
        let request = PublishStandardRequest {
            request_id: gridcare_chassis::id::new_id().to_string(),
            bundle: read(&self.file)?,
            signature: read(&signature)?,
        };
        let mut gateway = NationalStandardServiceClient::new(self.connection.caller()?);
        let answer = gateway.publish_standard(request).await.map_err(|status| {
            let file = self.file.display();
            Failure::answered(format!("the gateway at {} did not publish {file}", self.connection.address), &status)
        })?;
        self.tell(&answer.into_inner())
    }

    fn tell(&self, answer: &PublishStandardResponse) -> Result<(), Failure> {
        let Some(standard) = &answer.standard else {
            return Err(Failure::said("the gateway's answer says nothing of the standard; ask it for its status"));
        };
        let at = |at: Option<&prost_types::Timestamp>| at.and_then(time::from_wire).map(|at| at.to_string());
        let (published, effective) = (at(standard.published_at.as_ref()), at(standard.effective_at.as_ref()));
        if self.json {
            return Ok(output::line(json!({
                "version": standard.version, "digest": standard.digest, "key": standard.key_id,
                "published_at": published, "effective_at": effective, "members": answer.members,
            }))?);
        }
        let effective = effective.unwrap_or_default();
        let text =
            format!("{} is published for {} members, in force from {effective}", standard.version, answer.members);
        Ok(output::line(text)?)
    }
}
