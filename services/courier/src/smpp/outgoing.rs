//! A message on its way out: from its text to the units that carry its parts.

use std::fmt;

use gridcare_domain::{
    refusal::{Refusal, Violation},
    sms_text::{Encoding, SmsText},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    coding,
    pdu::{Address, Message, Tlv, npi, tag, ton},
    piece::{Joining, Piece},
    validity::Validity,
};

/// A text message to one phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The delivery that it is for.
    pub id: Uuid,
    /// As whom it is sent.
    pub from: Sender,
    /// The phone: digits with the country's code, with or without `+`; or national, with its 0.
    pub to: String,
    /// What it says.
    pub text: String,
    /// How its characters travel.
    pub encoding: Encoding,
    /// The submitter's own number, in every part and, where the centre gives it back, in receipts.
    pub reference: u16,
    /// After this nobody tries any more, neither here nor at the centre.
    pub expires: Timestamp,
}

/// As whom a message is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sender {
    /// A name of at most eleven letters, digits and a few signs; nobody can answer it.
    Name(String),
    /// A short number of the network, which can be answered.
    ShortCode(String),
    /// A telephone number with its country's code.
    Number(String),
}

const LONGEST_NAME: usize = 11;
const LONGEST_SHORT_CODE: usize = 8;
/// E.164 allows fifteen digits.
const LONGEST_NUMBER: usize = 15;

impl Sender {
    /// Reads `EVNHCMC`, `19001006` or `+842839101010`.
    ///
    /// # Errors
    /// When it is none of them.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        let refuse = |reason, description: &str| Err(Violation::new("sender", reason, description));
        let digits = text.strip_prefix('+').unwrap_or(text);
        if !digits.is_empty() && digits.bytes().all(|octet| octet.is_ascii_digit()) {
            return match digits.len() {
                1..=LONGEST_SHORT_CODE if digits == text => Ok(Self::ShortCode(text.to_owned())),
                ..=LONGEST_NUMBER => Ok(Self::Number(digits.to_owned())),
                _ => refuse("NUMBER_TOO_LONG", "give at most 15 digits"),
            };
        }
        if text.is_empty() || text.chars().count() > LONGEST_NAME {
            return refuse("NAME_LENGTH", "give a name of 1 to 11 characters, a short code, or a number");
        }
        if !text.bytes().all(|octet| octet.is_ascii_alphanumeric() || b" .-_&".contains(&octet)) {
            return refuse("NAME_CHARACTERS", "give letters without diacritics, digits, blanks and . - _ & only");
        }
        Ok(Self::Name(text.to_owned()))
    }

    fn address(&self) -> Address {
        let (ton, npi, digits) = match self {
            Self::Name(name) => (ton::ALPHANUMERIC, npi::UNKNOWN, name),
            Self::ShortCode(code) => (ton::NETWORK, npi::UNKNOWN, code),
            Self::Number(number) => (ton::INTERNATIONAL, npi::TELEPHONE, number),
        };
        Address { ton, npi, digits: digits.clone() }
    }
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(text) | Self::ShortCode(text) => f.pad(text),
            Self::Number(digits) => write!(f, "+{digits}"),
        }
    }
}

/// How this centre wants messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dialect {
    /// How parts of a long message say that they belong together.
    pub joining: Joining,
    /// How the expiry is written.
    pub validity: Validity,
}

impl Outgoing {
    /// The units of its parts, in their order.
    ///
    /// # Errors
    /// When no centre could take it: its expiry is past, its number is none, or it is longer than 255 parts.
    pub fn parts(&self, dialect: Dialect, now: Timestamp) -> Result<Vec<Message>, Refusal> {
        let mut violations = Vec::new();
        if self.expires <= now {
            violations.push(Violation::new("expires", "EXPIRED", "it is too late to send this message"));
        }
        let destination = recipient(&self.to).unwrap_or_else(|violation| {
            violations.push(violation);
            Address::default()
        });
        let texts = SmsText::new(&self.text, self.encoding).parts;
        let total = u8::try_from(texts.len()).unwrap_or_else(|_| {
            violations.push(Violation::new("text", "TOO_LONG", "shorten the text to 255 parts"));
            0
        });
        if !violations.is_empty() {
            return Err(Refusal::invalid(violations));
        }
        let validity = dialect.validity.write(self.expires, now);
        let part = |text: &String, number| {
            let mut message = Message {
                source: self.from.address(),
                destination: destination.clone(),
                validity: validity.clone(),
                registered_delivery: 1,
                data_coding: coding::data_coding(self.encoding),
                text: coding::encode(text, self.encoding),
                tlvs: vec![Tlv::new(tag::USER_MESSAGE_REFERENCE, self.reference.to_be_bytes())],
                ..Message::default()
            };
            if total > 1 {
                Piece { reference: self.reference, total, number }.mark(&mut message, dialect.joining);
            }
            message
        };
        Ok(texts.iter().zip(1..=total).map(|(text, number)| part(text, number)).collect())
    }
}

