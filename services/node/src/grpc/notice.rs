use gridcare_chassis::{identity::principal_of, paper, status::refuse};
use gridcare_domain::{
    customer::Language,
    notice::{Act, Content, NoticeChannel, printed::reading_seconds, template},
    refusal::{Refusal, RefusalKind, Violation},
    sms_text::Encoding,
};
use gridcare_proto::{
    convert::{code, notice as convert, time},
    notice::v1::{self as wire, notice_service_server::NoticeService},
    ticket::v1 as ticket,
};
use gridcare_store::{notice::NoticeQuery, print_sent::PrintSent};
use jiff::Timestamp;
use prost::Message as _;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Notices, answered, failed, outage::author, page, refuse_if, version_of};
use crate::{
    flows::notice_is_written::no_such_notice,
    idempotency::{check_request_id, request_of},
};

#[tonic::async_trait]
impl NoticeService for Notices {
    async fn create_notice(
        &self,
        request: Request<wire::CreateNoticeRequest>,
    ) -> Result<Response<wire::CreateNoticeResponse>, Status> {
        let principal = principal_of(&request);
        let body = request.into_inner();
        let key = request_of(&principal, "CreateNotice", &body.request_id, &body);
        let mut found = Vec::new();
        check_request_id(&body.request_id, &mut found);
        author(&body.author, &mut found);
        let incident = convert::incident_from_wire(&body.incident, &mut found);
        let outage = match body.outage_id.as_str() {
            "" => None,
            given => Some(id_of("outage_id", given, &mut found)),
        };
        let content = self.content(body.content.as_ref(), &mut found)?;
        answered(self.0.create_notice(key, &incident, outage, &content, body.author.trim()).await)
    }

    async fn write_revision(
        &self,
        request: Request<wire::WriteRevisionRequest>,
    ) -> Result<Response<wire::WriteRevisionResponse>, Status> {
        let principal = principal_of(&request);
        let body = request.into_inner();
        let key = request_of(&principal, "WriteRevision", &body.request_id, &body);
        let mut found = Vec::new();
        check_request_id(&body.request_id, &mut found);
        author(&body.author, &mut found);
        let id = id_of("id", &body.id, &mut found);
        let version = version_of(&body.etag, &mut found);
        let content = self.content(body.content.as_ref(), &mut found)?;
        answered(self.0.write_revision(key, id, version, &content, body.author.trim()).await)
    }

    async fn move_revision(
        &self,
        request: Request<wire::MoveRevisionRequest>,
    ) -> Result<Response<wire::MoveRevisionResponse>, Status> {
        let principal = principal_of(&request);
        let body = request.into_inner();
        let key = request_of(&principal, "MoveRevision", &body.request_id, &body);
        let mut found = Vec::new();
        check_request_id(&body.request_id, &mut found);
        author(&body.author, &mut found);
        let id = id_of("id", &body.id, &mut found);
        let version = version_of(&body.etag, &mut found);
        let act = match body.act() {
            wire::RevisionAct::Submit => Act::Submit,
            wire::RevisionAct::Approve => Act::Approve,
            wire::RevisionAct::Reject => Act::Reject,
            wire::RevisionAct::Publish => Act::Publish,
            wire::RevisionAct::Withdraw => Act::Withdraw,
            wire::RevisionAct::Review => Act::Review,
            wire::RevisionAct::Unspecified => {
                found.push(Violation::new("act", "UNKNOWN_CODE", "say what to do, such as SUBMIT"));
                Act::Submit
            }
        };
        refuse_if(found)?;
        answered(self.0.move_revision(key, id, version, act, body.author.trim()).await)
    }

    async fn get_notice(
        &self,
        request: Request<wire::GetNoticeRequest>,
    ) -> Result<Response<wire::GetNoticeResponse>, Status> {
        let mut found = Vec::new();
        let id = id_of("id", &request.get_ref().id, &mut found);
        refuse_if(found)?;
        let stored = self.0.store.notice(id).await.map_err(|e| failed(&e))?;
        let stored = stored.ok_or_else(|| refuse(&no_such_notice()))?;
        let notice = Some(convert::notice_to_wire(&stored.notice, stored.national));
        Ok(Response::new(wire::GetNoticeResponse { notice }))
    }

