use std::process::Command;

use gridcare_proto::{notice::v1 as notice, outage::v1 as wire, ticket::v1::TicketState};
use gridcare_tests::{Place, Process, calls, eventually, http, variable, world::World};
use jiff::{SignedDuration, Timestamp};

use crate::a_notice_lands::{import, progress};

crate::on_both_engines!(
    outages_are_read_by_maps_and_by_the_industry_at_home_and_in_the_country,
    a_city_asks_for_a_service_and_follows_it_without_seeing_who_asked,
    a_notice_is_an_alert_that_others_validate_and_subscribe_to,
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

#[expect(clippy::unnecessary_wraps, reason = "messages of the wire are optional within others")]
fn at(hours: i64) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds: (now() + SignedDuration::from_hours(hours)).as_second(), nanos: 0 })
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

/// A notice goes out at a node with one person's word, and then says more.
async fn tell(node: &Process, outage: &str, channel: notice::NoticeChannel, customers: &[&str]) -> notice::Notice {
    let text = |title: &str, body: &str| Some(notice::NoticeText { title: title.into(), body: body.into() });
    let content = |kind: notice::RevisionKind, phase: notice::Phase| notice::NoticeContent {
        kind: kind.into(),
        phase: phase.into(),
        urgency: notice::Urgency::Emergency.into(),
        audience: Some(notice::NoticeAudience {
            regions: vec!["HCMC".into()],
            customer_codes: customers.iter().map(|code| (*code).to_owned()).collect(),
            ..Default::default()
        }),
        channels: vec![channel.into()],
        vi: text("Mất điện tại Quận 1", "Sự cố <thiết bị> & đang khắc phục."),
        en: text("Power cut in District 1", "A fault of equipment."),
        expires_at: at(6),
        ..Default::default()
    };
    let create = notice::CreateNoticeRequest {
        request_id: calls::request_id(),
        incident: "feeder-471-E5".into(),
        outage_id: outage.into(),
        content: Some(content(notice::RevisionKind::Initial, notice::Phase::FirstNotice)),
        author: "lan".into(),
    };
    let created = calls::notices(node).create_notice(create).await.unwrap().into_inner().notice.unwrap();
    let publish = async || {
        let request = notice::MoveRevisionRequest {
            request_id: calls::request_id(),
            id: created.id.clone(),
            act: notice::RevisionAct::Publish.into(),
            author: "lan".into(),
            ..Default::default()
        };
        calls::notices(node).move_revision(request).await.unwrap().into_inner().notice.unwrap()
    };
    publish().await;
    let more = notice::WriteRevisionRequest {
        request_id: calls::request_id(),
        id: created.id.clone(),
        content: Some(content(notice::RevisionKind::AllClear, notice::Phase::AllClear)),
        author: "lan".into(),
        ..Default::default()
    };
    calls::notices(node).write_revision(more).await.unwrap();
    publish().await
}

async fn a_notice_is_an_alert_that_others_validate_and_subscribe_to(place: Place) {
    let mut world = World::new(place);
    world.node_flags = vec!["--public-sender".into(), "cskh.example.vn".into()];
    world.gateway_flags = vec!["--public-exercise".into(), "true".into()];
    let node = world.node("hcmc-1", "HCMC").await;
    let gateway = world.gateway(&[("hcmc-1", "HCMC", &node)]).await;
    import(&node).await;
    let outage = record(&node, fault()).await;
    let told = tell(&node, &outage.id, notice::NoticeChannel::Web, &[]).await;
    let path = |number: i64| format!("/notices/cap/{}/{number}.xml", told.id);
    eventually("the country knows both alerts", async || {
        (http::get(gateway.http, &path(2), "").await.status == 200).then_some(())
    })
    .await;

    assert_eq!(progress(&node, &told.id).await.first, [], "a read at a gateway says nothing of a province");

    let urls: Vec<_> =
        [&node, &gateway].iter().flat_map(|one| [1, 2].map(|n| format!("http://{}{}", one.http, path(n)))).collect();
    let arguments: Vec<_> = std::iter::once("cap").chain(urls.iter().map(String::as_str)).collect();
    let validated = foreign(&arguments).await;
    assert_eq!(validated.as_object().map(serde_json::Map::len), Some(4), "{validated}");
    let everywhere = ["VN-57", "VN-SG"].map(|province| (notice::NoticeChannel::Web, province.to_owned()));
    let reached = async |id: &str| {
        let first = progress(&node, id).await.first;
        first.iter().map(|first| (first.channel(), first.province.clone())).collect::<Vec<_>>()
    };
    assert_eq!(reached(&told.id).await, everywhere);
    let last = http::get(node.http, &path(2), "").await;
    let first = format!("cskh.example.vn,urn:x-gridcare:notice:{}:1,", told.id);
    for part in [
        "<status>Actual</status>",
        "<msgType>Update</msgType>",
        &first,
        "<incidents>feeder-471-E5</incidents>",
        "<language>vi-VN</language>",
        "&lt;thiết bị&gt; &amp; đang",
        // Counter-clockwise, latitude first.
        "<polygon>10.7,106.6 10.7,106.7 10.8,106.7 10.8,106.6 10.7,106.6</polygon>",
        "<value>VN-SG</value>",
    ] {
        assert!(last.body.contains(part), "{part} in {last:?}");
    }
    let known = format!("if-none-match: {}\r\n", last.header("etag"));
    assert_eq!(http::get(node.http, &path(2), &known).await.status, 304);
    assert_eq!(http::get(node.http, &path(3), "").await.status, 404);

    let country = http::get(gateway.http, &path(2), "").await.body;
    assert!(
        country.contains("<status>Exercise</status>") && country.contains("<sender>gateway-1</sender>"),
        "{country}"
    );
    for process in [&node, &gateway] {
        let atom = http::get(process.http, "/notices.atom", "").await;
        assert!(atom.header("content-type").starts_with("application/atom+xml"), "{atom:?}");
        assert_eq!(atom.body.matches("<entry>").count(), 2, "{atom:?}");
        assert!(atom.body.contains(&path(1)) && atom.body.contains("type=\"application/cap+xml\""), "{atom:?}");
        let rss = http::get(process.http, "/notices.rss?lang=en", "").await.body;
        assert!(rss.contains("<title>Power cut in District 1</title>"), "{rss}");
    }
    let letter = tell(&node, &outage.id, notice::NoticeChannel::Sms, &["PE01000000001"]).await;
    let listed = tell(&node, &outage.id, notice::NoticeChannel::Web, &[]).await;
    eventually("whoever reads a list has read the notice", || async {
        http::get(node.http, "/notices.atom", "").await;
        (reached(&listed.id).await == everywhere).then_some(())
    })
    .await;
    // What was told after the letter is known to the country, so the letter is.
    eventually("the country lists what was told last", async || {
        http::get(gateway.http, "/notices.atom", "").await.body.contains(&listed.id).then_some(())
    })
    .await;
    for process in [&node, &gateway] {
        let alert = http::get(process.http, &format!("/notices/cap/{}/1.xml", letter.id), "").await;
        assert_eq!(alert.status, 404, "{alert:?}");
        let atom = http::get(process.http, "/notices.atom", "").await.body;
        assert!(!atom.contains(&letter.id), "{atom}");
    }
}
