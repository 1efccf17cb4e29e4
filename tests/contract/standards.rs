use gridcare_chassis::id::new_id;
use gridcare_domain::{
    acknowledgement::StandardStatus,
    feed::{Change, Kind},
    refusal::{Refusal, RefusalKind},
};
use gridcare_store::{
    NodeStore, StoreError,
    gateway::{GatewayStore, Publication, Published, Seat, TargetState},
    lease,
    request::Request,
    snapshot::Page,
    standard::{StoredOverlay, StoredStandard, WholeStandard},
};
use gridcare_tests::Place;

use crate::{
    on_both_engines,
    samples::{Home, request, whole_feed},
};

/// A bundle of this name and content that takes effect at this time.
fn bundle(name: &str, content: &str, effective_us: i64) -> WholeStandard {
    let standard = StoredStandard {
        digest: format!("{content:0>64}"),
        name: name.into(),
        status: StandardStatus::Pending,
        status_us: 0,
        reasons: Vec::new(),
        verdict: Vec::new(),
        published_us: 0,
        received_us: 0,
        effective_us: Some(effective_us),
        superseded_us: None,
        revision: 0,
        rebased: false,
    };
    WholeStandard { standard, bundle: content.into(), signature: b"signed".to_vec(), overlay: String::new() }
}

/// What a fresh node begins with.
fn initial() -> WholeStandard {
    let mut initial = bundle("evn.1", "a", 0);
    initial.standard.status = StandardStatus::InForce;
    (initial.standard.revision, initial.standard.rebased) = (1, true);
    initial
}

/// The entry of what is said of a bundle: its name and status are the payload.
fn told(standard: &StoredStandard) -> Change {
    let payload = format!("{} {}", standard.name, standard.status).into_bytes();
    Change { kind: Kind::Standard, key: standard.digest.clone(), version: standard.revision, payload }
}

fn refuse_twin(offered: &mut StoredStandard, _: &StoredStandard) {
    offered.status = StandardStatus::Refused;
    offered.reasons = vec!["VERSION_EXISTS".into()];
}

/// Offers a bundle; its status as it was answered.
async fn offer(store: &NodeStore, request: Request, bundle: WholeStandard, now_us: i64) -> String {
    let respond = |standard: &StoredStandard| standard.status.code().as_bytes().to_vec();
    let answer = store.offer_standard(request, bundle, now_us, new_id(), refuse_twin, told, respond).await;
    String::from_utf8(answer.unwrap().unwrap()).unwrap()
}

async fn begun(home: &Home) -> NodeStore {
    let store = home.store().await;
    assert!(store.begin_standards(&initial(), None, 0, new_id(), told).await.unwrap());
    store
}

/// Everything that was told, in the order of the feed.
async fn entries(store: &NodeStore) -> Vec<String> {
    let entries = whole_feed(store).await.into_iter();
    entries.map(|entry| String::from_utf8(entry.change.payload).unwrap()).collect()
}

async fn in_force(store: &NodeStore) -> Vec<String> {
    let accepted = store.accepted_standards().await.unwrap().standards.into_iter();
    let holds = accepted.filter(|whole| whole.standard.status == StandardStatus::InForce);
    holds.map(|whole| whole.standard.name).collect()
}

async fn a_bundle_takes_effect_once_and_everybody_hears_of_it_once(place: Place) {
    let home = Home::new(place).await;
    let (store, other) = (begun(&home).await, begun(&home).await);
    assert_eq!(offer(&store, request(), bundle("evn.2", "b", 50), 10).await, "pending");
    assert!(store.settle_standards(49, new_id(), told).await.unwrap().is_empty(), "its time has not come");
    let before = store.standard_revision().await.unwrap();
    let settle = |store: NodeStore| async move { store.settle_standards(50, new_id(), told).await.unwrap().len() };
    let (one, two) = tokio::join!(settle(store.clone()), settle(other));
    assert_eq!([one.min(two), one.max(two)], [0, 2], "one of the replicas does it");
    assert!(store.standard_revision().await.unwrap() > before, "so that the others look");
    assert_eq!(in_force(&store).await, ["evn.2"]);
    assert_eq!(
        entries(&store).await,
        ["evn.1 in_force", "evn.2 pending", "evn.1 superseded", "evn.2 in_force"],
        "and the second start of a node says nothing new"
    );
}

