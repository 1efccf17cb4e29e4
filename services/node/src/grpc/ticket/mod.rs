mod bulk;
mod given;
mod importing;
mod listing;
mod reading;
mod steps;

pub(super) use self::reading::name;
pub(crate) use self::reading::opening;

use std::sync::Arc;

use gridcare_chassis::{
    identity::{Principal, principal_of},
    status::refuse,
};
use gridcare_domain::{
    assignment::Strategy,
    contact::check_text,
    refusal::{Refusal, RefusalKind, Violation},
    text,
    ticket::{LinkKind, MERGE_LIMIT, SUBJECT_LIMIT, State, TEXT_LIMIT, Ticket, check_required},
};
use gridcare_proto::{
    convert::{
        code,
        ticket::{self as convert, clocks_to_wire},
        time,
    },
    ticket::v1::{self as wire, ticket_service_server::TicketService},
};
use prost::Message as _;
use tonic::{Request, Response, Status};

use self::given::{Given, Mutation};
pub(in crate::grpc) use self::reading::team;
use super::{Tickets, answered, failed, page, refuse_if, version_of};
use crate::{
    flows::{
        ticket_merges::{By, Part},
        ticket_moves::{Move, Name, Respond, Step, check_parent, has_parts, no_such_ticket},
    },
    idempotency::{check_request_id, request_of},
};

/// A checked request has its parts; this says so where the compiler cannot know it.
fn incomplete() -> Status {
    Status::internal("a checked request has its parts")
}

impl Tickets {
    /// What all mutations of one named ticket have in common.
    async fn moved<Q: Mutation, A: prost::Message + Default>(
        &self,
        request: Request<Q>,
        step: impl FnOnce(&Q, &mut Vec<Violation>) -> Option<Step>,
        respond: impl Fn(wire::Ticket, wire::TimelineEntry) -> A + Send + Sync + 'static,
    ) -> Result<Response<A>, Status> {
        let principal = principal_of(&request);
        let body = request.into_inner();
        let mut found = Vec::new();
        let step = step(&body, &mut found);
        self.move_as(
            &principal,
            &body,
            step,
            found,
            Arc::new(move |ticket, entry| respond(ticket, entry).encode_to_vec()),
        )
        .await
    }

    async fn move_as<Q: Mutation, A: prost::Message + Default>(
        &self,
        principal: &Principal,
        body: &Q,
        step: Option<Step>,
        mut found: Vec<Violation>,
        respond: Respond,
    ) -> Result<Response<A>, Status> {
        let Given { request_id, name, author, text: (field, words), etag } = body.given();
        check_request_id(request_id, &mut found);
        let name = reading::name(name, "name", &mut found);
        check_text("author", author, 200, &mut found);
        check_text(field, words, TEXT_LIMIT, &mut found);
        let version = version_of(etag, &mut found);
        refuse_if(found)?;
        let (Some(name), Some(step)) = (name, step) else { return Err(incomplete()) };
        let id = request_of(principal, Q::METHOD, request_id, body);
        let what = Move { step, author: text::nfc(author), text: text::nfc(words), version };
        answered(self.0.move_ticket(id, name, what, respond).await)
    }

    /// The ticket behind a name, as it is.
    async fn ticket(&self, name: &Name) -> Result<Ticket, Status> {
        let found = match self.0.living(name).await.map_err(|e| failed(&e))? {
            Some(id) => self.0.store.ticket(id).await.map_err(|e| failed(&e))?,
            None => None,
        };
        found.ok_or_else(|| refuse(&no_such_ticket()))
    }

    /// Refuses a link to what this node does not know.
    async fn check_target(&self, kind: LinkKind, target: uuid::Uuid) -> Result<(), Status> {
        let store = &self.0.store;
        let (known, reason, message) = match kind {
            LinkKind::Contact => (
                store.contact(target).await.map_err(|e| failed(&e))?.is_some(),
                "NO_SUCH_CONTACT",
                "there is no such contact at this node; record it, or give the id of another",
            ),
            LinkKind::Outage => (
                store.outage(target).await.map_err(|e| failed(&e))?.is_some(),
                "NO_SUCH_OUTAGE",
                "there is no such outage at this node; record it, or give the id of another",
            ),
        };
        if known { Ok(()) } else { Err(refuse(&Refusal::new(RefusalKind::NotFound, reason, message))) }
    }

