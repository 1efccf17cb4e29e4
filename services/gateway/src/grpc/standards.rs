use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use gridcare_chassis::{identity::principal_of, status::refuse};
use gridcare_domain::{
    acknowledgement::Acknowledgement,
    refusal::{Refusal, RefusalKind, Violation},
};
use gridcare_proto::{
    convert::{standard::acknowledgement_to_wire, time},
    standard::v1::{self as wire, national_standard_service_server::NationalStandardService},
};
use gridcare_store::gateway::{Member, Published, Target, TargetState};
use prost::Message as _;
use tonic::{Request, Response, Status};

use super::{Standards, failed, page, refuse_if};
use crate::{
    flows::{
        metric_merges::completeness,
        standard_goes_out::{Publishing, publish, published_to_wire},
    },
    idempotency::{check_request_id, request_of},
};

/// Longest bundle, in bytes.
const BUNDLE: usize = 1 << 20;
/// Longest signature document, in bytes.
const SIGNATURE: usize = 4 << 10;

#[tonic::async_trait]
impl NationalStandardService for Standards {
    async fn publish_standard(
        &self,
        request: Request<wire::PublishStandardRequest>,
    ) -> Result<Response<wire::PublishStandardResponse>, Status> {
        let principal = principal_of(&request);
        let body = request.into_inner();
        let mut found = Vec::new();
        check_request_id(&body.request_id, &mut found);
        for (field, length, most) in
            [("bundle", body.bundle.len(), BUNDLE), ("signature", body.signature.len(), SIGNATURE)]
        {
            if length == 0 {
                found.push(Violation::new(field, "REQUIRED", "give the file's bytes"));
            } else if length > most {
                found.push(Violation::new(field, "TOO_LONG", format!("keep it within {most} bytes")));
            }
        }
        refuse_if(found)?;
        let parts = &self.0;
        let request = request_of(&principal, "PublishStandard", &body.request_id, &body);
        let now_us = parts.clock.now().as_microsecond();
        let definition = parts.definition.clone();
        let publishing = Publishing { request, bundle: body.bundle, signature: body.signature, definition, now_us };
        let nodes: Vec<_> = parts.country.seats.iter().map(|seat| seat.node.as_str()).collect();
        let answer = publish(&parts.store, &parts.bus, &parts.trusted, &nodes, publishing).await;
        let bytes = answer.map_err(|e| failed(&e))?.map_err(|refusal| refuse(&refusal))?;
        let response = wire::PublishStandardResponse::decode(bytes.as_slice());
        response.map(Response::new).map_err(|e| gridcare_chassis::status::fault(&e))
    }

    async fn list_published_standards(
        &self,
        request: Request<wire::ListPublishedStandardsRequest>,
    ) -> Result<Response<wire::ListPublishedStandardsResponse>, Status> {
        let body = request.into_inner();
        let mut found = Vec::new();
        let size = page::size(body.page_size, &mut found);
        let below = place(&body.page_token, &mut found);
        refuse_if(found)?;
        let below = below.as_ref().map(|(published_us, name)| (*published_us, name.as_str()));
        let limit = i64::try_from(size).unwrap_or(50) + 1;
        let mut rows = self.0.store.published_standards(below, limit).await.map_err(|e| failed(&e))?;
        let more = rows.len() > size;
        rows.truncate(size);
        let next_page_token = rows.last().filter(|_| more).map(token).unwrap_or_default();
        let standards = rows.iter().map(published_to_wire).collect();
        Ok(Response::new(wire::ListPublishedStandardsResponse { standards, next_page_token }))
    }

