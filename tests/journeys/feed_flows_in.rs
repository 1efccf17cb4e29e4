use std::collections::BTreeMap;

use gridcare_proto::{federation::v1 as wire, ticket::v1 as ticket};
use gridcare_tests::{Place, Process, calls, eventually, world::World};
use tokio_stream::StreamExt as _;

crate::on_both_engines!(
    a_ticket_of_a_node_is_seen_nationally_without_its_texts,
    a_feed_is_dense_and_can_be_resumed_anywhere,
    a_country_says_what_it_covers,
    a_cursor_that_does_not_fit_is_refused_with_its_reason,
);

async fn a_ticket_of_a_node_is_seen_nationally_without_its_texts(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let gateway = world.gateway(&[("hcmc-1", "HCMC", &node)]).await;
    let request = ticket::OpenTicketRequest {
        customer_code: "PE01000123456".into(),
        province: "VN-SG".into(),
        ..calls::opening("Mất điện")
    };
    let opened = calls::tickets(&node).open_ticket(request).await.unwrap().into_inner().ticket.unwrap();
    let seen = eventually("the gateway lists the ticket", || async {
        let list = calls::nation(&gateway)
            .list_national_tickets(wire::ListNationalTicketsRequest::default())
            .await
            .ok()?
            .into_inner();
        list.tickets.into_iter().next()
    })
    .await;
    let federated = seen.ticket.unwrap();
    assert_eq!(
        (seen.region.as_str(), federated.reference.as_str(), federated.id.as_str()),
        ("HCMC", opened.reference.as_str(), opened.id.as_str())
    );
    assert_eq!(federated.customer_pseudonym.len(), 32);
    assert!(!federated.customer_pseudonym.contains("123456"));
}

async fn entries(node: &Process, after: Option<wire::FeedCursor>, until: u64) -> Vec<wire::FeedEntry> {
    let mut stream = calls::feed(node).pull_feed(wire::PullFeedRequest { after }).await.unwrap().into_inner();
    let mut entries = Vec::new();
    while entries.last().is_none_or(|e: &wire::FeedEntry| e.position < until) {
        entries.extend(stream.next().await.unwrap().unwrap().entries);
    }
    entries
}

async fn a_feed_is_dense_and_can_be_resumed_anywhere(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let opening = (0..200).map(|i| {
        let mut tickets = calls::tickets(&node);
        async move { tickets.open_ticket(calls::opening(&format!("ticket {i}"))).await.unwrap() }
    });
    futures::future::join_all(opening).await;
    let head = calls::feed(&node).describe_node(wire::DescribeNodeRequest {}).await.unwrap().into_inner().head.unwrap();
    let all = entries(&node, None, head.position).await;
    assert_eq!(
        all.iter().map(|e| e.position).collect::<Vec<_>>(),
        (1..=head.position).collect::<Vec<_>>(),
        "no gap, no duplicate"
    );
    for middle in [0, 57, all.len() - 2] {
        let after =
            wire::FeedCursor { position: all[middle].position, batch_id: all[middle].batch_id.clone(), ..head.clone() };
        assert_eq!(entries(&node, Some(after), head.position).await, all[middle + 1..]);
    }
}

async fn a_country_says_what_it_covers(place: Place) {
    let world = World::new(place);
    let hcmc = world.node("hcmc-1", "HCMC").await;
    let database = place.database(&world.folder, "npc").await;
    let capabilities = "[{channel: hotline, metric: answered, offered_from: 2013-01-01}]";
    let npc =
        world.node_on(&gridcare_tests::world::NodeOf { id: "npc-1", region: "NPC", capabilities }, &database).await;
    let gateway = world.gateway(&[("hcmc-1", "HCMC", &hcmc), ("npc-1", "NPC", &npc)]).await;
    let request = wire::GetNationalStatusRequest { from: Some(calls::at(-86_400)), until: Some(calls::at(86_400)) };
    let status = eventually("both regions are covered", || async {
        let status = calls::nation(&gateway).get_national_status(request).await.ok()?.into_inner();
        (status.completeness.as_ref()?.covered == 2).then_some(status)
    })
    .await;
    let figures: BTreeMap<_, _> = status
        .figures
        .iter()
        .flat_map(|f| {
            f.regions
                .iter()
                .map(move |r| ((f.channel().as_str_name(), f.metric.as_str(), r.region.as_str()), r.status()))
        })
        .collect();
    assert_eq!(figures[&("CHANNEL_HOTLINE", "answered", "HCMC")], wire::FigureStatus::Reported);
    assert_eq!(figures[&("CHANNEL_HOTLINE", "answered", "NPC")], wire::FigureStatus::NotReported);
    assert_eq!(figures[&("CHANNEL_SMS", "messages", "NPC")], wire::FigureStatus::NotOffered);
    let answered = status.figures.iter().find(|f| f.metric == "answered").unwrap();
    let completeness = answered.completeness.as_ref().unwrap();
    assert_eq!(
        (completeness.expected, completeness.covered, completeness.not_reported.clone()),
        (2, 1, vec!["NPC".to_owned()])
    );
}

async fn a_cursor_that_does_not_fit_is_refused_with_its_reason(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let mut feed = calls::feed(&node);
    let head = feed.describe_node(wire::DescribeNodeRequest {}).await.unwrap().into_inner().head.unwrap();
    let foreign = wire::FeedCursor { node: "spc-1".into(), ..head.clone() };
    let refused = feed.pull_feed(wire::PullFeedRequest { after: Some(foreign) }).await.unwrap_err();
    assert_eq!(calls::reason(&refused), "CURSOR_OF_ANOTHER_NODE");
    let rewritten = wire::FeedCursor { batch_id: gridcare_chassis::id::new_id().to_string(), ..head.clone() };
    let refused = feed.pull_feed(wire::PullFeedRequest { after: Some(rewritten) }).await.unwrap_err();
    assert_eq!(
        (refused.code(), calls::reason(&refused).as_str()),
        (tonic::Code::FailedPrecondition, "HISTORY_REWRITTEN")
    );
    let reborn = feed.describe_node(wire::DescribeNodeRequest {}).await.unwrap().into_inner().head.unwrap();
    assert_ne!(reborn.incarnation, head.incarnation, "every other reader learns of it too");
    let forgetful = wire::FeedCursor { batch_id: String::new(), ..head.clone() };
    let refused = feed.pull_feed(wire::PullFeedRequest { after: Some(forgetful) }).await.unwrap_err();
    assert_eq!(calls::violating_fields(&refused), ["after"], "a cursor without its batch proves nothing");
    let malformed = wire::FeedCursor { batch_id: "x".into(), ..head };
    let refused = feed.pull_feed(wire::PullFeedRequest { after: Some(malformed) }).await.unwrap_err();
    assert_eq!(calls::violating_fields(&refused), ["after"]);
}