    /// The parent that is asked for, if it can be one.
    async fn parent(&self, body: &wire::SetTicketParentRequest) -> Result<Option<uuid::Uuid>, Status> {
        if body.parent.is_empty() {
            return Ok(None);
        }
        let mut found = Vec::new();
        let parent = reading::name(&body.parent, "parent", &mut found);
        let child = reading::name(&body.name, "name", &mut found);
        refuse_if(found)?;
        let (Some(parent), Some(child)) = (parent, child) else { return Err(incomplete()) };
        let (parent, child) = (self.ticket(&parent).await?, self.ticket(&child).await?.id);
        check_parent(&parent, child).map_err(|refusal| refuse(&refusal))?;
        if !self.0.store.children(child).await.map_err(|e| failed(&e))?.is_empty() {
            return Err(refuse(&has_parts()));
        }
        Ok(Some(parent.id))
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
        let mut found = Vec::new();
        check_request_id(&body.request_id, &mut found);
        let id = request_of(&principal, "OpenTicket", &body.request_id, &body);
        let opening = match reading::opening(&body, &self.0.rules().standard) {
            Ok(opening) => Box::new(opening),
            Err(violations) => {
                // What was opened under an earlier standard keeps its answer, whatever this one asks for.
                if found.is_empty()
                    && let Some(answer) = self.0.store.answered(id).await.map_err(|e| failed(&e))?
                {
                    return answered(Ok(answer));
                }
                found.extend(violations);
                return Err(refuse(&Refusal::invalid(found)));
            }
        };
        refuse_if(found)?;
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
        let named = reading::name(&request.get_ref().name, "name", &mut found);
        refuse_if(found)?;
        let named = named.ok_or_else(|| refuse(&no_such_ticket()))?;
        let stored = self.0.find_ticket(&named).await.map_err(|e| failed(&e))?;
        let (ticket, timeline) = stored.ok_or_else(|| refuse(&no_such_ticket()))?;
        let relations = self.0.store.relations(ticket.id).await.map_err(|e| failed(&e))?;
        let clocks = clocks_to_wire(&ticket, self.0.rules().book());
        let mut shown = convert::to_wire(&ticket, clocks, &timeline);
        shown.watchers = relations.watchers;
        shown.links = relations
            .links
            .iter()
            .map(|link| wire::TicketLink {
                kind: code::link_kind_to_wire(link.kind),
                target: link.target.to_string(),
                at: Some(time::timestamp(link.at)),
            })
            .collect();
        shown.attachments = relations.attachments.iter().map(convert::attachment_to_wire).collect();
        shown.child_ids = relations.children.iter().map(ToString::to_string).collect();
        Ok(Response::new(wire::GetTicketResponse { ticket: Some(shown) }))
    }

    async fn list_tickets(
        &self,
        request: Request<wire::ListTicketsRequest>,
    ) -> Result<Response<wire::ListTicketsResponse>, Status> {
        listing::list(&self.0, request.into_inner()).await
    }

    async fn list_timeline(
        &self,
        request: Request<wire::ListTimelineRequest>,
    ) -> Result<Response<wire::ListTimelineResponse>, Status> {
        let body = request.into_inner();
        let mut found = Vec::new();
        let name = reading::name(&body.name, "name", &mut found);
        let limit = page::size(body.page_size, &mut found);
        refuse_if(found)?;
        let id = self.ticket(&name.ok_or_else(incomplete)?).await?.id;
        listing::timeline(&self.0, id, limit, &body.page_token).await
    }

    async fn add_timeline_entry(
        &self,
        request: Request<wire::AddTimelineEntryRequest>,
    ) -> Result<Response<wire::AddTimelineEntryResponse>, Status> {
        self.moved(request, steps::say, |ticket, entry| wire::AddTimelineEntryResponse {
            ticket: Some(ticket),
            entry: Some(entry),
        })
        .await
    }

    async fn change_ticket_state(
        &self,
        request: Request<wire::ChangeTicketStateRequest>,
    ) -> Result<Response<wire::ChangeTicketStateResponse>, Status> {
        let step = |q: &wire::ChangeTicketStateRequest, found: &mut Vec<Violation>| {
            let state = code::state_from_wire(q.state);
            if state.is_none() {
                found.push(Violation::new("state", "UNKNOWN_CODE", "give the state to change to"));
            }
            state.map(Step::Become)
        };
        self.moved(request, step, |ticket, _| wire::ChangeTicketStateResponse { ticket: Some(ticket) }).await
    }

