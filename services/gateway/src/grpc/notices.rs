use std::collections::BTreeMap;

use gridcare_chassis::{id::new_id, identity::principal_of, status::refuse};
use gridcare_domain::{
    contact::check_text,
    customer::Language,
    notice::{Content, template},
    refusal::{Refusal, Violation},
};
use gridcare_proto::{
    convert::{code, notice as convert},
    notice::v1::{self as wire, notice_service_server::NoticeService},
};
use gridcare_store::{
    StoreError,
    gateway::{NationalNotice, NoticePage},
    request::Request as Mutation,
    writer::Answer,
};
use jiff::Timestamp;
use prost::Message;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Notices, Parts, check, failed, notice_progress, page, prints, refuse_if};
use crate::{
    country::Country,
    flows::{
        notice_is_planned::{Planned, plan},
        notice_is_written::{Which, Writing, no_such_notice, read},
    },
    idempotency::{check_request_id, request_of},
};

/// Longest name of a person, in bytes.
const NAME: usize = 200;
/// Rows that a list of current notices looks at before it cuts a page short.
const SLICE: usize = 200;

/// The answer of a mutation, as its response.
fn answered<T: Message + Default>(answer: Answer) -> Result<Response<T>, Status> {
    let bytes = answer.map_err(|error| failed(&error))?.map_err(|refusal| refuse(&refusal))?;
    let response = T::decode(bytes.as_slice()).map_err(|_| Status::internal("a kept answer cannot be read"))?;
    Ok(Response::new(response))
}

/// Who does it.
pub(super) fn author(given: &str, found: &mut Vec<Violation>) {
    if given.trim().is_empty() {
        found.push(Violation::new("author", "REQUIRED", "say who does it"));
    }
    check_text("author", given, NAME, found);
}

/// The content of a request: of sound form, keeping the rules, and for nobody whom the gateway does not know.
fn content(
    given: Option<&wire::NoticeContent>,
    parts: &Parts,
    now: Timestamp,
    found: &mut Vec<Violation>,
) -> Option<Content> {
    let Some(given) = given else {
        found.push(Violation::new("content", "REQUIRED", "say what is told, and to whom"));
        return None;
    };
    let audience = given.audience.as_ref();
    if audience.is_some_and(|audience| !audience.customer_codes.is_empty()) {
        let cure = "name regions or places: customers are known at their own node alone";
        found.push(Violation::new("content.audience.customer_codes", "NO_CUSTOMERS_HERE", cure));
    }
    let regions = Country::regions(&parts.country.seats);
    for (i, region) in audience.map(|audience| audience.regions.as_slice()).unwrap_or_default().iter().enumerate() {
        if !regions.contains(&region.as_str()) && i < 100 {
            let cure = format!("give one of {}", regions.join(", "));
            found.push(Violation::new(format!("content.audience.regions[{i}]"), "UNKNOWN_CODE", cure));
        }
    }
    let read = convert::content_from_wire(given, now, "content.");
    read.map_err(|wrong| found.extend(wrong)).ok()
}

/// The id of a notice, or a violation.
pub(super) fn notice_id(given: &str, found: &mut Vec<Violation>) -> Uuid {
    let id = Uuid::try_parse(given).ok();
    if id.is_none() {
        found.push(Violation::new("id", "MALFORMED", "give the notice's id, a uuid"));
    }
    id.unwrap_or_default()
}

/// The notice of the nation with this id.
pub(super) async fn find(parts: &Parts, id: Uuid) -> Result<NationalNotice, Status> {
    let found = parts.store.national_notice(id).await.map_err(|error| failed(&error))?;
    found.ok_or_else(|| refuse(&no_such_notice()))
}

impl Notices {
    fn writing<'a>(&'a self, request: Mutation, author: &'a str, now: Timestamp) -> Writing<'a> {
        let Parts { store, bus, country, .. } = &*self.0;
        Writing { store, bus, seats: &country.seats, request, author, now }
    }
}

fn to_wire(row: &NationalNotice) -> Result<wire::Notice, Status> {
    read(row).map(|notice| convert::notice_to_wire(&notice, true)).map_err(|error| failed(&error))
}

