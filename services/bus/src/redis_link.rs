//! The connections to Redis: kept, watched, and made again.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use bytes::Bytes;
use futures::StreamExt;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, RedisError, RedisResult,
    aio::{MultiplexedConnection, PubSubSink, PubSubStream},
};
use tokio::{
    sync::Notify,
    time::{MissedTickBehavior, interval, sleep, timeout},
};

use crate::{
    BusError, lua,
    outbox::{Names, Outbox},
    topics::Topics,
};

/// How long one command may hold up its caller before it counts as failed.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long connecting may take.
const CONNECTING: Duration = Duration::from_secs(2);
/// How often a quiet connection is tried; a dead one would otherwise lose hints in silence.
const PING: Duration = Duration::from_secs(2);
/// Between attempts to connect, at first and at most.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));
/// The topic that stands for all topics.
const ALL: &str = "*";

pub(crate) struct Link {
    client: Client,
    namespace: String,
    /// Names this process in its own messages, which come back to it and are not needed.
    own: String,
    topics: Arc<Topics>,
    /// The connection for commands. None, and every command fails at once: nobody waits for an absent Redis.
    live: RwLock<Option<MultiplexedConnection>>,
    wakes: Outbox,
    forgets: Outbox,
    /// There is something in an outbox, or a command failed.
    attention: Notify,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the client: its address may hold a password.
        formatter.debug_struct("Link").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

struct Connections {
    commands: MultiplexedConnection,
    sink: PubSubSink,
    messages: PubSubStream,
}

impl Link {
    pub(crate) fn new(url: &str, namespace: &str, topics: Arc<Topics>) -> Result<Self, BusError> {
        let client = Client::open(url).map_err(|error| BusError::Url(error.to_string()))?;
        let own = format!("{:016x}", random());
        Ok(Self {
            client,
            namespace: namespace.to_owned(),
            own,
            topics,
            live: RwLock::new(None),
            wakes: Outbox::default(),
            forgets: Outbox::default(),
            attention: Notify::new(),
        })
    }

    pub(crate) fn healthy(&self) -> bool {
        self.live.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    pub(crate) fn send(&self, topic: &str) {
        self.wakes.add(topic);
        self.attention.notify_one();
    }

    pub(crate) async fn get(&self, key: &str) -> Option<Bytes> {
        let value: Option<Vec<u8>> = self.ask(Cmd::new().arg("GET").arg(self.cached(key))).await.ok()?;
        value.map(Bytes::from)
    }

    pub(crate) async fn put(&self, key: &str, value: Bytes, ttl: Duration) {
        let ttl = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).clamp(1, 1 << 40);
        let mut command = Cmd::new();
        command.arg("SET").arg(self.cached(key)).arg(value.as_ref()).arg("PX").arg(ttl);
        // A value that was not kept is a miss later on.
        let _: RedisResult<()> = self.ask(&command).await;
    }

    pub(crate) async fn forget(&self, key: &str) {
        if self.ask::<()>(Cmd::new().arg("UNLINK").arg(self.cached(key))).await.is_err() {
            self.forgets.add(key);
            self.attention.notify_one();
        }
    }

    /// None where Redis cannot say.
    pub(crate) async fn take(&self, key: &str, permits: u32, per: Duration, burst: u32) -> Option<bool> {
        if permits == 0 || burst == 0 {
            return Some(false);
        }
        let token = per.as_secs_f64() * 1e6 / f64::from(permits);
        let mut command = Cmd::new();
        command.arg("EVAL").arg(lua::TAKE).arg(1).arg(format!("{}:rate:{key}", self.namespace)).arg(token).arg(burst);
        self.ask(&command).await.ok()
    }

    fn cached(&self, key: &str) -> String {
        format!("{}:cache:{key}", self.namespace)
    }

    fn channel(&self) -> String {
        format!("{}:wake", self.namespace)
    }

    /// Runs a command on the live connection, if there is one. A failure closes the connection for everyone until it
    /// is found well: the first caller waits in vain, the others do not.
    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(mut connection) = live else {
            return Err((ErrorKind::Io, "not connected").into());
        };
        let answer = command.query_async(&mut connection).await;
        if let Err(error) = &answer
            && (error.is_timeout() || error.is_connection_dropped() || error.is_io_error())
        {
            self.lose();
            self.attention.notify_one();
        }
        answer
    }

    fn lose(&self) {
        *self.live.write().unwrap_or_else(PoisonError::into_inner) = None;
        self.connected(0.0);
    }

    fn connected(&self, yes: f64) {
        metrics::gauge!("gridcare_bus_connected", "namespace" => self.namespace.clone()).set(yes);
    }

