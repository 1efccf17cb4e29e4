//! A node that is played: a feed in memory, served as nodes serve theirs, with faults on request.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use gridcare_chassis::status::refuse;
use gridcare_domain::{
    capability::Capability,
    contact::{Channel, Direction},
    metric::{Bucket, BucketKey, Definition, QUARTER_US},
    refusal::{Refusal, RefusalKind},
};
use gridcare_proto::{
    convert::{feed, metric, time},
    federation::v1::{
        self as wire,
        feed_entry::Change,
        feed_service_server::{FeedService, FeedServiceServer},
    },
    notice::v1::{
        notice_landing_service_server::NoticeLandingServiceServer, notice_service_server::NoticeServiceServer,
    },
};
use jiff::Timestamp;
use tokio::{net::TcpListener, sync::mpsc, task::JoinHandle};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::{Request, Response, Status, transport::Server};
use uuid::Uuid;

use super::landing::Landing;

/// 2013-01-01T00:00:00Z.
const START_US: i64 = 1_356_998_400_000_000;

/// The feed of a played node.
#[derive(Clone)]
pub(super) struct Feed(Arc<Mutex<State>>);

struct State {
    name: String,
    incarnation: Uuid,
    entries: Vec<wire::FeedEntry>,
    faults: bool,
    /// Messages sent so far; faults go by it, so that what went wrong once may go well the next time.
    sent: u64,
    refusal: Option<tonic::Code>,
}

impl Feed {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(super) fn add(&self, change: Change) -> &Self {
        let mut state = self.lock();
        let position = state.entries.len() as u64 + 1;
        let batch = Uuid::from_u128(state.incarnation.as_u128().wrapping_mul(1_000) + u128::from(position));
        state.entries.push(wire::FeedEntry {
            position,
            batch_id: batch.to_string(),
            committed_at: None,
            change: Some(change),
        });
        self
    }

    /// The hotline's answered calls are reported.
    pub(super) fn declare(&self) -> &Self {
        let always = Timestamp::from_second(0).ok();
        let capability = Capability {
            channel: Channel::Hotline,
            metric: "answered".into(),
            offered_from: always,
            reported_from: always,
            reported_through: None,
        };
        self.add(Change::Capability(feed::capability_to_wire(&capability, 1)))
    }

    /// Answered calls in a quarter of the first day, each after a wait of a millisecond.
    pub(super) fn bucket(&self, quarter: i64, answered: i64) -> &Self {
        let start_us = START_US + quarter * QUARTER_US;
        let key = BucketKey { channel: Channel::Hotline, direction: Direction::Inbound, start_us };
        let mut bucket = Bucket::new(key, &Definition::default(), "k");
        bucket.revision = 1;
        bucket.counts.contacts = answered;
        bucket.counts.answered = answered;
        for _ in 0..answered {
            bucket.sketches.wait.add(1);
        }
        self.add(Change::MetricBucket(metric::bucket_to_wire(&bucket)))
    }

    pub(super) fn ticket(&self, id: u128) -> &Self {
        let opened = Some(time::micros(START_US));
        self.add(Change::Ticket(wire::FederatedTicket {
            id: Uuid::from_u128(id).to_string(),
            reference: format!("N-{id}"),
            version: 1,
            state: 1,
            priority: 3,
            topic: "outage".into(),
            channel: "hotline".into(),
            opened_at: opened,
            updated_at: opened,
            ..Default::default()
        }))
    }

    /// Another history, as after a restored backup.
    pub(super) fn rewrite(&self, write: impl FnOnce(&Self)) {
        {
            let mut state = self.lock();
            state.entries.clear();
            state.incarnation = Uuid::from_u128(state.incarnation.as_u128() + 1);
        }
        write(self);
    }

    pub(super) fn faults(&self, faults: bool) -> &Self {
        self.lock().faults = faults;
        self
    }

    pub(super) fn refuse(&self, code: Option<tonic::Code>) {
        self.lock().refusal = code;
    }

    fn allowed(&self) -> Result<MutexGuard<'_, State>, Status> {
        let state = self.lock();
        match state.refusal {
            Some(code) => Err(Status::new(code, "played")),
            None => Ok(state),
        }
    }
}

impl State {
    fn cursor(&self, position: u64) -> wire::FeedCursor {
        let batch = position.checked_sub(1).and_then(|i| self.entries.get(usize::try_from(i).unwrap()));
        wire::FeedCursor {
            node: self.name.clone(),
            incarnation: self.incarnation.to_string(),
            position,
            batch_id: batch.map(|entry| entry.batch_id.clone()).unwrap_or_default(),
        }
    }

    fn head(&self) -> u64 {
        self.entries.len() as u64
    }
}

fn rewritten() -> Status {
    refuse(&Refusal::new(RefusalKind::Precondition, "HISTORY_REWRITTEN", "take a snapshot"))
}

