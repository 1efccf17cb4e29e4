//! How the characters of a text become octets, and back (SMPP 3.4, 5.2.19; 3GPP TS 23.038).

use gridcare_domain::sms_text::{Encoding, gsm7_decode, gsm7_encode, plain};

/// `data_coding` of the centre's default alphabet: GSM-7, one septet an octet.
pub const DEFAULT: u8 = 0x00;
/// `data_coding` of Latin-1.
pub const LATIN_1: u8 = 0x03;
/// `data_coding` of UCS-2, high octet first.
pub const UCS_2: u8 = 0x08;

/// `data_coding` of an encoding.
#[must_use]
pub const fn data_coding(encoding: Encoding) -> u8 {
    match encoding {
        Encoding::Gsm7 => DEFAULT,
        Encoding::Ucs2 => UCS_2,
    }
}

/// A text as octets. What GSM's alphabet lacks is folded; texts from `SmsText` have nothing to fold.
#[must_use]
pub fn encode(text: &str, encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Gsm7 => gsm7_encode(text).or_else(|| gsm7_encode(&plain(text))).unwrap_or_default(),
        Encoding::Ucs2 => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
    }
}

/// What alphabet a `data_coding` means, message classes of GSM (0x10 to 0x1f, 0xf0 to 0xff) included.
enum Alphabet {
    Gsm7,
    Ucs2,
    Latin1,
}

const fn alphabet(data_coding: u8) -> Alphabet {
    match data_coding {
        DEFAULT | 0x10..=0x13 | 0xf0..=0xf3 => Alphabet::Gsm7,
        UCS_2 | 0x18..=0x1b => Alphabet::Ucs2,
        // ASCII is in Latin-1; so is, for want of better, what nobody can read.
        _ => Alphabet::Latin1,
    }
}

/// Whether a text came in UCS-2, so that its answer may have diacritics.
#[must_use]
pub const fn is_ucs2(data_coding: u8) -> bool {
    matches!(alphabet(data_coding), Alphabet::Ucs2)
}

/// The text of octets. A lone half of a pair becomes U+FFFD, and half of a unit at the end is dropped.
#[must_use]
pub fn decode(octets: &[u8], data_coding: u8) -> String {
    match alphabet(data_coding) {
        Alphabet::Gsm7 => gsm7_decode(octets),
        Alphabet::Ucs2 => {
            let units = octets.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        Alphabet::Latin1 => super::pdu::latin(octets),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn extension_characters_are_escaped_and_vietnamese_is_big_endian() {
        assert_eq!(encode("[€]", Encoding::Gsm7), [0x1b, 0x3c, 0x1b, 0x65, 0x1b, 0x3e]);
        assert_eq!(encode("ệ😀", Encoding::Ucs2), [0x1e, 0xc7, 0xd8, 0x3d, 0xde, 0x00]);
        assert_eq!(decode(b"caf\xe9", LATIN_1), "café");
        assert_eq!(decode(&[0xd8, 0x3d, 0x00, 0x61, 0x00], UCS_2), "\u{fffd}a");
        assert_eq!(decode(&[0x00, 0x11], 0xf1), "@_", "a class 1 message in GSM's alphabet");
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(text in "\\PC{0,200}") {
            prop_assert_eq!(decode(&encode(&text, Encoding::Ucs2), UCS_2), text.clone());
            let folded = plain(&text);
            prop_assert_eq!(decode(&encode(&folded, Encoding::Gsm7), DEFAULT), folded);
        }

        #[test]
        fn any_octets_decode(octets in prop::collection::vec(any::<u8>(), 0..300), coding in any::<u8>()) {
            let _ = decode(&octets, coding);
        }
    }
}
