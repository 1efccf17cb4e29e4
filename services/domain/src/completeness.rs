use std::time::Duration;

use jiff::Timestamp;

/// Without a bookmark for this long, a member's data is stale.
pub const STALE_AFTER: Duration = Duration::from_secs(15);

/// Whether a member's part of an answer can be trusted to be current.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Current.
    Ok,
    /// No bookmark for [`STALE_AFTER`].
    Stale,
    /// It did not answer in time.
    Timeout,
    /// It cannot be reached.
    Unreachable,
    /// It refuses us.
    Denied,
    /// It speaks another version.
    VersionSkew,
}

/// What the gateway knows of its link to a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The newest bookmark, by the gateway's clock.
    pub seen_at: Option<Timestamp>,
    /// How the last attempt failed and since when attempts have been failing.
    pub failing: Option<(Reach, Timestamp)>,
}

/// The reach of a member at `now`, and since when it is so, unless it is OK.
#[must_use]
pub fn reach(link: &Link, now: Timestamp) -> (Reach, Option<Timestamp>) {
    if let Some((reach, since)) = link.failing {
        return (reach, Some(since));
    }
    match link.seen_at {
        None => (Reach::Unreachable, None),
        Some(seen) => {
            let stale_at = seen.checked_add(STALE_AFTER).unwrap_or(Timestamp::MAX);
            if now > stale_at { (Reach::Stale, Some(stale_at)) } else { (Reach::Ok, None) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_member_is_stale_after_fifteen_seconds_without_a_bookmark() {
        let link = Link { seen_at: Some(at(100)), failing: None };
        assert_eq!(reach(&link, at(115)), (Reach::Ok, None));
        assert_eq!(reach(&link, at(116)), (Reach::Stale, Some(at(115))));
    }

    #[test]
    fn a_failing_member_says_since_when() {
        let link = Link { seen_at: Some(at(100)), failing: Some((Reach::Unreachable, at(102))) };
        assert_eq!(reach(&link, at(200)), (Reach::Unreachable, Some(at(102))));
    }
}
