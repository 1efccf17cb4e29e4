//! Optional parameters.

/// One optional parameter, known or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tlv {
    /// What it is; see [`tag`].
    pub tag: u16,
    /// Its octets.
    pub value: Vec<u8>,
}

/// The tags that this uses.
pub mod tag {
    /// The centre's id of the message that a receipt is about; a text that ends with NUL.
    pub const RECEIPTED_MESSAGE_ID: u16 = 0x001e;
    /// The submitter's own number of a message, two octets.
    pub const USER_MESSAGE_REFERENCE: u16 = 0x0204;
    /// Which concatenated message a part belongs to, two octets.
    pub const SAR_MSG_REF_NUM: u16 = 0x020c;
    /// How many parts it has, one octet.
    pub const SAR_TOTAL_SEGMENTS: u16 = 0x020e;
    /// Which of them this is, from 1, one octet.
    pub const SAR_SEGMENT_SEQNUM: u16 = 0x020f;
    /// What version the centre speaks, one octet.
    pub const SC_INTERFACE_VERSION: u16 = 0x0210;
    /// The text itself, where it is not in `short_message`.
    pub const MESSAGE_PAYLOAD: u16 = 0x0424;
    /// What became of a message, one octet.
    pub const MESSAGE_STATE: u16 = 0x0427;
    /// What the network said, three octets: kind of network, and its error.
    pub const NETWORK_ERROR_CODE: u16 = 0x0423;
}

impl Tlv {
    /// A parameter of any octets.
    #[must_use]
    pub fn new(tag: u16, value: impl Into<Vec<u8>>) -> Self {
        Self { tag, value: value.into() }
    }

    /// A text that ends with NUL.
    #[must_use]
    pub fn text(tag: u16, text: &str) -> Self {
        let octets = text.chars().filter_map(|c| u8::try_from(c).ok()).filter(|octet| *octet != 0);
        Self { tag, value: octets.chain([0]).collect() }
    }

    /// Its value as a text, with or without NUL.
    #[must_use]
    pub fn as_text(&self) -> String {
        super::latin(self.value.split(|octet| *octet == 0).next().unwrap_or_default())
    }

    /// Its value as a number, however many octets it has, up to eight.
    #[must_use]
    pub fn as_number(&self) -> Option<u64> {
        if self.value.is_empty() || self.value.len() > 8 {
            return None;
        }
        Some(self.value.iter().fold(0, |number, octet| number << 8 | u64::from(*octet)))
    }
}

/// Looks a parameter up.
pub(crate) fn find(tlvs: &[Tlv], tag: u16) -> Option<&Tlv> {
    tlvs.iter().find(|tlv| tlv.tag == tag)
}
