//! A clock runs out: noticed within a second, once, by whoever looks first, and followed by what the standard says.

use std::collections::BTreeMap;

use gridcare_proto::{
    federation::v1 as federation,
    ticket::v1::{self as wire, ClockKind, ClockPhase, TicketPriority, TimelineKind, imported_event::Event},
};
use gridcare_tests::{Place, Process, calls, eventually, world::World};

crate::on_both_engines!(
    a_breach_is_noticed_within_a_second_and_escalated,
    answers_and_waiting_stop_the_clocks_that_they_should,
    a_ticket_of_the_past_has_the_clocks_that_its_history_gives_it,
    the_country_sees_clocks_and_no_names,
);

/// A ticket about danger, whose first answer is due at a given moment from now: opened so long ago.
async fn opened_ago(node: &Process, key: &str, seconds: i64, category: &str) -> wire::Ticket {
    let now = gridcare_chassis::clock::SystemClock::shared().now();
    let opened = now.as_second() - seconds;
    let imported = wire::ImportedTicket {
        source_key: key.into(),
        opened_at: Some(prost_types::Timestamp { seconds: opened, nanos: now.subsec_nanosecond() }),
        opening: Some(wire::OpenTicketRequest {
            category: category.into(),
            channel: "hotline".into(),
            subject: format!("chuyện {key}"),
            team: "district-1".into(),
            ..Default::default()
        }),
        events: vec![],
    };
    let request = wire::ImportTicketsRequest {
        request_id: calls::request_id(),
        source: "old-desk".into(),
        tickets: vec![imported],
    };
    let answer = calls::tickets(node).import_tickets(request).await.unwrap().into_inner();
    assert_eq!((answer.imported, answer.rejections), (1, vec![]));
    let filter = wire::TicketFilter { words: key.into(), ..Default::default() };
    let list = wire::ListTicketsRequest { filter: Some(filter), ..Default::default() };
    calls::tickets(node).list_tickets(list).await.unwrap().into_inner().tickets.remove(0)
}

fn clock<'a>(ticket: &'a wire::Ticket, target: &str) -> &'a wire::Clock {
    let find = |clock: &&wire::Clock| clock.target == target;
    ticket.clocks.iter().find(find).unwrap_or_else(|| panic!("no clock of {target} in {:?}", ticket.clocks))
}

fn seconds(at: Option<&prost_types::Timestamp>) -> f64 {
    let at = at.expect("a time");
    f64::from(u32::try_from(at.seconds).unwrap()) + f64::from(at.nanos) / 1e9
}

async fn a_breach_is_noticed_within_a_second_and_escalated(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    // Restored within two hours: two seconds are left.
    let late = opened_ago(&node, "cuoicung", 2 * 3_600 - 2, "outage").await;
    let due = clock(&late, "restore_after_fault").deadline;
    assert_eq!(late.priority(), TicketPriority::High);
    let told = eventually("the breach is in the timeline", || async {
        let ticket = calls::ticket(&node, &late.id).await;
        let entry = ticket
            .timeline
            .iter()
            .find(|e| e.kind() == TimelineKind::ClockBreached && e.text.contains("restore_after_fault"));
        entry.cloned().map(|entry| (ticket.clone(), entry))
    })
    .await;
    let (ticket, entry) = told;
    let delay = seconds(entry.at.as_ref()) - seconds(due.as_ref());
    assert!((0.0..1.0).contains(&delay), "noticed {delay} s after its instant");
    assert_eq!(clock(&ticket, "restore_after_fault").breached_at, due);
    assert!(ticket.timeline.iter().any(|e| e.kind() == TimelineKind::Escalated && e.text.contains("fault_lasts")));
    let told = |recipient: &str| wire::ListNotificationsRequest { recipient: recipient.into(), ..Default::default() };
    for recipient in ["role:dispatcher", "role:duty_officer", "team:district-1"] {
        let list = calls::tickets(&node).list_notifications(told(recipient)).await.unwrap().into_inner();
        assert!(list.notifications.iter().any(|n| n.ticket_id == ticket.id), "{recipient} was told");
    }
}

