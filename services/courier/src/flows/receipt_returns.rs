//! A receipt returns: to the node in batches, and to its sender as taken once the node has it.
//!
//! A receipt may be here before the outcome of its message is at the node. It is kept for a while and told again; one that nobody
//! knows even then is counted and let go, so that a sender is not asked for it for ever.

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

use gridcare_chassis::backoff::Backoff;
use gridcare_domain::delivery::DeliveryState;
use gridcare_proto::{convert::time::timestamp, delivery::v1::DeliveryReceipt};
use jiff::Timestamp;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep, sleep_until},
};

use crate::{
    carrier::sms::Clue,
    node::{self, Node},
    smpp::Taken,
    state::Told,
};

/// Receipts in one report at most.
const BATCH: usize = 1_000;
/// Receipts for messages that this courier does not know, which wait to be told again; beyond it the oldest are let go.
const STRANGERS: usize = 500;
/// Between two tellings of one receipt.
const AGAIN: Duration = Duration::from_secs(2);
/// So often a receipt is told whose message this courier knows: its outcome is on the way to the node, however long that takes.
const TRIES_KNOWN: u32 = 60;
/// So often another one is told under each id that it may have, and each number. Its phone is told once more after that: by then
/// the outcome of its message would have been there, so that a receipt which is only early is taken for no other message's.
const TRIES: usize = 4;
/// The longest wait between two attempts when the node does not answer.
const LONGEST: Duration = Duration::from_secs(10);

/// What is known of whose receipt it is.
#[derive(Debug)]
pub(crate) enum Whose {
    /// This message's, whose part the node knows under this id.
    Known { number: i64, id: String },
    /// The part's that the node knows under one of these ids, the likeliest first; with what else is known of its message.
    Unknown { clue: Clue, ids: Vec<String> },
}

/// A receipt, whatever it came by.
#[derive(Debug)]
pub(crate) struct Returned {
    pub(crate) whose: Whose,
    pub(crate) state: DeliveryState,
    pub(crate) at: Timestamp,
    /// Who waits to hear that the node has it.
    pub(crate) waits: Waits,
}

/// Who waits to hear that a receipt is durable.
#[derive(Debug)]
pub(crate) enum Waits {
    /// Its message centre.
    Centre(Taken),
    /// Whoever holds the file that it was read from.
    Reader(oneshot::Sender<()>),
    /// Nobody.
    Nobody,
}

impl Waits {
    fn taken(self) {
        match self {
            Self::Centre(taken) => taken.taken(),
            // A reader that has gone reads the file again.
            Self::Reader(reader) => drop(reader.send(())),
            Self::Nobody => {}
        }
    }
}

#[derive(Debug)]
struct Kept {
    returned: Returned,
    tries: u32,
    again_at: Instant,
}

impl Kept {
    fn receipt(&self) -> DeliveryReceipt {
        let mut receipt = DeliveryReceipt {
            state: self.returned.state.code().to_owned(),
            at: Some(timestamp(self.returned.at)),
            ..DeliveryReceipt::default()
        };
        match &self.returned.whose {
            Whose::Known { number, id } => (receipt.message_id, receipt.number) = (id.clone(), *number),
            Whose::Unknown { clue, ids } => {
                // The same form a few times before the next, in case the outcome is only late; at last the likeliest again.
                let id = ids.get(self.tried() / TRIES).or(ids.first());
                receipt.message_id = id.cloned().unwrap_or_default();
                match clue {
                    Clue::Echo(echo) => receipt.number = echo.number(),
                    Clue::Phone { phone, submitted } if self.tried() >= tellings(ids) => {
                        receipt.phone.clone_from(phone);
                        receipt.submitted_at = submitted.map(timestamp);
                    }
                    Clue::Phone { .. } | Clue::Nothing => {}
                }
            }
        }
        receipt
    }

    fn tried(&self) -> usize {
        usize::try_from(self.tries).unwrap_or(usize::MAX)
    }

    fn is_over(&self) -> bool {
        match &self.returned.whose {
            Whose::Known { .. } => self.tries >= TRIES_KNOWN,
            Whose::Unknown { clue: Clue::Phone { .. }, ids } => self.tried() > tellings(ids),
            Whose::Unknown { ids, .. } => self.tried() >= tellings(ids),
        }
    }

    fn is_strange(&self) -> bool {
        matches!(self.returned.whose, Whose::Unknown { .. })
    }
}

/// So often a receipt is told under ids that it may have.
fn tellings(ids: &[String]) -> usize {
    TRIES * ids.len().max(1)
}

