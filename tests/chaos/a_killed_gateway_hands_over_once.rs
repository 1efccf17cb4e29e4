use std::time::Duration;

use gridcare_proto::notice::v1 as wire;
use gridcare_tests::{Place, Process, calls, eventually, recipients, world::World};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use tonic::{Code, Status};

crate::on_both_engines!(what_a_gateway_published_between_kills_lands_once_and_in_order);

const CUSTOMERS: usize = 20;
const REVISIONS: i64 = 8;

async fn what_a_gateway_published_between_kills_lands_once_and_in_order(place: Place) {
    let world = World::new(place);
    let (hcmc, spc) = (world.node("hcmc-1", "HCMC").await, world.node("spc-1", "SPC").await);
    recipients::import(&hcmc, CUSTOMERS).await;
    let mut gateway = world.gateway(&[("hcmc-1", "HCMC", &hcmc), ("spc-1", "SPC", &spc)]).await;
    let notices = calls::notices(&gateway);
    let create = wire::CreateNoticeRequest {
        request_id: calls::request_id(),
        incident: "500kV-2013-05-22".into(),
        author: "lan".into(),
        content: Some(content(1)),
        ..Default::default()
    };
    let id = notices.clone().create_notice(create).await.unwrap().into_inner().notice.unwrap().id;
    let mut random = StdRng::seed_from_u64(20_130_522);
    for revision in 1..=REVISIONS {
        if revision > 1 {
            let write = wire::WriteRevisionRequest {
                request_id: calls::request_id(),
                id: id.clone(),
                etag: String::new(),
                content: Some(content(revision)),
                author: "lan".into(),
            };
            notices.clone().write_revision(write).await.unwrap();
        }
        let publish = wire::MoveRevisionRequest {
            request_id: calls::request_id(),
            id: id.clone(),
            etag: String::new(),
            act: wire::RevisionAct::Publish.into(),
            author: "lan".into(),
        };
        let published = tokio::spawn(until_answered(notices.clone(), publish));
        // While it is written, while it is handed over, or after both: the seed says which.
        tokio::time::sleep(Duration::from_millis(random.random_range(0..60))).await;
        gateway.kill();
        gateway.restart().await;
        published.await.unwrap();
    }
    for node in [&hcmc, &spc] {
        let landed = eventually("every revision has landed", || async {
            let notice = notice_at(node, &id).await?;
            (notice.revisions.len() == usize::try_from(REVISIONS).ok()?).then_some(notice)
        })
        .await;
        let numbers: Vec<_> = landed.revisions.iter().map(|revision| revision.number).collect();
        assert_eq!(numbers, (1..=REVISIONS).collect::<Vec<_>>());
        let times: Vec<_> = landed
            .revisions
            .iter()
            .map(|revision| revision.published_at.unwrap())
            .map(|at| (at.seconds, at.nanos))
            .collect();
        assert!(times.is_sorted(), "{times:?}");
    }
    // Each revision has told each customer once, and no more.
    let customers = i64::try_from(CUSTOMERS).unwrap();
    for revision in 1..=REVISIONS {
        eventually("everybody has a message", || async {
            let told: i64 = recipients::counts(&hcmc, &id, revision).await.values().sum();
            assert!(told <= customers, "revision {revision} tells {told}");
            (told == customers).then_some(())
        })
        .await;
    }
}

fn content(revision: i64) -> wire::NoticeContent {
    let kind = if revision == 1 { wire::RevisionKind::Initial } else { wire::RevisionKind::Update };
    let everywhere = Some(wire::NoticeAudience { regions: vec!["HCMC".into(), "SPC".into()], ..Default::default() });
    wire::NoticeContent { audience: everywhere, ..recipients::content(kind, wire::Phase::Progress) }
}

/// Asks again with the same request until there is an answer.
async fn until_answered(
    notices: wire::notice_service_client::NoticeServiceClient<tonic::transport::Channel>,
    request: wire::MoveRevisionRequest,
) {
    eventually("the gateway answers", || async {
        match notices.clone().move_revision(request.clone()).await {
            Ok(_) => Some(()),
            Err(status) => {
                assert!(lost(&status), "{status}");
                None
            }
        }
    })
    .await;
}

/// Whether nobody knows what became of a call.
fn lost(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::Unavailable | Code::Unknown | Code::Cancelled | Code::Internal | Code::DeadlineExceeded
    )
}

async fn notice_at(node: &Process, id: &str) -> Option<wire::Notice> {
    calls::notices(node).get_notice(wire::GetNoticeRequest { id: id.to_owned() }).await.ok()?.into_inner().notice
}
