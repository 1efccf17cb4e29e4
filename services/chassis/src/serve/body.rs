//! An answer on its way out: held to its deadline, counted when it ends, and ended in order when the server stops.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::{HeaderMap, Response};
use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, Sleep, sleep_until},
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::{Code, Status, body::Body};
use tracing::Span;

use super::{
    deadline::{self, Deadline},
    front::{note, panicked},
    rewrite,
};
use crate::{status, telemetry::calls::Calls};

/// One call, counted when its end is known. Dropped before that, it was cancelled by its caller.
#[derive(Debug)]
pub(super) struct Tally {
    calls: Calls,
    method: Arc<str>,
    span: Span,
    start: Instant,
    ended: bool,
}

impl Tally {
    pub(super) fn begin(calls: Calls, method: Arc<str>, span: Span) -> Self {
        calls.begin();
        Self { calls, method, span, start: Instant::now(), ended: false }
    }

    fn end(&mut self, code: Code) {
        if !std::mem::replace(&mut self.ended, true) {
            note(&self.span, &self.calls, &self.method, code, self.start);
        }
    }

    /// The call ends with this answer.
    pub(super) fn pass(mut self, code: Code, response: Response<Body>) -> Response<Body> {
        self.end(code);
        response
    }

    /// The call ends with this refusal.
    pub(super) fn refuse(self, refusal: Status) -> Response<Body> {
        self.pass(refusal.code(), refusal.into_http())
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        self.end(Code::Cancelled);
    }
}

/// A body under guard.
pub(super) struct Guarded {
    inner: Body,
    tally: Tally,
    _permit: Option<OwnedSemaphorePermit>,
    deadline: Option<Pin<Box<Sleep>>>,
    stop: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    done: bool,
}

impl Guarded {
    pub(super) fn new(
        inner: Body,
        tally: Tally,
        permit: Option<OwnedSemaphorePermit>,
        deadline: Option<Deadline>,
        stop: Option<CancellationToken>,
    ) -> Self {
        let deadline = deadline.map(|Deadline(at)| Box::pin(sleep_until(at)));
        let stop = stop.map(|stop| Box::pin(stop.cancelled_owned()));
        Self { inner, tally, _permit: permit, deadline, stop, done: false }
    }

    /// Ends the body with a status of ours.
    fn close(&mut self, last: &Status) -> Frame<Bytes> {
        self.done = true;
        self.tally.end(last.code());
        // The handler's stream is dropped now, not when the connection gets round to it.
        self.inner = Body::empty();
        let mut trailers = HeaderMap::with_capacity(3);
        // Fails only for a message that is no header value, and tonic percent-encodes messages.
        let _ = last.add_header(&mut trailers);
        Frame::trailers(trailers)
    }

    fn trailers(&mut self, frame: Frame<Bytes>) -> Frame<Bytes> {
        let given = frame.trailers_ref().and_then(Status::from_header_map);
        if let Some(better) = given.as_ref().and_then(rewrite::better) {
            return self.close(&better);
        }
        self.done = true;
        self.tally.end(given.map_or(Code::Unknown, |status| status.code()));
        frame
    }
}

fn shutting_down() -> Status {
    let message = "the server is shutting down; resume elsewhere, or here in a while";
    status::later(Code::Unavailable, "SHUTTING_DOWN", message, Duration::from_secs(1))
}

impl HttpBody for Guarded {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.done {
            return Poll::Ready(None);
        }
        let this = &mut *self;
        let span = this.tally.span.clone();
        let _entered = span.enter();
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(&mut this.inner).poll_frame(context)));
        let polled = match polled {
            Ok(polled) => polled,
            Err(panic) => return Poll::Ready(Some(Ok(this.close(&panicked(panic.as_ref()))))),
        };
        // The end is looked at before new frames only while nothing is ready, or a flood of frames would outrun it.
        let over = if this.stop.as_mut().is_some_and(|stop| stop.as_mut().poll(context).is_ready()) {
            Some(shutting_down())
        } else if this.deadline.as_mut().is_some_and(|deadline| deadline.as_mut().poll(context).is_ready()) {
            Some(deadline::exceeded())
        } else {
            None
        };
        match (polled, over) {
            (Poll::Ready(Some(Ok(frame))), _) if frame.is_trailers() => Poll::Ready(Some(Ok(this.trailers(frame)))),
            (_, Some(over)) => Poll::Ready(Some(Ok(this.close(&over)))),
            (Poll::Ready(None), None) => {
                this.done = true;
                this.tally.end(Code::Ok);
                Poll::Ready(None)
            }
            (Poll::Ready(Some(Err(error))), None) => {
                this.done = true;
                this.tally.end(error.code());
                Poll::Ready(Some(Err(error)))
            }
            (polled, None) => polled,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.done || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
