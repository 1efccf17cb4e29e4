use std::collections::BTreeMap;

use gridcare_proto::{
    federation::v1::{self as federation, feed_entry::Change},
    ticket::v1 as ticket,
};
use gridcare_tests::{
    Place, calls,
    world::{CAPABILITIES, NodeOf, World},
};
use tokio_stream::StreamExt as _;

const WRITERS: usize = 64;
const EACH: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_writers_over_two_processes_leave_a_feed_without_gap_duplicate_or_disorder() {
    let world = World::new(Place::Postgres);
    let database = world.place.database(&world.folder, "shared").await;
    let of = NodeOf { id: "hcmc-1", region: "HCMC", capabilities: CAPABILITIES };
    let nodes = [world.node_on(&of, &database).await, world.node_on(&of, &database).await];
    // The follower reads live, from the process that writes less of what it reads.
    let mut follower =
        calls::feed(&nodes[1]).pull_feed(federation::PullFeedRequest::default()).await.unwrap().into_inner();
    let following = tokio::spawn(async move {
        let mut seen = Vec::new();
        // Three capabilities and a standard; an opening, an assignment and a note per ticket.
        while seen.len() < 4 + WRITERS * EACH * 3 {
            seen.extend(follower.next().await.unwrap().unwrap().entries);
        }
        seen
    });
    let writers = (0..WRITERS).map(|writer| {
        let (mut here, mut there) = (calls::tickets(&nodes[writer % 2]), calls::tickets(&nodes[(writer + 1) % 2]));
        async move {
            for i in 0..EACH {
                let opened = here
                    .open_ticket(calls::opening(&format!("{writer} {i}")))
                    .await
                    .unwrap()
                    .into_inner()
                    .ticket
                    .unwrap();
                // The other process changes what this one has opened.
                let assign = ticket::AssignTicketRequest {
                    request_id: calls::request_id(),
                    name: opened.id.clone(),
                    assignee: "lan".into(),
                    ..Default::default()
                };
                there.assign_ticket(assign).await.unwrap();
                let note = ticket::AddTimelineEntryRequest {
                    request_id: calls::request_id(),
                    name: opened.reference,
                    kind: 2,
                    text: "đã gọi".into(),
                    ..Default::default()
                };
                here.add_timeline_entry(note).await.unwrap();
            }
        }
    });
    futures::future::join_all(writers).await;
    let seen = tokio::time::timeout(std::time::Duration::from_mins(1), following)
        .await
        .expect("the live follower misses none")
        .unwrap();
    let positions: Vec<_> = seen.iter().map(|entry| entry.position).collect();
    assert_eq!(positions, (1..=positions.len() as u64).collect::<Vec<_>>(), "no gap, no duplicate");
    let mut versions: BTreeMap<String, u64> = BTreeMap::new();
    for entry in seen {
        if let Some(Change::Ticket(ticket)) = entry.change {
            let before = versions.insert(ticket.id.clone(), ticket.version).unwrap_or(0);
            assert_eq!(ticket.version, before + 1, "an aggregate's entries are in its order");
        }
    }
    assert_eq!(versions.len(), WRITERS * EACH);
    assert!(versions.values().all(|version| *version == 3));
}
