use gridcare_proto::federation::v1 as wire;
use gridcare_tests::{Place, Process, calls, eventually, world::World};

crate::on_both_engines!(a_node_that_dies_shows_since_when_with_its_last_figures_and_catches_up_by_itself);

async fn status(gateway: &Process) -> Option<wire::GetNationalStatusResponse> {
    let request = wire::GetNationalStatusRequest { from: Some(calls::at(-86_400)), until: Some(calls::at(86_400)) };
    Some(calls::nation(gateway).get_national_status(request).await.ok()?.into_inner())
}

fn reach(status: &wire::GetNationalStatusResponse) -> wire::RegionReach {
    status.completeness.as_ref().unwrap().regions.iter().find(|r| r.region == "SPC").unwrap().clone()
}

fn open(status: &wire::GetNationalStatusResponse) -> u64 {
    status.tickets.iter().find(|t| t.region == "SPC").map_or(0, |t| t.open)
}

async fn a_node_that_dies_shows_since_when_with_its_last_figures_and_catches_up_by_itself(place: Place) {
    let world = World::new(place);
    let (hcmc, mut spc) = tokio::join!(world.node("hcmc-1", "HCMC"), world.node("spc-1", "SPC"));
    let gateway = world.gateway(&[("hcmc-1", "HCMC", &hcmc), ("spc-1", "SPC", &spc)]).await;
    calls::tickets(&spc).open_ticket(calls::opening("Mất điện ở Cần Thơ")).await.unwrap();
    eventually("the ticket is counted nationally", || async {
        status(&gateway).await.filter(|s| open(s) == 1 && s.completeness.as_ref().unwrap().covered == 2)
    })
    .await;

    spc.kill();
    let dark = eventually("the node shows as unreachable", || async {
        status(&gateway).await.filter(|s| reach(s).status() == wire::ReachStatus::Unreachable)
    })
    .await;
    let completeness = dark.completeness.clone().unwrap();
    assert_eq!((completeness.expected, completeness.covered), (2, 1));
    let gone = reach(&dark);
    assert!(gone.since.is_some(), "it says since when");
    assert!(gone.as_of.is_some(), "and how old its figures are");
    assert_eq!(open(&dark), 1, "its last figures stay");

    spc.restart().await;
    calls::tickets(&spc).open_ticket(calls::opening("Vẫn mất điện")).await.unwrap();
    // Its changes may come before the next look at whether it answers.
    eventually("it catches up by itself and answers", || async {
        status(&gateway).await.filter(|s| open(s) == 2 && reach(s).status() == wire::ReachStatus::Ok)
    })
    .await;
}
