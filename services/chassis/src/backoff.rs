//! Waiting between attempts.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use crate::id;

const SHORTEST: Duration = Duration::from_millis(100);

/// Whether chance has no part in any wait.
static EVEN: AtomicBool = AtomicBool::new(false);

/// From now on every wait in this process is three quarters of its step: for replays, which are the same each time.
pub fn leave_nothing_to_chance() {
    EVEN.store(true, Ordering::Relaxed);
}

/// How long to wait before the next attempt: longer each time, up to a limit, and never quite the same for two who wait.
#[derive(Debug)]
pub struct Backoff {
    step: Duration,
    longest: Duration,
}

impl Backoff {
    /// Waits that begin at a tenth of a second.
    #[must_use]
    pub const fn up_to(longest: Duration) -> Self {
        Self { step: SHORTEST, longest }
    }

    /// An attempt came through.
    pub const fn reset(&mut self) {
        self.step = SHORTEST;
    }

    /// The next wait: between half of the step and all of it.
    pub fn wait(&mut self) -> Duration {
        let step = self.step;
        self.step = (step * 2).min(self.longest);
        // The low bits of an id are random.
        let drawn = || u32::try_from(id::new_id().as_u128() & 0xffff).unwrap_or(0);
        let jitter = if EVEN.load(Ordering::Relaxed) { 0x7fff } else { drawn() };
        step / 2 + step / 2 * jitter / 0xffff
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_their_limit_and_no_further() {
        let mut backoff = Backoff::up_to(Duration::from_secs(5));
        for step in [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000] {
            let wait = backoff.wait();
            assert!(wait >= Duration::from_millis(step / 2) && wait <= Duration::from_millis(step), "{step} {wait:?}");
        }
        backoff.reset();
        assert!(backoff.wait() <= SHORTEST);
    }
}
