use std::collections::HashSet;

use gridcare_chassis::id::new_id;
use gridcare_domain::{
    feed::{Change, Kind},
    outage::{
        self, Area, By, Cause, Confidence, CrewState, Draft, Estimate, EstimateSource, Fact, Outage, OutageKind, Plan,
        Polygon, Position, Site, Window,
    },
    refusal::{Refusal, RefusalKind},
    reliability::Served,
    ticket::LinkKind,
};
use gridcare_store::{
    NodeStore,
    gateway::{FederatedOutage, GatewayStore, NationalOutageQuery},
    outage::{OutageQuery, OutageWrite},
    reliability::Said,
    request::Request,
    snapshot::Page,
    writer::{Changes, DecideTickets},
};
use gridcare_tests::Place;
use rand::{Rng as _, SeedableRng as _};
use uuid::Uuid;

use crate::{
    on_both_engines,
    samples::{Home, MORNING_US, at, open_new, request},
};

const BY: By<'static> = By { author: "lan", reason: "as planned" };

fn draft(feeder: &str, begins: i64) -> Draft {
    Draft {
        kind: OutageKind::Unplanned,
        cause: Cause::Equipment,
        areas: vec![
            Area { feeder: Some(feeder.into()), ..Area::default() },
            Area { province: Some("VN-SG".into()), district: Some("Quận 1".into()), ..Area::default() },
        ],
        begins_at: Some(at(begins)),
        ended_at: None,
        estimate: Some(Estimate {
            earliest: at(begins + 60),
            latest: at(begins + 90),
            source: EstimateSource::Crew,
            confidence: Confidence::Low,
        }),
        customers: None,
        parent: None,
        plan: None,
        source: "SCADA".into(),
    }
}

fn made(draft: Draft) -> Outage {
    Outage::record(new_id(), draft, BY, at(0), 0).unwrap()
}

fn outage(feeder: &str, begins: i64) -> Outage {
    made(draft(feeder, begins))
}

fn write(outage: &Outage, response: &[u8]) -> OutageWrite {
    let change = Change { kind: Kind::Outage, key: outage.id.to_string(), version: outage.version, payload: vec![1] };
    OutageWrite { change, outage: outage.clone(), response: response.to_vec(), answering: None }
}

async fn record(store: &NodeStore, outage: &Outage) {
    store.record_outage(request(), MORNING_US, new_id(), &write(outage, b"recorded")).await.unwrap().unwrap();
}

fn crew(old: &Outage) -> Result<OutageWrite, Refusal> {
    let next = old.change(&[outage::Change::CrewMoved(CrewState::EnRoute)], BY, at(60), 0)?;
    Ok(write(&next, b"changed"))
}

/// A ticket is linked to an outage.
fn linked_to(outage: Uuid) -> DecideTickets {
    Box::new(move |tickets| {
        let link = gridcare_store::relation::link(tickets[0].id, LinkKind::Outage, outage, at(0));
        Ok(Changes { extras: vec![link], ..Changes::default() })
    })
}

/// Every statement about outages.
pub(crate) async fn use_outages(store: &NodeStore) {
    let whole = outage("471-E5", 0);
    record(store, &whole).await;
    let part = made(Draft { parent: Some(whole.id), ..draft("471-E5", 0) });
    record(store, &part).await;
    store.change_outage(request(), MORNING_US, new_id(), part.id, &crew).await.unwrap().unwrap();
    store.outage(part.id).await.unwrap();
    assert_eq!(store.outage_parts(whole.id).await.unwrap(), [part.id]);
    store.outages(&OutageQuery::default(), None, 10).await.unwrap();
    let site = Site { feeder: Some("471-E5"), ..Site::default() };
    store.outages_at(&[site], &OutageQuery::default()).await.unwrap();
    store.outage_settled(part.id).await.unwrap();
    store.outages_between(0, i64::MAX).await.unwrap();
    let ticket = open_new(store, "Mất điện").await;
    store.change_tickets(request(), MORNING_US, new_id(), vec![ticket.id], linked_to(part.id)).await.unwrap().unwrap();
    assert_eq!(store.linked_among(&[ticket.id, new_id()], LinkKind::Outage).await.unwrap(), HashSet::from([ticket.id]));
    let operation = new_id();
    let answer = move |old: &Outage| Ok(OutageWrite { answering: Some((operation, vec![7])), ..crew(old)? });
    store.change_outage(request(), MORNING_US, new_id(), part.id, &answer).await.unwrap().unwrap();
    assert_eq!(store.bulk_action(operation).await.unwrap(), Some(vec![7]));
    assert_eq!(store.waiting_items(operation, 10).await.unwrap(), [(1, ticket.id)]);
    store.end_bulk(operation, gridcare_store::bulk::CANCELLED, MORNING_US).await.unwrap();
    let served = Served { from: 15_000, customers: 9 };
    for (customers, version) in [(9, 1), (11, 2)] {
        let told = move |_, found| {
            assert_eq!(found, version);
            Change { kind: Kind::CustomersServed, key: "d".into(), version, payload: vec![1] }
        };
        let given = Served { customers, ..served };
        store
            .put_served(request(), MORNING_US, new_id(), Said { served: given, author: "lan", response: vec![] }, told)
            .await
            .unwrap()
            .unwrap();
    }
    assert_eq!(store.served().await.unwrap(), [Served { customers: 11, ..served }]);
    store.places().await.unwrap();
    let mut snapshot = store.begin_snapshot().await.unwrap();
    while !matches!(snapshot.next().await.unwrap(), Page::End(..)) {}
}

