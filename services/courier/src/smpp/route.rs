//! Several sessions as one way out: by preference, or shared; one that is down or throttled hard is passed by.

use std::{sync::Arc, time::Duration};

use futures::future::{join_all, select_all};
use gridcare_domain::refusal::Refusal;
use serde::{Deserialize, Serialize};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{
    matching::PartKey,
    outgoing::Outgoing,
    pdu::Message,
    session::{NotSent, Outcome, Session, State},
};

/// How sessions are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// The first that is well; the others are for when it is not.
    #[default]
    Preferred,
    /// Whichever may write first, each as fast as its rate allows.
    Shared,
}

/// Sessions in the order of preference; clones are the same route.
#[derive(Debug, Clone)]
pub struct Route {
    sessions: Arc<[Session]>,
    choice: Choice,
    patience: Duration,
    stop: CancellationToken,
    /// Held by the message that chooses next, in the order in which they came.
    turn: Arc<Mutex<()>>,
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
        let (stop, turn) = (CancellationToken::new(), Arc::default());
        Self { sessions: sessions.into(), choice, patience, stop, turn }
    }

    /// The same route, of a courier that may be told to stop: then no message waits beyond the patience any more.
    #[must_use]
    pub fn stopped_by(self, stop: CancellationToken) -> Self {
        Self { stop, ..self }
    }

    /// Its sessions.
    #[must_use]
    pub fn sessions(&self) -> &[Session] {
        &self.sessions
    }

    /// Sends one message, all its parts. Only what was certainly not taken is tried again, here or by another session; a part
    /// whose outcome is unknown stays so. Once one of them was taken, the message cannot go back whole: the others are tried until
    /// it expires, however long the centre asks for less.
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
        let left = Duration::try_from(outgoing.expires.duration_since(first.now())).unwrap_or_default();
        let (expiry, mut until) = (Instant::now() + left, Instant::now() + self.patience);
        while reports.iter().any(|report| may_go_again(&report.outcome)) {
            let goes_on = is_begun(&reports) && !self.stop.is_cancelled();
            let deadline = if goes_on { expiry } else { until };
            let session = tokio::select! {
                session = self.choose(deadline) => session,
                () = self.stop.cancelled(), if goes_on => continue,
            };
            let Some(session) = session else { break };
            let Ok(parts) = outgoing.parts(session.dialect(), session.now()) else {
                expired(&mut reports);
                break;
            };
            if Self::submit(&session, &parts, outgoing, &mut reports).await {
                until = Instant::now() + self.patience;
            } else if Instant::now() >= deadline {
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

    /// A session that may write now, waiting for one if need be; none when the patience ends while none is well. Messages choose
    /// one after the other, and not before a session may write: a message that had chosen early would wait for a session that
    /// became slow, beside one that has time.
    async fn choose(&self, mut until: Instant) -> Option<Session> {
        let turn = self.turn.lock();
        tokio::pin!(turn);
        let _turn = loop {
            tokio::select! {
                biased;
                turn = &mut turn => break turn,
                () = sleep_until(until) => {
                    let now = Instant::now();
                    if !self.sessions.iter().any(|session| is_well(&session.state(), now)) {
                        return None;
                    }
                    until = now + self.patience;
                }
            }
        };
        loop {
            let mut watches: Vec<_> = self.sessions.iter().map(Session::watch).collect();
            for watch in &mut watches {
                watch.mark_unchanged();
            }
            let now = Instant::now();
            let well = self.sessions.iter().any(|session| is_well(&session.state(), now));
            // While one is well, its time comes, however long its rate or its window make that.
            let (wake, is_patient) = match self.best(now) {
                Some((session, ready)) if ready <= now => return Some(session.clone()),
                Some((_, ready)) if well || ready < until => (ready, true),
                None if well => (now + self.patience, true),
                _ => (until, false),
            };
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
                () = sleep_until(wake) => {
                    if !is_patient {
                        return None;
                    }
                }
            }
        }
    }

    /// The session that is chosen, and when it may write; none when none may at all.
    fn best(&self, now: Instant) -> Option<(&Session, Instant)> {
        let bound =
            self.sessions.iter().map(|session| (session, session.state())).filter(|(_, state)| state.is_bound());
        let mut bound: Vec<_> = bound.collect();
        if bound.iter().any(|(_, state)| is_well(state, now)) {
            bound.retain(|(_, state)| is_well(state, now));
        } else {
            // All ask for less: the fastest of them.
            let rate = |state: &State| state.pace.rate_at(now);
            bound.sort_by(|(_, a), (_, b)| rate(b).total_cmp(&rate(a)));
            bound.truncate(1);
        }
        if self.choice == Choice::Preferred {
            bound.truncate(1);
        }
        let ready = bound.into_iter().filter_map(|(session, state)| Some((session, session.ready_at(&state, now)?)));
        ready.min_by_key(|(_, ready)| *ready)
    }
}

fn is_well(state: &State, now: Instant) -> bool {
    state.is_bound() && !state.is_throttled_hard(now)
}

/// Whether the centre certainly has nothing of it, and it may be tried again.
const fn may_go_again(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::NotSent { reason } => matches!(reason, NotSent::Unbound),
        Outcome::Refused { status } => status.asks_for_less(),
        Outcome::Accepted { .. } | Outcome::Unknown { .. } => false,
    }
}

/// Whether a part was taken and none is lost, so that only the others make it a message.
fn is_begun(reports: &[PartReport]) -> bool {
    let taken = |outcome: &Outcome| matches!(outcome, Outcome::Accepted { .. });
    let lost =
        |outcome: &Outcome| !may_go_again(outcome) && !taken(outcome) && !matches!(outcome, Outcome::Unknown { .. });
    reports.iter().any(|report| taken(&report.outcome)) && !reports.iter().any(|report| lost(&report.outcome))
}

fn expired(reports: &mut [PartReport]) {
    for report in reports {
        if may_go_again(&report.outcome) {
            report.outcome = Outcome::NotSent { reason: NotSent::Expired };
        }
    }
}
