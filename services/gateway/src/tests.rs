//! A whole gateway over the wire, against nodes that are played.

mod desk;
mod landing;
mod notices;
mod play;
mod told;

use std::time::Duration;

use gridcare_chassis::clock::{SharedClock, SystemClock};
use gridcare_domain::standard::SecretKey;
use gridcare_proto::federation::v1::{self as wire, ReachStatus, national_service_client::NationalServiceClient};
use play::Played;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use tonic_types::StatusExt as _;

use crate::{GatewayConfig, config::MemberSeat, run};

struct Running {
    client: NationalServiceClient<Channel>,
    addresses: crate::Addresses,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<Result<(), crate::GatewayError>>,
}

async fn start(folder: &std::path::Path, members: &[(&str, &str, u16)]) -> Running {
    start_at(folder, members, SystemClock::shared()).await
}

async fn start_at(folder: &std::path::Path, members: &[(&str, &str, u16)], clock: SharedClock) -> Running {
    let mut config = GatewayConfig::default();
    config.listen.grpc.set_port(0);
    config.listen.http.set_port(0);
    config.database.url = format!("sqlite:{}", folder.join("gateway.db").display());
    config.lease.ttl_ms = 900;
    let seat = |(node, region, port): &(&str, &str, u16)| MemberSeat {
        node: (*node).into(),
        region: (*region).into(),
        endpoint: format!("http://127.0.0.1:{port}"),
        from: None,
    };
    config.members = members.iter().map(seat).collect();
    let key = folder.join("proof.key");
    std::fs::write(&key, proof_key().to_pem().unwrap()).unwrap();
    config.notices.proof_key = Some(key);
    let stop = CancellationToken::new();
    let (ready, bound) = tokio::sync::oneshot::channel();
    let task = tokio::spawn(run(config, clock, stop.clone(), Some(ready)));
    let addresses = bound.await.unwrap();
    let client = NationalServiceClient::connect(format!("http://{}", addresses.grpc)).await.unwrap();
    Running { client, addresses, stop, task }
}

/// Who countersigns what these gateways prove.
fn proof_key() -> SecretKey {
    SecretKey::from_seed(&[5; 32])
}

impl Running {
    async fn status(&mut self) -> wire::GetNationalStatusResponse {
        // 2013, where the played buckets are.
        let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        let period = wire::GetNationalStatusRequest { from: at(1_356_998_400), until: at(1_370_044_800) };
        self.client.get_national_status(period).await.unwrap().into_inner()
    }

    /// Asks until the answer is as expected; fails with the last one.
    async fn until(
        &mut self,
        what: &str,
        expected: impl Fn(&wire::GetNationalStatusResponse) -> bool,
    ) -> wire::GetNationalStatusResponse {
        let mut last = None;
        for _ in 0..300 {
            let status = self.status().await;
            if expected(&status) {
                return status;
            }
            last = Some(status);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("never {what}: {last:#?}");
    }

    async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
    }
}

fn answered(status: &wire::GetNationalStatusResponse) -> u64 {
    status.figures.iter().find(|f| f.channel == 1 && f.metric == "answered").unwrap().total
}

