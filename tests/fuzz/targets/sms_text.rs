//! Whatever a customer may write, and whatever may be answered: understood, folded, and cut into parts.

use std::sync::OnceLock;

use gridcare_domain::{
    keyword::Grammar,
    sms_text::{Encoding, SmsText, gsm7_decode, gsm7_encode},
    standard::{builtin, read},
};

/// The keywords of all corporations, as the product's own standard has them.
fn grammars() -> &'static [Grammar] {
    static ALL: OnceLock<Vec<Grammar>> = OnceLock::new();
    ALL.get_or_init(|| {
        let standard = read(builtin()).expect("the standard that ships is sound");
        standard.sms.iter().map(|set| Grammar::compile(set).expect("its keywords are sound")).collect()
    })
}

/// Parts make up the text, each fits into a message, and a text in an alphabet stays what it is.
pub(crate) fn run(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    for grammar in grammars() {
        let parsed = grammar.parse(&text);
        assert_eq!(parsed, grammar.parse(&text));
    }
    for encoding in [Encoding::Gsm7, Encoding::Ucs2] {
        let sms = SmsText::new(&text, encoding);
        assert_eq!(sms.parts.concat(), sms.text);
        let (alone, each) = encoding.limits();
        let limit = if sms.parts.len() == 1 { alone } else { each };
        for part in &sms.parts {
            let units: usize = part.chars().filter_map(|c| encoding.units(c)).sum();
            assert!(units <= limit, "{units} units in a part of at most {limit}");
        }
    }
    let decoded = gsm7_decode(octets);
    let encoded = gsm7_encode(&decoded).expect("what was decoded is in the alphabet");
    assert_eq!(gsm7_decode(&encoded), decoded);
}
