use std::collections::BTreeMap;

use gridcare_chassis::id::new_id;
use gridcare_domain::{
    contact::{Channel, Contact},
    metric::Definition,
};
use gridcare_store::contact::{ContactBatch, ContactQuery, Imported};
use gridcare_tests::Place;
use uuid::Uuid;

use crate::{
    contact_tallies::{everything, recount, tallies},
    on_both_engines,
    samples::{Home, MORNING_US, RESPOND, at, call, import, request, unfinished},
};

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
    let kept = everything(&store).await;
    assert_eq!(kept.len(), 300);
    assert!(kept.iter().all(|c| c.contact.counts()), "each has its end");
    assert_eq!(tallies(&store).await, recount(&store).await);
    assert_eq!(sums.iter().map(|sum| sum.accepted).sum::<u32>(), 300, "each was accepted once");
    let completed: u32 = sums.iter().map(|sum| sum.completed).sum();
    let again = kept.iter().filter(|c| c.version == 2).count();
    assert_eq!(usize::try_from(completed).unwrap(), again, "and completed once, where its beginning was stored");
    assert!(kept.iter().all(|c| c.version <= 2));
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

on_both_engines!(
    a_batch_twice_and_batches_that_overlap_store_each_contact_once,
    an_unfinished_contact_is_completed_by_a_later_import_and_counts_once,
    how_a_file_is_cut_into_batches_makes_no_difference,
    two_processes_that_import_one_file_at_once_store_it_once,
    arrivals_are_dense_and_in_commit_order_beside_each_other,
    a_checkpoint_is_stored_with_its_batch,
    pages_of_contacts_are_the_contacts_newest_arrival_first,
);
