//! What happens because time passes: enquiries, answers that do not come, and the end.

use std::{sync::PoisonError, time::Duration};

use tokio::time::Instant;

use super::{Ended, Link, NotSent, Outcome};
use crate::smpp::{
    event::{Event, Taken},
    pdu::{Body, Pdu},
    session::life::Life,
};

/// When nothing else is due, the time is looked at this often.
const IDLE: Duration = Duration::from_mins(1);
/// More than anything waits.
const LONG: Duration = Duration::from_hours(24);

impl Link {
    /// Takes nothing more, and waits for the last answers.
    pub(super) fn close(&mut self, life: &mut Life) {
        self.closing = Some(Instant::now() + life.config.response());
        life.submits.close();
        while let Ok(submit) = life.submits.try_recv() {
            submit.answer(Outcome::NotSent { reason: NotSent::Unbound });
        }
    }

    /// Does what is due; the reason when that is the end.
    pub(super) fn look_at_the_time(&mut self, life: &mut Life) -> Option<Ended> {
        let (now, response) = (Instant::now(), life.config.response());
        let overdue = now.checked_sub(response).map(|before| self.window.overdue(before)).unwrap_or_default();
        let silent = overdue.first().is_some_and(|waiting| self.answered == waiting.answered_before);
        for waiting in overdue {
            super::intake::unanswered_part(life);
            waiting.submit.answer(Outcome::Unknown { reason: Ended::Silent });
        }
        match self.enquired {
            Some(asked) if now >= asked + response => return Some(Ended::Silent),
            None if now >= self.heard + life.config.enquire() => {
                let sequence = self.next_sequence();
                self.say(&Pdu::request(sequence, Body::EnquireLink));
                self.enquired = Some(now);
            }
            _ => {}
        }
        self.hand_over(life, if self.closing.is_some() { now + LONG } else { now });
        if silent {
            // Not one part was answered since: it takes them and loses them.
            return Some(Ended::Silent);
        }
        let deadline = self.closing?;
        if self.unbinding {
            return (now >= deadline).then_some(Ended::Stopped);
        }
        let done = self.window.len() == 0 && self.backlog.is_empty() && self.unanswered == 0;
        if done || now >= deadline {
            let sequence = self.next_sequence();
            self.say(&Pdu::request(sequence, Body::Unbind));
            (self.unbinding, self.closing) = (true, Some(now + response));
        }
        None
    }

    /// Hands over what has waited long enough for something else.
    fn hand_over(&mut self, life: &mut Life, now: Instant) {
        let strange = life.matching.lock().unwrap_or_else(PoisonError::into_inner).overdue(now);
        for held in strange {
            self.strange_receipt(life, held);
        }
        for (inbound, answers) in life.inbox.overdue(now) {
            self.backlog.push_back(Event::Message { inbound, taken: Taken { answers } });
        }
    }

    /// When something is due next.
    pub(super) fn next_time(&self, life: &Life) -> Instant {
        let response = life.config.response();
        let held = life.matching.lock().unwrap_or_else(PoisonError::into_inner).next_overdue();
        let asked = self.enquired.map_or(self.heard + life.config.enquire(), |asked| asked + response);
        let due = [
            Some(asked),
            self.window.oldest().map(|written| written + response),
            self.closing,
            held,
            life.inbox.next_overdue(),
        ];
        due.into_iter().flatten().fold(Instant::now() + IDLE, Instant::min)
    }
}
