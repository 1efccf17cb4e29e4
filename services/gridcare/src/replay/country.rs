//! The country of a replay: five nodes, a gateway, a courier for each region that sends, and its message centres, all in this
//! process and by one clock.

use std::{collections::BTreeMap, fs, num::NonZeroU32, path::Path, sync::Arc, time::Duration};

use gridcare_chassis::{
    clock::SharedClock,
    config::Listen,
    tls::{self, ClientTls},
};
use gridcare_courier::{
    CourierConfig, CourierState, Surroundings,
    config::Centre,
    run_among,
    smpp::session::{Dial, SessionConfig},
    smsc::{Smsc, SmscConfig},
};
use gridcare_domain::{
    contact,
    standard::{PublicKey, SecretKey},
};
use gridcare_gateway::{GatewayConfig, config::MemberSeat};
use gridcare_node::config::{NodeConfig, Offer};
use jiff::civil::{Date, date};
use sha2::{Digest as _, Sha256};
use tokio::{
    sync::{oneshot, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use super::{gate::Gate, incident::Story};
use crate::{
    demo::facts::{Country, Region},
    failure::{Failure, chain},
};

/// Connections of each database; all of them live on one thread.
const CONNECTIONS: u32 = 4;
/// A courier asks again at least this often.
const WAIT_S: u64 = 20;
/// By the day that is replayed all of them counted.
const BEFORE: Date = date(2013, 1, 1);

/// One corporation.
pub(super) struct Seat {
    pub(super) region: Region,
    /// Whether it lost supply.
    pub(super) dark: bool,
    pub(super) node: Channel,
    /// Where its pages are.
    pub(super) http: String,
    /// The gateway's way to it.
    pub(super) gate: Gate,
    pub(super) centres: Vec<Smsc>,
    pub(super) courier: watch::Receiver<CourierState>,
}

/// What runs.
pub(super) struct Running {
    pub(super) seats: Vec<Seat>,
    pub(super) gateway: Channel,
    /// Whoever verifies proofs trusts this key.
    pub(super) trusted: PublicKey,
    parts: JoinSet<Failure>,
    stop: CancellationToken,
}

impl Running {
    /// Starts everything, with databases in a folder of its own.
    pub(super) async fn start(story: &Story, folder: &Path, clock: &SharedClock) -> Result<Self, Failure> {
        let country = Country::read()?;
        let (stop, mut parts) = (CancellationToken::new(), JoinSet::new());
        let (mut seats, mut members) = (Vec::new(), Vec::new());
        for region in country.regions {
            let config = node(story, &region, folder);
            let (id, name) = (config.node.id.clone(), region.code.clone());
            let (ready, bound) = oneshot::channel();
            let (clock_of_it, stopping) = (Arc::clone(clock), stop.clone());
            parts.spawn(
                async move { ended(&name, gridcare_node::run(config, clock_of_it, stopping, Some(ready)).await) },
            );
            let Ok(bound) = bound.await else { return Err(first(&mut parts).await) };
            let gate = Gate::to(bound.grpc, stop.clone()).await;
            let gate = gate.map_err(|error| Failure::because("a way to a node", &error))?;
            let endpoint = format!("http://{}", gate.address());
            members.push(MemberSeat { node: id, region: region.code.clone(), endpoint, from: None });
            let channel = tls::channel(&format!("http://{}", bound.grpc), &ClientTls::default())?;
            let dark = story.incident.regions.contains(&region.code);
            let (centres, courier) = if dark {
                carry(story, &region, channel.clone(), clock, &stop, &mut parts)
            } else {
                (Vec::new(), watch::channel(CourierState::default()).1)
            };
            let http = format!("http://{}", bound.http);
            seats.push(Seat { region, dark, node: channel, http, gate, centres, courier });
        }
        let key = SecretKey::from_seed(&Sha256::digest("gridcare replay").into());
        let config = gateway(&key, members, folder)?;
        let (ready, bound) = oneshot::channel();
        let (clock, stopping) = (Arc::clone(clock), stop.clone());
        parts.spawn(async move { ended("gateway", gridcare_gateway::run(config, clock, stopping, Some(ready)).await) });
        let Ok(bound) = bound.await else { return Err(first(&mut parts).await) };
        let gateway = tls::channel(&format!("http://{}", bound.grpc), &ClientTls::default())?;
        Ok(Self { seats, gateway, trusted: key.public(), parts, stop })
    }

    /// The seat of a region.
    pub(super) fn seat(&self, region: &str) -> Result<&Seat, Failure> {
        let seat = self.seats.iter().find(|seat| seat.region.code == region);
        seat.ok_or_else(|| {
            Failure::said(format!("there is no region {region}; facts/regions.yaml has those there are"))
        })
    }

    /// Seats that lost supply.
    pub(super) fn dark(&self) -> impl Iterator<Item = &Seat> {
        self.seats.iter().filter(|seat| seat.dark)
    }

    /// Whether a courier has messages in hand.
    pub(super) fn busy(&self) -> bool {
        self.dark().any(|seat| !seat.courier.borrow().is_idle())
    }

    /// Why something ended that should not have; none when all is well.
    pub(super) fn failure(&mut self) -> Option<Failure> {
        match self.parts.try_join_next()? {
            Ok(failure) => Some(failure),
            Err(error) => Some(Failure::because("a part of the replay", &error)),
        }
    }

    /// Tells everything to end.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }

    /// Whether everything has ended.
    pub(super) fn ended(&mut self) -> bool {
        while self.parts.try_join_next().is_some() {}
        self.parts.is_empty()
    }
}

fn listen() -> Listen {
    let any = std::net::SocketAddr::from((std::net::Ipv4Addr::LOCALHOST, 0));
    Listen { grpc: any, http: any }
}

fn database(folder: &Path, name: &str) -> String {
    format!("sqlite://{}", folder.join(format!("{name}.db")).display())
}

fn node(story: &Story, region: &Region, folder: &Path) -> NodeConfig {
    let mut config = NodeConfig { listen: listen(), ..NodeConfig::default() };
    let name = region.code.to_lowercase();
    config.node.id = format!("{name}-1");
    config.node.region.clone_from(&region.code);
    config.node.reference_prefix.clone_from(&region.code);
    config.database.url = database(folder, &name);
    config.database.max_connections = CONNECTIONS;
    let key = |name: &str| format!("{:x}", Sha256::digest(format!("gridcare replay key of {name}").as_bytes()));
    config.keys.pseudonym = key(&region.code);
    config.keys.unique = key("the country");
    config.capabilities = offers();
    "replay".clone_into(&mut config.keys.unique_id);
    if let Some(plan) = story.plan(&region.code) {
        let rate: u64 = plan.sms_parts_per_second.iter().map(|rate| story.scaled(*rate)).sum();
        config.notices.sms_parts_per_second = u32::try_from(rate).unwrap_or(u32::MAX);
    }
    config
}

/// What is counted of a replayed day: whoever calls, and whoever writes a message and is answered.
fn offers() -> Vec<Offer> {
    let offer = |(channel, metric): (contact::Channel, &str)| Offer {
        channel: channel.code().to_owned(),
        metric: metric.to_owned(),
        offered_from: BEFORE,
        reported_from: Some(BEFORE),
        reported_through: None,
    };
    let calls = ["offered", "answered", "abandoned", "busy"].map(|metric| (contact::Channel::Hotline, metric));
    calls.into_iter().chain([(contact::Channel::Sms, "messages")]).map(offer).collect()
}

fn gateway(key: &SecretKey, members: Vec<MemberSeat>, folder: &Path) -> Result<GatewayConfig, Failure> {
    let mut config = GatewayConfig { listen: listen(), members, ..GatewayConfig::default() };
    "VN".clone_into(&mut config.gateway.country);
    config.database.url = database(folder, "gateway");
    config.database.max_connections = CONNECTIONS;
    let path = folder.join("proof.pem");
    let pem = key.to_pem().map_err(|error| Failure::because("the key of proofs", &error))?;
    fs::write(&path, pem).map_err(|error| Failure::because(format!("{}", path.display()), &error))?;
    config.notices.proof_key = Some(path);
    Ok(config)
}

/// A region's message centres, and the courier that carries to them.
fn carry(
    story: &Story,
    region: &Region,
    node: Channel,
    clock: &SharedClock,
    stop: &CancellationToken,
    parts: &mut JoinSet<Failure>,
) -> (Vec<Smsc>, watch::Receiver<CourierState>) {
    let mut config = CourierConfig::default();
    config.courier.name = format!("{}-courier", region.code.to_lowercase());
    config.lease.wait_seconds = WAIT_S;
    config.sms.sender.clone_from(&region.code);
    config.sms.choice = gridcare_courier::smpp::route::Choice::Shared;
    let (mut centres, mut ways) = (Vec::new(), BTreeMap::<String, Arc<dyn Dial>>::new());
    for (rate, number) in story.plan(&region.code).into_iter().flat_map(|plan| &plan.sms_parts_per_second).zip(1..) {
        let rate = u32::try_from(story.scaled(*rate)).unwrap_or(u32::MAX);
        let behaviour = SmscConfig {
            rate,
            latency: Duration::from_millis(40),
            delivery: Duration::from_secs(4),
            undelivered: 0.01,
            seed: u64::from(rate) + number,
            ..SmscConfig::default()
        };
        let centre = Smsc::new(behaviour, Arc::clone(clock), stop.clone());
        let name = format!("{}-{number}", region.code.to_lowercase());
        let rate = NonZeroU32::new(rate).unwrap_or(NonZeroU32::MIN);
        let session = SessionConfig { rate, ..SessionConfig::default() };
        config.sms.centres.push(Centre { name: name.clone(), session, ..Centre::default() });
        ways.insert(name, Arc::new(centre.clone()));
        centres.push(centre);
    }
    let (told, state) = watch::channel(CourierState::default());
    let around =
        Surroundings { clock: Arc::clone(clock), stop: stop.clone(), node: Some(node), centres: ways, state: told };
    let name = config.courier.name.clone();
    parts.spawn(async move { ended(&name, run_among(config, around).await) });
    (centres, state)
}

fn ended<E: std::error::Error + 'static>(name: &str, ended: Result<(), E>) -> Failure {
    match ended {
        Ok(()) => Failure::said(format!("{name}: ended before the replay did")),
        Err(error) => Failure::said(format!("{name}: {}", chain(&error))),
    }
}

async fn first(parts: &mut JoinSet<Failure>) -> Failure {
    match parts.join_next().await {
        Some(Ok(failure)) => failure,
        Some(Err(error)) => Failure::because("a part of the replay", &error),
        None => Failure::said("no part of the replay is running"),
    }
}
