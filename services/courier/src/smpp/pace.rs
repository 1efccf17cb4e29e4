//! How fast parts may be written: never above the limit, slower when the centre asks for less, faster again by and by.

use std::{num::NonZeroU32, time::Duration};

use tokio::time::Instant;

/// Share of a second that a late writer may catch up. Timers have a grain of a millisecond, and a part at 4,444 a second has
/// less than a quarter of that.
const CATCH_UP: f64 = 0.02;
/// What is left of the rate when the centre asks for less.
const CUT: f64 = 0.5;
/// What comes back each second, as a share of the limit.
const RAISE: f64 = 0.05;
/// The slowest, as a share of the limit.
const SLOWEST: f64 = 0.01;
/// For so long after a cut nothing comes back.
const CALM: Duration = Duration::from_secs(1);
/// After a cut a centre has this long for itself; then it is asked again, since what it takes alone says that it has time.
const REST: Duration = Duration::from_secs(10);

/// A rate in parts a second: additive increase, multiplicative decrease.
///
/// In no second, wherever it begins, are more than the limit's parts written: a bucket of `b` parts that is refilled at
/// `limit - b + 1` gives at most `limit` of them in a half-open second.
///
/// A change holds from the next moment on, so that it makes no difference in which order a moment's answers and parts are seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    limit: f64,
    rate: f64,
    /// When the rate changed last, and what it was until then.
    changed: Option<(Instant, f64)>,
    /// When the bucket is full again.
    full_at: Instant,
    cut_at: Option<Instant>,
    /// When it was cut before that.
    cut_before: Option<Instant>,
    raised_at: Instant,
}

impl Pace {
    /// A pace at its limit, in parts a second.
    #[must_use]
    pub fn new(limit: NonZeroU32, now: Instant) -> Self {
        let limit = f64::from(limit.get());
        Self { limit, rate: limit, changed: None, full_at: now, cut_at: None, cut_before: None, raised_at: now }
    }

    /// The present rate, in parts a second.
    #[must_use]
    pub const fn rate(&self) -> f64 {
        self.rate
    }

