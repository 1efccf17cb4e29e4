//! Quantiles of durations that merge without loss: `DDSketch` (Masson, Rim and Lee, VLDB 2019), defined byte for byte in
//! `gridcare/metric/v1/metric.proto`.

use std::collections::BTreeMap;

use super::UnequalDefinition;

/// Relative accuracy when nothing else is said: 1 %.
pub const DEFAULT_ACCURACY_PPM: u32 = 10_000;

/// First byte of [`DurationSketch::to_bytes`], so that a later layout can be told apart.
const LAYOUT: u8 = 1;

/// Bytes or parts that are no sketch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed sketch: {0}")]
pub struct MalformedSketch(pub &'static str);

/// A `DDSketch` of non-negative integers, milliseconds by convention.
///
/// Two sketches that saw the same values in any order, merged or not, are equal and have equal bytes. Counts and the sum
/// saturate at `u64::MAX`, which keeps merging associative.
#[derive(Debug, Clone, PartialEq)]
pub struct DurationSketch {
    accuracy_ppm: u32,
    /// ln γ, a function of `accuracy_ppm`; cached because every `add` divides by it.
    ln_gamma: f64,
    zero_count: u64,
    bins: BTreeMap<i32, u64>,
    sum: u64,
}

// `ln_gamma` is never NaN, since the constructors accept no accuracy that would make it one.
impl Eq for DurationSketch {}

impl Default for DurationSketch {
    fn default() -> Self {
        Self::empty(DEFAULT_ACCURACY_PPM)
    }
}

impl DurationSketch {
    /// An empty sketch whose quantiles are off by at most `accuracy_ppm` millionths of the value.
    ///
    /// # Errors
    /// [`MalformedSketch`] unless the accuracy lies between 1 and 999 999.
    pub fn new(accuracy_ppm: u32) -> Result<Self, MalformedSketch> {
        if (1..1_000_000).contains(&accuracy_ppm) {
            Ok(Self::empty(accuracy_ppm))
        } else {
            Err(MalformedSketch("relative accuracy is not between 1 and 999999 ppm"))
        }
    }

    fn empty(accuracy_ppm: u32) -> Self {
        let ln_gamma = libm::log(gamma(accuracy_ppm));
        Self { accuracy_ppm, ln_gamma, zero_count: 0, bins: BTreeMap::new(), sum: 0 }
    }

    /// A sketch from what the wire or a table says. `bins` are (index, count) pairs in ascending order of index.
    ///
    /// # Errors
    /// [`MalformedSketch`] when no series of values could have produced these parts: an accuracy out of range, indices that
    /// do not ascend or that no `u64` reaches, an empty bin, or a sum too small for the counts.
    pub fn from_parts(
        accuracy_ppm: u32,
        zero_count: u64,
        bins: impl IntoIterator<Item = (i32, u64)>,
        sum: u64,
    ) -> Result<Self, MalformedSketch> {
        let mut sketch = Self::new(accuracy_ppm)?;
        let highest = sketch.index_of(u64::MAX);
        let (mut previous, mut positive) = (-1, 0_u64);
        for (index, count) in bins {
            if index <= previous {
                return Err(MalformedSketch("bin indices do not ascend from zero"));
            }
            if index > highest {
                return Err(MalformedSketch("a bin lies beyond the greatest value"));
            }
            if count == 0 {
                return Err(MalformedSketch("a bin is empty"));
            }
            previous = index;
            positive = positive.saturating_add(count);
            sketch.bins.insert(index, count);
        }
        // Every value in a bin is at least 1.
        if sum < positive || (sketch.bins.is_empty() && sum != 0) {
            return Err(MalformedSketch("the sum does not fit the counts"));
        }
        sketch.zero_count = zero_count;
        sketch.sum = sum;
        Ok(sketch)
    }

    /// Adds one value.
    pub fn add(&mut self, value: u64) {
        if value == 0 {
            self.zero_count = self.zero_count.saturating_add(1);
            return;
        }
        let count = self.bins.entry(self.index_of(value)).or_insert(0);
        *count = count.saturating_add(1);
        self.sum = self.sum.saturating_add(value);
    }

    /// The bin of a value, for those who keep bins as rows; none of 0, which is counted apart.
    #[must_use]
    pub fn bin_of(&self, value: u64) -> Option<i32> {
        (value > 0).then(|| self.index_of(value))
    }

    /// The bin of a value of at least 1: ceil(ln v / ln γ).
    fn index_of(&self, value: u64) -> i32 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "the proto defines the bin by the binary64 nearest to the value"
        )]
        let value = value as f64;
        #[expect(clippy::cast_possible_truncation, reason = "at most ln(2^64) / ln(gamma of 1 ppm), about 22 million")]
        let index = libm::ceil(libm::log(value) / self.ln_gamma) as i32;
        index
    }

    /// Relative accuracy in millionths; sketches of unequal accuracy do not merge.
    #[must_use]
    pub const fn accuracy_ppm(&self) -> u32 {
        self.accuracy_ppm
    }

    /// How many values were added, zeros included.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.bins.values().fold(self.zero_count, |count, bin| count.saturating_add(*bin))
    }

    /// Exact sum of the values.
    #[must_use]
    pub const fn sum(&self) -> u64 {
        self.sum
    }

    /// How many of the values were zero.
    #[must_use]
    pub const fn zero_count(&self) -> u64 {
        self.zero_count
    }

    /// The bins that are not empty, as (index, count) in ascending order of index.
    #[must_use]
    pub fn bins(&self) -> impl ExactSizeIterator<Item = (i32, u64)> + '_ {
        self.bins.iter().map(|(index, count)| (*index, *count))
    }

    /// The value of rank floor(q · (n − 1)), counted from 0, within the relative accuracy; none of an empty sketch, nor
    /// when `q` lies outside 0 to 1.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let count = self.count();
        if count == 0 || !(0.0..=1.0).contains(&q) {
            return None;
        }
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rank is never negative, and off by one only beyond 2^53 values"
        )]
        let rank = libm::floor(q * (count - 1) as f64) as u64;
        let mut seen = self.zero_count;
        if rank < seen {
            return Some(0.0);
        }
        let mut at = None;
        for (index, bin) in &self.bins {
            at = Some(*index);
            seen = seen.saturating_add(*bin);
            if rank < seen {
                break;
            }
        }
        let gamma = gamma(self.accuracy_ppm);
        // Without bins there are only zeros, whose number rounding may have pushed the rank up to.
        Some(at.map_or(0.0, |index| 2.0 * libm::pow(gamma, f64::from(index)) / (gamma + 1.0)))
    }

    /// Adds what another sketch saw; the result is that of the union.
    ///
    /// # Errors
    /// [`UnequalDefinition`] when the accuracies differ; nothing has changed then.
    pub fn merge(&mut self, other: &Self) -> Result<(), UnequalDefinition> {
        if self.accuracy_ppm != other.accuracy_ppm {
            return Err(UnequalDefinition);
        }
        for (index, count) in &other.bins {
            let mine = self.bins.entry(*index).or_insert(0);
            *mine = mine.saturating_add(*count);
        }
        self.zero_count = self.zero_count.saturating_add(other.zero_count);
        self.sum = self.sum.saturating_add(other.sum);
        Ok(())
    }

    /// A compact encoding; equal sketches have equal bytes.
    ///
    /// Layout byte, then as LEB128 numbers: accuracy, zeros, sum, number of bins, and per bin the distance from the index
    /// before (from −1 for the first) and the count.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(16 + 3 * self.bins.len());
        bytes.push(LAYOUT);
        write_varint(&mut bytes, u64::from(self.accuracy_ppm));
        write_varint(&mut bytes, self.zero_count);
        write_varint(&mut bytes, self.sum);
        write_varint(&mut bytes, self.bins.len() as u64);
        let mut previous = -1;
        for (index, count) in &self.bins {
            write_varint(&mut bytes, u64::from((index - previous).unsigned_abs()));
            write_varint(&mut bytes, *count);
            previous = *index;
        }
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`MalformedSketch`] for anything else, however it is broken.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MalformedSketch> {
        let Some((&LAYOUT, mut rest)) = bytes.split_first() else { return Err(MalformedSketch("unknown layout")) };
        let accuracy_ppm = u32::try_from(read_varint(&mut rest)?).unwrap_or(0);
        let zero_count = read_varint(&mut rest)?;
        let sum = read_varint(&mut rest)?;
        let length = read_varint(&mut rest)?;
        // Every bin takes two bytes or more, so a length that lies cannot make us reserve memory.
        if length > rest.len() as u64 / 2 {
            return Err(MalformedSketch("truncated"));
        }
        let mut bins = Vec::new();
        let mut previous = -1_i32;
        for _ in 0..length {
            let distance = i32::try_from(read_varint(&mut rest)?).ok();
            previous = distance
                .and_then(|distance| previous.checked_add(distance))
                .ok_or(MalformedSketch("a bin lies beyond the greatest value"))?;
            bins.push((previous, read_varint(&mut rest)?));
        }
        if !rest.is_empty() {
            return Err(MalformedSketch("bytes are left over"));
        }
        Self::from_parts(accuracy_ppm, zero_count, bins, sum)
    }
}

