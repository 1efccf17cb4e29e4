//! The long-running roles: configuration, telemetry, signals, and then the role itself.

use clap::{ArgMatches, Command};
use gridcare_chassis::{
    clock::SystemClock,
    config::{self, Settings, Telemetry},
    shutdown, telemetry,
};
use gridcare_courier::CourierConfig;
use gridcare_gateway::config::GatewayConfig;
use gridcare_node::config::NodeConfig;

use crate::{failure::Failure, output};

/// `gridcare node`.
pub(crate) fn node_command() -> Command {
    config::command("node", "Run a corporation's node: its contacts, tickets, figures and feed", NodeConfig::SETTINGS)
}

/// `gridcare gateway`.
pub(crate) fn gateway_command() -> Command {
    config::command("gateway", "Run the national gateway: it reads every node's feed", GatewayConfig::SETTINGS)
}

/// `gridcare courier`.
pub(crate) fn courier_command() -> Command {
    config::command(
        "courier",
        "Run a courier: it carries a node's messages by SMS, email and webhooks",
        CourierConfig::SETTINGS,
    )
}

/// Runs a node until a signal.
pub(crate) async fn node(matches: &ArgMatches) -> Result<(), Failure> {
    let Some(config) = configured::<NodeConfig>(matches)? else { return Ok(()) };
    let (guard, stop) = begin(&config.telemetry, "node", &config.node.id)?;
    let ended = gridcare_node::run(config, SystemClock::shared(), stop, None).await;
    guard.shutdown().await;
    ended.map_err(|error| Failure::because("the node ended", &error))
}

/// Runs a gateway until a signal.
pub(crate) async fn gateway(matches: &ArgMatches) -> Result<(), Failure> {
    let Some(config) = configured::<GatewayConfig>(matches)? else { return Ok(()) };
    let (guard, stop) = begin(&config.telemetry, "gateway", "gateway")?;
    let ended = gridcare_gateway::run(config, SystemClock::shared(), stop, None).await;
    guard.shutdown().await;
    ended.map_err(|error| Failure::because("the gateway ended", &error))
}

/// Runs a courier until a signal.
pub(crate) async fn courier(matches: &ArgMatches) -> Result<(), Failure> {
    let Some(config) = configured::<CourierConfig>(matches)? else { return Ok(()) };
    let (guard, stop) = begin(&config.telemetry, "courier", &config.courier.name)?;
    let ended = gridcare_courier::run(config, SystemClock::shared(), stop).await;
    guard.shutdown().await;
    ended.map_err(|error| Failure::because("the courier ended", &error))
}

/// The configuration, or nothing when it was only to be printed.
fn configured<T: Settings>(matches: &ArgMatches) -> Result<Option<T>, Failure> {
    let config = config::load::<T>(matches).map_err(Failure::said)?;
    if config::print_wanted(matches) {
        output::raw(config::print(&config))?;
        return Ok(None);
    }
    Ok(Some(config))
}

fn begin(
    config: &Telemetry,
    role: &str,
    instance: &str,
) -> Result<(telemetry::Guard, tokio_util::sync::CancellationToken), Failure> {
    let guard =
        telemetry::init(config, role, instance).map_err(|error| Failure::because("telemetry cannot start", &error))?;
    // By the name that every exporter uses, so that restarts are seen by the usual rules.
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are exact in 53 bits")]
    metrics::gauge!("process_start_time_seconds").set(SystemClock::shared().now().as_second() as f64);
    let stop = shutdown::on_signal().map_err(|error| Failure::because("signals cannot be caught", &error))?;
    Ok((guard, stop))
}
