use gridcare_chassis::id::new_id;
use gridcare_domain::contact::Channel;
use gridcare_store::{StoreError, lease};
use gridcare_tests::Place;

use crate::{
    on_both_engines,
    samples::{Home, bucket, call, change_of_bucket, import, whole_feed},
};

async fn a_lease_has_one_holder_until_it_ends(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let db = store.db();

    let first = lease::take(db, "roller", "a", 0, 10).await.unwrap().unwrap();
    assert_eq!((first.epoch, first.until_us), (1, 10));
    assert_eq!(lease::take(db, "roller", "b", 5, 15).await.unwrap(), None, "it is held");
    assert_eq!(lease::take(db, "roller", "b", 10, 20).await.unwrap(), None, "it is held until its last moment");

    let renewed = lease::take(db, "roller", "a", 9, 19).await.unwrap().unwrap();
    assert_eq!((renewed.epoch, renewed.until_us), (1, 19), "renewing in time keeps the epoch");
    assert!(lease::take(db, "sweep", "b", 9, 19).await.unwrap().is_some(), "another lease is another matter");

    let taken_over = lease::take(db, "roller", "b", 20, 30).await.unwrap().unwrap();
    assert_eq!(taken_over.epoch, 2, "it grows when the lease changes hands");
    assert_eq!(lease::take(db, "roller", "a", 21, 31).await.unwrap(), None, "who lost it waits like everybody");

    let late = lease::take(db, "roller", "b", 40, 50).await.unwrap().unwrap();
    assert_eq!(late.epoch, 3, "it grows when the holder itself was late, since work under the old one may be lost");

    lease::release(db, &taken_over).await.unwrap();
    assert_eq!(lease::take(db, "roller", "c", 41, 51).await.unwrap(), None, "an old epoch releases nothing");
    lease::release(db, &late).await.unwrap();
    let after = lease::take(db, "roller", "c", 41, 51).await.unwrap().unwrap();
    assert_eq!(after.epoch, 4, "a released lease is free at once");

    let held: Vec<_> = lease::list(db).await.unwrap().into_iter().map(|l| (l.name, l.holder, l.epoch)).collect();
    assert_eq!(held, [("roller".into(), "c".into(), 4), ("sweep".into(), "b".into(), 1)]);
}

async fn of_many_that_want_a_lease_one_gets_it(place: Place) {
    let home = Home::new(place).await;
    let stores = [home.store().await, home.store().await];
    let tries = (0..16).map(|i| {
        let store = stores[i % 2].clone();
        tokio::spawn(async move { lease::take(store.db(), "roller", &format!("holder {i}"), 0, 10).await.unwrap() })
    });
    let mut winners = 0;
    for each in futures::future::join_all(tries).await {
        winners += usize::from(each.unwrap().is_some());
    }
    assert_eq!(winners, 1);
}

async fn the_fence_refuses_after_a_takeover(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let mine = lease::take(store.db(), "roller", "a", 0, 10).await.unwrap().unwrap();

    let mut tx = store.db().begin().await.unwrap();
    lease::fence(&mut tx, &mine).await.unwrap();
    tx.rollback().await.unwrap();

    lease::take(store.db(), "roller", "b", 11, 20).await.unwrap().unwrap();
    let mut tx = store.db().begin().await.unwrap();
    assert!(matches!(lease::fence(&mut tx, &mine).await, Err(StoreError::LeaseLost(name)) if name == "roller"));
    tx.rollback().await.unwrap();

    let unknown = lease::Lease { name: "never taken".into(), ..mine };
    let mut tx = store.db().begin().await.unwrap();
    assert!(matches!(lease::fence(&mut tx, &unknown).await, Err(StoreError::LeaseLost(_))));
}

async fn buckets_of_an_old_epoch_are_rolled_back_whole(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    import(&store, vec![call("pbx", "1", 0), call("pbx", "2", 1)]).await;
    let paused = lease::take(store.db(), "metric roller", "a", 0, 10).await.unwrap().unwrap();
    let current = lease::take(store.db(), "metric roller", "b", 11, 20).await.unwrap().unwrap();

    let bucket = bucket(0, Channel::Hotline);
    let publish = async |lease, from, through| {
        let changes = vec![change_of_bucket(&bucket)];
        store.publish_buckets(lease, from, through, std::slice::from_ref(&bucket), &[], new_id(), 0, changes).await
    };
    assert!(matches!(publish(&paused, 0, 2).await, Err(StoreError::LeaseLost(_))), "its lease was taken over");
    assert_eq!(store.unrolled_after(None, 10, 10).await.unwrap().rolled, 0, "its cursor did not move");
    assert_eq!(store.buckets(i64::MIN, i64::MAX).await.unwrap(), [], "no bucket of it was kept");
    assert_eq!(whole_feed(&store).await, [], "nobody hears of it");

    publish(&current, 0, 2).await.unwrap();
    assert!(
        matches!(publish(&current, 0, 2).await, Err(StoreError::LeaseLost(_))),
        "what was read before is not published again"
    );
    assert_eq!(store.unrolled_after(None, 10, 10).await.unwrap().rolled, 2);
    assert_eq!(store.buckets(i64::MIN, i64::MAX).await.unwrap(), std::slice::from_ref(&bucket));
    assert_eq!(whole_feed(&store).await.len(), 1, "positions have no gap from what was rolled back");
    assert_eq!(whole_feed(&store).await[0].position, 1);
}

on_both_engines!(
    a_lease_has_one_holder_until_it_ends,
    of_many_that_want_a_lease_one_gets_it,
    the_fence_refuses_after_a_takeover,
    buckets_of_an_old_epoch_are_rolled_back_whole,
);
