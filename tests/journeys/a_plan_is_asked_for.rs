use gridcare_proto::{
    notice::v1 as wire,
    outage::v1::{self as outage, fact_claim, outage_change::Change},
};
use gridcare_tests::{Place, Process, calls, eventually, tool, world::World};
use jiff::{SignedDuration, tz::TimeZone};

use crate::a_notice_lands::{import, progress};

crate::on_both_engines!(
    a_plan_says_what_the_standard_asks,
    an_announcement_says_when_in_figures,
    a_plan_counts_the_quiet_hours_that_messages_wait_for,
);

fn at(second: i64) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: second, nanos: 0 }
}

async fn record(node: &Process, draft: outage::OutageDraft) -> outage::Outage {
    let areas = vec![outage::OutageArea { feeder: "471-E5".into(), ..Default::default() }];
    let request = outage::RecordOutageRequest {
        request_id: calls::request_id(),
        outage: Some(outage::OutageDraft { areas, ..draft }),
        author: "lan".into(),
    };
    calls::outages(node).record_outage(request).await.unwrap().into_inner().outage.unwrap()
}

/// Another source says that it began then; nobody believes it yet.
async fn claim(node: &Process, of: &outage::Outage, onset: i64) {
    let claim = outage::FactClaim { fact: Some(fact_claim::Fact::Onset(at(onset))), source: "báo".into() };
    let change = Change::Claim(outage::ClaimMade { claim: Some(claim), choose: false });
    let request = outage::ChangeOutageRequest {
        request_id: calls::request_id(),
        id: of.id.clone(),
        author: "lan".into(),
        changes: vec![outage::OutageChange { change: Some(change) }],
        ..Default::default()
    };
    calls::outages(node).change_outage(request).await.unwrap();
}

/// What is told of a fault, by text messages alone.
fn content(body: &str, expires: i64) -> wire::NoticeContent {
    let text = |title: &str| Some(wire::NoticeText { title: title.into(), body: body.into() });
    wire::NoticeContent {
        kind: wire::RevisionKind::Initial.into(),
        phase: wire::Phase::FirstNotice.into(),
        urgency: wire::Urgency::Emergency.into(),
        audience: Some(wire::NoticeAudience { regions: vec!["HCMC".into()], ..Default::default() }),
        channels: vec![wire::NoticeChannel::Sms.into()],
        vi: text("Mất điện"),
        en: text("Power cut"),
        expires_at: Some(at(expires)),
        ..Default::default()
    }
}

/// A code, the rule, the channel or content, and by when.
type Remark = (String, String, String, Option<i64>);

fn remark(code: &str, rule: &str, of: &str, due: Option<i64>) -> Remark {
    (code.into(), rule.into(), of.into(), due)
}

async fn asked(node: &Process, request: wire::PlanNoticeRequest) -> Vec<Remark> {
    let plan = calls::notices(node).plan_notice(request).await.unwrap().into_inner();
    let of = |told: &wire::NoticeRemark| {
        assert!(told.standard == "evn-2013.1" && !told.message.is_empty(), "{told:?}");
        let of = format!("{}{}", told.channel, told.content);
        remark(&told.code, &told.rule, &of, told.due_at.as_ref().map(|due| due.seconds))
    };
    plan.regions[0].remarks.iter().map(of).collect()
}

fn now() -> i64 {
    gridcare_chassis::clock::SystemClock::shared().now().as_second()
}

async fn a_plan_says_what_the_standard_asks(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let now = now();
    let fault = outage::OutageDraft {
        kind: outage::OutageKind::Unplanned.into(),
        cause: "equipment".into(),
        begins_at: Some(at(now - 300)),
        ..Default::default()
    };
    let fault = record(&node, fault).await;
    claim(&node, &fault, now - 600).await;
    let first = content("Sự cố.", now + 3_600);
    let nameless = wire::PlanNoticeRequest { content: Some(first.clone()), ..Default::default() };
    let about = wire::PlanNoticeRequest { outage_id: fault.id.clone(), ..nameless.clone() };
    let no_web = remark("MISSING_CHANNEL", "incident", "web", None);
    let due = remark("FIRST_DUE", "incident", "", Some(now - 600 + 30 * 60));
    assert_eq!(
        asked(&node, nameless.clone()).await,
        std::slice::from_ref(&no_web),
        "of what nobody knows, nothing is due"
    );
    assert_eq!(asked(&node, about.clone()).await, [no_web.clone(), due], "the earliest claim counts");
    for unknown in ["471-E5".to_owned(), gridcare_chassis::id::new_id().to_string()] {
        let unknown = wire::PlanNoticeRequest { outage_id: unknown, ..nameless.clone() };
        let refused = calls::notices(&node).plan_notice(unknown).await.unwrap_err();
        assert_eq!(calls::violating_fields(&refused), ["outage_id"]);
    }

    claim(&node, &fault, now - 3_600).await;
    let late = remark("FIRST_LATE", "incident", "", Some(now - 3_600 + 30 * 60));
    assert_eq!(asked(&node, about.clone()).await, [no_web.clone(), late.clone()]);
    let create = wire::CreateNoticeRequest {
        request_id: calls::request_id(),
        incident: "471-E5".into(),
        outage_id: fault.id,
        content: Some(first),
        author: "lan".into(),
    };
    let notice = calls::notices(&node).create_notice(create).await.unwrap().into_inner().notice.unwrap();
    let written = wire::PlanNoticeRequest { notice_id: notice.id.clone(), ..nameless };
    assert_eq!(asked(&node, written).await, [no_web.clone(), late], "a notice knows its outage");
    let told = tool::run(&["notice", "plan", &notice.id, "--lang", "vi", "--address", &node.endpoint()]).await.out;
    assert!(told.contains("HCMC: cần báo thêm qua web (evn-2013.1, incident: EVN 2013)"), "{told}");
    let publish = wire::MoveRevisionRequest {
        request_id: calls::request_id(),
        id: notice.id,
        act: wire::RevisionAct::Publish.into(),
        author: "lan".into(),
        ..Default::default()
    };
    calls::notices(&node).move_revision(publish).await.unwrap();
    assert_eq!(asked(&node, about).await, [no_web], "once somebody has told of it, no first is due");
}

