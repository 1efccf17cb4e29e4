use std::collections::HashSet;

use gridcare_chassis::id::new_id;
use gridcare_domain::{contact::Contact, metric::Definition, refusal::Refusal, ticket::TimelineKind};
use gridcare_store::{
    NodeStore,
    contact::{ContactBatch, Imported},
    request::Request,
};
use gridcare_tests::Place;
use uuid::Uuid;

use crate::{
    on_both_engines,
    samples::{Home, MORNING_US, RESPOND, call, note, open_new, request, ticket, unfinished, whole_feed, write},
};

/// A mutation as a caller repeats it: each attempt makes its own ids, as a node does.
#[derive(Clone, Copy, Debug)]
enum Mutation {
    Open,
    Change(Uuid),
    Record,
    Correct(Uuid),
    Import,
}

impl Mutation {
    async fn attempt(self, store: &NodeStore, request: Request) -> Result<Vec<u8>, Refusal> {
        match self {
            Self::Open => {
                let write = write(ticket(store.next_number().await.unwrap(), "Mất điện"), TimelineKind::Opened);
                store.open_ticket(request, MORNING_US, new_id(), write).await.unwrap()
            }
            Self::Change(id) => store.change_ticket(request, MORNING_US, new_id(), id, note()).await.unwrap(),
            Self::Record => {
                let contact = call("api", &request.key.to_string(), 0);
                store.record_contact(request, MORNING_US, new_id(), contact, RESPOND).await.unwrap()
            }
            Self::Correct(id) => {
                let decide = Box::new(|old: &gridcare_store::contact::StoredContact| {
                    Ok(Contact { talk_ms: old.contact.talk_ms.map(|ms| ms + 1_000), ..old.contact.clone() })
                });
                store.correct_contact(request, MORNING_US, new_id(), id, decide, RESPOND).await.unwrap()
            }
            Self::Import => {
                if let Some(answered) = store.answered(request).await.unwrap() {
                    return answered;
                }
                let contacts = (0..10).map(|i| call("pbx", &format!("{} {i}", request.key), i)).collect();
                let attempt = new_id();
                let respond = move |imported: Imported| format!("{attempt} {imported:?}").into_bytes();
                let batch = ContactBatch { contacts, checkpoint: None, request: Some((request, Box::new(respond))) };
                match store.import(batch, &Definition::default(), MORNING_US).await.unwrap() {
                    Some(imported) => Ok(imported.response),
                    None => store.answered(request).await.unwrap().expect("the answer of the other attempt"),
                }
            }
        }
    }
}

/// Everything that could tell how often something was done.
async fn footprint(store: &NodeStore) -> impl PartialEq + std::fmt::Debug {
    let contacts = store.contacts_after(0, i64::MAX).await.unwrap();
    let feed = whole_feed(store).await;
    (feed, contacts, store.contact_head().await.unwrap(), store.tallies(i64::MIN, i64::MAX).await.unwrap())
}

struct Scene {
    _home: Home,
    stores: [NodeStore; 2],
    mutations: [Mutation; 5],
}

async fn scene(place: Place) -> Scene {
    let home = Home::new(place).await;
    let stores = [home.store().await, home.store().await];
    let ticket = open_new(&stores[0], "Mất điện").await.id;
    let contact = call("api", "to be corrected", 0);
    let id = contact.id;
    stores[0].record_contact(request(), MORNING_US, new_id(), contact, RESPOND).await.unwrap().unwrap();
    let mutations =
        [Mutation::Open, Mutation::Change(ticket), Mutation::Record, Mutation::Correct(id), Mutation::Import];
    Scene { _home: home, stores, mutations }
}

async fn the_same_request_again_gets_the_same_bytes_and_does_nothing(place: Place) {
    let Scene { stores, mutations, .. } = &scene(place).await;
    for mutation in mutations {
        let request = request();
        let first = mutation.attempt(&stores[0], request).await.unwrap();
        let after_first = footprint(&stores[0]).await;
        for store in stores {
            assert_eq!(mutation.attempt(store, request).await.unwrap(), first, "{mutation:?}");
        }
        assert_eq!(footprint(&stores[0]).await, after_first, "{mutation:?}");
        assert_eq!(stores[1].answered(request).await.unwrap(), Some(Ok(first)), "{mutation:?}");
    }
}

async fn of_32_at_once_over_two_processes_one_has_an_effect_and_all_get_its_answer(place: Place) {
    let Scene { stores, mutations, .. } = &scene(place).await;
    for mutation in *mutations {
        for _ in 0..5 {
            let request = request();
            let (entries, contacts) = (whole_feed(&stores[0]).await.len(), stores[0].contact_head().await.unwrap());
            let attempts = (0..32).map(|i| {
                let store = stores[i % 2].clone();
                tokio::spawn(async move { mutation.attempt(&store, request).await })
            });
            let mut answers = HashSet::new();
            for attempt in futures::future::join_all(attempts).await {
                answers.insert(attempt.unwrap().unwrap());
            }
            assert_eq!(answers.len(), 1, "{mutation:?}: all get the same bytes");
            let (in_feed, arrived) = match mutation {
                Mutation::Open | Mutation::Change(_) => (1, 0),
                Mutation::Record => (0, 1),
                Mutation::Correct(_) => (0, 0),
                Mutation::Import => (0, 10),
            };
            assert_eq!(whole_feed(&stores[0]).await.len(), entries + in_feed, "{mutation:?}");
            assert_eq!(stores[0].contact_head().await.unwrap(), contacts + arrived, "{mutation:?}");
        }
    }
    let Mutation::Correct(corrected) = mutations[3] else { unreachable!("as the scene was set") };
    let stored = stores[1].contact(corrected).await.unwrap().unwrap();
    assert_eq!((stored.version, stored.contact.talk_ms), (6, Some(65_000)), "five corrections, each once");
}

