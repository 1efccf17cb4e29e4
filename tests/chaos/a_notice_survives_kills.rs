use std::{collections::BTreeMap, process::Stdio, time::Duration};

use gridcare_proto::{customer::v1 as customer, notice::v1 as wire, ticket::v1::Language};
use gridcare_tests::{Place, Process, binary, calls, world::World};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::Instant,
};
use tokio_stream::StreamExt as _;

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

/// A centre that paces its couriers and counts what it takes.
struct Centre {
    child: Child,
    address: String,
}

impl Centre {
    async fn start(rate: u32) -> Self {
        let rate = rate.to_string();
        let mut child = Command::new(binary())
            .args(["smsc-sim", "--listen", "127.0.0.1:0", "--delivery", "200", "--latency", "20", "--rate", &rate])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let first = lines.next_line().await.unwrap().unwrap();
        let address = first.split_once("listening on ").unwrap().1.split(';').next().unwrap().to_owned();
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { child, address }
    }

    /// What it took, at its end.
    async fn end(self) -> serde_json::Value {
        kill(Pid::from_raw(i32::try_from(self.child.id().unwrap()).unwrap()), Signal::SIGTERM).unwrap();
        let ended = self.child.wait_with_output().await.unwrap();
        serde_json::from_slice(&ended.stdout).unwrap()
    }
}

async fn import(node: &Process, recipients: usize) {
    let consent = customer::Consent {
        purpose: customer::ConsentPurpose::OutageNotice.into(),
        granted: true,
        given_at: Some(prost_types::Timestamp { seconds: 0, nanos: 0 }),
        source: "contract".into(),
    };
    let draft = |n: usize| customer::CustomerDraft {
        code: format!("PE01{n:09}"),
        name: format!("Khách hàng {n}"),
        contact_points: vec![customer::ContactPoint {
            kind: customer::ContactPointKind::Phone.into(),
            value: format!("090{n:07}"),
            consents: vec![consent.clone()],
        }],
        preferred_language: Language::Vi.into(),
        premises: vec![customer::Premises {
            code: "1".into(),
            address: "12 Lê Lợi".into(),
            province: "VN-SG".into(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let requests: Vec<_> = (0..recipients)
        .collect::<Vec<_>>()
        .chunks(1_000)
        .map(|chunk| customer::ImportCustomersRequest {
            source: "cis".into(),
            customers: chunk.iter().map(|n| draft(*n)).collect(),
            ..Default::default()
        })
        .collect();
    let requests = tokio_stream::iter(requests);
    let mut answers = calls::customers(node).import_customers(requests).await.unwrap().into_inner();
    while let Some(answer) = answers.next().await {
        assert!(answer.unwrap().rejections.is_empty());
    }
}

/// Publishes a notice by SMS to everybody; returns its id.
async fn publish(node: &Process) -> String {
    let text = |title: &str, body: &str| Some(wire::NoticeText { title: title.into(), body: body.into() });
    let now = gridcare_chassis::clock::SystemClock::shared().now().as_second();
    let content = wire::NoticeContent {
        kind: wire::RevisionKind::Initial.into(),
        phase: wire::Phase::FirstNotice.into(),
        urgency: wire::Urgency::Emergency.into(),
        audience: Some(wire::NoticeAudience { regions: vec!["HCMC".into()], ..Default::default() }),
        channels: vec![wire::NoticeChannel::Sms.into()],
        vi: text("Mất điện", "Sự cố đường dây 500 kV."),
        en: text("Power cut", "Fault of the 500 kV line."),
        expires_at: Some(prost_types::Timestamp { seconds: now + 3_600, nanos: 0 }),
        diacritics: false,
    };
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

/// How many messages stand where.
async fn counts(node: &Process, id: &str) -> BTreeMap<String, i64> {
    let request = wire::GetNoticeProgressRequest { id: id.into() };
    let Ok(answer) = calls::notices(node).get_notice_progress(request).await else { return BTreeMap::new() };
    let standing = answer.into_inner().progress;
    let revisions = standing.into_iter().flat_map(|standing| standing.revisions);
    let sms = revisions.flat_map(|revision| revision.counts);
    sms.map(|count| (count.state, count.deliveries)).filter(|(_, deliveries)| *deliveries > 0).collect()
}

async fn every_recipient_is_accounted_for_after_kills_of_courier_and_node(place: Place) {
    let trial = Trial::asked_for();
    let world = World::new(place);
    let mut node = world.node("hcmc-1", "HCMC").await;
    import(&node, trial.recipients).await;
    let centre = Centre::start(trial.rate).await;
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
    let after_the_last = counts(&node, &id).await;
    assert!(after_the_last.contains_key("queued"), "all had left before the last kill: {after_the_last:?}");

    let recipients = i64::try_from(trial.recipients).unwrap();
    let began = Instant::now();
    let standing = loop {
        let standing = counts(&node, &id).await;
        let open = ["queued", "leased", "submitting", "sent"].iter().any(|state| standing.contains_key(*state));
        if !open && !standing.is_empty() {
            break standing;
        }
        assert!(began.elapsed() < Duration::from_secs(300), "never comes to its end: {standing:?}");
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