async fn answers_and_waiting_stop_the_clocks_that_they_should(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let opened = calls::opened(
        &node,
        wire::OpenTicketRequest {
            topic: String::new(),
            category: "switchgear_lv".into(),
            customer_code: "PE01000123456".into(),
            ..calls::opening("Thay cầu dao")
        },
    )
    .await;
    assert_eq!((opened.topic.as_str(), opened.standard.as_str()), ("outage", "evn-2013.1"));
    assert!(opened.clocks.iter().any(|c| c.kind() == ClockKind::FirstResponse && c.phase() == ClockPhase::Running));
    let mut tickets = calls::tickets(&node);
    let say = |kind: TimelineKind, text: &str| wire::AddTimelineEntryRequest {
        request_id: calls::request_id(),
        name: opened.id.clone(),
        kind: kind.into(),
        text: text.into(),
        ..Default::default()
    };
    let replied = tickets.add_timeline_entry(say(TimelineKind::Reply, "Đã nhận")).await.unwrap().into_inner();
    let replied = replied.ticket.unwrap();
    assert!(replied.first_response_at.is_some());
    let first = replied.clocks.iter().find(|c| c.kind() == ClockKind::FirstResponse).unwrap();
    assert_eq!(first.phase(), ClockPhase::Stopped);
    let wait = wire::ChangeTicketStateRequest {
        request_id: calls::request_id(),
        name: opened.id.clone(),
        state: wire::TicketState::WaitingCustomer.into(),
        ..Default::default()
    };
    let waiting = tickets.change_ticket_state(wait).await.unwrap().into_inner().ticket.unwrap();
    let paused = clock(&waiting, "replace_switchgear_lv");
    assert_eq!((paused.phase(), paused.deadline), (ClockPhase::Paused, None));
    assert_eq!(waiting.deadline, None, "nothing runs");
    let asked = tickets.add_timeline_entry(say(TimelineKind::Message, "Tôi có nhà rồi")).await.unwrap().into_inner();
    let asked = asked.ticket.unwrap();
    assert_eq!(asked.state(), wire::TicketState::InProgress, "the customer answered");
    let next = asked.clocks.iter().find(|c| c.kind() == ClockKind::NextResponse).unwrap();
    assert_eq!(next.phase(), ClockPhase::Running);
    let resolve = wire::ResolveTicketRequest {
        request_id: calls::request_id(),
        name: opened.id.clone(),
        resolution: "Đã thay".into(),
        ..Default::default()
    };
    let resolved = tickets.resolve_ticket(resolve).await.unwrap().into_inner().ticket.unwrap();
    assert_eq!(clock(&resolved, "replace_switchgear_lv").phase(), ClockPhase::Resting);
    let reopen =
        wire::ReopenTicketRequest { request_id: calls::request_id(), name: opened.id.clone(), ..Default::default() };
    let reopened = tickets.reopen_ticket(reopen).await.unwrap().into_inner().ticket.unwrap();
    assert_eq!(
        clock(&reopened, "replace_switchgear_lv").phase(),
        ClockPhase::Running,
        "the time already spent is kept"
    );
    assert_eq!(reopened.repetition(), wire::Repetition::Repeated);
}

