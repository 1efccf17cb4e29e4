use gridcare_chassis::id::new_id;
use gridcare_domain::{
    customer::{Consent, PointKind, Purpose},
    customer_code::CustomerCode,
    delivery::Way,
    notice::Urgency,
    ticket::{TimelineEntry, TimelineKind, Visibility},
};
use gridcare_store::{
    NodeStore,
    delivery::{Batch, Outcome},
    question::{Asked, Asking, ask_later},
    receipt::Receipt,
    writer::Changes,
};
use gridcare_tests::Place;
use uuid::Uuid;

use crate::{
    customers::{code, customer, erase, import},
    on_both_engines,
    samples::{Home, MORNING_US, at, change_of, open_new, request},
};

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;

/// A customer whose first number agreed to be asked, or not.
async fn ask_able(store: &NodeStore, n: usize, granted: bool) -> CustomerCode {
    let mut customer = customer(n);
    let point = customer.contact_points.iter_mut().find(|point| point.kind == PointKind::Phone).unwrap();
    point.consents.retain(|consent| consent.purpose != Purpose::Survey);
    let given = Consent { purpose: Purpose::Survey, granted, given_at: at(0), source: "contract".into() };
    point.consents.push(given);
    point.consents.sort_by_key(|consent| consent.purpose.number());
    let code = customer.code.clone();
    import(store, vec![customer]).await;
    code
}

/// A ticket of which somebody is to be asked from an instant on.
async fn to_be_asked(store: &NodeStore, customer: &CustomerCode, due_us: i64) -> Uuid {
    let ticket = open_new(store, "Mất điện").await;
    put(store, ticket.id, customer, due_us).await;
    ticket.id
}

async fn put(store: &NodeStore, ticket: Uuid, customer: &CustomerCode, due_us: i64) {
    let customer = customer.clone();
    let decide = move |tickets: &[gridcare_domain::ticket::Ticket]| {
        let mut next = tickets[0].clone();
        next.version += 1;
        let change = change_of(&next);
        let extras = vec![ask_later(next.id, &customer, due_us)];
        Ok(Changes { silent: vec![(next, change)], extras, ..Changes::default() })
    };
    store.change_tickets(request(), MORNING_US, new_id(), vec![ticket], Box::new(decide)).await.unwrap().unwrap();
}

fn asking(ticket_id: Uuid, customer: &CustomerCode) -> Asking {
    let entry = TimelineEntry {
        id: new_id(),
        at: at(0),
        kind: TimelineKind::Questioned,
        visibility: Visibility::Public,
        author: "standard".into(),
        text: "Hài lòng không?".into(),
        state: None,
    };
    Asking { ticket_id, customer: customer.clone(), text: "Hài lòng không?".into(), entry }
}

async fn lease(store: &NodeStore, now_us: i64) -> Batch {
    store.lease_deliveries("courier-1", Way::Sms, Urgency::Routine, 10, now_us, now_us + 30 * SECOND).await.unwrap()
}

/// Every statement about questions.
pub(crate) async fn use_questions(store: &NodeStore) {
    let (customer, due) = (ask_able(store, 700, true).await, MORNING_US + DAY);
    let asked = to_be_asked(store, &customer, due).await;
    let left = to_be_asked(store, &customer, due).await;
    assert_eq!(store.due_questions(due, 10).await.unwrap().len(), 2);
    assert_eq!(store.ask(&asking(asked, &customer), due).await.unwrap(), Asked::Queued);
    store.drop_question(left).await.unwrap();
    let second = to_be_asked(store, &customer, due).await;
    assert_eq!(store.ask(&asking(second, &customer), due).await.unwrap(), Asked::Queued);
    assert!(store.asked_lately(&customer, due - 1).await.unwrap().is_some());
    assert_eq!(store.forget_questions(due + 1, 10).await.unwrap(), 2);
    erase(store, customer).await.unwrap();
}

