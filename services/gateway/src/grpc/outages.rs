use gridcare_domain::{outage::supply, refusal::Violation, report::day::date_of};
use gridcare_proto::{
    convert::{code, outage::course_from_wire, reliability as convert, time},
    federation::v1::{self as wire, national_outage_service_server::NationalOutageService},
};
use gridcare_store::gateway::{NationalOutage, NationalOutageQuery};
use jiff::Timestamp;
use prost::Message as _;
use tonic::{Request, Response, Status};

use super::{NationalOutages, check, failed, page, refuse_if};
use crate::flows::{metric_merges::completeness, reliability_is_summed::sum};

#[tonic::async_trait]
impl NationalOutageService for NationalOutages {
    async fn list_national_outages(
        &self,
        request: Request<wire::ListNationalOutagesRequest>,
    ) -> Result<Response<wire::ListNationalOutagesResponse>, Status> {
        let Self(parts) = self;
        let body = request.into_inner();
        let mut found = Vec::new();
        let regions = check::regions(&body.regions, &parts.country, &mut found);
        let kind = code::outage_kind_from_wire(body.kind);
        if kind.is_none() && body.kind != 0 {
            found.push(Violation::new("kind", "UNKNOWN_CODE", "give a kind, or none for both"));
        }
        let from_us = moment("from", body.from.as_ref(), &mut found);
        let until_us = moment("until", body.until.as_ref(), &mut found);
        let limit = page::size(body.page_size, &mut found);
        let filter = wire::ListNationalOutagesRequest { page_size: 0, page_token: String::new(), ..body.clone() };
        let filter = filter.encode_to_vec();
        let after = page::moment_and_id(&filter, &body.page_token, &mut found);
        refuse_if(found)?;

        let now = parts.clock.now();
        let mut members = parts.members(now).await.map_err(|e| failed(&e))?;
        members.retain(|member| regions.is_empty() || regions.contains(&member.seat.region.as_str()));
        let nodes: Vec<_> = members.iter().map(|member| member.seat.node.clone()).collect();
        let mut outages = if nodes.is_empty() {
            Vec::new()
        } else {
            let query = NationalOutageQuery { nodes, kind, from_us, until_us };
            parts.store.national_outages(&query, after, limit + 1).await.map_err(|e| failed(&e))?
        };
        let more = outages.len() > limit;
        outages.truncate(limit);
        let next_page_token = outages.last().filter(|_| more);
        let next_page_token =
            next_page_token.map(|last| page::moment_token(&filter, last.outage.begins_us, last.outage.id));
        let region_of = |node: &str| {
            members.iter().find(|member| member.seat.node == node).map(|member| member.seat.region.clone())
        };
        let told = |found: NationalOutage| {
            let outage = wire::FederatedOutage::decode(found.outage.state.as_slice()).ok();
            let deltas = outage.as_ref().and_then(|outage| course_from_wire(outage).ok()).unwrap_or_default().deltas();
            wire::NationalOutage {
                region: region_of(&found.node).unwrap_or_default(),
                node: found.node,
                without_supply: supply::without_supply_at(&deltas, now.as_microsecond()),
                outage,
            }
        };
        Ok(Response::new(wire::ListNationalOutagesResponse {
            outages: outages.into_iter().map(told).collect(),
            next_page_token: next_page_token.unwrap_or_default(),
            completeness: Some(completeness(&members, now)),
        }))
    }

    async fn get_national_reliability(
        &self,
        request: Request<wire::GetNationalReliabilityRequest>,
    ) -> Result<Response<wire::GetNationalReliabilityResponse>, Status> {
        let Self(parts) = self;
        let body = request.into_inner();
        let mut found = Vec::new();
        let period = convert::period_from_wire(&body.from, &body.until, &mut found);
        let regions = check::regions(&body.regions, &parts.country, &mut found);
        refuse_if(found)?;
        let period = period.ok_or_else(|| Status::internal("unreachable"))?;
        let until = date_of(period.until).to_zoned(parts.country.zone.clone());
        let until = until.map_or(Timestamp::MAX, |until| until.timestamp());
        let mut members = parts.members(until).await.map_err(|e| failed(&e))?;
        members.retain(|member| regions.is_empty() || regions.contains(&member.seat.region.as_str()));
        let summed = sum(&parts.store, period, &members, parts.clock.now()).await;
        summed.map(Response::new).map_err(|e| failed(&e))
    }
}

fn moment(field: &str, given: Option<&prost_types::Timestamp>, found: &mut Vec<Violation>) -> Option<i64> {
    let read = given.map(|at| time::instant(at).map(Timestamp::as_microsecond));
    if read == Some(None) {
        found.push(Violation::new(field, "OUT_OF_RANGE", "give a time between the years -9999 and 9999"));
    }
    read.flatten()
}
