use std::{sync::Arc, time::Duration};

use gridcare_bus::Bus;
use gridcare_chassis::{backoff::Backoff, client::Caller, clock::SharedClock, id::new_id};
use gridcare_proto::{
    convert::time,
    federation::v1::StandardStatus,
    standard::v1::{self as wire, standard_service_client::StandardServiceClient},
};
use gridcare_store::{
    StoreError,
    gateway::{GatewayStore, Published, Target, TargetState},
    lease::Lease,
};
use prost::Message as _;
use tokio::{sync::Notify, time::sleep};
use tokio_util::sync::CancellationToken;

use super::PUBLISHED;

/// A member that cannot be reached is tried again at least this often.
const LONGEST: Duration = Duration::from_mins(1);
/// Without a wake-up, targets are looked for this often: the bus is only a hint.
const LOOK: Duration = Duration::from_secs(2);

/// Hands one member its bundles in the order of their publication, one at a time, under the lease of its follower.
pub(crate) struct Delivery {
    pub(crate) store: GatewayStore,
    pub(crate) bus: Bus,
    pub(crate) clock: SharedClock,
    pub(crate) peer: StandardServiceClient<Caller>,
    pub(crate) node: String,
    pub(crate) lease: Lease,
    /// Tells when the member is heard of again.
    pub(crate) contact: Arc<Notify>,
}

/// What an attempt came to.
enum Attempt {
    /// Nothing is left to hand over.
    Idle,
    /// The member answered.
    Answered,
    /// It could not be reached, or did not understand.
    Failed,
}

impl Delivery {
    /// Delivers until it is stopped or the lease is lost. Nothing is given up before the member has answered.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut published = self.bus.subscribe(PUBLISHED);
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
                    tracing::warn!(node = self.node, %error, "the read model failed");
                    backoff.wait()
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                // A member that is away is no nearer for another bundle.
                () = published.changed(), if idle => {}
                () = self.contact.notified() => backoff.reset(),
                () = sleep(rest) => {}
            }
        }
    }

    async fn attempt(&mut self) -> Result<Attempt, StoreError> {
        let Some(target) = self.store.next_target(&self.node).await? else { return Ok(Attempt::Idle) };
        let published = self.store.published_standard(&target.name).await?;
        let (Some(published), Some(bytes)) = (published, self.store.published_bytes(&target.name).await?) else {
            return Err(StoreError::Corrupt { table: "standard_target", what: "its bundle is gone".into() });
        };
        self.store.target_sent(&self.lease, &target, self.now_us()).await?;
        match self.offer(&published, bytes).await {
            Ok(answer) => self.keep(&target, &answer).await,
            Err(status) => {
                let (code, said) = (status.code(), status.message());
                tracing::info!(
                    node = self.node,
                    standard = target.name,
                    ?code,
                    said,
                    "a bundle could not be handed over"
                );
                self.store.target_failed(&self.lease, &target, self.now_us()).await?;
                Ok(Attempt::Failed)
            }
        }
    }

    async fn offer(
        &mut self,
        published: &Published,
        (bundle, signature): (Vec<u8>, Vec<u8>),
    ) -> Result<wire::Standard, tonic::Status> {
        let request = wire::OfferStandardRequest {
            // A new one each time: a node knows a bundle by its content, and may decide anew about one that it refused.
            request_id: new_id().to_string(),
            bundle,
            signature,
            published_at: Some(time::micros(published.published_us)),
        };
        let answer = self.peer.offer_standard(request).await?.into_inner();
        answer.standard.ok_or_else(|| tonic::Status::internal("the answer says nothing of the bundle"))
    }

    async fn keep(&self, target: &Target, answer: &wire::Standard) -> Result<Attempt, StoreError> {
        let state = match answer.status() {
            StandardStatus::Refused => TargetState::Refused,
            StandardStatus::Pending | StandardStatus::InForce | StandardStatus::Superseded => TargetState::Acknowledged,
            StandardStatus::Unspecified => {
                tracing::warn!(node = self.node, standard = target.name, "the member's answer is of another version");
                self.store.target_failed(&self.lease, target, self.now_us()).await?;
                return Ok(Attempt::Failed);
            }
        };
        let reasons: Vec<_> = answer.reasons.iter().map(|reason| reason.reason.as_str()).collect();
        tracing::info!(node = self.node, standard = target.name, ?state, ?reasons, "a member has answered");
        self.store.target_answered(&self.lease, target, state, &answer.encode_to_vec(), self.now_us()).await?;
        Ok(Attempt::Answered)
    }

    fn now_us(&self) -> i64 {
        self.clock.now().as_microsecond()
    }
}
