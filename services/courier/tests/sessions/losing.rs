use std::{num::NonZeroU32, time::Duration};

use gridcare_courier::smpp::{
    Event,
    pdu::Status,
    session::{Ended, NotSent, Outcome, Phase},
};

use crate::world::{accepted, bound, eventually, is_bound, messages, smsc, start, submit_all};

#[tokio::test(start_paused = true)]
async fn a_session_killed_in_mid_window_leaves_exactly_the_written_ones_unknown() {
    let smsc = smsc(|config| config.silent = true);
    let bound = bound(&smsc, |config| config.window = NonZeroU32::new(8).unwrap()).await;
    let session = bound.session.clone();
    let outcomes = tokio::spawn(async move { submit_all(&session, &messages(20, "mat dien")).await });
    eventually(|| smsc.counts().submits == 8).await;
    smsc.change(|config| config.silent = false);
    smsc.cut();
    let outcomes = outcomes.await.unwrap();
    let unknown = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Unknown { .. })).count();
    assert!(outcomes[..8].iter().all(|outcome| matches!(outcome, Outcome::Unknown { reason: Ended::Closed })));
    let unsent = Outcome::NotSent { reason: NotSent::Unbound };
    assert_eq!((unknown, outcomes[8..].iter().filter(|outcome| **outcome == unsent).count()), (8, 12));
    // It comes back by itself, and sends nothing of that again.
    is_bound(&bound.session).await;
    assert_eq!(smsc.counts().submits, 8);
    assert_eq!(bound.session.state().counts.unknown, 8);
}

#[tokio::test(start_paused = true)]
async fn a_silent_centre_costs_one_window_and_then_the_session() {
    let smsc = smsc(|config| config.silent = true);
    let bound = bound(&smsc, |config| config.response_ms = 5_000).await;
    let outcomes = submit_all(&bound.session, &messages(30, "mat dien")).await;
    let unknown = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Unknown { reason: Ended::Silent }));
    assert_eq!(unknown.count(), 10);
    assert_eq!(smsc.counts().submits, 10);
}

#[tokio::test(start_paused = true)]
async fn one_lost_answer_costs_one_part_and_comes_late() {
    let smsc = smsc(|config| config.latency = Duration::from_secs(12));
    let mut bound = bound(&smsc, |config| config.response_ms = 10_000).await;
    let session = bound.session.clone();
    let slow = tokio::spawn(async move { submit_all(&session, &messages(1, "mat dien")).await });
    eventually(|| smsc.counts().submits == 1).await;
    smsc.change(|config| config.latency = Duration::from_millis(10));
    for n in 2..=12 {
        let message = [crate::world::outgoing(n, "co dien")];
        assert_eq!(accepted(&submit_all(&bound.session, &message).await), 1);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(slow.await.unwrap(), [Outcome::Unknown { reason: Ended::Silent }]);
    loop {
        match bound.event().await {
            Event::Late { part, outcome } => {
                assert_eq!(part.delivery.as_u128(), 1);
                assert!(matches!(outcome, Outcome::Accepted { .. }));
                break;
            }
            Event::Receipt { taken, .. } => taken.taken(),
            Event::Message { .. } => panic!("nobody wrote"),
        }
    }
    // Its receipt is known all the same.
    let Event::Receipt { part, taken, .. } = bound.event().await else { panic!("its receipt") };
    assert_eq!(part.unwrap().delivery.as_u128(), 1);
    taken.taken();
    assert_eq!(smsc.counts().binds, 1);
}

#[tokio::test(start_paused = true)]
async fn a_dead_centre_is_noticed_by_its_silence() {
    let smsc = smsc(|_| {});
    let bound = bound(&smsc, |_| {}).await;
    let mut watch = bound.session.watch();
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert!(bound.session.state().is_bound() && smsc.counts().enquiries >= 9, "{:?}", smsc.counts());
    smsc.change(|config| config.dead = true);
    watch.wait_for(|state| state.phase == Phase::Down(Ended::Silent)).await.unwrap();
    smsc.change(|config| config.dead = false);
    is_bound(&bound.session).await;
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_told_and_tried_again_with_patience() {
    let smsc = smsc(|config| config.account = Some(("gridcare".into(), "right".into())));
    let bound = start(std::sync::Arc::new(smsc.clone()), |config| config.password = "wrong".into());
    let refused = Phase::Down(Ended::Refused(Status::INVALID_PASSWORD));
    bound.session.watch().wait_for(|state| state.phase == refused).await.unwrap();
    let outcomes = submit_all(&bound.session, &messages(1, "mat dien")).await;
    assert_eq!(outcomes, [Outcome::NotSent { reason: NotSent::Unbound }]);
    smsc.change(|config| config.account = None);
    is_bound(&bound.session).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_told_to_stop_waits_for_its_answers_and_unbinds() {
    let smsc = smsc(|config| config.latency = Duration::from_secs(2));
    let bound = bound(&smsc, |_| {}).await;
    let session = bound.session.clone();
    let outcomes = tokio::spawn(async move { submit_all(&session, &messages(15, "mat dien")).await });
    eventually(|| smsc.counts().submits == 10).await;
    bound.stop.cancel();
    let outcomes = outcomes.await.unwrap();
    assert_eq!(accepted(&outcomes), 10);
    assert_eq!(outcomes[14], Outcome::NotSent { reason: NotSent::Unbound });
    bound.task.await.unwrap();
    assert_eq!(bound.session.state().phase, Phase::Down(Ended::Stopped));
    assert_eq!(smsc.bound(), 0);
    assert_eq!(accepted(&submit_all(&bound.session, &messages(1, "x")).await), 0, "nothing is taken any more");
}
