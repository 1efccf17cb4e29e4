use std::{collections::BTreeMap, num::NonZeroU32, sync::Arc, time::Duration};

use gridcare_chassis::clock::{Clock, SharedClock};
use gridcare_courier::{
    CourierConfig, CourierState, Surroundings,
    config::{Centre, Leasing},
    run_among,
    smsc::{Smsc, SmscConfig},
};
use jiff::{SignedDuration, Timestamp};
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::node::PlayedNode;

/// The time of day of the great blackout, as paused time goes on.
pub(crate) struct PausedClock(tokio::time::Instant);

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        let noon: Timestamp = "2013-05-22T14:19:30+07:00".parse().unwrap();
        noon + SignedDuration::try_from(self.0.elapsed()).unwrap()
    }
}

pub(crate) struct World {
    pub(crate) node: PlayedNode,
    pub(crate) smsc: Smsc,
    pub(crate) clock: SharedClock,
    pub(crate) config: CourierConfig,
}

pub(crate) struct Running {
    pub(crate) state: watch::Receiver<CourierState>,
    pub(crate) stop: CancellationToken,
    pub(crate) task: JoinHandle<()>,
}

impl World {
    pub(crate) fn new(change: impl FnOnce(&mut SmscConfig)) -> Self {
        let clock: SharedClock = Arc::new(PausedClock(tokio::time::Instant::now()));
        let mut smsc = SmscConfig::default();
        change(&mut smsc);
        let smsc = Smsc::new(smsc, Arc::clone(&clock), CancellationToken::new());
        let mut centre = Centre { name: "smsc".into(), ..Centre::default() };
        centre.session.rate = NonZeroU32::new(1_000).unwrap();
        let mut config = CourierConfig { lease: Leasing { seconds: 30, wait_seconds: 5 }, ..CourierConfig::default() };
        config.sms.centres = vec![centre];
        Self { node: PlayedNode::new(Arc::clone(&clock)), smsc, clock, config }
    }

    pub(crate) fn start(&self) -> Running {
        let (told, state) = watch::channel(CourierState::default());
        let stop = CancellationToken::new();
        let around = Surroundings {
            clock: Arc::clone(&self.clock),
            stop: stop.clone(),
            node: Some(self.node.channel()),
            centres: BTreeMap::from([("smsc".to_owned(), Arc::new(self.smsc.clone()) as _)]),
            state: told,
        };
        let running = run_among(self.config.clone(), around);
        let task = tokio::spawn(async move { running.await.unwrap() });
        Running { state, stop, task }
    }

    /// Phones whose numbers are invented.
    pub(crate) fn phones(count: usize) -> impl Iterator<Item = String> {
        (0..count).map(|n| format!("+8490{n:07}"))
    }
}

impl Running {
    pub(crate) async fn idle(&mut self) {
        tokio::time::timeout(Duration::from_mins(30), self.state.wait_for(CourierState::is_idle))
            .await
            .expect("it never came to rest")
            .unwrap();
    }

    pub(crate) async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

/// Waits until something holds, and lets time pass meanwhile.
pub(crate) async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let until = tokio::time::Instant::now() + Duration::from_mins(30);
    while !holds() {
        assert!(tokio::time::Instant::now() < until, "it never came true: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
