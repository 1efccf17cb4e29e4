use gridcare_proto::customer::v1 as wire;
use gridcare_tests::{Place, calls, tool, world::World};
use tonic::Code;

crate::on_both_engines!(a_node_names_who_serves_a_code_that_is_not_its_own, a_table_of_the_configuration_decides);

/// Noon of a day in Vietnam.
fn noon(year: i16, month: i8, day: i8) -> prost_types::Timestamp {
    let zone = jiff::tz::TimeZone::get("Asia/Ho_Chi_Minh").unwrap();
    let noon = jiff::civil::date(year, month, day).at(12, 0, 0, 0).to_zoned(zone).unwrap();
    prost_types::Timestamp { seconds: noon.timestamp().as_second(), nanos: 0 }
}

async fn a_node_names_who_serves_a_code_that_is_not_its_own(place: Place) {
    let world = World::new(place);
    let node = world.node("spc-1", "SPC").await;
    let mut customers = calls::customers(&node);
    let resolve =
        |code: &str, province: &str, at| wire::ResolveOwnerRequest { code: code.into(), province: province.into(), at };
    let before =
        customers.resolve_owner(resolve("PB04000000001", "", Some(noon(2025, 6, 30)))).await.unwrap().into_inner();
    assert_eq!((before.region.as_str(), before.own, before.rule.as_str()), ("SPC", true, "PB"));
    let since =
        customers.resolve_owner(resolve("PB04000000001", "", Some(noon(2025, 7, 1)))).await.unwrap().into_inner();
    assert_eq!((since.region.as_str(), since.own, since.since.as_str()), ("HCMC", false, "2025-07-01"));
    let placed = customers.resolve_owner(resolve("PX04000000001", "VN-HN", None)).await.unwrap().into_inner();
    assert_eq!(
        (placed.region.as_str(), placed.rule.as_str()),
        ("HANOI", "VN-HN"),
        "the province, where no prefix says"
    );
    let unknown = customers.resolve_owner(resolve("PX04000000001", "", None)).await.unwrap_err();
    assert_eq!((unknown.code(), calls::reason(&unknown).as_str()), (Code::NotFound, "UNKNOWN_CODE"));

    let get = |code: &str| wire::GetCustomerRequest { code: code.into() };
    let elsewhere = customers.get_customer(get("PB04000000001")).await.unwrap_err();
    assert_eq!((elsewhere.code(), calls::reason(&elsewhere).as_str()), (Code::FailedPrecondition, "NOT_OURS"));
    assert_eq!(elsewhere.message(), "this customer is served by HCMC since 2025-07-01; ask there");
    let own = customers.get_customer(get("PB05000000001")).await.unwrap_err();
    assert_eq!((own.code(), calls::reason(&own).as_str()), (Code::NotFound, "NO_SUCH_CUSTOMER"));
    let unknown = customers.get_customer(get("PX05000000001")).await.unwrap_err();
    assert_eq!(calls::reason(&unknown), "UNKNOWN_CODE");
    let draft = wire::CustomerDraft { code: "PB15000000001".into(), name: "Lan".into(), ..Default::default() };
    let upsert =
        wire::UpsertCustomerRequest { request_id: calls::request_id(), customer: Some(draft), ..Default::default() };
    assert_eq!(calls::reason(&customers.upsert_customer(upsert).await.unwrap_err()), "NOT_OURS");

    let told =
        tool::run(&["customers", "owner", "PB04000000001", "--on", "2025-06-30", "--address", &node.endpoint()]).await;
    assert_eq!((told.code, told.out.as_str()), (Some(0), "SPC (by PB, this node's own)\n"));
}

async fn a_table_of_the_configuration_decides(place: Place) {
    let mut world = World::new(place);
    let table = "[{prefix: PB, region: NORTH}, {prefix: PB04, region: SOUTH, from: 2020-01-01}]";
    world.node_flags = vec!["--routing-table".into(), table.into()];
    let node = world.node("south-1", "SOUTH").await;
    let mut customers = calls::customers(&node);
    let resolve = |code: &str| wire::ResolveOwnerRequest { code: code.into(), ..Default::default() };
    assert!(customers.resolve_owner(resolve("PB04000000001")).await.unwrap().into_inner().own);
    assert_eq!(customers.resolve_owner(resolve("PB05000000001")).await.unwrap().into_inner().region, "NORTH");
    assert_eq!(calls::reason(&customers.resolve_owner(resolve("PE05000000001")).await.unwrap_err()), "UNKNOWN_CODE");

    let file = world.file("routing.yaml");
    std::fs::write(
        &file,
        "routes:\n- {prefix: PB, region: A, until: 2020-01-02}\n- {prefix: PB, region: B, from: 2020-01-01}\n",
    )
    .unwrap();
    let linted = tool::run(&["customers", "routing", file.to_str().unwrap()]).await;
    assert_eq!(linted.code, Some(1), "{linted:?}");
    assert!(linted.out.contains("routes[1]: error: PB: two rows hold on one day"), "{}", linted.out);
}