    async fn assign_ticket(
        &self,
        request: Request<wire::AssignTicketRequest>,
    ) -> Result<Response<wire::AssignTicketResponse>, Status> {
        let step = |q: &wire::AssignTicketRequest, found: &mut Vec<Violation>| {
            Some(Step::Assign(steps::person(&q.assignee, "assignee", found)))
        };
        self.moved(request, step, |ticket, _| wire::AssignTicketResponse { ticket: Some(ticket) }).await
    }

    async fn resolve_ticket(
        &self,
        request: Request<wire::ResolveTicketRequest>,
    ) -> Result<Response<wire::ResolveTicketResponse>, Status> {
        let step = |q: &wire::ResolveTicketRequest, found: &mut Vec<Violation>| {
            steps::required(&q.resolution, "resolution", "say how it was resolved", found);
            Some(Step::Become(State::Resolved))
        };
        self.moved(request, step, |ticket, _| wire::ResolveTicketResponse { ticket: Some(ticket) }).await
    }

    async fn close_ticket(
        &self,
        request: Request<wire::CloseTicketRequest>,
    ) -> Result<Response<wire::CloseTicketResponse>, Status> {
        let step = |_: &_, _: &mut _| Some(Step::Become(State::Closed));
        self.moved(request, step, |ticket, _| wire::CloseTicketResponse { ticket: Some(ticket) }).await
    }

    async fn reopen_ticket(
        &self,
        request: Request<wire::ReopenTicketRequest>,
    ) -> Result<Response<wire::ReopenTicketResponse>, Status> {
        let step = |_: &_, _: &mut _| Some(Step::Become(State::Reopened));
        self.moved(request, step, |ticket, _| wire::ReopenTicketResponse { ticket: Some(ticket) }).await
    }

    async fn reclassify_ticket(
        &self,
        request: Request<wire::ReclassifyTicketRequest>,
    ) -> Result<Response<wire::ReclassifyTicketResponse>, Status> {
        let step = |q: &wire::ReclassifyTicketRequest, found: &mut Vec<Violation>| Some(steps::reclassify(q, found));
        self.moved(request, step, |ticket, _| wire::ReclassifyTicketResponse { ticket: Some(ticket) }).await
    }

    async fn fulfil_ticket_event(
        &self,
        request: Request<wire::FulfilTicketEventRequest>,
    ) -> Result<Response<wire::FulfilTicketEventResponse>, Status> {
        let step = |_: &_, _: &mut _| Some(Step::Fulfil);
        self.moved(request, step, |ticket, _| wire::FulfilTicketEventResponse { ticket: Some(ticket) }).await
    }

    async fn claim_ticket(
        &self,
        request: Request<wire::ClaimTicketRequest>,
    ) -> Result<Response<wire::ClaimTicketResponse>, Status> {
        let step = |q: &wire::ClaimTicketRequest, found: &mut Vec<Violation>| {
            Some(Step::Claim(steps::person(&q.agent, "agent", found)))
        };
        self.moved(request, step, |ticket, _| wire::ClaimTicketResponse { ticket: Some(ticket) }).await
    }

    async fn claim_next_ticket(
        &self,
        request: Request<wire::ClaimNextTicketRequest>,
    ) -> Result<Response<wire::ClaimNextTicketResponse>, Status> {
        let principal = principal_of(&request);
        let body = request.into_inner();
        let mut found = Vec::new();
        check_request_id(&body.request_id, &mut found);
        let agent = steps::person(&body.agent, "agent", &mut found);
        reading::team(&body.team, "team", &mut found);
        refuse_if(found)?;
        let id = request_of(&principal, "ClaimNextTicket", &body.request_id, &body);
        let team = (!body.team.is_empty()).then_some(body.team);
        answered(self.0.claim_next_ticket(id, &agent, team).await)
    }

    async fn auto_assign_ticket(
        &self,
        request: Request<wire::AutoAssignTicketRequest>,
    ) -> Result<Response<wire::AutoAssignTicketResponse>, Status> {
        let principal = principal_of(&request);
        let body = request.into_inner();
        let mut found = Vec::new();
        check_request_id(&body.request_id, &mut found);
        let name = reading::name(&body.name, "name", &mut found);
        check_text("author", &body.author, 200, &mut found);
        reading::team(&body.team, "team", &mut found);
        let strategy = match body.strategy() {
            wire::AssignmentStrategy::RoundRobin => Some(Strategy::RoundRobin),
            wire::AssignmentStrategy::Skill => Some(Strategy::BySkill),
            wire::AssignmentStrategy::Unspecified => {
                found.push(Violation::new("strategy", "UNKNOWN_CODE", "give ROUND_ROBIN or SKILL"));
                None
            }
        };
        refuse_if(found)?;
        let (Some(name), Some(strategy)) = (name, strategy) else { return Err(incomplete()) };
        let id = request_of(&principal, "AutoAssignTicket", &body.request_id, &body);
        let team = (!body.team.is_empty()).then_some(body.team);
        answered(self.0.auto_assign_ticket(id, &name, strategy, team, text::nfc(&body.author)).await)
    }

