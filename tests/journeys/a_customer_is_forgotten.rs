use std::fs;

use gridcare_proto::{
    contact::v1 as contact, customer::v1 as wire, federation::v1 as federation, ticket::v1 as ticket,
};
use gridcare_tests::{Place, Process, calls, eventually, tool, world::World};
use serde_json::{Value, json};
use tonic::Code;

crate::on_both_engines!(nothing_of_an_erased_customer_is_found_anywhere, all_that_is_held_of_a_customer_is_exported);

const CODE: &str = "PE01000777001";
const NEIGHBOUR: &str = "PE01000777002";

/// What names the person, wherever it may stand: as given, folded, and in normal form.
const MARKS: [&str; 11] = [
    CODE,
    "Xuyến",
    "xuyen",
    "Xuyen",
    "0907777123",
    "907777123",
    "0907 777 123",
    "xuyenmark@example.vn",
    "Phố Planted",
    "plantedtext",
    "pho planted",
];

fn found(text: &str) -> Vec<&'static str> {
    let lower = text.to_lowercase();
    MARKS.into_iter().filter(|mark| lower.contains(&mark.to_lowercase())).collect()
}

/// Every text and every stored byte of every table, with the table's name.
async fn rows(database: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    if let Some(path) = database.strip_prefix("sqlite://") {
        let pool = sqlx::SqlitePool::connect(&format!("sqlite://{path}")).await.unwrap();
        let tables: Vec<String> =
            sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL%'")
                .fetch_all(&pool)
                .await
                .unwrap();
        for table in tables {
            let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info($1)")
                .bind(&table)
                .fetch_all(&pool)
                .await
                .unwrap();
            for column in columns {
                let read = format!("SELECT CAST({column} AS BLOB) FROM {table} WHERE {column} IS NOT NULL");
                let values: Vec<Vec<u8>> =
                    sqlx::query_scalar(sqlx::AssertSqlSafe(read)).fetch_all(&pool).await.unwrap();
                let texts = values.into_iter().map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
                all.extend(texts.map(|text| (format!("{table}.{column}"), text)));
            }
        }
        pool.close().await;
        return all;
    }
    let pool = sqlx::PgPool::connect(database).await.unwrap();
    let columns: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT table_name::text, column_name::text, data_type::text FROM information_schema.columns WHERE table_schema = 'public' AND data_type IN ('text', 'bytea')",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    for (table, column, kind) in columns {
        let convert = if kind == "bytea" { column.clone() } else { format!("convert_to({column}, 'UTF8')") };
        let read = format!("SELECT {convert} FROM {table} WHERE {column} IS NOT NULL");
        let values: Vec<Vec<u8>> = sqlx::query_scalar(sqlx::AssertSqlSafe(read)).fetch_all(&pool).await.unwrap();
        let texts = values.into_iter().map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        all.extend(texts.map(|text| (format!("{table}.{column}"), text)));
    }
    all
}

async fn marked(database: &str) -> Vec<(String, Vec<&'static str>)> {
    let rows = rows(database).await.into_iter().map(|(column, text)| (column, found(&text)));
    let mut marked: Vec<_> = rows.filter(|(_, found)| !found.is_empty()).collect();
    marked.sort();
    marked.dedup();
    marked
}

