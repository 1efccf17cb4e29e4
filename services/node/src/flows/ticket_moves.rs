use std::sync::Arc;

use gridcare_chassis::id::new_id;
use gridcare_domain::{
    reference::Reference,
    refusal::{Refusal, RefusalKind},
    ticket::{
        Attachment, LinkKind, Reclassification, State, Ticket, TimelineEntry, TimelineKind, Visibility, asked, assign,
        claim, fulfil, open, question_due_us, rate, reclassify, replied, transition,
    },
};
use gridcare_proto::{
    convert::{
        feed::ticket_change,
        ticket::{self as convert, clocks_to_wire},
    },
    ticket::v1 as wire,
};
use gridcare_store::{
    StoreError,
    notification::Notification,
    question, relation,
    request::Request,
    team,
    writer::{Answer, Changes, Extra, TicketWrite},
};
use jiff::Timestamp;
use prost::Message as _;
use uuid::Uuid;

use crate::{Node, rules::Rules};

/// So often a ticket may be merged between finding and locking it.
const MERGED_MEANWHILE: usize = 3;

/// A new ticket, checked, without what the node adds.
pub(crate) struct Opening {
    pub(crate) draft: Ticket,
    pub(crate) author: String,
}

/// How a caller names a ticket.
#[derive(Clone)]
pub(crate) enum Name {
    Id(Uuid),
    Reference(Reference),
}

/// What is to happen to a ticket, by whom and in what words.
#[derive(Clone)]
pub(crate) struct Move {
    pub(crate) step: Step,
    pub(crate) author: String,
    pub(crate) text: String,
    pub(crate) version: Option<i64>,
}

#[derive(Clone)]
pub(crate) enum Step {
    Say(TimelineKind, Visibility),
    Become(State),
    Assign(String),
    /// Chosen by a strategy: the agent's turn is over.
    AssignByTurn(String),
    Claim(String),
    Reclassify(Reclassification),
    Fulfil,
    Rate(i64),
    Parent(Option<Uuid>),
    Link(LinkKind, Uuid),
    /// Somebody says that it does not belong there.
    Unlink(LinkKind, Uuid),
    /// A link in bulk is taken back, as if it had never been.
    UndoLink(LinkKind, Uuid),
    Attach(Attachment),
}

/// How the answer of a method is made from the changed ticket and its new entry.
pub(crate) type Respond = Arc<dyn Fn(wire::Ticket, wire::TimelineEntry) -> Vec<u8> + Send + Sync>;

impl Node {
    /// A ticket is opened: the row, its first timeline entry and its feed entry in one transaction.
    ///
    /// Returns the answer, and what it says when it is this call's own: nearly always, and then nobody has to read it.
    pub(crate) async fn open_ticket(
        &self,
        request: Request,
        opening: Box<Opening>,
    ) -> (Answer, Option<wire::OpenTicketResponse>) {
        let reference = match self.next_reference().await {
            Ok(reference) => reference,
            Err(e) => return (Err(e), None),
        };
        let (response, written) = self.prepare_opening(reference, *opening);
        let expected = written.response.clone();
        let now_us = written.ticket.opened_at.as_microsecond();
        let answer = self.store.open_ticket(request, now_us, new_id(), written).await;
        let own = matches!(&answer, Ok(Ok(bytes)) if *bytes == expected);
        (answer, own.then_some(*response))
    }

