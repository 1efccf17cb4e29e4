//! Tickets are shared out: claimed, dealt round, given by skill and capacity, and worked many at once.

use std::collections::BTreeSet;

use gridcare_proto::ticket::v1::{self as wire, AssignmentStrategy, BulkOperationState, bulk_action::Action};
use gridcare_tests::{Place, Process, calls, eventually, world::World};

crate::on_both_engines!(
    of_two_who_claim_one_wins_and_the_other_is_told_who,
    everybody_gets_another_next_ticket_in_the_order_of_deadlines,
    strategies_respect_shifts_skills_and_capacity,
    a_bulk_action_has_a_result_for_each_ticket_and_survives_its_process,
    a_ticket_that_cannot_be_read_keeps_no_bulk_action_waiting,
);

fn claim(name: &str, agent: &str) -> wire::ClaimTicketRequest {
    wire::ClaimTicketRequest { request_id: calls::request_id(), name: name.into(), agent: agent.into() }
}

async fn of_two_who_claim_one_wins_and_the_other_is_told_who(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let opened = calls::opened(&node, calls::opening("Mất điện")).await;
    let claims = (0..8).map(|i| {
        let mut tickets = calls::tickets(&node);
        let request = claim(&opened.id, &format!("agent {i}"));
        async move { tickets.claim_ticket(request).await }
    });
    let outcomes = futures::future::join_all(claims).await;
    let won: Vec<_> = outcomes.iter().filter_map(|o| o.as_ref().ok()).collect();
    assert_eq!(won.len(), 1);
    let winner = won[0].get_ref().ticket.as_ref().unwrap().assignee.clone();
    for lost in outcomes.iter().filter_map(|o| o.as_ref().err()) {
        assert_eq!(calls::reason(lost), "ALREADY_CLAIMED");
        assert!(lost.message().contains(&winner), "{}", lost.message());
    }
}

async fn everybody_gets_another_next_ticket_in_the_order_of_deadlines(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let safety = |i: i32| wire::OpenTicketRequest {
        topic: if i % 2 == 0 { "safety".into() } else { "bill".into() },
        team: "district-1".into(),
        ..calls::opening(&format!("việc {i}"))
    };
    for i in 0..8 {
        calls::opened(&node, safety(i)).await;
    }
    let next = |agent: String, team: &str| wire::ClaimNextTicketRequest {
        request_id: calls::request_id(),
        agent,
        team: team.into(),
    };
    let claims = (0..4).map(|i| {
        let mut tickets = calls::tickets(&node);
        let request = next(format!("agent {i}"), "district-1");
        async move {
            let first = tickets.claim_next_ticket(request.clone()).await.unwrap().into_inner().ticket.unwrap();
            let again = tickets.claim_next_ticket(request).await.unwrap().into_inner().ticket.unwrap();
            assert_eq!(first, again, "asked again, answered again");
            first
        }
    });
    let claimed = futures::future::join_all(claims).await;
    assert_eq!(claimed.iter().map(|t| t.id.as_str()).collect::<BTreeSet<_>>().len(), 4, "nobody gets another's");
    assert!(claimed.iter().all(|t| t.topic == "safety"), "what is due first is worked first");
    let mut tickets = calls::tickets(&node);
    let idle = tickets.claim_next_ticket(next("lan".into(), "district-9")).await.unwrap_err();
    assert_eq!(calls::reason(&idle), "NOTHING_TO_CLAIM");
}

async fn agent(node: &Process, id: &str, skills: &[&str], capacity: i32, shifts: Vec<wire::Shift>) {
    let agent = wire::Agent {
        id: id.into(),
        team: "district-1".into(),
        skills: skills.iter().map(|s| (*s).to_owned()).collect(),
        shifts,
        capacity,
        active: true,
    };
    let request = wire::PutAgentRequest { request_id: calls::request_id(), agent: Some(agent) };
    calls::teams(node).put_agent(request).await.unwrap();
}

