use clap::Args;
use gridcare_proto::federation::v1::{
    GetNoticeProofRequest, national_notice_service_client::NationalNoticeServiceClient,
};

use super::failed;
use crate::{connection::Connection, failure::Failure, output};

/// Print the proof of a notice: who agreed, when it was told and where it arrived, countersigned by the gateway.
#[derive(Debug, Args)]
#[command(after_help = "\
The file is text, one line for each entry; each line's hash covers all lines before it. It names nobody. Of the nation's notices and
of a member's alike. The gateway signs with notices.proof_key, which `gridcare keys generate` makes; readers verify with its .pub.

Example:
  gridcare notice proof 018f… --gateway http://127.0.0.1:7400 > notice.proof
  gridcare notice verify notice.proof --trust proof.key.pub")]
pub(crate) struct Proof {
    /// The notice's id
    id: String,
    /// gRPC address of the gateway, the same as --address
    #[arg(long, value_name = "URL")]
    gateway: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

impl Proof {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let mut connection = self.connection;
        connection.address = self.gateway.unwrap_or(connection.address);
        let gateway = NationalNoticeServiceClient::new(connection.caller()?);
        let mut gateway = gateway.max_decoding_message_size(64 << 20);
        let answer = gateway.get_notice_proof(GetNoticeProofRequest { id: self.id.clone() }).await;
        let what = format!("does not prove notice {}", self.id);
        let answer = answer.map_err(|status| failed(&connection, &what, &status))?;
        Ok(output::raw(answer.into_inner().proof)?)
    }
}