/// A customer with everything that may name them, and a neighbour.
async fn plant(node: &Process, world: &World) -> Vec<ticket::OpenTicketRequest> {
    let table = world.file("customers.csv");
    let text = format!(
        "code,name,phone,email,consent,consent_date,consent_source,premises,address,province,medical_equipment\n\
         {CODE},Đỗ Thị Xuyến,0907 777 123,xuyenmark@example.vn,outage_notice/billing,2013-05-22,contract,1,12 Phố Planted,VN-SG,yes\n\
         {NEIGHBOUR},Lê Minh,0907777124,,,,,1,14 Phố Khác,VN-SG,no\n"
    );
    fs::write(&table, text).unwrap();
    let imported = tool::run(&["customers", "import", table.to_str().unwrap(), "--address", &node.endpoint()]).await;
    assert_eq!(imported.code, Some(0), "{imported:?}");
    let mut tickets = calls::tickets(node);
    let coded = ticket::OpenTicketRequest {
        customer_code: CODE.into(),
        requester_name: "chị Xuyến".into(),
        requester_contact_point: "0907777123".into(),
        description: "plantedtext ở 12 Phố Planted".into(),
        ..calls::opening("Nhà chị Xuyến mất điện")
    };
    let called = ticket::OpenTicketRequest {
        requester_contact_point: "+84 907 777 123".into(),
        description: "plantedtext: xin gọi 0907 777 123".into(),
        ..calls::opening("Hỏi giá điện")
    };
    let others = ticket::OpenTicketRequest { customer_code: NEIGHBOUR.into(), ..calls::opening("Nhà bên cạnh") };
    let mut opened = Vec::new();
    for asked in [&coded, &called, &others] {
        opened.push(tickets.open_ticket(asked.clone()).await.unwrap().into_inner().ticket.unwrap());
    }
    let remark = ticket::AddTimelineEntryRequest {
        request_id: calls::request_id(),
        name: opened[0].id.clone(),
        kind: ticket::TimelineKind::Reply.into(),
        text: "plantedtext: đã hẹn Xuyến".into(),
        author: "0907777123".into(),
        ..Default::default()
    };
    tickets.add_timeline_entry(remark).await.unwrap();
    let assign = ticket::AssignTicketRequest {
        request_id: calls::request_id(),
        name: opened[0].id.clone(),
        assignee: "lan".into(),
        author: "lan".into(),
        reason: "plantedtext".into(),
        ..Default::default()
    };
    tickets.assign_ticket(assign).await.unwrap();
    for (key, code, point) in [("k1", CODE, ""), ("k2", "", "0907777123"), ("k3", NEIGHBOUR, "0907777124")] {
        let draft = contact::ContactDraft {
            customer_code: code.into(),
            contact_point: point.into(),
            note: if code == NEIGHBOUR { String::new() } else { "plantedtext Xuyến".into() },
            ..calls::call(key, 0)
        };
        let record = contact::RecordContactRequest { request_id: calls::request_id(), contact: Some(draft) };
        calls::contacts(node).record_contact(record).await.unwrap();
    }
    vec![coded, called, others]
}

async fn nothing_of_an_erased_customer_is_found_anywhere(place: Place) {
    let world = World::new(place);
    let database = place.database(&world.folder, "node").await;
    let of = gridcare_tests::world::NodeOf {
        id: "hcmc-1",
        region: "HCMC",
        capabilities: gridcare_tests::world::CAPABILITIES,
    };
    let mut node = world.node_on(&of, &database).await;
    let gateway = world.gateway(&[("hcmc-1", "HCMC", &node)]).await;
    let asked = plant(&node, &world).await;
    let pseudonyms = || async {
        let list = federation::ListNationalTicketsRequest::default();
        let tickets = calls::nation(&gateway).list_national_tickets(list).await.ok()?.into_inner().tickets;
        let mut of: Vec<_> = tickets.into_iter().filter_map(|t| t.ticket).map(|t| t.customer_pseudonym).collect();
        of.sort();
        Some(of)
    };
    eventually("the country knows of both customers' tickets", || async {
        let of = pseudonyms().await?;
        (of.len() == 3 && of.iter().filter(|pseudonym| pseudonym.is_empty()).count() == 1).then_some(())
    })
    .await;
    let before = marked(&database).await;
    let tables: Vec<_> = before.iter().map(|(column, _)| column.as_str()).collect();
    for column in [
        "customer.name",
        "customer_point.value",
        "premises.address",
        "ticket.words",
        "timeline.text",
        "contact.note",
        "request.response",
    ] {
        assert!(tables.contains(&column), "{column} holds the person, or this test looks wrongly: {tables:?}");
    }

    let arguments = ["customers", "erase", CODE, "--reason", "requested", "--address", &node.endpoint()];
    let erased = tool::run(&arguments).await;
    assert_eq!(erased.code, Some(0), "{erased:?}");
    assert!(erased.out.starts_with("erased; 2 tickets and 2 contacts are kept under PZ0"), "{}", erased.out);
    assert_eq!(marked(&database).await, [], "in the node's rows");

    let gone = calls::customers(&node).get_customer(wire::GetCustomerRequest { code: CODE.into() }).await.unwrap_err();
    assert_eq!((gone.code(), calls::reason(&gone).as_str()), (Code::NotFound, "NO_SUCH_CUSTOMER"));
    let again = tool::run(&arguments).await;
    assert!(again.code == Some(1) && again.err.contains("was erased at"), "{again:?}");
    let mut tickets = calls::tickets(&node);
    let words = ticket::TicketFilter { words: "xuyen".into(), ..Default::default() };
    let list = ticket::ListTicketsRequest { filter: Some(words), ..Default::default() };
    assert!(tickets.list_tickets(list).await.unwrap().into_inner().tickets.is_empty(), "no word finds them");
    let kept = tickets.list_tickets(ticket::ListTicketsRequest::default()).await.unwrap().into_inner().tickets;
    assert_eq!(kept.len(), 3, "what must be kept is kept");
    let repeated = tickets.open_ticket(asked[0].clone()).await.unwrap_err();
    assert_eq!(calls::reason(&repeated), "ANSWER_ERASED", "a repeated request opens nothing and tells nothing");
    tickets.open_ticket(asked[2].clone()).await.unwrap();
    let neighbour = wire::GetCustomerRequest { code: NEIGHBOUR.into() };
    calls::customers(&node).get_customer(neighbour).await.unwrap();
    eventually("the country has forgotten whose tickets they were", || async {
        let of = pseudonyms().await?;
        (of.len() == 3 && of.iter().filter(|pseudonym| pseudonym.is_empty()).count() == 2).then_some(())
    })
    .await;
    let verified = tool::run(&["metric", "verify", "--address", &node.endpoint()]).await;
    assert!(verified.out.contains("0 differ"), "{verified:?}");

    // The next file of the customer register still has them.
    let table = world.file("customers.csv");
    let imported = tool::run(&["customers", "import", table.to_str().unwrap(), "--address", &node.endpoint()]).await;
    assert_eq!(imported.code, Some(1), "{imported:?}");
    assert!(imported.err.contains(":2: code: this customer was erased"), "{}", imported.err);
    assert_eq!(marked(&database).await, [], "an import does not bring them back");
    assert!(node.stop().await.success());
    assert_eq!(found(&node.log_text()), Vec::<&str>::new(), "in the node's log");
}

