use gridcare_chassis::id::new_id;
use gridcare_domain::{
    outage::{Area, Cause, Estimate, EstimateSource, Outage, OutageKind, Site},
    refusal::{Refusal, RefusalKind},
};
use gridcare_store::{NodeStore, outage::OutageQuery, request::Request};
use gridcare_tests::Place;
use rand::{Rng as _, SeedableRng as _};

use crate::{
    on_both_engines,
    samples::{Home, MORNING_US, at, request},
};

fn outage(feeder: &str, begins: i64) -> Outage {
    Outage {
        id: new_id(),
        version: 1,
        kind: OutageKind::Unplanned,
        cause: Cause::Equipment,
        areas: vec![
            Area { feeder: Some(feeder.into()), ..Area::default() },
            Area { province: Some("VN-SG".into()), district: Some("Quận 1".into()), ..Area::default() },
        ],
        begins_at: at(begins),
        ended_at: None,
        estimate: Some(Estimate { earliest: at(begins + 60), latest: at(begins + 90), source: EstimateSource::Crew }),
        updated_at: at(begins),
    }
}

async fn record(store: &NodeStore, outage: &Outage) {
    store.record_outage(request(), MORNING_US, outage, b"recorded").await.unwrap().unwrap();
}

/// Every statement about outages.
pub(crate) async fn use_outages(store: &NodeStore) {
    let one = outage("471-E5", 0);
    record(store, &one).await;
    let later = |old: &Outage| Ok((Outage { version: old.version + 1, ..old.clone() }, b"changed".to_vec()));
    store.update_outage(request(), MORNING_US, one.id, &later).await.unwrap().unwrap();
    store.outage(one.id).await.unwrap();
    store.outages(&OutageQuery::default(), None, 10).await.unwrap();
    let site = Site { feeder: Some("471-E5"), ..Site::default() };
    store.outages_at(&[site], &OutageQuery::default()).await.unwrap();
}

async fn an_outage_is_read_as_it_was_written_and_changes_whole(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let old = outage("471-E5", 0);
    record(&store, &old).await;
    assert_eq!(store.outage(old.id).await.unwrap(), Some(old.clone()));
    let new = Outage {
        version: 2,
        kind: OutageKind::Planned,
        cause: Cause::Maintenance,
        areas: vec![Area { area_code: Some("PD0100".into()), ..Area::default() }],
        begins_at: at(5),
        ended_at: Some(at(50)),
        estimate: None,
        updated_at: at(60),
        ..old.clone()
    };
    let become_new = |found: &Outage| {
        assert_eq!(*found, old, "a change is decided on all that is known");
        Ok((new.clone(), b"changed".to_vec()))
    };
    let response = store.update_outage(request(), MORNING_US, old.id, &become_new).await.unwrap().unwrap();
    assert_eq!(response, b"changed");
    assert_eq!(store.outage(old.id).await.unwrap(), Some(new.clone()));
    let at_feeder = Site { feeder: Some("471-E5"), ..Site::default() };
    assert_eq!(store.outages_at(&[at_feeder], &OutageQuery::default()).await.unwrap(), []);
    let refuse = |_: &Outage| Err(Refusal::new(RefusalKind::Conflict, "ETAG_MISMATCH", "as planned"));
    let refused = store.update_outage(request(), MORNING_US, old.id, &refuse).await.unwrap().unwrap_err();
    assert_eq!(refused.reason, "ETAG_MISMATCH");
    let nowhere = store.update_outage(request(), MORNING_US, new_id(), &refuse).await.unwrap().unwrap_err();
    assert_eq!(nowhere.reason, "NO_SUCH_OUTAGE");
    assert_eq!(store.outage(old.id).await.unwrap(), Some(new), "a refusal leaves no trace");
}

async fn one_request_writes_once_however_often_it_comes(place: Place) {
    let home = Home::new(place).await;
    let stores = [home.store().await, home.store().await];
    let once = request();
    let tries = (0..12).map(|i| {
        let store = stores[i % 2].clone();
        let outage = outage("471-E5", 0);
        async move { store.record_outage(once, MORNING_US, &outage, outage.id.as_bytes()).await.unwrap().unwrap() }
    });
    let answers = futures::future::join_all(tries).await;
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "all are told of the same outage");
    let all = stores[0].outages(&OutageQuery::default(), None, 100).await.unwrap();
    assert_eq!(all.len(), 1);
    let other = Request { body: new_id(), ..once };
    let refused = stores[0].record_outage(other, MORNING_US, &outage("x", 0), b"").await.unwrap().unwrap_err();
    assert_eq!(refused.reason, "REQUEST_ID_REUSED");

    let id = all[0].id;
    let changes = (0..10).map(|i| {
        let store = stores[i % 2].clone();
        async move {
            let next = |old: &Outage| Ok((Outage { version: old.version + 1, ..old.clone() }, Vec::new()));
            store.update_outage(request(), MORNING_US, id, &next).await.unwrap().unwrap();
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
            Outage { areas, kind, ended_at, ..outage("", begins) }
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
    let site = |province, district, area_code, feeder| Site { province, district, area_code, feeder };
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
    one_request_writes_once_however_often_it_comes,
    outages_of_a_place_and_time_are_those_that_a_look_at_each_would_find,
    pages_hold_every_outage_once_the_latest_beginning_first,
);
