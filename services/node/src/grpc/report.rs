use gridcare_domain::{
    reference::Reference,
    refusal::{Refusal, RefusalKind, Violation},
    report::{ClockOutcome, Measure, Selection, day::date_of},
};
use gridcare_proto::{
    convert::{
        code,
        report::{Asked, Table, days_from_wire, file, period_from_wire},
    },
    report::v1::{self as wire, report_service_server::ReportService},
};
use gridcare_store::counted::Behind;
use prost::Message as _;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Reports, codes, failed, page, refuse_if};
use crate::{
    flows::report_is_verified::verify,
    outlet::{Outflow, outlet},
};

/// Bytes of one part of a file.
const CHUNK: usize = 64 << 10;

impl Reports {
    async fn draw(&self, period: Option<&wire::ReportPeriod>) -> Result<wire::GetReportResponse, Status> {
        let mut found = Vec::new();
        let asked = period_from_wire(period, &mut found);
        if let Some(asked) = &asked {
            found.extend(asked.too_much(asked.reads(&[]).len()));
        }
        refuse_if(found)?;
        let asked: Asked = asked.ok_or_else(|| Status::internal("unreachable"))?;
        let drawn = self.0.draw_report(&asked).await.map_err(|e| failed(&e))?;
        drawn.ok_or_else(|| gridcare_chassis::status::refuse(&Refusal::invalid(vec![Asked::much()])))
    }
}

#[tonic::async_trait]
impl ReportService for Reports {
    type ExportReportStream = Outflow<wire::ExportReportResponse>;
    type VerifyReportStream = Outflow<wire::VerifyReportResponse>;

    async fn get_report(
        &self,
        request: Request<wire::GetReportRequest>,
    ) -> Result<Response<wire::GetReportResponse>, Status> {
        self.draw(request.get_ref().period.as_ref()).await.map(Response::new)
    }

    async fn list_report_tickets(
        &self,
        request: Request<wire::ListReportTicketsRequest>,
    ) -> Result<Response<wire::ListReportTicketsResponse>, Status> {
        let body = request.into_inner();
        let mut found = Vec::new();
        let selection = selection(&body, &mut found);
        let most = page::size(body.page_size, &mut found);
        let filter = wire::ListReportTicketsRequest { page_size: 0, page_token: String::new(), ..body.clone() };
        let filter = filter.encode_to_vec();
        let after = page::place::<20>(&filter, &body.page_token, &mut found);
        refuse_if(found)?;
        let selection = selection.ok_or_else(|| Status::internal("unreachable"))?;
        let currency = self.0.tallies_catch_up().await.map_err(|e| failed(&e))?;
        let after = after.map(|place| {
            let (day, id) = place.split_at(4);
            (i32::from_be_bytes(day.try_into().unwrap_or_default()), Uuid::from_slice(id).unwrap_or_default())
        });
        let (tickets, next) = self.0.report_tickets(&selection, after, most).await.map_err(|e| failed(&e))?;
        let next = next.map(|(day, id)| page::token(&filter, &[&day.to_be_bytes()[..], id.as_bytes()].concat()));
        let tickets = tickets.into_iter().map(ticket_to_wire).collect();
        let next_page_token = next.unwrap_or_default();
        Ok(Response::new(wire::ListReportTicketsResponse { tickets, next_page_token, currency: Some(currency) }))
    }

    async fn export_report(
        &self,
        request: Request<wire::ExportReportRequest>,
    ) -> Result<Response<Self::ExportReportStream>, Status> {
        let body = request.into_inner();
        let format = wire::ExportFormat::try_from(body.format);
        let format = format.ok().filter(|format| *format != wire::ExportFormat::Unspecified).ok_or_else(|| {
            let violation = Violation::new("format", "UNKNOWN_CODE", "give CSV or PARQUET");
            gridcare_chassis::status::refuse(&Refusal::invalid(vec![violation]))
        })?;
        let report = self.draw(body.period.as_ref()).await?;
        let bytes = file(&Table::of_report(&report), format).map_err(|e| gridcare_chassis::status::fault(&e))?;
        let (out, stream) = outlet();
        tokio::spawn(async move {
            for chunk in bytes.chunks(CHUNK) {
                if !out.send(wire::ExportReportResponse { chunk: chunk.to_vec() }, "nothing: export again").await {
                    return;
                }
            }
        });
        Ok(Response::new(stream))
    }

    async fn verify_report(
        &self,
        _: Request<wire::VerifyReportRequest>,
    ) -> Result<Response<Self::VerifyReportStream>, Status> {
        let currency = self.0.tallies_catch_up().await.map_err(|e| failed(&e))?;
        if currency.recounting {
            let message = "all tickets are being counted anew; verify when that has ended";
            let mut refusal = Refusal::new(RefusalKind::Unavailable, "RECOUNTING", message);
            refusal.retry_after = Some(std::time::Duration::from_secs(10));
            return Err(gridcare_chassis::status::refuse(&refusal));
        }
        let Ok(permit) = self.0.snapshots.clone().try_acquire_owned() else {
            let message = "two snapshots are being taken from this process already; try again when one has ended";
            let mut refusal = Refusal::new(RefusalKind::Exhausted, "TOO_MANY_SNAPSHOTS", message);
            refusal.retry_after = Some(std::time::Duration::from_secs(5));
            return Err(gridcare_chassis::status::refuse(&refusal));
        };
        let (out, stream) = outlet();
        tokio::spawn(verify(self.0.clone(), out, permit));
        Ok(Response::new(stream))
    }
}

/// A figure that is asked for its tickets, or violations.
fn selection(body: &wire::ListReportTicketsRequest, found: &mut Vec<Violation>) -> Option<Selection> {
    let measure = Measure::from_number(i64::from(body.measure));
    if measure.is_none() {
        found.push(Violation::new("measure", "REQUIRED", "give a measure of this version"));
    }
    let days = days_from_wire("", &body.from, &body.until, found);
    let outcomes = codes("outcomes", &body.outcomes, |number| ClockOutcome::from_number(i64::from(*number)), found);
    if body.categories.len() > 64 {
        found.push(Violation::new("categories", "TOO_MANY", "give at most 64 codes, each once"));
    }
    let of_clocks = measure == Some(Measure::Clock);
    if !of_clocks && (!body.target.is_empty() || !outcomes.is_empty()) {
        found.push(Violation::new("target", "NOT_OF_MEASURE", "give target and outcomes with CLOCK alone"));
    }
    if of_clocks && body.detail.is_some() {
        found.push(Violation::new("detail", "NOT_OF_MEASURE", "give target and outcomes with CLOCK, and no detail"));
    }
    Some(Selection {
        measure: measure?,
        days: days?,
        categories: body.categories.clone(),
        target: (!body.target.is_empty()).then(|| body.target.clone()),
        outcomes,
        detail: body.detail.clone(),
    })
}

fn ticket_to_wire(ticket: Behind) -> wire::ReportTicket {
    let number = u64::try_from(ticket.number).unwrap_or(0);
    let reference = Reference::new(&ticket.prefix, number).map(|reference| reference.to_string());
    wire::ReportTicket {
        id: ticket.id.to_string(),
        reference: reference.unwrap_or_default(),
        state: code::state_to_wire(ticket.state),
        category: ticket.category,
        day: date_of(ticket.day).to_string(),
    }
}
