//! Batches of openings that go side by side, which only Postgres lets them do.

use gridcare_chassis::id::new_id;
use gridcare_domain::ticket::TimelineKind;
use gridcare_tests::{Place, eventually};
use sqlx::{Connection as _, PgConnection};

use crate::{
    group_commit::faults,
    samples::{Home, MORNING_US, open_new, request, ticket, whole_feed, write},
};

/// What is written before the feed's row is locked is written by several at a time.
#[tokio::test(flavor = "multi_thread")]
async fn batches_of_openings_meet_at_the_feed_alone_on_postgres() {
    let home = Home::new(Place::Postgres).await;
    let store = home.store().await;
    let mut other = PgConnection::connect(&home.address).await.unwrap();
    let mut holding = other.begin().await.unwrap();
    sqlx::raw_sql("SELECT * FROM feed_head FOR UPDATE").execute(&mut *holding).await.unwrap();
    let opened = tokio::spawn({
        let store = store.clone();
        async move {
            let open = |number| {
                let write = write(ticket(number, "bão"), TimelineKind::Opened);
                store.open_ticket(request(), MORNING_US, new_id(), write)
            };
            futures::future::join_all((100..400).map(open)).await
        }
    });
    let waiting = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'WITH asked AS%'";
    eventually("several batches wait for the feed", || {
        let address = home.address.clone();
        async move {
            let mut watching = PgConnection::connect(&address).await.unwrap();
            let found: i64 = sqlx::query_scalar(waiting).fetch_one(&mut watching).await.unwrap();
            (found > 1).then_some(())
        }
    })
    .await;
    let written = "SELECT pg_relation_size('request') > 0 AND pg_relation_size('ticket') > 0 AND pg_relation_size('timeline') > 0";
    assert!(sqlx::query_scalar::<_, bool>(written).fetch_one(&mut *holding).await.unwrap(), "the feed comes last");
    holding.rollback().await.unwrap();
    assert!(opened.await.unwrap().into_iter().all(|answer| answer.unwrap().is_ok()));
    let feed = whole_feed(&store).await;
    assert_eq!(faults(&feed), Vec::<String>::new());
    assert_eq!(feed.len(), 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn openings_go_on_over_new_connections_when_postgres_has_ended_the_old_ones() {
    let home = Home::new(Place::Postgres).await;
    let store = home.store().await;
    open_new(&store, "trước").await;
    let mut other = PgConnection::connect(&home.address).await.unwrap();
    let end = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let ended: i64 = sqlx::query_scalar(end).fetch_one(&mut other).await.unwrap();
    assert!(ended > 0);
    open_new(&store, "sau").await;
    assert_eq!(whole_feed(&store).await.len(), 2);
}
