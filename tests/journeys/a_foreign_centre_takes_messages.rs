//! A courier at a message centre that we have not written: what it takes is what was published, and what it says is understood.

use std::{collections::BTreeMap, fs, path::Path, process::Stdio, time::Duration};

use gridcare_proto::ticket::v1 as ticket;
use gridcare_tests::{Place, Process, binary, calls, eventually, lasting_port, tool, variable, world::World};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

use crate::a_notice_lands::{CUSTOMERS, counts, import, progress};

const BODY: &str = "Kính gửi quý khách: sự cố đường dây 500 kV Bắc - Nam làm mất điện 22 tỉnh phía Nam từ 14:19. \
    Dự kiến có điện lại trước 16 giờ. Xin lỗi quý khách 🙏.";
const ENGLISH: &str =
    "A fault of the 500 kV line [North-South] has left 22 southern provinces without supply since 14:19.";
const REPORT: &str =
    "Nhà tôi mất điện rồi, cả xóm không nhà nào có điện từ 14 giờ 19 phút, nhờ điện lực kiểm tra giúp 🙏";
const SHORT_CODE: &str = "8055";
/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// The centre, of the npm package `smpp`.
struct Centre {
    process: Child,
    phones: ChildStdin,
    told: Lines<BufReader<ChildStdout>>,
}

impl Centre {
    async fn start() -> (Self, u64) {
        let mut process = Command::new("node")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tools/foreign_smsc/centre.js"))
            .env("NODE_PATH", variable("GRIDCARE_TEST_SMSC_MODULES"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (phones, told) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let mut centre = Self { process, phones, told: BufReader::new(told).lines() };
        let port = centre.next().await["port"].as_u64().unwrap();
        (centre, port)
    }

    /// What it tells next.
    async fn next(&mut self) -> Value {
        let line = timeout(PATIENCE, self.told.next_line()).await.expect("the centre tells something").unwrap();
        serde_json::from_str(&line.expect("the centre lives")).unwrap()
    }

    async fn phone_writes(&mut self, from: &str, text: &str) {
        let line = json!({ "from": from, "to": SHORT_CODE, "text": text });
        self.phones.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    /// Ends it; what it counted.
    async fn end(self) -> Value {
        let Self { mut process, phones, mut told } = self;
        drop(phones);
        let counted = timeout(PATIENCE, told.next_line()).await.unwrap().unwrap().unwrap();
        assert!(process.wait().await.unwrap().success());
        serde_json::from_str(&counted).unwrap()
    }
}

fn courier(node: &Process, centre: u64, password: &Path) -> Child {
    // An idle session asks soon whether the centre is still there.
    let session = json!({ "system_id": "foreign", "window": 4, "enquire_ms": 50 });
    let address = format!("127.0.0.1:{centre}");
    let centre = json!([{ "name": "foreign", "address": address, "password_file": password, "session": session }]);
    Command::new(binary())
        .args(["courier", "--node-endpoint", &node.endpoint(), "--telemetry-filter", "warn"])
        .args(["--listen-http", &format!("127.0.0.1:{}", lasting_port())])
        .args(["--sms-sender", "EVNHCMC", "--sms-centres", &centre.to_string()])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// Publishes a notice to all customers, with diacritics; its id.
async fn publish(node: &Process, folder: &Path) -> String {
    let content = json!({
        "phase": "first_notice", "urgency": "emergency", "audience": { "regions": ["HCMC"] }, "channels": ["sms"],
        "vi": { "title": "Mất điện", "body": BODY }, "en": { "title": "Power cut", "body": ENGLISH }, "diacritics": true,
    });
    let path = folder.join("notice.json");
    fs::write(&path, content.to_string()).unwrap();
    let (file, at) = (path.to_str().unwrap(), node.endpoint());
    let write = ["notice", "write", "--incident", "500kV-2013-05-22", "--file", file, "--expires-in", "6h"];
    let written = tool::run(&[&write[..], &["--as", "lan", "--at", &at, "--json"]].concat()).await.json();
    let id = written["id"].as_str().unwrap();
    let published = tool::run(&["notice", "publish", id, "--as", "lan", "--yes", "--at", &at]).await;
    assert_eq!(published.code, Some(0), "{published:?}");
    id.to_owned()
}

#[tokio::test]
async fn a_foreign_centre_takes_a_notice_and_brings_a_report() {
    let world = World::new(Place::Sqlite);
    let node = world.node("hcmc-1", "HCMC").await;
    import(&node).await;
    let (mut centre, port) = Centre::start().await;
    let (right, wrong) = (world.file("right"), world.file("wrong"));
    fs::write(&right, "centre\n").unwrap();
    fs::write(&wrong, "guess\n").unwrap();
    let stranger = courier(&node, port, &wrong);
    assert_eq!(centre.next().await, json!({ "stranger": "foreign" }));
    drop(stranger);

    let id = publish(&node, world.folder.path()).await;
    let _courier = courier(&node, port, &right);
    let mut taken = BTreeMap::new();
    for _ in 0..CUSTOMERS {
        let message = centre.next().await;
        let phone = message["to"].as_str().unwrap().to_owned();
        assert_eq!(taken.insert(phone, message), None, "each phone once");
    }
    for n in 0..CUSTOMERS {
        let message = &taken[&format!("84901234{n:03}")];
        let (text, parts, coding) = if n.is_multiple_of(2) { (BODY, 3, 8) } else { (ENGLISH, 1, 0) };
        let expected = json!({
            "from": "EVNHCMC", "to": message["to"], "text": text, "parts": parts, "data_coding": coding, "registered": 1,
        });
        assert_eq!(*message, expected);
    }
    eventually("every receipt is back at the node", || async {
        let standing = progress(&node, &id).await.revisions;
        let all = i64::try_from(CUSTOMERS).unwrap();
        (counts(&standing, 1) == BTreeMap::from([("delivered", all)])).then_some(())
    })
    .await;

    // A phone writes in several parts, and its answer goes out to it, from the number that it wrote to.
    centre.phone_writes("84912000111", REPORT).await;
    let answer = centre.next().await;
    let mut tickets = calls::tickets(&node);
    let opened = tickets.list_tickets(ticket::ListTicketsRequest::default()).await.unwrap().into_inner().tickets;
    let [opened] = &opened[..] else { panic!("one report opens one ticket: {opened:?}") };
    assert_eq!((opened.topic.as_str(), opened.description.as_str()), ("outage", REPORT));
    assert_eq!((answer["from"].as_str(), answer["to"].as_str()), (Some(SHORT_CODE), Some("84912000111")));
    let text = answer["text"].as_str().unwrap();
    assert!(text.starts_with(&format!("Đã ghi nhận báo mất điện, số phiếu {}.", opened.reference)), "{text}");

    let counted = centre.end().await;
    let submits = 24 + answer["parts"].as_u64().unwrap();
    assert_eq!((&counted["submits"], &counted["receipts_taken"]), (&submits.into(), &submits.into()), "{counted}");
    assert_eq!((&counted["binds"], &counted["enquiries_answered"]), (&1.into(), &1.into()), "{counted}");
    assert_eq!(counted["inbound_taken"], 2, "{counted}");
}
