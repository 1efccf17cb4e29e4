//! Sends batches over the import stream, several at once, and resumes after every broken connection with what was not
//! acknowledged. The node takes nothing twice, so sending a batch again is harmless.

use std::{collections::VecDeque, error::Error as _, ops::ControlFlow, time::Duration};

use gridcare_chassis::client::Caller;
use gridcare_proto::contact::v1::{
    ContactDraft, ImportContactsRequest, ImportContactsResponse, contact_service_client::ContactServiceClient,
};
use tokio::{sync::mpsc, time::Instant};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};

/// A batch on its way, with what its sender wants to remember of it.
pub(crate) struct Batch<T> {
    pub(crate) contacts: Vec<ContactDraft>,
    /// Stored with the batch; empty stores none.
    pub(crate) checkpoint: String,
    pub(crate) mark: T,
}

/// To whom, as which source, and how.
pub(crate) struct Upload {
    pub(crate) caller: Caller,
    pub(crate) source: String,
    /// Batches that may be under way without an answer.
    pub(crate) window: usize,
    /// How long to go on trying without any progress.
    pub(crate) patience: Duration,
}

/// A node that has a batch and says nothing for this long is taken for gone.
const SILENCE: Duration = Duration::from_mins(1);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

impl Upload {
    /// Sends until `batches` ends or `acked` breaks; `acked` hears every answer once, in order. `lost` hears of every
    /// connection that broke.
    pub(crate) async fn run<T>(
        &self,
        mut batches: mpsc::Receiver<Batch<T>>,
        mut acked: impl FnMut(&Batch<T>, ImportContactsResponse) -> ControlFlow<()>,
        mut lost: impl FnMut(&Status),
    ) -> Result<(), Status> {
        let mut under_way = UnderWay { numbered: VecDeque::new(), next: 1, ended: false };
        let (mut pause, mut progress) = (FIRST_PAUSE, Instant::now());
        loop {
            // A stream is opened when there is something to send: some servers answer only to the first message.
            if under_way.numbered.is_empty() && !under_way.take(batches.recv().await) {
                return Ok(());
            }
            let before = under_way.next - under_way.numbered.len() as u64;
            let broken = match self.stream(&mut batches, &mut under_way, &mut acked).await {
                Ok(()) => return Ok(()),
                Err(status) if !passing(&status) => return Err(status),
                Err(status) => status,
            };
            if under_way.next - under_way.numbered.len() as u64 > before {
                (pause, progress) = (FIRST_PAUSE, Instant::now());
            }
            if progress.elapsed() > self.patience {
                return Err(broken);
            }
            lost(&broken);
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// One connection, from its first batch to the last answer or its break.
    async fn stream<T>(
        &self,
        batches: &mut mpsc::Receiver<Batch<T>>,
        under_way: &mut UnderWay<T>,
        acked: &mut impl FnMut(&Batch<T>, ImportContactsResponse) -> ControlFlow<()>,
    ) -> Result<(), Status> {
        // Room for the whole window, so that sending never waits and answers are always heard.
        let (out, requests) = mpsc::channel(self.window.max(1));
        let gone = |()| Status::unavailable("the stream ended");
        for (number, batch) in &under_way.numbered {
            out.try_send(self.request(*number, batch)).map_err(|_| gone(()))?;
        }
        let mut out = (!under_way.ended).then_some(out);
        let mut client = ContactServiceClient::new(self.caller.clone()).max_decoding_message_size(64 << 20);
        let opened = client.import_contacts(ReceiverStream::new(requests));
        let opened = tokio::time::timeout(SILENCE, opened).await.map_err(|_| silent())?;
        let mut answers: Streaming<ImportContactsResponse> = opened?.into_inner();
        loop {
            if under_way.ended && under_way.numbered.is_empty() {
                return Ok(());
            }
            let room = !under_way.ended && under_way.numbered.len() < self.window.max(1);
            let waiting = !under_way.numbered.is_empty();
            tokio::select! {
                batch = batches.recv(), if room => {
                    if under_way.take(batch) {
                        let sent = under_way.numbered.back().zip(out.as_ref());
                        if let Some(((number, batch), out)) = sent {
                            out.try_send(self.request(*number, batch)).map_err(|_| gone(()))?;
                        }
                    } else {
                        // Tells the node that nothing more comes.
                        out = None;
                    }
                }
                answer = tokio::time::timeout(SILENCE, answers.message()), if waiting => {
                    let answer = answer.map_err(|_| silent())??.ok_or_else(|| gone(()))?;
                    if under_way.numbered.front().is_none_or(|(number, _)| *number != answer.batch) {
                        return Err(Status::internal("the node answered batches out of their order"));
                    }
                    if let Some((_, batch)) = under_way.numbered.pop_front()
                        && acked(&batch, answer).is_break()
                    {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn request<T>(&self, batch: u64, sent: &Batch<T>) -> ImportContactsRequest {
        ImportContactsRequest {
            source: self.source.clone(),
            batch,
            contacts: sent.contacts.clone(),
            checkpoint: sent.checkpoint.clone(),
        }
    }
}

/// What was sent, or is to be sent again, and not acknowledged; by number.
struct UnderWay<T> {
    numbered: VecDeque<(u64, Batch<T>)>,
    next: u64,
    ended: bool,
}

impl<T> UnderWay<T> {
    /// Numbers the next batch; false when there is none.
    fn take(&mut self, batch: Option<Batch<T>>) -> bool {
        let Some(batch) = batch else {
            self.ended = true;
            return false;
        };
        self.numbered.push_back((self.next, batch));
        self.next += 1;
        true
    }
}

fn silent() -> Status {
    Status::unavailable("the node did not answer for a minute")
}

/// Whether a failure may pass if tried again: the way to the node broke, or the node is starting, stopping or full.
pub(crate) fn passing(status: &Status) -> bool {
    match status.code() {
        Code::Unavailable | Code::ResourceExhausted | Code::Aborted | Code::Cancelled | Code::DeadlineExceeded => true,
        // Without details it comes from the transport: a connection cut in the middle of a message.
        Code::Unknown | Code::Internal => {
            let cut = status.source().is_some() || status.message().contains("h2 protocol error");
            status.details().is_empty() && cut
        }
        _ => false,
    }
}

#[cfg(test)]
#[path = "upload_tests.rs"]
mod tests;