    /// Connects, works until something fails, and connects again.
    pub(crate) async fn keep(&self) {
        let mut backoff = BACKOFF.0;
        let mut known_absent = false;
        loop {
            match self.connect().await {
                Ok(mut connections) => {
                    backoff = BACKOFF.0;
                    known_absent = false;
                    tracing::info!(namespace = self.namespace, "connected to Redis");
                    let error = self.work(&mut connections).await;
                    self.lose();
                    tracing::warn!(%error, namespace = self.namespace, "lost Redis; going on without");
                }
                // Once is news, every two seconds is noise.
                Err(error) if !known_absent => {
                    known_absent = true;
                    tracing::warn!(%error, namespace = self.namespace, "no Redis; going on without, and trying again");
                }
                Err(error) => tracing::debug!(%error, "still no Redis"),
            }
            // All replicas lose Redis at the same moment; they should not all come back at the same one.
            sleep(backoff / 2 + backoff.mul_f64(chance() / 2.0)).await;
            backoff = (backoff * 2).min(BACKOFF.1);
        }
    }

    async fn connect(&self) -> RedisResult<Connections> {
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECTING)).set_response_timeout(Some(PATIENCE));
        let commands = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        let (mut sink, messages) = within(CONNECTING, self.client.get_async_pubsub()).await?.split();
        within(CONNECTING, sink.subscribe(self.channel())).await?;
        let mut connections = Connections { commands, sink, messages };
        // Before anyone may read the cache again, what was forgotten meanwhile is.
        self.flush_forgets(&mut connections.commands).await?;
        *self.live.write().unwrap_or_else(PoisonError::into_inner) = Some(connections.commands.clone());
        self.connected(1.0);
        // Hints of others may have been lost while we were not listening.
        self.topics.wake_all();
        Ok(connections)
    }

    /// Carries messages both ways; returns what failed.
    async fn work(&self, connections: &mut Connections) -> RedisError {
        let mut ping = interval(PING);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // What waited in the outboxes while Redis was away.
        self.attention.notify_one();
        loop {
            let done = tokio::select! {
                message = connections.messages.next() => match message {
                    Some(message) => {
                        self.receive(message.get_payload_bytes());
                        Ok(())
                    }
                    None => Err((ErrorKind::Io, "the subscription ended").into()),
                },
                () = self.attention.notified() => self.flush(connections).await,
                _ = ping.tick() => self.ping(connections).await,
            };
            if let Err(error) = done {
                return error;
            }
        }
    }

    fn receive(&self, payload: &[u8]) {
        let Some((sender, topic)) = std::str::from_utf8(payload).ok().and_then(|text| text.split_once(' ')) else {
            return;
        };
        match topic {
            _ if sender == self.own => {}
            ALL => self.topics.wake_all(),
            topic => self.topics.wake(topic),
        }
    }

    async fn ping(&self, connections: &mut Connections) -> RedisResult<()> {
        within(PATIENCE, Cmd::new().arg("PING").query_async::<()>(&mut connections.commands)).await?;
        within(PATIENCE, connections.sink.ping::<redis::Value>()).await.map(drop)
    }

    async fn flush(&self, connections: &mut Connections) -> RedisResult<()> {
        if !self.healthy() {
            return Err((ErrorKind::Io, "a command failed").into());
        }
        self.flush_forgets(&mut connections.commands).await?;
        let names = self.wakes.take();
        if names.is_empty() {
            return Ok(());
        }
        let mut pipeline = redis::pipe();
        for topic in names.all.then_some(ALL).into_iter().chain(names.named.iter().map(String::as_str)) {
            pipeline.cmd("PUBLISH").arg(self.channel()).arg(format!("{} {topic}", self.own)).ignore();
        }
        let sent = within(PATIENCE, pipeline.query_async::<()>(&mut connections.commands)).await;
        sent.inspect_err(|_| self.wakes.put_back(names))
    }

    async fn flush_forgets(&self, connection: &mut MultiplexedConnection) -> RedisResult<()> {
        let names = self.forgets.take();
        let done = self.forget_names(connection, &names).await;
        done.inspect_err(|_| self.forgets.put_back(names))
    }

    async fn forget_names(&self, connection: &mut MultiplexedConnection, names: &Names) -> RedisResult<()> {
        if !names.named.is_empty() {
            let mut pipeline = redis::pipe();
            for key in &names.named {
                pipeline.cmd("UNLINK").arg(self.cached(key)).ignore();
            }
            within(CONNECTING, pipeline.query_async::<()>(connection)).await?;
        }
        if !names.all {
            return Ok(());
        }
        let pattern = format!("{}*", escaped(&self.cached("")));
        let mut cursor = "0".to_owned();
        loop {
            let mut command = Cmd::new();
            command.arg("EVAL").arg(lua::FORGET_ALL).arg(0).arg(&pattern).arg(&cursor);
            cursor = within(PATIENCE, command.query_async(connection)).await?;
            if cursor == "0" {
                return Ok(());
            }
        }
    }
}

/// A name as a pattern that matches only itself.
fn escaped(name: &str) -> String {
    let mut pattern = String::with_capacity(name.len());
    for letter in name.chars() {
        if matches!(letter, '*' | '?' | '[' | ']' | '\\' | '^') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern
}

async fn within<T>(limit: Duration, work: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    timeout(limit, work).await.unwrap_or_else(|_| Err((ErrorKind::Io, "no answer in time").into()))
}

/// Enough chance to tell processes and retries apart; nothing is proved by it.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Between 0 and 1.
fn chance() -> f64 {
    u32::try_from(random() >> 32).map_or(0.0, |number| f64::from(number) / f64::from(u32::MAX))
}