#[tonic::async_trait]
impl NoticeService for Notices {
    async fn create_notice(
        &self,
        request: Request<wire::CreateNoticeRequest>,
    ) -> Result<Response<wire::CreateNoticeResponse>, Status> {
        let (principal, now) = (principal_of(&request), self.0.clock.now());
        let body = request.into_inner();
        let key = request_of(&principal, "CreateNotice", &body.request_id, &body);
        let mut found = Vec::new();
        check_request_id(&body.request_id, &mut found);
        author(&body.author, &mut found);
        convert::incident_from_wire(&body.incident, &mut found);
        if !body.outage_id.is_empty() {
            found.push(Violation::new("outage_id", "NOT_APPLICABLE", "leave it out: outages are of nodes"));
        }
        let content = content(body.content.as_ref(), &self.0, now, &mut found);
        refuse_if(found)?;
        let content = content.ok_or_else(|| Status::internal("unreachable"))?;
        answered(self.writing(key, &body.author, now).create(new_id(), &body.incident, &content).await)
    }

    async fn write_revision(
        &self,
        request: Request<wire::WriteRevisionRequest>,
    ) -> Result<Response<wire::WriteRevisionResponse>, Status> {
        let (principal, now) = (principal_of(&request), self.0.clock.now());
        let body = request.into_inner();
        let key = request_of(&principal, "WriteRevision", &body.request_id, &body);
        let mut found = Vec::new();
        check_request_id(&body.request_id, &mut found);
        author(&body.author, &mut found);
        let which = Which { id: notice_id(&body.id, &mut found), version: check::version(&body.etag, &mut found) };
        let content = content(body.content.as_ref(), &self.0, now, &mut found);
        refuse_if(found)?;
        let content = content.ok_or_else(|| Status::internal("unreachable"))?;
        answered(self.writing(key, &body.author, now).write(which, &content).await)
    }

    async fn move_revision(
        &self,
        request: Request<wire::MoveRevisionRequest>,
    ) -> Result<Response<wire::MoveRevisionResponse>, Status> {
        let (principal, now) = (principal_of(&request), self.0.clock.now());
        let body = request.into_inner();
        let key = request_of(&principal, "MoveRevision", &body.request_id, &body);
        let mut found = Vec::new();
        check_request_id(&body.request_id, &mut found);
        author(&body.author, &mut found);
        let which = Which { id: notice_id(&body.id, &mut found), version: check::version(&body.etag, &mut found) };
        let act = convert::act_from_wire(body.act);
        if act.is_none() {
            found.push(Violation::new(
                "act",
                "UNKNOWN_CODE",
                "say what is done to the newest revision, such as SUBMIT",
            ));
        }
        refuse_if(found)?;
        let act = act.ok_or_else(|| Status::internal("unreachable"))?;
        answered(self.writing(key, &body.author, now).act(which, act).await)
    }

    async fn get_notice(
        &self,
        request: Request<wire::GetNoticeRequest>,
    ) -> Result<Response<wire::GetNoticeResponse>, Status> {
        let mut found = Vec::new();
        let id = notice_id(&request.get_ref().id, &mut found);
        refuse_if(found)?;
        let notice = Some(to_wire(&find(&self.0, id).await?)?);
        Ok(Response::new(wire::GetNoticeResponse { notice }))
    }

    async fn list_notices(
        &self,
        request: Request<wire::ListNoticesRequest>,
    ) -> Result<Response<wire::ListNoticesResponse>, Status> {
        let (body, now_us) = (request.into_inner(), self.0.clock.now().as_microsecond());
        let mut found = Vec::new();
        let limit = page::size(body.page_size, &mut found);
        let filter = wire::ListNoticesRequest { page_size: 0, page_token: String::new(), ..body.clone() };
        let filter = filter.encode_to_vec();
        let after = page::moment_and_id(&filter, &body.page_token, &mut found);
        refuse_if(found)?;
        let incident = Some(body.incident.as_str()).filter(|incident| !incident.is_empty());
        let slice = if body.current { SLICE.max(limit) } else { limit };
        let asked = NoticePage { incident, after, limit: slice + 1 };
        let mut rows = self.0.store.national_notices(asked).await.map_err(|error| failed(&error))?;
        let more = rows.len() > slice;
        rows.truncate(slice);
        let current = |row: &NationalNotice| !row.ended && row.expires_us.is_some_and(|until| until > now_us);
        let mut end = rows.last().filter(|_| more).map(|row| (row.created_us, row.id));
        let (mut notices, count) = (Vec::new(), rows.len());
        for (i, row) in rows.iter().enumerate().filter(|(_, row)| !body.current || current(row)) {
            notices.push(to_wire(row)?);
            if notices.len() == limit {
                end = Some((row.created_us, row.id)).filter(|_| more || i + 1 < count);
                break;
            }
        }
        let next_page_token = end.map(|(created_us, id)| page::moment_token(&filter, created_us, id));
        let next_page_token = next_page_token.unwrap_or_default();
        Ok(Response::new(wire::ListNoticesResponse { notices, next_page_token }))
    }

