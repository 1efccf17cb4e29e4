use std::collections::BTreeMap;

use gridcare_chassis::id::new_id;
use gridcare_domain::{
    delivery::{
        DeliveryState::{self, Delivered, Failed, Queued, Sent, Unknown},
        Way,
    },
    notice::{NoticeText, Phase, RevisionKind, Urgency},
    outage::Area,
};
use gridcare_store::{
    NodeStore,
    delivery::{Batch, Outcome},
    dispatch::{Dispatch, Turned},
    receipt::Receipt,
};
use gridcare_tests::Place;
use uuid::Uuid;

use crate::{
    customers::{code, customer, erase, import},
    on_both_engines,
    samples::{Home, MORNING_US},
};

pub(crate) const SECOND: i64 = 1_000_000;
pub(crate) const EXPIRES_US: i64 = MORNING_US + 3_600 * SECOND;

pub(crate) fn dispatch(notice_id: Uuid) -> Dispatch {
    Dispatch {
        notice_id,
        revision: 1,
        revision_kind: RevisionKind::Initial,
        way: Way::Sms,
        incident: "500 kV 2013-05-22".into(),
        phase: Phase::First,
        urgency: Urgency::Safety,
        vi: NoticeText { title: "Mất điện".into(), body: "Mất điện.".into() },
        en: NoticeText { title: "Power cut".into(), body: "Power cut.".into() },
        diacritics: false,
        places: vec![],
        customers: vec![],
        webhooks: vec![],
        published_us: MORNING_US,
        due_us: MORNING_US,
        expires_us: EXPIRES_US,
    }
}

pub(crate) async fn turn(store: &NodeStore, no: i64, page: i64) -> u64 {
    let mut added = 0;
    while let Turned::Range(more) = store.turn_dispatch(no, page).await.unwrap() {
        added += more;
    }
    added
}

pub(crate) async fn lease(store: &NodeStore, limit: i64, now_us: i64) -> Batch {
    store.lease_deliveries("courier-1", Way::Sms, Urgency::Routine, limit, now_us, now_us + 30 * SECOND).await.unwrap()
}

pub(crate) fn numbers(batch: &Batch) -> Vec<i64> {
    batch.messages.iter().map(|message| message.number).collect()
}

pub(crate) async fn counts(store: &NodeStore, no: i64) -> BTreeMap<DeliveryState, u64> {
    store.delivery_counts(no).await.unwrap()
}

pub(crate) fn sent_as(message_ids: Vec<String>) -> Outcome {
    Outcome::Sent { message_ids, at_us: MORNING_US }
}

fn heard(message_id: &str, state: DeliveryState) -> Receipt {
    Receipt { message_id: message_id.into(), number: None, state, at_us: MORNING_US, phone: None, submitted_us: None }
}

/// A receipt that echoes nothing, of the phone of this customer.
fn heard_of(message_id: &str, n: usize) -> Receipt {
    Receipt { phone: Some(format!("+8490{n:07}")), ..heard(message_id, Delivered) }
}

/// Begins to write all that is queued, and leaves it unknown.
async fn lose(store: &NodeStore, now_us: i64) -> Batch {
    let batch = lease(store, 10, now_us).await;
    store.submitting(batch.epoch, "courier-1", &numbers(&batch), now_us).await.unwrap().unwrap();
    store.end_delivery_leases(now_us + 31 * SECOND).await.unwrap();
    batch
}