#[tonic::async_trait]
impl FeedService for Feed {
    type PullFeedStream = ReceiverStream<Result<wire::PullFeedResponse, Status>>;
    type GetSnapshotStream = ReceiverStream<Result<wire::GetSnapshotResponse, Status>>;

    async fn describe_node(
        &self,
        _: Request<wire::DescribeNodeRequest>,
    ) -> Result<Response<wire::DescribeNodeResponse>, Status> {
        let state = self.allowed()?;
        Ok(Response::new(wire::DescribeNodeResponse {
            node: state.name.clone(),
            time_zone: "Asia/Ho_Chi_Minh".into(),
            product_version: "played".into(),
            ..Default::default()
        }))
    }

    async fn pull_feed(
        &self,
        request: Request<wire::PullFeedRequest>,
    ) -> Result<Response<Self::PullFeedStream>, Status> {
        let after = request.into_inner().after;
        let mut position = after.as_ref().map_or(0, |cursor| cursor.position);
        let incarnation = self.allowed()?.incarnation;
        if after.is_some_and(|cursor| cursor.incarnation != incarnation.to_string()) {
            return Err(rewritten());
        }
        let (out, stream) = mpsc::channel(2);
        let feed = self.clone();
        tokio::spawn(async move {
            loop {
                let broken = feed.allowed().map(|state| state.incarnation != incarnation);
                if let Some(status) = broken.map_or_else(Some, |rewrite| rewrite.then(rewritten)) {
                    let _ = out.send(Err(status)).await;
                    return;
                }
                let (message, fault) = {
                    let mut state = feed.lock();
                    state.sent += 1;
                    let entries: Vec<_> =
                        state.entries.iter().filter(|e| e.position > position).take(3).cloned().collect();
                    position = entries.last().map_or(position, |e| e.position);
                    let cursor = Some(state.cursor(position));
                    (
                        wire::PullFeedResponse { entries, cursor, head: state.head(), sent_at: None },
                        state.faults.then_some(state.sent % 8),
                    )
                };
                let quiet = message.entries.is_empty();
                let mut messages = vec![message];
                // What a faulty wire does: repeats, swaps, and now and then a cut.
                match fault.filter(|_| !quiet) {
                    Some(0 | 3) => messages.push(messages[0].clone()),
                    Some(2) => messages[0].entries.reverse(),
                    Some(5) => return,
                    _ => {}
                }
                for message in messages {
                    if out.send(Ok(message)).await.is_err() {
                        return;
                    }
                }
                if quiet {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    async fn get_snapshot(
        &self,
        _: Request<wire::GetSnapshotRequest>,
    ) -> Result<Response<Self::GetSnapshotStream>, Status> {
        let (out, stream) = mpsc::channel(100);
        let state = self.allowed()?;
        for chunk in state.entries.chunks(2) {
            let part = wire::GetSnapshotResponse { entries: chunk.to_vec(), cursor: None };
            out.try_send(Ok(part)).map_err(|_| Status::internal("full"))?;
        }
        let last = wire::GetSnapshotResponse { entries: vec![], cursor: Some(state.cursor(state.head())) };
        out.try_send(Ok(last)).map_err(|_| Status::internal("full"))?;
        Ok(Response::new(ReceiverStream::new(stream)))
    }
}

/// A played node at a port.
pub(super) struct Played {
    pub(super) name: String,
    pub(super) port: u16,
    pub(super) feed: Feed,
    pub(super) landing: Landing,
    task: JoinHandle<()>,
}

impl Played {
    pub(super) async fn start(name: &str, port: u16) -> Self {
        let state = State {
            name: name.to_owned(),
            incarnation: Uuid::from_u128(1),
            entries: Vec::new(),
            faults: false,
            sent: 0,
            refusal: None,
        };
        Self::serve(name.to_owned(), port, Feed(Arc::new(Mutex::new(state))), Landing::default()).await
    }

    async fn serve(name: String, port: u16, feed: Feed, landing: Landing) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Server::builder()
            .add_service(FeedServiceServer::new(feed.clone()))
            .add_service(NoticeLandingServiceServer::new(landing.clone()))
            .add_service(NoticeServiceServer::new(landing.clone()));
        let task = tokio::spawn(async move {
            // A dropped server leaves its connections to their tasks; they are cut when the feed refuses.
            let _ = server.serve_with_incoming(TcpListenerStream::new(listener)).await;
        });
        Self { name, port, feed, landing, task }
    }

    /// Dies: nobody listens any more, and open streams break.
    pub(super) async fn stop(&mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
        self.feed.refuse(Some(tonic::Code::Unavailable));
        self.landing.lock().refusal = Some(tonic::Code::Unavailable);
    }

    /// Comes back at the same address with the same feed.
    pub(super) async fn again(self) -> Self {
        self.feed.refuse(None);
        self.landing.lock().refusal = None;
        Self::serve(self.name.clone(), self.port, self.feed.clone(), self.landing.clone()).await
    }
}

impl Drop for Played {
    fn drop(&mut self) {
        self.task.abort();
    }
}
