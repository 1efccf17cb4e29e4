//! Reports: facts of tickets, questions, rows, and files made of rows.

mod csv;
mod facts;
mod parquet;
mod period;
mod row;
mod table;

pub use csv::to_csv;
pub use facts::{clock_from_wire, clock_to_wire, facts_from_wire};
pub use parquet::{MalformedTable, to_parquet};
pub use period::{Asked, days_from_wire, period_from_wire};
pub use row::{Drawn, RuleText, Rules, draw, figures_to_wire};
pub use table::{Cell, Column, Table};

use crate::report::v1 as wire;

/// The file of an export, in this format.
///
/// # Errors
/// [`MalformedTable`] when the encoder of Parquet fails, which only a fault could make it.
pub fn file(table: &Table, format: wire::ExportFormat) -> Result<Vec<u8>, MalformedTable> {
    match format {
        wire::ExportFormat::Parquet => to_parquet(table),
        wire::ExportFormat::Csv | wire::ExportFormat::Unspecified => Ok(to_csv(table)),
    }
}