/// Every statement about dispatches and their messages.
pub(crate) async fn use_deliveries(store: &NodeStore) {
    import(store, (500..520).map(customer).collect()).await;
    let district = Area { province: Some("VN-SG".into()), district: Some("QUAN 0".into()), ..Area::default() };
    let id = new_id();
    let long = NoticeText { title: "Mất điện".into(), body: "Mất điện. ".repeat(20) };
    let all = Dispatch {
        places: vec![district],
        customers: vec![code(501).to_string()],
        vi: long.clone(),
        en: long,
        ..dispatch(id)
    };
    let no = store.open_dispatch(&all).await.unwrap();
    assert_eq!(store.open_dispatch(&all).await.unwrap(), no);
    assert_eq!(store.turning_dispatches().await.unwrap(), [no]);
    assert!(turn(store, no, 7).await > 0);
    let beside = Dispatch { notice_id: new_id(), ..all.clone() };
    let beside = store.open_dispatch(&beside).await.unwrap();
    assert_eq!(turn(store, beside, 7).await, 0);
    assert_eq!(store.unplanned_dispatches().await.unwrap()[0].no, no);
    let alone = Dispatch { notice_id: new_id(), incident: "another".into(), ..all.clone() };
    assert!(!store.count_recipients(&alone, 7).await.unwrap().is_empty());
    let beside = Dispatch { notice_id: new_id(), ..all.clone() };
    assert!(store.count_recipients(&beside, 7).await.unwrap().is_empty());
    let called = Dispatch { way: Way::Webhook, webhooks: vec!["press-agency".into()], ..dispatch(new_id()) };
    store.open_dispatch(&called).await.unwrap();
    let calls =
        store.lease_deliveries("caller", Way::Webhook, Urgency::Routine, 9, MORNING_US, EXPIRES_US).await.unwrap();
    assert_eq!(calls.messages[0].address, "press-agency");
    let batch = lease(store, 2, MORNING_US).await;
    let until = MORNING_US + 60 * SECOND;
    assert!(store.renew_deliveries(batch.epoch, "courier-1", MORNING_US, until).await.unwrap());
    store.submitting(batch.epoch, "courier-1", &numbers(&batch), MORNING_US).await.unwrap().unwrap();
    let sent = [(batch.messages[0].number, sent_as(vec!["used".into()]))];
    store.delivery_outcomes(batch.epoch, &sent).await.unwrap();
    let echoed =
        |part: &str| Receipt { number: Some(batch.messages[1].number), ..heard(part, DeliveryState::Delivered) };
    store.end_delivery_leases(until).await.unwrap();
    store.delivery_receipts(&[heard("used", DeliveryState::Delivered), echoed("first")]).await.unwrap();
    store.delivery_receipts(&[echoed("second"), heard_of("of a phone", 502)]).await.unwrap();
    assert_eq!(counts(store, no).await[&DeliveryState::Delivered], 2);
    store.dispatch_planned(no, 3, 2).await.unwrap();
    store.cancel_dispatches(id, MORNING_US).await.unwrap();
    while store.expire_deliveries(MORNING_US, 3).await.unwrap() > 0 {}
}

async fn a_notice_reaches_each_customer_in_its_audience_once_however_often_turning_breaks_off(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    import(&store, (0..250).map(customer).collect()).await;
    let mut silent = customer(250);
    silent.contact_points[0].consents.clear();
    import(&store, vec![silent]).await;
    let no = store.open_dispatch(&dispatch(new_id())).await.unwrap();
    assert!(matches!(store.turn_dispatch(no, 90).await.unwrap(), Turned::Range(90)));
    drop(store);
    // Two processes go on where the first one stopped.
    let (one, two) = (home.store().await, home.store().await);
    let both = tokio::join!(turn(&one, no, 20), turn(&two, no, 20));
    assert_eq!(90 + both.0 + both.1, 250, "who has agreed, and nobody else");
    assert_eq!(counts(&one, no).await, BTreeMap::from([(DeliveryState::Queued, 250)]));
    assert_eq!(turn(&one, no, 20).await, 0);
    assert_eq!(one.turning_dispatches().await.unwrap(), Vec::<i64>::new());
}

