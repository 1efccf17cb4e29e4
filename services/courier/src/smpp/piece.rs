//! Concatenated messages: which part of which message an SMS is (3GPP TS 23.040, 9.2.3.24; SMPP 3.4, 5.3.2.22 to 24).

use serde::{Deserialize, Serialize};

use super::pdu::{Message, Tlv, esm_class, tag};

/// How the parts of a long message say that they belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Joining {
    /// By a header before the text, with an 8-bit reference; every phone and nearly every centre knows it.
    #[default]
    Header,
    /// By optional parameters, from which the centre makes the header.
    Sar,
}

/// Which part of a long message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// The same for all parts of one message; 8 or 16 bits.
    pub reference: u16,
    /// How many parts there are.
    pub total: u8,
    /// Which of them this is, from 1.
    pub number: u8,
}

const CONCATENATED_8: u8 = 0x00;
const CONCATENATED_16: u8 = 0x08;

impl Piece {
    fn is_possible(self) -> bool {
        self.total > 0 && (1..=self.total).contains(&self.number)
    }

    /// Makes a message say which part it is. Of the reference a header has the low eight bits.
    pub(crate) fn mark(self, message: &mut Message, joining: Joining) {
        match joining {
            Joining::Header => {
                let [_, reference] = self.reference.to_be_bytes();
                message.esm_class |= esm_class::HEADER;
                message.text.splice(0..0, [5, CONCATENATED_8, 3, reference, self.total, self.number]);
            }
            Joining::Sar => message.tlvs.extend([
                Tlv::new(tag::SAR_MSG_REF_NUM, self.reference.to_be_bytes()),
                Tlv::new(tag::SAR_TOTAL_SEGMENTS, [self.total]),
                Tlv::new(tag::SAR_SEGMENT_SEQNUM, [self.number]),
            ]),
        }
    }

    /// Which part a message is, if it says so, and the octets of its text without any header.
    #[must_use]
    pub fn of(message: &Message) -> (Option<Self>, &[u8]) {
        let payload = message.payload();
        let (by_header, text) = match message.esm_class & esm_class::HEADER {
            0 => (None, payload),
            _ => split_header(payload),
        };
        (by_header.or_else(|| Self::by_sar(message)).filter(|piece| piece.is_possible()), text)
    }

    fn by_sar(message: &Message) -> Option<Self> {
        let number = |tag| message.tlv(tag)?.as_number();
        Some(Self {
            reference: u16::try_from(number(tag::SAR_MSG_REF_NUM)?).ok()?,
            total: u8::try_from(number(tag::SAR_TOTAL_SEGMENTS)?).ok()?,
            number: u8::try_from(number(tag::SAR_SEGMENT_SEQNUM)?).ok()?,
        })
    }
}

/// The piece that a header names, and what follows the header. A header that claims more than there is, is none.
fn split_header(payload: &[u8]) -> (Option<Piece>, &[u8]) {
    let header = payload.split_first().and_then(|(length, rest)| rest.split_at_checked(usize::from(*length)));
    let Some((mut elements, text)) = header else {
        return (None, payload);
    };
    let mut found = None;
    while let [kind, length, rest @ ..] = elements {
        let Some((element, others)) = rest.split_at_checked(usize::from(*length)) else { break };
        found = match (*kind, element) {
            (CONCATENATED_8, &[reference, total, number]) => {
                Some(Piece { reference: u16::from(reference), total, number })
            }
            (CONCATENATED_16, &[high, low, total, number]) => {
                Some(Piece { reference: u16::from_be_bytes([high, low]), total, number })
            }
            _ => found,
        };
        elements = others;
    }
    (found, text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_widths_of_reference_are_read_among_other_elements() {
        let message = |text: &[u8]| Message { esm_class: 0x40, text: text.to_vec(), ..Message::default() };
        let wide = message(&[0x0b, 0x05, 0x03, 0, 0, 0, 0x08, 0x04, 0x01, 0x02, 3, 2, b'x']);
        assert_eq!(Piece::of(&wide), (Some(Piece { reference: 0x102, total: 3, number: 2 }), &b"x"[..]));
        let impossible = message(&[5, 0, 3, 7, 2, 3, b'x']);
        assert_eq!(Piece::of(&impossible), (None, &b"x"[..]), "there is no third of two");
        assert_eq!(Piece::of(&message(&[9, 0, 3])).0, None);
    }

    proptest! {
        #[test]
        fn what_is_marked_is_read(reference: u16, total in 1..=255_u8, n: u8, text in prop::collection::vec(any::<u8>(), 0..140)) {
            let piece = Piece { reference, total, number: n % total + 1 };
            for joining in [Joining::Header, Joining::Sar] {
                let mut message = Message { text: text.clone(), ..Message::default() };
                piece.mark(&mut message, joining);
                let seen = match joining {
                    Joining::Header => Piece { reference: reference & 0xff, ..piece },
                    Joining::Sar => piece,
                };
                prop_assert_eq!(Piece::of(&message), (Some(seen), &text[..]));
            }
        }

        #[test]
        fn any_header_is_survived(text in prop::collection::vec(any::<u8>(), 0..160)) {
            let _ = Piece::of(&Message { esm_class: 0x40, text, ..Message::default() });
        }
    }
}