    async fn list_notices(
        &self,
        request: Request<wire::ListNoticesRequest>,
    ) -> Result<Response<wire::ListNoticesResponse>, Status> {
        let body = request.into_inner();
        let mut found = Vec::new();
        let bound =
            wire::ListNoticesRequest { page_token: String::new(), page_size: 0, ..body.clone() }.encode_to_vec();
        let limit = page::size(body.page_size, &mut found);
        let before = page::place::<16>(&bound, &body.page_token, &mut found).map(Uuid::from_bytes);
        if body.incident.contains('\0') {
            found.push(Violation::new("incident", "NUL", "text must not contain the NUL character"));
        }
        refuse_if(found)?;
        let query = NoticeQuery {
            incident: Some(body.incident).filter(|incident| !incident.is_empty()),
            current_us: body.current.then(|| self.0.now_us()),
        };
        let mut stored = self.0.store.notices(&query, before, limit + 1).await.map_err(|e| failed(&e))?;
        let more = stored.len() > limit;
        stored.truncate(limit);
        let last = stored.last().filter(|_| more);
        let next_page_token = last.map(|last| page::token(&bound, last.notice.id.as_bytes())).unwrap_or_default();
        let notices = stored.iter().map(|one| convert::notice_to_wire(&one.notice, one.national)).collect();
        Ok(Response::new(wire::ListNoticesResponse { notices, next_page_token }))
    }

    async fn plan_notice(
        &self,
        request: Request<wire::PlanNoticeRequest>,
    ) -> Result<Response<wire::PlanNoticeResponse>, Status> {
        let body = request.into_inner();
        let mut found = Vec::new();
        // A plan may be asked for before anybody has named the incident.
        let incident = match body.incident.as_str() {
            "" => String::new(),
            given => convert::incident_from_wire(given, &mut found),
        };
        let of = match body.notice_id.as_str() {
            "" => None,
            given => Some(id_of("notice_id", given, &mut found)),
        };
        let outage = match body.outage_id.as_str() {
            "" => None,
            given => Some(id_of("outage_id", given, &mut found)),
        };
        let content = self.content(body.content.as_ref(), &mut found)?;
        let asked = self.0.asked_of_notice(&content, outage, of).await.map_err(|e| failed(&e))?;
        let remarks = asked.map_err(|refusal| refuse(&refusal))?;
        let (plan, languages) = self.0.plan_notice(&content, &incident, of).await.map_err(|e| failed(&e))?;
        let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let groups = plan.groups.iter().zip(&languages).map(|(group, language)| wire::PlannedGroup {
            wave: group.wave.code().to_owned(),
            language: i32::try_from(language.number()).unwrap_or(0),
            recipients: count(group.recipients),
            parts: count(group.parts),
            ucs2: group.encoding == Encoding::Ucs2,
            done_after_s: Some(group.done_after_s).filter(|seconds| *seconds != u64::MAX).map(count),
        });
        let groups = groups.collect();
        let region = wire::RegionPlan {
            region: self.0.region.clone(),
            groups,
            recipients: count(plan.recipients),
            parts: count(plan.parts),
            parts_per_second: i64::from(self.0.notices.sms_parts_per_second),
            within_30_minutes: count(plan.within_30_minutes),
            curve: plan.curve.iter().map(|reached| count(*reached)).collect(),
            remarks,
        };
        Ok(Response::new(wire::PlanNoticeResponse { regions: vec![region], missing_regions: Vec::new() }))
    }

    async fn render_notice(
        &self,
        request: Request<wire::RenderNoticeRequest>,
    ) -> Result<Response<wire::RenderNoticeResponse>, Status> {
        let body = request.into_inner();
        let Some(phase) = code::phase_from_wire(body.phase) else {
            refuse_if(vec![Violation::new("phase", "UNKNOWN_CODE", "say what it is about, such as FIRST_NOTICE")])?;
            return Err(Status::internal("unreachable"));
        };
        let value = |name: &str| body.facts.get(name).filter(|value| !value.trim().is_empty()).cloned();
        let fill = |language| {
            template(phase).fill(language, value).map_err(|missing| {
                let message = format!("give values for these placeholders: {}", missing.join(", "));
                refuse(
                    &Refusal::new(RefusalKind::Precondition, "PLACEHOLDERS_MISSING", message)
                        .with("placeholders", missing.join(",")),
                )
            })
        };
        let (vi, en) = (fill(Language::Vi)?, fill(Language::En)?);
        let text = |text| Some(convert::text_to_wire(text));
        Ok(Response::new(wire::RenderNoticeResponse { vi: text(&vi), en: text(&en) }))
    }

    async fn get_notice_progress(
        &self,
        request: Request<wire::GetNoticeProgressRequest>,
    ) -> Result<Response<wire::GetNoticeProgressResponse>, Status> {
        let id = self.known("id", &request.get_ref().id, Vec::new()).await?;
        let progress = self.0.follow_notice(id).await.map_err(|e| failed(&e))?;
        Ok(Response::new(wire::GetNoticeProgressResponse { progress: vec![progress] }))
    }