fn reach(status: &wire::GetNationalStatusResponse) -> Vec<ReachStatus> {
    status.completeness.as_ref().unwrap().regions.iter().map(wire::RegionReach::status).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_disappears_with_its_last_figures_and_catches_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut north = Played::start("n1", 0).await;
    let south = Played::start("s1", 0).await;
    north.feed.declare().bucket(1, 40).ticket(1).ticket(2);
    south.feed.declare().bucket(1, 2);
    let members = [("n1", "north", north.port), ("s1", "south", south.port)];
    let mut gateway = start(folder.path(), &members).await;
    gateway.until("all is there", |s| answered(s) == 42 && reach(s) == [ReachStatus::Ok; 2]).await;

    north.stop().await;
    let status = gateway.until("unreachable", |s| reach(s)[0] == ReachStatus::Unreachable).await;
    let region = &status.completeness.as_ref().unwrap().regions[0];
    assert!(region.since.is_some() && region.as_of.is_some());
    assert_eq!(status.completeness.as_ref().unwrap().covered, 1);
    assert_eq!(answered(&status), 42, "the last figures stay");
    let since = region.since;
    tokio::time::sleep(Duration::from_millis(600)).await;
    let later = gateway.status().await;
    assert_eq!(later.completeness.unwrap().regions[0].since, since, "since the first failure");

    north.feed.bucket(2, 100);
    let north = north.again().await;
    gateway.until("caught up", |s| answered(s) == 142 && reach(s) == [ReachStatus::Ok; 2]).await;
    let tickets =
        gateway.client.list_national_tickets(wire::ListNationalTicketsRequest::default()).await.unwrap().into_inner();
    assert_eq!((tickets.tickets.len(), tickets.tickets[0].region.as_str()), (2, "north"));
    drop(north);
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rewritten_history_is_replaced_by_a_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let node = Played::start("n1", 0).await;
    node.feed.declare().bucket(1, 40).bucket(2, 60).ticket(1).ticket(2);
    let mut gateway = start(folder.path(), &[("n1", "north", node.port)]).await;
    gateway.until("all is there", |s| answered(s) == 100).await;
    // Restored to where it had one bucket and one ticket, and written on.
    node.feed.rewrite(|feed| {
        feed.declare().bucket(1, 30).ticket(3);
    });
    let status =
        gateway.until("right again", |s| answered(s) == 30 && s.tickets.first().is_some_and(|t| t.total == 1)).await;
    assert_eq!(reach(&status), [ReachStatus::Ok]);
    node.feed.bucket(2, 5);
    gateway.until("going on", |s| answered(s) == 35).await;
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_faulty_wire_and_a_wrong_node_and_a_refusing_one() {
    let folder = tempfile::tempdir().unwrap();
    let faulty = Played::start("n1", 0).await;
    faulty.feed.faults(true).declare();
    for quarter in 1..40 {
        faulty.feed.bucket(quarter, 1);
    }
    let other = Played::start("somebody", 0).await;
    let denied = Played::start("d1", 0).await;
    denied.feed.refuse(Some(tonic::Code::PermissionDenied));
    let skewed = Played::start("v1", 0).await;
    skewed.feed.refuse(Some(tonic::Code::Unimplemented));
    let members = [
        ("n1", "north", faulty.port),
        ("w1", "west", other.port),
        ("d1", "delta", denied.port),
        ("v1", "valley", skewed.port),
    ];
    let mut gateway = start(folder.path(), &members).await;
    let expected = [ReachStatus::Ok, ReachStatus::Denied, ReachStatus::Denied, ReachStatus::VersionSkew];
    let status = gateway.until("as it is", |s| answered(s) == 39 && reach(s) == expected).await;
    let completeness = status.completeness.unwrap();
    assert_eq!((completeness.expected, completeness.covered), (4, 1));
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_share_members_and_take_over() {
    let folder = tempfile::tempdir().unwrap();
    let nodes = [Played::start("a", 0).await, Played::start("b", 0).await, Played::start("c", 0).await];
    let members: Vec<_> = nodes.iter().map(|node| (node.name.as_str(), "north", node.port)).collect();
    for node in &nodes {
        node.feed.declare().bucket(1, 1);
    }
    let mut first = start(folder.path(), &members).await;
    first.until("alone", |s| answered(s) == 3).await;
    let mut second = start(folder.path(), &members).await;
    let store = gridcare_store::gateway::GatewayStore::open(
        &format!("sqlite:{}", folder.path().join("gateway.db").display()),
        2,
    )
    .await
    .unwrap();
    let mut shares = Vec::new();
    for _ in 0..200 {
        let leases = gridcare_store::lease::list(store.db()).await.unwrap();
        let mut counts = std::collections::BTreeMap::new();
        for lease in leases.into_iter().filter(|lease| lease.until_us > 0) {
            *counts.entry(lease.holder).or_insert(0) += 1;
        }
        shares = counts.into_values().collect();
        shares.sort_unstable();
        if shares == [1, 2] {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(shares, [1, 2], "a fair share each");
    first.end().await;
    for node in &nodes {
        node.feed.bucket(2, 10);
    }
    second.until("taken over", |s| answered(s) == 33).await;
    second.end().await;
}

#[tokio::test]
async fn every_violation_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut gateway = start(folder.path(), &[("n1", "north", 1)]).await;
    let request = wire::QueryNationalMetricsRequest {
        from: Some(prost_types::Timestamp { seconds: 1, nanos: 0 }),
        until: None,
        granularity: 9,
        channels: vec![1, 99],
        regions: vec!["north".into(), "nowhere".into()],
        with_sketches: false,
    };
    let status = gateway.client.query_national_metrics(request).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::InvalidArgument);
    let fields = |status: &tonic::Status| -> Vec<String> {
        status.get_details_bad_request().unwrap().field_violations.into_iter().map(|v| v.field).collect()
    };
    assert_eq!(fields(&status), ["from", "until", "granularity", "channels[1]", "regions[1]"]);
    let request = wire::ListNationalTicketsRequest {
        regions: vec!["nowhere".into()],
        states: vec![0],
        topics: vec!["|".into()],
        page_size: -1,
        page_token: "x".into(),
    };
    let status = gateway.client.list_national_tickets(request).await.unwrap_err();
    assert_eq!(fields(&status), ["regions[0]", "states[0]", "topics[0]", "page_size", "page_token"]);
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hours_of_the_country_are_the_sums_of_the_regions() {
    let folder = tempfile::tempdir().unwrap();
    let north = Played::start("n1", 0).await;
    let south = Played::start("s1", 0).await;
    north.feed.declare().bucket(0, 1).bucket(1, 10).bucket(4, 100);
    south.feed.declare().bucket(1, 5);
    let mut gateway = start(folder.path(), &[("n1", "north", north.port), ("s1", "south", south.port)]).await;
    gateway.until("all is there", |s| answered(s) == 116).await;
    let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    for (until, granularity) in [(1_356_998_400 + 7_200, 2), (1_356_998_400 + 7_200 * 30, 2)] {
        let request = wire::QueryNationalMetricsRequest {
            from: at(1_356_998_400),
            until: at(until),
            granularity,
            with_sketches: true,
            ..Default::default()
        };
        let answer = gateway.client.query_national_metrics(request).await.unwrap().into_inner();
        let rows: Vec<_> = answer
            .rows
            .iter()
            .map(|row| {
                let counts = row.row.as_ref().unwrap().counts.unwrap();
                (row.region.as_str(), row.row.as_ref().unwrap().from.unwrap().seconds - 1_356_998_400, counts.answered)
            })
            .collect();
        assert_eq!(rows, [("", 0, 16), ("north", 0, 11), ("south", 0, 5), ("", 3_600, 100), ("north", 3_600, 100)]);
        let national = answer.rows[0].completeness.as_ref().unwrap();
        assert_eq!((national.expected, national.covered), (2, 2));
        let waits = answer.rows[0].row.as_ref().unwrap().wait.as_ref().unwrap();
        assert_eq!(waits.sum, 16, "a sketch of the union");
    }
    gateway.end().await;
}
