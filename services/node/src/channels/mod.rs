//! How contacts of each channel come in: readers of what other systems write. No I/O here; the import feeds them.

pub mod hotline;
pub mod table;