async fn an_audience_is_by_place_and_by_code_and_spelling_makes_no_difference(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    import(&store, (0..80).map(customer).collect()).await;
    let district = |name: &str| Area { province: Some("VN-SG".into()), district: Some(name.into()), ..Area::default() };
    let feeder = Area { feeder: Some("473E1".into()), ..Area::default() };
    let places = vec![district("quan 2"), feeder, district("nowhere")];
    let asked = Dispatch { places, customers: vec![code(1).to_string()], ..dispatch(new_id()) };
    let no = store.open_dispatch(&asked).await.unwrap();
    let expected = (0..80).filter(|n| n % 4 == 2 || n % 5 == 3 || *n == 1).count();
    assert_eq!(turn(&store, no, 1_000).await, u64::try_from(expected).unwrap());
    let nobody = Dispatch { places: vec![district("nowhere")], ..dispatch(new_id()) };
    let nobody = store.open_dispatch(&nobody).await.unwrap();
    assert_eq!(turn(&store, nobody, 1_000).await, 0, "a place that nobody lives in is not everybody");
}

async fn two_notices_of_one_incident_reach_a_recipient_once_per_phase(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    import(&store, (0..40).map(customer).collect()).await;
    let regional = Area { feeder: Some("471E1".into()), ..Area::default() };
    let regional = Dispatch { places: vec![regional], ..dispatch(new_id()) };
    let national = dispatch(new_id());
    let no = store.open_dispatch(&regional).await.unwrap();
    assert_eq!(turn(&store, no, 100).await, 8);
    let no = store.open_dispatch(&national).await.unwrap();
    assert_eq!(turn(&store, no, 100).await, 32, "the others alone");
    let no = store.open_dispatch(&Dispatch { revision: 2, phase: Phase::AllClear, ..national.clone() }).await.unwrap();
    assert_eq!(turn(&store, no, 100).await, 40, "another phase is news");
    let no = store.open_dispatch(&Dispatch { revision: 2, phase: Phase::AllClear, ..regional }).await.unwrap();
    assert_eq!(turn(&store, no, 100).await, 0);
}

async fn medical_customers_are_leased_first_and_no_message_twice(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    import(&store, (1..=201).map(customer).collect()).await;
    let no = store.open_dispatch(&dispatch(new_id())).await.unwrap();
    turn(&store, no, 100).await;
    let first = lease(&store, 2, MORNING_US).await;
    let addresses: Vec<_> = first.messages.iter().map(|message| message.address.as_str()).collect();
    assert_eq!(addresses, ["+84900000100", "+84900000200"]);
    assert_eq!(first.texts[0].expires_us, EXPIRES_US);
    let (one, two) = (home.store().await, home.store().await);
    let (one, two) = tokio::join!(lease(&one, 150, MORNING_US), lease(&two, 150, MORNING_US));
    let mut all = [numbers(&first), numbers(&one), numbers(&two)].concat();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 201);
    assert_eq!(lease(&store, 1, MORNING_US).await.epoch, 0, "nothing is left");
}

async fn a_lost_courier_makes_only_what_it_was_writing_unknown(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    import(&store, (1..=10).map(customer).collect()).await;
    let no = store.open_dispatch(&dispatch(new_id())).await.unwrap();
    turn(&store, no, 100).await;
    let batch = lease(&store, 10, MORNING_US).await;
    let all = numbers(&batch);
    let granted = store.submitting(batch.epoch, "courier-1", &all[..4], MORNING_US).await.unwrap().unwrap();
    assert_eq!(granted, all[..4]);
    store.delivery_outcomes(batch.epoch, &[(all[0], sent_as(vec!["a".into()]))]).await.unwrap();
    let later = MORNING_US + 31 * SECOND;
    assert_eq!(store.end_delivery_leases(later).await.unwrap(), 1);
    assert_eq!(counts(&store, no).await, BTreeMap::from([(Queued, 6), (Unknown, 3), (Sent, 1)]));
    // The courier that was thought lost writes nothing more, and what it wrote is believed.
    assert_eq!(store.submitting(batch.epoch, "courier-1", &all[4..], later).await.unwrap(), None);
    assert!(!store.renew_deliveries(batch.epoch, "courier-1", later, later + SECOND).await.unwrap());
    let late = [(all[1], sent_as(vec!["b".into()])), (all[2], Outcome::Returned), (all[5], Outcome::Failed)];
    let next = lease(&store, 10, later).await;
    assert_eq!(numbers(&next), all[4..], "what may have gone out is not handed out again");
    let known = store.delivery_outcomes(batch.epoch, &late).await.unwrap();
    assert_eq!(known.into_iter().collect::<Vec<_>>(), [all[1]]);
    // What is unknown is resolved by a receipt that echoes our number.
    let echoed = Receipt { number: Some(all[3]), ..heard("d", Delivered) };
    assert_eq!(store.delivery_receipts(&[echoed, heard("nobody", Sent)]).await.unwrap(), ["nobody"]);
    assert_eq!(counts(&store, no).await[&Delivered], 1);
}

