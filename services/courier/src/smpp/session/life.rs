//! Connect, bind, work, wait, and again.

use std::{
    future::Future,
    sync::{Arc, Mutex},
};

use gridcare_chassis::{backoff::Backoff, clock::SharedClock};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep},
};

use super::{
    Ended, NotSent, Outcome, Phase, SessionConfig, SharedMatching, State, Surroundings, dial,
    link::Link,
    state::{Counts, Submit},
};
use crate::smpp::{event::Answer, inbound::Inbox, matching::Matching, pace::Pace};

/// What outlives a connection.
pub(super) struct Life {
    pub(super) config: SessionConfig,
    pub(super) around: Surroundings,
    pub(super) submits: mpsc::Receiver<Submit>,
    pub(super) matching: SharedMatching,
    pub(super) pace: Pace,
    pub(super) inbox: Inbox<Answer>,
    pub(super) counts: Counts,
    pub(super) told: watch::Sender<State>,
}

impl Life {
    /// Tells how the session stands, if that is new.
    pub(super) fn tell(&self, phase: Phase, in_flight: usize) {
        self.told.send_if_modified(|state| {
            let since = if state.phase == phase { state.since } else { self.clock().now() };
            let new = State { phase, since, pace: self.pace, in_flight, counts: self.counts };
            let changed = *state != new;
            *state = new;
            changed
        });
        metrics::gauge!("gridcare_smpp_rate", "session" => self.config.name.clone()).set(self.pace.rate());
        let bound = if phase == Phase::Bound { 1.0 } else { 0.0 };
        metrics::gauge!("gridcare_smpp_bound", "session" => self.config.name.clone()).set(bound);
    }

    pub(super) fn clock(&self) -> &SharedClock {
        &self.around.clock
    }
}

pub(super) async fn live(
    config: SessionConfig,
    around: Surroundings,
    submits: mpsc::Receiver<Submit>,
    told: watch::Sender<State>,
) {
    let matching = around.matching.clone();
    let mut life = Life {
        matching: matching.unwrap_or_else(|| Arc::new(Mutex::new(Matching::new(config.receipts)))),
        pace: Pace::new(config.rate, Instant::now()),
        inbox: Inbox::new(config.assembly),
        counts: Counts::default(),
        config,
        around,
        submits,
        told,
    };
    let mut backoff = Backoff::up_to(life.config.longest_wait());
    loop {
        life.tell(Phase::Connecting, 0);
        let ended = connection(&mut life, &mut backoff).await;
        life.tell(Phase::Down(ended), 0);
        if ended == Ended::Stopped {
            break;
        }
        let wait = backoff.wait();
        tracing::warn!(session = life.config.name, %ended, wait = ?wait, "the session with the centre ended");
        let stop = life.around.stop.clone();
        let waited = async {
            tokio::select! {
                () = sleep(wait) => true,
                () = stop.cancelled() => false,
            }
        };
        if refusing(&mut life.submits, waited).await != Some(true) {
            life.tell(Phase::Down(Ended::Stopped), 0);
            break;
        }
    }
    life.submits.close();
    while let Some(submit) = life.submits.recv().await {
        submit.answer(Outcome::NotSent { reason: NotSent::Unbound });
    }
}

/// One connection, from its first octet to its last.
async fn connection(life: &mut Life, backoff: &mut Backoff) -> Ended {
    let stop = life.around.stop.clone();
    let dialled = {
        let (dial, bind, config) = (Arc::clone(&life.around.dial), life.config.bind(), life.config.clone());
        let bound = async move {
            let wire = dial::within(config.connect(), &*dial).await.map_err(|error| Ended::Broken(error.kind()))?;
            let bound = Link::bind(wire, bind, config.longest_pdu);
            tokio::time::timeout(config.connect(), bound).await.unwrap_or(Err(Ended::Silent))
        };
        let bound = async {
            tokio::select! {
                bound = bound => bound,
                () = stop.cancelled() => Err(Ended::Stopped),
            }
        };
        refusing(&mut life.submits, bound).await.unwrap_or(Err(Ended::Stopped))
    };
    match dialled {
        Err(ended) => ended,
        Ok(link) => {
            life.counts.binds += 1;
            let answered = life.counts.accepted;
            tracing::info!(session = life.config.name, "bound");
            let ended = link.run(life).await;
            // A centre that binds and then swallows everything is not well: only an answer is.
            if life.counts.accepted > answered {
                backoff.reset();
            }
            ended
        }
    }
}

/// Refuses what is to be submitted until something has happened; none when nobody is left to submit anything.
async fn refusing<F: Future>(submits: &mut mpsc::Receiver<Submit>, until: F) -> Option<F::Output> {
    tokio::pin!(until);
    loop {
        tokio::select! {
            biased;
            done = &mut until => return Some(done),
            submit = submits.recv() => submit?.answer(Outcome::NotSent { reason: NotSent::Unbound }),
        }
    }
}
