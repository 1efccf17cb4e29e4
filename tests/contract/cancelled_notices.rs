use std::collections::BTreeMap;

use gridcare_chassis::id::new_id;
use gridcare_domain::delivery::DeliveryState;
use gridcare_store::{delivery::Outcome, dispatch::Dispatch};
use gridcare_tests::Place;

use crate::{
    customers::{customer, import},
    deliveries::{EXPIRES_US, counts, dispatch, lease, numbers, sent_as, turn},
    on_both_engines,
    samples::{Home, MORNING_US},
};

async fn what_nobody_took_after_its_notice_was_cancelled_expires(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    import(&store, (0..3).map(customer).collect()).await;
    let id = new_id();
    let no = store.open_dispatch(&dispatch(id)).await.unwrap();
    turn(&store, no, 10).await;
    let batch = lease(&store, 10, MORNING_US).await;
    store.submitting(batch.epoch, "courier-1", &numbers(&batch), MORNING_US).await.unwrap().unwrap();
    store.cancel_dispatches(id, MORNING_US).await.unwrap();
    while store.expire_deliveries(MORNING_US, 10).await.unwrap() > 0 {}
    let returned: Vec<_> = numbers(&batch).into_iter().map(|number| (number, Outcome::Returned)).collect();
    store.delivery_outcomes(batch.epoch, &returned).await.unwrap();
    while store.expire_deliveries(MORNING_US, 10).await.unwrap() > 0 {}
    assert_eq!(counts(&store, no).await, BTreeMap::from([(DeliveryState::Expired, 3)]));
}

async fn who_waits_for_a_cancelled_notice_is_told_by_the_next_one(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    import(&store, (0..4).map(customer).collect()).await;
    let first = new_id();
    let cancelled = store.open_dispatch(&dispatch(first)).await.unwrap();
    turn(&store, cancelled, 10).await;
    let batch = lease(&store, 1, MORNING_US).await;
    let sent = [(numbers(&batch)[0], sent_as(vec!["told".into()]))];
    store.submitting(batch.epoch, "courier-1", &numbers(&batch), MORNING_US).await.unwrap().unwrap();
    store.delivery_outcomes(batch.epoch, &sent).await.unwrap();
    store.cancel_dispatches(first, MORNING_US).await.unwrap();
    let next = store.open_dispatch(&dispatch(new_id())).await.unwrap();
    assert_eq!(turn(&store, next, 10).await, 3, "all but the one who was told");
    let after =
        Dispatch { published_us: EXPIRES_US, due_us: EXPIRES_US, expires_us: 2 * EXPIRES_US, ..dispatch(new_id()) };
    let after = store.open_dispatch(&after).await.unwrap();
    assert_eq!(turn(&store, after, 10).await, 3, "who waited for what is over is told, too");
}

on_both_engines!(
    what_nobody_took_after_its_notice_was_cancelled_expires,
    who_waits_for_a_cancelled_notice_is_told_by_the_next_one,
);
