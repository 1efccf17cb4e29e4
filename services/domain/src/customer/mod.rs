mod consents;
mod digest;
mod draft;
mod email;
mod phone;
mod table;
mod traces;

pub use crate::standard::Locality;
pub use consents::keep_later_consents;
pub use digest::digest;
pub use draft::{Draft, PointDraft, settle};
pub use email::{EmailError, email};
pub use phone::{PhoneError, groupings, phone, spellings};
pub use table::{COLUMNS, Column, Explained, Heading, Joined, Row, join};
pub use traces::{ERASED_SUBJECT, Traces, forget};

use jiff::Timestamp;

use crate::{
    contact::{Channel, code::codes},
    customer_code::CustomerCode,
    text,
};

codes! {
    /// What kind of contact point it is.
    PointKind {
        /// A telephone number.
        Phone = 1 "phone",
        /// An email address.
        Email = 2 "email",
    }
}

codes! {
    /// What a customer may be contacted for.
    Purpose {
        /// Interruptions, planned and not.
        OutageNotice = 1 "outage_notice",
        /// Bills, payments and meter readings.
        Billing = 2 "billing",
        /// How satisfied the customer is.
        Survey = 3 "survey",
        /// Advice and new services.
        Marketing = 4 "marketing",
    }
}

codes! {
    /// A language in which customers are spoken to.
    Language {
        /// Vietnamese.
        Vi = 1 "vi",
        /// English.
        En = 2 "en",
    }
}

codes! {
    /// Why a customer is erased: a closed list, since the reason is kept and prose could name the person.
    ErasureReason {
        /// The customer asked for it.
        Requested = 1 "requested",
        /// The contract ended, and the time of keeping is over.
        RetentionEnded = 2 "retention_ended",
        /// They should never have been stored.
        StoredByMistake = 3 "stored_by_mistake",
    }
}

/// What the customer has said about one purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// For what.
    pub purpose: Purpose,
    /// False: refused or withdrawn.
    pub granted: bool,
    /// When.
    pub given_at: Timestamp,
    /// Where it is on record.
    pub source: String,
}

/// A way to reach a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactPoint {
    /// Of which kind.
    pub kind: PointKind,
    /// E.164, or an address in lower case.
    pub value: String,
    /// At most one of each purpose, in the order of their numbers.
    pub consents: Vec<Consent>,
}

/// One place that is supplied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Premises {
    /// Unique within the customer.
    pub code: String,
    /// Where it is; personal.
    pub address: String,
    /// ISO 3166-2 code.
    pub province: Option<String>,
    /// Name or code; empty when not known.
    pub district: String,
    /// Code of the supply area, as notices name it; empty when not known.
    pub area: String,
    /// Town or country, as the standards tell them apart.
    pub locality: Option<Locality>,
    /// Code of the feeder.
    pub feeder: Option<String>,
    /// Code of the transformer.
    pub transformer: Option<String>,
    /// Somebody's health depends on the supply; sensitive.
    pub medical_equipment: bool,
    /// A hospital, a waterworks or the like; sensitive.
    pub critical_service: bool,
}

/// A customer, sound: made by [`settle`] alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// The natural key.
    pub code: CustomerCode,
    /// The name; personal.
    pub name: String,
    /// The name without diacritics, for what cannot show them; personal.
    pub name_plain: String,
    /// How to reach them, in the order given.
    pub contact_points: Vec<ContactPoint>,
    /// By which channel, if they have a preference.
    pub preferred_channel: Option<Channel>,
    /// In which language.
    pub preferred_language: Language,
    /// Where they are supplied, in the order of codes.
    pub premises: Vec<Premises>,
}

/// What of a name is compared with what somebody types: its words, folded, in their order.
#[must_use]
pub fn name_key(name: &str) -> String {
    let mut key = text::query_words(name).join(" ");
    key.truncate(key.floor_char_boundary(NAME_LIMIT));
    key
}

/// Longest name, in bytes.
pub const NAME_LIMIT: usize = 200;
/// Longest address, in bytes.
pub const ADDRESS_LIMIT: usize = 500;
/// Most contact points of one customer.
pub const MOST_POINTS: usize = 20;
/// Most premises of one customer.
pub const MOST_PREMISES: usize = 500;

#[cfg(test)]
mod tests;
