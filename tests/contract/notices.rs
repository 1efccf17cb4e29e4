use std::collections::BTreeMap;

use gridcare_chassis::id::new_id;
use gridcare_domain::{
    audience::Audience,
    delivery::{DeliveryState, Way},
    feed::{Change, Kind},
    notice::{Content, Notice, NoticeChannel, NoticeText, Phase, Revision, RevisionKind, RevisionState, Urgency},
    outage::Area,
    refusal::Refusal,
};
use gridcare_store::{
    NodeStore,
    delivery::Outcome,
    dispatch::{Dispatch, Turned},
    lease,
    notice::{NoticeDecision, NoticeQuery, NoticeWrite, StoredNotice},
    print_sent::PrintSent,
    snapshot::Page,
};
use gridcare_tests::Place;
use uuid::Uuid;

use crate::{
    customers::{code, customer, erase, import},
    deliveries::dispatch,
    on_both_engines,
    samples::{Home, MORNING_US, at, request},
};

const MINUTE: i64 = 60_000_000;

fn revision(number: i64) -> Revision {
    let text = |title: &str| NoticeText { title: title.into(), body: format!("{title}.") };
    Revision {
        number,
        content: Content {
            kind: if number == 1 { RevisionKind::Initial } else { RevisionKind::Cancel },
            phase: Phase::First,
            urgency: Urgency::Safety,
            audience: Audience {
                regions: vec!["HCMC".into()],
                customers: vec![code(1), code(2)],
                ..Audience::default()
            },
            channels: vec![NoticeChannel::Web, NoticeChannel::Sms],
            vi: text("Mất điện"),
            en: text("Power cut"),
            expires_at: at(3_600),
            diacritics: false,
        },
        state: RevisionState::Published,
        author: "lan".into(),
        created_at: at(0),
        approver: Some("minh".into()),
        published_at: Some(at(0)),
        reviewer: None,
    }
}

pub(crate) fn notice(id: Uuid) -> Notice {
    Notice { id, version: 1, outage_id: None, incident: "storm-1".into(), revisions: vec![revision(1)] }
}

pub(crate) fn becomes(notice: Notice) -> NoticeDecision {
    let change = Change { kind: Kind::Notice, key: notice.id.to_string(), version: notice.version, payload: vec![] };
    let newest = notice.newest().unwrap();
    let told = Dispatch {
        revision: newest.number,
        revision_kind: newest.content.kind,
        incident: notice.incident.clone(),
        ..dispatch(notice.id)
    };
    NoticeDecision::Becomes(Box::new(NoticeWrite {
        revision: newest.number,
        change: Some(change),
        stops: newest.content.kind.ends(),
        dispatches: vec![told],
        response: newest.number.to_be_bytes().to_vec(),
        stored: StoredNotice { notice, national: false },
    }))
}

/// The next revision of a notice, or its first.
fn next(id: Uuid) -> impl Fn(Option<&StoredNotice>) -> Result<NoticeDecision, Refusal> + Send + Sync {
    move |stored| {
        let Some(stored) = stored else { return Ok(becomes(notice(id))) };
        let mut next = stored.notice.clone();
        next.version += 1;
        next.revisions.push(revision(next.version));
        Ok(becomes(next))
    }
}

pub(crate) async fn publish(store: &NodeStore, id: Uuid) {
    store.write_notice(Some(request()), MORNING_US, new_id(), id, &next(id)).await.unwrap().unwrap();
}

async fn turn(store: &NodeStore) {
    for no in store.turning_dispatches().await.unwrap() {
        while store.turn_dispatch(no, 100).await.unwrap() != Turned::All {}
    }
}

