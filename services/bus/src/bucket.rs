//! Token buckets of this process alone. Each is one number: the moment at which the bucket would be full again.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// When so many buckets exist, the full ones are thrown away: a full bucket is the same as none.
const MANY: usize = 10_000;

#[derive(Debug, Default)]
pub(crate) struct Buckets(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    full_at: HashMap<String, Instant>,
    sweep_at: usize,
}

impl Buckets {
    pub(crate) fn take(&self, key: &str, permits: u32, per: Duration, burst: u32) -> bool {
        if permits == 0 || burst == 0 {
            return false;
        }
        let (now, token) = (Instant::now(), per / permits);
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.full_at.len() >= state.sweep_at.max(MANY) {
            state.full_at.retain(|_, full_at| *full_at > now);
            // If most are in use, do not sweep again at every call.
            state.sweep_at = state.full_at.len() * 2;
        }
        let full_at = state.full_at.get(key).copied().unwrap_or(now).max(now) + token;
        // Full in longer than the whole burst takes to refill: more was taken than there was.
        if full_at - now > token * burst {
            return false;
        }
        state.full_at.insert(key.to_owned(), full_at);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_bucket_gives_its_burst_and_then_its_rate() {
        let buckets = Buckets::default();
        let second = Duration::from_secs(1);
        let took = |count: usize| (0..count).filter(|_| buckets.take("sms", 10, second, 5)).count();
        assert_eq!(took(20), 5);
        tokio::time::advance(Duration::from_millis(250)).await;
        assert_eq!(took(20), 2);
        tokio::time::advance(Duration::from_mins(1)).await;
        assert_eq!(took(20), 5);
        assert!(buckets.take("other", 10, second, 5));
        assert!(!buckets.take("none", 0, second, 5) && !buckets.take("none", 5, second, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn full_buckets_are_thrown_away() {
        let buckets = Buckets::default();
        for key in 0..MANY {
            assert!(buckets.take(&key.to_string(), 1, Duration::from_secs(1), 1));
        }
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(buckets.take("one more", 1, Duration::from_secs(1), 1));
        assert_eq!(buckets.0.lock().unwrap().full_at.len(), 1);
    }
}
