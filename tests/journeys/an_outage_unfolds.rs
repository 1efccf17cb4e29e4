use gridcare_proto::{
    federation::v1::{PullFeedRequest, feed_entry},
    outage::v1::{self as wire, fact_claim, outage_change::Change},
};
use gridcare_tests::{Place, Process, calls, world::World};

crate::on_both_engines!(
    an_outage_is_recorded_changed_and_found_where_it_is,
    supply_returns_in_steps_and_every_claim_is_kept,
    a_feeder_is_a_part_of_a_regional_event,
    every_change_is_one_entry_of_the_feed_without_prose,
    what_cannot_be_an_outage_is_refused_whole,
);

fn draft(feeder: &str, begins: i64) -> wire::OutageDraft {
    wire::OutageDraft {
        kind: wire::OutageKind::Unplanned.into(),
        cause: "equipment".into(),
        areas: vec![wire::OutageArea { feeder: feeder.into(), ..Default::default() }],
        begins_at: Some(calls::at(begins)),
        estimate: Some(wire::ReturnEstimate {
            earliest: Some(calls::at(begins + 1_800)),
            latest: Some(calls::at(begins + 3_600)),
            source: wire::EstimateSource::Dispatcher.into(),
            confidence: wire::Confidence::Low.into(),
        }),
        source: "SCADA của Nguyễn Văn A".into(),
        ..Default::default()
    }
}

fn record(outage: wire::OutageDraft) -> wire::RecordOutageRequest {
    wire::RecordOutageRequest { request_id: calls::request_id(), outage: Some(outage), author: "lan".into() }
}

async fn recorded(node: &Process, draft: wire::OutageDraft) -> wire::Outage {
    calls::outages(node).record_outage(record(draft)).await.unwrap().into_inner().outage.unwrap()
}

fn changes(of: &wire::Outage, changes: impl IntoIterator<Item = Change>) -> wire::ChangeOutageRequest {
    wire::ChangeOutageRequest {
        request_id: calls::request_id(),
        id: of.id.clone(),
        etag: of.etag.clone(),
        author: "lan".into(),
        reason: "theo nhật ký vận hành".into(),
        changes: changes.into_iter().map(|change| wire::OutageChange { change: Some(change) }).collect(),
    }
}

async fn changed(node: &Process, of: &wire::Outage, what: impl IntoIterator<Item = Change>) -> wire::Outage {
    calls::outages(node).change_outage(changes(of, what)).await.unwrap().into_inner().outage.unwrap()
}

fn step(second: i64, kind: wire::StepKind, customers: i64) -> Change {
    let at = Some(calls::at(second));
    Change::Step(wire::SupplyStep { at, kind: kind.into(), customers, ..Default::default() })
}

fn claim(fact: fact_claim::Fact, source: &str) -> Change {
    let claim = wire::FactClaim { fact: Some(fact), source: source.into() };
    Change::Claim(wire::ClaimMade { claim: Some(claim), choose: false })
}