fn recipient(text: &str) -> Result<Address, Violation> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let fits = (3..=LONGEST_NUMBER).contains(&digits.len()) && digits.bytes().all(|octet| octet.is_ascii_digit());
    if !fits {
        return Err(Violation::new("to", "NOT_A_NUMBER", "give 3 to 15 digits, such as +84901234567"));
    }
    let ton = if digits.starts_with('0') { ton::NATIONAL } else { ton::INTERNATIONAL };
    Ok(Address { ton, npi: npi::TELEPHONE, digits: digits.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outgoing(text: &str, encoding: Encoding) -> Outgoing {
        Outgoing {
            id: Uuid::nil(),
            from: Sender::Name("EVNHCMC".into()),
            to: "+84901234567".into(),
            text: text.into(),
            encoding,
            reference: 0x1234,
            expires: "2013-05-22T07:49:40Z".parse().unwrap(),
        }
    }

    fn now() -> Timestamp {
        "2013-05-22T07:19:40Z".parse().unwrap()
    }

    #[test]
    fn a_sender_is_a_name_a_short_code_or_a_number() {
        let address = |text: &str| Sender::parse(text).map(|sender| sender.address());
        let of = |ton, npi, digits: &str| Ok(Address { ton, npi, digits: digits.into() });
        assert_eq!(address("EVN HCMC"), of(5, 0, "EVN HCMC"));
        assert_eq!(address("19001006"), of(3, 0, "19001006"));
        assert_eq!(address("+842839101010"), of(1, 1, "842839101010"));
        for (text, reason) in [
            ("", "NAME_LENGTH"),
            ("EVNHCMC-SAIGON", "NAME_LENGTH"),
            ("Điện lực", "NAME_CHARACTERS"),
            ("1234567890123456", "NUMBER_TOO_LONG"),
        ] {
            assert_eq!(address(text).unwrap_err().reason, reason, "{text}");
        }
    }

    #[test]
    fn a_short_text_is_one_plain_unit() {
        let parts = outgoing("Đã có điện lại [15:54]", Encoding::Gsm7).parts(Dialect::default(), now()).unwrap();
        let [part] = &parts[..] else { panic!("{parts:?}") };
        assert_eq!((part.data_coding, part.esm_class, part.registered_delivery), (0, 0, 1));
        assert_eq!(part.text, b"Da co dien lai \x1b\x3c15:54\x1b\x3e");
        assert_eq!(part.validity, "130522074940000+");
        assert_eq!(part.user_message_reference(), Some(0x1234));
        assert_eq!(part.destination, Address { ton: 1, npi: 1, digits: "84901234567".into() });
    }

    #[test]
    fn a_long_text_is_units_of_at_most_140_octets_on_the_air() {
        let header = outgoing(&"ệ".repeat(140), Encoding::Ucs2).parts(Dialect::default(), now()).unwrap();
        assert_eq!(header.len(), 3);
        assert!(header.iter().all(|part| part.esm_class == 0x40 && part.data_coding == 8 && part.text.len() <= 140));
        assert_eq!(header[2].text[..6], [5, 0, 3, 0x34, 3, 3]);
        let dialect = Dialect { joining: Joining::Sar, validity: Validity::Relative };
        let sar = outgoing(&"a".repeat(161), Encoding::Gsm7).parts(dialect, now()).unwrap();
        assert_eq!(sar.iter().map(|part| part.text.len()).collect::<Vec<_>>(), [153, 8]);
        assert_eq!(Piece::of(&sar[1]).0, Some(Piece { reference: 0x1234, total: 2, number: 2 }));
        assert_eq!(sar[0].validity, "000000003000000R");
    }

    #[test]
    fn every_violation_of_a_message_is_named_at_once() {
        let bad = Outgoing { to: "khách".into(), ..outgoing(&"a".repeat(153 * 255 + 1), Encoding::Gsm7) };
        let refusal = bad.parts(Dialect::default(), Timestamp::MAX).unwrap_err();
        assert_eq!(
            refusal.violations.iter().map(|v| v.reason).collect::<Vec<_>>(),
            ["EXPIRED", "NOT_A_NUMBER", "TOO_LONG"]
        );
    }
}
