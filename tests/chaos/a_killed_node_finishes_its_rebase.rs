use std::{collections::BTreeMap, time::Duration};

use futures::StreamExt as _;
use gridcare_chassis::clock::{Clock as _, SystemClock};
use gridcare_domain::standard::{SecretKey, builtin};
use gridcare_proto::{
    convert::{ticket::etag, time},
    standard::v1 as standard,
    ticket::v1::{self as ticket, TimelineKind, imported_event::Event, ticket_service_client::TicketServiceClient},
};
use gridcare_tests::{
    Place, Process, calls, eventually, tool, within,
    world::{CAPABILITIES, NodeOf, World},
};
use jiff::Timestamp;
use tonic::transport::Channel;

crate::on_both_engines!(every_open_ticket_comes_under_the_new_standard_once);

/// What tickets of another system are about.
const IMPORTED: &str = "Mất điện từ hệ thống cũ";
/// Tickets that were put under the new standard; those that were opened under it are at their first version.
const FOLLOWED: &str = "SELECT COUNT(*) FROM ticket WHERE standard = 'evn-2013.2' AND version = 2";
/// Whether it stands written that all have followed.
const NOTED: &str = "SELECT rebased FROM standard WHERE name = 'evn-2013.2'";
/// Ends the lease of a process that is dead, so that nobody waits for it.
const GIVEN_BACK: &str = "UPDATE lease SET until_us = 0 WHERE name = 'clocks follow' RETURNING until_us";
/// How often the lease changed hands, once it is given back.
const HANDS: &str = "SELECT epoch FROM lease WHERE name = 'clocks follow' AND until_us = 0";

/// Tickets that are there, kills while their clocks follow, and whether a dead process's lease runs out by itself.
struct Trial {
    tickets: usize,
    kills: usize,
    patient: bool,
}

impl Trial {
    fn asked_for() -> Self {
        match std::env::var_os("GRIDCARE_TEST_LONG") {
            Some(_) => Self { tickets: 50_000, kills: 3, patient: true },
            None => Self { tickets: 5_000, kills: 2, patient: false },
        }
    }
}

