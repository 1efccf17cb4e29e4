use std::{collections::BTreeMap, sync::OnceLock};

use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization as _;

use super::*;
use crate::{
    keyword::Keyword,
    standard::{builtin, read},
};

/// The keywords that a corporation published in 2013, as the product's own standard has them.
fn published(region: &str) -> &'static Grammar {
    static ALL: OnceLock<BTreeMap<String, Grammar>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        let sets = read(builtin()).unwrap().sms;
        sets.into_iter().map(|set| (set.region.clone(), Grammar::compile(&set).unwrap())).collect()
    });
    &all[region]
}

fn hcmc() -> &'static Grammar {
    published("HCMC")
}

fn spc() -> &'static Grammar {
    published("SPC")
}

fn asks(answer: Answer, code: &str, month: Option<(u32, u32)>) -> Parsed {
    let month = month.map(|(month, year)| Month::new(month, year).unwrap());
    Parsed::Recognised { answer, code: CustomerCode::parse(code).ok(), month }
}

fn lacks(answer: Option<Answer>, missing: &[Missing]) -> Parsed {
    Parsed::Incomplete { answer, code: None, missing: missing.to_vec() }
}

const CODE: &str = "PE01000123456";

#[test]
fn every_published_syntax_is_read() {
    for (text, answer, month) in [
        ("TD PE01000123456 05/13", Answer::Bill, Some((5, 2013))),
        ("NO PE01000123456", Answer::AmountOwed, None),
        ("LMD PE01000123456", Answer::PlannedOutages, None),
        ("MD PE01000123456", Answer::PresentOutage, None),
        ("LGD PE01000123456 12/12", Answer::ReadingDay, Some((12, 2012))),
    ] {
        assert_eq!(hcmc().parse(text), asks(answer, CODE, month), "{text}");
    }
    for (text, answer) in [
        ("SPCDK PE01000123456 LG", Answer::ReadingDay),
        ("SPCDK PE01000123456 CS", Answer::MeterReading),
        ("SPCDK PE01000123456 TD", Answer::Bill),
        ("SPCDK PE01000123456 NO", Answer::AmountOwed),
        ("SPCDK PE01000123456 NG", Answer::PlannedOutages),
    ] {
        assert_eq!(spc().parse(text), asks(answer, CODE, None), "{text}");
    }
}

#[test]
fn a_month_and_a_code_may_be_written_in_many_ways() {
    for text in [
        "td PE01000123456 5/13",
        "TD PE01000123456 5/13",
        "td pe01 0001 23456 05-2013",
        "TD\u{a0}PE01000123456\u{a0}5/13",
        "  tđ   PE01000123456   0513 ",
        "TDPE01000123456 5/13",
        "TDPE01000123456 05.2013",
        "Td-Pe01000123456-052013",
        "ＴＤ　ＰＥ０１０００１２３４５６　５／１３",
        "TD PE01000123456 tháng 5 năm 2013",
        "TD PE01000123456 T5/2013.",
        "TD 5/13 PE01000123456",
        "TD PE 01000123456 2013-05",
        "«TD» <PE01000123456> (05,13)",
        "cho toi hoi TD PE01000123456 5/13 cam on",
        "TD PE010001234565/13",
        "TD\u{200b} PE01000123456\n5/13",
        "TD PE01000123456 513",
    ] {
        assert_eq!(hcmc().parse(text), asks(Answer::Bill, CODE, Some((5, 2013))), "{text}");
    }
    for text in
        ["SPC DK PE01000123456 LG", "spcdk lg pe01000123456", "SPCDKPE01000123456LG", "SPCDK: PE01000123456; LG xin"]
    {
        assert_eq!(spc().parse(text), asks(Answer::ReadingDay, CODE, None), "{text}");
    }
}

