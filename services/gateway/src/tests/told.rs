//! What was told: seen nationally, proven, and read by everybody.

use std::{sync::Arc, time::Duration};

use gridcare_chassis::id::new_id;
use gridcare_domain::notice::proof::{Event, verify};
use gridcare_proto::{
    federation::v1::{self as federation, LandingState, feed_entry::Change},
    notice::v1 as wire,
};

use super::{
    Running,
    desk::{Desk, clock, text},
    play::Played,
    proof_key, start_at,
};

fn told(id: &str, revision: i64) -> Change {
    told_by(id, revision, &[1, 2], 0)
}

/// A member's notice that is told by these channels, to so many customers whom it names, or to everybody.
fn told_by(id: &str, revision: i64, channels: &[i32], named_customers: i64) -> Change {
    let at = |seconds: i64| Some(prost_types::Timestamp { seconds: 1_369_207_800 + seconds, nanos: 0 });
    Change::Notice(federation::FederatedNotice {
        id: id.into(),
        version: 1,
        incident: "500kV-2013-05-22".into(),
        outage_id: String::new(),
        revisions: vec![federation::FederatedRevision {
            number: revision,
            kind: 1,
            phase: 1,
            urgency: 2,
            audience: Some(federation::FederatedAudience { named_customers, ..Default::default() }),
            channels: channels.to_vec(),
            vi: text("Mất điện"),
            en: text("Power cut"),
            published_at: at(0),
            expires_at: at(7_200),
            approved: true,
            ..Default::default()
        }],
    })
}