/// γ = (1 + α) / (1 − α).
fn gamma(accuracy_ppm: u32) -> f64 {
    let alpha = f64::from(accuracy_ppm) / 1e6;
    (1.0 + alpha) / (1.0 - alpha)
}

/// Appends an unsigned number in LEB128, seven bits a byte, low first.
pub(crate) fn write_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(0x80 | (value & 0x7f) as u8);
        value >>= 7;
    }
    bytes.push((value & 0x7f) as u8);
}

/// Takes an unsigned LEB128 number from the front; a longer form than necessary is malformed, so that equal means equal bytes.
pub(crate) fn read_varint(rest: &mut &[u8]) -> Result<u64, MalformedSketch> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let Some((&byte, after)) = rest.split_first() else { return Err(MalformedSketch("truncated")) };
        *rest = after;
        if shift == 63 && byte > 1 {
            return Err(MalformedSketch("a number exceeds 64 bits"));
        }
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            if byte == 0 && shift > 0 {
                return Err(MalformedSketch("a number is longer than necessary"));
            }
            return Ok(value);
        }
    }
    Err(MalformedSketch("a number exceeds 64 bits"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[u64]) -> DurationSketch {
        let mut sketch = DurationSketch::default();
        for value in values {
            sketch.add(*value);
        }
        sketch
    }

    /// Durations from nothing to weeks, and now and then anything.
    fn values() -> impl Strategy<Value = Vec<u64>> {
        let value = prop_oneof![1 => Just(0_u64), 8 => 1_u64..10_000_000, 2 => 1_u64..3_000_000_000, 1 => any::<u64>()];
        prop::collection::vec(value, 0..200)
    }

    #[test]
    fn an_empty_sketch_has_no_quantile() {
        assert_eq!(DurationSketch::default().quantile(0.5), None);
        assert_eq!(DurationSketch::default().count(), 0);
    }

    #[test]
    fn a_quantile_outside_zero_to_one_is_none() {
        let sketch = of(&[1, 2]);
        assert_eq!(sketch.quantile(-0.1), None);
        assert_eq!(sketch.quantile(1.1), None);
        assert_eq!(sketch.quantile(f64::NAN), None);
    }

    #[test]
    fn zeros_come_first_and_one_lies_in_bin_zero() {
        let sketch = of(&[0, 0, 1]);
        assert_eq!(sketch.bins().collect::<Vec<_>>(), [(0, 1)]);
        assert_eq!(sketch.zero_count(), 2);
        assert_eq!(sketch.quantile(0.5), Some(0.0));
        assert!((sketch.quantile(1.0).unwrap() - 0.99).abs() < 1e-9);
    }

    #[test]
    fn known_values_fall_into_known_bins() {
        // ceil(ln v / ln(1.01 / 0.99)), computed independently with 50 digits.
        let bins: Vec<_> = of(&[2, 10, 1_000, 60_000, 3_600_000]).bins().map(|(index, _)| index).collect();
        assert_eq!(bins, [35, 116, 346, 551, 755]);
    }

    #[test]
    fn the_bytes_of_a_known_sketch_stay_what_they_are() {
        assert_eq!(of(&[0, 1, 1, 2]).to_bytes(), [1, 0x90, 0x4e, 1, 4, 2, 1, 2, 35, 1]);
    }

    #[test]
    fn unequal_accuracies_do_not_merge() {
        let mut sketch = of(&[5]);
        let other = DurationSketch::new(20_000).unwrap();
        assert!(sketch.merge(&other).is_err());
        assert_eq!(sketch, of(&[5]));
    }

    #[test]
    fn accuracies_that_make_no_sense_are_refused() {
        for ppm in [0, 1_000_000, u32::MAX] {
            assert!(DurationSketch::new(ppm).is_err());
        }
    }

    #[test]
    fn parts_that_no_values_produce_are_refused() {
        let parts =
            |zeros, bins: &[(i32, u64)], sum| DurationSketch::from_parts(10_000, zeros, bins.iter().copied(), sum);
        assert!(parts(1, &[(0, 1), (35, 1)], 3).is_ok());
        assert!(parts(0, &[(35, 1), (0, 1)], 3).is_err(), "descending");
        assert!(parts(0, &[(3, 1), (3, 1)], 3).is_err(), "twice");
        assert!(parts(0, &[(-1, 1)], 3).is_err(), "negative");
        assert!(parts(0, &[(i32::MAX, 1)], 3).is_err(), "beyond any value");
        assert!(parts(0, &[(0, 0)], 3).is_err(), "empty bin");
        assert!(parts(0, &[(0, 9)], 3).is_err(), "sum too small");
        assert!(parts(9, &[], 3).is_err(), "a sum of zeros");
    }

    #[test]
    fn the_greatest_value_survives_encoding() {
        let sketch = of(&[u64::MAX, u64::MAX]);
        assert_eq!(sketch.sum(), u64::MAX);
        assert_eq!(DurationSketch::from_bytes(&sketch.to_bytes()), Ok(sketch));
    }

    proptest! {
        #[test]
        fn merging_equals_the_sketch_of_the_union(a in values(), b in values()) {
            let mut merged = of(&a);
            merged.merge(&of(&b)).unwrap();
            let mut other_way = of(&b);
            other_way.merge(&of(&a)).unwrap();
            let union = of(&[a, b].concat());
            prop_assert_eq!(&merged, &union);
            prop_assert_eq!(merged.to_bytes(), union.to_bytes());
            prop_assert_eq!(other_way.to_bytes(), union.to_bytes());
        }

        #[test]
        #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small ranks")]
        fn a_quantile_is_within_the_accuracy_of_the_exact_one(mut a in values(), q in 0.0..=1.0_f64, ppm in 1_000_u32..200_000) {
            prop_assume!(!a.is_empty());
            let mut sketch = DurationSketch::new(ppm).unwrap();
            for value in &a {
                sketch.add(*value);
            }
            a.sort_unstable();
            let exact = a[(q * (a.len() - 1) as f64).floor() as usize] as f64;
            let alpha = f64::from(ppm) / 1e6;
            prop_assert!((sketch.quantile(q).unwrap() - exact).abs() <= exact * alpha * (1.0 + 1e-9));
        }

        #[test]
        fn count_and_sum_are_exact(a in prop::collection::vec(0_u64..1_000_000_000, 0..200)) {
            let sketch = of(&a);
            prop_assert_eq!(sketch.count(), a.len() as u64);
            prop_assert_eq!(sketch.sum(), a.iter().sum::<u64>());
        }

        #[test]
        fn encoding_and_parts_round_trip(a in values()) {
            let sketch = of(&a);
            prop_assert_eq!(DurationSketch::from_bytes(&sketch.to_bytes()), Ok(sketch.clone()));
            let parts = DurationSketch::from_parts(sketch.accuracy_ppm(), sketch.zero_count(), sketch.bins(), sketch.sum());
            prop_assert_eq!(parts, Ok(sketch));
        }

        #[test]
        fn random_bytes_never_panic_and_what_is_read_is_canonical(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            for bytes in [bytes.clone(), [vec![1], bytes].concat()] {
                if let Ok(sketch) = DurationSketch::from_bytes(&bytes) {
                    prop_assert_eq!(sketch.to_bytes(), bytes);
                }
            }
        }

        #[test]
        fn a_damaged_sketch_never_panics_and_never_reads_as_the_same(a in values(), at in any::<prop::sample::Index>(), xor in 1_u8..) {
            let sketch = of(&a);
            let mut bytes = sketch.to_bytes();
            let at = at.index(bytes.len());
            bytes[at] ^= xor;
            prop_assert_ne!(DurationSketch::from_bytes(&bytes), Ok(sketch));
        }
    }
}