#[test]
fn what_is_missing_is_named() {
    let (bill, owed) = (Some(Answer::Bill), Some(Answer::AmountOwed));
    for (text, expected) in [
        ("TD", lacks(bill, &[Missing::Code, Missing::Month])),
        ("td 5/13", lacks(bill, &[Missing::Code])),
        ("NO", lacks(owed, &[Missing::Code])),
        ("NO PE0100012345", lacks(owed, &[Missing::WrongCode])),
        ("NO PE010001234567", lacks(owed, &[Missing::WrongCode])),
        ("NO PE01000123456 7", lacks(owed, &[Missing::WrongCode])),
        ("NOPE0100012345", lacks(owed, &[Missing::WrongCode])),
        ("NO 0903123456", lacks(owed, &[Missing::WrongCode])),
        ("TD PE010001234567 5/13", lacks(bill, &[Missing::WrongCode])),
        // One digit too few must not borrow one from the month.
        ("TD PE0100012345 05/13", lacks(bill, &[Missing::WrongCode])),
        ("TD PE0100012345 5/13", lacks(bill, &[Missing::WrongCode])),
        ("TD PE010001234 05-2013", lacks(bill, &[Missing::WrongCode])),
        ("NO PE0100012 05/13", lacks(owed, &[Missing::WrongCode])),
    ] {
        assert_eq!(hcmc().parse(text), expected, "{text}");
    }
    let with_code = |missing: &[Missing]| Parsed::Incomplete {
        answer: bill,
        code: CustomerCode::parse(CODE).ok(),
        missing: missing.to_vec(),
    };
    assert_eq!(hcmc().parse("TD PE01000123456"), with_code(&[Missing::Month]));
    assert_eq!(hcmc().parse("TD PE01000123456 13/13"), with_code(&[Missing::WrongMonth]));
    let Parsed::Incomplete { answer: None, code: Some(_), missing } = spc().parse("SPCDK PE01000123456") else {
        panic!("five keywords begin so");
    };
    assert_eq!(missing, [Missing::Keyword]);
    assert_eq!(spc().parse("SPCDK LG"), lacks(Some(Answer::ReadingDay), &[Missing::Code]));
    assert_eq!(spc().parse("SPCDK PE0100 CS"), lacks(Some(Answer::MeterReading), &[Missing::WrongCode]));
}

#[test]
fn a_report_in_free_words_is_one_and_a_question_is_none() {
    let report = |code| asks(Answer::ReportOutage, code, None);
    for text in [
        "mat dien",
        "Nhà tôi MẤT ĐIỆN rồi!",
        "cúp điện",
        "matdien",
        "khu pho 3 bi cup dien tu sang",
        "No power!!",
        "ko co dien",
    ] {
        assert_eq!(hcmc().parse(text), report(""), "{text}");
        assert_eq!(spc().parse(text), report(""), "{text}");
    }
    assert_eq!(hcmc().parse("mất điện mã PE01000123456 từ 8h"), report(CODE));
    assert_eq!(hcmc().parse("xin lịch cúp điện"), asks(Answer::PlannedOutages, "", None));
    assert_eq!(hcmc().parse("bao giờ có điện"), asks(Answer::PresentOutage, "", None));
    for text in
        ["khong mat dien", "da co dien roi, cam on", "nổ trạm biến áp", "cảm ơn", "", "???", "chào buổi sáng", "nope"]
    {
        assert_eq!(hcmc().parse(text), Parsed::Unknown, "{text}");
    }
}

#[test]
fn reserved_words_are_whole_messages() {
    for text in ["STOP", "Stop.", "hủy", "HỦY ĐĂNG KÝ", " huy "] {
        assert_eq!(hcmc().parse(text), Parsed::Stop, "{text}");
    }
    assert_eq!(hcmc().parse("start"), Parsed::Start);
    assert_eq!(hcmc().parse("Trợ giúp"), asks(Answer::Help, "", None));
    assert_eq!(hcmc().parse("stop mất điện"), asks(Answer::ReportOutage, "", None));
}

#[test]
fn a_set_that_cannot_be_told_apart_is_refused() {
    let compile = |rows: &[(&str, &str)]| {
        let keywords =
            rows.iter().map(|(syntax, answer)| Keyword { syntax: (*syntax).into(), answer: (*answer).into() });
        let set = KeywordSet {
            region: "X".into(),
            short_code: "1".into(),
            subscribe_short_code: None,
            keywords: keywords.collect(),
        };
        Grammar::compile(&set).map(drop)
    };
    assert_eq!(compile(&[("TD <code>", "bil")]), Err(GrammarError::Answer(0, "bil".into())));
    assert_eq!(compile(&[("<code> TD", "bill")]), Err(GrammarError::NoWord(0)));
    assert_eq!(compile(&[("", "bill")]), Err(GrammarError::NoWord(0)));
    assert_eq!(compile(&[("TD <kode>", "bill")]), Err(GrammarError::Part(0, "<kode>".into())));
    assert_eq!(compile(&[("TD <code> <code>", "bill")]), Err(GrammarError::Part(0, "<code>".into())));
    assert_eq!(compile(&[("A B C D E", "bill")]), Err(GrammarError::TooLong(0)));
    assert_eq!(compile(&[("TĐ <code>", "bill"), ("td <code>", "help")]), Err(GrammarError::Alike(0, 1)));
    assert_eq!(compile(&[("K <code> A", "bill"), ("K A <code>", "help")]), Err(GrammarError::Alike(0, 1)));
    assert_eq!(compile(&[("TD <code>", "bill"), ("TD <code> mm/yy", "bill")]), Ok(()));
}

