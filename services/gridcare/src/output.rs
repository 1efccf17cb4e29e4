//! Standard output, for results only; progress and complaints go to standard error.

use std::{
    fmt::Display,
    io::{self, IsTerminal as _, Write as _},
};

/// Writes one result, with a line end.
pub(crate) fn line(text: impl Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// Writes a text as it is, such as a table or a movement of the cursor.
pub(crate) fn raw(text: impl Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    write!(out, "{text}")?;
    out.flush()
}

/// Writes a document as it is.
pub(crate) fn bytes(document: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(document)?;
    out.flush()
}

/// Tells something on standard error. When even that fails, nobody is there to be told.
pub(crate) fn tell(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Whether standard output is watched by a person.
pub(crate) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Columns of the terminal; without one, as many as a text wants.
pub(crate) fn width() -> usize {
    console::Term::stdout().size_checked().map_or(usize::MAX, |(_, columns)| usize::from(columns))
}

/// Rows of the terminal; without one, no end of them.
pub(crate) fn height() -> usize {
    console::Term::stdout().size_checked().map_or(usize::MAX, |(rows, _)| usize::from(rows))
}
