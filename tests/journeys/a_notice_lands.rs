use std::collections::BTreeMap;

use gridcare_proto::{
    customer::v1 as customer,
    delivery::v1 as delivery,
    federation::v1::{self as federation, feed_entry::Change},
    notice::v1 as wire,
    ticket::v1::Language,
};
use gridcare_tests::{Place, Process, calls, eventually, world::World};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_stream::StreamExt as _;
use tonic::{Code, Status};

crate::on_both_engines!(
    a_national_notice_lands_once_and_is_followed_to_its_receipts,
    a_regional_notice_needs_a_second_person_and_outlives_the_death_of_node_and_courier,
);

pub(crate) const CUSTOMERS: usize = 12;

/// Customers of two provinces; the first needs supply to live.
pub(crate) async fn import(node: &Process) {
    let consent = customer::Consent {
        purpose: customer::ConsentPurpose::OutageNotice.into(),
        granted: true,
        given_at: Some(at(0)),
        source: "contract".into(),
    };
    let draft = |n: usize| customer::CustomerDraft {
        code: format!("PE010000{n:05}"),
        name: format!("Khách hàng {n}"),
        contact_points: vec![customer::ContactPoint {
            kind: customer::ContactPointKind::Phone.into(),
            value: format!("0901234{n:03}"),
            consents: vec![consent.clone()],
        }],
        preferred_language: if n.is_multiple_of(2) { Language::Vi } else { Language::En }.into(),
        premises: vec![customer::Premises {
            code: "1".into(),
            address: "12 Lê Lợi".into(),
            province: ["VN-SG", "VN-57"][n % 2].into(),
            medical_equipment: n == 7,
            ..Default::default()
        }],
        ..Default::default()
    };
    let request = customer::ImportCustomersRequest {
        source: "cis".into(),
        customers: (0..CUSTOMERS).map(draft).collect(),
        ..Default::default()
    };
    let mut answers = calls::customers(node).import_customers(tokio_stream::once(request)).await.unwrap().into_inner();
    let imported = answers.next().await.unwrap().unwrap();
    assert_eq!((imported.created, imported.rejections.len()), (12, 0), "{imported:?}");
}

fn at(second: i64) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: second, nanos: 0 }
}

fn now() -> i64 {
    gridcare_chassis::clock::SystemClock::shared().now().as_second()
}

fn content(kind: wire::RevisionKind, phase: wire::Phase) -> wire::NoticeContent {
    let text = |title: &str, body: &str| Some(wire::NoticeText { title: title.into(), body: body.into() });
    wire::NoticeContent {
        kind: kind.into(),
        phase: phase.into(),
        urgency: wire::Urgency::Safety.into(),
        audience: Some(wire::NoticeAudience { regions: vec!["HCMC".into()], ..Default::default() }),
        channels: [wire::NoticeChannel::Web, wire::NoticeChannel::Sms, wire::NoticeChannel::Webhook]
            .map(Into::into)
            .to_vec(),
        vi: text("Mất điện <miền Nam>", "Sự cố đường dây 500 kV."),
        en: text("Power cut", "Fault of the 500 kV line."),
        expires_at: Some(at(now() + 3_600)),
        diacritics: false,
    }
}

fn landing(id: &str, revision: i64, content: wire::NoticeContent) -> wire::LandNoticeRequest {
    wire::LandNoticeRequest {
        request_id: calls::request_id(),
        id: id.into(),
        incident: "500kV-2013-05-22".into(),
        revision,
        follows: revision - 1,
        content: Some(content),
        published_at: Some(at(now())),
    }
}

async fn land(node: &Process, request: wire::LandNoticeRequest) -> Result<bool, Status> {
    Ok(calls::landing(node).land_notice(request).await?.into_inner().known)
}

async fn lease(node: &Process, channel: wire::NoticeChannel, limit: i32) -> delivery::LeaseMessagesResponse {
    let request = delivery::LeaseMessagesRequest {
        courier: "courier-1".into(),
        channel: channel.into(),
        limit,
        lease_seconds: 5,
        wait_seconds: 20,
    };
    calls::deliveries(node).lease_messages(request).await.unwrap().into_inner()
}

