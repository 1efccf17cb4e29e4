//! Tickets of another system: their histories are replayed through the same rules that live tickets follow.

use std::collections::HashSet;

use gridcare_chassis::id::{id_at, new_id};
use gridcare_domain::{
    refusal::Refusal,
    ticket::{Ticket, TimelineEntry, TimelineKind, Visibility, open, settle},
};
use gridcare_proto::convert::{feed::ticket_change, ticket::clocks_to_wire};
use gridcare_store::{StoreError, ticket_import::ImportedTicket, writer::TicketWrite};
use jiff::Timestamp;

use crate::{
    Node,
    flows::ticket_moves::{Move, Opening, step},
    rules::Rules,
};

/// A ticket of another system, checked.
pub(crate) struct History {
    pub(crate) source_key: String,
    pub(crate) opening: Opening,
    pub(crate) opened_at: Timestamp,
    /// In the order of their times.
    pub(crate) events: Vec<(Timestamp, Move)>,
}

/// What became of a batch.
pub(crate) struct Imported {
    pub(crate) kept: usize,
    pub(crate) known: usize,
    /// By their places in the batch.
    pub(crate) refused: Vec<(usize, Refusal)>,
}

impl Node {
    /// Keeps tickets of another system; those whose keys are known change nothing.
    pub(crate) async fn import_tickets(
        &self,
        source: &str,
        histories: Vec<(usize, History)>,
    ) -> Result<Imported, StoreError> {
        let now = self.now();
        let rules = self.rules();
        let keys: Vec<&str> = histories.iter().map(|(_, history)| history.source_key.as_str()).collect();
        let known: HashSet<String> = self.store.known_imports(source, &keys).await?;
        let (mut tickets, mut refused, mut repeated) = (Vec::new(), Vec::new(), 0);
        for (place, history) in histories {
            if known.contains(&history.source_key) {
                repeated += 1;
                continue;
            }
            let source_key = history.source_key.clone();
            match self.replayed(history, &rules, now).await? {
                Ok(write) => tickets.push(ImportedTicket { source_key, write }),
                Err(refusal) => refused.push((place, refusal)),
            }
        }
        let kept = self.store.import_tickets(source, now.as_microsecond(), new_id(), &tickets).await?;
        Ok(Imported { kept, known: repeated + tickets.len() - kept, refused })
    }

    async fn replayed(
        &self,
        history: History,
        rules: &Rules,
        now: Timestamp,
    ) -> Result<Result<TicketWrite, Refusal>, StoreError> {
        let reference = self.next_reference().await?;
        let at = history.opened_at;
        let draft =
            Ticket { id: id_at(at), reference, version: 1, opened_at: at, updated_at: at, ..history.opening.draft };
        let mut ticket = open(draft, rules.governance());
        let entry = TimelineEntry {
            id: id_at(at),
            at,
            kind: TimelineKind::Opened,
            visibility: Visibility::Public,
            author: history.opening.author,
            text: String::new(),
            state: Some(ticket.state),
        };
        let mut more = Vec::new();
        for (at, what) in &history.events {
            notice(&mut ticket, &mut more, rules, *at);
            let stepped = match step(&ticket, &what.step, rules, *at) {
                Ok(stepped) => stepped,
                Err(refusal) => return Ok(Err(refusal)),
            };
            more.push(TimelineEntry {
                id: id_at(*at),
                at: *at,
                kind: stepped.kind,
                visibility: stepped.visibility,
                author: what.author.clone(),
                text: what.text.clone(),
                state: (stepped.ticket.state != ticket.state).then_some(stepped.ticket.state),
            });
            ticket = stepped.ticket;
        }
        notice(&mut ticket, &mut more, rules, now);
        ticket.version = 1;
        settle(&mut ticket, rules.governance());
        let change = ticket_change(&ticket, clocks_to_wire(&ticket, rules.book()), rules.leaving(&self.pseudonym_key));
        Ok(Ok(TicketWrite { more, ..TicketWrite::new(ticket, entry, change, Vec::new()) }))
    }
}

/// Warnings and breaches until `at`, each told at its own instant, as if somebody had been there to notice.
fn notice(ticket: &mut Ticket, more: &mut Vec<TimelineEntry>, rules: &Rules, at: Timestamp) {
    while let Some(due_us) = ticket.clocks.next_due(rules.book()).filter(|due_us| *due_us <= at.as_microsecond()) {
        let due = Timestamp::from_microsecond(due_us).unwrap_or(at);
        let Some((next, entries)) = Node::noticed_then(ticket, rules, due) else { return };
        *ticket = next;
        more.extend(entries);
    }
}
