use jiff::Timestamp;

use super::governed::{mode_of, next, rule};
use crate::{
    refusal::{Refusal, RefusalKind},
    ticket::{Governance, Repetition, State, Ticket, settle},
};

/// The states that may follow `from`.
#[must_use]
pub const fn allowed(from: State) -> &'static [State] {
    use State::{Assigned, Cancelled, Closed, InProgress, New, Reopened, Resolved, WaitingCustomer, WaitingThirdParty};
    match from {
        New | Reopened => &[Assigned, InProgress, WaitingCustomer, WaitingThirdParty, Resolved, Cancelled],
        Assigned => &[New, InProgress, WaitingCustomer, WaitingThirdParty, Resolved, Cancelled],
        InProgress => &[Assigned, WaitingCustomer, WaitingThirdParty, Resolved, Cancelled],
        WaitingCustomer | WaitingThirdParty => {
            &[Assigned, InProgress, WaitingCustomer, WaitingThirdParty, Resolved, Cancelled]
        }
        Resolved => &[Closed, Reopened],
        Closed => &[Reopened],
        Cancelled => &[],
    }
}

/// The ticket in state `to`, or a refusal that names its state and what is allowed.
pub fn transition(ticket: &Ticket, to: State, governance: Governance<'_>, now: Timestamp) -> Result<Ticket, Refusal> {
    if ticket.state == to || !allowed(ticket.state).contains(&to) {
        return Err(illegal(ticket, to));
    }
    let mut next = next(ticket, governance, now);
    enter(&mut next, to, governance, now);
    settle(&mut next, governance);
    Ok(next)
}

/// Moves to a state that is known to be allowed.
fn enter(ticket: &mut Ticket, to: State, governance: Governance<'_>, now: Timestamp) {
    let at = now.as_microsecond();
    ticket.state = to;
    match to {
        State::Resolved => {
            ticket.resolved_at = Some(now);
            // An answer that settles the matter is an answer.
            ticket.first_response_at = ticket.first_response_at.or(Some(now));
        }
        State::Closed => ticket.closed_at = Some(now),
        State::Cancelled => {
            ticket.closed_at = Some(now);
            ticket.clocks.void(at);
            return;
        }
        State::Reopened => {
            // Whoever has a ticket reopened has come back about it, unless it is known already that they had not in time.
            ticket.repetition = ticket.repetition.or(Some(Repetition::Repeated));
            (ticket.resolved_at, ticket.closed_at) = (None, None);
            ticket.clocks.mode(mode_of(to), at);
            // What was closed kept its stamp; what is open again is governed by what is in force.
            if ticket.standard != governance.standard.version() {
                rule(ticket, governance, at);
                governance.standard.version().clone_into(&mut ticket.standard);
            }
            return;
        }
        State::New => ticket.assignee = None,
        _ => {}
    }
    ticket.clocks.mode(mode_of(to), at);
}

/// The ticket given to `assignee`. A new or reopened one becomes assigned; a finished one is refused.
pub fn assign(ticket: &Ticket, assignee: &str, governance: Governance<'_>, now: Timestamp) -> Result<Ticket, Refusal> {
    let mut given = match ticket.state {
        State::New | State::Reopened => transition(ticket, State::Assigned, governance, now)?,
        State::Resolved | State::Closed | State::Cancelled => return Err(illegal(ticket, State::Assigned)),
        _ => next(ticket, governance, now),
    };
    given.assignee = Some(assignee.to_owned());
    settle(&mut given, governance);
    Ok(given)
}

/// The ticket taken by `agent`, unless somebody else has it: of several who claim at once one wins, and the others are
/// told who.
pub fn claim(ticket: &Ticket, agent: &str, governance: Governance<'_>, now: Timestamp) -> Result<Ticket, Refusal> {
    match &ticket.assignee {
        Some(holder) if ticket.is_open() && holder != agent => {
            let message = format!("ticket {} is already with {holder}; claim another", ticket.reference);
            Err(Refusal::new(RefusalKind::Conflict, "ALREADY_CLAIMED", message).with("assignee", holder.clone()))
        }
        _ => assign(ticket, agent, governance, now),
    }
}

/// The ticket open again.
pub fn reopen(ticket: &Ticket, governance: Governance<'_>, now: Timestamp) -> Result<Ticket, Refusal> {
    transition(ticket, State::Reopened, governance, now)
}

/// The ticket after a public answer of the corporation.
#[must_use]
pub fn replied(ticket: &Ticket, governance: Governance<'_>, now: Timestamp) -> Ticket {
    let mut next = next(ticket, governance, now);
    next.first_response_at = next.first_response_at.or(Some(now));
    next.clocks.replied(now.as_microsecond());
    settle(&mut next, governance);
    next
}

/// The ticket after the customer wrote again. What waited for the customer waits no longer.
#[must_use]
pub fn asked(ticket: &Ticket, governance: Governance<'_>, now: Timestamp) -> Ticket {
    let mut next = next(ticket, governance, now);
    if next.state == State::WaitingCustomer {
        enter(&mut next, State::InProgress, governance, now);
    }
    if next.is_open() {
        let rule = governance.standard.next_response_rule(&Governance::subject(&next));
        next.clocks.asked(rule.as_ref(), now.as_microsecond());
    }
    settle(&mut next, governance);
    next
}

/// The ticket after what its event clocks wait for was done.
pub fn fulfil(ticket: &Ticket, governance: Governance<'_>, now: Timestamp) -> Result<Ticket, Refusal> {
    if ticket.event_at.is_none() {
        let message = format!("ticket {} has no event; give it event_at first", ticket.reference);
        return Err(Refusal::new(RefusalKind::Precondition, "NO_EVENT", message));
    }
    let mut next = next(ticket, governance, now);
    next.clocks.happened(now.as_microsecond());
    settle(&mut next, governance);
    Ok(next)
}

pub(super) fn illegal(ticket: &Ticket, to: State) -> Refusal {
    let allowed: Vec<_> = allowed(ticket.state).iter().map(|s| s.code()).collect();
    let may = if allowed.is_empty() { "nothing".to_owned() } else { allowed.join(", ") };
    let message = format!("ticket {} is {}; from there it may become {may}, not {to}", ticket.reference, ticket.state);
    Refusal::new(RefusalKind::Precondition, "ILLEGAL_TRANSITION", message)
        .with("state", ticket.state.code())
        .with("allowed", may)
}
