//! Contacts of any channel out of a table (CSV), by a mapping that says which column is which field.
//!
//! ```yaml
//! # Export of a text-message gateway.
//! delimiter: ";"                      # one ASCII character; a comma when absent
//! time_zone: Asia/Ho_Chi_Minh         # of times without an offset; UTC when absent
//! time_format: "%d/%m/%Y %H:%M:%S"    # strftime, or iso (the default), epoch_seconds, epoch_milliseconds
//! duration_format: seconds            # seconds (the default; 1.5 is 1500 ms), milliseconds, or clock (1:02:03 or 2:03)
//! columns:                            # field: the column's heading
//!   source_key: MessageId
//!   arrived_at: ReceivedAt
//!   ended_at: ReceivedAt              # one column may serve several fields
//!   outcome: Status
//!   topic: Keyword
//!   customer_code: MaKH
//!   contact_point: Msisdn
//! constants:                          # where there is no column, or the cell is empty
//!   channel: sms
//!   direction: inbound
//! values:                             # what the source writes: what it means
//!   outcome: { OK: answered, ERR: failed }
//!   topic: { TD: bill, NO: debt, MD: outage, "*": information }   # "*" is any other
//! ```
//!
//! Only shape is checked here; whether a channel, an outcome or a code exists is for the rules of contacts to say.

use std::collections::BTreeMap;

use csv::StringRecord;
use jiff::{Timestamp, civil::DateTime, fmt::strtime, tz::TimeZone};
use serde::Deserialize;

/// The word for any other value in a map of values.
const ANY_OTHER: &str = "*";

/// A field of a contact that a table can give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The contact's own key at its source.
    SourceKey,
    /// `hotline`, `sms`, `web`, `office`, `email`, `app`, `social` or `letter`.
    Channel,
    /// `inbound` or `outbound`.
    Direction,
    /// When it arrived.
    ArrivedAt,
    /// When it was answered.
    AnsweredAt,
    /// When it ended.
    EndedAt,
    /// How it ended.
    Outcome,
    /// Wait, as a duration.
    Wait,
    /// Talk, as a duration.
    Talk,
    /// Hold, as a duration.
    Hold,
    /// Wrap-up, as a duration.
    Wrap,
    /// A code of the list of topics.
    Topic,
    /// The customer's code.
    CustomerCode,
    /// The other side's phone number or address.
    ContactPoint,
    /// The agent.
    Agent,
    /// Reference of the ticket.
    Ticket,
    /// Free text.
    Note,
}

impl Field {
    /// Every field.
    pub const ALL: [Self; 17] = [
        Self::SourceKey,
        Self::Channel,
        Self::Direction,
        Self::ArrivedAt,
        Self::AnsweredAt,
        Self::EndedAt,
        Self::Outcome,
        Self::Wait,
        Self::Talk,
        Self::Hold,
        Self::Wrap,
        Self::Topic,
        Self::CustomerCode,
        Self::ContactPoint,
        Self::Agent,
        Self::Ticket,
        Self::Note,
    ];

    /// Its name in a mapping.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SourceKey => "source_key",
            Self::Channel => "channel",
            Self::Direction => "direction",
            Self::ArrivedAt => "arrived_at",
            Self::AnsweredAt => "answered_at",
            Self::EndedAt => "ended_at",
            Self::Outcome => "outcome",
            Self::Wait => "wait",
            Self::Talk => "talk",
            Self::Hold => "hold",
            Self::Wrap => "wrap",
            Self::Topic => "topic",
            Self::CustomerCode => "customer_code",
            Self::ContactPoint => "contact_point",
            Self::Agent => "agent",
            Self::Ticket => "ticket",
            Self::Note => "note",
        }
    }
}

/// The mapping file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default = "comma")]
    delimiter: char,
    time_zone: Option<String>,
    time_format: Option<String>,
    #[serde(default)]
    duration_format: DurationFormat,
    columns: BTreeMap<Field, String>,
    #[serde(default)]
    constants: BTreeMap<Field, String>,
    #[serde(default)]
    values: BTreeMap<Field, BTreeMap<String, String>>,
}

