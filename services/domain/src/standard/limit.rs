//! Limits and durations as people write them.
//!
//! | Written | Meaning |
//! |---|---|
//! | `30 min`, `2 h`, `5 d` | time as it passes; a day has 24 hours |
//! | `45 wmin`, `8 wh` | time within the calendar's hours |
//! | `3 wd` | until the close of the third working day after opening |
//! | `5 d before` | at least that long before the event |
//! | `12 h after` | at most that long after the event |

use std::cmp::Ordering;

use crate::clock::Limit;

const MINUTE_US: i64 = 60_000_000;
const HOUR_US: i64 = 60 * MINUTE_US;
const DAY_US: i64 = 24 * HOUR_US;

/// What [`read`] takes, for schemas.
pub const PATTERN: &str = "^[1-9][0-9]{0,3} ((min|h|d)( before| after)?|wmin|wh|wd)$";

/// Reads a limit, or says how to write one.
pub fn read(text: &str) -> Result<Limit, String> {
    parts(text).ok_or_else(|| {
        "write a limit such as `30 min`, `2 h`, `5 d`, `8 wh` (working hours), `3 wd` (working days), `5 d before` \
         or `12 h after`"
            .to_owned()
    })
}

fn parts(text: &str) -> Option<Limit> {
    let (amount, rest) = text.split_once(' ')?;
    let plain = amount.len() <= 4 && amount.bytes().all(|b| b.is_ascii_digit()) && !amount.starts_with('0');
    let amount: i64 = amount.parse().ok().filter(|_| plain)?;
    let (unit, relation) = rest.split_once(' ').map_or((rest, None), |(unit, relation)| (unit, Some(relation)));
    let elapsed = |us: i64| amount * us;
    let limit = match (unit, relation) {
        ("wd", None) => Limit::WorkingDays { days: u32::try_from(amount).ok()? },
        ("wh", None) => Limit::Working { us: elapsed(HOUR_US) },
        ("wmin", None) => Limit::Working { us: elapsed(MINUTE_US) },
        (unit, relation) => {
            let us = elapsed(match unit {
                "min" => MINUTE_US,
                "h" => HOUR_US,
                "d" => DAY_US,
                _ => return None,
            });
            match relation {
                None => Limit::Elapsed { us },
                Some("before") => Limit::BeforeEvent { us },
                Some("after") => Limit::AfterEvent { us },
                Some(_) => return None,
            }
        }
    };
    Some(limit)
}

/// The limit as people write it.
#[must_use]
pub fn write(limit: &Limit) -> String {
    let time = |us: i64| match us {
        us if us % DAY_US == 0 => format!("{} d", us / DAY_US),
        us if us % HOUR_US == 0 => format!("{} h", us / HOUR_US),
        us => format!("{} min", us / MINUTE_US),
    };
    match *limit {
        Limit::Elapsed { us } => time(us),
        Limit::Working { us } if us % HOUR_US == 0 => format!("{} wh", us / HOUR_US),
        Limit::Working { us } => format!("{} wmin", us / MINUTE_US),
        Limit::WorkingDays { days } => format!("{days} wd"),
        Limit::BeforeEvent { us } => format!("{} before", time(us)),
        Limit::AfterEvent { us } => format!("{} after", time(us)),
    }
}

/// Which of two limits promises more: `Less` when the first is stricter. `None` when they count differently.
#[must_use]
pub fn compare(one: &Limit, other: &Limit) -> Option<Ordering> {
    match (one, other) {
        (Limit::Elapsed { us: a }, Limit::Elapsed { us: b })
        | (Limit::Working { us: a }, Limit::Working { us: b })
        | (Limit::AfterEvent { us: a }, Limit::AfterEvent { us: b })
        // Longer before the event is the stricter promise.
        | (Limit::BeforeEvent { us: b }, Limit::BeforeEvent { us: a }) => Some(a.cmp(b)),
        (Limit::WorkingDays { days: a }, Limit::WorkingDays { days: b }) => Some(a.cmp(b)),
        _ => None,
    }
}

/// What [`iso_us`] takes, for schemas.
pub const ISO_PATTERN: &str = "^P([0-9]{1,4}D)?(T([0-9]{1,4}H)?([0-9]{1,4}M)?([0-9]{1,4}S)?)?$";

