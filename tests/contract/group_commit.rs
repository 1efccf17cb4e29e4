use std::{
    collections::{BTreeMap, HashMap, HashSet},
    future::Future,
    pin::Pin,
    sync::{Mutex, mpsc},
};

use gridcare_chassis::id::new_id;
use gridcare_domain::{
    feed::Entry,
    ticket::{Ticket, TimelineKind},
};
use gridcare_store::{
    NodeStore, StoreError,
    request::Request,
    writer::{Answer, DecideTicket},
};
use gridcare_tests::{Place, eventually};
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    task::block_in_place,
};
use tokio_util::sync::CancellationToken;

use crate::{
    on_both_engines,
    samples::{Home, MORNING_US, RESPOND, call, change, note, open_new, refuse, request, ticket, whole_feed, write},
};

/// What is wrong with a feed; nothing when it is dense from 1, and its aggregates and batches are in order.
pub(crate) fn faults(feed: &[Entry]) -> Vec<String> {
    let mut found = Vec::new();
    let mut versions: HashMap<&str, i64> = HashMap::new();
    let mut ended: HashSet<uuid::Uuid> = HashSet::new();
    let mut in_batch: HashSet<&str> = HashSet::new();
    for (i, (expected, entry)) in (1..).zip(feed).enumerate() {
        if entry.position != expected {
            found.push(format!("position {} where {expected} belongs", entry.position));
        }
        let version = versions.entry(&entry.change.key).or_insert(0);
        if entry.change.version != *version + 1 {
            found.push(format!("at {expected} version {} of an aggregate after {version}", entry.change.version));
        }
        *version = entry.change.version;
        if i > 0 && feed[i - 1].batch_id != entry.batch_id {
            ended.insert(feed[i - 1].batch_id);
            in_batch.clear();
        }
        if ended.contains(&entry.batch_id) {
            found.push(format!("at {expected} a batch that had ended"));
        }
        if !in_batch.insert(&entry.change.key) {
            found.push(format!("at {expected} an aggregate twice in one batch"));
        }
    }
    found
}

/// Reads a feed as a live reader does, until it has seen the end and been told to stop.
fn follow(store: NodeStore, stop: CancellationToken) -> tokio::task::JoinHandle<Vec<Entry>> {
    tokio::spawn(async move {
        let mut seen: Vec<Entry> = Vec::new();
        loop {
            let last = stop.is_cancelled();
            let after = seen.last().map_or(0, |entry| entry.position);
            let page = store.feed_after(after, 50).await.unwrap();
            if page.is_empty() {
                if last {
                    return seen;
                }
                tokio::task::yield_now().await;
            }
            seen.extend(page);
        }
    })
}

async fn of_64_writers_over_two_processes_the_feed_loses_and_confuses_nothing(place: Place) {
    const WRITERS: usize = 64;
    const NOTES: usize = 4;
    let home = Home::new(place).await;
    let stores = [home.store().await, home.store().await];
    let stop = CancellationToken::new();
    let follower = follow(home.store().await, stop.clone());
    let mut shared = Vec::new();
    for _ in 0..4 {
        shared.push(open_new(&stores[0], "mọi người cùng ghi").await.id);
    }
    let writers: Vec<_> = (0..WRITERS)
        .map(|i| {
            let store = stores[i % 2].clone();
            let shared = shared.clone();
            tokio::spawn(async move {
                let own = open_new(&store, "của riêng").await.id;
                for n in 0..NOTES {
                    change(&store, own, note()).await;
                    change(&store, shared[(i + n) % shared.len()], note()).await;
                }
                own
            })
        })
        .collect();
    let mut own = Vec::new();
    for writer in writers {
        own.push(writer.await.unwrap());
    }
    stop.cancel();
    let live = follower.await.unwrap();

    let feed = whole_feed(&stores[0]).await;
    assert_eq!(faults(&feed), Vec::<String>::new());
    assert_eq!(feed.len(), 4 + WRITERS * (1 + 2 * NOTES), "one entry for each acknowledged write");
    assert_eq!(live, feed, "the follower missed none and saw them in the same order");
    assert_eq!(stores[1].feed_head().await.unwrap().cursor.position, i64::try_from(feed.len()).unwrap());
    let notes = i64::try_from(NOTES).unwrap();
    for id in own {
        assert_eq!(stores[1].ticket(id).await.unwrap().unwrap().version, 1 + notes);
    }
    let mut on_shared = 0;
    for id in shared {
        on_shared += stores[1].ticket(id).await.unwrap().unwrap().version - 1;
    }
    assert_eq!(on_shared, i64::try_from(WRITERS).unwrap() * notes, "no change of a shared ticket was lost");
}

