//! What the centre says.

use std::sync::PoisonError;

use tokio::time::Instant;

use super::{Ended, Link, Outcome};
use crate::smpp::{
    event::{Answer, Event, Taken},
    matching::{Found, PartKey},
    pdu::{Body, Message, Pdu, Status},
    receipt::{Receipt, Stage},
    session::{HeldReceipt, life::Life},
};

/// Commands to which SMPP knows no answer: `outbind` and `alert_notification`.
const UNANSWERABLE: [u32; 2] = [0x0b, 0x102];

impl Link {
    /// Understands all whole units that have come.
    pub(super) fn take_in(&mut self, life: &mut Life) -> Result<(), Ended> {
        while let Some(frame) = self.frames.cut().map_err(Ended::Protocol)? {
            (self.heard, self.enquired) = (Instant::now(), None);
            match Pdu::read(&frame) {
                Ok(pdu) => self.understand(pdu, life)?,
                Err((head, malformed)) => {
                    tracing::warn!(session = life.config.name, %malformed, command = head.command, "an unreadable unit");
                    life.counts.malformed += 1;
                    // Only requests can be cut short; their sender hears of it.
                    self.say(&Pdu::response(head.sequence, Status::INVALID_LENGTH, Body::GenericNack));
                }
            }
        }
        Ok(())
    }

    fn understand(&mut self, pdu: Pdu, life: &mut Life) -> Result<(), Ended> {
        let Pdu { status, sequence, body } = pdu;
        match body {
            Body::SubmitSmResp(id) => self.answered(sequence, status, id, life),
            Body::GenericNack => {
                // A nack without an error is one all the same.
                let status = if status == Status::OK { Status::UNKNOWN } else { status };
                self.answered(sequence, status, String::new(), life);
            }
            Body::DeliverSm(message) => self.delivered(sequence, &message, life),
            Body::EnquireLink => self.say(&Pdu::response(sequence, Status::OK, Body::EnquireLinkResp)),
            Body::Unbind => {
                self.say(&Pdu::response(sequence, Status::OK, Body::UnbindResp));
                return Err(Ended::Unbound);
            }
            Body::UnbindResp if self.unbinding => return Err(Ended::Stopped),
            Body::Bind(..) | Body::SubmitSm(_) => {
                self.say(&Pdu::response(sequence, Status::INVALID_STATE, Body::GenericNack));
            }
            Body::Other { command, .. } if command >> 31 == 0 && !UNANSWERABLE.contains(&command) => {
                self.say(&Pdu::response(sequence, Status::INVALID_COMMAND, Body::GenericNack));
            }
            Body::BindResp(..)
            | Body::DeliverSmResp
            | Body::UnbindResp
            | Body::EnquireLinkResp
            | Body::Other { .. } => {}
        }
        Ok(())
    }

    fn answered(&mut self, sequence: u32, status: Status, id: String, life: &mut Life) {
        let now = Instant::now();
        if let Some((part, phone)) = self.window.answered_late(sequence) {
            life.counts.late += 1;
            self.answered += 1;
            if status == Status::OK {
                self.accepted(&id, &phone, part, life);
            }
            let outcome = outcome(status, id, life);
            return self.backlog.push_back(Event::Late { part, outcome });
        }
        let Some(waiting) = self.window.answered(sequence) else { return };
        self.answered += 1;
        match status {
            Status::OK => {
                life.counts.accepted += 1;
                life.pace.accepted(now);
                self.accepted(&id, &waiting.submit.message.destination.digits, waiting.submit.key, life);
            }
            status if status.asks_for_less() => {
                life.counts.throttled += 1;
                life.pace.cut(waiting.written, now);
            }
            _ => life.counts.refused += 1,
        }
        waiting.submit.answer(outcome(status, id, life));
    }

    /// The centre told the id of a part; its receipt may be here already.
    fn accepted(&mut self, id: &str, phone: &str, part: PartKey, life: &mut Life) {
        let early = life.matching.lock().unwrap_or_else(PoisonError::into_inner).accepted(id, phone, part);
        for held in early {
            let answered = Some(crate::smpp::matching::normal(id));
            self.known_receipt(life, part, HeldReceipt { answered, ..held });
        }
    }

    fn delivered(&mut self, sequence: u32, message: &Message, life: &mut Life) {
        let limit = usize::try_from(life.config.inbound.get()).unwrap_or(usize::MAX);
        if self.unanswered >= limit || self.closing.is_some() {
            life.counts.put_off += 1;
            return self.say(&Pdu::response(sequence, Status::RECEIVER_TEMPORARY, Body::DeliverSmResp));
        }
        self.unanswered += 1;
        let answer = Answer { sequence, to: self.answers.0.clone() };
        let from = message.source.digits.clone();
        if let Some(receipt) = Receipt::of(message) {
            let (id, is_final) = (receipt.id.clone(), receipt.stage == Stage::Final);
            // Another session of the centre may wait for the answer.
            let awaited = self.window.len() > 0 || life.around.matching.is_some();
            let mut matching = life.matching.lock().unwrap_or_else(PoisonError::into_inner);
            let (answered, taken) = (matching.answered(&id, &from), Taken { answers: vec![answer] });
            let held = HeldReceipt { answered, receipt, from: from.clone(), taken };
            let found = matching.arrived(&id, &from, is_final, awaited, held);
            drop(matching);
            return match found {
                Found::Part(part, held) => self.known_receipt(life, part, held),
                Found::Unknown(held) => self.strange_receipt(life, held),
                Found::Held => {}
            };
        }
        life.counts.inbound += 1;
        for (inbound, answers) in life.inbox.arrived(message, answer, Instant::now()) {
            self.backlog.push_back(Event::Message { inbound, taken: Taken { answers } });
        }
    }

    fn known_receipt(&mut self, life: &mut Life, part: PartKey, held: HeldReceipt) {
        life.counts.receipts += 1;
        self.receipt(life, Some(part), held);
    }

    pub(super) fn strange_receipt(&mut self, life: &mut Life, held: HeldReceipt) {
        life.counts.strange_receipts += 1;
        self.receipt(life, None, held);
    }

    fn receipt(&mut self, life: &Life, part: Option<PartKey>, held: HeldReceipt) {
        let known = if part.is_some() { "known" } else { "strange" };
        metrics::counter!("gridcare_smpp_receipts_total", "session" => life.config.name.clone(), "part" => known)
            .increment(1);
        let HeldReceipt { answered, receipt, from, taken } = held;
        self.backlog.push_back(Event::Receipt { part, answered, receipt, from, taken });
    }
}

fn outcome(status: Status, id: String, life: &Life) -> Outcome {
    let told = match status {
        Status::OK => "accepted",
        status if status.asks_for_less() => "throttled",
        _ => "refused",
    };
    count_part(life, told);
    if status == Status::OK { Outcome::Accepted { message_id: id } } else { Outcome::Refused { status } }
}

fn count_part(life: &Life, outcome: &'static str) {
    metrics::counter!("gridcare_smpp_parts_total", "session" => life.config.name.clone(), "outcome" => outcome)
        .increment(1);
}

/// A part was never answered: whether it left, nobody knows.
pub(super) fn unanswered_part(life: &mut Life) {
    life.counts.unknown += 1;
    count_part(life, "unknown");
}
