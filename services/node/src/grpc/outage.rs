use gridcare_chassis::{identity::principal_of, status::refuse};
use gridcare_domain::{
    contact::check_text,
    outage::{By, Site},
    refusal::{Refusal, RefusalKind, Violation},
};
use gridcare_proto::{
    convert::{code, outage as convert, time},
    outage::v1::{self as wire, outage_service_server::OutageService},
};
use gridcare_store::outage::OutageQuery;
use jiff::Timestamp;
use prost::Message as _;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Outages, answered, failed, page, refuse_if, version_of};
use crate::idempotency::{check_request_id, request_of};

/// Changes of one request at most.
const CHANGES: usize = 100;

#[tonic::async_trait]
impl OutageService for Outages {
    async fn record_outage(
        &self,
        request: Request<wire::RecordOutageRequest>,
    ) -> Result<Response<wire::RecordOutageResponse>, Status> {
        let principal = principal_of(&request);
        let body = request.into_inner();
        let id = request_of(&principal, "RecordOutage", &body.request_id, &body);
        let mut found = Vec::new();
        check_request_id(&body.request_id, &mut found);
        author(&body.author, &mut found);
        let draft = match &body.outage {
            Some(outage) => convert::draft_from_wire(outage, "outage."),
            None => Err(vec![Violation::new("outage", "REQUIRED", "give the outage")]),
        };
        let draft = match (draft, found.is_empty()) {
            (Ok(draft), true) => draft,
            (draft, _) => {
                found.extend(draft.err().into_iter().flatten());
                return Err(refuse(&Refusal::invalid(found)));
            }
        };
        answered(self.0.record_outage(id, draft, &body.author).await)
    }

    async fn change_outage(
        &self,
        request: Request<wire::ChangeOutageRequest>,
    ) -> Result<Response<wire::ChangeOutageResponse>, Status> {
        let principal = principal_of(&request);
        let body = request.into_inner();
        let request_key = request_of(&principal, "ChangeOutage", &body.request_id, &body);
        let mut found = Vec::new();
        check_request_id(&body.request_id, &mut found);
        author(&body.author, &mut found);
        let id = outage_id(&body.id, &mut found);
        let version = version_of(&body.etag, &mut found);
        if body.changes.is_empty() || body.changes.len() > CHANGES {
            found.push(Violation::new("changes", "LENGTH", format!("give 1 to {CHANGES} changes")));
        }
        let changes = body.changes.iter().take(CHANGES).enumerate();
        let changes: Vec<_> = changes
            .filter_map(|(i, change)| convert::change_from_wire(change, &format!("changes[{i}]"), &mut found))
            .collect();
        refuse_if(found)?;
        let by = By { author: &body.author, reason: body.reason.trim() };
        answered(self.0.change_outage(request_key, id, version, &changes, by).await)
    }

    async fn get_outage(
        &self,
        request: Request<wire::GetOutageRequest>,
    ) -> Result<Response<wire::GetOutageResponse>, Status> {
        let mut found = Vec::new();
        let id = outage_id(&request.get_ref().id, &mut found);
        refuse_if(found)?;
        let Some((outage, parts)) = self.0.find_outage(id).await.map_err(|e| failed(&e))? else {
            let message = "there is no such outage at this node";
            return Err(refuse(&Refusal::new(RefusalKind::NotFound, "NO_SUCH_OUTAGE", message)));
        };
        let shown = self.0.outages_shown(std::slice::from_ref(&outage)).await.map_err(|e| failed(&e))?;
        Ok(Response::new(wire::GetOutageResponse {
            history: outage.history.iter().map(convert::entry_to_wire).collect(),
            children: parts.iter().map(ToString::to_string).collect(),
            outage: shown.into_iter().next(),
        }))
    }

    async fn list_outages(
        &self,
        request: Request<wire::ListOutagesRequest>,
    ) -> Result<Response<wire::ListOutagesResponse>, Status> {
        let body = request.into_inner();
        let mut found = Vec::new();
        let bound =
            wire::ListOutagesRequest { page_token: String::new(), page_size: 0, ..body.clone() }.encode_to_vec();
        let limit = page::size(body.page_size, &mut found);
        let place = page::place::<24>(&bound, &body.page_token, &mut found);
        let filter = body.filter.unwrap_or_default();
        let query = query(&filter, &mut found);
        let position = filter.site.as_ref().and_then(|site| convert::site_position(site, "filter.site", &mut found));
        refuse_if(found)?;
        let after = place.map(|place| {
            let begins = i64::from_be_bytes(place[..8].try_into().unwrap_or_default());
            (begins, Uuid::from_slice(&place[8..]).unwrap_or_default())
        });
        let site = filter.site.as_ref().map(|site| {
            let part = |text: &'_ str| !text.trim().is_empty();
            Site {
                province: Some(site.province.as_str()).filter(|text| part(text)),
                district: Some(site.district.as_str()).filter(|text| part(text)),
                area_code: Some(site.area_code.as_str()).filter(|text| part(text)),
                feeder: Some(site.feeder.as_str()).filter(|text| part(text)),
                transformer: Some(site.transformer.as_str()).filter(|text| part(text)),
                position,
            }
        });
        let site = site.filter(|site| *site != Site::default());
        let outages = self.0.list_outages(&query, site.as_ref(), after, limit + 1).await;
        let mut outages = outages.map_err(|e| failed(&e))?;
        let more = outages.len() > limit;
        outages.truncate(limit);
        let next_page_token = match outages.last().filter(|_| more) {
            Some(last) => {
                let begins = last.begins_at.as_microsecond().to_be_bytes();
                page::token(&bound, &[&begins[..], &last.id.as_bytes()[..]].concat())
            }
            None => String::new(),
        };
        let outages = self.0.outages_shown(&outages).await.map_err(|e| failed(&e))?;
        Ok(Response::new(wire::ListOutagesResponse { outages, next_page_token }))
    }
}

/// Who records it.
pub(super) fn author(given: &str, found: &mut Vec<Violation>) {
    if given.trim().is_empty() {
        found.push(Violation::new("author", "REQUIRED", "say who records it"));
    }
    check_text("author", given, 200, found);
}

fn outage_id(given: &str, found: &mut Vec<Violation>) -> Uuid {
    let id = Uuid::try_parse(given).ok();
    if id.is_none() {
        found.push(Violation::new("id", "MALFORMED", "give the outage's id, a uuid"));
    }
    id.unwrap_or_default()
}

fn query(filter: &wire::OutageFilter, found: &mut Vec<Violation>) -> OutageQuery {
    let kind = code::outage_kind_from_wire(filter.kind);
    if kind.is_none() && filter.kind != 0 {
        found.push(Violation::new("filter.kind", "UNKNOWN_CODE", "give a kind, or none for both"));
    }
    let mut at = |field: &str, given: Option<&prost_types::Timestamp>| {
        let read = given.map(|at| time::instant(at).map(Timestamp::as_microsecond));
        if read == Some(None) {
            let cure = "give a time between the years -9999 and 9999";
            found.push(Violation::new(format!("filter.{field}"), "OUT_OF_RANGE", cure));
        }
        read.flatten()
    };
    let (from_us, until_us) = (at("from", filter.from.as_ref()), at("until", filter.until.as_ref()));
    OutageQuery { kind, from_us, until_us }
}