    async fn get_standard_status(
        &self,
        request: Request<wire::GetStandardStatusRequest>,
    ) -> Result<Response<wire::GetStandardStatusResponse>, Status> {
        let version = request.into_inner().version;
        let (store, now) = (&self.0.store, self.0.clock.now());
        let standard = if version.is_empty() {
            store.published_standards(None, 1).await.map_err(|e| failed(&e))?.into_iter().next()
        } else {
            let found = store.published_standard(&version).await.map_err(|e| failed(&e))?;
            let unknown = || {
                let message = "no standard of this version was published; ListPublishedStandards has those that were";
                refuse(&Refusal::new(RefusalKind::NotFound, "NO_SUCH_STANDARD", message))
            };
            Some(found.ok_or_else(unknown)?)
        };
        let members = self.0.members(now).await.map_err(|e| failed(&e))?;
        let told = store.standards_in_force().await.map_err(|e| failed(&e))?;
        let told: BTreeMap<_, _> = told.into_iter().collect();
        let targets = match &standard {
            Some(standard) => self.targets(standard, &members).await?,
            None => Vec::new(),
        };
        Ok(Response::new(wire::GetStandardStatusResponse {
            standard: standard.as_ref().map(published_to_wire),
            targets,
            in_force: members.iter().map(|member| in_force(member, told.get(&member.seat.node))).collect(),
            completeness: Some(completeness(&members, now)),
        }))
    }
}

impl Standards {
    async fn targets(&self, standard: &Published, members: &[Member]) -> Result<Vec<wire::MemberTarget>, Status> {
        let store = &self.0.store;
        let targets = store.targets_of(&standard.name).await.map_err(|e| failed(&e))?;
        let told = store.acknowledgements_of(&standard.digest).await.map_err(|e| failed(&e))?;
        let told: BTreeMap<_, _> = told.into_iter().collect();
        let of = |member: &Member| {
            let target = targets.iter().find(|target| target.node == member.seat.node)?;
            Some(target_to_wire(member, target, told.get(&member.seat.node)))
        };
        Ok(members.iter().filter_map(of).collect())
    }
}

fn target_to_wire(member: &Member, target: &Target, told: Option<&Acknowledgement>) -> wire::MemberTarget {
    let state = match target.state {
        TargetState::Waiting => wire::TargetState::Waiting,
        TargetState::Sent => wire::TargetState::Sent,
        TargetState::Acknowledged => wire::TargetState::Acknowledged,
        TargetState::Refused => wire::TargetState::Refused,
    };
    wire::MemberTarget {
        region: member.seat.region.clone(),
        node: member.seat.node.clone(),
        state: state.into(),
        // Written by us; empty before there is an answer.
        answer: (!target.answer.is_empty())
            .then(|| wire::Standard::decode(target.answer.as_slice()).unwrap_or_default()),
        attempts: u32::try_from(target.attempts).unwrap_or(u32::MAX),
        unreachable_since: target.failing_since_us.map(time::micros),
        state_since: Some(time::micros(target.state_us)),
        told: told.map(acknowledgement_to_wire),
    }
}

fn in_force(member: &Member, told: Option<&Acknowledgement>) -> wire::MemberStandard {
    wire::MemberStandard {
        region: member.seat.region.clone(),
        node: member.seat.node.clone(),
        version: told.map(|told| told.standard.clone()).unwrap_or_default(),
        digest: told.map(|told| told.digest.clone()).unwrap_or_default(),
        since: told.map(|told| time::micros(told.at_us)),
        as_of: member.link.seen_at.map(time::timestamp),
    }
}

fn token(last: &Published) -> String {
    URL_SAFE_NO_PAD.encode([&last.published_us.to_be_bytes()[..], last.name.as_bytes()].concat())
}

/// The place in a token, or a violation.
fn place(token: &str, found: &mut Vec<Violation>) -> Option<(i64, String)> {
    if token.is_empty() {
        return None;
    }
    let read = || {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (published, name) = bytes.split_first_chunk::<8>()?;
        let name = std::str::from_utf8(name).ok().filter(|name| name.bytes().all(|b| b.is_ascii_graphic()))?;
        Some((i64::from_be_bytes(*published), name.to_owned()))
    };
    let place = read();
    if place.is_none() {
        let cure = "give the token of the page before, or none to begin again";
        found.push(Violation::new("page_token", "FOREIGN_TOKEN", cure));
    }
    place
}
