use std::collections::HashSet;

use gridcare_chassis::id::new_id;
use gridcare_domain::{
    refusal::{Refusal, RefusalKind},
    ticket::{Ticket, TimelineEntry, TimelineKind, Visibility, merge, move_part, split},
};
use gridcare_proto::{
    convert::{
        feed::ticket_change,
        ticket::{self as convert, clocks_to_wire},
    },
    ticket::v1 as wire,
};
use gridcare_store::{
    StoreError, relation,
    request::Request,
    writer::{Answer, Changes, TicketWrite},
};
use jiff::Timestamp;
use prost::Message as _;
use uuid::Uuid;

use crate::{
    Node,
    flows::ticket_moves::{Name, no_such_ticket, told},
    rules::Rules,
};

/// So often a merge is tried while its sources get further parts.
const PARTS_MEANWHILE: usize = 3;

/// Who does it, and why.
#[derive(Clone)]
pub(crate) struct By {
    pub(crate) author: String,
    pub(crate) reason: String,
}

/// What becomes a ticket of its own.
pub(crate) struct Part {
    pub(crate) entries: Vec<Uuid>,
    pub(crate) subject: String,
    pub(crate) category: Option<String>,
}

impl Node {
    /// Tickets end in another one, which gets all that is theirs; all of them or none.
    pub(crate) async fn merge_tickets(&self, request: Request, sources: Vec<Name>, into: Name, by: By) -> Answer {
        let Some(into) = self.living(&into).await? else { return Ok(Err(no_such_ticket())) };
        let mut ids = vec![into];
        for source in &sources {
            // Not the ticket in which it lives on: one that was merged before is refused, whoever names it.
            let Some(id) = self.named(source).await? else { return Ok(Err(no_such_ticket())) };
            if ids.contains(&id) {
                let message = "a ticket is named twice; name each source once, and not the target";
                return Ok(Err(Refusal::new(RefusalKind::Precondition, "MERGED_INTO_ITSELF", message)));
            }
            ids.push(id);
        }
        for _ in 0..PARTS_MEANWHILE {
            match self.merge_once(request, &ids, by.clone()).await {
                Err(StoreError::HasParts) => {}
                answer => return answer,
            }
        }
        let message =
            "a ticket that would end got parts meanwhile, or has more than 1000; move them first, or try again";
        Ok(Err(Refusal::new(RefusalKind::Conflict, "PARTS_CHANGED", message)))
    }

    /// The first of these tickets lives on, the others end in it. Their parts become parts of it, or of what it is itself a
    /// part of.
    async fn merge_once(&self, request: Request, merging: &[Uuid], by: By) -> Answer {
        let merging = merging.to_vec();
        let mut ids = merging.clone();
        for source in &merging[1..] {
            let mut parts = self.store.children(*source).await?;
            parts.retain(|part| !ids.contains(part));
            ids.append(&mut parts);
        }
        let whole = match self.store.ticket(merging[0]).await?.and_then(|into| into.parent) {
            Some(whole) => self.store.ticket(whole).await?,
            None => None,
        };
        let mut watched = Vec::with_capacity(ids.len());
        for id in &ids {
            watched.push((*id, self.store.watchers(*id).await?));
        }
        let now = self.now();
        let (key, rules) = (self.pseudonym_key, self.rules());
        let entry_ids: Vec<Uuid> = ids.iter().map(|_| new_id()).collect();
        let decide = move |tickets: &[Ticket]| {
            let [into, others @ ..] = tickets else { return Err(no_such_ticket()) };
            let (sources, parts) = others.split_at(merging[1..].len().min(others.len()));
            let mut living = into.clone();
            let mut changes = Changes::default();
            for (source, entry_id) in sources.iter().zip(&entry_ids[1..]) {
                let (mut ended, next) = merge(source, &living, rules.governance(), now)?;
                // It is no part of what it lives on in, nor of what ends with it.
                ended.parent = ended.parent.filter(|parent| !merging.contains(parent));
                living = Ticket { version: into.version + 1, ..next };
                let text = joined(&living.reference.to_string(), &by.reason);
                let entry = said(*entry_id, now, TimelineKind::Merged, &by.author, text, Some(ended.state));
                changes.extras.extend(relation::hand_over(ended.id, living.id, *entry_id));
                // A part that it got after its parts were read would stay behind.
                changes.extras.push(relation::no_parts(ended.id));
                changes.changed.push(write(ended, entry, &rules, &key));
            }
            let beside = whole.as_ref().filter(|whole| living.parent == Some(whole.id));
            let new_parent = beside.unwrap_or(&living).reference.to_string();
            for (part, entry_id) in parts.iter().zip(&entry_ids[merging.len()..]) {
                if part.parent.is_none_or(|parent| !merging[1..].contains(&parent)) {
                    // It went elsewhere after it was read.
                    continue;
                }
                let entry = said(*entry_id, now, TimelineKind::Linked, &by.author, new_parent.clone(), None);
                changes.changed.push(write(move_part(part, &living, now), entry, &rules, &key));
            }
            let names: Vec<_> = sources.iter().map(|source| source.reference.to_string()).collect();
            let text = joined(&names.join(", "), &by.reason);
            let entry = said(entry_ids[0], now, TimelineKind::Merged, &by.author, text, None);
            let clocks = clocks_to_wire(&living, rules.book());
            let ticket = Some(convert::to_wire(&living, clocks, &[]));
            changes.response = wire::MergeTicketsResponse { ticket }.encode_to_vec();
            changes.changed.push(write(living, entry, &rules, &key));
            changes.notifications =
                watched.iter().flat_map(|(ticket, watchers)| told(watchers, *ticket, &by.author)).collect();
            Ok(changes)
        };
        self.store.change_tickets(request, now.as_microsecond(), new_id(), ids, Box::new(decide)).await
    }

