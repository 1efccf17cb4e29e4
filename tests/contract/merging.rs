use std::collections::BTreeSet;

use gridcare_chassis::id::new_id;
use gridcare_domain::{
    customer::ERASED_SUBJECT,
    reference::Reference,
    ticket::{Ticket, TimelineKind, merge, move_part, split},
};
use gridcare_store::{
    NodeStore, StoreError, relation,
    writer::{Answer, Changes, DecideTickets},
};
use gridcare_tests::Place;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use uuid::Uuid;

use crate::{
    customers::{KEY, code, customer, erase, import},
    on_both_engines,
    samples::{Home, MORNING_US, at, change, governance, note, open, open_new, request, ticket, write},
    ticket_care::merge_into,
};

/// A part of a ticket becomes one of its own, with these entries.
async fn split_off(store: &NodeStore, whole: Uuid, entries: Vec<Uuid>) -> (Uuid, Answer) {
    let (id, number) = (new_id(), store.next_number().await.unwrap());
    let decide: DecideTickets = Box::new(move |tickets| {
        let reference = Reference::new("HCMC", number).unwrap();
        let (kept, part) = split(&tickets[0], id, reference, "Một phần", None, governance(), at(60))?;
        let extras = entries.iter().map(|entry| relation::hand_over_entry(kept.id, *entry, part.id)).collect();
        let opened = vec![write(part, TimelineKind::Split)];
        Ok(Changes { changed: vec![write(kept, TimelineKind::Split)], opened, extras, ..Changes::default() })
    });
    (id, store.change_tickets(request(), MORNING_US, new_id(), vec![whole], decide).await)
}

/// The notes of a ticket.
async fn notes(store: &NodeStore, id: Uuid) -> Vec<Uuid> {
    let entries = store.timeline(id, i64::MAX).await.unwrap();
    entries.into_iter().filter(|entry| entry.kind == TimelineKind::Note).map(|entry| entry.id).collect()
}

async fn merges_and_splits_in_any_order_keep_every_entry_once_and_every_reference(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let mut random = StdRng::seed_from_u64(27);
    let (mut all, mut living, mut said) = (Vec::new(), Vec::new(), BTreeSet::new());
    for _ in 0..5 {
        let opened = open_new(&store, "Mất điện").await;
        for _ in 0..3 {
            change(&store, opened.id, note()).await;
        }
        said.extend(notes(&store, opened.id).await);
        all.push(opened.id);
        living.push(opened);
    }
    assert_eq!(said.len(), 15);
    for _ in 0..24 {
        let place = random.random_range(0..living.len());
        if living.len() > 1 && random.random_bool(0.5) {
            let ended = living.swap_remove(place);
            let into = &living[random.random_range(0..living.len())];
            merge_into(&store, &ended, into).await;
        } else {
            let whole = living[place].id;
            let mut moving = notes(&store, whole).await;
            moving.retain(|_| random.random_bool(0.5));
            let (part, answer) = split_off(&store, whole, moving).await;
            answer.unwrap().unwrap();
            all.push(part);
            living.push(store.ticket(part).await.unwrap().unwrap());
        }
    }
    let mut found = Vec::new();
    for id in &all {
        let leads_to = store.living_ticket(*id).await.unwrap();
        assert!(living.iter().any(|ticket| ticket.id == leads_to), "every reference leads to a living ticket");
        if leads_to != *id {
            assert_eq!(store.timeline(*id, 9).await.unwrap().len(), 1, "a merged ticket says that it was, and no more");
        }
        found.extend(notes(&store, *id).await);
    }
    found.sort_unstable();
    assert_eq!(found, said.into_iter().collect::<Vec<_>>(), "each entry exactly once");
}

async fn after_a_chain_of_merges_every_old_ticket_leads_on_in_one_step(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let mut living = open_new(&store, "Mất điện").await;
    let mut ended = Vec::new();
    for _ in 0..12 {
        let next = open_new(&store, "Lại mất điện").await;
        merge_into(&store, &living, &next).await;
        ended.push(std::mem::replace(&mut living, next));
    }
    for old in &ended {
        assert_eq!(store.ticket(old.id).await.unwrap().unwrap().merged_into, Some(living.id));
        assert_eq!(store.ticket_id(&old.reference).await.unwrap(), Some(old.id), "a reference stays its own");
        assert_eq!(store.living_ticket(old.id).await.unwrap(), living.id);
    }
}