#[test]
fn the_check_of_a_feed_finds_gaps_duplicates_and_disorder() {
    let entry = |position: i64, key: &str, version: i64, batch: u128| Entry {
        position,
        batch_id: uuid::Uuid::from_u128(batch),
        committed_us: 0,
        change: gridcare_domain::feed::Change {
            kind: gridcare_domain::feed::Kind::Ticket,
            key: key.into(),
            version,
            payload: vec![],
        },
    };
    assert!(faults(&[entry(1, "a", 1, 1), entry(2, "b", 1, 1), entry(3, "a", 2, 2)]).is_empty());
    for bad in [
        vec![entry(1, "a", 1, 1), entry(3, "b", 1, 1)],
        vec![entry(1, "a", 1, 1), entry(1, "a", 1, 1)],
        vec![entry(2, "a", 1, 1)],
        vec![entry(1, "a", 2, 1), entry(2, "a", 1, 2)],
        vec![entry(1, "a", 1, 1), entry(2, "a", 2, 1)],
        vec![entry(1, "a", 1, 1), entry(2, "b", 1, 2), entry(3, "c", 1, 1)],
    ] {
        assert!(!faults(&bad).is_empty(), "{bad:?}");
    }
}

/// Members that wait in the queue of a writer which is held in the middle of a batch, so that they become one batch.
struct Queue<'a> {
    store: &'a NodeStore,
    release: mpsc::Sender<()>,
    waiting: Vec<Pin<Box<dyn Future<Output = Answer> + Send + 'a>>>,
}

impl<'a> Queue<'a> {
    /// Holds the writer inside the decision about a ticket.
    async fn new(store: &'a NodeStore) -> Self {
        let ticket = open_new(store, "hãy chờ").await;
        let (entered, inside) = mpsc::channel();
        let (release, held) = mpsc::channel::<()>();
        let gate = Mutex::new((entered, held));
        let decide: DecideTicket = Box::new(move |ticket| {
            let gate = gate.lock().unwrap();
            let _ = gate.0.send(());
            // A worker that is shared hands its other tasks on, or nobody might drive timers and sockets meanwhile.
            let _ = match Handle::current().runtime_flavor() {
                RuntimeFlavor::MultiThread => block_in_place(|| gate.1.recv()),
                _ => gate.1.recv(),
            };
            Ok(write(Ticket { version: ticket.version + 1, ..ticket.clone() }, TimelineKind::Note))
        });
        let mut queue = Self { store, release, waiting: Vec::new() };
        queue.add(store.change_ticket(request(), MORNING_US, new_id(), ticket.id, decide)).await;
        eventually("the writer is inside the decision", || {
            let entered = inside.try_recv().ok();
            async move { entered }
        })
        .await;
        queue
    }

    async fn add(&mut self, member: impl Future<Output = Answer> + Send + 'a) {
        let mut member: Pin<Box<dyn Future<Output = Answer> + Send + 'a>> = Box::pin(member);
        // The first poll puts it into the queue.
        assert!(futures::poll!(&mut member).is_pending());
        self.waiting.push(member);
    }

    async fn open(&mut self, ticket: Ticket) {
        let opening = self.store.open_ticket(request(), MORNING_US, new_id(), write(ticket, TimelineKind::Opened));
        self.add(opening).await;
    }

    /// Lets the writer go on; the answers of the members, without the first one that was held.
    async fn answers(self) -> Vec<Answer> {
        self.release.send(()).unwrap();
        let mut answers = futures::future::join_all(self.waiting).await;
        answers.remove(0).unwrap().unwrap();
        answers
    }
}

