//! A message as email: what is written into it, and the addresses by which its bounces find back.

use jiff::Timestamp;
use lettre::{
    Address,
    address::AddressError,
    message::{
        Mailbox, Message,
        header::{ContentType, HeaderName, HeaderValue},
    },
};

use crate::carrier::Errand;

/// How letters are written.
#[derive(Debug, Clone)]
pub(crate) struct Letters {
    from: Mailbox,
    bounce: Address,
}

/// Why there is no letter.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unwritable {
    #[error("the address is none")]
    Address(#[from] AddressError),
    #[error("the letter cannot be written")]
    Letter(#[from] lettre::error::Error),
    #[error("a header's name is none")]
    Header(#[from] lettre::message::header::InvalidHeaderName),
}

/// A letter, and between whom it goes.
#[derive(Debug)]
pub(crate) struct Letter {
    pub(crate) from: Address,
    pub(crate) to: Address,
    pub(crate) octets: Vec<u8>,
}

impl Letters {
    pub(crate) const fn new(from: Mailbox, bounce: Address) -> Self {
        Self { from, bounce }
    }

    /// `bounce+17@…` of delivery 17: whoever returns the letter says which it was, whatever it writes.
    fn returns_to(&self, number: i64) -> Result<Address, AddressError> {
        Address::new(format!("{}+{number}", self.bounce.user()), self.bounce.domain())
    }

    /// The number in an address to which a letter was returned.
    pub(crate) fn number(&self, address: &str) -> Option<i64> {
        let (user, domain) = address.trim().trim_matches(['<', '>']).rsplit_once('@')?;
        let (base, number) = user.rsplit_once('+')?;
        let ours = base.eq_ignore_ascii_case(self.bounce.user()) && domain.eq_ignore_ascii_case(self.bounce.domain());
        number.parse().ok().filter(|number| ours && *number > 0)
    }

    fn message_id(&self, number: i64) -> String {
        format!("<gridcare.{number}@{}>", self.bounce.domain())
    }

    /// The number in the `Message-ID` of a returned letter.
    pub(crate) fn number_of_message(&self, id: &str) -> Option<i64> {
        let id = id.trim().strip_prefix('<')?.strip_suffix('>')?;
        let (number, domain) = id.strip_prefix("gridcare.")?.split_once('@')?;
        number.parse().ok().filter(|number| domain.eq_ignore_ascii_case(self.bounce.domain()) && *number > 0)
    }

    /// What the node calls the letter of a delivery.
    pub(crate) fn part_id(&self, number: i64) -> String {
        format!("email/{}", self.message_id(number).trim_matches(['<', '>']))
    }

    /// The letter of an errand.
    pub(crate) fn write(&self, errand: &Errand, now: Timestamp) -> Result<Letter, Unwritable> {
        let to: Address = errand.address.trim().parse()?;
        let (title, body) = errand.wording();
        let header = |name: &str, value: &str| {
            Ok::<_, Unwritable>(HeaderValue::new(HeaderName::new_from_ascii(name.to_owned())?, value.to_owned()))
        };
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to.clone()))
            .date(now.into())
            .subject(title.split_whitespace().collect::<Vec<_>>().join(" "))
            .message_id(Some(self.message_id(errand.number)))
            // Nobody's absence is to be told to a machine (RFC 3834).
            .raw_header(header("Auto-Submitted", "auto-generated")?)
            .header(ContentType::TEXT_PLAIN)
            .body(body.to_owned())?;
        Ok(Letter { from: self.returns_to(errand.number)?, to, octets: message.formatted() })
    }
}