async fn receipts_in_any_order_come_to_the_same_and_all_parts_must_arrive(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    import(&store, (1..=2).map(customer).collect()).await;
    let no = store.open_dispatch(&dispatch(new_id())).await.unwrap();
    turn(&store, no, 100).await;
    let batch = lease(&store, 10, MORNING_US).await;
    let all = numbers(&batch);
    store.submitting(batch.epoch, "courier-1", &all, MORNING_US).await.unwrap().unwrap();
    let sent = [(all[0], sent_as(vec!["1a".into(), "1b".into()])), (all[1], sent_as(vec!["2".into()]))];
    store.delivery_outcomes(batch.epoch, &sent).await.unwrap();
    store.delivery_receipts(&[heard("1a", Delivered), heard("2", Delivered)]).await.unwrap();
    assert_eq!(counts(&store, no).await, BTreeMap::from([(Sent, 1), (Delivered, 1)]));
    store.delivery_receipts(&[heard("2", Sent), heard("2", Failed), heard("1b", Delivered)]).await.unwrap();
    assert_eq!(counts(&store, no).await, BTreeMap::from([(Delivered, 2)]), "no receipt takes a message back");
}

async fn an_unknown_message_is_delivered_when_receipts_of_all_of_its_parts_have_come(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    import(&store, (1..=2).map(customer).collect()).await;
    let long = NoticeText { title: "Mat dien".into(), body: "Mat dien. ".repeat(40) };
    let no = store.open_dispatch(&Dispatch { vi: long.clone(), en: long, ..dispatch(new_id()) }).await.unwrap();
    turn(&store, no, 100).await;
    let all = numbers(&lose(&store, MORNING_US).await);
    assert_eq!(counts(&store, no).await, BTreeMap::from([(Unknown, 2)]));
    let echoed = |part: &str| Receipt { number: Some(all[0]), ..heard(part, Delivered) };
    store.delivery_receipts(&[echoed("one")]).await.unwrap();
    store.delivery_receipts(&[echoed("one"), heard("one", Delivered)]).await.unwrap();
    assert_eq!(counts(&store, no).await, BTreeMap::from([(Unknown, 1), (Sent, 1)]), "of three parts one has come");
    store.delivery_receipts(&[echoed("two")]).await.unwrap();
    assert_eq!(counts(&store, no).await, BTreeMap::from([(Unknown, 1), (Sent, 1)]));
    store.delivery_receipts(&[echoed("three")]).await.unwrap();
    assert_eq!(counts(&store, no).await, BTreeMap::from([(Unknown, 1), (Delivered, 1)]));
    store.delivery_receipts(&[heard_of("first", 2), heard_of("second", 2)]).await.unwrap();
    assert_eq!(counts(&store, no).await, BTreeMap::from([(Sent, 1), (Delivered, 1)]), "nothing was echoed");
    store.delivery_receipts(&[heard_of("third", 2)]).await.unwrap();
    assert_eq!(counts(&store, no).await, BTreeMap::from([(Delivered, 2)]));
}

