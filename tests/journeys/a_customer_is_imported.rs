use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path, time::Duration};

use gridcare_proto::customer::v1 as wire;
use gridcare_tests::{
    Place, Process, calls, eventually,
    tool::{self, Ended},
    world::World,
};
use serde_json::json;
use tonic::Code;

crate::on_both_engines!(
    a_table_of_a_spreadsheet_is_imported_and_again_changes_nothing,
    a_bad_row_is_told_with_its_reasons_and_does_not_stop_the_rest,
    a_node_killed_in_the_middle_of_an_import_has_every_customer_once_in_the_end,
    a_customer_is_found_by_what_an_agent_knows,
    a_customer_is_changed_by_compare_and_set,
);

fn arguments(node: &Process, more: &[&str], file: &Path) -> Vec<String> {
    let (address, file) = (node.endpoint(), file.display().to_string());
    let first = ["customers", "import", "--json", "--address", &address];
    first.iter().chain(more).copied().chain([file.as_str()]).map(str::to_owned).collect()
}

async fn import(node: &Process, more: &[&str], file: &Path) -> Ended {
    tool::run(&arguments(node, more, file)).await
}

/// New, changed, the same, and not taken.
fn sums(ended: &Ended) -> [u64; 4] {
    let totals = ended.json();
    assert_eq!(totals["stopped"], false, "{ended:?}");
    ["created", "updated", "unchanged", "rejected"].map(|name| totals[name].as_u64().unwrap())
}

pub(crate) async fn list(node: &Process, filter: wire::CustomerFilter) -> Vec<wire::CustomerDraft> {
    let (mut found, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = wire::ListCustomersRequest { filter: Some(filter.clone()), page_size: 1_000, page_token };
        let page = calls::customers(node).list_customers(request).await.unwrap().into_inner();
        found.extend(page.customers.into_iter().filter_map(|customer| customer.customer));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return found;
        }
    }
}

async fn get(node: &Process, code: &str) -> wire::Customer {
    let request = wire::GetCustomerRequest { code: code.into() };
    calls::customers(node).get_customer(request).await.unwrap().into_inner().customer.unwrap()
}

async fn a_table_of_a_spreadsheet_is_imported_and_again_changes_nothing(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let table = world.file("khach-hang.csv");
    let text = "\u{feff}Mã khách hàng;Tên khách hàng;Điện thoại;Đồng ý;Ngày đồng ý;Nguồn đồng ý;Mã điểm đo;Địa chỉ;Tỉnh;Lộ;Thiết bị y tế\r\n\
        PE01000000001;Nguyễn Thị Lan;0901 234 567/0162 345 6789;outage_notice;2013-05-22;contract;1;12 Lê Lợi;VN-SG;471E1;có\r\n\
        PE01000000001;;;;;;2;\"14; Lê Lợi\";VN-SG;472E1;\r\n\
        pe01000000002;Công ty Ánh Dương;;;;;;;;;\r\n";
    fs::write(&table, text).unwrap();
    let ended = import(&node, &[], &table).await;
    assert_eq!((ended.code, sums(&ended)), (Some(0), [2, 0, 0, 0]), "{ended:?}");
    let lan = get(&node, "PE01000000001").await;
    assert_eq!((lan.source.as_str(), lan.etag.as_str()), ("csv", "v1"));
    let lan = lan.customer.unwrap();
    assert_eq!((lan.name.as_str(), lan.name_plain.as_str()), ("Nguyễn Thị Lan", "Nguyen Thi Lan"));
    let points: Vec<_> = lan.contact_points.iter().map(|point| point.value.as_str()).collect();
    assert_eq!(points, ["+84901234567", "+84323456789"]);
    let consent = &lan.contact_points[0].consents[0];
    assert_eq!((consent.purpose(), consent.granted), (wire::ConsentPurpose::OutageNotice, true));
    assert_eq!(consent.given_at.unwrap().seconds, 1_369_155_600, "the beginning of that day in Vietnam");
    let places: Vec<_> =
        lan.premises.iter().map(|p| (p.code.as_str(), p.address.as_str(), p.medical_equipment)).collect();
    assert_eq!(places, [("1", "12 Lê Lợi", true), ("2", "14; Lê Lợi", false)]);

    assert_eq!(sums(&import(&node, &[], &table).await), [0, 0, 2, 0], "the same file again");
    // A change in the middle of a file of the same name and length.
    fs::write(&table, text.replace("12 Lê Lợi", "21 Lê Lợi")).unwrap();
    assert_eq!(sums(&import(&node, &[], &table).await), [0, 1, 1, 0]);
    assert_eq!(get(&node, "PE01000000001").await.etag, "v2");
    let shown = tool::run(&["customers", "get", "PE01000000001", "--address", &node.endpoint()]).await;
    assert_eq!((shown.code, &shown.json()["customer"]["premises"][0]["address"]), (Some(0), &json!("21 Lê Lợi")));
}

