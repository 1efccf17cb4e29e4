use std::collections::BTreeMap;

use gridcare_domain::{
    capability::Capability,
    completeness::Reach,
    contact::{Channel, Direction},
    feed::{Cursor, Intake, Taken},
    metric::{Bucket, BucketKey, Definition, QUARTER_US},
    ticket::{Priority, State},
};
use jiff::Timestamp;
use proptest::prelude::*;
use sqlx::Connection as _;
use uuid::Uuid;

use super::*;
use crate::lease::Lease;

const LEASE: &str = "feed:north";

/// A gateway's database of its own, for each engine that is there.
async fn stores() -> Vec<(GatewayStore, Option<tempfile::TempDir>)> {
    let folder = tempfile::tempdir().unwrap();
    let address = format!("sqlite:{}", folder.path().join("gateway.db").display());
    let mut stores = vec![(GatewayStore::open(&address, 4).await.unwrap(), Some(folder))];
    if let Some(server) = option_env_postgres() {
        let name = format!("gateway_{}", Uuid::from_u128(rand_bits()).simple());
        let mut admin = sqlx::PgConnection::connect(&server).await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut admin).await.unwrap();
        let (base, query) =
            server.split_once('?').map_or((server.as_str(), String::new()), |(b, q)| (b, format!("?{q}")));
        let base = base.rsplit_once('/').unwrap().0;
        stores.push((GatewayStore::open(&format!("{base}/{name}{query}"), 4).await.unwrap(), None));
    }
    for (store, _) in &stores {
        let seat = Seat {
            node: "n1".into(),
            region: "north".into(),
            endpoint: "http://127.0.0.1:1".into(),
            expected_from_us: 0,
        };
        store.seat(&[seat]).await.unwrap();
    }
    stores
}

#[expect(clippy::disallowed_methods, reason = "the switch of a test, not configuration")]
fn option_env_postgres() -> Option<String> {
    std::env::var("GRIDCARE_TEST_POSTGRES").ok()
}

fn rand_bits() -> u128 {
    use std::hash::{BuildHasher as _, RandomState};
    let half = || u128::from(RandomState::new().hash_one(std::process::id()));
    half() << 64 | half()
}

fn incarnation() -> Uuid {
    Uuid::from_u128(7)
}

fn at(position: i64) -> Cursor {
    if position == 0 {
        return Cursor { incarnation: Uuid::nil(), position: 0, batch_id: None };
    }
    Cursor {
        incarnation: incarnation(),
        position,
        batch_id: Some(Uuid::from_u128(1000 + u128::try_from(position).unwrap())),
    }
}

fn ticket(id: u128, version: i64, state: State) -> NationalChange {
    NationalChange::Ticket(FederatedTicket {
        id: Uuid::from_u128(id),
        reference: format!("N-{id}"),
        version,
        state,
        priority: Priority::Normal,
        topic: if id.is_multiple_of(2) { "outage" } else { "billing" }.into(),
        channel: "hotline".into(),
        province: "VN-HN".into(),
        customer_pseudonym: String::new(),
        assignee_pseudonym: String::new(),
        opened_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
        resolved_at: None,
        closed_at: None,
        category: String::new(),
        team: String::new(),
        standard: String::new(),
        clocks: Vec::new(),
        first_response_at: None,
        parent_id: None,
        merged_into_id: None,
        satisfaction: 0,
        rated_at: None,
        repetition: 0,
        locality: 0,
    })
}

fn bucket(quarter: i64, revision: i64, contacts: i64) -> NationalChange {
    let key = BucketKey { channel: Channel::Hotline, direction: Direction::Inbound, start_us: quarter * QUARTER_US };
    let mut bucket = Bucket::new(key, &Definition::default(), "k");
    bucket.revision = revision;
    bucket.counts.contacts = contacts;
    NationalChange::Bucket(bucket)
}

fn capability(version: i64) -> NationalChange {
    let from = |day: i64| Timestamp::from_second(day * 86_400).ok();
    let capability = Capability {
        channel: Channel::Web,
        metric: "visits".into(),
        offered_from: from(version),
        reported_from: None,
        reported_through: None,
    };
    NationalChange::Capability(capability, version)
}

fn frame(from: Cursor, to: Cursor, changes: Vec<NationalChange>) -> Frame {
    let head = to.position;
    Frame { node: "n1".into(), from, to, head, changes }
}

async fn leased(store: &GatewayStore, holder: &str, now_us: i64, until_us: i64) -> Lease {
    crate::lease::take(store.db(), LEASE, holder, now_us, until_us).await.unwrap().unwrap()
}

