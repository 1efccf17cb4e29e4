use crate::{
    contact::{Channel, Contact, Direction},
    metric::{
        Counts, Definition, UnequalDefinition,
        ddsketch::DurationSketch,
        hyperloglog::{UniqueKey, UniqueSketch},
    },
};

/// Length of a bucket: a quarter of an hour, in microseconds. Every time zone in use is a multiple of it from UTC.
pub const QUARTER_US: i64 = 15 * 60 * 1_000_000;

/// The start of the bucket that holds this instant; both in microseconds since 1970.
#[must_use]
pub const fn quarter_of(us: i64) -> i64 {
    us.div_euclid(QUARTER_US) * QUARTER_US
}

/// Which bucket, within a node and a definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BucketKey {
    /// Its channel.
    pub channel: Channel,
    /// Its direction.
    pub direction: Direction,
    /// Its start, microseconds since 1970.
    pub start_us: i64,
}

impl BucketKey {
    /// The bucket in which a contact counts: that of its arrival.
    #[must_use]
    pub fn of(contact: &Contact) -> Self {
        let start_us = quarter_of(contact.arrived_at.as_microsecond());
        Self { channel: contact.channel, direction: contact.direction, start_us }
    }
}

/// What counts cannot say: quantiles and uniques.
#[derive(Debug, Clone, PartialEq)]
pub struct Sketches {
    /// Waits, ms.
    pub wait: DurationSketch,
    /// Talk, hold and wrap together, ms, of the handled.
    pub handle: DurationSketch,
    /// Customers whose code is known.
    pub customers: UniqueSketch,
}

impl Sketches {
    /// Empty sketches under this key.
    #[must_use]
    pub fn new(key_id: &str) -> Self {
        Self {
            wait: DurationSketch::default(),
            handle: DurationSketch::default(),
            customers: UniqueSketch::new(key_id),
        }
    }

    /// Adds one contact that counts.
    pub fn add(&mut self, contact: &Contact, key: &UniqueKey) -> Result<(), UnequalDefinition> {
        if !contact.counts() {
            return Ok(());
        }
        let ms = |value: Option<i64>| u64::try_from(value.unwrap_or(0)).unwrap_or(0);
        if let Some(wait) = contact.wait_ms {
            self.wait.add(u64::try_from(wait).unwrap_or(0));
        }
        if contact.talk_ms.or(contact.hold_ms).or(contact.wrap_ms).is_some() {
            self.handle.add(ms(contact.talk_ms) + ms(contact.hold_ms) + ms(contact.wrap_ms));
        }
        if let Some(code) = &contact.customer_code {
            self.customers.add(key, code.as_str())?;
        }
        Ok(())
    }

    /// Merges: the result is that of the union.
    pub fn merge(&mut self, other: &Self) -> Result<(), UnequalDefinition> {
        self.wait.merge(&other.wait)?;
        self.handle.merge(&other.handle)?;
        self.customers.merge(&other.customers)
    }
}

/// One metric of one channel and direction over one quarter of an hour.
#[derive(Debug, Clone, PartialEq)]
pub struct Bucket {
    /// Which one.
    pub key: BucketKey,
    /// Id of the definition.
    pub definition: String,
    /// Grows with every change; a reader replaces by revision.
    pub revision: i64,
    /// Counts and sums.
    pub counts: Counts,
    /// Sketches.
    pub sketches: Sketches,
}

impl Bucket {
    /// An empty bucket, before its first revision.
    #[must_use]
    pub fn new(key: BucketKey, definition: &Definition, key_id: &str) -> Self {
        Self {
            key,
            definition: definition.id.clone(),
            revision: 0,
            counts: Counts::default(),
            sketches: Sketches::new(key_id),
        }
    }

    /// Adds one contact of this bucket.
    pub fn add(
        &mut self,
        contact: &Contact,
        definition: &Definition,
        key: &UniqueKey,
    ) -> Result<(), UnequalDefinition> {
        self.counts.add(&Counts::of(contact, definition), 1);
        self.sketches.add(contact, key)
    }

    /// Merges a bucket of the same definition: the result is that of the union.
    pub fn merge(&mut self, other: &Self) -> Result<(), UnequalDefinition> {
        if self.definition != other.definition {
            return Err(UnequalDefinition);
        }
        self.counts.add(&other.counts, 1);
        self.sketches.merge(&other.sketches)
    }
}
