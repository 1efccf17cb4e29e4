use std::collections::BTreeMap;

use gridcare_domain::{
    feed::Cursor,
    report::{
        Amount, ClockFact, ClockPhase, Facts, Key, Measure, Repetition, Selection, Sums, Tally,
        day::{Days, Grain, Step, intervals, local_day},
        wants,
    },
    ticket::{Priority, State},
};
use gridcare_store::{
    NodeStore, StoreError,
    counted::Version,
    db::Db,
    gateway::{FederatedTicket, Frame, GatewayStore, NationalChange, Seat},
    lease::{self, Lease},
    tally,
};
use gridcare_tests::Place;
use jiff::{Timestamp, tz::TimeZone};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use uuid::Uuid;

use crate::{
    on_both_engines,
    samples::{Home, MORNING_US, open, ticket},
};

const NODE: &str = "hcmc-1";
const HOUR_US: i64 = 3_600_000_000;
const ZONE: &str = "Asia/Ho_Chi_Minh";

fn zone() -> TimeZone {
    TimeZone::get(ZONE).unwrap()
}

/// Some state of some ticket.
pub(crate) fn some_facts(random: &mut StdRng) -> Facts {
    let later = |random: &mut StdRng| MORNING_US + random.random_range(0..90 * 24) * HOUR_US;
    let maybe = |random: &mut StdRng| random.random_bool(0.5).then(|| later(random));
    let pick = |random: &mut StdRng, words: &[&str]| (*words.choose(random).unwrap()).to_owned();
    let clock = |random: &mut StdRng| ClockFact {
        target: pick(random, &["restore_after_fault", "connect"]),
        kind: random.random_range(1..5),
        rule: pick(random, &["evn-2013.1/restore_after_fault/0", "evn-2026.1/restore_after_fault/1"]),
        started_us: later(random),
        deadline_us: maybe(random),
        stopped_us: maybe(random),
        breached_us: maybe(random),
        phase: *ClockPhase::ALL.choose(random).unwrap(),
    };
    let opened_us = later(random);
    Facts {
        state: *State::ALL.choose(random).unwrap(),
        merged: random.random_bool(0.1),
        category: pick(random, &["outage", "billing", ""]),
        topic: pick(random, &["outage", "billing"]),
        channel: pick(random, &["hotline", "sms"]),
        team: pick(random, &["field", ""]),
        opened_us,
        updated_us: opened_us,
        first_response_us: maybe(random),
        resolved_us: maybe(random),
        closed_us: maybe(random),
        rated: random.random_bool(0.3).then(|| (random.random_range(1..6), later(random))),
        repetition: random.random_bool(0.3).then_some(Repetition::None),
        clocks: (0..random.random_range(0..3)).map(|_| clock(random)).collect(),
    }
}

/// What the tallies of these tickets must be.
fn recounted<'a>(facts: impl Iterator<Item = &'a Facts>, zone: &TimeZone) -> Tally {
    let mut tally = Tally::default();
    facts.for_each(|facts| tally.count(facts, zone, 1));
    tally
}

/// Sums over all categories and months of half a year around, as the rows give them, and as the tally does.
async fn assert_sums(db: &Db, node: &str, tally: &Tally) {
    let first = local_day(MORNING_US, &TimeZone::UTC) - 60;
    let periods = intervals(Days { from: first, until: first + 200 }, Step::Week, 100).unwrap();
    let categories = ["", "outage", "billing", "uncategorised"].map(str::to_owned);
    let reading = tally::read(db, node, |_| wants(&periods, &categories, first + 90)).await.unwrap();
    let months = tally.months();
    let mut expected = Sums::default();
    for want in wants(&periods, &categories, first + 90) {
        let rows = if want.grain == Grain::Day { tally } else { &months };
        for (Key { measure, category, day, detail }, amount) in rows.iter() {
            if *measure == want.measure && *category == want.category && want.days.holds(*day) {
                expected.add(category, want.slot, *measure, detail.clone(), *amount);
            }
        }
    }
    for category in &categories {
        let figures = |sums: &Sums| sums.figures(category, periods.len()).unwrap();
        assert_eq!(figures(&reading.sums), figures(&expected), "{category:?}");
        assert_eq!(reading.sums.standing(category), expected.standing(category), "{category:?}");
    }
}

async fn leased(store: &NodeStore, holder: &str, now_us: i64) -> Lease {
    lease::take(store.db(), "tally roller", holder, now_us, now_us + 10).await.unwrap().unwrap()
}

