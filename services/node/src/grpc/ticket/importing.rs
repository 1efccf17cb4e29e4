use std::collections::HashSet;

use gridcare_domain::{
    contact::check_text,
    refusal::{Refusal, RefusalKind, Violation},
    standard::Standard,
    text,
    ticket::{TEXT_LIMIT, TimelineKind, Visibility},
};
use gridcare_proto::{
    convert::{code, time},
    ticket::v1::{self as wire, imported_event::Event},
};
use jiff::Timestamp;
use tonic::{Response, Status};

use super::{
    super::{failed, refuse_if},
    reading,
    steps::{person, rate},
};
use crate::{
    Node,
    flows::{
        ticket_is_imported::History,
        ticket_moves::{Move, Step},
    },
    idempotency::check_request_id,
};

/// Tickets of one request.
const BATCH: usize = 1_000;
/// Events of one ticket.
const EVENTS: usize = 1_000;

/// Keeps the tickets that are sound, and says of the others why they are not.
pub(super) async fn import(
    node: &Node,
    body: wire::ImportTicketsRequest,
) -> Result<Response<wire::ImportTicketsResponse>, Status> {
    let mut found = Vec::new();
    check_request_id(&body.request_id, &mut found);
    check_text("source", &body.source, 64, &mut found);
    if body.source.is_empty() {
        found.push(Violation::new("source", "REQUIRED", "name the other system"));
    }
    if body.tickets.len() > BATCH {
        found.push(Violation::new("tickets", "TOO_MANY", format!("give at most {BATCH} at once")));
    }
    refuse_if(found)?;
    let (now, rules) = (node.now(), node.rules());
    let (mut histories, mut rejections, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    for (place, ticket) in body.tickets.iter().enumerate() {
        match history(ticket, &rules.standard, now) {
            Ok(history) if seen.insert(history.source_key.clone()) => histories.push((place, history)),
            Ok(_) => {
                let message = "this source_key stands twice in the request; give it once";
                let twice = Refusal::new(RefusalKind::Invalid, "SOURCE_KEY_TWICE", message);
                rejections.push(rejection(place, ticket, &twice));
            }
            Err(violations) => rejections.push(rejection(place, ticket, &Refusal::invalid(violations))),
        }
    }
    let done = node.import_tickets(&body.source, histories).await.map_err(|e| failed(&e))?;
    rejections.extend(
        done.refused
            .iter()
            .filter_map(|(place, refusal)| body.tickets.get(*place).map(|ticket| rejection(*place, ticket, refusal))),
    );
    rejections.sort_by_key(|rejection| rejection.index);
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Ok(Response::new(wire::ImportTicketsResponse { imported: count(done.kept), known: count(done.known), rejections }))
}

fn rejection(place: usize, ticket: &wire::ImportedTicket, refusal: &Refusal) -> wire::ImportRejection {
    let details: Vec<_> = refusal.violations.iter().map(|v| format!("{}: {}", v.field, v.description)).collect();
    wire::ImportRejection {
        index: u32::try_from(place).unwrap_or(u32::MAX),
        source_key: ticket.source_key.clone(),
        reason: refusal.reason.to_owned(),
        message: if details.is_empty() { refusal.message.clone() } else { details.join("; ") },
    }
}

fn history(ticket: &wire::ImportedTicket, standard: &Standard, now: Timestamp) -> Result<History, Vec<Violation>> {
    let mut found = Vec::new();
    if ticket.source_key.is_empty() || ticket.source_key.len() > 200 {
        found.push(Violation::new("source_key", "LENGTH", "give a key of 1 to 200 bytes, unique within the source"));
    }
    let opened_at = ticket.opened_at.as_ref().and_then(time::instant);
    let passed = |at: &Timestamp| at.as_second() >= 0 && *at <= now;
    if !opened_at.as_ref().is_some_and(passed) {
        found.push(Violation::new(
            "opened_at",
            "OUT_OF_RANGE",
            "give when it was opened, after 1970 and not in the future",
        ));
    }
    if ticket.events.len() > EVENTS {
        found.push(Violation::new("events", "TOO_MANY", format!("give at most {EVENTS}")));
    }
    let opening = reading::opening(&ticket.opening.clone().unwrap_or_default(), standard);
    let opening = opening.map_err(|violations| {
        found.extend(violations.into_iter().map(|v| Violation { field: format!("opening.{}", v.field), ..v }));
    });
    let mut events = Vec::with_capacity(ticket.events.len().min(EVENTS));
    let mut last = opened_at;
    for (i, event) in ticket.events.iter().take(EVENTS).enumerate() {
        let at = event.at.as_ref().and_then(time::instant).filter(|at| last.is_none_or(|last| *at >= last));
        if !at.as_ref().is_some_and(passed) {
            let cure = "give the events in their order, after the opening and not in the future";
            found.push(Violation::new(format!("events[{i}].at"), "OUT_OF_ORDER", cure));
        }
        let mut own = Vec::new();
        let step = step(event, &mut own);
        check_text("author", &event.author, 200, &mut own);
        check_text("text", &event.text, TEXT_LIMIT, &mut own);
        found.extend(own.into_iter().map(|v| Violation { field: format!("events[{i}].{}", v.field), ..v }));
        if let (Some(at), Some(step)) = (at, step) {
            let (author, said) = (text::nfc(&event.author), text::nfc(&event.text));
            events.push((at, Move { step, author, text: said, version: None }));
            last = Some(at);
        }
    }
    match (opening, opened_at) {
        (Ok(opening), Some(opened_at)) if found.is_empty() => {
            Ok(History { source_key: ticket.source_key.clone(), opening, opened_at, events })
        }
        _ => Err(found),
    }
}

fn step(event: &wire::ImportedEvent, found: &mut Vec<Violation>) -> Option<Step> {
    let unknown = |found: &mut Vec<Violation>, field: &str, cure: &str| {
        found.push(Violation::new(field, "UNKNOWN_CODE", cure));
        None
    };
    match &event.event {
        Some(Event::Assignee(agent)) => Some(Step::Assign(person(agent, "assignee", found))),
        Some(Event::State(number)) => match code::state_from_wire(*number) {
            Some(state) => Some(Step::Become(state)),
            None => unknown(found, "state", "give the state that it came into"),
        },
        Some(Event::Said(number)) => match code::timeline_kind_from_wire(*number) {
            Some(kind @ (TimelineKind::Reply | TimelineKind::Message)) => Some(Step::Say(kind, Visibility::Public)),
            Some(TimelineKind::Note) => Some(Step::Say(TimelineKind::Note, Visibility::Internal)),
            _ => unknown(found, "said", "give NOTE, REPLY or MESSAGE"),
        },
        Some(Event::Score(score)) => Some(rate(*score, found)),
        None => unknown(found, "event", "say what happened"),
    }
}