/// A ticket becomes a part of another.
async fn put_under(store: &NodeStore, child: Uuid, parent: Uuid) -> Answer {
    let decide: DecideTickets = Box::new(move |tickets| {
        let child = &tickets[0];
        let next = Ticket { version: child.version + 1, parent: Some(parent), ..child.clone() };
        let extras = vec![relation::no_parts(child.id)];
        Ok(Changes { extras, ..Changes::from(write(next, TimelineKind::Linked)) })
    });
    store.change_tickets(request(), MORNING_US, new_id(), vec![child, parent], decide).await
}

async fn a_ticket_that_got_a_part_meanwhile_becomes_no_part(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let [whole, part, other] =
        [open_new(&store, "một").await, open_new(&store, "hai").await, open_new(&store, "ba").await];
    put_under(&store, part.id, whole.id).await.unwrap().unwrap();
    let answer = put_under(&store, whole.id, other.id).await;
    assert!(matches!(answer, Err(StoreError::HasParts)), "{answer:?}");
    assert_eq!(store.ticket(whole.id).await.unwrap(), Some(whole), "nothing is written");
}

async fn a_ticket_ends_only_with_all_of_its_parts(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let [ending, into, known, late] = [
        open_new(&store, "một").await,
        open_new(&store, "hai").await,
        open_new(&store, "ba").await,
        open_new(&store, "bốn").await,
    ];
    let merge_with = async |parts: &[Uuid]| {
        let decide: DecideTickets = Box::new(|tickets| {
            let (ended, living) = merge(&tickets[1], &tickets[0], governance(), at(60))?;
            let moved = tickets[2..].iter().map(|part| write(move_part(part, &living, at(60)), TimelineKind::Linked));
            let mut changed: Vec<_> = moved.collect();
            let extras = vec![relation::no_parts(ended.id)];
            changed.extend([write(ended, TimelineKind::Merged), write(living, TimelineKind::Merged)]);
            Ok(Changes { changed, extras, ..Changes::default() })
        });
        let ids = [into.id, ending.id].into_iter().chain(parts.iter().copied()).collect();
        store.change_tickets(request(), MORNING_US, new_id(), ids, decide).await
    };
    put_under(&store, known.id, ending.id).await.unwrap().unwrap();
    let parts = store.children(ending.id).await.unwrap();
    put_under(&store, late.id, ending.id).await.unwrap().unwrap();
    let answer = merge_with(&parts).await;
    assert!(matches!(answer, Err(StoreError::HasParts)), "{answer:?}");
    assert_eq!(store.ticket(ending.id).await.unwrap(), Some(ending.clone()), "nothing is written");

    let parts = store.children(ending.id).await.unwrap();
    merge_with(&parts).await.unwrap().unwrap();
    assert_eq!(store.living_ticket(ending.id).await.unwrap(), into.id);
    assert_eq!(store.children(ending.id).await.unwrap(), Vec::<Uuid>::new());
    assert_eq!(store.children(into.id).await.unwrap(), parts);
}

async fn of_two_splits_that_want_the_same_entry_the_second_writes_nothing(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let whole = open_new(&store, "Mất điện").await;
    change(&store, whole.id, note()).await;
    let wanted = notes(&store, whole.id).await;
    let (first, answer) = split_off(&store, whole.id, wanted.clone()).await;
    answer.unwrap().unwrap();
    let before = store.ticket(whole.id).await.unwrap();
    let (second, answer) = split_off(&store, whole.id, wanted.clone()).await;
    assert!(matches!(answer, Err(StoreError::EntryGone)), "{answer:?}");
    assert_eq!(notes(&store, first).await, wanted);
    assert_eq!(store.ticket(second).await.unwrap(), None);
    assert_eq!(store.ticket(whole.id).await.unwrap(), before);
}

async fn what_was_merged_into_a_customers_ticket_is_exported_and_erased_with_it(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    import(&store, vec![customer(1)]).await;
    let mine = Ticket { customer_code: Some(code(1)), ..ticket(1, "Mất điện") };
    let of_nobody = |number, subject: &str| Ticket {
        description: "nhà có người ốm".into(),
        requester_name: Some("chị hàng xóm".into()),
        requester_contact_point: Some("0911 222 333".into()),
        ..ticket(number, subject)
    };
    let (first, second, others) = (of_nobody(2, "Hỏi điện"), of_nobody(3, "Lại hỏi điện"), of_nobody(4, "Việc khác"));
    for ticket in [&mine, &first, &second, &others] {
        open(&store, ticket).await;
    }
    merge_into(&store, &first, &second).await;
    merge_into(&store, &second, &mine).await;
    let mut expected = vec![mine.id, first.id, second.id];
    expected.sort_unstable();
    assert_eq!(store.trace_customer(&code(1)).await.unwrap().tickets, expected, "what an export shows");

    assert_eq!(erase(&store, code(1)).await, Ok("3 tickets, 0 contacts".into()));
    for id in expected {
        let kept = store.ticket(id).await.unwrap().unwrap();
        assert_eq!((kept.subject.as_str(), kept.description.as_str()), (ERASED_SUBJECT, ""));
        assert_eq!((&kept.requester_name, &kept.requester_contact_point), (&None, &None));
        assert_eq!(kept.customer_code, Some(code(1).erased(&KEY)));
    }
    assert_eq!(store.ticket(others.id).await.unwrap(), Some(others), "another's is untouched");
}