const fn comma() -> char {
    ','
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum DurationFormat {
    #[default]
    Seconds,
    Milliseconds,
    Clock,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum TimeFormat {
    Iso,
    EpochSeconds,
    EpochMilliseconds,
    Custom(String),
}

/// Which column is which field, and how to read it.
#[derive(Debug, Clone)]
pub struct Mapping {
    delimiter: u8,
    zone: TimeZone,
    times: TimeFormat,
    durations: DurationFormat,
    columns: BTreeMap<Field, String>,
    constants: BTreeMap<Field, String>,
    values: BTreeMap<Field, BTreeMap<String, String>>,
}

impl Mapping {
    /// Reads a mapping file; the documentation of this module shows one.
    ///
    /// # Errors
    /// Every problem that could be found, in words for whoever wrote the file.
    pub fn from_yaml(text: &str) -> Result<Self, Vec<String>> {
        let written: Written = serde_yaml_ng::from_str(text).map_err(|error| vec![error.to_string()])?;
        let mut problems = Vec::new();
        if !written.delimiter.is_ascii() || matches!(written.delimiter, '"' | '\r' | '\n' | '\0') {
            problems.push("delimiter: must be one ASCII character other than a quote or an end of line".to_owned());
        }
        let zone = written.time_zone.as_deref().map_or(Ok(TimeZone::UTC), TimeZone::get).unwrap_or_else(|_| {
            problems.push("time_zone: no such IANA time zone; for example Asia/Ho_Chi_Minh".to_owned());
            TimeZone::UTC
        });
        let times = match written.time_format.as_deref() {
            None | Some("iso") => TimeFormat::Iso,
            Some("epoch_seconds") => TimeFormat::EpochSeconds,
            Some("epoch_milliseconds") => TimeFormat::EpochMilliseconds,
            Some(format) => {
                if let Err(problem) = try_format(format) {
                    problems.push(format!("time_format: {problem}"));
                }
                TimeFormat::Custom(format.to_owned())
            }
        };
        for field in [Field::SourceKey, Field::Channel, Field::ArrivedAt] {
            if !written.columns.contains_key(&field) && !written.constants.contains_key(&field) {
                problems.push(format!("columns: {} is required, here or in constants", field.name()));
            }
        }
        // One key for all rows would make of all contacts but the first a repetition.
        if written.constants.contains_key(&Field::SourceKey) {
            problems.push("constants: source_key must be a column".to_owned());
        }
        let mapping = Self {
            delimiter: u8::try_from(written.delimiter).unwrap_or(b','),
            zone,
            times,
            durations: written.duration_format,
            columns: written.columns,
            constants: written.constants,
            values: written.values,
        };
        if problems.is_empty() { Ok(mapping) } else { Err(problems) }
    }

    /// What separates the cells of a row.
    #[must_use]
    pub const fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// What is wrong with these headings for this mapping: columns that are missing or occur twice. Ask once per table.
    #[must_use]
    pub fn check_headers(&self, headers: &StringRecord) -> Vec<String> {
        let mut problems = Vec::new();
        for (field, column) in &self.columns {
            match headers.iter().filter(|header| heading(header) == column).count() {
                0 => problems.push(format!("{}: the table has no column {column:?}", field.name())),
                1 => {}
                _ => problems.push(format!("{}: the table has several columns {column:?}", field.name())),
            }
        }
        problems
    }
}

/// A heading without white space around it, nor the mark that spreadsheets put at the start of a file.
fn heading(header: &str) -> &str {
    header.trim_start_matches('\u{feff}').trim()
}

/// Whether a format can say a time at all: what it writes must read back.
fn try_format(format: &str) -> Result<(), String> {
    let sample = Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
    let text = strtime::format(format, &sample).map_err(|error| error.to_string())?;
    let read = strtime::parse(format, &text).map_err(|error| error.to_string())?;
    read.to_datetime().map(|_| ()).or_else(|_| read.to_timestamp().map(|_| ())).map_err(|error| error.to_string())
}

/// A contact as a table tells it: normal in shape, not yet held against any rule. Times are instants, durations milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TableContact {
    /// The contact's own key at its source.
    pub source_key: Option<String>,
    /// Code of the channel.
    pub channel: Option<String>,
    /// Code of the direction.
    pub direction: Option<String>,
    /// When it arrived.
    pub arrived_at: Option<Timestamp>,
    /// When it was answered.
    pub answered_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Code of the outcome.
    pub outcome: Option<String>,
    /// Wait, ms.
    pub wait_ms: Option<u64>,
    /// Talk, ms.
    pub talk_ms: Option<u64>,
    /// Hold, ms.
    pub hold_ms: Option<u64>,
    /// Wrap-up, ms.
    pub wrap_ms: Option<u64>,
    /// Code of the topic.
    pub topic: Option<String>,
    /// The customer's code; personal.
    pub customer_code: Option<String>,
    /// The other side's phone number or address; personal.
    pub contact_point: Option<String>,
    /// The agent; personal.
    pub agent: Option<String>,
    /// Reference of the ticket.
    pub ticket: Option<String>,
    /// Free text; personal.
    pub note: Option<String>,
}

/// Reads one row.
///
/// # Errors
/// Every problem of the row, each with its field and column. Cells are not repeated in them, since they may be personal.
pub fn read_row(mapping: &Mapping, headers: &StringRecord, record: &StringRecord) -> Result<TableContact, Vec<String>> {
    let mut row = Row { mapping, headers, record, problems: Vec::new() };
    let contact = TableContact {
        source_key: row.required(Field::SourceKey),
        channel: row.required(Field::Channel),
        direction: row.text(Field::Direction),
        arrived_at: row.required(Field::ArrivedAt).and_then(|text| row.time(Field::ArrivedAt, &text)),
        answered_at: row.text(Field::AnsweredAt).and_then(|text| row.time(Field::AnsweredAt, &text)),
        ended_at: row.text(Field::EndedAt).and_then(|text| row.time(Field::EndedAt, &text)),
        outcome: row.text(Field::Outcome),
        wait_ms: row.duration(Field::Wait),
        talk_ms: row.duration(Field::Talk),
        hold_ms: row.duration(Field::Hold),
        wrap_ms: row.duration(Field::Wrap),
        topic: row.text(Field::Topic),
        customer_code: row.text(Field::CustomerCode),
        contact_point: row.text(Field::ContactPoint),
        agent: row.text(Field::Agent),
        ticket: row.text(Field::Ticket),
        note: row.text(Field::Note),
    };
    if row.problems.is_empty() { Ok(contact) } else { Err(row.problems) }
}

struct Row<'a> {
    mapping: &'a Mapping,
    headers: &'a StringRecord,
    record: &'a StringRecord,
    problems: Vec<String>,
}

