use gridcare_proto::ticket::v1::{
    self as wire,
    TimelineKind::{Assigned, Opened, Reply, StateChanged},
};
use gridcare_tests::{Place, calls, world::World};

crate::on_both_engines!(
    a_ticket_lives_from_opening_to_reopening,
    an_illegal_transition_names_the_state_and_what_is_allowed,
    two_edits_of_one_version_conflict_and_nothing_is_lost,
    a_request_id_belongs_to_its_caller,
    pages_hold_every_ticket_once,
    a_customer_says_how_satisfied_they_are_and_the_last_word_counts,
);

async fn a_ticket_lives_from_opening_to_reopening(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let mut tickets = calls::tickets(&node);
    let opened = tickets.open_ticket(calls::opening("Mất điện ở Quận 1")).await.unwrap().into_inner().ticket.unwrap();
    assert_eq!(opened.state(), wire::TicketState::New);
    assert!(opened.reference.starts_with("HCMC-"), "{}", opened.reference);
    let name = opened.reference.clone();

    let assigned = tickets
        .assign_ticket(wire::AssignTicketRequest {
            request_id: calls::request_id(),
            name: name.clone(),
            assignee: "lan".into(),
            ..Default::default()
        })
        .await
        .unwrap()
        .into_inner()
        .ticket
        .unwrap();
    assert_eq!((assigned.state(), assigned.assignee.as_str()), (wire::TicketState::Assigned, "lan"));
    let reply = wire::AddTimelineEntryRequest {
        request_id: calls::request_id(),
        name: opened.id.clone(),
        kind: wire::TimelineKind::Reply.into(),
        text: "Đội sửa chữa đang đến".into(),
        ..Default::default()
    };
    tickets.add_timeline_entry(reply).await.unwrap();
    let state = |state: wire::TicketState| wire::ChangeTicketStateRequest {
        request_id: calls::request_id(),
        name: name.clone(),
        state: state.into(),
        ..Default::default()
    };
    tickets.change_ticket_state(state(wire::TicketState::InProgress)).await.unwrap();
    let resolve = wire::ResolveTicketRequest {
        request_id: calls::request_id(),
        name: name.clone(),
        resolution: "Đã đóng điện".into(),
        ..Default::default()
    };
    let resolved = tickets.resolve_ticket(resolve).await.unwrap().into_inner().ticket.unwrap();
    assert!(resolved.resolved_at.is_some());
    tickets
        .close_ticket(wire::CloseTicketRequest {
            request_id: calls::request_id(),
            name: name.clone(),
            ..Default::default()
        })
        .await
        .unwrap();
    let reopened = tickets
        .reopen_ticket(wire::ReopenTicketRequest {
            request_id: calls::request_id(),
            name: name.clone(),
            reason: "Lại mất điện".into(),
            ..Default::default()
        })
        .await
        .unwrap()
        .into_inner()
        .ticket
        .unwrap();
    assert_eq!(
        (reopened.state(), reopened.closed_at, reopened.etag.as_str()),
        (wire::TicketState::Reopened, None, "v7")
    );
    let read = tickets
        .get_ticket(wire::GetTicketRequest { name: name.to_lowercase().replace('-', " ") })
        .await
        .unwrap()
        .into_inner()
        .ticket
        .unwrap();
    let kinds: Vec<_> = read.timeline.iter().rev().map(wire::TimelineEntry::kind).collect();
    assert_eq!(kinds, [Opened, Assigned, Reply, StateChanged, StateChanged, StateChanged, StateChanged]);
}

async fn an_illegal_transition_names_the_state_and_what_is_allowed(place: Place) {
    let world = World::new(place);
    let node = world.node("npc-1", "NPC").await;
    let mut tickets = calls::tickets(&node);
    let opened = tickets.open_ticket(calls::opening("Hỏi hóa đơn")).await.unwrap().into_inner().ticket.unwrap();
    let close =
        wire::CloseTicketRequest { request_id: calls::request_id(), name: opened.id.clone(), ..Default::default() };
    let refused = tickets.close_ticket(close).await.unwrap_err();
    assert_eq!(
        (refused.code(), calls::reason(&refused).as_str()),
        (tonic::Code::FailedPrecondition, "ILLEGAL_TRANSITION")
    );
    assert!(refused.message().contains("is new") && refused.message().contains("resolved"), "{}", refused.message());
    let read =
        tickets.get_ticket(wire::GetTicketRequest { name: opened.id }).await.unwrap().into_inner().ticket.unwrap();
    assert_eq!((read.etag.as_str(), read.timeline.len()), ("v1", 1), "a refusal leaves no trace");
}

async fn two_edits_of_one_version_conflict_and_nothing_is_lost(place: Place) {
    let world = World::new(place);
    let node = world.node("spc-1", "SPC").await;
    let opened = calls::tickets(&node)
        .open_ticket(calls::opening("Đồng hồ điện chạy nhanh"))
        .await
        .unwrap()
        .into_inner()
        .ticket
        .unwrap();
    let edits = (0..8).map(|i| {
        let mut tickets = calls::tickets(&node);
        let request = wire::AddTimelineEntryRequest {
            request_id: calls::request_id(),
            name: opened.id.clone(),
            kind: wire::TimelineKind::Note.into(),
            text: format!("edit {i}"),
            etag: "v1".into(),
            ..Default::default()
        };
        async move { tickets.add_timeline_entry(request).await }
    });
    let outcomes = futures::future::join_all(edits).await;
    let won: Vec<_> = outcomes.iter().filter(|o| o.is_ok()).collect();
    assert_eq!(won.len(), 1, "one edit of a version wins");
    for lost in outcomes.iter().filter_map(|o| o.as_ref().err()) {
        assert_eq!((lost.code(), calls::reason(lost).as_str()), (tonic::Code::Aborted, "ETAG_MISMATCH"));
    }
    let read = calls::tickets(&node)
        .get_ticket(wire::GetTicketRequest { name: opened.id })
        .await
        .unwrap()
        .into_inner()
        .ticket
        .unwrap();
    assert_eq!((read.timeline.len(), read.etag.as_str()), (2, "v2"));
}

