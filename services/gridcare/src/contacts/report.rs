//! What an import says while it runs and when it ends.

use std::sync::{Mutex, MutexGuard, PoisonError};

use gridcare_proto::contact::v1::{ContactRejection, ImportContactsResponse};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use serde::Serialize;

use crate::output;

/// Unfinished calls that are listed for people; JSON lists all.
const LISTED: usize = 200;

/// The line of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) file: usize,
    pub(super) line: u64,
}

/// What a batch was made of.
#[derive(Debug, Default)]
pub(super) struct Mark {
    /// For each contact, where it came from.
    pub(super) origins: Vec<Origin>,
    /// Bytes of all files that were read up to its end.
    pub(super) bytes: u64,
}

/// A call that entered and was not seen to leave.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Unfinished {
    pub(super) queue: String,
    pub(super) call: String,
    pub(super) since: Timestamp,
}

/// The sums of an import.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Totals {
    source: String,
    files: usize,
    /// Whether an earlier import was continued.
    pub(super) resumed: bool,
    pub(super) accepted: u64,
    pub(super) completed: u64,
    pub(super) duplicates: u64,
    pub(super) rejected: u64,
    pub(super) bad_lines: u64,
    unfinished_count: usize,
    pub(super) unfinished: Vec<Unfinished>,
    /// The last line has no line end and is left for the next import.
    pub(super) incomplete_last_line: bool,
    /// Ended before everything was read.
    pub(super) stopped: bool,
}

/// Gathers from the reader and from the sender, who run at once.
pub(super) struct Report {
    names: Vec<String>,
    bar: ProgressBar,
    totals: Mutex<Totals>,
}

impl Report {
    pub(super) fn new(source: &str, names: Vec<String>, bytes: u64) -> Self {
        let bar = ProgressBar::new(bytes);
        let template = "{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta} {msg}";
        bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        let totals = Totals { source: source.to_owned(), files: names.len(), ..Totals::default() };
        Self { names, bar, totals: Mutex::new(totals) }
    }

    pub(super) fn totals(&self) -> MutexGuard<'_, Totals> {
        self.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says something on standard error, above the bar.
    pub(super) fn say(&self, text: &str) {
        self.bar.suspend(|| output::tell(text));
    }

    /// A line that says nothing usable.
    pub(super) fn bad_line(&self, origin: Origin, reason: &str) {
        self.totals().bad_lines += 1;
        self.say(&format!("{}:{}: {reason}", self.names[origin.file], origin.line));
    }

    /// A batch was answered; says what was refused, with the line that it came from.
    pub(super) fn acked(&self, mark: &Mark, answer: &ImportContactsResponse) {
        for rejection in &answer.rejections {
            let reason = reason(rejection);
            match mark.origins.get(rejection.index as usize) {
                Some(at) => self.say(&format!("{}:{}: rejected: {reason}", self.names[at.file], at.line)),
                None => self.say(&format!("{}: rejected: {reason}", rejection.source_key)),
            }
        }
        let message = {
            let mut totals = self.totals();
            totals.accepted += u64::from(answer.accepted);
            totals.completed += u64::from(answer.completed);
            totals.duplicates += u64::from(answer.duplicates);
            totals.rejected += answer.rejections.len() as u64;
            format!("{} accepted, {} known", totals.accepted + totals.completed, totals.duplicates)
        };
        self.bar.set_position(mark.bytes);
        self.bar.set_message(message);
    }

    /// Takes the bar away and gives the sums.
    pub(super) fn finish(&self) -> Totals {
        self.bar.finish_and_clear();
        let mut totals = self.totals().clone();
        totals.unfinished_count = totals.unfinished.len();
        totals
    }
}

impl Totals {
    /// The summary for people.
    pub(super) fn text(&self) -> String {
        let mut lines = vec![format!(
            "{}: {} accepted, {} completed, {} known already, {} rejected, {} bad lines, {} unfinished",
            self.source,
            self.accepted,
            self.completed,
            self.duplicates,
            self.rejected,
            self.bad_lines,
            self.unfinished.len()
        )];
        if !self.unfinished.is_empty() {
            lines.push(
                "calls that entered and have not left; they are stored, and completed by a later import:".to_owned(),
            );
        }
        let listed = self.unfinished.iter().take(LISTED);
        lines.extend(listed.map(|call| format!("  {}  {}  since {}", call.queue, call.call, call.since)));
        if self.unfinished.len() > LISTED {
            lines.push(format!("  and {} more; --json lists all", self.unfinished.len() - LISTED));
        }
        if self.stopped {
            lines.push("stopped; what is counted here is stored, and nothing after it".to_owned());
        }
        lines.join("\n")
    }
}

/// Every rule that a contact breaks, on one line.
fn reason(rejection: &ContactRejection) -> String {
    let violations: Vec<_> = rejection
        .violations
        .iter()
        .map(|violation| format!("{}: {}", violation.field, violation.description))
        .collect();
    violations.join("; ")
}
