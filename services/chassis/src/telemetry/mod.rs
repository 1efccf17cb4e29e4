//! Logs, traces and figures.
//!
//! Logs go to standard error. Traces and the figures of the gRPC layer go to an OTLP collector where one is configured;
//! an absent collector costs a warning and nothing else. All figures can be read in the Prometheus format.

pub(crate) mod calls;
mod otlp;
pub mod propagation;

use std::{sync::OnceLock, time::Duration};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use opentelemetry_sdk::{metrics::SdkMeterProvider, trace::SdkTracerProvider};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{LogFormat, Telemetry};

/// Why telemetry cannot start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// A filter that cannot be read.
    #[error("telemetry.filter: {0}; write it like info,gridcare_node=debug")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// A collector whose address cannot be used.
    #[error("telemetry.otlp_endpoint: {0}")]
    Otlp(#[from] opentelemetry_otlp::ExporterBuildError),
    /// The process has a subscriber or a recorder already.
    #[error("telemetry was started twice in one process")]
    Twice,
}

static FIGURES: OnceLock<PrometheusHandle> = OnceLock::new();

/// The buckets of every `*_seconds` histogram: from a tenth of a millisecond to half a minute.
const SECONDS: [f64; 16] =
    [0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];

/// Starts telemetry for the process `service` (its kind: node, gateway …) and `instance` (which one).
///
/// Call it inside the runtime, once, before [`crate::serve`]: figures recorded earlier are lost.
pub fn init(config: &Telemetry, service: &str, instance: &str) -> Result<Guard, TelemetryError> {
    let filter = EnvFilter::try_new(&config.filter)?;
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match config.log {
        LogFormat::Json => lines.json().flatten_event(true).with_filter(filter).boxed(),
        LogFormat::Pretty => lines.with_filter(filter).boxed(),
    };
    let (tracer, meter) = match &config.otlp_endpoint {
        Some(endpoint) => {
            let resource = otlp::resource(service, instance);
            (Some(otlp::tracer(endpoint, resource.clone())?), Some(otlp::meter(endpoint, resource)?))
        }
        None => (None, None),
    };
    let spans = tracer.as_ref().map(otlp::layer);
    tracing_subscriber::registry().with(lines).with(spans).try_init().map_err(|_| TelemetryError::Twice)?;
    if let Some(meter) = &meter {
        opentelemetry::global::set_meter_provider(meter.clone());
    }
    let upkeep = record()?;
    Ok(Guard { tracer, meter, _upkeep: upkeep })
}

/// All figures of this process in the Prometheus text format. Empty before [`init`].
#[must_use]
pub fn prometheus() -> String {
    FIGURES.get().map(PrometheusHandle::render).unwrap_or_default()
}

fn record() -> Result<DropGuard, TelemetryError> {
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .map_err(|_| TelemetryError::Twice)?
        .build_recorder();
    let handle = FIGURES.get_or_init(|| recorder.handle()).clone();
    metrics::set_global_recorder(recorder).map_err(|_| TelemetryError::Twice)?;
    let stop = CancellationToken::new();
    let guard = stop.clone().drop_guard();
    // Histograms gather samples until they are folded; a process that nobody scrapes would grow without end.
    tokio::spawn(stop.run_until_cancelled_owned(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            handle.run_upkeep();
        }
    }));
    Ok(guard)
}

/// Keeps telemetry running; what is still held back is sent when it is dropped, or better by [`Guard::shutdown`].
#[must_use = "dropping the guard ends telemetry"]
#[derive(Debug)]
pub struct Guard {
    tracer: Option<SdkTracerProvider>,
    meter: Option<SdkMeterProvider>,
    _upkeep: DropGuard,
}

/// How long the last sending may hold up the end of a process.
const LAST_SENDING: Duration = Duration::from_secs(3);

impl Guard {
    /// Sends what is still held back, without holding up the runtime that does the sending.
    pub async fn shutdown(mut self) {
        let (tracer, meter) = (self.tracer.take(), self.meter.take());
        let sent = tokio::task::spawn_blocking(move || flush(tracer, meter));
        if sent.await.is_err() {
            tracing::warn!("the last telemetry could not be sent");
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        flush(self.tracer.take(), self.meter.take());
    }
}

fn flush(tracer: Option<SdkTracerProvider>, meter: Option<SdkMeterProvider>) {
    // Figures first: the last spans describe calls that the figures already count.
    let figures = meter.map_or(Ok(()), |meter| meter.shutdown_with_timeout(LAST_SENDING));
    let spans = tracer.map_or(Ok(()), |tracer| tracer.shutdown_with_timeout(LAST_SENDING));
    if let Err(error) = figures.and(spans) {
        tracing::warn!(%error, "the last telemetry could not be sent");
    }
}
