use gridcare_chassis::{client::Caller, id::new_id};
use gridcare_proto::notice::v1::{self as wire, notice_landing_service_client::NoticeLandingServiceClient};
use gridcare_store::{
    StoreError,
    gateway::{LandingState, NoticeTarget},
};
use prost::Message as _;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::PUBLISHED;
use crate::{
    flows::notice_is_proven::accepted,
    handover::{Goods, Recipient},
};

/// Why a member refuses a revision that does not follow from what it has.
const MISSING: &str = "REVISION_MISSING";

/// National notices: the revisions of each in the order of their numbers, as long as they have not expired.
pub(crate) struct Revisions(pub(crate) NoticeLandingServiceClient<Caller>);

/// What a member says of a revision.
pub(crate) enum Said {
    /// It has it.
    Landed,
    /// It will not have it, for this stable reason.
    Refused(String),
    /// It lacks one before it.
    Lacks,
}

impl Goods for Revisions {
    const TOPIC: &'static str = PUBLISHED;
    type Target = NoticeTarget;
    type Answer = Said;

    async fn next(&self, to: &Recipient) -> Result<Option<NoticeTarget>, StoreError> {
        loop {
            let now_us = to.now_us();
            let next = to.store.next_notice(&to.node, now_us).await?;
            let Some(late) = next.as_ref().filter(|next| next.handed.expires_us <= now_us) else { return Ok(next) };
            tracing::info!(node = to.node, what = Self::name(late), "its time was over before the member was reached");
            to.store.notice_done(&to.lease, late, (LandingState::Expired, ""), None, now_us).await?;
        }
    }

    async fn offer(&mut self, to: &Recipient, target: &NoticeTarget) -> Result<Result<Said, Status>, StoreError> {
        let corrupt = |what: String| StoreError::Corrupt { table: "national_revision", what };
        let landing = to.store.landing(target.handed.notice_id, target.handed.revision).await?;
        let landing = landing.ok_or_else(|| corrupt("a target's revision is gone".into()))?;
        let mut request =
            wire::LandNoticeRequest::decode(landing.as_slice()).map_err(|error| corrupt(error.to_string()))?;
        // A new one each time: a node knows a revision by its number.
        request.request_id = new_id().to_string();
        request.follows = to.store.landed_before(target, to.now_us()).await?;
        to.store.notice_sent(&to.lease, target).await?;
        Ok(match self.0.land_notice(request).await {
            Ok(_) => Ok(Said::Landed),
            Err(status) => said(status),
        })
    }

    async fn keep(&self, to: &Recipient, target: &NoticeTarget, said: Said) -> Result<(), StoreError> {
        let now_us = to.now_us();
        let (done, reason) = match &said {
            Said::Landed => (LandingState::Landed, ""),
            Said::Refused(reason) if reason == "NOTICE_EXPIRED" => (LandingState::Expired, ""),
            Said::Refused(reason) => (LandingState::Refused, reason.as_str()),
            Said::Lacks if target.reason.is_empty() => {
                // Its database was restored from before.
                let again = to.store.notices_again(&to.lease, target, MISSING, now_us).await?;
                tracing::info!(
                    node = to.node,
                    what = Self::name(target),
                    again,
                    "the member lacks revisions before it"
                );
                return Ok(());
            }
            // What it lacks was given to it again, as far as it had not expired.
            Said::Lacks => (LandingState::Refused, MISSING),
        };
        tracing::info!(node = to.node, what = Self::name(target), state = ?done, reason, "a member has answered");
        if done == LandingState::Landed {
            #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
            let seconds = (now_us - target.handed.published_us).max(0) as f64 / 1e6;
            metrics::histogram!("gridcare_notice_landed_seconds", "node" => to.node.clone()).record(seconds);
        }
        let entry = matches!(done, LandingState::Landed).then(|| accepted(&to.node, target.handed.revision, now_us));
        to.store.notice_done(&to.lease, target, (done, reason), entry, now_us).await
    }

    async fn failed(&self, to: &Recipient, target: &NoticeTarget) -> Result<(), StoreError> {
        to.store.notice_failed(&to.lease, target, to.now_us()).await
    }

    fn name(target: &NoticeTarget) -> String {
        format!("notice {} revision {}", target.handed.notice_id, target.handed.revision)
    }
}

/// A refusal is an answer; whatever else went wrong may go well the next time.
fn said(status: Status) -> Result<Said, Status> {
    if !matches!(status.code(), Code::FailedPrecondition | Code::InvalidArgument) {
        return Err(status);
    }
    let reason = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
    let stable = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    Ok(match reason.as_str() {
        MISSING => Said::Lacks,
        reason if (1..=64).contains(&reason.len()) && reason.bytes().all(stable) => Said::Refused(reason.to_owned()),
        _ => return Err(status),
    })
}

#[cfg(test)]
mod tests {
    use gridcare_chassis::status::refuse;
    use gridcare_domain::refusal::{Refusal, RefusalKind};

    use super::*;

    #[test]
    fn a_refusal_is_an_answer_and_all_else_is_tried_again() {
        let status = |kind, reason| refuse(&Refusal::new(kind, reason, "no"));
        assert!(matches!(said(status(RefusalKind::Precondition, "REVISION_MISSING")), Ok(Said::Lacks)));
        assert!(matches!(said(status(RefusalKind::Invalid, "INVALID_FIELDS")), Ok(Said::Refused(_))));
        for kind in [RefusalKind::Unavailable, RefusalKind::Denied, RefusalKind::Exhausted] {
            assert!(said(status(kind, "BUSY")).is_err());
        }
        // Some proxy's answer, not the node's.
        assert!(said(Status::failed_precondition("no")).is_err());
    }
}
