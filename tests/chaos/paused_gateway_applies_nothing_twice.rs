use gridcare_proto::federation::v1 as federation;
use gridcare_tests::{Place, Process, calls, within, world::World};
use nix::sys::signal::Signal;
use std::time::Duration;

/// Two replicas can share a database on Postgres alone: a `SQLite` file has one process.
#[tokio::test(flavor = "multi_thread")]
async fn a_paused_lease_holder_is_replaced_and_applies_nothing_twice_when_it_wakes() {
    let world = World::new(Place::Postgres);
    let database = world.place.database(&world.folder, "gateway").await;
    let node = world.node("hcmc-1", "HCMC").await;
    let members = [("hcmc-1", "HCMC", &node)];
    let one = world.gateway_on("gateway-1", &members, &database).await;
    let two = world.gateway_on("gateway-2", &members, &database).await;
    let mut opened = 0;
    // One of the two holds the lease, and each is paused in turn: so the holder is, whichever it is.
    for (paused, awake) in [(&one, &two), (&two, &one)] {
        for _ in 0..20 {
            calls::tickets(&node).open_ticket(calls::opening("Mất điện")).await.unwrap();
            opened += 1;
        }
        paused.signal(Signal::SIGSTOP);
        for _ in 0..20 {
            calls::tickets(&node).open_ticket(calls::opening("Mất điện")).await.unwrap();
            opened += 1;
        }
        within(Duration::from_mins(1), "the other replica takes over", || async {
            (total(awake).await? == opened).then_some(())
        })
        .await;
        paused.signal(Signal::SIGCONT);
        calls::tickets(&node).open_ticket(calls::opening("Có điện lại")).await.unwrap();
        opened += 1;
        within(Duration::from_mins(1), "both show the same, and nothing twice", || async {
            (total(awake).await? == opened && total(paused).await? == opened).then_some(())
        })
        .await;
    }
    let pool = sqlx::PgPool::connect(&database).await.unwrap();
    let rows: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM national_ticket").fetch_one(&pool).await.unwrap();
    assert_eq!(u64::try_from(rows).unwrap(), opened);
    let (position, head): (i64, i64) = {
        let row: (i64,) = sqlx::query_as("SELECT position FROM member").fetch_one(&pool).await.unwrap();
        let head = calls::feed(&node)
            .describe_node(federation::DescribeNodeRequest {})
            .await
            .unwrap()
            .into_inner()
            .head
            .unwrap();
        (row.0, i64::try_from(head.position).unwrap())
    };
    assert_eq!(position, head);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_share_four_members_and_one_takes_all_when_the_other_dies() {
    let world = World::new(Place::Postgres);
    let database = world.place.database(&world.folder, "gateway").await;
    let seats = [("npc-1", "NPC"), ("cpc-1", "CPC"), ("hcmc-1", "HCMC"), ("spc-1", "SPC")];
    let nodes = futures::future::join_all(seats.map(|(id, region)| world.node(id, region))).await;
    let members: Vec<_> = seats.iter().zip(&nodes).map(|((id, region), node)| (*id, *region, node)).collect();
    let one = world.gateway_on("gateway-1", &members, &database).await;
    let mut two = world.gateway_on("gateway-2", &members, &database).await;
    let pool = sqlx::PgPool::connect(&database).await.unwrap();
    let holders = || async {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT holder, COUNT(*) FROM lease WHERE name LIKE 'feed:%' AND until_us > 0 GROUP BY holder ORDER BY 2",
        )
        .fetch_all(&pool)
        .await
        .ok()?;
        Some(rows.into_iter().map(|(_, held)| held).collect::<Vec<_>>())
    };
    within(Duration::from_mins(1), "each holds two", || async { (holders().await? == [2, 2]).then_some(()) }).await;
    two.kill();
    within(Duration::from_mins(1), "the survivor holds all four", || async { (holders().await? == [4]).then_some(()) })
        .await;
    for node in &nodes {
        calls::tickets(node).open_ticket(calls::opening("Mất điện")).await.unwrap();
    }
    within(Duration::from_secs(30), "the survivor shows every region", || async {
        (total(&one).await? == 4).then_some(())
    })
    .await;
}

async fn total(gateway: &Process) -> Option<u64> {
    let status = calls::nation(gateway)
        .get_national_status(federation::GetNationalStatusRequest::default())
        .await
        .ok()?
        .into_inner();
    Some(status.tickets.iter().map(|region| region.total).sum())
}
