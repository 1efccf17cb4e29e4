use super::{Tongue, figures::Figure};
use crate::notice::printed::wording::MONTHS;

pub(super) const TONGUE: Tongue = Tongue {
    short: &[
        ("EVN HANOI", "Hanoi Power Corporation"),
        ("EVNHANOI", "Hanoi Power Corporation"),
        ("EVN HCMC", "Ho Chi Minh City Power Corporation"),
        ("EVNHCMC", "Ho Chi Minh City Power Corporation"),
        ("EVN NPC", "Northern Power Corporation"),
        ("EVNNPC", "Northern Power Corporation"),
        ("EVN CPC", "Central Power Corporation"),
        ("EVNCPC", "Central Power Corporation"),
        ("EVN SPC", "Southern Power Corporation"),
        ("EVNSPC", "Southern Power Corporation"),
        ("EVN", "Vietnam Electricity"),
        ("TP.HCM", "Ho Chi Minh City"),
        ("HCMC", "Ho Chi Minh City"),
        ("e.g.", "for example"),
        ("i.e.", "that is"),
        ("a.m.", "in the morning"),
        ("p.m.", "in the afternoon or evening"),
        ("%", " per cent"),
        ("&", "and"),
    ],
    stuck: &[("TP.", ""), ("Dist.", "District ")],
    units: &[
        ("kV", "kilovolt"),
        ("kW", "kilowatts"),
        ("MW", "megawatts"),
        ("kWh", "kilowatt-hours"),
        ("MWh", "megawatt-hours"),
        ("kVA", "kilovolt-amperes"),
        ("MVA", "megavolt-amperes"),
        ("V", "volt"),
        ("Hz", "hertz"),
        ("km", "kilometres"),
        ("m", "metres"),
        ("₫", "dong"),
        ("VND", "dong"),
        ("°C", "degrees Celsius"),
    ],
    marks: &[('/', "stroke"), ('@', "at"), ('.', "dot"), ('+', "plus"), ('&', "and")],
    to: "to",
    number,
    digit,
    point: ('.', "point"),
    time,
    date,
    before_date: &["on", "since", "until", "of", "before", "after", "from", "by", "and", "to"],
    before_month: "",
};

const SMALL: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 10] = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

fn digit(digit: u8) -> &'static str {
    SMALL.get(usize::from(digit)).copied().unwrap_or_default()
}

/// A whole number: 1005 is `one thousand and five`.
fn number(number: u64) -> String {
    if number == 0 {
        return SMALL[0].to_owned();
    }
    let mut words = Vec::new();
    for (unit, name) in [(1_000_000_000, "billion"), (1_000_000, "million"), (1_000, "thousand"), (1, "")] {
        let group = number / unit % 1_000;
        if group == 0 {
            continue;
        }
        if group >= 100 {
            words.push(format!("{} hundred", below_hundred(group / 100)));
        }
        if !group.is_multiple_of(100) {
            if group >= 100 || (unit == 1 && !words.is_empty()) {
                words.push("and".to_owned());
            }
            words.push(below_hundred(group % 100));
        }
        if !name.is_empty() {
            words.push(name.to_owned());
        }
    }
    words.join(" ")
}

fn below_hundred(number: u64) -> String {
    let at = usize::try_from(number % 100).unwrap_or_default();
    match (SMALL.get(at), at % 10) {
        (Some(word), _) => (*word).to_owned(),
        (None, 0) => TENS[at / 10].to_owned(),
        (None, one) => format!("{}-{}", TENS[at / 10], SMALL[one]),
    }
}

/// By the twelve-hour clock, as it is said on air.
fn time(hour: u8, minute: u8) -> String {
    match (hour, minute) {
        (0 | 24, 0) => return "midnight".to_owned(),
        (12, 0) => return "noon".to_owned(),
        _ => {}
    }
    let part = match hour {
        0..12 | 24 => "in the morning",
        12..18 => "in the afternoon",
        _ => "in the evening",
    };
    let clock = below_hundred(if hour.is_multiple_of(12) { 12 } else { (hour % 12).into() });
    let minutes = match minute {
        0 => " o'clock".to_owned(),
        1..10 => format!(" oh {}", below_hundred(minute.into())),
        _ => format!(" {}", below_hundred(minute.into())),
    };
    format!("{clock}{minutes} {part}")
}

fn date(figure: Figure<'_>) -> String {
    let month_of = |month: u8| MONTHS.get(usize::from(month) - 1).copied().unwrap_or_default();
    match figure {
        Figure::Date { day, month, year: Some(year) } => {
            format!("the {} of {}, {}", ordinal(day), month_of(month), calendar_year(year))
        }
        Figure::Date { day, month, year: None } => format!("the {} of {}", ordinal(day), month_of(month)),
        Figure::Month { month, year } => format!("{} {}", month_of(month), calendar_year(year)),
        _ => String::new(),
    }
}

/// 2013 is `twenty thirteen`, 2005 `two thousand and five`, 1900 `nineteen hundred`.
fn calendar_year(year: u16) -> String {
    let (century, rest) = (u64::from(year / 100), u64::from(year % 100));
    match (century % 10, rest) {
        (0, 0..10) => number(year.into()),
        (_, 0) => format!("{} hundred", below_hundred(century)),
        (_, 1..10) => format!("{} oh {}", below_hundred(century), below_hundred(rest)),
        _ => format!("{} {}", below_hundred(century), below_hundred(rest)),
    }
}

fn ordinal(day: u8) -> String {
    const FIRST: [&str; 13] = [
        "", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
        "twelfth",
    ];
    let at = usize::from(day);
    match (FIRST.get(at), at % 10) {
        (Some(word), _) => (*word).to_owned(),
        (None, _) if at < 20 => format!("{}th", SMALL[at]),
        (None, 0) => format!("{}ieth", TENS[at / 10 % 10].trim_end_matches('y')),
        (None, one) => format!("{}-{}", TENS[at / 10 % 10], FIRST[one]),
    }
}
