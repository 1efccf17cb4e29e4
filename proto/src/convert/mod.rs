/// Closed lists of codes.
pub mod code;
/// Contacts.
pub mod contact;
/// Cursors, capabilities and entries of feeds.
pub mod feed;
/// Counts, sketches and buckets.
pub mod metric;
/// Reports about tickets, and the files that are made of them.
pub mod report;
/// Tickets and their timelines.
pub mod ticket;
/// Times and durations.
pub mod time;
