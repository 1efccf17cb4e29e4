use clap::Args;
use gridcare_chassis::id::new_id;
use gridcare_proto::notice::v1 as wire;

use super::{Shown, failed, object, service, show};
use crate::{connection::Connection, failure::Failure};

/// What somebody does to the newest revision of a notice.
#[derive(Debug, Args)]
pub(crate) struct Act {
    /// The notice's id
    pub(super) id: String,
    /// Who does it
    #[arg(long = "as", value_name = "NAME", env = "GRIDCARE_AS")]
    pub(super) author: String,
    /// The etag that was read; refused when somebody has changed the notice since
    #[arg(long, value_name = "ETAG", default_value = "")]
    pub(super) etag: String,
    #[command(flatten)]
    pub(super) connection: Connection,
    #[command(flatten)]
    pub(super) shown: Shown,
}

/// Ask a second person to agree to the newest revision.
#[derive(Debug, Args)]
pub(crate) struct Submit {
    #[command(flatten)]
    pub(super) act: Act,
}

/// Agree to the newest revision, as a second person: its author is refused.
#[derive(Debug, Args)]
pub(crate) struct Approve {
    #[command(flatten)]
    pub(super) act: Act,
}

/// Send the newest revision back to its author, who may write it anew.
#[derive(Debug, Args)]
pub(crate) struct Reject {
    #[command(flatten)]
    pub(super) act: Act,
}

/// Give up the newest revision before it is published. What is published is taken back by a revision of kind cancel.
#[derive(Debug, Args)]
pub(crate) struct Withdraw {
    #[command(flatten)]
    pub(super) act: Act,
}

/// Look, as a second person, at what went out in an emergency with one person's word.
#[derive(Debug, Args)]
pub(crate) struct Review {
    #[command(flatten)]
    pub(super) act: Act,
}

impl Act {
    pub(super) async fn run(self, act: wire::RevisionAct) -> Result<(), Failure> {
        let request = wire::MoveRevisionRequest {
            request_id: new_id().to_string(),
            id: self.id.clone(),
            etag: self.etag.clone(),
            act: act.into(),
            author: self.author.clone(),
        };
        let answer = service(&self.connection)?.move_revision(request).await.map_err(|status| {
            let what = act.as_str_name().trim_start_matches("REVISION_ACT_").to_lowercase();
            failed(&self.connection, &format!("does not {what} notice {}", self.id), &status)
        })?;
        let notice = answer.into_inner().notice.unwrap_or_default();
        self.shown.print(|view| show::head(&notice, view), || object::notice(&notice))
    }
}
