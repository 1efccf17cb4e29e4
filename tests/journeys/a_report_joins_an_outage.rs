use gridcare_proto::{
    customer::v1 as customer,
    outage::v1::{self as wire, fact_claim, outage_change::Change},
    ticket::v1 as ticket,
};
use gridcare_tests::{Place, Process, calls, eventually, http, world::World};

crate::on_both_engines!(
    reports_of_one_feeder_are_proposed_joined_and_parted_again,
    reports_by_the_map_are_grouped_by_their_distance,
    reports_by_the_map_join_the_outage_that_is_drawn_around_or_near_them,
    one_restoration_answers_every_linked_ticket_in_its_language,
);

const KEY: &str = "a-key-of-the-city-of-24-";

fn now() -> prost_types::Timestamp {
    let now = gridcare_chassis::clock::SystemClock::shared().now();
    prost_types::Timestamp { seconds: now.as_second(), nanos: 0 }
}

async fn import(node: &Process, code: &str, feeder: &str, language: customer::Language) {
    let draft = customer::CustomerDraft {
        code: code.into(),
        name: "Nguyễn Văn A".into(),
        preferred_language: language.into(),
        premises: vec![customer::Premises {
            code: "1".into(),
            address: "1 Lê Lợi".into(),
            feeder: feeder.into(),
            province: "VN-SG".into(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let request = customer::UpsertCustomerRequest {
        request_id: calls::request_id(),
        customer: Some(draft),
        ..Default::default()
    };
    calls::customers(node).upsert_customer(request).await.unwrap();
}

async fn report(node: &Process, code: &str) -> ticket::Ticket {
    let request = ticket::OpenTicketRequest {
        customer_code: code.into(),
        province: "VN-SG".into(),
        ..calls::opening("mất điện")
    };
    calls::opened(node, request).await
}

async fn outage(node: &Process, feeder: &str) -> wire::Outage {
    outage_of(node, wire::OutageArea { feeder: feeder.into(), ..Default::default() }).await
}

async fn outage_of(node: &Process, area: wire::OutageArea) -> wire::Outage {
    let draft = wire::OutageDraft {
        kind: wire::OutageKind::Unplanned.into(),
        cause: "weather".into(),
        areas: vec![area],
        begins_at: Some(now()),
        ..Default::default()
    };
    let request =
        wire::RecordOutageRequest { request_id: calls::request_id(), outage: Some(draft), author: "lan".into() };
    calls::outages(node).record_outage(request).await.unwrap().into_inner().outage.unwrap()
}

/// Somebody claims a fact of an outage and is believed.
async fn claim(node: &Process, outage: &wire::Outage, fact: fact_claim::Fact) {
    let claim = wire::FactClaim { fact: Some(fact), source: "SCADA".into() };
    let claim = wire::ClaimMade { claim: Some(claim), choose: true };
    let change = wire::ChangeOutageRequest {
        request_id: calls::request_id(),
        id: outage.id.clone(),
        author: "lan".into(),
        reason: "như phòng điều độ cho biết".into(),
        changes: vec![wire::OutageChange { change: Some(Change::Claim(claim)) }],
        ..Default::default()
    };
    calls::outages(node).change_outage(change).await.unwrap();
}

async fn proposed(node: &Process) -> Vec<wire::ReportGroup> {
    let request = wire::ProposeGroupsRequest::default();
    calls::grouping(node).propose_groups(request).await.unwrap().into_inner().groups
}

async fn done(node: &Process, operation: &str) -> ticket::BulkOperation {
    eventually("the operation has ended", || async {
        let request = ticket::GetBulkOperationRequest { id: operation.into() };
        let found = calls::tickets(node).get_bulk_operation(request).await.unwrap().into_inner().operation.unwrap();
        (found.state() == ticket::BulkOperationState::Done).then_some(found)
    })
    .await
}

async fn join(node: &Process, outage: &wire::Outage, tickets: &[&ticket::Ticket]) -> String {
    let request = wire::JoinReportsRequest {
        request_id: calls::request_id(),
        author: "lan".into(),
        outage_id: outage.id.clone(),
        tickets: tickets.iter().map(|ticket| ticket.reference.clone()).collect(),
    };
    let first = calls::grouping(node).join_reports(request.clone()).await.unwrap().into_inner();
    let again = calls::grouping(node).join_reports(request).await.unwrap().into_inner();
    assert_eq!(first, again, "the same request starts one operation");
    first.operation_id
}

fn undo(operation: &str) -> wire::UndoJoinRequest {
    wire::UndoJoinRequest { request_id: calls::request_id(), author: "lan".into(), operation_id: operation.into() }
}

async fn reports_of_one_feeder_are_proposed_joined_and_parted_again(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let mut reports = Vec::new();
    for (code, feeder) in [
        ("PE01000000001", "471-E5"),
        ("PE01000000002", "471-E5"),
        ("PE01000000003", "471-E5"),
        ("PE01000000004", "479-E9"),
    ] {
        import(&node, code, feeder, customer::Language::Vi).await;
        reports.push(report(&node, code).await);
    }
    let groups = proposed(&node).await;
    let [group] = groups.as_slice() else { panic!("{groups:?}") };
    assert_eq!((group.outage_id.as_str(), group.area.as_ref().unwrap().feeder.as_str()), ("", "471-E5"));
    assert_eq!(group.ticket_ids, reports[..3].iter().map(|ticket| ticket.id.clone()).collect::<Vec<_>>());

    let outage = outage(&node, "471-e5").await;
    let groups = proposed(&node).await;
    assert_eq!((groups.len(), groups[0].outage_id.as_str()), (1, outage.id.as_str()), "it is known now");
    let operation = join(&node, &outage, &[&reports[0], &reports[1], &reports[2]]).await;
    assert_eq!(done(&node, &operation).await.succeeded, 3);
    assert_eq!(proposed(&node).await, []);
    let twice = join(&node, &outage, &[&reports[0]]).await;
    assert_eq!(done(&node, &twice).await.refused, 1, "it is linked already");

    let undone = calls::grouping(&node).undo_join(undo(&operation)).await.unwrap().into_inner().operation_id;
    assert_eq!(done(&node, &undone).await.succeeded, 3);
    assert_eq!(proposed(&node).await[0].ticket_ids.len(), 3, "they are proposed again");
    let refused = calls::grouping(&node).undo_join(undo(&undone)).await.unwrap_err();
    assert_eq!(calls::reason(&refused), "NO_SUCH_OPERATION");
    let refused = calls::grouping(&node).join_reports(wire::JoinReportsRequest::default()).await.unwrap_err();
    assert_eq!(calls::violating_fields(&refused), ["author", "outage_id", "request_id", "tickets"]);
}

/// A node to which a city passes on what people show on its map.
async fn node_of_a_city(world: &mut World) -> Process {
    world.node_flags = vec!["--open311-partners".into(), format!("[{{name: city, key: {KEY}}}]")];
    world.node("hcmc-1", "HCMC").await
}

/// Somebody who names no code of a customer shows a place on the city's map.
async fn report_at(node: &Process, latitude: &str) -> ticket::Ticket {
    let what = "service_code=emergency_outage&attribute[province]=VN-SG&attribute[event_at]=2026-01-02T03:04:05Z";
    let form = format!("api_key={KEY}&{what}&lat={latitude}&long=106.7031");
    let answer = http::post(node.http, "/open311/v2/requests.json", "application/x-www-form-urlencoded", &form).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let told = answer.json();
    calls::ticket(node, told[0]["service_request_id"].as_str().unwrap()).await
}

async fn reports_by_the_map_are_grouped_by_their_distance(place: Place) {
    let mut world = World::new(place);
    let node = node_of_a_city(&mut world).await;
    // Three within 300 m and one that is 3 km away.
    for latitude in ["10.7767", "10.7780", "10.7793", "10.8050"] {
        report_at(&node, latitude).await;
    }
    let groups = proposed(&node).await;
    let [group] = groups.as_slice() else { panic!("{groups:?}") };
    let area = group.area.as_ref().unwrap();
    assert_eq!((group.outage_id.as_str(), group.ticket_ids.len()), ("", 3));
    assert!(!area.polygon.is_empty(), "the place on the map is what they have in common: {area:?}");
}

/// A box of some two kilometres between these latitudes, on both sides of all who report.
fn drawn(province: &str, south: f64, north: f64) -> wire::OutageArea {
    let corners = [(106.69, south), (106.71, south), (106.71, north), (106.69, north), (106.69, south)];
    let polygon = corners.map(|(longitude, latitude)| wire::Position { longitude, latitude }).into();
    wire::OutageArea { province: province.into(), polygon, ..Default::default() }
}

async fn reports_by_the_map_join_the_outage_that_is_drawn_around_or_near_them(place: Place) {
    let mut world = World::new(place);
    let node = node_of_a_city(&mut world).await;
    let around = outage_of(&node, drawn("VN-SG", 10.77, 10.79)).await;
    let bare = outage_of(&node, drawn("", 10.82, 10.84)).await;
    // Its province is asked for beside its ring, which only this report's own ticket knows.
    let inside = report_at(&node, "10.7800").await;
    assert_eq!(known(&node).await, [(around.id.clone(), vec![inside.id.clone()])]);
    // 300 m and 700 m north of the other ring, which holds nobody's report.
    let near = report_at(&node, "10.8427").await;
    report_at(&node, "10.8463").await;
    let mut both = [(around.id.clone(), vec![inside.id.clone()]), (bare.id.clone(), vec![near.id.clone()])];
    both.sort();
    assert_eq!(known(&node).await, both);

    let operation = join(&node, &around, &[&inside]).await;
    assert_eq!(done(&node, &operation).await.succeeded, 1);
    let joined = join(&node, &bare, &[&near]).await;
    assert_eq!(done(&node, &joined).await.succeeded, 1);
    assert_eq!(proposed(&node).await, []);
    // A whole join is undone as if it had never been; one report that somebody takes out does not mean that outage.
    let undone = calls::grouping(&node).undo_join(undo(&operation)).await.unwrap().into_inner().operation_id;
    assert_eq!(done(&node, &undone).await.succeeded, 1);
    let take_out = ticket::LinkTicketRequest {
        request_id: calls::request_id(),
        name: near.reference.clone(),
        kind: ticket::LinkKind::Outage.into(),
        target: bare.id.clone(),
        remove: true,
        author: "lan".into(),
    };
    calls::tickets(&node).link_ticket(take_out).await.unwrap();
    assert_eq!(calls::ticket(&node, &near.id).await.links, []);
    assert_eq!(known(&node).await, [(around.id, vec![inside.id])]);
}

/// What is proposed for outages that are known, by their ids; nothing else is proposed.
async fn known(node: &Process) -> Vec<(String, Vec<String>)> {
    let mut groups: Vec<_> =
        proposed(node).await.into_iter().map(|group| (group.outage_id, group.ticket_ids)).collect();
    groups.sort();
    groups
}

async fn one_restoration_answers_every_linked_ticket_in_its_language(place: Place) {
    let world = World::new(place);
    let mut node = world.node("hcmc-1", "HCMC").await;
    import(&node, "PE01000000001", "471-E5", customer::Language::Vi).await;
    import(&node, "PE01000000002", "471-E5", customer::Language::En).await;
    let reports = [report(&node, "PE01000000001").await, report(&node, "PE01000000002").await];
    let late = report(&node, "PE01000000001").await;
    let outage = outage(&node, "471-E5").await;
    let operation = join(&node, &outage, &[&reports[0], &reports[1]]).await;
    done(&node, &operation).await;
    let back = now();
    claim(&node, &outage, fact_claim::Fact::Restoration(back)).await;
    // Whatever it was at: the operation survives the process.
    node.kill();
    node.restart().await;
    let resolved = async |ticket: &ticket::Ticket| {
        eventually("the ticket is resolved", || async {
            let found = calls::ticket(&node, &ticket.id).await;
            (found.state() == ticket::TicketState::Resolved).then_some(found)
        })
        .await
    };
    let replies = |found: &ticket::Ticket| {
        let replies = found.timeline.iter().filter(|entry| entry.kind() == ticket::TimelineKind::Reply);
        replies.cloned().collect::<Vec<_>>()
    };
    for (report, words) in [(&reports[0], "đã có điện trở lại"), (&reports[1], "has been back since")] {
        let replies = replies(&resolved(report).await);
        assert_eq!(replies.len(), 1, "once, whatever happened to the process");
        assert!(replies[0].text.contains(words) && replies[0].text.contains(&report.reference), "{replies:?}");
        assert_eq!(replies[0].visibility(), ticket::TimelineVisibility::Public);
    }
    join(&node, &outage, &[&late]).await;
    resolved(&late).await;

    // It was said too early: whoever reports again is told again once supply is back.
    claim(&node, &outage, fact_claim::Fact::NotRestored(true)).await;
    let reopen = ticket::ReopenTicketRequest {
        request_id: calls::request_id(),
        name: reports[0].id.clone(),
        reason: "vẫn mất điện".into(),
        ..Default::default()
    };
    calls::tickets(&node).reopen_ticket(reopen).await.unwrap();
    let later = prost_types::Timestamp { seconds: back.seconds + 60, ..back };
    claim(&node, &outage, fact_claim::Fact::Restoration(later)).await;
    assert_eq!(replies(&resolved(&reports[0]).await).len(), 2);
    assert_eq!(replies(&resolved(&reports[1]).await).len(), 1, "nobody is told twice who did not ask again");
}
