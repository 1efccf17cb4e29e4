//! Text messages: alphabets, lengths and parts, exactly as networks count them (3GPP TS 23.038, TS 23.040).

use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

use crate::{contact::code::codes, text::nfc};

/// The default alphabet of GSM, by code; 0x1B is the escape to the extension.
const DEFAULT: [char; 128] = [
    '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å', //
    'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', '\x1b', 'Æ', 'æ', 'ß', 'É', //
    ' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/', //
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?', //
    '¡', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', //
    'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§', //
    '¿', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', //
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à',
];

/// The extension: each costs two septets, since the escape goes before it.
const EXTENSION: [(u8, char); 10] = [
    (0x0a, '\x0c'),
    (0x14, '^'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2f, '\\'),
    (0x3c, '['),
    (0x3d, '~'),
    (0x3e, ']'),
    (0x40, '|'),
    (0x65, '€'),
];

const ESCAPE: u8 = 0x1b;

codes! {
    /// How the characters of a message travel.
    Encoding {
        /// The default alphabet of GSM, seven bits a character.
        Gsm7 = 1 "gsm7",
        /// UCS-2, sixteen bits: everything else; characters beyond it travel as surrogate pairs.
        Ucs2 = 2 "ucs2",
    }
}

impl Encoding {
    /// Units (septets, or 16-bit units) of a message of one part, and of each part of a longer one, whose header (with an
    /// 8-bit reference) takes room.
    #[must_use]
    pub const fn limits(self) -> (usize, usize) {
        match self {
            Self::Gsm7 => (160, 153),
            Self::Ucs2 => (70, 67),
        }
    }

    /// Units that a character takes; none when this encoding lacks it.
    #[must_use]
    pub fn units(self, c: char) -> Option<usize> {
        match self {
            Self::Gsm7 => septets(c),
            Self::Ucs2 => Some(c.len_utf16()),
        }
    }
}

/// Septets of one character; none when the alphabet lacks it.
fn septets(c: char) -> Option<usize> {
    if default_code(c).is_some() { Some(1) } else { extension_code(c).map(|_| 2) }
}

fn default_code(c: char) -> Option<u8> {
    // Most are where ASCII has them.
    if (c.is_ascii_alphanumeric() || c == ' ') && c.is_ascii() {
        return u8::try_from(c).ok();
    }
    let code = DEFAULT.iter().position(|known| *known == c && c != '\x1b')?;
    u8::try_from(code).ok()
}

fn extension_code(c: char) -> Option<u8> {
    EXTENSION.iter().find(|(_, known)| *known == c).map(|(code, _)| *code)
}

/// The text in GSM's alphabet, one septet a byte; none when some character is not in it.
#[must_use]
pub fn gsm7_encode(text: &str) -> Option<Vec<u8>> {
    let mut codes = Vec::with_capacity(text.len());
    for c in text.chars() {
        match default_code(c) {
            Some(code) => codes.push(code),
            None => codes.extend([ESCAPE, extension_code(c)?]),
        }
    }
    Some(codes)
}

/// The text of these septets. An unknown extension is shown as its default character, as the standard asks; an escape at
/// the end and what is no septet are dropped.
#[must_use]
pub fn gsm7_decode(septets: &[u8]) -> String {
    let mut text = String::with_capacity(septets.len());
    let mut escaped = false;
    for septet in septets.iter().copied() {
        let plain = DEFAULT.get(usize::from(septet)).copied();
        if septet == ESCAPE {
            // Twice is reserved for another extension, of which there is none: a space.
            if escaped {
                text.push(' ');
            }
            escaped = !escaped;
            continue;
        }
        let extended = EXTENSION.iter().find(|(code, _)| escaped && *code == septet).map(|(_, c)| *c);
        text.extend(extended.or(plain));
        escaped = false;
    }
    text
}

/// Whether every character is in GSM's alphabet.
#[must_use]
pub fn fits_gsm7(text: &str) -> bool {
    text.chars().all(|c| septets(c).is_some())
}

