use jiff::{Timestamp, civil::Time, tz::TimeZone};

use super::Urgency;

/// When nobody is disturbed without need: local times, over midnight when `from` is later than `until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    /// They begin.
    pub from: Time,
    /// They have ended.
    pub until: Time,
}

impl QuietHours {
    fn holds(&self, at: Time) -> bool {
        if self.from <= self.until { self.from <= at && at < self.until } else { self.from <= at || at < self.until }
    }
}

/// From when on a message may go out: at once, unless quiet hours hold back what can wait.
#[must_use]
pub fn may_go_from(now: Timestamp, urgency: Urgency, quiet: Option<&QuietHours>, zone: &TimeZone) -> Timestamp {
    let Some(quiet) = quiet.filter(|_| urgency == Urgency::Routine) else { return now };
    let local = now.to_zoned(zone.clone());
    if !quiet.holds(local.time()) {
        return now;
    }
    let day = if local.time() < quiet.until { local.date() } else { local.date().tomorrow().unwrap_or(local.date()) };
    day.to_datetime(quiet.until).to_zoned(zone.clone()).map_or(now, |end| end.timestamp().max(now))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn night() -> QuietHours {
        QuietHours { from: Time::constant(22, 0, 0, 0), until: Time::constant(6, 0, 0, 0) }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn what_can_wait_waits_until_the_morning_and_danger_does_not() {
        let zone = TimeZone::fixed(jiff::tz::offset(7));
        let go = |now: &str, urgency| may_go_from(at(now), urgency, Some(&night()), &zone);
        assert_eq!(go("2013-05-22T22:00:00+07", Urgency::Routine), at("2013-05-23T06:00:00+07"));
        assert_eq!(go("2013-05-23T05:59:59+07", Urgency::Routine), at("2013-05-23T06:00:00+07"));
        assert_eq!(go("2013-05-23T06:00:00+07", Urgency::Routine), at("2013-05-23T06:00:00+07"));
        for urgency in [Urgency::Safety, Urgency::Emergency] {
            assert_eq!(go("2013-05-22T23:00:00+07", urgency), at("2013-05-22T23:00:00+07"));
        }
    }

    proptest! {
        #[test]
        fn nothing_goes_out_within_quiet_hours_and_nothing_waits_a_day(second in 0_i64..4_000_000_000, from in 0_i8..24, until in 0_i8..24) {
            let zone = TimeZone::fixed(jiff::tz::offset(7));
            let quiet = QuietHours { from: Time::constant(from, 0, 0, 0), until: Time::constant(until, 0, 0, 0) };
            let now = Timestamp::from_second(second).unwrap();
            let go = may_go_from(now, Urgency::Routine, Some(&quiet), &zone);
            prop_assert!(go >= now && go.as_second() - now.as_second() <= 86_400);
            prop_assert!(!quiet.holds(go.to_zoned(zone).time()));
        }
    }
}
