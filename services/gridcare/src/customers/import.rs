use std::{
    fmt::Write as _,
    fs::File,
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use clap::Args;
use gridcare_domain::customer::COLUMNS;
use gridcare_proto::{
    convert::customer as convert,
    customer::v1::{
        GetImportCheckpointRequest, ImportCustomersResponse, customer_service_client::CustomerServiceClient,
    },
};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use super::{
    reader::{Group, Line, Reader},
    rejects::{Reject, Rejects},
    upload::{Batch, Upload},
};
use crate::{
    connection::Connection,
    failure::{self, Failure},
    output,
};

/// Customers in one batch.
const SIZE: usize = 2_000;

/// Import customers and their premises from a table (CSV) with a heading. Importing again changes nothing that is the same, and
/// an import that was broken off goes on where it stopped.
#[derive(Debug, Args)]
#[command(after_help = columns())]
pub(crate) struct Import {
    #[command(flatten)]
    connection: Connection,
    /// Name of the system the customers come from
    #[arg(long, value_name = "NAME", default_value = "csv")]
    source: String,
    /// File for rows that are not taken, with line and reason; mend it and import it
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// IANA zone in which dates of consent begin
    #[arg(long, value_name = "ZONE", default_value = "Asia/Ho_Chi_Minh")]
    time_zone: String,
    /// Read the whole file again, whatever an earlier import has read of it
    #[arg(long)]
    again: bool,
    /// Seconds to go on trying while the node cannot be reached
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    patience: u64,
    /// Print the summary as one JSON object
    #[arg(long)]
    json: bool,
    /// The table
    file: PathBuf,
}

fn columns() -> String {
    let mut text = "Columns, in any order, in English or Vietnamese, with or without diacritics:\n".to_owned();
    for column in COLUMNS {
        let required = if column.required { " (required)" } else { "" };
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {:<19} {}: {}{required}", column.name, column.name_vi, column.help);
    }
    text.push_str(
        "\nA customer with several premises has a row for each; they stand together, and further ones may leave empty what the first \
         says. Comma, semicolon, tab or bar is the delimiter, whichever the heading has most of; UTF-8, with or without a byte order \
         mark.\nA customer of whom any row is bad is not taken: the rows are told on standard error as FILE:LINE: REASON, the rest \
         goes on, and the exit code is 1.",
    );
    text
}

/// The sums of an import.
#[derive(Debug, Clone, Default, Serialize)]
struct Totals {
    source: String,
    resumed: bool,
    /// Customers that were not known.
    created: u64,
    updated: u64,
    unchanged: u64,
    /// Customers that were not taken.
    rejected: u64,
    /// Their rows.
    rejected_rows: u64,
    stopped: bool,
}

/// Gathers from the reader and from the sender, who run at once.
struct Report {
    name: String,
    bar: ProgressBar,
    totals: Mutex<Totals>,
    rejects: Mutex<Option<Rejects>>,
}

/// What a batch was made of: the rows of each customer, and how far the file was read.
struct Mark {
    rows: Vec<Vec<Line>>,
    bytes: u64,
}

enum Stop {
    Failed(String),
    Sender,
}

/// Why sending ended early.
enum Ended {
    Refused(Box<tonic::Status>),
    Failed(String),
}

impl From<tonic::Status> for Ended {
    fn from(status: tonic::Status) -> Self {
        Self::Refused(Box::new(status))
    }
}

/// Where an import was broken off: a byte of exactly this file. One that was carried through leaves none, because the next file of
/// the same name may differ anywhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    #[serde(default)]
    sha256: String,
    #[serde(default)]
    byte: u64,
}

impl Place {
    fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The hash of a whole file, and its length.
fn hash(file: &mut File) -> io::Result<(String, u64)> {
    let mut hash = Sha256::new();
    let length = io::copy(file, &mut hash)?;
    Ok((format!("{:x}", hash.finalize()), length))
}

impl Report {
    fn totals(&self) -> MutexGuard<'_, Totals> {
        self.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One customer is not taken; `reasons` says why, each with the place of its row.
    fn reject(&self, lines: &[Line], reasons: &[(usize, String)]) -> Result<(), String> {
        {
            let mut totals = self.totals();
            totals.rejected += 1;
            totals.rejected_rows += lines.len() as u64;
        }
        for (at, reason) in reasons {
            let line = lines.get(*at).or(lines.first()).map_or(0, |line| line.number);
            self.bar.suspend(|| output::tell(format_args!("{}:{line}: {reason}", self.name)));
        }
        let mut rejects = self.rejects.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(rejects) = rejects.as_mut() else { return Ok(()) };
        for (at, line) in lines.iter().enumerate() {
            let own: Vec<&str> = reasons.iter().filter(|(row, _)| *row == at).map(|(_, why)| why.as_str()).collect();
            let reason = if own.is_empty() { "another row of this customer".to_owned() } else { own.join("; ") };
            rejects.write(&Reject { line: line.number, cells: &line.cells, reason: &reason })?;
        }
        Ok(())
    }

