use gridcare_chassis::id::new_id;
use gridcare_domain::keyword::{Exchanged, Limits, Silence, silence};
use gridcare_store::{NodeStore, request::Request, sms::SmsArrival};
use gridcare_tests::Place;
use uuid::Uuid;

use crate::{
    on_both_engines,
    samples::{Home, MORNING_US, request},
};

const MINUTE_US: i64 = 60_000_000;

fn judge(exchanged: &Exchanged) -> Option<Silence> {
    silence("0901234567", &[], exchanged, &Limits::default())
}

fn arrival(sender: Uuid, text: Uuid, at_us: i64) -> SmsArrival {
    SmsArrival { id: new_id(), sender, text, at_us }
}

async fn judged(store: &NodeStore, arrival: SmsArrival) -> Option<Silence> {
    store.judge_sms(&arrival, &judge).await.unwrap()
}

/// Every statement about messages.
pub(crate) async fn use_sms(store: &NodeStore) {
    let request = request();
    let arrival = SmsArrival { id: request.key, ..arrival(new_id(), new_id(), MORNING_US) };
    judged(store, arrival).await;
    store.answer_sms(request, MORNING_US, Some(new_id()), b"told".to_vec()).await.unwrap().unwrap();
    store.forget_sms(MORNING_US, 10).await.unwrap();
}

async fn a_number_is_answered_twenty_times_an_hour_whichever_process_it_meets(place: Place) {
    let home = Home::new(place).await;
    let stores = [home.store().await, home.store().await];
    let sender = new_id();
    let at_once = (0..30).map(|i| {
        let store = stores[i % 2].clone();
        async move { judged(&store, arrival(sender, new_id(), MORNING_US)).await }
    });
    let judgements = futures::future::join_all(at_once).await;
    assert_eq!(judgements.iter().filter(|judgement| judgement.is_none()).count(), 20);
    assert_eq!(judgements.iter().filter(|judgement| **judgement == Some(Silence::TooMany)).count(), 10);
    let store = home.store().await;
    assert_eq!(judged(&store, arrival(new_id(), new_id(), MORNING_US)).await, None, "others are answered");
    let later = MORNING_US + 59 * MINUTE_US;
    assert_eq!(judged(&store, arrival(sender, new_id(), later)).await, Some(Silence::TooMany));
    assert_eq!(judged(&store, arrival(sender, new_id(), later + 2 * MINUTE_US)).await, None, "an hour has passed");
}

async fn one_text_again_and_again_is_answered_three_times_in_ten_minutes(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let (sender, text) = (new_id(), new_id());
    for minute in 0..3 {
        assert_eq!(judged(&store, arrival(sender, text, MORNING_US + minute * MINUTE_US)).await, None);
    }
    let fourth = arrival(sender, text, MORNING_US + 4 * MINUTE_US);
    assert_eq!(judged(&store, fourth).await, Some(Silence::Repeated));
    assert_eq!(judged(&store, arrival(sender, new_id(), fourth.at_us)).await, None, "another text is another");
    assert_eq!(judged(&store, arrival(new_id(), text, fourth.at_us)).await, None, "and another number");
    let late = SmsArrival { at_us: MORNING_US + 30 * MINUTE_US, ..fourth };
    assert_eq!(judged(&store, late).await, Some(Silence::Repeated), "a repeated message keeps its judgement");
    assert_eq!(judged(&store, arrival(sender, text, late.at_us)).await, None);
}

async fn an_answer_that_comes_back_is_known_until_it_is_forgotten(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let (sender, reply) = (new_id(), new_id());
    let asked = request();
    let first = SmsArrival { id: asked.key, ..arrival(sender, new_id(), MORNING_US) };
    assert_eq!(judged(&store, first).await, None);
    let told = store.answer_sms(asked, MORNING_US, Some(reply), b"first".to_vec()).await.unwrap().unwrap();
    let again = store.answer_sms(asked, MORNING_US, Some(new_id()), b"second".to_vec()).await.unwrap().unwrap();
    assert_eq!((told.as_slice(), again.as_slice()), (&b"first"[..], &b"first"[..]), "the first answer stands");
    let other = Request { body: new_id(), ..asked };
    let refused = store.answer_sms(other, MORNING_US, None, Vec::new()).await.unwrap().unwrap_err();
    assert_eq!(refused.reason, "REQUEST_ID_REUSED");
    let echo = |minute: i64| arrival(sender, reply, MORNING_US + minute * MINUTE_US);
    assert_eq!(judged(&store, echo(1)).await, Some(Silence::OwnText));
    assert_eq!(judged(&store, arrival(new_id(), reply, MORNING_US)).await, Some(Silence::OwnText), "from anybody");
    assert!(store.forget_sms(MORNING_US + 5 * MINUTE_US, 100).await.unwrap() > 0);
    assert_eq!(judged(&store, echo(6)).await, None);
}

on_both_engines!(
    a_number_is_answered_twenty_times_an_hour_whichever_process_it_meets,
    one_text_again_and_again_is_answered_three_times_in_ten_minutes,
    an_answer_that_comes_back_is_known_until_it_is_forgotten,
);
