//! The node for which a courier works.

use std::{sync::Arc, time::Duration};

use gridcare_chassis::{client::Caller, methods::Methods};
use gridcare_proto::{
    contact::v1::{AnswerSmsRequest, AnswerSmsResponse, sms_service_client::SmsServiceClient},
    delivery::v1::{
        BeginSubmittingRequest, DeliveryReceipt, LeaseMessagesRequest, LeaseMessagesResponse, RenewLeaseRequest,
        RenewLeaseResponse, ReportOutcomesRequest, ReportReceiptsRequest, SubmitOutcome,
        delivery_service_client::DeliveryServiceClient,
    },
    notice::v1::NoticeChannel,
};
use tonic::{Code, Request, Status, transport::Channel};

use crate::config::Leasing;

/// How long a call may take that does not wait for anything.
const PATIENCE: Duration = Duration::from_secs(10);

/// A courier's calls to its node; clones share one connection.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    deliveries: DeliveryServiceClient<Caller>,
    sms: SmsServiceClient<Caller>,
    courier: Arc<str>,
    leasing: Leasing,
}

/// Whether the same call may come through later, or never will as it stands.
pub(crate) fn is_malformed(status: &Status) -> bool {
    matches!(status.code(), Code::InvalidArgument | Code::OutOfRange)
}

/// Whether the lease under which the call was made is lost.
pub(crate) fn is_lost(status: &Status) -> bool {
    status.code() == Code::FailedPrecondition
}

impl Node {
    pub(crate) fn new(channel: Channel, courier: &str, leasing: Leasing) -> Result<Self, prost::DecodeError> {
        let caller = Caller::new(channel, Methods::read([gridcare_proto::DESCRIPTORS])?, PATIENCE);
        let deliveries = DeliveryServiceClient::new(caller.clone()).max_decoding_message_size(16 << 20);
        Ok(Self { deliveries, sms: SmsServiceClient::new(caller), courier: courier.into(), leasing })
    }

    pub(crate) fn leasing(&self) -> Leasing {
        self.leasing
    }

    /// At most `limit` messages, waited for when there are none.
    pub(crate) async fn lease(mut self, channel: NoticeChannel, limit: usize) -> Result<LeaseMessagesResponse, Status> {
        let mut request = Request::new(LeaseMessagesRequest {
            courier: self.courier.to_string(),
            channel: channel.into(),
            limit: i32::try_from(limit).unwrap_or(i32::MAX),
            lease_seconds: i32::try_from(self.leasing.seconds).unwrap_or(i32::MAX),
            wait_seconds: i32::try_from(self.leasing.wait_seconds).unwrap_or(i32::MAX),
        });
        request.set_timeout(PATIENCE + Duration::from_secs(self.leasing.wait_seconds));
        self.deliveries.lease_messages(request).await.map(tonic::Response::into_inner)
    }

    pub(crate) async fn renew(mut self, epoch: i64) -> Result<RenewLeaseResponse, Status> {
        let lease_seconds = i32::try_from(self.leasing.seconds).unwrap_or(i32::MAX);
        let request = RenewLeaseRequest { courier: self.courier.to_string(), epoch, lease_seconds };
        self.deliveries.renew_lease(request).await.map(tonic::Response::into_inner)
    }

    /// Which of these may be written now: it is durable that they are.
    pub(crate) async fn begin(mut self, epoch: i64, numbers: Vec<i64>) -> Result<Vec<i64>, Status> {
        let request = BeginSubmittingRequest { courier: self.courier.to_string(), epoch, numbers };
        self.deliveries.begin_submitting(request).await.map(|response| response.into_inner().granted)
    }

    pub(crate) async fn report(&mut self, epoch: i64, outcomes: Vec<SubmitOutcome>) -> Result<(), Status> {
        self.deliveries.report_outcomes(ReportOutcomesRequest { epoch, outcomes }).await.map(drop)
    }

    /// The ids that nobody knows there.
    pub(crate) async fn receipts(&mut self, receipts: Vec<DeliveryReceipt>) -> Result<Vec<String>, Status> {
        let request = ReportReceiptsRequest { receipts };
        self.deliveries.report_receipts(request).await.map(|response| response.into_inner().unknown_message_ids)
    }

    pub(crate) async fn answer(&mut self, request: AnswerSmsRequest) -> Result<AnswerSmsResponse, Status> {
        self.sms.answer_sms(request).await.map(tonic::Response::into_inner)
    }
}
