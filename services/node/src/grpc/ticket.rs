use gridcare_chassis::{identity::principal_of, status::refuse};
use gridcare_domain::{
    contact::{Channel, check_text},
    customer_code::CustomerCode,
    province,
    reference::{Reference, ReferenceError},
    refusal::Violation,
    text,
    ticket::{Priority, SUBJECT_LIMIT, State, TEXT_LIMIT, Ticket, TimelineKind, Visibility},
    topic::Topic,
};
use gridcare_proto::{
    convert::{code, ticket as convert, time},
    ticket::v1::{self as wire, ticket_service_server::TicketService},
};
use gridcare_store::ticket::{After, Order, TicketQuery};
use jiff::Timestamp;
use prost::Message as _;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Tickets, answered, codes, failed, page, refuse_if, version_of};
use crate::{
    flows::ticket_moves::{Move, Name, Opening, Respond, Step, no_such_ticket},
    idempotency::{check_request_id, request_of},
};

/// What every mutation of a named ticket has.
struct Given<'a> {
    request_id: &'a str,
    name: &'a str,
    author: &'a str,
    text: (&'a str, &'a str),
    etag: &'a str,
}

impl Tickets {
    async fn moved<Q, A>(
        &self,
        request: Request<Q>,
        method: &str,
        common: impl for<'a> Fn(&'a Q) -> Given<'a>,
        step: impl Fn(&Q, &mut Vec<Violation>) -> Option<Step>,
        respond: Respond,
    ) -> Result<Response<A>, Status>
    where
        Q: prost::Message,
        A: prost::Message + Default,
    {
        let principal = principal_of(&request);
        let body = request.into_inner();
        let given = common(&body);
        let mut found = Vec::new();
        check_request_id(given.request_id, &mut found);
        let name = name(given.name, "name", &mut found);
        check_text("author", given.author, 200, &mut found);
        check_text(given.text.0, given.text.1, TEXT_LIMIT, &mut found);
        let version = version_of(given.etag, &mut found);
        let step = step(&body, &mut found);
        refuse_if(found)?;
        let (Some(name), Some(step)) = (name, step) else {
            return Err(Status::internal("a checked request has its parts"));
        };
        let id = request_of(&principal, method, given.request_id, &body);
        let what = Move { step, author: text::nfc(given.author), text: text::nfc(given.text.1), version };
        answered(self.0.move_ticket(id, name, what, respond).await)
    }
}

#[tonic::async_trait]
impl TicketService for Tickets {
    async fn open_ticket(
        &self,
        request: Request<wire::OpenTicketRequest>,
    ) -> Result<Response<wire::OpenTicketResponse>, Status> {
        let principal = principal_of(&request);
        let body = request.into_inner();
        let opening = opening(&body).map_err(|found| refuse(&gridcare_domain::refusal::Refusal::invalid(found)))?;
        let id = request_of(&principal, "OpenTicket", &body.request_id, &body);
        match self.0.open_ticket(id, opening).await {
            (Ok(Ok(_)), Some(own)) => Ok(Response::new(own)),
            (answer, _) => answered(answer),
        }
    }

    async fn get_ticket(
        &self,
        request: Request<wire::GetTicketRequest>,
    ) -> Result<Response<wire::GetTicketResponse>, Status> {
        let mut found = Vec::new();
        let named = name(&request.get_ref().name, "name", &mut found);
        refuse_if(found)?;
        let named = named.ok_or_else(|| refuse(&no_such_ticket()))?;
        let stored = self.0.find_ticket(&named).await.map_err(|e| failed(&e))?;
        let (ticket, timeline) = stored.ok_or_else(|| refuse(&no_such_ticket()))?;
        Ok(Response::new(wire::GetTicketResponse { ticket: Some(convert::to_wire(&ticket, &timeline)) }))
    }

