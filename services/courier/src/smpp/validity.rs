//! Until when a centre tries: times as SMPP writes them (SMPP 3.4, 7.1.1).

use jiff::{
    SignedDuration, Timestamp,
    civil::DateTime,
    tz::{Offset, TimeZone},
};
use serde::{Deserialize, Serialize};

/// How an expiry is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Validity {
    /// As a moment in UTC.
    #[default]
    Absolute,
    /// As so many seconds from now: for a centre whose clock is wrong, or that knows no offsets.
    Relative,
}

/// Days that the relative form has room for.
const MOST_DAYS: i64 = 99;

impl Validity {
    /// The expiry as the sixteen characters of `validity_period`.
    #[must_use]
    pub fn write(self, expires: Timestamp, now: Timestamp) -> String {
        match self {
            Self::Absolute => {
                let at = Offset::UTC.to_datetime(expires);
                let [date, time] = [at.strftime("%y%m%d").to_string(), at.strftime("%H%M%S").to_string()];
                format!("{date}{time}000+")
            }
            Self::Relative => {
                // Rounded down: rather a second early than a second late.
                let seconds = expires.duration_since(now).as_secs().max(0);
                let days = (seconds / 86_400).min(MOST_DAYS);
                let (hours, minutes) = (seconds / 3_600 % 24, seconds / 60 % 60);
                format!("0000{days:02}{hours:02}{minutes:02}{:02}000R", seconds % 60)
            }
        }
    }
}

/// The moment that a `validity_period` or a `schedule_delivery_time` means; none when it is empty or makes no sense. Months
/// of the relative form count thirty days and years 365, as nothing says better.
#[must_use]
pub fn read(text: &str, now: Timestamp) -> Option<Timestamp> {
    if text.len() != 16 || !text.is_ascii() {
        return None;
    }
    let pair = |at: usize| text.get(at..at + 2)?.parse::<i64>().ok();
    let [years, months, days, hours, minutes, seconds] = [pair(0)?, pair(2)?, pair(4)?, pair(6)?, pair(8)?, pair(10)?];
    match text.as_bytes()[15] {
        b'R' => {
            let days = years * 365 + months * 30 + days;
            now.checked_add(SignedDuration::from_secs(days * 86_400 + hours * 3_600 + minutes * 60 + seconds)).ok()
        }
        sign @ (b'+' | b'-') => {
            let small = |n: i64| i8::try_from(n).ok();
            let year = i16::try_from(2000 + years).ok()?;
            let at =
                DateTime::new(year, small(months)?, small(days)?, small(hours)?, small(minutes)?, small(seconds)?, 0);
            let quarters = i32::try_from(pair(13)?).ok()? * 900;
            let offset = Offset::from_seconds(if sign == b'+' { quarters } else { -quarters }).ok()?;
            TimeZone::fixed(offset).to_timestamp(at.ok()?).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn an_expiry_is_written_in_utc_or_from_now() {
        let (now, expires) = (at("2013-05-22T14:19:30+07:00"), at("2013-05-22T14:49:40+07:00"));
        assert_eq!(Validity::Absolute.write(expires, now), "130522074940000+");
        assert_eq!(Validity::Relative.write(expires, now), "000000003010000R");
        assert_eq!(read("130522144940028+", now), Some(expires), "in local time with an offset of 28 quarters");
        for none in
            ["", "130522074940000", "1305220749400+00", "139922074940000+", "130522074940000x", "ééééé12345600+"]
        {
            assert_eq!(read(none, now), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn both_forms_read_back(now in 946_684_800..4_000_000_000_i64, ahead in 0..8_000_000_i64) {
            let (now, expires) = (Timestamp::from_second(now).unwrap(), Timestamp::from_second(now + ahead).unwrap());
            for validity in [Validity::Absolute, Validity::Relative] {
                prop_assert_eq!(read(&validity.write(expires, now), now), Some(expires));
            }
        }

        #[test]
        fn any_text_is_survived(text in any::<String>()) {
            let _ = read(&text, Timestamp::UNIX_EPOCH);
        }
    }
}
