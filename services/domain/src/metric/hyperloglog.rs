//! Unique customers that merge without naming them: `HyperLogLog` (Flajolet et al., AOFA 2007) over a keyed hash, defined byte
//! for byte in `gridcare/metric/v1/metric.proto`.

use std::fmt;

use super::{
    UnequalDefinition,
    ddsketch::{MalformedSketch, read_varint, write_varint},
};

/// Bits of the hash that choose the register.
pub const PRECISION: u32 = 12;

/// Number of registers, m.
const REGISTERS: usize = 1 << PRECISION;

/// With more non-zero registers than this the sketch is dense; three bytes each, they would take more than 3 KiB.
const SPARSE_LIMIT: usize = 1_024;

/// Greatest rank: one more than the 52 bits that are left of the hash.
const MAX_RANK: u8 = 53;

/// First byte of [`UniqueSketch::to_bytes`], so that a later layout can be told apart.
const LAYOUT: u8 = 1;

/// The key under which a region counts its customers. Whoever lacks it cannot test whether a customer was counted.
#[derive(Clone, PartialEq, Eq)]
pub struct UniqueKey {
    /// Name of the key, which travels with every sketch.
    pub id: String,
    /// The secret.
    pub key: [u8; 32],
}

impl fmt::Debug for UniqueKey {
    // By hand, so that no log shows the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UniqueKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl UniqueKey {
    /// First 8 bytes, little-endian, of keyed BLAKE3 over the customer code in upper-case ASCII.
    #[must_use]
    pub fn hash(&self, customer_code: &str) -> u64 {
        let hash = blake3::keyed_hash(&self.key, customer_code.to_ascii_uppercase().as_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&hash.as_bytes()[..8]);
        u64::from_le_bytes(first)
    }
}

/// Registers in the one form that their number of non-zero ones allows, so that equal sketches compare equal.
#[derive(Clone, PartialEq, Eq)]
enum Registers {
    /// At most [`SPARSE_LIMIT`] pairs of register and rank, ascending by register.
    Sparse(Vec<(u16, u8)>),
    Dense(Box<[u8; REGISTERS]>),
}

/// A `HyperLogLog` with 2^12 registers; standard error 1.6 %.
#[derive(Clone, PartialEq, Eq)]
pub struct UniqueSketch {
    key_id: String,
    registers: Registers,
}

impl fmt::Debug for UniqueSketch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The registers themselves would fill a screen and say nothing.
        f.debug_struct("UniqueSketch")
            .field("key_id", &self.key_id)
            .field("non_zero", &self.non_zero().count())
            .field("estimate", &self.estimate())
            .finish_non_exhaustive()
    }
}

impl UniqueSketch {
    /// An empty sketch of customers hashed under the key of this name.
    pub fn new(key_id: impl Into<String>) -> Self {
        Self { key_id: key_id.into(), registers: Registers::Sparse(Vec::new()) }
    }

    /// A sketch from what the wire or a table says; see [`Self::sparse`] and [`Self::dense`].
    ///
    /// # Errors
    /// [`MalformedSketch`] when the parts are not the canonical form of any sketch: another precision, both forms at once, a
    /// length that is not exact, registers that do not ascend, a rank beyond 53, or the form that the count forbids.
    pub fn from_parts(
        precision: u32,
        key_id: impl Into<String>,
        sparse: &[u8],
        dense: &[u8],
    ) -> Result<Self, MalformedSketch> {
        if precision != PRECISION {
            return Err(MalformedSketch("precision is not 12"));
        }
        let registers = if dense.is_empty() { read_sparse(sparse)? } else { read_dense(sparse, dense)? };
        Ok(Self { key_id: key_id.into(), registers })
    }

    /// Counts a customer.
    ///
    /// # Errors
    /// [`UnequalDefinition`] when the key is not the sketch's own; nothing has changed then.
    pub fn add(&mut self, key: &UniqueKey, customer_code: &str) -> Result<(), UnequalDefinition> {
        if key.id != self.key_id {
            return Err(UnequalDefinition);
        }
        self.add_hash(key.hash(customer_code));
        Ok(())
    }

