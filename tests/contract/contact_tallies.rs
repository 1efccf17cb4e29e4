use std::collections::{BTreeMap, HashMap};

use gridcare_chassis::id::new_id;
use gridcare_domain::{
    contact::{Channel, Contact, Outcome},
    metric::{BucketKey, Counts, Definition},
};
use gridcare_store::{NodeStore, contact::StoredContact};
use gridcare_tests::Place;
use proptest::{prelude::*, sample::select, test_runner::TestRunner};
use uuid::Uuid;

use crate::{
    on_both_engines,
    samples::{Home, MORNING_US, RESPOND, at, call, import, request, unfinished},
};

/// All contacts, in order of arrival.
pub(crate) async fn everything(store: &NodeStore) -> Vec<StoredContact> {
    store.contacts_after(0, i64::MAX).await.unwrap()
}

/// What the tallies must be: a recount of the stored contacts.
pub(crate) async fn recount(store: &NodeStore) -> BTreeMap<BucketKey, Counts> {
    let mut tallies: BTreeMap<BucketKey, Counts> = BTreeMap::new();
    for stored in everything(store).await.iter().filter(|stored| stored.contact.counts()) {
        tallies
            .entry(BucketKey::of(&stored.contact))
            .or_default()
            .add(&Counts::of(&stored.contact, &Definition::default()), 1);
    }
    tallies
}

/// The tallies as kept; one that has come back to nothing is nothing.
pub(crate) async fn tallies(store: &NodeStore) -> BTreeMap<BucketKey, Counts> {
    let kept = store.tallies(i64::MIN, i64::MAX).await.unwrap();
    kept.into_iter().filter(|(_, counts)| *counts != Counts::default()).collect()
}

async fn correct(store: &NodeStore, id: Uuid, correction: impl Fn(&Contact) -> Contact + Send + Sync + 'static) {
    let decide = Box::new(move |old: &StoredContact| Ok(correction(&old.contact)));
    store.correct_contact(request(), MORNING_US, new_id(), id, decide, RESPOND).await.unwrap().unwrap();
}

async fn corrections_beside_imports_wait_and_never_fail(place: Place) {
    let home = Home::new(place).await;
    let stores = [home.store().await, home.store().await];
    let ids: Vec<_> = {
        let calls: Vec<_> = (0..20).map(|i| call("pbx", &format!("old {i}"), i * 400)).collect();
        import(&stores[0], calls.clone()).await;
        calls.iter().map(|c| c.id).collect()
    };
    let tasks = (0..8).map(|i| {
        let (store, ids) = (stores[i % 2].clone(), ids.clone());
        tokio::spawn(async move {
            for n in 0..20 {
                let minute = i64::try_from((i * 7 + n * 3) % 20).unwrap() * 400;
                match i % 4 {
                    0 => drop(
                        import(
                            &store,
                            (0..10).map(|k| call("pbx", &format!("{i} {n} {k}"), minute + k)).rev().collect(),
                        )
                        .await,
                    ),
                    1 => drop(import(&store, vec![unfinished(&call("pbx", &format!("late {n}"), minute))]).await),
                    2 => drop(import(&store, vec![call("pbx", &format!("late {n}"), minute)]).await),
                    _ => {
                        correct(&store, ids[(i + n) % ids.len()], move |old| Contact {
                            arrived_at: at(minute),
                            ..old.clone()
                        })
                        .await;
                    }
                }
            }
        })
    });
    for task in futures::future::join_all(tasks).await {
        task.unwrap();
    }
    assert_eq!(tallies(&stores[0]).await, recount(&stores[0]).await);
    assert!(
        everything(&stores[0])
            .await
            .iter()
            .filter(|c| c.contact.source_key.starts_with("late"))
            .all(|c| c.contact.counts())
    );
}

