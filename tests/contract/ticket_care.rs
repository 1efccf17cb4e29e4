use gridcare_chassis::id::new_id;
use gridcare_domain::{
    assignment::Agent,
    calendar::Span,
    ticket::{Attachment, LinkKind, State, Ticket, TimelineKind, assign, merge, notice_due, rebase},
};
use gridcare_store::{
    NodeStore, StoreError,
    bulk::{CANCELLED, DONE, ItemResult},
    due::Walk,
    notification::Notification,
    relation,
    request::Request,
    team,
    ticket::{Order, TicketQuery},
    ticket_import::ImportedTicket,
    writer::{Changes, DecideTickets},
};
use gridcare_tests::Place;
use jiff::tz::TimeZone;
use uuid::Uuid;

use crate::{
    on_both_engines,
    samples::{
        Home, MORNING_US, at, change_of, governance, governed, open, open_new, request, ticket, whole_feed, write,
    },
};

fn lan() -> Agent {
    Agent {
        id: "lan".into(),
        team: "district-1".into(),
        skills: vec!["outage".into()],
        shifts: std::array::from_fn(|_| vec![Span { from_minute: 0, until_minute: 1_440 }]),
        zone: TimeZone::UTC,
        capacity: 5,
        active: true,
    }
}

fn photo() -> Attachment {
    Attachment {
        id: new_id(),
        uri: "https://files.example/1.jpg".into(),
        file_name: "1.jpg".into(),
        media_type: "image/jpeg".into(),
        size_bytes: 1,
        sha256: "0".repeat(64),
        at: at(0),
    }
}

async fn decide(store: &NodeStore, ids: Vec<Uuid>, decide: DecideTickets) {
    store.change_tickets(request(), MORNING_US, new_id(), ids, decide).await.unwrap().unwrap();
}

/// One more version of a ticket, with an entry of this kind.
fn next(ticket: &Ticket, kind: TimelineKind) -> gridcare_store::writer::TicketWrite {
    write(Ticket { version: ticket.version + 1, ..ticket.clone() }, kind)
}

/// Links, attachments and notifications, in one change.
fn furnish(ticket: &Ticket) -> Changes {
    let (contact, outage) = (new_id(), new_id());
    let mut extras = vec![
        relation::link(ticket.id, LinkKind::Contact, contact, at(0)),
        relation::link(ticket.id, LinkKind::Outage, outage, at(0)),
        relation::unlink(ticket.id, LinkKind::Contact, contact),
        relation::attach(ticket.id, &photo()),
    ];
    extras.extend(team::assigned("lan", 7));
    Changes {
        extras,
        notifications: ["lan", "mai"]
            .map(|who| Notification {
                ticket_id: ticket.id,
                recipient: who.into(),
                event: "changed",
                target: String::new(),
            })
            .into(),
        ..Changes::from(next(ticket, TimelineKind::Linked))
    }
}