async fn begin(node: &Process, epoch: i64, numbers: &[i64]) -> Result<Vec<i64>, Status> {
    let request = delivery::BeginSubmittingRequest { courier: "courier-1".into(), epoch, numbers: numbers.to_vec() };
    Ok(calls::deliveries(node).begin_submitting(request).await?.into_inner().granted)
}

async fn report(node: &Process, epoch: i64, outcomes: &[(i64, delivery::SubmitResult)]) -> Vec<i64> {
    let outcome = |(number, result): &(i64, delivery::SubmitResult)| delivery::SubmitOutcome {
        number: *number,
        result: (*result).into(),
        at: Some(at(now())),
        message_ids: vec![format!("id-{number}")],
    };
    let request = delivery::ReportOutcomesRequest { epoch, outcomes: outcomes.iter().map(outcome).collect() };
    calls::deliveries(node).report_outcomes(request).await.unwrap().into_inner().changed
}

fn sorted(numbers: &[i64]) -> Vec<i64> {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    sorted
}

pub(crate) async fn progress(node: &Process, id: &str) -> wire::NoticeProgress {
    let request = wire::GetNoticeProgressRequest { id: id.into() };
    let answer = calls::notices(node).get_notice_progress(request).await.unwrap().into_inner();
    answer.progress.into_iter().next().unwrap()
}

/// How many text messages of a revision stand where.
pub(crate) fn counts(revisions: &[wire::RevisionProgress], revision: i64) -> BTreeMap<&str, i64> {
    let revision = revisions.iter().find(|one| one.revision == revision).unwrap();
    let sms = revision.counts.iter().filter(|count| count.channel() == wire::NoticeChannel::Sms);
    sms.map(|count| (count.state.as_str(), count.deliveries)).collect()
}