async fn advance(store: &NodeStore, lease: &Lease, from: i64, versions: Vec<Version>) -> Result<i64, StoreError> {
    let through = from + i64::try_from(versions.len()).unwrap();
    let difference = store.tally_difference(versions, &zone()).await?;
    store.tally_advance(lease, NODE, from, through, &difference).await?;
    Ok(through)
}

async fn tallies_by_difference_are_those_of_a_recount(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let lease = leased(&store, "a", 0).await;
    let mut random = StdRng::seed_from_u64(7);
    let ids: Vec<Uuid> = (1..40).map(Uuid::from_u128).collect();
    let (mut newest, mut position) = (BTreeMap::<Uuid, Version>::new(), 0);
    for _ in 0..8 {
        let mut versions = Vec::new();
        for _ in 0..60 {
            let version = Version {
                id: *ids.choose(&mut random).unwrap(),
                // Out of order, and again.
                version: random.random_range(1..12),
                facts: some_facts(&mut random),
            };
            if newest.get(&version.id).is_none_or(|kept| kept.version < version.version) {
                newest.insert(version.id, version.clone());
                versions.push(version);
            } else if random.random_bool(0.5) {
                versions.push(newest[&version.id].clone());
            }
        }
        position = advance(&store, &lease, position, versions).await.unwrap();
    }
    let tally = recounted(newest.values().map(|version| &version.facts), &zone());
    assert_sums(store.db(), NODE, &tally).await;
    assert_eq!(store.tallied().await.unwrap().0.position, position);
    let ever = tally::ever(store.db(), NODE, Measure::ALL).await.unwrap();
    assert!(ever.contains(&Measure::Inflow) && ever.contains(&Measure::Clock), "{ever:?}");
    assert_eq!(tally::ever(store.db(), "another", Measure::ALL).await.unwrap(), [], "each node has its own");
    // What came to nothing is not kept.
    let audit = store.begin_audit(NODE).await.unwrap();
    assert_eq!((&audit.days, &audit.months), (&tally, &tally.months()));
    let rows = tally::read(store.db(), NODE, |_| Vec::new()).await.unwrap();
    assert!(rows.categories.iter().all(|category| !category.is_empty()), "{:?}", rows.categories);
}

async fn a_roller_that_lost_its_lease_changes_nothing(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let paused = leased(&store, "a", 0).await;
    let current = leased(&store, "b", 11).await;
    let mut random = StdRng::seed_from_u64(1);
    let version = Version { id: Uuid::from_u128(1), version: 1, facts: some_facts(&mut random) };
    let late = advance(&store, &paused, 0, vec![version.clone()]).await;
    assert!(matches!(late, Err(StoreError::LeaseLost(_))), "{late:?}");
    assert_sums(store.db(), NODE, &Tally::default()).await;
    advance(&store, &current, 0, vec![version.clone()]).await.unwrap();
    let again = advance(&store, &current, 0, vec![version.clone()]).await;
    assert!(matches!(again, Err(StoreError::LeaseLost(_))), "what was read before is not counted again");
    assert_sums(store.db(), NODE, &recounted([&version.facts].into_iter(), &zone())).await;
}

async fn a_recount_replaces_everything_and_goes_on_where_it_broke_off(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let lease = leased(&store, "a", 0).await;
    let mut random = StdRng::seed_from_u64(3);
    let gone = Version { id: Uuid::from_u128(9), version: 1, facts: some_facts(&mut random) };
    advance(&store, &lease, 0, vec![gone]).await.unwrap();
    let tickets: Vec<_> = (1..=5).map(|n| ticket(n, "Mất điện")).collect();
    for ticket in &tickets {
        open(&store, ticket).await;
    }
    store.tally_recount(&lease, NODE, ZONE).await.unwrap();
    assert_sums(store.db(), NODE, &Tally::default()).await;
    let (tallied, head) = store.tallied().await.unwrap();
    assert_eq!((tallied.position, head), (5, 5), "the feed is followed from where it stands now");
    assert_eq!((tallied.recount_after, tallied.time_zone.as_str()), (Some(Uuid::nil()), ZONE));
    let refused = advance(&store, &lease, 5, vec![]).await;
    assert!(matches!(refused, Err(StoreError::LeaseLost(_))), "the feed waits until all are counted");

    let facts: BTreeMap<Uuid, Facts> = tickets.iter().map(|ticket| (ticket.id, some_facts(&mut random))).collect();
    let mut after = Some(Uuid::nil());
    while let Some(id) = after {
        let page = store.tickets_after(id, 2).await.unwrap();
        let version = |id: Uuid| Version { id, version: 1, facts: facts[&id].clone() };
        let versions = page.iter().map(|ticket| version(ticket.id)).collect();
        let difference = store.tally_difference(versions, &zone()).await.unwrap();
        after = page.last().map(|ticket| ticket.id).filter(|_| page.len() == 2);
        store.tally_recounted(&lease, NODE, id, after, &difference).await.unwrap();
        let repeated = store.tally_recounted(&lease, NODE, id, after, &difference).await;
        assert!(matches!(repeated, Err(StoreError::LeaseLost(_))), "a part is counted once");
    }
    assert_eq!(store.tallied().await.unwrap().0.recount_after, None);
    assert_sums(store.db(), NODE, &recounted(facts.values(), &zone())).await;
    assert_eq!(advance(&store, &lease, 5, vec![]).await.unwrap(), 5, "and now the feed goes on");
}

