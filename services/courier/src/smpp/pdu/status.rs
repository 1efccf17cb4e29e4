//! Outcomes, by the numbers of SMPP 3.4, table 5-2.

use std::fmt;

/// The outcome of a request.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Status(pub u32);

macro_rules! statuses {
    ($($(#[$doc:meta])* $name:ident = $number:literal $word:literal),+ $(,)?) => {
        impl Status {
            $($(#[$doc])* pub const $name: Self = Self($number);)+

            /// The name that the specification gives it; none to numbers of vendors.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> { match self.0 { $($number => Some($word),)+ _ => None } }
        }
    };
}

statuses! {
    /// No error.
    OK = 0x00 "ESME_ROK",
    /// The length of the message is wrong.
    INVALID_MESSAGE_LENGTH = 0x01 "ESME_RINVMSGLEN",
    /// The length of the unit is wrong.
    INVALID_LENGTH = 0x02 "ESME_RINVCMDLEN",
    /// There is no such command.
    INVALID_COMMAND = 0x03 "ESME_RINVCMDID",
    /// Not in this state of the session.
    INVALID_STATE = 0x04 "ESME_RINVBNDSTS",
    /// Bound already.
    ALREADY_BOUND = 0x05 "ESME_RALYBND",
    /// The centre failed.
    SYSTEM_ERROR = 0x08 "ESME_RSYSERR",
    /// The sender is wrong.
    INVALID_SOURCE = 0x0a "ESME_RINVSRCADR",
    /// The recipient is wrong.
    INVALID_DESTINATION = 0x0b "ESME_RINVDSTADR",
    /// Bind failed.
    BIND_FAILED = 0x0d "ESME_RBINDFAIL",
    /// The password is wrong.
    INVALID_PASSWORD = 0x0e "ESME_RINVPASWD",
    /// The account is wrong.
    INVALID_SYSTEM_ID = 0x0f "ESME_RINVSYSID",
    /// The centre's queue is full.
    QUEUE_FULL = 0x14 "ESME_RMSGQFUL",
    /// The centre would not take the message.
    SUBMIT_FAILED = 0x45 "ESME_RSUBMITFAIL",
    /// Too many messages a second.
    THROTTLED = 0x58 "ESME_RTHROTTLED",
    /// The validity period is wrong.
    INVALID_EXPIRY = 0x62 "ESME_RINVEXPIRY",
    /// The receiver cannot take it now.
    RECEIVER_TEMPORARY = 0x64 "ESME_RX_T_APPN",
    /// The receiver will never take it.
    RECEIVER_PERMANENT = 0x65 "ESME_RX_P_APPN",
    /// Unknown error.
    UNKNOWN = 0xff "ESME_RUNKNOWNERR",
}

impl Status {
    /// Whether the centre asks for fewer messages.
    #[must_use]
    pub const fn asks_for_less(self) -> bool {
        matches!(self, Self::THROTTLED | Self::QUEUE_FULL)
    }

    /// Whether the same message may be taken later. What the specification leaves open is taken as permanent, so that nobody
    /// hammers at a closed door.
    #[must_use]
    pub const fn is_temporary(self) -> bool {
        self.asks_for_less() || matches!(self, Self::SYSTEM_ERROR | Self::RECEIVER_TEMPORARY | Self::INVALID_STATE)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} (0x{:02x})", self.0),
            None => write!(f, "0x{:08x}", self.0),
        }
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
