use super::{Cell, Table};

/// Begins of texts that a spreadsheet takes for a formula, in half and full width, and blanks before which it looks further.
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// A table as CSV of RFC 4180. A text that a spreadsheet would take for a formula begins with an apostrophe, so that nothing
/// that a code can hold is ever run; numbers stay numbers.
#[must_use]
pub fn to_csv(table: &Table) -> Vec<u8> {
    let names = table.columns.iter().map(|(name, _)| harmless(name)).collect::<Vec<_>>();
    let mut out = Vec::new();
    line(&mut out, &names);
    for row in &table.rows {
        line(&mut out, &row.iter().map(cell).collect::<Vec<_>>());
    }
    out
}

fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => harmless(text),
        Cell::Count(count) => count.to_string(),
        Cell::Number(number) if number.is_finite() => number.to_string(),
        Cell::Flag(flag) => flag.to_string(),
        // What is not a number has no place in a file of numbers.
        Cell::Number(_) | Cell::Empty => String::new(),
    }
}

fn harmless(text: &str) -> String {
    if text.trim_start_matches(' ').starts_with(FORMULA) { format!("'{text}") } else { text.to_owned() }
}

fn line(out: &mut Vec<u8>, cells: &[String]) {
    for (at, cell) in cells.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        if cell.contains([',', '"', '\r', '\n', '\t', ';', '\'']) {
            out.push(b'"');
            out.extend_from_slice(cell.replace('"', "\"\"").as_bytes());
            out.push(b'"');
        } else {
            out.extend_from_slice(cell.as_bytes());
        }
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::Column, *};

    const COLUMNS: &[(&str, Column)] = &[("text", Column::Text), ("count", Column::Count), ("value", Column::Number)];

    fn texts() -> impl Strategy<Value = String> {
        prop_oneof![any::<String>(), "[=+@\t\r\n -][ -~]{0,12}", "[\"',;=\r\n]{0,6}"]
    }

    proptest! {
        #[test]
        fn no_cell_begins_as_a_formula_and_every_cell_is_read_back(
            rows in prop::collection::vec((texts(), any::<i64>(), -1e9..1e9_f64), 0..12),
        ) {
            let cells = rows.iter().map(|(text, count, value)| vec![Cell::Text(text.clone()), Cell::Count(*count), Cell::Number(*value)]);
            let file = to_csv(&Table { columns: COLUMNS, rows: cells.collect() });
            let mut reader = csv::ReaderBuilder::new().from_reader(file.as_slice());
            let read: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
            prop_assert_eq!(read.len(), rows.len());
            for (record, (text, count, value)) in read.iter().zip(&rows) {
                prop_assert_eq!(record.len(), 3);
                prop_assert!(!record[0].trim_start_matches(' ').starts_with(FORMULA), "{:?}", &record[0]);
                let meant = record[0].strip_prefix('\'').filter(|rest| *rest == text).unwrap_or(&record[0]);
                prop_assert_eq!(meant, text);
                // Numbers stay numbers, negative ones too.
                prop_assert_eq!(record[1].parse::<i64>().unwrap(), *count);
                prop_assert_eq!(record[2].parse::<f64>().unwrap().to_bits(), value.to_bits());
            }
        }
    }

    #[test]
    fn what_is_not_known_is_an_empty_cell() {
        let row = vec![Cell::Empty, Cell::Flag(true), Cell::Number(f64::NAN)];
        assert_eq!(to_csv(&Table { columns: COLUMNS, rows: vec![row] }), b"text,count,value\r\n,true,\r\n");
    }
}
