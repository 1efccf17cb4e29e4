//! Reads Asterisk's `queue_log` files into contacts.

use std::io::{BufReader, Seek as _, SeekFrom};

use gridcare_node::channels::hotline::{Event, HotlineCall, HotlineOutcome, QueueLog, UnfinishedCall};
use gridcare_proto::{
    contact::v1::{Channel, ContactDraft, Direction, Outcome},
    convert::time::{duration, timestamp},
};

use super::{
    batcher::{Batcher, Stop},
    files::Files,
    report::{Origin, Report, Unfinished},
};

/// More than the longest line that is understood; the rest of a longer one is passed over without being held.
const LINE: usize = 32 << 10;

/// How files are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    pub(super) strict: bool,
    /// The last file will not grow: its last line counts without a line end.
    pub(super) complete: bool,
}

struct Reader<'a> {
    files: Files,
    log: QueueLog,
    /// For each file, the number of its first line in the count over all files.
    first_lines: Vec<u64>,
    batcher: Batcher,
    report: &'a Report,
    strict: bool,
}

/// Reads all files through one log, so that a call may enter in one and leave in the next.
pub(super) fn read(files: Files, manner: Manner, batcher: Batcher, report: &Report) -> Result<(), Stop> {
    let begin = files.begin();
    let count = files.inputs.len();
    let mut reader = Reader {
        log: QueueLog::resumed(begin.reported_to),
        first_lines: vec![0; count],
        files,
        batcher,
        report,
        strict: manner.strict,
    };
    // Lines are counted over all files, as offsets are; the first file read begins with its own number.
    let mut line = begin.line;
    for at in begin.file..count {
        let from = if at == begin.file { begin.offset } else { 0 };
        reader.first_lines[at] = if at == begin.file { 1 } else { line };
        let whole = manner.complete || at + 1 < count;
        line = reader.file(at, from, line, whole)?;
    }
    for call in reader.log.unfinished() {
        reader.unfinished(&call);
    }
    let (text, bytes) = (reader.files.text(), reader.files.bytes());
    reader.batcher.finish(text, bytes)
}

impl Reader<'_> {
    /// Reads one file from `from`; returns the number of the line after its last.
    fn file(&mut self, at: usize, from: u64, mut line: u64, whole: bool) -> Result<u64, Stop> {
        let failed = |error: std::io::Error| Stop::Failed(format!("a file cannot be read: {error}"));
        let (base, bytes) = (self.files.inputs[at].base, self.files.inputs[at].bytes);
        let mut file = self.files.inputs[at].file.try_clone().map_err(failed)?;
        file.seek(SeekFrom::Start(from)).map_err(failed)?;
        let mut input = BufReader::with_capacity(256 << 10, file);
        let (mut offset, mut text) = (from, Vec::new());
        while offset < bytes {
            let size = next_line(&mut input, bytes - offset, &mut text).map_err(failed)?;
            if size == 0 || (!text.ends_with(b"\n") && text.len() < LINE && !whole) {
                self.report.totals().incomplete_last_line |= size > 0;
                break;
            }
            for event in self.log.feed_line(line, base + offset, &text) {
                self.take(event)?;
            }
            (offset, line) = (offset + size, line + 1);
            if self.batcher.is_full() {
                self.mark(at, offset, line).map_err(failed)?;
                let text = self.files.text();
                self.batcher.send(text, base + offset)?;
            }
        }
        self.mark(at, offset, line).map_err(failed)?;
        Ok(line)
    }

    /// Brings the checkpoint to this place.
    fn mark(&mut self, at: usize, offset: u64, line: u64) -> std::io::Result<()> {
        self.files.read_to(at, offset, line + 1 - self.first_lines[at])?;
        let place = self.log.resume_position();
        // Nothing was fed yet when everything had been read before; the old place stands.
        if place.line > 0 {
            let first_lines = &self.first_lines;
            self.files.resume_at(place.offset, |file| (place.line + 1).saturating_sub(first_lines[file]).max(1));
        }
        Ok(())
    }

    fn take(&mut self, event: Event) -> Result<(), Stop> {
        match event {
            Event::Call(call) => {
                let origin = self.origin(call.line);
                self.batcher.push(ended(call), origin);
            }
            Event::Unfinished(call) => self.unfinished(&call),
            Event::BadLine { line, reason } => {
                self.report.bad_line(self.origin(line), &reason);
                if self.strict {
                    return Err(Stop::Strict);
                }
            }
        }
        Ok(())
    }

    /// Stored without an end, so that the node knows of it; a later import completes it under the same key.
    fn unfinished(&mut self, call: &UnfinishedCall) {
        let name = call.source_key.split('/').next().unwrap_or_default().replace("%2F", "/");
        let listed = Unfinished { queue: call.queue.clone(), call: name, since: call.arrived_at };
        self.report.totals().unfinished.push(listed);
        let origin = self.origin(call.line);
        self.batcher.push(
            ContactDraft {
                source_key: call.source_key.clone(),
                channel: Channel::Hotline.into(),
                direction: Direction::Inbound.into(),
                arrived_at: Some(timestamp(call.arrived_at)),
                answered_at: call.answered_at.map(timestamp),
                contact_point: call.caller.clone().unwrap_or_default(),
                agent: call.agent.clone().unwrap_or_default(),
                ..ContactDraft::default()
            },
            origin,
        );
    }

    /// The file of a line, and its number there.
    fn origin(&self, line: u64) -> Origin {
        let file = self.first_lines.iter().rposition(|first| *first > 0 && *first <= line).unwrap_or(0);
        Origin { file, line: line + 1 - self.first_lines[file].max(1) }
    }
}

/// One line with its end, at most [`LINE`] bytes of it; returns its whole size. Zero is the end of the file.
fn next_line(input: &mut impl std::io::BufRead, most: u64, text: &mut Vec<u8>) -> std::io::Result<u64> {
    text.clear();
    let mut size = 0;
    while size < most {
        let bytes = input.fill_buf()?;
        if bytes.is_empty() {
            break;
        }
        let limit = usize::try_from(most - size).map_or(bytes.len(), |left| left.min(bytes.len()));
        let end = bytes[..limit].iter().position(|byte| *byte == b'\n').map_or(limit, |at| at + 1);
        let found = bytes[end - 1] == b'\n';
        text.extend_from_slice(&bytes[..end.min(LINE.saturating_sub(text.len()))]);
        input.consume(end);
        size += end as u64;
        if found {
            break;
        }
    }
    Ok(size)
}

fn ended(call: HotlineCall) -> ContactDraft {
    let lasting = |ms: u64| duration(i64::try_from(ms).unwrap_or(i64::MAX));
    let outcome = match call.outcome {
        HotlineOutcome::Answered => Outcome::Answered,
        HotlineOutcome::Abandoned => Outcome::Abandoned,
        HotlineOutcome::Unanswered => Outcome::Unanswered,
    };
    ContactDraft {
        source_key: call.source_key,
        channel: Channel::Hotline.into(),
        direction: Direction::Inbound.into(),
        arrived_at: Some(timestamp(call.arrived_at)),
        answered_at: call.answered_at.map(timestamp),
        ended_at: Some(timestamp(call.ended_at)),
        outcome: outcome.into(),
        wait: Some(lasting(call.wait_ms)),
        talk: call.talk_ms.map(lasting),
        contact_point: call.caller.unwrap_or_default(),
        agent: call.agent.unwrap_or_default(),
        ..ContactDraft::default()
    }
}

#[cfg(test)]
#[path = "queue_log_tests.rs"]
mod tests;
