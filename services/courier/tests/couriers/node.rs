//! A node as a courier sees it: it keeps its promises, and may be made to be away.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use gridcare_chassis::clock::SharedClock;
use gridcare_proto::{
    contact::v1::{
        AnswerSmsRequest, AnswerSmsResponse, SmsEncoding,
        sms_service_server::{SmsService, SmsServiceServer},
    },
    convert::time::timestamp,
    delivery::v1::{
        BeginSubmittingRequest, BeginSubmittingResponse, LeaseMessagesRequest, LeaseMessagesResponse, LeasedMessage,
        MessageText, RenewLeaseRequest, RenewLeaseResponse, ReportOutcomesRequest, ReportOutcomesResponse,
        ReportReceiptsRequest, ReportReceiptsResponse, SubmitResult,
        delivery_service_server::{DeliveryService, DeliveryServiceServer},
    },
    notice::v1::NoticeText,
    ticket::v1::Language,
};
use hyper_util::rt::TokioIo;
use jiff::{SignedDuration, Timestamp};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};
use tokio_stream::{StreamExt as _, wrappers::UnboundedReceiverStream};
use tonic::{
    Request, Response, Status,
    transport::{Channel, Endpoint, Server},
};

/// One message at the node.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) address: String,
    pub(crate) language: Language,
    pub(crate) state: &'static str,
    pub(crate) ids: Vec<String>,
    epoch: i64,
}

#[derive(Debug, Default)]
pub(crate) struct Inner {
    pub(crate) deliveries: BTreeMap<i64, Delivery>,
    leases: BTreeMap<i64, Instant>,
    epoch: i64,
    /// Calls that fail as if the node were away.
    pub(crate) away: BTreeSet<&'static str>,
    /// Outcomes, in the order in which they were reported.
    pub(crate) outcomes: Vec<(i64, SubmitResult)>,
    pub(crate) receipts: u64,
    pub(crate) largest_group: usize,
    pub(crate) most_leased: usize,
    pub(crate) questions: Vec<AnswerSmsRequest>,
    pub(crate) answers: BTreeMap<String, AnswerSmsResponse>,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) diacritics: bool,
    /// The number at which what it asks is answered.
    pub(crate) answered_at: String,
    /// Texts that messages have of their own, by their numbers.
    pub(crate) own: BTreeMap<i64, String>,
}

/// A played node; clones are the same one.
#[derive(Clone)]
pub(crate) struct PlayedNode {
    inner: Arc<Mutex<Inner>>,
    clock: SharedClock,
}

pub(crate) const VI: &str = "Đã có điện lại.";
pub(crate) const EN: &str = "Power is back.";

impl PlayedNode {
    pub(crate) fn new(clock: SharedClock) -> Self {
        Self { inner: Arc::default(), clock }
    }

    pub(crate) fn look(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues messages to these addresses.
    pub(crate) fn queue(&self, addresses: impl IntoIterator<Item = String>) {
        let mut inner = self.look();
        for address in addresses {
            let number = i64::try_from(inner.deliveries.len()).unwrap() + 1;
            let language = if number % 2 == 0 { Language::En } else { Language::Vi };
            let delivery = Delivery { address, language, state: "queued", ids: Vec::new(), epoch: 0 };
            inner.deliveries.insert(number, delivery);
        }
    }

    /// How many messages stand there.
    pub(crate) fn count(&self, state: &str) -> usize {
        self.look().deliveries.values().filter(|delivery| delivery.state == state).count()
    }

    /// Ends all leases, as if the courier had been away for too long.
    pub(crate) fn end_leases(&self) {
        let mut inner = self.look();
        inner.leases.clear();
        for delivery in inner.deliveries.values_mut() {
            match delivery.state {
                "leased" => delivery.state = "queued",
                "submitting" => delivery.state = "unknown",
                _ => {}
            }
        }
    }

    fn here(&self, call: &str) -> Result<MutexGuard<'_, Inner>, Status> {
        let inner = self.look();
        if inner.away.contains(call) { Err(Status::unavailable("away")) } else { Ok(inner) }
    }

    /// A way to it that needs no socket.
    pub(crate) fn channel(&self) -> Channel {
        let (dialled, connections) = mpsc::unbounded_channel::<tokio::io::DuplexStream>();
        let router = Server::builder()
            .add_service(DeliveryServiceServer::new(self.clone()))
            .add_service(SmsServiceServer::new(self.clone()));
        let incoming = UnboundedReceiverStream::new(connections).map(Ok::<_, std::io::Error>);
        tokio::spawn(router.serve_with_incoming(incoming));
        let connector = tower::service_fn(move |_: http::Uri| {
            let (near, far) = tokio::io::duplex(64 * 1024);
            let sent = dialled.send(far).map_err(|_| std::io::Error::other("the node has ended"));
            std::future::ready(sent.map(|()| TokioIo::new(near)))
        });
        Endpoint::from_static("http://node").connect_with_connector_lazy(connector)
    }
}

