use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use gridcare_bus::{Bus, BusError};
use gridcare_chassis::{
    clock::SharedClock,
    config::TrustedKey,
    id::new_id,
    serve::{self, GrpcServer, Readiness, ServeError, admin},
    tls::{self, TlsError},
};
use gridcare_proto::{
    federation::v1::{
        national_notice_service_server::NationalNoticeServiceServer,
        national_outage_service_server::NationalOutageServiceServer, national_service_server::NationalServiceServer,
    },
    notice::v1::notice_service_server::NoticeServiceServer,
    report::v1::national_report_service_server::NationalReportServiceServer,
    standard::v1::national_standard_service_server::NationalStandardServiceServer,
};
use gridcare_store::{StoreError, gateway::GatewayStore};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tonic::{server::NamedService, service::Routes};

use crate::{
    config::GatewayConfig,
    country::Country,
    flows::feed_flows_in::Sharing,
    grpc::{National, NationalNotices, NationalOutages, NationalReports, Notices, Parts, Standards},
    http,
    peers::{Peer, Peers},
};

/// Where a running gateway listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    /// gRPC.
    pub grpc: SocketAddr,
    /// Probes and figures.
    pub http: SocketAddr,
}

/// Why a gateway does not start, or stops.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The zone or a date cannot be used; the configuration's check says so first.
    #[error("gateway.time_zone or a member's from is not usable")]
    Country(#[from] jiff::Error),
    /// A port could not be opened.
    #[error("a port could not be opened; choose another or stop what uses it")]
    Bind(#[source] std::io::Error),
    /// Certificates could not be loaded, or a member's endpoint cannot be dialled with them.
    #[error("tls is not usable")]
    Tls(#[from] TlsError),
    /// The key that countersigns proofs cannot be read.
    #[error("notices.proof_key: {0}")]
    ProofKey(String),
    /// The bus's address is wrong.
    #[error("bus.redis_url is not usable")]
    Bus(#[from] BusError),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// Our own descriptors are broken.
    #[error("the descriptors of the services cannot be read")]
    Descriptors(#[from] prost::DecodeError),
    /// Serving failed.
    #[error("serving failed")]
    Serve(#[from] ServeError),
    /// The HTTP port failed.
    #[error("the http port failed")]
    Http(#[source] std::io::Error),
}

/// Runs a gateway until `shutdown`. `ready` learns the addresses once everything is bound and the store is open.
pub async fn run(
    config: GatewayConfig,
    clock: SharedClock,
    shutdown: CancellationToken,
    ready: Option<oneshot::Sender<Addresses>>,
) -> Result<(), GatewayError> {
    let country = Country::of(&config)?;
    let tls = tls::server(&config.tls, config.listen.grpc)?;
    let proof_key = config.notices.key().map_err(GatewayError::ProofKey)?;
    let peers = Arc::new(dial(&config)?);
    let grpc_port = serve::bind(config.listen.grpc).await.map_err(GatewayError::Bind)?;
    let http_port = serve::bind(config.listen.http).await.map_err(GatewayError::Bind)?;
    let addresses = Addresses {
        grpc: grpc_port.local_addr().map_err(GatewayError::Bind)?,
        http: http_port.local_addr().map_err(GatewayError::Bind)?,
    };
    let bus = Bus::connect(config.bus.redis_url.as_deref(), &format!("gridcare:{}", config.gateway.id))?;
    let store = GatewayStore::open(&config.database.url, config.database.max_connections).await?;
    store.seat(&country.seats).await?;
    let seated: Vec<_> = country.seats.iter().map(|seat| seat.node.as_str()).collect();
    store.target_newcomers(&seated, clock.now().as_microsecond()).await?;
    let seated: Vec<_> = country.seats.iter().map(|seat| (seat.node.as_str(), seat.region.as_str())).collect();
    store.notices_for_newcomers(&seated, clock.now().as_microsecond()).await?;

    // One part that fails takes the others with it, in order; the caller's token is left to the caller.
    let stop = shutdown.child_token();
    let sharing = Sharing {
        store: store.clone(),
        bus: bus.clone(),
        clock: clock.clone(),
        peers: peers.clone(),
        replica: new_id().simple().to_string(),
        ttl: config.lease.ttl(),
    };
    let following = tokio::spawn(sharing.run(stop.clone()));

    let readiness = Readiness::new();
    let checked = store.clone();
    let readiness = readiness.check("database", move || {
        let store = checked.clone();
        async move { store.members().await.map(drop).map_err(|_| "it does not answer".to_owned()) }
    });
    let definition = config.figures.definition();
    // Checked with the configuration, and complained of there.
    let trusted = TrustedKey::read_all("standards.trusted_keys", &config.standards.trusted_keys, &mut Vec::new());
    let sender = config.notices.sender();
    let parts =
        Arc::new(Parts { store: store.clone(), bus, clock, country, definition, trusted, proof_key, sender, peers });
    let (id, zone) = (&config.gateway.id, parts.country.zone.clone());
    let open_formats = http::routes(&parts, config.public.publisher(id, id, "", addresses.http, zone));
    // Answers are cut to 4 MiB where they could be longer.
    let routes = Routes::new(NationalServiceServer::new(National(parts.clone())))
        .add_service(NationalReportServiceServer::new(NationalReports(parts.clone())))
        .add_service(
            NationalOutageServiceServer::new(NationalOutages(parts.clone())).max_encoding_message_size(64 << 20),
        )
        .add_service(NoticeServiceServer::new(Notices(parts.clone())).max_encoding_message_size(64 << 20))
        .add_service(
            NationalNoticeServiceServer::new(NationalNotices(parts.clone())).max_encoding_message_size(64 << 20),
        )
        .add_service(NationalStandardServiceServer::new(Standards(parts.clone())));
    let names = [
        <NationalServiceServer<National> as NamedService>::NAME,
        <NationalReportServiceServer<NationalReports> as NamedService>::NAME,
        <NationalStandardServiceServer<Standards> as NamedService>::NAME,
        <NationalOutageServiceServer<NationalOutages> as NamedService>::NAME,
        <NoticeServiceServer<Notices> as NamedService>::NAME,
        <NationalNoticeServiceServer<NationalNotices> as NamedService>::NAME,
    ];
    let server = GrpcServer::new(routes, gridcare_proto::DESCRIPTORS, &names);
    let server = server.process(&config.gateway.id).limits(config.limits.clone()).tls(tls);
    tracing::info!(gateway = config.gateway.id, members = config.members.len(), grpc = %addresses.grpc, http = %addresses.http, "gateway is up");
    if let Some(ready) = ready {
        // Nobody has to wait for it.
        let _ = ready.send(addresses);
    }

    let grpc = async {
        let ended = server.serve(grpc_port, readiness.clone(), stop.clone()).await;
        stop.cancel();
        ended
    };
    let http = async {
        let ended = admin::serve(http_port, readiness.clone(), open_formats, stop.clone()).await;
        stop.cancel();
        ended
    };
    let following = async {
        if let Err(error) = following.await {
            tracing::error!(%error, "following the members panicked");
            stop.cancel();
        }
    };
    let (spoken, answered, ()) = tokio::join!(grpc, http, following);
    store.close().await;
    spoken?;
    answered.map_err(GatewayError::Http)
}

fn dial(config: &GatewayConfig) -> Result<BTreeMap<String, Peer>, GatewayError> {
    let peers = Peers::new(config.client_tls.clone())?;
    let dial = |member: &crate::config::MemberSeat| Ok((member.node.clone(), peers.dial(&member.endpoint)?));
    config.members.iter().map(dial).collect()
}
