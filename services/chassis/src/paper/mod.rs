//! Printed notices as pages: A4, in the margins and sizes of Decree 30/2020/NĐ-CP, as PDF.
//!
//! The same print gives the same bytes. Fonts travel in the binary and, as far as they are used, in the document; what is
//! shown can be selected, searched and copied as it was written. Scripts that join their letters or run from right to left
//! are shown letter by letter.

mod embed;
mod font;
mod layout;
#[cfg(test)]
mod tests;
mod write;

use gridcare_domain::notice::printed::Printed;

/// The pages of a print.
///
/// # Panics
/// Never: the fonts are part of the program, and a test reads them.
#[must_use]
pub fn pdf(printed: &Printed) -> Vec<u8> {
    write::document(printed, &layout::pages(printed))
}