/// Publishes a notice that names the customer; its id.
async fn notify(node: &Process, world: &World) -> String {
    let file = world.file("notice.yaml");
    let content = format!(
        "phase: first_notice\nurgency: emergency\naudience: {{customer_codes: [{CODE}]}}\nchannels: [web, sms]\n\
         vi: {{title: Mất điện, body: Mất điện từ 14:19.}}\nen: {{title: Power cut, body: No supply since 14:19.}}\n"
    );
    fs::write(&file, content).unwrap();
    let (at, file) = (node.endpoint(), file.display().to_string());
    let write = ["notice", "write", "--incident", "storm-1", "--file", &file, "--expires-in", "6h"];
    let written = tool::run(&[&write[..], &["--as", "lan", "--json", "--at", &at]].concat()).await.json();
    let id = written["id"].as_str().unwrap().to_owned();
    let published = tool::run(&["notice", "publish", &id, "--as", "lan", "--yes", "--at", &at]).await;
    assert_eq!(published.code, Some(0), "{published:?}");
    id
}

async fn exported(node: &Process, world: &World) -> Value {
    let out = world.file("export.json");
    let arguments = ["customers", "export", CODE, "--out", out.to_str().unwrap(), "--address", &node.endpoint()];
    let exported = tool::run(&arguments).await;
    assert_eq!(exported.code, Some(0), "{exported:?}");
    serde_json::from_slice(&fs::read(&out).unwrap()).unwrap()
}

async fn all_that_is_held_of_a_customer_is_exported(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    plant(&node, &world).await;
    let notice = notify(&node, &world).await;
    let document = eventually("the notice has become a message", || async {
        let document = exported(&node, &world).await;
        let there = !document["messages"].as_array().unwrap().is_empty();
        there.then_some(document)
    })
    .await;
    assert_eq!((&document["format"], &document["region"]), (&"gridcare.customer/1".into(), &"HCMC".into()));
    let customer = &document["customer"]["customer"];
    assert_eq!(customer["contact_points"][0]["consents"][1]["purpose"], "CONSENT_PURPOSE_BILLING");
    assert_eq!(customer["premises"][0]["medical_equipment"], true);
    let tickets = document["tickets"].as_array().unwrap();
    assert_eq!(tickets.iter().map(|t| t["timeline"].as_array().unwrap().len()).collect::<Vec<_>>(), [3, 1]);
    assert_eq!(document["contacts"].as_array().unwrap().len(), 2);
    let message = json!({ "notice_id": notice, "revision": 1, "way": "sms", "state": "queued" });
    assert_eq!(document["messages"], json!([message]));
    assert_eq!(document["named_in"], json!([{ "notice_id": notice, "revision": 1 }]));
    assert_eq!(document["questions"], json!([]));
    let text = document.to_string();
    assert!(text.contains("plantedtext: đã hẹn Xuyến") && !text.contains(NEIGHBOUR), "{text}");

    let nobody = tool::run(&["customers", "export", "PE01000777999", "--address", &node.endpoint()]).await;
    assert!(nobody.code == Some(1) && nobody.err.contains("there is no such customer"), "{nobody:?}");
}
