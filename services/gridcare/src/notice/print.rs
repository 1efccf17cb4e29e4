use clap::{Args, ValueEnum};
use gridcare_chassis::{
    clock::{Clock as _, SystemClock},
    id::new_id,
};
use gridcare_proto::{convert::code, notice::v1 as wire, ticket::v1::Language};
use jiff::Timestamp;
use serde_json::json;

use super::{Shown, failed, get, service, table::table};
use crate::{
    connection::Connection,
    failure::Failure,
    output,
    status::{json::instant, reach::moment, texts::Lang},
    time,
};

/// What goes out by hand.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Output {
    /// Press release
    Press,
    /// Radio script
    Radio,
    /// Letter to the people's committees of the places concerned
    LetterToLocalities,
    /// Letter to the power stations that feed in
    LetterToGenerators,
}

impl Output {
    const fn channel(self) -> wire::NoticeChannel {
        match self {
            Self::Press => wire::NoticeChannel::Press,
            Self::Radio => wire::NoticeChannel::Radio,
            Self::LetterToLocalities => wire::NoticeChannel::LetterToLocalities,
            Self::LetterToGenerators => wire::NoticeChannel::LetterToGenerators,
        }
    }
}

/// Print a notice for newspapers, broadcasters, localities or power stations, as text or PDF.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gridcare notice print 018f… --output press --pdf > press.pdf
  gridcare notice print 018f… --output radio --lang en        how long it takes to read goes to standard error")]
pub(crate) struct Print {
    /// The notice's id
    id: String,
    /// What is printed
    #[arg(long, value_enum)]
    output: Output,
    /// A revision's number; the newest published one when absent
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    revision: i64,
    /// PDF instead of text
    #[arg(long)]
    pdf: bool,
    /// Language of the print
    #[arg(long, value_enum, default_value_t = Lang::Vi, env = "GRIDCARE_LANG")]
    lang: Lang,
    #[command(flatten)]
    connection: Connection,
}

impl Print {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let format = if self.pdf { wire::PrintFormat::Pdf } else { wire::PrintFormat::Text };
        let language = if self.lang == Lang::En { Language::En } else { Language::Vi };
        let request = wire::PrintNoticeRequest {
            id: self.id,
            revision: self.revision,
            output: self.output.channel().into(),
            language: language.into(),
            format: format.into(),
        };
        let answer = service(&self.connection)?.print_notice(request).await;
        let printed = answer.map_err(|status| failed(&self.connection, "does not print it", &status))?.into_inner();
        if printed.reading_seconds > 0 {
            output::tell(format_args!("{} s", printed.reading_seconds));
        }
        Ok(output::bytes(&printed.document)?)
    }
}

/// Note down that a print was sent, or show what was.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gridcare notice sent 018f… --output press --to TTXVN --as lan
  gridcare notice sent 018f…                                  what was sent so far")]
pub(crate) struct Sent {
    /// The notice's id
    id: String,
    /// To whom it was sent
    #[arg(long, value_name = "NAME", requires_all = ["output", "author"])]
    to: Option<String>,
    /// What was sent
    #[arg(long, value_enum)]
    output: Option<Output>,
    /// A revision's number; the newest published one when absent
    #[arg(long, value_name = "N")]
    revision: Option<i64>,
    /// When, such as 2026-12-01T15:00:00+07:00; now when absent
    #[arg(long = "sent-at", value_name = "TIME")]
    when: Option<Timestamp>,
    /// Who says so
    #[arg(long = "as", value_name = "NAME", env = "GRIDCARE_AS")]
    author: Option<String>,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    shown: Shown,
}

impl Sent {
    pub(super) async fn run(self) -> Result<(), Failure> {
        if let (Some(to), Some(output)) = (&self.to, self.output) {
            self.record(to, output).await?;
        }
        let request = wire::ListPrintsSentRequest { id: self.id.clone() };
        let answer = service(&self.connection)?.list_prints_sent(request).await;
        let sent = answer.map_err(|status| failed(&self.connection, "does not say what was sent", &status))?;
        let sent = sent.into_inner().sent;
        let channel =
            |sent: &wire::PrintSent| code::notice_channel_from_wire(sent.output).map_or("–", |code| code.code());
        let objects = || {
            let object = |sent: &wire::PrintSent| {
                json!({
                    "revision": sent.revision, "output": channel(sent), "recipient": sent.recipient,
                    "sent_at": instant(sent.sent_at.as_ref()), "author": sent.author,
                })
            };
            json!({ "sent": sent.iter().map(object).collect::<Vec<_>>() })
        };
        self.shown.print(
            |view| {
                let heads = ["revision", "output", "recipient", "sent", "author"];
                let heads = heads.map(|head| view.texts.of(&format!("notice-head-{head}"))).to_vec();
                let row = |sent: &wire::PrintSent| {
                    let at = moment(sent.sent_at.as_ref(), view);
                    let (output, revision) = (channel(sent).to_owned(), sent.revision.to_string());
                    vec![revision, output, sent.recipient.clone(), at, sent.author.clone()]
                };
                table(heads, sent.iter().map(row).collect(), &[0])
            },
            objects,
        )
    }

    async fn record(&self, to: &str, output: Output) -> Result<(), Failure> {
        let revision = if let Some(revision) = self.revision {
            revision
        } else {
            let notice = get(&self.connection, &self.id).await?;
            let published = notice.revisions.iter().rev().find(|revision| revision.published_at.is_some());
            published.map(|revision| revision.number).ok_or_else(|| Failure::said("nothing of it is published"))?
        };
        let request = wire::RecordPrintSentRequest {
            request_id: new_id().to_string(),
            id: self.id.clone(),
            revision,
            output: output.channel().into(),
            recipient: to.to_owned(),
            sent_at: Some(time::to_wire(self.when.unwrap_or_else(|| SystemClock.now()))),
            author: self.author.clone().unwrap_or_default(),
        };
        let answer = service(&self.connection)?.record_print_sent(request).await;
        answer.map(drop).map_err(|status| failed(&self.connection, "does not note it down", &status))
    }
}
