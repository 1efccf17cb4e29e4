use std::process::Command;

use gridcare_proto::{outage::v1 as wire, ticket::v1::TicketState};
use gridcare_tests::{Place, Process, calls, eventually, http, variable, world::World};
use jiff::{SignedDuration, Timestamp};

crate::on_both_engines!(
    outages_are_read_by_maps_and_by_the_industry_at_home_and_in_the_country,
    a_city_asks_for_a_service_and_follows_it_without_seeing_who_asked,
);

/// A key of a partner.
const KEY: &str = "0123456789abcdef0123456789abcdef";

fn now() -> Timestamp {
    gridcare_chassis::clock::SystemClock::shared().now()
}

/// What libraries of others find.
async fn foreign(arguments: &[&str]) -> serde_json::Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tools/foreign_formats.py");
    let mut command = Command::new(variable("GRIDCARE_TEST_PYTHON"));
    command.arg(script).args(arguments);
    let done = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}

async fn record(node: &Process, outage: wire::OutageDraft) -> wire::Outage {
    let request =
        wire::RecordOutageRequest { request_id: calls::request_id(), outage: Some(outage), author: "lan".into() };
    calls::outages(node).record_outage(request).await.unwrap().into_inner().outage.unwrap()
}

fn at(hours: i64) -> Option<prost_types::Timestamp> {
    Some(calls::at((now() + SignedDuration::from_hours(hours)).as_second()))
}

/// A fault since an hour, drawn clockwise, as people draw.
fn fault() -> wire::OutageDraft {
    let corner = |longitude, latitude| wire::Position { longitude, latitude };
    let polygon =
        vec![corner(106.6, 10.7), corner(106.6, 10.8), corner(106.7, 10.8), corner(106.7, 10.7), corner(106.6, 10.7)];
    wire::OutageDraft {
        kind: wire::OutageKind::Unplanned.into(),
        cause: "equipment".into(),
        areas: vec![wire::OutageArea {
            province: "VN-SG".into(),
            district: "Quận <1>".into(),
            feeder: "471-E5".into(),
            polygon,
            ..Default::default()
        }],
        begins_at: at(-1),
        customers: 1_200,
        source: "the dispatcher, by telephone".into(),
        ..Default::default()
    }
}

async fn outages_are_read_by_maps_and_by_the_industry_at_home_and_in_the_country(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let gateway = world.gateway(&[("hcmc-1", "HCMC", &node)]).await;
    let empty = http::get(node.http, "/outages.geojson", "").await.json();
    assert_eq!((&empty["type"], &empty["features"]), (&"FeatureCollection".into(), &serde_json::json!([])));

    let outage = record(&node, fault()).await;
    // Long over, and so in no document any more.
    record(&node, wire::OutageDraft { begins_at: at(-60), ended_at: at(-50), ..fault() }).await;
    for process in [&node, &gateway] {
        let read = eventually("the outage is in the document", async || {
            let read = http::get(process.http, "/outages.geojson", "").await.json();
            (read["features"].as_array().map(Vec::len) == Some(1)).then_some(read)
        });
        let feature = read.await["features"][0].clone();
        let properties = &feature["properties"];
        assert_eq!((&feature["id"], &properties["region"]), (&outage.id.as_str().into(), &"HCMC".into()));
        assert_eq!((&properties["status"], &properties["without_supply"]), (&"out".into(), &1_200.into()));
        assert_eq!(
            feature["geometry"],
            serde_json::json!({ "type": "Polygon", "coordinates": [[[106.6, 10.7], [106.7, 10.7], [106.7, 10.8], [106.6, 10.8], [106.6, 10.7]]] })
        );
        let url = format!("http://{}/outages.geojson", process.http);
        let found = foreign(&["geojson", &url]).await;
        assert_eq!(found, serde_json::json!({ "features": 1, "again": 304, "bytes": 0 }));

        let industry = http::get(process.http, "/outages/odin.json", "").await;
        assert_eq!(industry.json()["outage"][0]["mRID"], outage.id.as_str());
        let xml = http::get(process.http, "/outages/odin.xml", "").await;
        assert!(xml.body.contains(&format!("<mRID>{}</mRID>", outage.id)), "{xml:?}");
        assert!(xml.header("content-type").starts_with("application/xml"), "{xml:?}");
        for answer in [&industry, &xml] {
            assert!(!answer.body.contains("dispatcher"), "sources stay at home: {answer:?}");
            assert!(answer.header("cache-control").contains("max-age=5") && !answer.header("etag").is_empty());
        }
    }
    assert!(http::get(node.http, "/outages/odin.json", "").await.body.contains("Quận <1>"));
    let national = http::get(gateway.http, "/outages.geojson", "").await.json();
    assert!(!national.to_string().contains("Quận"), "what is no code stays at home");
    assert_eq!((&national["completeness"]["expected"], &national["completeness"]["covered"]), (&1.into(), &1.into()));
    assert_eq!(national["completeness"]["regions"][0]["status"], "OK");
}

