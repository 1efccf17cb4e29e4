//! Whether a customer came back about what was resolved, which first-contact resolution is counted by.

use gridcare_domain::{
    contact::{Contact, Direction},
    customer_code::CustomerCode,
    ticket::Ticket,
    topic::Topic,
};
use gridcare_tests::Place;

use crate::{
    on_both_engines,
    samples::{Home, at, call, import, open, ticket},
};

on_both_engines!(a_customer_came_back_with_the_same_topic_within_the_window_alone);

async fn a_customer_came_back_with_the_same_topic_within_the_window_alone(place: Place) {
    const WINDOW: i64 = 7 * 86_400;
    let home = Home::new(place).await;
    let store = home.store().await;
    let code = |n: u64| CustomerCode::parse(&format!("PE010000000{n:02}")).ok();
    let resolved =
        |n: u64| Ticket { customer_code: code(n), resolved_at: Some(at(0)), ..ticket(100 + n, "Mất điện") };
    let another = |n: u64, second: i64, topic: Topic| Ticket {
        customer_code: code(n),
        topic,
        opened_at: at(second),
        updated_at: at(second),
        ..ticket(n, "Lại mất điện")
    };
    let called = |n: u64, second: i64, topic: Topic| Contact {
        customer_code: code(n),
        topic: Some(topic),
        ..call("pbx", &n.to_string(), second)
    };
    let back = another(1, WINDOW, Topic::Outage);
    for ticket in [&back, &another(2, WINDOW + 1, Topic::Outage), &another(3, 60, Topic::Bill)] {
        open(&store, ticket).await;
    }
    let told = Contact { direction: Direction::Outbound, ..called(7, 60, Topic::Outage) };
    let calls = vec![
        called(4, WINDOW, Topic::Outage),
        called(5, WINDOW + 1, Topic::Outage),
        called(6, 60, Topic::Bill),
        told,
        called(8, 0, Topic::Outage),
    ];
    assert_eq!(import(&store, calls).await.accepted, 5);
    let until_us = at(WINDOW).as_microsecond();
    for (n, expected, what) in [
        (1, true, "with another ticket"),
        (2, false, "with a ticket after the window"),
        (3, false, "with a ticket about something else"),
        (4, true, "with a call"),
        (5, false, "with a call after the window"),
        (6, false, "with a call about something else"),
        (7, false, "because they were called"),
        (8, false, "with the call in which it was resolved"),
    ] {
        assert_eq!(store.came_back(&resolved(n), until_us).await.unwrap(), expected, "{what}");
    }
    let itself = Ticket { resolved_at: Some(at(0)), ..back };
    assert!(!store.came_back(&itself, until_us).await.unwrap(), "no ticket repeats itself");
    let nobody = Ticket { customer_code: None, ..resolved(1) };
    assert!(!store.came_back(&nobody, until_us).await.unwrap(), "nobody knows whose it was");
}
