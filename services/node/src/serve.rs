use std::{net::SocketAddr, sync::Arc};

use gridcare_bus::Bus;
use gridcare_chassis::{
    clock::SharedClock,
    id::new_id,
    serve::{self, GrpcServer, Readiness, ServeError, admin},
    tls::{self, TlsError},
};
use gridcare_domain::metric::hyperloglog::UniqueKey;
use gridcare_proto::{
    contact::v1::{contact_service_server as contact, sms_service_server as sms},
    convert::feed::capability_change,
    customer::v1::customer_service_server as customer,
    delivery::v1::delivery_service_server as delivery,
    federation::v1::feed_service_server as feed,
    metric::v1::metric_service_server as metric,
    notice::v1::{notice_landing_service_server as landing, notice_service_server as notice},
    outage::v1::{
        outage_service_server as outage, reliability_service_server as reliability,
        report_grouping_service_server as grouping, supply_schedule_service_server as schedule,
    },
    report::v1::report_service_server as report,
    standard::v1::standard_service_server as standard,
    ticket::v1::{team_service_server as team, ticket_service_server as ticket},
};
use gridcare_store::{NodeStore, StoreError};
use tokio::sync::oneshot;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::{server::NamedService, service::Routes};

use crate::{
    CONTACTS, FEED, Node,
    billing::Billing,
    config::{NodeConfig, key_bytes},
    flows, grpc, http,
};

/// Where a running node listens.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    /// gRPC.
    pub grpc: SocketAddr,
    /// Probes and figures.
    pub http: SocketAddr,
}