/// Reads a duration such as `PT30M` or `P7D` as microseconds; a day has 24 hours.
#[must_use]
pub fn iso_us(text: &str) -> Option<i64> {
    let (days, time) = match text.strip_prefix('P')?.split_once('T') {
        Some((_, "")) => return None,
        Some((days, time)) => (days, time),
        None => (text.strip_prefix('P')?, ""),
    };
    let mut us = 0;
    for (mut rest, units) in
        [(days, &[('D', DAY_US)][..]), (time, &[('H', HOUR_US), ('M', MINUTE_US), ('S', 1_000_000)][..])]
    {
        for (letter, unit) in units {
            if let Some((amount, after)) = rest.split_once(*letter) {
                if !(1..=4).contains(&amount.len()) || !amount.bytes().all(|b| b.is_ascii_digit()) {
                    return None;
                }
                us += amount.parse::<i64>().ok()? * unit;
                rest = after;
            }
        }
        if !rest.is_empty() {
            return None;
        }
    }
    (us > 0).then_some(us)
}

/// Reads hours such as `07:30-11:30` as minutes since midnight; over midnight as `22:00-30:00`.
#[must_use]
pub fn hours(text: &str) -> Option<(u16, u16)> {
    let minute = |text: &str| {
        let (hour, minute) = text.split_once(':')?;
        let two = |text: &str| (text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok());
        let (hour, minute): (u16, u16) = (two(hour)??, two(minute)??);
        (minute < 60 && hour <= 48).then_some(hour * 60 + minute)
    };
    let (from, until) = text.split_once('-')?;
    let (from, until) = (minute(from)?, minute(until)?);
    (from < 24 * 60 && from < until && until <= 48 * 60).then_some((from, until))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn limits_are_read_as_the_field_writes_them() {
        for (text, limit) in [
            ("30 min", Limit::Elapsed { us: 30 * MINUTE_US }),
            ("2 h", Limit::Elapsed { us: 2 * HOUR_US }),
            ("5 d", Limit::Elapsed { us: 5 * DAY_US }),
            ("3 wd", Limit::WorkingDays { days: 3 }),
            ("8 wh", Limit::Working { us: 8 * HOUR_US }),
            ("45 wmin", Limit::Working { us: 45 * MINUTE_US }),
            ("5 d before", Limit::BeforeEvent { us: 5 * DAY_US }),
            ("12 h after", Limit::AfterEvent { us: 12 * HOUR_US }),
        ] {
            assert_eq!(read(text).unwrap(), limit, "{text}");
            assert_eq!(write(&limit), text);
        }
    }

    #[test]
    fn malformed_limits_are_refused() {
        for text in [
            "",
            "2",
            "h",
            "2h",
            "0 h",
            "-2 h",
            "2  h",
            " 2 h",
            "2 h ",
            "02 h",
            "2.5 h",
            "2 wd before",
            "8 wh after",
            "2 weeks",
            "2 h since",
            "99999 h",
            "２ h",
            "2 h before after",
        ] {
            assert!(read(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn durations_and_hours_are_read() {
        for (text, us) in [
            ("PT20S", Some(20_000_000)),
            ("PT30M", Some(30 * MINUTE_US)),
            ("P7D", Some(7 * DAY_US)),
            ("P1DT12H", Some(36 * HOUR_US)),
            ("PT0S", None),
            ("P", None),
            ("PT", None),
            ("P1W", None),
            ("PT1.5H", None),
            ("PT5M3H", None),
            ("7D", None),
        ] {
            assert_eq!(iso_us(text), us, "{text}");
        }
        assert_eq!(hours("07:30-11:30"), Some((450, 690)));
        assert_eq!(hours("22:00-30:00"), Some((1320, 1800)));
        for text in
            ["", "07:30", "7:30-11:30", "11:30-07:30", "24:00-25:00", "07:60-11:30", "07:30-49:00", "07:30-11:3é"]
        {
            assert_eq!(hours(text), None, "{text}");
        }
    }

    #[test]
    fn the_stricter_limit_promises_more() {
        let limit = |text| read(text).unwrap();
        assert_eq!(compare(&limit("12 h after"), &limit("24 h after")), Some(Ordering::Less));
        assert_eq!(compare(&limit("5 d before"), &limit("3 d before")), Some(Ordering::Less));
        assert_eq!(compare(&limit("24 h"), &limit("1 d")), Some(Ordering::Equal));
        assert_eq!(compare(&limit("3 wd"), &limit("3 d")), None);
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(amount in 1_i64..10_000, unit in 0..8_usize) {
            let unit = ["min", "h", "d", "wmin", "wh", "wd", "d before", "h after"][unit];
            let limit = read(&format!("{amount} {unit}")).unwrap();
            let again = read(&write(&limit));
            // 1,440 minutes are written as a day, 10,000 hours have no shorter name: both mean the same.
            prop_assert_eq!(again.ok().and_then(|again| compare(&again, &limit)), Some(Ordering::Equal));
        }

        #[test]
        fn no_text_makes_the_readers_panic(text in "\\PC{0,24}") {
            let _ = (read(&text), iso_us(&text), hours(&text));
        }
    }
}
