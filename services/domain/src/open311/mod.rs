//! Open311 GeoReport v2: services are the categories of the standard, requests are tickets. Where somebody lives and what they
//! wrote goes in and never comes out: GET shows codes, states and times alone.

mod form;
mod report;
mod service;

use jiff::{Timestamp, tz::TimeZone};

pub use form::{Form, FormError, MOST_BYTES, MOST_FIELDS};
pub use report::{Place, Report};
pub use service::{definition, services};

use crate::{
    customer::Language,
    document::{Value, local},
    standard::Standard,
    ticket::{State, Ticket},
};

/// When these documents changed last.
pub const CHANGESET: &str = "2026-11-26T00:00:00+07:00";
/// Requests that one call may name.
pub const MOST_NAMED: usize = 100;
/// Most requests of one answer, as the specification has it.
pub const MOST_REQUESTS: usize = 1_000;
/// Longest period of one answer, in days, as the specification has it.
pub const MOST_DAYS: i64 = 90;

/// One thing that is wrong with a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The status of HTTP that it deserves.
    pub code: u16,
    /// What to do.
    pub description: String,
}

impl Fault {
    /// A fault with its code.
    pub fn new(code: u16, description: impl Into<String>) -> Self {
        Self { code, description: description.into() }
    }
}

/// The document of what is wrong.
#[must_use]
pub fn errors(faults: &[Fault]) -> Value {
    let one = |fault: &Fault| {
        Value::Object(vec![
            ("code", Value::Number(i64::from(fault.code))),
            ("description", Value::text(&fault.description)),
        ])
    };
    Value::List("error", faults.iter().map(one).collect())
}

/// Whether a request is open or closed.
#[must_use]
pub const fn is_open(state: State) -> bool {
    !matches!(state, State::Resolved | State::Closed | State::Cancelled)
}

/// The document of requests.
#[must_use]
pub fn requests(tickets: &[Ticket], standard: &Standard, agency: &str, language: Language, zone: &TimeZone) -> Value {
    let time = |at: Timestamp| Value::text(local(at, zone));
    let one = |ticket: &Ticket| {
        let category = standard.category(&ticket.category);
        let name = category.map_or_else(
            || if language == Language::En { ticket.topic.name_en() } else { ticket.topic.name_vi() },
            |category| service::name(category, language),
        );
        let expected = ticket.deadline_us.filter(|_| is_open(ticket.state));
        Value::Object(vec![
            ("service_request_id", Value::text(ticket.reference.to_string())),
            ("status", Value::text(if is_open(ticket.state) { "open" } else { "closed" })),
            ("status_notes", Value::text(ticket.state.code())),
            ("service_name", Value::text(name)),
            ("service_code", Value::text(&ticket.category)),
            ("description", Value::None),
            ("agency_responsible", Value::text(agency)),
            ("service_notice", Value::None),
            ("requested_datetime", time(ticket.opened_at)),
            ("updated_datetime", time(ticket.updated_at)),
            ("expected_datetime", Value::or_none(expected.and_then(|us| Timestamp::from_microsecond(us).ok()), time)),
            ("address", Value::None),
            ("address_id", Value::None),
            ("zipcode", Value::None),
            ("lat", Value::None),
            ("long", Value::None),
            ("media_url", Value::None),
        ])
    };
    Value::List("request", tickets.iter().map(one).collect())
}

/// What whoever asks for a service is told.
#[must_use]
pub fn accepted(reference: &str) -> Value {
    let one = Value::Object(vec![
        ("service_request_id", Value::text(reference)),
        ("service_notice", Value::None),
        ("account_id", Value::None),
    ]);
    Value::List("request", vec![one])
}

/// The request behind a token.
#[must_use]
pub fn token(token: &str, reference: &str) -> Value {
    let one = Value::Object(vec![("service_request_id", Value::text(reference)), ("token", Value::text(token))]);
    Value::List("request", vec![one])
}