    async fn watch_ticket(
        &self,
        request: Request<wire::WatchTicketRequest>,
    ) -> Result<Response<wire::WatchTicketResponse>, Status> {
        let body = request.into_inner();
        let mut found = Vec::new();
        check_request_id(&body.request_id, &mut found);
        let name = reading::name(&body.name, "name", &mut found);
        let watcher = steps::person(&body.watcher, "watcher", &mut found);
        refuse_if(found)?;
        let id = self.ticket(&name.ok_or_else(incomplete)?).await?.id;
        // Watching twice is watching: the same request again has the same effect and the same answer.
        let watching = self.0.store.set_watcher(id, &watcher, !body.remove, self.0.now()).await;
        watching.map_err(|e| failed(&e))?;
        let watchers = self.0.store.watchers(id).await.map_err(|e| failed(&e))?;
        Ok(Response::new(wire::WatchTicketResponse { watchers }))
    }

    async fn set_ticket_parent(
        &self,
        request: Request<wire::SetTicketParentRequest>,
    ) -> Result<Response<wire::SetTicketParentResponse>, Status> {
        let body = request.get_ref();
        let id = request_of(&principal_of(&request), wire::SetTicketParentRequest::METHOD, &body.request_id, body);
        // Before the parent is looked at, which may be no parent any more.
        if let Some(answer) = self.0.store.answered(id).await.map_err(|e| failed(&e))? {
            return answered(Ok(answer));
        }
        let parent = self.parent(body).await?;
        let step = |_: &_, _: &mut _| Some(Step::Parent(parent));
        self.moved(request, step, |ticket, _| wire::SetTicketParentResponse { ticket: Some(ticket) }).await
    }

    async fn link_ticket(
        &self,
        request: Request<wire::LinkTicketRequest>,
    ) -> Result<Response<wire::LinkTicketResponse>, Status> {
        let body = request.get_ref();
        let id = request_of(&principal_of(&request), wire::LinkTicketRequest::METHOD, &body.request_id, body);
        // Before the target is looked at, which may be here no more.
        if let Some(answer) = self.0.store.answered(id).await.map_err(|e| failed(&e))? {
            return answered(Ok(answer));
        }
        if let Some(Step::Link(kind, target)) = steps::link(body, &mut Vec::new()) {
            self.check_target(kind, target).await?;
        }
        self.moved(request, steps::link, |ticket, _| wire::LinkTicketResponse { ticket: Some(ticket) }).await
    }

    async fn attach_to_ticket(
        &self,
        request: Request<wire::AttachToTicketRequest>,
    ) -> Result<Response<wire::AttachToTicketResponse>, Status> {
        let principal = principal_of(&request);
        let body = request.into_inner();
        let mut found = Vec::new();
        let step = steps::attach(&body, &mut found);
        let file = if let Step::Attach(file) = &step { Some(convert::attachment_to_wire(file)) } else { None };
        let respond = move |ticket: wire::Ticket, entry: wire::TimelineEntry| {
            let attachment = file.clone().map(|file| wire::Attachment { at: entry.at, ..file });
            wire::AttachToTicketResponse { ticket: Some(ticket), attachment }.encode_to_vec()
        };
        self.move_as(&principal, &body, Some(step), found, Arc::new(respond)).await
    }

