use super::*;

fn vi(text: &str) -> String {
    spoken(text, Language::Vi)
}

fn en(text: &str) -> String {
    spoken(text, Language::En)
}

#[test]
fn numbers_are_read_as_each_language_counts() {
    for (number, in_vietnamese, in_english) in [
        ("0", "không", "zero"),
        ("5", "năm", "five"),
        ("10", "mười", "ten"),
        ("15", "mười lăm", "fifteen"),
        ("21", "hai mươi mốt", "twenty-one"),
        ("24", "hai mươi tư", "twenty-four"),
        ("55", "năm mươi lăm", "fifty-five"),
        ("105", "một trăm linh năm", "one hundred and five"),
        ("114", "một trăm mười bốn", "one hundred and fourteen"),
        ("471", "bốn trăm bảy mươi mốt", "four hundred and seventy-one"),
        ("1005", "một nghìn không trăm linh năm", "one thousand and five"),
        ("9400", "chín nghìn bốn trăm", "nine thousand four hundred"),
        ("700000", "bảy trăm nghìn", "seven hundred thousand"),
    ] {
        assert_eq!((vi(number).as_str(), en(number).as_str()), (in_vietnamese, in_english));
    }
    assert_eq!(vi("8.000.000 khách hàng"), "tám triệu khách hàng");
    assert_eq!(en("8,000,000 customers"), "eight million customers");
    assert_eq!(vi("1,5 triệu"), "một phẩy năm triệu");
    assert_eq!(en("1.5 million"), "one point five million");
    assert_eq!(vi("95%"), "chín mươi lăm phần trăm");
    assert_eq!(en("95 %."), "ninety-five per cent.");
}

#[test]
fn times_and_dates_are_read_in_words() {
    assert_eq!(
        vi("từ 15:30 22/05/2013."),
        "từ mười lăm giờ ba mươi phút ngày hai mươi hai tháng năm năm hai nghìn không trăm mười ba."
    );
    assert_eq!(vi("lúc 14h, ngày 05/04"), "lúc mười bốn giờ, ngày mùng năm tháng tư");
    assert_eq!(
        vi("tháng 05/2013 và 06/2013"),
        "tháng năm năm hai nghìn không trăm mười ba và tháng sáu năm hai nghìn không trăm mười ba"
    );
    assert_eq!(vi("8h-11h30"), "tám giờ đến mười một giờ ba mươi phút");
    assert_eq!(
        en("since 15:30 22/05/2013."),
        "since three thirty in the afternoon on the twenty-second of May, twenty thirteen."
    );
    assert_eq!(
        en("00:05, 12:00 on 2013-06-01"),
        "twelve oh five in the morning, noon on the first of June, twenty thirteen"
    );
    assert_eq!(en("by 20/03/2005"), "by the twentieth of March, two thousand and five");
}

#[test]
fn units_abbreviations_and_codes_are_read_as_they_are_said() {
    assert_eq!(
        vi("đường dây 500 kV, 22/110kV"),
        "đường dây năm trăm ki-lô-vôn, hai mươi hai trên một trăm mười ki-lô-vôn"
    );
    assert_eq!(en("the 500 kV line"), "the five hundred kilovolt line");
    assert_eq!(vi("UBND Q.1, TP.HCM"), "Ủy ban nhân dân quận một, Thành phố Hồ Chí Minh");
    assert_eq!(vi("EVN SPC và EVN"), "Tổng công ty Điện lực miền Nam và Tập đoàn Điện lực Việt Nam");
    assert_eq!(en("EVN HCMC (says BBC)"), "Ho Chi Minh City Power Corporation says B-B-C,");
    assert_eq!(vi("trạm T2, QL1"), "trạm T hai, quốc lộ một");
    assert_eq!(
        vi("gọi 19001006 hoặc 1900 6769."),
        "gọi một chín không không một không không sáu hoặc một chín không không sáu bảy sáu chín."
    );

    assert_eq!(vi("MẤT ĐIỆN TẠI HAI XÃ"), "MẤT ĐIỆN TẠI HAI XÃ");
}

proptest::proptest! {
    #[test]
    fn no_figure_is_left_and_whatever_is_written_can_be_read(text in "[ 0-9a-zA-ZđĐếẤ.,:;/%&()°+–-]{0,60}|\\PC{0,40}") {
        for language in [Language::Vi, Language::En] {
            let said = spoken(&text, language);
            proptest::prop_assert!(!said.contains(|c: char| c.is_ascii_digit()), "{said}");
        }
    }
}
