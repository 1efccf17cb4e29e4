//! Several sessions as one way out: by preference, or shared; one that is down or throttled hard is passed by.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::future::{join_all, select_all};
use gridcare_domain::refusal::Refusal;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep_until};

use super::{
    matching::PartKey,
    outgoing::Outgoing,
    pdu::Message,
    session::{NotSent, Outcome, Session},
};

/// How sessions are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// The first that is well; the others are for when it is not.
    #[default]
    Preferred,
    /// Each in turn, the one with the most room first.
    Shared,
}

/// Sessions in the order of preference; clones are the same route.
#[derive(Debug, Clone)]
pub struct Route {
    sessions: Arc<[Session]>,
    choice: Choice,
    patience: Duration,
    turn: Arc<AtomicUsize>,
}

/// What became of one part, and by which session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartReport {
    /// Which part.
    pub key: PartKey,
    /// What became of it.
    pub outcome: Outcome,
    /// The session that told it; none when no session would take it.
    pub session: Option<String>,
}

impl Route {
    /// A route that waits for so long when no session will take anything, or all ask for less.
    #[must_use]
    pub fn new(sessions: Vec<Session>, choice: Choice, patience: Duration) -> Self {
        Self { sessions: sessions.into(), choice, patience, turn: Arc::new(AtomicUsize::new(0)) }
    }

    /// Its sessions.
    #[must_use]
    pub fn sessions(&self) -> &[Session] {
        &self.sessions
    }

    /// Sends one message, all its parts. Only what was certainly not taken is tried again, here or by another session; a part
    /// whose outcome is unknown stays so.
    ///
    /// # Errors
    /// When no centre could take such a message; then nothing was written.
    pub async fn send(&self, outgoing: &Outgoing) -> Result<Vec<PartReport>, Refusal> {
        let Some(first) = self.sessions.first() else {
            return Err(Refusal::new(
                gridcare_domain::refusal::RefusalKind::Precondition,
                "NO_SESSION",
                "configure a centre before sending",
            ));
        };
        // All dialects cut a text alike; a number and an expiry are right or wrong for all.
        let keys: Vec<_> = {
            let parts = outgoing.parts(first.dialect(), first.now())?;
            let total = u8::try_from(parts.len()).unwrap_or(u8::MAX);
            (1..=total).map(|number| PartKey { delivery: outgoing.id, number, total }).collect()
        };
        let unsent = Outcome::NotSent { reason: NotSent::Unbound };
        let mut reports: Vec<_> =
            keys.into_iter().map(|key| PartReport { key, outcome: unsent.clone(), session: None }).collect();
        let mut until = Instant::now() + self.patience;
        while reports.iter().any(|report| may_go_again(&report.outcome)) {
            let Some(session) = self.choose(until).await else { break };
            let Ok(parts) = outgoing.parts(session.dialect(), session.now()) else {
                expired(&mut reports);
                break;
            };
            let some_accepted = Self::submit(&session, &parts, outgoing, &mut reports).await;
            if some_accepted {
                until = Instant::now() + self.patience;
            } else if Instant::now() >= until {
                break;
            }
        }
        Ok(reports)
    }

    /// Submits what may go, in the order of the parts; whether any was accepted.
    async fn submit(session: &Session, parts: &[Message], outgoing: &Outgoing, reports: &mut [PartReport]) -> bool {
        let waiting = reports.iter_mut().zip(parts).filter(|(report, _)| may_go_again(&report.outcome));
        let submits = waiting.map(|(report, part)| async {
            report.outcome = session.submit(report.key, part.clone(), outgoing.expires).await;
            report.session = Some(session.name().to_owned());
            matches!(report.outcome, Outcome::Accepted { .. })
        });
        join_all(submits).await.into_iter().any(|accepted| accepted)
    }

    /// A session that takes messages, waiting for one if need be; none when the patience ends first.
    async fn choose(&self, until: Instant) -> Option<Session> {
        loop {
            let mut watches: Vec<_> = self.sessions.iter().map(Session::watch).collect();
            for watch in &mut watches {
                watch.mark_unchanged();
            }
            if let Some(session) = self.best() {
                return Some(session.clone());
            }
            let changes = watches.iter_mut().map(|watch| {
                Box::pin(async {
                    if watch.changed().await.is_err() {
                        // It has ended: nothing will change there.
                        std::future::pending::<()>().await;
                    }
                })
            });
            tokio::select! {
                _ = select_all(changes) => {}
                () = sleep_until(until) => return None,
            }
        }
    }

    fn best(&self) -> Option<&Session> {
        let bound: Vec<_> = self
            .sessions
            .iter()
            .map(|session| (session, session.state()))
            .filter(|(_, state)| state.is_bound())
            .collect();
        let well = bound.iter().filter(|(_, state)| !state.is_throttled_hard());
        let well: Vec<_> = well.collect();
        if well.is_empty() {
            // All ask for less: the fastest of them.
            let fastest = bound.iter().max_by(|(_, a), (_, b)| a.rate.total_cmp(&b.rate));
            return fastest.map(|(session, _)| *session);
        }
        match self.choice {
            Choice::Preferred => well.first().map(|(session, _)| *session),
            Choice::Shared => {
                let turn = self.turn.fetch_add(1, Ordering::Relaxed);
                // The emptiest in proportion to its rate; among equals, each in turn.
                let load = |at: usize| {
                    let (_, state) = well[(turn + at) % well.len()];
                    #[expect(clippy::cast_precision_loss, reason = "a window has far fewer parts")]
                    let load = state.in_flight as f64 / state.rate.max(f64::MIN_POSITIVE);
                    load
                };
                let best = (0..well.len()).min_by(|a, b| load(*a).total_cmp(&load(*b)))?;
                Some(well[(turn + best) % well.len()].0)
            }
        }
    }
}

/// Whether the centre certainly has nothing of it, and it may be tried again.
const fn may_go_again(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::NotSent { reason } => matches!(reason, NotSent::Unbound),
        Outcome::Refused { status } => status.asks_for_less(),
        Outcome::Accepted { .. } | Outcome::Unknown { .. } => false,
    }
}

fn expired(reports: &mut [PartReport]) {
    for report in reports {
        if may_go_again(&report.outcome) {
            report.outcome = Outcome::NotSent { reason: NotSent::Expired };
        }
    }
}