    async fn merge_tickets(
        &self,
        request: Request<wire::MergeTicketsRequest>,
    ) -> Result<Response<wire::MergeTicketsResponse>, Status> {
        let principal = principal_of(&request);
        let body = request.into_inner();
        let mut found = Vec::new();
        check_request_id(&body.request_id, &mut found);
        if body.sources.is_empty() || body.sources.len() > MERGE_LIMIT {
            found.push(Violation::new("sources", "TOO_MANY", format!("give 1 to {MERGE_LIMIT} tickets")));
        }
        let sources: Vec<Name> = body
            .sources
            .iter()
            .take(MERGE_LIMIT)
            .enumerate()
            .filter_map(|(i, source)| reading::name(source, &format!("sources[{i}]"), &mut found))
            .collect();
        let into = reading::name(&body.into, "into", &mut found);
        check_text("author", &body.author, 200, &mut found);
        check_text("reason", &body.reason, TEXT_LIMIT, &mut found);
        refuse_if(found)?;
        let id = request_of(&principal, "MergeTickets", &body.request_id, &body);
        let by = By { author: text::nfc(&body.author), reason: text::nfc(&body.reason) };
        answered(self.0.merge_tickets(id, sources, into.ok_or_else(incomplete)?, by).await)
    }

    async fn split_ticket(
        &self,
        request: Request<wire::SplitTicketRequest>,
    ) -> Result<Response<wire::SplitTicketResponse>, Status> {
        let principal = principal_of(&request);
        let body = request.into_inner();
        let mut found = Vec::new();
        check_request_id(&body.request_id, &mut found);
        let name = reading::name(&body.name, "name", &mut found);
        if body.entry_ids.len() > 1_000 {
            found.push(Violation::new("entry_ids", "TOO_MANY", "give at most 1000 entries"));
        }
        let entries = body
            .entry_ids
            .iter()
            .take(1_000)
            .enumerate()
            .filter_map(|(i, entry)| steps::uuid(entry, &format!("entry_ids[{i}]"), &mut found))
            .collect();
        check_text("subject", &body.subject, SUBJECT_LIMIT, &mut found);
        steps::required(&body.subject, "subject", "give one line that says what the new ticket is about", &mut found);
        check_text("author", &body.author, 200, &mut found);
        check_text("reason", &body.reason, TEXT_LIMIT, &mut found);
        refuse_if(found)?;
        let id = request_of(&principal, "SplitTicket", &body.request_id, &body);
        // Before the ticket is looked at, which may be another by now.
        if let Some(answer) = self.0.store.answered(id).await.map_err(|e| failed(&e))? {
            return answered(Ok(answer));
        }
        let name = name.ok_or_else(incomplete)?;
        let ticket = self.ticket(&name).await?;
        let category = if body.category.is_empty() { ticket.category.clone() } else { body.category.clone() };
        // A part has neither the description nor the event of the whole.
        let part = Ticket { category, description: String::new(), event_at: None, ..ticket };
        check_required(&part, &self.0.rules().standard).map_err(|refusal| refuse(&refusal))?;
        let part = Part { entries, subject: text::nfc(&body.subject), category: Some(part.category) };
        let by = By { author: text::nfc(&body.author), reason: text::nfc(&body.reason) };
        answered(self.0.split_ticket(id, name, part, by).await)
    }

    async fn rate_ticket(
        &self,
        request: Request<wire::RateTicketRequest>,
    ) -> Result<Response<wire::RateTicketResponse>, Status> {
        let step = |q: &wire::RateTicketRequest, found: &mut Vec<Violation>| Some(steps::rate(q.score, found));
        self.moved(request, step, |ticket, _| wire::RateTicketResponse { ticket: Some(ticket) }).await
    }

    async fn explain_clocks(
        &self,
        request: Request<wire::ExplainClocksRequest>,
    ) -> Result<Response<wire::ExplainClocksResponse>, Status> {
        let body = request.into_inner();
        let mut found = Vec::new();
        let name = reading::name(&body.name, "name", &mut found);
        let at = reading::moment("at", body.at.as_ref(), &mut found);
        refuse_if(found)?;
        let explained = self.0.explain(&name.ok_or_else(incomplete)?, at).await.map_err(|e| failed(&e))?;
        explained.map(Response::new).ok_or_else(|| refuse(&no_such_ticket()))
    }

    async fn render_template(
        &self,
        request: Request<wire::RenderTemplateRequest>,
    ) -> Result<Response<wire::RenderTemplateResponse>, Status> {
        let body = request.into_inner();
        let mut found = Vec::new();
        let name = reading::name(&body.name, "name", &mut found);
        refuse_if(found)?;
        let rendered = self.0.render(&name.ok_or_else(incomplete)?, &body).await.map_err(|e| failed(&e))?;
        let text = rendered.map_err(|refusal| refuse(&refusal))?;
        Ok(Response::new(wire::RenderTemplateResponse { text }))
    }

