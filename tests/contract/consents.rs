//! What a customer has said of being written to, and what later files of the customer register make of it.

use gridcare_chassis::id::new_id;
use gridcare_domain::customer::{Consent, Customer, Purpose};
use gridcare_store::{NodeStore, customer::CustomerWrite};
use gridcare_tests::Place;

use crate::{
    customers::{code, customer, done, import, put, write},
    deliveries::{dispatch, turn},
    on_both_engines,
    samples::{Home, at},
};

/// A customer whose phone has said this.
fn saying(n: usize, consents: Vec<Consent>) -> Customer {
    let mut customer = customer(n);
    customer.contact_points[0].consents = consents;
    customer
}

fn consent(purpose: Purpose, granted: bool, second: i64, source: &str) -> Consent {
    Consent { purpose, granted, given_at: at(second), source: source.into() }
}

async fn stored(store: &NodeStore, n: usize) -> (Customer, i64, String) {
    let stored = store.customer(&code(n)).await.unwrap().unwrap();
    (stored.customer, stored.version, stored.source)
}

async fn a_stop_outlives_the_imports_of_an_older_contract(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let mut file: Vec<_> = (0..40).map(customer).collect();
    import(&store, file.clone()).await;
    let said = [consent(Purpose::OutageNotice, false, 60, "sms"), consent(Purpose::Survey, false, 60, "sms")];
    let stopped = saying(1, said.to_vec());
    put(&store, CustomerWrite { source: "sms".into(), ..write(stopped.clone()) }).await.unwrap();

    assert_eq!(import(&store, file.clone()).await, done(0, 0, 40), "the same file says nothing newer");
    assert_eq!(stored(&store, 1).await, (stopped.clone(), 2, "sms".into()));
    // They move, and two others come: who they are is the file's to say, and what they have said is theirs.
    file[1].premises[0].address = "9 Nguyễn Huệ".into();
    file.extend([customer(40), customer(41)]);
    assert_eq!(import(&store, file.clone()).await, done(2, 1, 39));
    let moved = Customer { premises: file[1].premises.clone(), ..stopped };
    assert_eq!(stored(&store, 1).await, (moved, 3, "cis".into()));
    let no = store.open_dispatch(&dispatch(new_id())).await.unwrap();
    assert_eq!(turn(&store, no, 100).await, 41, "everybody but them is told");

    file[1].contact_points[0].consents = vec![consent(Purpose::OutageNotice, true, 61, "office")];
    assert_eq!(import(&store, file.clone()).await, done(0, 1, 41));
    let agreed = vec![file[1].contact_points[0].consents[0].clone(), said[1].clone()];
    assert_eq!(stored(&store, 1).await.0.contact_points[0].consents, agreed, "the later word stands, of each purpose");
    let no = store.open_dispatch(&dispatch(new_id())).await.unwrap();
    assert_eq!(turn(&store, no, 100).await, 1, "and of the next notice about the same they are told");
}

async fn an_upsert_and_an_import_of_the_same_moment_say_what_stands_now(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    put(&store, write(saying(1, vec![consent(Purpose::OutageNotice, false, 60, "sms")]))).await.unwrap();
    let same = saying(1, vec![consent(Purpose::OutageNotice, true, 60, "contract")]);
    assert_eq!(import(&store, vec![same.clone()]).await, done(0, 1, 0));
    assert_eq!(stored(&store, 1).await.0, same);
    let older = saying(1, vec![consent(Purpose::Billing, true, 0, "contract")]);
    assert_eq!(put(&store, write(older.clone())).await, Ok("Updated v3".into()));
    assert_eq!(stored(&store, 1).await.0, older, "whole");
    let mut elsewhere = older.clone();
    elsewhere.contact_points[0].value = "+84909999999".into();
    elsewhere.contact_points[0].consents.clear();
    assert_eq!(import(&store, vec![elsewhere.clone()]).await, done(0, 1, 0));
    assert_eq!(stored(&store, 1).await.0, elsewhere, "what was said of one number says nothing of another");
}

on_both_engines!(
    a_stop_outlives_the_imports_of_an_older_contract,
    an_upsert_and_an_import_of_the_same_moment_say_what_stands_now,
);
