//! When people call, write and look: weights for every hour from January to May 2013, in integers, so that the same seed
//! gives the same country on every machine.

use gridcare_domain::contact::Channel;

/// 2013-01-01 00:00 in Việt Nam, which was UTC+7 all year.
pub(crate) const START_S: i64 = 1_356_973_200;
/// Days from the first of January to the end of May.
pub(crate) const DAYS: u32 = 151;
/// Days of the period that are public holidays other than Tết: the Hùng Kings, reunification, labour.
const HOLIDAYS: [u32; 3] = [108, 119, 120];
/// 9 to 14 February: Tết.
const TET: std::ops::RangeInclusive<u32> = 39..=44;
/// 22 May, when the 500 kV line failed at 14:19 and the whole South lost power.
const BLACKOUT: u32 = 141;

/// Weights of the hours of a day. Calls peak in the morning and in the evening, when the lamps should be on.
const HOTLINE: [u64; 24] =
    [18, 12, 9, 8, 9, 16, 34, 62, 92, 100, 96, 84, 66, 74, 86, 84, 78, 74, 82, 94, 88, 66, 44, 28];
const SMS: [u64; 24] = [10, 6, 4, 3, 4, 10, 28, 56, 84, 96, 92, 86, 74, 76, 82, 84, 80, 78, 84, 100, 94, 74, 46, 24];
const WEB: [u64; 24] = [14, 8, 5, 4, 4, 7, 16, 44, 88, 100, 98, 80, 52, 70, 94, 96, 88, 64, 46, 52, 66, 68, 52, 28];

/// The weight of an hour: by the hour, the day of the week, the season, holidays and the day of the blackout.
pub(crate) fn weight(region: &str, channel: Channel, day: u32, hour: u32) -> u64 {
    let hours = match channel {
        Channel::Sms => &SMS,
        Channel::Web => &WEB,
        _ => &HOTLINE,
    };
    // The first of January 2013 was a Tuesday.
    let weekday = match (day + 1) % 7 {
        0 => 112,
        5 => 84,
        6 => 66,
        _ => 100,
    };
    let holiday = if TET.contains(&day) {
        24
    } else if HOLIDAYS.contains(&day) {
        52
    } else {
        100
    };
    // From March on it grows hot, and air conditioners grow loads, faults and bills.
    let season = 92 + day.saturating_sub(50).min(60) * 2 / 3;
    let south = matches!(region, "HCMC" | "SPC");
    let blackout = match hour {
        14..=16 if south && day == BLACKOUT => 600,
        17..=22 if south && day == BLACKOUT => 260,
        _ => 100,
    };
    hours[usize::try_from(hour % 24).unwrap_or_default()] * weekday * holiday * u64::from(season) * blackout / 1_000
}

/// Whether most people of the region are asking about one thing: why it is dark.
pub(crate) fn blackout(region: &str, day: u32, hour: u32) -> bool {
    matches!(region, "HCMC" | "SPC") && day == BLACKOUT && (14..=22).contains(&hour)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: u32) -> u64 {
        (0..24).map(|hour| weight("HCMC", Channel::Hotline, day, hour)).sum()
    }

    #[test]
    fn tet_is_quiet_nights_are_quieter_and_the_blackout_is_neither() {
        let january_14th = day(13);
        assert!(TET.into_iter().all(|tet| day(tet) * 3 < january_14th));
        assert!(weight("HCMC", Channel::Hotline, 13, 3) * 8 < weight("HCMC", Channel::Hotline, 13, 9));
        assert!(day(BLACKOUT) > day(BLACKOUT - 1) * 3 / 2);
        assert_eq!(weight("NPC", Channel::Hotline, BLACKOUT, 15), weight("NPC", Channel::Hotline, BLACKOUT - 7, 15));
    }

    #[test]
    fn no_hour_is_without_weight() {
        for channel in [Channel::Hotline, Channel::Sms, Channel::Web] {
            assert!((0..DAYS * 24).all(|hour| weight("SPC", channel, hour / 24, hour % 24) > 0));
        }
    }
}
