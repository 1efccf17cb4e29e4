use gridcare_store::db::ensure_database;
use gridcare_tests::{
    Place, calls, eventually,
    world::{CAPABILITIES, NodeOf, World},
};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};

use super::private_postgres::PrivatePostgres;

/// So many that neither a start nor the background writer's five syncs a second come near.
const COMMITS: i64 = 300;

/// Write-ahead log records and syncs of a whole server, as far as its sessions have reported them.
#[derive(Clone, Copy, Debug)]
struct Reported {
    records: i64,
    syncs: i64,
}

async fn reported(server: &str) -> Reported {
    let mut connection = PgConnection::connect(server).await.unwrap();
    let row = sqlx::query("SELECT wal_records, wal_sync FROM pg_stat_wal").fetch_one(&mut connection).await.unwrap();
    let found = Reported { records: row.get(0), syncs: row.get(1) };
    connection.close().await.unwrap();
    found
}

/// How many syncs the server made since `before`, once it has reported all the records that the commits must have made.
async fn syncs_since(server: &str, before: Reported) -> i64 {
    let after = eventually("the sessions report their records", || async {
        let now = reported(server).await;
        (now.records >= before.records + COMMITS).then_some(now)
    })
    .await;
    after.syncs - before.syncs
}

/// What is wrong with so many syncs for the commits that were answered, one after the other.
fn unsynced(syncs: i64) -> Option<String> {
    (syncs < COMMITS).then(|| format!("{COMMITS} commits were answered after {syncs} syncs"))
}

/// Commits one row after the other, as a session with this setting does.
async fn commit_plainly(server: &str, synchronous_commit: &str) -> i64 {
    let before = reported(server).await;
    let mut connection = PgConnection::connect(server).await.unwrap();
    let prepare =
        format!("SET synchronous_commit = {synchronous_commit}; CREATE TABLE plain_{synchronous_commit} (n BIGINT)");
    sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut connection).await.unwrap();
    let insert = format!("INSERT INTO plain_{synchronous_commit} VALUES (1)");
    for _ in 0..COMMITS {
        sqlx::raw_sql(AssertSqlSafe(insert.clone())).execute(&mut connection).await.unwrap();
    }
    // A session reports at its end.
    connection.close().await.unwrap();
    syncs_since(server, before).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_synced_for_every_answered_ticket_and_the_count_finds_a_session_that_does_not_wait() {
    let running = PrivatePostgres::start(&[]);
    let server = running.server.as_str();
    let database = ensure_database(server, "node").await.unwrap();

    let world = World::new(Place::Postgres);
    let mut node = world.node_on(&NodeOf { id: "hcmc", region: "HCMC", capabilities: CAPABILITIES }, &database).await;
    let before = reported(server).await;
    let mut tickets = calls::tickets(&node);
    for n in 0..COMMITS {
        tickets.open_ticket(calls::opening(&format!("số {n}"))).await.unwrap();
    }
    node.stop().await;
    assert_eq!(unsynced(syncs_since(server, before).await), None);

    assert_eq!(unsynced(commit_plainly(server, "on").await), None, "the count counts");
    assert!(unsynced(commit_plainly(server, "off").await).is_some(), "and finds what is not synced");
}