async fn a_city_asks_for_a_service_and_follows_it_without_seeing_who_asked(place: Place) {
    let mut world = World::new(place);
    world.node_flags = vec!["--open311-partners".into(), format!("[{{name: city, key: {KEY}}}]")];
    let node = world.node("hcmc-1", "HCMC").await;
    // Somebody else's ticket is none of the city's.
    let other = calls::opened(&node, calls::opening("Mất điện")).await;
    let found = foreign(&["open311", &format!("http://{}", node.http), KEY]).await;

    assert_eq!(found["required"], serde_json::json!(["customer_code"]));
    assert_eq!(found["listed"], serde_json::json!([found["request"]]));
    assert_eq!(found["endpoint"], format!("http://{}/open311/v2", node.http));
    assert_eq!(
        found["wrong"],
        serde_json::json!({
            "no key": 403, "other key": 403, "no service": 404, "nowhere": 400, "elsewhere": 404, "too long": 413, "json": 415,
            "unknown": 404,
        })
    );
    assert_eq!(found["faults"].as_array().map(Vec::len), Some(2), "{found}");
    let shown = found["shown"].to_string();
    assert_eq!(found["shown"]["service_name"], "Mất điện");
    assert!(["Lan", "0901234567", "Lê Lợi", "sáng", "10.77"].iter().all(|word| !shown.contains(word)), "{shown}");

    let reference = found["request"].as_str().unwrap();
    let ticket = calls::ticket(&node, reference).await;
    assert_eq!((ticket.channel.as_str(), ticket.category.as_str()), ("web", "outage"));
    assert_eq!(ticket.description, "Mất điện <từ sáng> & chưa có lại\n10.7767, 106.7031\n1 Lê Lợi");
    assert_eq!((ticket.requester_name.as_str(), ticket.requester_contact_point.as_str()), ("Nguyễn Lan", "0901234567"));
    let token = http::get(node.http, &format!("/open311/v2/tokens/{}.json", ticket.id), "").await.json();
    assert_eq!(token[0]["service_request_id"], reference);
    let stranger = http::get(node.http, &format!("/open311/v2/requests/{}.xml", other.reference), "").await;
    assert!(stranger.status == 404 && stranger.body.contains("<errors><error><code>404</code>"), "{stranger:?}");

    let close = gridcare_proto::ticket::v1::ChangeTicketStateRequest {
        request_id: calls::request_id(),
        name: reference.into(),
        state: TicketState::Resolved.into(),
        author: "lan".into(),
        ..Default::default()
    };
    calls::tickets(&node).change_ticket_state(close).await.unwrap();
    let path = format!("/open311/v2/requests/{reference}.json");
    let closed = http::get(node.http, &path, "").await.json();
    assert_eq!((&closed[0]["status"], &closed[0]["status_notes"]), (&"closed".into(), &"resolved".into()));
}