impl Row<'_> {
    fn problem(&mut self, field: Field, what: &str) {
        let name = field.name();
        self.problems.push(match self.mapping.columns.get(&field) {
            Some(column) => format!("{name} (column {column:?}): {what}"),
            None => format!("{name}: {what}"),
        });
    }

    /// What the cell says, or else the constant; none when neither says anything.
    fn text(&mut self, field: Field) -> Option<String> {
        let mapping = self.mapping;
        let constant = || mapping.constants.get(&field).cloned();
        let Some(column) = mapping.columns.get(&field) else { return constant() };
        let Some(at) = self.headers.iter().position(|header| heading(header) == column) else {
            self.problem(field, "the table has no such column");
            return None;
        };
        let Some(cell) = self.record.get(at) else {
            self.problem(field, "the row ends before this column");
            return None;
        };
        let cell = cell.trim();
        if cell.is_empty() {
            return constant();
        }
        if cell.contains('\0') {
            self.problem(field, "a null character");
            return None;
        }
        let Some(values) = mapping.values.get(&field) else { return Some(cell.to_owned()) };
        let meaning = values.get(cell).or_else(|| values.get(ANY_OTHER));
        if meaning.is_none() {
            self.problem(field, "a value that the mapping does not list");
        }
        meaning.cloned()
    }

    fn required(&mut self, field: Field) -> Option<String> {
        let before = self.problems.len();
        let text = self.text(field);
        if text.is_none() && self.problems.len() == before {
            self.problem(field, "must not be empty");
        }
        text
    }

    fn time(&mut self, field: Field, text: &str) -> Option<Timestamp> {
        let time = read_time(self.mapping, text);
        if time.is_none() {
            self.problem(field, "not a time of the format that the mapping gives");
        }
        time
    }

    fn duration(&mut self, field: Field) -> Option<u64> {
        let text = self.text(field)?;
        let ms = match self.mapping.durations {
            DurationFormat::Seconds => milliseconds(&text),
            DurationFormat::Milliseconds => text.parse().ok().filter(|_| !text.starts_with('+')),
            DurationFormat::Clock => clock(&text),
        };
        let ms = ms.filter(|ms| i64::try_from(*ms).is_ok());
        if ms.is_none() {
            self.problem(field, "not a duration of the format that the mapping gives, or negative");
        }
        ms
    }
}