    async fn list_tickets(
        &self,
        request: Request<wire::ListTicketsRequest>,
    ) -> Result<Response<wire::ListTicketsResponse>, Status> {
        let body = request.into_inner();
        let mut found = Vec::new();
        let filter = body.filter.clone().unwrap_or_default();
        let bound =
            wire::ListTicketsRequest { page_token: String::new(), page_size: 0, ..body.clone() }.encode_to_vec();
        let limit = page::size(body.page_size, &mut found);
        let place = page::place::<24>(&bound, &body.page_token, &mut found);
        let order = match wire::TicketOrder::try_from(body.order) {
            Ok(wire::TicketOrder::Unspecified | wire::TicketOrder::OpenedDesc) => Order::OpenedDesc,
            Ok(wire::TicketOrder::OpenedAsc) => Order::OpenedAsc,
            Ok(wire::TicketOrder::UpdatedDesc) => Order::UpdatedDesc,
            Ok(wire::TicketOrder::DeadlineAsc) | Err(_) => {
                found.push(Violation::new("order", "UNKNOWN_CODE", "give an order of this version"));
                Order::OpenedDesc
            }
        };
        let query = query(&filter, &mut found);
        refuse_if(found)?;
        if let Ok(reference) = Reference::parse(&filter.words) {
            // Somebody typed a reference into the search: there is one answer, or none.
            let found = self.0.store.ticket_by_reference(&reference).await.map_err(|e| failed(&e))?;
            let tickets =
                found.iter().filter(|ticket| query.admits(ticket)).map(|ticket| convert::to_wire(ticket, &[]));
            return Ok(Response::new(wire::ListTicketsResponse {
                tickets: tickets.collect(),
                next_page_token: String::new(),
            }));
        }
        let after = place.map(|place| After {
            id: Uuid::from_slice(&place[..16]).unwrap_or_default(),
            updated_us: i64::from_be_bytes(place[16..].try_into().unwrap_or_default()),
        });
        let mut tickets = self.0.store.tickets(&query, order, after, limit + 1).await.map_err(|e| failed(&e))?;
        let more = tickets.len() > limit;
        tickets.truncate(limit);
        let next_page_token = match tickets.last().filter(|_| more) {
            Some(last) => page::token(
                &bound,
                &[&last.id.as_bytes()[..], &last.updated_at.as_microsecond().to_be_bytes()].concat(),
            ),
            None => String::new(),
        };
        let tickets = tickets.iter().map(|ticket| convert::to_wire(ticket, &[])).collect();
        Ok(Response::new(wire::ListTicketsResponse { tickets, next_page_token }))
    }

    async fn add_timeline_entry(
        &self,
        request: Request<wire::AddTimelineEntryRequest>,
    ) -> Result<Response<wire::AddTimelineEntryResponse>, Status> {
        self.moved(
            request,
            "AddTimelineEntry",
            |q| Given {
                request_id: &q.request_id,
                name: &q.name,
                author: &q.author,
                text: ("text", &q.text),
                etag: &q.etag,
            },
            |q, found| {
                let kind = code::timeline_kind_from_wire(q.kind)
                    .filter(|kind| matches!(kind, TimelineKind::Note | TimelineKind::Reply));
                if kind.is_none() {
                    found.push(Violation::new(
                        "kind",
                        "UNKNOWN_CODE",
                        "give NOTE or REPLY; the others are written by what they record",
                    ));
                }
                let visibility = match q.visibility {
                    0 => {
                        Some(if kind == Some(TimelineKind::Reply) { Visibility::Public } else { Visibility::Internal })
                    }
                    number => code::visibility_from_wire(number),
                };
                if visibility.is_none() {
                    found.push(Violation::new("visibility", "UNKNOWN_CODE", "give INTERNAL or PUBLIC"));
                }
                if q.text.trim().is_empty() {
                    found.push(Violation::new("text", "REQUIRED", "give the text of the entry"));
                }
                Some(Step::Say(kind?, visibility?))
            },
            |ticket, entry| wire::AddTimelineEntryResponse { ticket: Some(ticket), entry: Some(entry) }.encode_to_vec(),
        )
        .await
    }

    async fn change_ticket_state(
        &self,
        request: Request<wire::ChangeTicketStateRequest>,
    ) -> Result<Response<wire::ChangeTicketStateResponse>, Status> {
        self.moved(
            request,
            "ChangeTicketState",
            |q| Given {
                request_id: &q.request_id,
                name: &q.name,
                author: &q.author,
                text: ("reason", &q.reason),
                etag: &q.etag,
            },
            |q, found| {
                let state = code::state_from_wire(q.state);
                if state.is_none() {
                    found.push(Violation::new("state", "UNKNOWN_CODE", "give the state to change to"));
                }
                state.map(Step::Become)
            },
            |ticket, _| wire::ChangeTicketStateResponse { ticket: Some(ticket) }.encode_to_vec(),
        )
        .await
    }