/// Why a node does not start, or stops.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// A key is malformed; the configuration's check says so first.
    #[error("keys.{0}: give 64 hexadecimal digits")]
    Key(&'static str),
    /// The routing table cannot be used; the configuration's check says so first.
    #[error("routing is not usable: {}", .0.join("; "))]
    Routing(Vec<String>),
    /// The database was counted under another definition or key.
    #[error(
        "this database is counted under figures.definition {:?} with service_level_s {} and short_abandon_s {}, and keys.unique_id {:?}; \
         give these back, or begin a new node", .0.0.id, .0.0.service_level_ms / 1_000, .0.0.short_abandon_ms / 1_000, .0.1
    )]
    Definition(Box<(gridcare_domain::metric::Definition, String)>),
    /// What is stored here and what the configuration says do not go together, or a file changed since it was checked.
    #[error("the standards are not usable:\n  - {}", .0.join("\n  - "))]
    Standards(Vec<String>),
    /// A port could not be opened.
    #[error("a port could not be opened; choose another or stop what uses it")]
    Bind(#[source] std::io::Error),
    /// Certificates could not be loaded.
    #[error("tls is not usable")]
    Tls(#[from] TlsError),
    /// Bills cannot be had as configured.
    #[error("billing is not usable")]
    Billing(#[from] crate::billing::BillingError),
    /// The bus's address is wrong.
    #[error("bus.redis_url is not usable")]
    Bus(#[from] gridcare_bus::BusError),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// Serving failed.
    #[error("serving failed")]
    Serve(#[from] ServeError),
    /// The HTTP port failed.
    #[error("the http port failed")]
    Http(#[source] std::io::Error),
}

/// Runs a node until `shutdown`. `ready` learns the addresses once everything is bound and the store is open.
pub async fn run(
    config: NodeConfig,
    clock: SharedClock,
    shutdown: CancellationToken,
    ready: Option<oneshot::Sender<Addresses>>,
) -> Result<(), NodeError> {
    let tls = tls::server(&config.tls, config.listen.grpc)?;
    let grpc_port = serve::bind(config.listen.grpc).await.map_err(NodeError::Bind)?;
    let http_port = serve::bind(config.listen.http).await.map_err(NodeError::Bind)?;
    let addresses = Addresses {
        grpc: grpc_port.local_addr().map_err(NodeError::Bind)?,
        http: http_port.local_addr().map_err(NodeError::Bind)?,
    };
    let node = Arc::new(open(&config, clock, shutdown.clone(), addresses.http).await?);
    declare(&config, &node).await?;

    let readiness = Readiness::new();
    let checked = node.clone();
    let readiness = readiness.check("database", move || {
        let node = checked.clone();
        async move {
            if !node.store.takes_writes() {
                return Err("its writer has ended; restart this process".to_owned());
            }
            node.store.feed_head().await.map(drop).map_err(|_| "it does not answer".to_owned())
        }
    });
    let tracker = TaskTracker::new();
    tracker.spawn(flows::metric_rolls_up::run(node.clone(), shutdown.clone()));
    tracker.spawn(flows::standard_takes_effect::run(node.clone(), shutdown.clone()));
    tracker.spawn(flows::tickets_are_tallied::run(node.clone(), shutdown.clone()));
    tracker.spawn(flows::old_rows_go::run(node.clone(), config.keep.clone(), shutdown.clone()));
    tracker.spawn(flows::clock_runs_out::run(node.clone(), shutdown.clone()));
    tracker.spawn(flows::customer_is_asked::run(node.clone(), shutdown.clone()));
    tracker.spawn(flows::bulk_action_runs::run(node.clone(), shutdown.clone()));
    tracker.spawn(flows::notice_becomes_messages::run(node.clone(), shutdown.clone()));
    tracker.spawn(flows::notice_is_followed::run(node.clone(), shutdown.clone()));
    tracker.close();

    let server = GrpcServer::new(
        routes(&node),
        gridcare_proto::DESCRIPTORS,
        &[
            <ticket::TicketServiceServer<grpc::Tickets> as NamedService>::NAME,
            <team::TeamServiceServer<grpc::Teams> as NamedService>::NAME,
            <contact::ContactServiceServer<grpc::Contacts> as NamedService>::NAME,
            <customer::CustomerServiceServer<grpc::Customers> as NamedService>::NAME,
            <metric::MetricServiceServer<grpc::Metrics> as NamedService>::NAME,
            <report::ReportServiceServer<grpc::Reports> as NamedService>::NAME,
            <feed::FeedServiceServer<grpc::Feed> as NamedService>::NAME,
            <standard::StandardServiceServer<grpc::Standards> as NamedService>::NAME,
            <outage::OutageServiceServer<grpc::Outages> as NamedService>::NAME,
            <grouping::ReportGroupingServiceServer<grpc::Grouping> as NamedService>::NAME,
            <reliability::ReliabilityServiceServer<grpc::Reliabilities> as NamedService>::NAME,
            <schedule::SupplyScheduleServiceServer<grpc::Schedules> as NamedService>::NAME,
            <sms::SmsServiceServer<grpc::Messages> as NamedService>::NAME,
            <notice::NoticeServiceServer<grpc::Notices> as NamedService>::NAME,
            <landing::NoticeLandingServiceServer<grpc::Landings> as NamedService>::NAME,
            <delivery::DeliveryServiceServer<grpc::Deliveries> as NamedService>::NAME,
        ],
    );
    let server = server.process(&config.node.id).limits(config.limits.clone()).tls(tls);
    tracing::info!(node = config.node.id, region = config.node.region, grpc = %addresses.grpc, http = %addresses.http, "node is up");
    if let Some(ready) = ready {
        // Nobody has to wait for it.
        let _ = ready.send(addresses);
    }
    let http = admin::serve(http_port, readiness.clone(), http::routes(&node), shutdown.clone());
    let (spoken, answered) = tokio::join!(server.serve(grpc_port, readiness, shutdown.clone()), http);
    shutdown.cancel();
    tracker.wait().await;
    node.store.close().await;
    spoken?;
    answered.map_err(NodeError::Http)
}

async fn open(
    config: &NodeConfig,
    clock: SharedClock,
    stopping: CancellationToken,
    http: SocketAddr,
) -> Result<Node, NodeError> {
    let pseudonym_key = key_bytes(&config.keys.pseudonym).ok_or(NodeError::Key("pseudonym"))?;
    let unique = key_bytes(&config.keys.unique).ok_or(NodeError::Key("unique"))?;
    let bus = Bus::connect(config.bus.redis_url.as_deref(), &format!("gridcare:{}", config.node.id))?;
    let waking = bus.clone();
    let store = NodeStore::open(&config.database.url, config.database.max_connections, move |committed| {
        if committed.feed {
            waking.wake(FEED);
        }
        if committed.contacts {
            waking.wake(CONTACTS);
        }
    })
    .await?;
    let wanted = (config.definition(), config.keys.unique_id.clone());
    let settled = store.settle_definition(&wanted.0, &wanted.1).await?;
    if settled != wanted {
        return Err(NodeError::Definition(Box::new(settled)));
    }
    let standards = flows::standard_takes_effect::begin(&config.standards, &store, &clock).await?;
    let sms = flows::sms_is_answered::Sms {
        hotline: config.sms.hotline.clone(),
        own_numbers: config.sms.own_numbers.clone(),
        limits: config.sms.limits(),
        key: blake3::derive_key("gridcare 2026 sms loops v1", &pseudonym_key),
    };
    Ok(Node {
        sms,
        notices: config.notices.clone(),
        shelf: http::Shelf::default(),
        billing: Billing::open(&config.billing).await?,
        open: config.open(http),
        id: config.node.id.clone(),
        region: config.node.region.clone(),
        prefix: config.prefix().to_owned(),
        time_zone: config.node.time_zone.clone(),
        zone: config.zone(),
        definition: config.definition(),
        pseudonym_key,
        routing: config.routing().map_err(NodeError::Routing)?,
        unique_key: UniqueKey { id: config.keys.unique_id.clone(), key: unique },
        standards: Arc::new(standards),
        store,
        assigning: tokio::sync::Mutex::default(),
        bus,
        clock,
        stopping,
        snapshots: Arc::new(tokio::sync::Semaphore::new(crate::SNAPSHOTS)),
    })
}

async fn declare(config: &NodeConfig, node: &Node) -> Result<(), NodeError> {
    let changed =
        node.store.declare_capabilities(&config.capabilities(), new_id(), node.now_us(), capability_change).await?;
    tracing::info!(changed, "capabilities declared");
    Ok(())
}

fn routes(node: &Arc<Node>) -> Routes {
    // Requests are at most 4 MiB, tonic's own limit; a batch of an import needs more.
    let contacts = contact::ContactServiceServer::new(grpc::Contacts(node.clone()))
        .max_decoding_message_size(16 << 20)
        .max_encoding_message_size(16 << 20);
    let customers = customer::CustomerServiceServer::new(grpc::Customers(node.clone()))
        .max_decoding_message_size(16 << 20)
        .max_encoding_message_size(64 << 20);
    let tickets = ticket::TicketServiceServer::new(grpc::Tickets(node.clone()))
        .max_decoding_message_size(16 << 20)
        .max_encoding_message_size(64 << 20);
    Routes::new(tickets)
        .add_service(team::TeamServiceServer::new(grpc::Teams(node.clone())).max_encoding_message_size(64 << 20))
        .add_service(contacts)
        .add_service(outage::OutageServiceServer::new(grpc::Outages(node.clone())).max_encoding_message_size(64 << 20))
        .add_service(grouping::ReportGroupingServiceServer::new(grpc::Grouping(node.clone())))
        .add_service(reliability::ReliabilityServiceServer::new(grpc::Reliabilities(node.clone())))
        .add_service(
            schedule::SupplyScheduleServiceServer::new(grpc::Schedules(node.clone()))
                .max_encoding_message_size(64 << 20),
        )
        .add_service(sms::SmsServiceServer::new(grpc::Messages(node.clone())))
        .add_service(notice::NoticeServiceServer::new(grpc::Notices(node.clone())).max_encoding_message_size(64 << 20))
        .add_service(landing::NoticeLandingServiceServer::new(grpc::Landings(node.clone())))
        .add_service(
            delivery::DeliveryServiceServer::new(grpc::Deliveries(node.clone())).max_encoding_message_size(16 << 20),
        )
        .add_service(customers)
        .add_service(metric::MetricServiceServer::new(grpc::Metrics(node.clone())).max_encoding_message_size(64 << 20))
        .add_service(report::ReportServiceServer::new(grpc::Reports(node.clone())).max_encoding_message_size(64 << 20))
        .add_service(feed::FeedServiceServer::new(grpc::Feed(node.clone())).max_encoding_message_size(64 << 20))
        .add_service(standard::StandardServiceServer::new(grpc::Standards(node.clone())))
}
