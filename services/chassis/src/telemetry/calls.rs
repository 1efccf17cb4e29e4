//! The figures of calls, recorded both for Prometheus and for OTLP.

use std::{sync::Arc, time::Duration};

use metrics::{SharedString, counter, gauge, histogram};
use opentelemetry::{
    KeyValue,
    metrics::{Counter, Histogram},
};
use tonic::Code;

/// Counts calls and their durations under the names of one side, server or client.
#[derive(Clone, Debug)]
pub(crate) struct Calls {
    side: &'static Side,
    /// Which of several servers in one process.
    process: Arc<str>,
    count: Counter<u64>,
    seconds: Histogram<f64>,
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
        Self { side, process: process.into(), count, seconds }
    }

    /// A call begins. Its method must come from descriptors, not from a caller: each makes a new series.
    pub(crate) fn begin(&self) {
        gauge!(self.side.in_flight, "process" => SharedString::from(self.process.clone())).increment(1.0);
    }

    /// A call has ended.
    pub(crate) fn end(&self, method: &Arc<str>, code: Code, took: Duration) {
        let (process, name) = (SharedString::from(self.process.clone()), SharedString::from(method.clone()));
        let (status, seconds) = (code_name(code), took.as_secs_f64());
        gauge!(self.side.in_flight, "process" => process.clone()).decrement(1.0);
        counter!(self.side.requests, "process" => process.clone(), "method" => name.clone(), "code" => status)
            .increment(1);
        histogram!(self.side.seconds, "process" => process, "method" => name).record(seconds);
        let method = KeyValue::new("rpc.method", method.clone());
        let process = KeyValue::new("process", self.process.clone());
        self.seconds.record(seconds, &[method.clone(), process.clone()]);
        self.count.add(1, &[method, process, KeyValue::new("rpc.grpc.status_code", code_name(code))]);
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
