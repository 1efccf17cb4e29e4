//! Outgoing calls: traced, counted, and never without a deadline.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures::future::BoxFuture;
use http::{HeaderValue, Request, Response};
use tokio::time::Instant;
use tonic::{Code, Status, body::Body, transport::Channel};
use tower::Service;
use tracing::{Instrument, field::Empty};

use crate::{
    methods::Methods,
    serve::Deadline,
    status,
    telemetry::{
        calls::{CLIENT, Calls},
        propagation,
    },
};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Makes calls over a channel. Give it to a generated client: `TicketServiceClient::new(caller)`.
///
/// Every call gets a client span whose context travels along. A unary call gets a deadline: what `grpc-timeout` says
/// already, else the default, and never later than the deadline of the request that this task is serving. It is
/// enforced here as well, against a peer that is silent. Streams get only what the caller sets.
#[derive(Clone, Debug)]
pub struct Caller<S = Channel> {
    inner: S,
    methods: Methods,
    default: Duration,
    calls: Calls,
    unknown: Arc<str>,
}

impl<S> Caller<S> {
    /// Calls over `inner`. `methods` tells streams from unary calls; what it does not name counts as a stream.
    #[must_use]
    pub fn new(inner: S, methods: Methods, default: Duration) -> Self {
        Self { inner, methods, default, calls: Calls::new(&CLIENT, ""), unknown: "unknown".into() }
    }
}

impl<S, B> Service<Request<Body>> for Caller<S>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    B: 'static,
{
    type Response = Response<B>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<B>, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let method = self.methods.find(request.uri().path());
        let path = method.map_or_else(|| self.unknown.clone(), |method| method.path.clone());
        let span = tracing::info_span!(
            "call",
            otel.name = %path.trim_start_matches('/'),
            otel.kind = "client",
            otel.status_code = Empty,
            rpc.system = "grpc",
            rpc.grpc.status_code = Empty,
        );
        propagation::inject(&span, request.headers_mut());
        let timeout = method.filter(|method| !method.streams()).map(|_| self.timeout(&mut request));

        let calls = self.calls.clone();
        calls.begin();
        let ending = Ending { calls, path, start: Instant::now(), code: Code::Cancelled };
        let answer = self.inner.call(request);
        let recorded = span.clone();
        let work = async move {
            // Whole, so that a call that is dropped half-way is still counted.
            let mut ending = ending;
            let answer = match timeout {
                Some(timeout) => tokio::time::timeout(timeout, answer).await,
                None => Ok(answer.await),
            };
            let answer = match answer {
                Ok(answer) => {
                    answer.map_err(Into::into).map_err(|error| if is_late(&*error) { late().into() } else { error })
                }
                Err(_) => Err(late().into()),
            };
            // For a call that began to answer, the code is in the headers or still to come; what comes is taken as OK.
            ending.code = match &answer {
                Ok(response) => Status::from_header_map(response.headers()).map_or(Code::Ok, |status| status.code()),
                Err(error) => error.downcast_ref::<Status>().map_or(Code::Unavailable, Status::code),
            };
            recorded.record("rpc.grpc.status_code", ending.code as i32);
            if ending.code != Code::Ok {
                recorded.record("otel.status_code", "ERROR");
            }
            answer
        };
        Box::pin(work.instrument(span))
    }
}

impl<S> Caller<S> {
    /// Sets `grpc-timeout` to the shortest of what was asked, the default, and what remains; returns it.
    fn timeout(&self, request: &mut Request<Body>) -> Duration {
        let asked =
            request.headers().get("grpc-timeout").and_then(|value| crate::serve::parse_timeout(value.to_str().ok()?));
        let mut timeout = asked.unwrap_or(self.default);
        if let Some(deadline) = Deadline::current() {
            timeout = timeout.min(deadline.remaining());
        }
        // At most 8 digits: milliseconds reach for more than a day.
        let text = format!("{}m", timeout.as_millis().clamp(1, 99_999_999));
        if let Ok(value) = HeaderValue::try_from(text) {
            request.headers_mut().insert("grpc-timeout", value);
        }
        timeout
    }
}

/// tonic's channel has a timer of its own for `grpc-timeout`, and would call its end `CANCELLED`.
fn is_late(error: &(dyn std::error::Error + 'static)) -> bool {
    error.is::<tonic::TimeoutExpired>() || error.source().is_some_and(is_late)
}

fn late() -> Status {
    status::reason(Code::DeadlineExceeded, "DEADLINE_EXCEEDED", "the peer did not answer before the deadline")
}

/// Counts a call when its outcome is known, or as cancelled when it is dropped before.
struct Ending {
    calls: Calls,
    path: Arc<str>,
    start: Instant,
    code: Code,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.calls.end(&self.path, self.code, self.start.elapsed());
    }
}
