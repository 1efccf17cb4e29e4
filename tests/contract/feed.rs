use std::{collections::BTreeMap, fs};

use gridcare_chassis::id::new_id;
use gridcare_domain::{
    capability::Capability,
    contact::Channel,
    feed::{Change, Cursor, Kind},
    metric::Bucket,
    ticket::{Ticket, TimelineKind},
};
use gridcare_store::{
    NodeStore, lease,
    snapshot::{Page, Snapshot},
};
use gridcare_tests::Place;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::{
    on_both_engines,
    samples::{Home, at, bucket, change, change_of_bucket, note, open_new, request, ticket, whole_feed, write},
};

async fn head(store: &NodeStore) -> Cursor {
    store.feed_head().await.unwrap().cursor
}

/// Why a reader may not go on from here; nothing when it may.
async fn no(store: &NodeStore, cursor: &Cursor) -> Option<&'static str> {
    store.feed_check(cursor, new_id()).await.unwrap().err().map(|refusal| refusal.reason)
}

async fn open_some(store: &NodeStore, count: usize) {
    for _ in 0..count {
        open_new(store, "Mất điện").await;
    }
}

/// The cursor of a reader that has read up to here.
async fn cursor_at(store: &NodeStore, position: i64) -> Cursor {
    let entry = store.feed_after(position - 1, 1).await.unwrap().remove(0);
    Cursor { incarnation: head(store).await.incarnation, position: entry.position, batch_id: Some(entry.batch_id) }
}

/// A copy of a database, to go back to. On Postgres, where a test has no file to copy, going back takes away what came after.
enum Backup {
    Files(Vec<u8>),
    Position(i64),
}

impl Backup {
    /// Closes the store, so that the copy is whole.
    async fn of(place: Place, home: &Home, store: NodeStore) -> Self {
        let position = head(&store).await.position;
        store.close().await;
        match place {
            Place::Sqlite => Self::Files(fs::read(home.folder.path().join("node.sqlite")).unwrap()),
            Place::Postgres => Self::Position(position),
        }
    }

    async fn restore(&self, home: &Home) {
        match self {
            Self::Files(bytes) => {
                fs::write(home.folder.path().join("node.sqlite"), bytes).unwrap();
                for beside in ["node.sqlite-wal", "node.sqlite-shm"] {
                    let _ = fs::remove_file(home.folder.path().join(beside));
                }
            }
            Self::Position(position) => {
                let mut connection = PgConnection::connect(&home.address).await.unwrap();
                let back = format!(
                    "DELETE FROM timeline WHERE ticket_id IN (SELECT CAST(key AS UUID) FROM feed WHERE position > {position});
                     DELETE FROM ticket WHERE id IN (SELECT CAST(key AS UUID) FROM feed WHERE position > {position});
                     DELETE FROM feed WHERE position > {position};
                     UPDATE feed_head SET position = {position};"
                );
                sqlx::raw_sql(AssertSqlSafe(back)).execute(&mut connection).await.unwrap();
            }
        }
    }
}

async fn a_reader_goes_on_from_wherever_it_is(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let nothing = Cursor { incarnation: uuid::Uuid::nil(), position: 0, batch_id: None };
    assert_eq!(no(&store, &nothing).await, None, "at the beginning of an empty feed");
    assert_eq!(no(&store, &head(&store).await).await, None);
    open_some(&store, 10).await;
    assert_eq!(no(&store, &nothing).await, None, "at the beginning");
    for position in 1..=10 {
        assert_eq!(no(&store, &cursor_at(&store, position).await).await, None, "{position}");
    }
    assert_eq!(head(&store).await, cursor_at(&store, 10).await);
    let incarnation = head(&store).await.incarnation;
    store.close().await;
    assert_eq!(head(&home.store().await).await.incarnation, incarnation, "a restart is not a new incarnation");
}

async fn a_cursor_beyond_the_head_means_that_history_was_rewritten(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    open_some(&store, 5).await;
    let backup = Backup::of(place, &home, store).await;
    let store = home.store().await;
    open_some(&store, 5).await;
    let (reader, other) = (head(&store).await, cursor_at(&store, 3).await);
    store.close().await;

    backup.restore(&home).await;
    let store = home.store().await;
    assert_eq!(head(&store).await.position, 5);
    assert_eq!(no(&store, &reader).await, Some("HISTORY_REWRITTEN"));
    let reborn = head(&store).await;
    assert_ne!(reborn.incarnation, reader.incarnation, "a new incarnation has begun");
    assert_eq!(no(&store, &other).await, Some("HISTORY_REWRITTEN"), "every other reader learns of it too");
    assert_eq!(no(&store, &reader).await, Some("HISTORY_REWRITTEN"));
    assert_eq!(head(&store).await, reborn, "and it began once");
    assert_eq!(no(&store, &reborn).await, None, "from a snapshot of the new incarnation a reader goes on");
}

