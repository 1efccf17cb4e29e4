//! Customers' reports join outages, in bulk and undoably; and one restoration answers all of them.

use std::{collections::BTreeSet, sync::Arc};

use gridcare_chassis::{id::new_id, identity::Principal};
use gridcare_domain::{
    customer::Language,
    outage::{
        Outage, Site,
        grouping::{Proposal, Report, Rule},
    },
    refusal::{Refusal, RefusalKind},
    ticket::{LinkKind, State, Ticket, TimelineKind, Visibility},
    topic::Topic,
};
use gridcare_proto::{outage::v1 as wire, ticket::v1 as ticket};
use gridcare_store::{
    StoreError,
    bulk::RUNNING,
    outage::OutageQuery,
    request::Request,
    ticket::{After, Order, TicketQuery},
    writer::Answer,
};
use jiff::{SignedDuration, Timestamp};
use prost::Message as _;
use uuid::Uuid;

use crate::{
    BULK, Node,
    flows::ticket_moves::{Move, Respond, Step},
    idempotency::request_of,
    texts::Texts,
};

/// Reports that are looked at together, at most; the newest.
const MOST_REPORTS: usize = 5_000;
const PAGE: usize = 1_000;
/// Results that are read at once.
const RESULTS: i64 = 1_000;

impl Node {
    /// Which reports that are linked to no outage mean one.
    pub(crate) async fn propose_groups(&self, since: Option<Timestamp>) -> Result<Vec<Proposal>, StoreError> {
        let (now, rule) = (self.now(), Rule::default());
        let since = since.or(now.checked_sub(SignedDuration::from_hours(24)).ok()).unwrap_or(Timestamp::MIN);
        let tickets = self.unlinked_reports(since).await?;
        let codes: BTreeSet<_> = tickets.iter().filter_map(|ticket| ticket.customer_code.as_ref()).collect();
        let premises = self.store.premises_of(&codes).await?;
        let ids: Vec<_> = tickets.iter().map(|ticket| ticket.id).collect();
        let positions = self.store.open311_positions(&ids).await?;
        let taken_out = self.store.taken_out(&ids, LinkKind::Outage).await?;
        let reports: Vec<Report<'_>> = tickets
            .iter()
            .filter_map(|ticket| {
                let own = ticket.customer_code.as_ref().and_then(|code| premises.get(code.as_str()));
                let mut sites: Vec<_> = own.into_iter().flatten().map(super::sms_is_answered::site).collect();
                // Whoever names no customer code may have shown the place itself.
                let province = ticket.province.as_deref();
                sites.extend(positions.get(&ticket.id).map(|at| Site {
                    province,
                    position: Some(*at),
                    ..Site::default()
                }));
                let taken_out = taken_out.get(&ticket.id).map(Vec::as_slice).unwrap_or_default();
                (!sites.is_empty()).then_some(Report { ticket: ticket.id, at: ticket.opened_at, sites, taken_out })
            })
            .collect();
        let sites: Vec<Site<'_>> = reports.iter().flat_map(|report| report.sites.iter().copied()).collect();
        let us = |at: Result<Timestamp, jiff::Error>| at.map(Timestamp::as_microsecond).ok();
        let query = OutageQuery {
            kind: None,
            from_us: us(since.checked_sub(rule.after_restoration)),
            until_us: us(now.checked_add(rule.before_onset)),
        };
        let outages = self.store.outages_near(&sites, rule.reach_m, &query).await?;
        Ok(rule.propose(&reports, &outages))
    }

