//! Gathers contacts into batches for the sender.

use gridcare_proto::contact::v1::ContactDraft;
use tokio::sync::mpsc;

use super::{
    report::{Mark, Origin},
    upload::Batch,
};

/// Contacts in one batch.
const SIZE: usize = 2_000;

/// Why reading ends before the files do.
#[derive(Debug)]
pub(super) enum Stop {
    /// A bad line, and `--strict`. It has been reported.
    Strict,
    /// The sender ended, and says why.
    Sender,
    /// A file cannot be read.
    Failed(String),
}

/// Gathers contacts; the checkpoint of a batch is asked for when it is full.
pub(super) struct Batcher {
    out: mpsc::Sender<Batch<Mark>>,
    contacts: Vec<ContactDraft>,
    origins: Vec<Origin>,
    /// With `--strict`, a batch carries the checkpoint of the one before it: a batch of which something is rejected must
    /// be read again.
    strict: bool,
    before: String,
}

impl Batcher {
    pub(super) fn new(out: mpsc::Sender<Batch<Mark>>, strict: bool) -> Self {
        Self { out, contacts: Vec::new(), origins: Vec::new(), strict, before: String::new() }
    }

    /// Takes a contact.
    pub(super) fn push(&mut self, contact: ContactDraft, origin: Origin) {
        self.contacts.push(contact);
        self.origins.push(origin);
    }

    /// Whether it is time to [`Self::send`].
    pub(super) fn is_full(&self) -> bool {
        self.contacts.len() >= SIZE
    }

    /// Sends what was gathered; waits while the sender is busy.
    pub(super) fn send(&mut self, checkpoint: String, bytes: u64) -> Result<(), Stop> {
        let checkpoint = if self.strict { std::mem::replace(&mut self.before, checkpoint) } else { checkpoint };
        let mark = Mark { origins: std::mem::take(&mut self.origins), bytes };
        let batch = Batch { contacts: std::mem::take(&mut self.contacts), checkpoint, mark };
        self.out.blocking_send(batch).map_err(|_| Stop::Sender)
    }

    /// Sends the rest, and the last checkpoint.
    pub(super) fn finish(&mut self, checkpoint: String, bytes: u64) -> Result<(), Stop> {
        if self.strict {
            if !self.contacts.is_empty() {
                self.send(checkpoint.clone(), bytes)?;
            }
            self.before.clone_from(&checkpoint);
        }
        self.send(checkpoint, bytes)
    }
}