/// An outage of a member, as the country knows it.
pub(crate) fn national(n: i64) -> FederatedOutage {
    let ended_us = (n % 2 == 0).then(|| MORNING_US + n * 60 + 30);
    FederatedOutage {
        id: Uuid::from_u128(u128::try_from(n).unwrap() + 1),
        version: 1,
        kind: OutageKind::ALL[usize::try_from(n % 2).unwrap()],
        begins_us: MORNING_US + n * 60,
        ended_us,
        state: vec![1],
    }
}

/// Every statement about outages of members.
pub(crate) async fn use_national_outages(store: &GatewayStore) {
    let query = NationalOutageQuery { nodes: vec!["north".into()], ..NationalOutageQuery::default() };
    let page = store.national_outages(&query, None, 10).await.unwrap();
    assert_eq!((page.len(), page[0].outage.clone()), (10, national(999)));
    let lasting = store.national_outages_between("north", MORNING_US, MORNING_US + 600).await.unwrap();
    assert_eq!(lasting.len(), 10);
    assert_eq!(store.national_served("north").await.unwrap(), [Served { from: 15_000, customers: 9 }]);
    let elsewhere = NationalOutageQuery { nodes: vec!["south".into()], ..query };
    assert_eq!(store.national_outages(&elsewhere, None, 10).await.unwrap(), []);
}

async fn an_outage_is_read_as_it_was_written_and_changes_whole(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let old = outage("471-E5", 0);
    record(&store, &old).await;
    assert_eq!(store.outage(old.id).await.unwrap(), Some(old.clone()));
    let areas = vec![Area { area_code: Some("PD0100".into()), ..Area::default() }];
    let changes = [
        outage::Change::Redrawn(areas),
        outage::Change::Estimated(None),
        outage::Change::Claimed { fact: Fact::Restoration(Some(at(50))), source: "SCADA".into(), choose: false },
    ];
    let new = old.change(&changes, BY, at(60), 0).unwrap();
    let become_new = |found: &Outage| {
        assert_eq!(*found, old, "a change is decided on all that is known");
        Ok(write(&new, b"changed"))
    };
    let change = async |decide: &(dyn Fn(&Outage) -> Result<OutageWrite, Refusal> + Send + Sync), id| {
        store.change_outage(request(), MORNING_US, new_id(), id, decide).await.unwrap()
    };
    assert_eq!(change(&become_new, old.id).await.unwrap(), b"changed");
    assert_eq!(store.outage(old.id).await.unwrap(), Some(new.clone()));
    let at_feeder = Site { feeder: Some("471-E5"), ..Site::default() };
    assert_eq!(store.outages_at(&[at_feeder], &OutageQuery::default()).await.unwrap(), []);
    let head = store.feed_head().await.unwrap().cursor.position;
    let refuse = |_: &Outage| Err(Refusal::new(RefusalKind::Conflict, "ETAG_MISMATCH", "as planned"));
    assert_eq!(change(&refuse, old.id).await.unwrap_err().reason, "ETAG_MISMATCH");
    assert_eq!(change(&refuse, new_id()).await.unwrap_err().reason, "NO_SUCH_OUTAGE");
    assert_eq!(store.outage(old.id).await.unwrap(), Some(new), "a refusal leaves no trace");
    assert_eq!((head, store.feed_head().await.unwrap().cursor.position), (2, 2), "each change is one entry");
}

