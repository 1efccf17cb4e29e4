use gridcare_chassis::status::refuse;
use gridcare_domain::refusal::{Refusal, Violation};
use gridcare_proto::{
    convert::{notice as convert, time},
    notice::v1::{self as wire, notice_landing_service_server::NoticeLandingService},
};
use jiff::Timestamp;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Landings, answered};
use crate::{flows::notice_lands::Landing, idempotency::check_request_id};

#[tonic::async_trait]
impl NoticeLandingService for Landings {
    async fn land_notice(
        &self,
        request: Request<wire::LandNoticeRequest>,
    ) -> Result<Response<wire::LandNoticeResponse>, Status> {
        let landing = landing(&request.into_inner()).map_err(|found| refuse(&Refusal::invalid(found)))?;
        answered(self.0.land_notice(&landing).await)
    }
}

fn landing(body: &wire::LandNoticeRequest) -> Result<Landing, Vec<Violation>> {
    let mut found = Vec::new();
    check_request_id(&body.request_id, &mut found);
    let id = Uuid::try_parse(&body.id).ok();
    if id.is_none() {
        found.push(Violation::new("id", "MALFORMED", "give the notice's id, a uuid"));
    }
    let incident = convert::incident_from_wire(&body.incident, &mut found);
    if body.revision < 1 {
        found.push(Violation::new("revision", "OUT_OF_RANGE", "give the revision's number, from 1"));
    }
    if body.follows < 0 || body.follows >= body.revision.max(1) {
        let cure = "give the number of the revision before it that has landed, or 0";
        found.push(Violation::new("follows", "OUT_OF_RANGE", cure));
    }
    let published_at = body.published_at.as_ref().and_then(time::instant);
    if published_at.is_none() {
        let cure = "say when it was published, between the years -9999 and 9999";
        found.push(Violation::new("published_at", "REQUIRED", cure));
    }
    let published_at = published_at.unwrap_or(Timestamp::UNIX_EPOCH);
    let content = body.content.clone().unwrap_or_default();
    if content.audience.as_ref().is_some_and(|audience| !audience.customer_codes.is_empty()) {
        let cure = "name no customers: a gateway knows none";
        found.push(Violation::new("content.audience.customer_codes", "NOT_APPLICABLE", cure));
    }
    // Judged at the moment of its publishing: what has expired since is no mistake of its author.
    match convert::content_from_wire(&content, published_at, "content.") {
        Ok(content) if found.is_empty() => {
            let (id, revision) = (id.unwrap_or_default(), body.revision);
            let follows = Some(body.follows).filter(|follows| *follows != 0);
            Ok(Landing { id, incident, revision, follows, content, published_at })
        }
        read => {
            found.extend(read.err().into_iter().flatten());
            Err(found)
        }
    }
}
