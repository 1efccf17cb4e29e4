//! Reads a table of customers: rows of one code that stand together are one customer.

use std::{
    collections::HashSet,
    fs::File,
    hash::{BuildHasher as _, RandomState},
    io::{Read as _, Seek as _},
};

use csv::{ByteRecord, Position, StringRecord};
use gridcare_domain::{
    customer::{Customer, Heading, Row, join, settle},
    refusal::Violation,
};
use jiff::tz::TimeZone;

/// A row of the file.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) number: u64,
    pub(super) cells: ByteRecord,
}

/// All rows of one customer.
pub(super) struct Group {
    pub(super) lines: Vec<Line>,
    /// The customer, or what is wrong: the place among its rows, and why.
    pub(super) customer: Result<Customer, Vec<(usize, String)>>,
    /// The byte of the file at which the next one begins.
    pub(super) end: u64,
}

/// A table that is being read.
pub(super) struct Reader {
    csv: csv::Reader<File>,
    heading: Heading,
    pub(super) heading_cells: ByteRecord,
    pub(super) delimiter: u8,
    /// The first row of the next customer.
    ahead: Option<(Line, u64)>,
    /// Fingerprints of the codes that have been read, to notice rows of one customer that stand apart.
    seen: HashSet<u64>,
    hasher: RandomState,
}

/// The delimiter of a table: of the usual ones, the one that its heading has most of.
pub(super) fn delimiter(first_bytes: &[u8]) -> u8 {
    let heading = first_bytes.split(|byte| *byte == b'\n' || *byte == b'\r').next().unwrap_or_default();
    let mut quoted = false;
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0), (b'|', 0)];
    for byte in heading {
        quoted ^= *byte == b'"';
        for (delimiter, count) in counts.iter_mut().filter(|(delimiter, _)| !quoted && delimiter == byte) {
            let _ = delimiter;
            *count += 1;
        }
    }
    // Of equal counts the first stands.
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| *delimiter)
}

impl Reader {
    /// Begins to read; the heading must be sound.
    pub(super) fn open(mut file: File, zone: TimeZone) -> Result<Self, String> {
        let failed = |error: &dyn std::error::Error| format!("it cannot be read: {error}");
        let mut first = vec![0; 16 * 1024];
        file.rewind().map_err(|error| failed(&error))?;
        let length = file.read(&mut first).map_err(|error| failed(&error))?;
        let delimiter = delimiter(&first[..length]);
        file.rewind().map_err(|error| failed(&error))?;
        let mut csv = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(file);
        let heading_cells = csv.byte_headers().map_err(|error| failed(&error))?.clone();
        let names = StringRecord::from_byte_record(heading_cells.clone())
            .map_err(|_| "the heading is not UTF-8; save the table as CSV UTF-8".to_owned())?;
        let heading = Heading::read(&names, zone).map_err(|problems| problems.join("; "))?;
        let hasher = RandomState::new();
        Ok(Self { csv, heading, heading_cells, delimiter, ahead: None, seen: HashSet::new(), hasher })
    }

