//! Tickets become one, and one becomes two: every entry of a timeline exactly once, and every old reference leads on.

use std::collections::BTreeSet;

use gridcare_proto::{
    outage::v1 as outage,
    ticket::v1::{self as wire, TimelineKind},
};
use gridcare_tests::{Place, Process, calls, world::World};

crate::on_both_engines!(
    merged_tickets_live_on_in_one,
    a_part_becomes_a_ticket_of_its_own,
    parents_children_links_and_files_belong_to_a_ticket,
    of_two_tickets_that_become_parts_of_each_other_one_is_refused,
    of_a_ticket_that_gets_a_part_and_becomes_one_at_once_one_change_is_refused,
    parts_of_a_merged_ticket_become_parts_of_what_is_no_part_itself,
    a_part_that_comes_during_a_merge_is_never_left_behind,
    a_timeline_is_read_page_by_page_also_after_a_merge,
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

async fn watch(node: &Process, name: &str, watcher: &str) {
    let request = wire::WatchTicketRequest {
        request_id: calls::request_id(),
        name: name.into(),
        watcher: watcher.into(),
        remove: false,
    };
    calls::tickets(node).watch_ticket(request).await.unwrap();
}

/// Of which tickets somebody was told, and what.
async fn told(node: &Process, recipient: &str) -> Vec<(String, String)> {
    let request = wire::ListNotificationsRequest { recipient: recipient.into(), ..Default::default() };
    let told = calls::tickets(node).list_notifications(request).await.unwrap().into_inner().notifications;
    let mut told: Vec<_> = told.into_iter().map(|n| (n.ticket_id, n.event)).collect();
    told.sort();
    told
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
    watch(&node, &opened[0].id, "mai").await;
    watch(&node, &opened[2].id, "mai").await;
    watch(&node, &opened[2].id, "lan").await;
    let request = merge(&[&opened[0], &opened[1]], &opened[2]);
    let merged = tickets.merge_tickets(request.clone()).await.unwrap().into_inner();
    assert_eq!(tickets.merge_tickets(request).await.unwrap().into_inner(), merged, "asked again, answered again");
    let mut changed = vec![(opened[0].id.clone(), "changed".to_owned()), (opened[2].id.clone(), "changed".to_owned())];
    changed.sort();
    assert_eq!(told(&node, "mai").await, changed, "of what ended, and of what lives on");
    assert_eq!(told(&node, "lan").await, [], "nobody is told of what they did themselves");
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
    let refund =
        wire::SplitTicketRequest { request_id: calls::request_id(), category: "refund".into(), ..request.clone() };
    let refused = tickets.split_ticket(refund).await.unwrap_err();
    assert_eq!(calls::reason(&refused), "REQUIRED_BY_CATEGORY", "{}", refused.message());
    assert_eq!(calls::violating_fields(&refused), ["requester_contact_point"], "nobody could be answered");
    watch(&node, &opened.id, "mai").await;
    let split = tickets.split_ticket(request.clone()).await.unwrap().into_inner();
    assert_eq!(tickets.split_ticket(request.clone()).await.unwrap().into_inner(), split, "asked again, answered again");
    assert_eq!(told(&node, "mai").await, [(opened.id.clone(), "changed".to_owned())]);
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

/// A new outage; its id.
async fn recorded_outage(node: &Process) -> String {
    let draft = outage::OutageDraft {
        kind: outage::OutageKind::Unplanned.into(),
        cause: "weather".into(),
        areas: vec![outage::OutageArea { feeder: "471-E5".into(), ..Default::default() }],
        begins_at: Some(calls::at(0)),
        ..Default::default()
    };
    let request =
        outage::RecordOutageRequest { request_id: calls::request_id(), outage: Some(draft), author: "lan".into() };
    calls::outages(node).record_outage(request).await.unwrap().into_inner().outage.unwrap().id
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
    let link = |kind: wire::LinkKind, target: String| wire::LinkTicketRequest {
        request_id: calls::request_id(),
        name: child.id.clone(),
        kind: kind.into(),
        target,
        ..Default::default()
    };
    for (kind, reason) in [(wire::LinkKind::Outage, "NO_SUCH_OUTAGE"), (wire::LinkKind::Contact, "NO_SUCH_CONTACT")] {
        let refused = tickets.link_ticket(link(kind, calls::request_id())).await.unwrap_err();
        assert_eq!((refused.code(), calls::reason(&refused).as_str()), (tonic::Code::NotFound, reason));
    }
    let request = link(wire::LinkKind::Outage, recorded_outage(&node).await);
    let linked = tickets.link_ticket(request.clone()).await.unwrap().into_inner();
    assert_eq!(tickets.link_ticket(request).await.unwrap().into_inner(), linked, "asked again, answered again");
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
    watch(&node, &child.id, "mai").await;
    let nothing = wire::WatchTicketRequest {
        request_id: calls::request_id(),
        name: calls::request_id(),
        watcher: "mai".into(),
        remove: false,
    };
    let refused = tickets.watch_ticket(nothing).await.unwrap_err();
    assert_eq!((refused.code(), calls::reason(&refused).as_str()), (tonic::Code::NotFound, "NO_SUCH_TICKET"));
    let read = calls::ticket(&node, &child.id).await;
    assert_eq!((read.links.len(), read.attachments.len(), read.watchers), (1, 1, vec!["mai".to_owned()]));
    said(&node, &child.id, "đang xử lý").await;
    assert_eq!(told(&node, "mai").await, [(child.id.clone(), "changed".to_owned())]);
}

/// Makes a ticket a part of another; why not, if it was refused.
async fn put_under(node: &Process, child: &wire::Ticket, parent: &wire::Ticket) -> Option<String> {
    let request = wire::SetTicketParentRequest {
        request_id: calls::request_id(),
        name: child.id.clone(),
        parent: parent.id.clone(),
        ..Default::default()
    };
    calls::tickets(node).set_ticket_parent(request).await.err().map(|refused| calls::reason(&refused))
}

async fn of_two_tickets_that_become_parts_of_each_other_one_is_refused(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    for n in 0..5 {
        let one = calls::opened(&node, calls::opening(&format!("một {n}"))).await;
        let other = calls::opened(&node, calls::opening(&format!("hai {n}"))).await;
        let (first, second) = tokio::join!(put_under(&node, &one, &other), put_under(&node, &other, &one));
        // Whoever comes second is told what it sees first: that its parent is a part by now, or that it has one itself.
        let refused: Vec<_> = [first, second].into_iter().flatten().collect();
        assert!(
            matches!(refused.as_slice(), [reason] if reason == "PARENT_HAS_PARENT" || reason == "HAS_CHILDREN"),
            "{refused:?}"
        );
    }
}

async fn of_a_ticket_that_gets_a_part_and_becomes_one_at_once_one_change_is_refused(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    for n in 0..5 {
        let part = calls::opened(&node, calls::opening(&format!("một {n}"))).await;
        let middle = calls::opened(&node, calls::opening(&format!("hai {n}"))).await;
        let whole = calls::opened(&node, calls::opening(&format!("ba {n}"))).await;
        let (first, second) = tokio::join!(put_under(&node, &part, &middle), put_under(&node, &middle, &whole));
        match (first.as_deref(), second.as_deref()) {
            (None, Some("HAS_CHILDREN")) | (Some("PARENT_HAS_PARENT"), None) => {}
            both => panic!("{both:?}"),
        }
    }
}

async fn parts_of_a_merged_ticket_become_parts_of_what_is_no_part_itself(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let mut opened = Vec::new();
    for subject in ["cả quận", "một phường", "cũng phường ấy", "nhà tôi", "phường khác", "nhà khác"]
    {
        opened.push(calls::opened(&node, calls::opening(subject)).await);
    }
    let [whole, middle, source, part, other, its_part] = opened.as_slice() else { panic!("{opened:?}") };
    for (child, parent) in [(middle, whole), (part, source), (its_part, other)] {
        assert_eq!(put_under(&node, child, parent).await, None);
    }
    let mut tickets = calls::tickets(&node);
    tickets.merge_tickets(merge(&[source], middle)).await.unwrap();
    let moved = calls::ticket(&node, &part.id).await;
    assert_eq!(moved.parent_id, whole.id);
    let entry = moved.timeline.iter().find(|e| e.kind() == TimelineKind::Linked && !e.text.is_empty());
    assert_eq!(entry.map(|e| &e.text), Some(&whole.reference), "its timeline says of what it is a part now");
    let mut parts = calls::ticket(&node, &whole.id).await.child_ids;
    parts.sort();
    let mut expected = vec![middle.id.clone(), part.id.clone()];
    expected.sort();
    assert_eq!(parts, expected);
    assert!(calls::ticket(&node, &middle.id).await.child_ids.is_empty(), "a part has no parts");

    tickets.merge_tickets(merge(&[its_part], other)).await.unwrap();
    assert_eq!(put_under(&node, other, whole).await, None, "what ended in it is no part of it any more");
}

async fn a_part_that_comes_during_a_merge_is_never_left_behind(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    for n in 0..10 {
        let part = calls::opened(&node, calls::opening(&format!("một {n}"))).await;
        let ending = calls::opened(&node, calls::opening(&format!("hai {n}"))).await;
        let into = calls::opened(&node, calls::opening(&format!("ba {n}"))).await;
        let mut tickets = calls::tickets(&node);
        let (refused, merged) =
            tokio::join!(put_under(&node, &part, &ending), tickets.merge_tickets(merge(&[&ending], &into)));
        merged.unwrap();
        let parent = calls::ticket(&node, &part.id).await.parent_id;
        match refused.as_deref() {
            None => assert_eq!(parent, into.id),
            Some("PARENT_MERGED") => assert_eq!(parent, ""),
            other => panic!("{other:?}"),
        }
    }
}

/// A whole timeline, in pages of this size.
async fn timeline(node: &Process, name: &str, page_size: i32) -> Vec<wire::TimelineEntry> {
    let (mut entries, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = wire::ListTimelineRequest { name: name.into(), page_size, page_token };
        let page = calls::tickets(node).list_timeline(request).await.unwrap().into_inner();
        assert!(page.entries.len() <= usize::try_from(page_size).unwrap());
        entries.extend(page.entries);
        if page.next_page_token.is_empty() {
            return entries;
        }
        page_token = page.next_page_token;
    }
}

async fn a_timeline_is_read_page_by_page_also_after_a_merge(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let one = calls::opened(&node, calls::opening("Mất điện")).await;
    let other = calls::opened(&node, calls::opening("Cũng mất điện")).await;
    for n in 0..7 {
        said(&node, &one.id, &format!("một {n}")).await;
        said(&node, &other.id, &format!("hai {n}")).await;
    }
    let shown = calls::ticket(&node, &one.id).await.timeline;
    assert_eq!(shown.len(), 8);
    for page_size in [1, 3, 8, 9] {
        assert_eq!(timeline(&node, &one.reference, page_size).await, shown, "pages of {page_size}");
    }
    let request = wire::ListTimelineRequest { name: one.id.clone(), page_size: 3, ..Default::default() };
    let mut tickets = calls::tickets(&node);
    let page_token = tickets.list_timeline(request.clone()).await.unwrap().into_inner().next_page_token;
    tickets.merge_tickets(merge(&[&one], &other)).await.unwrap();
    let merged = timeline(&node, &one.reference, 3).await;
    assert_eq!(merged, calls::ticket(&node, &other.id).await.timeline);
    assert_eq!(merged.len(), 17, "those of both, and that they were merged");
    assert!(merged.windows(2).all(|pair| pair[0].id > pair[1].id), "the newest first, and none twice");

    let stale = tickets.list_timeline(wire::ListTimelineRequest { page_token, ..request }).await.unwrap_err();
    assert_eq!(calls::violating_fields(&stale), ["page_token"], "it is another timeline by now");
    let nothing = wire::ListTimelineRequest { name: calls::request_id(), ..Default::default() };
    assert_eq!(calls::reason(&tickets.list_timeline(nothing).await.unwrap_err()), "NO_SUCH_TICKET");
}
