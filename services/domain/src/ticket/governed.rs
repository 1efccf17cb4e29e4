use std::{iter, sync::Arc};

use jiff::Timestamp;

use crate::{
    clock::{Ahead, RuleBook, RuleKey},
    standard::{RuleSubject, Standard},
    ticket::{State, Ticket, repetition_due_us},
};

/// Every version that some clock was decided under.
pub trait Versions: RuleBook {
    /// From when a version is in force, microseconds since 1970; `None` of one that is not known here yet.
    fn effective_us(&self, version: &str) -> Option<i64>;
}

/// The rules under which a decision is made: the standard in force, and all that were in force before.
#[derive(Clone, Copy)]
pub struct Governance<'a> {
    /// In force now.
    pub standard: &'a Standard,
    /// Every version that some clock was decided under.
    pub book: &'a dyn Versions,
}

impl Governance<'_> {
    /// What the rules are chosen by.
    pub(super) fn subject(ticket: &Ticket) -> RuleSubject<'_> {
        RuleSubject {
            category: &ticket.category,
            priority: ticket.priority,
            locality: ticket.locality,
            opened_us: ticket.opened_at.as_microsecond(),
        }
    }
}

/// A new ticket with the clocks that its rules ask for.
#[must_use]
pub fn open(mut ticket: Ticket, governance: Governance<'_>) -> Ticket {
    let rules = governance.standard.rules_for(&Governance::subject(&ticket));
    let event_us = ticket.event_at.map(Timestamp::as_microsecond);
    ticket.clocks = crate::clock::Clocks::open(&rules, ticket.opened_at.as_microsecond(), event_us);
    governance.standard.version().clone_into(&mut ticket.standard);
    settle(&mut ticket, governance);
    ticket
}

/// Puts an open ticket under the standard in force, unless it is already. Closed records keep their stamp.
///
/// A late bundle holds from its `effective_at`; the time already spent is kept.
pub fn govern(ticket: &mut Ticket, governance: Governance<'_>) -> bool {
    let standard = governance.standard;
    if !ticket.is_open() || ticket.standard == standard.version() {
        return false;
    }
    // Another process may have switched to a newer version that this one will see in a moment: nothing goes back.
    let newer = |known: Option<i64>| known.is_none_or(|effective_us| effective_us > standard.effective_us());
    if !ticket.standard.is_empty() && newer(governance.book.effective_us(&ticket.standard)) {
        return false;
    }
    let since = standard.effective_us().max(ticket.opened_at.as_microsecond());
    rule(ticket, governance, since);
    standard.version().clone_into(&mut ticket.standard);
    true
}

/// The ticket under the standard in force, as a change of its own; `None` when it is already, or is not open.
#[must_use]
pub fn rebase(ticket: &Ticket, governance: Governance<'_>, now: Timestamp) -> Option<Ticket> {
    let mut next = ticket.clone();
    if !govern(&mut next, governance) {
        return None;
    }
    touch(&mut next, now);
    settle(&mut next, governance);
    Some(next)
}

/// An open ticket under a later standard, as a change of its own that puts one that came late in its place in time: its rules
/// hold from its instant, then those of each of `later`, in the order in which they hold, from its own. `None` when it has been
/// there already.
///
/// One that leaves no rule in the ticket's clocks is left out: nobody could tell that it had been there.
#[must_use]
pub fn rebase_late(ticket: &Ticket, late: Governance<'_>, later: &[Arc<Standard>], now: Timestamp) -> Option<Ticket> {
    let (first, newest) = (later.first()?, later.last()?);
    let opened_us = ticket.opened_at.as_microsecond();
    let stamped_us = late.book.effective_us(&ticket.standard)?;
    // Under one that is newer than all of them it is not known yet what holds: nothing goes back.
    let follows = late.standard.effective_us() < stamped_us && stamped_us <= newest.effective_us();
    let lived = opened_us < first.effective_us();
    if !ticket.is_open() || !follows || !lived || has_rule_of(ticket, late.standard) {
        return None;
    }
    let mut next = ticket.clone();
    for standard in iter::once(late.standard).chain(later.iter().map(Arc::as_ref)) {
        rule(&mut next, Governance { standard, ..late }, standard.effective_us().max(opened_us));
    }
    if !has_rule_of(&next, late.standard) {
        return None;
    }
    newest.version().clone_into(&mut next.standard);
    touch(&mut next, now);
    settle(&mut next, Governance { standard: newest, ..late });
    Some(next)
}

/// Whether a rule of this standard was ever in force for a clock of the ticket.
fn has_rule_of(ticket: &Ticket, standard: &Standard) -> bool {
    let named = |RuleKey(key): &RuleKey| key.split_once('/').is_some_and(|(version, _)| version == standard.version());
    ticket.clocks.all().iter().flat_map(|clock| &clock.rulings).any(|ruling| named(&ruling.rule))
}

/// Gives the clocks the rules that the ticket's category, priority and locality ask for, from `at_us` on.
pub(super) fn rule(ticket: &mut Ticket, governance: Governance<'_>, at_us: i64) {
    let subject = Governance::subject(ticket);
    let mut rules = governance.standard.rules_for(&subject);
    rules.extend(governance.standard.next_response_rule(&subject));
    let event_us = ticket.event_at.map(Timestamp::as_microsecond);
    ticket.clocks.ruled(&rules, at_us, event_us);
}

/// Derives what is stored for sorting and for the timer.
pub fn settle(ticket: &mut Ticket, governance: Governance<'_>) {
    let Ahead { due_us: clock, deadline_us } = ticket.clocks.ahead(governance.book);
    ticket.deadline_us = deadline_us;
    let repetition = repetition_due_us(ticket, governance);
    ticket.due_us = match (clock, repetition) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
}

/// One more version.
pub(super) fn touch(ticket: &mut Ticket, now: Timestamp) {
    ticket.version += 1;
    // A clock that steps back must not make a ticket older than it was.
    ticket.updated_at = ticket.updated_at.max(now);
}

/// The ticket as the next change begins with it: under the standard in force, one version on.
pub(super) fn next(ticket: &Ticket, governance: Governance<'_>, now: Timestamp) -> Ticket {
    let mut next = ticket.clone();
    govern(&mut next, governance);
    touch(&mut next, now);
    next
}

/// What a state means for the clocks.
pub(super) const fn mode_of(state: State) -> crate::clock::Mode {
    use crate::clock::Mode;
    match state {
        State::WaitingCustomer => Mode::WaitingCustomer,
        State::WaitingThirdParty => Mode::WaitingThirdParty,
        State::Resolved | State::Closed | State::Cancelled => Mode::Done,
        State::New | State::Assigned | State::InProgress | State::Reopened => Mode::Active,
    }
}
