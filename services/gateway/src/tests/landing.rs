//! How a played node takes national notices, and plans.

use std::sync::{Arc, Mutex, MutexGuard};

use gridcare_chassis::status::refuse;
use gridcare_domain::refusal::{Refusal, RefusalKind, Violation};
use gridcare_proto::notice::v1::{
    self as wire, notice_landing_service_server::NoticeLandingService, notice_service_server::NoticeService,
};
use tonic::{Request, Response, Status};

/// What a played node has of national notices.
#[derive(Clone, Default)]
pub(super) struct Landing(Arc<Mutex<Landed>>);

#[derive(Default)]
pub(super) struct Landed {
    /// The notice and the number of each revision, in the order in which they came to be known.
    pub(super) known: Vec<(String, i64)>,
    /// Those that were handed over again.
    pub(super) again: usize,
    /// What it answers until it is told otherwise.
    pub(super) refusal: Option<tonic::Code>,
    /// Takes what it is handed, and breaks the connection instead of saying so.
    pub(super) mute: bool,
    /// The corporation for whose customers alone it plans.
    pub(super) region: &'static str,
}

impl Landing {
    pub(super) fn lock(&self) -> MutexGuard<'_, Landed> {
        self.0.lock().unwrap()
    }

    /// The numbers of a notice's revisions that it has.
    pub(super) fn revisions(&self, id: &str) -> Vec<i64> {
        self.lock().known.iter().filter(|(known, _)| known == id).map(|(_, revision)| *revision).collect()
    }
}

#[tonic::async_trait]
impl NoticeLandingService for Landing {
    async fn land_notice(
        &self,
        request: Request<wire::LandNoticeRequest>,
    ) -> Result<Response<wire::LandNoticeResponse>, Status> {
        let body = request.into_inner();
        let mut landed = self.lock();
        if let Some(code) = landed.refusal {
            return Err(Status::new(code, "played"));
        }
        let newest = landed.known.iter().filter(|(id, _)| *id == body.id).map(|(_, revision)| *revision).max();
        if newest.unwrap_or(0) < body.follows {
            return Err(refuse(&Refusal::new(RefusalKind::Precondition, "REVISION_MISSING", "played")));
        }
        let known = newest.is_some_and(|newest| newest >= body.revision);
        if known {
            landed.again += 1;
        } else {
            landed.known.push((body.id, body.revision));
        }
        if landed.mute {
            Err(Status::unavailable("played"))
        } else {
            Ok(Response::new(wire::LandNoticeResponse { known }))
        }
    }
}

fn not_played<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("not played"))
}

#[tonic::async_trait]
impl NoticeService for Landing {
    async fn plan_notice(
        &self,
        request: Request<wire::PlanNoticeRequest>,
    ) -> Result<Response<wire::PlanNoticeResponse>, Status> {
        let landed = self.lock();
        if let Some(code) = landed.refusal {
            return Err(Status::new(code, "played"));
        }
        let content = request.into_inner().content.unwrap_or_default();
        if content.audience.unwrap_or_default().regions.iter().any(|region| region != landed.region) {
            let another = Violation::new("content.audience.regions", "ANOTHER_REGION", "played");
            return Err(refuse(&Refusal::invalid(vec![another])));
        }
        let plan = wire::RegionPlan { recipients: 100, parts: 200, curve: vec![60, 100], ..Default::default() };
        Ok(Response::new(wire::PlanNoticeResponse { regions: vec![plan], missing_regions: Vec::new() }))
    }

    async fn create_notice(
        &self,
        _: Request<wire::CreateNoticeRequest>,
    ) -> Result<Response<wire::CreateNoticeResponse>, Status> {
        not_played()
    }

    async fn write_revision(
        &self,
        _: Request<wire::WriteRevisionRequest>,
    ) -> Result<Response<wire::WriteRevisionResponse>, Status> {
        not_played()
    }

    async fn move_revision(
        &self,
        _: Request<wire::MoveRevisionRequest>,
    ) -> Result<Response<wire::MoveRevisionResponse>, Status> {
        not_played()
    }

    async fn get_notice(
        &self,
        _: Request<wire::GetNoticeRequest>,
    ) -> Result<Response<wire::GetNoticeResponse>, Status> {
        not_played()
    }

    async fn list_notices(
        &self,
        _: Request<wire::ListNoticesRequest>,
    ) -> Result<Response<wire::ListNoticesResponse>, Status> {
        not_played()
    }

    async fn render_notice(
        &self,
        _: Request<wire::RenderNoticeRequest>,
    ) -> Result<Response<wire::RenderNoticeResponse>, Status> {
        not_played()
    }

    async fn get_notice_progress(
        &self,
        _: Request<wire::GetNoticeProgressRequest>,
    ) -> Result<Response<wire::GetNoticeProgressResponse>, Status> {
        not_played()
    }

    async fn print_notice(
        &self,
        _: Request<wire::PrintNoticeRequest>,
    ) -> Result<Response<wire::PrintNoticeResponse>, Status> {
        not_played()
    }

    async fn record_print_sent(
        &self,
        _: Request<wire::RecordPrintSentRequest>,
    ) -> Result<Response<wire::RecordPrintSentResponse>, Status> {
        not_played()
    }

    async fn list_prints_sent(
        &self,
        _: Request<wire::ListPrintsSentRequest>,
    ) -> Result<Response<wire::ListPrintsSentResponse>, Status> {
        not_played()
    }
}
