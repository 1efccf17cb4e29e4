use std::time::Duration;

use gridcare_proto::notice::v1 as wire;
use gridcare_tests::{Place, Process, calls, centre::Centre, recipients, world::World};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use tokio::time::Instant;

crate::on_both_engines!(every_recipient_is_accounted_for_after_kills_of_courier_and_node);

/// Recipients, kills, and parts a second that the centre takes: the notice lasts longer than all kills together.
struct Trial {
    recipients: usize,
    kills: usize,
    rate: u32,
}

impl Trial {
    fn asked_for() -> Self {
        match std::env::var_os("GRIDCARE_TEST_LONG") {
            Some(_) => Self { recipients: 50_000, kills: 100, rate: 500 },
            None => Self { recipients: 2_000, kills: 8, rate: 200 },
        }
    }
}

/// Publishes a notice by SMS to everybody; returns its id.
async fn publish(node: &Process) -> String {
    let content = recipients::content(wire::RevisionKind::Initial, wire::Phase::FirstNotice);
    let create = wire::CreateNoticeRequest {
        request_id: calls::request_id(),
        incident: "500kV-2013-05-22".into(),
        author: "lan".into(),
        content: Some(content),
        ..Default::default()
    };
    let notice = calls::notices(node).create_notice(create).await.unwrap().into_inner().notice.unwrap();
    let publish = wire::MoveRevisionRequest {
        request_id: calls::request_id(),
        id: notice.id.clone(),
        etag: String::new(),
        act: wire::RevisionAct::Publish.into(),
        author: "lan".into(),
    };
    calls::notices(node).move_revision(publish).await.unwrap();
    notice.id
}

async fn every_recipient_is_accounted_for_after_kills_of_courier_and_node(place: Place) {
    let trial = Trial::asked_for();
    let world = World::new(place);
    let mut node = world.node("hcmc-1", "HCMC").await;
    recipients::import(&node, trial.recipients).await;
    let centre = Centre::start(&["--delivery", "200", "--latency", "20", "--rate", &trial.rate.to_string()]).await;
    let (endpoint, address) = (node.endpoint(), centre.address.clone());
    let courier = async |name: &str| {
        let centres = format!("[{{name: sandbox, address: \"{address}\", connections: 1}}]");
        let pairs = [
            ("--courier-name", name),
            ("--node-endpoint", &endpoint),
            ("--listen-http", "127.0.0.1:0"),
            ("--lease-seconds", "5"),
            ("--sms-sender", "EVNHCMC"),
            ("--sms-centres", &centres),
            ("--telemetry-log", "json"),
        ];
        let flags = pairs.iter().flat_map(|(flag, value)| [(*flag).to_owned(), (*value).to_owned()]);
        let flags: Vec<_> = std::iter::once("courier".to_owned()).chain(flags).collect();
        Process::start(&flags, &world.environment, &world.file(&format!("{name}.log"))).await
    };
    let mut couriers = [courier("courier-1").await, courier("courier-2").await];
    let id = publish(&node).await;

    let mut random = StdRng::seed_from_u64(20_130_522);
    for _ in 0..trial.kills {
        // The moment is random, and the seed says which.
        tokio::time::sleep(Duration::from_millis(random.random_range(50..500))).await;
        let victim = *[0_usize, 0, 1, 1, 2].choose(&mut random).unwrap();
        let victim = couriers.get_mut(victim).unwrap_or(&mut node);
        victim.kill();
        victim.restart().await;
    }
    let after_the_last = recipients::counts(&node, &id, 1).await;
    assert!(after_the_last.contains_key("queued"), "all had left before the last kill: {after_the_last:?}");

    let recipients = i64::try_from(trial.recipients).unwrap();
    let began = Instant::now();
    let standing = loop {
        let standing = recipients::counts(&node, &id, 1).await;
        let open = ["queued", "leased", "submitting", "sent"].iter().any(|state| standing.contains_key(*state));
        if !open && !standing.is_empty() {
            break standing;
        }
        assert!(began.elapsed() < Duration::from_mins(15), "never comes to its end: {standing:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    // Whoever was being told when a courier or the node died is marked, or was found by the receipt.
    let of = |state: &str| standing.get(state).copied().unwrap_or(0);
    assert_eq!(of("delivered") + of("unknown"), recipients, "{standing:?}");
    drop(couriers);
    let took = centre.end().await;
    let (accepted, twice) = (took["accepted"].as_i64().unwrap(), took["duplicates"].as_i64().unwrap());
    assert!(twice <= of("unknown"), "{twice} came twice, {standing:?}");
    let told = accepted - twice;
    assert!(told <= recipients && told + of("unknown") >= recipients, "{told} were told, {standing:?}");
    eprintln!("{} kills: {standing:?}, the centre took {accepted}, {twice} of them twice", trial.kills);
}
