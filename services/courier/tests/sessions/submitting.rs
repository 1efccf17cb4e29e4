use std::{num::NonZeroU32, time::Duration};

use gridcare_courier::smpp::{
    pdu::Status,
    session::{NotSent, Outcome},
};
use jiff::SignedDuration;
use tokio::time::Instant;

use crate::world::{accepted, bound, messages, outgoing, smsc, submit_all};

/// Two parts in GSM's alphabet.
fn long() -> String {
    "Dien luc thong bao: ".repeat(10)
}

#[tokio::test(start_paused = true)]
async fn neither_window_nor_rate_in_parts_is_ever_exceeded() {
    let smsc = smsc(|config| config.latency = Duration::from_millis(50));
    let bound = bound(&smsc, |config| {
        config.window = NonZeroU32::new(7).unwrap();
        config.rate = NonZeroU32::new(50).unwrap();
    })
    .await;
    let began = Instant::now();
    let outcomes = submit_all(&bound.session, &messages(150, &long())).await;
    assert_eq!((outcomes.len(), accepted(&outcomes)), (300, 300));
    let counts = smsc.counts();
    assert!(counts.peak_rate <= 50 && counts.peak_rate >= 48, "{counts:?}");
    assert!(counts.peak_window <= 7, "{counts:?}");
    let took = began.elapsed();
    assert!((5.9..6.5).contains(&took.as_secs_f64()), "300 parts at 50 a second took {took:?}");
}

#[tokio::test(start_paused = true)]
async fn the_window_holds_back_what_the_rate_would_allow() {
    let smsc = smsc(|config| config.latency = Duration::from_secs(1));
    let bound = bound(&smsc, |config| config.window = NonZeroU32::new(3).unwrap()).await;
    let began = Instant::now();
    assert_eq!(accepted(&submit_all(&bound.session, &messages(9, "xin chao")).await), 9);
    assert_eq!(smsc.counts().peak_window, 3);
    assert!((2.9..3.2).contains(&began.elapsed().as_secs_f64()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_throttling_centre_slows_the_session_and_gets_its_speed_back() {
    let smsc = smsc(|config| config.rate = 20);
    let bound = bound(&smsc, |config| config.rate = NonZeroU32::new(100).unwrap()).await;
    let route = gridcare_courier::smpp::Route::new(
        vec![bound.session.clone()],
        gridcare_courier::smpp::route::Choice::Preferred,
        Duration::from_secs(30),
    );
    let all = messages(400, "mat dien");
    let reports = futures::future::join_all(all.iter().map(|message| route.send(message))).await;
    let outcomes: Vec<_> = reports.into_iter().flat_map(Result::unwrap).map(|report| report.outcome).collect();
    assert_eq!(accepted(&outcomes), 400, "what was throttled goes again");
    let (state, counts) = (bound.session.state(), smsc.counts());
    assert!(state.pace.share() < 1.0 && state.counts.throttled > 0, "{state:?}");
    assert_eq!(state.counts.throttled, counts.throttled);
    assert_eq!((counts.accepted, counts.duplicates), (400, 0));
    assert!(counts.throttled < counts.accepted / 2, "it does not hammer: {counts:?}");
    // The centre has recovered; so does the session.
    smsc.change(|config| config.rate = 0);
    submit_all(&bound.session, &messages(3_000, "co dien")).await;
    assert!((bound.session.state().pace.share() - 1.0).abs() < f64::EPSILON, "{:?}", bound.session.state());
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_slows_the_session_too() {
    let smsc = smsc(|config| {
        config.queue = 10;
        config.delivery = Duration::from_secs(5);
    });
    let bound = bound(&smsc, |config| config.window = NonZeroU32::new(20).unwrap()).await;
    let outcomes = submit_all(&bound.session, &messages(30, "mat dien")).await;
    assert_eq!(accepted(&outcomes), 10);
    assert_eq!(outcomes[29], Outcome::Refused { status: Status::QUEUE_FULL });
    assert!(bound.session.state().pace.share() < 1.0);
}

#[tokio::test(start_paused = true)]
async fn what_the_centre_takes_is_what_was_sent() {
    let smsc = smsc(|_| {});
    let bound = bound(&smsc, |_| {}).await;
    let message = outgoing(5, &long());
    assert_eq!(accepted(&submit_all(&bound.session, std::slice::from_ref(&message)).await), 2);
    let taken = smsc.accepted();
    assert_eq!(taken.iter().map(|part| part.text.as_str()).collect::<String>(), long());
    assert!(taken.iter().all(|part| part.to == message.to && part.reference == Some(5) && part.from == "EVNHCMC"));
    assert!(taken.iter().all(|part| part.expires == Some(message.expires)));
    assert_eq!(taken.iter().map(|part| part.piece.unwrap().number).collect::<Vec<_>>(), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_submitted_after_its_expiry() {
    let smsc = smsc(|_| {});
    let bound = bound(&smsc, |_| {}).await;
    let mut message = outgoing(1, "mat dien");
    let part = message.parts(bound.session.dialect(), bound.session.now()).unwrap().remove(0);
    message.expires = bound.session.now() - SignedDuration::from_secs(1);
    let key = gridcare_courier::smpp::matching::PartKey { delivery: message.id, number: 1, total: 1 };
    let outcome = bound.session.submit(key, part, message.expires).await;
    assert_eq!(outcome, Outcome::NotSent { reason: NotSent::Expired });
    assert_eq!(smsc.counts().submits, 0);
}

#[tokio::test(start_paused = true)]
async fn fates_are_the_same_for_the_same_seed() {
    let mut seen = Vec::new();
    for seed in [7, 7, 8] {
        let smsc = smsc(|config| {
            config.refused = 0.3;
            config.seed = seed;
        });
        let bound = bound(&smsc, |_| {}).await;
        let outcomes = submit_all(&bound.session, &messages(200, "mat dien")).await;
        assert!((120..160).contains(&accepted(&outcomes)), "{}", accepted(&outcomes));
        let refused = |outcome: &Outcome| *outcome == Outcome::Refused { status: Status::INVALID_DESTINATION };
        seen.push(outcomes.iter().map(refused).collect::<Vec<_>>());
    }
    assert!(seen[0] == seen[1] && seen[0] != seen[2]);
}
