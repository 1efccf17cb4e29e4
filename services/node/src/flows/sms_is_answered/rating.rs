use std::{collections::BTreeSet, sync::Arc};

use gridcare_domain::{
    contact::Outcome,
    customer::{phone, spellings},
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

use super::{Cause, Message, Told, Trouble, asker::Asker, done};
use crate::{
    Node,
    flows::ticket_moves::{Move, Respond, Step},
};

/// So many of the newest finished tickets of one customer, or of one spelling of a number, are looked at.
const MOST: usize = 20;

impl Node {
    /// A digit from whoever had something settled lately says how satisfied they are; `None` when it says no such thing.
    pub(super) async fn rating(
        &self,
        cause: &Cause<'_>,
        message: &Message,
        asker: &Asker,
    ) -> Result<Option<Told>, Trouble> {
        let Some(score) = score(&message.text) else { return Ok(None) };
        let Some(ticket) = self.settled_lately(asker).await? else { return Ok(None) };
        let what = Move { step: Step::Rate(score), author: "sms".to_owned(), text: String::new(), version: None };
        let respond: Respond = Arc::new(|ticket: wire::Ticket, _: wire::TimelineEntry| {
            wire::RateTicketResponse { ticket: Some(ticket) }.encode_to_vec()
        });
        let answer = self.move_living_ticket(cause.of("/rating"), ticket.id, what, respond).await;
        let rated = match done::<wire::RateTicketResponse>(answer) {
            // Somebody has opened it again meanwhile.
            Err(Trouble::Refused(refusal)) if refusal.reason == "NOT_YET_RESOLVED" => return Ok(None),
            rated => rated?,
        };
        Ok(Some(Told {
            text: asker.texts().say("rated", &[]),
            keyword: "rating",
            topic: Topic::Information,
            // With a code it would count as coming back about the matter that it rates.
            customer: None,
            ticket: rated.ticket.map(|ticket| ticket.reference),
            outcome: Outcome::SelfServed,
        }))
    }

    /// What a customer of this number was asked about last; else what was settled last, within the standard's window, for such a
    /// customer or for whoever asked by it.
    async fn settled_lately(&self, asker: &Asker) -> Result<Option<Ticket>, StoreError> {
        let Some(number) = &asker.number else { return Ok(None) };
        let window_us = self.standards.current().feedback().repeat_contact_window_us;
        let from_us = self.now_us().saturating_sub(window_us);
        if let Some(asked) = self.asked_about(asker, from_us).await? {
            return Ok(Some(asked));
        }
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

    /// What the customers of this number were asked about last, if that is still settled.
    async fn asked_about(&self, asker: &Asker, from_us: i64) -> Result<Option<Ticket>, StoreError> {
        let mut last = None;
        for stored in &asker.own {
            let question = self.store.asked_lately(&stored.customer.code, from_us).await?;
            last = last.max(question.map(|(ticket, at_us)| (at_us, ticket)));
        }
        let Some((_, ticket)) = last else { return Ok(None) };
        let living = self.store.living_ticket(ticket).await?;
        let ticket = self.store.ticket(living).await?;
        Ok(ticket.filter(|ticket| matches!(ticket.state, State::Resolved | State::Closed)))
    }
}

/// The score that a message is: one digit from 1 to 5, and nothing else.
fn score(text: &str) -> Option<i64> {
    let mut characters = text.trim().chars();
    let digit = characters.next()?.to_digit(10)?;
    (characters.next().is_none() && (1..=5).contains(&digit)).then(|| i64::from(digit))
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
    fn a_score_is_one_digit_alone() {
        assert_eq!(["1", " 5\n", "3"].map(score), [Some(1), Some(5), Some(3)]);
        for text in ["", " ", "0", "6", "10", "5 sao", "-1", "5.", "năm"] {
            assert_eq!(score(text), None, "{text}");
        }
    }

    #[test]
    fn what_ended_last_within_the_window_is_rated() {
        let at = |us: i64| Timestamp::from_microsecond(us).ok();
        let ticket = |resolved: i64, closed: Option<i64>| Ticket {
            resolved_at: at(resolved),
            closed_at: closed.and_then(at),
            ..Ticket::draft(Topic::Outage, Channel::Sms, String::new())
        };
        let merged = Ticket { merged_into: Some(uuid::Uuid::max()), ..ticket(80, Some(90)) };
        let all = || vec![ticket(10, Some(60)), ticket(50, None), ticket(70, None), merged.clone()];
        assert_eq!(last_ended(all(), 40).and_then(|ticket| ticket.resolved_at), at(70));
        assert_eq!(last_ended(all()[..2].to_vec(), 40).and_then(|ticket| ticket.resolved_at), at(10));
        assert_eq!(last_ended(all(), 71), None);
    }
}
