//! The figures of calls, recorded both for Prometheus and for OTLP.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, OnceLock, PoisonError, RwLock},
    time::Duration,
};

use metrics::{Gauge, SharedString, counter, gauge, histogram};
use opentelemetry::{
    KeyValue,
    metrics::{Counter, Histogram},
};
use tonic::Code;

/// Counts calls and their durations under the names of one side, server or client.
#[derive(Clone, Debug)]
pub(crate) struct Calls(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    side: &'static Side,
    /// Which of several servers in one process.
    process: Arc<str>,
    count: Counter<u64>,
    seconds: Histogram<f64>,
    in_flight: OnceLock<Gauge>,
    /// Looked up by their labels for each call, they took more of a busy node's time than counting itself.
    series: RwLock<AllSeries>,
}

type AllSeries = HashMap<(Arc<str>, Code), Arc<Series>>;

/// What is counted of the calls of one method that end with one code.
struct Series {
    requests: metrics::Counter,
    seconds: metrics::Histogram,
    /// Of the duration, and with the code of the count.
    attributes: [KeyValue; 3],
}

impl fmt::Debug for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Series").field(&self.attributes).finish()
    }
}

#[derive(Debug)]
pub(crate) struct Side {
    requests: &'static str,
    seconds: &'static str,
    in_flight: &'static str,
}

pub(crate) static SERVER: Side = Side {
    requests: "gridcare_grpc_server_requests_total",
    seconds: "gridcare_grpc_server_seconds",
    in_flight: "gridcare_grpc_server_in_flight",
};

pub(crate) static CLIENT: Side = Side {
    requests: "gridcare_grpc_client_requests_total",
    seconds: "gridcare_grpc_client_seconds",
    in_flight: "gridcare_grpc_client_in_flight",
};

impl Calls {
    pub(crate) fn new(side: &'static Side, process: &str) -> Self {
        let meter = opentelemetry::global::meter("gridcare");
        let count = meter.u64_counter(side.requests).with_description("gRPC calls by method and status code").build();
        let seconds =
            meter.f64_histogram(side.seconds).with_unit("s").with_description("duration of gRPC calls").build();
        let (in_flight, series) = (OnceLock::new(), RwLock::default());
        Self(Arc::new(Shared { side, process: process.into(), count, seconds, in_flight, series }))
    }

    /// A call begins. Its method must come from descriptors, not from a caller: each makes a new series.
    pub(crate) fn begin(&self) {
        self.0.in_flight().increment(1.0);
    }

    /// A call has ended.
    pub(crate) fn end(&self, method: &Arc<str>, code: Code, took: Duration) {
        let seconds = took.as_secs_f64();
        let series = self.0.series(method, code);
        self.0.in_flight().decrement(1.0);
        series.requests.increment(1);
        series.seconds.record(seconds);
        self.0.seconds.record(seconds, &series.attributes[..2]);
        self.0.count.add(1, &series.attributes);
    }
}

impl Shared {
    fn in_flight(&self) -> &Gauge {
        let process = || SharedString::from(self.process.clone());
        self.in_flight.get_or_init(|| gauge!(self.side.in_flight, "process" => process()))
    }

    fn series(&self, method: &Arc<str>, code: Code) -> Arc<Series> {
        let key = (method.clone(), code);
        if let Some(known) = self.series.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return known.clone();
        }
        let (process, name) = (SharedString::from(self.process.clone()), SharedString::from(method.clone()));
        let status = code_name(code);
        let series = Series {
            requests: counter!(
                self.side.requests, "process" => process.clone(), "method" => name.clone(), "code" => status
            ),
            seconds: histogram!(self.side.seconds, "process" => process, "method" => name),
            attributes: [
                KeyValue::new("rpc.method", method.clone()),
                KeyValue::new("process", self.process.clone()),
                KeyValue::new("rpc.grpc.status_code", status),
            ],
        };
        let mut all = self.series.write().unwrap_or_else(PoisonError::into_inner);
        all.entry(key).or_insert_with(|| Arc::new(series)).clone()
    }
}

/// The name of a code as gRPC's own documents write it.
pub(crate) fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
