use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::{
    collector::metrics::v1::{
        ExportMetricsServiceRequest, ExportMetricsServiceResponse,
        metrics_service_server::{MetricsService, MetricsServiceServer},
    },
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    trace::v1::Span,
};

use tonic::{Request, Response, Status, transport::server::TcpIncoming};

/// A collector that keeps every span it is sent, and the names of figures.
#[derive(Clone, Default)]
pub struct Collector {
    requests: Arc<Mutex<Vec<ExportTraceServiceRequest>>>,
    figures: Arc<Mutex<std::collections::BTreeSet<String>>>,
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.requests.lock().expect("no test panicked here").push(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Collector {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let names = request.get_ref().resource_metrics.iter().flat_map(|r| &r.scope_metrics).flat_map(|s| &s.metrics);
        self.figures.lock().expect("no test panicked here").extend(names.map(|metric| metric.name.clone()));
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}

impl Collector {
    /// Names of the figures that have arrived.
    ///
    /// # Panics
    /// When a test panicked while it held them.
    #[must_use]
    pub fn figures(&self) -> std::collections::BTreeSet<String> {
        self.figures.lock().expect("no test panicked here").clone()
    }

    /// Starts it; returns its address too.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn start() -> (Self, String) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let collector = Self::default();
        let service = TraceServiceServer::new(collector.clone());
        tokio::spawn(
            tonic::transport::Server::builder()
                .add_service(service)
                .add_service(MetricsServiceServer::new(collector.clone()))
                .serve_with_incoming(TcpIncoming::from(listener)),
        );
        (collector, endpoint)
    }

    /// Every span so far.
    ///
    /// # Panics
    /// When a test panicked while it held them.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        let requests = self.requests.lock().expect("no test panicked here");
        let resources = requests.iter().flat_map(|request| &request.resource_spans);
        resources.flat_map(|r| &r.scope_spans).flat_map(|s| &s.spans).cloned().collect()
    }

    /// Everything so far, as it came over the wire.
    ///
    /// # Panics
    /// When a test panicked while it held it.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.requests.lock().expect("no test panicked here").iter().flat_map(prost::Message::encode_to_vec).collect()
    }
}
