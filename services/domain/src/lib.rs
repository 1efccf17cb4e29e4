//! Pure rules of Gridcare: no async, no I/O, no clock, no randomness. `now` and ids come in as values.

/// Who gets a ticket.
pub mod assignment;
/// Working hours: spans of local days, holidays and exceptions, and counting within them.
pub mod calendar;
/// What a node offers and reports, by channel, metric and date.
pub mod capability;
/// Deadlines of a ticket, and why they are what they are.
pub mod clock;
/// Which members an answer covers, and as of when.
pub mod completeness;
/// Calls, messages, visits and letters.
pub mod contact;
/// Codes of customers, and their pseudonyms.
pub mod customer_code;
/// The ordered, gap-free log of a node, and what reading it requires.
pub mod feed;
/// Buckets, sketches and figures.
pub mod metric;
/// Provinces by ISO 3166-2 code.
pub mod province;
/// References of tickets.
pub mod reference;
/// Expected noes.
pub mod refusal;
/// Texts with placeholders, in two languages.
pub mod template;
/// Text: normal form, folding, words.
pub mod text;
/// Cases that customers open and agents work.
pub mod ticket;
/// The closed list of topics.
pub mod topic;
