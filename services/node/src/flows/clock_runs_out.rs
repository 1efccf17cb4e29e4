//! Warnings and breaches, noticed within a second of their instants: an ordered index of what is due next, and a timer.

use std::{error::Error, time::Duration};

use futures::future::join_all;
use gridcare_chassis::id::{id_at, new_id};
use gridcare_domain::{
    clock::Due,
    refusal::{Refusal, RefusalKind},
    ticket::{
        Acted, Ticket, TimelineEntry, TimelineKind, Visibility, judge_repetition, notice_due, rebase,
        repetition_due_us, settle,
    },
};
use gridcare_proto::convert::{feed::ticket_change, ticket::clocks_to_wire};
use gridcare_store::{
    StoreError,
    notification::Notification,
    request::Request,
    writer::{Changes, TicketWrite},
};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{Node, SharedNode, flows::ticket_moves::no_such_ticket, rules::Rules};

/// The index is asked this often what is due next: what was opened meanwhile may be due sooner than what was seen last.
const LOOK: Duration = Duration::from_millis(250);
/// Tickets that are noticed together; the writer puts them into few transactions.
const AT_ONCE: i64 = 512;
/// Who writes into timelines what no person did.
pub(crate) const BY_STANDARD: &str = "standard";

/// Notices what is due, in every process of the node: the lock on the ticket makes it happen once.
pub(crate) async fn run(node: SharedNode, shutdown: CancellationToken) {
    loop {
        let noticed = match look(&node).await {
            Ok(noticed) => noticed,
            Err(e) => {
                tracing::warn!(error = &e as &dyn Error, "due clocks could not be noticed; trying again");
                0
            }
        };
        if noticed > 0 && !shutdown.is_cancelled() {
            continue;
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Notices one page of what is due; says how many tickets changed.
async fn look(node: &SharedNode) -> Result<usize, StoreError> {
    let now = node.now();
    let due = node.store.due_tickets(now.as_microsecond(), AT_ONCE).await?;
    let Some((_, first_us)) = due.first() else { return Ok(0) };
    metrics::histogram!("gridcare_clock_notice_delay_seconds")
        .record(Duration::from_micros(u64::try_from(now.as_microsecond() - first_us).unwrap_or(0)).as_secs_f64());
    let answers = join_all(due.into_iter().map(|(id, _)| notice(node, id, now))).await;
    let mut changed = 0;
    for answer in answers {
        changed += usize::from(answer?);
    }
    Ok(changed)
}

/// Notices what is due on one ticket; false when another process was faster.
async fn notice(node: &SharedNode, id: Uuid, now: Timestamp) -> Result<bool, StoreError> {
    let rules = node.rules();
    // Whether the customer came back is read before the lock: the window has passed, nothing in it changes any more.
    let came_back = match node.store.ticket(id).await? {
        Some(ticket) => match repetition_due_us(&ticket, rules.governance()) {
            Some(due_us) if due_us <= now.as_microsecond() => node.store.came_back(&ticket, due_us).await?,
            _ => false,
        },
        None => return Ok(false),
    };
    let key = node.pseudonym_key;
    let ids: [Uuid; 3] = std::array::from_fn(|_| new_id());
    let request = Request::of_our_own(new_id());
    let decide = move |tickets: &[Ticket]| {
        let [ticket] = tickets else { return Err(no_such_ticket()) };
        decide(ticket, came_back, &rules, &key, ids, now)
    };
    let answer = node.store.change_tickets(request, now.as_microsecond(), new_id(), vec![id], Box::new(decide)).await?;
    Ok(answer.is_ok())
}

fn decide(
    ticket: &Ticket,
    came_back: bool,
    rules: &Rules,
    key: &[u8; 32],
    ids: [Uuid; 3],
    now: Timestamp,
) -> Result<Changes, Refusal> {
    let governance = rules.governance();
    let mut told = Told { ids: ids.into_iter(), now, entries: Vec::new(), notifications: Vec::new() };
    let mut next = None;
    if let Some(acted) = notice_due(ticket, governance, now) {
        told.acted(&acted);
        next = Some(acted.ticket);
    }
    if let Some(judged) = judge_repetition(next.as_ref().unwrap_or(ticket), came_back, governance, now) {
        next = Some(judged);
    }
    let Some(mut next) = next else {
        // The stored instant may be from an earlier standard, and nothing is due any more: it is set right.
        let settled = rebase(ticket, governance, now).unwrap_or_else(|| {
            let mut settled = ticket.clone();
            settle(&mut settled, governance);
            settled
        });
        if settled.due_us == ticket.due_us {
            return Err(Refusal::new(RefusalKind::Precondition, "NOTHING_DUE", "another process has noticed it"));
        }
        return Ok(written(Ticket { version: ticket.version + 1, ..settled }, told, rules, key));
    };
    next.version = ticket.version + 1;
    Ok(written(next, told, rules, key))
}

fn written(next: Ticket, told: Told, rules: &Rules, key: &[u8; 32]) -> Changes {
    let change = ticket_change(&next, clocks_to_wire(&next, rules.book()), rules.leaving(key));
    let words = String::new();
    let mut entries = told.entries.into_iter();
    let Some(entry) = entries.next() else {
        return Changes { silent: vec![(next, change)], notifications: told.notifications, ..Changes::default() };
    };
    let clocks = next.clocks.encode();
    let more = entries.collect();
    let write = TicketWrite { ticket: next, words, clocks, entry, more, change, response: Vec::new() };
    Changes { notifications: told.notifications, ..Changes::from(write) }
}

/// What timelines and people are told of an instant.
struct Told {
    ids: std::array::IntoIter<Uuid, 3>,
    now: Timestamp,
    entries: Vec<TimelineEntry>,
    notifications: Vec<Notification>,
}

impl Told {
    /// One entry for all warnings, one for all breaches, one for all that followed.
    fn acted(&mut self, acted: &Acted) {
        let ticket = &acted.ticket;
        let (mut near, mut breached) = (Vec::new(), Vec::new());
        for one in &acted.noticed {
            let event = match one.what {
                Due::Warned(permille) => {
                    near.push(format!("{} {permille}\u{2030}", one.target));
                    "clock_warned"
                }
                Due::Breached => {
                    breached.push(one.target.clone());
                    "clock_breached"
                }
            };
            if let Some(assignee) = &ticket.assignee {
                self.tell(ticket, assignee.clone(), event, &one.target);
            } else if let Some(team) = &ticket.team {
                self.tell(ticket, format!("team:{team}"), event, &one.target);
            }
        }
        self.say(TimelineKind::ClockWarned, &near);
        self.say(TimelineKind::ClockBreached, &breached);
        let followed: Vec<_> = acted.escalated.iter().map(|escalated| escalated.rule.clone()).collect();
        self.say(TimelineKind::Escalated, &followed);
        let roles = acted.escalated.iter().flat_map(|escalated| &escalated.notify).filter(|role| **role != "assignee");
        for role in roles {
            self.tell(ticket, format!("role:{role}"), "escalated", "");
        }
    }

    fn say(&mut self, kind: TimelineKind, what: &[String]) {
        if what.is_empty() {
            return;
        }
        // There are as many ids as kinds of entries.
        let Some(id) = self.ids.next() else { return };
        self.entries.push(TimelineEntry {
            id,
            at: self.now,
            kind,
            visibility: Visibility::Internal,
            author: BY_STANDARD.to_owned(),
            text: what.join(", "),
            state: None,
        });
    }

    fn tell(&mut self, ticket: &Ticket, recipient: String, event: &'static str, target: &str) {
        self.notifications.push(Notification { ticket_id: ticket.id, recipient, event, target: target.to_owned() });
    }
}

impl Node {
    /// Notices at once, for histories that are replayed: what an instant brought, with its entries.
    pub(crate) fn noticed_then(ticket: &Ticket, rules: &Rules, at: Timestamp) -> Option<(Ticket, Vec<TimelineEntry>)> {
        let acted = notice_due(ticket, rules.governance(), at)?;
        let ids: [Uuid; 3] = std::array::from_fn(|_| id_at(at));
        let mut told = Told { ids: ids.into_iter(), now: at, entries: Vec::new(), notifications: Vec::new() };
        told.acted(&acted);
        Some((acted.ticket, told.entries))
    }
}
