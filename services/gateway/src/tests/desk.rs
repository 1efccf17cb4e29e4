//! A desk of a gateway at which notices are written, and what its members do with them.

use std::time::Duration;

use gridcare_chassis::{clock::ManualClock, id::new_id};
use gridcare_proto::{
    federation::v1::{self as federation, LandingState, national_notice_service_client::NationalNoticeServiceClient},
    notice::v1::{self as wire, RevisionAct, notice_service_client::NoticeServiceClient},
};
use jiff::Timestamp;
use tonic::{Status, transport::Channel};
use tonic_types::StatusExt as _;

use super::Running;

pub(super) struct Desk {
    pub(super) notices: NoticeServiceClient<Channel>,
    pub(super) national: NationalNoticeServiceClient<Channel>,
    pub(super) clock: ManualClock,
}

#[expect(clippy::unnecessary_wraps, reason = "messages of the wire are optional within others")]
pub(super) fn text(title: &str) -> Option<wire::NoticeText> {
    Some(wire::NoticeText { title: title.into(), body: format!("{title}. Xin gọi 19001006.") })
}

pub(super) fn reason(status: &Status) -> String {
    status.get_details_error_info().unwrap().reason
}

impl Desk {
    pub(super) async fn at(gateway: &Running, clock: &ManualClock) -> Self {
        let address = format!("http://{}", gateway.addresses.grpc);
        Self {
            notices: NoticeServiceClient::connect(address.clone()).await.unwrap(),
            national: NationalNoticeServiceClient::connect(address).await.unwrap(),
            clock: clock.clone(),
        }
    }

    pub(super) fn content(&self, kind: wire::RevisionKind, minutes: i64, regions: &[&str]) -> wire::NoticeContent {
        use gridcare_chassis::clock::Clock as _;
        let expires = self.clock.now().as_second() + minutes * 60;
        wire::NoticeContent {
            kind: kind.into(),
            phase: wire::Phase::FirstNotice.into(),
            urgency: wire::Urgency::Safety.into(),
            audience: Some(wire::NoticeAudience {
                regions: regions.iter().map(|region| (*region).to_owned()).collect(),
                ..Default::default()
            }),
            channels: vec![wire::NoticeChannel::Sms.into(), wire::NoticeChannel::Web.into()],
            vi: text("Mất điện"),
            en: text("Power cut"),
            expires_at: Some(prost_types::Timestamp { seconds: expires, nanos: 0 }),
            diacritics: false,
        }
    }

    pub(super) async fn create(&mut self, content: wire::NoticeContent) -> Result<wire::Notice, Status> {
        let request = wire::CreateNoticeRequest {
            request_id: new_id().to_string(),
            incident: "500kV-2013-05-22".into(),
            content: Some(content),
            author: "lan".into(),
            ..Default::default()
        };
        Ok(self.notices.create_notice(request).await?.into_inner().notice.unwrap())
    }

    pub(super) async fn revise(
        &mut self,
        notice: &wire::Notice,
        content: wire::NoticeContent,
    ) -> Result<wire::Notice, Status> {
        let request = wire::WriteRevisionRequest {
            request_id: new_id().to_string(),
            id: notice.id.clone(),
            etag: notice.etag.clone(),
            content: Some(content),
            author: "lan".into(),
        };
        Ok(self.notices.write_revision(request).await?.into_inner().notice.unwrap())
    }

    pub(super) async fn act(
        &mut self,
        notice: &wire::Notice,
        act: RevisionAct,
        who: &str,
    ) -> Result<wire::Notice, Status> {
        let request = wire::MoveRevisionRequest {
            request_id: new_id().to_string(),
            id: notice.id.clone(),
            etag: notice.etag.clone(),
            act: act.into(),
            author: who.into(),
        };
        Ok(self.notices.move_revision(request).await?.into_inner().notice.unwrap())
    }

    /// By two persons, all the way.
    pub(super) async fn publish(&mut self, mut notice: wire::Notice) -> wire::Notice {
        for (act, who) in [(RevisionAct::Submit, "lan"), (RevisionAct::Approve, "minh"), (RevisionAct::Publish, "lan")]
        {
            notice = self.act(&notice, act, who).await.unwrap();
        }
        notice
    }

    pub(super) async fn targets(&mut self, id: &str) -> Vec<(String, i64, LandingState)> {
        let answer = self.national.list_notice_targets(federation::ListNoticeTargetsRequest { id: id.into() }).await;
        let targets = answer.unwrap().into_inner().targets;
        targets.iter().map(|target| (target.node.clone(), target.revision, target.state())).collect()
    }

    /// Waits until the targets stand so.
    pub(super) async fn until(&mut self, id: &str, expected: &[(&str, i64, LandingState)]) {
        let mut last = Vec::new();
        for _ in 0..400 {
            last = self.targets(id).await;
            let same = last.iter().zip(expected).all(|((a, b, c), (x, y, z))| (a.as_str(), b, c) == (*x, y, z));
            if same && last.len() == expected.len() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("never {expected:?}: {last:?}");
    }

    pub(super) async fn proof(&mut self, id: &str) -> String {
        let request = federation::GetNoticeProofRequest { id: id.into() };
        self.national.get_notice_proof(request).await.unwrap().into_inner().proof
    }
}

pub(super) fn clock() -> ManualClock {
    ManualClock::new("2013-05-22T07:30:00Z".parse::<Timestamp>().unwrap())
}
