//! Somebody's system asks for a service by Open311, and follows it: the ticket is one like any other.

use gridcare_chassis::id::new_id;
use gridcare_domain::{
    open311::{MOST_REQUESTS, Report},
    outage::Position,
    reference::Reference,
    ticket::Ticket,
};
use gridcare_proto::ticket::v1 as wire;
use gridcare_store::{
    StoreError,
    open311::{RequestQuery, asked_for},
    request::Request,
    writer::{Answer, Changes, TicketWrite},
};
use uuid::Uuid;

use crate::{Node, flows::ticket_moves::Opening};

/// A report as the request of a ticket, before any rule is checked.
pub(crate) fn opening_of(
    report: &Report,
    subject: &str,
    event_at: Option<prost_types::Timestamp>,
    partner: &str,
) -> wire::OpenTicketRequest {
    wire::OpenTicketRequest {
        category: report.service_code.clone(),
        channel: "web".to_owned(),
        subject: subject.to_owned(),
        description: report.text(),
        customer_code: report.customer_code.clone().unwrap_or_default(),
        requester_name: report.name.clone().unwrap_or_default(),
        requester_contact_point: report.contact_point.clone().unwrap_or_default(),
        province: report.province.clone().unwrap_or_default(),
        author: partner.to_owned(),
        event_at,
        ..Default::default()
    }
}

impl Node {
    /// A ticket is opened, and known from then on as asked for by this partner: both or neither.
    pub(crate) async fn take_request(
        &self,
        request: Request,
        opening: Opening,
        partner: &str,
        position: Option<Position>,
    ) -> Answer {
        // A repetition takes no new number.
        if let Some(answered) = self.store.answered(request).await? {
            return Ok(answered);
        }
        let (_, written) = self.prepare_opening(self.next_reference().await?, opening);
        let TicketWrite { ticket, entry, change, response, .. } = *written;
        let now_us = ticket.opened_at.as_microsecond();
        let partner = partner.to_owned();
        let decide = move |_: &[Ticket]| {
            Ok(Changes {
                opened: vec![TicketWrite::new(ticket.clone(), entry.clone(), change.clone(), Vec::new())],
                extras: vec![asked_for(ticket.id, now_us, &partner, position)],
                response: response.clone(),
                ..Changes::default()
            })
        };
        self.store.change_tickets(request, now_us, new_id(), Vec::new(), Box::new(decide)).await
    }

    /// Requests of a period, the newest first.
    pub(crate) async fn requests(&self, query: &RequestQuery) -> Result<Vec<Ticket>, StoreError> {
        self.followed(self.store.open311_requests(query, MOST_REQUESTS).await?).await
    }

    /// The requests among these references.
    pub(crate) async fn requests_named(&self, references: &[Reference]) -> Result<Vec<Ticket>, StoreError> {
        let numbers: Vec<_> = references.iter().filter_map(|one| i64::try_from(one.number()).ok()).collect();
        let mut found = self.store.open311_numbered(&numbers).await?;
        found.retain(|ticket| references.contains(&ticket.reference));
        self.followed(found).await
    }

    /// The request behind a token, which is its ticket's id.
    pub(crate) async fn request_of_token(&self, token: Uuid) -> Result<Option<Ticket>, StoreError> {
        self.store.open311_request(token).await
    }

    /// Requests as they stand: one that was merged into another ticket stands where that one does.
    async fn followed(&self, mut tickets: Vec<Ticket>) -> Result<Vec<Ticket>, StoreError> {
        for ticket in tickets.iter_mut().filter(|ticket| ticket.merged_into.is_some()) {
            let living = self.store.living_ticket(ticket.id).await?;
            if let Some(living) = self.store.ticket(living).await? {
                (ticket.state, ticket.updated_at, ticket.deadline_us) =
                    (living.state, living.updated_at, living.deadline_us);
            }
        }
        Ok(tickets)
    }
}