async fn another_batch_at_the_cursor_means_that_history_was_rewritten(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    open_some(&store, 5).await;
    let backup = Backup::of(place, &home, store).await;
    let store = home.store().await;
    open_some(&store, 5).await;
    let reader = head(&store).await;
    let early = cursor_at(&store, 4).await;
    store.close().await;

    backup.restore(&home).await;
    let store = home.store().await;
    open_some(&store, 8).await; // written on, beyond where the reader was
    assert_eq!(head(&store).await.incarnation, reader.incarnation, "nobody knows yet");
    assert_eq!(no(&store, &early).await, None, "a reader from before the copy was made shares its history");
    assert_eq!(no(&store, &reader).await, Some("HISTORY_REWRITTEN"));
    assert_ne!(head(&store).await.incarnation, reader.incarnation);
}

async fn readers_that_find_out_at_once_begin_one_incarnation(place: Place) {
    let home = Home::new(place).await;
    let stores = [home.store().await, home.store().await];
    open_some(&stores[0], 5).await;
    let real = head(&stores[0]).await;
    let reader = Cursor { position: 9, batch_id: Some(new_id()), ..real.clone() };
    let checks = (0..16).map(|i| {
        let (store, reader) = (stores[i % 2].clone(), reader.clone());
        tokio::spawn(async move {
            let refused = no(&store, &reader).await;
            (refused, head(&store).await.incarnation)
        })
    });
    let outcomes: Vec<_> = futures::future::join_all(checks).await.into_iter().map(Result::unwrap).collect();
    assert!(outcomes.iter().all(|outcome| *outcome == (Some("HISTORY_REWRITTEN"), outcomes[0].1)));
    assert_ne!(outcomes[0].1, real.incarnation);
}

async fn a_reader_behind_the_horizon_takes_a_snapshot_and_one_at_it_goes_on(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    for second in 0..20 {
        let write = write(ticket(second + 10_000, "Mất điện"), TimelineKind::Opened);
        store.open_ticket(request(), i64::try_from(second).unwrap(), new_id(), write).await.unwrap().unwrap();
    }
    let mut cursors = Vec::new();
    for position in 1..=20 {
        cursors.push(cursor_at(&store, position).await);
    }
    // Entries 1 to 12 are older than second 12; ranges of at most five.
    let mut gone = Vec::new();
    loop {
        match store.feed_compact(12, 5).await.unwrap() {
            0 => break,
            more => gone.push(more),
        }
    }
    assert_eq!(gone, [5, 5, 2]);
    let beginning = Cursor { position: 0, batch_id: None, ..cursors[0].clone() };
    assert_eq!(no(&store, &beginning).await, Some("BEHIND_HORIZON"));
    for cursor in &cursors {
        let expected = (cursor.position < 12).then_some("BEHIND_HORIZON");
        assert_eq!(no(&store, cursor).await, expected, "{}", cursor.position);
    }
    assert_eq!(store.feed_head().await.unwrap().horizon, 12);
    assert_eq!(whole_feed(&store).await.first().map(|entry| entry.position), Some(13));
    assert_eq!(head(&store).await, cursors[19], "the head stays");

    assert_eq!(store.feed_compact(1_000, 1_000).await.unwrap(), 8);
    let empty = head(&store).await;
    assert_eq!((empty.position, empty.batch_id), (20, None), "a feed that is compacted whole keeps its position");
    assert_eq!(no(&store, &empty).await, None, "and a snapshot of it can be gone on from");
    assert_eq!(no(&store, &cursors[19]).await, None);
    assert_eq!(no(&store, &cursors[18]).await, Some("BEHIND_HORIZON"));
    open_some(&store, 1).await;
    assert_eq!(store.feed_after(20, 10).await.unwrap()[0].position, 21);
    assert_eq!(head(&store).await.incarnation, empty.incarnation, "compaction rewrites nothing");
}

async fn compaction_beside_readers_never_looks_like_a_rewritten_history(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    open_some(&store, 200).await;
    let mut cursors = Vec::new();
    for position in 1..=200 {
        cursors.push(cursor_at(&store, position).await);
    }
    let compactor = {
        let store = home.store().await;
        tokio::spawn(async move { while store.feed_compact(i64::MAX, 3).await.unwrap() > 0 {} })
    };
    while !compactor.is_finished() {
        for cursor in cursors.iter().step_by(7) {
            let refused = no(&store, cursor).await;
            assert!(matches!(refused, None | Some("BEHIND_HORIZON")), "{refused:?} at {}", cursor.position);
        }
    }
    compactor.await.unwrap();
}

/// All aggregates of a snapshot, and where to go on.
async fn read(mut snapshot: Snapshot) -> (Vec<Ticket>, Vec<Bucket>, Vec<(Capability, i64)>, Cursor) {
    let (mut tickets, mut buckets) = (Vec::new(), Vec::new());
    loop {
        match snapshot.next().await.unwrap() {
            Page::Tickets(page) => tickets.extend(page),
            Page::Buckets(page) => buckets.extend(page),
            Page::Standards(_) | Page::Outages(_) | Page::Served(_) | Page::Notices(_) | Page::Progress(_) => {}
            Page::End(capabilities, cursor) => return (tickets, buckets, capabilities, cursor),
        }
    }
}

