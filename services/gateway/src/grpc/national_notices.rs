use std::collections::BTreeMap;

use gridcare_chassis::status::refuse;
use gridcare_domain::refusal::{Refusal, RefusalKind, Violation};
use gridcare_proto::{
    convert::time,
    federation::v1::{self as wire, national_notice_service_server::NationalNoticeService},
    notice::v1::NoticeProgress,
};
use gridcare_store::{
    StoreError,
    gateway::{self as store, FederatedNotice, LandingState, NoticeTarget, OfMember, RegionalPage},
};
use prost::Message as _;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{NationalNotices, check, failed, notices::notice_id, page, refuse_if};
use crate::flows::{metric_merges::completeness, notice_is_proven::prove, notice_is_written::no_such_notice};

/// How far a notice has come at a member, as its feed told.
pub(super) fn notice_progress(
    told: &OfMember<store::NoticeProgress>,
    regions: &BTreeMap<&str, &str>,
) -> Result<NoticeProgress, StoreError> {
    let corrupt = |what: String| StoreError::Corrupt { table: "notice_progress", what };
    let progress = wire::FederatedNoticeProgress::decode(told.told.state.as_slice());
    let progress = progress.map_err(|error| corrupt(error.to_string()))?;
    Ok(NoticeProgress {
        region: regions.get(told.node.as_str()).copied().unwrap_or_default().to_owned(),
        node: told.node.clone(),
        revisions: progress.revisions,
        first: progress.first,
    })
}

#[tonic::async_trait]
impl NationalNoticeService for NationalNotices {
    async fn list_notice_targets(
        &self,
        request: Request<wire::ListNoticeTargetsRequest>,
    ) -> Result<Response<wire::ListNoticeTargetsResponse>, Status> {
        let parts = &self.0;
        let mut found = Vec::new();
        let id = notice_id(&request.get_ref().id, &mut found);
        refuse_if(found)?;
        let notice = parts.store.national_notice(id).await.map_err(|error| failed(&error))?;
        if notice.is_none() {
            return Err(refuse(&no_such_notice()));
        }
        let now = parts.clock.now();
        let members = parts.members(now).await.map_err(|error| failed(&error))?;
        let targets = parts.store.notice_targets(id).await.map_err(|error| failed(&error))?;
        let region = |node: &str| members.iter().find(|member| member.seat.node == node).map(|m| m.seat.region.clone());
        let told = targets.into_iter().map(|target| target_to_wire(region(&target.node).unwrap_or_default(), target));
        let (targets, completeness) = (told.collect(), Some(completeness(&members, now)));
        Ok(Response::new(wire::ListNoticeTargetsResponse { targets, completeness }))
    }

    async fn list_regional_notices(
        &self,
        request: Request<wire::ListRegionalNoticesRequest>,
    ) -> Result<Response<wire::ListRegionalNoticesResponse>, Status> {
        let (parts, body) = (&self.0, request.into_inner());
        let mut found = Vec::new();
        let regions = check::regions(&body.regions, &parts.country, &mut found);
        let limit = page::size(body.page_size, &mut found);
        let filter = wire::ListRegionalNoticesRequest { page_size: 0, page_token: String::new(), ..body.clone() };
        let filter = filter.encode_to_vec();
        let after = place(&filter, &body.page_token, &mut found);
        refuse_if(found)?;

        let now = parts.clock.now();
        let mut members = parts.members(now).await.map_err(|error| failed(&error))?;
        members.retain(|member| regions.is_empty() || regions.contains(&member.seat.region.as_str()));
        let nodes: Vec<_> = members.iter().map(|member| member.seat.node.clone()).collect();
        let mut notices = Vec::new();
        if !nodes.is_empty() {
            let incident = Some(body.incident.as_str()).filter(|incident| !incident.is_empty());
            let after = after.as_ref().map(|(us, id, node)| (*us, *id, node.as_str()));
            let asked = RegionalPage { nodes: &nodes, incident, after, limit: limit + 1 };
            notices = parts.store.regional_notices(asked).await.map_err(|error| failed(&error))?;
        }
        let more = notices.len() > limit;
        notices.truncate(limit);
        let next_page_token = notices.last().filter(|_| more).map(|last| token(&filter, last)).unwrap_or_default();
        let region = |node: &str| members.iter().find(|member| member.seat.node == node).map(|m| m.seat.region.clone());
        let told = notices.into_iter().map(|found| wire::RegionalNotice {
            region: region(&found.node).unwrap_or_default(),
            notice: wire::FederatedNotice::decode(found.told.state.as_slice()).ok(),
            node: found.node,
        });
        Ok(Response::new(wire::ListRegionalNoticesResponse {
            notices: told.collect(),
            next_page_token,
            completeness: Some(completeness(&members, now)),
        }))
    }

    async fn get_notice_proof(
        &self,
        request: Request<wire::GetNoticeProofRequest>,
    ) -> Result<Response<wire::GetNoticeProofResponse>, Status> {
        let parts = &self.0;
        let mut found = Vec::new();
        let id = notice_id(&request.get_ref().id, &mut found);
        refuse_if(found)?;
        let Some(key) = &parts.proof_key else {
            let message = "this gateway has no key to sign with; set notices.proof_key to one that gridcare keys made";
            return Err(refuse(&Refusal::new(RefusalKind::Precondition, "NO_PROOF_KEY", message)));
        };
        let proof = prove(&parts.store, key, id, parts.clock.now()).await.map_err(|error| failed(&error))?;
        let proof = proof.ok_or_else(|| refuse(&no_such_notice()))?;
        Ok(Response::new(wire::GetNoticeProofResponse { proof, key_id: key.public().id() }))
    }
}

fn target_to_wire(region: String, target: NoticeTarget) -> wire::NoticeTarget {
    let state = match target.state {
        LandingState::Waiting => wire::LandingState::Waiting,
        LandingState::Landed => wire::LandingState::Landed,
        LandingState::Refused => wire::LandingState::Refused,
        LandingState::Expired => wire::LandingState::Expired,
    };
    wire::NoticeTarget {
        region,
        node: target.node,
        revision: target.handed.revision,
        state: state.into(),
        state_since: Some(time::micros(target.state_us)),
        attempts: u32::try_from(target.attempts).unwrap_or(u32::MAX),
        unreachable_since: target.failing_since_us.map(time::micros),
        reason: target.reason,
    }
}

fn token(filter: &[u8], last: &OfMember<FederatedNotice>) -> String {
    let OfMember { node, told } = last;
    page::token(filter, &[&told.published_us.to_be_bytes()[..], told.id.as_bytes(), node.as_bytes()].concat())
}

fn place(filter: &[u8], token: &str, found: &mut Vec<Violation>) -> Option<(i64, Uuid, String)> {
    page::place(filter, token, found, |place| {
        let (us, rest) = place.split_first_chunk::<8>()?;
        let (id, node) = rest.split_at_checked(16)?;
        let node = std::str::from_utf8(node).ok().filter(|node| node.len() <= 64 && !node.contains('\0'))?;
        Some((i64::from_be_bytes(*us), Uuid::from_slice(id).ok()?, node.to_owned()))
    })
}
