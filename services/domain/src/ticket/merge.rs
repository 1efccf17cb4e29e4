use jiff::Timestamp;
use uuid::Uuid;

use super::governed::{next, settle};
use crate::{
    clock::Clocks,
    reference::Reference,
    refusal::{Refusal, RefusalKind},
    ticket::{Governance, State, Ticket, open},
};

/// Tickets that can be merged into another at once.
pub const MERGE_LIMIT: usize = 50;

/// The source and the target after a merge: the source ends, its clocks void, and its reference leads to the target, where a
/// question that the source left open is still to be answered. What is open ends only in what is open.
pub fn merge(
    source: &Ticket,
    into: &Ticket,
    governance: Governance<'_>,
    now: Timestamp,
) -> Result<(Ticket, Ticket), Refusal> {
    let refuse = |reason, message| Err(Refusal::new(RefusalKind::Precondition, reason, message));
    if source.id == into.id {
        return refuse("MERGED_INTO_ITSELF", format!("ticket {} cannot be merged into itself", into.reference));
    }
    if source.merged_into.is_some() {
        return refuse("ALREADY_MERGED", format!("ticket {} was merged before", source.reference));
    }
    if source.state == State::Cancelled {
        return refuse("TICKET_NOT_OPEN", format!("ticket {} is cancelled; it has ended", source.reference));
    }
    if into.state == State::Cancelled || into.merged_into.is_some() {
        return refuse("TICKET_NOT_OPEN", format!("ticket {} has ended; merge into a living one", into.reference));
    }
    if source.is_open() && !into.is_open() {
        // What the source still asks for would be nobody's to do.
        let message = format!("ticket {} is {}; reopen it first, then merge", into.reference, into.state);
        return refuse("TARGET_NOT_OPEN", message);
    }
    if source.customer_code.is_some() && source.customer_code != into.customer_code {
        // What one person said must not end up under another's name: erasing either would miss it, or take too much.
        let message = format!(
            "tickets {} and {} are of different customers; make one the parent of the other instead",
            source.reference, into.reference
        );
        return refuse("DIFFERENT_CUSTOMERS", message);
    }
    if into.parent == Some(source.id) {
        return refuse(
            "PARENT_INTO_CHILD",
            format!("ticket {} is the parent of {}; merge the other way", source.reference, into.reference),
        );
    }
    let (mut ended, mut living) = (next(source, governance, now), next(into, governance, now));
    ended.state = State::Cancelled;
    ended.closed_at = Some(now);
    ended.merged_into = Some(into.id);
    ended.repetition = None;
    // The customer has been answered once, whichever ticket it was.
    if let (None, Some(answered)) = (living.first_response_at, source.first_response_at) {
        let answered = answered.max(living.opened_at);
        living.first_response_at = Some(answered);
        living.clocks.replied(answered.as_microsecond());
    }
    let rule = governance.standard.next_response_rule(&Governance::subject(&living));
    living.clocks.take_question(&ended.clocks, rule.as_ref(), now.as_microsecond());
    ended.clocks.void(now.as_microsecond());
    settle(&mut ended, governance);
    settle(&mut living, governance);
    Ok((ended, living))
}

/// A part of a ticket that ended in `living`: it becomes a part of that one, or, where that one is a part itself, of the
/// same whole, so that no part has parts.
#[must_use]
pub fn move_part(part: &Ticket, living: &Ticket, now: Timestamp) -> Ticket {
    let whole = living.parent.unwrap_or(living.id);
    Ticket {
        // Where that whole is this very part, the rule was broken before; a part of itself would mend nothing.
        parent: (whole != part.id).then_some(whole),
        version: part.version + 1,
        updated_at: part.updated_at.max(now),
        ..part.clone()
    }
}

/// The ticket and a new one made of a part of it: same customer, same requester, same channel; opened now, with clocks of
/// its own.
pub fn split(
    ticket: &Ticket,
    id: Uuid,
    reference: Reference,
    subject: &str,
    category: Option<&str>,
    governance: Governance<'_>,
    now: Timestamp,
) -> Result<(Ticket, Ticket), Refusal> {
    if ticket.state == State::Cancelled {
        let message = format!("ticket {} has ended; nothing can be split from it", ticket.reference);
        return Err(Refusal::new(RefusalKind::Precondition, "TICKET_NOT_OPEN", message));
    }
    let code = category.unwrap_or(&ticket.category);
    let Some(category) = governance.standard.category(code) else {
        let message = format!("{code} is no category of standard {}", governance.standard.version());
        return Err(Refusal::new(RefusalKind::Precondition, "UNKNOWN_CATEGORY", message));
    };
    let mut kept = next(ticket, governance, now);
    settle(&mut kept, governance);
    let part = Ticket {
        id,
        reference,
        version: 1,
        state: State::New,
        topic: category.topic,
        category: code.to_owned(),
        subject: subject.to_owned(),
        description: String::new(),
        assignee: None,
        opened_at: now,
        updated_at: now,
        resolved_at: None,
        closed_at: None,
        clocks: Clocks::open(&[], now.as_microsecond(), None),
        event_at: None,
        first_response_at: None,
        parent: None,
        merged_into: None,
        satisfaction: None,
        rated_at: None,
        repetition: None,
        ..ticket.clone()
    };
    Ok((kept, open(part, governance)))
}