/// Runs every statement of this part once.
pub(crate) async fn use_all(store: &NodeStore) {
    store.put_agent(request(), MORNING_US, &lan(), vec![]).await.unwrap().unwrap();
    let one = governed(ticket(store.next_number().await.unwrap(), "Mất điện"));
    open(store, &one).await;
    let two = open_new(store, "Cũng mất điện").await;
    decide(store, vec![one.id], Box::new(|tickets| Ok(furnish(&tickets[0])))).await;
    let agents = store.agents(Some("district-1"), &TimeZone::UTC).await.unwrap();
    assert_eq!((agents.len(), agents[0].1.last_assigned_us), (1, 7));
    assert_eq!(agents[0].0, lan());
    store.set_watcher(one.id, "mai", true, at(0)).await.unwrap();
    store.set_watcher(one.id, "hoa", true, at(0)).await.unwrap();
    store.set_watcher(one.id, "hoa", false, at(0)).await.unwrap();
    let relations = store.relations(one.id).await.unwrap();
    assert_eq!((relations.watchers, relations.links.len()), (vec!["mai".to_owned()], 1));
    let outage = relations.links[0].target;
    assert_eq!(store.linked_tickets(LinkKind::Outage, outage, Uuid::nil(), 9).await.unwrap(), [one.id]);
    assert_eq!(store.notifications("lan", 0, 9).await.unwrap().len(), 1);
    assert_eq!(store.forget_notifications(MORNING_US + 1, 1).await.unwrap(), 1);

    assert_eq!(store.next_due_us().await.unwrap(), one.due_us);
    assert_eq!(store.due_tickets(i64::MAX, 9).await.unwrap(), [(one.id, one.due_us.unwrap())]);
    assert!(!store.came_back(&Ticket { resolved_at: Some(at(0)), ..one.clone() }, 0).await.unwrap());
    let customer = gridcare_domain::customer_code::CustomerCode::parse("PE01000000001").ok();
    let known = Ticket { customer_code: customer, resolved_at: Some(at(0)), ..one.clone() };
    assert!(!store.came_back(&known, i64::MAX).await.unwrap());
    assert!(store.children(one.id).await.unwrap().is_empty());
    assert_eq!(store.living_ticket(one.id).await.unwrap(), one.id);

    merge_into(store, &one, &two).await;
    let part = ticket(store.next_number().await.unwrap(), "Một phần");
    let entry = store.timeline(two.id, 9).await.unwrap()[0].id;
    decide(
        store,
        vec![two.id],
        Box::new(move |tickets| {
            Ok(Changes {
                opened: vec![write(part.clone(), TimelineKind::Split)],
                extras: vec![relation::hand_over_entry(tickets[0].id, entry, part.id)],
                silent: vec![],
                ..Changes::from(next(&tickets[0], TimelineKind::Split))
            })
        }),
    )
    .await;
    let id = new_id();
    store.start_bulk(request(), MORNING_US, id, vec![1], &[one.id, two.id], vec![]).await.unwrap().unwrap();
    assert_eq!(store.running_bulks().await.unwrap(), [(id, vec![1])]);
    assert_eq!(store.waiting_items(id, 9).await.unwrap(), [(1, one.id), (2, two.id)]);
    let result = ItemResult { place: 1, ticket_id: one.id, reason: String::new(), message: String::new() };
    store.put_results(id, std::slice::from_ref(&result)).await.unwrap();
    assert_eq!(store.bulk_results(id, 0, false, 9).await.unwrap(), [result]);
    assert!(store.end_bulk(id, DONE, MORNING_US).await.unwrap());
    assert!(!store.end_bulk(id, DONE, MORNING_US).await.unwrap(), "it has ended");
    assert_eq!(store.bulk(id).await.unwrap().map(|o| (o.state, o.succeeded, o.refused)), Some((DONE, 1, 0)));
    assert_eq!(store.forget_bulks(MORNING_US + 1, 9).await.unwrap(), 3);

    let imported = ticket(store.next_number().await.unwrap(), "Từ hệ thống cũ");
    let batch =
        || vec![ImportedTicket { source_key: "1".into(), write: write(imported.clone(), TimelineKind::Opened) }];
    assert_eq!(store.import_tickets("old", MORNING_US, new_id(), &batch()).await.unwrap(), 1);
    assert_eq!(store.import_tickets("old", MORNING_US, new_id(), &batch()).await.unwrap(), 0, "it is known");
    assert!(store.known_imports("old", &["1", "2"]).await.unwrap().contains("1"));
    let walk = Walk::new(State::New);
    let step = store.rebase(&walk, 1, MORNING_US, new_id(), |t| {
        Some((
            Ticket { version: t.version + 1, ..t.clone() },
            change_of(&Ticket { version: t.version + 1, ..t.clone() }),
        ))
    });
    assert_eq!(step.await.unwrap().changed, 1);
    let left = Walk::left_behind(State::New, "evn-2099.1");
    assert!(store.rebase(&left, 9, MORNING_US, new_id(), |_| None).await.unwrap().seen > 0);
}

pub(crate) async fn merge_into(store: &NodeStore, one: &Ticket, two: &Ticket) {
    decide(
        store,
        vec![two.id, one.id],
        Box::new(|tickets| {
            let (ended, living) = merge(&tickets[1], &tickets[0], governance(), at(60)).unwrap();
            let last = write(ended, TimelineKind::Merged);
            let extras = relation::hand_over(tickets[1].id, tickets[0].id, last.entry.id);
            let changed = vec![last, write(living, TimelineKind::Merged)];
            Ok(Changes { changed, extras, ..Changes::default() })
        }),
    )
    .await;
}

async fn a_merge_keeps_every_entry_once_and_leads_on_for_ever(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let tickets = [open_new(&store, "một").await, open_new(&store, "hai").await, open_new(&store, "ba").await];
    let mut before = Vec::new();
    for t in &tickets {
        crate::samples::change(&store, t.id, crate::samples::note()).await;
        before.extend(store.timeline(t.id, i64::MAX).await.unwrap());
    }
    merge_into(&store, &tickets[0], &tickets[1]).await;
    merge_into(&store, &tickets[1], &tickets[2]).await;
    let mut after = Vec::new();
    for t in &tickets {
        assert_eq!(store.living_ticket(t.id).await.unwrap(), tickets[2].id);
        after.extend(store.timeline(t.id, i64::MAX).await.unwrap());
    }
    let ids = |entries: &[gridcare_domain::ticket::TimelineEntry]| {
        let mut ids: Vec<_> = entries.iter().map(|e| e.id).collect();
        ids.sort_unstable();
        ids
    };
    after.retain(|entry| entry.kind != TimelineKind::Merged);
    assert_eq!(ids(&after), ids(&before), "each entry exactly once");
    let living = store.timeline(tickets[2].id, i64::MAX).await.unwrap();
    assert_eq!(living.iter().filter(|e| e.kind != TimelineKind::Merged).count(), before.len());
}

