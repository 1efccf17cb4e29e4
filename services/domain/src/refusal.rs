//! Expected noes. A refusal has a stable reason; a fault (an unexpected failure) is never one of these.

use std::{fmt, time::Duration};

/// One field of a request that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field as the wire names it, for example `contacts[3].ended_at`.
    pub field: String,
    /// Stable, upper snake case.
    pub reason: &'static str,
    /// Lowercase, without a full stop; says what to do.
    pub description: String,
}

impl Violation {
    /// A violation of `field`.
    pub fn new(field: impl Into<String>, reason: &'static str, description: impl Into<String>) -> Self {
        Self { field: field.into(), reason, description: description.into() }
    }
}

/// What kind of no it is; the wire turns it into a status code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// The request breaks rules that hold whatever the state is.
    Invalid,
    /// There is no such thing.
    NotFound,
    /// Somebody else was faster; read again and decide again.
    Conflict,
    /// The state does not allow it.
    Precondition,
    /// Beyond what exists, for example a token of the future.
    OutOfRange,
    /// It exists with another content.
    AlreadyExists,
    /// The caller may not.
    Denied,
    /// The caller is not known.
    Unauthenticated,
    /// Try again later.
    Unavailable,
    /// Too much at once.
    Exhausted,
}

/// An expected no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What kind of no.
    pub kind: RefusalKind,
    /// Stable, upper snake case; partners match on it.
    pub reason: &'static str,
    /// Lowercase, without a full stop; says what to do.
    pub message: String,
    /// Every violating field, for [`RefusalKind::Invalid`].
    pub violations: Vec<Violation>,
    /// Further facts by stable keys.
    pub metadata: Vec<(&'static str, String)>,
    /// When trying again may help.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// A refusal without details.
    pub fn new(kind: RefusalKind, reason: &'static str, message: impl Into<String>) -> Self {
        Self { kind, reason, message: message.into(), violations: Vec::new(), metadata: Vec::new(), retry_after: None }
    }

    /// The refusal of a request whose fields break rules; names them all.
    #[must_use]
    pub fn invalid(violations: Vec<Violation>) -> Self {
        let fields: Vec<_> = violations.iter().map(|v| v.field.as_str()).collect();
        let message = format!("correct these fields: {}", fields.join(", "));
        Self { violations, ..Self::new(RefusalKind::Invalid, "INVALID_FIELDS", message) }
    }

    /// Adds a fact under a stable key.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.metadata.push((key, value.into()));
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.reason)
    }
}

impl std::error::Error for Refusal {}
