use std::{num::NonZeroU32, sync::Arc, time::Duration};

use gridcare_chassis::clock::{ManualClock, SharedClock};
use gridcare_courier::{
    smpp::{
        Event, Outgoing, Sender, Session,
        matching::PartKey,
        session::{Dial, Outcome, SessionConfig, Surroundings},
    },
    smsc::{Smsc, SmscConfig},
};
use gridcare_domain::sms_text::Encoding;
use jiff::{SignedDuration, Timestamp};
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The afternoon of the great blackout.
pub(crate) fn noon() -> Timestamp {
    "2013-05-22T14:19:30+07:00".parse().unwrap()
}

pub(crate) fn clock() -> SharedClock {
    Arc::new(ManualClock::new(noon()))
}

pub(crate) fn smsc(change: impl FnOnce(&mut SmscConfig)) -> Smsc {
    let mut config = SmscConfig::default();
    change(&mut config);
    Smsc::new(config, clock(), CancellationToken::new())
}

pub(crate) struct Bound {
    pub(crate) session: Session,
    pub(crate) events: mpsc::Receiver<Event>,
    pub(crate) stop: CancellationToken,
    pub(crate) task: JoinHandle<()>,
}

pub(crate) fn start(dial: Arc<dyn Dial>, change: impl FnOnce(&mut SessionConfig)) -> Bound {
    let mut config = SessionConfig { rate: NonZeroU32::new(1_000).unwrap(), ..SessionConfig::default() };
    change(&mut config);
    let (told, events) = mpsc::channel(100);
    let stop = CancellationToken::new();
    let around = Surroundings { dial, clock: clock(), events: told, stop: stop.clone(), matching: None };
    let (session, task) = Session::start(config, around);
    Bound { session, events, stop, task }
}

/// A session that is bound to this centre.
pub(crate) async fn bound(smsc: &Smsc, change: impl FnOnce(&mut SessionConfig)) -> Bound {
    let bound = start(Arc::new(smsc.clone()), change);
    is_bound(&bound.session).await;
    bound
}

pub(crate) async fn is_bound(session: &Session) {
    session.watch().wait_for(gridcare_courier::smpp::session::State::is_bound).await.unwrap();
}

impl Bound {
    /// The next event, within ten minutes of whatever time it is.
    pub(crate) async fn event(&mut self) -> Event {
        timeout(Duration::from_mins(10), self.events.recv()).await.expect("an event in time").unwrap()
    }
}

pub(crate) fn outgoing(n: u32, text: &str) -> Outgoing {
    Outgoing {
        id: Uuid::from_u128(u128::from(n)),
        from: Sender::Name("EVNHCMC".into()),
        to: format!("8490{n:07}"),
        text: text.into(),
        encoding: Encoding::Gsm7,
        reference: u16::try_from(n % 60_000).unwrap(),
        expires: noon() + SignedDuration::from_mins(30),
    }
}

/// Submits all parts of `n` messages at once; the outcomes in the order of parts.
pub(crate) async fn submit_all(session: &Session, messages: &[Outgoing]) -> Vec<Outcome> {
    let mut submits = Vec::new();
    for message in messages {
        let parts = message.parts(session.dialect(), session.now()).unwrap();
        let total = u8::try_from(parts.len()).unwrap();
        for (part, number) in parts.into_iter().zip(1..) {
            let key = PartKey { delivery: message.id, number, total };
            submits.push(session.submit(key, part, message.expires));
        }
    }
    futures::future::join_all(submits).await
}

pub(crate) fn messages(count: u32, text: &str) -> Vec<Outgoing> {
    (1..=count).map(|n| outgoing(n, text)).collect()
}

pub(crate) fn accepted(outcomes: &[Outcome]) -> usize {
    outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Accepted { .. })).count()
}

/// Waits until something holds, and lets time pass meanwhile.
pub(crate) async fn eventually(holds: impl Fn() -> bool) {
    let until = tokio::time::Instant::now() + Duration::from_mins(2);
    while !holds() {
        assert!(tokio::time::Instant::now() < until, "it never came true");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