    /// The next customer; none at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<Group>, String> {
        let Some((first, _)) = self.take()? else { return Ok(None) };
        let code = self.code(&first);
        let mut lines = vec![first];
        let mut end = self.csv.position().byte();
        while let Some((line, begins)) = self.take()? {
            if code.is_empty() || self.code(&line) != code {
                end = begins;
                self.ahead = Some((line, begins));
                break;
            }
            lines.push(line);
            end = self.csv.position().byte();
        }
        let apart = !code.is_empty() && !self.seen.insert(self.hasher.hash_one(&code));
        let customer = if apart {
            let cure = "code: rows of this customer stand apart; sort the table by code";
            Err(vec![(0, cure.to_owned())])
        } else {
            self.customer(&lines)
        };
        Ok(Some(Group { lines, customer, end }))
    }

    fn take(&mut self) -> Result<Option<(Line, u64)>, String> {
        if let Some(ahead) = self.ahead.take() {
            return Ok(Some(ahead));
        }
        let mut cells = ByteRecord::new();
        if !self.csv.read_byte_record(&mut cells).map_err(|error| format!("it cannot be read: {error}"))? {
            return Ok(None);
        }
        let (number, begins) = cells.position().map_or((0, 0), |at: &Position| (at.line(), at.byte()));
        Ok(Some((Line { number, cells }, begins)))
    }

    fn code(&self, line: &Line) -> String {
        StringRecord::from_byte_record(line.cells.clone()).map(|cells| self.heading.code(&cells)).unwrap_or_default()
    }

    fn customer(&self, lines: &[Line]) -> Result<Customer, Vec<(usize, String)>> {
        let mut found = Vec::new();
        let mut rows: Vec<Row> = Vec::with_capacity(lines.len());
        let told = |v: Violation| format!("{}: {}", v.field, v.description);
        for (at, line) in lines.iter().enumerate() {
            match StringRecord::from_byte_record(line.cells.clone()) {
                Err(_) => found.push((at, "the row is not UTF-8".to_owned())),
                Ok(cells) => match self.heading.row(&cells) {
                    Ok(row) => rows.push(row),
                    Err(violations) => found.extend(violations.into_iter().map(|violation| (at, told(violation)))),
                },
            }
        }
        if !found.is_empty() {
            return Err(found);
        }
        let joined = join(rows).map_err(|found| found.into_iter().map(|e| (e.row, e.text)).collect::<Vec<_>>())?;
        let kinds: Vec<_> = joined.draft.contact_points.iter().map(|point| point.kind).collect();
        settle(joined.draft.clone(), "").map_err(|violations| {
            let explained = violations.iter().map(|violation| joined.explain(violation, &kinds));
            explained.map(|e| (e.row, e.text)).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<Group>, String> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        let mut reader = Reader::open(file, TimeZone::UTC)?;
        let mut groups = Vec::new();
        while let Some(group) = reader.next()? {
            groups.push(group);
        }
        Ok(groups)
    }

    #[test]
    fn a_table_of_any_spreadsheet_is_read() {
        for text in [
            "code,name,phone\nPE01000000001,\"Lê, Lan\",0901234567\n",
            "\u{feff}code;name;phone\r\nPE01000000001;\"Lê, Lan\";0901234567\r\n",
            "code\tname\tphone\nPE01000000001\tLê, Lan\t0901234567",
            "\u{feff}Mã khách hàng|Tên khách hàng|Điện thoại\nPE01000000001|Lê, Lan|0901234567\n",
        ] {
            let groups = read(text.as_bytes()).unwrap();
            let customer = groups[0].customer.as_ref().unwrap();
            assert_eq!((groups.len(), customer.name.as_str()), (1, "Lê, Lan"), "{text}");
            assert_eq!(customer.contact_points[0].value, "+84901234567");
        }
    }

    #[test]
    fn rows_that_stand_together_are_one_customer_and_those_apart_are_refused() {
        let text = "code,name,premises,feeder\n\
            PE01000000001,Lan,1,471\npe01000000001,,2,472\nPE01000000002,Hoa,,\nPE01000000001,,3,473\n";
        let groups = read(text.as_bytes()).unwrap();
        assert_eq!(groups.iter().map(|group| group.lines.len()).collect::<Vec<_>>(), [2, 1, 1]);
        assert_eq!(groups[0].customer.as_ref().unwrap().premises.len(), 2);
        assert_eq!(groups[0].lines[1].number, 3);
        let refused = groups[2].customer.as_ref().unwrap_err();
        assert!(refused[0].1.contains("stand apart"), "{refused:?}");
        let starts: Vec<_> = groups.iter().map(|group| &text[usize::try_from(group.end).unwrap()..]).collect();
        assert!(
            starts[0].starts_with("PE01000000002") && starts[1].starts_with("PE01000000001,,3") && starts[2].is_empty()
        );
    }

    #[test]
    fn bad_rows_are_told_by_column_and_row_and_a_bad_heading_at_once() {
        let text = b"code,name,premises,province\nPE01000000001,Lan,1,VN-SG\nPE01000000001,,2,VN-99\n\xff,\xff,,\nPE01000000003\n";
        let groups = read(text).unwrap();
        let told: Vec<_> = groups.iter().map(|group| group.customer.as_ref().unwrap_err()[0].clone()).collect();
        assert_eq!((told[0].0, told[0].1.starts_with("province: ")), (1, true), "{told:?}");
        assert_eq!(told[1].1, "the row is not UTF-8");
        assert!(told[2].1.starts_with("row: 1 cells where the heading has 4"), "{told:?}");
        let refused = read(b"code,nmae\n").err().unwrap();
        assert!(refused.contains("did you mean name?"), "{refused}");
    }
}