async fn a_breach_is_noticed_once_however_many_processes_look(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let late = governed(ticket(1, "Mất điện"));
    open(&store, &late).await;
    let other = home.store().await;
    let now = at(3 * 3_600);
    let notice = |store: NodeStore| async move {
        let decide: DecideTickets = Box::new(move |tickets| match notice_due(&tickets[0], governance(), now) {
            Some(acted) => Ok(Changes::from(write(acted.ticket, TimelineKind::ClockBreached))),
            None => Err(gridcare_domain::refusal::Refusal::new(
                gridcare_domain::refusal::RefusalKind::Precondition,
                "NOTHING_DUE",
                "",
            )),
        });
        let request = Request::of_our_own(new_id());
        store.change_tickets(request, now.as_microsecond(), new_id(), vec![late.id], decide).await.unwrap()
    };
    let answers = futures::future::join_all((0..20).map(|i| notice(if i % 2 == 0 { &store } else { &other }.clone())));
    assert_eq!(answers.await.iter().filter(|answer| answer.is_ok()).count(), 1);
    let kept = store.ticket(late.id).await.unwrap().unwrap();
    assert!(kept.clocks.all().iter().any(|clock| clock.breached_us.is_some()));
    assert!(kept.due_us.is_none_or(|due| due > now.as_microsecond()));
    assert_eq!(store.answered(request()).await.unwrap(), None);
}

async fn of_two_processes_that_give_an_agents_last_place_away_one_does(place: Place) {
    let home = Home::new(place).await;
    let (one, other) = (home.store().await, home.store().await);
    one.put_agent(request(), MORNING_US, &Agent { capacity: 1, ..lan() }, vec![]).await.unwrap().unwrap();
    let tickets = [open_new(&one, "một").await, open_new(&one, "hai").await];
    let give = async |store: &NodeStore, ticket: &Ticket| {
        let decide: DecideTickets = Box::new(|tickets| {
            let given = assign(&tickets[0], "lan", governance(), at(60))?;
            let extras = team::assigned("lan", MORNING_US).into();
            Ok(Changes { extras, ..Changes::from(write(given, TimelineKind::Assigned)) })
        });
        store.change_tickets(request(), MORNING_US, new_id(), vec![ticket.id], decide).await
    };
    let (first, second) = tokio::join!(give(&one, &tickets[0]), give(&other, &tickets[1]));
    assert!(
        matches!((&first, &second), (Ok(Ok(_)), Err(StoreError::AgentFull)) | (Err(StoreError::AgentFull), Ok(Ok(_)))),
        "{first:?} {second:?}"
    );
    assert_eq!(one.agents(None, &TimeZone::UTC).await.unwrap()[0].1.open, 1);
}

async fn what_was_told_long_ago_goes_and_numbers_go_on(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let opened = open_new(&store, "Mất điện").await;
    let later = MORNING_US + 10;
    // Each tells two.
    for at_us in [MORNING_US, MORNING_US, MORNING_US, later] {
        let decide: DecideTickets = Box::new(|tickets| Ok(furnish(&tickets[0])));
        store.change_tickets(request(), at_us, new_id(), vec![opened.id], decide).await.unwrap().unwrap();
    }
    for gone in [4, 2, 0] {
        assert_eq!(store.forget_notifications(later, 4).await.unwrap(), gone);
    }
    decide(&store, vec![opened.id], Box::new(|tickets| Ok(furnish(&tickets[0])))).await;
    let left = store.notifications("lan", 0, 9).await.unwrap();
    assert_eq!(left.iter().map(|told| told.number).collect::<Vec<_>>(), [7, 9]);
}

