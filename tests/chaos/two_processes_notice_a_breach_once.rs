use std::collections::BTreeMap;

use gridcare_chassis::clock::{Clock as _, SystemClock};
use gridcare_proto::{
    convert::{ticket::etag, time},
    ticket::v1::{self as wire, TicketPriority, TimelineKind, imported_event::Event},
};
use gridcare_tests::{
    Place, Process, calls, eventually,
    world::{CAPABILITIES, NodeOf, World},
};
use jiff::{SignedDuration, Timestamp};
use nix::sys::signal::Signal;

/// Tickets of each topic.
const EACH: u32 = 20;
/// Whoever might be told of any of them.
const RECIPIENTS: [&str; 6] =
    ["lan", "role:dispatcher", "role:duty_officer", "role:supervisor", "team:district-1", "team:emergency"];

#[tokio::test(flavor = "multi_thread")]
async fn what_two_processes_find_due_at_once_is_told_once_and_followed_once() {
    let world = World::new(Place::Postgres);
    let database = world.place.database(&world.folder, "shared").await;
    let of = NodeOf { id: "hcmc-1", region: "HCMC", capabilities: CAPABILITIES };
    let nodes = [world.node_on(&of, &database).await, world.node_on(&of, &database).await];
    let due = Timestamp::from_second(SystemClock.now().as_second() + 4).unwrap();
    // Supply is to be back within two hours; at half of the hour for making safe, the emergency team takes over.
    let (fault, half) = (SignedDuration::from_hours(2), SignedDuration::from_mins(30));
    let tickets = (0..EACH).flat_map(|n| [opened(due - fault, "outage", n), opened(due - half, "safety", n)]);
    let request = wire::ImportTicketsRequest {
        request_id: calls::request_id(),
        source: "old-desk".into(),
        tickets: tickets.collect(),
    };
    let answer = calls::tickets(&nodes[0]).import_tickets(request).await.unwrap().into_inner();
    assert_eq!((answer.imported, answer.rejections), (2 * EACH, vec![]));
    // Both sleep through the instant, so that both find everything due when they wake.
    for node in &nodes {
        node.signal(Signal::SIGSTOP);
    }
    assert!(SystemClock.now() < due, "the tickets came too late");
    eventually("the instant has come", || async { (SystemClock.now() >= due).then_some(()) }).await;
    for node in &nodes {
        node.signal(Signal::SIGCONT);
    }
    let noticed = eventually("all are noticed", || async {
        let request = wire::ListTicketsRequest { page_size: 1_000, ..Default::default() };
        let tickets = calls::tickets(&nodes[0]).list_tickets(request).await.ok()?.into_inner().tickets;
        tickets.iter().all(|ticket| ticket.etag != etag(1)).then_some(tickets)
    })
    .await;
    assert_eq!(u32::try_from(noticed.len()).unwrap(), 2 * EACH);
    // What either of them still has in hand is written before this.
    for node in &nodes {
        calls::opened(node, calls::opening("Mất điện")).await;
    }

    let told = told(&nodes[1]).await;
    for ticket in noticed {
        let ticket = calls::ticket(&nodes[1], &ticket.id).await;
        assert_eq!(ticket.etag, etag(2), "changed once: {ticket:?}");
        let said = |kind: TimelineKind, what: &str| {
            ticket.timeline.iter().filter(|entry| entry.kind() == kind && entry.text.contains(what)).count()
        };
        let standing = (ticket.priority(), ticket.team.as_str(), ticket.assignee.as_str());
        if ticket.topic == "outage" {
            let breach = said(TimelineKind::ClockBreached, "restore_after_fault");
            let followed = ["request_is_late", "fault_lasts"].map(|rule| said(TimelineKind::Escalated, rule));
            assert_eq!((breach, followed), (1, [1, 1]), "{:?}", ticket.timeline);
            assert_eq!(standing, (TicketPriority::High, "district-1", "lan"));
            assert_eq!(told[&ticket.id], ["lan", "role:dispatcher", "role:duty_officer", "role:supervisor"]);
        } else {
            let warning = said(TimelineKind::ClockWarned, "make_safe");
            let followed = said(TimelineKind::Escalated, "danger_lasts");
            assert_eq!((warning, followed), (1, 1), "{:?}", ticket.timeline);
            assert_eq!(standing, (TicketPriority::Critical, "emergency", ""));
            assert_eq!(told[&ticket.id], ["role:dispatcher", "role:duty_officer", "team:emergency"]);
        }
    }
}

/// A ticket of no special urgency that was opened then, answered at once and given to an agent.
fn opened(at: Timestamp, topic: &str, n: u32) -> wire::ImportedTicket {
    let event = |second: i64, event: Event| wire::ImportedEvent {
        at: Some(time::timestamp(at + SignedDuration::from_secs(second))),
        author: "lan".into(),
        text: "như đã ghi".into(),
        event: Some(event),
    };
    let opening = wire::OpenTicketRequest {
        topic: topic.into(),
        priority: TicketPriority::Normal.into(),
        team: "district-1".into(),
        ..calls::opening("Dây điện đứt")
    };
    wire::ImportedTicket {
        source_key: format!("{topic} {n}"),
        opened_at: Some(time::timestamp(at)),
        opening: Some(opening),
        events: vec![event(10, Event::Said(TimelineKind::Reply.into())), event(20, Event::Assignee("lan".into()))],
    }
}

/// Who was told of which ticket, each as often as they were.
async fn told(node: &Process) -> BTreeMap<String, Vec<&'static str>> {
    let mut told: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for recipient in RECIPIENTS {
        let request =
            wire::ListNotificationsRequest { recipient: recipient.into(), page_size: 1_000, ..Default::default() };
        for one in calls::tickets(node).list_notifications(request).await.unwrap().into_inner().notifications {
            told.entry(one.ticket_id).or_default().push(recipient);
        }
    }
    told
}
