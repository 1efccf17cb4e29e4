//! Reads tables (CSV) into contacts, by a mapping.

use std::io::Seek as _;

use csv::{ByteRecord, Position, StringRecord};
use gridcare_domain::contact as domain;
use gridcare_node::channels::table::{Mapping, TableContact, read_row};
use gridcare_proto::{
    contact::v1::ContactDraft,
    convert::{
        code,
        time::{duration, timestamp},
    },
};
use serde_yaml_ng::Value;
use sha2::{Digest as _, Sha256};

use super::{
    batcher::{Batcher, Stop},
    files::Files,
    report::{Origin, Report},
};

/// Heading of the column that stands in for a missing key; no table has one of this name.
const ROW_HASH: &str = "(hash of the row)";

/// A mapping, and whether a row's hash is its key.
pub(super) struct Rows {
    mapping: Mapping,
    hashed: bool,
}

impl Rows {
    /// Reads a mapping file. One without a column for the key makes every row's hash its key: two rows that are equal in
    /// every cell are then one contact.
    pub(super) fn parse(yaml: &str) -> Result<Self, String> {
        let mut value: Value = serde_yaml_ng::from_str(yaml).map_err(|error| error.to_string())?;
        let mut hashed = false;
        if let Some(Value::Mapping(columns)) = value.get_mut("columns")
            && !columns.contains_key("source_key")
        {
            columns.insert("source_key".into(), ROW_HASH.into());
            hashed = true;
        }
        let yaml = if hashed { serde_yaml_ng::to_string(&value).unwrap_or_default() } else { yaml.to_owned() };
        let mapping = Mapping::from_yaml(&yaml).map_err(|problems| problems.join("; "))?;
        Ok(Self { mapping, hashed })
    }

    fn headers(&self, found: &StringRecord) -> Result<StringRecord, String> {
        let mut headers = found.clone();
        if self.hashed {
            headers.push_field(ROW_HASH);
        }
        let problems = self.mapping.check_headers(&headers);
        if problems.is_empty() { Ok(headers) } else { Err(problems.join("; ")) }
    }

    /// One row as a contact, or everything that is wrong with it.
    fn read(&self, headers: &StringRecord, record: ByteRecord) -> Result<ContactDraft, String> {
        let mut hash = Sha256::new();
        record.iter().for_each(|cell| {
            hash.update(cell);
            hash.update([0x1f]);
        });
        let mut record = StringRecord::from_byte_record(record).map_err(|_| "not UTF-8".to_owned())?;
        if self.hashed {
            if record.len() + 1 != headers.len() {
                return Err(format!("{} cells where the heading has {}", record.len(), headers.len() - 1));
            }
            record.push_field(&format!("row-{:x}", hash.finalize()));
        }
        let contact = read_row(&self.mapping, headers, &record).map_err(|problems| problems.join("; "))?;
        draft(contact)
    }
}

/// Reads all tables, each from where an earlier import left it.
pub(super) fn read(
    mut files: Files,
    rows: &Rows,
    strict: bool,
    mut batcher: Batcher,
    report: &Report,
) -> Result<(), Stop> {
    for at in 0..files.inputs.len() {
        table(&mut files, at, rows, strict, &mut batcher, report)?;
    }
    let (text, bytes) = (files.text(), files.bytes());
    batcher.finish(text, bytes)
}

fn table(
    files: &mut Files,
    at: usize,
    rows: &Rows,
    strict: bool,
    batcher: &mut Batcher,
    report: &Report,
) -> Result<(), Stop> {
    let failed = |error: &dyn std::error::Error| Stop::Failed(format!("a file cannot be read: {error}"));
    let known = files.known(at).map(|known| (known.read, known.line));
    let (base, bytes) = (files.inputs[at].base, files.inputs[at].bytes);
    if bytes == 0 || known.is_some_and(|(read, _)| read >= bytes) {
        return Ok(());
    }
    let mut file = files.inputs[at].file.try_clone().map_err(|error| failed(&error))?;
    file.rewind().map_err(|error| failed(&error))?;
    let mut reader = csv::ReaderBuilder::new().delimiter(rows.mapping.delimiter()).flexible(true).from_reader(file);
    let headers = reader.headers().map_err(|error| Stop::Failed(format!("the heading cannot be read: {error}")))?;
    let headers = rows.headers(headers).map_err(Stop::Failed)?;
    if let Some((read, line)) = known {
        let mut position = Position::new();
        position.set_byte(read).set_line(line);
        reader.seek(position).map_err(|error| failed(&error))?;
    }
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(|error| failed(&error))? {
        let line = record.position().map_or(0, Position::line);
        let origin = Origin { file: at, line };
        match rows.read(&headers, record.clone()) {
            Ok(contact) => batcher.push(contact, origin),
            Err(reason) => {
                report.bad_line(origin, &reason);
                if strict {
                    return Err(Stop::Strict);
                }
            }
        }
        if batcher.is_full() {
            let place = reader.position().clone();
            mark(files, at, &place).map_err(|error| failed(&error))?;
            let text = files.text();
            batcher.send(text, base + place.byte())?;
        }
    }
    let place = reader.position().clone();
    mark(files, at, &place).map_err(|error| failed(&error))
}

fn mark(files: &mut Files, at: usize, place: &Position) -> std::io::Result<()> {
    files.read_to(at, place.byte(), place.line())
}

fn draft(contact: TableContact) -> Result<ContactDraft, String> {
    let mut problems = Vec::new();
    let mut unknown = |field: &str, all: Vec<&str>| problems.push(format!("{field}: none of {}", all.join(", ")));
    let channel = contact.channel.as_deref().and_then(domain::Channel::parse);
    if channel.is_none() {
        unknown("channel", domain::Channel::ALL.iter().map(|code| code.code()).collect());
    }
    let direction = contact.direction.as_deref().map_or(Some(domain::Direction::Inbound), domain::Direction::parse);
    if direction.is_none() {
        unknown("direction", domain::Direction::ALL.iter().map(|code| code.code()).collect());
    }
    let outcome = contact.outcome.as_deref().map(domain::Outcome::parse);
    if outcome == Some(None) {
        unknown("outcome", domain::Outcome::ALL.iter().map(|code| code.code()).collect());
    }
    let (Some(channel), Some(direction), true) = (channel, direction, problems.is_empty()) else {
        return Err(problems.join("; "));
    };
    let lasting = |ms: Option<u64>| ms.map(|ms| duration(i64::try_from(ms).unwrap_or(i64::MAX)));
    Ok(ContactDraft {
        source_key: contact.source_key.unwrap_or_default(),
        channel: code::channel_to_wire(channel),
        direction: code::direction_to_wire(direction),
        arrived_at: contact.arrived_at.map(timestamp),
        answered_at: contact.answered_at.map(timestamp),
        ended_at: contact.ended_at.map(timestamp),
        outcome: outcome.flatten().map_or(0, code::outcome_to_wire),
        wait: lasting(contact.wait_ms),
        talk: lasting(contact.talk_ms),
        hold: lasting(contact.hold_ms),
        wrap: lasting(contact.wrap_ms),
        topic: contact.topic.unwrap_or_default(),
        customer_code: contact.customer_code.unwrap_or_default(),
        contact_point: contact.contact_point.unwrap_or_default(),
        agent: contact.agent.unwrap_or_default(),
        ticket: contact.ticket.unwrap_or_default(),
        note: contact.note.unwrap_or_default(),
    })
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
