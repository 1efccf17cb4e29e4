use unicode_width::UnicodeWidthStr as _;

use crate::status::pad;

/// Rows under their heads, as wide as the widest of each column; columns of numbers stand to the right.
pub(super) fn table(heads: Vec<String>, rows: Vec<Vec<String>>, numbers: &[usize]) -> String {
    let columns = heads.len();
    let rows: Vec<_> = std::iter::once(heads).chain(rows).collect();
    let widths: Vec<_> =
        (0..columns).map(|column| rows.iter().map(|row| row[column].width()).max().unwrap_or(0)).collect();
    let mut out = String::new();
    for (at, row) in rows.iter().enumerate() {
        let cells = row.iter().zip(&widths).enumerate();
        let cells: Vec<_> = cells.map(|(at, (cell, width))| pad(cell, *width, numbers.contains(&at))).collect();
        out.push_str(cells.join("  ").trim_end());
        out.push('\n');
        if at == 0 {
            out.push_str(&"─".repeat(widths.iter().sum::<usize>() + 2 * columns.saturating_sub(1)));
            out.push('\n');
        }
    }
    out
}
