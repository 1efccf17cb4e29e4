//! `gridcare notice`: what is told to the public, by whom it was agreed to, how far it has come, and the proof of it.

mod act;
mod content;
mod list;
mod object;
mod plan;
mod print;
mod progress;
mod proof;
mod publish;
mod show;
mod table;
#[cfg(test)]
mod tests;
mod verify;
mod write;

use clap::{Args, Subcommand};
use gridcare_chassis::{
    client::Caller,
    clock::{Clock as _, SystemClock},
};
use gridcare_proto::notice::v1::{self as wire, notice_service_client::NoticeServiceClient};
use jiff::tz::TimeZone;

use crate::{
    connection::Connection,
    failure::Failure,
    output,
    status::{
        table::View,
        texts::{Lang, Texts},
    },
    time,
};

/// Write notices, agree to them, publish them, follow them, and prove what was told.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
A notice is told in revisions. Each is written, submitted, approved by a second person, and published; after that it is never
changed, and a further revision says what is new. An emergency goes out with one person's word and is reviewed afterwards.
At a gateway notices are national; at a node they are its corporation's.

From a fault to the proof, at a gateway:
  gridcare notice write --incident 500kV-2013-05-22 --file notice.yaml --as lan    prints the notice's id
  gridcare notice plan ID                     parts, waves, and whom 30 minutes reach
  gridcare notice submit ID --as lan
  gridcare notice approve ID --as minh
  gridcare notice publish ID --as lan         shows the plan, and asks
  gridcare notice progress ID                 which members have it, and how many people
  gridcare notice print ID --output press --pdf > press.pdf
  gridcare notice proof ID > notice.proof
  gridcare notice verify notice.proof --trust gateway.key.pub")]
pub(crate) enum Notice {
    Write(write::Write),
    Plan(plan::Plan),
    Submit(act::Submit),
    Approve(act::Approve),
    Reject(act::Reject),
    Publish(publish::Publish),
    Withdraw(act::Withdraw),
    Review(act::Review),
    Show(show::Show),
    List(list::List),
    Progress(progress::Progress),
    Print(print::Print),
    Sent(print::Sent),
    Proof(proof::Proof),
    Verify(verify::Verify),
}

impl Notice {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Write(write) => write.run().await,
            Self::Plan(plan) => plan.run().await,
            Self::Submit(act::Submit { act }) => act.run(wire::RevisionAct::Submit).await,
            Self::Approve(act::Approve { act }) => act.run(wire::RevisionAct::Approve).await,
            Self::Reject(act::Reject { act }) => act.run(wire::RevisionAct::Reject).await,
            Self::Publish(publish) => publish.run().await,
            Self::Withdraw(act::Withdraw { act }) => act.run(wire::RevisionAct::Withdraw).await,
            Self::Review(act::Review { act }) => act.run(wire::RevisionAct::Review).await,
            Self::Show(show) => show.run().await,
            Self::List(list) => list.run().await,
            Self::Progress(progress) => progress.run().await,
            Self::Print(print) => print.run().await,
            Self::Sent(sent) => sent.run().await,
            Self::Proof(proof) => proof.run().await,
            Self::Verify(verify) => verify.run(),
        }
    }
}

/// How an answer is shown.
#[derive(Debug, Clone, Args)]
pub(crate) struct Shown {
    /// IANA zone of the times
    #[arg(long, value_name = "ZONE", default_value = "Asia/Ho_Chi_Minh")]
    time_zone: String,
    /// Language of what is shown around the notice, which is in both
    #[arg(long, value_enum, default_value_t = Lang::En, env = "GRIDCARE_LANG")]
    lang: Lang,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Shown {
    /// Prints an answer as a text, or as an object.
    fn print(
        &self,
        text: impl FnOnce(&View<'_>) -> String,
        object: impl FnOnce() -> serde_json::Value,
    ) -> Result<(), Failure> {
        if self.json {
            return Ok(output::line(object())?);
        }
        let (zone, texts): (TimeZone, _) = (time::zone(&self.time_zone)?, Texts::new(self.lang));
        let view = View { texts: &texts, zone: &zone, now: SystemClock.now(), width: output::width() };
        Ok(output::raw(text(&view))?)
    }
}

/// Calls of the service, at a node or a gateway.
fn service(connection: &Connection) -> Result<NoticeServiceClient<Caller>, Failure> {
    Ok(NoticeServiceClient::new(connection.caller()?).max_decoding_message_size(64 << 20))
}

/// What did not work, at whom.
fn failed(connection: &Connection, what: &str, status: &tonic::Status) -> Failure {
    Failure::answered(format!("{} {what}", connection.address), status)
}

/// A notice by its id.
async fn get(connection: &Connection, id: &str) -> Result<wire::Notice, Failure> {
    let answer = service(connection)?.get_notice(wire::GetNoticeRequest { id: id.to_owned() }).await;
    let answer = answer.map_err(|status| failed(connection, &format!("does not show notice {id}"), &status))?;
    answer.into_inner().notice.ok_or_else(|| Failure::said("the answer has no notice; is it a node or a gateway?"))
}

/// The newest revision of a notice, of which there always is one.
fn newest(notice: &wire::Notice) -> Result<&wire::NoticeRevision, Failure> {
    notice.revisions.last().ok_or_else(|| Failure::said(format!("notice {} has no revision", notice.id)))
}
