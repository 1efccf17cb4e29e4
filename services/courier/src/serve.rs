//! A courier, from its configuration to its end.

mod centres;
mod post;

use std::{collections::BTreeMap, io, sync::Arc, time::Duration};

use gridcare_chassis::{
    clock::SharedClock,
    serve::{self, Readiness, admin},
    tls::{self, TlsError},
};
use gridcare_proto::notice::v1::NoticeChannel;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use crate::{
    carrier::Carrier,
    config::CourierConfig,
    flows::{
        message_leaves::{self, Late},
        receipt_returns::{self, Returned},
    },
    node::Node,
    smpp::session::Dial,
    state::{ChannelState, CourierState, Told},
};

/// Receipts that wait for the node; beyond it sessions wait, and then their centres.
const RECEIPTS: usize = 2_000;
/// For so long what came last is still taken to the node, once everything else has ended.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// What surrounds a courier that is not on its own: a test, or a replay.
pub struct Surroundings {
    /// The time of day.
    pub clock: SharedClock,
    /// Ends it in order.
    pub stop: CancellationToken,
    /// The way to the node; none, and it is dialled as configured.
    pub node: Option<Channel>,
    /// Ways to centres, by their names; the others are dialled as configured.
    pub centres: BTreeMap<String, Arc<dyn Dial>>,
    /// Where it tells how it stands.
    pub state: watch::Sender<CourierState>,
}

/// What all channels need.
struct Shared {
    node: Node,
    clock: SharedClock,
    told: Told,
    stop: CancellationToken,
    returned: mpsc::Sender<Returned>,
}

impl Shared {
    fn leaving(
        &self,
        channel: NoticeChannel,
        carrier: Arc<dyn Carrier>,
        late: mpsc::Receiver<Late>,
    ) -> message_leaves::Around {
        let (node, clock, told) = (self.node.clone(), Arc::clone(&self.clock), self.told.clone());
        message_leaves::Around { node, clock, told, stop: self.stop.clone(), carrier, channel, late }
    }
}

/// Why a courier does not start, or stops.
#[derive(Debug, thiserror::Error)]
pub enum CourierError {
    /// The port could not be opened.
    #[error("listen.http could not be opened; choose another or stop what uses it")]
    Bind(#[source] io::Error),
    /// The node cannot be dialled as configured.
    #[error("node.endpoint or client_tls is not usable")]
    Node(#[from] TlsError),
    /// Our own descriptors are broken.
    #[error("the descriptors of the services cannot be read")]
    Descriptors(#[from] prost::DecodeError),
    /// A centre's files cannot be read.
    #[error("the centre {centre} cannot be used as configured")]
    Centre {
        /// Which.
        centre: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The mail server's or a webhook's files cannot be read, or used.
    #[error("{0} cannot be used as configured")]
    Files(&'static str, #[source] Box<dyn std::error::Error + Send + Sync>),
    /// A value that the configuration's check complains of.
    #[error("the configuration is not usable: {0}")]
    Config(String),
    /// The HTTP port failed.
    #[error("the http port failed")]
    Http(#[source] io::Error),
    /// A part of it panicked.
    #[error("a part of the courier ended unexpectedly")]
    Part(#[from] tokio::task::JoinError),
}

/// Runs a courier until it is told to stop, with its port for probes.
///
/// # Errors
/// When it cannot start as configured, or its port fails.
pub async fn run(config: CourierConfig, clock: SharedClock, stop: CancellationToken) -> Result<(), CourierError> {
    let port = serve::bind(config.listen.http).await.map_err(CourierError::Bind)?;
    let (told, state) = watch::channel(CourierState::default());
    let readiness = Readiness::new();
    let asked = state.clone();
    let readiness = readiness.check("node", move || {
        let reached = asked.borrow().node_reached;
        async move { if reached { Ok(()) } else { Err("it gives no messages".to_owned()) } }
    });
    tracing::info!(courier = config.courier.name, node = config.node.endpoint, http = %config.listen.http, "courier is up");
    let within = stop.child_token();
    let around = Surroundings { clock, stop: within.clone(), node: None, centres: BTreeMap::new(), state: told };
    let served = async {
        let ended = admin::serve(port, readiness.clone(), axum::Router::new(), within.clone()).await;
        within.cancel();
        ended
    };
    let carried = async {
        let ended = run_among(config, around).await;
        within.cancel();
        ended
    };
    let (served, carried) = tokio::join!(served, carried);
    carried?;
    served.map_err(CourierError::Http)
}

/// Runs a courier among what it is given, without a port.
///
/// # Errors
/// When it cannot start as configured.
pub async fn run_among(config: CourierConfig, around: Surroundings) -> Result<(), CourierError> {
    let Surroundings { clock, stop, node, centres, state } = around;
    let channel = match node {
        Some(channel) => channel,
        None => tls::channel(&config.node.endpoint, &config.client_tls)?,
    };
    let node = Node::new(channel, &config.courier.name, config.lease)?;
    let told = Told::new(state);
    told.change(|state| {
        let set = |carried: bool| carried.then(ChannelState::default);
        state.sms = set(!config.sms.centres.is_empty());
        state.email = set(config.email.server.is_some());
        state.webhook = set(!config.webhook.hooks.is_empty());
        state.begun = true;
    });
    // When one part panics, the others end in order.
    let stop = stop.child_token();
    let (returned, receipts) = mpsc::channel(RECEIPTS);
    let mut parts = JoinSet::new();
    let shared = Shared { node: node.clone(), clock, told: told.clone(), stop: stop.clone(), returned };
    if !config.sms.centres.is_empty() {
        parts.spawn(centres::start(&shared, &config.sms, centres)?);
    }
    if let Some(server) = &config.email.server {
        parts.spawn(post::email(&shared, server, &config.email)?);
    }
    if !config.webhook.hooks.is_empty() {
        parts.spawn(post::webhooks(&shared, &config.webhook)?);
    }
    drop(shared);
    let mut receipts = tokio::spawn(receipt_returns::run(node, told, receipts));
    let mut ended = Ok(());
    tokio::select! {
        () = stop.cancelled() => {}
        Some(part) = parts.join_next() => ended = part,
    }
    stop.cancel();
    while let Some(part) = parts.join_next().await {
        ended = ended.and(part);
    }
    if let Ok(told) = timeout(LAST_WORDS, &mut receipts).await {
        ended = ended.and(told);
    } else {
        tracing::warn!("receipts that the node did not take; their centres will tell them again");
        receipts.abort();
    }
    Ok(ended?)
}
