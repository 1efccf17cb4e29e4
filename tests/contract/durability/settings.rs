use gridcare_store::{NodeStore, StoreError, gateway::GatewayStore};
use gridcare_tests::Place;

use super::private_postgres::PrivatePostgres;
use crate::{on_both_engines, samples::Home};

/// Why a store refuses this database, as (setting, value).
async fn refusals(address: &str) -> [(&'static str, String); 2] {
    let node = NodeStore::open(address, 2, |_| ()).await.map(drop);
    let gateway = GatewayStore::open(address, 2).await.map(drop);
    [node, gateway].map(|outcome| match outcome {
        Err(StoreError::Unsafe { setting, found, .. }) => (setting, found),
        other => panic!("{address} is not refused as unsafe: {other:?}"),
    })
}

async fn a_database_as_it_comes_is_safe(place: Place) {
    let store = Home::new(place).await.store().await;
    store.db().assert_durable().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_does_not_wait_for_its_commit_is_refused() {
    for url_option in ["-c synchronous_commit=off", "-c%20synchronous_commit=off"] {
        let home = Home::new(Place::Postgres).await;
        let separator = if home.address.contains('?') { '&' } else { '?' };
        let address = format!("{}{separator}options={url_option}", home.address);
        for refusal in refusals(&address).await {
            assert_eq!(refusal, ("synchronous_commit", "off".to_owned()));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_sync_is_refused() {
    for setting in ["fsync", "full_page_writes"] {
        let server = PrivatePostgres::start(&[&format!("{setting}=off")]);
        for refusal in refusals(&server.server).await {
            assert_eq!(refusal, (setting, "off".to_owned()));
        }
    }
}

/// The store sets what `SQLite` needs by itself; where that does not take, it refuses.
#[tokio::test(flavor = "multi_thread")]
async fn a_sqlite_database_without_a_log_is_refused() {
    for refusal in refusals("sqlite::memory:").await {
        assert_eq!(refusal, ("journal_mode", "memory".to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_another_kind_is_refused() {
    for address in ["mysql://localhost/db", "/var/lib/node.sqlite", ""] {
        assert!(
            matches!(NodeStore::open(address, 2, |_| ()).await.map(drop), Err(StoreError::Address(_))),
            "{address}"
        );
    }
}

on_both_engines!(a_database_as_it_comes_is_safe);
