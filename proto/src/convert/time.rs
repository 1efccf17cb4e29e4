use jiff::Timestamp;

/// A time on the wire.
#[must_use]
pub fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    // Both are seconds and nanoseconds of the same sign convention once the fraction is made non-negative.
    let us = at.as_microsecond();
    let nanos = i32::try_from(us.rem_euclid(1_000_000) * 1_000).unwrap_or(0);
    prost_types::Timestamp { seconds: us.div_euclid(1_000_000), nanos }
}

/// A time from the wire, cut to microseconds; `None` when it is out of range or malformed.
#[must_use]
pub fn instant(at: &prost_types::Timestamp) -> Option<Timestamp> {
    if !(0..1_000_000_000).contains(&at.nanos) {
        return None;
    }
    let us = at.seconds.checked_mul(1_000_000)?.checked_add(i64::from(at.nanos) / 1_000)?;
    Timestamp::from_microsecond(us).ok()
}

/// Microseconds since 1970 on the wire.
#[must_use]
pub fn micros(us: i64) -> prost_types::Timestamp {
    let nanos = i32::try_from(us.rem_euclid(1_000_000) * 1_000).unwrap_or(0);
    prost_types::Timestamp { seconds: us.div_euclid(1_000_000), nanos }
}

/// Milliseconds on the wire.
#[must_use]
pub fn duration(ms: i64) -> prost_types::Duration {
    prost_types::Duration { seconds: ms / 1_000, nanos: i32::try_from(ms % 1_000 * 1_000_000).unwrap_or(0) }
}

/// Milliseconds from the wire; `None` when it is out of range or malformed. May be negative: rules decide about that.
#[must_use]
pub fn millis(duration: &prost_types::Duration) -> Option<i64> {
    let mixed = (duration.seconds > 0 && duration.nanos < 0) || (duration.seconds < 0 && duration.nanos > 0);
    if mixed || duration.nanos.unsigned_abs() >= 1_000_000_000 {
        return None;
    }
    // Rounded away from zero, so that a tiny negative duration does not pass as zero.
    let nanos = i64::from(duration.nanos);
    let ms = if nanos < 0 { (nanos - 999_999) / 1_000_000 } else { nanos / 1_000_000 };
    duration.seconds.checked_mul(1_000)?.checked_add(ms)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_time_survives_the_wire(us in -60_000_000_000_000_000_i64..250_000_000_000_000_000) {
            let at = Timestamp::from_microsecond(us).unwrap();
            prop_assert_eq!(instant(&timestamp(at)), Some(at));
        }

        #[test]
        fn a_duration_survives_the_wire(ms in -1_000_000_000_i64..1_000_000_000) {
            prop_assert_eq!(millis(&duration(ms)), Some(ms));
        }

        #[test]
        fn any_time_of_the_wire_is_read_or_refused(seconds in any::<i64>(), nanos in any::<i32>()) {
            let _ = instant(&prost_types::Timestamp { seconds, nanos });
            let _ = millis(&prost_types::Duration { seconds, nanos });
        }
    }

    #[test]
    fn a_tiny_negative_duration_stays_negative() {
        assert_eq!(millis(&prost_types::Duration { seconds: 0, nanos: -1 }), Some(-1));
    }
}
