use std::collections::BTreeMap;

use gridcare_chassis::id::new_id;
use gridcare_domain::notice::proof::{Entry, Event};
use gridcare_store::{
    StoreError,
    gateway::{
        FederatedNotice, GatewayStore, LandingState, NationalChange, NationalNotice, NoticePage, NoticeProgress,
        NoticeSave, PrintSent, ProofEntry, PublishedRevision, RegionalPage, Seat,
    },
    lease,
};
use gridcare_tests::Place;
use uuid::Uuid;

use crate::{
    on_both_engines,
    samples::{Home, request},
};

fn entry(at_us: i64, event: Event, once: &str) -> ProofEntry {
    let facts = BTreeMap::from([("revision".to_owned(), "1".to_owned())]);
    ProofEntry { entry: Entry { at_us, event, facts }, once: once.to_owned() }
}

fn notice(id: Uuid, version: i64) -> NationalNotice {
    NationalNotice {
        id,
        version,
        // So many that an index of them is worth its while.
        incident: format!("incident-{}", id.as_u128() % 25),
        created_us: i64::try_from(id.as_u128() % 1_000_000).unwrap(),
        expires_us: Some(1_000),
        ended: false,
        state: vec![1],
    }
}

async fn save(
    store: &GatewayStore,
    before: Option<i64>,
    notice: &NationalNotice,
    number: i64,
    nodes: &[&str],
) -> Result<(), StoreError> {
    let regions = ["NPC".to_owned(), "SPC".to_owned()];
    let (published_us, expires_us) = (number, number * 100);
    let published = PublishedRevision { number, published_us, expires_us, regions: &regions, landing: vec![7], nodes };
    let entries = vec![entry(number, Event::Published, &format!("v{number}"))];
    let save = NoticeSave { before, notice, published: Some(published), entries, now_us: number };
    store.save_notice(request(), save, b"answer").await
}

async fn gateway(home: &Home) -> GatewayStore {
    GatewayStore::open(&home.address, 4).await.unwrap()
}

async fn what_is_published_is_handed_over_in_order_until_it_expires(place: Place) {
    let home = Home::new(place).await;
    let store = gateway(&home).await;
    let lease = lease::take(store.db(), "feed north", "a", 0, i64::MAX).await.unwrap().unwrap();
    let id = Uuid::from_u128(7);
    save(&store, None, &notice(id, 1), 1, &["north", "south"]).await.unwrap();
    assert!(matches!(save(&store, None, &notice(id, 1), 1, &[]).await, Err(StoreError::Raced)), "it is there");
    assert!(matches!(save(&store, Some(5), &notice(id, 6), 2, &[]).await, Err(StoreError::Raced)), "it is another one");
    save(&store, Some(1), &notice(id, 2), 2, &["north", "south"]).await.unwrap();
    save(&store, Some(2), &notice(id, 3), 4, &["north", "south"]).await.unwrap();

    let first = store.next_notice("north", 50).await.unwrap().unwrap();
    assert_eq!(
        (first.handed.revision, first.state, store.landed_before(&first, 50).await.unwrap()),
        (1, LandingState::Waiting, 0)
    );
    store.notice_sent(&lease, &first).await.unwrap();
    store.notice_failed(&lease, &first, 60).await.unwrap();
    store.notice_failed(&lease, &first, 70).await.unwrap();
    let again = store.next_notice("north", 50).await.unwrap().unwrap();
    assert_eq!((again.attempts, again.failing_since_us), (1, Some(60)));
    let accepted = || Some(entry(80, Event::Accepted, "accepted/north/1"));
    store.notice_done(&lease, &first, (LandingState::Landed, ""), accepted(), 80).await.unwrap();
    store.notice_done(&lease, &first, (LandingState::Landed, ""), accepted(), 90).await.unwrap();
    // What has expired goes first, to be said; what is left follows what has landed.
    let late = store.next_notice("north", 250).await.unwrap().unwrap();
    assert_eq!(late.handed.revision, 2);
    store.notice_done(&lease, &late, (LandingState::Expired, ""), None, 250).await.unwrap();
    let last = store.next_notice("north", 250).await.unwrap().unwrap();
    assert_eq!((last.handed.revision, store.landed_before(&last, 99).await.unwrap()), (4, 1));
    assert_eq!(
        store.notices_again(&lease, &last, "REVISION_MISSING", 99).await.unwrap(),
        1,
        "it has lost the first, which has not expired"
    );
    assert_eq!(store.next_notice("north", 99).await.unwrap().unwrap().handed.revision, 1);

    // Who joins later gets what has not expired and concerns them.
    assert_eq!(
        store.notices_for_newcomers(&[("east", "SPC"), ("west", "CPC"), ("south", "SPC")], 250).await.unwrap(),
        1
    );
    let targets = store.notice_targets(id).await.unwrap();
    let east: Vec<_> = targets.iter().filter(|target| target.node == "east").map(|t| t.handed.revision).collect();
    assert_eq!(east, [4]);
    let chain = store.proof(None, id).await.unwrap();
    let events: Vec<_> = chain.iter().map(|entry| (entry.at_us, entry.event)).collect();
    let published = |at| (at, Event::Published);
    assert_eq!(
        events,
        [published(1), published(2), published(4), (80, Event::Accepted)],
        "once, however often it is said"
    );

    lease::release(store.db(), &lease).await.unwrap();
    let other = lease::take(store.db(), "feed north", "b", 1, i64::MAX).await.unwrap().unwrap();
    let late = store.notice_done(&lease, &last, (LandingState::Landed, ""), None, 260).await;
    assert!(matches!(late, Err(StoreError::LeaseLost(_))), "whoever has lost the lease says nothing");
    store.notice_done(&other, &last, (LandingState::Refused, "INVALID_FIELDS"), None, 260).await.unwrap();
}