    async fn print_notice(
        &self,
        request: Request<wire::PrintNoticeRequest>,
    ) -> Result<Response<wire::PrintNoticeResponse>, Status> {
        let body = request.into_inner();
        let mut found = Vec::new();
        let id = id_of("id", &body.id, &mut found);
        let output = output_of(body.output, &mut found);
        refuse_if(found)?;
        let language = if body.language() == ticket::Language::En { Language::En } else { Language::Vi };
        let revision = Some(body.revision).filter(|revision| *revision != 0);
        let printed = self.0.print_notice(id, revision, output, language).await.map_err(|e| failed(&e))?;
        let printed = printed.map_err(|refusal| refuse(&refusal))?;
        let document = match body.format() {
            wire::PrintFormat::Pdf => paper::pdf(&printed),
            wire::PrintFormat::Text | wire::PrintFormat::Unspecified => printed.text().into_bytes(),
        };
        Ok(Response::new(wire::PrintNoticeResponse { document, reading_seconds: reading_seconds(&printed) }))
    }

    async fn record_print_sent(
        &self,
        request: Request<wire::RecordPrintSentRequest>,
    ) -> Result<Response<wire::RecordPrintSentResponse>, Status> {
        let principal = principal_of(&request);
        let body = request.into_inner();
        let key = request_of(&principal, "RecordPrintSent", &body.request_id, &body);
        let mut found = Vec::new();
        check_request_id(&body.request_id, &mut found);
        author(&body.author, &mut found);
        let output = output_of(body.output, &mut found);
        if body.recipient.trim().is_empty() || body.recipient.len() > 200 || body.recipient.contains('\0') {
            found.push(Violation::new("recipient", "LENGTH", "say to whom it was sent, in 1 to 200 bytes"));
        }
        let sent_at = body.sent_at.as_ref().and_then(time::instant);
        if sent_at.is_none() {
            found.push(Violation::new("sent_at", "REQUIRED", "say when, between the years -9999 and 9999"));
        }
        let id = self.known("id", &body.id, found).await?;
        let sent = PrintSent {
            revision: body.revision,
            output,
            recipient: body.recipient.trim().to_owned(),
            sent_us: sent_at.map_or(0, Timestamp::as_microsecond),
            author: body.author.trim().to_owned(),
        };
        answered(self.0.record_print_sent(key, id, &sent).await)
    }

    async fn list_prints_sent(
        &self,
        request: Request<wire::ListPrintsSentRequest>,
    ) -> Result<Response<wire::ListPrintsSentResponse>, Status> {
        let id = self.known("id", &request.get_ref().id, Vec::new()).await?;
        let sent = |sent: PrintSent| wire::PrintSent {
            revision: sent.revision,
            output: code::notice_channel_to_wire(sent.output),
            recipient: sent.recipient,
            sent_at: Some(time::micros(sent.sent_us)),
            author: sent.author,
        };
        let log = self.0.store.prints_sent(id).await.map_err(|e| failed(&e))?;
        Ok(Response::new(wire::ListPrintsSentResponse { sent: log.into_iter().map(sent).collect() }))
    }
}

/// What somebody prints, and sends by hand; or a violation.
fn output_of(number: i32, found: &mut Vec<Violation>) -> NoticeChannel {
    use NoticeChannel::{LetterToGenerators, LetterToLocalities, Press, Radio};
    let output = code::notice_channel_from_wire(number);
    let output = output.filter(|output| matches!(output, Press | Radio | LetterToLocalities | LetterToGenerators));
    if output.is_none() {
        let cure = "give PRESS, RADIO, LETTER_TO_LOCALITIES or LETTER_TO_GENERATORS";
        found.push(Violation::new("output", "UNKNOWN_CODE", cure));
    }
    output.unwrap_or(Press)
}

fn id_of(field: &str, given: &str, found: &mut Vec<Violation>) -> Uuid {
    let id = Uuid::try_parse(given).ok();
    if id.is_none() {
        found.push(Violation::new(field, "MALFORMED", "give an id, a uuid"));
    }
    id.unwrap_or_default()
}

impl Notices {
    /// What an author gives, or every violation of the request.
    fn content(&self, given: Option<&wire::NoticeContent>, found: &mut Vec<Violation>) -> Result<Content, Status> {
        let content = match given {
            Some(content) => convert::content_from_wire(content, self.0.now(), "content."),
            None => Err(vec![Violation::new("content", "REQUIRED", "say what is told, and to whom")]),
        };
        if let Ok(content) = &content
            && !content.audience.regions.iter().all(|region| *region == self.0.region)
        {
            let cure = format!("give {} or none: others are told by the gateway", self.0.region);
            found.push(Violation::new("content.audience.regions", "ANOTHER_REGION", cure));
        }
        match content {
            Ok(content) if found.is_empty() => Ok(content),
            content => {
                found.extend(content.err().into_iter().flatten());
                Err(refuse(&Refusal::invalid(std::mem::take(found))))
            }
        }
    }

    /// The id of a notice that there is, or why not.
    async fn known(&self, field: &str, given: &str, mut found: Vec<Violation>) -> Result<Uuid, Status> {
        let id = id_of(field, given, &mut found);
        refuse_if(found)?;
        let stored = self.0.store.notice(id).await.map_err(|e| failed(&e))?;
        stored.map(|stored| stored.notice.id).ok_or_else(|| refuse(&no_such_notice()))
    }
}
