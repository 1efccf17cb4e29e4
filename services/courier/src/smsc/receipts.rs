//! How a centre writes ids and receipts.

use jiff::{Timestamp, tz::Offset};

use super::{
    config::{Ids, ReceiptForm, SmscConfig},
    ledger::AcceptedPart,
};
use crate::smpp::{
    pdu::{Address, Message, Tlv, esm_class, tag},
    receipt::{Fields, State},
};

impl Ids {
    /// The id in the answer to a submit.
    pub(super) fn answered(self, id: u64) -> String {
        match self {
            Self::Decimal | Self::DecimalThenHex => format!("{id:010}"),
            Self::Hex | Self::HexThenDecimal => format!("{id:X}"),
        }
    }

    /// The id in a receipt.
    pub(super) fn receipted(self, id: u64) -> String {
        match self {
            Self::Decimal | Self::HexThenDecimal => format!("{id:010}"),
            Self::Hex | Self::DecimalThenHex => format!("{id:X}"),
        }
    }
}

/// The receipt of a part; none when this centre gives none.
pub(super) fn receipt(
    config: &SmscConfig,
    part: &AcceptedPart,
    state: State,
    parties: (Address, Address),
    now: Timestamp,
) -> Option<Message> {
    let date = |at: Timestamp| Offset::UTC.to_datetime(at).strftime("%y%m%d%H%M").to_string();
    let id = config.ids.receipted(part.id);
    let fields = Fields {
        id: id.clone(),
        sub: "001".into(),
        dlvrd: if state == State::Delivered { "001" } else { "000" }.into(),
        submit_date: date(part.at),
        done_date: date(now),
        stat: state.word().into(),
        err: if state == State::Delivered { "000" } else { "027" }.into(),
        // A receipt is in Latin-1, and quotes twenty characters.
        text: part.text.chars().take(20).map(|c| if c.is_ascii() { c } else { '?' }).collect(),
    };
    let text = fields.to_string().into_bytes();
    let mut tlvs = vec![Tlv::text(tag::RECEIPTED_MESSAGE_ID, &id), Tlv::new(tag::MESSAGE_STATE, [state.number()])];
    let text = match config.receipts {
        ReceiptForm::None => return None,
        ReceiptForm::Text => {
            tlvs.clear();
            text
        }
        ReceiptForm::Tlv => Vec::new(),
        ReceiptForm::Both => text,
    };
    if let Some(reference) = part.reference.filter(|_| config.echo_reference) {
        tlvs.push(Tlv::new(tag::USER_MESSAGE_REFERENCE, reference.to_be_bytes()));
    }
    // From the phone, to whoever sent the message.
    let (destination, source) = parties;
    Some(Message { source, destination, esm_class: esm_class::RECEIPT, text, tlvs, ..Message::default() })
}
