//! What replicas of one process tell each other: wake-ups, a shared cache, a shared rate limit; in memory, or over Redis.
//!
//! Nothing here is ever the truth. A wake-up is a hint to look at the database, a cached value may be gone at any
//! moment, and a rate limit is per process while Redis is away. Losing Redis costs latency, never data.

mod bucket;
mod cache;
mod lua;
mod outbox;
mod redis_link;
mod topics;

use std::{sync::Arc, time::Duration};

pub use bytes::Bytes;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use self::topics::Wakeups;
use self::{bucket::Buckets, cache::Memory, redis_link::Link, topics::Topics};

/// Why a bus cannot be made. An absent Redis is no reason.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// The address is not one of Redis. The text does not quote it, for it may hold a password.
    #[error("bus.url: {0}; write it like redis://host:6379")]
    Url(String),
}

/// A bus. Clones are the same bus; when the last is dropped, its connections close.
#[derive(Clone, Debug)]
pub struct Bus(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    topics: Arc<Topics>,
    buckets: Buckets,
    backend: Backend,
}

#[derive(Debug)]
enum Backend {
    Memory(Memory),
    Redis { link: Arc<Link>, _running: DropGuard },
}

impl Bus {
    /// A bus over the Redis at `url`, or in memory without one. Everything in Redis is kept under `namespace`, which
    /// the replicas of one node or gateway share.
    ///
    /// Call it inside the runtime: the connection is made, and made again, in the background.
    pub fn connect(url: Option<&str>, namespace: &str) -> Result<Self, BusError> {
        let topics = Arc::new(Topics::default());
        let backend = match url {
            None => Backend::Memory(Memory::default()),
            Some(url) => {
                let link = Arc::new(Link::new(url, namespace, Arc::clone(&topics))?);
                let stop = CancellationToken::new();
                let running = stop.clone().drop_guard();
                let kept = Arc::clone(&link);
                tokio::spawn(stop.run_until_cancelled_owned(async move { kept.keep().await }));
                Backend::Redis { link, _running: running }
            }
        };
        Ok(Self(Arc::new(Inner { topics, buckets: Buckets::default(), backend })))
    }

    /// A bus for one process alone.
    #[must_use]
    pub fn in_memory() -> Self {
        let (topics, backend) = (Arc::new(Topics::default()), Backend::Memory(Memory::default()));
        Self(Arc::new(Inner { topics, buckets: Buckets::default(), backend }))
    }

    /// Tells all who wait for `topic`, here and in the other replicas, to look again. Never waits, never fails; a hint
    /// that Redis cannot carry now is carried when it is back.
    pub fn wake(&self, topic: &str) {
        self.0.topics.wake(topic);
        if let Backend::Redis { link, .. } = &self.0.backend {
            link.send(topic);
        }
    }

    /// Waits for wake-ups of `topic`. Subscribe first, then read, then wait: nothing is missed in between.
    #[must_use]
    pub fn subscribe(&self, topic: &str) -> Wakeups {
        Topics::subscribe(&self.0.topics, topic)
    }

    /// The cached value, if it is still there.
    pub async fn get(&self, key: &str) -> Option<Bytes> {
        let value = match &self.0.backend {
            Backend::Memory(memory) => memory.get(key).await,
            Backend::Redis { link, .. } => link.get(key).await,
        };
        let outcome = if value.is_some() { "hit" } else { "miss" };
        metrics::counter!("gridcare_bus_cache_total", "outcome" => outcome).increment(1);
        value
    }

    /// Caches a value for at most `ttl`.
    pub async fn put(&self, key: &str, value: Bytes, ttl: Duration) {
        match &self.0.backend {
            Backend::Memory(memory) => memory.put(key, value, ttl).await,
            Backend::Redis { link, .. } => link.put(key, value, ttl).await,
        }
    }

    /// Forgets a cached value. While Redis is away the key is remembered and forgotten before the cache is used again;
    /// another replica that still reaches Redis may see the value until then, or until its `ttl`.
    pub async fn forget(&self, key: &str) {
        match &self.0.backend {
            Backend::Memory(memory) => memory.forget(key).await,
            Backend::Redis { link, .. } => link.forget(key).await,
        }
    }

    /// Takes one token from the bucket `key`, which holds `burst` at most and gains `permits` every `per`. Whether
    /// there was one. All replicas share the bucket; while Redis is away, each has its own.
    pub async fn take(&self, key: &str, permits: u32, per: Duration, burst: u32) -> bool {
        let shared = match &self.0.backend {
            Backend::Memory(_) => None,
            Backend::Redis { link, .. } => link.take(key, permits, per, burst).await,
        };
        shared.unwrap_or_else(|| self.0.buckets.take(key, permits, per, burst))
    }

    /// Whether the other replicas can be reached. In memory there are none, and all is well.
    #[must_use]
    pub fn healthy(&self) -> bool {
        match &self.0.backend {
            Backend::Memory(_) => true,
            Backend::Redis { link, .. } => link.healthy(),
        }
    }
}