    /// The present rate as a share of the limit.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.rate / self.limit
    }

    /// The rate that holds at a moment.
    #[must_use]
    pub fn rate_at(&self, now: Instant) -> f64 {
        self.changed.filter(|(at, _)| *at == now).map_or(self.rate, |(_, before)| before)
    }

    /// That rate as a share of the limit.
    #[must_use]
    pub fn share_at(&self, now: Instant) -> f64 {
        self.rate_at(now) / self.limit
    }

    /// Whether the centre has had time for itself since it asked for less, as it looks at a moment.
    #[must_use]
    pub fn is_rested(&self, now: Instant) -> bool {
        let last = self.cut_at.filter(|at| *at != now).or(self.cut_before);
        last.is_none_or(|at| now >= at + REST)
    }

    fn burst(&self, now: Instant) -> f64 {
        (self.rate_at(now) * CATCH_UP).floor().max(1.0)
    }

    fn gap(&self, now: Instant) -> Duration {
        let (rate, burst) = (self.rate_at(now), self.burst(now));
        // Below one a second the bucket of one is refilled at the rate itself.
        let gap = Duration::from_secs_f64(1.0 / (rate - burst + 1.0).max(rate.min(1.0)));
        // Rounded up: nine ninths that are each cut to a nanosecond are less than a second, and a tenth part would fit.
        gap + Duration::from_nanos(1)
    }

    /// When the next part may be written, as it looks at a moment, and the one after `ahead` others.
    #[must_use]
    pub fn ready_at(&self, now: Instant, ahead: usize) -> Instant {
        let gap = self.gap(now);
        let early = gap.mul_f64(self.burst(now) - 1.0);
        let next = self.full_at.checked_sub(early).unwrap_or(self.full_at);
        if ahead == 0 {
            return next;
        }
        // Parts that wait begin at the bucket as it is now.
        let full_at = self.full_at.max(now) + gap.saturating_mul(u32::try_from(ahead).unwrap_or(u32::MAX));
        full_at.checked_sub(early).unwrap_or(full_at)
    }

    /// A part was written.
    pub fn spend(&mut self, now: Instant) {
        self.full_at = self.full_at.max(now) + self.gap(now);
    }

    fn change(&mut self, now: Instant, rate: f64) {
        if self.changed.is_none_or(|(at, _)| at != now) {
            self.changed = Some((now, self.rate));
        }
        self.rate = rate;
    }

    /// The centre asked for less, about a part that was written at `sent`. What was written before the last cut says nothing
    /// new.
    pub fn cut(&mut self, sent: Instant, now: Instant) {
        if self.cut_at.is_some_and(|at| sent < at) {
            return;
        }
        self.change(now, (self.rate * CUT).max(self.limit * SLOWEST));
        if self.cut_at != Some(now) {
            self.cut_before = self.cut_at;
        }
        (self.cut_at, self.raised_at) = (Some(now), now);
    }

    /// The centre took a part.
    pub fn accepted(&mut self, now: Instant) {
        if self.rate >= self.limit || self.cut_at.is_some_and(|at| now < at + CALM) {
            self.raised_at = now;
            return;
        }
        let since = now.duration_since(self.raised_at).min(CALM).as_secs_f64();
        self.change(now, (self.rate + self.limit * RAISE * since).min(self.limit));
        self.raised_at = now;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(limit: u32, late: &[u64]) -> Vec<Duration> {
        let begin = Instant::now();
        let mut pace = Pace::new(NonZeroU32::new(limit).unwrap(), begin);
        let (mut now, mut at) = (begin, Vec::new());
        for late in late {
            now = now.max(pace.ready_at(now, 0)) + Duration::from_micros(*late);
            pace.spend(now);
            at.push(now - begin);
        }
        at
    }

    proptest! {
        #[test]
        fn no_second_has_more_than_the_limit(limit in 1..5_000_u32, late in prop::collection::vec(prop_oneof![4 => Just(0), 2 => 0..1_500_u64, 1 => 0..900_000_u64], 1..6_000)) {
            let at = written(limit, &late);
            for (n, from) in at.iter().enumerate() {
                let within = at[n..].iter().take_while(|moment| **moment < *from + Duration::from_secs(1)).count();
                prop_assert!(within <= limit as usize, "{within} in the second from {from:?} on");
            }
        }
    }

    #[test]
    fn late_timers_hardly_cost_anything() {
        let at = written(1_000, &vec![1_000; 3_000]);
        assert!(at.last().unwrap() < &Duration::from_millis(3_100), "{:?}", at.last());
    }

    #[test]
    fn a_change_holds_from_the_next_moment_on() {
        let begin = Instant::now();
        let mut pace = Pace::new(NonZeroU32::new(100).unwrap(), begin);
        let later = begin + Duration::from_millis(1);
        pace.cut(begin, begin);
        assert!((pace.rate_at(begin) - 100.0).abs() < 1e-9 && (pace.rate_at(later) - 50.0).abs() < 1e-9);
        // In whatever order a moment's answers and parts are seen.
        let (mut answered, mut wrote) = (Pace::new(NonZeroU32::new(100).unwrap(), begin), pace);
        answered.spend(begin);
        answered.cut(begin, begin);
        wrote.spend(begin);
        assert_eq!(answered, wrote);
    }

    #[test]
    fn it_rests_after_a_cut_and_is_asked_again() {
        let begin = Instant::now();
        let mut pace = Pace::new(NonZeroU32::new(100).unwrap(), begin);
        assert!(pace.is_rested(begin));
        pace.cut(begin, begin);
        assert!(pace.is_rested(begin), "a change holds from the next moment on");
        assert!(!pace.is_rested(begin + CALM) && pace.is_rested(begin + REST));
        pace.cut(begin + CALM, begin + CALM);
        assert!(!pace.is_rested(begin + CALM) && !pace.is_rested(begin + REST) && pace.is_rested(begin + CALM + REST));
    }

    #[test]
    fn it_halves_once_for_one_crowd_and_comes_back_within_half_a_minute() {
        let begin = Instant::now();
        let mut pace = Pace::new(NonZeroU32::new(100).unwrap(), begin);
        let second = Duration::from_secs(1);
        for _ in 0..10 {
            pace.cut(begin, begin + second);
        }
        assert!((pace.rate() - 50.0).abs() < 1e-9, "all ten were written before the first answer came");
        pace.cut(begin + second, begin + second * 2);
        assert!((pace.rate() - 25.0).abs() < 1e-9);
        let mut now = begin + second * 2;
        while pace.share() < 1.0 {
            now += Duration::from_millis(100);
            pace.accepted(now);
            assert!(now < begin + second * 30);
        }
        for n in 0..20 {
            pace.cut(now + second * n, now + second * n);
        }
        assert!((pace.rate() - 1.0).abs() < 1e-9, "never slower than a hundredth");
    }
}