    /// A part of a ticket becomes a ticket of its own, with the entries that belong to it.
    pub(crate) async fn split_ticket(&self, request: Request, name: Name, part: Part, by: By) -> Answer {
        let Some(id) = self.living(&name).await? else { return Ok(Err(no_such_ticket())) };
        let Part { mut entries, subject, category } = part;
        // Named twice, it moves once.
        entries.sort_unstable();
        entries.dedup();
        if let Some(refusal) = self.cannot_move(id, &entries).await? {
            return match self.store.answered(request).await? {
                Some(answered) => Ok(answered),
                None => Ok(Err(refusal)),
            };
        }
        let watchers = self.store.watchers(id).await?;
        let reference = self.next_reference().await?;
        let now = self.now();
        let (key, rules) = (self.pseudonym_key, self.rules());
        let (new_ticket, parted, opened) = (new_id(), new_id(), new_id());
        let moving = entries.clone();
        let decide = move |tickets: &[Ticket]| {
            let [ticket] = tickets else { return Err(no_such_ticket()) };
            let category = category.as_deref();
            let (kept, new) =
                split(ticket, new_ticket, reference.clone(), &subject, category, rules.governance(), now)?;
            let text = joined(&new.reference.to_string(), &by.reason);
            let entry = said(parted, now, TimelineKind::Split, &by.author, text, None);
            let text = joined(&kept.reference.to_string(), &by.reason);
            let first = said(opened, now, TimelineKind::Split, &by.author, text, Some(new.state));
            let wire_of = |t: &Ticket| Some(convert::to_wire(t, clocks_to_wire(t, rules.book()), &[]));
            let response =
                wire::SplitTicketResponse { ticket: wire_of(&kept), new_ticket: wire_of(&new) }.encode_to_vec();
            let extras = moving.iter().map(|entry| relation::hand_over_entry(ticket.id, *entry, new.id)).collect();
            Ok(Changes {
                notifications: told(&watchers, ticket.id, &by.author),
                changed: vec![write(kept, entry, &rules, &key)],
                opened: vec![write(new, first, &rules, &key)],
                extras,
                response,
                ..Changes::default()
            })
        };
        let answer = self.store.change_tickets(request, now.as_microsecond(), new_id(), vec![id], Box::new(decide));
        match answer.await {
            Err(StoreError::EntryGone) => match self.cannot_move(id, &entries).await? {
                Some(refusal) => Ok(Err(refusal)),
                None => Err(StoreError::EntryGone),
            },
            answer => answer,
        }
    }

    /// Why these entries cannot be taken from a ticket, if so: only what people said moves. Entries never leave a ticket
    /// otherwise than by this and by a merge, and both hold its lock; when an entry is gone by then, nothing is written.
    async fn cannot_move(&self, ticket: Uuid, entries: &[Uuid]) -> Result<Option<Refusal>, StoreError> {
        let movable: HashSet<Uuid> = self
            .store
            .timeline(ticket, i64::MAX)
            .await?
            .into_iter()
            .filter(|e| matches!(e.kind, TimelineKind::Note | TimelineKind::Reply | TimelineKind::Message))
            .map(|e| e.id)
            .collect();
        let strange = entries.iter().find(|entry| !movable.contains(entry));
        Ok(strange.map(|entry| {
            let message = format!("entry {entry} is no note, reply or message of this ticket; name others");
            Refusal::new(RefusalKind::Precondition, "ENTRY_NOT_MOVABLE", message)
        }))
    }
}

fn joined(what: &str, reason: &str) -> String {
    if reason.is_empty() { what.to_owned() } else { format!("{what}: {reason}") }
}

fn said(
    id: Uuid,
    at: Timestamp,
    kind: TimelineKind,
    author: &str,
    text: String,
    state: Option<gridcare_domain::ticket::State>,
) -> TimelineEntry {
    TimelineEntry { id, at, kind, visibility: Visibility::Internal, author: author.to_owned(), text, state }
}

fn write(ticket: Ticket, entry: TimelineEntry, rules: &Rules, key: &[u8; 32]) -> TicketWrite {
    let change = ticket_change(&ticket, clocks_to_wire(&ticket, rules.book()), rules.leaving(key));
    TicketWrite::new(ticket, entry, change, Vec::new())
}
