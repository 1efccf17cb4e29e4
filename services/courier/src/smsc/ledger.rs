//! What a centre has taken, and how it was asked.

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

use jiff::Timestamp;
use tokio::time::Instant;

use super::config::SmscConfig;
use crate::smpp::{
    coding,
    pdu::{Message, Status},
    piece::Piece,
    validity,
};

/// A part that the centre took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedPart {
    /// Its id, as a number.
    pub id: u64,
    /// As whom it was sent.
    pub from: String,
    /// To whom.
    pub to: String,
    /// What it says.
    pub text: String,
    /// Which part of a long message it is.
    pub piece: Option<Piece>,
    /// The submitter's own number.
    pub reference: Option<u16>,
    /// Until when to try.
    pub expires: Option<Timestamp>,
    /// When it was taken.
    pub at: Timestamp,
    /// Whether the same part for the same phone had been taken before.
    pub duplicate: bool,
}

/// What a centre has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SmscCounts {
    /// Sessions that were let in.
    pub binds: u64,
    /// Submits that came.
    pub submits: u64,
    /// Parts that it took.
    pub accepted: u64,
    /// Accepted parts that it had taken before.
    pub duplicates: u64,
    /// Submits above the rate.
    pub throttled: u64,
    /// Submits while the queue was full.
    pub queue_full: u64,
    /// Submits refused for good.
    pub refused: u64,
    /// Submits without an answer, on purpose.
    pub swallowed: u64,
    /// Receipts that the other end took.
    pub receipts: u64,
    /// Messages from phones that the other end took.
    pub inbound: u64,
    /// Receipts and messages that the other end put off; they are sent again.
    pub put_off: u64,
    /// Enquiries that came.
    pub enquiries: u64,
    /// The most submits that came within a second, wherever it begins.
    pub peak_rate: u64,
    /// The most submits of one session that waited for their answers at once.
    pub peak_window: u64,
    /// From the first part that it took to the last.
    pub taking: Duration,
    /// From the first part that it took to the last receipt that the other end took.
    pub settling: Duration,
}

/// What one submit comes to.
#[derive(Debug)]
pub(super) enum Verdict {
    Taken(Box<AcceptedPart>),
    Refused(Status),
    Swallowed,
}

/// Parts whose repetition is noticed.
const NOTICED: usize = 2_000_000;

#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) counts: SmscCounts,
    pub(super) parts: VecDeque<AcceptedPart>,
    /// Parts that have no outcome yet.
    pub(super) queue: usize,
    /// When it took its first part.
    began: Option<Instant>,
    asked: VecDeque<Instant>,
    taken: VecDeque<Instant>,
    seen: HashSet<u64>,
}

const SECOND: Duration = Duration::from_secs(1);

/// Drops what is a second old, or older.
fn prune(times: &mut VecDeque<Instant>, now: Instant) {
    while times.front().is_some_and(|at| now.duration_since(*at) >= SECOND) {
        times.pop_front();
    }
}

impl Ledger {
    /// Judges a submit, and takes note of it.
    pub(super) fn judge(&mut self, config: &SmscConfig, message: &Message, now: Timestamp) -> Verdict {
        let moment = Instant::now();
        self.counts.submits += 1;
        prune(&mut self.asked, moment);
        self.asked.push_back(moment);
        self.counts.peak_rate = self.counts.peak_rate.max(self.asked.len() as u64);
        prune(&mut self.taken, moment);
        if config.silent {
            self.counts.swallowed += 1;
            return Verdict::Swallowed;
        }
        if config.rate > 0 && self.taken.len() >= usize::try_from(config.rate).unwrap_or(usize::MAX) {
            self.counts.throttled += 1;
            return Verdict::Refused(Status::THROTTLED);
        }
        if config.queue > 0 && self.queue >= config.queue {
            self.counts.queue_full += 1;
            return Verdict::Refused(Status::QUEUE_FULL);
        }
        let expires = validity::read(&message.validity, now);
        let senseless = !message.validity.is_empty() && expires.is_none_or(|expires| expires <= now);
        if senseless || message.destination.digits.is_empty() {
            self.counts.refused += 1;
            return Verdict::Refused(if senseless { Status::INVALID_EXPIRY } else { Status::INVALID_DESTINATION });
        }
        if fate(config.seed, message, "refused") < config.refused {
            self.counts.refused += 1;
            return Verdict::Refused(Status::INVALID_DESTINATION);
        }
        self.taken.push_back(moment);
        self.counts.taking = moment - *self.began.get_or_insert(moment);
        Verdict::Taken(Box::new(self.take(config, message, expires, now)))
    }

    /// The other end took a receipt.
    pub(super) fn receipted(&mut self) {
        self.counts.receipts += 1;
        self.counts.settling = self.began.map_or(Duration::ZERO, |began| began.elapsed());
    }

    fn take(
        &mut self,
        config: &SmscConfig,
        message: &Message,
        expires: Option<Timestamp>,
        now: Timestamp,
    ) -> AcceptedPart {
        let (piece, octets) = Piece::of(message);
        self.counts.accepted += 1;
        self.queue += 1;
        if self.seen.len() >= NOTICED {
            self.seen.clear();
        }
        let duplicate = !self.seen.insert(digest(0, message, "same"));
        self.counts.duplicates += u64::from(duplicate);
        let part = AcceptedPart {
            id: 1_000_000_000 + config.seed % 1_000_000 * 1_000 + self.counts.accepted,
            from: message.source.digits.clone(),
            to: message.destination.digits.clone(),
            text: coding::decode(octets, message.data_coding),
            piece,
            reference: message.user_message_reference(),
            expires,
            at: now,
            duplicate,
        };
        if config.remembered > 0 {
            if self.parts.len() >= config.remembered {
                self.parts.pop_front();
            }
            self.parts.push_back(part.clone());
        }
        part
    }
}

/// FNV-1a over what makes a part what it is. A hash of the standard library may differ from one release to the next.
fn digest(seed: u64, message: &Message, salt: &str) -> u64 {
    let reference = message.user_message_reference().map(u16::to_be_bytes).unwrap_or_default();
    let (piece, octets) = Piece::of(message);
    let number = piece.map_or(0, |piece| piece.number);
    let seed = seed.to_be_bytes();
    let fields: [&[u8]; 6] =
        [&seed, salt.as_bytes(), message.destination.digits.as_bytes(), &reference, &[number], octets];
    fields
        .into_iter()
        .flatten()
        .fold(0xcbf2_9ce4_8422_2325, |hash, octet| (hash ^ u64::from(*octet)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// What is drawn for a part, from 0 to 1: the same for the same part and seed, in whatever order parts come.
pub(super) fn fate(seed: u64, message: &Message, salt: &str) -> f64 {
    use rand::{Rng as _, SeedableRng as _};
    rand_chacha::ChaCha8Rng::seed_from_u64(digest(seed, message, salt)).random()
}