async fn a_receipt_that_echoes_nothing_resolves_the_one_unknown_message_to_its_phone(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    import(&store, (1..=2).map(customer).collect()).await;
    let no = store.open_dispatch(&dispatch(new_id())).await.unwrap();
    turn(&store, no, 100).await;
    lose(&store, MORNING_US).await;
    let early = Receipt { submitted_us: Some(MORNING_US - 121 * SECOND), ..heard_of("early", 1) };
    let late = Receipt { at_us: EXPIRES_US + 86_400 * SECOND, ..heard_of("late", 1) };
    let others = [early, late, heard_of("another's", 3)];
    assert_eq!(store.delivery_receipts(&others).await.unwrap(), ["another's", "early", "late"]);
    for _ in 0..2 {
        assert_eq!(store.delivery_receipts(&[heard_of("one", 1)]).await.unwrap(), Vec::<String>::new());
        assert_eq!(counts(&store, no).await, BTreeMap::from([(Unknown, 1), (Delivered, 1)]));
    }
    assert_eq!(store.delivery_receipts(&[heard_of("two", 1)]).await.unwrap(), ["two"], "none is left for it");
}

async fn of_two_unknown_messages_to_a_phone_none_is_resolved_and_a_sent_one_is_not_touched(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    import(&store, vec![customer(1)]).await;
    let later = MORNING_US + 600 * SECOND;
    let one = store.open_dispatch(&dispatch(new_id())).await.unwrap();
    let other = Dispatch { incident: "another".into(), published_us: later, due_us: later, ..dispatch(new_id()) };
    let two = store.open_dispatch(&other).await.unwrap();
    turn(&store, one, 100).await;
    turn(&store, two, 100).await;
    let batch = lose(&store, later).await;
    let heard = |id: &str| Receipt { at_us: later + 60 * SECOND, ..heard_of(id, 1) };
    assert_eq!(store.delivery_receipts(&[heard("a")]).await.unwrap(), ["a"]);
    assert_eq!(counts(&store, one).await, counts(&store, two).await, "both are unknown still");
    let dated = Receipt { submitted_us: Some(MORNING_US + 60 * SECOND), ..heard("a") };
    assert_eq!(store.delivery_receipts(&[dated]).await.unwrap(), Vec::<String>::new());
    assert_eq!(counts(&store, one).await, BTreeMap::from([(Delivered, 1)]), "the other one was not published yet");
    let of_two = batch.messages.iter().find(|message| message.dispatch == two).unwrap();
    store.delivery_outcomes(batch.epoch, &[(of_two.number, sent_as(vec!["s".into()]))]).await.unwrap();
    assert_eq!(store.delivery_receipts(&[heard("b")]).await.unwrap(), ["b"]);
    assert_eq!(counts(&store, two).await, BTreeMap::from([(Sent, 1)]));
}

async fn what_can_wait_stays_in_the_queue_while_only_what_cannot_is_asked_for(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    import(&store, (1..=3).map(customer).collect()).await;
    let routine = Dispatch { urgency: Urgency::Routine, ..dispatch(new_id()) };
    let no = store.open_dispatch(&routine).await.unwrap();
    turn(&store, no, 100).await;
    let ask = |least| store.lease_deliveries("courier-1", Way::Sms, least, 10, MORNING_US, EXPIRES_US);
    assert_eq!(ask(Urgency::Safety).await.unwrap().messages, []);
    assert_eq!(ask(Urgency::Routine).await.unwrap().messages.len(), 3);
}

async fn notices_of_one_incident_that_are_turned_at_the_same_time_reach_a_recipient_once(place: Place) {
    let home = Home::new(place).await;
    let (one, two) = (home.store().await, home.store().await);
    import(&one, (0..400).map(customer).collect()).await;
    let regional = one.open_dispatch(&dispatch(new_id())).await.unwrap();
    let national = two.open_dispatch(&dispatch(new_id())).await.unwrap();
    let (regional, national) = tokio::join!(turn(&one, regional, 40), turn(&two, national, 40));
    assert_eq!(regional + national, 400);
}

