//! Notices of the nation over the wire: written, agreed to, and handed to members that come and go.

use std::{sync::Arc, time::Duration};

use gridcare_proto::{
    federation::v1::LandingState,
    notice::v1::{self as wire, RevisionAct},
};
use tonic::Code;
use tonic_types::StatusExt as _;

use super::{
    desk::{Desk, clock, reason},
    play::Played,
    start_at,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_was_away_gets_each_revision_once_in_order_whatever_happens_meanwhile() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let south = Played::start("s1", 0).await;
    let mut north = Played::start("n1", 0).await;
    let (s1, n1) = (("s1", "SPC", south.port), ("n1", "NPC", north.port));
    let gateway = start_at(folder.path(), &[n1, s1], Arc::new(clock.clone())).await;
    let mut desk = Desk::at(&gateway, &clock).await;
    north.stop().await;

    let first = desk.create(desk.content(wire::RevisionKind::Initial, 60, &["NPC", "SPC"])).await.unwrap();
    let first = desk.publish(first).await;
    let id = first.id.as_str();
    let (landed, waiting) = (LandingState::Landed, LandingState::Waiting);
    desk.until(id, &[("n1", 1, waiting), ("s1", 1, landed)]).await;
    // A revision that is given up leaves a gap in the numbers.
    let mut update = desk.content(wire::RevisionKind::Update, 120, &["NPC", "SPC"]);
    update.phase = wire::Phase::Progress.into();
    let second = desk.revise(&first, update.clone()).await.unwrap();
    let second = desk.act(&second, RevisionAct::Withdraw, "lan").await.unwrap();
    let third = desk.revise(&second, update).await.unwrap();
    desk.publish(third).await;
    desk.until(id, &[("n1", 1, waiting), ("s1", 1, landed), ("n1", 3, waiting), ("s1", 3, landed)]).await;

    // Another gateway goes on, and the member takes the first revision without being heard.
    gateway.end().await;
    clock.advance(Duration::from_secs(5));
    let late = Played::start("h1", 0).await;
    let h1 = ("h1", "SPC", late.port);
    let gateway = start_at(folder.path(), &[n1, s1, h1], Arc::new(clock.clone())).await;
    let mut desk = Desk::at(&gateway, &clock).await;
    north.landing.lock().mute = true;
    let north = north.again().await;
    for _ in 0..400 {
        if north.landing.lock().again > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    north.landing.lock().mute = false;
    let all = |state| {
        [("h1", 1, state), ("n1", 1, state), ("s1", 1, state), ("h1", 3, state), ("n1", 3, state), ("s1", 3, state)]
    };
    desk.until(id, &all(landed)).await;
    for node in [&north, &south, &late] {
        assert_eq!(node.landing.revisions(id), [1, 3], "{}", node.name);
    }
    assert!(north.landing.lock().again > 0, "an attempt of which nobody heard is made again");

    // Restored from an older backup, it lacks what it had, and gets it again before what follows.
    south.landing.lock().known.clear();
    let over = desk.content(wire::RevisionKind::AllClear, 60, &["NPC", "SPC"]);
    let notice = desk.notices.get_notice(wire::GetNoticeRequest { id: id.into() }).await.unwrap().into_inner().notice;
    let fourth = desk.revise(&notice.unwrap(), over).await.unwrap();
    desk.publish(fourth).await;
    let four = [("h1", 4, landed), ("n1", 4, landed), ("s1", 4, landed)];
    desk.until(id, &[&all(landed)[..], &four].concat()).await;
    assert_eq!(south.landing.revisions(id), [1, 3, 4]);
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_was_told_is_told_what_became_of_it_also_where_that_is_for_others_alone() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let (city, south) = (Played::start("h1", 0).await, Played::start("s1", 0).await);
    let (h1, s1) = (("h1", "HCMC", city.port), ("s1", "SPC", south.port));
    let gateway = start_at(folder.path(), &[h1, s1], Arc::new(clock.clone())).await;
    let mut desk = Desk::at(&gateway, &clock).await;
    let landed = LandingState::Landed;
    let first = desk.create(desk.content(wire::RevisionKind::Initial, 60, &["SPC"])).await.unwrap();
    let first = desk.publish(first).await;
    let id = first.id.as_str();
    let wider = desk.revise(&first, desk.content(wire::RevisionKind::Update, 60, &["HCMC", "SPC"])).await.unwrap();
    let wider = desk.publish(wider).await;
    let cancel = desk.revise(&wider, desk.content(wire::RevisionKind::Cancel, 60, &["HCMC"])).await.unwrap();
    desk.publish(cancel).await;
    desk.until(id, &[("s1", 1, landed), ("h1", 2, landed), ("s1", 2, landed), ("h1", 3, landed), ("s1", 3, landed)])
        .await;
    assert_eq!(south.landing.revisions(id), [1, 2, 3]);
    assert_eq!(city.landing.revisions(id), [2, 3], "it waits for none that it is never given");

    // Who joins later gets as much as those of its region have.
    gateway.end().await;
    clock.advance(Duration::from_secs(5));
    let (late, north) = (Played::start("s2", 0).await, Played::start("n1", 0).await);
    let members = [h1, s1, ("s2", "SPC", late.port), ("n1", "NPC", north.port)];
    let gateway = start_at(folder.path(), &members, Arc::new(clock.clone())).await;
    let mut desk = Desk::at(&gateway, &clock).await;
    let all = [("s1", 1), ("s2", 1), ("h1", 2), ("s1", 2), ("s2", 2), ("h1", 3), ("s1", 3), ("s2", 3)];
    desk.until(id, &all.map(|(node, revision)| (node, revision, landed))).await;
    assert_eq!(late.landing.revisions(id), [1, 2, 3]);
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notice_that_expires_before_a_member_returns_is_not_handed_over() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let mut north = Played::start("n1", 0).await;
    let (n1, c1) = (("n1", "NPC", north.port), ("c1", "CPC", 1));
    let gateway = start_at(folder.path(), &[n1, c1], Arc::new(clock.clone())).await;
    let mut desk = Desk::at(&gateway, &clock).await;
    north.stop().await;
    let notice = desk.create(desk.content(wire::RevisionKind::Initial, 10, &["NPC"])).await.unwrap();
    let notice = desk.publish(notice).await;
    let update = desk.revise(&notice, desk.content(wire::RevisionKind::Update, 60, &["NPC"])).await.unwrap();
    desk.publish(update).await;
    clock.advance(Duration::from_mins(11));
    desk.until(&notice.id, &[("n1", 1, LandingState::Expired), ("n1", 2, LandingState::Waiting)]).await;
    let north = north.again().await;
    desk.until(&notice.id, &[("n1", 1, LandingState::Expired), ("n1", 2, LandingState::Landed)]).await;
    assert_eq!(north.landing.revisions(&notice.id), [2], "and what follows it lands");

    // A plan is asked of those whom it concerns, each for its own customers, and says who did not answer.
    north.landing.lock().region = "NPC";
    let request = wire::PlanNoticeRequest {
        content: Some(desk.content(wire::RevisionKind::Initial, 60, &["NPC", "CPC"])),
        ..Default::default()
    };
    let plan = desk.notices.plan_notice(request).await.unwrap().into_inner();
    assert_eq!((plan.regions[0].region.as_str(), plan.regions[0].recipients), ("NPC", 100));
    assert_eq!(plan.missing_regions, ["CPC"]);
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_person_is_needed_save_in_an_emergency() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let gateway = start_at(folder.path(), &[("n1", "NPC", 1)], Arc::new(clock.clone())).await;
    let mut desk = Desk::at(&gateway, &clock).await;
    let mut broken = desk.content(wire::RevisionKind::Initial, 60, &["MARS"]);
    broken.audience.as_mut().unwrap().customer_codes.push("PE01000000001".into());
    broken.vi = None;
    let status = desk.create(broken).await.unwrap_err();
    let fields = status.get_details_bad_request().unwrap().field_violations;
    let fields: Vec<_> = fields.iter().map(|violation| violation.field.as_str()).collect();
    let audience = "content.audience.";
    let expected = ["customer_codes", "regions[0]"].map(|field| format!("{audience}{field}"));
    assert_eq!(fields[..2], expected);
    assert_eq!(fields[2..], ["content.vi.title", "content.vi.body"]);

    let draft = desk.create(desk.content(wire::RevisionKind::Initial, 60, &["NPC"])).await.unwrap();
    assert_eq!(reason(&desk.act(&draft, RevisionAct::Publish, "lan").await.unwrap_err()), "NOT_APPROVED");
    let submitted = desk.act(&draft, RevisionAct::Submit, "lan").await.unwrap();
    let status = desk.act(&submitted, RevisionAct::Approve, "lan").await.unwrap_err();
    assert_eq!((status.code(), reason(&status)), (Code::PermissionDenied, "SECOND_PERSON_NEEDED".into()));
    let status = desk.act(&draft, RevisionAct::Approve, "minh").await.unwrap_err();
    assert_eq!(reason(&status), "ETAG_MISMATCH");

    let mut emergency = desk.content(wire::RevisionKind::Initial, 60, &["NPC"]);
    emergency.urgency = wire::Urgency::Emergency.into();
    let out = desk.create(emergency).await.unwrap();
    let out = desk.act(&out, RevisionAct::Publish, "lan").await.unwrap();
    assert!(out.revisions[0].awaits_review);
    // Whoever looks at it afterwards may come when another revision has followed.
    let next = desk.revise(&out, desk.content(wire::RevisionKind::Update, 60, &["NPC"])).await.unwrap();
    let seen = desk.act(&next, RevisionAct::Review, "minh").await.unwrap();
    assert!(!seen.revisions[0].awaits_review);
    assert_eq!(seen.revisions[1].state(), wire::RevisionState::Draft);

    // The same request twice is the same answer.
    let request = wire::MoveRevisionRequest {
        request_id: "r-1".into(),
        id: submitted.id.clone(),
        etag: submitted.etag.clone(),
        act: RevisionAct::Approve.into(),
        author: "minh".into(),
    };
    let once = desk.notices.move_revision(request.clone()).await.unwrap().into_inner();
    assert_eq!(desk.notices.move_revision(request).await.unwrap().into_inner(), once);
    let list = |current| wire::ListNoticesRequest { current, page_size: 1, ..Default::default() };
    let page = desk.notices.list_notices(list(true)).await.unwrap().into_inner();
    assert_eq!((page.notices.len(), page.notices[0].id.as_str()), (1, seen.id.as_str()));
    let page = desk.notices.list_notices(list(false)).await.unwrap().into_inner();
    let next = wire::ListNoticesRequest { page_token: page.next_page_token, ..list(false) };
    let next = desk.notices.list_notices(next).await.unwrap().into_inner();
    assert_eq!((next.notices[0].id.as_str(), next.next_page_token.as_str()), (draft.id.as_str(), ""));
    gateway.end().await;
}