async fn a_late_bundle_takes_its_place_in_time_and_clocks_are_owed_what_follows(place: Place) {
    use StandardStatus::{InForce, Superseded};
    let home = Home::new(place).await;
    let store = begun(&home).await;
    offer(&store, request(), bundle("evn.3", "c", 40), 10).await;
    store.settle_standards(45, new_id(), told).await.unwrap();
    let lease = lease::take(store.db(), "clocks follow", "me", 0, 100).await.unwrap().unwrap();
    let accepted = store.accepted_standards().await.unwrap();
    let digest = |content: &str| format!("{content:0>64}");
    assert!(store.standard_rebased(&lease, &digest("c"), accepted.revision).await.unwrap());

    assert_eq!(offer(&store, request(), bundle("evn.2", "b", 20), 60).await, "superseded", "it held from 20 to 40");
    let seen: Vec<_> = store.accepted_standards().await.unwrap().standards;
    let seen: Vec<_> = seen
        .iter()
        .map(|WholeStandard { standard: s, .. }| (s.name.as_str(), s.status, s.superseded_us, s.rebased))
        .collect();
    assert_eq!(
        seen,
        [
            ("evn.1", Superseded, Some(20), true),
            ("evn.2", Superseded, Some(40), false),
            ("evn.3", InForce, None, false)
        ]
    );
    let stale = store.standard_rebased(&lease, &digest("c"), accepted.revision).await.unwrap();
    assert!(!stale, "what was recomputed before the late bundle came is not enough");
    lease::take(store.db(), "clocks follow", "other", 101, 200).await.unwrap().unwrap();
    let revision = store.standard_revision().await.unwrap();
    let lost = store.standard_rebased(&lease, &digest("b"), revision).await;
    assert!(matches!(lost, Err(StoreError::LeaseLost(_))));

    assert_eq!(offer(&store, request(), bundle("evn.4", "d", 55), 60).await, "in_force", "late, and the newest");
    assert_eq!(in_force(&store).await, ["evn.4"]);
}

async fn what_is_refused_changes_nothing_and_may_be_offered_again(place: Place) {
    let home = Home::new(place).await;
    let store = begun(&home).await;
    let mut stranger = bundle("", "b", 50);
    stranger.standard.status = StandardStatus::Refused;
    stranger.standard.reasons = vec!["UNKNOWN_KEY".into(), "WIDER_EXPORT".into()];
    stranger.standard.effective_us = None;
    assert_eq!(offer(&store, request(), stranger.clone(), 10).await, "refused");
    assert_eq!(offer(&store, request(), bundle("evn.1", "twin", 50), 10).await, "refused");
    assert_eq!(in_force(&store).await, ["evn.1"], "the last good one stays");
    let listed = store.standards(None, 10).await.unwrap();
    let refused = listed.iter().find(|standard| standard.name.is_empty()).unwrap();
    assert_eq!(refused.reasons, stranger.standard.reasons);
    assert_eq!(store.standard("evn.1").await.unwrap().unwrap().bundle, b"a", "the accepted one of that name");

    let again = request();
    assert_eq!(offer(&store, again, bundle("evn.2", "b", 50), 20).await, "pending", "somebody trusts the key now");
    assert_eq!(
        offer(&store, again, bundle("evn.2", "b", 50), 60).await,
        "pending",
        "the same request, the same answer"
    );
    let entries_before = entries(&store).await.len();
    assert_eq!(offer(&store, request(), bundle("evn.2", "b", 50), 30).await, "pending", "it stands as it was accepted");
    assert_eq!(entries(&store).await.len(), entries_before, "and there is nothing new to tell");
    let versions: Vec<_> = whole_feed(&store).await.into_iter().map(|e| (e.change.key, e.change.version)).collect();
    let of_b: Vec<_> = versions.iter().filter(|(key, _)| key.ends_with('b')).map(|(_, version)| *version).collect();
    assert_eq!(of_b, [1, 2], "later states have greater versions");
}