/// The text without diacritics, in GSM's alphabet; case and punctuation stay: `Đã có điện!` becomes `Da co dien!`.
///
/// Letters lose their diacritics even where the alphabet has some of them, because `Da Nang, Hà Nội` half folded reads worse
/// than plain. What the alphabet lacks and nothing resembles becomes `?`.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    // Composed first, so that both forms of one text fold alike; a mark alone then has no letter to stand on, and is dropped.
    for c in nfc(text).nfd().filter(|c| !is_combining_mark(*c)) {
        match c {
            'đ' | 'ð' | 'ɖ' => folded.push('d'),
            'Đ' | 'Ð' | 'Ɖ' => folded.push('D'),
            '₫' => folded.push_str("VND"),
            '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2032}' | '`' | '´' => folded.push('\''),
            '\u{201c}' | '\u{201d}' | '\u{201e}' | '«' | '»' | '\u{2033}' => folded.push('"'),
            '\u{2010}'..='\u{2015}' | '\u{2212}' => folded.push('-'),
            '…' => folded.push_str("..."),
            '•' | '·' => folded.push('*'),
            '\u{200b}'..='\u{200f}' | '\u{feff}' | '\u{ad}' => {}
            c if c.is_whitespace() && septets(c).is_none() => folded.push(' '),
            c if septets(c).is_some() => folded.push(c),
            // Full-width letters and ligatures have plain ones.
            c => match std::iter::once(c).nfkd().filter(|c| !is_combining_mark(*c)).collect::<String>() {
                other if !other.is_empty() && fits_gsm7(&other) => folded.push_str(&other),
                _ => folded.push('?'),
            },
        }
    }
    folded
}

/// A message as it goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmsText {
    /// The whole text, in normal form C, all of it in the encoding.
    pub text: String,
    /// How it travels.
    pub encoding: Encoding,
    /// Septets, or 16-bit units, of the whole text.
    pub units: usize,
    /// The texts of its parts; one when it fits into one message.
    pub parts: Vec<String>,
}

impl SmsText {
    /// The text in this encoding: without diacritics where they do not fit.
    #[must_use]
    pub fn new(text: &str, encoding: Encoding) -> Self {
        let text = match encoding {
            Encoding::Gsm7 => plain(text),
            Encoding::Ucs2 => nfc(text),
        };
        let units = text.chars().filter_map(|c| encoding.units(c)).sum();
        let parts = cut(&text, encoding, units);
        Self { text, encoding, units, parts }
    }

    /// The text as its reader writes: with diacritics for who wrote with characters that GSM's alphabet lacks, or whose
    /// message came in UCS-2; without for all others. A text that needs no diacritics goes the shorter way.
    #[must_use]
    pub fn answering(text: &str, received: &str, came_in_ucs2: bool) -> Self {
        let wide = came_in_ucs2 || !fits_gsm7(&nfc(received));
        let narrow = fits_gsm7(&nfc(text)) && plain(text) == nfc(text);
        Self::new(text, if wide && !narrow { Encoding::Ucs2 } else { Encoding::Gsm7 })
    }
}