    async fn start_bulk_action(
        &self,
        request: Request<wire::StartBulkActionRequest>,
    ) -> Result<Response<wire::StartBulkActionResponse>, Status> {
        let principal = principal_of(&request);
        let body = request.into_inner();
        let mut found = Vec::new();
        check_request_id(&body.request_id, &mut found);
        let action = bulk::read(&body, &mut found);
        refuse_if(found)?;
        answered(bulk::start(&self.0, &principal, &body, &action).await)
    }

    async fn get_bulk_operation(
        &self,
        request: Request<wire::GetBulkOperationRequest>,
    ) -> Result<Response<wire::GetBulkOperationResponse>, Status> {
        let mut found = Vec::new();
        let id = steps::uuid(&request.get_ref().id, "id", &mut found);
        refuse_if(found)?;
        let operation = self.0.store.bulk(id.ok_or_else(incomplete)?).await.map_err(|e| failed(&e))?;
        let operation = operation.ok_or_else(|| refuse(&no_such_operation()))?;
        Ok(Response::new(wire::GetBulkOperationResponse { operation: Some(bulk::to_wire(&operation)) }))
    }

    async fn list_bulk_results(
        &self,
        request: Request<wire::ListBulkResultsRequest>,
    ) -> Result<Response<wire::ListBulkResultsResponse>, Status> {
        let body = request.into_inner();
        let mut found = Vec::new();
        let id = steps::uuid(&body.id, "id", &mut found);
        let bound =
            wire::ListBulkResultsRequest { page_token: String::new(), page_size: 0, ..body.clone() }.encode_to_vec();
        let limit = page::size(body.page_size, &mut found);
        let place = page::place::<8>(&bound, &body.page_token, &mut found).map_or(0, i64::from_be_bytes);
        refuse_if(found)?;
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        let results = self.0.store.bulk_results(id.ok_or_else(incomplete)?, place, body.refused_only, most);
        let results = results.await.map_err(|e| failed(&e))?;
        let full = results.len() == limit;
        let next = results.last().filter(|_| full).map(|last| page::token(&bound, &last.place.to_be_bytes()));
        Ok(Response::new(wire::ListBulkResultsResponse {
            results: results.iter().map(bulk::result_to_wire).collect(),
            next_page_token: next.unwrap_or_default(),
        }))
    }

    async fn cancel_bulk_operation(
        &self,
        request: Request<wire::CancelBulkOperationRequest>,
    ) -> Result<Response<wire::CancelBulkOperationResponse>, Status> {
        let body = request.into_inner();
        let mut found = Vec::new();
        check_request_id(&body.request_id, &mut found);
        let id = steps::uuid(&body.id, "id", &mut found);
        refuse_if(found)?;
        let operation = bulk::cancel(&self.0, id.ok_or_else(incomplete)?).await.map_err(|e| failed(&e))?;
        let operation = operation.ok_or_else(|| refuse(&no_such_operation()))?;
        Ok(Response::new(wire::CancelBulkOperationResponse { operation: Some(bulk::to_wire(&operation)) }))
    }

    async fn import_tickets(
        &self,
        request: Request<wire::ImportTicketsRequest>,
    ) -> Result<Response<wire::ImportTicketsResponse>, Status> {
        importing::import(&self.0, request.into_inner()).await
    }

    async fn list_notifications(
        &self,
        request: Request<wire::ListNotificationsRequest>,
    ) -> Result<Response<wire::ListNotificationsResponse>, Status> {
        let body = request.into_inner();
        let mut found = Vec::new();
        let recipient = steps::person(&body.recipient, "recipient", &mut found);
        let limit = i64::try_from(page::size(body.page_size, &mut found)).unwrap_or(50);
        refuse_if(found)?;
        let after = i64::try_from(body.after_number).unwrap_or(i64::MAX);
        let told = self.0.store.notifications(&recipient, after, limit).await.map_err(|e| failed(&e))?;
        let notifications = told
            .into_iter()
            .map(|one| wire::Notification {
                number: u64::try_from(one.number).unwrap_or(0),
                at: Some(time::micros(one.at_us)),
                ticket_id: one.ticket_id.to_string(),
                recipient: one.recipient,
                event: one.event,
                target: one.target,
            })
            .collect();
        Ok(Response::new(wire::ListNotificationsResponse { notifications }))
    }
}

fn no_such_operation() -> Refusal {
    Refusal::new(RefusalKind::NotFound, "NO_SUCH_OPERATION", "there is no such operation at this node")
}