async fn members_that_wait_together_are_one_batch(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let mut queue = Queue::new(&store).await;
    for number in 100..164 {
        queue.open(ticket(number, "cùng nhau")).await;
    }
    assert!(queue.answers().await.into_iter().all(|answer| answer.unwrap().is_ok()));
    let feed = whole_feed(&store).await;
    assert_eq!(faults(&feed), Vec::<String>::new());
    let batches: HashSet<_> = feed[2..].iter().map(|entry| entry.batch_id).collect();
    // Half of them and the other half; a batch that goes beside others is not divided below these.
    let commits = if place == Place::Postgres { 1 } else { 2 };
    assert_eq!((feed.len(), batches.len()), (66, commits), "64 openings");
}

async fn repetitions_among_openings_have_their_answers_and_the_others_are_opened(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let known = request();
    let open = |number: u64| write(ticket(number, "lặp lại"), TimelineKind::Opened);
    let first = store.open_ticket(known, MORNING_US, new_id(), open(99)).await.unwrap().unwrap();
    let twice = request();
    let mut queue = Queue::new(&store).await;
    for number in 100..130 {
        queue.open(ticket(number, "mới")).await;
    }
    queue.add(store.open_ticket(known, MORNING_US, new_id(), open(130))).await;
    queue.add(store.open_ticket(Request { body: new_id(), ..known }, MORNING_US, new_id(), open(131))).await;
    for number in [132, 133] {
        queue.add(store.open_ticket(twice, MORNING_US, new_id(), open(number))).await;
    }
    let answers: Vec<_> = queue.answers().await.into_iter().map(Result::unwrap).collect();
    assert!(answers[..30].iter().all(Result::is_ok));
    assert_eq!(answers[30], Ok(first));
    assert_eq!(answers[31].as_ref().unwrap_err().reason, "REQUEST_ID_REUSED");
    assert!(answers[32].is_ok());
    assert_eq!(answers[32], answers[33], "one opened it and the other was told");
    let feed = whole_feed(&store).await;
    assert_eq!(faults(&feed), Vec::<String>::new());
    assert_eq!(feed.len(), 1 + 2 + 30 + 1);
}

async fn of_64_members_with_one_poison_63_succeed(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let mut queue = Queue::new(&store).await;
    let twin = ticket(100, "sinh đôi");
    queue.open(twin.clone()).await;
    for number in 101..163 {
        queue.open(ticket(number, "vô tội")).await;
    }
    queue.open(Ticket { id: twin.id, ..ticket(163, "cùng id") }).await;
    let answers = queue.answers().await;
    assert_eq!(answers.len(), 64);
    assert_eq!(answers.iter().filter(|answer| matches!(answer, Ok(Ok(_)))).count(), 63);
    assert_eq!(answers.iter().filter(|answer| answer.is_err()).count(), 1, "and the one is told");
    let feed = whole_feed(&store).await;
    assert_eq!(faults(&feed), Vec::<String>::new());
    assert_eq!(feed.len(), 2 + 63);
}

/// Postgres stores no NUL, so that a text with one breaks the whole statement and not a row of it.
#[tokio::test(flavor = "multi_thread")]
async fn of_64_members_with_a_nul_63_succeed_on_postgres() {
    let home = Home::new(Place::Postgres).await;
    let store = home.store().await;
    let mut queue = Queue::new(&store).await;
    for number in 100..164 {
        queue.open(ticket(number, if number == 131 { "\0" } else { "vô tội" })).await;
    }
    let answers = queue.answers().await;
    let failed: Vec<_> =
        answers.iter().zip(100..).filter(|(answer, _)| answer.is_err()).map(|(_, number)| number).collect();
    assert_eq!(failed, [131]);
    assert_eq!(faults(&whole_feed(&store).await), Vec::<String>::new());
    assert_eq!(whole_feed(&store).await.len(), 2 + 63);
}