    async fn assign_ticket(
        &self,
        request: Request<wire::AssignTicketRequest>,
    ) -> Result<Response<wire::AssignTicketResponse>, Status> {
        self.moved(
            request,
            "AssignTicket",
            |q| Given {
                request_id: &q.request_id,
                name: &q.name,
                author: &q.author,
                text: ("reason", &q.reason),
                etag: &q.etag,
            },
            |q, found| {
                check_text("assignee", &q.assignee, 200, found);
                if q.assignee.trim().is_empty() {
                    found.push(Violation::new("assignee", "REQUIRED", "give who is to work on it"));
                }
                Some(Step::Assign(text::nfc(&q.assignee)))
            },
            |ticket, _| wire::AssignTicketResponse { ticket: Some(ticket) }.encode_to_vec(),
        )
        .await
    }

    async fn resolve_ticket(
        &self,
        request: Request<wire::ResolveTicketRequest>,
    ) -> Result<Response<wire::ResolveTicketResponse>, Status> {
        self.moved(
            request,
            "ResolveTicket",
            |q| Given {
                request_id: &q.request_id,
                name: &q.name,
                author: &q.author,
                text: ("resolution", &q.resolution),
                etag: &q.etag,
            },
            |q, found| {
                if q.resolution.trim().is_empty() {
                    found.push(Violation::new("resolution", "REQUIRED", "say how it was resolved"));
                }
                Some(Step::Become(State::Resolved))
            },
            |ticket, _| wire::ResolveTicketResponse { ticket: Some(ticket) }.encode_to_vec(),
        )
        .await
    }

    async fn close_ticket(
        &self,
        request: Request<wire::CloseTicketRequest>,
    ) -> Result<Response<wire::CloseTicketResponse>, Status> {
        self.moved(
            request,
            "CloseTicket",
            |q| Given {
                request_id: &q.request_id,
                name: &q.name,
                author: &q.author,
                text: ("reason", &q.reason),
                etag: &q.etag,
            },
            |_, _| Some(Step::Become(State::Closed)),
            |ticket, _| wire::CloseTicketResponse { ticket: Some(ticket) }.encode_to_vec(),
        )
        .await
    }

    async fn reopen_ticket(
        &self,
        request: Request<wire::ReopenTicketRequest>,
    ) -> Result<Response<wire::ReopenTicketResponse>, Status> {
        self.moved(
            request,
            "ReopenTicket",
            |q| Given {
                request_id: &q.request_id,
                name: &q.name,
                author: &q.author,
                text: ("reason", &q.reason),
                etag: &q.etag,
            },
            |_, _| Some(Step::Become(State::Reopened)),
            |ticket, _| wire::ReopenTicketResponse { ticket: Some(ticket) }.encode_to_vec(),
        )
        .await
    }
}

/// An id or a reference.
fn name(given: &str, field: &str, found: &mut Vec<Violation>) -> Option<Name> {
    if let Ok(id) = Uuid::try_parse(given) {
        return Some(Name::Id(id));
    }
    match Reference::parse(given) {
        Ok(reference) => Some(Name::Reference(reference)),
        Err(e) => {
            let reason = if e == ReferenceError::WrongCheckDigit { "WRONG_CHECK_DIGIT" } else { "MALFORMED" };
            found.push(Violation::new(field, reason, e.to_string()));
            None
        }
    }
}

fn customer_code(given: &str, field: &str, found: &mut Vec<Violation>) -> Option<CustomerCode> {
    if given.is_empty() {
        return None;
    }
    match CustomerCode::parse(given) {
        Ok(read) => Some(read),
        Err(e) => {
            found.push(Violation::new(field, "MALFORMED", e.to_string()));
            None
        }
    }
}

