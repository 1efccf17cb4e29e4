use jiff::ToSpan as _;

use super::daily::{Daily, DaySums};
use crate::{
    contact::code::codes,
    report::day::{Days, date_of, number_of},
};

/// Years of daily SAIDI before a period from which its threshold of major event days comes (IEEE 1366-2012 §3.12).
pub const HISTORY_YEARS: i32 = 5;

codes! {
    /// Which interruptions indices count, with the numbers of the wire.
    Class {
        /// All of them.
        All = 1 "all",
        /// But for major event days.
        WithoutMajor = 2 "without_major_event_days",
        /// But for what was lost to the distribution grid.
        WithoutLoss = 3 "without_loss_of_supply",
        /// But for either.
        WithoutBoth = 4 "without_both",
        /// Only what was lost to the distribution grid.
        LossOfSupply = 5 "loss_of_supply",
    }
}

/// When a day is a major event day (IEEE 1366-2012 §3.12, the 2.5 beta method).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Threshold {
    /// Mean of the natural logarithms of daily SAIDI, over days on which there was any.
    pub alpha: f64,
    /// Their standard deviation, of a sample.
    pub beta: f64,
    /// `exp(alpha + 2.5 beta)`, in minutes: days above it are major.
    pub minutes: f64,
    /// How many days it was computed from; those without interruptions are left out.
    pub days: usize,
}

/// The indices of one class of interruptions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Indices {
    /// Which interruptions.
    pub class: Class,
    /// Customers times microseconds of sustained interruptions.
    pub customer_us: i128,
    /// Customers in sustained interruptions.
    pub interrupted: i64,
    /// Customers in momentary interruptions; of all classes but those that leave out by cause.
    pub momentary: Option<i64>,
    /// Σ r·N / `N_T` in minutes (§4.2.1).
    pub saidi: f64,
    /// Σ N / `N_T` (§4.2.2).
    pub saifi: f64,
    /// SAIDI / SAIFI in minutes (§4.2.3); none without interruptions.
    pub caidi: Option<f64>,
    /// 1 − SAIDI / minutes of the period (§4.2.4).
    pub asai: f64,
    /// Σ momentary customer interruptions / `N_T` (§4.3.1).
    pub maifi: Option<f64>,
}

/// The reliability of a period.
#[derive(Debug, Clone, PartialEq)]
pub struct Reliability {
    /// `N_T`: the mean of the customers served on the period's days.
    pub served: f64,
    /// Indices by class, in the order of their numbers; empty when nobody said how many are served.
    pub indices: Vec<Indices>,
    /// None when there were interruptions on fewer than two days of the five years before.
    pub threshold: Option<Threshold>,
    /// Major event days of the period.
    pub major: Vec<i32>,
}

/// The days from which the threshold of a period comes.
#[must_use]
pub fn history_of(period: Days) -> Days {
    let years = i64::from(HISTORY_YEARS).years();
    let from = date_of(period.from).checked_sub(years).map_or(period.from, number_of);
    Days { from, until: period.from }
}

#[expect(clippy::cast_precision_loss, reason = "an index is a ratio; its sums are exact")]
const fn real(number: i128) -> f64 {
    number as f64
}

/// Minutes of a day's SAIDI.
fn daily_saidi(sums: &DaySums) -> f64 {
    if sums.served > 0 { real(sums.customer_us) / 60e6 / real(sums.served.into()) } else { 0.0 }
}

fn threshold(daily: &Daily, history: Days) -> Option<Threshold> {
    let saidi = daily.0.range(history.from..history.until.max(history.from)).map(|(_, sums)| daily_saidi(sums));
    let logs: Vec<f64> = saidi.filter(|minutes| *minutes > 0.0).map(libm::log).collect();
    if logs.len() < 2 {
        return None;
    }
    let n = real(i128::try_from(logs.len()).unwrap_or(i128::MAX));
    let alpha = logs.iter().sum::<f64>() / n;
    let beta = libm::sqrt(logs.iter().map(|log| (log - alpha) * (log - alpha)).sum::<f64>() / (n - 1.0));
    Some(Threshold { alpha, beta, minutes: libm::exp(alpha + 2.5 * beta), days: logs.len() })
}

/// The reliability of a period, from sums of its days and of the five years before it.
#[must_use]
pub fn reliability(daily: &Daily, period: Days) -> Reliability {
    let days: Vec<(i32, &DaySums)> =
        daily.0.range(period.from..period.until.max(period.from)).map(|(day, sums)| (*day, sums)).collect();
    let length = real(i128::from(period.until) - i128::from(period.from));
    let served = days.iter().map(|(_, sums)| i128::from(sums.served)).sum::<i128>();
    let served = if length > 0.0 { real(served) / length } else { 0.0 };
    let threshold = threshold(daily, history_of(period));
    let is_major = |sums: &DaySums| threshold.is_some_and(|threshold| daily_saidi(sums) > threshold.minutes);
    let major = days.iter().filter(|(_, sums)| is_major(sums)).map(|(day, _)| *day).collect();
    let of = |class: Class| {
        let (mut customer_us, mut interrupted, mut momentary) = (0_i128, 0_i64, 0_i64);
        for (_, sums) in &days {
            if matches!(class, Class::WithoutMajor | Class::WithoutBoth) && is_major(sums) {
                continue;
            }
            let (us, customers) = match class {
                Class::All | Class::WithoutMajor => (sums.customer_us, sums.interrupted),
                Class::WithoutLoss | Class::WithoutBoth => {
                    (sums.customer_us - sums.loss_customer_us, sums.interrupted - sums.loss_interrupted)
                }
                Class::LossOfSupply => (sums.loss_customer_us, sums.loss_interrupted),
            };
            (customer_us, interrupted) = (customer_us + us, interrupted + customers);
            momentary += sums.momentary;
        }
        let momentary = matches!(class, Class::All | Class::WithoutMajor).then_some(momentary);
        let minutes = real(customer_us) / 60e6;
        let saidi = minutes / served;
        Indices {
            class,
            customer_us,
            interrupted,
            momentary,
            saidi,
            saifi: real(interrupted.into()) / served,
            caidi: (interrupted > 0).then(|| minutes / real(interrupted.into())),
            asai: 1.0 - saidi / (length * 1_440.0),
            maifi: momentary.map(|momentary| real(momentary.into()) / served),
        }
    };
    let indices = if served > 0.0 { Class::ALL.iter().map(|class| of(*class)).collect() } else { Vec::new() };
    Reliability { served, indices, threshold, major }
}
