//! A table of cells, as wide on the screen as its widest ones.

use unicode_width::UnicodeWidthStr as _;

/// What stands in one cell of the national table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cell {
    /// A figure.
    Number(u64),
    /// The channel did not exist.
    NotOffered,
    /// Nobody gives the figure.
    NotReported,
    /// It is given, and was never received.
    Unknown,
    /// How many regions a figure covers.
    Share(u32, u32),
}

/// Fills up with blanks to a width on the screen, which is not the number of characters.
pub(crate) fn pad(text: &str, width: usize, right: bool) -> String {
    let blanks = " ".repeat(width.saturating_sub(text.width()));
    if right { format!("{blanks}{text}") } else { format!("{text}{blanks}") }
}

/// Cuts to a width on the screen, with a mark that something is missing.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    for character in text.chars() {
        if kept.width() + unicode_width::UnicodeWidthChar::width(character).unwrap_or(0) >= width {
            break;
        }
        kept.push(character);
    }
    kept.push('…');
    kept
}

/// Columns side by side: two lines of heading, a rule, and rows; the first column to the left, numbers to the right.
pub(super) struct Grid {
    /// Over several columns: how many, and the text.
    pub(super) groups: Vec<(usize, String)>,
    pub(super) heads: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
    /// Rows at the end that stand below a second rule.
    pub(super) sums: usize,
    /// Blanks between columns.
    pub(super) gap: usize,
}

impl Grid {
    /// The lines of the table.
    pub(super) fn lines(&self) -> Vec<String> {
        let widths = self.widths();
        let gap = " ".repeat(self.gap);
        let line = |cells: &[String]| {
            let cells = cells.iter().zip(&widths).enumerate();
            let cells: Vec<_> = cells.map(|(at, (cell, width))| pad(cell, *width, at > 0)).collect();
            cells.join(&gap).trim_end().to_owned()
        };
        let mut first = 0;
        let groups = self.groups.iter().map(|(columns, text)| {
            let width = self.span(&widths[first..first + columns]);
            first += columns;
            let blanks = width.saturating_sub(text.width());
            // In the middle of several columns, and above the numbers of one.
            let before = if *columns > 1 { blanks / 2 } else { blanks };
            pad(&format!("{}{text}", " ".repeat(before)), width, false)
        });
        let groups: Vec<_> = groups.collect();
        let rule = "─".repeat(self.span(&widths));
        let mut lines = vec![groups.join(&gap).trim_end().to_owned(), line(&self.heads), rule.clone()];
        for (at, row) in self.rows.iter().enumerate() {
            if at + self.sums == self.rows.len() {
                lines.push(rule.clone());
            }
            lines.push(line(row));
        }
        lines
    }

    /// How wide it is.
    pub(super) fn width(&self) -> usize {
        self.span(&self.widths())
    }

    fn span(&self, widths: &[usize]) -> usize {
        widths.iter().sum::<usize>() + self.gap * widths.len().saturating_sub(1)
    }

    /// Each column as wide as its widest cell; a heading over several columns widens the last of them.
    fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = self.heads.iter().map(|head| head.width()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        let mut first = 0;
        for (columns, text) in &self.groups {
            let end = first + columns;
            let missing = text.width().saturating_sub(self.span(&widths[first..end]));
            if let Some(last) = widths[first..end].last_mut() {
                *last += missing;
            }
            first = end;
        }
        widths
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn width_is_counted_as_the_screen_shows_it() {
        // The second text has the same letters with marks that take no room.
        assert_eq!(pad("Đơn vị", 8, true), "  Đơn vị");
        assert_eq!(pad("Đơn vi\u{323}", 8, false), "Đơn vi\u{323}  ");
        assert_eq!(cut("Đã trả lời", 6), "Đã tr…");
        assert_eq!(cut("Đã", 6), "Đã");
    }

    #[test]
    fn a_heading_over_columns_is_never_wider_than_they_are() {
        let text = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let grid = Grid {
            groups: vec![(1, String::new()), (2, "a long heading".to_owned())],
            heads: text(&["x", "y", "z"]),
            rows: vec![text(&["one", "1", "22"]), text(&["sum", "1", "22"])],
            sums: 1,
            gap: 1,
        };
        let lines = grid.lines();
        assert_eq!(lines[0], "    a long heading");
        assert_eq!(lines[3], "one 1           22");
        assert_eq!(lines[4], lines[2]);
        assert_eq!(grid.width(), 18);
    }
}
