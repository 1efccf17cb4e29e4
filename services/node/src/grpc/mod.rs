//! Thin: a request is checked whole, a flow runs, its answer goes out.

mod contact;
mod customer;
mod delivery;
mod feed;
mod grouping;
mod landing;
mod metric;
mod notice;
mod outage;
mod page;
mod reliability;
mod report;
mod schedule;
mod sms;
mod standard;
mod team;
mod ticket;

use gridcare_chassis::status::{fault, refuse};
use gridcare_domain::refusal::{Refusal, RefusalKind, Violation};
use gridcare_store::{StoreError, writer::Answer};
use prost::Message;
use tonic::{Response, Status};

pub(crate) use self::{schedule::calendar_routes, ticket::opening};
use crate::SharedNode;

/// `TicketService`.
pub(crate) struct Tickets(pub(crate) SharedNode);
/// `TeamService`.
pub(crate) struct Teams(pub(crate) SharedNode);
/// `ContactService`.
pub(crate) struct Contacts(pub(crate) SharedNode);
/// `CustomerService`.
pub(crate) struct Customers(pub(crate) SharedNode);
/// `MetricService`.
pub(crate) struct Metrics(pub(crate) SharedNode);
/// `StandardService`.
pub(crate) struct Standards(pub(crate) SharedNode);
/// `OutageService`.
pub(crate) struct Outages(pub(crate) SharedNode);
/// `ReportGroupingService`.
pub(crate) struct Grouping(pub(crate) SharedNode);
/// `ReliabilityService`.
pub(crate) struct Reliabilities(pub(crate) SharedNode);
/// `SupplyScheduleService`.
pub(crate) struct Schedules(pub(crate) SharedNode);
/// `SmsService`.
pub(crate) struct Messages(pub(crate) SharedNode);
/// `NoticeService`.
pub(crate) struct Notices(pub(crate) SharedNode);
/// `NoticeLandingService`.
pub(crate) struct Landings(pub(crate) SharedNode);
/// `DeliveryService`.
pub(crate) struct Deliveries(pub(crate) SharedNode);
/// `ReportService`.
pub(crate) struct Reports(pub(crate) SharedNode);
/// `FeedService`.
pub(crate) struct Feed(pub(crate) SharedNode);

/// A store's failure: shutting down and an absent database are told apart from what nobody expected.
fn failed(error: &StoreError) -> Status {
    match error {
        StoreError::Stopped => refuse(&Refusal::new(
            RefusalKind::Unavailable,
            "SHUTTING_DOWN",
            "this process is shutting down; try again at another replica",
        )),
        away if away.is_away() => {
            tracing::warn!(error = away as &dyn std::error::Error, "the database is away");
            let message = "the database of this node is away; try again with the same request_id";
            let mut refusal = Refusal::new(RefusalKind::Unavailable, "DATABASE_AWAY", message);
            refusal.retry_after = Some(std::time::Duration::from_secs(1));
            refuse(&refusal)
        }
        other => fault(other),
    }
}

/// The stored answer of a mutation, as its response.
fn answered<M: Message + Default>(answer: Answer) -> Result<Response<M>, Status> {
    let bytes = answer.map_err(|e| failed(&e))?.map_err(|refusal| refuse(&refusal))?;
    M::decode(bytes.as_slice()).map(Response::new).map_err(|e| fault(&e))
}

/// Nothing when there is no violation; else the refusal that names them all.
fn refuse_if(found: Vec<Violation>) -> Result<(), Status> {
    if found.is_empty() { Ok(()) } else { Err(refuse(&Refusal::invalid(found))) }
}

/// The codes of a list, each once. A list longer than any list of codes is refused whole, so that nobody can make a
/// small request cost much.
fn codes<G, C: PartialEq>(
    field: &str,
    given: &[G],
    read: impl Fn(&G) -> Option<C>,
    found: &mut Vec<Violation>,
) -> Vec<C> {
    const MOST: usize = 64;
    let mut codes = Vec::new();
    if given.len() > MOST {
        found.push(Violation::new(field, "TOO_MANY", format!("give at most {MOST} codes, each once")));
        return codes;
    }
    for (i, one) in given.iter().enumerate() {
        match read(one) {
            Some(code) if codes.contains(&code) => {}
            Some(code) => codes.push(code),
            None => found.push(Violation::new(format!("{field}[{i}]"), "UNKNOWN_CODE", "give a code of this version")),
        }
    }
    codes
}

/// A version from an etag; an empty one asks for no comparison.
fn version_of(etag: &str, found: &mut Vec<Violation>) -> Option<i64> {
    if etag.is_empty() {
        return None;
    }
    let version = etag.strip_prefix('v').and_then(|digits| digits.parse().ok());
    if version.is_none() {
        found.push(Violation::new("etag", "MALFORMED", "give the etag as it was read, or none"));
    }
    version
}