/// The parts of a text that is all in the encoding. A character is never divided, neither between the halves of a surrogate
/// pair nor between an escape and what it escapes.
fn cut(text: &str, encoding: Encoding, units: usize) -> Vec<String> {
    let (alone, each) = encoding.limits();
    if units <= alone {
        return vec![text.to_owned()];
    }
    let (mut parts, mut part, mut room) = (Vec::new(), String::new(), each);
    for c in text.chars() {
        let takes = encoding.units(c).unwrap_or(0);
        if takes > room {
            parts.push(std::mem::take(&mut part));
            room = each;
        }
        part.push(c);
        room -= takes;
    }
    parts.push(part);
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn vietnamese_folds_and_keeps_case_and_punctuation() {
        assert_eq!(plain("Đã có điện lại lúc 15:54 – xin lỗi!"), "Da co dien lai luc 15:54 - xin loi!");
        assert_eq!(plain("ĐIỆN LỰC Hà Nội, đường Trần Phú"), "DIEN LUC Ha Noi, duong Tran Phu");
        let decomposed: String = "Mất điện ở Quận 1".nfd().collect();
        assert_eq!(plain(&decomposed), "Mat dien o Quan 1");
        assert_eq!(plain("“Kỳ 5/2013”: 123.456₫…"), "\"Ky 5/2013\": 123.456VND...");
        assert_eq!(plain("ＴＤ\u{a0}ok ⚡"), "TD ok ?");
        assert_eq!(plain("\u{301}a"), "a");
    }

    #[test]
    fn the_extension_costs_two_and_the_euro_is_in_it() {
        assert_eq!(SmsText::new("[5€]", Encoding::Gsm7).units, 7);
        assert_eq!(gsm7_encode("a€"), Some(vec![0x61, 0x1b, 0x65]));
        assert_eq!(gsm7_encode("ệ"), None);
        assert_eq!(gsm7_encode("\u{1b}"), None, "an escape is no character");
        assert_eq!(gsm7_decode(&[0x1b, 0x65, 0x1b, 0x61, 0x1b, 0x1b, 0x62, 0x1b, 0xff]), "€a b");
    }

    #[test]
    fn parts_begin_where_networks_begin_them() {
        for (encoding, letter, alone, each) in [(Encoding::Gsm7, "a", 160, 153), (Encoding::Ucs2, "ế", 70, 67)] {
            let parts = |n: usize| SmsText::new(&letter.repeat(n), encoding).parts.len();
            assert_eq!((parts(0), parts(alone), parts(alone + 1)), (1, 1, 2));
            assert_eq!((parts(2 * each), parts(2 * each + 1)), (2, 3));
        }
        // A euro and an emoji that would straddle the border go over it whole.
        let euro = SmsText::new(&format!("{}€{}", "a".repeat(152), "b".repeat(20)), Encoding::Gsm7);
        assert_eq!(euro.parts, ["a".repeat(152), format!("€{}", "b".repeat(20))]);
        let bolt = SmsText::new(&format!("{}😀{}", "ế".repeat(66), "b".repeat(20)), Encoding::Ucs2);
        assert_eq!(bolt.parts, ["ế".repeat(66), format!("😀{}", "b".repeat(20))]);
    }

    #[test]
    fn an_answer_is_in_the_senders_encoding() {
        let answer = "Khu vực của quý khách đang mất điện.";
        let to = |received, wide| SmsText::answering(answer, received, wide);
        assert_eq!(to("mat dien", false).text, "Khu vuc cua quy khach dang mat dien.");
        assert_eq!((to("mất điện", false).encoding, to("mất điện", false).text.as_str()), (Encoding::Ucs2, answer));
        assert_eq!(to("mat dien", true).encoding, Encoding::Ucs2, "the network said so");
        // `mà` alone is in GSM's alphabet, in both normal forms.
        assert_eq!(to("ma\u{300}", false).encoding, Encoding::Gsm7);
        assert_eq!(SmsText::answering("No outage.", "điện", true).encoding, Encoding::Gsm7, "nothing is lost");
    }

    #[test]
    fn codes_are_distinct_and_read_back() {
        for code in (0..128_u8).filter(|code| *code != ESCAPE) {
            let text = gsm7_decode(&[code]);
            assert_eq!(gsm7_encode(&text), Some(vec![code]));
        }
        for (code, c) in EXTENSION {
            assert_eq!(gsm7_encode(&c.to_string()), Some(vec![ESCAPE, code]));
        }
    }

    fn texts() -> impl Strategy<Value = String> {
        prop_oneof!["\\PC{0,400}", "[a-zA-Z €{}^ếđĐ😀\u{301}\n]{0,500}", any::<String>()]
    }

    proptest! {
        #[test]
        fn parts_are_the_text_cut_between_characters_each_as_full_as_it_can_be(text in texts(), wide in any::<bool>()) {
            let encoding = if wide { Encoding::Ucs2 } else { Encoding::Gsm7 };
            let sms = SmsText::new(&text, encoding);
            prop_assert_eq!(sms.parts.concat(), sms.text.clone());
            // Counted by encoding for real, not by the table of lengths.
            let length = |text: &str| match encoding {
                Encoding::Gsm7 => gsm7_encode(text).map(|codes| codes.len()),
                Encoding::Ucs2 => Some(text.encode_utf16().count()),
            };
            prop_assert_eq!(length(&sms.text), Some(sms.units));
            let (alone, each) = encoding.limits();
            prop_assert_eq!(sms.parts.len() == 1, sms.units <= alone);
            if sms.parts.len() > 1 {
                for pair in sms.parts.windows(2) {
                    let (own, next) = (length(&pair[0]).unwrap(), length(&pair[1][..pair[1].chars().next().unwrap().len_utf8()]).unwrap());
                    prop_assert!(own <= each && own + next > each);
                }
                prop_assert!(length(sms.parts.last().unwrap()).unwrap() <= each);
            }
        }

        #[test]
        fn what_gsm_encodes_it_decodes(text in "[ -~\n€£¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà]{0,200}") {
            if let Some(codes) = gsm7_encode(&text) {
                prop_assert!(codes.iter().all(|code| *code < 128));
                prop_assert_eq!(gsm7_decode(&codes), text);
            }
        }

        #[test]
        fn any_octets_decode(octets in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(fits_gsm7(&gsm7_decode(&octets)));
        }

        #[test]
        fn folding_ends_in_the_alphabet_whatever_the_form_and_twice_changes_nothing(text in texts()) {
            let folded = plain(&text);
            prop_assert!(fits_gsm7(&folded));
            prop_assert_eq!(plain(&folded), folded.clone());
            prop_assert_eq!(plain(&text.nfd().collect::<String>()), folded);
        }
    }
}
