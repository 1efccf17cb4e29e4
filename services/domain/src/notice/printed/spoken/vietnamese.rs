use super::{Tongue, figures::Figure};

pub(super) const TONGUE: Tongue = Tongue {
    short: &[
        ("EVN HANOI", "Tổng công ty Điện lực thành phố Hà Nội"),
        ("EVNHANOI", "Tổng công ty Điện lực thành phố Hà Nội"),
        ("EVN HCMC", "Tổng công ty Điện lực Thành phố Hồ Chí Minh"),
        ("EVNHCMC", "Tổng công ty Điện lực Thành phố Hồ Chí Minh"),
        ("EVN NPC", "Tổng công ty Điện lực miền Bắc"),
        ("EVNNPC", "Tổng công ty Điện lực miền Bắc"),
        ("EVN CPC", "Tổng công ty Điện lực miền Trung"),
        ("EVNCPC", "Tổng công ty Điện lực miền Trung"),
        ("EVN SPC", "Tổng công ty Điện lực miền Nam"),
        ("EVNSPC", "Tổng công ty Điện lực miền Nam"),
        ("EVN", "Tập đoàn Điện lực Việt Nam"),
        ("TP.HCM", "Thành phố Hồ Chí Minh"),
        ("TP. HCM", "Thành phố Hồ Chí Minh"),
        ("TPHCM", "Thành phố Hồ Chí Minh"),
        ("TP HCM", "Thành phố Hồ Chí Minh"),
        ("UBND", "Ủy ban nhân dân"),
        ("KCN", "khu công nghiệp"),
        ("TBA", "trạm biến áp"),
        ("MBA", "máy biến áp"),
        ("KH", "khách hàng"),
        ("QL", "quốc lộ"),
        ("v.v.", "vân vân."),
        ("%", " phần trăm"),
        ("&", "và"),
    ],
    stuck: &[
        ("TP.", "thành phố "),
        ("TX.", "thị xã "),
        ("TT.", "thị trấn "),
        ("Q.", "quận "),
        ("P.", "phường "),
        ("H.", "huyện "),
        ("X.", "xã "),
        ("QL", "quốc lộ "),
    ],
    units: &[
        ("kV", "ki-lô-vôn"),
        ("kW", "ki-lô-oát"),
        ("MW", "mê-ga-oát"),
        ("kWh", "ki-lô-oát giờ"),
        ("MWh", "mê-ga-oát giờ"),
        ("kVA", "ki-lô-vôn am-pe"),
        ("MVA", "mê-ga-vôn am-pe"),
        ("V", "vôn"),
        ("Hz", "héc"),
        ("km", "ki-lô-mét"),
        ("m", "mét"),
        ("đ", "đồng"),
        ("₫", "đồng"),
        ("VND", "đồng"),
        ("°C", "độ C"),
    ],
    marks: &[('/', "trên"), ('@', "a còng"), ('.', "chấm"), ('+', "cộng"), ('&', "và")],
    to: "đến",
    number,
    digit,
    point: (',', "phẩy"),
    time,
    date,
    before_date: &["ngày"],
    before_month: "tháng",
};

const DIGITS: [&str; 10] = ["không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín"];

fn digit(digit: u8) -> &'static str {
    DIGITS.get(usize::from(digit)).copied().unwrap_or_default()
}

/// A whole number: 21 is `hai mươi mốt`, 1005 `một nghìn không trăm linh năm`.
fn number(number: u64) -> String {
    if number == 0 {
        return DIGITS[0].to_owned();
    }
    let mut words = Vec::new();
    let mut begun = false;
    for (unit, name) in [(1_000_000_000, "tỷ"), (1_000_000, "triệu"), (1_000, "nghìn"), (1, "")] {
        let group = number / unit % 1_000;
        if group == 0 {
            continue;
        }
        hundreds(group, begun, &mut words);
        if !name.is_empty() {
            words.push(name);
        }
        begun = true;
    }
    words.join(" ")
}

/// Below a thousand; `whole` says that something came before, so that no place is left out.
fn hundreds(group: u64, whole: bool, words: &mut Vec<&'static str>) {
    let of = |number: u64| usize::try_from(number % 10).map_or("", |at| DIGITS[at]);
    let (hundred, ten, one) = (group / 100, group / 10 % 10, group % 10);
    let hundreds = hundred > 0 || whole;
    if hundreds {
        words.extend([of(hundred), "trăm"]);
    }
    match ten {
        0 if hundreds && one > 0 => words.push("linh"),
        0 => {}
        1 => words.push("mười"),
        _ => words.extend([of(ten), "mươi"]),
    }
    match (one, ten) {
        (0, _) => {}
        (1, 2..) => words.push("mốt"),
        (4, 2..) => words.push("tư"),
        (5, 1..) => words.push("lăm"),
        _ => words.push(of(one)),
    }
}

fn time(hour: u8, minute: u8) -> String {
    let hour = number(hour.into());
    if minute == 0 { format!("{hour} giờ") } else { format!("{hour} giờ {} phút", number(minute.into())) }
}

/// Without `ngày` or `tháng` before it.
fn date(figure: Figure<'_>) -> String {
    let month_of = |month: u8| if month == 4 { "tư".to_owned() } else { number(month.into()) };
    match figure {
        Figure::Date { day, month, year } => {
            let first = if day <= 10 { "mùng " } else { "" };
            let year = year.map(|year| format!(" năm {}", number(year.into()))).unwrap_or_default();
            format!("{first}{} tháng {}{year}", number(day.into()), month_of(month))
        }
        Figure::Month { month, year } => format!("{} năm {}", month_of(month), number(year.into())),
        _ => String::new(),
    }
}
