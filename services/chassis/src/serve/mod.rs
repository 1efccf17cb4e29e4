//! One gRPC port with everything around the services, and one HTTP port for probes and figures.
//!
//! Limits, all in [`Limits`] save one: a message is at most 4 MiB, which tonic sets per service
//! (`max_decoding_message_size`); a service that needs another size sets it on its generated server.

pub mod admin;
mod admission;
mod body;
mod deadline;
mod document;
mod front;
mod readiness;
mod rewrite;

use std::{io, net::SocketAddr, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::{
    service::Routes,
    transport::{Server, ServerTlsConfig, server::TcpIncoming},
};
use tonic_web::GrpcWebLayer;

pub(crate) use self::deadline::parse as parse_timeout;
use self::front::{Front, Rules};
pub use self::{
    deadline::{Deadline, deadline_of},
    document::{Document, Kept},
    readiness::Readiness,
};
use crate::methods::Methods;

/// Why a server cannot start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The descriptors are not descriptors.
    #[error("the descriptors of the services cannot be read: {0}")]
    Descriptors(#[from] prost::DecodeError),
    /// Reflection refuses the descriptors.
    #[error("reflection refuses the descriptors: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// A service is served that the descriptors do not name: reflection and the limits of streams would be wrong.
    #[error("the service {0} is not in the descriptors")]
    Unknown(String),
    /// TLS or the listener failed.
    #[error("the gRPC server failed")]
    Transport(#[from] tonic::transport::Error),
}

/// What a server takes on at most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Unary calls at once; more are refused with `RESOURCE_EXHAUSTED` and a `RetryInfo`.
    pub requests: usize,
    /// Streams at once; more are refused likewise.
    pub streams: usize,
    /// Streams and calls at once on one connection; more wait.
    pub per_connection: u32,
    /// Milliseconds that a unary call may take; a shorter `grpc-timeout` goes first.
    pub unary_ms: u64,
    /// Milliseconds that calls may go on after the shutdown has begun.
    pub drain_ms: u64,
    /// Bytes of one request's headers.
    pub header_bytes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests: 2_048,
            streams: 4_096,
            per_connection: 1_024,
            unary_ms: 30_000,
            drain_ms: 15_000,
            header_bytes: 16 << 10,
        }
    }
}

impl Limits {
    /// Its keys, under `limits`.
    pub const SETTINGS: [crate::config::Setting; 6] = [
        crate::config::Setting::new("limits.requests", "unary calls at once, a number above 0"),
        crate::config::Setting::new("limits.streams", "streams at once, a number above 0"),
        crate::config::Setting::new("limits.per_connection", "calls and streams at once on one connection, above 0"),
        crate::config::Setting::new("limits.unary_ms", "milliseconds a unary call may take, above 0"),
        crate::config::Setting::new("limits.drain_ms", "milliseconds that calls may go on after a shutdown began"),
        crate::config::Setting::new("limits.header_bytes", "bytes of one request's headers, at least 4096"),
    ];

    /// Violations of its rules.
    #[must_use]
    pub fn check(&self) -> Vec<String> {
        let most = tokio::sync::Semaphore::MAX_PERMITS;
        let rules = [
            ((1..=most).contains(&self.requests), "limits.requests: give a number above 0"),
            ((1..=most).contains(&self.streams), "limits.streams: give a number above 0"),
            (self.per_connection > 0, "limits.per_connection: give a number above 0"),
            (self.unary_ms > 0, "limits.unary_ms: give a number above 0"),
            (self.header_bytes >= 4096, "limits.header_bytes: give at least 4096"),
        ];
        rules.iter().filter(|(kept, _)| !kept).map(|(_, violation)| (*violation).to_owned()).collect()
    }
}

/// Opens a port. Everything that is served should be bound before anything is served.
pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}")))
}

/// A gRPC server to be.
#[derive(Debug)]
pub struct GrpcServer {
    routes: Routes,
    descriptors: &'static [u8],
    services: Vec<&'static str>,
    process: String,
    limits: Limits,
    tls: Option<ServerTlsConfig>,
}