fn progress(id: &str, version: u64, delivered: i64) -> Change {
    let at = |seconds: i64| Some(prost_types::Timestamp { seconds: 1_369_207_800 + seconds, nanos: 0 });
    let first = |channel, seconds| wire::FirstReached { province: "VN-57".into(), channel, at: at(seconds) };
    let count = wire::DeliveryCount { channel: 2, state: "delivered".into(), deliveries: delivered };
    Change::NoticeProgress(federation::FederatedNoticeProgress {
        notice_id: id.into(),
        version,
        revisions: vec![wire::RevisionProgress { revision: 1, counts: vec![count], ..Default::default() }],
        first: vec![first(2, 90), first(1, 30)],
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_told_is_seen_nationally_and_proven() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let south = Played::start("s1", 0).await;
    let gateway = start_at(folder.path(), &[("s1", "SPC", south.port)], Arc::new(clock.clone())).await;
    let mut desk = Desk::at(&gateway, &clock).await;
    let notice = desk.create(desk.content(wire::RevisionKind::Initial, 60, &["SPC"])).await.unwrap();
    let notice = desk.publish(notice).await;
    desk.until(&notice.id, &[("s1", 1, LandingState::Landed)]).await;
    let own = new_id().to_string();
    south.feed.add(told(&own, 1)).add(progress(&own, 1, 3)).add(progress(&notice.id, 1, 7));
    // An older state of the same, heard again, changes nothing.
    south.feed.add(progress(&notice.id, 2, 9)).add(progress(&notice.id, 1, 7));
    let request = wire::GetNoticeProgressRequest { id: notice.id.clone() };
    let mut told = None;
    for _ in 0..400 {
        let answer = desk.notices.get_notice_progress(request.clone()).await.unwrap().into_inner().progress;
        told = answer.into_iter().next().filter(|progress| progress.revisions[0].counts[0].deliveries == 9);
        if told.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let told = told.expect("the feed flows in");
    assert_eq!((told.region.as_str(), told.first.len()), ("SPC", 2));
    let request = federation::ListRegionalNoticesRequest { incident: "500kV-2013-05-22".into(), ..Default::default() };
    let regional = desk.national.list_regional_notices(request).await.unwrap().into_inner();
    assert_eq!((regional.notices.len(), regional.completeness.unwrap().expected), (1, 1));
    assert_eq!(regional.notices[0].notice.as_ref().unwrap().id, own);

    let proof = desk.proof(&notice.id).await;
    let proven = verify(&proof, &proof_key().public()).unwrap();
    let events: Vec<_> = proven.entries.iter().map(|entry| entry.event).collect();
    let acts = [Event::Submitted, Event::Approved, Event::Published, Event::Accepted];
    assert_eq!(events, [&acts[..], &[Event::FirstFetch, Event::FirstSms, Event::Counted]].concat());
    assert_eq!(proven.entries[6].facts["delivered"], "9");
    clock.advance(Duration::from_secs(30));
    let again = desk.proof(&notice.id).await;
    let entries = |proof: &str| proof.lines().filter(|line| !line.starts_with("head ")).collect::<Vec<_>>().join("\n");
    assert_eq!(entries(&again), entries(&proof), "the same entries but for the signature's time");
    let regional = verify(&desk.proof(&own).await, &proof_key().public()).unwrap();
    let events: Vec<_> = regional.entries.iter().map(|entry| entry.event).collect();
    assert_eq!(events, [Event::Published, Event::FirstFetch, Event::FirstSms, Event::Counted]);

    // A history that was rewritten takes its notices along; what was proven stays.
    south.feed.rewrite(|feed| {
        feed.declare();
    });
    for _ in 0..400 {
        let answer = desk.national.list_regional_notices(federation::ListRegionalNoticesRequest::default()).await;
        if answer.unwrap().into_inner().notices.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert!(desk.notices.get_notice_progress(wire::GetNoticeProgressRequest { id: own }).await.is_err());
    for _ in 0..400 {
        if south.landing.lock().again > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert_eq!(south.landing.revisions(&notice.id), [1], "whoever may have lost what it had gets it again");
    desk.until(&notice.id, &[("s1", 1, LandingState::Landed)]).await;
    // Nobody has said since how deliveries stand.
    assert_eq!(entries(&desk.proof(&notice.id).await), entries(&proof));
    gateway.end().await;
}

/// Asks over HTTP; the status line, the headers and the body.
async fn get(gateway: &Running, path: &str, headers: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(gateway.addresses.http).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_reads_what_was_told_and_whoever_has_it_gets_its_name_alone() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let south = Played::start("s1", 0).await;
    let gateway = start_at(folder.path(), &[("s1", "SPC", south.port)], Arc::new(clock.clone())).await;
    let mut desk = Desk::at(&gateway, &clock).await;
    let notice = desk.create(desk.content(wire::RevisionKind::Initial, 60, &["SPC"])).await.unwrap();
    let own = new_id().to_string();
    south.feed.add(told(&own, 1));
    let draft = desk.create(desk.content(wire::RevisionKind::Initial, 60, &["SPC"])).await.unwrap();
    desk.publish(notice.clone()).await;
    let mut answer = String::new();
    for _ in 0..200 {
        answer = get(&gateway, "/notices", "Accept: application/json\r\n").await;
        if answer.contains(&own) && answer.contains(&notice.id) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(!answer.contains(&draft.id), "a draft is told to nobody");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    let of = |id: &str| body["notices"].as_array().unwrap().iter().find(|told| told["id"] == id).unwrap().clone();
    let (national, regional) = (of(&notice.id), of(&own));
    assert_eq!((national["national"].as_bool(), national["region"].as_str()), (Some(true), Some("")));
    assert_eq!((regional["national"].as_bool(), regional["region"].as_str()), (Some(false), Some("SPC")));
    let newest = &national["revisions"][0];
    assert_eq!(newest["vi"]["title"], "Mất điện");
    assert_eq!((newest["phase"].as_str(), newest["number"].as_i64()), (Some("first_notice"), Some(1)));
    let etag = head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap();
    let again = get(&gateway, "/notices", &format!("Accept: application/json\r\nIf-None-Match: {etag}\r\n")).await;
    assert!(again.starts_with("HTTP/1.1 304"), "{again}");
    let page = get(&gateway, "/notices?lang=en", "Accept: text/html\r\n").await;
    assert!(page.contains("<h2>Power cut</h2>"), "{page}");
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_told_by_web_is_on_no_page_and_what_names_its_customers_in_no_document() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let south = Played::start("s1", 0).await;
    let gateway = start_at(folder.path(), &[("s1", "SPC", south.port)], Arc::new(clock)).await;
    let (letter, unpaged, paged) = (new_id().to_string(), new_id().to_string(), new_id().to_string());
    // In the order of the feed: where the last is read, the others are there.
    south.feed.add(told_by(&letter, 1, &[2], 3)).add(told_by(&unpaged, 1, &[2], 0)).add(told_by(&paged, 1, &[1], 3));
    for _ in 0..200 {
        if get(&gateway, "/notices.json", "").await.contains(&paged) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for (path, expected) in [
        ("/notices", [false, false, true]),
        ("/notices.json", [false, false, true]),
        ("/notices.atom", [false, true, true]),
        ("/notices.rss", [false, true, true]),
    ] {
        let document = get(&gateway, path, "").await;
        assert_eq!(
            [&letter, &unpaged, &paged].map(|id| document.contains(id.as_str())),
            expected,
            "{path}: {document}"
        );
    }
    for (id, status) in [(&letter, "404"), (&unpaged, "200"), (&paged, "200")] {
        let alert = get(&gateway, &format!("/notices/cap/{id}/1.xml"), "").await;
        assert!(alert.starts_with(&format!("HTTP/1.1 {status} ")), "{alert}");
    }
    gateway.end().await;
}
