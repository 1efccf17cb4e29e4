use gridcare_proto::{
    customer::v1 as customer,
    federation::v1::{GetNationalReliabilityRequest, GetNationalReliabilityResponse, ListNationalOutagesRequest},
    outage::v1::{self as wire, fact_claim, outage_change::Change},
    ticket::v1::Language,
};
use gridcare_tests::{Place, Process, calls, eventually, tool, world::World};

crate::on_both_engines!(
    indices_of_a_node_and_of_the_country_come_from_its_outages,
    whoever_is_in_an_outage_and_in_its_part_was_interrupted_once,
    a_bulletin_counts_the_hours_of_its_month,
    what_nobody_reports_is_no_zero,
);

const FROM: &str = "2013-05-01";
const UNTIL: &str = "2013-06-01";

async fn served(node: &Process, customers: i64) {
    let request = wire::SetCustomersServedRequest {
        request_id: calls::request_id(),
        author: "lan".into(),
        served: Some(wire::CustomersServed { from: "2008-01-01".into(), customers }),
    };
    calls::reliability(node).set_customers_served(request).await.unwrap();
}

async fn outage(node: &Process, cause: &str, customers: i64, begins: i64, ends: i64, parent: &str) -> wire::Outage {
    let draft = wire::OutageDraft {
        kind: wire::OutageKind::Unplanned.into(),
        cause: cause.into(),
        areas: vec![wire::OutageArea { feeder: "471-E5".into(), ..Default::default() }],
        begins_at: Some(calls::at(begins)),
        ended_at: Some(calls::at(ends)),
        customers,
        parent_id: parent.into(),
        ..Default::default()
    };
    let request =
        wire::RecordOutageRequest { request_id: calls::request_id(), outage: Some(draft), author: "lan".into() };
    calls::outages(node).record_outage(request).await.unwrap().into_inner().outage.unwrap()
}

async fn national(gateway: &Process) -> GetNationalReliabilityResponse {
    let request = GetNationalReliabilityRequest { from: FROM.into(), until: UNTIL.into(), regions: vec![] };
    calls::national_outages(gateway).get_national_reliability(request).await.unwrap().into_inner()
}

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
}

async fn indices_of_a_node_and_of_the_country_come_from_its_outages(place: Place) {
    let world = World::new(place);
    let (hcmc, spc) = tokio::join!(world.node("hcmc-1", "HCMC"), world.node("spc-1", "SPC"));
    let gateway = world.gateway(&[("hcmc-1", "HCMC", &hcmc), ("spc-1", "SPC", &spc)]).await;
    served(&hcmc, 1_000).await;
    served(&spc, 3_000).await;
    // HCMC: 600 customers for 50 minutes, of which 100 are a part that says it lasted as long; 200 for 4 minutes.
    let event = outage(&hcmc, "transmission", 600, 0, 3_000, "").await;
    outage(&hcmc, "transmission", 100, 0, 3_000, &event.id).await;
    outage(&hcmc, "equipment", 200, 6_000, 6_240, "").await;
    // SPC: 500 customers for 60 minutes.
    outage(&spc, "weather", 500, 0, 3_600, "").await;
    let claim = wire::FactClaim { fact: Some(fact_claim::Fact::Onset(calls::at(600))), source: "EVN".into() };
    let change = wire::ChangeOutageRequest {
        request_id: calls::request_id(),
        id: event.id.clone(),
        author: "lan".into(),
        changes: vec![wire::OutageChange {
            change: Some(Change::Claim(wire::ClaimMade { claim: Some(claim), choose: false })),
        }],
        ..Default::default()
    };
    calls::outages(&hcmc).change_outage(change).await.unwrap();

    let request = wire::GetReliabilityRequest { from: FROM.into(), until: UNTIL.into(), cemi_n: 0 };
    let own = calls::reliability(&hcmc).get_reliability(request).await.unwrap().into_inner();
    let reliability = own.reliability.unwrap();
    let of = |class: wire::ReliabilityClass| {
        reliability.indices.iter().find(|indices| indices.reliability_class() == class).unwrap()
    };
    let all = of(wire::ReliabilityClass::All);
    // 30,000 customer minutes over 1,000 customers.
    close(all.saidi, 30.0);
    close(all.saifi, 0.6);
    close(all.caidi.unwrap(), 50.0);
    close(all.maifi.unwrap(), 0.2);
    close(of(wire::ReliabilityClass::WithoutLossOfSupply).saidi, 0.0);
    close(of(wire::ReliabilityClass::LossOfSupply).saidi, 30.0);
    let claimed: Vec<_> = own.claimed.iter().map(|c| (c.chosen, c.indices.as_ref().unwrap().saidi)).collect();
    // Ten minutes later for 500 of the 600: the part knows of no other onset.
    assert_eq!(claimed, [(true, 30.0), (false, 25.0)]);

    let country = eventually("the gateway has both regions", || async {
        let found = national(&gateway).await;
        let complete = found.figure.as_ref().is_some_and(|figure| figure.covered == 2) && found.claimed.len() == 2;
        let all = found.regions.first().and_then(|region| region.reliability.clone())?.indices;
        (complete && all.first()?.interrupted == 1_100).then_some(found)
    })
    .await;
    let all = &country.regions[0].reliability.as_ref().unwrap().indices[0];
    // (30,000 + 30,000) / 4,000: not the mean of 30 and 10.
    close(all.saidi, 15.0);
    close(all.saifi, 1_100.0 / 4_000.0);
    assert_eq!(country.regions.iter().map(|r| r.region.as_str()).collect::<Vec<_>>(), ["", "HCMC", "SPC"]);
    close(country.claimed[1].indices.as_ref().unwrap().saidi, 55_000.0 / 4_000.0);
    let list = ListNationalOutagesRequest { page_size: 3, ..Default::default() };
    let listed = calls::national_outages(&gateway).list_national_outages(list).await.unwrap().into_inner();
    assert_eq!((listed.outages.len(), listed.completeness.unwrap().covered), (3, 2));
    assert!(!listed.next_page_token.is_empty());

    let (node, center) = (hcmc.endpoint(), gateway.endpoint());
    let asked = ["outages", "indices", "--from", FROM, "--until", UNTIL, "--address"];
    let ended = tool::run(&[&asked[..], &[&node]].concat()).await;
    assert!(ended.code == Some(0) && ended.out.contains("30.000"), "{ended:?}");
    let ended = tool::run(&[&asked[..], &[&center, "--gateway", "--lang", "vi"]].concat()).await;
    assert!(ended.code == Some(0) && ended.out.contains("15.000") && ended.out.contains("2 trên 2"), "{ended:?}");
}