async fn chains_that_grow_at_once_have_every_entry_once_and_no_gap(place: Place) {
    let home = Home::new(place).await;
    let store = gateway(&home).await;
    let id = Uuid::from_u128(9);
    let writers = (0..8).map(|writer| {
        let store = store.clone();
        async move {
            for n in 0..10 {
                // Two of the writers say the same.
                let entries: Vec<_> =
                    (0..3).map(|i| entry(n, Event::Counted, &format!("{}/{n}/{i}", writer / 2))).collect();
                store.prove(Some("south"), id, &entries).await.unwrap();
            }
        }
    });
    futures::future::join_all(writers).await;
    assert_eq!(store.proof(Some("south"), id).await.unwrap().len(), 4 * 10 * 3);
    assert_eq!(store.proof(None, id).await.unwrap(), []);
}

pub(crate) fn told(number: u64) -> FederatedNotice {
    FederatedNotice {
        id: Uuid::from_u128(u128::from(number) + 1_000),
        version: 1,
        incident: format!("incident-{}", number % 50),
        published_us: i64::try_from(number).unwrap(),
        expires_us: i64::try_from(number).unwrap() + 100,
        state: vec![2],
        entries: vec![entry(5, Event::Published, "published/1")],
    }
}

pub(crate) fn progress(number: u64) -> NoticeProgress {
    NoticeProgress {
        notice_id: told(number).id,
        version: 1,
        state: vec![3],
        entries: vec![entry(6, Event::FirstSms, "first_sms/VN-57")],
    }
}

/// Notices of members, as their feeds bring them.
pub(crate) fn national_changes() -> impl Iterator<Item = NationalChange> {
    (0..300).flat_map(|n| [NationalChange::Notice(told(n)), NationalChange::NoticeProgress(progress(n))])
}

