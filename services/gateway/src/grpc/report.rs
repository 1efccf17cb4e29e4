use std::pin::Pin;

use futures::{Stream, stream};
use gridcare_chassis::status::{fault, refuse};
use gridcare_domain::{
    refusal::{Refusal, Violation},
    report::day::date_of,
};
use gridcare_proto::{
    convert::report::{Table, file, period_from_wire},
    report::v1::{self as wire, national_report_service_server::NationalReportService},
};
use jiff::Timestamp;
use prost::Message as _;
use tonic::{Request, Response, Status};

use super::{NationalReports, check, failed, refuse_if};
use crate::flows::report_is_drawn::draw;

/// What common clients take in one message, with room for headers.
const ANSWER_BYTES: usize = (4 << 20) - 4_096;
/// Bytes of one part of a file.
const CHUNK: usize = 64 << 10;

fn too_much(what: &str) -> Status {
    let cure = "give a shorter period, a coarser step, or fewer categories or regions";
    let violation = Violation::new("period.step", "TOO_MUCH", format!("{what}; {cure}"));
    refuse(&Refusal::invalid(vec![violation]))
}

impl NationalReports {
    async fn draw(
        &self,
        period: Option<&wire::ReportPeriod>,
        regions: &[String],
    ) -> Result<wire::GetNationalReportResponse, Status> {
        let Self(parts) = self;
        let mut found = Vec::new();
        let asked = period_from_wire(period, &mut found);
        let regions = check::regions(regions, &parts.country, &mut found);
        refuse_if(found)?;
        let asked = asked.ok_or_else(|| Status::internal("unreachable"))?;
        let until = date_of(asked.days().until).to_zoned(parts.country.zone.clone());
        let until = until.map_or(Timestamp::MAX, |until| until.timestamp());
        let mut members = parts.members(until).await.map_err(|e| failed(&e))?;
        members.retain(|member| regions.is_empty() || regions.contains(&member.seat.region.as_str()));
        let drawn = draw(&parts.store, &asked, &members, parts.clock.now()).await.map_err(|e| failed(&e))?;
        drawn.ok_or_else(|| too_much("there would be too many rows"))
    }
}

#[tonic::async_trait]
impl NationalReportService for NationalReports {
    type ExportNationalReportStream =
        Pin<Box<dyn Stream<Item = Result<wire::ExportNationalReportResponse, Status>> + Send>>;

    async fn get_national_report(
        &self,
        request: Request<wire::GetNationalReportRequest>,
    ) -> Result<Response<wire::GetNationalReportResponse>, Status> {
        let body = request.into_inner();
        let answer = self.draw(body.period.as_ref(), &body.regions).await?;
        if answer.encoded_len() > ANSWER_BYTES {
            return Err(too_much("the answer would be larger than 4 MiB"));
        }
        Ok(Response::new(answer))
    }

    async fn export_national_report(
        &self,
        request: Request<wire::ExportNationalReportRequest>,
    ) -> Result<Response<Self::ExportNationalReportStream>, Status> {
        let body = request.into_inner();
        let format = wire::ExportFormat::try_from(body.format);
        let format = format.ok().filter(|format| *format != wire::ExportFormat::Unspecified).ok_or_else(|| {
            refuse(&Refusal::invalid(vec![Violation::new("format", "UNKNOWN_CODE", "give CSV or PARQUET")]))
        })?;
        let report = self.draw(body.period.as_ref(), &body.regions).await?;
        let bytes = file(&Table::of_national_report(&report), format).map_err(|e| fault(&e))?;
        let chunk = |chunk: &[u8]| Ok(wire::ExportNationalReportResponse { chunk: chunk.to_vec() });
        let chunks: Vec<_> = bytes.chunks(CHUNK).map(chunk).collect();
        Ok(Response::new(Box::pin(stream::iter(chunks))))
    }
}