    /// What an opening under this reference writes, and its answer. Both are boxed: a call that waits, and is handed on from task to
    /// task, should be small.
    pub(crate) fn prepare_opening(
        &self,
        reference: Reference,
        opening: Opening,
    ) -> (Box<wire::OpenTicketResponse>, Box<TicketWrite>) {
        let now = self.now();
        let rules = self.rules();
        let Opening { draft, author } = opening;
        let ticket = Ticket { id: new_id(), reference, version: 1, opened_at: now, updated_at: now, ..draft };
        let ticket = open(ticket, rules.governance());
        let entry = TimelineEntry {
            id: new_id(),
            at: now,
            kind: TimelineKind::Opened,
            visibility: Visibility::Public,
            author,
            text: String::new(),
            state: Some(ticket.state),
        };
        let clocks = clocks_to_wire(&ticket, rules.book());
        let response = wire::OpenTicketResponse { ticket: Some(convert::to_wire(&ticket, clocks.clone(), &[])) };
        let change = ticket_change(&ticket, clocks, rules.leaving(&self.pseudonym_key));
        let bytes = response.encode_to_vec();
        (Box::new(response), Box::new(TicketWrite::new(ticket, entry, change, bytes)))
    }

    /// The next reference of this node.
    pub(crate) async fn next_reference(&self) -> Result<Reference, StoreError> {
        let number = self.store.next_number().await?;
        Reference::new(self.prefix.as_str(), number)
            .map_err(|e| StoreError::Corrupt { table: "reference_block", what: e.to_string() })
    }

    /// A ticket moves: what is allowed is decided on its state at that moment, under its lock.
    pub(crate) async fn move_ticket(&self, request: Request, name: Name, what: Move, respond: Respond) -> Answer {
        let Some(named) = self.named(&name).await? else { return Ok(Err(no_such_ticket())) };
        let living = self.store.living_ticket(named).await?;
        if living != named && what.version.is_some() {
            // An etag is a version of the ticket that was read; the one in which it lives on has others.
            if let Some(answered) = self.store.answered(request).await? {
                return Ok(answered);
            }
            let message = "this ticket was merged since it was read; read it again and decide again";
            return Ok(Err(Refusal::new(RefusalKind::Conflict, "ETAG_MISMATCH", message)));
        }
        self.move_living_ticket(request, living, what, respond).await
    }

    /// The same for a ticket that is known to live on.
    /// Should it be merged meanwhile, the move happens to the ticket in which it lives on.
    pub(crate) async fn move_living_ticket(&self, request: Request, id: Uuid, what: Move, respond: Respond) -> Answer {
        let mut living = id;
        for _ in 0..MERGED_MEANWHILE {
            match self.move_once(request, living, what.clone(), respond.clone()).await? {
                Err(refusal) if refusal.reason == "TICKET_MERGED" => living = self.store.living_ticket(living).await?,
                answer => return Ok(answer),
            }
        }
        self.move_once(request, living, what, respond).await
    }

    async fn move_once(&self, request: Request, id: Uuid, what: Move, respond: Respond) -> Answer {
        let watchers = self.store.watchers(id).await?;
        let now = self.now();
        let (entry_id, key, rules) = (new_id(), self.pseudonym_key, self.rules());
        let mut ids = vec![id];
        if let Step::Parent(Some(parent)) = &what.step {
            // Locked with its child: of two that become parts of each other at once, the second sees the first.
            ids.push(*parent);
        }
        let decide = move |tickets: &[Ticket]| {
            let [ticket, parent @ ..] = tickets else { return Err(no_such_ticket()) };
            parent.iter().try_for_each(|parent| check_parent(parent, ticket.id))?;
            let mut changes = decide(ticket, &what, entry_id, &rules, &key, &respond, now)?;
            changes.notifications = told(&watchers, ticket.id, &what.author);
            Ok(changes)
        };
        match self.store.change_tickets(request, now.as_microsecond(), new_id(), ids, Box::new(decide)).await {
            Err(StoreError::HasParts) => Ok(Err(has_parts())),
            answer => answer,
        }
    }

    /// The ticket that a name was given to, though it may have been merged since.
    pub(crate) async fn named(&self, name: &Name) -> Result<Option<Uuid>, StoreError> {
        match name {
            Name::Id(id) => Ok(Some(*id)),
            Name::Reference(reference) => self.store.ticket_id(reference).await,
        }
    }