/// Uses every statement of a gateway's notices.
pub(crate) async fn use_national_notices(store: &GatewayStore) {
    let lease = lease::take(store.db(), "feed west", "a", 0, i64::MAX).await.unwrap().unwrap();
    for number in 1..300_u128 {
        save(store, None, &notice(Uuid::from_u128(number), 1), 1, &["west"]).await.unwrap();
    }
    let id = Uuid::from_u128(1);
    save(store, Some(1), &notice(id, 2), 2, &["west"]).await.unwrap();
    store.notices_for_newcomers(&[("east", "SPC")], 3).await.unwrap();
    let target = store.next_notice("west", 3).await.unwrap().unwrap();
    store.landed_before(&target, 3).await.unwrap();
    store.notice_sent(&lease, &target).await.unwrap();
    store.notice_failed(&lease, &target, 4).await.unwrap();
    store.notices_again(&lease, &target, "REVISION_MISSING", 4).await.unwrap();
    let accepted = Some(entry(5, Event::Accepted, "accepted/west/1"));
    store.notice_done(&lease, &target, (LandingState::Landed, ""), accepted, 5).await.unwrap();
    assert!(store.landing(id, 2).await.unwrap().is_some());
    assert_eq!(store.notice_targets(id).await.unwrap().len(), 4);
    assert!(store.national_notice(id).await.unwrap().is_some());
    for incident in [None, Some("incident-1")] {
        let page = NoticePage { incident, after: None, limit: 10 };
        assert_eq!(store.national_notices(page).await.unwrap().len(), 10);
        let nodes = ["north".to_owned()];
        let page = RegionalPage { nodes: &nodes, incident, after: None, limit: 5 };
        let found = store.regional_notices(page).await.unwrap();
        assert_eq!(found.len(), 5);
        let last = found.last().unwrap();
        let after = Some((last.told.published_us, last.told.id, last.node.as_str()));
        let next = store.regional_notices(RegionalPage { after, ..page }).await.unwrap();
        assert!(next.first().unwrap().told.published_us < last.told.published_us);
    }
    assert_eq!(store.notices_told(0, 10).await.unwrap().len(), 10);
    assert_eq!(store.regional_told(0, 10).await.unwrap().len(), 10);
    let regional = store.regional_notice(told(5).id).await.unwrap().unwrap();
    assert_eq!(regional.node, "north");
    assert_eq!(store.notice_progress(told(5).id).await.unwrap().len(), 1);
    assert_eq!(store.proof(Some("north"), told(5).id).await.unwrap().len(), 2);
    let sent =
        PrintSent { id: new_id(), revision: 1, output: 5, recipient: "TTXVN".into(), sent_us: 9, author: "lan".into() };
    let key = request();
    store.record_print(key, id, &sent, 10, b"kept").await.unwrap();
    assert!(matches!(store.record_print(key, id, &sent, 11, b"kept").await, Err(StoreError::Raced)));
    assert_eq!(store.answered(key).await.unwrap().unwrap().unwrap(), Ok(b"kept".to_vec()));
    assert_eq!(store.prints_sent(id).await.unwrap(), [sent]);
    lease::release(store.db(), &lease).await.unwrap();
}

async fn a_snapshot_replaces_notices_and_leaves_what_was_proven(place: Place) {
    let home = Home::new(place).await;
    let store = gateway(&home).await;
    let seat =
        Seat { node: "north".into(), region: "NPC".into(), endpoint: "http://127.0.0.1:1".into(), expected_from_us: 0 };
    store.seat(&[seat]).await.unwrap();
    let lease = lease::take(store.db(), "feed north", "a", 0, i64::MAX).await.unwrap().unwrap();
    let number = store.begin_snapshot(&lease, "north").await.unwrap();
    let first = [NationalChange::Notice(told(1)), NationalChange::NoticeProgress(progress(1))];
    store.snapshot_part(&lease, "north", number, &first).await.unwrap();
    let cursor = store.member("north").await.unwrap().unwrap().cursor;
    store.end_snapshot(&lease, "north", number, &cursor, 1).await.unwrap();
    let number = store.begin_snapshot(&lease, "north").await.unwrap();
    store.snapshot_part(&lease, "north", number, &[NationalChange::Notice(told(2))]).await.unwrap();
    store.end_snapshot(&lease, "north", number, &cursor, 2).await.unwrap();
    assert!(store.regional_notice(told(1).id).await.unwrap().is_none());
    assert!(store.notice_progress(told(1).id).await.unwrap().is_empty());
    assert!(store.regional_notice(told(2).id).await.unwrap().is_some());
    assert_eq!(store.proof(Some("north"), told(1).id).await.unwrap().len(), 2);
}

on_both_engines!(
    what_is_published_is_handed_over_in_order_until_it_expires,
    chains_that_grow_at_once_have_every_entry_once_and_no_gap,
    a_snapshot_replaces_notices_and_leaves_what_was_proven,
);