async fn what_is_cancelled_is_neither_handed_out_nor_written(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    import(&store, (1..=10).map(customer).collect()).await;
    let id = new_id();
    let no = store.open_dispatch(&dispatch(id)).await.unwrap();
    turn(&store, no, 100).await;
    let batch = lease(&store, 4, MORNING_US).await;
    assert_eq!(store.cancel_dispatches(id, MORNING_US).await.unwrap(), 1);
    let granted = store.submitting(batch.epoch, "courier-1", &numbers(&batch), MORNING_US).await.unwrap();
    assert_eq!(granted, Some(vec![]));
    assert_eq!(lease(&store, 10, MORNING_US).await.messages, []);
    store.end_delivery_leases(MORNING_US + 60 * SECOND).await.unwrap();
    while store.expire_deliveries(MORNING_US + 60 * SECOND, 3).await.unwrap() > 0 {}
    assert_eq!(counts(&store, no).await, BTreeMap::from([(DeliveryState::Expired, 10)]));
}

async fn nothing_goes_out_before_its_time_or_after_it(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    import(&store, (1..=3).map(customer).collect()).await;
    let no = store.open_dispatch(&Dispatch { due_us: MORNING_US + SECOND, ..dispatch(new_id()) }).await.unwrap();
    turn(&store, no, 100).await;
    assert_eq!(lease(&store, 10, MORNING_US).await.messages, []);
    let batch = lease(&store, 10, MORNING_US + SECOND).await;
    assert_eq!(batch.messages.len(), 3);
    assert!(store.renew_deliveries(batch.epoch, "courier-1", MORNING_US + SECOND, EXPIRES_US + SECOND).await.unwrap());
    assert_eq!(store.submitting(batch.epoch, "courier-1", &numbers(&batch), EXPIRES_US).await.unwrap(), Some(vec![]));
    assert_eq!(lease(&store, 10, EXPIRES_US).await.messages, []);
}

async fn an_erased_customer_gets_nothing_more_and_the_message_still_counts(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    import(&store, (1..=3).map(customer).collect()).await;
    let named = Dispatch { customers: vec![code(1).to_string(), code(2).to_string()], ..dispatch(new_id()) };
    let no = store.open_dispatch(&named).await.unwrap();
    turn(&store, no, 100).await;
    erase(&store, code(1)).await.unwrap();
    assert_eq!(counts(&store, no).await, BTreeMap::from([(DeliveryState::Queued, 1), (DeliveryState::Expired, 1)]));
    assert_eq!(lease(&store, 10, MORNING_US).await.messages.len(), 1);
}

on_both_engines!(
    a_notice_reaches_each_customer_in_its_audience_once_however_often_turning_breaks_off,
    an_audience_is_by_place_and_by_code_and_spelling_makes_no_difference,
    two_notices_of_one_incident_reach_a_recipient_once_per_phase,
    medical_customers_are_leased_first_and_no_message_twice,
    a_lost_courier_makes_only_what_it_was_writing_unknown,
    receipts_in_any_order_come_to_the_same_and_all_parts_must_arrive,
    an_unknown_message_is_delivered_when_receipts_of_all_of_its_parts_have_come,
    a_receipt_that_echoes_nothing_resolves_the_one_unknown_message_to_its_phone,
    of_two_unknown_messages_to_a_phone_none_is_resolved_and_a_sent_one_is_not_touched,
    what_can_wait_stays_in_the_queue_while_only_what_cannot_is_asked_for,
    notices_of_one_incident_that_are_turned_at_the_same_time_reach_a_recipient_once,
    what_is_cancelled_is_neither_handed_out_nor_written,
    nothing_goes_out_before_its_time_or_after_it,
    an_erased_customer_gets_nothing_more_and_the_message_still_counts,
);
