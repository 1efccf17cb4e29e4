//! What a load measured, for people and for scripts.

use std::{collections::BTreeMap, fmt, time::Duration};

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::{failure::Failure, output};

/// What is told of the latencies.
const QUANTILES: [(&str, f64); 5] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)];

/// Everything that was measured while the clock ran.
pub(super) struct Summary {
    /// Microseconds from the moment a call was due to its answer.
    latency: Histogram<u64>,
    /// Answered well, within the measured time.
    answered: u64,
    /// Failures by code, with the words of the first.
    errors: BTreeMap<String, (u64, String)>,
    /// Due and given up, because the node was too far behind.
    pub(super) unsent: u64,
    /// The measured time.
    pub(super) took: Duration,
}

impl Summary {
    /// Latencies from 1 µs to 60 s, to three digits.
    pub(super) fn new() -> Result<Self, Failure> {
        let latency = Histogram::new_with_bounds(1, 60_000_000, 3)
            .map_err(|error| Failure::because("a histogram cannot be made", &error))?;
        Ok(Self { latency, answered: 0, errors: BTreeMap::new(), unsent: 0, took: Duration::ZERO })
    }

    /// One call that was answered well: its latency, if it was due within the measured time, and whether its answer came
    /// within it. A node that is behind answers calls that were due before.
    pub(super) fn well(&mut self, latency: Option<Duration>, inside: bool) {
        if let Some(latency) = latency {
            self.latency.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
        }
        self.answered += u64::from(inside);
    }

    /// One call that was not.
    pub(super) fn badly(&mut self, status: &tonic::Status) {
        let first = || (0, crate::failure::told(status));
        self.errors.entry(format!("{:?}", status.code())).or_insert_with(first).0 += 1;
    }

    /// Answers in a second.
    pub(super) fn rate(&self) -> f64 {
        per_second(self.answered, self.took)
    }

    /// Milliseconds at each quantile; none when no call was measured.
    fn latencies(&self) -> Option<BTreeMap<&'static str, f64>> {
        let ms = |quantile| Duration::from_micros(self.latency.value_at_quantile(quantile)).as_secs_f64() * 1_000.0;
        let found = || QUANTILES.iter().map(|(name, quantile)| (*name, rounded(ms(*quantile), 3))).collect();
        (!self.latency.is_empty()).then(found)
    }

    pub(super) fn json(&self) -> Value {
        let errors: BTreeMap<_, _> = self.errors.iter().map(|(code, (count, _))| (code, count)).collect();
        json!({
            "rate": rounded(self.rate(), 1),
            "answered": self.answered,
            "seconds": rounded(self.took.as_secs_f64(), 3),
            "latency_ms": self.latencies(),
            "errors": errors,
            "unsent": self.unsent,
        })
    }

    /// For people, on standard output: so many of what was asked for in a second.
    pub(super) fn show(&self, what: &str) -> Result<(), Failure> {
        output::line(format_args!("{:.0} {what}/s over {:.1} s", self.rate(), self.took.as_secs_f64()))?;
        let shown = self.latencies().map_or_else(
            || "no call that was due in the measured time was answered".to_owned(),
            |found| {
                QUANTILES.iter().map(|(name, _)| format!("{name} {:.2}", found[name])).collect::<Vec<_>>().join(", ")
            },
        );
        output::line(format_args!("latency in ms: {shown}"))?;
        for (code, (count, first)) in &self.errors {
            output::line(format_args!("{count} × {code}, the first: {first}"))?;
        }
        if self.unsent > 0 {
            output::line(format_args!(
                "{} calls were due and not made: the node is slower than the rate",
                self.unsent
            ))?;
        }
        Ok(())
    }
}

/// How single latencies lie, in milliseconds; zeros where there is none.
pub(super) struct Spread {
    p50: f64,
    p99: f64,
    max: f64,
}

impl Spread {
    pub(super) fn of(took: &mut [Duration]) -> Self {
        took.sort_unstable();
        let at = |percent: usize| {
            let place = (took.len() * percent / 100).min(took.len().saturating_sub(1));
            took.get(place).map_or(0.0, |latency| rounded(latency.as_secs_f64() * 1e3, 3))
        };
        Self { p50: at(50), p99: at(99), max: at(100) }
    }

    pub(super) fn json(&self) -> Value {
        json!({ "p50": self.p50, "p99": self.p99, "max": self.max })
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms", self.p50, self.p99, self.max)
    }
}

/// How many in a second.
#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark are far below 2^52")]
pub(super) fn per_second(count: u64, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64().max(1e-9)
}

/// Rounded to that many decimals, for reading.
pub(super) fn rounded(value: f64, decimals: i32) -> f64 {
    let scale = 10_f64.powi(decimals);
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_is_told_however_few_there_are() {
        let spread =
            |most: u64| Spread::of(&mut (1..=most).rev().map(Duration::from_millis).collect::<Vec<_>>()).json();
        assert_eq!(spread(200), json!({ "p50": 101.0, "p99": 199.0, "max": 200.0 }));
        assert_eq!(spread(1), json!({ "p50": 1.0, "p99": 1.0, "max": 1.0 }));
        assert_eq!(spread(0), json!({ "p50": 0.0, "p99": 0.0, "max": 0.0 }));
    }
}
