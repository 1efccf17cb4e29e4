use std::{num::NonZeroU32, time::Duration};

use gridcare_courier::smpp::{
    Route,
    route::Choice,
    session::{NotSent, Outcome},
};

use crate::world::{bound, eventually, is_bound, messages, outgoing, smsc};

#[tokio::test(start_paused = true)]
async fn the_second_centre_carries_what_the_first_cannot_and_gives_it_back() {
    let (first, second) = (smsc(|_| {}), smsc(|_| {}));
    let (a, b) = (bound(&first, |_| {}).await, bound(&second, |config| config.name = "second".into()).await);
    let route = Route::new(vec![a.session.clone(), b.session.clone()], Choice::Preferred, Duration::from_secs(5));
    let long = "Dien luc thong bao: ".repeat(10);
    let sent = |n| {
        let (route, long) = (route.clone(), long.clone());
        async move { route.send(&outgoing(n, &long)).await.unwrap() }
    };
    assert!(sent(1).await.iter().all(|report| report.session.as_deref() == Some("smsc")));
    first.change(|config| config.account = Some(("gone".into(), String::new())));
    first.cut();
    a.session.watch().wait_for(|state| !state.is_bound()).await.unwrap();
    assert!(sent(2).await.iter().all(|report| report.session.as_deref() == Some("second")));
    first.change(|config| config.account = None);
    is_bound(&a.session).await;
    sent(3).await;
    assert_eq!((first.counts().accepted, second.counts().accepted), (4, 2));
}

#[tokio::test(start_paused = true)]
async fn a_centre_that_throttles_hard_is_passed_by_until_it_recovers() {
    let (first, second) = (smsc(|config| config.rate = 1), smsc(|_| {}));
    let (a, b) = (bound(&first, |_| {}).await, bound(&second, |_| {}).await);
    let route = Route::new(vec![a.session.clone(), b.session.clone()], Choice::Preferred, Duration::from_secs(5));
    for message in messages(200, "mat dien") {
        let reports = route.send(&message).await.unwrap();
        assert!(matches!(reports[0].outcome, Outcome::Accepted { .. }));
    }
    assert!(a.session.state().is_throttled_hard() && first.counts().accepted < 20, "{:?}", first.counts());
    assert_eq!(first.counts().accepted + second.counts().accepted, 200);
    assert_eq!(first.counts().duplicates + second.counts().duplicates, 0);
}

#[tokio::test(start_paused = true)]
async fn shared_sessions_share() {
    let (first, second) = (smsc(|_| {}), smsc(|_| {}));
    let (a, b) = (bound(&first, |_| {}).await, bound(&second, |_| {}).await);
    let route = Route::new(vec![a.session.clone(), b.session.clone()], Choice::Shared, Duration::from_secs(5));
    let all = messages(1_000, "mat dien");
    futures::future::join_all(all.iter().map(|message| route.send(message))).await;
    let (one, other) = (first.counts().accepted, second.counts().accepted);
    assert!(one + other == 1_000 && one > 300 && other > 300, "{one} and {other}");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_outcome_stays_one_however_many_centres_there_are() {
    let (first, second) = (smsc(|config| config.silent = true), smsc(|_| {}));
    let (a, b) = (bound(&first, |_| {}).await, bound(&second, |_| {}).await);
    let route = Route::new(vec![a.session.clone(), b.session.clone()], Choice::Preferred, Duration::from_secs(5));
    let sending = tokio::spawn(async move { route.send(&outgoing(1, "mat dien")).await.unwrap() });
    eventually(|| first.counts().submits == 1).await;
    first.cut();
    assert!(matches!(sending.await.unwrap()[0].outcome, Outcome::Unknown { .. }));
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!((first.counts().submits, second.counts().submits), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn without_any_centre_the_caller_gets_its_message_back() {
    let smsc = smsc(|config| config.account = Some(("gone".into(), String::new())));
    let bound = crate::world::start(std::sync::Arc::new(smsc), |config| config.window = NonZeroU32::MIN);
    let route = Route::new(vec![bound.session.clone()], Choice::Preferred, Duration::from_secs(5));
    let reports = route.send(&outgoing(1, "mat dien")).await.unwrap();
    assert_eq!(reports[0].outcome, Outcome::NotSent { reason: NotSent::Unbound });
    assert_eq!(
        route.send(&outgoing(1, &"x".repeat(153 * 255 + 1))).await.unwrap_err().violations[0].reason,
        "TOO_LONG"
    );
}
