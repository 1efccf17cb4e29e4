use gridcare_proto::{
    notice::v1 as notice,
    outage::v1::{self as wire, outage_change::Change},
    ticket::v1::Language,
};
use gridcare_tests::{Place, Process, calls, tool, world::World};
use jiff::{SignedDuration, Timestamp, ToSpan as _, tz::TimeZone};

crate::on_both_engines!(
    work_is_told_five_days_before_unless_it_is_an_emergency,
    work_is_listed_until_a_notice_says_how_it_is_planned_now,
    moved_work_has_a_draft_that_a_second_person_publishes,
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

fn changing(of: &wire::Outage, what: Change, reason: &str) -> wire::ChangeOutageRequest {
    wire::ChangeOutageRequest {
        request_id: calls::request_id(),
        id: of.id.clone(),
        etag: of.etag.clone(),
        author: "lan".into(),
        reason: reason.into(),
        changes: vec![wire::OutageChange { change: Some(what) }],
    }
}

async fn change(node: &Process, of: &wire::Outage, what: Change, reason: &str) -> Result<wire::Outage, tonic::Status> {
    let request = changing(of, what, reason);
    Ok(calls::outages(node).change_outage(request).await?.into_inner().outage.unwrap())
}

/// The same change is asked for twice at once, and once more: whoever asks again gets the first answer.
async fn change_repeatedly(node: &Process, request: wire::ChangeOutageRequest) -> wire::Outage {
    let ask = async || calls::outages(node).change_outage(request.clone()).await.unwrap().into_inner().outage.unwrap();
    let (one, two) = tokio::join!(ask(), ask());
    assert_eq!((&one, &ask().await), (&two, &one));
    one
}

/// Work as it is now.
async fn read(node: &Process, of: &wire::Outage) -> wire::Outage {
    let get = wire::GetOutageRequest { id: of.id.clone() };
    calls::outages(node).get_outage(get).await.unwrap().into_inner().outage.unwrap()
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

async fn act(
    node: &Process,
    id: &str,
    act: notice::RevisionAct,
    author: &str,
) -> Result<notice::Notice, tonic::Status> {
    let request = notice::MoveRevisionRequest {
        request_id: calls::request_id(),
        id: id.into(),
        act: act.into(),
        author: author.into(),
        ..Default::default()
    };
    Ok(calls::notices(node).move_revision(request).await?.into_inner().notice.unwrap())
}

/// A notice about work goes out with one person's word; its id.
async fn tell(node: &Process, of: &wire::Outage) -> String {
    let text = |title: &str| Some(notice::NoticeText { title: title.into(), body: "471-E5.".into() });
    let content = notice::NoticeContent {
        kind: notice::RevisionKind::Initial.into(),
        phase: notice::Phase::Planned.into(),
        urgency: notice::Urgency::Emergency.into(),
        audience: Some(notice::NoticeAudience { regions: vec!["HCMC".into()], ..Default::default() }),
        channels: vec![notice::NoticeChannel::Web.into()],
        vi: text("Lịch ngừng cấp điện"),
        en: text("Planned work"),
        expires_at: Some(prost_types::Timestamp { seconds: now().as_second() + 3_600, nanos: 0 }),
        ..Default::default()
    };
    let create = notice::CreateNoticeRequest {
        request_id: calls::request_id(),
        incident: "471-E5".into(),
        outage_id: of.id.clone(),
        content: Some(content),
        author: "lan".into(),
    };
    let created = calls::notices(node).create_notice(create).await.unwrap().into_inner().notice.unwrap();
    act(node, &created.id, notice::RevisionAct::Publish, "lan").await.unwrap().id
}

/// What `lan` wrote goes out with the word of `minh`.
async fn publish(node: &Process, id: &str) {
    for (what, author) in [
        (notice::RevisionAct::Submit, "lan"),
        (notice::RevisionAct::Approve, "minh"),
        (notice::RevisionAct::Publish, "minh"),
    ] {
        act(node, id, what, author).await.unwrap();
    }
}

async fn work_is_listed_until_a_notice_says_how_it_is_planned_now(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let address = node.endpoint();
    let listed = async || {
        let list = tool::run(&["outages", "untold", "--json", "--address", &address]).await.json();
        let listed = list["outages"].as_array().unwrap().iter();
        let listed = listed.map(|work| (work["id"].as_str().unwrap().to_owned(), work["cancelled"] == true));
        listed.collect::<Vec<_>>()
    };
    let work = record(&node, plan(200)).await.unwrap();
    assert!(work.needs_notice);
    assert_eq!(listed().await, [(work.id.clone(), false)]);
    let first = tell(&node, &work).await;
    assert!(!read(&node, &work).await.needs_notice);
    assert!(listed().await.is_empty());
    let moved = change(&node, &work, Change::Reschedule(plan(300)), "thời tiết").await.unwrap();
    assert!(moved.needs_notice);
    tell(&node, &moved).await;
    assert!(read(&node, &work).await.needs_notice, "whoever was told by the first notice still expects the old time");
    assert_eq!(listed().await, [(work.id.clone(), false)]);
    publish(&node, &first).await;
    assert!(!read(&node, &work).await.needs_notice);
    assert!(listed().await.is_empty());
    let cancelled = change(&node, &moved, Change::CancelWork(true), "hoãn").await.unwrap();
    assert!(cancelled.needs_notice);
    assert_eq!(listed().await, [(work.id.clone(), true)]);
    let shown = tool::run(&["outages", "untold", "--lang", "vi", "--address", &address]).await.out;
    assert!(shown.contains(&work.id) && shown.contains("hủy"), "{shown}");

    let emergency_reason = "cột điện nghiêng ra đường".to_owned();
    let begun = wire::WorkPlan { alternative: plan(200).window, emergency_reason, ..plan(-6) };
    let begun = record(&node, begun).await.unwrap();
    tell(&node, &begun).await;
    assert_eq!(listed().await, [(work.id.clone(), true)]);
    change(&node, &begun, Change::CancelWork(true), "mưa to").await.unwrap();
    assert_eq!(listed().await, [(work.id, true), (begun.id, true)], "its other time is still expected");
}

/// The newest revision of a notice: its number, what it says and who wrote it.
async fn newest(node: &Process, id: &str) -> (i64, notice::NoticeContent, notice::RevisionState, String) {
    let get = notice::GetNoticeRequest { id: id.into() };
    let mut told = calls::notices(node).get_notice(get).await.unwrap().into_inner().notice.unwrap();
    let newest = told.revisions.pop().unwrap();
    (newest.number, newest.content.clone().unwrap(), newest.state(), newest.author)
}

async fn moved_work_has_a_draft_that_a_second_person_publishes(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let work = record(&node, plan(200)).await.unwrap();
    let told = tell(&node, &work).await;
    let (_, before, ..) = newest(&node, &told).await;
    assert_eq!(read(&node, &work).await.notice_draft_id, "");

    let moved = change_repeatedly(&node, changing(&work, Change::Reschedule(plan(300)), "thời tiết")).await;
    let (number, update, state, author) = newest(&node, &told).await;
    assert_eq!((number, state, author.as_str()), (2, notice::RevisionState::Draft, "lan"));
    assert_eq!((update.kind(), update.phase()), (notice::RevisionKind::Update, notice::Phase::Planned));
    let said = |content: &notice::NoticeContent| (content.audience.clone(), content.channels.clone());
    assert_eq!(said(&update), said(&before));
    assert_eq!(update.urgency(), notice::Urgency::Safety, "a plan is no emergency");
    let alone = act(&node, &told, notice::RevisionAct::Publish, "lan").await.unwrap_err();
    assert_eq!(calls::reason(&alone), "NOT_APPROVED");
    let window = moved.plan[1].plan.as_ref().unwrap().window.as_ref().unwrap();
    assert_eq!(update.expires_at, window.ends_at);
    let zone = TimeZone::get("Asia/Ho_Chi_Minh").unwrap();
    let starts = Timestamp::from_second(window.starts_at.unwrap().seconds).unwrap().to_zoned(zone);
    let starts = starts.strftime("%H:%M %d/%m/%Y").to_string();
    let (vi, en) = (update.vi.unwrap().body, update.en.unwrap().body);
    assert!(vi.starts_with("Thay đổi lịch: ") && vi.contains(&starts) && vi.contains("Quận 1"), "{vi}");
    assert!(en.starts_with("New time: ") && en.contains(&starts) && en.contains("Quận 1"), "{en}");
    let address = node.endpoint();
    let list = tool::run(&["outages", "untold", "--json", "--address", &address]).await.json();
    assert_eq!(list["outages"][0]["notice_draft_id"], told.as_str(), "{list}");

    act(&node, &told, notice::RevisionAct::Submit, "lan").await.unwrap();
    let alone = act(&node, &told, notice::RevisionAct::Approve, "lan").await.unwrap_err();
    assert_eq!(calls::reason(&alone), "SECOND_PERSON_NEEDED");
    let waits = read(&node, &work).await;
    assert_eq!((waits.needs_notice, waits.notice_draft_id.as_str()), (true, told.as_str()));
    act(&node, &told, notice::RevisionAct::Approve, "minh").await.unwrap();
    act(&node, &told, notice::RevisionAct::Publish, "minh").await.unwrap();
    let out = read(&node, &work).await;
    assert_eq!((out.needs_notice, out.notice_draft_id.as_str()), (false, ""));

    // What a colleague has begun to write stays as it is, and the work stays among the untold.
    let begun = notice::WriteRevisionRequest {
        request_id: calls::request_id(),
        id: told.clone(),
        content: Some(newest(&node, &told).await.1),
        author: "hoa".into(),
        ..Default::default()
    };
    calls::notices(&node).write_revision(begun).await.unwrap();
    let again = change(&node, &moved, Change::Reschedule(plan(400)), "thời tiết").await.unwrap();
    let (number, kept, state, author) = newest(&node, &told).await;
    assert_eq!((number, state, author.as_str()), (3, notice::RevisionState::Draft, "hoa"));
    assert_eq!(kept.expires_at, window.ends_at);
    let waits = read(&node, &work).await;
    assert_eq!((waits.needs_notice, waits.notice_draft_id.as_str()), (true, ""));
    act(&node, &told, notice::RevisionAct::Withdraw, "hoa").await.unwrap();

    change_repeatedly(&node, changing(&again, Change::CancelWork(true), "hoãn")).await;
    let (number, cancel, state, _) = newest(&node, &told).await;
    assert_eq!((number, state), (4, notice::RevisionState::Draft));
    assert_eq!((cancel.kind(), cancel.phase()), (notice::RevisionKind::Cancel, notice::Phase::Cancelled));
    let waits = read(&node, &work).await;
    assert_eq!((waits.needs_notice, waits.notice_draft_id.as_str()), (true, told.as_str()));
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
