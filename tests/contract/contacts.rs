use std::collections::{BTreeMap, HashMap};

use gridcare_chassis::id::new_id;
use gridcare_domain::{
    contact::{Channel, Contact, Outcome},
    metric::{BucketKey, Counts, Definition},
};
use gridcare_store::{
    NodeStore,
    contact::{ContactBatch, ContactQuery, Imported, StoredContact},
};
use gridcare_tests::Place;
use proptest::{prelude::*, sample::select, test_runner::TestRunner};
use uuid::Uuid;

use crate::{
    on_both_engines,
    samples::{Home, MORNING_US, RESPOND, at, call, import, request, unfinished},
};

async fn everything(store: &NodeStore) -> Vec<StoredContact> {
    store.contacts_after(0, i64::MAX).await.unwrap()
}

/// What the tallies must be: a recount of the stored contacts.
async fn recount(store: &NodeStore) -> BTreeMap<BucketKey, Counts> {
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
async fn tallies(store: &NodeStore) -> BTreeMap<BucketKey, Counts> {
    let kept = store.tallies(i64::MIN, i64::MAX).await.unwrap();
    kept.into_iter().filter(|(_, counts)| *counts != Counts::default()).collect()
}

async fn correct(store: &NodeStore, id: Uuid, correction: impl Fn(&Contact) -> Contact + Send + Sync + 'static) {
    let decide = Box::new(move |old: &StoredContact| Ok(correction(&old.contact)));
    store.correct_contact(request(), MORNING_US, new_id(), id, decide, RESPOND).await.unwrap().unwrap();
}

fn counted(accepted: u32, completed: u32, duplicates: u32) -> Imported {
    Imported { accepted, completed, duplicates }
}

/// A file of calls, a third of them once while they go on and once more with their end.
fn file() -> Vec<Contact> {
    let calls = (0..300).map(|i| call("pbx", &format!("call {i}"), i * 20));
    let (mut begun, mut rest): (Vec<_>, Vec<_>) = (Vec::new(), Vec::new());
    for (i, call) in calls.enumerate() {
        if i % 3 == 0 {
            begun.push(unfinished(&call));
        }
        rest.push(call);
    }
    begun.extend(rest);
    begun
}

async fn a_batch_twice_and_batches_that_overlap_store_each_contact_once(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let calls: Vec<_> = (0..100).map(|i| call("pbx", &format!("call {i}"), i * 20)).collect();
    let again = || calls.iter().map(|c| Contact { id: new_id(), ..c.clone() });
    assert_eq!(import(&store, calls[..60].to_vec()).await, counted(60, 0, 0));
    let before = (everything(&store).await, tallies(&store).await);
    assert_eq!(import(&store, again().take(60).collect()).await, counted(0, 0, 60));
    assert_eq!((everything(&store).await, tallies(&store).await), before, "nothing changed, versions included");
    assert_eq!(import(&store, again().skip(30).collect()).await, counted(40, 0, 30));
    assert_eq!(import(&store, again().chain(again()).collect()).await, counted(0, 0, 200));
    let of_another_source = again().map(|c| Contact { source: "other".into(), ..c }).collect();
    assert_eq!(import(&store, of_another_source).await, counted(100, 0, 0), "a key is one within its source alone");
    let stored = everything(&store).await;
    assert_eq!(stored.iter().map(|c| c.arrival_no).collect::<Vec<_>>(), (1..=200).collect::<Vec<_>>(), "dense");
    let came: Vec<_> = calls.iter().map(|c| Contact { id: Uuid::nil(), ..c.clone() }).collect();
    let kept: Vec<_> = stored.into_iter().map(|c| Contact { id: Uuid::nil(), ..c.contact }).take(100).collect();
    assert!(kept == came, "as they came");
    assert_eq!(tallies(&store).await, recount(&store).await);
}

async fn an_unfinished_contact_is_completed_by_a_later_import_and_counts_once(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let ended = call("pbx", "one", 0);
    let going_on = unfinished(&ended);
    assert_eq!(import(&store, vec![going_on.clone(), call("pbx", "two", 5)]).await, counted(2, 0, 0));
    assert_eq!(tallies(&store).await.values().map(|counts| counts.contacts).sum::<i64>(), 1, "it does not count yet");
    assert_eq!(import(&store, vec![unfinished(&ended)]).await, counted(0, 0, 1), "that it still goes on is no news");
    assert_eq!(import(&store, vec![ended.clone()]).await, counted(0, 1, 0));
    assert_eq!(import(&store, vec![ended.clone(), unfinished(&ended)]).await, counted(0, 0, 2), "an end is final");

    let stored = store.contact(going_on.id).await.unwrap().unwrap();
    assert_eq!(stored.contact, Contact { id: going_on.id, ..ended }, "it keeps its id");
    assert_eq!((stored.version, stored.arrival_no), (2, 3), "and arrives again, so that watchers see its end");
    assert_eq!(tallies(&store).await.values().map(|counts| counts.contacts).sum::<i64>(), 2);
    assert_eq!(tallies(&store).await, recount(&store).await);
}

async fn how_a_file_is_cut_into_batches_makes_no_difference(place: Place) {
    let mut file = file();
    // Another end of the same call, and one that goes on after its end: broken logs have both.
    file.push(Contact { talk_ms: Some(1), ..call("pbx", "call 1", 20) });
    file.push(unfinished(&call("pbx", "call 2", 40)));
    let mut outcomes = Vec::new();
    for size in [1, 7, 100, file.len()] {
        let home = Home::new(place).await;
        let store = home.store().await;
        for batch in file.chunks(size) {
            import(&store, batch.to_vec()).await;
        }
        let keyed = everything(&store)
            .await
            .into_iter()
            .map(|c| (c.contact.source_key.clone(), Contact { id: Uuid::nil(), ..c.contact }));
        outcomes.push((keyed.collect::<BTreeMap<_, _>>(), tallies(&store).await));
        assert_eq!(tallies(&store).await, recount(&store).await);
    }
    assert!(outcomes.windows(2).all(|pair| pair[0] == pair[1]));
}

async fn two_processes_that_import_one_file_at_once_store_it_once(place: Place) {
    let home = Home::new(place).await;
    let stores = [home.store().await, home.store().await, home.store().await, home.store().await];
    let file = file();
    let importers = stores.into_iter().zip(0..).map(|(store, i)| {
        let file = file.clone();
        tokio::spawn(async move {
            let mut sum = Imported::default();
            for batch in file.chunks(20 + 7 * i) {
                let batch = batch.iter().map(|c| Contact { id: new_id(), ..c.clone() }).collect();
                let done = import(&store, batch).await;
                sum = counted(
                    sum.accepted + done.accepted,
                    sum.completed + done.completed,
                    sum.duplicates + done.duplicates,
                );
            }
            sum
        })
    });
    let sums: Vec<_> = futures::future::join_all(importers).await.into_iter().map(Result::unwrap).collect();
    let store = home.store().await;
    let stored = everything(&store).await;
    assert_eq!(stored.len(), 300);
    assert!(stored.iter().all(|c| c.contact.counts()), "each has its end");
    assert_eq!(tallies(&store).await, recount(&store).await);
    assert_eq!(sums.iter().map(|sum| sum.accepted).sum::<u32>(), 300, "each was accepted once");
    let completed: u32 = sums.iter().map(|sum| sum.completed).sum();
    let again = stored.iter().filter(|c| c.version == 2).count();
    assert_eq!(usize::try_from(completed).unwrap(), again, "and completed once, where its beginning was stored");
    assert!(stored.iter().all(|c| c.version <= 2));
    assert_eq!(store.contact_head().await.unwrap(), 300 + i64::from(completed), "arrivals have no gap");
}

async fn arrivals_are_dense_and_in_commit_order_beside_each_other(place: Place) {
    const EACH: usize = 40;
    let home = Home::new(place).await;
    let stores = [home.store().await, home.store().await, home.store().await];
    let writers: Vec<_> = (0..8)
        .map(|i| {
            let store = stores[i % 3].clone();
            tokio::spawn(async move {
                for n in 0..EACH {
                    let key = format!("{i} {n}");
                    if i < 4 {
                        import(&store, (0..5).map(|k| call("pbx", &format!("{key} {k}"), k)).collect()).await;
                    } else {
                        store
                            .record_contact(request(), MORNING_US, new_id(), call("api", &key, 0), RESPOND)
                            .await
                            .unwrap()
                            .unwrap();
                    }
                }
            })
        })
        .collect();
    // A live watcher: whatever it has seen, nothing may appear before it later.
    let store = home.store().await;
    let (mut seen, all) = (Vec::new(), 4 * EACH * 5 + 4 * EACH);
    while seen.len() < all {
        let after = seen.last().copied().unwrap_or(0);
        seen.extend(store.contacts_after(after, 100).await.unwrap().iter().map(|c| c.arrival_no));
        if seen.len() < all && writers.iter().all(tokio::task::JoinHandle::is_finished) {
            seen.extend(
                store
                    .contacts_after(seen.last().copied().unwrap_or(0), i64::MAX)
                    .await
                    .unwrap()
                    .iter()
                    .map(|c| c.arrival_no),
            );
            break;
        }
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(seen, (1..=i64::try_from(all).unwrap()).collect::<Vec<_>>());
    assert_eq!(tallies(&store).await, recount(&store).await);
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

async fn a_checkpoint_is_stored_with_its_batch(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    assert_eq!(store.checkpoint("pbx").await.unwrap(), None);
    for (key, line) in [("one", "line 10"), ("two", "line 20")] {
        let checkpoint = Some(("pbx".to_owned(), line.to_owned()));
        let batch = ContactBatch { contacts: vec![call("pbx", key, 0)], checkpoint, request: None };
        store.import(batch, &Definition::default(), MORNING_US).await.unwrap();
        assert_eq!(store.checkpoint("pbx").await.unwrap().as_deref(), Some(line));
    }
    let alone = ContactBatch { contacts: vec![], checkpoint: Some(("pbx".into(), "end".into())), request: None };
    store.import(alone, &Definition::default(), MORNING_US).await.unwrap();
    assert_eq!(store.checkpoint("pbx").await.unwrap().as_deref(), Some("end"));
    assert_eq!(store.checkpoint("other").await.unwrap(), None);
}

async fn pages_of_contacts_are_the_contacts_newest_arrival_first(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let calls: Vec<_> = (0..120)
        .map(|i: i64| Contact {
            channel: Channel::ALL[usize::try_from(i % 3).unwrap()],
            ..call("pbx", &format!("{i}"), i * 13 % 40)
        })
        .collect();
    import(&store, calls).await;
    let channels = vec![Channel::Hotline, Channel::Web];
    let query = ContactQuery {
        channels: channels.clone(),
        from_us: Some(at(5).as_microsecond()),
        until_us: Some(at(30).as_microsecond()),
        ..ContactQuery::default()
    };
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.contacts(&query, after, 7).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.contact.arrived_at.as_microsecond(), last.arrival_no));
        found.extend(page);
    }
    let mut expected = everything(&store).await;
    expected.retain(|c| {
        channels.contains(&c.contact.channel) && c.contact.arrived_at >= at(5) && c.contact.arrived_at < at(30)
    });
    expected.sort_by_key(|c| std::cmp::Reverse((c.contact.arrived_at, c.arrival_no)));
    assert!(expected.len() > 40);
    assert_eq!(found, expected);
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
    a_batch_twice_and_batches_that_overlap_store_each_contact_once,
    an_unfinished_contact_is_completed_by_a_later_import_and_counts_once,
    how_a_file_is_cut_into_batches_makes_no_difference,
    two_processes_that_import_one_file_at_once_store_it_once,
    arrivals_are_dense_and_in_commit_order_beside_each_other,
    corrections_beside_imports_wait_and_never_fail,
    a_correction_adjusts_the_tallies_and_marks_its_buckets,
    a_checkpoint_is_stored_with_its_batch,
    pages_of_contacts_are_the_contacts_newest_arrival_first,
    tallies_always_equal_a_recount,
);
