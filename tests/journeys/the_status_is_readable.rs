use gridcare_proto::contact::v1::BatchImportContactsRequest;
use gridcare_tests::{
    Place, calls, eventually,
    tool::{self, Ended},
    world::{NodeOf, World},
};

crate::on_both_engines!(the_national_table_is_read_by_people_in_two_languages_and_by_programs);

const REPORTED: &str = "[{channel: hotline, metric: answered, offered_from: 2013-01-01, reported_from: 2013-01-01}, \
    {channel: sms, metric: messages, offered_from: 2013-01-01, reported_from: 2013-01-01}]";
/// A hotline whose figures nobody gives, and nothing else.
const SILENT: &str = "[{channel: hotline, metric: answered, offered_from: 2013-01-01}]";

async fn status(address: &str, more: &[&str]) -> Ended {
    let asked = ["status", "--address", address, "--from", "2013-05-01", "--until", "2013-06-01"];
    tool::run(&asked.into_iter().chain(more.iter().copied()).collect::<Vec<_>>()).await
}

/// The cells of the row that begins with this word.
fn row<'a>(table: &'a str, first: &str) -> Vec<&'a str> {
    let line = table.lines().find(|line| line.starts_with(first));
    let line = line.unwrap_or_else(|| panic!("no row of {first} in\n{table}"));
    line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()
}

fn has(table: &str, text: &str) {
    assert!(table.contains(text), "no {text:?} in\n{table}");
}

async fn the_national_table_is_read_by_people_in_two_languages_and_by_programs(place: Place) {
    let world = World::new(place);
    let node = async |id, region, capabilities| {
        let database = world.place.database(&world.folder, id).await;
        world.node_on(&NodeOf { id, region, capabilities }, &database).await
    };
    let hcmc = node("hcmc-1", "HCMC", REPORTED).await;
    let npc = node("npc-1", "NPC", SILENT).await;
    let mut gateway = world.gateway(&[("hcmc-1", "HCMC", &hcmc), ("npc-1", "NPC", &npc)]).await;
    let address = gateway.endpoint();
    let batch = BatchImportContactsRequest {
        request_id: calls::request_id(),
        source: "pbx".into(),
        contacts: (0..1_234).map(|i| calls::call(&format!("call-{i}"), i)).collect(),
        checkpoint: String::new(),
    };
    calls::contacts(&hcmc).batch_import_contacts(batch).await.unwrap();
    let shown = eventually("the table shows the calls of both regions", || async {
        let shown = status(&address, &[]).await;
        (shown.out.contains("1,234") && shown.out.contains("2 of 2 regions covered")).then_some(shown)
    })
    .await;

    assert_eq!((shown.code, shown.err.as_str()), (Some(0), ""), "{shown:?}");
    has(&shown.out, "Việt Nam: customer care from 2013-05-01 to 2013-06-01\n");
    let (no, silent) = ("not offered", "not reported");
    assert_eq!(row(&shown.out, "HCMC"), ["HCMC", no, "1,234", no, no, "0", no, no, "0"], "{}", shown.out);
    assert_eq!(row(&shown.out, "NPC"), ["NPC", no, silent, no, no, no, no, no, "0"], "{}", shown.out);
    assert_eq!(row(&shown.out, "Country")[2], "1,234");
    has(&shown.out, "Completeness: 2 of 2 regions covered\n");
    has(&shown.out, "HCMC (hcmc-1)  up to date, figures as of ");
    has(&shown.out, "  Hotline, answered: 1 of 2 regions; not reported by NPC\n");
    has(&shown.out, "  SMS, messages: 1 of 2 regions; not offered by NPC\n");

    let program = status(&address, &["--json"]).await;
    let report = program.json();
    assert_eq!((program.code, program.out.lines().count()), (Some(0), 1), "one object, on one line");
    let channels = |at: usize| &report["regions"][at]["channels"];
    assert_eq!((&report["regions"][0]["code"], &report["regions"][1]["code"]), (&"HCMC".into(), &"NPC".into()));
    assert_eq!((&channels(0)["hotline"]["answered"], &channels(0)["sms"]["messages"]), (&1_234.into(), &0.into()));
    assert_eq!(channels(1)["hotline"]["answered"], "not_reported");
    assert_eq!(channels(1)["sms"]["messages"], "not_offered");
    assert_eq!((&report["completeness"]["expected"], &report["completeness"]["covered"]), (&2.into(), &2.into()));
    assert_eq!(report["completeness"]["regions"][1]["status"], "OK");

    let vietnamese = status(&address, &["--lang", "vi"]).await;
    assert_eq!(vietnamese.code, Some(0), "{vietnamese:?}");
    let (no, silent) = ("không có", "không báo cáo");
    assert_eq!(row(&vietnamese.out, "HCMC"), ["HCMC", no, "1.234", no, no, "0", no, no, "0"], "{}", vietnamese.out);
    assert_eq!(row(&vietnamese.out, "NPC")[2], silent);
    for text in [
        "Việt Nam: chăm sóc khách hàng từ 2013-05-01 đến 2013-06-01\n",
        "Tổng đài",
        "Tin nhắn",
        "Phòng giao dịch",
        "Đơn vị",
        "đã trả lời",
        "Cả nước",
        "Mức đầy đủ: có số liệu của 2 trên 2 đơn vị\n",
        "HCMC (hcmc-1)  hiện hành, số liệu lúc ",
        "  Tổng đài, đã trả lời: 1 trên 2 đơn vị; không báo cáo: NPC\n",
    ] {
        has(&vietnamese.out, text);
    }
    assert_eq!(gridcare_domain::text::nfc(&vietnamese.out), vietnamese.out, "in normal form");

    gateway.kill();
    for more in [&[][..], &["--json"], &["--lang", "vi"]] {
        let away = status(&address, more).await;
        assert_eq!((away.code, away.out.as_str()), (Some(1), ""), "{away:?}");
        let expected = format!("gridcare: the gateway at {address} did not answer; is --address right?: ");
        assert!(away.err.starts_with(&expected) && away.err.contains("Connection refused"), "{}", away.err);
        assert_eq!(away.err.lines().count(), 1, "{}", away.err);
    }
}
