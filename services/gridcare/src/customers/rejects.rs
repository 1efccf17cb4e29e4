//! Rows that were not taken: told on standard error, and written to a file for whoever mends them.

use std::{fs::File, path::PathBuf};

use csv::{ByteRecord, Writer};

/// One row that was not taken.
pub(super) struct Reject<'a> {
    pub(super) line: u64,
    pub(super) cells: &'a ByteRecord,
    pub(super) reason: &'a str,
}

/// The file of rows that were not taken: the columns of the table, and before them the line and the reason.
pub(super) struct Rejects {
    path: PathBuf,
    delimiter: u8,
    heading: ByteRecord,
    /// Made at the first row, so that a sound import leaves no empty file.
    out: Option<Writer<File>>,
}

impl Rejects {
    pub(super) fn new(path: PathBuf, delimiter: u8, heading: ByteRecord) -> Self {
        Self { path, delimiter, heading, out: None }
    }

    pub(super) fn write(&mut self, reject: &Reject<'_>) -> Result<(), String> {
        let written = self.try_write(reject);
        written.map_err(|error| format!("cannot write {}: {error}", self.path.display()))
    }

    fn try_write(&mut self, reject: &Reject<'_>) -> csv::Result<()> {
        let out = match &mut self.out {
            Some(out) => out,
            none => {
                let mut out =
                    csv::WriterBuilder::new().delimiter(self.delimiter).flexible(true).from_path(&self.path)?;
                out.write_byte_record(&before(["line", "reason"].map(str::as_bytes), &self.heading))?;
                none.insert(out)
            }
        };
        let line = reject.line.to_string();
        out.write_byte_record(&before([line.as_bytes(), reject.reason.as_bytes()], reject.cells))?;
        out.flush()?;
        Ok(())
    }
}

fn before(first: [&[u8]; 2], cells: &ByteRecord) -> ByteRecord {
    first.into_iter().chain(cells.iter()).collect()
}
