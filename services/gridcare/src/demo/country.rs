//! Five nodes and a gateway in this process.

use std::{
    fmt::Write as _,
    net::{Ipv4Addr, SocketAddr},
};

use gridcare_chassis::{clock::SystemClock, config::Listen};
use gridcare_gateway::{GatewayConfig, config::MemberSeat};
use gridcare_node::config::NodeConfig;
use sha2::{Digest as _, Sha256};
use tokio::{sync::oneshot, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{
    facts::{Country, Published, Region},
    folder::Place,
    plan,
};
use crate::failure::{Failure, chain};

/// Six processes in one share the machine; each needs few connections.
const CONNECTIONS: u32 = 6;

/// A running server.
#[derive(Debug)]
struct At {
    /// `gateway`, or the code of a region.
    name: String,
    grpc: SocketAddr,
    http: SocketAddr,
}

/// The country while it runs.
pub(super) struct Running {
    gateway: At,
    nodes: Vec<At>,
    stop: CancellationToken,
}

/// What runs, apart from where it is, so that both can be used at once.
pub(super) struct Servers(JoinSet<Failure>);

impl Servers {
    /// Waits until one of them ends, which none should.
    pub(super) async fn failure(&mut self) -> Failure {
        first(&mut self.0).await
    }

    /// Waits until all have ended, once they were told to.
    pub(super) async fn ended(mut self) {
        while self.0.join_next().await.is_some() {}
    }
}

impl Running {
    /// Starts the nodes, and then the gateway, which must know where they are.
    pub(super) async fn start(
        country: &Country,
        place: &Place,
        port_base: Option<u16>,
    ) -> Result<(Self, Servers), Failure> {
        let stop = CancellationToken::new();
        let (mut servers, mut nodes, mut members) = (JoinSet::new(), Vec::new(), Vec::new());
        for (region, number) in country.regions.iter().zip(1..) {
            let listen = listen(port_base, number);
            let config = node(region, listen, place.database(&region.code.to_lowercase()).await?);
            let seat = (config.node.id.clone(), config.node.region.clone());
            let (ready, bound) = oneshot::channel();
            let (stop, name) = (stop.clone(), region.code.clone());
            servers.spawn(async move {
                let ended = gridcare_node::run(config, SystemClock::shared(), stop, Some(ready)).await;
                ended.map_or_else(|error| failed(&name, &error), |()| ended_early(&name))
            });
            let Ok(bound) = bound.await else { return Err(first(&mut servers).await) };
            let endpoint = format!("http://{}", bound.grpc);
            members.push(MemberSeat { node: seat.0, region: seat.1, endpoint, from: None });
            nodes.push(At { name: region.code.clone(), grpc: bound.grpc, http: bound.http });
        }
        let mut config = GatewayConfig { listen: listen(port_base, 0), members, ..GatewayConfig::default() };
        config.gateway.country.clone_from(&country.country);
        config.database.url = place.database("gateway").await?;
        config.database.max_connections = CONNECTIONS;
        let (ready, bound) = oneshot::channel();
        let stopping = stop.clone();
        servers.spawn(async move {
            let ended = gridcare_gateway::run(config, SystemClock::shared(), stopping, Some(ready)).await;
            ended.map_or_else(|error| failed("gateway", &error), |()| ended_early("gateway"))
        });
        let Ok(bound) = bound.await else { return Err(first(&mut servers).await) };
        let gateway = At { name: "gateway".to_owned(), grpc: bound.grpc, http: bound.http };
        Ok((Self { gateway, nodes, stop }, Servers(servers)))
    }

    /// Tells them all to end.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }

    pub(super) fn gateway_url(&self) -> String {
        format!("http://{}", self.gateway.grpc)
    }

    /// The address of a region's node.
    pub(super) fn node_url(&self, region: &str) -> Option<String> {
        self.nodes.iter().find(|node| node.name == region).map(|node| format!("http://{}", node.grpc))
    }

    /// Where everything is, and what to try.
    pub(super) fn guide(&self, published: &Published) -> String {
        let mut text = String::from("\n");
        for at in std::iter::once(&self.gateway).chain(&self.nodes) {
            let _ = writeln!(text, "{:<8} gRPC http://{:<16} probes and metrics http://{}", at.name, at.grpc, at.http);
        }
        let program = std::env::args().next().unwrap_or_else(|| "gridcare".to_owned());
        let period = published.period;
        let gateway = self.gateway_url();
        let node = self.node_url("HANOI").unwrap_or_default();
        let _ = writeln!(text, "\nTry, in another terminal:");
        let _ = writeln!(
            text,
            "  {program} status --watch --address {gateway} --from {} --until {}",
            period.from, period.until
        );
        let _ = writeln!(text, "  grpcurl -plaintext {} list", self.gateway.grpc);
        let _ = writeln!(
            text,
            "  {program} contacts import --address {node} --format queue_log /var/log/asterisk/queue_log"
        );
        let _ = writeln!(text, "  {program} replay 2013-05-22");
        let _ = writeln!(text, "\nCtrl-C ends the country; its databases stay.");
        text
    }
}

/// Ten ports for each; free ones where no first is given.
fn listen(base: Option<u16>, number: u16) -> Listen {
    let port = |further: u16| base.map_or(0, |base| base + 10 * number + further);
    let at = |further| SocketAddr::from((Ipv4Addr::LOCALHOST, port(further)));
    Listen { grpc: at(0), http: at(1) }
}

fn node(region: &Region, listen: Listen, database: String) -> NodeConfig {
    let mut config = NodeConfig { listen, capabilities: plan::offers(&region.code), ..NodeConfig::default() };
    config.node.id = format!("{}-1", region.code.to_lowercase());
    config.node.region.clone_from(&region.code);
    config.node.reference_prefix.clone_from(&region.code);
    config.database.url = database;
    config.database.max_connections = CONNECTIONS;
    // Anybody can make these keys, which is no loss: nobody whom they would hide exists.
    config.keys.pseudonym = key(&region.code);
    config.keys.unique = key("the country");
    "demo".clone_into(&mut config.keys.unique_id);
    config
}

fn key(name: &str) -> String {
    format!("{:x}", Sha256::digest(format!("gridcare demo key of {name}").as_bytes()))
}

fn failed(name: &str, error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::said(format!("{name}: {}", chain(error)))
}

fn ended_early(name: &str) -> Failure {
    Failure::said(format!("{name}: ended before the demo did"))
}

/// The first server that ended, and why.
async fn first(servers: &mut JoinSet<Failure>) -> Failure {
    match servers.join_next().await {
        Some(Ok(failure)) => failure,
        Some(Err(error)) => Failure::because("a server of the demo", &error),
        None => Failure::said("no server of the demo is running"),
    }
}

#[cfg(test)]
mod tests {
    use gridcare_chassis::config::Settings as _;

    use super::*;

    #[test]
    fn every_node_has_a_sound_configuration_and_ports_of_its_own() {
        let country = Country::read().unwrap();
        let mut ports = std::collections::BTreeSet::new();
        for (region, number) in country.regions.iter().zip(1..) {
            let config = node(region, listen(Some(7_400), number), "sqlite:///tmp/x.db".to_owned());
            assert_eq!(config.check(), Vec::<String>::new());
            assert!(ports.insert(config.listen.grpc.port()) && ports.insert(config.listen.http.port()));
        }
        assert_eq!(listen(None, 3).grpc.port(), 0);
    }
}