#[test]
fn of_two_keywords_the_one_that_explains_more_is_meant() {
    let keyword = |syntax: &str, answer: &str| Keyword { syntax: syntax.into(), answer: answer.into() };
    let set = KeywordSet {
        region: "X".into(),
        short_code: "1".into(),
        subscribe_short_code: None,
        keywords: vec![
            keyword("TD <code>", "amount_owed"),
            keyword("TD <code> mm/yy", "bill"),
            keyword("MAT DIEN", "report_outage"),
        ],
    };
    let grammar = Grammar::compile(&set).unwrap();
    assert_eq!(grammar.parse("TD PE01000123456"), asks(Answer::AmountOwed, CODE, None));
    assert_eq!(grammar.parse("TD PE01000123456 5/13"), asks(Answer::Bill, CODE, Some((5, 2013))));
    assert_eq!(grammar.syntax(Answer::Bill), Some("TD <code> mm/yy"));
}

/// Ways to write the same: case, diacritics, spaces and punctuation.
fn written() -> impl Strategy<Value = (Vec<&'static str>, String)> {
    let spaces = prop_oneof![Just(" "), Just("  "), Just("\u{a0}"), Just(" - "), Just(","), Just("\n"), Just(" : ")];
    let spaces = prop::collection::vec(spaces, 4);
    (spaces, any::<u64>(), 0_u8..3).prop_map(|(spaces, bits, form)| {
        let styled = move |text: &str| -> String {
            let mut bits = bits;
            let cased: String = text
                .chars()
                .map(|c| {
                    bits = bits.rotate_left(7) ^ 0x9e37;
                    let c = if bits & 1 == 0 { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
                    match (c, bits & 6) {
                        ('D', 2) => 'Đ',
                        ('d', 2) => 'đ',
                        ('O', 2) => 'Ợ',
                        ('o', 2) => 'ố',
                        ('E', 2) => 'Ế',
                        _ => c,
                    }
                })
                .collect();
            match form {
                0 => cased,
                1 => cased.nfd().collect(),
                _ => cased
                    .chars()
                    .map(|c| if c.is_ascii_graphic() { char::from_u32(u32::from(c) + 0xfee0).unwrap_or(c) } else { c })
                    .collect(),
            }
        };
        (spaces, styled("TD NO LMD MD LGD PE01000123456 5/13"))
    })
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in prop_oneof![any::<String>(), "\\PC{0,200}", "[TDNOLMGPEtdnopecsk0-9/ .-]{0,40}"]) {
        for grammar in [hcmc(), spc(), &Grammar::default()] {
            let _ = grammar.parse(&text);
        }
    }

    #[test]
    fn how_it_is_written_makes_no_difference((spaces, styled) in written(), which in 0_usize..5) {
        let words: Vec<&str> = styled.split([' ', '\u{3000}']).collect();
        let (code, month) = (words[5], words[6]);
        let answer = [Answer::Bill, Answer::AmountOwed, Answer::PlannedOutages, Answer::PresentOutage, Answer::ReadingDay][which];
        let dated = matches!(answer, Answer::Bill | Answer::ReadingDay);
        let mut text = format!("{}{}{}{code}{}", spaces[0], words[which], spaces[1], spaces[2]);
        if dated {
            text.push_str(month);
        }
        text.push_str(spaces[3]);
        prop_assert_eq!(hcmc().parse(&text), asks(answer, CODE, dated.then_some((5, 2013))), "{}", text);
    }

    #[test]
    fn every_code_and_month_reads_back(code in "P[A-Z][A-Z0-9]{11}", month in 1_u32..=12, year in 2000_u32..=2099, form in 0_usize..5) {
        let date = [
            format!("{month}/{:02}", year % 100),
            format!("{month:02}-{year}"),
            format!("{month:02}{:02}", year % 100),
            format!("{month:02}{year}"),
            format!("{year}/{month:02}"),
        ];
        prop_assert_eq!(hcmc().parse(&format!("TD {code} {}", date[form])), asks(Answer::Bill, &code, Some((month, year))));
    }

    #[test]
    fn a_code_of_another_length_is_never_completed_from_what_follows(digits in "[0-9]{1,10}|[0-9]{12,14}", month in 1_u32..=12, space in " {1,2}") {
        let parsed = hcmc().parse(&format!("TD{space}PE{digits} {month:02}/13"));
        let recognised = matches!(parsed, Parsed::Recognised { .. });
        prop_assert!(!recognised, "{:?}", parsed);
    }
}