    /// Counts a customer by the hash that [`UniqueKey::hash`] gave under this sketch's key.
    pub fn add_hash(&mut self, hash: u64) {
        let register = (hash >> (64 - PRECISION)) as u16;
        let rank = 1 + (hash << PRECISION).leading_zeros().min(64 - PRECISION) as u8;
        self.raise(register, rank);
    }

    /// Lets a register keep its greatest rank.
    fn raise(&mut self, register: u16, rank: u8) {
        match &mut self.registers {
            Registers::Dense(ranks) => {
                let mine = &mut ranks[usize::from(register)];
                *mine = rank.max(*mine);
            }
            Registers::Sparse(pairs) => match pairs.binary_search_by_key(&register, |pair| pair.0) {
                Ok(at) => pairs[at].1 = rank.max(pairs[at].1),
                Err(at) => {
                    pairs.insert(at, (register, rank));
                    if pairs.len() > SPARSE_LIMIT {
                        let mut ranks = Box::new([0; REGISTERS]);
                        for (register, rank) in &*pairs {
                            ranks[usize::from(*register)] = *rank;
                        }
                        self.registers = Registers::Dense(ranks);
                    }
                }
            },
        }
    }

    /// Name of the key; sketches under unequal keys do not merge.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Whether nobody was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(&self.registers, Registers::Sparse(pairs) if pairs.is_empty())
    }

    /// Three bytes per non-zero register, ascending: the register big-endian in two, then its rank. Empty when dense.
    #[must_use]
    pub fn sparse(&self) -> Vec<u8> {
        match &self.registers {
            Registers::Dense(_) => Vec::new(),
            Registers::Sparse(pairs) => pairs
                .iter()
                .flat_map(|(register, rank)| {
                    let [high, low] = register.to_be_bytes();
                    [high, low, *rank]
                })
                .collect(),
        }
    }

    /// 4096 ranks, one byte each; empty while at most 1024 of them are non-zero.
    #[must_use]
    pub fn dense(&self) -> &[u8] {
        match &self.registers {
            Registers::Dense(ranks) => &ranks[..],
            Registers::Sparse(_) => &[],
        }
    }

    /// About how many distinct customers were counted.
    ///
    /// α m² / Σ 2^−rank with α = 0.7213 / (1 + 1.079 / m), and linear counting m ln(m / zeros) while that is at most 2.5 m
    /// and a register is zero.
    #[must_use]
    pub fn estimate(&self) -> f64 {
        let mut of_rank = [0_u32; MAX_RANK as usize + 1];
        let mut non_zero = 0_u32;
        for (_, rank) in self.non_zero() {
            of_rank[usize::from(rank)] += 1;
            non_zero += 1;
        }
        let m = f64::from(1_u32 << PRECISION);
        let zeros = m - f64::from(non_zero);
        // From the smallest terms up, so that both forms add in one order.
        let sum = (1..=MAX_RANK)
            .rev()
            .fold(0.0, |sum, rank| sum + f64::from(of_rank[usize::from(rank)]) * libm::exp2(-f64::from(rank)))
            + zeros;
        let raw = 0.7213 / (1.0 + 1.079 / m) * m * m / sum;
        if raw <= 2.5 * m && zeros > 0.0 { m * libm::log(m / zeros) } else { raw }
    }

    /// Non-zero registers with their ranks, ascending.
    fn non_zero(&self) -> impl Iterator<Item = (u16, u8)> + '_ {
        let (pairs, ranks) = match &self.registers {
            Registers::Sparse(pairs) => (&pairs[..], &[][..]),
            Registers::Dense(ranks) => (&[][..], &ranks[..]),
        };
        let dense = (0_u16..).zip(ranks).filter(|(_, rank)| **rank > 0).map(|(register, rank)| (register, *rank));
        pairs.iter().copied().chain(dense)
    }

    /// Adds whom another sketch counted; the result is that of the union.
    ///
    /// # Errors
    /// [`UnequalDefinition`] when the keys differ; nothing has changed then.
    pub fn merge(&mut self, other: &Self) -> Result<(), UnequalDefinition> {
        if self.key_id != other.key_id {
            return Err(UnequalDefinition);
        }
        other.non_zero().for_each(|(register, rank)| self.raise(register, rank));
        Ok(())
    }

    /// A compact encoding; equal sketches have equal bytes.
    ///
    /// Layout byte; length of the key id in LEB128 and the key id; number of non-zero registers in LEB128 and, when that is
    /// at most 1024, per register the distance from the one before (from −1 for the first) in LEB128 and the rank, else the
    /// 4096 ranks.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![LAYOUT];
        write_varint(&mut bytes, self.key_id.len() as u64);
        bytes.extend_from_slice(self.key_id.as_bytes());
        write_varint(&mut bytes, self.non_zero().count() as u64);
        match &self.registers {
            Registers::Dense(ranks) => bytes.extend_from_slice(&ranks[..]),
            Registers::Sparse(pairs) => {
                let mut next = 0;
                for (register, rank) in pairs {
                    write_varint(&mut bytes, u64::from(register - next) + 1);
                    bytes.push(*rank);
                    next = register + 1;
                }
            }
        }
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`MalformedSketch`] for anything else, however it is broken.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MalformedSketch> {
        const TRUNCATED: MalformedSketch = MalformedSketch("truncated");
        let Some((&LAYOUT, mut rest)) = bytes.split_first() else { return Err(MalformedSketch("unknown layout")) };
        let length = usize::try_from(read_varint(&mut rest)?).unwrap_or(usize::MAX);
        let (key_id, mut rest) = rest.split_at_checked(length).ok_or(TRUNCATED)?;
        let key_id = std::str::from_utf8(key_id).map_err(|_| MalformedSketch("the key id is not UTF-8"))?;
        let non_zero = read_varint(&mut rest)?;
        if non_zero > SPARSE_LIMIT as u64 {
            let sketch = Self::from_parts(PRECISION, key_id, &[], rest)?;
            if sketch.non_zero().count() as u64 != non_zero {
                return Err(MalformedSketch("the number of registers is wrong"));
            }
            return Ok(sketch);
        }
        let mut pairs = Vec::new();
        let mut next = 0_u64;
        for _ in 0..non_zero {
            let distance = read_varint(&mut rest)?;
            let register = next.checked_add(distance).and_then(|sum| sum.checked_sub(1)).filter(|_| distance > 0);
            let register = register.and_then(|register| u16::try_from(register).ok());
            let register = register.ok_or(MalformedSketch("a register does not exist"))?;
            let (&rank, after) = rest.split_first().ok_or(TRUNCATED)?;
            rest = after;
            next = u64::from(register) + 1;
            pairs.push((register, rank));
        }
        if !rest.is_empty() {
            return Err(MalformedSketch("bytes are left over"));
        }
        Ok(Self { key_id: key_id.to_owned(), registers: check_sparse(pairs)? })
    }
}

