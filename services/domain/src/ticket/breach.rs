use jiff::Timestamp;

use super::governed::{next, rule, settle};
use crate::{
    clock::Noticed,
    standard::Escalation,
    ticket::{Governance, Ticket},
};

/// A rule of the standard that acted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalated {
    /// Id of the rule.
    pub rule: String,
    /// Roles that are told: stable words.
    pub notify: Vec<&'static str>,
}

/// What an instant brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acted {
    /// The ticket afterwards.
    pub ticket: Ticket,
    /// Warnings and breaches, each told once.
    pub noticed: Vec<Noticed>,
    /// What followed from them.
    pub escalated: Vec<Escalated>,
}

/// Notices the warnings and breaches that are due, and does what the standard says should follow. `None` when nothing is
/// due: another replica was faster, or somebody stopped the clock in time.
#[must_use]
pub fn notice_due(ticket: &Ticket, governance: Governance<'_>, now: Timestamp) -> Option<Acted> {
    let mut next = next(ticket, governance, now);
    let noticed = next.clocks.notice(governance.book, now.as_microsecond());
    if noticed.is_empty() {
        return None;
    }
    let mut escalated = Vec::new();
    for one in &noticed {
        for escalation in governance.standard.escalations() {
            if escalation.follows(one, next.priority) {
                act(escalation, &mut next);
                escalated.push(Escalated {
                    rule: escalation.id.clone(),
                    notify: escalation.notify.iter().map(|role| role.code()).collect(),
                });
            }
        }
    }
    if next.priority != ticket.priority {
        // A more urgent ticket may have a shorter limit.
        rule(&mut next, governance, now.as_microsecond());
    }
    settle(&mut next, governance);
    Some(Acted { ticket: next, noticed, escalated })
}

fn act(escalation: &Escalation, ticket: &mut Ticket) {
    ticket.priority = escalation.raised(ticket.priority);
    if let Some(team) = &escalation.reassign_to
        && ticket.team.as_ref() != Some(team)
    {
        ticket.team = Some(team.clone());
        // Another team does not have the agent.
        ticket.assignee = None;
    }
}
