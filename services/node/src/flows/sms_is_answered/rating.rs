use std::{collections::BTreeSet, sync::Arc};

use gridcare_domain::{
    contact::Outcome,
    customer::{phone, spellings},
    keyword::{lone_score, score_among_words},
    text,
    ticket::{State, Ticket},
    topic::Topic,
};
use gridcare_proto::ticket::v1 as wire;
use gridcare_store::{
    StoreError,
    ticket::{Order, TicketQuery},
};
use prost::Message as _;
use uuid::Uuid;

use super::{Cause, Message, Told, Trouble, asker::Asker, done};
use crate::{
    Node,
    flows::ticket_moves::{Move, Respond, Step},
};

/// So many of the newest finished tickets of one customer, or of one spelling of a number, are looked at.
const MOST: usize = 20;

/// A question is on its way for so long, and an answer to it may come for as long.
const DAY_US: i64 = 24 * 3_600 * 1_000_000;

/// What a message says of satisfaction.
pub(super) enum Rating {
    /// It did, and this is the answer.
    Told(Box<Told>),
    /// Its sender was asked a moment ago, and nobody can read the answer.
    Unread,
    /// Nothing.
    Not,
}

impl Node {
    /// A digit from whoever was asked, or had something settled, lately says how satisfied they are.
    pub(super) async fn rating(&self, cause: &Cause<'_>, message: &Message, asker: &Asker) -> Result<Rating, Trouble> {
        let now_us = self.now_us();
        let from_us = now_us.saturating_sub(self.standards.current().feedback().repeat_contact_window_us);
        let question = self.asked_lately(asker, from_us).await?;
        // Later, and once they have said it, a digit alone is meant so: words with a number in them say something else.
        let fresh = match question {
            Some((at_us, about)) if now_us.saturating_sub(at_us) < DAY_US => !self.has_said(about).await?,
            _ => false,
        };
        let read = if fresh { score_among_words(&message.text) } else { lone_score(&message.text) };
        let Some(score) = read else { return Ok(if fresh { Rating::Unread } else { Rating::Not }) };
        // Whoever was asked speaks of that ticket, even where it was opened again and cannot be rated.
        let ticket = match question {
            Some((_, about)) => self.still_settled(about).await?,
            None => self.settled_lately(asker, from_us).await?,
        };
        let Some(ticket) = ticket else { return Ok(Rating::Not) };
        let what = Move { step: Step::Rate(score), author: "sms".to_owned(), text: String::new(), version: None };
        let respond: Respond = Arc::new(|ticket: wire::Ticket, _: wire::TimelineEntry| {
            wire::RateTicketResponse { ticket: Some(ticket) }.encode_to_vec()
        });
        let answer = self.move_living_ticket(cause.of("/rating"), ticket.id, what, respond).await;
        let rated = match done::<wire::RateTicketResponse>(answer) {
            // Somebody has opened it again meanwhile.
            Err(Trouble::Refused(refusal)) if refusal.reason == "NOT_YET_RESOLVED" => return Ok(Rating::Not),
            rated => rated?,
        };
        Ok(Rating::Told(Box::new(Told {
            text: asker.texts().say("rated", &[]),
            keyword: "rating",
            topic: Topic::Information,
            // With a code it would count as coming back about the matter that it rates.
            customer: None,
            ticket: rated.ticket.map(|ticket| ticket.reference),
            outcome: Outcome::SelfServed,
        })))
    }

    /// What was settled last, within the standard's window, for a customer of this number or for whoever asked by it.
    async fn settled_lately(&self, asker: &Asker, from_us: i64) -> Result<Option<Ticket>, StoreError> {
        let Some(number) = &asker.number else { return Ok(None) };
        let settled = TicketQuery { states: vec![State::Resolved, State::Closed], ..TicketQuery::default() };
        let mut found = Vec::new();
        for stored in &asker.own {
            let code = Some(stored.customer.code.as_str().to_owned());
            let query = TicketQuery { customer_code: code, ..settled.clone() };
            found.extend(self.store.tickets(&query, Order::OpenedDesc, None, MOST).await?);
        }
        // A desk notes a number as it is told.
        let spelled: BTreeSet<_> = spellings(number).iter().map(|spelling| text::query_words(spelling)).collect();
        for words in spelled {
            let query = TicketQuery { words, ..settled.clone() };
            let mut about = self.store.tickets(&query, Order::OpenedDesc, None, MOST).await?;
            about.retain(|ticket| {
                let point = ticket.requester_contact_point.as_deref().and_then(|point| phone(point).ok());
                point.as_ref() == Some(number)
            });
            found.extend(about);
        }
        Ok(last_ended(found, from_us))
    }

    /// When the customers of this number were asked last, and about which ticket.
    async fn asked_lately(&self, asker: &Asker, from_us: i64) -> Result<Option<(i64, Uuid)>, StoreError> {
        let mut last = None;
        for stored in &asker.own {
            let question = self.store.asked_lately(&stored.customer.code, from_us).await?;
            last = last.max(question.map(|(ticket, at_us)| (at_us, ticket)));
        }
        Ok(last)
    }

    /// Whether the customer of this ticket, wherever it lives on, has said how satisfied they are.
    async fn has_said(&self, asked: Uuid) -> Result<bool, StoreError> {
        let ticket = self.store.ticket(self.store.living_ticket(asked).await?).await?;
        Ok(ticket.is_some_and(|ticket| ticket.satisfaction.is_some()))
    }

    /// The ticket that a question was about, wherever it lives on, if it is settled.
    async fn still_settled(&self, asked: Uuid) -> Result<Option<Ticket>, StoreError> {
        let living = self.store.living_ticket(asked).await?;
        let ticket = self.store.ticket(living).await?;
        Ok(ticket.filter(|ticket| matches!(ticket.state, State::Resolved | State::Closed)))
    }
}

/// The ticket that ended last, at or after an instant, microseconds since 1970. A merged one lives on in another.
fn last_ended(tickets: Vec<Ticket>, from_us: i64) -> Option<Ticket> {
    let ended = |ticket: &Ticket| ticket.closed_at.or(ticket.resolved_at);
    let lately = |ticket: &Ticket| ended(ticket).is_some_and(|at| at.as_microsecond() >= from_us);
    tickets.into_iter().filter(|ticket| ticket.merged_into.is_none() && lately(ticket)).max_by_key(ended)
}

#[cfg(test)]
mod tests {
    use gridcare_domain::contact::Channel;
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn what_ended_last_within_the_window_is_rated() {
        let at = |us: i64| Timestamp::from_microsecond(us).ok();
        let ticket = |resolved: i64, closed: Option<i64>| Ticket {
            resolved_at: at(resolved),
            closed_at: closed.and_then(at),
            ..Ticket::draft(Topic::Outage, Channel::Sms, String::new())
        };
        let merged = Ticket { merged_into: Some(Uuid::max()), ..ticket(80, Some(90)) };
        let all = || vec![ticket(10, Some(60)), ticket(50, None), ticket(70, None), merged.clone()];
        assert_eq!(last_ended(all(), 40).and_then(|ticket| ticket.resolved_at), at(70));
        assert_eq!(last_ended(all()[..2].to_vec(), 40).and_then(|ticket| ticket.resolved_at), at(10));
        assert_eq!(last_ended(all(), 71), None);
    }
}
