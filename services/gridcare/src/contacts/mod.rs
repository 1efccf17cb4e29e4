//! `gridcare contacts`: bringing in what call centres, message gateways and sites have recorded.

mod batcher;
mod checkpoint;
mod files;
mod queue_log;
mod report;
mod table;
pub(crate) mod upload;

use std::{fs, ops::ControlFlow, path::PathBuf, sync::Arc, time::Duration};

use clap::{Args, Subcommand, ValueEnum};
use gridcare_proto::contact::v1::{GetImportCheckpointRequest, contact_service_client::ContactServiceClient};
use tokio::sync::mpsc;

use self::{
    batcher::{Batcher, Stop},
    checkpoint::Checkpoint,
    files::Files,
    queue_log::Manner,
    report::Report,
    table::Rows,
    upload::Upload,
};
use crate::{connection::Connection, failure, failure::Failure, output};

/// Bring in and look at contacts of a node.
#[derive(Debug, Subcommand)]
pub(crate) enum Contacts {
    Import(Import),
}

/// Import contacts from files, the oldest first. Importing again, or importing a file that has grown or was rotated,
/// doubles nothing.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gridcare contacts import --format queue_log queue_log.1 queue_log
  gridcare contacts import --format csv --mapping sms.yaml --source smsc messages-2013-05.csv

A bad line is reported on standard error as FILE:LINE: REASON and does not stop the rest. The mapping of a table is a YAML
file with `columns:` (field: heading), and optionally `constants:`, `values:`, `delimiter:`, `time_zone:`, `time_format:`
and `duration_format:`.")]
pub(crate) struct Import {
    #[command(flatten)]
    connection: Connection,
    /// What the files are
    #[arg(long, value_enum)]
    format: Format,
    /// YAML file that says which column of a table is which field; needed with --format csv
    #[arg(long, value_name = "FILE", required_if_eq("format", "csv"))]
    mapping: Option<PathBuf>,
    /// Name of the system the contacts come from. With their keys there it decides what is known already
    #[arg(long, value_name = "NAME", value_parser = source)]
    source: Option<String>,
    /// Stop at the first bad line or rejected contact, with a non-zero exit; what was accepted before stays
    #[arg(long)]
    strict: bool,
    /// The files will not grow: take a last line without a line end too. Without it, such a line of a `queue_log` is left
    /// for the next import; tables are always taken whole
    #[arg(long)]
    complete: bool,
    /// Seconds to go on trying while the node cannot be reached
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    patience: u64,
    /// Print the summary as one JSON object
    #[arg(long)]
    json: bool,
    /// The files, rotated ones first
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Asterisk's log of its call queues
    #[value(name = "queue_log", alias = "queue-log")]
    QueueLog,
    /// A table with a heading; needs --mapping
    Csv,
}

/// Batches under way without an answer. With --strict one, so that nothing follows a contact that was rejected.
const WINDOW: usize = 4;

impl Contacts {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Import(import) => import.run().await,
        }
    }
}

impl Import {
    async fn run(self) -> Result<(), Failure> {
        let source = self.source.clone().unwrap_or_else(|| match self.format {
            Format::QueueLog => "queue_log".to_owned(),
            Format::Csv => "csv".to_owned(),
        });
        let rows = self.mapping.as_ref().map(mapping).transpose()?;
        let caller = self.connection.caller()?;
        let request = GetImportCheckpointRequest { source: source.clone() };
        let kept = ContactServiceClient::new(caller.clone()).get_import_checkpoint(request).await;
        let kept = kept.map_err(|status| {
            Failure::answered(
                format!("the node at {} cannot be asked; is --address right?", self.connection.address),
                &status,
            )
        })?;
        let checkpoint = Checkpoint::parse(&kept.into_inner().checkpoint);
        let files = Files::open(&self.files, checkpoint).map_err(Failure::said)?;
        let names = self.files.iter().map(|path| path.display().to_string()).collect();
        let report = Arc::new(Report::new(&source, names, files.bytes()));
        report.totals().resumed = files.resumed();

        let upload = Upload {
            caller,
            source,
            window: if self.strict { 1 } else { WINDOW },
            patience: Duration::from_secs(self.patience),
        };
        let (out, made) = mpsc::channel(2);
        let reading = {
            let (report, strict) = (report.clone(), self.strict);
            let (format, manner) = (self.format, Manner { strict, complete: self.complete });
            let batcher = Batcher::new(out, strict);
            tokio::task::spawn_blocking(move || match (format, rows) {
                (Format::Csv, Some(rows)) => table::read(files, &rows, strict, batcher, &report),
                _ => queue_log::read(files, manner, batcher, &report),
            })
        };
        let acked = |batch: &upload::Batch<report::Mark>, answer| {
            report.acked(&batch.mark, &answer);
            if self.strict && !answer.rejections.is_empty() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let lost = |status: &tonic::Status| {
            report.say(&format!("the connection broke and is tried again: {}", failure::told(status)));
        };
        let sent = upload.run(made, acked, lost).await;
        let read = reading.await.map_err(|error| Failure::because("reading the files failed", &error))?;
        self.end(&report, sent, read)
    }

    /// The summary, and whether all went well.
    fn end(&self, report: &Report, sent: Result<(), tonic::Status>, read: Result<(), Stop>) -> Result<(), Failure> {
        let whole = sent.is_ok() && read.is_ok();
        report.totals().stopped = !whole;
        let totals = report.finish();
        if totals.incomplete_last_line {
            report.say("the last line has no line end and is left for the next import; --complete takes it now");
        }
        if self.json {
            output::line(serde_json::to_string(&totals).map_err(Failure::said)?)?;
        } else {
            output::line(totals.text())?;
        }
        sent.map_err(|status| {
            Failure::answered("the import ended early; run it again to go on where it stopped", &status)
        })?;
        match read {
            Ok(()) if self.strict && totals.rejected > 0 => Err(Failure::No),
            Ok(()) => Ok(()),
            Err(Stop::Failed(text)) => Err(Failure::said(text)),
            Err(Stop::Strict | Stop::Sender) => Err(Failure::No),
        }
    }
}

fn mapping(path: &PathBuf) -> Result<Rows, Failure> {
    let told = |problem: String| Failure::said(format!("--mapping {}: {problem}", path.display()));
    let yaml = fs::read_to_string(path).map_err(|error| told(error.to_string()))?;
    Rows::parse(&yaml).map_err(told)
}

/// The node would refuse it too, but only after the files were read.
fn source(name: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._/-".contains(c);
    if name.is_empty() || name.len() > 64 || !name.chars().all(plain) || name == "api" {
        return Err("give 1 to 64 of a-z, 0-9, dot, underscore, slash or hyphen; api is taken".to_owned());
    }
    Ok(name.to_owned())
}
