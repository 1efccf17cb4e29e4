/// A closed list of codes: each has a stable number for the store and a stable word for people and files.
macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $number:literal $code:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vdoc])* $variant = $number),+ }

        impl $name {
            /// All codes, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable word, lowercase.
            #[must_use]
            pub const fn code(self) -> &'static str { match self { $(Self::$variant => $code),+ } }

            /// The stable number, as stored and as on the wire.
            #[must_use]
            pub const fn number(self) -> i64 { self as i64 }

            /// The code of a stored or received number.
            #[must_use]
            pub const fn from_number(number: i64) -> Option<Self> { match number { $($number => Some(Self::$variant),)+ _ => None } }

            /// The code of a word.
            #[must_use]
            pub fn parse(code: &str) -> Option<Self> { match code { $($code => Some(Self::$variant),)+ _ => None } }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.pad(self.code()) }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> { to.serialize_str(self.code()) }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let word = <std::borrow::Cow<'de, str> as serde::Deserialize<'de>>::deserialize(from)?;
                let all = || Self::ALL.iter().map(|code| code.code()).collect::<Vec<_>>().join(", ");
                Self::parse(&word).ok_or_else(|| serde::de::Error::custom(format!("`{word}` is none of {}", all())))
            }
        }
    };
}
pub(crate) use codes;

codes! {
    /// A door to the corporation.
    Channel {
        /// The call centre.
        Hotline = 1 "hotline",
        /// Text messages.
        Sms = 2 "sms",
        /// The customer-care website.
        Web = 3 "web",
        /// Transaction offices.
        Office = 4 "office",
        /// Electronic mail.
        Email = 5 "email",
        /// The corporation's app.
        App = 6 "app",
        /// Social networks.
        Social = 7 "social",
        /// Paper.
        Letter = 8 "letter",
    }
}

codes! {
    /// Who began a contact.
    Direction {
        /// The customer.
        Inbound = 1 "inbound",
        /// The corporation.
        Outbound = 2 "outbound",
    }
}

codes! {
    /// How a contact ended.
    Outcome {
        /// Somebody answered; for messages, the message was taken.
        Answered = 1 "answered",
        /// The customer gave up waiting.
        Abandoned = 2 "abandoned",
        /// No trunk was free.
        Busy = 3 "busy",
        /// The voice menu, the keyword reply or the page was enough.
        SelfServed = 4 "self_served",
        /// The queue let go of the customer.
        Unanswered = 5 "unanswered",
        /// An outbound message that could not be delivered.
        Failed = 6 "failed",
    }
}