fn read_sparse(sparse: &[u8]) -> Result<Registers, MalformedSketch> {
    let (triples, []) = sparse.as_chunks::<3>() else {
        return Err(MalformedSketch("sparse registers are not three bytes each"));
    };
    if triples.len() > SPARSE_LIMIT {
        return Err(MalformedSketch("too many registers for the sparse form"));
    }
    check_sparse(triples.iter().map(|[high, low, rank]| (u16::from_be_bytes([*high, *low]), *rank)).collect())
}

fn check_sparse(pairs: Vec<(u16, u8)>) -> Result<Registers, MalformedSketch> {
    if pairs.iter().any(|(register, _)| usize::from(*register) >= REGISTERS) {
        return Err(MalformedSketch("a register does not exist"));
    }
    if pairs.iter().any(|(_, rank)| !(1..=MAX_RANK).contains(rank)) {
        return Err(MalformedSketch("a rank is not between 1 and 53"));
    }
    if !pairs.is_sorted_by(|a, b| a.0 < b.0) {
        return Err(MalformedSketch("registers do not ascend"));
    }
    Ok(Registers::Sparse(pairs))
}

fn read_dense(sparse: &[u8], dense: &[u8]) -> Result<Registers, MalformedSketch> {
    if !sparse.is_empty() {
        return Err(MalformedSketch("registers are both sparse and dense"));
    }
    let ranks: Box<[u8; REGISTERS]> =
        Box::<[u8]>::from(dense).try_into().map_err(|_| MalformedSketch("dense registers are not 4096 bytes"))?;
    if ranks.iter().any(|rank| *rank > MAX_RANK) {
        return Err(MalformedSketch("a rank is beyond 53"));
    }
    if ranks.iter().filter(|rank| **rank > 0).count() <= SPARSE_LIMIT {
        return Err(MalformedSketch("too few registers for the dense form"));
    }
    Ok(Registers::Dense(ranks))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> UniqueKey {
        UniqueKey { id: "k1".to_owned(), key: [7; 32] }
    }

    fn of(customers: std::ops::Range<u32>) -> UniqueSketch {
        let (key, mut sketch) = (key(), UniqueSketch::new("k1"));
        customers.for_each(|n| sketch.add(&key, &format!("PE{n:011}")).unwrap());
        sketch
    }

    /// Ranges around the change from sparse to dense.
    fn range() -> impl Strategy<Value = std::ops::Range<u32>> {
        (0_u32..2_000, 0_u32..2_000).prop_map(|(from, length)| from..from + length)
    }

    #[test]
    fn nobody_is_estimated_as_nobody() {
        assert!(UniqueSketch::new("k1").is_empty());
        assert!(UniqueSketch::new("k1").estimate().abs() < f64::EPSILON);
    }

    #[test]
    fn a_customer_counts_once_however_often_and_however_written() {
        let (key, mut sketch) = (key(), UniqueSketch::new("k1"));
        for code in ["PE01000123456", "pe01000123456", "PE01000123456"] {
            sketch.add(&key, code).unwrap();
        }
        assert_eq!(sketch.sparse().len(), 3);
        assert!((sketch.estimate() - 1.0).abs() < 0.01);
    }

    #[test]
    fn estimates_are_within_five_percent() {
        for n in [100, 1_000, 5_000, 10_000, 12_000, 20_000, 100_000, 200_000] {
            let estimate = of(0..n).estimate();
            assert!((estimate / f64::from(n) - 1.0).abs() < 0.05, "{n} estimated as {estimate}");
        }
    }

    #[test]
    fn the_rank_of_known_hashes_is_known() {
        let mut sketch = UniqueSketch::new("k1");
        sketch.add_hash(0);
        sketch.add_hash(u64::MAX);
        sketch.add_hash(0x0010_0000_0000_0001);
        assert_eq!(sketch.sparse(), [0, 0, 53, 0, 1, 52, 0x0f, 0xff, 1]);
    }

    #[test]
    fn the_hash_is_the_start_of_keyed_blake3() {
        let hash = blake3::keyed_hash(&[7; 32], b"PE01000123456");
        assert_eq!(key().hash("pe01000123456").to_le_bytes(), hash.as_bytes()[..8]);
        let other = UniqueKey { id: "k1".to_owned(), key: [8; 32] };
        assert_ne!(key().hash("PE01000123456"), other.hash("PE01000123456"));
    }

    #[test]
    fn debugging_output_does_not_show_the_secret() {
        let shown = format!("{:?}", UniqueKey { id: "k1".to_owned(), key: [99; 32] });
        assert!(shown.contains("k1") && !shown.contains("99"), "{shown}");
    }

    #[test]
    fn unequal_keys_neither_add_nor_merge() {
        let mut sketch = UniqueSketch::new("k2");
        assert!(sketch.add(&key(), "PE01000123456").is_err());
        assert!(sketch.merge(&of(0..3)).is_err());
        assert!(sketch.is_empty());
    }

    #[test]
    fn exactly_1024_registers_are_sparse_and_one_more_is_dense() {
        let mut sketch = UniqueSketch::new("k1");
        (0..1_024_u64).for_each(|register| sketch.add_hash(register << 52));
        assert_eq!((sketch.sparse().len(), sketch.dense().len()), (3_072, 0));
        assert_eq!(UniqueSketch::from_bytes(&sketch.to_bytes()), Ok(sketch.clone()));
        sketch.add_hash(4_095 << 52);
        assert_eq!((sketch.sparse().len(), sketch.dense().len()), (0, 4_096));
        assert_eq!(UniqueSketch::from_bytes(&sketch.to_bytes()), Ok(sketch));
    }

    #[test]
    fn parts_that_are_not_canonical_are_refused() {
        let parts = |sparse: &[u8], dense: &[u8]| UniqueSketch::from_parts(12, "k1", sparse, dense);
        assert!(parts(&[0, 1, 1, 0, 2, 53], &[]).is_ok());
        assert!(UniqueSketch::from_parts(14, "k1", &[], &[]).is_err(), "precision");
        assert!(parts(&[0, 1], &[]).is_err(), "length");
        assert!(parts(&[0, 2, 1, 0, 1, 1], &[]).is_err(), "descending");
        assert!(parts(&[0, 1, 1, 0, 1, 1], &[]).is_err(), "twice");
        assert!(parts(&[0, 1, 0], &[]).is_err(), "rank 0");
        assert!(parts(&[0, 1, 54], &[]).is_err(), "rank 54");
        assert!(parts(&[16, 0, 1], &[]).is_err(), "register 4096");
        assert!(parts(&[], &[1; 4_095]).is_err(), "dense length");
        assert!(parts(&[], &[54; 4_096]).is_err(), "dense rank");
        assert!(parts(&[], &[0; 4_096]).is_err(), "dense but few");
        assert!(parts(&[0, 1, 1], &[1; 4_096]).is_err(), "both");
        assert!(parts(&[], &[53; 4_096]).is_ok());
        let many: Vec<u8> = (0..1_025_u16).flat_map(|n| [n.to_be_bytes()[0], n.to_be_bytes()[1], 1]).collect();
        assert!(parts(&many, &[]).is_err(), "sparse but many");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn merging_equals_the_sketch_of_the_union(a in range(), b in range()) {
            let (from_a, from_b) = (of(a.clone()), of(b.clone()));
            let mut union = of(a);
            b.for_each(|n| union.add(&key(), &format!("PE{n:011}")).unwrap());
            let (mut ab, mut ba) = (from_a.clone(), from_b.clone());
            ab.merge(&from_b).unwrap();
            ba.merge(&from_a).unwrap();
            prop_assert_eq!(&ab, &union);
            prop_assert_eq!(ab.to_bytes(), union.to_bytes());
            prop_assert_eq!(ba.to_bytes(), union.to_bytes());
        }

        #[test]
        fn encoding_and_parts_round_trip(a in range(), key_id in "\\PC{0,12}") {
            let sketch = UniqueSketch { key_id, ..of(a) };
            prop_assert_eq!(UniqueSketch::from_bytes(&sketch.to_bytes()), Ok(sketch.clone()));
            let parts = UniqueSketch::from_parts(12, sketch.key_id(), &sketch.sparse(), sketch.dense());
            prop_assert_eq!(parts, Ok(sketch));
        }

        #[test]
        fn random_bytes_never_panic_and_what_is_read_is_canonical(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            for bytes in [bytes.clone(), [vec![1, 0], bytes].concat()] {
                if let Ok(sketch) = UniqueSketch::from_bytes(&bytes) {
                    prop_assert_eq!(sketch.to_bytes(), bytes);
                }
            }
        }

        #[test]
        fn a_damaged_sketch_never_panics_and_never_reads_as_the_same(a in range(), at in any::<prop::sample::Index>(), xor in 1_u8..) {
            let sketch = of(a);
            let mut bytes = sketch.to_bytes();
            let at = at.index(bytes.len());
            bytes[at] ^= xor;
            prop_assert_ne!(UniqueSketch::from_bytes(&bytes), Ok(sketch));
        }
    }
}