async fn http(node: &Process, line: &str, more: &str) -> String {
    let mut socket = tokio::net::TcpStream::connect(node.http).await.unwrap();
    let asked = format!("{line} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{more}\r\n");
    socket.write_all(asked.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

/// The first change of the feed that is what is looked for.
async fn in_feed<T>(node: &Process, find: impl Fn(Change) -> Option<T>) -> T {
    let mut feed = calls::feed(node).pull_feed(federation::PullFeedRequest::default()).await.unwrap().into_inner();
    loop {
        let entries = feed.next().await.unwrap().unwrap().entries;
        if let Some(found) = entries.into_iter().filter_map(|entry| entry.change).find_map(&find) {
            return found;
        }
    }
}

async fn in_snapshot(node: &Process) -> Vec<Change> {
    let mut chunks = calls::feed(node).get_snapshot(federation::GetSnapshotRequest {}).await.unwrap().into_inner();
    let mut found = Vec::new();
    while let Some(chunk) = chunks.next().await {
        found.extend(chunk.unwrap().entries.into_iter().filter_map(|entry| entry.change));
    }
    found
}

fn refused<T: std::fmt::Debug>(answer: Result<T, Status>) -> String {
    let status = answer.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition, "{status}");
    calls::reason(&status)
}

#[expect(clippy::too_many_lines, reason = "one notice, from its landing to its last receipt")]
async fn a_national_notice_lands_once_and_is_followed_to_its_receipts(place: Place) {
    let mut world = World::new(place);
    world.node_flags =
        ["--notices-webhooks", "[press-agency]", "--notices-sms-parts-per-second", "2"].map(Into::into).into();
    let node = world.node("hcmc-1", "HCMC").await;
    import(&node).await;
    let id = gridcare_chassis::id::new_id().to_string();
    let first = content(wire::RevisionKind::Initial, wire::Phase::FirstNotice);
    assert_eq!(refused(land(&node, landing(&id, 2, first.clone())).await), "REVISION_MISSING");
    for known in [false, true] {
        assert_eq!(land(&node, landing(&id, 1, first.clone())).await.unwrap(), known);
    }
    let late = wire::LandNoticeRequest {
        published_at: Some(at(now() - 100)),
        content: Some(wire::NoticeContent { expires_at: Some(at(now() - 50)), ..first.clone() }),
        ..landing(&gridcare_chassis::id::new_id().to_string(), 1, first.clone())
    };
    assert_eq!(refused(land(&node, late).await), "NOTICE_EXPIRED");
    let written = wire::MoveRevisionRequest {
        request_id: calls::request_id(),
        id: id.clone(),
        act: wire::RevisionAct::Withdraw.into(),
        author: "lan".into(),
        ..Default::default()
    };
    assert_eq!(refused(calls::notices(&node).move_revision(written).await), "NOTICE_IS_NATIONAL");

    let mut asked = wire::PlanNoticeRequest { content: Some(first.clone()), ..Default::default() };
    let plan = calls::notices(&node).plan_notice(asked.clone()).await.unwrap().into_inner().regions.remove(0);
    let groups: Vec<_> = plan.groups.iter().map(|g| (g.wave.as_str(), g.language(), g.recipients)).collect();
    let planned = [("medical", Language::En, 1), ("others", Language::Vi, 6), ("others", Language::En, 5)];
    assert_eq!((groups.as_slice(), plan.within_30_minutes), (&planned[..], 12), "{plan:?}");

    let batch = lease(&node, wire::NoticeChannel::Sms, 10).await;
    // Once its messages are there, another notice of the incident would tell nobody of this phase.
    asked.incident = "500kV-2013-05-22".into();
    for (notice, recipients) in [(String::new(), 0), (id.clone(), 12)] {
        asked.notice_id = notice;
        let plan = calls::notices(&node).plan_notice(asked.clone()).await.unwrap().into_inner().regions.remove(0);
        assert_eq!(plan.recipients, recipients, "{}", asked.notice_id);
    }
    let text = &batch.texts[0];
    assert_eq!((text.revision, text.vi.as_ref().unwrap().title.as_str()), (1, "Mất điện <miền Nam>"));
    assert_eq!(batch.messages[0].address, "+84901234007", "who needs supply to live is told first");
    let numbers: Vec<_> = batch.messages.iter().map(|message| message.number).collect();
    assert_eq!(begin(&node, batch.epoch, &numbers[..8]).await.unwrap(), sorted(&numbers[..8]));
    let mut outcomes: Vec<_> = numbers[..7].iter().map(|n| (*n, delivery::SubmitResult::Sent)).collect();
    outcomes.push((numbers[7], delivery::SubmitResult::Unknown));
    assert_eq!(report(&node, batch.epoch, &outcomes).await, sorted(&numbers[..8]));
    let receipt = |number: i64, id: &str, state: &str| delivery::DeliveryReceipt {
        message_id: id.into(),
        number,
        state: state.into(),
        at: Some(at(now())),
        ..Default::default()
    };
    let receipts = vec![
        receipt(0, &format!("id-{}", numbers[0]), "delivered"),
        receipt(numbers[7], "late", "delivered"),
        receipt(0, "nobody", "sent"),
    ];
    let answer = calls::deliveries(&node).report_receipts(delivery::ReportReceiptsRequest { receipts }).await.unwrap();
    assert_eq!(answer.into_inner().unknown_message_ids, ["nobody"]);
    let call = lease(&node, wire::NoticeChannel::Webhook, 10).await;
    assert_eq!((call.messages.len(), call.messages[0].address.as_str()), (1, "press-agency"));

    let head = http(&node, "HEAD /notices", "").await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let page = http(&node, "GET /notices?province=VN-57", "accept-language: en\r\n").await;
    assert!(page.contains("Power cut") && page.contains("Notices of HCMC"), "{page}");
    let etag = page.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap();
    let known = format!("accept-language: en\r\nif-none-match: {etag}\r\n");
    assert!(http(&node, "GET /notices?province=VN-57", &known).await.starts_with("HTTP/1.1 304 "));
    assert!(http(&node, "GET /notices?province=VN-HN&lang=vi", "").await.contains("Hiện không có thông báo nào"));
    let standing = progress(&node, &id).await;
    let first_of = |channel: wire::NoticeChannel| -> Vec<_> {
        let of = standing.first.iter().filter(|first| first.channel() == channel);
        of.map(|first| first.province.as_str()).collect()
    };
    assert_eq!(first_of(wire::NoticeChannel::Web), ["VN-57"], "the asked province alone, and not by its head");
    assert_eq!(first_of(wire::NoticeChannel::Sms), ["VN-57", "VN-SG"]);
    assert_eq!(standing.revisions[0].accepted.iter().map(|minute| minute.accepted).max(), Some(8));
    let data = http(&node, &format!("GET /notices/{id}.json"), "").await;
    assert!(data.contains("\"Mất điện <miền Nam>\"") && !data.contains("PE0100"), "{data}");
    let page = http(&node, &format!("GET /notices/{id}"), "").await;
    assert!(page.contains("Mất điện &lt;miền Nam&gt;"), "{page}");

    // What was leased and not written comes back by itself, and what was planned is kept beside it.
    let standing = eventually("lost messages are queued again", || async {
        let standing = progress(&node, &id).await;
        (counts(&standing.revisions, 1).get("queued") == Some(&4)).then_some(standing)
    })
    .await;
    assert_eq!(counts(&standing.revisions, 1), BTreeMap::from([("queued", 4), ("sent", 6), ("delivered", 2)]));
    let revision = &standing.revisions[0];
    assert_eq!((revision.predicted_recipients, revision.predicted_within_30_minutes), (12, 12));
    let told = in_feed(&node, |change| match change {
        Change::NoticeProgress(told) => {
            let same = told.first == standing.first && counts(&told.revisions, 1) == counts(&standing.revisions, 1);
            same.then_some(told)
        }
        _ => None,
    })
    .await;
    assert_eq!(told.notice_id, id);

    // A cancel stops it at once: nothing is handed out, and nothing that was is written.
    let batch = lease(&node, wire::NoticeChannel::Sms, 2).await;
    let cancel =
        wire::NoticeContent { channels: vec![], ..content(wire::RevisionKind::Cancel, wire::Phase::Cancelled) };
    // Its number leaves out one that was withdrawn.
    let cancel = wire::LandNoticeRequest { follows: 1, ..landing(&id, 3, cancel) };
    assert!(!land(&node, cancel).await.unwrap());
    let numbers: Vec<_> = batch.messages.iter().map(|message| message.number).collect();
    assert_eq!(begin(&node, batch.epoch, &numbers).await.unwrap(), Vec::<i64>::new());
    eventually("what is cancelled expires", || async {
        (counts(&progress(&node, &id).await.revisions, 1).get("expired") == Some(&4)).then_some(())
    })
    .await;
    let changes = in_snapshot(&node).await;
    assert!(changes.iter().any(|change| matches!(change, Change::NoticeProgress(told) if told.notice_id == id)));
    assert!(!changes.iter().any(|change| matches!(change, Change::Notice(_))), "the country made it itself");
}

async fn a_regional_notice_needs_a_second_person_and_outlives_the_death_of_node_and_courier(place: Place) {
    let world = World::new(place);
    let mut node = world.node("hcmc-1", "HCMC").await;
    import(&node).await;
    let facts = [("place", "Quận 1"), ("region_name", "EVN HCMC"), ("hotline", "1900545454")];
    let rendered = wire::RenderNoticeRequest {
        phase: wire::Phase::AllClear.into(),
        facts: facts.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
    };
    let rendered = calls::notices(&node).render_notice(rendered).await.unwrap().into_inner();
    let create = wire::CreateNoticeRequest {
        request_id: calls::request_id(),
        incident: "storm-1".into(),
        author: "lan".into(),
        content: Some(wire::NoticeContent {
            vi: rendered.vi,
            en: rendered.en,
            channels: [wire::NoticeChannel::Sms, wire::NoticeChannel::Press].map(Into::into).to_vec(),
            ..content(wire::RevisionKind::Initial, wire::Phase::FirstNotice)
        }),
        ..Default::default()
    };
    let notice = calls::notices(&node).create_notice(create).await.unwrap().into_inner().notice.unwrap();
    let step = async |node: &Process, act: wire::RevisionAct, author: &str| {
        let request = wire::MoveRevisionRequest {
            request_id: calls::request_id(),
            id: notice.id.clone(),
            etag: String::new(),
            act: act.into(),
            author: author.into(),
        };
        calls::notices(node).move_revision(request).await
    };
    assert_eq!(refused(step(&node, wire::RevisionAct::Publish, "lan").await), "NOT_APPROVED");
    step(&node, wire::RevisionAct::Submit, "lan").await.unwrap();
    let alone = step(&node, wire::RevisionAct::Approve, "lan").await.unwrap_err();
    assert_eq!((alone.code(), calls::reason(&alone).as_str()), (Code::PermissionDenied, "SECOND_PERSON_NEEDED"));
    step(&node, wire::RevisionAct::Approve, "minh").await.unwrap();
    step(&node, wire::RevisionAct::Publish, "lan").await.unwrap();
    node.kill();
    node.restart().await;

    let told = in_feed(&node, |change| if let Change::Notice(told) = change { Some(told) } else { None }).await;
    assert_eq!((told.id.as_str(), told.revisions.len(), told.revisions[0].approved), (notice.id.as_str(), 1, true));
    assert!(in_snapshot(&node).await.contains(&Change::Notice(told)));
    // All are there, each once, although the node died right after the word was given.
    let mut numbers = Vec::new();
    let mut epoch = 0;
    while numbers.len() < CUSTOMERS {
        let batch = lease(&node, wire::NoticeChannel::Sms, 100).await;
        epoch = batch.epoch;
        numbers.extend(batch.messages.iter().map(|message| message.number));
    }
    assert_eq!(begin(&node, epoch, &numbers[..3]).await.unwrap(), sorted(&numbers[..3]));
    report(&node, epoch, &[(numbers[0], delivery::SubmitResult::Sent)]).await;
    node.kill();
    node.restart().await;
    eventually("what may have gone out is unknown, and the rest queued", || async {
        let standing = progress(&node, &notice.id).await;
        (counts(&standing.revisions, 1) == BTreeMap::from([("queued", 9), ("unknown", 2), ("sent", 1)])).then_some(())
    })
    .await;
    assert_eq!(refused(begin(&node, epoch, &numbers[3..]).await), "LEASE_LOST");

    let sent = wire::RecordPrintSentRequest {
        request_id: calls::request_id(),
        id: notice.id.clone(),
        revision: 1,
        output: wire::NoticeChannel::Press.into(),
        recipient: "Tuổi Trẻ".into(),
        sent_at: Some(at(now())),
        author: "lan".into(),
    };
    let unsent = wire::RecordPrintSentRequest { request_id: calls::request_id(), revision: 2, ..sent.clone() };
    assert_eq!(refused(calls::notices(&node).record_print_sent(unsent).await), "NOT_PUBLISHED");
    calls::notices(&node).record_print_sent(sent.clone()).await.unwrap();
    calls::notices(&node).record_print_sent(sent).await.unwrap();
    let print = wire::PrintNoticeRequest {
        id: notice.id.clone(),
        output: wire::NoticeChannel::Press.into(),
        language: Language::En.into(),
        ..Default::default()
    };
    let print = calls::notices(&node).print_notice(print).await.unwrap().into_inner().document;
    assert!(String::from_utf8(print).unwrap().contains("Supply is back in Quận 1"));
    let log = wire::ListPrintsSentRequest { id: notice.id.clone() };
    let log = calls::notices(&node).list_prints_sent(log).await.unwrap().into_inner().sent;
    assert_eq!((log.len(), log[0].recipient.as_str()), (1, "Tuổi Trẻ"));
    let current = wire::ListNoticesRequest { current: true, incident: "storm-1".into(), ..Default::default() };
    let listed = calls::notices(&node).list_notices(current).await.unwrap().into_inner().notices;
    assert_eq!(listed.len(), 1);
    eventually("a notice without the public page is on none", || async {
        http(&node, "GET /notices", "").await.contains("Hiện không có thông báo nào").then_some(())
    })
    .await;
}
