use gridcare_chassis::{client::Caller, id::new_id};
use gridcare_proto::{
    convert::time,
    federation::v1::StandardStatus,
    standard::v1::{self as wire, standard_service_client::StandardServiceClient},
};
use gridcare_store::{
    StoreError,
    gateway::{Target, TargetState},
};
use prost::Message as _;
use tonic::Status;

use super::PUBLISHED;
use crate::handover::{Goods, Recipient};

/// Bundles of rules, in the order of their publication.
pub(crate) struct Bundles(pub(crate) StandardServiceClient<Caller>);

impl Goods for Bundles {
    const TOPIC: &'static str = PUBLISHED;
    type Target = Target;
    type Answer = (TargetState, wire::Standard);

    async fn next(&self, to: &Recipient) -> Result<Option<Target>, StoreError> {
        to.store.next_target(&to.node).await
    }

    async fn offer(&mut self, to: &Recipient, target: &Target) -> Result<Result<Self::Answer, Status>, StoreError> {
        let published = to.store.published_standard(&target.name).await?;
        let (Some(published), Some(bytes)) = (published, to.store.published_bytes(&target.name).await?) else {
            return Err(StoreError::Corrupt { table: "standard_target", what: "its bundle is gone".into() });
        };
        to.store.target_sent(&to.lease, target, to.now_us()).await?;
        let (bundle, signature) = bytes;
        let request = wire::OfferStandardRequest {
            // A new one each time: a node knows a bundle by its content, and may decide anew about one that it refused.
            request_id: new_id().to_string(),
            bundle,
            signature,
            published_at: Some(time::micros(published.published_us)),
        };
        Ok(self.0.offer_standard(request).await.and_then(|answer| understood(answer.into_inner())))
    }

    async fn keep(&self, to: &Recipient, target: &Target, (state, answer): Self::Answer) -> Result<(), StoreError> {
        let reasons: Vec<_> = answer.reasons.iter().map(|reason| reason.reason.as_str()).collect();
        tracing::info!(node = to.node, standard = target.name, ?state, ?reasons, "a member has answered");
        to.store.target_answered(&to.lease, target, state, &answer.encode_to_vec(), to.now_us()).await
    }

    async fn failed(&self, to: &Recipient, target: &Target) -> Result<(), StoreError> {
        to.store.target_failed(&to.lease, target, to.now_us()).await
    }

    fn name(target: &Target) -> String {
        target.name.clone()
    }
}

fn understood(answer: wire::OfferStandardResponse) -> Result<(TargetState, wire::Standard), Status> {
    let answer = answer.standard.ok_or_else(|| Status::internal("the answer says nothing of the bundle"))?;
    let state = match answer.status() {
        StandardStatus::Refused => TargetState::Refused,
        StandardStatus::Pending | StandardStatus::InForce | StandardStatus::Superseded => TargetState::Acknowledged,
        StandardStatus::Unspecified => return Err(Status::internal("the member's answer is of another version")),
    };
    Ok((state, answer))
}