async fn bulk_operations_that_ended_long_ago_go_with_their_items(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let [old, young, running] = [new_id(), new_id(), new_id()];
    for id in [old, young, running] {
        let tickets = [new_id(), new_id(), new_id()];
        store.start_bulk(request(), MORNING_US, id, vec![1], &tickets, vec![]).await.unwrap().unwrap();
    }
    let later = MORNING_US + 10;
    assert!(store.end_bulk(old, CANCELLED, MORNING_US).await.unwrap());
    assert!(store.end_bulk(young, DONE, later).await.unwrap());
    // Two items; the third with its operation; nothing.
    for gone in [2, 2, 0] {
        assert_eq!(store.forget_bulks(later, 2).await.unwrap(), gone);
    }
    assert_eq!((store.bulk(old).await.unwrap(), store.bulk_action(old).await.unwrap()), (None, None));
    assert!(store.waiting_items(old, 9).await.unwrap().is_empty());
    for id in [young, running] {
        assert_eq!(store.waiting_items(id, 9).await.unwrap().len(), 3);
    }
    assert_eq!(store.running_bulks().await.unwrap(), [(running, vec![1])]);
}

async fn a_queue_is_sorted_by_deadline_page_after_page(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    for n in 1..=40_u64 {
        let opened = at(i64::try_from(n * 7_919 % 3_600).unwrap());
        open(&store, &governed(Ticket { opened_at: opened, updated_at: opened, ..ticket(n, "Mất điện") })).await;
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = store.tickets(&TicketQuery::default(), Order::DeadlineAsc, after, 7).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(gridcare_store::ticket::After { id: last.id, key_us: last.deadline_us.unwrap() });
        seen.extend(page.iter().map(|t| (t.deadline_us.unwrap(), t.id)));
    }
    assert_eq!(seen.len(), 40);
    assert!(seen.is_sorted() && seen.windows(2).all(|pair| pair[0] != pair[1]));
}

async fn common_words_and_rare_words_find_the_same_as_looking_at_each(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    for n in 1..=30_u64 {
        let subject = if n % 3 == 0 { "Mất điện cả phường" } else { "Hỏi hóa đơn tháng này" };
        open(&store, &ticket(n, subject)).await;
    }
    let words = |text: &str| TicketQuery { words: gridcare_domain::text::query_words(text), ..TicketQuery::default() };
    for (text, expected) in [("mat dien", 10), ("hoa don thang", 20), ("phuo", 10), ("dien hoa", 0), ("a b c d e f", 0)]
    {
        for order in [Order::OpenedDesc, Order::OpenedAsc, Order::UpdatedDesc] {
            for threshold in [1, 1_000] {
                let found = store.tickets_of_words(&words(text), order, None, 100, threshold).await.unwrap();
                assert_eq!(found.len(), expected, "{text} {order:?} {threshold}");
            }
        }
    }
}

async fn a_rebase_and_other_writes_do_not_disturb_each_other(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    for n in 1..=200_u64 {
        open(&store, &ticket(n, "Mất điện")).await;
    }
    let walk = Walk::new(State::New);
    let lane = || async {
        let mut changed = 0;
        loop {
            let decide = |t: &Ticket| rebase(t, governance(), at(60)).map(|next| (next.clone(), change_of(&next)));
            let step = store.rebase(&walk, 20, MORNING_US, new_id(), decide).await.unwrap();
            changed += step.changed;
            if step.seen == 0 {
                return changed;
            }
        }
    };
    let rebased = futures::future::join_all([lane(), lane(), lane()]);
    let noted = async {
        let ids: Vec<Uuid> = store
            .tickets(&TicketQuery::default(), Order::OpenedAsc, None, 200)
            .await
            .unwrap()
            .iter()
            .map(|t| t.id)
            .collect();
        futures::future::join_all(ids.into_iter().map(|id| crate::samples::change(&store, id, crate::samples::note())))
            .await;
    };
    let (changed, ()) = tokio::join!(rebased, noted);
    assert_eq!(changed.into_iter().sum::<usize>(), 200, "each was taken in hand once");
    let feed = whole_feed(&store).await;
    assert_eq!(feed.len(), 600);
    assert!((1..).zip(&feed).all(|(position, entry)| entry.position == position));
    for t in store.tickets(&TicketQuery::default(), Order::OpenedAsc, None, 200).await.unwrap() {
        assert_eq!((t.version, t.standard.as_str()), (3, "evn-2013.1"), "nothing is lost");
        assert!(t.deadline_us.is_some());
    }
}

on_both_engines!(
    a_merge_keeps_every_entry_once_and_leads_on_for_ever,
    a_breach_is_noticed_once_however_many_processes_look,
    of_two_processes_that_give_an_agents_last_place_away_one_does,
    what_was_told_long_ago_goes_and_numbers_go_on,
    bulk_operations_that_ended_long_ago_go_with_their_items,
    a_queue_is_sorted_by_deadline_page_after_page,
    common_words_and_rare_words_find_the_same_as_looking_at_each,
    a_rebase_and_other_writes_do_not_disturb_each_other,
);
