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
use ring::hmac;

use crate::carrier::Errand;

/// How letters are written.
#[derive(Debug, Clone)]
pub(crate) struct Letters {
    from: Mailbox,
    bounce: Address,
    key: Option<hmac::Key>,
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
    /// With a secret, nobody who was not sent a letter can return it.
    pub(crate) fn new(from: Mailbox, bounce: Address, secret: Option<&str>) -> Self {
        let key = secret.map(|secret| hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()));
        Self { from, bounce, key }
    }

    /// `17`, or `17.` and twelve hexadecimal digits that nobody can guess.
    fn sealed(&self, number: i64) -> String {
        let number = number.to_string();
        let Some(key) = &self.key else { return number };
        let tag = hmac::sign(key, number.as_bytes());
        let mut seal = [0; 8];
        seal[2..].copy_from_slice(&tag.as_ref()[..6]);
        format!("{number}.{:012x}", u64::from_be_bytes(seal))
    }

    fn unsealed(&self, text: &str) -> Option<i64> {
        let number = text.split('.').next()?.parse::<i64>().ok().filter(|number| *number > 0)?;
        self.sealed(number).eq_ignore_ascii_case(text).then_some(number)
    }

    /// `bounce+17@…` of delivery 17: whoever returns the letter says which it was, whatever it writes.
    fn returns_to(&self, number: i64) -> Result<Address, AddressError> {
        Address::new(format!("{}+{}", self.bounce.user(), self.sealed(number)), self.bounce.domain())
    }

    /// The number in an address to which a letter was returned.
    pub(crate) fn number(&self, address: &str) -> Option<i64> {
        let (user, domain) = address.trim().trim_matches(['<', '>']).rsplit_once('@')?;
        let (base, number) = user.rsplit_once('+')?;
        let ours = base.eq_ignore_ascii_case(self.bounce.user()) && domain.eq_ignore_ascii_case(self.bounce.domain());
        self.unsealed(number).filter(|_| ours)
    }

    fn message_id(&self, number: i64) -> String {
        format!("<gridcare.{}@{}>", self.sealed(number), self.bounce.domain())
    }

    /// The number in the `Message-ID` of a returned letter.
    pub(crate) fn number_of_message(&self, id: &str) -> Option<i64> {
        let id = id.trim().strip_prefix('<')?.strip_suffix('>')?;
        let (number, domain) = id.strip_prefix("gridcare.")?.split_once('@')?;
        self.unsealed(number).filter(|_| domain.eq_ignore_ascii_case(self.bounce.domain()))
    }

    /// What the node calls the letter of a delivery, whatever seals it.
    pub(crate) fn part_id(&self, number: i64) -> String {
        format!("email/gridcare.{number}@{}", self.bounce.domain())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(secret: Option<&str>) -> Letters {
        let (from, bounce) = ("EVN <care@evn.example>".parse().unwrap(), "bounce@evn.example".parse().unwrap());
        Letters::new(from, bounce, secret)
    }

    #[test]
    fn a_letter_with_a_seal_is_returned_by_nobody_who_has_not_got_it() {
        let (open, sealed, other) = (letters(None), letters(Some("geheim")), letters(Some("another")));
        assert_eq!(open.returns_to(17).unwrap().to_string(), "bounce+17@evn.example");
        assert_eq!(open.number("<Bounce+17@EVN.example>"), Some(17));
        let (address, id) = (sealed.returns_to(17).unwrap().to_string(), sealed.message_id(17));
        assert_eq!((sealed.number(&address), sealed.number_of_message(&id)), (Some(17), Some(17)));
        assert_eq!(sealed.number(&address.to_uppercase()), Some(17), "servers change the case of addresses");
        let neighbour = |text: &str| text.replace("17", "18");
        let forged =
            ["bounce+17@evn.example".to_owned(), neighbour(&address), other.returns_to(17).unwrap().to_string()];
        for forged in forged {
            assert_eq!(sealed.number(&forged), None, "{forged}");
        }
        for forged in ["<gridcare.17@evn.example>".to_owned(), neighbour(&id), other.message_id(17)] {
            assert_eq!(sealed.number_of_message(&forged), None, "{forged}");
        }
        assert_eq!(sealed.part_id(17), open.part_id(17), "what the node keeps is the same whatever the key");
    }

    #[test]
    fn the_longest_address_of_bounces_is_one() {
        let bounce = format!("{}@evn.example", "b".repeat(31)).parse().unwrap();
        let letters = Letters::new("care@evn.example".parse().unwrap(), bounce, Some("geheim"));
        assert!(letters.returns_to(i64::MAX).unwrap().user().len() <= 64);
    }
}