    /// The ticket behind a name; of a merged one the ticket in which it lives on.
    pub(crate) async fn living(&self, name: &Name) -> Result<Option<Uuid>, StoreError> {
        match self.named(name).await? {
            Some(id) => self.store.living_ticket(id).await.map(Some),
            None => Ok(None),
        }
    }

    /// The ticket behind a name, or in which it lives on. Nearly all were never merged, and are read once.
    pub(crate) async fn read_living(&self, name: &Name) -> Result<Option<Ticket>, StoreError> {
        let Some(id) = self.named(name).await? else { return Ok(None) };
        match self.store.ticket(id).await? {
            Some(ticket) if ticket.merged_into.is_some() => {
                self.store.ticket(self.store.living_ticket(id).await?).await
            }
            found => Ok(found),
        }
    }

    /// A ticket as it is, with the newest entries of its timeline.
    pub(crate) async fn find_ticket(&self, name: &Name) -> Result<Option<(Ticket, Vec<TimelineEntry>)>, StoreError> {
        let Some(id) = self.living(name).await? else { return Ok(None) };
        self.store.ticket_with_timeline(id, 1_000).await
    }
}

pub(crate) fn no_such_ticket() -> Refusal {
    Refusal::new(RefusalKind::NotFound, "NO_SUCH_TICKET", "there is no such ticket at this node")
}

/// Watchers are told of every change that is not their own.
pub(crate) fn told(watchers: &[String], ticket_id: Uuid, author: &str) -> Vec<Notification> {
    let others = watchers.iter().filter(|watcher| *watcher != author);
    let tell = |watcher: &String| Notification {
        ticket_id,
        recipient: watcher.clone(),
        event: "changed",
        target: String::new(),
    };
    others.map(tell).collect()
}

/// Refuses a parent that this child cannot have.
pub(crate) fn check_parent(parent: &Ticket, child: Uuid) -> Result<(), Refusal> {
    let (reason, message) = if parent.id == child {
        ("PARENT_OF_ITSELF", "a ticket is no part of itself; name another parent")
    } else if parent.merged_into.is_some() {
        ("PARENT_MERGED", "that ticket was merged meanwhile; name the one in which it lives on")
    } else if parent.parent.is_some() {
        ("PARENT_HAS_PARENT", "that ticket is itself a part; name the one that it is a part of")
    } else {
        return Ok(());
    };
    Err(Refusal::new(RefusalKind::Precondition, reason, message))
}

pub(crate) fn has_parts() -> Refusal {
    let message = "a ticket that has parts is no part of another; move its parts first";
    Refusal::new(RefusalKind::Precondition, "HAS_CHILDREN", message)
}

/// Refuses unless the ticket is as the caller has read it.
pub(crate) fn same_version(ticket: &Ticket, version: Option<i64>) -> Result<(), Refusal> {
    if version.is_none_or(|version| version == ticket.version) {
        return Ok(());
    }
    let message = format!("ticket {} has changed since; read it again and decide again", ticket.reference);
    Err(Refusal::new(RefusalKind::Conflict, "ETAG_MISMATCH", message).with("etag", convert::etag(ticket.version)))
}

/// What a ticket is after a step, and what its timeline says of it.
pub(crate) struct Stepped {
    pub(crate) ticket: Ticket,
    pub(crate) kind: TimelineKind,
    pub(crate) visibility: Visibility,
    extras: Vec<Extra>,
}