async fn no_outage_is_a_part_of_itself_or_of_none(place: Place) {
    let home = Home::new(place).await;
    let stores = [home.store().await, home.store().await];
    let pair = [outage("471-E5", 0), outage("472-E5", 0)];
    for outage in &pair {
        record(&stores[0], outage).await;
    }
    let nest = async |store: &NodeStore, id: Uuid, into: Uuid| {
        let into = move |old: &Outage| {
            Ok(write(&old.change(&[outage::Change::Nested(Some(into))], BY, at(60), 0)?, b"nested"))
        };
        store
            .change_outage(request(), MORNING_US, new_id(), id, &into)
            .await
            .unwrap()
            .map_err(|r| r.violations[0].reason)
    };
    assert_eq!(nest(&stores[0], pair[0].id, new_id()).await, Err("NO_SUCH_OUTAGE"));
    // Both at one moment: one of them is told.
    let (one, two) = tokio::join!(nest(&stores[0], pair[0].id, pair[1].id), nest(&stores[1], pair[1].id, pair[0].id));
    assert_eq!((u8::from(one.is_ok()) + u8::from(two.is_ok()), one.err().or(two.err())), (1, Some("PART_OF_ITSELF")));
    let orphan = made(Draft { parent: Some(new_id()), ..draft("473-E5", 0) });
    let refused = stores[0].record_outage(request(), MORNING_US, new_id(), &write(&orphan, b"")).await.unwrap();
    assert_eq!(refused.unwrap_err().violations[0].field, "outage.parent_id");
}

async fn one_request_writes_once_however_often_it_comes(place: Place) {
    let home = Home::new(place).await;
    let stores = [home.store().await, home.store().await];
    let once = request();
    let tries = (0..12).map(|i| {
        let store = stores[i % 2].clone();
        let outage = outage("471-E5", 0);
        async move {
            let write = write(&outage, outage.id.as_bytes());
            store.record_outage(once, MORNING_US, new_id(), &write).await.unwrap().unwrap()
        }
    });
    let answers = futures::future::join_all(tries).await;
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "all are told of the same outage");
    let all = stores[0].outages(&OutageQuery::default(), None, 100).await.unwrap();
    assert_eq!(all.len(), 1);
    let other = Request { body: new_id(), ..once };
    let refused = stores[0].record_outage(other, MORNING_US, new_id(), &write(&outage("x", 0), b"")).await.unwrap();
    let refused = refused.unwrap_err();
    assert_eq!(refused.reason, "REQUEST_ID_REUSED");

    let id = all[0].id;
    let changes = (0..10).map(|i| {
        let store = stores[i % 2].clone();
        async move {
            store.change_outage(request(), MORNING_US, new_id(), id, &crew).await.unwrap().unwrap();
        }
    });
    futures::future::join_all(changes).await;
    assert_eq!(stores[0].outage(id).await.unwrap().unwrap().version, 11, "none is lost");
}

/// Outages of all kinds around a few places.
fn many(seed: u64) -> Vec<Outage> {
    let mut random = rand::rngs::StdRng::seed_from_u64(seed);
    let mut pick = |n: u32| random.random_range(0..n);
    (0..120)
        .map(|_| {
            let begins = i64::from(pick(100)) * 60;
            let areas = (0..=pick(2)).map(|_| match pick(5) {
                0 => Area { province: Some(format!("VN-0{}", 1 + pick(2))), ..Area::default() },
                1 => Area {
                    province: Some("VN-01".into()),
                    district: Some(["Quận 1", "QUAN 2"][pick(2) as usize].into()),
                    ..Area::default()
                },
                2 => Area { area_code: Some(format!("A{}", pick(3))), ..Area::default() },
                3 => Area { feeder: Some(format!("F{}", pick(3))), province: Some("VN-01".into()), ..Area::default() },
                _ => Area { feeder: Some(format!("f{}", pick(3))), ..Area::default() },
            });
            let areas = areas.collect();
            let kind = if pick(2) == 0 { OutageKind::Planned } else { OutageKind::Unplanned };
            let ended_at = (pick(2) == 0).then(|| at(begins + 60 * i64::from(pick(30))));
            let window = Window { starts_at: at(begins), ends_at: at(begins + 60) };
            let plan = Plan { window, alternative: None, announced_at: None, emergency_reason: Some("storm".into()) };
            let plan = (kind == OutageKind::Planned).then_some(plan);
            made(Draft { areas, kind, ended_at, plan, ..draft("", begins) })
        })
        .collect()
}