#[tonic::async_trait]
impl DeliveryService for PlayedNode {
    async fn lease_messages(
        &self,
        request: Request<LeaseMessagesRequest>,
    ) -> Result<Response<LeaseMessagesResponse>, Status> {
        let request = request.into_inner();
        let until = Instant::now() + std::time::Duration::from_secs(request.wait_seconds.unsigned_abs().into());
        let limit = usize::try_from(request.limit).unwrap();
        while self.here("lease")?.deliveries.values().all(|delivery| delivery.state != "queued") {
            if Instant::now() >= until {
                return Ok(Response::new(LeaseMessagesResponse::default()));
            }
            sleep(std::time::Duration::from_millis(20)).await;
        }
        let now = self.clock.now();
        let mut inner = self.look();
        inner.epoch += 1;
        let epoch = inner.epoch;
        let seconds = request.lease_seconds.unsigned_abs().into();
        inner.leases.insert(epoch, Instant::now() + std::time::Duration::from_secs(seconds));
        let own = inner.own.clone();
        let queued = inner.deliveries.iter_mut().filter(|(_, delivery)| delivery.state == "queued").take(limit);
        let messages: Vec<_> = queued
            .map(|(number, delivery)| {
                (delivery.state, delivery.epoch) = ("leased", epoch);
                let (address, language) = (delivery.address.clone(), delivery.language.into());
                let text = own.get(number).cloned().unwrap_or_default();
                LeasedMessage { number: *number, dispatch: 7, address, language, text }
            })
            .collect();
        let held = inner.deliveries.values().filter(|delivery| ["leased", "submitting"].contains(&delivery.state));
        inner.most_leased = inner.most_leased.max(held.count());
        let said = |body: &str| Some(NoticeText { title: "EVN".into(), body: body.into() });
        let text = MessageText {
            dispatch: 7,
            notice_id: "n".into(),
            answered_at: inner.answered_at.clone(),
            revision: 1,
            vi: said(VI),
            en: said(EN),
            diacritics: inner.diacritics,
            expires_at: Some(timestamp(inner.expires.unwrap_or(now + SignedDuration::from_hours(2)))),
            published_at: Some(timestamp(now)),
            ..MessageText::default()
        };
        let leased_until = Some(timestamp(now));
        Ok(Response::new(LeaseMessagesResponse { epoch, leased_until, texts: vec![text], messages }))
    }

    async fn renew_lease(&self, request: Request<RenewLeaseRequest>) -> Result<Response<RenewLeaseResponse>, Status> {
        let request = request.into_inner();
        let mut inner = self.here("renew")?;
        let now = Instant::now();
        let lease = inner.leases.get_mut(&request.epoch).filter(|until| **until > now);
        let held = lease.is_some();
        if let Some(until) = lease {
            *until = now + std::time::Duration::from_secs(request.lease_seconds.unsigned_abs().into());
        }
        Ok(Response::new(RenewLeaseResponse { held, leased_until: None }))
    }

    async fn begin_submitting(
        &self,
        request: Request<BeginSubmittingRequest>,
    ) -> Result<Response<BeginSubmittingResponse>, Status> {
        let request = request.into_inner();
        let mut inner = self.here("begin")?;
        if inner.leases.get(&request.epoch).is_none_or(|until| *until <= Instant::now()) {
            return Err(Status::failed_precondition("LEASE_LOST"));
        }
        inner.largest_group = inner.largest_group.max(request.numbers.len());
        let mut granted = Vec::new();
        for number in request.numbers {
            let delivery = inner.deliveries.get_mut(&number).unwrap();
            if delivery.state == "leased" && delivery.epoch == request.epoch {
                delivery.state = "submitting";
                granted.push(number);
            }
        }
        Ok(Response::new(BeginSubmittingResponse { granted }))
    }

    async fn report_outcomes(
        &self,
        request: Request<ReportOutcomesRequest>,
    ) -> Result<Response<ReportOutcomesResponse>, Status> {
        let request = request.into_inner();
        let mut inner = self.here("outcomes")?;
        for outcome in request.outcomes {
            let result = outcome.result();
            inner.outcomes.push((outcome.number, result));
            let delivery = inner.deliveries.get_mut(&outcome.number).unwrap();
            if delivery.epoch != request.epoch {
                continue;
            }
            let (state, open) = (delivery.state, ["leased", "submitting"].contains(&delivery.state));
            match result {
                SubmitResult::Sent if open || state == "unknown" => {
                    (delivery.state, delivery.ids) = ("sent", outcome.message_ids);
                }
                SubmitResult::Failed if open || state == "unknown" => delivery.state = "failed",
                SubmitResult::Returned if open => delivery.state = "queued",
                SubmitResult::Unknown if open => delivery.state = "unknown",
                _ => {}
            }
        }
        Ok(Response::new(ReportOutcomesResponse::default()))
    }

    async fn report_receipts(
        &self,
        request: Request<ReportReceiptsRequest>,
    ) -> Result<Response<ReportReceiptsResponse>, Status> {
        let mut inner = self.here("receipts")?;
        let mut unknown = Vec::new();
        for receipt in request.into_inner().receipts {
            let found = inner.deliveries.iter_mut().find(|(number, delivery)| {
                let named = **number == receipt.number || delivery.address == receipt.phone;
                delivery.ids.contains(&receipt.message_id) || (delivery.state == "unknown" && named)
            });
            match found {
                Some((_, delivery)) => {
                    delivery.state = match receipt.state.as_str() {
                        "delivered" => "delivered",
                        "failed" => "failed",
                        _ => delivery.state,
                    };
                    inner.receipts += 1;
                }
                None => unknown.push(receipt.message_id),
            }
        }
        Ok(Response::new(ReportReceiptsResponse { unknown_message_ids: unknown }))
    }
}

#[tonic::async_trait]
impl SmsService for PlayedNode {
    async fn answer_sms(&self, request: Request<AnswerSmsRequest>) -> Result<Response<AnswerSmsResponse>, Status> {
        let request = request.into_inner();
        let mut inner = self.here("answer")?;
        inner.questions.push(request.clone());
        let wide = request.encoding() == SmsEncoding::Ucs2;
        let answer = AnswerSmsResponse {
            text: if wide { "Không mất điện.".into() } else { "Khong mat dien.".into() },
            encoding: if wide { SmsEncoding::Ucs2.into() } else { SmsEncoding::Gsm7.into() },
            ..AnswerSmsResponse::default()
        };
        Ok(Response::new(inner.answers.entry(request.request_id).or_insert(answer).clone()))
    }
}
