//! Pure rules of Gridcare: no async, no I/O, no clock, no randomness. `now` and ids come in as values.

/// What a node says of bundles of rules, and which of them is in force when.
pub mod acknowledgement;
/// Who gets a ticket.
pub mod assignment;
/// Whom a notice concerns.
pub mod audience;
/// Bills, as far as a care node asks for them.
pub mod billing;
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
/// Customers, how they may be reached, and where they are supplied.
pub mod customer;
/// Codes of customers, and their pseudonyms.
pub mod customer_code;
/// Messages to recipients, and their receipts.
pub mod delivery;
/// Documents that others read, as JSON and as XML.
pub mod document;
/// The ordered, gap-free log of a node, and what reading it requires.
pub mod feed;
/// What customers write by SMS, and what it asks for.
pub mod keyword;
/// Buckets, sketches and figures.
pub mod metric;
/// What is told to those whom it concerns.
pub mod notice;
/// Open311 GeoReport v2, as other systems ask for and follow requests.
pub mod open311;
/// Losses of supply: where, why, until when.
pub mod outage;
/// Provinces by ISO 3166-2 code.
pub mod province;
/// References of tickets.
pub mod reference;
/// Expected noes.
pub mod refusal;
/// Reliability of supply, by IEEE 1366.
pub mod reliability;
/// What reports say of tickets.
pub mod report;
/// Who serves which customer, and since when.
pub mod routing;
/// Text messages: alphabets, lengths and parts.
pub mod sms_text;
/// Dated, signed rules that all share.
pub mod standard;
/// Text: normal form, folding, words.
pub mod text;
/// Cases that customers open and agents work.
pub mod ticket;
/// The closed list of topics.
pub mod topic;