async fn what_a_customer_asked_without_a_code_is_erased_where_it_lives_on_unless_that_is_anothers(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    import(&store, vec![customer(1)]).await;
    let asked = |number, point: Option<&str>| Ticket {
        description: "nhà có người ốm".into(),
        customer_code: None,
        requester_contact_point: point.map(str::to_owned),
        ..ticket(number, "Hỏi điện")
    };
    let mine = "0900 000 001";
    let (first, nobodys) = (asked(1, Some(mine)), asked(2, None));
    let (second, others) = (asked(3, Some(mine)), asked(4, Some("0911 222 333")));
    for ticket in [&first, &nobodys, &second, &others] {
        open(&store, ticket).await;
    }
    merge_into(&store, &first, &nobodys).await;
    merge_into(&store, &second, &others).await;
    let mut expected = vec![first.id, nobodys.id, second.id];
    expected.sort_unstable();
    assert_eq!(store.trace_customer(&code(1)).await.unwrap().tickets, expected);
    assert_eq!(erase(&store, code(1)).await, Ok("3 tickets, 0 contacts".into()));
    assert_eq!(store.ticket(nobodys.id).await.unwrap().unwrap().description, "");
    assert_eq!(store.ticket(others.id).await.unwrap().unwrap().description, "nhà có người ốm");
}

async fn a_ticket_of_nobodys_is_a_customers_only_if_all_that_was_merged_into_it_is_theirs(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    import(&store, vec![customer(1)]).await;
    let asked = |number, point: Option<&str>, said: &str| Ticket {
        description: said.into(),
        requester_contact_point: point.map(str::to_owned),
        ..ticket(number, "Hỏi điện")
    };
    let point = Some("0900 000 001");
    let (mine, shared) = (asked(1, point, "nhà có người ốm"), asked(2, None, "một cuộc gọi"));
    let neighbours = Ticket {
        requester_name: Some("chị hàng xóm".into()),
        ..asked(3, Some("0911 222 333"), "con tôi còn nhỏ")
    };
    let (again, once_more, all_mine) =
        (asked(4, point, "lại hỏi"), asked(5, point, "hỏi nữa"), asked(6, None, "gọi lại"));
    for ticket in [&mine, &shared, &neighbours, &again, &once_more, &all_mine] {
        open(&store, ticket).await;
    }
    change(&store, neighbours.id, note()).await;
    merge_into(&store, &mine, &shared).await;
    merge_into(&store, &neighbours, &shared).await;
    merge_into(&store, &again, &all_mine).await;
    merge_into(&store, &once_more, &all_mine).await;
    let mut expected = vec![mine.id, again.id, once_more.id, all_mine.id];
    expected.sort_unstable();
    assert_eq!(store.trace_customer(&code(1)).await.unwrap().tickets, expected, "what an export shows");

    let beside = async || {
        let rows = [store.ticket(shared.id).await.unwrap(), store.ticket(neighbours.id).await.unwrap()];
        (rows, store.timeline(shared.id, i64::MAX).await.unwrap())
    };
    let before = beside().await;
    assert_eq!(erase(&store, code(1)).await, Ok("4 tickets, 0 contacts".into()));
    for id in expected {
        assert_eq!(store.ticket(id).await.unwrap().unwrap().description, "");
    }
    assert_eq!(beside().await, before, "what the neighbour said is untouched");
}

on_both_engines!(
    a_ticket_ends_only_with_all_of_its_parts,
    a_ticket_of_nobodys_is_a_customers_only_if_all_that_was_merged_into_it_is_theirs,
    what_a_customer_asked_without_a_code_is_erased_where_it_lives_on_unless_that_is_anothers,
    merges_and_splits_in_any_order_keep_every_entry_once_and_every_reference,
    after_a_chain_of_merges_every_old_ticket_leads_on_in_one_step,
    a_ticket_that_got_a_part_meanwhile_becomes_no_part,
    of_two_splits_that_want_the_same_entry_the_second_writes_nothing,
    what_was_merged_into_a_customers_ticket_is_exported_and_erased_with_it,
);