async fn what_a_node_tightens_is_kept_with_what_holds_and_never_rewritten(place: Place) {
    let home = Home::new(place).await;
    let store = begun(&home).await;
    offer(&store, request(), bundle("evn.2", "b", 50), 10).await;
    store.settle_standards(50, new_id(), told).await.unwrap();
    let overlay = |version: u32, yaml: &str| StoredOverlay { name: format!("fast.{version}"), yaml: yaml.into() };
    let begin = async |overlay: Option<StoredOverlay>| {
        store.begin_standards(&initial(), overlay.as_ref(), 60, new_id(), told).await.unwrap()
    };
    assert!(begin(Some(overlay(1, "1 h"))).await);
    let held = |standards: &[WholeStandard]| {
        standards.iter().map(|whole| (whole.overlay.clone(), whole.standard.rebased)).collect::<Vec<_>>()
    };
    let accepted = store.accepted_standards().await.unwrap();
    assert_eq!(held(&accepted.standards), [(String::new(), true), ("fast.1".to_owned(), false)]);
    assert!(!begin(Some(overlay(1, "2 h"))).await, "records name fast.1");
    assert!(begin(Some(overlay(2, "2 h"))).await);
    assert!(begin(None).await);
    let accepted = store.accepted_standards().await.unwrap();
    assert_eq!(accepted.standards[1].overlay, "", "nothing is tightened any more");
    assert_eq!(accepted.overlays, [overlay(1, "1 h"), overlay(2, "2 h")], "old stamps are still understood");
}

async fn a_snapshot_tells_everything_that_is_said(place: Place) {
    let home = Home::new(place).await;
    let store = begun(&home).await;
    for number in 2..6 {
        offer(&store, request(), bundle(&format!("evn.{number}"), &number.to_string(), number * 100), 10).await;
    }
    let mut snapshot = store.begin_snapshot().await.unwrap();
    let mut names = Vec::new();
    loop {
        match snapshot.next().await.unwrap() {
            Page::Standards(page) => names.extend(page.into_iter().map(|standard| standard.name)),
            Page::End(..) => break,
            _ => {}
        }
    }
    names.sort();
    assert_eq!(names, ["evn.1", "evn.2", "evn.3", "evn.4", "evn.5"]);
    let first = store.standards(None, 2).await.unwrap();
    let place = (first[1].received_us, first[1].digest.as_str());
    let rest = store.standards(Some(place), 10).await.unwrap();
    assert_eq!(first.len() + rest.len(), 5, "pages neither repeat nor leave out");
}

fn publication(name: &str, content: &str, published_us: i64, effective_us: i64) -> Publication {
    let standard = Published {
        name: name.into(),
        digest: format!("{content:0>64}"),
        key_id: "k".into(),
        published_us,
        effective_us,
    };
    Publication { standard, bundle: content.into(), signature: b"signed".to_vec(), too_late: None }
}

async fn publish(
    store: &GatewayStore,
    request: Request,
    publication: &Publication,
    nodes: &[&str],
) -> Result<Vec<u8>, Refusal> {
    let respond = |standard: &Published| standard.name.clone().into_bytes();
    store.publish_standard(request, publication, nodes, respond).await.unwrap()
}

async fn gateway(home: &Home) -> GatewayStore {
    let store = GatewayStore::open(&home.address, 4).await.unwrap();
    let seat = |node: &str| Seat {
        node: node.into(),
        region: node.into(),
        endpoint: "http://127.0.0.1:1".into(),
        expected_from_us: 0,
    };
    store.seat(&[seat("north"), seat("south")]).await.unwrap();
    store
}

