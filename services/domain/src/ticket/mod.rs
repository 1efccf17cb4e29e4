mod lifecycle;

use jiff::Timestamp;
use uuid::Uuid;

pub use lifecycle::{allowed, assign, reopen, transition};

use crate::{
    contact::{Channel, code::codes},
    customer_code::CustomerCode,
    reference::Reference,
    topic::Topic,
};

codes! {
    /// Where a ticket stands.
    State {
        /// Nobody has it yet.
        New = 1 "new",
        /// Somebody has it.
        Assigned = 2 "assigned",
        /// Somebody works on it.
        InProgress = 3 "in_progress",
        /// The customer has to answer.
        WaitingCustomer = 4 "waiting_customer",
        /// Somebody outside has to act.
        WaitingThirdParty = 5 "waiting_third_party",
        /// Done, as the corporation sees it.
        Resolved = 6 "resolved",
        /// Done for good.
        Closed = 7 "closed",
        /// Not to be done.
        Cancelled = 8 "cancelled",
        /// Done once, and open again.
        Reopened = 9 "reopened",
    }
}

codes! {
    /// How urgent a ticket is; the lowest number is worked first.
    Priority {
        /// Danger to people or critical service.
        Critical = 1 "critical",
        /// Soon.
        High = 2 "high",
        /// As the standards say.
        Normal = 3 "normal",
        /// When there is time.
        Low = 4 "low",
    }
}

codes! {
    /// What an entry of a timeline records.
    TimelineKind {
        /// The ticket was opened.
        Opened = 1 "opened",
        /// A remark.
        Note = 2 "note",
        /// An answer to the customer.
        Reply = 3 "reply",
        /// The state changed.
        StateChanged = 4 "state_changed",
        /// The assignee changed.
        Assigned = 5 "assigned",
    }
}

codes! {
    /// Who may read a timeline entry.
    Visibility {
        /// The corporation alone.
        Internal = 1 "internal",
        /// The customer too.
        Public = 2 "public",
    }
}

/// Longest subject, in bytes.
pub const SUBJECT_LIMIT: usize = 500;
/// Longest description, reply or note, in bytes.
pub const TEXT_LIMIT: usize = 16_384;

/// A case with deadlines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// `UUIDv7`: later tickets have greater ids.
    pub id: Uuid,
    /// Unique nationwide.
    pub reference: Reference,
    /// Grows by one with every change.
    pub version: i64,
    /// Where it stands.
    pub state: State,
    /// How urgent it is.
    pub priority: Priority,
    /// What it is about.
    pub topic: Topic,
    /// How the request came in.
    pub channel: Channel,
    /// One line; personal.
    pub subject: String,
    /// The whole request; personal.
    pub description: String,
    /// Whose ticket it is; personal.
    pub customer_code: Option<CustomerCode>,
    /// Who asks; personal.
    pub requester_name: Option<String>,
    /// Phone number or address; personal.
    pub requester_contact_point: Option<String>,
    /// ISO 3166-2 code.
    pub province: Option<String>,
    /// Who works on it; personal.
    pub assignee: Option<String>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it was last resolved, unless reopened since.
    pub resolved_at: Option<Timestamp>,
    /// When it was closed or cancelled.
    pub closed_at: Option<Timestamp>,
}

/// One thing that happened to a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineEntry {
    /// `UUIDv7`.
    pub id: Uuid,
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: TimelineKind,
    /// For whom.
    pub visibility: Visibility,
    /// By whom; personal.
    pub author: String,
    /// In what words; personal.
    pub text: String,
    /// The state afterwards, when the state changed.
    pub state: Option<State>,
}
