use std::time::Duration;

use gridcare_chassis::id::new_id;
use gridcare_domain::ticket::TimelineKind;
use gridcare_store::NodeStore;

use super::private_postgres::PrivatePostgres;
use crate::samples::{open_new, request, ticket, write};

#[tokio::test(flavor = "multi_thread")]
async fn when_postgres_goes_away_every_caller_is_told_soon_and_none_waits_for_the_others() {
    let server = PrivatePostgres::start(&[]);
    let store = NodeStore::open(&server.server, 4, |_| ()).await.unwrap();
    open_new(&store, "Mất điện").await;
    drop(server);
    let callers = (100..164).map(|n| {
        let write = write(ticket(n, "Mất điện"), TimelineKind::Opened);
        store.open_ticket(request(), 0, new_id(), write)
    });
    let answers = tokio::time::timeout(Duration::from_mins(1), futures::future::join_all(callers)).await;
    for answer in answers.expect("64 callers wait for a few batches, and not in turn") {
        let failure = answer.expect_err("nothing is durable without a database");
        assert!(failure.is_away(), "{failure:?}");
    }
}
