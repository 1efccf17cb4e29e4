//! The body of `submit_sm` and `deliver_sm`, which are the same.

use super::{Malformed, Tlv, Writer, octets::Octets, tag, tlv};

/// Types of numbers.
pub mod ton {
    /// Nobody says.
    pub const UNKNOWN: u8 = 0;
    /// With the code of the country.
    pub const INTERNATIONAL: u8 = 1;
    /// Within the country.
    pub const NATIONAL: u8 = 2;
    /// A short code of the network.
    pub const NETWORK: u8 = 3;
    /// A name instead of a number.
    pub const ALPHANUMERIC: u8 = 5;
}

/// Numbering plans.
pub mod npi {
    /// Nobody says.
    pub const UNKNOWN: u8 = 0;
    /// Telephone numbers (E.164).
    pub const TELEPHONE: u8 = 1;
}

/// Bits of `esm_class`.
pub mod esm_class {
    /// A message from a phone, or to one.
    pub const PLAIN: u8 = 0x00;
    /// A receipt of the centre.
    pub const RECEIPT: u8 = 0x04;
    /// A notice from in between: the message is not final yet.
    pub const INTERMEDIATE: u8 = 0x20;
    /// A header goes before the text.
    pub const HEADER: u8 = 0x40;
    /// Where the kind of message is.
    pub const KIND: u8 = 0x3c;
}

/// A party.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Address {
    /// What type of number; see [`ton`].
    pub ton: u8,
    /// In which plan; see [`npi`].
    pub npi: u8,
    /// The number or the name, at most 20 octets.
    pub digits: String,
}

/// A message to or from a phone, or a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Message {
    /// What service; mostly empty.
    pub service_type: String,
    /// From whom.
    pub source: Address,
    /// To whom.
    pub destination: Address,
    /// What kind; see [`esm_class`].
    pub esm_class: u8,
    /// What the network makes of it.
    pub protocol_id: u8,
    /// From 0 (none) to 3.
    pub priority: u8,
    /// When to deliver; empty for now.
    pub schedule: String,
    /// Until when to try; empty for as long as the centre does.
    pub validity: String,
    /// Whether a receipt is wanted: 1 for one of the final outcome.
    pub registered_delivery: u8,
    /// Whether it replaces an earlier one.
    pub replace_if_present: u8,
    /// How its text is written.
    pub data_coding: u8,
    /// A text that the centre has.
    pub default_message: u8,
    /// The text, at most 255 octets; mostly at most 140 or 160.
    pub text: Vec<u8>,
    /// Optional parameters.
    pub tlvs: Vec<Tlv>,
}

impl Message {
    /// The text, wherever it is.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        match self.tlv(tag::MESSAGE_PAYLOAD) {
            Some(payload) if self.text.is_empty() => &payload.value,
            _ => &self.text,
        }
    }

    /// An optional parameter.
    #[must_use]
    pub fn tlv(&self, tag: u16) -> Option<&Tlv> {
        tlv::find(&self.tlvs, tag)
    }

    /// Whether it is a receipt, final or not.
    #[must_use]
    pub const fn is_receipt(&self) -> bool {
        self.esm_class & (esm_class::RECEIPT | esm_class::INTERMEDIATE) != 0
    }

    /// The submitter's own number of it.
    #[must_use]
    pub fn user_message_reference(&self) -> Option<u16> {
        self.tlv(tag::USER_MESSAGE_REFERENCE)?.as_number().and_then(|number| u16::try_from(number).ok())
    }

    pub(super) fn read(from: &mut Octets<'_>) -> Result<Self, Malformed> {
        let service_type = from.text("service_type")?;
        let source = Address::read(from, ["source_addr_ton", "source_addr_npi", "source_addr"])?;
        let destination = Address::read(from, ["dest_addr_ton", "dest_addr_npi", "destination_addr"])?;
        let [esm_class, protocol_id, priority] =
            [from.octet("esm_class")?, from.octet("protocol_id")?, from.octet("priority_flag")?];
        let (schedule, validity) = (from.text("schedule_delivery_time")?, from.text("validity_period")?);
        let registered_delivery = from.octet("registered_delivery")?;
        let replace_if_present = from.octet("replace_if_present_flag")?;
        let (data_coding, default_message) = (from.octet("data_coding")?, from.octet("sm_default_msg_id")?);
        let length = from.octet("sm_length")?;
        let text = from.take(usize::from(length), "short_message")?.to_vec();
        Ok(Self {
            service_type,
            source,
            destination,
            esm_class,
            protocol_id,
            priority,
            schedule,
            validity,
            registered_delivery,
            replace_if_present,
            data_coding,
            default_message,
            text,
            tlvs: from.tlvs(),
        })
    }

    pub(super) fn write(&self, to: &mut Writer) {
        to.text("service_type", &self.service_type, 5);
        self.source.write("source_addr", to);
        self.destination.write("destination_addr", to);
        to.octets(&[self.esm_class, self.protocol_id, self.priority]);
        to.text("schedule_delivery_time", &self.schedule, 16);
        to.text("validity_period", &self.validity, 16);
        to.octets(&[self.registered_delivery, self.replace_if_present, self.data_coding, self.default_message]);
        let Ok(length) = u8::try_from(self.text.len()) else {
            return to.refuse("short_message", "too long");
        };
        to.octets(&[length]);
        to.octets(&self.text);
        to.tlvs(&self.tlvs);
    }
}

impl Address {
    fn read(from: &mut Octets<'_>, fields: [&'static str; 3]) -> Result<Self, Malformed> {
        Ok(Self { ton: from.octet(fields[0])?, npi: from.octet(fields[1])?, digits: from.text(fields[2])? })
    }

    fn write(&self, field: &'static str, to: &mut Writer) {
        to.octets(&[self.ton, self.npi]);
        to.text(field, &self.digits, 20);
    }
}