/// What an opening says, or every rule that it breaks.
fn opening(body: &wire::OpenTicketRequest) -> Result<Opening, Vec<Violation>> {
    let mut found = Vec::new();
    check_request_id(&body.request_id, &mut found);
    let topic = Topic::parse(&body.topic);
    if topic.is_none() {
        found.push(Violation::new("topic", "UNKNOWN_CODE", "give a topic of the closed list, such as outage"));
    }
    let channel = Channel::parse(&body.channel);
    if channel.is_none() {
        found.push(Violation::new("channel", "UNKNOWN_CODE", "give a channel, such as hotline"));
    }
    let priority = match body.priority {
        0 => Some(Priority::Normal),
        number => code::priority_from_wire(number),
    };
    if priority.is_none() {
        found.push(Violation::new("priority", "UNKNOWN_CODE", "give a priority, or none for NORMAL"));
    }
    if body.subject.trim().is_empty() {
        found.push(Violation::new("subject", "REQUIRED", "give one line that says what it is about"));
    }
    for (field, given, limit) in [
        ("subject", &body.subject, SUBJECT_LIMIT),
        ("description", &body.description, TEXT_LIMIT),
        ("requester_name", &body.requester_name, 200),
        ("requester_contact_point", &body.requester_contact_point, 200),
        ("author", &body.author, 200),
    ] {
        check_text(field, given, limit, &mut found);
    }
    let customer_code = customer_code(&body.customer_code, "customer_code", &mut found);
    if !body.province.is_empty() && province::find(&body.province).is_none() {
        found.push(Violation::new("province", "UNKNOWN_CODE", "give an ISO 3166-2 code such as VN-57, or none"));
    }
    let (Some(topic), Some(channel), Some(priority), true) = (topic, channel, priority, found.is_empty()) else {
        return Err(found);
    };
    let filled = |given: &str| if given.is_empty() { None } else { Some(text::nfc(given)) };
    let nothing = Timestamp::UNIX_EPOCH;
    let draft = Ticket {
        id: Uuid::nil(),
        // Identity, reference and times are the node's to give.
        reference: Reference::new("XX", 0).map_err(|_| Vec::new())?,
        version: 1,
        state: State::New,
        priority,
        topic,
        channel,
        subject: text::nfc(&body.subject),
        description: text::nfc(&body.description),
        customer_code,
        requester_name: filled(&body.requester_name),
        requester_contact_point: filled(&body.requester_contact_point),
        province: filled(&body.province),
        assignee: None,
        opened_at: nothing,
        updated_at: nothing,
        resolved_at: None,
        closed_at: None,
    };
    Ok(Opening { draft, author: text::nfc(&body.author) })
}

/// What a filter asks for; every unknown code is a violation.
fn query(filter: &wire::TicketFilter, found: &mut Vec<Violation>) -> TicketQuery {
    let states = codes("filter.states", &filter.states, |number| code::state_from_wire(*number), found);
    let priorities = codes("filter.priorities", &filter.priorities, |number| code::priority_from_wire(*number), found);
    let topics = codes("filter.topics", &filter.topics, |given| Topic::parse(given), found);
    let channels = codes("filter.channels", &filter.channels, |given| Channel::parse(given), found);
    check_text("filter.assignee", &filter.assignee, 200, found);
    let customer = customer_code(&filter.customer_code, "filter.customer_code", found);
    let mut at = |field: &str, given: &Option<prost_types::Timestamp>| {
        let read = given.as_ref().map(|at| time::instant(at).map(Timestamp::as_microsecond));
        if read == Some(None) {
            found.push(Violation::new(
                format!("filter.{field}"),
                "OUT_OF_RANGE",
                "give a time between the years -9999 and 9999",
            ));
        }
        read.flatten()
    };
    let (opened_from_us, opened_until_us) =
        (at("opened_from", &filter.opened_from), at("opened_until", &filter.opened_until));
    let mut words = text::query_words(&filter.words);
    let mut customer = customer;
    if let (None, Ok(code)) = (&customer, CustomerCode::parse(&filter.words)) {
        // Somebody typed a customer code into the search: it has an index of its own.
        customer = Some(code);
        words.clear();
    }
    if words.len() > 16 {
        found.push(Violation::new("filter.words", "LENGTH", "give at most 16 words"));
    }
    if words.is_empty() && customer.is_none() && !filter.words.trim().is_empty() {
        found.push(Violation::new("filter.words", "NO_WORD", "give at least one letter or digit to search for"));
    }
    words.dedup();
    TicketQuery {
        states,
        priorities,
        topics,
        channels,
        assignee: (!filter.assignee.is_empty()).then(|| text::nfc(&filter.assignee)),
        customer_code: customer.map(|code| code.as_str().to_owned()),
        opened_from_us,
        opened_until_us,
        words,
    }
}
