//! Sends batches over the import stream, several at once, and again after every broken connection what was not answered. The
//! node writes nothing that it has already, so sending a batch again is harmless.

use std::{collections::VecDeque, time::Duration};

use gridcare_chassis::client::Caller;
use gridcare_proto::customer::v1::{
    CustomerDraft, ImportCustomersRequest, ImportCustomersResponse, customer_service_client::CustomerServiceClient,
};
use tokio::{sync::mpsc, time::Instant};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use crate::contacts::upload::passing;

/// Batches under way without an answer.
const WINDOW: usize = 4;
/// A node that has a batch and says nothing for this long is taken for gone.
const SILENCE: Duration = Duration::from_mins(1);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A batch on its way, with what its sender wants to remember of it.
pub(super) struct Batch<T> {
    pub(super) customers: Vec<CustomerDraft>,
    pub(super) checkpoint: String,
    pub(super) mark: T,
}

/// To whom, and as which source.
pub(super) struct Upload {
    pub(super) caller: Caller,
    pub(super) source: String,
    pub(super) patience: Duration,
}

struct UnderWay<T> {
    waiting: VecDeque<(u64, Batch<T>)>,
    next: u64,
    ended: bool,
}

impl Upload {
    /// Sends until `batches` ends; `answered` hears every answer once, in order, and `lost` of every connection that broke.
    pub(super) async fn run<T, E: From<Status>>(
        &self,
        mut batches: mpsc::Receiver<Batch<T>>,
        mut answered: impl FnMut(&Batch<T>, ImportCustomersResponse) -> Result<(), E>,
        mut lost: impl FnMut(&Status),
    ) -> Result<(), E> {
        let mut under_way = UnderWay { waiting: VecDeque::new(), next: 1, ended: false };
        let (mut pause, mut progress) = (FIRST_PAUSE, Instant::now());
        loop {
            // A stream is opened when there is something to send: some servers answer only to the first message.
            if under_way.waiting.is_empty() {
                let batch = batches.recv().await;
                under_way.take(batch);
            }
            if under_way.ended && under_way.waiting.is_empty() {
                return Ok(());
            }
            let mut moved = false;
            let mut hear = |batch: &Batch<T>, answer| {
                moved = true;
                answered(batch, answer)
            };
            let broken = match self.stream(&mut batches, &mut under_way, &mut hear).await {
                Ok(done) => return done,
                Err(status) if !passing(&status) => return Err(status.into()),
                Err(status) => status,
            };
            if moved {
                (pause, progress) = (FIRST_PAUSE, Instant::now());
            }
            if progress.elapsed() > self.patience {
                return Err(broken.into());
            }
            lost(&broken);
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// One connection, from its first batch to the last answer, to a listener who wants no more, or to its break.
    async fn stream<T, E>(
        &self,
        batches: &mut mpsc::Receiver<Batch<T>>,
        under_way: &mut UnderWay<T>,
        answered: &mut impl FnMut(&Batch<T>, ImportCustomersResponse) -> Result<(), E>,
    ) -> Result<Result<(), E>, Status> {
        let gone = || Status::unavailable("the stream ended");
        let silent = |_| Status::unavailable("the node did not answer for a minute");
        // Room for the whole window, so that sending never waits and answers are always heard.
        let (out, requests) = mpsc::channel(WINDOW);
        for (number, batch) in &under_way.waiting {
            out.try_send(self.request(*number, batch)).map_err(|_| gone())?;
        }
        let mut out = (!under_way.ended).then_some(out);
        let mut client = CustomerServiceClient::new(self.caller.clone()).max_decoding_message_size(64 << 20);
        let opened = client.import_customers(ReceiverStream::new(requests));
        let mut answers = tokio::time::timeout(SILENCE, opened).await.map_err(silent)??.into_inner();
        loop {
            if under_way.ended && under_way.waiting.is_empty() {
                return Ok(Ok(()));
            }
            let room = !under_way.ended && under_way.waiting.len() < WINDOW;
            tokio::select! {
                batch = batches.recv(), if room => {
                    if under_way.take(batch) {
                        let sent = under_way.waiting.back().zip(out.as_ref());
                        if let Some(((number, batch), out)) = sent {
                            out.try_send(self.request(*number, batch)).map_err(|_| gone())?;
                        }
                    } else {
                        // Tells the node that nothing more comes.
                        out = None;
                    }
                }
                answer = tokio::time::timeout(SILENCE, answers.message()), if !under_way.waiting.is_empty() => {
                    let answer = answer.map_err(silent)??.ok_or_else(gone)?;
                    if under_way.waiting.front().is_none_or(|(number, _)| *number != answer.batch) {
                        return Err(Status::internal("the node answered batches out of their order"));
                    }
                    if let Some((_, batch)) = under_way.waiting.pop_front()
                        && let Err(enough) = answered(&batch, answer)
                    {
                        return Ok(Err(enough));
                    }
                }
            }
        }
    }

    fn request<T>(&self, number: u64, batch: &Batch<T>) -> ImportCustomersRequest {
        ImportCustomersRequest {
            source: self.source.clone(),
            batch: number,
            customers: batch.customers.clone(),
            checkpoint: batch.checkpoint.clone(),
        }
    }
}

impl<T> UnderWay<T> {
    /// Numbers the next batch; false when there is none.
    fn take(&mut self, batch: Option<Batch<T>>) -> bool {
        let Some(batch) = batch else {
            self.ended = true;
            return false;
        };
        self.waiting.push_back((self.next, batch));
        self.next += 1;
        true
    }
}
