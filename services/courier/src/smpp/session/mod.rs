//! A session as ESME: bound to one centre, again and again, as long as it lives.

mod config;
mod dial;
mod life;
mod link;
mod state;
mod window;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use gridcare_chassis::clock::SharedClock;
use jiff::Timestamp;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

pub(crate) use self::dial::{certificates, private_key, roots};
use self::state::{Ahead, Submit};
pub use self::{
    config::SessionConfig,
    dial::{Dial, Tcp, Tls, TlsFiles, Wire},
    state::{Counts, Ended, NotSent, Outcome, Phase, State},
};
use super::{
    event::{Event, Taken},
    matching::{Matching, PartKey},
    outgoing::Dialect,
    pace::Pace,
    pdu::Message,
    receipt::Receipt,
};

/// A receipt that waits for the answer with its id.
#[derive(Debug)]
pub struct HeldReceipt {
    pub(crate) answered: Option<String>,
    pub(crate) receipt: Receipt,
    pub(crate) from: String,
    pub(crate) taken: Taken,
}

/// What all sessions with one centre know of its ids: a receipt may come through another session than its submit went.
pub type SharedMatching = Arc<Mutex<Matching<HeldReceipt>>>;

/// A session; clones are the same one. It ends when it is told to stop, or when its last clone is dropped.
#[derive(Debug, Clone)]
pub struct Session {
    name: Arc<str>,
    dialect: Dialect,
    clock: SharedClockCell,
    submits: mpsc::Sender<Submit>,
    window: usize,
    /// Parts that it is asked to write and has not written.
    asked: Arc<AtomicUsize>,
    state: watch::Receiver<State>,
}

/// A clock that says nothing when it is printed.
#[derive(Clone)]
struct SharedClockCell(SharedClock);

impl std::fmt::Debug for SharedClockCell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("clock")
    }
}

/// What a session needs besides its configuration.
pub struct Surroundings {
    /// The way to the centre.
    pub dial: Arc<dyn Dial>,
    /// The time of day, for expiries.
    pub clock: SharedClock,
    /// Where to tell what comes. While it is full, the centre is asked to try again later.
    pub events: mpsc::Sender<Event>,
    /// Ends the session in order: nothing new is taken, answers are waited for, then it unbinds.
    pub stop: CancellationToken,
    /// What is known of the centre's ids, where several sessions share it.
    pub matching: Option<SharedMatching>,
}

impl Session {
    /// Begins a session; it runs by itself, and reconnects by itself.
    #[must_use]
    pub fn start(config: SessionConfig, around: Surroundings) -> (Self, tokio::task::JoinHandle<()>) {
        let window = usize::try_from(config.window.get()).unwrap_or(usize::MAX).min(10_000);
        let (submits, taken) = mpsc::channel(window);
        let initial = State {
            phase: Phase::Connecting,
            since: around.clock.now(),
            pace: Pace::new(config.rate, Instant::now()),
            in_flight: 0,
            counts: Counts::default(),
        };
        let (told, state) = watch::channel(initial);
        let session = Self {
            name: config.name.as_str().into(),
            dialect: config.dialect,
            clock: SharedClockCell(Arc::clone(&around.clock)),
            submits,
            window,
            asked: Arc::default(),
            state,
        };
        let task = tokio::spawn(life::live(config, around, taken, told));
        (session, task)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How its centre wants messages.
    #[must_use]
    pub const fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The present moment by its clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.0.now()
    }

    /// How it stands.
    #[must_use]
    pub fn state(&self) -> State {
        *self.state.borrow()
    }

    /// How it stands, again whenever that changes.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// When it would write a part that is submitted now; never before a part's time, and none while its window is full of parts
    /// that wait for their answers.
    pub(super) fn ready_at(&self, state: &State, now: Instant) -> Option<Instant> {
        let asked = self.asked.load(Ordering::Relaxed);
        (state.in_flight + asked < self.window).then(|| state.pace.ready_at(now, asked))
    }

    /// Submits one part: waits for its turn, for the rate, for room in the window, and for the answer.
    ///
    /// Dropping the future takes nothing back: a part may have been written.
    pub async fn submit(&self, key: PartKey, message: Message, expires: Timestamp) -> Outcome {
        let unsent = Outcome::NotSent { reason: NotSent::Unbound };
        let (reply, answered) = oneshot::channel();
        let ahead = Some(Ahead::of(&self.asked));
        let submit = Submit { key, message: Box::new(message), expires, reply, ahead };
        if self.submits.send(submit).await.is_err() {
            return unsent;
        }
        // A session that ends answers all it has taken; without an answer it was never taken.
        answered.await.unwrap_or(unsent)
    }
}