async fn a_correction_adjusts_the_tallies_and_marks_its_buckets(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let (one, two) = (call("pbx", "one", 0), unfinished(&call("pbx", "two", 60)));
    import(&store, vec![one.clone(), two.clone()]).await;

    correct(&store, one.id, |old| Contact {
        channel: Channel::Email,
        outcome: Some(Outcome::SelfServed),
        arrived_at: at(3_600),
        ..old.clone()
    })
    .await;
    let work = store.recount_span(i64::MIN, i64::MAX).await.unwrap();
    let moved = Contact { channel: Channel::Email, arrived_at: at(3_600), ..one.clone() };
    assert_eq!(work.rebuilds.into_iter().collect::<Vec<_>>(), {
        let mut keys = vec![BucketKey::of(&one), BucketKey::of(&moved)];
        keys.sort();
        keys
    });
    assert_eq!(tallies(&store).await, recount(&store).await);
    assert_eq!(
        tallies(&store).await.keys().copied().collect::<Vec<_>>(),
        [BucketKey::of(&moved)],
        "where it was, nothing is left"
    );
    assert_eq!(store.contact(one.id).await.unwrap().unwrap().arrival_no, 1, "it does not arrive again");

    correct(&store, two.id, |old| Contact { ended_at: Some(at(90)), outcome: Some(Outcome::Abandoned), ..old.clone() })
        .await;
    assert_eq!(store.contact(two.id).await.unwrap().unwrap().arrival_no, 3, "an end is news");
    assert_eq!(tallies(&store).await, recount(&store).await);

    correct(&store, two.id, |old| Contact { ended_at: None, outcome: None, ..old.clone() }).await;
    assert_eq!(tallies(&store).await, recount(&store).await, "what goes on again counts no more");
    let missing = store.correct_contact(
        request(),
        MORNING_US,
        new_id(),
        new_id(),
        Box::new(|old| Ok(old.contact.clone())),
        RESPOND,
    );
    assert_eq!(missing.await.unwrap().unwrap_err().reason, "NO_SUCH_CONTACT");
}

/// One step of a history of contacts; keys are few, so that steps meet.
#[derive(Clone, Debug)]
enum Step {
    Import(Vec<(u8, bool, Outcome, i64)>),
    Correct(u8, Outcome, i64, bool),
}

fn any_step() -> impl Strategy<Value = Step> {
    let outcome = || select(Outcome::ALL);
    let contact = (0..30_u8, any::<bool>(), outcome(), 0..7_200_i64);
    prop_oneof![
        prop::collection::vec(contact, 1..12).prop_map(Step::Import),
        (0..30_u8, outcome(), 0..7_200_i64, any::<bool>())
            .prop_map(|(key, outcome, second, ends)| Step::Correct(key, outcome, second, ends)),
    ]
}

fn drawn(key: u8, ended: bool, outcome: Outcome, second: i64) -> Contact {
    let call = call("pbx", &key.to_string(), second);
    if ended { Contact { outcome: Some(outcome), wait_ms: Some(second), ..call } } else { unfinished(&call) }
}

async fn tallies_always_equal_a_recount(place: Place) {
    let here = tokio::runtime::Handle::current();
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 12,
        max_shrink_iters: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let outcome = tokio::task::block_in_place(|| {
        runner.run(&prop::collection::vec(any_step(), 1..25), |steps| {
            here.block_on(async {
                let home = Home::new(place).await;
                let store = home.store().await;
                let mut ids: HashMap<String, Uuid> = HashMap::new();
                for step in steps {
                    match step {
                        Step::Import(drafts) => {
                            let batch: Vec<_> = drafts
                                .into_iter()
                                .map(|(key, ended, outcome, second)| drawn(key, ended, outcome, second))
                                .collect();
                            let size = u32::try_from(batch.len()).unwrap();
                            let done = import(&store, batch).await;
                            prop_assert_eq!(done.accepted + done.completed + done.duplicates, size);
                            ids = everything(&store)
                                .await
                                .into_iter()
                                .map(|c| (c.contact.source_key, c.contact.id))
                                .collect();
                        }
                        Step::Correct(key, outcome, second, ends) => {
                            let Some(id) = ids.get(&key.to_string()) else { continue };
                            let Contact { arrived_at, ended_at, outcome, wait_ms, .. } =
                                drawn(key, ends, outcome, second);
                            correct(&store, *id, move |old| Contact {
                                arrived_at,
                                ended_at,
                                outcome,
                                wait_ms,
                                ..old.clone()
                            })
                            .await;
                        }
                    }
                    prop_assert_eq!(tallies(&store).await, recount(&store).await);
                }
                store.close().await;
                Ok(())
            })
        })
    });
    outcome.unwrap();
}

on_both_engines!(
    corrections_beside_imports_wait_and_never_fail,
    a_correction_adjusts_the_tallies_and_marks_its_buckets,
    tallies_always_equal_a_recount,
);