/// A local time that a change of the clocks skips or repeats is read with the offset before the change.
fn read_time(mapping: &Mapping, text: &str) -> Option<Timestamp> {
    let local = |time: DateTime| mapping.zone.to_ambiguous_timestamp(time).compatible().ok();
    match &mapping.times {
        TimeFormat::Iso => text.parse().ok().or_else(|| local(text.parse().ok()?)),
        TimeFormat::EpochSeconds => Timestamp::from_millisecond(i64::try_from(milliseconds(text)?).ok()?).ok(),
        TimeFormat::EpochMilliseconds => Timestamp::from_millisecond(text.parse().ok()?).ok(),
        TimeFormat::Custom(format) => {
            let read = strtime::parse(format, text).ok()?;
            // With an offset the text says the instant; without one the mapping's zone does.
            read.to_timestamp().ok().or_else(|| local(read.to_datetime().ok()?))
        }
    }
}

/// Seconds with an optional fraction, of which milliseconds are kept.
fn milliseconds(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if fraction.is_empty() || ![whole, fraction].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit())) {
        return None;
    }
    let fraction = format!("{fraction:0<3}");
    whole.parse::<u64>().ok()?.checked_mul(1_000)?.checked_add(fraction[..3].parse().ok()?)
}

/// `h:mm:ss` or `m:ss`, the last with an optional fraction.
fn clock(text: &str) -> Option<u64> {
    let parts: Vec<_> = text.split(':').collect();
    let whole = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok())?;
    let (hours, minutes, seconds) = match parts[..] {
        [hours, minutes, seconds] => (whole(hours)?, whole(minutes).filter(|minutes| *minutes < 60)?, seconds),
        [minutes, seconds] => (0, whole(minutes)?, seconds),
        _ => return None,
    };
    let seconds = milliseconds(seconds).filter(|ms| *ms < 60_000)?;
    hours.checked_mul(60)?.checked_add(minutes)?.checked_mul(60_000)?.checked_add(seconds)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The mapping that the documentation of this module shows.
    fn documented() -> String {
        let source = include_str!("table.rs");
        let yaml = source.split("//! ```").nth(1).unwrap().trim_start_matches("yaml");
        yaml.lines().map(|line| line.strip_prefix("//! ").unwrap_or("")).collect::<Vec<_>>().join("\n")
    }

    fn rows(mapping: &Mapping, text: &str) -> Vec<Result<TableContact, Vec<String>>> {
        let mut reader =
            csv::ReaderBuilder::new().delimiter(mapping.delimiter()).flexible(true).from_reader(text.as_bytes());
        let headers = reader.headers().unwrap().clone();
        reader.records().map(|record| read_row(mapping, &headers, &record.unwrap())).collect()
    }

    fn simple(more: &str) -> Mapping {
        let yaml =
            format!("columns: {{ source_key: id, arrived_at: at, wait: w }}\nconstants: {{ channel: office }}\n{more}");
        Mapping::from_yaml(&yaml).unwrap()
    }

    fn arrived(more: &str, time: &str) -> Option<String> {
        let row = rows(&simple(more), &format!("id,at,w\n1,{time},\n")).remove(0);
        row.ok().map(|contact| contact.arrived_at.unwrap().to_string())
    }

    fn wait(more: &str, wait: &str) -> Option<u64> {
        rows(&simple(more), &format!("id,at,w\n1,2013-05-22T14:19:00Z,{wait}\n")).remove(0).ok()?.wait_ms
    }

    #[test]
    fn the_documented_mapping_reads_a_row() {
        let mapping = Mapping::from_yaml(&documented()).unwrap();
        let table = "\u{feff}MessageId;Msisdn;ReceivedAt;Status;Keyword;MaKH\n\
                     m1;84903123456;22/05/2013 14:19:00;OK;MD; PE01000123456 \n\
                     m2;;01/04/2013 00:00:00;ERR;???;\n";
        let rows = rows(&mapping, table);
        let arrived_at = "2013-05-22T07:19:00Z".parse().ok();
        let first = TableContact {
            source_key: Some("m1".to_owned()),
            channel: Some("sms".to_owned()),
            direction: Some("inbound".to_owned()),
            arrived_at,
            ended_at: arrived_at,
            outcome: Some("answered".to_owned()),
            topic: Some("outage".to_owned()),
            customer_code: Some("PE01000123456".to_owned()),
            contact_point: Some("84903123456".to_owned()),
            ..TableContact::default()
        };
        assert_eq!(rows[0], Ok(first));
        let second = rows[1].as_ref().unwrap();
        assert_eq!((second.outcome.as_deref(), second.topic.as_deref()), (Some("failed"), Some("information")));
        assert_eq!((&second.contact_point, &second.customer_code), (&None, &None));
    }

    #[test]
    fn every_problem_of_a_row_is_told_without_its_cells() {
        let mapping = Mapping::from_yaml(&documented()).unwrap();
        let table = "MessageId;ReceivedAt;Status;Keyword;MaKH\n;secret;secret;MD;PE01000123456\n";
        let problems = rows(&mapping, table).remove(0).unwrap_err();
        assert_eq!(
            problems,
            [
                "source_key (column \"MessageId\"): must not be empty",
                "arrived_at (column \"ReceivedAt\"): not a time of the format that the mapping gives",
                "ended_at (column \"ReceivedAt\"): not a time of the format that the mapping gives",
                "outcome (column \"Status\"): a value that the mapping does not list",
                "contact_point (column \"Msisdn\"): the table has no such column",
            ]
        );
    }

    #[test]
    fn a_short_row_says_where_it_ends() {
        let problems = rows(&simple(""), "id,at,w\n1\n").remove(0).unwrap_err();
        assert_eq!(
            problems,
            [
                "arrived_at (column \"at\"): the row ends before this column",
                "wait (column \"w\"): the row ends before this column"
            ]
        );
    }

    #[test]
    fn headings_are_checked_once_per_table() {
        let headers = |names: &[&str]| StringRecord::from(names.to_vec());
        assert!(simple("").check_headers(&headers(&["w", " id ", "at", "more"])).is_empty());
        assert_eq!(
            simple("").check_headers(&headers(&["id", "id", "at"])),
            ["source_key: the table has several columns \"id\"", "wait: the table has no column \"w\""]
        );
    }

    #[test]
    fn times_are_read_as_the_mapping_says() {
        let zone = "time_zone: Asia/Ho_Chi_Minh";
        let expected = Some("2013-05-22T07:19:00Z".to_owned());
        assert_eq!(arrived(zone, "2013-05-22T14:19:00"), expected);
        assert_eq!(arrived(zone, "2013-05-22 14:19:00"), expected);
        assert_eq!(arrived(zone, "2013-05-22T07:19:00Z"), expected);
        assert_eq!(arrived(zone, "2013-05-22T15:19:00+08:00"), expected);
        assert_eq!(arrived("", "2013-05-22T07:19:00"), expected);
        assert_eq!(arrived("time_format: epoch_seconds", "1369207140"), expected);
        assert_eq!(arrived("time_format: epoch_milliseconds", "1369207140000"), expected);
        assert_eq!(arrived("time_format: \"%d.%m.%Y %H:%M %z\"", "22.05.2013 14:19 +0700"), expected);
        assert_eq!(arrived("time_format: epoch_seconds", "1369207140.5"), Some("2013-05-22T07:19:00.5Z".to_owned()));
        for (format, time) in [
            ("", "22/05/2013"),
            ("time_format: epoch_seconds", "-1"),
            ("time_format: epoch_seconds", "99999999999999999999"),
        ] {
            assert_eq!(arrived(format, time), None, "{time}");
        }
    }

    #[test]
    fn durations_are_read_as_the_mapping_says() {
        assert_eq!(wait("", "12"), Some(12_000));
        assert_eq!(wait("", "1.5"), Some(1_500));
        assert_eq!(wait("duration_format: milliseconds", "12"), Some(12));
        assert_eq!(wait("duration_format: clock", "1:02:03"), Some(3_723_000));
        assert_eq!(wait("duration_format: clock", "75:03"), Some(4_503_000));
        for (format, text) in [
            ("", "-1"),
            ("", "1."),
            ("", "1e3"),
            ("", "18446744073709551615"),
            ("duration_format: clock", "1:75:00"),
            ("duration_format: clock", "12"),
            ("duration_format: milliseconds", "+1"),
        ] {
            assert_eq!(wait(format, text), None, "{text}");
        }
    }

    #[test]
    fn every_problem_of_a_mapping_is_told() {
        let problems = Mapping::from_yaml(
            "delimiter: đ\ntime_zone: Mars/Olympus\ntime_format: \"%Q!\"\ncolumns: {}\nconstants: { source_key: x }",
        )
        .unwrap_err();
        let of = |word: &str| problems.iter().filter(|problem| problem.contains(word)).count();
        assert_eq!((of("delimiter:"), of("time_zone:"), of("time_format:")), (1, 1, 1), "{problems:?}");
        assert_eq!(
            (of("channel is required"), of("arrived_at is required"), of("source_key must")),
            (1, 1, 1),
            "{problems:?}"
        );
        assert!(Mapping::from_yaml("columns: { sauce_key: x }").unwrap_err()[0].contains("sauce_key"));
        assert!(Mapping::from_yaml("colums: {}").is_err());
        assert!(
            Mapping::from_yaml("time_format: \"%H:%M\"\ncolumns: { source_key: a, channel: b, arrived_at: c }")
                .is_err(),
            "no date"
        );
    }

    #[test]
    fn fields_are_named_in_a_mapping_as_they_name_themselves() {
        for field in Field::ALL {
            assert_eq!(serde_yaml_ng::from_str::<Field>(field.name()).unwrap(), field);
        }
    }

    proptest! {
        #[test]
        fn random_cells_never_panic(cells in prop::collection::vec("\\PC{0,12}|[0-9:.+-]{0,25}", 0..5), format in 0_usize..6) {
            let format = ["", "time_format: epoch_seconds", "time_format: epoch_milliseconds", "time_format: \"%d/%m/%Y %H:%M\"",
                "duration_format: clock", "duration_format: milliseconds"][format];
            let headers = StringRecord::from(vec!["id", "at", "w"]);
            let _ = read_row(&simple(format), &headers, &StringRecord::from(cells));
        }

        #[test]
        fn random_mappings_never_panic(text in "\\PC{0,60}", format in "(%[a-zA-Z0-9:.]|[ /-]){0,6}") {
            let _ = Mapping::from_yaml(&text);
            let _ = Mapping::from_yaml(&format!("time_format: \"{format}\"\ncolumns: {{ source_key: a, channel: b, arrived_at: c }}"));
        }
    }
}