/// Takes receipts to the node until nobody sends any more, and the last is there.
pub(crate) async fn run(mut node: Node, told: Told, mut receipts: mpsc::Receiver<Returned>) {
    let mut again: VecDeque<Kept> = VecDeque::new();
    let mut batch: Vec<Returned> = Vec::new();
    loop {
        let due = again.front().map(|kept| kept.again_at);
        let ended = tokio::select! {
            count = receipts.recv_many(&mut batch, BATCH) => count == 0,
            () = sleep_until(due.unwrap_or_else(|| Instant::now() + AGAIN)), if due.is_some() => false,
        };
        let now = Instant::now();
        let new = batch.drain(..).map(|returned| Kept { returned, tries: 0, again_at: now });
        let mut telling: Vec<_> = new.collect();
        told.receipts(|state| state.waiting += telling.len());
        // At the end everything is told once more, and the rest is left to its senders.
        while telling.len() < BATCH
            && let Some(kept) = again.pop_front_if(|kept| ended || kept.again_at <= now)
        {
            telling.push(kept);
        }
        let unknown = tell(&mut node, &told, telling).await;
        if ended && again.is_empty() {
            told.receipts(|state| state.waiting -= unknown.len());
            return;
        }
        keep(&mut again, unknown, &told);
    }
}

/// Tells the node, again and again until it has them; gives back those that it does not know.
async fn tell(node: &mut Node, told: &Told, telling: Vec<Kept>) -> Vec<Kept> {
    let mut unknown = Vec::new();
    let mut batches = vec![telling];
    let mut backoff = Backoff::up_to(LONGEST);
    while let Some(batch) = batches.pop() {
        if batch.is_empty() {
            continue;
        }
        match node.receipts(batch.iter().map(Kept::receipt).collect()).await {
            Ok(ids) => {
                backoff.reset();
                let ids: HashSet<String> = ids.into_iter().collect();
                for kept in batch {
                    if ids.contains(&kept.receipt().message_id) {
                        unknown.push(kept);
                    } else {
                        told.receipts(|state| {
                            state.waiting -= 1;
                            state.reported += 1;
                        });
                        kept.returned.waits.taken();
                    }
                }
            }
            Err(status) if node::is_malformed(&status) && batch.len() > 1 => {
                batches.extend(batch.into_iter().map(|kept| vec![kept]));
            }
            Err(status) if node::is_malformed(&status) => {
                tracing::error!(reason = status.message(), "the node cannot read a receipt");
                let_go(batch, told);
            }
            Err(status) => {
                tracing::warn!(code = ?status.code(), reason = status.message(), "receipts wait for the node");
                batches.push(batch);
                sleep(backoff.wait()).await;
            }
        }
    }
    unknown
}

/// Keeps what the node did not know, to tell it again, as long as that makes sense.
fn keep(again: &mut VecDeque<Kept>, unknown: Vec<Kept>, told: &Told) {
    let again_at = Instant::now() + AGAIN;
    for kept in unknown {
        let kept = Kept { tries: kept.tries + 1, again_at, ..kept };
        if kept.is_over() { let_go([kept], told) } else { again.push_back(kept) }
    }
    let mut strangers = again.iter().filter(|kept| kept.is_strange()).count();
    while strangers > STRANGERS
        && let Some(at) = again.iter().position(Kept::is_strange)
    {
        strangers -= 1;
        let_go(again.remove(at), told);
    }
}

/// Whoever sent them need not send them again: nobody will ever know whose they are.
fn let_go(receipts: impl IntoIterator<Item = Kept>, told: &Told) {
    for kept in receipts {
        metrics::counter!("gridcare_courier_receipts_let_go_total").increment(1);
        told.receipts(|state| {
            state.waiting -= 1;
            state.let_go += 1;
        });
        kept.returned.waits.taken();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ids and phones, telling by telling, of a receipt that the node never knows.
    fn tellings_of(clue: Clue) -> Vec<(String, String)> {
        let whose = Whose::Unknown { clue, ids: vec!["smsc/2047".into(), "smsc/7ff".into()] };
        let (at, waits) = (Timestamp::UNIX_EPOCH, Waits::Nobody);
        let returned = Returned { whose, state: DeliveryState::Delivered, at, waits };
        let mut kept = Kept { returned, tries: 0, again_at: Instant::now() };
        let mut tellings = Vec::new();
        while !kept.is_over() {
            let receipt = kept.receipt();
            assert_eq!(receipt.submitted_at.is_some(), !receipt.phone.is_empty(), "they are told together");
            tellings.push((receipt.message_id, receipt.phone));
            kept.tries += 1;
        }
        tellings
    }

    #[test]
    fn a_phone_is_told_once_after_all_forms_of_an_id_were_told_in_vain() {
        let early = tellings_of(Clue::Nothing);
        assert_eq!(early.len(), 2 * TRIES);
        assert!(early.iter().all(|(_, phone)| phone.is_empty()));
        let phone = "+84901000001".to_owned();
        let mut tellings = tellings_of(Clue::Phone { phone: phone.clone(), submitted: Some(Timestamp::UNIX_EPOCH) });
        assert_eq!(tellings.pop(), Some(("smsc/2047".to_owned(), phone)), "under the likeliest id");
        assert_eq!(tellings, early);
    }
}
