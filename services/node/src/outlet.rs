use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::{Stream, StreamExt as _, stream};
use gridcare_domain::refusal::{Refusal, RefusalKind};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

/// A reader that takes nothing for this long is cut off: what is read for it holds connections and history.
/// Shorter than the time after which Postgres ends a transaction that does nothing.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a server stream is made of.
pub(crate) type Outflow<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// The sending end of a server stream. A slow reader is cut off with a reason and where to resume, never skipped.
pub(crate) struct Outlet<T> {
    out: mpsc::Sender<T>,
    ending: Arc<Mutex<Option<Status>>>,
}

/// A server stream of a few items' buffer, and its sending end.
pub(crate) fn outlet<T: Send + 'static>() -> (Outlet<T>, Outflow<T>) {
    let (out, items) = mpsc::channel(4);
    let ending = Arc::new(Mutex::new(None));
    let last = ending.clone();
    let ended = stream::once(async move { last.lock().unwrap_or_else(PoisonError::into_inner).take() });
    let flow = ReceiverStream::new(items).map(Ok).chain(ended.filter_map(async |status| status.map(Err)));
    (Outlet { out, ending }, Box::pin(flow))
}

impl<T> Outlet<T> {
    /// Sends one item; false when the reader has gone or is too slow, and then nothing more can be sent.
    /// `resume` is what a slow reader is told to go on from.
    pub(crate) async fn send(&self, item: T, resume: &str) -> bool {
        match self.out.send_timeout(item, PATIENCE).await {
            Ok(()) => true,
            Err(mpsc::error::SendTimeoutError::Closed(_)) => false,
            Err(mpsc::error::SendTimeoutError::Timeout(_)) => {
                let message = "this reader took nothing for 10 s; resume from where it is told, and read faster";
                let refusal = Refusal::new(RefusalKind::Conflict, "SLOW_READER", message).with("resume_after", resume);
                self.fail(gridcare_chassis::status::refuse(&refusal));
                false
            }
        }
    }

    /// How the stream will end once it is dropped.
    pub(crate) fn fail(&self, status: Status) {
        *self.ending.lock().unwrap_or_else(PoisonError::into_inner) = Some(status);
    }

    /// Until the reader has gone.
    pub(crate) async fn closed(&self) {
        self.out.closed().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_gets_what_was_sent_and_then_a_reason_and_where_to_resume() {
        let (out, mut flow) = outlet::<u32>();
        let mut sent = 0;
        while out.send(sent, &sent.to_string()).await {
            sent += 1;
        }
        drop(out);
        for expected in 0..sent {
            assert_eq!(flow.next().await.unwrap().unwrap(), expected);
        }
        let ending = flow.next().await.unwrap().unwrap_err();
        assert_eq!(ending.code(), tonic::Code::Aborted);
        assert!(ending.message().contains("resume"));
        assert!(flow.next().await.is_none());
    }
}
