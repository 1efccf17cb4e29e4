use axum::{
    Router,
    extract::{Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response as HttpResponse},
    routing::get,
};
use gridcare_domain::{customer::Language, refusal::Violation};
use gridcare_proto::{
    outage::v1::{self as wire, supply_schedule_service_server::SupplyScheduleService},
    ticket::v1 as ticket,
};
use jiff::{ToSpan as _, civil::Date};
use serde::Deserialize;
use tonic::{Request, Response, Status};

use super::{Schedules, failed, refuse_if};
use crate::SharedNode;

/// Days of the calendar that is asked for without a period: before today, and after.
const DAYS: (i64, i64) = (30, 90);

fn language(given: ticket::Language) -> Language {
    if given == ticket::Language::En { Language::En } else { Language::Vi }
}

/// The days of a calendar, or what is wrong with them.
fn days(from: &str, until: &str, found: &mut Vec<Violation>) -> Option<(Date, Date)> {
    let mut date = |field: &str, text: &str| {
        let read: Option<Date> = text.parse().ok();
        if read.is_none() {
            found.push(Violation::new(field, "MALFORMED", "give a date such as 2026-12-01"));
        }
        read
    };
    // Both are looked at before either is missed.
    let (from, until) = (date("from", from), date("until", until));
    let (from, until) = (from?, until?);
    if until <= from || until > from.checked_add(366.days()).unwrap_or(Date::MAX) {
        found.push(Violation::new("until", "OUT_OF_RANGE", "give an until later than from, by at most a year"));
        return None;
    }
    Some((from, until))
}

#[tonic::async_trait]
impl SupplyScheduleService for Schedules {
    async fn export_calendar(
        &self,
        request: Request<wire::ExportCalendarRequest>,
    ) -> Result<Response<wire::ExportCalendarResponse>, Status> {
        let body = request.into_inner();
        let mut found = Vec::new();
        let days = days(&body.from, &body.until, &mut found);
        refuse_if(found)?;
        let (from, until) = days.ok_or_else(|| Status::internal("unreachable"))?;
        let calendar = self.0.work_calendar(from, until, language(body.language())).await.map_err(|e| failed(&e))?;
        Ok(Response::new(wire::ExportCalendarResponse { calendar }))
    }

    async fn get_bulletin(
        &self,
        request: Request<wire::GetBulletinRequest>,
    ) -> Result<Response<wire::GetBulletinResponse>, Status> {
        let body = request.into_inner();
        let month = format!("{}-01", body.month).parse::<Date>().ok();
        let Some(month) = month else {
            refuse_if(vec![Violation::new("month", "MALFORMED", "give a month such as 2026-12")])?;
            return Err(Status::internal("unreachable"));
        };
        let language = language(body.language());
        let bulletin = self.0.bulletin(month, language).await.map_err(|e| failed(&e))?;
        let document = match body.format() {
            wire::BulletinFormat::Html => bulletin.html(language),
            wire::BulletinFormat::Text | wire::BulletinFormat::Unspecified => bulletin.text(),
        };
        Ok(Response::new(wire::GetBulletinResponse { document }))
    }
}

/// What a subscriber to the calendar may ask for.
#[derive(Debug, Default, Deserialize)]
struct Subscription {
    from: Option<String>,
    until: Option<String>,
    lang: Option<String>,
}

/// `/outages/planned.ics` of the HTTP port.
pub(crate) fn calendar_routes(node: SharedNode) -> Router {
    Router::new().route("/outages/planned.ics", get(subscribed)).with_state(node)
}

async fn subscribed(State(node): State<SharedNode>, Query(asked): Query<Subscription>) -> HttpResponse {
    let today = node.now().to_zoned(node.zone.clone()).date();
    let around = |days: i64| today.checked_add(days.days()).unwrap_or(today).to_string();
    let mut found = Vec::new();
    let from = asked.from.unwrap_or_else(|| around(-DAYS.0));
    let until = asked.until.unwrap_or_else(|| around(DAYS.1));
    let Some((from, until)) = days(&from, &until, &mut found) else {
        let wrong: Vec<_> = found.iter().map(|v| format!("{}: {}\n", v.field, v.description)).collect();
        return (StatusCode::BAD_REQUEST, wrong.concat()).into_response();
    };
    let language = if asked.lang.as_deref() == Some("en") { Language::En } else { Language::Vi };
    match node.work_calendar(from, until, language).await {
        Ok(calendar) => ([(header::CONTENT_TYPE, "text/calendar; charset=utf-8")], calendar).into_response(),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "the calendar could not be read");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}
