use gridcare_proto::{federation::v1 as federation, ticket::v1 as ticket};
use gridcare_tests::{Place, Process, calls, eventually, within, world::World};
use std::{collections::BTreeMap, time::Duration};

crate::on_both_engines!(a_database_copied_back_and_written_on_is_noticed_and_the_country_ends_right);

async fn a_database_copied_back_and_written_on_is_noticed_and_the_country_ends_right(place: Place) {
    let world = World::new(place);
    let database = place.database(&world.folder, "node").await;
    let of = gridcare_tests::world::NodeOf {
        id: "hcmc-1",
        region: "HCMC",
        capabilities: gridcare_tests::world::CAPABILITIES,
    };
    let mut node = world.node_on(&of, &database).await;
    let gateway = world.gateway(&[("hcmc-1", "HCMC", &node)]).await;
    for i in 0..5 {
        open(&node, &format!("before the backup {i}")).await;
    }
    same(&gateway, &node).await;
    assert!(node.stop().await.success());
    copy(&database, &world, "backup").await;
    node.restart().await;
    for i in 0..7 {
        open(&node, &format!("lost with the disk {i}")).await;
    }
    same(&gateway, &node).await;

    assert!(node.stop().await.success());
    copy_back(&database, &world, "backup").await;
    node.restart().await;
    // As many as were lost and more, so that positions alone would not tell.
    for i in 0..9 {
        open(&node, &format!("after the restore {i}")).await;
    }
    same(&gateway, &node).await;
    assert_eq!(local(&node).await.len(), 14);
    open(&node, "and life goes on").await;
    same(&gateway, &node).await;
}

async fn open(node: &Process, subject: &str) {
    eventually("the node takes a ticket", || async {
        calls::tickets(node).open_ticket(calls::opening(subject)).await.ok()
    })
    .await;
}

async fn local(node: &Process) -> BTreeMap<String, String> {
    let request = ticket::ListTicketsRequest { page_size: 1_000, ..Default::default() };
    let list = calls::tickets(node).list_tickets(request).await.unwrap().into_inner();
    list.tickets.into_iter().map(|t| (t.id, t.reference)).collect()
}

/// Waits until the gateway's tickets are exactly the node's.
async fn same(gateway: &Process, node: &Process) {
    let expected = local(node).await;
    within(Duration::from_mins(1), "the gateway's tickets are the node's", || async {
        let request = federation::ListNationalTicketsRequest { page_size: 1_000, ..Default::default() };
        let list = calls::nation(gateway).list_national_tickets(request).await.ok()?.into_inner();
        let seen: BTreeMap<_, _> =
            list.tickets.into_iter().filter_map(|t| t.ticket).map(|t| (t.id, t.reference)).collect();
        (seen == expected).then_some(())
    })
    .await;
}

async fn copy(database: &str, world: &World, name: &str) {
    if let Some(path) = database.strip_prefix("sqlite://") {
        std::fs::copy(path, world.file(name)).unwrap();
    } else {
        template(database, &format!("{}_copy", name_of(database)), name_of(database), false).await;
    }
}

async fn copy_back(database: &str, world: &World, name: &str) {
    if let Some(path) = database.strip_prefix("sqlite://") {
        for stale in [format!("{path}-wal"), format!("{path}-shm")] {
            let _ = std::fs::remove_file(stale);
        }
        std::fs::copy(world.file(name), path).unwrap();
    } else {
        template(database, name_of(database), &format!("{}_copy", name_of(database)), true).await;
    }
}

fn name_of(database: &str) -> &str {
    database.rsplit('/').next().and_then(|name| name.split('?').next()).unwrap()
}

async fn template(database: &str, new: &str, from: &str, replace: bool) {
    let server = gridcare_tests::variable("GRIDCARE_TEST_POSTGRES");
    let pool = sqlx::PgPool::connect(&server).await.unwrap();
    assert!(database.contains(name_of(database)));
    if replace {
        sqlx::query(sqlx::AssertSqlSafe(format!("DROP DATABASE {new} WITH (FORCE)"))).execute(&pool).await.unwrap();
    }
    eventually("the node's connections are gone", || async {
        sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {new} TEMPLATE {from}"))).execute(&pool).await.ok()
    })
    .await;
}
