use std::collections::BTreeSet;

use gridcare_chassis::id::new_id;
use gridcare_domain::{
    acknowledgement::{Acknowledgement, StandardStatus},
    capability::Capability,
    completeness::Reach,
    contact::{Channel, Contact},
    feed::{Change, Cursor, Kind},
    text,
    ticket::State,
};
use gridcare_store::{
    NodeStore,
    contact::{ContactBatch, ContactQuery, StoredContact},
    db::{Db, Engine},
    gateway::{FederatedTicket, Frame, GatewayStore, NationalChange, NationalTicketQuery, Seat, gateway_statements},
    lease,
    snapshot::Page,
    statement::Statement,
    ticket::{Order, TicketQuery},
};
use gridcare_tests::Place;
use sqlx::Connection as _;
use uuid::Uuid;

use crate::{
    on_both_engines,
    reports::{read_report, use_reports},
    samples::{
        Home, MORNING_US, RESPOND, at, bucket, call, change, change_of_bucket, note, open_new, request, ticket,
        unfinished,
    },
};

/// Statements that may read a whole table, and why.
const WHOLE_TABLE: [(&str, &str); 13] = [
    ("PREMISES_PLACES", "whoever counts all premises by place reads all premises"),
    ("SERVED_LIST", "a node says it some times a year, and all are asked for"),
    ("AGENT_LIST", "a node has some hundreds of agents, and all are asked for"),
    ("CAPABILITY_LIST", "a node has a handful of capabilities, and all are asked for"),
    ("BULK_RUNNING", "its index holds those that run alone, and all are asked for"),
    ("DISPATCH_UNPLANNED", "its index holds those that are not planned yet alone, and some of them are asked for"),
    ("LEASE_LIST", "a database has a handful of leases, and all are asked for"),
    ("MEMBER_LIST", "a country has a handful of members, and all are asked for"),
    ("NATIONAL_ACKNOWLEDGEMENT_IN_FORCE", "a country has a handful of members, and all of them are asked for"),
    ("OVERLAY_LIST", "a node has a handful of overlays, and all are asked for"),
    ("REBUILD_LIST", "marks are few, since the roller removes them, and are read in the order of their key"),
    ("TICKET_NEAR_NEWEST", "the thousand tickets that it looks at are given by the index of ids"),
    ("TICKET_NEAR_OLDEST", "the thousand tickets that it looks at are given by the index of ids"),
];

