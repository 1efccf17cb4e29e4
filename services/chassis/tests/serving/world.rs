//! A server with a misbehaving service, and a client that sends raw bytes.

use std::{net::SocketAddr, time::Duration};

use axum::routing::post;
use bytes::{Buf, BufMut, Bytes};
use futures::stream;
use gridcare_chassis::{
    serve::{self, GrpcServer, Limits, Readiness},
    tls,
};
use prost::Message;
use prost_types::{FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto, ServiceDescriptorProto};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::{
    Code, Request, Response, Status,
    body::Body,
    client::{Grpc, GrpcService},
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    service::Routes,
    transport::ServerTlsConfig,
};
use tower::service_fn;

/// Bytes as they are.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        let length = buffer.remaining();
        Ok(Some(buffer.copy_to_bytes(length)))
    }
}

/// The service of the tests; its name, and whether each method streams.
pub(crate) const SERVICE: &str = "test.v1.TestService";
const METHODS: [(&str, bool); 6] =
    [("Who", false), ("Panic", false), ("Slow", false), ("Endless", true), ("PanicLater", true), ("Empty", false)];

fn descriptors() -> &'static [u8] {
    let method = METHODS.iter().map(|(name, streams)| MethodDescriptorProto {
        name: Some((*name).to_owned()),
        input_type: Some(".test.v1.Nothing".to_owned()),
        output_type: Some(".test.v1.Nothing".to_owned()),
        server_streaming: Some(*streams),
        ..Default::default()
    });
    let service =
        ServiceDescriptorProto { name: Some("TestService".to_owned()), method: method.collect(), ..Default::default() };
    let nothing = prost_types::DescriptorProto { name: Some("Nothing".to_owned()), ..Default::default() };
    let file = FileDescriptorProto {
        name: Some("test/v1/test.proto".to_owned()),
        package: Some("test.v1".to_owned()),
        service: vec![service],
        message_type: vec![nothing],
        ..Default::default()
    };
    FileDescriptorSet { file: vec![file] }.encode_to_vec().leak()
}

async fn answer(request: axum::extract::Request) -> axum::response::Response {
    let method = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
    let request = request.map(Body::new);
    let mut grpc = tonic::server::Grpc::new(Raw);
    let streams = METHODS.iter().any(|(name, streams)| *name == method && *streams);
    let response = if streams {
        let stream = move |_: Request<Bytes>| {
            let later = method == "PanicLater";
            let ticks = stream::unfold(0, move |count| async move {
                assert!(!(later && count == 2), "planted: hunter2");
                tokio::time::sleep(Duration::from_millis(5)).await;
                Some((Ok::<_, Status>(Bytes::from_static(b"tick")), count + 1))
            });
            std::future::ready(Ok::<_, Status>(Response::new(Box::pin(ticks))))
        };
        grpc.server_streaming(service_fn(stream), request).await
    } else {
        let unary = move |request: Request<Bytes>| {
            let method = method.clone();
            async move {
                match method.as_str() {
                    "Panic" => panic!("planted: hunter2"),
                    "Slow" => tokio::time::sleep(Duration::from_mins(1)).await,
                    "Who" => return Ok(Response::new(gridcare_chassis::identity::principal_of(&request).0.into())),
                    _ => {}
                }
                Ok::<_, Status>(Response::new(Bytes::new()))
            }
        };
        grpc.unary(service_fn(unary), request).await
    };
    response.map(axum::body::Body::new)
}

/// A running server.
pub(crate) struct World {
    pub(crate) address: SocketAddr,
    pub(crate) readiness: Readiness,
    pub(crate) shutdown: CancellationToken,
    pub(crate) server: JoinHandle<Result<(), serve::ServeError>>,
}

impl World {
    pub(crate) async fn start(limits: Limits, tls_config: Option<ServerTlsConfig>) -> Self {
        let listener = serve::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let methods = axum::Router::new().route(&format!("/{SERVICE}/{{method}}"), post(answer));
        let routes = Routes::from(methods);
        let (readiness, shutdown) = (Readiness::new(), CancellationToken::new());
        let server = GrpcServer::new(routes, descriptors(), &[SERVICE]).process("test").limits(limits).tls(tls_config);
        let server = tokio::spawn(server.serve(listener, readiness.clone(), shutdown.clone()));
        Self { address, readiness, shutdown, server }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn channel(&self) -> tonic::transport::Channel {
        tls::channel(&self.endpoint(), &tls::ClientTls::default()).unwrap()
    }
}

/// Calls a method of the test service, or of another if the path says so.
pub(crate) async fn call<T>(channel: T, path: &str, message: &[u8]) -> Result<Bytes, Status>
where
    T: GrpcService<Body>,
    T::ResponseBody: http_body_util::BodyExt<Data = Bytes> + Send + 'static,
    <T::ResponseBody as hyper::body::Body>::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send,
{
    call_with(channel, path, Request::new(Bytes::copy_from_slice(message))).await
}

pub(crate) async fn call_with<T>(channel: T, path: &str, request: Request<Bytes>) -> Result<Bytes, Status>
where
    T: GrpcService<Body>,
    T::ResponseBody: http_body_util::BodyExt<Data = Bytes> + Send + 'static,
    <T::ResponseBody as hyper::body::Body>::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send,
{
    let mut grpc = Grpc::new(channel);
    grpc.ready().await.map_err(|error| Status::new(Code::Unavailable, error.into().to_string()))?;
    Ok(grpc.unary(request, full(path), Raw).await?.into_inner())
}

pub(crate) fn full(path: &str) -> http::uri::PathAndQuery {
    if path.starts_with('/') { path.parse().unwrap() } else { format!("/{SERVICE}/{path}").parse().unwrap() }
}
