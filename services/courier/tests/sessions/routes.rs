use std::{num::NonZeroU32, time::Duration};

use gridcare_courier::{
    smpp::{
        Route,
        route::{Choice, PartReport},
        session::{NotSent, Outcome, SessionConfig},
    },
    smsc::SmscConfig,
};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

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
    assert!(
        a.session.state().is_throttled_hard(Instant::now()) && first.counts().accepted < 20,
        "{:?}",
        first.counts()
    );
    assert_eq!(first.counts().accepted + second.counts().accepted, 200);
    assert_eq!(first.counts().duplicates + second.counts().duplicates, 0);
}

#[tokio::test(start_paused = true)]
async fn a_shared_centre_that_was_throttled_for_a_while_carries_its_share_again() {
    let slow = |config: &mut SmscConfig| config.rate = 25;
    let (first, second) = (smsc(slow), smsc(slow));
    let rated = |config: &mut SessionConfig| config.rate = NonZeroU32::new(25).unwrap();
    let (a, b) = (bound(&first, rated).await, bound(&second, rated).await);
    let route = Route::new(vec![a.session.clone(), b.session.clone()], Choice::Shared, Duration::from_secs(5));
    let all = messages(6_000, "mat dien");
    let sending = futures::future::join_all(all.iter().map(|message| route.send(message)));
    let throttling = async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        second.change(|config| config.rate = 1);
        tokio::time::sleep(Duration::from_secs(20)).await;
        assert!(b.session.state().pace.share() < 0.25, "it asked for much less");
        second.change(|config| config.rate = 25);
        tokio::time::sleep(Duration::from_mins(1)).await;
        let before = second.counts().accepted;
        tokio::time::sleep(Duration::from_secs(10)).await;
        second.counts().accepted - before
    };
    let (_, again) = tokio::join!(sending, throttling);
    assert!(again > 200, "{again} in ten seconds, of 250");
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

/// A route by one centre that has room for one part, and for another one only after so long.
async fn halved(room_after: Duration) -> (gridcare_courier::smsc::Smsc, crate::world::Bound, Route) {
    let smsc = smsc(|config| (config.queue, config.delivery) = (1, room_after));
    let bound = bound(&smsc, |config| config.rate = NonZeroU32::new(100).unwrap()).await;
    let route = Route::new(vec![bound.session.clone()], Choice::Preferred, Duration::from_secs(5));
    (smsc, bound, route)
}

async fn sent_in_two(route: Route, n: u32) -> Vec<PartReport> {
    route.send(&outgoing(n, &"Dien luc thong bao: ".repeat(10))).await.unwrap()
}

fn taken(reports: &[PartReport]) -> usize {
    reports.iter().filter(|report| matches!(report.outcome, Outcome::Accepted { .. })).count()
}

#[tokio::test(start_paused = true)]
async fn the_second_part_of_a_message_waits_for_room_beyond_the_patience() {
    let (smsc, _bound, route) = halved(Duration::from_mins(2)).await;
    let began = Instant::now();
    assert_eq!(taken(&sent_in_two(route, 1).await), 2);
    assert!(began.elapsed() >= Duration::from_mins(2) && smsc.counts().queue_full > 10);
    assert_eq!((smsc.counts().accepted, smsc.counts().duplicates), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn half_a_message_waits_until_it_expires_or_the_courier_stops() {
    let (smsc, _bound, route) = halved(Duration::from_hours(9)).await;
    let (stop, began) = (CancellationToken::new(), Instant::now());
    let route = route.stopped_by(stop.clone());
    assert_eq!(taken(&sent_in_two(route.clone(), 1).await), 1);
    assert!((30..=31).contains(&(began.elapsed().as_secs() / 60)), "{:?}", began.elapsed());
    smsc.change(|config| config.queue = 2);
    let sending = tokio::spawn(sent_in_two(route, 2));
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!(!sending.is_finished());
    stop.cancel();
    let reports = timeout(Duration::from_secs(5), sending).await.expect("it ends with the courier").unwrap();
    assert_eq!(taken(&reports), 1);
}