/// Statements whose filter has an index of its own, which must be the one that serves them on both engines.
const BY_INDEX: [(&str, &str); 76] = [
    ("TICKET_STATE_NEWEST", "ticket_state"),
    ("TICKET_STATE_OLDEST", "ticket_state"),
    ("TICKET_CUSTOMER", "ticket_customer"),
    ("TICKET_ASSIGNEE", "ticket_assignee"),
    ("TICKET_CUSTOMER_OLDEST", "ticket_customer"),
    ("TICKET_CUSTOMER_UPDATED", "ticket_customer"),
    ("TICKET_CUSTOMER_DEADLINE", "ticket_customer"),
    ("TICKET_ASSIGNEE_OLDEST", "ticket_assignee"),
    ("TICKET_ASSIGNEE_UPDATED", "ticket_assignee"),
    ("TICKET_ASSIGNEE_DEADLINE", "ticket_assignee"),
    ("TICKET_OF_OTHER_STANDARD", "ticket_state"),
    ("TICKET_OF_STATE", "ticket_state"),
    ("TICKET_UPDATED", "ticket_updated"),
    ("TICKET_WORDS_NEWEST", "ticket_words"),
    ("TICKET_WORDS_OLDEST", "ticket_words"),
    ("TICKET_WORDS_UPDATED", "ticket_words"),
    ("TICKET_DEADLINE", "ticket_deadline"),
    ("TICKET_TEAM_DEADLINE", "ticket_team"),
    ("TICKET_DUE", "ticket_due"),
    ("TICKET_NEXT_DUE", "ticket_due"),
    ("TICKET_CHILDREN", "ticket_parent"),
    ("TICKET_CAME_BACK", "ticket_customer"),
    ("CONTACT_CAME_BACK", "contact_customer"),
    ("NOTIFICATION_OF", "notification_recipient"),
    ("BULK_OLD", "bulk_operation_ended"),
    ("CONTACT_UNFINISHED", "contact_unfinished"),
    ("CONTACT_NEWEST", "contact_arrived"),
    ("CONTACT_SPAN", "contact_arrived"),
    ("OUTAGE_NEWEST", "outage_begins"),
    ("OPEN311_NEWEST", "open311_request_opened"),
    ("OUTAGE_OF_SCOPE", "outage_area_scope"),
    ("OUTAGE_PARTS", "outage_parent"),
    ("NATIONAL_OUTAGE_NEWEST", "national_outage_begins"),
    ("NATIONAL_NOTICE_NEWEST", "national_notice_newest"),
    ("NATIONAL_NOTICE_OF_INCIDENT", "national_notice_incident"),
    ("NOTICE_TARGET_NEXT", "notice_target_open"),
    ("NOTICE_TARGET_EXPIRED", "notice_target_expiring"),
    ("REGIONAL_NOTICE_NEWEST", "regional_notice_newest"),
    ("REGIONAL_NOTICE_OF_INCIDENT", "regional_notice_incident"),
    ("OUTAGE_BETWEEN", "outage_begins"),
    ("DELIVERY_NEXT", "delivery_queue"),
    ("DELIVERY_RELEASE", "delivery_leased"),
    ("DELIVERY_COUNTS", "delivery_state"),
    ("DELIVERY_FORGET", "delivery_customer"),
    ("PARTS_OF", "delivery_part_number"),
    ("QUESTION_DUE", "question_due"),
    ("QUESTION_OLD", "question_asked"),
    ("QUESTION_LATELY", "question_customer"),
    ("UNKNOWN_AT", "customer_point_value"),
    ("UNKNOWN_AT", "delivery_customer"),
    ("DISPATCH_BESIDE", "dispatch_incident"),
    ("DISPATCH_UNPLANNED", "dispatch_unplanned"),
    ("DISPATCH_GROUPS", "delivery_state"),
    ("NOTICE_OF_INCIDENT", "notice_incident"),
    ("NOTICE_SHOWN", "notice_shown"),
    ("NAMED_FORGET", "notice_customer_code"),
    ("PRINT_SENT_OF", "notice_print_sent_notice"),
    ("PROVINCE_NEXT", "premises_area"),
    ("PROGRESS_CHANGED", "notice_progress_changed"),
    ("EXCHANGE_COUNT", "sms_exchange_sender"),
    ("EXCHANGE_OWN", "sms_exchange_reply"),
    ("CONTACT_OF_CUSTOMER", "contact_customer"),
    ("CONTACT_AT_POINT", "contact_point"),
    ("CUSTOMER_NAMED", "customer_name"),
    ("CUSTOMER_AT", "customer_point_value"),
    ("CUSTOMER_FED", "premises_feeder"),
    ("CUSTOMER_IN", "premises_area"),
    ("MESSAGE_PAGE", "delivery_customer"),
    ("NOTICE_NAMING", "notice_customer_code"),
    ("DISPATCH_NAMING", "dispatch_customer_code"),
    ("QUESTION_OF", "question_customer"),
    ("TICKET_SAYING", "ticket_words"),
    ("TICKET_ENDED_IN", "ticket_merged"),
    ("MERGED_MOVE", "ticket_merged"),
    ("AGENT_FULL", "ticket_assignee"),
    ("NATIONAL_TICKET_OF_STATE", "national_ticket_state"),
];

/// Tables of one row, which no index could make faster.
const ONE_ROW: [&str; 7] = [
    "feed_head",
    "reference_block",
    "contact_head",
    "metric_rolled",
    "notification_head",
    "customer_head",
    "standard_head",
];

/// Whether a plan reads a whole table: the line that says so.
fn whole_table(engine: Engine, plan: &str) -> Option<&str> {
    plan.lines().map(str::trim).find(|line| match engine {
        // Rows of the statement itself, sorted keys of an index, and the full-text index are no tables.
        Engine::Sqlite => line.strip_prefix("SCAN ").is_some_and(|what| {
            let name = what.split(' ').next().unwrap_or_default();
            let itself = ["v", "CONSTANT", "old", "page", "hits"].contains(&name)
                || what.ends_with("CONSTANT ROWS")
                || what.ends_with("VALUES CLAUSE");
            !itself && !what.contains("VIRTUAL TABLE INDEX") && !ONE_ROW.contains(&name)
        }),
        Engine::Postgres => {
            line.contains("Seq Scan on ")
                && !ONE_ROW.iter().any(|table| line.contains(&format!("Seq Scan on {table} ")))
        }
    })
}

