//! Tickets become one, and one becomes two: every entry of a timeline exactly once, and every old reference leads on.

use std::collections::BTreeSet;

use gridcare_proto::ticket::v1::{self as wire, TimelineKind};
use gridcare_tests::{Place, Process, calls, world::World};

crate::on_both_engines!(
    merged_tickets_live_on_in_one,
    a_part_becomes_a_ticket_of_its_own,
    parents_children_links_and_files_belong_to_a_ticket,
);

async fn said(node: &Process, name: &str, text: &str) {
    let request = wire::AddTimelineEntryRequest {
        request_id: calls::request_id(),
        name: name.into(),
        kind: TimelineKind::Note.into(),
        text: text.into(),
        ..Default::default()
    };
    calls::tickets(node).add_timeline_entry(request).await.unwrap();
}

fn merge(sources: &[&wire::Ticket], into: &wire::Ticket) -> wire::MergeTicketsRequest {
    wire::MergeTicketsRequest {
        request_id: calls::request_id(),
        sources: sources.iter().map(|ticket| ticket.reference.clone()).collect(),
        into: into.id.clone(),
        author: "lan".into(),
        reason: "cùng một sự cố".into(),
    }
}

fn entries(ticket: &wire::Ticket) -> BTreeSet<String> {
    ticket.timeline.iter().filter(|e| e.kind() != TimelineKind::Merged).map(|e| e.id.clone()).collect()
}

async fn merged_tickets_live_on_in_one(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let mut opened = Vec::new();
    for n in 0..4 {
        let ticket = calls::opened(&node, calls::opening(&format!("Mất điện {n}"))).await;
        said(&node, &ticket.id, &format!("ghi chú {n}")).await;
        opened.push(calls::ticket(&node, &ticket.id).await);
    }
    let before: BTreeSet<String> = opened.iter().flat_map(entries).collect();
    let mut tickets = calls::tickets(&node);
    let request = merge(&[&opened[0], &opened[1]], &opened[2]);
    let merged = tickets.merge_tickets(request.clone()).await.unwrap().into_inner();
    assert_eq!(tickets.merge_tickets(request).await.unwrap().into_inner(), merged, "asked again, answered again");
    tickets.merge_tickets(merge(&[&opened[2]], &opened[3])).await.unwrap();
    for old in &opened {
        let found = calls::ticket(&node, &old.reference).await;
        assert_eq!(found.id, opened[3].id, "{} leads on", old.reference);
        said(&node, &old.reference, "về sau").await;
    }
    let living = calls::ticket(&node, &opened[3].id).await;
    let after: BTreeSet<String> = living
        .timeline
        .iter()
        .filter(|e| e.text != "về sau")
        .filter(|e| e.kind() != TimelineKind::Merged)
        .map(|e| e.id.clone())
        .collect();
    assert_eq!(after, before, "each entry exactly once");
    assert_eq!(living.timeline.iter().filter(|e| e.text == "về sau").count(), 4);

    let stale = wire::AddTimelineEntryRequest {
        request_id: calls::request_id(),
        name: opened[0].reference.clone(),
        kind: TimelineKind::Note.into(),
        text: "với etag cũ".into(),
        etag: opened[0].etag.clone(),
        ..Default::default()
    };
    assert_eq!(calls::reason(&tickets.add_timeline_entry(stale).await.unwrap_err()), "ETAG_MISMATCH");
    for (request, reason) in
        [(merge(&[&opened[3]], &opened[3]), "MERGED_INTO_ITSELF"), (merge(&[&opened[0]], &opened[3]), "ALREADY_MERGED")]
    {
        let refused = tickets.merge_tickets(request).await.unwrap_err();
        assert_eq!(calls::reason(&refused), reason, "{}", refused.message());
    }
    let list = wire::ListTicketsRequest {
        filter: Some(wire::TicketFilter { states: vec![wire::TicketState::Cancelled.into()], ..Default::default() }),
        ..Default::default()
    };
    let ended = tickets.list_tickets(list).await.unwrap().into_inner().tickets;
    assert_eq!(ended.len(), 3);
    assert!(ended.iter().all(|t| !t.merged_into_id.is_empty() && t.deadline.is_none()));
}