async fn changes_of_one_ticket_that_wait_together_see_each_other(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let id = open_new(&store, "nhiều ghi chú").await.id;
    let other = open_new(&store, "khác").await.id;
    let mut queue = Queue::new(&store).await;
    for n in 0..20 {
        let decide = if n % 5 == 4 { refuse("EVERY_FIFTH") } else { note() };
        queue.add(store.change_ticket(request(), MORNING_US, new_id(), id, decide)).await;
        queue.add(store.change_ticket(request(), MORNING_US, new_id(), other, note())).await;
    }
    let answers = queue.answers().await;
    let refused =
        answers.iter().filter(|answer| matches!(answer, Ok(Err(refusal)) if refusal.reason == "EVERY_FIFTH")).count();
    assert_eq!((refused, answers.iter().filter(|answer| matches!(answer, Ok(Ok(_)))).count()), (4, 36));
    assert_eq!(store.ticket(id).await.unwrap().unwrap().version, 1 + 16);
    assert_eq!(store.ticket(other).await.unwrap().unwrap().version, 1 + 20);
    assert_eq!(store.timeline(id, 100).await.unwrap().len(), 1 + 16, "a refusal leaves no entry");
    assert_eq!(faults(&whole_feed(&store).await), Vec::<String>::new());
}

async fn tickets_and_contacts_share_a_batch_and_a_known_key_refuses_only_itself(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let going_on = crate::samples::unfinished(&call("api", "one", 0));
    store.record_contact(request(), MORNING_US, new_id(), going_on.clone(), RESPOND).await.unwrap().unwrap();
    let mut queue = Queue::new(&store).await;
    queue.open(ticket(100, "cùng nhau")).await;
    for key in ["two", "one", "three", "three"] {
        queue.add(store.record_contact(request(), MORNING_US, new_id(), call("api", key, 5), RESPOND)).await;
    }
    let answers = queue.answers().await;
    let outcome: Vec<_> =
        answers.iter().map(|answer| answer.as_ref().unwrap().as_ref().err().map(|refusal| refusal.reason)).collect();
    assert_eq!(outcome[..3], [None, None, Some("SOURCE_KEY_USED")], "also while that contact goes on");
    let of_three: HashSet<_> = outcome[3..].iter().collect();
    assert_eq!(of_three, HashSet::from([&None, &Some("SOURCE_KEY_USED")]), "of two equal keys one is first");
    let stored: BTreeMap<_, _> =
        store.contacts_after(0, 10).await.unwrap().into_iter().map(|c| (c.contact.source_key.clone(), c)).collect();
    assert_eq!(stored.keys().map(String::as_str).collect::<Vec<_>>(), ["one", "three", "two"]);
    assert_eq!(stored["one"].contact, going_on, "nobody but a correction or an import ends it");
    let answer = answers[1].as_ref().unwrap().as_ref().unwrap();
    assert_eq!(*answer, RESPOND(&stored["two"]), "the answer is what was stored");
    assert_eq!(store.contact_head().await.unwrap(), 3, "arrivals have no gap from what was refused");
}

async fn a_stopped_store_finishes_what_it_has_accepted_and_takes_no_more(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let mut queue = Queue::new(&store).await;
    for number in 100..164 {
        queue.open(ticket(number, "cuối cùng")).await;
    }
    let closing = store.clone();
    let close = tokio::spawn(async move { closing.close().await });
    assert!(queue.answers().await.into_iter().all(|answer| answer.unwrap().is_ok()));
    close.await.unwrap();
    let late = write(ticket(200, "quá muộn"), TimelineKind::Opened);
    let answer = store.open_ticket(request(), MORNING_US, new_id(), late).await;
    assert!(matches!(answer, Err(StoreError::Stopped)));
    assert_eq!(whole_feed(&home.store().await).await.len(), 2 + 64);
}

on_both_engines!(
    of_64_writers_over_two_processes_the_feed_loses_and_confuses_nothing,
    members_that_wait_together_are_one_batch,
    repetitions_among_openings_have_their_answers_and_the_others_are_opened,
    of_64_members_with_one_poison_63_succeed,
    changes_of_one_ticket_that_wait_together_see_each_other,
    tickets_and_contacts_share_a_batch_and_a_known_key_refuses_only_itself,
    a_stopped_store_finishes_what_it_has_accepted_and_takes_no_more,
);