fn offered(channel: Channel) -> Capability {
    Capability {
        channel,
        metric: "answered".into(),
        offered_from: Some(at(0)),
        reported_from: None,
        reported_through: None,
    }
}

fn declaration(capability: &Capability, version: i64) -> Change {
    Change {
        kind: Kind::Capability,
        key: format!("{}/{}", capability.channel, capability.metric),
        version,
        payload: vec![2],
    }
}

async fn the_pages_of_a_snapshot_are_the_state_at_its_cursor(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let all: Vec<_> = (10_001..=12_300).map(|number| ticket(number, "Mất điện")).collect();
    futures::future::join_all(all.iter().map(|ticket| crate::samples::open(&store, ticket))).await;
    let lease = lease::take(store.db(), "metric roller", "a", 0, i64::MAX).await.unwrap().unwrap();
    // Eight of one start, so that pages end among equals.
    let buckets: Vec<_> = (0..270).flat_map(|quarter| Channel::ALL.iter().map(move |c| bucket(quarter, *c))).collect();
    let changes = buckets.iter().map(change_of_bucket).collect();
    store.publish_buckets(&lease, 0, 0, &buckets, &[], new_id(), 0, changes).await.unwrap();
    let declared =
        store.declare_capabilities(&[offered(Channel::Sms), offered(Channel::Web)], new_id(), 0, declaration).await;
    assert_eq!(declared.unwrap(), 2);

    let before = head(&store).await;
    let snapshot = store.begin_snapshot().await.unwrap();
    // What comes after its beginning is not in it, but in the feed behind its cursor.
    change(&store, all[7].id, note()).await;
    open_new(&store, "sau").await;
    store.declare_capabilities(&[offered(Channel::Sms)], new_id(), 0, declaration).await.unwrap();
    let (tickets, found, capabilities, cursor) = read(snapshot).await;

    let by_id: BTreeMap<_, _> = all.iter().map(|ticket| (ticket.id, ticket)).collect();
    assert_eq!(tickets.iter().collect::<Vec<_>>(), by_id.into_values().collect::<Vec<_>>());
    assert_eq!(found, buckets, "each bucket once");
    assert_eq!(capabilities, [(offered(Channel::Sms), 1), (offered(Channel::Web), 1)]);
    assert_eq!(cursor, before);
    assert_eq!(no(&store, &cursor).await, None);
    let behind: Vec<_> = store
        .feed_after(cursor.position, 10)
        .await
        .unwrap()
        .into_iter()
        .map(|e| (e.change.kind, e.change.version))
        .collect();
    assert_eq!(behind, [(Kind::Ticket, 2), (Kind::Ticket, 1), (Kind::Capability, 2)]);
}

async fn a_snapshot_of_an_empty_node_is_its_end_alone(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let (tickets, buckets, capabilities, cursor) = read(store.begin_snapshot().await.unwrap()).await;
    assert_eq!((tickets.len(), buckets.len(), capabilities.len(), cursor.position), (0, 0, 0, 0));
    assert_eq!(cursor, head(&store).await);
}

async fn what_is_no_longer_declared_is_declared_as_not_offered(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let declare =
        async |wanted: &[Capability]| store.declare_capabilities(wanted, new_id(), 0, declaration).await.unwrap();
    assert_eq!(declare(&[offered(Channel::Sms), offered(Channel::Web)]).await, 2);
    assert_eq!(declare(&[offered(Channel::Sms), offered(Channel::Web)]).await, 0, "a restart says nothing new");
    assert_eq!(declare(&[offered(Channel::Web)]).await, 1);
    assert_eq!(declare(&[offered(Channel::Web)]).await, 0);
    let (_, _, capabilities, _) = read(store.begin_snapshot().await.unwrap()).await;
    let gone = Capability { offered_from: None, ..offered(Channel::Sms) };
    assert_eq!(capabilities, [(gone, 2), (offered(Channel::Web), 1)]);
    let told: Vec<_> =
        whole_feed(&store).await.into_iter().map(|entry| (entry.position, entry.change.version)).collect();
    assert_eq!(told, [(1, 1), (2, 1), (3, 2)]);
}

on_both_engines!(
    a_reader_goes_on_from_wherever_it_is,
    a_cursor_beyond_the_head_means_that_history_was_rewritten,
    another_batch_at_the_cursor_means_that_history_was_rewritten,
    readers_that_find_out_at_once_begin_one_incarnation,
    a_reader_behind_the_horizon_takes_a_snapshot_and_one_at_it_goes_on,
    compaction_beside_readers_never_looks_like_a_rewritten_history,
    the_pages_of_a_snapshot_are_the_state_at_its_cursor,
    a_snapshot_of_an_empty_node_is_its_end_alone,
    what_is_no_longer_declared_is_declared_as_not_offered,
);