async fn a_published_bundle_has_a_target_for_each_member_until_it_has_answered(place: Place) {
    let home = Home::new(place).await;
    let store = gateway(&home).await;
    let lease = lease::take(store.db(), "feed:north", "a", 0, 1_000).await.unwrap().unwrap();
    publish(&store, request(), &publication("evn.2", "b", 10, 100), &["north", "south"]).await.unwrap();
    publish(&store, request(), &publication("evn.3", "c", 20, 90), &["north", "south"]).await.unwrap();

    let first = store.next_target("north").await.unwrap().unwrap();
    assert_eq!((first.name.as_str(), first.state), ("evn.2", TargetState::Waiting), "in the order of publication");
    store.target_sent(&lease, &first, 30).await.unwrap();
    assert_eq!(store.next_target("north").await.unwrap().unwrap().state, TargetState::Sent);
    store.target_failed(&lease, &first, 31).await.unwrap();
    store.target_sent(&lease, &first, 40).await.unwrap();
    store.target_failed(&lease, &first, 41).await.unwrap();
    let failing = store.next_target("north").await.unwrap().unwrap();
    assert_eq!((failing.attempts, failing.failing_since_us), (2, Some(31)), "since the first failure");
    store.target_answered(&lease, &first, TargetState::Refused, b"no", 50).await.unwrap();
    let second = store.next_target("north").await.unwrap().unwrap();
    assert_eq!(second.name, "evn.3");
    store.target_answered(&lease, &second, TargetState::Acknowledged, b"yes", 51).await.unwrap();
    assert_eq!(store.next_target("north").await.unwrap(), None);
    assert_eq!(store.next_target("south").await.unwrap().unwrap().name, "evn.2", "each member has a queue of its own");
    store.target_failed(&lease, &second, 60).await.unwrap();
    assert_eq!(store.next_target("north").await.unwrap(), None, "an answer is final");

    let lost = lease::take(store.db(), "feed:north", "b", 2_000, 3_000).await.unwrap().unwrap();
    assert!(matches!(store.target_sent(&lease, &second, 70).await, Err(StoreError::LeaseLost(_))));
    publish(&store, request(), &publication("evn.2", "b", 2_100, 100), &["north", "south"]).await.unwrap();
    let again = store.next_target("north").await.unwrap().unwrap();
    assert_eq!(again.name, "evn.2", "published again, it goes once more to those who refused it");
    let published = store.published_standard("evn.2").await.unwrap().unwrap();
    assert_eq!(published.published_us, 10, "and was published when it was");
    store.target_answered(&lost, &again, TargetState::Acknowledged, b"yes", 2_200).await.unwrap();
    let states: Vec<_> = store.targets_of("evn.2").await.unwrap().into_iter().map(|t| (t.node, t.state)).collect();
    assert_eq!(states, [("north".into(), TargetState::Acknowledged), ("south".into(), TargetState::Waiting)]);
}

async fn a_version_is_published_once_and_not_too_late(place: Place) {
    let home = Home::new(place).await;
    let store = gateway(&home).await;
    let (first, two) = (request(), publication("evn.2", "b", 10, 100));
    assert_eq!(publish(&store, first, &two, &["north"]).await.unwrap(), b"evn.2");
    assert_eq!(publish(&store, first, &two, &["north"]).await.unwrap(), b"evn.2", "the same request");
    let twice = Request { body: new_id(), ..first };
    assert_eq!(publish(&store, twice, &two, &["north"]).await.unwrap_err().reason, "REQUEST_ID_REUSED");
    let other = publication("evn.2", "other", 20, 100);
    let exists = publish(&store, request(), &other, &["north"]).await.unwrap_err();
    assert_eq!((exists.kind, exists.reason), (RefusalKind::AlreadyExists, "VERSION_EXISTS"));
    let late = Refusal::new(RefusalKind::Precondition, "EFFECTIVE_IN_THE_PAST", "date it later");
    let late = |publication| Publication { too_late: Some(late.clone()), ..publication };
    let refused = publish(&store, request(), &late(publication("evn.3", "c", 20, 15)), &["north"]).await.unwrap_err();
    assert_eq!(refused.reason, "EFFECTIVE_IN_THE_PAST");
    assert_eq!(store.published_standard("evn.3").await.unwrap(), None);
    publish(&store, request(), &late(publication("evn.2", "b", 200, 100)), &["north"]).await.unwrap();
    let both = [publication("evn.4", "d", 30, 100), publication("evn.4", "e", 30, 100)];
    let (one, two) = tokio::join!(
        publish(&store, request(), &both[0], &["north"]),
        publish(&store, request(), &both[1], &["north"])
    );
    assert_eq!(usize::from(one.is_ok()) + usize::from(two.is_ok()), 1, "of two at once one wins");
    let newest = store.published_standards(None, 1).await.unwrap();
    let rest = store.published_standards(Some((newest[0].published_us, &newest[0].name)), 9).await.unwrap();
    assert_eq!([newest, rest].concat().iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["evn.4", "evn.2"]);
}