async fn a_figure_leads_to_its_tickets_page_by_page(place: Place) {
    let home = Home::new(place).await;
    let store = home.store().await;
    let lease = leased(&store, "a", 0).await;
    let mut random = StdRng::seed_from_u64(5);
    let mut versions = Vec::new();
    for n in 1..=60 {
        let ticket = ticket(n, "Mất điện");
        open(&store, &ticket).await;
        versions.push(Version { id: ticket.id, version: 1, facts: some_facts(&mut random) });
    }
    let mut position = advance(&store, &lease, 0, versions.clone()).await.unwrap();
    // Days on which a ticket does not count any more lead to it no longer.
    for version in &mut versions {
        *version = Version { version: 2, facts: some_facts(&mut random), ..version.clone() };
    }
    position = advance(&store, &lease, position, versions.clone()).await.unwrap();
    assert_eq!(position, 120);
    let first = local_day(MORNING_US, &zone());
    let days = Days { from: first + 10, until: first + 70 };
    for measure in Measure::ALL {
        let selection =
            Selection { measure: *measure, days, categories: vec![], target: None, outcomes: vec![], detail: None };
        let mut expected: Vec<_> = versions
            .iter()
            .flat_map(|v| selection.days_of(&v.facts, &zone()).into_iter().map(|day| (day, v.id)))
            .collect();
        expected.sort_unstable();
        let (mut listed, mut after) = (Vec::new(), (days.from - 1, Uuid::max()));
        loop {
            // So few are looked at that some pages are empty.
            let (page, next) = store.tickets_behind(&selection, &zone(), after, 7, 3).await.unwrap();
            assert!(page.len() <= 3);
            listed.extend(page.iter().map(|behind| (behind.day, behind.id)));
            match next {
                Some(place) => after = place,
                None => break,
            }
        }
        assert_eq!(listed, expected, "{measure}");
    }
}

fn national(id: u128, version: i64, facts: &Facts) -> FederatedTicket {
    let at = |us: i64| Timestamp::from_microsecond(us).unwrap();
    FederatedTicket {
        id: Uuid::from_u128(id),
        reference: format!("N-{id}"),
        version,
        state: facts.state,
        priority: Priority::Normal,
        topic: facts.topic.clone(),
        channel: facts.channel.clone(),
        province: String::new(),
        customer_pseudonym: String::new(),
        assignee_pseudonym: String::new(),
        opened_at: at(facts.opened_us),
        updated_at: at(facts.updated_us),
        resolved_at: facts.resolved_us.map(at),
        closed_at: facts.closed_us.map(at),
        category: facts.category.clone(),
        team: facts.team.clone(),
        standard: "evn-2013.1".into(),
        clocks: facts.clocks.clone(),
        first_response_at: facts.first_response_us.map(at),
        parent_id: None,
        merged_into_id: facts.merged.then(|| Uuid::from_u128(77)),
        satisfaction: facts.rated.map_or(0, |(score, _)| score),
        rated_at: facts.rated.map(|(_, us)| at(us)),
        repetition: facts.repetition.map_or(0, Repetition::number),
        locality: 1,
    }
}

