use jiff::Timestamp;

use super::governed::{next, settle};
use crate::{
    customer_code::CustomerCode,
    refusal::{Refusal, RefusalKind},
    ticket::{Governance, Repetition, State, Ticket},
};

/// The ticket with what the customer said of it, 1 to 5; said again, the last word counts.
pub fn rate(ticket: &Ticket, score: i64, governance: Governance<'_>, now: Timestamp) -> Result<Ticket, Refusal> {
    if !matches!(ticket.state, State::Resolved | State::Closed) {
        let message = format!("ticket {} is {}; it can be rated once it is resolved", ticket.reference, ticket.state);
        return Err(
            Refusal::new(RefusalKind::Precondition, "NOT_YET_RESOLVED", message).with("state", ticket.state.code())
        );
    }
    let mut next = next(ticket, governance, now);
    next.satisfaction = Some(score);
    next.rated_at = Some(now);
    settle(&mut next, governance);
    Ok(next)
}

/// When the customer of a closed ticket is to be asked how satisfied they are, microseconds since 1970; `None` when nobody is.
#[must_use]
pub fn question_due_us(ticket: &Ticket, governance: Governance<'_>) -> Option<i64> {
    let customer = ticket.customer_code.as_ref()?;
    let closed = ticket.closed_at.filter(|_| is_to_be_asked(ticket, customer))?;
    Some(closed.as_microsecond().saturating_add(governance.standard.feedback().ask_after_us))
}

/// Whether this customer is still to be asked about a ticket: it is theirs, it is closed, and they have not said yet. Of tickets
/// that were merged the one is asked about in which they live on.
#[must_use]
pub fn is_to_be_asked(ticket: &Ticket, customer: &CustomerCode) -> bool {
    ticket.state == State::Closed
        && ticket.merged_into.is_none()
        && ticket.satisfaction.is_none()
        && ticket.customer_code.as_ref() == Some(customer)
}

/// When it will be known whether the customer came back: at the end of the window after the resolution. Microseconds since
/// 1970; `None` when it is known, when nothing was resolved, or when nobody knows who the customer is.
#[must_use]
pub fn repetition_due_us(ticket: &Ticket, governance: Governance<'_>) -> Option<i64> {
    let ended = matches!(ticket.state, State::Resolved | State::Closed);
    let resolved = ticket.resolved_at.filter(|_| ended && ticket.repetition.is_none())?;
    ticket.customer_code.as_ref()?;
    Some(resolved.as_microsecond().saturating_add(governance.standard.feedback().repeat_contact_window_us))
}

/// The ticket with the answer to whether the customer came back; `None` when it is not yet time, or known.
#[must_use]
pub fn judge_repetition(
    ticket: &Ticket,
    came_back: bool,
    governance: Governance<'_>,
    now: Timestamp,
) -> Option<Ticket> {
    repetition_due_us(ticket, governance).filter(|due| *due <= now.as_microsecond())?;
    let mut next = next(ticket, governance, now);
    next.repetition = Some(if came_back { Repetition::Repeated } else { Repetition::None });
    settle(&mut next, governance);
    Some(next)
}
