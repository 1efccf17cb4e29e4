use std::time::Duration;

use gridcare_chassis::id;

const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

/// How long to wait before the next attempt: longer each time, up to 5 s, and never quite the same for two followers.
#[derive(Debug)]
pub(super) struct Backoff(Duration);

impl Backoff {
    pub(super) const fn new() -> Self {
        Self(SHORTEST)
    }

    /// An attempt came through.
    pub(super) const fn reset(&mut self) {
        self.0 = SHORTEST;
    }

    /// The next wait: between half of the step and all of it.
    pub(super) fn next(&mut self) -> Duration {
        let step = self.0;
        self.0 = (step * 2).min(LONGEST);
        // The low bits of an id are random.
        let jitter = u32::try_from(id::new_id().as_u128() & 0xffff).unwrap_or(0);
        step / 2 + step / 2 * jitter / 0xffff
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_five_seconds_and_no_further() {
        let mut backoff = Backoff::new();
        for step in [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000] {
            let wait = backoff.next();
            assert!(wait >= Duration::from_millis(step / 2) && wait <= Duration::from_millis(step), "{step} {wait:?}");
        }
        backoff.reset();
        assert!(backoff.next() <= SHORTEST);
    }
}
