use crate::contact::{Contact, Outcome};

/// What the counts of contacts mean. Figures of unequal definitions do not merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// For example `contact/1`.
    pub id: String,
    /// Answered within this many milliseconds counts for the service level.
    pub service_level_ms: i64,
    /// Abandoned sooner than this many milliseconds is a short abandon.
    pub short_abandon_ms: i64,
}

impl Default for Definition {
    /// 20 s and 5 s, common contact-centre practice.
    fn default() -> Self {
        Self { id: "contact/1".into(), service_level_ms: 20_000, short_abandon_ms: 5_000 }
    }
}

macro_rules! counts {
    ($($(#[$doc:meta])* $field:ident),+ $(,)?) => {
        /// Exact counts and sums of the contacts that ended, of a bucket or of a period.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct Counts { $($(#[$doc])* pub $field: i64),+ }

        impl Counts {
            /// Names of the fields, in the order of [`Counts::values`].
            pub const NAMES: &'static [&'static str] = &[$(stringify!($field)),+];

            /// The values, in the order of [`Counts::NAMES`].
            #[must_use]
            pub fn values(&self) -> Vec<i64> { vec![$(self.$field),+] }

            /// The counts with these values, in the order of [`Counts::NAMES`].
            #[must_use]
            pub fn from_values(values: &[i64]) -> Option<Self> {
                let mut values = values.iter().copied();
                Some(Self { $($field: values.next()?),+ })
            }

            /// Adds `sign` times the other counts: 1 to merge, -1 to take back.
            pub fn add(&mut self, other: &Self, sign: i64) { $(self.$field += sign * other.$field;)+ }
        }
    };
}

counts! {
    /// All that ended.
    contacts,
    /// Answered.
    answered,
    /// Answered within the service level threshold.
    answered_within,
    /// Given up by the customer.
    abandoned,
    /// Given up sooner than the short abandon.
    short_abandoned,
    /// Met no free trunk.
    busy,
    /// Served by a menu, keyword or page.
    self_served,
    /// Let go by the queue.
    unanswered,
    /// Messages not delivered.
    failed,
    /// With talk, hold or wrap time.
    handled,
    /// Wait of the answered, ms.
    wait_answered_ms,
    /// Wait of all, ms.
    wait_ms,
    /// Talk, ms.
    talk_ms,
    /// Hold, ms.
    hold_ms,
    /// Work afterwards, ms.
    wrap_ms,
}

impl Counts {
    /// What one contact adds; nothing while it goes on.
    #[must_use]
    pub fn of(contact: &Contact, definition: &Definition) -> Self {
        let mut counts = Self::default();
        let Some(outcome) = contact.outcome.filter(|_| contact.counts()) else { return counts };
        counts.contacts = 1;
        let wait = contact.wait_ms.unwrap_or(0);
        counts.wait_ms = wait;
        counts.talk_ms = contact.talk_ms.unwrap_or(0);
        counts.hold_ms = contact.hold_ms.unwrap_or(0);
        counts.wrap_ms = contact.wrap_ms.unwrap_or(0);
        counts.handled = i64::from(contact.talk_ms.or(contact.hold_ms).or(contact.wrap_ms).is_some());
        match outcome {
            Outcome::Answered => {
                counts.answered = 1;
                counts.wait_answered_ms = wait;
                // A contact without a known wait is not claimed to have met the service level.
                counts.answered_within = i64::from(contact.wait_ms.is_some_and(|ms| ms <= definition.service_level_ms));
            }
            Outcome::Abandoned => {
                counts.abandoned = 1;
                counts.short_abandoned = i64::from(contact.wait_ms.is_some_and(|ms| ms < definition.short_abandon_ms));
            }
            Outcome::Busy => counts.busy = 1,
            Outcome::SelfServed => counts.self_served = 1,
            Outcome::Unanswered => counts.unanswered = 1,
            Outcome::Failed => counts.failed = 1,
        }
        counts
    }
}
