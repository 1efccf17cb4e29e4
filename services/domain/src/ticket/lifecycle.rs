use jiff::Timestamp;

use crate::{
    refusal::{Refusal, RefusalKind},
    ticket::{State, Ticket},
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
pub fn transition(ticket: &Ticket, to: State, now: Timestamp) -> Result<Ticket, Refusal> {
    if ticket.state == to || !allowed(ticket.state).contains(&to) {
        return Err(illegal(ticket, to));
    }
    let mut next = ticket.clone();
    next.state = to;
    touch(&mut next, now);
    match to {
        State::Resolved => next.resolved_at = Some(now),
        State::Closed | State::Cancelled => next.closed_at = Some(now),
        State::Reopened => (next.resolved_at, next.closed_at) = (None, None),
        _ => {}
    }
    Ok(next)
}

/// The ticket given to `assignee`. A new or reopened one becomes assigned; a finished one is refused.
pub fn assign(ticket: &Ticket, assignee: &str, now: Timestamp) -> Result<Ticket, Refusal> {
    let mut next = match ticket.state {
        State::New | State::Reopened => transition(ticket, State::Assigned, now)?,
        State::Resolved | State::Closed | State::Cancelled => return Err(illegal(ticket, State::Assigned)),
        _ => {
            let mut same = ticket.clone();
            touch(&mut same, now);
            same
        }
    };
    next.assignee = Some(assignee.to_owned());
    Ok(next)
}

/// The ticket open again.
pub fn reopen(ticket: &Ticket, now: Timestamp) -> Result<Ticket, Refusal> {
    transition(ticket, State::Reopened, now)
}

fn touch(ticket: &mut Ticket, now: Timestamp) {
    ticket.version += 1;
    // A clock that steps back must not make a ticket older than it was.
    ticket.updated_at = ticket.updated_at.max(now);
}

fn illegal(ticket: &Ticket, to: State) -> Refusal {
    let allowed: Vec<_> = allowed(ticket.state).iter().map(|s| s.code()).collect();
    let may = if allowed.is_empty() { "nothing".to_owned() } else { allowed.join(", ") };
    let message = format!("ticket {} is {}; from there it may become {may}, not {to}", ticket.reference, ticket.state);
    Refusal::new(RefusalKind::Precondition, "ILLEGAL_TRANSITION", message)
        .with("state", ticket.state.code())
        .with("allowed", may)
}