/// Everything that readers can see.
async fn picture(store: &GatewayStore) -> String {
    let tickets = store.national_tickets(&NationalTicketQuery::default(), None, 1_000).await.unwrap();
    let buckets = store.national_buckets("n1", i64::MIN, i64::MAX).await.unwrap();
    let sketches = store.national_sketches("n1", i64::MIN, i64::MAX).await.unwrap();
    let capabilities = store.capabilities("n1").await.unwrap();
    let totals = store.ticket_totals("n1").await.unwrap();
    let cursor = store.member("n1").await.unwrap().unwrap().cursor;
    format!("{tickets:?}\n{buckets:?}\n{sketches:?}\n{capabilities:?}\n{totals:?}\n{cursor:?}")
}

#[tokio::test]
async fn a_frame_is_applied_once_and_only_under_its_lease() {
    for (store, _folder) in stores().await {
        let first = leased(&store, "a", 0, 100).await;
        let opening =
            frame(at(0), at(3), vec![ticket(1, 1, State::New), ticket(1, 2, State::Closed), bucket(4, 1, 10)]);
        store.apply(&first, &opening, 5).await.unwrap();
        let before = picture(&store).await;
        // The same again: the cursor is no longer where it was read from.
        assert!(matches!(store.apply(&first, &opening, 6).await, Err(StoreError::LeaseLost(_))));
        assert_eq!(picture(&store).await, before);

        // Another takes over after the lease ran out; the first wakes up and goes on as if nothing had happened.
        let second = leased(&store, "b", 101, 300).await;
        let next = frame(at(3), at(4), vec![bucket(4, 2, 11)]);
        assert!(matches!(store.apply(&first, &next, 7).await, Err(StoreError::LeaseLost(_))));
        assert!(matches!(store.bookmark(&first, "n1", 9, 7).await, Err(StoreError::LeaseLost(_))));
        assert!(matches!(store.failing(&first, "n1", Reach::Timeout, 7).await, Err(StoreError::LeaseLost(_))));
        assert!(matches!(store.begin_snapshot(&first, "n1").await, Err(StoreError::LeaseLost(_))));
        assert_eq!(picture(&store).await, before);
        store.apply(&second, &next, 8).await.unwrap();
        let sums = store.period_sums("n1", 0, i64::MAX).await.unwrap();
        assert_eq!((sums.len(), sums[0].counts.contacts), (1, 11));
        assert_eq!(store.ticket_totals("n1").await.unwrap(), TicketTotals { open: 0, total: 1 });
    }
}

#[tokio::test]
async fn a_known_or_older_state_changes_nothing() {
    for (store, _folder) in stores().await {
        let lease = leased(&store, "a", 0, 100).await;
        let states = vec![ticket(2, 5, State::Assigned), bucket(1, 5, 50), capability(5)];
        store.apply(&lease, &frame(at(0), at(1), states), 1).await.unwrap();
        let old =
            vec![ticket(2, 4, State::New), bucket(1, 4, 40), capability(4), ticket(2, 5, State::New), bucket(1, 5, 51)];
        store.apply(&lease, &frame(at(1), at(2), old), 1).await.unwrap();
        let seen = store.national_tickets(&NationalTicketQuery::default(), None, 10).await.unwrap();
        assert_eq!(seen[0].ticket.state, State::Assigned);
        assert_eq!(store.ticket_totals("n1").await.unwrap(), TicketTotals { open: 1, total: 1 });
        assert_eq!(store.period_sums("n1", 0, i64::MAX).await.unwrap()[0].counts.contacts, 50);
        assert_eq!(store.capabilities("n1").await.unwrap()[0].offered_from, Timestamp::from_second(5 * 86_400).ok());
    }
}

