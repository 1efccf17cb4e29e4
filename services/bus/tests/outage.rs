//! Redis goes away and comes back: latency, never data.
#![expect(clippy::unwrap_used, reason = "a test may fail, its helpers too")]

use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use gridcare_bus::{Bus, Bytes};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::time::{Instant, sleep, timeout};

const SOON: Duration = Duration::from_secs(10);

/// A private Redis; it ends with the test.
struct Redis {
    child: Child,
}

impl Redis {
    fn start(port: u16, folder: &Path) -> Self {
        let child = Command::new("/usr/bin/redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"])
            .args(["--appendfsync", "always", "--dir", folder.to_str().unwrap()])
            .stdout(Stdio::null())
            .spawn()
            .expect("/usr/bin/redis-server; install the package redis-server");
        Self { child }
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let wait = async {
        while !condition() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(SOON, wait).await.unwrap_or_else(|_| panic!("{what}"));
}

#[tokio::test]
async fn redis_dies_and_returns_under_living_readers() {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let url = format!("redis://127.0.0.1:{port}");
    // Redis is not there yet: the bus starts all the same, and works for this process.
    let (here, there) = (Bus::connect(Some(&url), "n").unwrap(), Bus::connect(Some(&url), "n").unwrap());
    let (mut near, mut far) = (here.subscribe("feed"), there.subscribe("feed"));
    here.wake("feed");
    timeout(SOON, near.changed()).await.expect("a local wake-up without Redis");
    assert!(!here.healthy());
    assert!(here.take("rate", 1, SOON, 1).await && !here.take("rate", 1, SOON, 1).await);

    let redis = Redis::start(port, folder.path());
    until("both connect", || here.healthy() && there.healthy()).await;
    // The wake-up from before Redis was there is not lost.
    timeout(SOON, far.changed()).await.expect("the late wake-up");
    here.put("old", Bytes::from_static(b"1"), Duration::from_mins(10)).await;
    here.put("kept", Bytes::from_static(b"2"), Duration::from_mins(10)).await;
    assert!(there.get("old").await.is_some());
    while timeout(Duration::from_millis(200), far.changed()).await.is_ok() {}
    while timeout(Duration::from_millis(200), near.changed()).await.is_ok() {}

    // Nobody sends it anything; what was sent in the gap could have been for it all the same.
    let mut idle = there.subscribe("idle");
    drop(redis);
    until("both notice", || !here.healthy() && !there.healthy()).await;
    let start = Instant::now();
    assert_eq!(there.get("old").await, None);
    here.put("lost", Bytes::from_static(b"3"), SOON).await;
    here.forget("old").await;
    here.wake("feed");
    assert!(start.elapsed() < Duration::from_millis(200), "an absent Redis costs nothing");
    timeout(SOON, near.changed()).await.expect("a local wake-up without Redis");
    timeout(Duration::from_millis(200), far.changed()).await.expect_err("no way to the other replica");

    // It comes back with all it had.
    let _redis = Redis::start(port, folder.path());
    until("both return", || here.healthy() && there.healthy()).await;
    timeout(SOON, far.changed()).await.expect("readers are woken after the gap");
    timeout(SOON, idle.changed()).await.expect("every reader is woken after the gap");
    assert_eq!(there.get("kept").await.as_deref(), Some(&b"2"[..]));
    assert_eq!(there.get("old").await, None, "forgotten during the outage");
    assert_eq!(there.get("lost").await, None);
    while timeout(Duration::from_millis(300), far.changed()).await.is_ok() {}
    here.wake("feed");
    timeout(SOON, far.changed()).await.expect("wake-ups go on");
}

#[tokio::test]
async fn a_redis_that_hangs_holds_up_one_call_and_no_more() {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let redis = Redis::start(port, folder.path());
    let bus = Bus::connect(Some(&format!("redis://127.0.0.1:{port}")), "n").unwrap();
    until("it connects", || bus.healthy()).await;
    bus.put("key", Bytes::from_static(b"1"), SOON).await;
    redis.signal(Signal::SIGSTOP);
    let start = Instant::now();
    for _ in 0..20 {
        bus.get("key").await;
        bus.take("rate", 1, SOON, 1).await;
    }
    let took = start.elapsed();
    redis.signal(Signal::SIGCONT);
    assert!(took < Duration::from_secs(2), "{took:?}");
    until("it returns", || bus.healthy()).await;
}