async fn every_plan_is_served_by_an_index(db: &Db, statements: &[&'static Statement]) {
    let mut bad = Vec::new();
    for statement in statements {
        let plan = db.plan(statement).await.unwrap();
        // SQLite says nothing of an insertion of given values.
        assert!(db.engine() == Engine::Sqlite || !plan.trim().is_empty(), "{} has no plan", statement.name);
        let allowed = WHOLE_TABLE.iter().any(|(name, _)| *name == statement.name);
        if let Some(line) = whole_table(db.engine(), &plan).filter(|_| !allowed) {
            bad.push(format!("{}: {line}", statement.name));
        }
        for (_, index) in BY_INDEX.iter().filter(|(name, _)| *name == statement.name) {
            let named = plan.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word == *index);
            // SQLite must go from the words to the tickets, and not ask for each ticket whether it has them.
            let backwards = db.engine() == Engine::Sqlite
                && *index == "ticket_words"
                && !plan.contains("INTEGER PRIMARY KEY (rowid=?)");
            if !named || backwards {
                bad.push(format!("{} without {index}:\n{plan}", statement.name));
            }
        }
    }
    assert!(bad.is_empty(), "{:?}:\n{}", db.engine(), bad.join("\n"));
}

/// Lets the planner know what is in the tables.
async fn analyze(home: &Home) {
    if home.address.starts_with("postgres") {
        let mut connection = sqlx::PgConnection::connect(&home.address).await.unwrap();
        sqlx::raw_sql("ANALYZE").execute(&mut connection).await.unwrap();
    }
}

