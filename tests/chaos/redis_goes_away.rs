use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use gridcare_proto::federation::v1 as federation;
use gridcare_tests::{Place, Process, calls, within, world::World};
use tokio_stream::StreamExt as _;

/// A Redis of the trial's own, that may be killed.
struct Redis(Child, u16);

impl Redis {
    fn start(port: u16) -> Self {
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed by ./tests/run");
        Self(child, port)
    }

    fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_going_away_and_coming_back_costs_latency_and_never_data() {
    let port = gridcare_tests::lasting_port();
    let mut redis = Redis::start(port);
    let mut world = World::new(Place::Postgres);
    for flags in [&mut world.node_flags, &mut world.gateway_flags] {
        flags.extend(["--bus-redis-url".to_owned(), format!("redis://127.0.0.1:{}", redis.1)]);
    }
    let database = world.place.database(&world.folder, "shared").await;
    let of = gridcare_tests::world::NodeOf {
        id: "hcmc-1",
        region: "HCMC",
        capabilities: gridcare_tests::world::CAPABILITIES,
    };
    // Writes go to one process and the follower reads from the other, so that wake-ups have to cross.
    let one = world.node_on(&of, &database).await;
    let two = world.node_on(&of, &database).await;
    let gateway = world.gateway(&[("hcmc-1", "HCMC", &two)]).await;
    let mut follower = calls::feed(&two).pull_feed(federation::PullFeedRequest::default()).await.unwrap().into_inner();
    let mut seen = Vec::new();
    let mut opened = 0;
    for step in ["with redis", "without redis", "with redis again"] {
        match step {
            "without redis" => redis.kill(),
            "with redis again" => redis = Redis::start(port),
            _ => {}
        }
        for _ in 0..10 {
            calls::tickets(&one).open_ticket(calls::opening(step)).await.unwrap();
            opened += 1;
        }
        // Three capabilities and a standard come first.
        while seen.len() < 4 + opened {
            let frame =
                tokio::time::timeout(Duration::from_secs(20), follower.next()).await.expect("the follower goes on");
            seen.extend(frame.unwrap().unwrap().entries.into_iter().map(|entry| entry.position));
        }
        within(Duration::from_secs(30), "the gateway shows all", || async {
            (total(&gateway).await? == opened as u64).then_some(())
        })
        .await;
    }
    assert_eq!(seen, (1..=u64::try_from(4 + opened).unwrap()).collect::<Vec<_>>(), "no gap, no duplicate");
}

async fn total(gateway: &Process) -> Option<u64> {
    let status = calls::nation(gateway)
        .get_national_status(federation::GetNationalStatusRequest::default())
        .await
        .ok()?
        .into_inner();
    Some(status.tickets.iter().map(|region| region.total).sum())
}
