//! Open311 GeoReport v2.

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, RawQuery, State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use gridcare_chassis::{id::new_id, identity::Principal};
use gridcare_domain::{
    customer::Language,
    document::{Value, local},
    open311::{self as form, Fault, Form, MOST_BYTES, MOST_DAYS, Report},
    reference::Reference,
    refusal::{Refusal, Violation},
    ticket::State as TicketState,
};
use gridcare_proto::{convert::time, ticket::v1 as wire};
use gridcare_store::{StoreError, open311::RequestQuery};
use jiff::{SignedDuration, Timestamp};
use prost::Message as _;

use crate::{
    SharedNode,
    flows::request_comes_in::opening_of,
    grpc,
    idempotency::{check_request_id, request_of},
};

/// The header by which a client says that it asks again, not for more.
const KEY: &str = "idempotency-key";

/// `/open311/discovery.{json,xml}` and `/open311/v2/…`.
pub(super) fn routes(node: &SharedNode) -> Router {
    Router::new()
        .route("/open311/{file}", get(discover))
        .route("/open311/v2/{file}", get(read_all).post(ask))
        .route("/open311/v2/{kind}/{file}", get(read_one))
        // A form that is too long is read no further.
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .with_state(node.clone())
}

/// What an answer is, before it has a form: an element that holds a value.
type Answer = Result<(StatusCode, &'static str, Value), Vec<Fault>>;

fn wrong(code: u16, description: impl Into<String>) -> Vec<Fault> {
    vec![Fault::new(code, description)]
}

fn failed(error: &StoreError) -> Vec<Fault> {
    tracing::error!(error = error as &dyn std::error::Error, "an Open311 call failed");
    wrong(503, "the request could not be worked on; try again with the same Idempotency-Key")
}

/// Name and form of a file.
fn file(name: &str) -> Option<(&str, bool)> {
    match name.rsplit_once('.')? {
        (stem, "json") => Some((stem, false)),
        (stem, "xml") => Some((stem, true)),
        _ => None,
    }
}

fn reply(xml: bool, answer: Answer) -> Response {
    let (status, root, value) = answer.unwrap_or_else(|faults| {
        let code = faults.first().map_or(400, |fault| fault.code);
        (StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_REQUEST), "errors", form::errors(&faults))
    });
    let public = (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    if xml {
        let kind = (header::CONTENT_TYPE, "text/xml; charset=utf-8");
        (status, [kind, public], value.xml(root, &[])).into_response()
    } else {
        (status, [(header::CONTENT_TYPE, "application/json; charset=utf-8"), public], value.json()).into_response()
    }
}

fn nothing_here() -> Response {
    reply(false, Err(wrong(404, "there is nothing here; ask for .json or .xml of what GeoReport v2 names")))
}

fn language(form: &Form) -> Language {
    if form.get("lang") == Some("en") { Language::En } else { Language::Vi }
}

fn parse(bytes: &[u8]) -> Result<Form, Vec<Fault>> {
    Form::parse(bytes).map_err(|error| wrong(400, error.to_string()))
}

/// The query of a call, if it is for this corporation.
fn query(node: &SharedNode, query: Option<&String>) -> Result<Form, Vec<Fault>> {
    let form = parse(query.map(String::as_bytes).unwrap_or_default())?;
    jurisdiction(node, &form)?;
    Ok(form)
}

fn jurisdiction(node: &SharedNode, form: &Form) -> Result<(), Vec<Fault>> {
    match form.get("jurisdiction_id") {
        Some(other) if !other.eq_ignore_ascii_case(&node.region) && !other.eq_ignore_ascii_case(&node.id) => {
            Err(wrong(404, format!("jurisdiction_id was not found; give {}, or none", node.region)))
        }
        _ => Ok(()),
    }
}

async fn discover(State(node): State<SharedNode>, Path(name): Path<String>) -> Response {
    let Some(("discovery", xml)) = file(&name) else { return nothing_here() };
    let endpoint = Value::Object(vec![
        ("specification", Value::text("http://wiki.open311.org/GeoReport_v2")),
        ("url", Value::text(format!("{}/open311/v2", node.open.publisher.url))),
        ("changeset", Value::text(form::CHANGESET)),
        ("type", Value::text("production")),
        ("formats", Value::List("format", vec![Value::text("text/xml"), Value::text("application/json")])),
    ]);
    let value = Value::Object(vec![
        ("changeset", Value::text(form::CHANGESET)),
        ("contact", Value::text(&node.sms.hotline)),
        ("key_service", Value::text("keys are given by the corporation")),
        ("endpoints", Value::List("endpoint", vec![endpoint])),
    ]);
    reply(xml, Ok((StatusCode::OK, "discovery", value)))
}

async fn read_all(State(node): State<SharedNode>, Path(name): Path<String>, RawQuery(asked): RawQuery) -> Response {
    let Some((name, xml)) = file(&name) else { return nothing_here() };
    let answer = async {
        let form = query(&node, asked.as_ref())?;
        match name {
            "services" => {
                let value = form::services(&node.rules().standard, language(&form));
                Ok((StatusCode::OK, "services", value))
            }
            "requests" => requests(&node, &form).await,
            _ => Err(wrong(404, "there is nothing here; ask for services or requests")),
        }
    };
    reply(xml, answer.await)
}

async fn read_one(
    State(node): State<SharedNode>,
    Path((kind, name)): Path<(String, String)>,
    RawQuery(asked): RawQuery,
) -> Response {
    let Some((name, xml)) = file(&name) else { return nothing_here() };
    let answer = async {
        let form = query(&node, asked.as_ref())?;
        match kind.as_str() {
            "services" => {
                let rules = node.rules();
                let category = rules.standard.category(name).ok_or_else(unknown_service)?;
                Ok((StatusCode::OK, "service_definition", form::definition(category, language(&form))))
            }
            "requests" => named(&node, &[name], language(&form)).await,
            "tokens" => {
                let token = name.parse().map_err(|_| wrong(404, "token was not found"))?;
                let found = node.request_of_token(token).await.map_err(|e| failed(&e))?;
                let ticket = found.ok_or_else(|| wrong(404, "token was not found"))?;
                Ok((StatusCode::OK, "service_requests", form::token(name, &ticket.reference.to_string())))
            }
            _ => Err(wrong(404, "there is nothing here; ask for services, requests or tokens")),
        }
    };
    reply(xml, answer.await)
}

fn unknown_service() -> Vec<Fault> {
    wrong(404, "service_code was not found; give one that services lists")
}

async fn named(node: &SharedNode, names: &[&str], language: Language) -> Answer {
    let read =
        |name: &&str| Reference::parse(name).map_err(|error| Fault::new(404, format!("service_request_id: {error}")));
    let (references, faults): (Vec<_>, Vec<_>) = names.iter().map(read).partition(Result::is_ok);
    let faults: Vec<_> = faults.into_iter().filter_map(Result::err).collect();
    if !faults.is_empty() {
        return Err(faults);
    }
    let references: Vec<_> = references.into_iter().filter_map(Result::ok).collect();
    let found = node.requests_named(&references).await.map_err(|e| failed(&e))?;
    if found.is_empty() {
        return Err(wrong(404, "service_request_id was not found among those asked for here"));
    }
    Ok((StatusCode::OK, "service_requests", shown(node, &found, language)))
}

fn shown(node: &SharedNode, found: &[gridcare_domain::ticket::Ticket], language: Language) -> Value {
    form::requests(found, &node.rules().standard, &node.region, language, &node.zone)
}

async fn requests(node: &SharedNode, form: &Form) -> Answer {
    let names: Vec<_> = form.list("service_request_id").collect();
    if names.len() > form::MOST_NAMED {
        return Err(wrong(400, format!("service_request_id: give at most {}", form::MOST_NAMED)));
    }
    if !names.is_empty() {
        return named(node, &names, language(form)).await;
    }
    let mut faults = Vec::new();
    let mut time = |name: &str| {
        let read = form.get(name).map(str::parse::<Timestamp>);
        if matches!(read, Some(Err(_))) {
            let example = local(node.now(), &node.zone);
            faults.push(Fault::new(400, format!("{name}: give a time such as {example}")));
        }
        read.and_then(Result::ok)
    };
    let (from, until) = (time("start_date"), time("end_date"));
    let days = SignedDuration::from_hours(24 * MOST_DAYS);
    // The end is the caller's or now, the newest request included.
    let ends = until
        .or_else(|| from?.checked_add(days).ok())
        .unwrap_or(Timestamp::MAX)
        .min(node.now() + SignedDuration::from_secs(1));
    let begins = from.or_else(|| ends.checked_sub(days).ok()).unwrap_or(Timestamp::MIN);
    if ends.duration_since(begins) > days {
        faults.push(Fault::new(400, format!("start_date and end_date: give at most {MOST_DAYS} days")));
    }
    let mut states = Vec::new();
    for status in form.list("status") {
        match status {
            "open" => states.extend(TicketState::ALL.iter().copied().filter(|state| form::is_open(*state))),
            "closed" => states.extend(TicketState::ALL.iter().copied().filter(|state| !form::is_open(*state))),
            _ => faults.push(Fault::new(400, "status: give open or closed")),
        }
    }
    let rules = node.rules();
    let categories: Vec<_> = form.list("service_code").map(str::to_owned).collect();
    if categories.iter().any(|code| rules.standard.category(code).is_none()) {
        faults.extend(unknown_service());
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let query = RequestQuery { from_us: begins.as_microsecond(), until_us: ends.as_microsecond(), states, categories };
    let found = node.requests(&query).await.map_err(|e| failed(&e))?;
    Ok((StatusCode::OK, "service_requests", shown(node, &found, language(form))))
}

async fn ask(
    State(node): State<SharedNode>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let Some((name, xml)) = file(&name) else { return nothing_here() };
    let answer = async {
        if name != "requests" {
            return Err(wrong(404, "there is nothing to post here; post to requests"));
        }
        let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !kind.starts_with("application/x-www-form-urlencoded") {
            return Err(wrong(
                415,
                "send application/x-www-form-urlencoded; of a picture send its address as media_url",
            ));
        }
        let body =
            body.map_err(|rejection| wrong(rejection.status().as_u16(), form::FormError::TooLong.to_string()))?;
        take(&node, &parse(&body)?, headers.get(KEY).map(|key| key.to_str().unwrap_or_default())).await
    };
    reply(xml, answer.await)
}

async fn take(node: &SharedNode, form: &Form, key: Option<&str>) -> Answer {
    let given = form.get("api_key").ok_or_else(|| wrong(403, "api_key was not provided"))?;
    let partner = node.open.partner(given).ok_or_else(|| wrong(403, "api_key is not known here"))?;
    jurisdiction(node, form)?;
    let mut faults = Vec::new();
    let report = Report::read(form).map_err(|found| faults.extend(found)).ok();
    let key = key.map_or_else(|| new_id().to_string(), str::to_owned);
    let mut found = Vec::new();
    check_request_id(&key, &mut found);
    faults.extend(found.iter().map(|violation| Fault::new(400, format!("Idempotency-Key: {}", violation.description))));
    let event_at = report.as_ref().and_then(|report| report.event_at.as_deref()).map(str::parse::<Timestamp>);
    if matches!(event_at, Some(Err(_))) {
        let example = local(node.now(), &node.zone);
        faults.push(Fault::new(400, format!("attribute[event_at]: give a time such as {example}")));
    }
    let (Some(report), true) = (report, faults.is_empty()) else { return Err(faults) };
    let standard = node.rules().standard;
    let category = standard.category(&report.service_code).ok_or_else(unknown_service)?;
    let event_at = event_at.and_then(Result::ok).map(time::timestamp);
    let body = opening_of(&report, &category.name_vi, event_at, partner);
    let opening = grpc::opening(&body, &standard).map_err(|found| found.iter().map(fault_of).collect::<Vec<_>>())?;
    let request = request_of(&Principal(format!("open311 {partner}")), "Open311", &key, &body);
    let answer = node.take_request(request, opening, partner, report.position()).await.map_err(|e| failed(&e))?;
    let bytes = answer.map_err(|refusal| wrong(409, told(&refusal)))?;
    let reference = wire::OpenTicketResponse::decode(bytes.as_slice()).ok().and_then(|answer| answer.ticket);
    let reference =
        reference.map(|ticket| ticket.reference).ok_or_else(|| wrong(409, "what was asked for is no longer kept"))?;
    Ok((StatusCode::CREATED, "service_requests", form::accepted(&reference)))
}

fn told(refusal: &Refusal) -> String {
    refusal.message.clone()
}

/// A rule of tickets, by the name that the field has here.
fn fault_of(violation: &Violation) -> Fault {
    let field = match violation.field.as_str() {
        "customer_code" | "province" | "event_at" => format!("attribute[{}]", violation.field),
        "requester_name" => "first_name and last_name".to_owned(),
        "requester_contact_point" => "phone or email".to_owned(),
        other => other.to_owned(),
    };
    Fault::new(400, format!("{field}: {}", violation.description))
}
