//! What follows when a limit comes near or passes.

use serde::{Deserialize, Serialize};

use crate::{clock::ClockKind, contact::code::codes, ticket::Priority};

/// What follows when a limit comes near or passes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EscalationEntry {
    /// By which timelines name it.
    pub id: String,
    /// What sets it off.
    pub when: When,
    /// The fraction of the limit, for warnings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<f64>,
    /// Only clocks of these kinds; all when empty.
    #[serde(default)]
    pub kinds: Vec<ClockKind>,
    /// Only these targets; all when empty.
    #[serde(default)]
    pub targets: Vec<String>,
    /// Only tickets of these priorities; all when empty.
    #[serde(default)]
    pub priorities: Vec<Priority>,
    /// The least priority that the ticket has afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raise_to: Option<Priority>,
    /// Roles that are told.
    #[serde(default)]
    pub notify: Vec<Role>,
    /// The team that takes the ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reassign_to: Option<String>,
}

/// What sets an escalation off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// A fraction of the limit has passed.
    Warned,
    /// The limit has passed.
    Breached,
}

codes! {
    /// Who is told.
    Role {
        /// Who has the ticket.
        Assignee = 1 "assignee",
        /// Who leads the team.
        Supervisor = 2 "supervisor",
        /// Who sends crews.
        Dispatcher = 3 "dispatcher",
        /// Who speaks to the public.
        CommunicationsOfficer = 4 "communications_officer",
        /// Who decides at night.
        DutyOfficer = 5 "duty_officer",
        /// Who runs the system.
        Administrator = 6 "administrator",
    }
}
