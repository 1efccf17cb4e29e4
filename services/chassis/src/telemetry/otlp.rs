//! Sending spans and figures to an OTLP collector over gRPC.

use std::time::Duration;

use opentelemetry::{KeyValue, trace::TracerProvider};
use opentelemetry_otlp::{ExporterBuildError, MetricExporter, SpanExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    metrics::{PeriodicReader, SdkMeterProvider},
    trace::{SdkTracerProvider, Tracer},
};
use tracing::{Level, Metadata};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::{
    Layer,
    filter::{FilterFn, Filtered, filter_fn},
    registry::Registry,
};

/// How long one sending may take.
const SENDING: Duration = Duration::from_secs(3);
/// How often figures are sent.
const INTERVAL: Duration = Duration::from_secs(10);

pub(super) fn resource(service: &str, instance: &str) -> Resource {
    Resource::builder()
        .with_service_name(format!("gridcare-{service}"))
        .with_attribute(KeyValue::new("service.instance.id", instance.to_owned()))
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build()
}

pub(super) fn tracer(endpoint: &str, resource: Resource) -> Result<SdkTracerProvider, ExporterBuildError> {
    let exporter = SpanExporter::builder().with_tonic().with_endpoint(endpoint).with_timeout(SENDING).build()?;
    Ok(SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(exporter).build())
}

pub(super) fn meter(endpoint: &str, resource: Resource) -> Result<SdkMeterProvider, ExporterBuildError> {
    let exporter = MetricExporter::builder().with_tonic().with_endpoint(endpoint).with_timeout(SENDING).build()?;
    let reader = PeriodicReader::builder(exporter).with_interval(INTERVAL).build();
    Ok(SdkMeterProvider::builder().with_resource(resource).with_reader(reader).build())
}

type Spans = Filtered<
    OpenTelemetryLayer<tracing_subscriber::layer::Layered<Box<dyn Layer<Registry> + Send + Sync>, Registry>, Tracer>,
    FilterFn,
    tracing_subscriber::layer::Layered<Box<dyn Layer<Registry> + Send + Sync>, Registry>,
>;

pub(super) fn layer(provider: &SdkTracerProvider) -> Spans {
    tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("gridcare"))
        // Thread names and source lines say little about a request, and cost on every span.
        .with_threads(false)
        .with_location(false)
        .with_tracked_inactivity(false)
        .with_filter(filter_fn(is_ours))
}

/// Our own spans, whatever the log filter says. Those of the HTTP stack would describe the sending itself, without end.
fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with("gridcare") && *metadata.level() <= Level::DEBUG
}