async fn outages_of_a_place_and_time_are_those_that_a_look_at_each_would_find(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let all = many(1);
    for outage in &all {
        record(&store, outage).await;
    }
    let site =
        |province, district, area_code, feeder| Site { province, district, area_code, feeder, ..Site::default() };
    let sites = [
        vec![site(Some("VN-01"), Some("quan 1"), Some("A0"), Some("F1"))],
        vec![site(None, None, None, Some("F2"))],
        vec![site(Some("VN-02"), None, None, None), site(Some("VN-01"), Some("Quận 2"), Some("a2"), None)],
        vec![site(Some("VN-57"), Some("Quận 1"), None, None)],
        vec![],
    ];
    let mut met = 0;
    for sites in &sites {
        for kind in [None, Some(OutageKind::Planned)] {
            for (from, until) in [(None, None), (Some(1_800), Some(1_801)), (Some(3_000), None), (None, Some(600))] {
                let us = |second: Option<i64>| second.map(|second| at(second).as_microsecond());
                let query = OutageQuery { kind, from_us: us(from), until_us: us(until) };
                let found = store.outages_at(sites, &query).await.unwrap();
                let mut expected: Vec<_> = all
                    .iter()
                    .filter(|o| sites.iter().any(|site| o.covers(site)))
                    .filter(|o| kind.is_none_or(|kind| o.kind == kind))
                    .filter(|o| from.is_none_or(|from| o.ended_at.is_none_or(|ended| ended > at(from))))
                    .filter(|o| until.is_none_or(|until| o.begins_at < at(until)))
                    .cloned()
                    .collect();
                expected.sort_by_key(|o| std::cmp::Reverse((o.begins_at, o.id)));
                assert_eq!(found, expected, "{sites:?} {query:?}");
                met += found.len();
            }
        }
    }
    assert!(met > 100, "the question has answers: {met}");
}

async fn outages_near_a_place_are_those_whose_boxes_come_near_and_those_at_it_cover_it(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    // A box of 220 m around so many ten-millionths of a degree east of the site: about a centimetre each.
    let at_east = |east: i32| Position { lon_e7: 1_067_000_000 + east, lat_e7: 107_700_000 };
    let drawn = |province: Option<&str>, east, begins| {
        let polygon = Polygon::around(&[at_east(east)], 10_000);
        let areas = vec![Area { province: province.map(str::to_owned), polygon, ..Area::default() }];
        made(Draft { areas, ..draft("", begins) })
    };
    let all = [
        drawn(None, 0, 50),
        drawn(Some("VN-SG"), 0, 40),
        drawn(None, 40_000, 30),
        drawn(Some("VN-SG"), 40_000, 20),
        drawn(Some("VN-57"), 40_000, 10),
        drawn(None, 70_000, 0),
    ];
    for outage in &all {
        record(&store, outage).await;
    }
    let known = Site { province: Some("vn-sg"), position: Some(at_east(0)), ..Site::default() };
    let bare = Site { province: None, ..known };
    let everywhere = Site { position: None, ..known };
    let places = |found: Vec<Outage>| -> Vec<usize> {
        found.iter().map(|outage| all.iter().position(|known| known.id == outage.id).unwrap()).collect()
    };
    let query = OutageQuery::default();
    for (site, covering, near) in
        [(known, vec![0, 1], vec![0, 1, 2, 3]), (bare, vec![0], vec![0, 2]), (everywhere, vec![], vec![])]
    {
        assert_eq!(places(store.outages_at(&[site], &query).await.unwrap()), covering, "{site:?}");
        assert_eq!(places(store.outages_near(&[site], 500.0, &query).await.unwrap()), near, "{site:?}");
    }
    let early = OutageQuery { until_us: Some(at(30).as_microsecond()), ..query };
    assert_eq!(places(store.outages_near(&[known], 500.0, &early).await.unwrap()), [3]);
}

async fn pages_hold_every_outage_once_the_latest_beginning_first(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let all = many(2);
    for outage in &all {
        record(&store, outage).await;
    }
    let query = OutageQuery {
        kind: Some(OutageKind::Unplanned),
        from_us: Some(at(600).as_microsecond()),
        until_us: Some(at(4_000).as_microsecond()),
    };
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.outages(&query, after, 7).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.begins_at.as_microsecond(), last.id));
        found.extend(page);
    }
    let mut expected = all;
    expected.retain(|o| {
        o.kind == OutageKind::Unplanned && o.begins_at < at(4_000) && o.ended_at.is_none_or(|ended| ended > at(600))
    });
    expected.sort_by_key(|o| std::cmp::Reverse((o.begins_at, o.id)));
    assert!(expected.len() > 20);
    assert_eq!(found, expected);
}

on_both_engines!(
    an_outage_is_read_as_it_was_written_and_changes_whole,
    no_outage_is_a_part_of_itself_or_of_none,
    one_request_writes_once_however_often_it_comes,
    outages_of_a_place_and_time_are_those_that_a_look_at_each_would_find,
    outages_near_a_place_are_those_whose_boxes_come_near_and_those_at_it_cover_it,
    pages_hold_every_outage_once_the_latest_beginning_first,
);