async fn a_bad_row_is_told_with_its_reasons_and_does_not_stop_the_rest(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let (table, rejects) = (world.file("customers.csv"), world.file("rejects.csv"));
    let text = "code,name,phone,premises,province\n\
        PE01000000001,Lan,0901234567,,\n\
        PE01000000002,Hoa,12,1,VN-99\n\
        PB05000000003,Mai,,,\n\
        PE01000000004,Đào,,1,VN-SG\n\
        PE01000000004,,,2,VN-98\n";
    fs::write(&table, text).unwrap();
    let ended = import(&node, &["--rejects", rejects.to_str().unwrap()], &table).await;
    assert_eq!((ended.code, sums(&ended)), (Some(1), [1, 0, 0, 3]), "{ended:?}");
    assert_eq!(ended.json()["rejected_rows"], 4);
    let name = table.display();
    let phone =
        "phone: give a telephone number such as 0901234567 or +84901234567; a foreign one with + and its country code";
    let province = "province: give an ISO 3166-2 code of Vietnam, such as VN-SG";
    let mut told: Vec<_> = ended.err.lines().collect();
    told.sort_unstable();
    let expected = [
        format!("{name}:3: {phone}"),
        format!("{name}:3: {province}"),
        format!("{name}:4: code: this customer is served by SPC; ask there"),
        format!("{name}:6: {province}"),
    ];
    assert_eq!(told, expected);
    let mut rejected: Vec<_> = fs::read_to_string(&rejects).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(rejected.remove(0), "line,reason,code,name,phone,premises,province");
    rejected.sort_unstable();
    assert_eq!(rejected.len(), 4);
    assert!(rejected[2].starts_with("5,another row of this customer,PE01000000004"), "{rejected:?}");
    assert_eq!(list(&node, wire::CustomerFilter::default()).await.len(), 1);

    fs::write(&table, "code,nmae\n").unwrap();
    let refused = import(&node, &[], &table).await;
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("did you mean name?"), "{}", refused.err);
}

async fn a_node_killed_in_the_middle_of_an_import_has_every_customer_once_in_the_end(place: Place) {
    const CUSTOMERS: usize = 30_000;
    let world = World::new(place);
    let mut node = world.node("hcmc-1", "HCMC").await;
    let table = world.file("customers.csv");
    let mut text = "code,name,phone,province,feeder\n".to_owned();
    for n in 0..CUSTOMERS {
        writeln!(text, "PE01{n:09},Khách {n},09{n:08},VN-SG,{}E1", n % 50).unwrap();
    }
    fs::write(&table, text).unwrap();
    let running = arguments(&node, &[], &table);
    let running = tokio::spawn(async move { tool::run_with(&running, &BTreeMap::new(), Duration::from_mins(5)).await });
    eventually("a part of it is stored", || async {
        let request = wire::GetImportCheckpointRequest { source: "csv".into() };
        let kept = calls::customers(&node).get_import_checkpoint(request).await.ok()?;
        (!kept.into_inner().checkpoint.is_empty()).then_some(())
    })
    .await;
    node.kill();
    assert!(!running.is_finished(), "it was killed in the middle");
    node.restart().await;
    let ended = running.await.unwrap();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.err.contains("the connection broke and is tried again"), "{}", ended.err);
    let [created, updated, unchanged, rejected] = sums(&ended);
    assert_eq!((created + unchanged, updated, rejected), (CUSTOMERS as u64, 0, 0));
    let found = list(&node, wire::CustomerFilter::default()).await;
    assert_eq!(found.len(), CUSTOMERS);
    assert!(found.iter().all(|customer| customer.premises.len() == 1 && customer.contact_points.len() == 1));
}