async fn an_outage_is_recorded_changed_and_found_where_it_is(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let mut outages = calls::outages(&node);
    let request = record(draft("471-E5", 0));
    let first = outages.record_outage(request.clone()).await.unwrap().into_inner().outage.unwrap();
    let again = outages.record_outage(request.clone()).await.unwrap().into_inner().outage.unwrap();
    assert_eq!((&first, first.etag.as_str()), (&again, "v1"), "the same request has the same answer");
    let other = wire::RecordOutageRequest { outage: Some(draft("472-E5", 0)), ..request };
    let refused = outages.record_outage(other).await.unwrap_err();
    assert_eq!(calls::reason(&refused), "REQUEST_ID_REUSED");
    for i in 1..12 {
        recorded(&node, draft(&format!("48{i}-E7"), i * 60)).await;
    }

    let restored = || [claim(fact_claim::Fact::Restoration(calls::at(2_000)), "SCADA")];
    let second = changed(&node, &first, restored()).await;
    assert_eq!((second.etag.as_str(), second.ended_at), ("v2", Some(calls::at(2_000))));
    let conflict = outages.change_outage(changes(&first, restored())).await.unwrap_err();
    assert_eq!((conflict.code(), calls::reason(&conflict).as_str()), (tonic::Code::Aborted, "ETAG_MISMATCH"));

    let list = |filter: wire::OutageFilter| wire::ListOutagesRequest { filter: Some(filter), ..Default::default() };
    let at_feeder = wire::OutageFilter {
        site: Some(wire::OutageArea { feeder: "471-e5".into(), province: "VN-SG".into(), ..Default::default() }),
        ..Default::default()
    };
    let found = outages.list_outages(list(at_feeder.clone())).await.unwrap().into_inner().outages;
    assert_eq!(found, [second]);
    let still = wire::OutageFilter { from: Some(calls::at(2_000)), ..at_feeder };
    assert!(outages.list_outages(list(still)).await.unwrap().into_inner().outages.is_empty(), "it has ended by then");

    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let request = wire::ListOutagesRequest { page_size: 5, page_token: token, ..Default::default() };
        let page = outages.list_outages(request).await.unwrap().into_inner();
        seen.extend(page.outages.into_iter().map(|outage| outage.begins_at.unwrap().seconds));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen.len(), 12);
    assert!(seen.is_sorted_by(|a, b| a > b), "the latest beginning first");
}

async fn supply_returns_in_steps_and_every_claim_is_kept(place: Place) {
    use wire::StepKind::{Lost, Regained};
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let outage = recorded(&node, draft("471-E5", 0)).await;
    let crew = [
        Change::Crew(wire::CrewState::EnRoute.into()),
        step(0, Lost, 1_000),
        step(1_800, Regained, 600),
        step(2_400, Regained, 999),
    ];
    let refused = calls::outages(&node).change_outage(changes(&outage, crew.clone())).await.unwrap_err();
    assert!(refused.message().contains("changes"), "{refused}");
    let outage = changed(&node, &outage, crew[..3].to_vec()).await;
    assert_eq!((outage.without_supply, outage.crew()), (400, wire::CrewState::EnRoute));
    assert_eq!(outage.steps.iter().map(|s| s.without_supply).collect::<Vec<_>>(), [1_000, 400]);
    let corrected = wire::SupplyStep {
        at: Some(calls::at(1_200)),
        kind: Regained.into(),
        customers: 500,
        source: "crew".into(),
        ..Default::default()
    };
    let correction = Change::CorrectStep(wire::StepCorrection { no: 2, step: Some(corrected) });
    let unexplained = wire::ChangeOutageRequest { reason: String::new(), ..changes(&outage, [correction.clone()]) };
    let refused = calls::outages(&node).change_outage(unexplained).await.unwrap_err();
    assert_eq!(calls::violating_fields(&refused), ["reason"]);
    let outage = changed(&node, &outage, [correction]).await;

    let onset = |second| fact_claim::Fact::Onset(calls::at(second));
    let claims = [claim(onset(480), "EVN, 22 May"), claim(fact_claim::Fact::Cause("third_party".into()), "a crane")];
    let outage = changed(&node, &outage, claims).await;
    assert_eq!((outage.begins_at, outage.cause.as_str()), (Some(calls::at(0)), "equipment"), "nobody chose them");
    let crane = outage.claims.last().unwrap().no;
    let outage = changed(&node, &outage, [Change::ChooseClaim(crane)]).await;
    let outage = changed(&node, &outage, [claim(fact_claim::Fact::Restoration(calls::at(3_600)), "SCADA")]).await;
    assert_eq!((outage.cause.as_str(), outage.without_supply), ("third_party", 0));
    // 1,000 for 20 minutes, then 500 for 40: 40,000 customer minutes.
    assert_eq!(outage.customer_time_us, (40_000_i64 * 60_000_000).to_string());

    let request = wire::GetOutageRequest { id: outage.id.clone() };
    let whole = calls::outages(&node).get_outage(request).await.unwrap().into_inner();
    assert_eq!(whole.outage.as_ref(), Some(&outage));
    assert_eq!(whole.history.len(), 9, "nothing that was recorded is lost");
    assert!(whole.history.iter().all(|entry| entry.author == "lan" && entry.at.is_some()));
}

