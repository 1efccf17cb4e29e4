mod attachment;
mod breach;
mod classify;
mod governed;
mod lifecycle;
mod merge;
mod required;
mod satisfaction;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use uuid::Uuid;

pub use attachment::{ATTACHMENT_LIMIT, Attachment, MEDIA_TYPES};
pub use breach::{Acted, Escalated, notice_due};
pub use classify::{Reclassification, check_required, reclassify};
pub use governed::{Governance, Versions, govern, open, rebase, rebase_late, settle};
pub use lifecycle::{allowed, asked, assign, claim, fulfil, reopen, replied, transition};
pub use merge::{MERGE_LIMIT, merge, move_part, split};
pub use required::missing_fields;
pub use satisfaction::{is_to_be_asked, judge_repetition, question_due_us, rate, repetition_due_us};

use crate::{
    clock::Clocks,
    contact::{Channel, code::codes},
    customer_code::CustomerCode,
    reference::Reference,
    standard::Locality,
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
        /// The customer wrote or called again.
        Message = 6 "message",
        /// Category, priority, locality, team or event changed.
        Reclassified = 7 "reclassified",
        /// A fraction of a clock's limit has passed.
        ClockWarned = 8 "clock_warned",
        /// A clock's limit has passed.
        ClockBreached = 9 "clock_breached",
        /// A rule of the standard acted upon a warning or a breach.
        Escalated = 10 "escalated",
        /// Another ticket was merged into this one, or this one into another.
        Merged = 11 "merged",
        /// A part became a ticket of its own, or this one was made of another's part.
        Split = 12 "split",
        /// A contact, an outage, a parent or a child was linked or unlinked.
        Linked = 13 "linked",
        /// A file was attached.
        Attached = 14 "attached",
        /// The customer said how satisfied they are.
        Rated = 15 "rated",
        /// What an event clock waits for was done.
        Fulfilled = 16 "fulfilled",
        /// The customer was asked how satisfied they are.
        Questioned = 17 "questioned",
    }
}

codes! {
    /// What became of first-contact resolution.
    Repetition {
        /// The customer did not come back about it within the window.
        None = 1 "none",
        /// The customer came back.
        Repeated = 2 "repeated",
    }
}

codes! {
    /// What a ticket can be linked to.
    LinkKind {
        /// A contact of this node.
        Contact = 1 "contact",
        /// An outage of this node.
        Outage = 2 "outage",
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
    /// A code of the standard's categories.
    pub category: String,
    /// Where the premises are, as far as limits depend on it.
    pub locality: Option<Locality>,
    /// Whose queue it is in.
    pub team: Option<String>,
    /// Version of the standard that governs it.
    pub standard: String,
    /// Its clocks, with their histories.
    pub clocks: Clocks,
    /// The next instant at which something must be noticed, microseconds since 1970; derived by [`settle`].
    pub due_us: Option<i64>,
    /// The soonest deadline of the clocks that run, microseconds since 1970; derived by [`settle`].
    pub deadline_us: Option<i64>,
    /// What event clocks count towards or from.
    pub event_at: Option<Timestamp>,
    /// The first public answer.
    pub first_response_at: Option<Timestamp>,
    /// The ticket that this one is a part of.
    pub parent: Option<Uuid>,
    /// The ticket that this one was merged into.
    pub merged_into: Option<Uuid>,
    /// What the customer said, 1 to 5.
    pub satisfaction: Option<i64>,
    /// When the customer said it.
    pub rated_at: Option<Timestamp>,
    /// Whether the customer came back about it, once that is known.
    pub repetition: Option<Repetition>,
}

impl Ticket {
    /// A request that nobody has opened yet: identity, reference, times and clocks are the node's to give.
    #[must_use]
    pub fn draft(topic: Topic, channel: Channel, subject: String) -> Self {
        let nothing = Timestamp::UNIX_EPOCH;
        Self {
            id: Uuid::nil(),
            reference: Reference::unset(),
            version: 1,
            state: State::New,
            priority: Priority::Normal,
            topic,
            channel,
            subject,
            description: String::new(),
            customer_code: None,
            requester_name: None,
            requester_contact_point: None,
            province: None,
            assignee: None,
            opened_at: nothing,
            updated_at: nothing,
            resolved_at: None,
            closed_at: None,
            category: String::new(),
            locality: None,
            team: None,
            standard: String::new(),
            clocks: Clocks::open(&[], 0, None),
            due_us: None,
            deadline_us: None,
            event_at: None,
            first_response_at: None,
            parent: None,
            merged_into: None,
            satisfaction: None,
            rated_at: None,
            repetition: None,
        }
    }

    /// Whether somebody still has to do something about it.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        !matches!(self.state, State::Resolved | State::Closed | State::Cancelled)
    }
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
