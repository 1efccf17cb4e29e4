//! What follows when a limit comes near or passes.

use super::{
    bundle::{EscalationEntry, Role, When},
    lint::permille,
};
use crate::{
    clock::{ClockKind, Due, Noticed},
    ticket::Priority,
};

/// What follows when a limit comes near or passes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalation {
    /// By which timelines name it.
    pub id: String,
    /// What sets it off.
    pub on: Due,
    /// Only clocks of these kinds; all when empty.
    pub kinds: Vec<ClockKind>,
    /// Only these targets; all when empty.
    pub targets: Vec<String>,
    /// Only tickets of these priorities; all when empty.
    pub priorities: Vec<Priority>,
    /// The least priority that the ticket has afterwards.
    pub raise_to: Option<Priority>,
    /// Roles that are told.
    pub notify: Vec<Role>,
    /// The team that takes the ticket.
    pub reassign_to: Option<String>,
}

impl Escalation {
    pub(super) fn compile(entry: &EscalationEntry) -> Self {
        let on = match (entry.when, entry.at.and_then(permille)) {
            (When::Warned, Some(permille)) => Due::Warned(permille),
            // The lint lets no warning without its fraction through.
            (When::Warned, None) | (When::Breached, _) => Due::Breached,
        };
        Self {
            id: entry.id.clone(),
            on,
            kinds: entry.kinds.clone(),
            targets: entry.targets.clone(),
            priorities: entry.priorities.clone(),
            raise_to: entry.raise_to,
            notify: entry.notify.clone(),
            reassign_to: entry.reassign_to.clone(),
        }
    }

    /// Whether it follows from what was noticed on a ticket of this priority.
    #[must_use]
    pub fn follows(&self, noticed: &Noticed, priority: Priority) -> bool {
        self.on == noticed.what
            && (self.kinds.is_empty() || self.kinds.contains(&noticed.kind))
            && (self.targets.is_empty() || self.targets.contains(&noticed.target))
            && (self.priorities.is_empty() || self.priorities.contains(&priority))
    }

    /// The priority of a ticket afterwards: never less urgent than before.
    #[must_use]
    pub fn raised(&self, priority: Priority) -> Priority {
        self.raise_to.map_or(priority, |least| least.min(priority))
    }
}
