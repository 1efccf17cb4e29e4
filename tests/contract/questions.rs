use gridcare_chassis::id::new_id;
use gridcare_domain::{
    customer::{Consent, PointKind, Purpose},
    customer_code::CustomerCode,
    delivery::{DeliveryState, Way},
    notice::{Phase, Urgency},
    ticket::{State, Ticket, TimelineEntry, TimelineKind, Visibility},
};
use gridcare_store::{
    NodeStore, StoreError,
    delivery::{Batch, Outcome},
    dispatch::Dispatch,
    lease::{self, Lease},
    question::{Asked, Asking, Question, ask_later},
    receipt::Receipt,
    writer::Changes,
};
use gridcare_tests::Place;
use uuid::Uuid;

use crate::{
    customers::{code, customer, erase, import},
    deliveries::dispatch,
    on_both_engines,
    samples::{Home, MORNING_US, at, change_of, open, request, ticket},
};

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;

/// A customer whose first number agreed to be asked, or not.
pub(crate) async fn ask_able(store: &NodeStore, n: usize, granted: bool) -> CustomerCode {
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

/// A closed ticket of which somebody is to be asked from an instant on.
pub(crate) async fn to_be_asked(store: &NodeStore, customer: &CustomerCode, due_us: i64) -> Uuid {
    let number = store.next_number().await.unwrap();
    let new = Ticket { customer_code: Some(customer.clone()), ..ticket(number, "Mất điện") };
    open(store, &new).await;
    put(store, new.id, State::Closed, customer, due_us).await;
    new.id
}

/// Moves a ticket to a state, and has its customer asked.
async fn put(store: &NodeStore, ticket: Uuid, state: State, customer: &CustomerCode, due_us: i64) {
    let customer = customer.clone();
    let decide = move |tickets: &[Ticket]| {
        let mut next = Ticket { state, ..tickets[0].clone() };
        next.version += 1;
        let change = change_of(&next);
        let extras = vec![ask_later(next.id, &customer, due_us)];
        Ok(Changes { silent: vec![(next, change)], extras, ..Changes::default() })
    };
    store.change_tickets(request(), MORNING_US, new_id(), vec![ticket], Box::new(decide)).await.unwrap().unwrap();
}

async fn turn(store: &NodeStore) -> Lease {
    lease::take(store.db(), "questions", "one", 0, i64::MAX).await.unwrap().unwrap()
}

pub(crate) async fn ask(store: &NodeStore, asking: &Asking, now_us: i64) -> Asked {
    store.ask(&turn(store).await, asking, now_us).await.unwrap()
}

pub(crate) fn asking(ticket_id: Uuid, customer: &CustomerCode, due_us: i64) -> Asking {
    let entry = TimelineEntry {
        id: new_id(),
        at: at(0),
        kind: TimelineKind::Questioned,
        visibility: Visibility::Public,
        author: "standard".into(),
        text: "Hài lòng không?".into(),
        state: None,
    };
    Asking {
        question: Question { ticket_id, customer: customer.clone(), due_us },
        text: "Hài lòng không?".into(),
        unless_since_us: i64::MAX,
        entry,
    }
}

async fn leased(store: &NodeStore, now_us: i64) -> Batch {
    store.lease_deliveries("courier-1", Way::Sms, Urgency::Routine, 10, now_us, now_us + 30 * SECOND).await.unwrap()
}

/// Every statement about questions.
pub(crate) async fn use_questions(store: &NodeStore) {
    let (customer, due) = (ask_able(store, 700, true).await, MORNING_US + DAY);
    let asked = to_be_asked(store, &customer, due).await;
    let left = to_be_asked(store, &customer, due).await;
    assert_eq!(store.due_questions(due, 10).await.unwrap().len(), 2);
    assert_eq!(ask(store, &asking(asked, &customer, due), due).await, Asked::Queued);
    let left = Question { ticket_id: left, customer: customer.clone(), due_us: due };
    store.drop_question(&left).await.unwrap();
    store.forget_question_texts(due + DAY).await.unwrap();
    let second = to_be_asked(store, &customer, due).await;
    assert_eq!(ask(store, &asking(second, &customer, due), due).await, Asked::Queued);
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
    assert_eq!(ask(&store, &asking(ticket, &lan, due), due).await, Asked::Queued);
    assert_eq!(ask(&store, &asking(ticket, &lan, due), due).await, Asked::Already);
    put(&store, ticket, State::Closed, &lan, due + HOUR).await;
    assert!(store.due_questions(i64::MAX, 10).await.unwrap().is_empty(), "closed again, it is not asked about again");
    assert_eq!(store.asked_lately(&lan, MORNING_US).await.unwrap(), Some((ticket, due)));
    assert_eq!(store.asked_lately(&lan, due).await.unwrap(), None);
    let timeline = store.timeline(ticket, 10).await.unwrap();
    assert_eq!(timeline.iter().filter(|entry| entry.kind == TimelineKind::Questioned).count(), 1);

    let urgent = store.lease_deliveries("c", Way::Sms, Urgency::Safety, 10, due, due + SECOND).await.unwrap();
    assert!(urgent.messages.is_empty(), "it waits for the end of quiet hours");
    let batch = leased(&store, due).await;
    let message = &batch.messages[0];
    assert_eq!((message.text.as_deref(), message.address.as_str()), (Some("Hài lòng không?"), "+84900000001"));
    assert!(batch.texts[0].notice_id.is_nil() && batch.messages.len() == 1);
    store.submitting(batch.epoch, "courier-1", &[message.number], due).await.unwrap().unwrap();
    let sent = Outcome::Sent { message_ids: vec!["q".into()], at_us: due };
    store.delivery_outcomes(batch.epoch, &[(message.number, sent)]).await.unwrap();
    let receipt = Receipt {
        message_id: "q".into(),
        number: None,
        state: DeliveryState::Delivered,
        at_us: due,
        phone: None,
        submitted_us: None,
    };
    assert!(store.delivery_receipts(&[receipt]).await.unwrap().is_empty());
    assert!(store.notices_moved(Uuid::nil(), 10).await.unwrap().is_empty(), "there is no notice to tell of");
    assert!(store.unplanned_dispatches().await.unwrap().is_empty(), "nothing is expected of it");
    assert_eq!(store.forget_question_texts(due).await.unwrap(), 0, "not on its day");
    assert_eq!(store.forget_question_texts(due + DAY).await.unwrap(), 1);
}

async fn who_has_not_agreed_is_not_asked_and_who_agrees_no_longer_gets_no_message(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let due = MORNING_US + HOUR;
    let refuses = ask_able(&store, 2, false).await;
    let ticket = to_be_asked(&store, &refuses, due).await;
    assert_eq!(ask(&store, &asking(ticket, &refuses, due), due).await, Asked::LetBe);
    assert!(store.due_questions(i64::MAX, 10).await.unwrap().is_empty(), "nobody tries again");
    let agrees = ask_able(&store, 3, true).await;
    let ticket = to_be_asked(&store, &agrees, due).await;
    assert_eq!(ask(&store, &asking(ticket, &agrees, due), due).await, Asked::Queued);
    assert_eq!(ask_able(&store, 3, false).await, agrees);
    assert!(leased(&store, due).await.messages.is_empty());
}

async fn what_happened_before_it_is_asked_counts_and_another_process_asks_no_more(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let due = MORNING_US + HOUR;
    let lan = ask_able(&store, 5, true).await;
    let (first, second, third) = (
        to_be_asked(&store, &lan, due).await,
        to_be_asked(&store, &lan, due).await,
        to_be_asked(&store, &lan, due).await,
    );
    put(&store, third, State::Reopened, &lan, due).await;
    assert_eq!(ask(&store, &asking(third, &lan, due), due).await, Asked::LetBe, "it is open again");
    put(&store, third, State::Closed, &lan, due + HOUR).await;
    assert_eq!(ask(&store, &asking(third, &lan, due), due).await, Asked::Already, "closed once more, it has its time");
    assert_eq!(store.due_questions(due + HOUR, 10).await.unwrap().len(), 3);
    let mine = turn(&store).await;
    let other = lease::take(store.db(), "questions", "two", i64::MAX, i64::MAX).await.unwrap();
    assert_eq!(other, None, "it is held");
    lease::release(store.db(), &mine).await.unwrap();
    let other = lease::take(store.db(), "questions", "two", 1, i64::MAX).await.unwrap().unwrap();
    let late = store.ask(&mine, &asking(first, &lan, due), due).await;
    assert!(matches!(late, Err(StoreError::LeaseLost(_))), "{late:?}");
    assert_eq!(store.ask(&other, &asking(first, &lan, due), due).await.unwrap(), Asked::Queued);
    let again = Asking { unless_since_us: due - 1, ..asking(second, &lan, due) };
    assert_eq!(store.ask(&other, &again, due).await.unwrap(), Asked::LetBe, "two in an hour are too many");
}

async fn a_question_of_two_parts_is_delivered_with_its_last_one_and_stands_beside_no_notice(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let due = MORNING_US + HOUR;
    let lan = ask_able(&store, 6, true).await;
    let closed = to_be_asked(&store, &lan, due).await;
    let long = Asking { text: "Quý khách có hài lòng không? ".repeat(8), ..asking(closed, &lan, due) };
    assert_eq!(ask(&store, &long, due).await, Asked::Queued);
    // A plan that belongs to no incident is beside nothing.
    let alone = Dispatch { phase: Phase::Progress, incident: String::new(), ..dispatch(new_id()) };
    let planned = store.count_recipients(&alone, 100).await.unwrap();
    assert_eq!(planned.iter().map(|(_, _, count)| count).sum::<u64>(), 1);
    let batch = leased(&store, due).await;
    let number = batch.messages[0].number;
    store.submitting(batch.epoch, "courier-1", &[number], due).await.unwrap().unwrap();
    store.end_delivery_leases(due + 31 * SECOND).await.unwrap();
    let part = |id: &str| Receipt {
        message_id: id.into(),
        number: Some(number),
        state: DeliveryState::Delivered,
        at_us: due,
        phone: None,
        submitted_us: None,
    };
    store.delivery_receipts(&[part("one")]).await.unwrap();
    let stands = async || store.delivery_counts(batch.messages[0].dispatch).await.unwrap();
    assert!(!stands().await.contains_key(&DeliveryState::Delivered), "half a text is none");
    store.delivery_receipts(&[part("two")]).await.unwrap();
    assert_eq!(stands().await[&DeliveryState::Delivered], 1);
}

async fn an_erased_customer_is_asked_nothing(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let due = MORNING_US + HOUR;
    let gone = ask_able(&store, 4, true).await;
    let asked = to_be_asked(&store, &gone, due).await;
    let waits = to_be_asked(&store, &gone, due + HOUR).await;
    assert_eq!(ask(&store, &asking(asked, &gone, due), due).await, Asked::Queued);
    erase(&store, code(4)).await.unwrap();
    assert!(store.due_questions(i64::MAX, 10).await.unwrap().is_empty());
    assert_eq!(ask(&store, &asking(waits, &gone, due), due).await, Asked::Already);
    assert!(leased(&store, due).await.messages.is_empty());
    assert_eq!(store.asked_lately(&gone, 0).await.unwrap(), None);
}

on_both_engines!(
    a_customer_is_asked_once_by_a_message_of_its_own,
    who_has_not_agreed_is_not_asked_and_who_agrees_no_longer_gets_no_message,
    what_happened_before_it_is_asked_counts_and_another_process_asks_no_more,
    a_question_of_two_parts_is_delivered_with_its_last_one_and_stands_beside_no_notice,
    an_erased_customer_is_asked_nothing,
);
