use crate::customer::Language;

/// One thing's name in both languages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bilingual {
    /// In Vietnamese.
    pub vi: String,
    /// In English.
    pub en: String,
}

impl Bilingual {
    fn new(vi: &str, en: &str) -> Self {
        Self { vi: vi.to_owned(), en: en.to_owned() }
    }

    /// The name in a language.
    #[must_use]
    pub fn of(&self, language: Language) -> &str {
        match language {
            Language::Vi => &self.vi,
            Language::En => &self.en,
        }
    }
}

/// Who signs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sender {
    /// What a letter's number ends with, such as `SPC`.
    pub code: String,
    /// Its full name.
    pub name: Bilingual,
    /// The body that it belongs to, which a letter names above it.
    pub above: Option<Bilingual>,
    /// Where it dates its letters from.
    pub seat: Bilingual,
    /// Where those who ask may turn, such as a telephone number.
    pub contact: Option<String>,
}

/// Code, names and seats as of 2013; who answers there is known to the node that they are.
const KNOWN: [(&str, &str, &str, &str, &str); 6] = [
    ("EVN", "Tập đoàn Điện lực Việt Nam", "Vietnam Electricity", "Hà Nội", "Hanoi"),
    ("NPC", "Tổng công ty Điện lực miền Bắc", "Northern Power Corporation", "Hà Nội", "Hanoi"),
    ("HANOI", "Tổng công ty Điện lực thành phố Hà Nội", "Hanoi Power Corporation", "Hà Nội", "Hanoi"),
    ("CPC", "Tổng công ty Điện lực miền Trung", "Central Power Corporation", "Đà Nẵng", "Da Nang"),
    (
        "HCMC",
        "Tổng công ty Điện lực Thành phố Hồ Chí Minh",
        "Ho Chi Minh City Power Corporation",
        "Thành phố Hồ Chí Minh",
        "Ho Chi Minh City",
    ),
    (
        "SPC",
        "Tổng công ty Điện lực miền Nam",
        "Southern Power Corporation",
        "Thành phố Hồ Chí Minh",
        "Ho Chi Minh City",
    ),
];

impl Sender {
    /// The national utility (`EVN`) or one of its five corporations; who is none of them has its code for a name, and no seat.
    #[must_use]
    pub fn of_code(code: &str, contact: Option<String>) -> Self {
        let code = code.to_owned();
        let Some((_, vi, en, seat_vi, seat_en)) = KNOWN.iter().find(|known| known.0 == code) else {
            return Self { name: Bilingual::new(&code, &code), code, contact, ..Self::default() };
        };
        let above = (code != "EVN").then(|| Bilingual::new(KNOWN[0].1, KNOWN[0].2));
        Self { code, name: Bilingual::new(vi, en), above, seat: Bilingual::new(seat_vi, seat_en), contact }
    }
}

/// The full name of a corporation in a language.
pub(super) fn name_of(code: &str, language: Language) -> Option<&'static str> {
    let known = KNOWN.iter().find(|known| known.0 == code)?;
    Some(if language == Language::Vi { known.1 } else { known.2 })
}