async fn strategies_respect_shifts_skills_and_capacity(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let mut tickets = calls::tickets(&node);
    let mut assign = async |strategy: AssignmentStrategy, topic: &str| {
        let opening =
            wire::OpenTicketRequest { topic: topic.into(), team: "district-1".into(), ..calls::opening("việc") };
        let opened = calls::opened(&node, opening).await;
        let request = wire::AutoAssignTicketRequest {
            request_id: calls::request_id(),
            name: opened.id,
            strategy: strategy.into(),
            ..Default::default()
        };
        tickets.auto_assign_ticket(request).await.map(|answer| answer.into_inner().ticket.unwrap().assignee)
    };
    let refused = assign(AssignmentStrategy::RoundRobin, "outage").await.unwrap_err();
    assert_eq!(calls::reason(&refused), "NOBODY_ON_SHIFT");
    agent(&node, "an", &["outage"], 2, vec![]).await;
    agent(&node, "binh", &["outage", "bill"], 50, vec![]).await;
    // A shift of one minute in the night of another day than today in every zone.
    let today = gridcare_chassis::clock::SystemClock::shared().now().to_zoned(jiff::tz::TimeZone::UTC).weekday();
    let far = i32::from((today.to_monday_one_offset() + 2) % 7 + 1);
    let off = wire::Shift { weekday: far, from_minute: 60, until_minute: 61 };
    agent(&node, "chi", &["outage", "bill"], 50, vec![off]).await;
    let dealt: Vec<_> = [
        assign(AssignmentStrategy::RoundRobin, "outage").await.unwrap(),
        assign(AssignmentStrategy::RoundRobin, "outage").await.unwrap(),
        assign(AssignmentStrategy::RoundRobin, "outage").await.unwrap(),
    ]
    .into();
    assert_ne!(dealt[0], dealt[1]);
    assert_eq!(dealt[0], dealt[2], "in turns, and never to one who is off");
    for _ in 0..4 {
        assert_eq!(assign(AssignmentStrategy::Skill, "bill").await.unwrap(), "binh");
    }
    let outages: Vec<_> = [
        assign(AssignmentStrategy::Skill, "outage").await.unwrap(),
        assign(AssignmentStrategy::Skill, "outage").await.unwrap(),
    ]
    .into();
    assert!(outages.iter().filter(|who| *who == "an").count() <= 1, "an has room for two at most: {outages:?}");
    let refused = assign(AssignmentStrategy::Skill, "safety").await.unwrap_err();
    assert_eq!(calls::reason(&refused), "NOBODY_HAS_THE_SKILL");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_of_one_node_give_nobody_more_than_they_may_have() {
    let world = World::new(Place::Postgres);
    let database = world.place.database(&world.folder, "hcmc-1").await;
    let of = gridcare_tests::world::NodeOf {
        id: "hcmc-1",
        region: "HCMC",
        capabilities: gridcare_tests::world::CAPABILITIES,
    };
    let nodes = [world.node_on(&of, &database).await, world.node_on(&of, &database).await];
    for n in 0..12 {
        agent(&nodes[0], &format!("agent {n}"), &[], 1, vec![]).await;
    }
    let given = (0..12).map(|n| {
        let node = &nodes[n % 2];
        async move {
            let opening = wire::OpenTicketRequest { team: "district-1".into(), ..calls::opening("việc") };
            let request = wire::AutoAssignTicketRequest {
                request_id: calls::request_id(),
                name: calls::opened(node, opening).await.id,
                strategy: AssignmentStrategy::RoundRobin.into(),
                ..Default::default()
            };
            let answer = calls::tickets(node).auto_assign_ticket(request).await.unwrap().into_inner();
            answer.ticket.unwrap().assignee
        }
    });
    let given: BTreeSet<_> = futures::future::join_all(given).await.into_iter().collect();
    assert_eq!(given.len(), 12, "everybody has one, and so nobody two: {given:?}");
}

async fn done(node: &Process, started: &wire::BulkOperation) -> wire::BulkOperation {
    eventually("the operation is done", || async {
        let request = wire::GetBulkOperationRequest { id: started.id.clone() };
        let operation = calls::tickets(node).get_bulk_operation(request).await.unwrap().into_inner().operation.unwrap();
        (operation.state() == BulkOperationState::Done).then_some(operation)
    })
    .await
}

async fn refused(node: &Process, started: &wire::BulkOperation) -> Vec<wire::BulkResult> {
    let request = wire::ListBulkResultsRequest { id: started.id.clone(), refused_only: true, ..Default::default() };
    calls::tickets(node).list_bulk_results(request).await.unwrap().into_inner().results
}

async fn a_bulk_action_has_a_result_for_each_ticket_and_survives_its_process(place: Place) {
    let world = World::new(place);
    let database = world.place.database(&world.folder, "hcmc-1").await;
    let of = gridcare_tests::world::NodeOf {
        id: "hcmc-1",
        region: "HCMC",
        capabilities: gridcare_tests::world::CAPABILITIES,
    };
    let mut node = world.node_on(&of, &database).await;
    let openings = (0..150).map(|i| calls::opened(&node, calls::opening(&format!("Mất điện {i}"))));
    let opened = futures::future::join_all(openings).await;
    let cancel = wire::ChangeTicketStateRequest {
        request_id: calls::request_id(),
        name: opened[7].id.clone(),
        state: wire::TicketState::Cancelled.into(),
        ..Default::default()
    };
    calls::tickets(&node).change_ticket_state(cancel).await.unwrap();
    let action = wire::BulkAction {
        action: Some(Action::State(wire::TicketState::Resolved.into())),
        author: "lan".into(),
        reason: "Đã đóng điện".into(),
    };
    let request = wire::StartBulkActionRequest {
        request_id: calls::request_id(),
        names: vec![],
        filter: Some(wire::TicketFilter { topics: vec!["outage".into()], ..Default::default() }),
        action: Some(action),
    };
    let started =
        calls::tickets(&node).start_bulk_action(request.clone()).await.unwrap().into_inner().operation.unwrap();
    assert_eq!(started.items, 150);
    node.kill();
    let node = world.node_on(&of, &database).await;
    let again = calls::tickets(&node).start_bulk_action(request).await.unwrap().into_inner().operation.unwrap();
    assert_eq!(again.id, started.id, "asked again, answered again");
    let done = done(&node, &started).await;
    assert_eq!((done.succeeded, done.refused), (149, 1));
    let results = refused(&node, &started).await;
    assert_eq!(results.len(), 1);
    assert_eq!(
        (results[0].ticket_id.as_str(), results[0].reason.as_str()),
        (opened[7].id.as_str(), "ILLEGAL_TRANSITION")
    );
    for ticket in &opened {
        let read = calls::ticket(&node, &ticket.id).await;
        let changes = read.timeline.iter().filter(|e| e.kind() == wire::TimelineKind::StateChanged).count();
        assert_eq!(changes, 1, "each ticket changed once");
    }
}

/// One ticket's row becomes one that no process of the product writes.
async fn damage(database: &str) {
    let damage = "UPDATE ticket SET clocks = 'damaged' WHERE subject = 'Hỏng'";
    let damaged = if database.starts_with("sqlite") {
        let pool = sqlx::SqlitePool::connect(database).await.unwrap();
        let damaged = sqlx::query(damage).execute(&pool).await.unwrap().rows_affected();
        pool.close().await;
        damaged
    } else {
        let pool = sqlx::PgPool::connect(database).await.unwrap();
        let damaged = sqlx::query(damage).execute(&pool).await.unwrap().rows_affected();
        pool.close().await;
        damaged
    };
    assert_eq!(damaged, 1);
}

async fn a_ticket_that_cannot_be_read_keeps_no_bulk_action_waiting(place: Place) {
    let world = World::new(place);
    let database = world.place.database(&world.folder, "hcmc-1").await;
    let of = gridcare_tests::world::NodeOf {
        id: "hcmc-1",
        region: "HCMC",
        capabilities: gridcare_tests::world::CAPABILITIES,
    };
    let mut node = world.node_on(&of, &database).await;
    let mut opened = Vec::new();
    for subject in ["Mất điện", "Hỏng", "Cũng mất điện"] {
        opened.push(calls::opened(&node, calls::opening(subject)).await);
    }
    assert!(node.stop().await.success());
    damage(&database).await;
    node.restart().await;
    let start = async |action: Action| {
        let request = wire::StartBulkActionRequest {
            request_id: calls::request_id(),
            names: opened.iter().map(|ticket| ticket.id.clone()).collect(),
            action: Some(wire::BulkAction { action: Some(action), author: "lan".into(), ..Default::default() }),
            ..Default::default()
        };
        calls::tickets(&node).start_bulk_action(request).await.unwrap().into_inner().operation.unwrap()
    };
    let operations =
        [start(Action::Assignee("mai".into())).await, start(Action::State(wire::TicketState::Resolved.into())).await];
    for started in &operations {
        let done = done(&node, started).await;
        assert_eq!((done.succeeded, done.refused), (2, 1));
        let results = refused(&node, started).await;
        let failed: Vec<_> = results.iter().map(|r| (r.ticket_id.as_str(), r.reason.as_str())).collect();
        assert_eq!(failed, [(opened[1].id.as_str(), "FAILED")]);
    }
}