#[tokio::test]
async fn a_snapshot_replaces_everything_even_by_lower_versions() {
    for (store, _folder) in stores().await {
        let lease = leased(&store, "a", 0, 100).await;
        let old = vec![
            ticket(1, 9, State::Closed),
            ticket(2, 3, State::New),
            bucket(1, 9, 90),
            bucket(2, 1, 5),
            capability(3),
        ];
        store.apply(&lease, &frame(at(0), at(9), old), 1).await.unwrap();

        // One that breaks off leaves the cursor where it was, so that it is taken again.
        let broken = store.begin_snapshot(&lease, "n1").await.unwrap();
        store.snapshot_part(&lease, "n1", broken, &[ticket(5, 1, State::New)]).await.unwrap();
        assert_eq!(store.member("n1").await.unwrap().unwrap().cursor, at(9));

        let number = store.begin_snapshot(&lease, "n1").await.unwrap();
        store.snapshot_part(&lease, "n1", number, &[ticket(1, 2, State::Assigned), bucket(1, 2, 20)]).await.unwrap();
        let reborn = Cursor { incarnation: Uuid::from_u128(8), position: 4, batch_id: Some(Uuid::from_u128(44)) };
        store.end_snapshot(&lease, "n1", number, &reborn, 2).await.unwrap();

        let tickets = store.national_tickets(&NationalTicketQuery::default(), None, 10).await.unwrap();
        assert_eq!((tickets.len(), tickets[0].ticket.version), (1, 2));
        assert_eq!(store.ticket_totals("n1").await.unwrap(), TicketTotals { open: 1, total: 1 });
        let sums = store.period_sums("n1", 0, i64::MAX).await.unwrap();
        assert_eq!(sums[0].counts.contacts, 20);
        assert_eq!(store.national_sketches("n1", 0, i64::MAX).await.unwrap().len(), 1);
        assert!(store.capabilities("n1").await.unwrap().is_empty());
        assert_eq!(store.member("n1").await.unwrap().unwrap().cursor, reborn);
        // The feed goes on from there.
        let next = Cursor { position: 5, ..reborn.clone() };
        store.apply(&lease, &frame(reborn, next, vec![ticket(1, 3, State::Closed)]), 3).await.unwrap();
        assert_eq!(store.ticket_totals("n1").await.unwrap(), TicketTotals { open: 0, total: 1 });
    }
}

#[tokio::test]
async fn since_is_kept_while_attempts_fail_and_a_bookmark_ends_it() {
    for (store, _folder) in stores().await {
        let lease = leased(&store, "a", 0, 100).await;
        let at = |us| Timestamp::from_microsecond(us).unwrap();
        store.failing(&lease, "n1", Reach::Unreachable, 10).await.unwrap();
        store.failing(&lease, "n1", Reach::Timeout, 20).await.unwrap();
        let link = store.member("n1").await.unwrap().unwrap().link;
        assert_eq!((link.seen_at, link.failing), (None, Some((Reach::Timeout, at(10)))));
        store.bookmark(&lease, "n1", 6, 30).await.unwrap();
        let member = store.member("n1").await.unwrap().unwrap();
        assert_eq!((member.link.seen_at, member.link.failing, member.behind()), (Some(at(30)), None, 6));
    }
}

#[tokio::test]
async fn pages_are_whole_under_every_filter() {
    for (store, _folder) in stores().await {
        let lease = leased(&store, "a", 0, 100).await;
        let states = [State::New, State::Assigned, State::Closed];
        let all: Vec<_> = (1..=30).map(|id| ticket(id, 1, states[usize::try_from(id % 3).unwrap()])).collect();
        store.apply(&lease, &frame(at(0), at(30), all), 1).await.unwrap();
        let queries = [
            (NationalTicketQuery::default(), 30),
            (NationalTicketQuery { nodes: vec!["n1".into(), "n2".into()], ..Default::default() }, 30),
            (NationalTicketQuery { states: vec![State::New, State::Closed], ..Default::default() }, 20),
            (NationalTicketQuery { nodes: vec!["n1".into()], states: vec![State::New], ..Default::default() }, 10),
            (NationalTicketQuery { topics: vec!["outage".into()], ..Default::default() }, 15),
            (NationalTicketQuery { nodes: vec!["n2".into()], ..Default::default() }, 0),
        ];
        for (query, expected) in queries {
            let (mut seen, mut after) = (Vec::new(), None);
            loop {
                let page = store.national_tickets(&query, after.as_ref(), 7).await.unwrap();
                let Some(last) = page.last() else { break };
                after = Some(TicketAfter { id: last.ticket.id, node: last.node.clone() });
                seen.extend(page.iter().map(|t| t.ticket.id));
            }
            assert_eq!(seen.len(), expected, "{query:?}");
            assert!(seen.is_sorted_by(|a, b| a > b), "{query:?}");
        }
    }
}

#[tokio::test]
async fn replicas_are_counted_while_they_are_seen() {
    for (store, _folder) in stores().await {
        assert_eq!(store.replica_seen("a", 100, 90).await.unwrap(), 1);
        assert_eq!(store.replica_seen("b", 105, 95).await.unwrap(), 2);
        assert_eq!(store.replica_seen("b", 120, 110).await.unwrap(), 1);
        store.replica_leaves("b").await.unwrap();
        assert_eq!(store.replica_seen("a", 125, 115).await.unwrap(), 1);
    }
}