async fn whoever_is_in_an_outage_and_in_its_part_was_interrupted_once(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let premises = customer::Premises {
        code: "1".into(),
        address: "1 Lê Lợi".into(),
        feeder: "471-E5".into(),
        province: "VN-SG".into(),
        ..Default::default()
    };
    let draft = customer::CustomerDraft {
        code: "PE01000000001".into(),
        name: "Nguyễn Văn A".into(),
        preferred_language: customer::Language::Vi.into(),
        premises: vec![premises],
        ..Default::default()
    };
    let request = customer::UpsertCustomerRequest {
        request_id: calls::request_id(),
        customer: Some(draft),
        ..Default::default()
    };
    calls::customers(&node).upsert_customer(request).await.unwrap();
    let event = outage(&node, "transmission", 600, 0, 3_000, "").await;
    outage(&node, "transmission", 100, 600, 2_400, &event.id).await;
    let more_than_one = async || {
        let request = wire::GetReliabilityRequest { from: FROM.into(), until: UNTIL.into(), cemi_n: 1 };
        let answer = calls::reliability(&node).get_reliability(request).await.unwrap().into_inner();
        answer.frequent.map(|frequent| (frequent.customers, frequent.known))
    };
    assert_eq!(more_than_one().await, Some((0, 1)));
    outage(&node, "weather", 100, 9_000, 9_600, "").await;
    assert_eq!(more_than_one().await, Some((1, 1)));
}

async fn a_bulletin_counts_the_hours_of_its_month(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    // In Hà Nội's zone: 31 May, 20:00, to 1 June, 04:00; of the region nobody knows how many, of its part 500.
    let midnight = 9 * 86_400 + 17 * 3_600;
    let event = outage(&node, "weather", 0, midnight - 4 * 3_600, midnight + 4 * 3_600, "").await;
    outage(&node, "weather", 500, midnight - 4 * 3_600, midnight + 4 * 3_600, &event.id).await;
    // 31 May, 22:00 to midnight.
    outage(&node, "equipment", 10, midnight - 2 * 3_600, midnight, "").await;
    for (month, outages, hours, listed) in
        [("2013-05", 2, "2,020", 3), ("2013-06", 1, "2,000", 2), ("2013-07", 0, "0", 0)]
    {
        let request = wire::GetBulletinRequest { month: month.into(), language: Language::En.into(), format: 0 };
        let document = calls::schedule(&node).get_bulletin(request).await.unwrap().into_inner().document;
        let totals = format!("Interruptions: {outages}; customer hours without power: {hours}.");
        assert!(document.contains(&totals), "{document}");
        assert_eq!(document.matches("471-E5").count(), listed, "{document}");
    }
}

async fn what_nobody_reports_is_no_zero(place: Place) {
    let world = World::new(place);
    let (hcmc, spc) = tokio::join!(world.node("hcmc-1", "HCMC"), world.node("spc-1", "SPC"));
    let gateway = world.gateway(&[("hcmc-1", "HCMC", &hcmc), ("spc-1", "SPC", &spc)]).await;
    served(&hcmc, 1_000).await;
    outage(&hcmc, "weather", 100, 0, 3_600, "").await;
    outage(&spc, "weather", 100, 0, 3_600, "").await;
    let found = eventually("the gateway has heard of both", || async {
        let found = national(&gateway).await;
        let figure = found.figure.clone()?;
        (figure.covered == 1 && figure.not_reported == ["SPC"]).then_some(found)
    })
    .await;
    assert_eq!(found.regions.iter().map(|r| r.region.as_str()).collect::<Vec<_>>(), ["", "HCMC"]);
    let request = wire::GetReliabilityRequest { from: FROM.into(), until: UNTIL.into(), cemi_n: 0 };
    let own = calls::reliability(&spc).get_reliability(request).await.unwrap().into_inner().reliability.unwrap();
    assert_eq!((own.customers_served, own.indices.len()), (0.0, 0));
    let bad = wire::GetReliabilityRequest { from: "May".into(), until: String::new(), cemi_n: 0 };
    let refused = calls::reliability(&spc).get_reliability(bad).await.unwrap_err();
    assert_eq!(calls::violating_fields(&refused), ["from", "until"]);
    let bad = calls::reliability(&spc).set_customers_served(wire::SetCustomersServedRequest::default()).await;
    let fields = calls::violating_fields(&bad.unwrap_err());
    assert_eq!(fields, ["author", "request_id", "served.customers", "served.from"]);
}