async fn a_gateway_tallies_what_it_applies_snapshots_and_other_zones_included(place: Place) {
    let home = Home::new(place).await;
    let store = GatewayStore::open(&home.address, 4).await.unwrap();
    let seat =
        Seat { node: NODE.into(), region: "HCMC".into(), endpoint: "http://127.0.0.1:1".into(), expected_from_us: 0 };
    store.seat(&[seat]).await.unwrap();
    let lease = lease::take(store.db(), "feed:hcmc-1", "a", 0, i64::MAX).await.unwrap().unwrap();
    store.describe(&lease, NODE, ZONE, "1").await.unwrap();
    let at = |position: i64| match position {
        0 => Cursor { incarnation: Uuid::nil(), position, batch_id: None },
        _ => Cursor { incarnation: Uuid::from_u128(1), position, batch_id: Some(Uuid::from_u128(2)) },
    };
    let mut random = StdRng::seed_from_u64(11);
    let mut held: BTreeMap<u128, (i64, Facts)> = BTreeMap::new();
    for position in 0..6 {
        let mut changes = Vec::new();
        for _ in 0..40 {
            let (id, version, facts) =
                (random.random_range(1..30), random.random_range(1..10), some_facts(&mut random));
            changes.push(NationalChange::Ticket(national(id, version, &facts)));
            if held.get(&id).is_none_or(|(held, _)| *held < version) {
                held.insert(id, (version, facts));
            }
        }
        let frame = Frame { node: NODE.into(), from: at(position), to: at(position + 1), head: position + 1, changes };
        store.apply(&lease, &frame, 0).await.unwrap();
    }
    let tally = |held: &BTreeMap<u128, (i64, Facts)>, zone: &str| {
        recounted(held.values().map(|(_, facts)| facts), &TimeZone::get(zone).unwrap())
    };
    assert_sums(store.db(), NODE, &tally(&held, ZONE)).await;

    // A snapshot of a rewritten history: some are gone, some are older, some are new.
    let number = store.begin_snapshot(&lease, NODE).await.unwrap();
    let mut after = BTreeMap::new();
    for id in 15..45 {
        after.insert(id, (1, some_facts(&mut random)));
    }
    for part in after.iter().collect::<Vec<_>>().chunks(12) {
        let part = part.iter().map(|(id, (version, facts))| NationalChange::Ticket(national(**id, *version, facts)));
        store.snapshot_part(&lease, NODE, number, &part.collect::<Vec<_>>()).await.unwrap();
    }
    store.end_snapshot(&lease, NODE, number, &at(3), 0).await.unwrap();
    assert_sums(store.db(), NODE, &tally(&after, ZONE)).await;

    store.describe(&lease, NODE, "America/New_York", "1").await.unwrap();
    assert_sums(store.db(), NODE, &tally(&after, "America/New_York")).await;
    let expected = tally(&after, "America/New_York");
    let (inflow, amount) = expected.iter().find(|(key, _)| key.measure == Measure::Inflow).unwrap();
    assert_ne!(*amount, Amount::default(), "{inflow:?}");
}

/// Runs every statement of a node's reports.
pub(crate) async fn use_reports(store: &NodeStore) {
    let lease = lease::take(store.db(), "tally roller", "a", 0, i64::MAX).await.unwrap().unwrap();
    store.tally_recount(&lease, "hcmc-1", "UTC").await.unwrap();
    let mut random = StdRng::seed_from_u64(1);
    let page = store.tickets_after(Uuid::nil(), 10).await.unwrap();
    for version in 1..3 {
        let versions = page.iter().map(|t| Version { id: t.id, version, facts: some_facts(&mut random) }).collect();
        let difference = store.tally_difference(versions, &TimeZone::UTC).await.unwrap();
        if version == 1 {
            store.tally_recounted(&lease, "hcmc-1", Uuid::nil(), None, &difference).await.unwrap();
        } else {
            let position = store.tallied().await.unwrap().0.position;
            store.tally_advance(&lease, "hcmc-1", position, position, &difference).await.unwrap();
        }
    }
    let days = Days { from: 15_000, until: 20_000 };
    let selection =
        Selection { measure: Measure::Inflow, days, categories: vec![], target: None, outcomes: vec![], detail: None };
    store.tickets_behind(&selection, &TimeZone::UTC, (0, Uuid::nil()), 10, 10).await.unwrap();
    let mut audit = store.begin_audit("hcmc-1").await.unwrap();
    while !audit.next().await.unwrap().is_empty() {}
    drop(audit);
    read_report(store.db(), "hcmc-1").await;
    lease::release(store.db(), &lease).await.unwrap();
}

/// Runs every statement that reads a report.
pub(crate) async fn read_report(db: &Db, node: &str) {
    let days = Days { from: 15_000, until: 20_000 };
    tally::read(db, node, |_| wants(&[days], &[String::new()], 20_000)).await.unwrap();
    tally::ever(db, node, Measure::ALL).await.unwrap();
}

on_both_engines!(
    tallies_by_difference_are_those_of_a_recount,
    a_roller_that_lost_its_lease_changes_nothing,
    a_recount_replaces_everything_and_goes_on_where_it_broke_off,
    a_figure_leads_to_its_tickets_page_by_page,
    a_gateway_tallies_what_it_applies_snapshots_and_other_zones_included,
);