    fn answered(&self, mark: &Mark, answer: &ImportCustomersResponse) -> Result<(), String> {
        for rejection in &answer.rejections {
            let reasons = rejection.violations.iter().map(|v| (0, format!("{}: {}", v.field, v.description)));
            let rows = mark.rows.get(rejection.index as usize).map(Vec::as_slice).unwrap_or_default();
            self.reject(rows, &reasons.collect::<Vec<_>>())?;
        }
        let message = {
            let mut totals = self.totals();
            totals.created += u64::from(answer.created);
            totals.updated += u64::from(answer.updated);
            totals.unchanged += u64::from(answer.unchanged);
            format!("{} new, {} changed, {} the same", totals.created, totals.updated, totals.unchanged)
        };
        self.bar.set_position(mark.bytes);
        self.bar.set_message(message);
        Ok(())
    }
}

impl Import {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let zone = TimeZone::get(&self.time_zone).map_err(|error| Failure::because("--time-zone", &error))?;
        let caller = self.connection.caller()?;
        let asked = GetImportCheckpointRequest { source: self.source.clone() };
        let kept = CustomerServiceClient::new(caller.clone()).get_import_checkpoint(asked).await;
        let kept = kept.map_err(|status| {
            let attempt = format!("the node at {} cannot be asked; is --address right?", self.connection.address);
            Failure::answered(attempt, &status)
        })?;
        let name = self.file.display().to_string();
        let unreadable = |error: io::Error| Failure::because(format!("{name} cannot be read"), &error);
        let mut file = File::open(&self.file).map_err(unreadable)?;
        let (sha256, length) = hash(&mut file).map_err(unreadable)?;
        // What this version does not understand counts as nothing: everything is read again, and nothing is stored twice.
        let kept: Place = serde_json::from_str(&kept.into_inner().checkpoint).unwrap_or_default();
        let byte = if kept.sha256 == sha256 && !self.again { kept.byte } else { 0 };
        let from = Place { sha256, byte };
        let reader = Reader::open(file, zone).map_err(|problem| Failure::said(format!("{name}: {problem}")))?;
        let bar = ProgressBar::new(length);
        let template = "{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta} {msg}";
        bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        let rejects = self.rejects.clone();
        let rejects = rejects.map(|path| Rejects::new(path, reader.delimiter, reader.heading_cells.clone()));
        let totals = Totals { source: self.source.clone(), resumed: byte > 0, ..Totals::default() };
        let report = Arc::new(Report { name, bar, totals: Mutex::new(totals), rejects: Mutex::new(rejects) });

        let (out, batches) = mpsc::channel(2);
        let reading = {
            let report = report.clone();
            tokio::task::spawn_blocking(move || read(reader, &from, &out, &report))
        };
        let patience = Duration::from_secs(self.patience);
        let upload = Upload { caller, source: self.source.clone(), patience };
        let lost = |status: &tonic::Status| {
            let text = format!("the connection broke and is tried again: {}", failure::told(status));
            report.bar.suspend(|| output::tell(text));
        };
        let sent = upload
            .run(batches, |batch, answer| report.answered(&batch.mark, &answer).map_err(Ended::Failed), lost)
            .await;
        let read = reading.await.map_err(|error| Failure::because("reading the file failed", &error))?;
        report.bar.finish_and_clear();
        report.totals().stopped = sent.is_err() || read.is_err();
        let totals = report.totals().clone();
        if self.json {
            output::line(serde_json::to_string(&totals).map_err(Failure::said)?)?;
        } else {
            output::line(totals.text())?;
        }
        match sent {
            Ok(()) => {}
            Err(Ended::Failed(text)) => return Err(Failure::said(text)),
            Err(Ended::Refused(status)) => {
                let attempt = "the import ended early; run it again to go on where it stopped";
                return Err(Failure::answered(attempt, &status));
            }
        }
        match read {
            Ok(()) if totals.rejected > 0 => Err(Failure::No),
            Ok(()) => Ok(()),
            Err(Stop::Failed(text)) => Err(Failure::said(text)),
            Err(Stop::Sender) => Err(Failure::No),
        }
    }
}

impl Totals {
    fn text(&self) -> String {
        let mut text = format!(
            "{}: {} new, {} changed, {} the same, {} not taken ({} rows)",
            self.source, self.created, self.updated, self.unchanged, self.rejected, self.rejected_rows
        );
        if self.stopped {
            text.push_str("\nstopped; what is counted here is stored, and nothing after it");
        }
        text
    }
}

/// Reads the whole table, and sends what an earlier import has not; codes before that place are only remembered.
fn read(mut reader: Reader, from: &Place, out: &mpsc::Sender<Batch<Mark>>, report: &Report) -> Result<(), Stop> {
    let (mut customers, mut rows) = (Vec::new(), Vec::new());
    let mut end = from.byte;
    loop {
        let next = reader.next().map_err(|problem| Stop::Failed(format!("{}: {problem}", report.name)))?;
        let last = next.is_none();
        if let Some(Group { lines, customer, end: place }) = next {
            if place <= from.byte {
                continue;
            }
            end = place;
            match customer {
                Ok(customer) => {
                    customers.push(convert::to_wire(&customer));
                    rows.push(lines);
                }
                Err(reasons) => {
                    report.reject(&lines, &reasons).map_err(Stop::Failed)?;
                }
            }
        }
        if customers.len() >= SIZE || last {
            let place = if last { Place::default() } else { Place { byte: end, ..from.clone() } };
            let mark = Mark { rows: std::mem::take(&mut rows), bytes: end };
            let batch = Batch { customers: std::mem::take(&mut customers), checkpoint: place.text(), mark };
            out.blocking_send(batch).map_err(|_| Stop::Sender)?;
        }
        if last {
            return Ok(());
        }
    }
}
