/// Closed lists of codes.
pub mod code;
/// Contacts.
pub mod contact;
/// Customers and their premises.
pub mod customer;
/// Cursors, capabilities and entries of feeds.
pub mod feed;
/// Counts, sketches and buckets.
pub mod metric;
/// Notices and their revisions.
pub mod notice;
/// Outages.
pub mod outage;
/// Reliability of supply.
pub mod reliability;
/// Reports about tickets, and the files that are made of them.
pub mod report;
/// Bundles of rules, and what nodes say of them.
pub mod standard;
/// Tickets and their timelines.
pub mod ticket;
/// Times and durations.
pub mod time;
