use jiff::Timestamp;

use super::governed::{next, rule};
use crate::{
    refusal::{Refusal, RefusalKind, Violation},
    standard::{Locality, Standard},
    ticket::{Governance, Priority, Ticket, missing_fields, settle},
};

/// What a ticket is to be from now on; what is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reclassification {
    /// A code of the standard's categories.
    pub category: Option<String>,
    /// How urgent.
    pub priority: Option<Priority>,
    /// Where the premises are.
    pub locality: Option<Locality>,
    /// Whose queue.
    pub team: Option<String>,
    /// What event clocks count towards or from.
    pub event_at: Option<Timestamp>,
}

/// Refuses a ticket that lacks what its category asks for: without its event, an event clock would not exist, and nobody
/// would see that it is missing.
pub fn check_required(ticket: &Ticket, standard: &Standard) -> Result<(), Refusal> {
    let Some(category) = standard.category(&ticket.category) else { return Ok(()) };
    let missing = missing_fields(ticket, category);
    if missing.is_empty() {
        return Ok(());
    }
    let code = &category.code;
    let cure = format!("category {code} asks for it");
    let violation = |field: &&str| Violation::new(*field, "REQUIRED_BY_CATEGORY", cure.clone());
    let fields = missing.join(", ");
    let message = format!("category {code} asks for {fields}; give it with this request, or open a new ticket with it");
    Err(Refusal {
        violations: missing.iter().map(violation).collect(),
        ..Refusal::new(RefusalKind::Precondition, "REQUIRED_BY_CATEGORY", message)
    })
}

/// The ticket with another category, priority, locality, team or event. Its clocks get the rules that these ask for, and
/// keep the time already spent.
pub fn reclassify(
    ticket: &Ticket,
    to: &Reclassification,
    governance: Governance<'_>,
    now: Timestamp,
) -> Result<Ticket, Refusal> {
    if !ticket.is_open() {
        let message = format!("ticket {} is {}; reopen it before changing what it is", ticket.reference, ticket.state);
        return Err(
            Refusal::new(RefusalKind::Precondition, "TICKET_NOT_OPEN", message).with("state", ticket.state.code())
        );
    }
    let mut next = next(ticket, governance, now);
    if let Some(code) = &to.category {
        let Some(category) = governance.standard.category(code) else {
            let message = format!("{code} is no category of standard {}", governance.standard.version());
            return Err(Refusal::new(RefusalKind::Precondition, "UNKNOWN_CATEGORY", message));
        };
        next.category.clone_from(code);
        next.topic = category.topic;
    }
    next.priority = to.priority.unwrap_or(next.priority);
    next.locality = to.locality.or(next.locality);
    next.team = to.team.clone().or(next.team);
    next.event_at = to.event_at.or(next.event_at);
    if next.category != ticket.category {
        check_required(&next, governance.standard)?;
    }
    let governed_alike = (&next.category, next.priority, next.locality, next.event_at)
        == (&ticket.category, ticket.priority, ticket.locality, ticket.event_at);
    if !governed_alike {
        rule(&mut next, governance, now.as_microsecond());
    }
    settle(&mut next, governance);
    Ok(next)
}
