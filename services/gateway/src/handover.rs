//! Handing over: what members are to get goes to each of them in order, one at a time, however long that takes.
//!
//! What is handed over is durable before the first attempt, and an attempt that nobody heard of is made again; so what is
//! handed over must be harmless to get twice.

use std::time::Duration;

use gridcare_bus::Bus;
use gridcare_chassis::{backoff::Backoff, clock::SharedClock};
use gridcare_store::{StoreError, gateway::GatewayStore, lease::Lease};
use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;
use tonic::Status;

/// A member that cannot be reached is tried again at least this often.
const LONGEST: Duration = Duration::from_mins(1);
/// Without a wake-up, this often it is looked for what there is: the bus is only a hint.
const LOOK: Duration = Duration::from_secs(2);

/// One member, under the lease of its follower.
#[derive(Clone)]
pub(crate) struct Recipient {
    pub(crate) store: GatewayStore,
    pub(crate) clock: SharedClock,
    pub(crate) node: String,
    pub(crate) lease: Lease,
}

impl Recipient {
    /// The time, microseconds since 1970.
    pub(crate) fn now_us(&self) -> i64 {
        self.clock.now().as_microsecond()
    }
}

/// What is handed over.
pub(crate) trait Goods: Send {
    /// Topic of the bus that tells of something new.
    const TOPIC: &'static str;
    /// One thing for one member.
    type Target: Sync;
    /// What the member says of it.
    type Answer;

    /// What the member is to get next; none when nothing is left.
    async fn next(&self, to: &Recipient) -> Result<Option<Self::Target>, StoreError>;

    /// Hands it over. The inner error is of one attempt: the member could not be reached, or did not understand.
    async fn offer(
        &mut self,
        to: &Recipient,
        target: &Self::Target,
    ) -> Result<Result<Self::Answer, Status>, StoreError>;

    /// Keeps what the member answered.
    async fn keep(&self, to: &Recipient, target: &Self::Target, answer: Self::Answer) -> Result<(), StoreError>;

    /// Keeps that an attempt failed.
    async fn failed(&self, to: &Recipient, target: &Self::Target) -> Result<(), StoreError>;

    /// What it is called in a log.
    fn name(target: &Self::Target) -> String;
}

/// Hands one member what there is for it.
pub(crate) struct Handover<G> {
    pub(crate) goods: G,
    pub(crate) to: Recipient,
    pub(crate) bus: Bus,
    /// Tells when the member is heard of again.
    pub(crate) contact: watch::Receiver<()>,
}

/// What an attempt came to.
enum Attempt {
    /// Nothing is left to hand over.
    Idle,
    /// The member answered.
    Answered,
    /// It is to be made again.
    Failed,
}

impl<G: Goods> Handover<G> {
    /// Hands over until it is stopped or the lease is lost. Nothing is given up before the member has answered, unless the
    /// goods say that their time is over.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut news = self.bus.subscribe(G::TOPIC);
        let mut backoff = Backoff::up_to(LONGEST);
        loop {
            let attempted = tokio::select! {
                () = stop.cancelled() => return,
                attempted = self.attempt() => attempted,
            };
            let idle = matches!(attempted, Ok(Attempt::Idle));
            let rest = match attempted {
                Ok(Attempt::Answered) => {
                    backoff.reset();
                    continue;
                }
                Ok(Attempt::Idle) => LOOK,
                Ok(Attempt::Failed) => backoff.wait(),
                Err(StoreError::LeaseLost(_)) => return,
                Err(error) => {
                    tracing::warn!(node = self.to.node, %error, "the read model failed");
                    backoff.wait()
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                // A member that is away is no nearer for more that it is to get.
                () = news.changed(), if idle => {}
                Ok(()) = self.contact.changed() => backoff.reset(),
                () = sleep(rest) => {}
            }
        }
    }

    async fn attempt(&mut self) -> Result<Attempt, StoreError> {
        let Some(target) = self.goods.next(&self.to).await? else { return Ok(Attempt::Idle) };
        match self.goods.offer(&self.to, &target).await? {
            Ok(answer) => {
                self.goods.keep(&self.to, &target, answer).await?;
                Ok(Attempt::Answered)
            }
            Err(status) => {
                let (code, said, what) = (status.code(), status.message(), G::name(&target));
                tracing::info!(node = self.to.node, what, ?code, said, "it could not be handed over");
                self.goods.failed(&self.to, &target).await?;
                Ok(Attempt::Failed)
            }
        }
    }
}