async fn a_ticket_of_the_past_has_the_clocks_that_its_history_gives_it(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    // 22 May 2013, a Wednesday, 07:00 local.
    let event = |second: i64, event| wire::ImportedEvent {
        at: Some(calls::at(second)),
        author: "lan".into(),
        text: "như đã ghi".into(),
        event: Some(event),
    };
    let history = |key: &str, events| wire::ImportedTicket {
        source_key: key.into(),
        opened_at: Some(calls::at(0)),
        opening: Some(wire::OpenTicketRequest {
            topic: "outage".into(),
            channel: "hotline".into(),
            subject: "Mất điện".into(),
            customer_code: "PE01000123456".into(),
            ..Default::default()
        }),
        events,
    };
    let good = vec![
        event(600, Event::Assignee("lan".into())),
        event(900, Event::Said(TimelineKind::Reply.into())),
        event(3 * 3_600, Event::State(wire::TicketState::Resolved.into())),
        event(4 * 3_600, Event::Score(4)),
    ];
    let illegal = vec![event(600, Event::State(wire::TicketState::Closed.into()))];
    let backwards =
        vec![event(900, Event::Said(TimelineKind::Note.into())), event(600, Event::Said(TimelineKind::Note.into()))];
    let batch = vec![history("a", good), history("b", illegal), history("c", backwards)];
    let request = |tickets: Vec<_>| wire::ImportTicketsRequest {
        request_id: calls::request_id(),
        source: "old-desk".into(),
        tickets,
    };
    let answer = calls::tickets(&node).import_tickets(request(batch.clone())).await.unwrap().into_inner();
    let reasons: Vec<_> = answer.rejections.iter().map(|r| (r.source_key.as_str(), r.reason.as_str())).collect();
    assert_eq!((answer.imported, answer.known), (1, 0));
    assert_eq!(reasons, [("b", "ILLEGAL_TRANSITION"), ("c", "INVALID_FIELDS")]);
    let again = calls::tickets(&node).import_tickets(request(batch)).await.unwrap().into_inner();
    assert_eq!((again.imported, again.known), (0, 1), "a known key changes nothing");

    let filter = wire::TicketFilter { customer_code: "PE01000123456".into(), ..Default::default() };
    let list = wire::ListTicketsRequest { filter: Some(filter), ..Default::default() };
    let listed = calls::tickets(&node).list_tickets(list).await.unwrap().into_inner().tickets;
    assert_eq!(listed.len(), 1);
    let ticket = calls::ticket(&node, &listed[0].id).await;
    assert_eq!((ticket.opened_at, ticket.satisfaction), (Some(calls::at(0)), 4));
    assert_eq!(clock(&ticket, "restore_after_fault").breached_at, Some(calls::at(2 * 3_600)));
    let answered = ticket.clocks.iter().find(|c| c.kind() == ClockKind::FirstResponse).unwrap();
    assert_eq!((answered.stopped_at, answered.breached_at), (Some(calls::at(900)), None));
    let breach = ticket.timeline.iter().find(|e| e.kind() == TimelineKind::ClockBreached).unwrap();
    assert_eq!(breach.at, Some(calls::at(2 * 3_600)), "told at its own instant");
    // Seven days have long passed: nobody came back.
    eventually("it is known that the customer did not come back", || async {
        (calls::ticket(&node, &ticket.id).await.repetition() == wire::Repetition::None).then_some(())
    })
    .await;
}

async fn the_country_sees_clocks_and_no_names(place: Place) {
    let world = World::new(place);
    let node = world.node("spc-1", "SPC").await;
    let gateway = world.gateway(&[("spc-1", "SPC", &node)]).await;
    let opened =
        calls::opened(&node, wire::OpenTicketRequest { team: "can-tho".into(), ..calls::opening("Mất điện") }).await;
    let national = eventually("the ticket is in the country", || async {
        let mut nation = calls::nation(&gateway);
        let request = federation::ListNationalTicketsRequest::default();
        nation.list_national_tickets(request).await.unwrap().into_inner().tickets.pop()
    })
    .await;
    let ticket = national.ticket.unwrap();
    assert_eq!((ticket.id.as_str(), ticket.team.as_str()), (opened.id.as_str(), "can-tho"));
    let of = |clocks: &[wire::Clock]| clocks.iter().map(|c| (c.target.clone(), c.deadline)).collect::<BTreeMap<_, _>>();
    assert_eq!(of(&ticket.clocks), of(&opened.clocks));
}
