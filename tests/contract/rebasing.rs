use gridcare_chassis::id::new_id;
use gridcare_domain::ticket::{State, Ticket, TimelineKind, rebase};
use gridcare_store::{NodeStore, due::Walk, writer::DecideTicket};
use gridcare_tests::Place;

use crate::{
    on_both_engines,
    samples::{Home, MORNING_US, at, change, change_of, governance, governed, open, ticket, write},
};

/// The version that all tickets are put under here.
const SHIPPED: &str = "evn-2013.1";

fn moves_to(state: State) -> DecideTicket {
    Box::new(move |ticket| {
        let moved = Ticket { state, version: ticket.version + 1, ..ticket.clone() };
        Ok(write(moved, TimelineKind::StateChanged))
    })
}

/// Goes a walk to its end in pages of two: how many pages there were, and how many tickets changed.
async fn walked(store: &NodeStore, walk: &Walk) -> (usize, usize) {
    let (mut pages, mut changed) = (0, 0);
    loop {
        let decide = |t: &Ticket| rebase(t, governance(), at(60)).map(|next| (next.clone(), change_of(&next)));
        let step = store.rebase(walk, 2, MORNING_US, new_id(), decide).await.unwrap();
        if step.seen == 0 {
            return (pages, changed);
        }
        pages += 1;
        changed += step.changed;
    }
}

async fn what_moves_to_where_the_walk_has_been_is_found_afterwards(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let all = [(1, State::InProgress), (2, State::New), (3, State::InProgress)];
    let all = all.map(|(number, state)| Ticket { state, ..ticket(number, "Mất điện") });
    for ticket in &all {
        open(&store, ticket).await;
    }
    assert_eq!(walked(&store, &Walk::new(State::New)).await.1, 1);
    // By a call that took its rules before the switch.
    change(&store, all[0].id, moves_to(State::New)).await;
    assert_eq!(walked(&store, &Walk::new(State::InProgress)).await.1, 1);
    let standard = async |ticket: &Ticket| store.ticket(ticket.id).await.unwrap().unwrap().standard;
    assert_eq!(standard(&all[0]).await, "", "the walk has not met it");

    let left = async |state: State| walked(&store, &Walk::left_behind(state, SHIPPED)).await.1;
    assert_eq!([left(State::New).await, left(State::InProgress).await], [1, 0]);
    assert_eq!([left(State::New).await, left(State::InProgress).await], [0, 0], "nothing is left");
    for ticket in &all {
        assert_eq!(standard(ticket).await, SHIPPED);
    }
}

async fn a_page_ends_after_as_many_tickets_whether_any_was_left_or_none(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    for number in 1..=5 {
        open(&store, &governed(ticket(number, "Mất điện"))).await;
    }
    assert_eq!(walked(&store, &Walk::left_behind(State::New, SHIPPED)).await, (3, 0));
    for number in 6..=8 {
        open(&store, &ticket(number, "Mất điện")).await;
    }
    assert_eq!(walked(&store, &Walk::left_behind(State::New, SHIPPED)).await, (4, 3));
    assert_eq!(walked(&store, &Walk::left_behind(State::New, SHIPPED)).await, (4, 0));
}

on_both_engines!(
    what_moves_to_where_the_walk_has_been_is_found_afterwards,
    a_page_ends_after_as_many_tickets_whether_any_was_left_or_none,
);
