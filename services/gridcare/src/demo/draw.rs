//! Draws from a fixed seed. Only integers and `libm` are used, so that every machine draws the same.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore as _, SeedableRng as _},
};
use sha2::{Digest as _, Sha256};

/// Changing what is made from a seed changes the country; then this changes too.
pub(crate) const GENERATION: &str = "gridcare synthetic 2013, first generation";

/// A sequence of draws.
#[derive(Debug, Clone)]
pub(crate) struct Draw(ChaCha8Rng);

impl Draw {
    /// The sequence of that name.
    pub(crate) fn named(name: &str) -> Self {
        let seed = Sha256::digest(format!("{GENERATION}/{name}").as_bytes());
        Self(ChaCha8Rng::from_seed(seed.into()))
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: u32) -> u32 {
        // The bias of at most one in 2^32 / limit is of no concern here.
        u32::try_from((u64::from(self.0.next_u32()) * u64::from(limit)) >> 32).unwrap_or_default()
    }

    /// Milliseconds, log-normal around a median, at least one and at most `most`.
    pub(crate) fn milliseconds(&mut self, median_ms: f64, sigma: f64, most: u32) -> u32 {
        let drawn = median_ms * libm::exp(sigma * self.normal());
        // A draw beyond the limit is cut; f64 to u32 saturates.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "cut to the limits just below")]
        let whole = drawn as u32;
        whole.clamp(1, most)
    }

    /// A draw of the standard normal distribution, near enough: the sum of twelve uniform ones.
    fn normal(&mut self) -> f64 {
        let mut sum = 0;
        for _ in 0..3 {
            let bits = self.0.next_u64();
            sum += (0..4).map(|part| u32::try_from((bits >> (16 * part)) & 0xffff).unwrap_or_default()).sum::<u32>();
        }
        f64::from(sum) / 65_536.0 - 6.0
    }

    /// The index drawn by weights that sum to 10,000.
    pub(crate) fn weighted<T: Copy>(&mut self, weights: &[(T, u32)], otherwise: T) -> T {
        let mut left = self.below(10_000);
        for (value, weight) in weights {
            if left < *weight {
                return *value;
            }
            left -= weight;
        }
        otherwise
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_always_draws_the_same() {
        let first: Vec<_> = (0..5).map(|_| Draw::named("a").below(1_000)).collect();
        assert!(first.windows(2).all(|pair| pair[0] == pair[1]));
        let mut draw = Draw::named("a");
        assert_ne!((0..5).map(|_| draw.below(1_000)).collect::<Vec<_>>(), first);
    }

    #[test]
    fn durations_lie_around_their_median() {
        let mut draw = Draw::named("durations");
        let mut drawn: Vec<_> = (0..10_001).map(|_| draw.milliseconds(12_000.0, 0.9, 1_800_000)).collect();
        drawn.sort_unstable();
        assert!((11_000..13_000).contains(&drawn[5_000]), "{}", drawn[5_000]);
        assert!(drawn[0] >= 1 && drawn[10_000] <= 1_800_000);
    }
}
