use crate::{contact::Channel, metric::Counts};

/// A published figure: its name, its formula, and how it is read from counts.
#[derive(Debug, Clone, Copy)]
pub struct Figure {
    /// The channel.
    pub channel: Channel,
    /// The metric's name.
    pub metric: &'static str,
    /// The formula, in the words of the fields of `ContactCounts`; travels with the figure.
    pub formula: &'static str,
    /// Whether outbound contacts are part of it.
    pub both_directions: bool,
    /// Reads it.
    pub read: fn(&Counts) -> i64,
}

/// The figures of the national table, in its order.
pub const FIGURES: &[Figure] = &[
    Figure {
        channel: Channel::Hotline,
        metric: "offered",
        formula: "contacts - busy, inbound: calls that entered a queue and ended; voice-menu self-service counts when its source reports it",
        both_directions: false,
        read: |c| c.contacts - c.busy,
    },
    Figure {
        channel: Channel::Hotline,
        metric: "answered",
        formula: "answered, inbound",
        both_directions: false,
        read: |c| c.answered,
    },
    Figure {
        channel: Channel::Hotline,
        metric: "abandoned",
        formula: "abandoned, inbound, short abandons included",
        both_directions: false,
        read: |c| c.abandoned,
    },
    Figure {
        channel: Channel::Hotline,
        metric: "busy",
        formula: "busy, inbound: calls that met no free trunk",
        both_directions: false,
        read: |c| c.busy,
    },
    Figure {
        channel: Channel::Sms,
        metric: "messages",
        formula: "contacts, inbound + outbound",
        both_directions: true,
        read: |c| c.contacts,
    },
    Figure {
        channel: Channel::Web,
        metric: "visits",
        formula: "contacts, inbound",
        both_directions: false,
        read: |c| c.contacts,
    },
    Figure {
        channel: Channel::Office,
        metric: "visits",
        formula: "contacts, inbound",
        both_directions: false,
        read: |c| c.contacts,
    },
];

/// The figure of a channel by name.
#[must_use]
pub fn figure(channel: Channel, metric: &str) -> Option<&'static Figure> {
    FIGURES.iter().find(|f| f.channel == channel && f.metric == metric)
}