/// Takes a step; the same for live tickets and for histories of other systems.
pub(crate) fn step(ticket: &Ticket, step: &Step, rules: &Rules, now: Timestamp) -> Result<Stepped, Refusal> {
    let governance = rules.governance();
    let touched = || {
        let mut same = ticket.clone();
        same.version += 1;
        same.updated_at = same.updated_at.max(now);
        same
    };
    let linked = |extras: Vec<Extra>| (touched(), TimelineKind::Linked, Visibility::Internal, extras);
    let (ticket, kind, visibility, extras) = match step {
        Step::Become(state) => {
            (transition(ticket, *state, governance, now)?, TimelineKind::StateChanged, Visibility::Public, vec![])
        }
        Step::Assign(assignee) => {
            (assign(ticket, assignee, governance, now)?, TimelineKind::Assigned, Visibility::Internal, vec![])
        }
        Step::AssignByTurn(assignee) => {
            let turn = Vec::from(team::assigned(assignee, now.as_microsecond()));
            (assign(ticket, assignee, governance, now)?, TimelineKind::Assigned, Visibility::Internal, turn)
        }
        Step::Claim(agent) => {
            (claim(ticket, agent, governance, now)?, TimelineKind::Assigned, Visibility::Internal, vec![])
        }
        Step::Say(TimelineKind::Reply, Visibility::Public) => {
            (replied(ticket, governance, now), TimelineKind::Reply, Visibility::Public, vec![])
        }
        Step::Say(TimelineKind::Message, visibility) => {
            (asked(ticket, governance, now), TimelineKind::Message, *visibility, vec![])
        }
        Step::Say(kind, visibility) => (touched(), *kind, *visibility, vec![]),
        Step::Reclassify(to) => {
            let next = reclassify(ticket, to, governance, now)?;
            (next, TimelineKind::Reclassified, Visibility::Internal, vec![])
        }
        Step::Fulfil => (fulfil(ticket, governance, now)?, TimelineKind::Fulfilled, Visibility::Public, vec![]),
        Step::Rate(score) => {
            (rate(ticket, *score, governance, now)?, TimelineKind::Rated, Visibility::Internal, vec![])
        }
        Step::Parent(parent) => {
            let mut next = touched();
            next.parent = *parent;
            let whole = parent.iter().map(|_| relation::no_parts(ticket.id)).collect();
            (next, TimelineKind::Linked, Visibility::Internal, whole)
        }
        Step::Link(kind, target) => linked(vec![relation::link(ticket.id, *kind, *target, now)]),
        Step::Unlink(kind, target) => linked(relation::take_out(ticket.id, *kind, *target, now).into()),
        Step::UndoLink(kind, target) => linked(vec![relation::unlink(ticket.id, *kind, *target)]),
        Step::Attach(file) => {
            let file = Attachment { at: now, ..file.clone() };
            (touched(), TimelineKind::Attached, Visibility::Internal, vec![relation::attach(ticket.id, &file)])
        }
    };
    Ok(Stepped { ticket, kind, visibility, extras })
}

fn decide(
    ticket: &Ticket,
    what: &Move,
    entry_id: Uuid,
    rules: &Rules,
    key: &[u8; 32],
    respond: &Respond,
    now: Timestamp,
) -> Result<Changes, Refusal> {
    if ticket.merged_into.is_some() {
        let message = format!("ticket {} was merged; name the one in which it lives on", ticket.reference);
        return Err(Refusal::new(RefusalKind::Conflict, "TICKET_MERGED", message));
    }
    same_version(ticket, what.version)?;
    let stepped = step(ticket, &what.step, rules, now)?;
    let next = stepped.ticket;
    let entry = TimelineEntry {
        id: entry_id,
        at: now,
        kind: stepped.kind,
        visibility: stepped.visibility,
        author: what.author.clone(),
        text: what.text.clone(),
        state: (next.state != ticket.state).then_some(next.state),
    };
    let clocks = clocks_to_wire(&next, rules.book());
    let response = respond(convert::to_wire(&next, clocks.clone(), &[]), convert::entry_to_wire(&entry));
    let change = ticket_change(&next, clocks, rules.leaving(key));
    let mut extras = stepped.extras;
    if next.state == State::Closed
        && ticket.state != State::Closed
        && let (Some(customer), Some(due_us)) = (&next.customer_code, question_due_us(&next, rules.governance()))
    {
        extras.push(question::ask_later(next.id, customer, due_us));
    }
    Ok(Changes { extras, ..Changes::from(TicketWrite::new(next, entry, change, response)) })
}