    async fn unlinked_reports(&self, since: Timestamp) -> Result<Vec<Ticket>, StoreError> {
        let open = |state: &&State| !matches!(state, State::Resolved | State::Closed | State::Cancelled);
        let query = TicketQuery {
            states: State::ALL.iter().filter(open).copied().collect(),
            topics: vec![Topic::Outage],
            opened_from_us: Some(since.as_microsecond()),
            ..TicketQuery::default()
        };
        let (mut found, mut after) = (Vec::new(), None);
        while found.len() < MOST_REPORTS {
            let page = self.store.tickets(&query, Order::OpenedDesc, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(After { id: last.id, key_us: last.updated_at.as_microsecond() });
            let linked =
                self.store.linked_among(&page.iter().map(|t| t.id).collect::<Vec<_>>(), LinkKind::Outage).await?;
            found.extend(page.into_iter().filter(|ticket| !linked.contains(&ticket.id)));
        }
        Ok(found)
    }

    /// Starts to link tickets to an outage.
    pub(crate) async fn join_reports(&self, request: Request, outage: Uuid, tickets: &[Uuid], author: &str) -> Answer {
        if self.store.outage(outage).await?.is_none() {
            let message = "there is no such outage at this node";
            return Ok(Err(Refusal::new(RefusalKind::NotFound, "NO_SUCH_OUTAGE", message)));
        }
        let action = ticket::bulk_action::Action::LinkOutage(outage.to_string());
        let answer = |operation_id| wire::JoinReportsResponse { operation_id }.encode_to_vec();
        self.start(request, action, tickets, author, answer).await
    }

    /// Starts to part again what an operation joined: what it found linked already stays so.
    pub(crate) async fn undo_join(&self, request: Request, operation: Uuid, author: &str) -> Answer {
        if let Some(answered) = self.store.answered(request).await? {
            return Ok(answered);
        }
        let none =
            || Refusal::new(RefusalKind::NotFound, "NO_SUCH_OPERATION", "give a bulk operation that joined reports");
        let Some(known) = self.store.bulk(operation).await? else { return Ok(Err(none())) };
        let action = self.store.bulk_action(operation).await?;
        let action = action.and_then(|bytes| ticket::BulkAction::decode(bytes.as_slice()).ok()).unwrap_or_default();
        let Some(ticket::bulk_action::Action::LinkOutage(outage)) = action.action else { return Ok(Err(none())) };
        if known.state == RUNNING {
            let message = "this operation still runs; wait for it, or cancel it first";
            return Ok(Err(Refusal::new(RefusalKind::Precondition, "STILL_RUNNING", message)));
        }
        let (mut joined, mut after) = (Vec::new(), 0);
        loop {
            let results = self.store.bulk_results(operation, after, false, RESULTS).await?;
            let Some(last) = results.last() else { break };
            after = last.place;
            joined.extend(results.iter().filter(|result| result.reason.is_empty()).map(|result| result.ticket_id));
        }
        let action = ticket::bulk_action::Action::UnlinkOutage(outage);
        let answer = |operation_id| wire::UndoJoinResponse { operation_id }.encode_to_vec();
        self.start(request, action, &joined, author, answer).await
    }

    async fn start(
        &self,
        request: Request,
        action: ticket::bulk_action::Action,
        tickets: &[Uuid],
        author: &str,
        answer: impl Fn(String) -> Vec<u8>,
    ) -> Answer {
        let id = new_id();
        let action = ticket::BulkAction { action: Some(action), author: author.to_owned(), reason: String::new() };
        let bytes = action.encode_to_vec();
        let answer = self.store.start_bulk(request, self.now_us(), id, bytes, tickets, answer(id.to_string())).await?;
        self.bus.wake(BULK);
        Ok(answer)
    }

    /// Links one ticket to an outage, once; and answers it at once when supply is back already.
    pub(super) async fn join_outage(&self, request: Request, living: Uuid, outage: Uuid, author: &str) -> Answer {
        if self.store.answered(request).await?.is_none()
            && self.store.linked_among(&[living], LinkKind::Outage).await?.contains(&living)
        {
            let message = "this ticket is linked to an outage already; unlink it first";
            return Ok(Err(Refusal::new(RefusalKind::Precondition, "LINKED_ALREADY", message)));
        }
        let step = Step::Link(LinkKind::Outage, outage);
        let what = Move { step, author: author.to_owned(), text: String::new(), version: None };
        let linked = self.move_living_ticket(request, living, what, Arc::new(|_, _| Vec::new())).await?;
        // Read under its lock: a restoration that is being recorded either sees the link, or is seen here.
        let ended = self.store.outage_settled(outage).await?.is_some_and(|outage| outage.ended_at.is_some());
        match linked {
            Ok(_) if ended => self.answer_restoration(living, outage, author).await,
            other => Ok(other),
        }
    }

    /// Tells the customer that supply is back, and resolves the ticket: each once for each time at which it is said to be back,
    /// whatever happens to this process.
    pub(super) async fn answer_restoration(&self, living: Uuid, outage: Uuid, author: &str) -> Answer {
        let Some(outage) = self.store.outage(outage).await? else { return Ok(Ok(Vec::new())) };
        let Some(ended_at) = outage.ended_at else {
            let message = "supply is not back after all; wait for its restoration";
            return Ok(Err(Refusal::new(RefusalKind::Precondition, "NOT_RESTORED", message)));
        };
        let named = wire::GetOutageRequest { id: outage.id.to_string() };
        // After an end that was none, tickets are reopened, and the next end answers them anew.
        let request = |what: &str| {
            let id = format!("{}/{}/{living}/{what}", outage.id, ended_at.as_microsecond());
            request_of(&Principal::internal(), "AnswerRestoration", &id, &named)
        };
        let resolving = request("resolve");
        if let Some(answered) = self.store.answered(resolving).await? {
            return Ok(answered);
        }
        let Some(ticket) = self.store.ticket(living).await? else { return Ok(Ok(Vec::new())) };
        if !ticket.is_open() {
            let message = format!("ticket {} has ended; nobody waits for an answer", ticket.reference);
            return Ok(Err(Refusal::new(RefusalKind::Precondition, "NOT_OPEN", message)));
        }
        let move_to = |step, text| Move { step, author: author.to_owned(), text, version: None };
        let nothing = || -> Respond { Arc::new(|_, _| Vec::new()) };
        let reply = move_to(
            Step::Say(TimelineKind::Reply, Visibility::Public),
            self.restored(&ticket, &outage, ended_at).await?,
        );
        if let Err(refusal) = self.move_living_ticket(request("reply"), living, reply, nothing()).await? {
            return Ok(Err(refusal));
        }
        let resolve = move_to(Step::Become(State::Resolved), String::new());
        self.move_living_ticket(resolving, living, resolve, nothing()).await
    }

    /// What the customer is told, in their language.
    async fn restored(&self, ticket: &Ticket, outage: &Outage, at: Timestamp) -> Result<String, StoreError> {
        let customer = match &ticket.customer_code {
            Some(code) => self.store.customer(code).await?,
            None => None,
        };
        let texts = Texts::of(customer.map_or(Language::Vi, |stored| stored.customer.preferred_language));
        let at = at.to_zoned(self.zone.clone());
        let values = [
            ("ticket", ticket.reference.to_string()),
            ("at", at.strftime("%H:%M %d/%m/%Y").to_string()),
            ("cause", texts.say(&format!("cause-{}", outage.cause), &[])),
        ];
        Ok(texts.say("restored", &values.each_ref().map(|(name, value)| (*name, value.as_str()))))
    }
}