async fn the_same_id_with_another_body_is_refused_and_another_key_is_its_own(place: Place) {
    let Scene { stores, mutations, .. } = &scene(place).await;
    for mutation in mutations {
        let first = request();
        let answer = mutation.attempt(&stores[0], first).await.unwrap();
        let after_first = footprint(&stores[0]).await;
        let reused = Request { body: new_id(), ..first };
        let refusal = mutation.attempt(&stores[1], reused).await.unwrap_err();
        assert_eq!(refusal.reason, "REQUEST_ID_REUSED", "{mutation:?}");
        assert_eq!(footprint(&stores[0]).await, after_first, "{mutation:?}");

        let of_another = Request { key: new_id(), ..first };
        let own = mutation.attempt(&stores[1], of_another).await.unwrap();
        assert_ne!(own, answer, "{mutation:?}: the key holds principal and method, so this is somebody else");
    }
}

async fn two_bodies_under_one_id_at_once_over_two_processes_are_one_effect_and_one_refusal(place: Place) {
    let Scene { stores, .. } = &scene(place).await;
    for _ in 0..10 {
        let first = request();
        let second = Request { body: new_id(), ..first };
        let (one, two) = (open_new(&stores[0], "một").await.id, open_new(&stores[0], "hai").await.id);
        let entries = whole_feed(&stores[0]).await.len();
        let [a, b] = [(first, one), (second, two)].map(|(request, id)| {
            let store = stores[usize::from(id == two)].clone();
            tokio::spawn(async move { Mutation::Change(id).attempt(&store, request).await })
        });
        let outcomes = [a.await.unwrap(), b.await.unwrap()];
        let refused: Vec<_> =
            outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).map(|refusal| refusal.reason).collect();
        assert_eq!(refused, ["REQUEST_ID_REUSED"]);
        assert_eq!(whole_feed(&stores[0]).await.len(), entries + 1);
    }
}

async fn a_refusal_is_not_remembered(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let going_on = unfinished(&call("api", "key", 0));
    store.record_contact(request(), MORNING_US, new_id(), going_on, RESPOND).await.unwrap().unwrap();
    let again = request();
    let refused = store.record_contact(again, MORNING_US, new_id(), call("api", "key", 0), RESPOND).await.unwrap();
    assert_eq!(refused.unwrap_err().reason, "SOURCE_KEY_USED");
    assert_eq!(store.answered(again).await.unwrap(), None);
    let cured = store.record_contact(again, MORNING_US, new_id(), call("api", "other key", 0), RESPOND).await.unwrap();
    assert!(cured.is_ok(), "the same id may be tried again once the cause is gone");
}

async fn answers_are_forgotten_after_their_time_and_not_before(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let (mut old, mut young) = (Vec::new(), Vec::new());
    for i in 0..20 {
        let (kept, at) = if i % 2 == 0 { (&mut old, 100) } else { (&mut young, 200) };
        let request = Request { key: Uuid::from_u128((i + 1) << 96), body: new_id() };
        let write = write(ticket(store.next_number().await.unwrap(), "Mất điện"), TimelineKind::Opened);
        store.open_ticket(request, at, new_id(), write).await.unwrap().unwrap();
        kept.push(request);
    }
    let (mut after, mut pages) = (Some(Uuid::nil()), 0);
    while let Some(key) = after {
        after = store.expire_requests(key, 3, 200).await.unwrap();
        pages += 1;
    }
    assert_eq!(pages, 8, "a range at a time: seven pages of three keys, and the end");
    for request in &old {
        assert_eq!(store.answered(*request).await.unwrap(), None);
    }
    for request in &young {
        assert!(store.answered(*request).await.unwrap().is_some());
    }
    let before = whole_feed(&store).await.len();
    Mutation::Open.attempt(&store, old[0]).await.unwrap();
    assert_eq!(whole_feed(&store).await.len(), before + 1, "after its time an id is a new one");
}

on_both_engines!(
    the_same_request_again_gets_the_same_bytes_and_does_nothing,
    of_32_at_once_over_two_processes_one_has_an_effect_and_all_get_its_answer,
    the_same_id_with_another_body_is_refused_and_another_key_is_its_own,
    two_bodies_under_one_id_at_once_over_two_processes_are_one_effect_and_one_refusal,
    a_refusal_is_not_remembered,
    answers_are_forgotten_after_their_time_and_not_before,
);