#[tokio::test]
async fn every_statement_is_served_by_an_index() {
    for (store, _folder) in stores().await {
        for statement in gateway_statements() {
            let plan = store.db().plan(statement).await.unwrap();
            // Lists of all of a small table, in the order of its key.
            let whole = ["MEMBER_LIST", "LEASE_LIST", "NATIONAL_ACKNOWLEDGEMENT_IN_FORCE"].contains(&statement.name);
            // SQLite says SCAN also of the rows that a bulk statement binds.
            let tables = ["lease", "gateway_replica", "member", "national_", "t "];
            let scans = tables.iter().any(|table| plan.contains(&format!("SCAN {table}"))) || plan.contains("Seq Scan");
            assert!(whole || !scans, "{}: {plan}", statement.name);
        }
    }
}

/// What a faulty wire does to a stream.
#[derive(Debug, Clone)]
enum Fault {
    Repeat(usize),
    Swap(usize),
    Cut(usize),
}

fn faults() -> impl Strategy<Value = Vec<Fault>> {
    let fault = prop_oneof![
        (0..400_usize).prop_map(Fault::Repeat),
        (0..400_usize).prop_map(Fault::Swap),
        (0..400_usize).prop_map(Fault::Cut)
    ];
    prop::collection::vec(fault, 0..12)
}

/// A feed of tickets, buckets and capabilities whose versions grow.
fn feed_of(keys: &[u8]) -> Vec<(i64, NationalChange)> {
    let mut versions: BTreeMap<u8, i64> = BTreeMap::new();
    let state = |version: i64| if version % 3 == 0 { State::Closed } else { State::Assigned };
    let entry = |(index, key): (usize, &u8)| {
        let version = versions.entry(*key).and_modify(|v| *v += 1).or_insert(1);
        let change = match key {
            0 => capability(*version),
            1..=3 => ticket(u128::from(*key), *version, state(*version)),
            _ => bucket(i64::from(*key), *version, *version * 10),
        };
        (i64::try_from(index).unwrap() + 1, change)
    };
    keys.iter().enumerate().map(entry).collect()
}

/// Follows the feed over a wire with these faults, as a follower does: take, apply, begin again after a gap.
async fn follow(store: &GatewayStore, lease: &Lease, feed: &[(i64, NationalChange)], faults: Vec<Fault>) {
    let mut faults = faults.into_iter();
    loop {
        let from = store.member("n1").await.unwrap().unwrap().cursor;
        let mut wire: Vec<_> = feed.iter().filter(|(position, _)| *position > from.position).cloned().collect();
        let fault = faults.next();
        if let len @ 1.. = wire.len() {
            match &fault {
                Some(Fault::Repeat(i)) => {
                    let again = wire[i % len].clone();
                    wire.push(again.clone());
                    wire.insert(0, again);
                }
                Some(Fault::Swap(i)) => wire.swap(i % len, 0),
                Some(Fault::Cut(i)) => wire.truncate(i % len),
                None => {}
            }
        }
        let mut intake = Intake::after(from.position);
        for frames in wire.chunks(5) {
            let begin = intake.position();
            let mut changes = Vec::new();
            let mut gap = false;
            for (position, change) in frames {
                match intake.take(*position) {
                    Taken::Apply => changes.push(change.clone()),
                    Taken::Known => {}
                    Taken::Gap => gap = true,
                }
                if gap {
                    break;
                }
            }
            store.apply(lease, &frame(at(begin), at(intake.position()), changes), 1).await.unwrap();
            if gap {
                break;
            }
        }
        if fault.is_none() {
            break;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn a_faulty_wire_ends_in_the_state_of_the_plain_feed(keys in prop::collection::vec(0..8_u8, 1..50), faults in faults()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let feed = feed_of(&keys);
            for ((plain, _a), (faulty, _b)) in stores().await.into_iter().zip(stores().await) {
                let lease = leased(&plain, "a", 0, 100).await;
                follow(&plain, &lease, &feed, vec![]).await;
                let lease = leased(&faulty, "a", 0, 100).await;
                follow(&faulty, &lease, &feed, faults.clone()).await;
                let (plain_picture, faulty_picture) = (picture(&plain).await, picture(&faulty).await);
                plain.close().await;
                faulty.close().await;
                assert_eq!(plain_picture, faulty_picture);
            }
        });
    }
}
