use gridcare_chassis::id::new_id;
use gridcare_domain::{
    reference::Reference,
    refusal::{Refusal, RefusalKind},
    ticket::{State, Ticket, TimelineEntry, TimelineKind, Visibility, assign, transition},
};
use gridcare_proto::{
    convert::{feed::ticket_change, ticket as convert},
    ticket::v1 as wire,
};
use gridcare_store::{
    StoreError,
    request::Request,
    writer::{Answer, TicketWrite},
};
use jiff::Timestamp;
use prost::Message as _;
use uuid::Uuid;

use crate::Node;

/// A new ticket, checked, without what the node adds.
pub(crate) struct Opening {
    pub(crate) draft: Ticket,
    pub(crate) author: String,
}

/// How a caller names a ticket.
pub(crate) enum Name {
    Id(Uuid),
    Reference(Reference),
}

/// What is to happen to a ticket, by whom and in what words.
pub(crate) struct Move {
    pub(crate) step: Step,
    pub(crate) author: String,
    pub(crate) text: String,
    pub(crate) version: Option<i64>,
}

pub(crate) enum Step {
    Say(TimelineKind, Visibility),
    Become(State),
    Assign(String),
}

/// How the answer of a method is made from the changed ticket and its new entry.
pub(crate) type Respond = fn(wire::Ticket, wire::TimelineEntry) -> Vec<u8>;

impl Node {
    /// A ticket is opened: the row, its first timeline entry and its feed entry in one transaction.
    ///
    /// Returns the answer, and what it says when it is this call's own: nearly always, and then nobody has to read it.
    pub(crate) async fn open_ticket(
        &self,
        request: Request,
        opening: Opening,
    ) -> (Answer, Option<wire::OpenTicketResponse>) {
        let (response, written) = match self.prepare_opening(opening).await {
            Ok(prepared) => prepared,
            Err(e) => return (Err(e), None),
        };
        let expected = written.response.clone();
        let now_us = written.ticket.opened_at.as_microsecond();
        let answer = self.store.open_ticket(request, now_us, new_id(), written).await;
        let own = matches!(&answer, Ok(Ok(bytes)) if *bytes == expected);
        (answer, own.then_some(response))
    }

    async fn prepare_opening(&self, opening: Opening) -> Result<(wire::OpenTicketResponse, TicketWrite), StoreError> {
        let now = self.now();
        let number = self.store.next_number().await?;
        let reference = Reference::new(self.prefix.as_str(), number)
            .map_err(|e| StoreError::Corrupt { table: "reference_block", what: e.to_string() })?;
        let Opening { draft, author } = opening;
        let ticket = Ticket { id: new_id(), reference, version: 1, opened_at: now, updated_at: now, ..draft };
        let entry = TimelineEntry {
            id: new_id(),
            at: now,
            kind: TimelineKind::Opened,
            visibility: Visibility::Public,
            author,
            text: String::new(),
            state: Some(ticket.state),
        };
        let response = wire::OpenTicketResponse { ticket: Some(convert::to_wire(&ticket, &[])) };
        let change = ticket_change(&ticket, &self.pseudonym_key);
        let bytes = response.encode_to_vec();
        Ok((response, TicketWrite::new(ticket, entry, change, bytes)))
    }

    /// A ticket moves: what is allowed is decided on its state at that moment, under its lock.
    pub(crate) async fn move_ticket(&self, request: Request, name: Name, what: Move, respond: Respond) -> Answer {
        let id = match name {
            Name::Id(id) => id,
            Name::Reference(reference) => match self.store.ticket_id(&reference).await? {
                Some(id) => id,
                None => return Ok(Err(no_such_ticket())),
            },
        };
        let now = self.now();
        let (entry_id, key) = (new_id(), self.pseudonym_key);
        let decide = Box::new(move |ticket: &Ticket| decide(ticket, &what, entry_id, &key, respond, now));
        self.store.change_ticket(request, now.as_microsecond(), new_id(), id, decide).await
    }

    /// A ticket as it is, with the newest entries of its timeline.
    pub(crate) async fn find_ticket(&self, name: &Name) -> Result<Option<(Ticket, Vec<TimelineEntry>)>, StoreError> {
        let found = match name {
            Name::Id(id) => self.store.ticket(*id).await?,
            Name::Reference(reference) => self.store.ticket_by_reference(reference).await?,
        };
        let Some(ticket) = found else { return Ok(None) };
        let timeline = self.store.timeline(ticket.id, 1_000).await?;
        Ok(Some((ticket, timeline)))
    }
}

pub(crate) fn no_such_ticket() -> Refusal {
    Refusal::new(RefusalKind::NotFound, "NO_SUCH_TICKET", "there is no such ticket at this node")
}

fn decide(
    ticket: &Ticket,
    what: &Move,
    entry_id: Uuid,
    key: &[u8; 32],
    respond: Respond,
    now: Timestamp,
) -> Result<TicketWrite, Refusal> {
    if what.version.is_some_and(|version| version != ticket.version) {
        let message = format!("ticket {} has changed since; read it again and decide again", ticket.reference);
        return Err(
            Refusal::new(RefusalKind::Conflict, "ETAG_MISMATCH", message).with("etag", convert::etag(ticket.version))
        );
    }
    let (next, kind, visibility) = match &what.step {
        Step::Become(state) => (transition(ticket, *state, now)?, TimelineKind::StateChanged, Visibility::Public),
        Step::Assign(assignee) => (assign(ticket, assignee, now)?, TimelineKind::Assigned, Visibility::Internal),
        Step::Say(kind, visibility) => {
            let mut same = ticket.clone();
            same.version += 1;
            same.updated_at = same.updated_at.max(now);
            (same, *kind, *visibility)
        }
    };
    let state = (next.state != ticket.state).then_some(next.state);
    let entry = TimelineEntry {
        id: entry_id,
        at: now,
        kind,
        visibility,
        author: what.author.clone(),
        text: what.text.clone(),
        state,
    };
    let response = respond(convert::to_wire(&next, &[]), convert::entry_to_wire(&entry));
    let change = ticket_change(&next, key);
    Ok(TicketWrite::new(next, entry, change, response))
}