async fn a_part_becomes_a_ticket_of_its_own(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let opening = wire::OpenTicketRequest { customer_code: "PE01000123456".into(), ..calls::opening("Mất điện") };
    let opened = calls::opened(&node, opening).await;
    for text in ["về điện", "về hóa đơn", "lại về hóa đơn"] {
        said(&node, &opened.id, text).await;
    }
    let before = calls::ticket(&node, &opened.id).await;
    let moving: Vec<String> =
        before.timeline.iter().filter(|e| e.text.contains("hóa đơn")).map(|e| e.id.clone()).collect();
    let request = wire::SplitTicketRequest {
        request_id: calls::request_id(),
        name: opened.reference.clone(),
        entry_ids: moving.clone(),
        subject: "Hóa đơn tháng 4".into(),
        category: "bill".into(),
        author: "lan".into(),
        ..Default::default()
    };
    let mut tickets = calls::tickets(&node);
    let split = tickets.split_ticket(request.clone()).await.unwrap().into_inner();
    assert_eq!(tickets.split_ticket(request.clone()).await.unwrap().into_inner(), split, "asked again, answered again");
    let (kept, new) = (
        calls::ticket(&node, &opened.id).await,
        calls::ticket(&node, &split.new_ticket.as_ref().unwrap().reference).await,
    );
    assert_eq!((new.topic.as_str(), new.customer_code.as_str()), ("bill", "PE01000123456"));
    assert!(!new.clocks.is_empty() && new.deadline.is_some());
    let ids = |t: &wire::Ticket, kind| {
        t.timeline.iter().filter(|e| e.kind() == kind).map(|e| e.id.clone()).collect::<BTreeSet<_>>()
    };
    assert_eq!(ids(&new, TimelineKind::Note), moving.iter().cloned().collect());
    assert_eq!(ids(&kept, TimelineKind::Note).len(), 1);
    let strange = wire::SplitTicketRequest { request_id: calls::request_id(), ..request };
    assert_eq!(calls::reason(&tickets.split_ticket(strange).await.unwrap_err()), "ENTRY_NOT_MOVABLE");
}

async fn parents_children_links_and_files_belong_to_a_ticket(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let parent = calls::opened(&node, calls::opening("Mất điện cả quận")).await;
    let child = calls::opened(&node, calls::opening("Mất điện nhà tôi")).await;
    let mut tickets = calls::tickets(&node);
    let set = |name: &wire::Ticket, parent: &str| wire::SetTicketParentRequest {
        request_id: calls::request_id(),
        name: name.id.clone(),
        parent: parent.to_owned(),
        ..Default::default()
    };
    tickets.set_ticket_parent(set(&child, &parent.reference)).await.unwrap();
    assert_eq!(calls::ticket(&node, &parent.id).await.child_ids, std::slice::from_ref(&child.id));
    for (request, reason) in
        [(set(&parent, &parent.id), "PARENT_OF_ITSELF"), (set(&parent, &child.id), "PARENT_HAS_PARENT")]
    {
        assert_eq!(calls::reason(&tickets.set_ticket_parent(request).await.unwrap_err()), reason);
    }
    let link = wire::LinkTicketRequest {
        request_id: calls::request_id(),
        name: child.id.clone(),
        kind: wire::LinkKind::Outage.into(),
        target: calls::request_id(),
        ..Default::default()
    };
    tickets.link_ticket(link.clone()).await.unwrap();
    let file = wire::Attachment {
        uri: "https://files.example/1.jpg".into(),
        file_name: "công tơ.jpg".into(),
        media_type: "image/jpeg".into(),
        size_bytes: 1_000,
        sha256: "a".repeat(64),
        ..Default::default()
    };
    let attach = |file: wire::Attachment| wire::AttachToTicketRequest {
        request_id: calls::request_id(),
        name: child.id.clone(),
        attachment: Some(file),
        ..Default::default()
    };
    tickets.attach_to_ticket(attach(file.clone())).await.unwrap();
    let huge = wire::Attachment { size_bytes: 1 << 30, media_type: "application/x-sh".into(), ..file };
    let refused = tickets.attach_to_ticket(attach(huge)).await.unwrap_err();
    assert_eq!(calls::violating_fields(&refused), ["attachment.media_type", "attachment.size_bytes"]);
    let watch = |watcher: &str| wire::WatchTicketRequest {
        request_id: calls::request_id(),
        name: child.id.clone(),
        watcher: watcher.into(),
        remove: false,
    };
    tickets.watch_ticket(watch("mai")).await.unwrap();
    let read = calls::ticket(&node, &child.id).await;
    assert_eq!((read.links.len(), read.attachments.len(), read.watchers), (1, 1, vec!["mai".to_owned()]));
    said(&node, &child.id, "đang xử lý").await;
    let told = wire::ListNotificationsRequest { recipient: "mai".into(), ..Default::default() };
    let told = tickets.list_notifications(told).await.unwrap().into_inner().notifications;
    assert_eq!(told.iter().map(|n| n.event.as_str()).collect::<Vec<_>>(), ["changed"]);
}