async fn a_request_id_belongs_to_its_caller(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let mut tickets = calls::tickets(&node);
    let request = calls::opening("Mất điện");
    let first = tickets.open_ticket(request.clone()).await.unwrap().into_inner().ticket.unwrap();
    let again = tickets.open_ticket(request.clone()).await.unwrap().into_inner().ticket.unwrap();
    assert_eq!(first, again);
    let other = wire::OpenTicketRequest { subject: "Something else".into(), ..request.clone() };
    let refused = tickets.open_ticket(other).await.unwrap_err();
    assert_eq!((refused.code(), calls::reason(&refused).as_str()), (tonic::Code::AlreadyExists, "REQUEST_ID_REUSED"));
    let mut partner = tonic::Request::new(request);
    partner.metadata_mut().insert("gridcare-principal", "partner".parse().unwrap());
    let own = tickets.open_ticket(partner).await.unwrap().into_inner().ticket.unwrap();
    assert_ne!(own.id, first.id, "another caller's request is its own");
    let all = tickets.list_tickets(wire::ListTicketsRequest::default()).await.unwrap().into_inner().tickets;
    assert_eq!(all.len(), 2);
}

async fn pages_hold_every_ticket_once(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let mut tickets = calls::tickets(&node);
    for i in 0..25 {
        tickets
            .open_ticket(calls::opening(if i % 5 == 0 {
                "Mất điện toàn phường"
            } else {
                "Hỏi giá điện"
            }))
            .await
            .unwrap();
    }
    let filter = wire::TicketFilter { words: "dien mat".into(), ..Default::default() };
    let found = tickets
        .list_tickets(wire::ListTicketsRequest { filter: Some(filter.clone()), ..Default::default() })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(found.tickets.len(), 5, "diacritics do not matter");
    let mut seen = Vec::new();
    let mut token = String::new();
    loop {
        let request = wire::ListTicketsRequest { page_size: 7, page_token: token.clone(), ..Default::default() };
        let page = tickets.list_tickets(request).await.unwrap().into_inner();
        seen.extend(page.tickets.into_iter().map(|t| t.id));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
        let foreign =
            wire::ListTicketsRequest { filter: Some(filter.clone()), page_token: token.clone(), ..Default::default() };
        let refused = tickets.list_tickets(foreign).await.unwrap_err();
        assert_eq!(calls::violating_fields(&refused), ["page_token"]);
    }
    let mut sorted = seen.clone();
    sorted.sort();
    sorted.dedup();
    sorted.reverse();
    assert_eq!(seen, sorted, "newest first, each once");
    assert_eq!(seen.len(), 25);
}

async fn a_customer_says_how_satisfied_they_are_and_the_last_word_counts(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let opened = calls::opened(&node, calls::opening("Mất điện")).await;
    let mut tickets = calls::tickets(&node);
    let rate = |score: i32, comment: &str| wire::RateTicketRequest {
        request_id: calls::request_id(),
        name: opened.reference.clone(),
        score,
        comment: comment.into(),
    };
    let early = tickets.rate_ticket(rate(5, "")).await.unwrap_err();
    assert_eq!((early.code(), calls::reason(&early).as_str()), (tonic::Code::FailedPrecondition, "NOT_YET_RESOLVED"));
    let resolve = wire::ResolveTicketRequest {
        request_id: calls::request_id(),
        name: opened.id.clone(),
        resolution: "Đã đóng điện".into(),
        ..Default::default()
    };
    tickets.resolve_ticket(resolve).await.unwrap();
    for score in [0, 6] {
        let refused = tickets.rate_ticket(rate(score, "")).await.unwrap_err();
        assert_eq!(calls::violating_fields(&refused), ["score"]);
    }
    let request = rate(2, "Chờ lâu quá");
    let first = tickets.rate_ticket(request.clone()).await.unwrap().into_inner().ticket.unwrap();
    assert_eq!((first.satisfaction, first.rated_at.is_some()), (2, true));
    let again = tickets.rate_ticket(request).await.unwrap().into_inner().ticket.unwrap();
    assert_eq!(again, first, "asked again, answered again");
    tickets.rate_ticket(rate(5, "Hiểu rồi, cảm ơn")).await.unwrap();
    let read = calls::ticket(&node, &opened.id).await;
    assert_eq!((read.satisfaction, read.state()), (5, wire::TicketState::Resolved));
    let said: Vec<_> = read.timeline.iter().rev().filter(|e| e.kind() == wire::TimelineKind::Rated).collect();
    assert_eq!(said.iter().map(|e| e.text.as_str()).collect::<Vec<_>>(), ["Chờ lâu quá", "Hiểu rồi, cảm ơn"]);
    assert!(said.iter().all(|e| e.visibility() == wire::TimelineVisibility::Internal));
}