async fn a_customer_is_asked_once_by_a_message_of_its_own(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let lan = ask_able(&store, 1, true).await;
    let due = MORNING_US + HOUR;
    let ticket = to_be_asked(&store, &lan, due).await;
    assert!(store.due_questions(due - 1, 10).await.unwrap().is_empty());
    let questions = store.due_questions(due, 10).await.unwrap();
    assert_eq!((questions[0].ticket_id, &questions[0].customer, questions[0].due_us), (ticket, &lan, due));
    assert_eq!(store.ask(&asking(ticket, &lan), due).await.unwrap(), Asked::Queued);
    assert_eq!(store.ask(&asking(ticket, &lan), due).await.unwrap(), Asked::Already);
    put(&store, ticket, &lan, due + HOUR).await;
    assert!(store.due_questions(i64::MAX, 10).await.unwrap().is_empty(), "closed again, it is not asked about again");
    assert_eq!(store.asked_lately(&lan, MORNING_US).await.unwrap(), Some((ticket, due)));
    assert_eq!(store.asked_lately(&lan, due).await.unwrap(), None);
    let timeline = store.timeline(ticket, 10).await.unwrap();
    assert_eq!(timeline.iter().filter(|entry| entry.kind == TimelineKind::Questioned).count(), 1);

    let urgent = store.lease_deliveries("c", Way::Sms, Urgency::Safety, 10, due, due + SECOND).await.unwrap();
    assert!(urgent.messages.is_empty(), "it waits for the end of quiet hours");
    let batch = lease(&store, due).await;
    let message = &batch.messages[0];
    assert_eq!((message.text.as_deref(), message.address.as_str()), (Some("Hài lòng không?"), "+84900000001"));
    assert!(batch.texts[0].notice_id.is_nil() && batch.messages.len() == 1);
    store.submitting(batch.epoch, "courier-1", &[message.number], due).await.unwrap().unwrap();
    let sent = Outcome::Sent { message_ids: vec!["q".into()], at_us: due };
    store.delivery_outcomes(batch.epoch, &[(message.number, sent)]).await.unwrap();
    let receipt = Receipt {
        message_id: "q".into(),
        number: None,
        state: gridcare_domain::delivery::DeliveryState::Delivered,
        at_us: due,
        phone: None,
        submitted_us: None,
    };
    assert!(store.delivery_receipts(&[receipt]).await.unwrap().is_empty());
    assert!(store.notices_moved(Uuid::nil(), 10).await.unwrap().is_empty(), "there is no notice to tell of");
    assert!(store.unplanned_dispatches().await.unwrap().is_empty(), "nothing is expected of it");
}

async fn who_has_not_agreed_is_not_asked_and_who_agrees_no_longer_gets_no_message(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let due = MORNING_US + HOUR;
    let refuses = ask_able(&store, 2, false).await;
    let ticket = to_be_asked(&store, &refuses, due).await;
    assert_eq!(store.ask(&asking(ticket, &refuses), due).await.unwrap(), Asked::NoNumber);
    assert!(store.due_questions(i64::MAX, 10).await.unwrap().is_empty(), "nobody tries again");
    let agrees = ask_able(&store, 3, true).await;
    let ticket = to_be_asked(&store, &agrees, due).await;
    assert_eq!(store.ask(&asking(ticket, &agrees), due).await.unwrap(), Asked::Queued);
    assert_eq!(ask_able(&store, 3, false).await, agrees);
    assert!(lease(&store, due).await.messages.is_empty());
}

async fn an_erased_customer_is_asked_nothing(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let due = MORNING_US + HOUR;
    let gone = ask_able(&store, 4, true).await;
    let asked = to_be_asked(&store, &gone, due).await;
    let waits = to_be_asked(&store, &gone, due + HOUR).await;
    assert_eq!(store.ask(&asking(asked, &gone), due).await.unwrap(), Asked::Queued);
    erase(&store, code(4)).await.unwrap();
    assert!(store.due_questions(i64::MAX, 10).await.unwrap().is_empty());
    assert_eq!(store.ask(&asking(waits, &gone), due).await.unwrap(), Asked::Already);
    assert!(lease(&store, due).await.messages.is_empty());
    assert_eq!(store.asked_lately(&gone, 0).await.unwrap(), None);
}

on_both_engines!(
    a_customer_is_asked_once_by_a_message_of_its_own,
    who_has_not_agreed_is_not_asked_and_who_agrees_no_longer_gets_no_message,
    an_erased_customer_is_asked_nothing,
);