/// So many text messages are taken at this time.
async fn take(store: &NodeStore, limit: i64, at_us: i64) {
    let batch = store
        .lease_deliveries("one", Way::Sms, Urgency::Routine, limit, MORNING_US, MORNING_US + MINUTE)
        .await
        .unwrap();
    let numbers: Vec<_> = batch.messages.iter().map(|message| message.number).collect();
    store.submitting(batch.epoch, "one", &numbers, MORNING_US).await.unwrap().unwrap();
    let sent = |number: &i64| (*number, Outcome::Sent { message_ids: vec![number.to_string()], at_us });
    let outcomes: Vec<_> = numbers.iter().map(sent).collect();
    assert_eq!(store.delivery_outcomes(batch.epoch, &outcomes).await.unwrap().len(), numbers.len());
}

/// Every statement about notices and their progress.
pub(crate) async fn use_notices(store: &NodeStore) {
    let id = new_id();
    publish(store, id).await;
    publish(store, id).await;
    for incident in [None, Some("storm-1".to_owned())] {
        assert_eq!(store.notices(&NoticeQuery { incident, current_us: None }, None, 10).await.unwrap().len(), 1);
    }
    store.notices_shown(MORNING_US, 10).await.unwrap();
    assert_eq!(store.outages_told(&[new_id()]).await.unwrap(), BTreeMap::new());
    assert_eq!(store.outage_drafts(&[(new_id(), 0)]).await.unwrap(), BTreeMap::new());
    assert!(store.notices_of_outage(new_id()).await.unwrap().is_empty());
    assert_eq!(store.notice(id).await.unwrap().unwrap().notice.revisions.len(), 2);
    let sent = PrintSent {
        revision: 1,
        output: NoticeChannel::Press,
        recipient: "Tuổi Trẻ".into(),
        sent_us: MORNING_US,
        author: "lan".into(),
    };
    store.record_print_sent(request(), MORNING_US, new_id(), id, &sent, b"sent").await.unwrap().unwrap();
    assert_eq!(store.prints_sent(id).await.unwrap(), [sent]);
    turn(store).await;
    take(store, 2, MORNING_US).await;
    store.notice_read(id, &["VN-SG".into()], MORNING_US).await.unwrap();
    assert!(store.provinces_served().await.unwrap().contains(&"VN-SG".to_owned()));
    let lease = lease::take(store.db(), "notice progress", "a", 0, i64::MAX).await.unwrap().unwrap();
    let moved: Vec<_> = store.notices_moved(Uuid::nil(), 10).await.unwrap().into_iter().map(|(one, _)| one).collect();
    store.tell_progress(&lease, &moved, new_id(), MORNING_US, vec![]).await.unwrap();
    assert_eq!(store.notices_moved(Uuid::nil(), 10).await.unwrap(), []);
    let mut snapshot = store.begin_snapshot().await.unwrap();
    while !matches!(snapshot.next().await.unwrap(), Page::End(..)) {}
}