fn not_seen(db: &Db, statements: &[&'static Statement]) -> BTreeSet<&'static str> {
    let seen = db.seen();
    statements.iter().map(|statement| statement.name).filter(|name| !seen.contains(name)).collect()
}

async fn use_tickets(store: &NodeStore) {
    let opened = open_new(store, "Mất điện").await;
    change(store, opened.id, note()).await;
    store.ticket(opened.id).await.unwrap();
    store.ticket_by_reference(&opened.reference).await.unwrap();
    store.ticket_id(&opened.reference).await.unwrap();
    store.timeline(opened.id, 10).await.unwrap();
    let words = text::query_words("mất điện");
    let queries = [
        TicketQuery::default(),
        TicketQuery { states: vec![State::New], ..TicketQuery::default() },
        TicketQuery { customer_code: Some("PE01000000001".into()), ..TicketQuery::default() },
        TicketQuery { assignee: Some("lan".into()), ..TicketQuery::default() },
        TicketQuery { words, ..TicketQuery::default() },
    ];
    for query in &queries {
        for order in [Order::OpenedDesc, Order::OpenedAsc, Order::UpdatedDesc, Order::DeadlineAsc] {
            store.tickets(query, order, None, 10).await.unwrap();
        }
    }
    let queue = TicketQuery { team: Some("district-1".into()), ..TicketQuery::default() };
    store.tickets(&queue, Order::DeadlineAsc, None, 10).await.unwrap();
}

async fn use_contacts(store: &NodeStore) {
    let (one, two) = (call("pbx", "one", 0), unfinished(&call("pbx", "two", 60)));
    let checkpoint = Some(("pbx".to_owned(), "line 2".to_owned()));
    let batch = ContactBatch { contacts: vec![one.clone(), two.clone()], checkpoint, request: None };
    store.import(batch, &gridcare_domain::metric::Definition::default(), MORNING_US).await.unwrap();
    store.checkpoint("pbx").await.unwrap();
    crate::samples::import(store, vec![one.clone()]).await;
    store.record_contact(request(), MORNING_US, new_id(), call("api", "three", 5), RESPOND).await.unwrap().unwrap();
    let longer = |old: &StoredContact| Ok(Contact { talk_ms: Some(1), ..old.contact.clone() });
    store.correct_contact(request(), MORNING_US, new_id(), one.id, Box::new(longer), RESPOND).await.unwrap().unwrap();
    let end = |old: &StoredContact| {
        Ok(Contact { ended_at: call("", "", 60).ended_at, outcome: call("", "", 0).outcome, ..old.contact.clone() })
    };
    store.correct_contact(request(), MORNING_US, new_id(), two.id, Box::new(end), RESPOND).await.unwrap().unwrap();
    store.contact(one.id).await.unwrap();
    store.contacts(&ContactQuery::default(), None, 10).await.unwrap();
    store.contacts_after(0, 10).await.unwrap();
    store.contact_head().await.unwrap();
}

async fn use_metrics_and_leases(store: &NodeStore) {
    let lease = lease::take(store.db(), "metric roller", "a", 0, i64::MAX).await.unwrap().unwrap();
    let work = store.unrolled_after(None, 10, 10).await.unwrap();
    let rebuilt: Vec<_> = work.rebuilds.iter().map(|(rebuild, _)| *rebuild).collect();
    assert!(!rebuilt.is_empty(), "the correction marked a bucket");
    let bucket = bucket(0, Channel::Hotline);
    let changes = vec![change_of_bucket(&bucket)];
    let through = work.contacts.last().unwrap().arrival_no;
    store.publish_buckets(&lease, 0, through, &[bucket], &rebuilt, new_id(), 0, changes).await.unwrap();
    store.metric_extent(0, i64::MAX).await.unwrap();
    store.tallies(0, i64::MAX).await.unwrap();
    store.buckets(0, i64::MAX).await.unwrap();
    store.recount_span(0, i64::MAX).await.unwrap();
    lease::list(store.db()).await.unwrap();
    lease::release(store.db(), &lease).await.unwrap();
}

fn offered(channel: Channel, metric: &str) -> Capability {
    Capability {
        channel,
        metric: metric.into(),
        offered_from: Some(at(0)),
        reported_from: None,
        reported_through: None,
    }
}

async fn use_the_feed(store: &NodeStore) {
    let told =
        |c: &Capability, version| Change { kind: Kind::Capability, key: c.metric.clone(), version, payload: vec![1] };
    store.declare_capabilities(&[offered(Channel::Sms, "messages")], new_id(), 0, told).await.unwrap();
    let mut snapshot = store.begin_snapshot().await.unwrap();
    while !matches!(snapshot.next().await.unwrap(), Page::End(..)) {}
    drop(snapshot);
    store.feed_after(0, 10).await.unwrap();
    assert!(store.feed_compact(MORNING_US, 1).await.unwrap() > 0 || store.feed_compact(i64::MAX, 1).await.unwrap() > 0);
    let head = store.feed_head().await.unwrap().cursor;
    store.feed_check(&Cursor { position: head.position + 9, ..head }, new_id()).await.unwrap().unwrap_err();
    let mut after = Some(Uuid::nil());
    while let Some(key) = after {
        after = store.expire_requests(key, 100, i64::MAX).await.unwrap();
    }
    store.answered(request()).await.unwrap();
}

async fn every_statement_of_a_node_runs_and_is_served_by_an_index(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    use_tickets(&store).await;
    crate::ticket_care::use_all(&store).await;
    let definition = gridcare_domain::metric::Definition::default();
    let settled = store.settle_definition(&definition, "unique-1").await.unwrap();
    assert_eq!(settled, (definition.clone(), "unique-1".to_owned()));
    use_contacts(&store).await;
    crate::customers::use_customers(&store).await;
    let other = gridcare_domain::metric::Definition { service_level_ms: 30_000, ..definition.clone() };
    let settled = store.settle_definition(&other, "unique-2").await.unwrap();
    assert_eq!(settled, (definition, "unique-1".to_owned()), "what is counted once stays what it is");
    use_metrics_and_leases(&store).await;
    use_reports(&store).await;
    crate::standards::use_standards(&store).await;
    use_the_feed(&store).await;
    crate::outages::use_outages(&store).await;
    crate::open311::use_requests(&store).await;
    crate::deliveries::use_deliveries(&store).await;
    crate::questions::use_questions(&store).await;
    crate::notices::use_notices(&store).await;
    crate::sms_exchanges::use_sms(&store).await;
    crate::customer_traces::use_traces(&store).await;
    // Openings alone have a path of their own on Postgres; among contacts they take the common one.
    let mixed = (0..40).map(|i| {
        let store = &store;
        async move {
            if i % 2 == 0 {
                open_new(store, "Mất điện giữa những cuộc gọi").await;
            } else {
                let contact = crate::samples::call("mixed", &format!("m{i}"), i);
                store
                    .record_contact(
                        crate::samples::request(),
                        0,
                        gridcare_chassis::id::new_id(),
                        contact,
                        crate::samples::RESPOND,
                    )
                    .await
                    .unwrap()
                    .unwrap();
            }
        }
    });
    futures::future::join_all(mixed).await;
    let mut statements = gridcare_store::node_statements();
    if store.db().engine() == gridcare_store::db::Engine::Postgres {
        statements.extend(gridcare_store::postgres_statements());
    }
    assert_eq!(not_seen(store.db(), &statements), BTreeSet::new(), "no test knows whether these work");

    let tickets = (10_000..12_000).map(|n| gridcare_domain::ticket::Ticket {
        state: State::ALL[usize::try_from(n % 9).unwrap()],
        assignee: (n % 20 == 0).then(|| format!("agent {}", n % 100)),
        customer_code: (n % 10 == 0)
            .then(|| gridcare_domain::customer_code::CustomerCode::parse(&format!("PE010000{n}")).unwrap()),
        updated_at: at(i64::try_from(n).unwrap()),
        due_us: (n % 3 == 0).then(|| MORNING_US + i64::try_from(n).unwrap()),
        deadline_us: (n % 2 == 0).then(|| MORNING_US + i64::try_from(n).unwrap()),
        team: (n % 4 == 0).then(|| format!("district-{}", n % 24)),
        parent: (n % 50 == 0).then(new_id),
        ..ticket(n, &format!("ca {n} mất điện"))
    });
    let tickets: Vec<_> = tickets.collect();
    futures::future::join_all(tickets.iter().map(|ticket| crate::samples::open(&store, ticket))).await;
    crate::samples::import(&store, (0..2_000).map(|n| call("pbx", &format!("many {n}"), n)).collect()).await;
    crate::customers::many_customers(&store).await;
    crate::customer_traces::many_traces(&store).await;
    analyze(&home).await;
    every_plan_is_served_by_an_index(store.db(), &statements).await;
}

fn said(number: i64) -> Acknowledgement {
    Acknowledgement {
        standard: format!("evn.{number}"),
        status: StandardStatus::ALL[usize::try_from(number % 4).unwrap()],
        reasons: Vec::new(),
        digest: format!("{number:0>64}"),
        at_us: number,
        version: 1,
    }
}

fn national(number: u64, state: State) -> FederatedTicket {
    let ticket = ticket(number, "");
    FederatedTicket {
        id: ticket.id,
        reference: ticket.reference.to_string(),
        version: 1,
        state,
        priority: ticket.priority,
        topic: "outage".into(),
        channel: "hotline".into(),
        province: "VN-SG".into(),
        customer_pseudonym: String::new(),
        assignee_pseudonym: String::new(),
        opened_at: ticket.opened_at,
        updated_at: ticket.updated_at,
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
    }
}

async fn every_statement_of_a_gateway_runs_and_is_served_by_an_index(place: Place) {
    let home = Home::new(place).await;
    let store = GatewayStore::open(&home.address, 4).await.unwrap();
    let seat = |node: &str| Seat {
        node: node.into(),
        region: node.into(),
        endpoint: "http://127.0.0.1:1".into(),
        expected_from_us: 0,
    };
    store.seat(&[seat("north"), seat("south")]).await.unwrap();
    store.members().await.unwrap();
    let lease = lease::take(store.db(), "feed north", "a", 0, i64::MAX).await.unwrap().unwrap();
    store.describe(&lease, "north", "Asia/Ho_Chi_Minh", "1").await.unwrap();
    store.failing(&lease, "north", Reach::Timeout, 1).await.unwrap();
    store.bookmark(&lease, "north", 5, 2).await.unwrap();

    let from = store.member("north").await.unwrap().unwrap().cursor;
    let to = Cursor { incarnation: new_id(), position: 2_000, batch_id: Some(new_id()) };
    let tickets = (0..1_000).map(|n| NationalChange::Ticket(national(n, State::ALL[usize::try_from(n % 9).unwrap()])));
    let buckets = (0..1_000).map(|quarter| NationalChange::Bucket(bucket(quarter, Channel::Hotline)));
    let capability = NationalChange::Capability(offered(Channel::Sms, "messages"), 1);
    let standards = (0..40).map(|number| NationalChange::Standard(said(number)));
    let served = NationalChange::Served(gridcare_domain::reliability::Served { from: 15_000, customers: 9 }, 1);
    let outages = (0..1_000).map(|n| NationalChange::Outage(crate::outages::national(n)));
    let notices = crate::national_notices::national_changes();
    let changes = tickets.chain(buckets).chain([capability]).chain(standards).chain(outages).chain([served]);
    let changes = changes.chain(notices).collect();
    let frame = Frame { node: "north".into(), from, to: to.clone(), head: 2_000, changes };
    store.apply(&lease, &frame, 3).await.unwrap();
    let number = store.begin_snapshot(&lease, "north").await.unwrap();
    store.snapshot_part(&lease, "north", number, &frame.changes).await.unwrap();
    store.end_snapshot(&lease, "north", number, &to, 4).await.unwrap();

    store.ticket_totals("north").await.unwrap();
    for nodes in [vec![], vec!["north".to_owned()]] {
        for states in [vec![], vec![State::New]] {
            let query = NationalTicketQuery { nodes: nodes.clone(), states, topics: vec!["outage".into()] };
            assert!(!store.national_tickets(&query, None, 10).await.unwrap().is_empty());
        }
    }
    crate::outages::use_national_outages(&store).await;
    crate::national_notices::use_national_notices(&store).await;
    store.period_sums("north", 0, i64::MAX).await.unwrap();
    store.national_buckets("north", 0, i64::MAX).await.unwrap();
    store.national_sketches("north", 0, i64::MAX).await.unwrap();
    store.capabilities("north").await.unwrap();
    read_report(store.db(), "north").await;
    crate::standards::use_published_standards(&store).await;
    store.replica_seen("gateway-1", 10, 5).await.unwrap();
    store.replica_leaves("gateway-1").await.unwrap();
    lease::list(store.db()).await.unwrap();
    lease::release(store.db(), &lease).await.unwrap();

    let statements = gateway_statements();
    assert_eq!(not_seen(store.db(), &statements), BTreeSet::new(), "no test knows whether these work");
    analyze(&home).await;
    every_plan_is_served_by_an_index(store.db(), &statements).await;
}

#[test]
fn the_check_of_plans_finds_whole_tables() {
    for (engine, plan) in [
        (Engine::Sqlite, "SCAN ticket"),
        (Engine::Sqlite, "SEARCH v\nSCAN contact USING INDEX contact_arrived"),
        (Engine::Postgres, "Limit\n  ->  Seq Scan on ticket  (cost=1)"),
        (Engine::Postgres, "Seq Scan on feed  (cost=1)"),
    ] {
        assert!(whole_table(engine, plan).is_some(), "{plan}");
    }
    for (engine, plan) in [
        (Engine::Sqlite, "SEARCH ticket USING INDEX ticket_state (state=?)\nSCAN v\nSCAN 2 CONSTANT ROWS"),
        (Engine::Sqlite, "SCAN ticket_words VIRTUAL TABLE INDEX 0:M1"),
        (Engine::Postgres, "Index Scan using ticket_pkey on ticket\nSeq Scan on feed_head  (cost=1)"),
    ] {
        assert_eq!(whole_table(engine, plan), None);
    }
}

#[test]
fn every_exception_names_a_statement() {
    let names: BTreeSet<_> =
        gridcare_store::node_statements().into_iter().chain(gateway_statements()).map(|s| s.name).collect();
    for (name, _) in WHOLE_TABLE.iter().chain(&BY_INDEX) {
        assert!(names.contains(name), "{name} is gone; take it off the list");
    }
}

on_both_engines!(
    every_statement_of_a_node_runs_and_is_served_by_an_index,
    every_statement_of_a_gateway_runs_and_is_served_by_an_index,
);
