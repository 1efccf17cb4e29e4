//! Texts of a certain form: codes, dates, limits.

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{limit, shape::Form};

pub(super) static CODE: Form = Form {
    pattern: "^[a-z][a-z0-9_]{0,63}$",
    holds: |text| {
        is_word(text, |c| c.is_ascii_lowercase(), |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_')
    },
    code: "MALFORMED_CODE",
    cure: "write small letters, digits and underscores, beginning with a letter",
};
pub(super) static STANDARD: Form = Form {
    pattern: "^[a-z][a-z0-9-]{0,63}$",
    holds: |text| {
        is_word(text, |c| c.is_ascii_lowercase(), |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
    },
    code: "MALFORMED_CODE",
    cure: "write small letters, digits and hyphens, beginning with a letter, such as evn-2013",
};
pub(super) static TEAM: Form = Form {
    pattern: "^[a-z][a-z0-9-]{0,63}$",
    holds: STANDARD.holds,
    code: "MALFORMED_CODE",
    cure: "write the code of a team in small letters, digits and hyphens, such as night-shift",
};
pub(super) static REGION: Form = Form {
    pattern: "^[A-Z][A-Z0-9_]{0,31}$",
    holds: |text| {
        text.len() <= 32
            && is_word(text, |c| c.is_ascii_uppercase(), |c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_')
    },
    code: "MALFORMED_CODE",
    cure: "write the code of a region in capital letters, such as HCMC",
};
pub(super) static DIGITS: Form = Form {
    pattern: "^[0-9]{3,8}$",
    holds: |text| (3..=8).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_digit()),
    code: "MALFORMED_CODE",
    cure: "write three to eight digits, in quotes",
};
pub(super) static DATE: Form = Form {
    pattern: "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$",
    holds: |text| text.len() == 10 && text.parse::<Date>().is_ok_and(|date| date.to_string() == text),
    code: "MALFORMED_DATE",
    cure: "write a day that exists, such as 2013-02-28",
};
pub(super) static INSTANT: Form = Form {
    pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})$",
    holds: |text| {
        let zoned = text.ends_with('Z') || text.get(19..20).is_some_and(|sign| sign == "+" || sign == "-");
        matches!(text.len(), 20 | 25) && text.get(10..11) == Some("T") && zoned && text.parse::<Timestamp>().is_ok()
    },
    code: "MALFORMED_INSTANT",
    cure: "write an instant with its offset, such as 2013-01-01T00:00:00+07:00",
};
pub(super) static ZONE: Form = Form {
    pattern: "^[A-Za-z][A-Za-z0-9_+/-]*$",
    holds: |text| TimeZone::get(text).is_ok(),
    code: "UNKNOWN_ZONE",
    cure: "write an IANA time zone, such as Asia/Ho_Chi_Minh",
};
pub(super) static HOURS: Form = Form {
    pattern: "^([01][0-9]|2[0-3]):[0-5][0-9]-([0-3][0-9]|4[0-8]):[0-5][0-9]$",
    holds: |text| limit::hours(text).is_some(),
    code: "MALFORMED_HOURS",
    cure: "write hours such as 07:30-11:30; what ends after midnight as 22:00-30:00",
};
pub(super) static LIMIT: Form = Form {
    pattern: limit::PATTERN,
    holds: |text| limit::read(text).is_ok(),
    code: "MALFORMED_DURATION",
    cure: "write a limit such as `30 min`, `2 h`, `5 d`, `8 wh` (working hours), `3 wd` (working days), `5 d before` or `12 h after`",
};
pub(super) static DURATION: Form = Form {
    pattern: limit::ISO_PATTERN,
    holds: |text| limit::iso_us(text).is_some(),
    code: "MALFORMED_DURATION",
    cure: "write a duration such as PT20S, PT30M or P7D",
};
pub(super) static FORMULA: Form = Form {
    pattern: "^[a-z0-9_.+*/() -]+$",
    holds: |text| {
        !text.is_empty() && text.bytes().all(|c| matches!(c, b'a'..=b'z' | b'0'..=b'9') || b"_.+*/() -".contains(&c))
    },
    code: "MALFORMED_FORMULA",
    cure: "write the product's formula, such as answered_within / offered",
};

fn is_word(text: &str, first: fn(u8) -> bool, rest: fn(u8) -> bool) -> bool {
    text.len() <= 64 && text.bytes().next().is_some_and(first) && text.bytes().all(rest)
}
