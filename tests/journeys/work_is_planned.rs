use gridcare_proto::{
    outage::v1::{self as wire, outage_change::Change},
    ticket::v1::Language,
};
use gridcare_tests::{Place, Process, calls, tool, world::World};
use jiff::{SignedDuration, Timestamp, ToSpan as _, tz::TimeZone};

crate::on_both_engines!(
    work_is_told_five_days_before_unless_it_is_an_emergency,
    a_calendar_follows_every_revision_of_the_plan,
);

fn now() -> Timestamp {
    gridcare_chassis::clock::SystemClock::shared().now()
}

fn plan(in_hours: i64) -> wire::WorkPlan {
    let at = |hours| {
        let at = now() + SignedDuration::from_hours(hours);
        Some(prost_types::Timestamp { seconds: at.as_second(), nanos: 0 })
    };
    let window = wire::WorkWindow { starts_at: at(in_hours), ends_at: at(in_hours + 4) };
    wire::WorkPlan { window: Some(window), ..Default::default() }
}

async fn record(node: &Process, plan: wire::WorkPlan) -> Result<wire::Outage, tonic::Status> {
    let draft = wire::OutageDraft {
        kind: wire::OutageKind::Planned.into(),
        cause: "maintenance".into(),
        areas: vec![wire::OutageArea {
            feeder: "471-E5".into(),
            province: "VN-SG".into(),
            district: "Quận 1".into(),
            ..Default::default()
        }],
        plan: Some(plan),
        ..Default::default()
    };
    let request =
        wire::RecordOutageRequest { request_id: calls::request_id(), outage: Some(draft), author: "lan".into() };
    Ok(calls::outages(node).record_outage(request).await?.into_inner().outage.unwrap())
}

async fn change(node: &Process, of: &wire::Outage, what: Change, reason: &str) -> Result<wire::Outage, tonic::Status> {
    let request = wire::ChangeOutageRequest {
        request_id: calls::request_id(),
        id: of.id.clone(),
        etag: of.etag.clone(),
        author: "lan".into(),
        reason: reason.into(),
        changes: vec![wire::OutageChange { change: Some(what) }],
    };
    Ok(calls::outages(node).change_outage(request).await?.into_inner().outage.unwrap())
}

async fn work_is_told_five_days_before_unless_it_is_an_emergency(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let refused = record(&node, plan(100)).await.unwrap_err();
    assert_eq!(
        (refused.code(), calls::reason(&refused).as_str()),
        (tonic::Code::FailedPrecondition, "NOTICE_TOO_SHORT")
    );
    assert!(refused.message().contains("5 d before"), "{refused}");
    let emergency = wire::WorkPlan { emergency_reason: "cột điện nghiêng ra đường".into(), ..plan(2) };
    record(&node, emergency).await.unwrap();
    let work = record(&node, plan(200)).await.unwrap();
    assert_eq!((work.plan.len(), work.without_supply), (1, 0));
    let sooner = change(&node, &work, Change::Reschedule(plan(50)), "thời tiết").await.unwrap_err();
    assert_eq!(calls::reason(&sooner), "NOTICE_TOO_SHORT");
    let silent = change(&node, &work, Change::Reschedule(plan(300)), "").await.unwrap_err();
    assert_eq!(calls::violating_fields(&silent), ["reason"]);
    let moved = change(&node, &work, Change::Reschedule(plan(300)), "thời tiết").await.unwrap();
    assert_eq!(
        (moved.plan[1].revision, moved.plan[1].changed.clone()),
        (2, vec!["starts_at".into(), "ends_at".into()])
    );
    let cancelled = change(&node, &moved, Change::CancelWork(true), "hoãn").await.unwrap();
    assert!(cancelled.plan[2].cancelled);
    let again = change(&node, &cancelled, Change::CancelWork(true), "hoãn").await.unwrap_err();
    assert_eq!(calls::violating_fields(&again), ["changes[0].cancel_work"]);
}

async fn a_calendar_follows_every_revision_of_the_plan(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let work = record(&node, plan(200)).await.unwrap();
    let today = now().to_zoned(TimeZone::UTC).date();
    let (from, until) = (today.to_string(), today.checked_add(60.days()).unwrap().to_string());
    let calendar = async || {
        let request = wire::ExportCalendarRequest { from: from.clone(), until: until.clone(), language: 0 };
        // A fold may be anywhere.
        let text = calls::schedule(&node).export_calendar(request).await.unwrap().into_inner().calendar;
        text.replace("\r\n ", "")
    };
    let uid = format!("UID:{}@hcmc-1\r\n", work.id);
    let first = calendar().await;
    assert!(
        first.contains(&uid) && first.contains("SEQUENCE:0\r\n") && first.contains("STATUS:CONFIRMED\r\n"),
        "{first}"
    );
    assert!(first.contains("SUMMARY:Ngừng cung cấp điện: ") && first.contains("Quận 1"), "{first}");
    let moved = change(&node, &work, Change::Reschedule(plan(300)), "thời tiết").await.unwrap();
    change(&node, &moved, Change::CancelWork(true), "hoãn").await.unwrap();
    let last = calendar().await;
    assert!(last.contains(&uid) && last.contains("SEQUENCE:2\r\n") && last.contains("STATUS:CANCELLED\r\n"), "{last}");

    let node_address = node.endpoint();
    let asked = ["outages", "calendar", "--from", &from, "--until", &until, "--address", &node_address];
    let ended = tool::run(&asked).await;
    assert!(ended.code == Some(0) && ended.out.replace("\r\n ", "").contains(uid.trim_end()), "{ended:?}");
    let starts = moved.plan[1].plan.as_ref().unwrap().window.as_ref().unwrap().starts_at.unwrap();
    let zone = TimeZone::get("Asia/Ho_Chi_Minh").unwrap();
    let month = Timestamp::from_second(starts.seconds).unwrap().to_zoned(zone).strftime("%Y-%m").to_string();
    for (language, format, words) in [
        (Language::Vi, wire::BulletinFormat::Text, vec!["Bản tin cung cấp điện", "lộ ra 471-E5", "đã hủy"]),
        (Language::En, wire::BulletinFormat::Html, vec!["<h1>Supply bulletin", "feeder 471-E5", "cancelled"]),
    ] {
        let request =
            wire::GetBulletinRequest { month: month.clone(), language: language.into(), format: format.into() };
        let document = calls::schedule(&node).get_bulletin(request).await.unwrap().into_inner().document;
        assert!(words.iter().all(|word| document.contains(word)), "{document}");
    }
    let bad = wire::ExportCalendarRequest::default();
    let refused = calls::schedule(&node).export_calendar(bad).await.unwrap_err();
    assert_eq!(calls::violating_fields(&refused), ["from", "until"]);
}
