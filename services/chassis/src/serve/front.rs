//! What every request passes on its way in, in this order, in one service with one allocation.

use std::{
    convert::Infallible,
    panic::AssertUnwindSafe,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures::{FutureExt, future::BoxFuture};
use http::{Request, Response};
use opentelemetry::trace::TraceContextExt;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status, body::Body};
use tower::Service;
use tracing::{Instrument, Span, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::{
    Limits,
    admission::Admission,
    body::{Guarded, Tally},
    deadline::{self, Deadline},
    rewrite,
};
use crate::{
    id,
    methods::{Method, Methods},
    status,
    telemetry::{
        calls::{Calls, SERVER},
        propagation,
    },
};

/// What a server's requests have in common.
#[derive(Debug)]
pub(super) struct Rules {
    process: String,
    methods: Methods,
    /// Where a request to a method that nobody knows is counted; its own name would let callers invent series.
    unknown: Arc<Method>,
    admission: Admission,
    unary: Duration,
    calls: Calls,
    shutdown: CancellationToken,
    cut: CancellationToken,
}

impl Rules {
    pub(super) fn new(
        process: &str,
        methods: Methods,
        limits: &Limits,
        shutdown: CancellationToken,
        cut: CancellationToken,
    ) -> Arc<Self> {
        // Reflection and the unknown are treated as streams: no maximum is imposed on what is not understood.
        let unknown = Arc::new(Method { path: "unknown".into(), client_streams: true, server_streams: true });
        Arc::new(Self {
            process: process.to_owned(),
            methods,
            unknown,
            admission: Admission::new(limits),
            unary: Duration::from_millis(limits.unary_ms),
            calls: Calls::new(&SERVER, process),
            shutdown,
            cut,
        })
    }
}

#[derive(Clone, Debug)]
pub(super) struct Front<S> {
    rules: Arc<Rules>,
    inner: S,
}

impl<S> Front<S> {
    pub(super) fn new(rules: Arc<Rules>, inner: S) -> Self {
        Self { rules, inner }
    }
}

impl<S> Service<Request<Body>> for Front<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let rules = &self.rules;
        let method = rules.methods.find(request.uri().path()).unwrap_or(&rules.unknown).clone();

        // One span for the request, child of the caller's.
        let span = span(&request, &method, &rules.process);
        // Counted and timed from here to the last byte of the answer.
        let tally = Tally::begin(rules.calls.clone(), method.path.clone(), span.clone());
        // Room for it, or an answer at once. Probes are let in always: a busy process is not a dead one.
        let permit = if method.service() == "grpc.health.v1.Health" {
            None
        } else {
            match rules.admission.enter(method.streams()) {
                Ok(permit) => Some(permit),
                Err(refusal) => return Box::pin(std::future::ready(Ok(tally.refuse(refusal)))),
            }
        };
        // Until when it is worth anything. Streams live as long as their caller asked.
        let deadline = deadline::of(request.headers(), (!method.streams()).then_some(rules.unary));
        if let Some(deadline) = deadline {
            request.extensions_mut().insert(deadline);
        }

        // A handler may panic while it makes its future, too. AssertUnwindSafe: what it touched is dropped with it.
        let inner = &mut self.inner;
        let called = std::panic::catch_unwind(AssertUnwindSafe(|| span.in_scope(|| inner.call(request))));
        let rules = Arc::clone(rules);
        let work = async move {
            let answer = match called {
                Ok(answer) => {
                    Deadline::scope(deadline, within(deadline, AssertUnwindSafe(answer).catch_unwind())).await
                }
                Err(panic) => Ok(Err(panic)),
            };
            let response = match answer {
                Ok(Ok(Ok(response))) => response,
                Ok(Ok(Err(impossible))) => match impossible {},
                Ok(Err(panic)) => return Ok(tally.refuse(panicked(panic.as_ref()))),
                Err(late) => return Ok(tally.refuse(late)),
            };
            // An answer without a body has its status in the headers.
            if let Some(given) = Status::from_header_map(response.headers()) {
                return Ok(match rewrite::better(&given) {
                    Some(better) => tally.refuse(better),
                    None => tally.pass(given.code(), response),
                });
            }
            let stop = match (method.streams(), method.client_streams) {
                (false, _) => None,
                // A client that is in the middle of telling us something may finish, within the drain limit.
                (true, true) => Some(rules.cut.clone()),
                (true, false) => Some(rules.shutdown.clone()),
            };
            let deadline = deadline.filter(|_| method.streams());
            Ok(response.map(|body| Body::new(Guarded::new(body, tally, permit, deadline, stop))))
        };
        Box::pin(work.instrument(span))
    }
}

/// Waits until the deadline and no longer.
async fn within<F: Future>(deadline: Option<Deadline>, work: F) -> Result<F::Output, Status> {
    match deadline {
        Some(Deadline(at)) => tokio::time::timeout_at(at, work).await.map_err(|_| deadline::exceeded()),
        None => Ok(work.await),
    }
}

fn span(request: &Request<Body>, method: &Method, process: &str) -> Span {
    let span = tracing::info_span!(
        "request",
        otel.name = %method.path.trim_start_matches('/'),
        otel.kind = "server",
        otel.status_code = Empty,
        rpc.system = "grpc",
        rpc.service = method.service(),
        rpc.method = method.name(),
        rpc.grpc.status_code = Empty,
        process = (!process.is_empty()).then_some(process),
        trace_id = Empty,
    );
    let parent = propagation::extract(request.headers());
    if parent.span().span_context().is_valid() {
        span.record("trace_id", parent.span().span_context().trace_id().to_string());
        // Fails only where no OTLP endpoint is configured, and then there is nothing to be the child of.
        let _ = span.set_parent(parent);
    } else if let Some(trace_id) = propagation::trace_id(&span) {
        span.record("trace_id", trace_id);
    }
    span
}

/// A panic is a fault like any other: the caller gets an id, the log the message.
pub(super) fn panicked(panic: &(dyn std::any::Any + Send)) -> Status {
    let message = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let id = propagation::trace_id(&Span::current()).unwrap_or_else(|| id::new_id().simple().to_string());
    tracing::error!(error_id = %id, panic = message.unwrap_or("not a text"), "a handler panicked");
    status::internal(&id)
}

/// The time since `start`, and the code, into span and figures.
pub(super) fn note(span: &Span, calls: &Calls, method: &Arc<str>, code: Code, start: Instant) {
    span.record("rpc.grpc.status_code", code as i32);
    // Only what is the server's own fault marks a server span as failed.
    if matches!(code, Code::Unknown | Code::Internal | Code::DataLoss | Code::Unimplemented | Code::DeadlineExceeded) {
        span.record("otel.status_code", "ERROR");
    }
    calls.end(method, code, start.elapsed());
}
