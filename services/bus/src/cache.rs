//! The cache of a process that has no Redis.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use moka::{Expiry, future::Cache};

/// Bytes of keys and values at most; the least used go first.
const ROOM: u64 = 64 << 20;

#[derive(Clone, Debug)]
struct Entry {
    value: Bytes,
    ttl: Duration,
}

#[derive(Debug)]
pub(crate) struct Memory(Cache<Arc<str>, Entry>);

struct ByEntry;

impl Expiry<Arc<str>, Entry> for ByEntry {
    fn expire_after_create(&self, _: &Arc<str>, entry: &Entry, _: Instant) -> Option<Duration> {
        Some(entry.ttl)
    }

    fn expire_after_update(&self, _: &Arc<str>, entry: &Entry, _: Instant, _: Option<Duration>) -> Option<Duration> {
        Some(entry.ttl)
    }
}

impl Default for Memory {
    fn default() -> Self {
        let weigh = |key: &Arc<str>, entry: &Entry| u32::try_from(key.len() + entry.value.len()).unwrap_or(u32::MAX);
        Self(Cache::builder().max_capacity(ROOM).weigher(weigh).expire_after(ByEntry).build())
    }
}

impl Memory {
    pub(crate) async fn get(&self, key: &str) -> Option<Bytes> {
        self.0.get(key).await.map(|entry| entry.value)
    }

    pub(crate) async fn put(&self, key: &str, value: Bytes, ttl: Duration) {
        self.0.insert(key.into(), Entry { value, ttl }).await;
    }

    pub(crate) async fn forget(&self, key: &str) {
        self.0.invalidate(key).await;
    }
}