async fn a_newcomer_gets_what_holds_and_what_will_hold(place: Place) {
    let home = Home::new(place).await;
    let store = gateway(&home).await;
    for (name, effective_us) in [("evn.1", 100), ("evn.2", 200), ("evn.3", 300)] {
        publish(&store, request(), &publication(name, name, 10, effective_us), &["north"]).await.unwrap();
    }
    assert_eq!(store.target_newcomers(&["north", "south"], 250).await.unwrap(), 2);
    assert_eq!(store.target_newcomers(&["north", "south"], 260).await.unwrap(), 0, "once");
    let mut names = Vec::new();
    let lease = lease::take(store.db(), "feed:south", "a", 0, 1_000).await.unwrap().unwrap();
    while let Some(target) = store.next_target("south").await.unwrap() {
        store.target_answered(&lease, &target, TargetState::Acknowledged, b"yes", 300).await.unwrap();
        names.push(target.name);
    }
    assert_eq!(names, ["evn.2", "evn.3"], "what was superseded before it came is not its business");
}

/// Runs every statement of a node about standards.
pub(crate) async fn use_standards(store: &NodeStore) {
    let overlay = StoredOverlay { name: "fast.1".into(), yaml: "1 h".into() };
    assert!(store.begin_standards(&initial(), Some(&overlay), 0, new_id(), told).await.unwrap());
    for number in 2..40 {
        offer(store, request(), bundle(&format!("evn.{number}"), &number.to_string(), number * 10), 0).await;
    }
    store.settle_standards(25, new_id(), told).await.unwrap();
    let accepted = store.accepted_standards().await.unwrap();
    let lease = lease::take(store.db(), "clocks follow", "a", 0, i64::MAX).await.unwrap().unwrap();
    let digest = &accepted.standards[1].standard.digest;
    assert!(store.standard_rebased(&lease, digest, store.standard_revision().await.unwrap()).await.unwrap());
    store.standards(None, 10).await.unwrap();
    store.standard("evn.2").await.unwrap().unwrap();
    lease::release(store.db(), &lease).await.unwrap();
}

/// Runs every statement of a gateway about standards.
pub(crate) async fn use_published_standards(store: &GatewayStore) {
    let lease = lease::take(store.db(), "feed south", "a", 0, i64::MAX).await.unwrap().unwrap();
    for number in 0..40 {
        let publication = publication(&format!("evn.{number}"), &number.to_string(), number, number * 10);
        publish(store, request(), &publication, &["south"]).await.unwrap();
    }
    publish(store, request(), &publication("evn.1", "1", 1, 10), &["south"]).await.unwrap();
    store.target_newcomers(&["north", "south"], 25).await.unwrap();
    let target = store.next_target("south").await.unwrap().unwrap();
    store.target_sent(&lease, &target, 1).await.unwrap();
    store.target_failed(&lease, &target, 2).await.unwrap();
    store.target_answered(&lease, &target, TargetState::Refused, b"no", 3).await.unwrap();
    store.targets_of("evn.1").await.unwrap();
    store.published_standard("evn.1").await.unwrap().unwrap();
    store.published_bytes("evn.1").await.unwrap().unwrap();
    store.published_standards(None, 10).await.unwrap();
    store.standards_in_force().await.unwrap();
    store.acknowledgements_of("d").await.unwrap();
    let mut after = Some(uuid::Uuid::nil());
    while let Some(key) = after {
        after = store.expire_requests(key, 100, i64::MAX).await.unwrap();
    }
    lease::release(store.db(), &lease).await.unwrap();
}

on_both_engines!(
    a_bundle_takes_effect_once_and_everybody_hears_of_it_once,
    a_late_bundle_takes_its_place_in_time_and_clocks_are_owed_what_follows,
    what_is_refused_changes_nothing_and_may_be_offered_again,
    what_a_node_tightens_is_kept_with_what_holds_and_never_rewritten,
    a_snapshot_tells_everything_that_is_said,
    a_published_bundle_has_a_target_for_each_member_until_it_has_answered,
    a_version_is_published_once_and_not_too_late,
    a_newcomer_gets_what_holds_and_what_will_hold,
);
