//! What can be seen of a session from outside.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::super::{
    matching::PartKey,
    pdu::{FrameError, Message, Status},
};
use crate::smpp::pace::Pace;
use jiff::Timestamp;
use tokio::{sync::oneshot, time::Instant};

/// What became of one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The centre took it, under this id.
    Accepted {
        /// The centre's id, as it writes it; empty when it told none.
        message_id: String,
    },
    /// The centre refused it.
    Refused {
        /// Why; [`Status::is_temporary`] says whether it may take it later.
        status: Status,
    },
    /// It was written, at least in part, and no answer came: the centre may have it. It is never sent again from here.
    Unknown {
        /// Why there is no answer.
        reason: Ended,
    },
    /// Not an octet of it was written: it may be sent again, by any way.
    NotSent {
        /// Why not.
        reason: NotSent,
    },
}

/// Why a part was not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// The session is not bound.
    #[error("the session is not bound")]
    Unbound,
    /// It is too late for it.
    #[error("its expiry is past")]
    Expired,
    /// It has a field that SMPP cannot carry.
    #[error("a field of it cannot be written")]
    Unwritable,
}

/// Why a connection ended, or gives no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    /// The connection could not be made, or broke.
    #[error("the connection failed ({0:?})")]
    Broken(std::io::ErrorKind),
    /// The centre closed it.
    #[error("the centre closed the connection")]
    Closed,
    /// The centre unbound.
    #[error("the centre unbound the session")]
    Unbound,
    /// The centre refused the bind.
    #[error("the centre refused the bind: {0}")]
    Refused(Status),
    /// The centre sent what nobody can cut into units.
    #[error("the centre broke the protocol: {0}")]
    Protocol(FrameError),
    /// The centre does not answer.
    #[error("the centre does not answer")]
    Silent,
    /// This end was told to stop.
    #[error("shut down")]
    Stopped,
}

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It connects and binds.
    Connecting,
    /// It may be used.
    Bound,
    /// It takes nothing more, and waits for the last answers.
    Closing,
    /// It is not connected.
    Down(Ended),
}

/// What a session has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Parts that the centre took.
    pub accepted: u64,
    /// Parts that it refused, other than by asking for less.
    pub refused: u64,
    /// Parts that it refused by asking for less.
    pub throttled: u64,
    /// Parts without an answer.
    pub unknown: u64,
    /// Answers that came too late.
    pub late: u64,
    /// Receipts for parts that are known.
    pub receipts: u64,
    /// Receipts for nothing that is known.
    pub strange_receipts: u64,
    /// Messages from phones, in parts.
    pub inbound: u64,
    /// Messages and receipts that were refused for now, since the caller has too many in hand.
    pub put_off: u64,
    /// Units that could not be read.
    pub malformed: u64,
    /// Binds that came through.
    pub binds: u64,
}

/// The state of a session.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct State {
    /// Where it stands.
    pub phase: Phase,
    /// Since when.
    pub since: Timestamp,
    /// When it may write, and how fast: below its limit while the centre asks for less.
    pub pace: Pace,
    /// Parts that wait for their answers.
    pub in_flight: usize,
    /// What it has done.
    pub counts: Counts,
}

/// Below this share of its limit a session counts as throttled hard.
const HARD: f64 = 0.25;

impl State {
    /// Whether it takes messages.
    #[must_use]
    pub fn is_bound(&self) -> bool {
        self.phase == Phase::Bound
    }

    /// Whether the centre has asked for much less than was agreed, a moment ago. Later it is asked again: nothing else would tell that
    /// it has time.
    #[must_use]
    pub fn is_throttled_hard(&self, now: Instant) -> bool {
        self.pace.share_at(now) < HARD && !self.pace.is_rested(now)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.phase {
            Phase::Connecting => f.write_str("connecting"),
            Phase::Bound => write!(f, "bound, {:.0} parts/s", self.pace.rate()),
            Phase::Closing => f.write_str("closing"),
            Phase::Down(ended) => write!(f, "down: {ended}"),
        }
    }
}

/// One part on its way into the session.
#[derive(Debug)]
pub(super) struct Submit {
    pub(super) key: PartKey,
    pub(super) message: Box<Message>,
    pub(super) expires: Timestamp,
    pub(super) reply: oneshot::Sender<Outcome>,
    /// Gone once it is written.
    pub(super) ahead: Option<Ahead>,
}

/// A part that the session is asked to write, and that whoever comes after it has to wait for.
#[derive(Debug)]
pub(super) struct Ahead(Arc<AtomicUsize>);

impl Ahead {
    pub(super) fn of(asked: &Arc<AtomicUsize>) -> Self {
        asked.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(asked))
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Submit {
    /// When the caller has gone, nobody wants to know.
    pub(super) fn answer(self, outcome: Outcome) {
        let _ = self.reply.send(outcome);
    }
}