impl GrpcServer {
    /// Serves `routes`. `descriptors` is the encoded descriptor set, `services` the full names of what is in `routes`
    /// (`NamedService::NAME`), for reflection and health.
    #[must_use]
    pub fn new(routes: Routes, descriptors: &'static [u8], services: &[&'static str]) -> Self {
        let (services, process) = (services.to_vec(), String::new());
        Self { routes, descriptors, services, process, limits: Limits::default(), tls: None }
    }

    /// Names this server in figures and spans, where one process has several.
    #[must_use]
    pub fn process(self, name: impl Into<String>) -> Self {
        Self { process: name.into(), ..self }
    }

    /// Sets the limits.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Sets TLS, as [`crate::tls::server`] made it.
    #[must_use]
    pub fn tls(self, tls: Option<ServerTlsConfig>) -> Self {
        Self { tls, ..self }
    }

    /// Serves until `shutdown` is cancelled, and then until the last call has ended or the drain limit has passed.
    ///
    /// Health follows `readiness`. At shutdown it says "not serving"; server streams end at once with `UNAVAILABLE`
    /// and reason `SHUTTING_DOWN`, for their readers to resume elsewhere; everything else may finish.
    pub async fn serve(
        self,
        listener: TcpListener,
        readiness: Readiness,
        shutdown: CancellationToken,
    ) -> Result<(), ServeError> {
        let (reporter, health) = tonic_health::server::health_reporter();
        let sets = [self.descriptors, tonic_health::pb::FILE_DESCRIPTOR_SET];
        let methods = Methods::read(sets)?;
        if let Some(unknown) = self.services.iter().find(|name| !methods.has_service(name)) {
            return Err(ServeError::Unknown((*unknown).to_owned()));
        }
        // Python's reflection client asks for v1alpha only.
        let reflection = || {
            let names = self.services.iter().copied().chain(["grpc.health.v1.Health"]);
            let builder = sets.iter().fold(tonic_reflection::server::Builder::configure(), |builder, set| {
                builder.register_encoded_file_descriptor_set(set)
            });
            names.fold(builder, tonic_reflection::server::Builder::with_service_name)
        };
        let routes = self
            .routes
            .add_service(health)
            .add_service(reflection().build_v1()?)
            .add_service(reflection().build_v1alpha()?)
            .prepare();

        let cut = CancellationToken::new();
        let rules = Rules::new(&self.process, methods, &self.limits, shutdown.clone(), cut.clone());
        let mut server = Server::builder()
            // gRPC-Web also over HTTP/1.1, as browsers behind old proxies speak it.
            .accept_http1(true)
            .max_concurrent_streams(self.limits.per_connection)
            .http2_max_header_list_size(self.limits.header_bytes)
            .http2_keepalive_interval(Some(Duration::from_secs(20)))
            .http2_keepalive_timeout(Some(Duration::from_secs(10)))
            // The default of 64 KiB stalls imports.
            .initial_stream_window_size(1 << 20)
            .initial_connection_window_size(4 << 20);
        if let Some(tls) = self.tls {
            server = server.tls_config(tls)?;
        }
        let incoming =
            TcpIncoming::from(listener).with_nodelay(Some(true)).with_keepalive(Some(Duration::from_mins(1)));
        let health = readiness.report(reporter, self.services, shutdown.clone());
        let serving = server
            // Outermost, so that everything below sees plain gRPC and its trailers.
            .layer(GrpcWebLayer::new())
            .layer(tower::layer::layer_fn(move |inner| Front::new(rules.clone(), inner)))
            .serve_with_incoming_shutdown(routes, incoming, shutdown.clone().cancelled_owned());
        let drained = async {
            shutdown.cancelled().await;
            tokio::time::sleep(Duration::from_millis(self.limits.drain_ms)).await;
            tracing::warn!("calls are still running after the drain limit; cutting them");
            cut.cancel();
            // Bodies notice the cut at once; a connection that cannot even take its trailers is left behind.
            tokio::time::sleep(Duration::from_millis(500)).await;
        };
        tokio::select! {
            ended = serving => ended.map_err(ServeError::from),
            () = health => Ok(()),
            () = drained => Ok(()),
        }
    }
}