async fn a_feeder_is_a_part_of_a_regional_event(place: Place) {
    let world = World::new(place);
    let node = world.node("spc-1", "SPC").await;
    let event = recorded(&node, draft("110kV", 0)).await;
    let part = wire::OutageDraft { parent_id: event.id.clone(), ..draft("471-E5", 60) };
    let part = recorded(&node, part).await;
    let request = wire::GetOutageRequest { id: event.id.clone() };
    let whole = calls::outages(&node).get_outage(request).await.unwrap().into_inner();
    assert_eq!(whole.children, [part.id.as_str()]);
    let circle = changes(&event, [Change::ParentId(part.id.clone())]);
    let refused = calls::outages(&node).change_outage(circle).await.unwrap_err();
    assert_eq!(calls::violating_fields(&refused), ["changes"]);
    let alone = changed(&node, &part, [Change::ParentId(String::new())]).await;
    assert_eq!(alone.parent_id, "");
}

async fn every_change_is_one_entry_of_the_feed_without_prose(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let outage = recorded(&node, draft("Lộ ra 471", 0)).await;
    changed(&node, &outage, [step(0, wire::StepKind::Lost, 7)]).await;
    let mut feed = calls::feed(&node).pull_feed(PullFeedRequest::default()).await.unwrap().into_inner();
    let mut told = Vec::new();
    while told.len() < 2 {
        for entry in feed.message().await.unwrap().unwrap().entries {
            if let Some(feed_entry::Change::Outage(outage)) = entry.change {
                told.push(outage);
            }
        }
    }
    assert_eq!(told.iter().map(|outage| outage.version).collect::<Vec<_>>(), [1, 2]);
    assert_eq!((told[1].id.as_str(), told[1].steps[0].customers), (outage.id.as_str(), 7));
    assert_eq!(told[1].areas[0].feeder, "", "what is not a code stays at home");
    assert!(!format!("{told:?}").contains("Nguyễn"));
}

async fn what_cannot_be_an_outage_is_refused_whole(place: Place) {
    let world = World::new(place);
    let node = world.node("spc-1", "SPC").await;
    let mut outages = calls::outages(&node);
    let bad = wire::OutageDraft {
        kind: 0,
        cause: "ghosts".into(),
        areas: vec![wire::OutageArea { district: "Quận 1".into(), ..Default::default() }],
        ended_at: Some(calls::at(-1)),
        ..draft("", 0)
    };
    let refused = outages.record_outage(record(bad)).await.unwrap_err();
    let fields = calls::violating_fields(&refused);
    assert_eq!(fields, ["outage.areas[0].province", "outage.cause", "outage.ended_at", "outage.kind"]);
    let refused = outages.record_outage(wire::RecordOutageRequest::default()).await.unwrap_err();
    assert_eq!(calls::violating_fields(&refused), ["author", "outage", "request_id"]);
    let refused = outages.change_outage(wire::ChangeOutageRequest::default()).await.unwrap_err();
    assert_eq!(calls::violating_fields(&refused), ["author", "changes", "id", "request_id"]);
    let unknown = wire::Outage { id: gridcare_chassis::id::new_id().to_string(), ..Default::default() };
    let change = changes(&unknown, [Change::Crew(wire::CrewState::Done.into())]);
    let refused = outages.change_outage(change).await.unwrap_err();
    assert_eq!((refused.code(), calls::reason(&refused).as_str()), (tonic::Code::NotFound, "NO_SUCH_OUTAGE"));
    let refused = outages.get_outage(wire::GetOutageRequest { id: unknown.id }).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::NotFound);
    assert!(outages.list_outages(wire::ListOutagesRequest::default()).await.unwrap().into_inner().outages.is_empty());
}