async fn a_customer_is_found_by_what_an_agent_knows(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let table = world.file("customers.csv");
    let text = "code,name,phone,email,premises,province,district,area,feeder\n\
        PE01000000001,Nguyễn Văn An,0901234567,an@example.vn,1,VN-SG,Quận 1,A1,471E1\n\
        PE01000000002,Nguyễn Văn Ấn,0901234568,,1,VN-SG,Quận 1,A2,471E1\n\
        PE01000000003,Trần Thị Bình,0901234569,,1,VN-SG,Quận 3,B1,472E1\n";
    fs::write(&table, text).unwrap();
    assert_eq!(import(&node, &[], &table).await.code, Some(0));
    let filter = wire::CustomerFilter::default;
    for (filter, expected) in [
        (wire::CustomerFilter { words: "nguyen van an".into(), ..filter() }, vec!["1", "2"]),
        (wire::CustomerFilter { words: "NGUYỄN".into(), area: "a2".into(), ..filter() }, vec![]),
        (wire::CustomerFilter { phone: "+84 901 234 569".into(), ..filter() }, vec!["3"]),
        (wire::CustomerFilter { email: "AN@example.vn".into(), ..filter() }, vec!["1"]),
        (wire::CustomerFilter { feeder: "471e1".into(), ..filter() }, vec!["1", "2"]),
        (wire::CustomerFilter { province: "VN-SG".into(), district: "Quận 1".into(), ..filter() }, vec!["1", "2"]),
    ] {
        if !filter.area.is_empty() && filter.province.is_empty() {
            let request = wire::ListCustomersRequest { filter: Some(filter), ..Default::default() };
            let refused = calls::customers(&node).list_customers(request).await.unwrap_err();
            assert_eq!(calls::violating_fields(&refused), ["filter.district", "filter.province"]);
            continue;
        }
        let found: Vec<_> = list(&node, filter.clone()).await.into_iter().map(|c| c.code[12..].to_owned()).collect();
        assert_eq!(found, expected, "{filter:?}");
    }
}

async fn a_customer_is_changed_by_compare_and_set(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let draft = wire::CustomerDraft { code: "PE01000000001".into(), name: "Lan".into(), ..Default::default() };
    let upsert = |name: &str, etag: &str| wire::UpsertCustomerRequest {
        request_id: calls::request_id(),
        customer: Some(wire::CustomerDraft { name: name.into(), ..draft.clone() }),
        etag: etag.into(),
        after_erasure: false,
    };
    let mut customers = calls::customers(&node);
    let asked = upsert("Lan", "");
    let first = customers.upsert_customer(asked.clone()).await.unwrap().into_inner();
    assert_eq!((first.outcome(), first.etag.as_str()), (wire::CustomerOutcome::Created, "v1"));
    assert_eq!(customers.upsert_customer(asked).await.unwrap().into_inner(), first, "the first answer");
    let same = customers.upsert_customer(upsert("Lan", "")).await.unwrap().into_inner();
    assert_eq!((same.outcome(), same.etag.as_str()), (wire::CustomerOutcome::Unchanged, "v1"));
    let changed = customers.upsert_customer(upsert("Hoa", "v1")).await.unwrap().into_inner();
    assert_eq!((changed.outcome(), changed.etag.as_str()), (wire::CustomerOutcome::Updated, "v2"));
    let stale = customers.upsert_customer(upsert("Mai", "v1")).await.unwrap_err();
    assert_eq!((stale.code(), calls::reason(&stale).as_str()), (Code::Aborted, "ETAG_MISMATCH"));
    let refused = customers.upsert_customer(wire::UpsertCustomerRequest::default()).await.unwrap_err();
    assert_eq!(calls::violating_fields(&refused), ["customer", "request_id"]);
}