async fn an_announcement_says_when_in_figures(place: Place) {
    const ANNOUNCEMENT: &str = "\
phase: planned
urgency: emergency
audience: {regions: [HCMC]}
channels: [web, sms]
vi: {title: Bảo trì, body: Bảo trì lưới điện}
en: {title: Works, body: Works on the grid}
";
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let now = now();
    let window = outage::WorkWindow { starts_at: Some(at(now + 7_200)), ends_at: Some(at(now + 14_400)) };
    let work = outage::OutageDraft {
        kind: outage::OutageKind::Planned.into(),
        cause: "maintenance".into(),
        plan: Some(outage::WorkPlan {
            window: Some(window),
            emergency_reason: "cột điện nghiêng".into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let work = record(&node, work).await;
    let (path, address) = (world.file("notice.yaml"), node.endpoint());
    std::fs::write(&path, ANNOUNCEMENT).unwrap();
    let file = path.to_str().unwrap();
    let said = ["notice", "plan", "--file", file, "--expires-in", "1h", "--outage", &work.id, "--address", &address];
    let shown = tool::run(&said).await.out;
    assert!(shown.contains("HCMC: say in figures, in both languages, when supply is lost"), "{shown}");
    let plan = tool::run(&[&said[..], &["--json"]].concat()).await.json();
    let remarks = plan["regions"][0]["remarks"].as_array().unwrap();
    assert_eq!(remarks.len(), 2, "{plan}");
    for (remark, content) in remarks.iter().zip(["start", "expected_return"]) {
        assert_eq!(remark["code"], "MISSING_CONTENT");
        assert_eq!(remark["rule"], "emergency_outage");
        assert_eq!(remark["content"], content);
    }
}

/// Hours when nobody is disturbed: they began an hour ago and end in two, whatever the time is.
fn quiet_now() -> [String; 4] {
    let zone = TimeZone::get("Asia/Ho_Chi_Minh").unwrap();
    let local = gridcare_chassis::clock::SystemClock::shared().now().to_zoned(zone).time();
    let (from, until) =
        (local.wrapping_sub(SignedDuration::from_hours(1)), local.wrapping_add(SignedDuration::from_hours(2)));
    let said = |time: jiff::civil::Time| time.strftime("%H:%M:%S").to_string();
    ["--notices-quiet-from".into(), said(from), "--notices-quiet-until".into(), said(until)]
}

async fn a_plan_counts_the_quiet_hours_that_messages_wait_for(place: Place) {
    let mut world = World::new(place);
    world.node_flags = quiet_now().into();
    let node = world.node("hcmc-1", "HCMC").await;
    import(&node).await;
    let of = |urgency: wire::Urgency| {
        let content = content("Lịch bảo trì.", now() + 6 * 3_600);
        wire::NoticeContent { urgency: urgency.into(), ..content }
    };
    for (urgency, within) in [(wire::Urgency::Routine, 0), (wire::Urgency::Safety, 12)] {
        let request = wire::PlanNoticeRequest { content: Some(of(urgency)), ..Default::default() };
        let plan = calls::notices(&node).plan_notice(request).await.unwrap().into_inner().regions.remove(0);
        assert_eq!((plan.recipients, plan.within_30_minutes), (12, within), "{urgency:?}");
        let done = plan.groups.last().unwrap().done_after_s.unwrap();
        assert_eq!(done > 30 * 60, within == 0, "{urgency:?}: {done}");
    }

    let create = wire::CreateNoticeRequest {
        request_id: calls::request_id(),
        incident: "471-E5".into(),
        content: Some(of(wire::Urgency::Routine)),
        author: "lan".into(),
        ..Default::default()
    };
    let notice = calls::notices(&node).create_notice(create).await.unwrap().into_inner().notice.unwrap();
    for (act, author) in
        [(wire::RevisionAct::Submit, "lan"), (wire::RevisionAct::Approve, "minh"), (wire::RevisionAct::Publish, "minh")]
    {
        let request = wire::MoveRevisionRequest {
            request_id: calls::request_id(),
            id: notice.id.clone(),
            act: act.into(),
            author: author.into(),
            ..Default::default()
        };
        calls::notices(&node).move_revision(request).await.unwrap();
    }
    let within = eventually("what is expected of sending it is kept", || async {
        let sending = progress(&node, &notice.id).await.revisions.into_iter().next()?;
        (sending.predicted_recipients == 12).then_some(sending.predicted_within_30_minutes)
    })
    .await;
    assert_eq!(within, 0, "what goes out in two hours reaches nobody in half of one");
}
