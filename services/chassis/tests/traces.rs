//! One trace from the caller through the server, as a collector sees it; and no harm without a collector.
#![expect(clippy::unwrap_used, reason = "a test may fail, its helpers too")]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use gridcare_chassis::{
    client::Caller,
    config::Telemetry,
    methods::Methods,
    serve::{self, GrpcServer, Readiness},
    telemetry,
    tls::{self, ClientTls},
};
use opentelemetry_proto::tonic::{
    collector::{
        metrics::v1::{
            ExportMetricsServiceRequest, ExportMetricsServiceResponse,
            metrics_service_server::{MetricsService, MetricsServiceServer},
        },
        trace::v1::{
            ExportTraceServiceRequest, ExportTraceServiceResponse,
            trace_service_server::{TraceService, TraceServiceServer},
        },
    },
    trace::v1::Span,
};
use tokio_util::sync::CancellationToken;
use tonic::{
    Request, Response, Status,
    service::Routes,
    transport::{Server, server::TcpIncoming},
};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

#[derive(Clone, Default)]
struct Collector {
    spans: Arc<Mutex<Vec<Span>>>,
    metrics: Arc<Mutex<Vec<String>>>,
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let scopes = request.into_inner().resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
        self.spans.lock().unwrap().extend(scopes.flat_map(|scope| scope.spans));
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Collector {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let scopes = request.into_inner().resource_metrics.into_iter().flat_map(|resource| resource.scope_metrics);
        self.metrics.lock().unwrap().extend(scopes.flat_map(|scope| scope.metrics).map(|metric| metric.name));
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_trace_and_the_same_figures_twice() {
    let collector = Collector::default();
    let listener = serve::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let server = Server::builder()
        .add_service(TraceServiceServer::new(collector.clone()))
        .add_service(MetricsServiceServer::new(collector.clone()));
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));

    // Spans are sent whatever the log filter says.
    let config = Telemetry { otlp_endpoint: Some(endpoint), filter: "off".to_owned(), ..Telemetry::default() };
    let guard = telemetry::init(&config, "test", "one").unwrap();
    let listener = serve::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let node = GrpcServer::new(Routes::default(), tonic_health::pb::FILE_DESCRIPTOR_SET, &[]).process("test");
    tokio::spawn(node.serve(listener, Readiness::new(), CancellationToken::new()));
    let channel = tls::channel(&address, &ClientTls::default()).unwrap();
    let methods = Methods::read([tonic_health::pb::FILE_DESCRIPTOR_SET]).unwrap();
    let mut client = HealthClient::new(Caller::new(channel, methods, Duration::from_secs(5)));
    client.check(HealthCheckRequest::default()).await.unwrap();
    // Counted when the last byte has left, which may be a moment after it arrived here.
    let figure =
        r#"gridcare_grpc_server_requests_total{process="test",method="/grpc.health.v1.Health/Check",code="OK"} 1"#;
    let counted = async {
        while !telemetry::prometheus().contains(figure) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let counted = tokio::time::timeout(Duration::from_secs(5), counted).await;
    counted.unwrap_or_else(|_| panic!("{}", telemetry::prometheus()));
    assert!(telemetry::prometheus().contains("gridcare_grpc_server_seconds_bucket"));
    guard.shutdown().await;

    let spans = collector.spans.lock().unwrap();
    let of_kind =
        |kind: i32| spans.iter().find(|span| span.kind == kind).unwrap_or_else(|| panic!("{kind} in {spans:?}"));
    let (server, client) = (of_kind(2), of_kind(3));
    assert_eq!(server.name, "grpc.health.v1.Health/Check");
    assert_eq!(server.trace_id, client.trace_id);
    assert_eq!(server.parent_span_id, client.span_id);
    let metrics = collector.metrics.lock().unwrap();
    for name in ["gridcare_grpc_server_requests_total", "gridcare_grpc_server_seconds", "gridcare_grpc_client_seconds"]
    {
        assert!(metrics.iter().any(|metric| metric == name), "{name} in {metrics:?}");
    }
}