    async fn plan_notice(
        &self,
        request: Request<wire::PlanNoticeRequest>,
    ) -> Result<Response<wire::PlanNoticeResponse>, Status> {
        let body = request.into_inner();
        let mut found = Vec::new();
        if !body.incident.is_empty() {
            convert::incident_from_wire(&body.incident, &mut found);
        }
        let of = Uuid::try_parse(&body.notice_id).ok();
        if of.is_none() && !body.notice_id.is_empty() {
            found.push(Violation::new("notice_id", "MALFORMED", "give an id, a uuid, or none"));
        }
        if !body.outage_id.is_empty() {
            found.push(Violation::new("outage_id", "NOT_APPLICABLE", "leave it out: outages are of nodes"));
        }
        let content = content(body.content.as_ref(), &self.0, self.0.clock.now(), &mut found);
        refuse_if(found)?;
        let content = content.ok_or_else(|| Status::internal("unreachable"))?;
        let planned = Planned { content, incident: body.incident, of };
        Ok(Response::new(plan(&self.0.peers, &self.0.country.seats, &planned).await))
    }

    async fn render_notice(
        &self,
        request: Request<wire::RenderNoticeRequest>,
    ) -> Result<Response<wire::RenderNoticeResponse>, Status> {
        let body = request.into_inner();
        let Some(phase) = code::phase_from_wire(body.phase) else {
            let cure = "say what it is about, such as FIRST_NOTICE";
            return Err(refuse(&Refusal::invalid(vec![Violation::new("phase", "UNKNOWN_CODE", cure)])));
        };
        let fill = |language| {
            let text = template(phase).fill(language, |name| body.facts.get(name).cloned());
            text.map(|text| wire::NoticeText { title: text.title, body: text.body })
        };
        match (fill(Language::Vi), fill(Language::En)) {
            (Ok(vi), Ok(en)) => Ok(Response::new(wire::RenderNoticeResponse { vi: Some(vi), en: Some(en) })),
            (Err(missing), _) | (_, Err(missing)) => {
                let lack =
                    |name| Violation::new(format!("facts[{name}]"), "REQUIRED", "the template has a place for it");
                Err(refuse(&Refusal::invalid(missing.into_iter().map(lack).collect())))
            }
        }
    }

    async fn get_notice_progress(
        &self,
        request: Request<wire::GetNoticeProgressRequest>,
    ) -> Result<Response<wire::GetNoticeProgressResponse>, Status> {
        let mut found = Vec::new();
        let id = notice_id(&request.get_ref().id, &mut found);
        refuse_if(found)?;
        let store = &self.0.store;
        let (national, regional) =
            tokio::try_join!(store.national_notice(id), store.regional_notice(id)).map_err(|error| failed(&error))?;
        if national.is_none() && regional.is_none() {
            return Err(refuse(&no_such_notice()));
        }
        let told = store.notice_progress(id).await.map_err(|error| failed(&error))?;
        let regions: BTreeMap<_, _> =
            self.0.country.seats.iter().map(|seat| (seat.node.as_str(), seat.region.as_str())).collect();
        let progress: Result<_, StoreError> = told.iter().map(|told| notice_progress(told, &regions)).collect();
        let progress = progress.map_err(|error| failed(&error))?;
        Ok(Response::new(wire::GetNoticeProgressResponse { progress }))
    }

    async fn print_notice(
        &self,
        request: Request<wire::PrintNoticeRequest>,
    ) -> Result<Response<wire::PrintNoticeResponse>, Status> {
        prints::print(&self.0, request.get_ref()).await.map(Response::new)
    }

    async fn record_print_sent(
        &self,
        request: Request<wire::RecordPrintSentRequest>,
    ) -> Result<Response<wire::RecordPrintSentResponse>, Status> {
        let principal = principal_of(&request);
        let body = request.into_inner();
        let key = request_of(&principal, "RecordPrintSent", &body.request_id, &body);
        answered(prints::record(&self.0, key, body).await?)
    }

    async fn list_prints_sent(
        &self,
        request: Request<wire::ListPrintsSentRequest>,
    ) -> Result<Response<wire::ListPrintsSentResponse>, Status> {
        prints::list(&self.0, &request.get_ref().id).await.map(Response::new)
    }
}
