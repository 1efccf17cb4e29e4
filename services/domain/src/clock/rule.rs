use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::Arc,
};

use crate::{calendar::Calendar, contact::code::codes};

codes! {
    /// What a clock waits for.
    ClockKind {
        /// The first public answer.
        FirstResponse = 1 "first_response",
        /// An answer to what the customer wrote later.
        NextResponse = 2 "next_response",
        /// That the request is done.
        Resolution = 3 "resolution",
        /// An act before or after an event that has a date of its own.
        Event = 4 "event",
    }
}

/// How long something may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// By the clock on the wall, whatever the calendar says.
    Elapsed {
        /// Microseconds.
        us: i64,
    },
    /// In working time of the calendar.
    Working {
        /// Microseconds.
        us: i64,
    },
    /// Until the close of the n-th working day after the local day on which the clock started.
    WorkingDays {
        /// How many.
        days: u32,
    },
    /// At the latest this long before the event.
    BeforeEvent {
        /// Microseconds.
        us: i64,
    },
    /// At the latest this long after the event.
    AfterEvent {
        /// Microseconds.
        us: i64,
    },
}

impl Limit {
    /// Whether the limit hangs on the date of an event.
    #[must_use]
    pub const fn needs_event(self) -> bool {
        matches!(self, Self::BeforeEvent { .. } | Self::AfterEvent { .. })
    }
}

/// Names a rule for ever: `<standard version>/<target>/<index of the rule within its target>`, for example
/// `evn-2013.1/restore_after_fault/0`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleKey(pub String);

impl fmt::Display for RuleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A dated rule of a target, as it stands in one version of the standard.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name.
    pub key: RuleKey,
    /// What it promises, for example `restore_after_fault`.
    pub target: String,
    /// What the clock waits for.
    pub kind: ClockKind,
    /// How long it may take.
    pub limit: Limit,
    /// Working hours; none is round the clock. Only limits in working time or days look at it.
    pub calendar: Option<Arc<Calendar>>,
    /// Whether the clock pauses while the customer has to answer.
    pub pauses_customer: bool,
    /// Whether the clock pauses while somebody outside has to act.
    pub pauses_third_party: bool,
    /// When to warn: thousandths of the limit, ascending, 1 to 999.
    pub warnings: Vec<u16>,
    /// Where the rule is written.
    pub source: String,
    /// Whether its date is assumed, since no source gives one.
    pub assumed: bool,
}

impl Rule {
    /// The calendar in which time counts; none is round the clock.
    pub(super) fn hours(&self) -> Option<&Calendar> {
        match self.limit {
            Limit::Working { .. } | Limit::WorkingDays { .. } => self.calendar.as_deref(),
            Limit::Elapsed { .. } | Limit::BeforeEvent { .. } | Limit::AfterEvent { .. } => None,
        }
    }

    /// Whether a clock of this rule exists only with an event.
    pub(super) fn needs_event(&self) -> bool {
        self.kind == ClockKind::Event || self.limit.needs_event()
    }
}

/// Who knows the rules by their names, also those of earlier versions.
pub trait RuleBook {
    /// The rule of this name.
    fn rule(&self, key: &RuleKey) -> Option<Arc<Rule>>;
}

impl RuleBook for BTreeMap<RuleKey, Arc<Rule>> {
    fn rule(&self, key: &RuleKey) -> Option<Arc<Rule>> {
        self.get(key).cloned()
    }
}

impl<S: std::hash::BuildHasher> RuleBook for HashMap<RuleKey, Arc<Rule>, S> {
    fn rule(&self, key: &RuleKey) -> Option<Arc<Rule>> {
        self.get(key).cloned()
    }
}
