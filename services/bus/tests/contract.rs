//! What every bus promises, on memory and on Redis. Two buses stand for two replicas; in memory they are one.

use std::time::Duration;

use gridcare_bus::{Bus, Bytes, Wakeups};
use tokio::time::{sleep, timeout};

const SOON: Duration = Duration::from_secs(5);
const QUIET: Duration = Duration::from_millis(150);

async fn woken(wakeups: &mut Wakeups) {
    timeout(SOON, wakeups.changed()).await.expect("a wake-up");
}

async fn not_woken(wakeups: &mut Wakeups) {
    timeout(QUIET, wakeups.changed()).await.expect_err("no wake-up");
}

async fn wake_ups_reach_both_replicas_and_only_their_topic(here: &Bus, there: &Bus) {
    let (mut near, mut far, mut other) = (here.subscribe("feed"), there.subscribe("feed"), there.subscribe("contacts"));
    here.wake("feed");
    woken(&mut near).await;
    woken(&mut far).await;
    not_woken(&mut other).await;
}

async fn many_wake_ups_are_few_and_the_last_is_never_lost(here: &Bus, there: &Bus) {
    let mut far = there.subscribe("busy");
    for _ in 0..1_000 {
        here.wake("busy");
    }
    sleep(QUIET).await;
    woken(&mut far).await;
    not_woken(&mut far).await;
    here.wake("busy");
    woken(&mut far).await;
}

async fn a_wake_up_between_subscribing_and_waiting_counts(here: &Bus, there: &Bus) {
    let mut far = there.subscribe("early");
    here.wake("early");
    sleep(QUIET).await;
    woken(&mut far).await;
}

async fn the_cache_is_shared_and_forgets(here: &Bus, there: &Bus) {
    assert_eq!(here.get("status").await, None);
    here.put("status", Bytes::from_static(b"\x00\xff one"), SOON).await;
    assert_eq!(there.get("status").await.as_deref(), Some(&b"\x00\xff one"[..]));
    there.put("status", Bytes::from_static(b"two"), SOON).await;
    assert_eq!(here.get("status").await.as_deref(), Some(&b"two"[..]));
    there.forget("status").await;
    assert_eq!(here.get("status").await, None);
    here.put("brief", Bytes::from_static(b"x"), Duration::from_millis(50)).await;
    sleep(Duration::from_millis(120)).await;
    assert_eq!(there.get("brief").await, None);
}

async fn the_rate_is_shared(here: &Bus, there: &Bus) {
    let hour = Duration::from_hours(1);
    let mut taken = 0;
    for _ in 0..10 {
        taken += u32::from(here.take("notices", 1, hour, 6).await);
        taken += u32::from(there.take("notices", 1, hour, 6).await);
    }
    assert_eq!(taken, 6);
    assert!(here.take("another", 1, hour, 1).await);
    assert!(!here.take("never", 0, hour, 1).await);
    // It refills: 20 a second is one in 50 ms.
    let second = Duration::from_secs(1);
    assert!(here.take("quick", 20, second, 1).await && !there.take("quick", 20, second, 1).await);
    sleep(Duration::from_millis(80)).await;
    assert!(there.take("quick", 20, second, 1).await);
}

async fn suite(here: Bus, there: Bus) {
    assert!(here.healthy() && there.healthy());
    wake_ups_reach_both_replicas_and_only_their_topic(&here, &there).await;
    many_wake_ups_are_few_and_the_last_is_never_lost(&here, &there).await;
    a_wake_up_between_subscribing_and_waiting_counts(&here, &there).await;
    the_cache_is_shared_and_forgets(&here, &there).await;
    the_rate_is_shared(&here, &there).await;
}

#[tokio::test]
async fn the_contract_holds_in_memory() {
    let bus = Bus::connect(None, "contract").unwrap();
    suite(bus.clone(), bus).await;
}

#[tokio::test]
async fn the_contract_holds_on_redis() {
    let url = redis();
    let namespace =
        format!("contract-{}-{:?}", std::process::id(), std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos());
    let replica = || Bus::connect(Some(&url), &namespace).unwrap();
    let (here, there) = (replica(), replica());
    connected(&here).await;
    connected(&there).await;
    // Another node on the same Redis hears and sees nothing of it.
    let stranger = Bus::connect(Some(&url), &format!("{namespace}-other")).unwrap();
    connected(&stranger).await;
    let mut strange = stranger.subscribe("feed");
    suite(here.clone(), there).await;
    not_woken(&mut strange).await;
    here.put("mine", Bytes::from_static(b"x"), SOON).await;
    assert_eq!(stranger.get("mine").await, None);
}

async fn connected(bus: &Bus) {
    let wait = async {
        while !bus.healthy() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(SOON, wait).await.expect("a connection to Redis");
}

#[expect(clippy::disallowed_methods, reason = "tests are told by ./tests/run where Redis is")]
fn redis() -> String {
    std::env::var("GRIDCARE_TEST_REDIS").expect("GRIDCARE_TEST_REDIS names no Redis; run ./tests/run, which starts one")
}
