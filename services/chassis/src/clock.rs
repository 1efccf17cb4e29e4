//! The one place where a process reads the time of day.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

/// Tells the time of day. Rules take `now` as an argument; whoever calls them asks a clock.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// A clock that many parts of a process share.
pub type SharedClock = Arc<dyn Clock>;

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl SystemClock {
    /// The machine's clock, ready to be shared.
    #[must_use]
    pub fn shared() -> SharedClock {
        Arc::new(Self)
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the door through which processes read the time")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A clock that stands still until it is moved; for tests and replays. Clones show the same time.
#[derive(Clone, Debug)]
pub struct ManualClock {
    now: Arc<Mutex<Timestamp>>,
}

impl ManualClock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self { now: Arc::new(Mutex::new(now)) }
    }

    /// Moves to `now`, backwards too.
    pub fn set(&self, now: Timestamp) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// Moves forward by `step`, and stops at the end of time.
    pub fn advance(&self, step: Duration) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let step = SignedDuration::try_from(step).unwrap_or(SignedDuration::MAX);
        *now = now.saturating_add(step).unwrap_or(Timestamp::MAX);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A clock that goes as the runtime's timers go, from a given moment on: where those are stepped, it is stepped with them.
#[derive(Clone, Copy, Debug)]
pub struct TimerClock {
    zero: Timestamp,
    began: tokio::time::Instant,
}

impl TimerClock {
    /// A clock that shows `now`. Call it within the runtime whose timers it follows.
    #[must_use]
    pub fn starting_at(now: Timestamp) -> Self {
        Self { zero: now, began: tokio::time::Instant::now() }
    }
}

impl Clock for TimerClock {
    fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.began.elapsed()).unwrap_or(SignedDuration::MAX);
        self.zero.saturating_add(passed).unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told_and_its_clones_with_it() {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        let shared: SharedClock = Arc::new(clock.clone());
        clock.advance(Duration::from_secs(90));
        assert_eq!(shared.now().as_second(), 90);
        clock.advance(Duration::MAX);
        assert_eq!(shared.now(), Timestamp::MAX);
        clock.set(Timestamp::UNIX_EPOCH);
        assert_eq!(shared.now(), Timestamp::UNIX_EPOCH);
    }

    #[tokio::test(start_paused = true)]
    async fn a_timer_clock_goes_as_timers_go() {
        let clock = TimerClock::starting_at(Timestamp::UNIX_EPOCH);
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        assert_eq!(clock.now().as_millisecond(), 1_500);
    }
}