async fn publishing_is_one_transaction_and_a_repetition_finds_its_answer(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let (id, first) = (new_id(), request());
    let before = store.feed_head().await.unwrap().cursor.position;
    for _ in 0..2 {
        let answer = store.write_notice(Some(first), MORNING_US, new_id(), id, &next(id)).await.unwrap();
        assert_eq!(answer.unwrap(), 1_i64.to_be_bytes());
    }
    assert_eq!(store.feed_head().await.unwrap().cursor.position, before + 1);
    assert_eq!(store.turning_dispatches().await.unwrap().len(), 1);
    let stored = store.notice(id).await.unwrap().unwrap();
    assert_eq!(stored, StoredNotice { notice: notice(id), national: false });
    let current = NoticeQuery { current_us: Some(MORNING_US), ..NoticeQuery::default() };
    assert_eq!(store.notices(&current, None, 10).await.unwrap(), [stored]);
    // Two processes end it at one moment: the second sees what the first did.
    let (one, two) = (home.store().await, home.store().await);
    tokio::join!(publish(&one, id), publish(&two, id));
    let stored = store.notice(id).await.unwrap().unwrap();
    assert_eq!(stored.notice.revisions.iter().map(|revision| revision.number).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(store.notices(&current, None, 10).await.unwrap(), [], "what has ended is not current");
    assert_eq!(store.notices_shown(MORNING_US, 10).await.unwrap(), [stored], "and is shown until it expires");
    assert_eq!(store.notices_shown(at(3_600).as_microsecond(), 10).await.unwrap(), []);
}

async fn an_older_revision_is_written_alone_when_it_is_the_one_that_changed(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let id = new_id();
    publish(&store, id).await;
    publish(&store, id).await;
    let seen = |stored: Option<&StoredNotice>| {
        let mut notice = stored.unwrap().notice.clone();
        notice.version += 1;
        for revision in &mut notice.revisions {
            revision.reviewer = Some("hoa".into());
        }
        let NoticeDecision::Becomes(write) = becomes(notice) else { unreachable!() };
        let write = NoticeWrite { revision: 1, stops: false, dispatches: vec![], ..*write };
        Ok(NoticeDecision::Becomes(Box::new(write)))
    };
    store.write_notice(Some(request()), MORNING_US, new_id(), id, &seen).await.unwrap().unwrap();
    let stored = store.notice(id).await.unwrap().unwrap().notice;
    let seen = Revision { reviewer: Some("hoa".into()), ..revision(1) };
    assert_eq!((stored.version, stored.revisions), (3, vec![seen, revision(2)]));
}

async fn of_more_notices_than_are_shown_the_newest_are_kept(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    // The one that was published last holds longest, and was begun before the others.
    let ids = [new_id(), new_id(), new_id()];
    for (published, expires, id) in [(900, 9_000, ids[0]), (100, 1_000, ids[1]), (500, 5_000, ids[2])] {
        let write = move |_: Option<&StoredNotice>| {
            let mut notice = notice(id);
            notice.revisions[0].published_at = Some(at(published));
            notice.revisions[0].content.expires_at = at(expires);
            Ok(becomes(notice))
        };
        store.write_notice(Some(request()), MORNING_US, new_id(), id, &write).await.unwrap().unwrap();
    }
    let shown = async |limit| {
        let shown = store.notices_shown(MORNING_US, limit).await.unwrap();
        shown.iter().map(|stored| stored.notice.id).collect::<Vec<_>>()
    };
    assert_eq!(shown(2).await, [ids[0], ids[2]]);
    assert_eq!(shown(10).await, [ids[0], ids[2], ids[1]]);
}

async fn an_outage_is_told_by_what_was_written_and_published_about_it(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let (outage, id) = (new_id(), new_id());
    for (number, state) in [(1, RevisionState::Published), (2, RevisionState::Draft), (2, RevisionState::Published)] {
        let write = move |stored: Option<&StoredNotice>| {
            let before = stored.map_or_else(Vec::new, |stored| stored.notice.revisions.clone());
            let published_at = (state == RevisionState::Published).then(|| at(90));
            let written = Revision { state, created_at: at(number * 60), published_at, ..revision(number) };
            let revisions = before.into_iter().filter(|known| known.number < number).chain([written]).collect();
            let version = stored.map_or(1, |stored| stored.notice.version + 1);
            Ok(becomes(Notice { version, outage_id: Some(outage), revisions, ..notice(id) }))
        };
        store.write_notice(Some(request()), MORNING_US, new_id(), id, &write).await.unwrap().unwrap();
        let expected = if number == 2 && state == RevisionState::Published { 120 } else { 60 };
        let told = store.outages_told(&[outage, new_id()]).await.unwrap();
        assert_eq!(told, BTreeMap::from([(outage, at(expected).as_microsecond())]), "{number} {state}");
    }
}

async fn of_an_outage_with_several_notices_the_one_that_lags_behind_says_what_is_told(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let (outage, one, two) = (new_id(), new_id(), new_id());
    let told = async |id: Uuid, kind: RevisionKind, written: i64| {
        let decide = move |stored: Option<&StoredNotice>| {
            let blank = || Notice { version: 0, outage_id: Some(outage), revisions: vec![], ..notice(id) };
            let mut next = stored.map_or_else(blank, |stored| stored.notice.clone());
            next.version += 1;
            let content = Content { kind, ..revision(next.version).content };
            next.revisions.push(Revision { content, created_at: at(written), ..revision(next.version) });
            Ok(becomes(next))
        };
        store.write_notice(Some(request()), MORNING_US, new_id(), id, &decide).await.unwrap().unwrap();
        store.outages_told(&[outage]).await.unwrap()
    };
    for (id, kind, written, expected, why) in [
        (one, RevisionKind::Initial, 60, 60, "alone"),
        (two, RevisionKind::Initial, 90, 60, "the newer one says nothing to readers of the older one"),
        (one, RevisionKind::Update, 120, 90, "nor the other way about"),
        (two, RevisionKind::Update, 150, 120, "all know at least this"),
        (two, RevisionKind::Cancel, 180, 120, "what has ended neither holds back nor counts"),
        (one, RevisionKind::Cancel, 210, 210, "when all have ended, the last word counts"),
        (new_id(), RevisionKind::Initial, 100, 100, "until another one begins"),
    ] {
        let told = told(id, kind, written).await;
        assert_eq!(told, BTreeMap::from([(outage, at(expected).as_microsecond())]), "{why}");
    }
}

async fn an_outage_has_a_draft_while_a_revision_about_it_that_was_written_since_is_open(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let (outage, mut ids) = (new_id(), [new_id(), new_id()]);
    ids.sort_unstable();
    let write = async |id: Uuid, state: RevisionState, national: bool| {
        let decide = move |stored: Option<&StoredNotice>| {
            let version = stored.map_or(1, |stored| stored.notice.version + 1);
            let published_at = (state == RevisionState::Published).then(|| at(90));
            let revisions = vec![Revision { state, published_at, created_at: at(60), ..revision(1) }];
            let notice = Notice { version, outage_id: Some(outage), revisions, ..notice(id) };
            let NoticeDecision::Becomes(write) = becomes(notice.clone()) else { unreachable!() };
            let stored = StoredNotice { notice, national };
            Ok(NoticeDecision::Becomes(Box::new(NoticeWrite { stored, ..*write })))
        };
        store.write_notice(Some(request()), MORNING_US, new_id(), id, &decide).await.unwrap().unwrap();
    };
    let draft = async |since| {
        let asked = [(new_id(), 0), (outage, at(since).as_microsecond())];
        let found = store.outage_drafts(&asked).await.unwrap();
        assert!(found.keys().all(|known| *known == outage), "{found:?}");
        found.get(&outage).copied()
    };
    write(new_id(), RevisionState::Draft, true).await;
    assert_eq!(draft(60).await, None, "a national one is written elsewhere");
    write(ids[1], RevisionState::Approved, false).await;
    assert_eq!((draft(60).await, draft(61).await), (Some(ids[1]), None));
    write(ids[0], RevisionState::Draft, false).await;
    assert_eq!(draft(60).await, Some(ids[0]), "the oldest of several");
    write(ids[0], RevisionState::Published, false).await;
    assert_eq!(draft(60).await, Some(ids[1]));
    write(ids[1], RevisionState::Withdrawn, false).await;
    assert_eq!(draft(60).await, None);
    assert_eq!(store.notices_of_outage(outage).await.unwrap(), ids);
}

async fn a_plan_leaves_out_whom_another_notice_of_the_incident_and_phase_reaches(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    import(&store, (0..40).map(customer).collect()).await;
    let feeder = Area { feeder: Some("471E1".into()), ..Area::default() };
    let regional = Dispatch { places: vec![feeder], ..dispatch(new_id()) };
    store.open_dispatch(&regional).await.unwrap();
    turn(&store).await;
    let count = async |asked: Dispatch| {
        let groups = store.count_recipients(&asked, 7).await.unwrap();
        groups.iter().map(|(_, _, recipients)| recipients).sum::<u64>()
    };
    let national = dispatch(new_id());
    assert_eq!(count(national.clone()).await, 32, "the others alone");
    assert_eq!(count(Dispatch { phase: Phase::AllClear, ..national.clone() }).await, 40, "another phase is news");
    assert_eq!(count(Dispatch { incident: String::new(), ..national }).await, 40);
    assert_eq!(
        count(Dispatch { revision: i64::MAX, ..regional }).await,
        8,
        "and whom its own revisions reached is told"
    );
}

async fn progress_is_counted_by_minute_and_province_and_told_once_for_each_change(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    import(&store, (1..=10).map(customer).collect()).await;
    let id = new_id();
    publish(&store, id).await;
    turn(&store).await;
    take(&store, 4, MORNING_US + 90_000_000).await;
    take(&store, 2, MORNING_US).await;
    store.notice_read(id, &["VN-SG".into()], MORNING_US + 7).await.unwrap();
    store.notice_read(id, &["VN-SG".into()], MORNING_US + 9).await.unwrap();
    let progress = store.notice_progress(id).await.unwrap();
    let revision = &progress.revisions[&1];
    let minute = MORNING_US.div_euclid(MINUTE) * MINUTE;
    assert_eq!(revision.accepted, BTreeMap::from([(minute, 2), (minute + MINUTE, 4)]));
    let counts = [((Way::Sms, DeliveryState::Queued), 4), ((Way::Sms, DeliveryState::Sent), 6)];
    assert_eq!(revision.counts, BTreeMap::from(counts));
    let first = |province: &str, channel| progress.first.get(&(province.to_owned(), channel)).copied();
    assert_eq!(first("VN-SG", NoticeChannel::Web), Some(MORNING_US + 7), "the first reader counts");
    assert_eq!(first("VN-57", NoticeChannel::Sms), Some(MORNING_US + 90_000_000), "and the first that was kept");
    let lease = lease::take(store.db(), "notice progress", "a", 0, i64::MAX).await.unwrap().unwrap();
    let seen = store.notices_moved(Uuid::nil(), 10).await.unwrap();
    assert_eq!((seen.len(), &seen[0].1), (1, &progress));
    // What comes between looking and telling is told the next time.
    take(&store, 1, MORNING_US).await;
    store.tell_progress(&lease, &[seen[0].0], new_id(), MORNING_US, vec![]).await.unwrap();
    let again = store.notices_moved(Uuid::nil(), 10).await.unwrap();
    assert_eq!((again[0].0.version, again[0].1.revisions[&1].accepted[&minute]), (1, 3));
    store.tell_progress(&lease, &[again[0].0], new_id(), MORNING_US, vec![]).await.unwrap();
    assert_eq!(store.notices_moved(Uuid::nil(), 10).await.unwrap(), []);
}

async fn an_erased_customer_is_named_by_no_notice_and_as_many_are_named(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    import(&store, (1..=2).map(customer).collect()).await;
    let id = new_id();
    publish(&store, id).await;
    erase(&store, code(1)).await.unwrap();
    let stored = store.notice(id).await.unwrap().unwrap();
    let named = &stored.notice.revisions[0].content.audience.customers;
    assert_eq!(named.len(), 2);
    assert!(
        !named.contains(&code(1)) && named.iter().any(gridcare_domain::customer_code::CustomerCode::is_pseudonym),
        "{named:?}"
    );
}

on_both_engines!(
    publishing_is_one_transaction_and_a_repetition_finds_its_answer,
    an_older_revision_is_written_alone_when_it_is_the_one_that_changed,
    of_more_notices_than_are_shown_the_newest_are_kept,
    an_outage_is_told_by_what_was_written_and_published_about_it,
    of_an_outage_with_several_notices_the_one_that_lags_behind_says_what_is_told,
    an_outage_has_a_draft_while_a_revision_about_it_that_was_written_since_is_open,
    a_plan_leaves_out_whom_another_notice_of_the_incident_and_phase_reaches,
    progress_is_counted_by_minute_and_province_and_told_once_for_each_change,
    an_erased_customer_is_named_by_no_notice_and_as_many_are_named,
);