async fn every_open_ticket_comes_under_the_new_standard_once(place: Place) {
    let trial = Trial::asked_for();
    let world = country(place);
    let database = place.database(&world.folder, "node").await;
    let of = NodeOf { id: "hcmc-1", region: "HCMC", capabilities: CAPABILITIES };
    let mut node = world.node_on(&of, &database).await;
    import(&node, trial.tickets).await;
    offer(&node).await;

    let all = i64::try_from(trial.tickets).unwrap();
    let (mut opened, mut broken_off) = (Vec::new(), Vec::new());
    let mut before = 0;
    for _ in 0..trial.kills {
        let opening = tokio::spawn(open_until_gone(calls::tickets(&node)));
        eventually("some more clocks have followed", || async {
            let followed = number(&database, FOLLOWED).await;
            (followed > before || followed >= all).then_some(())
        })
        .await;
        node.kill();
        opened.extend(opening.await.unwrap());
        before = number(&database, FOLLOWED).await;
        broken_off.push((before, number(&database, NOTED).await));
        if !trial.patient {
            number(&database, GIVEN_BACK).await;
        }
        node.restart().await;
    }
    assert!(broken_off.iter().any(|(_, noted)| *noted == 0), "all had followed before a kill: {broken_off:?}");
    within(Duration::from_mins(2), "it is noted that all have followed", || async {
        (number(&database, NOTED).await == 1).then_some(())
    })
    .await;

    let there = tickets(&node).await;
    for ticket in there.values() {
        assert_eq!(ticket.standard, "evn-2013.2", "{ticket:?}");
        let clock = ticket.clocks.iter().find(|clock| clock.target == "restore_after_fault").unwrap();
        let limit = clock.deadline.unwrap().seconds - ticket.opened_at.unwrap().seconds;
        assert_eq!(limit, 3 * 3_600, "{ticket:?}");
    }
    let imported: Vec<_> = there.values().filter(|ticket| ticket.subject == IMPORTED).collect();
    assert_eq!(imported.len(), trial.tickets);
    assert!(imported.iter().all(|ticket| ticket.etag == etag(2)), "an imported ticket was not changed exactly once");
    assert!(!opened.is_empty(), "nothing was opened meanwhile");
    for id in &opened {
        let ticket = there.get(id).unwrap_or_else(|| panic!("{id} was acknowledged and is lost"));
        // Whatever was opened before the new standard held has followed it once.
        assert!([etag(1), etag(2)].contains(&ticket.etag), "{ticket:?}");
    }
    // One at each kill nobody was answered about.
    assert!(there.len() <= imported.len() + opened.len() + trial.kills, "tickets are there that nobody opened");
    changed_without_a_word(&node, &imported[0].id).await;
    let verified = tool::run(&["report", "verify", "--address", &node.endpoint()]).await;
    assert_eq!((verified.code, verified.out.contains(" 0 differ")), (Some(0), true), "{verified:?}");
    eprintln!("{} opened meanwhile; had followed at each kill, and was it noted: {broken_off:?}", opened.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_of_two_processes_has_rebased_the_other_does_not_go_through_again() {
    let world = country(Place::Postgres);
    let database = world.place.database(&world.folder, "shared").await;
    let of = NodeOf { id: "hcmc-1", region: "HCMC", capabilities: CAPABILITIES };
    let nodes = [world.node_on(&of, &database).await, world.node_on(&of, &database).await];
    import(&nodes[0], 10).await;
    offer(&nodes[0]).await;
    eventually("each has had the lease and given it back", || async {
        (number(&database, HANDS).await >= 2).then_some(())
    })
    .await;
    assert_eq!((number(&database, FOLLOWED).await, number(&database, NOTED).await), (10, 1));
    let passes: usize = nodes.iter().map(|node| node.log_text().matches("open clocks are rebased").count()).sum();
    assert_eq!(passes, 1, "the second finds it done");
}

fn national() -> SecretKey {
    SecretKey::from_seed(&[7; 32])
}

/// A country whose nodes trust the national key.
fn country(place: Place) -> World {
    let mut world = World::new(place);
    let public = national().public();
    let keys = format!("[{{id: \"{}\", public: \"{}\"}}]", public.id(), public.to_base64());
    world.node_flags.extend(["--standards-trusted-keys".to_owned(), keys]);
    world
}

/// Offers what ships with three hours instead of two for a fault, in force in two seconds.
async fn offer(node: &Process) {
    let now = SystemClock.now();
    let effective = Timestamp::from_second(now.as_second() + 2).unwrap();
    let yaml = builtin()
        .replacen("version: 1\n", "version: 2\n", 1)
        .replacen("effective_at: 2013-01-01T00:00:00+07:00", &format!("effective_at: {effective}"), 1)
        .replacen("limit: 2 h, from: 2017", "limit: 3 h, from: 2017", 1);
    let request = standard::OfferStandardRequest {
        request_id: calls::request_id(),
        signature: national().sign(yaml.as_bytes(), now).to_yaml().into_bytes(),
        bundle: yaml.into_bytes(),
        published_at: Some(time::timestamp(now)),
    };
    let offered = calls::standards(node).offer_standard(request).await.unwrap().into_inner().standard.unwrap();
    assert!(offered.reasons.is_empty(), "{offered:?}");
}

/// Imports open tickets, every other one assigned. All are answered, so that nothing is due for most of an hour.
async fn import(node: &Process, tickets: usize) {
    let opened = SystemClock.now().as_second() - 60;
    let at = |second: i64| Some(prost_types::Timestamp { seconds: opened + second, nanos: 0 });
    let event = |second: i64, event: Event| ticket::ImportedEvent {
        at: at(second),
        author: "lan".into(),
        text: "như đã ghi".into(),
        event: Some(event),
    };
    let imported = |n: usize| {
        let answered = event(10, Event::Said(TimelineKind::Reply.into()));
        let assigned = (n % 2 == 1).then(|| event(20, Event::Assignee("lan".into())));
        ticket::ImportedTicket {
            source_key: n.to_string(),
            opened_at: at(0),
            opening: Some(calls::opening(IMPORTED)),
            events: std::iter::once(answered).chain(assigned).collect(),
        }
    };
    let batch = |first: usize| ticket::ImportTicketsRequest {
        request_id: calls::request_id(),
        source: "old-desk".into(),
        tickets: (first..tickets.min(first + 1_000)).map(imported).collect(),
    };
    let batches: Vec<_> = (0..tickets).step_by(1_000).map(batch).collect();
    futures::stream::iter(batches)
        .for_each_concurrent(4, |batch| async move {
            let count = batch.tickets.len();
            let answer = calls::tickets(node).import_tickets(batch).await.unwrap().into_inner();
            assert_eq!((usize::try_from(answer.imported).unwrap(), answer.rejections), (count, vec![]));
        })
        .await;
}

/// Opens tickets until the node is gone; those that it acknowledged.
async fn open_until_gone(mut tickets: TicketServiceClient<Channel>) -> Vec<String> {
    let mut opened = Vec::new();
    while let Ok(answer) = tickets.open_ticket(calls::opening("Mất điện")).await {
        opened.push(answer.into_inner().ticket.unwrap().id);
    }
    opened
}

async fn tickets(node: &Process) -> BTreeMap<String, ticket::Ticket> {
    let (mut all, mut token) = (BTreeMap::new(), String::new());
    loop {
        let request = ticket::ListTicketsRequest { page_size: 1_000, page_token: token, ..Default::default() };
        let page = calls::tickets(node).list_tickets(request).await.unwrap().into_inner();
        all.extend(page.tickets.into_iter().map(|ticket| (ticket.id.clone(), ticket)));
        token = page.next_page_token;
        if token.is_empty() {
            return all;
        }
    }
}

/// A ticket has come from one standard to the other, and its timeline says nothing of it.
async fn changed_without_a_word(node: &Process, name: &str) {
    let request = ticket::ExplainClocksRequest { name: name.to_owned(), at: None };
    let explained = calls::tickets(node).explain_clocks(request).await.unwrap().into_inner().clocks;
    let restored =
        |one: &&ticket::ClockExplanation| one.clock.as_ref().is_some_and(|clock| clock.target == "restore_after_fault");
    let intervals = &explained.iter().find(restored).unwrap().intervals;
    let mut versions: Vec<_> = intervals.iter().filter_map(|interval| interval.rule.split('/').next()).collect();
    versions.dedup();
    assert_eq!(versions, ["evn-2013.1", "evn-2013.2"]);
    let timeline = calls::ticket(node, name).await.timeline;
    let own = [TimelineKind::Opened, TimelineKind::Reply, TimelineKind::Assigned];
    assert!(timeline.iter().all(|entry| own.contains(&entry.kind())), "{timeline:?}");
}

/// The number that a statement finds in a node's database; 0 when it finds none.
async fn number(database: &str, sql: &'static str) -> i64 {
    let found: Option<i64> = if database.starts_with("sqlite") {
        let pool = sqlx::SqlitePool::connect(database).await.unwrap();
        let found = sqlx::query_scalar(sql).fetch_optional(&pool).await.unwrap();
        pool.close().await;
        found
    } else {
        let pool = sqlx::PgPool::connect(database).await.unwrap();
        let found = sqlx::query_scalar(sql).fetch_optional(&pool).await.unwrap();
        pool.close().await;
        found
    };
    found.unwrap_or(0)
}
