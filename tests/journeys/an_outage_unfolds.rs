use gridcare_proto::outage::v1 as wire;
use gridcare_tests::{Place, calls, world::World};

crate::on_both_engines!(an_outage_is_recorded_changed_and_found_where_it_is, what_cannot_be_an_outage_is_refused_whole);

fn draft(feeder: &str, begins: i64) -> wire::OutageDraft {
    wire::OutageDraft {
        kind: wire::OutageKind::Unplanned.into(),
        cause: "equipment".into(),
        areas: vec![wire::OutageArea { feeder: feeder.into(), ..Default::default() }],
        begins_at: Some(calls::at(begins)),
        ended_at: None,
        estimate: Some(wire::ReturnEstimate {
            earliest: Some(calls::at(begins + 1_800)),
            latest: Some(calls::at(begins + 3_600)),
            source: wire::EstimateSource::Dispatcher.into(),
        }),
    }
}

async fn an_outage_is_recorded_changed_and_found_where_it_is(place: Place) {
    let world = World::new(place);
    let node = world.node("hcmc-1", "HCMC").await;
    let mut outages = calls::outages(&node);
    let request = wire::RecordOutageRequest { request_id: calls::request_id(), outage: Some(draft("471-E5", 0)) };
    let recorded = outages.record_outage(request.clone()).await.unwrap().into_inner().outage.unwrap();
    let again = outages.record_outage(request.clone()).await.unwrap().into_inner().outage.unwrap();
    assert_eq!((&recorded, recorded.etag.as_str()), (&again, "v1"), "the same request has the same answer");
    let other = wire::RecordOutageRequest { outage: Some(draft("472-E5", 0)), ..request };
    let refused = outages.record_outage(other).await.unwrap_err();
    assert_eq!(calls::reason(&refused), "REQUEST_ID_REUSED");
    for i in 1..12 {
        let outage = Some(draft(&format!("48{i}-E7"), i * 60));
        outages.record_outage(wire::RecordOutageRequest { request_id: calls::request_id(), outage }).await.unwrap();
    }

    let update = |etag: &str| wire::UpdateOutageRequest {
        request_id: calls::request_id(),
        id: recorded.id.clone(),
        etag: etag.into(),
        outage: Some(wire::OutageDraft { ended_at: Some(calls::at(2_000)), ..draft("471-E5", 0) }),
    };
    let changed = outages.update_outage(update("v1")).await.unwrap().into_inner().outage.unwrap();
    assert_eq!((changed.etag.as_str(), changed.outage.as_ref().unwrap().ended_at), ("v2", Some(calls::at(2_000))));
    let conflict = outages.update_outage(update("v1")).await.unwrap_err();
    assert_eq!((conflict.code(), calls::reason(&conflict).as_str()), (tonic::Code::Aborted, "ETAG_MISMATCH"));

    let list = |filter: wire::OutageFilter| wire::ListOutagesRequest { filter: Some(filter), ..Default::default() };
    let at_feeder = wire::OutageFilter {
        site: Some(wire::OutageArea { feeder: "471-e5".into(), province: "VN-SG".into(), ..Default::default() }),
        ..Default::default()
    };
    let found = outages.list_outages(list(at_feeder.clone())).await.unwrap().into_inner().outages;
    assert_eq!(found, [changed]);
    let still = wire::OutageFilter { from: Some(calls::at(2_000)), ..at_feeder };
    assert!(outages.list_outages(list(still)).await.unwrap().into_inner().outages.is_empty(), "it has ended by then");

    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let request = wire::ListOutagesRequest { page_size: 5, page_token: token, ..Default::default() };
        let page = outages.list_outages(request).await.unwrap().into_inner();
        seen.extend(page.outages.into_iter().map(|o| o.outage.unwrap().begins_at.unwrap().seconds));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen.len(), 12);
    assert!(seen.is_sorted_by(|a, b| a > b), "the latest beginning first");
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
    let request = wire::RecordOutageRequest { request_id: calls::request_id(), outage: Some(bad) };
    let refused = outages.record_outage(request).await.unwrap_err();
    let fields = calls::violating_fields(&refused);
    assert_eq!(fields, ["outage.areas[0].province", "outage.cause", "outage.ended_at", "outage.kind"]);
    let refused = outages.record_outage(wire::RecordOutageRequest::default()).await.unwrap_err();
    assert_eq!(calls::violating_fields(&refused), ["outage", "request_id"]);
    let unknown = wire::UpdateOutageRequest {
        request_id: calls::request_id(),
        id: gridcare_chassis::id::new_id().to_string(),
        etag: String::new(),
        outage: Some(draft("471-E5", 0)),
    };
    let refused = outages.update_outage(unknown).await.unwrap_err();
    assert_eq!((refused.code(), calls::reason(&refused).as_str()), (tonic::Code::NotFound, "NO_SUCH_OUTAGE"));
    assert!(outages.list_outages(wire::ListOutagesRequest::default()).await.unwrap().into_inner().outages.is_empty());
}
