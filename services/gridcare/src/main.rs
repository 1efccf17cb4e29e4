//! The one binary of Gridcare: a node, a gateway, the tools around them, and a whole country for trying it out.

mod bench;
mod billing;
mod connection;
mod contacts;
mod customers;
mod demo;
mod failure;
mod health;
mod keys;
mod metric;
mod notice;
mod outages;
mod output;
mod process;
mod replay;
mod report;
mod screen;
mod smsc_sim;
mod standards;
mod status;
mod time;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::failure::Failure;

/// Customer care for a country of electricity utilities: every corporation runs a node on its own data, and one gateway
/// shows the whole country, with how complete the picture is.
#[derive(Debug, Parser)]
#[command(name = "gridcare", version, arg_required_else_help = true, max_term_width = 120)]
#[command(after_help = "\
Start with:
  gridcare demo               five nodes and a gateway on this machine, with the figures of 2013
  gridcare replay 2013-05-22  the day on which 22 provinces lost supply, told within thirty minutes
  gridcare node --help        every setting, as flag, variable and key of the file
  gridcare status --watch     the national table of a gateway

Exit codes: 0 done, 1 not done or the answer is no (why is on standard error), 2 wrong usage.")]
struct Cli {
    #[command(subcommand)]
    tool: Tool,
}

/// Everything but the roles, whose flags come from their settings.
#[derive(Debug, Subcommand)]
enum Tool {
    Demo(demo::Demo),
    Replay(replay::Replay),
    Status(status::Status),
    #[command(subcommand)]
    Contacts(contacts::Contacts),
    #[command(subcommand)]
    Customers(customers::Customers),
    #[command(subcommand)]
    Metric(metric::Metric),
    #[command(subcommand)]
    Outages(outages::Outages),
    #[command(subcommand)]
    Report(report::Report),
    Health(health::Health),
    Billing(billing::Billing),
    SmscSim(smsc_sim::SmscSim),
    #[command(subcommand)]
    Standards(standards::Standards),
    #[command(subcommand)]
    Keys(keys::Keys),
    #[command(subcommand)]
    Notice(notice::Notice),
    #[command(subcommand)]
    Bench(bench::Bench),
}

/// The tools, and the roles.
fn command() -> clap::Command {
    let roles = [process::node_command(), process::gateway_command(), process::courier_command()];
    Cli::command().subcommands(roles)
}

fn main() -> ExitCode {
    let matches = command().get_matches();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::because("the runtime cannot start", &error).tell(),
    };
    let ended = runtime.block_on(async {
        match matches.subcommand() {
            Some(("node", matches)) => process::node(matches).await,
            Some(("gateway", matches)) => process::gateway(matches).await,
            Some(("courier", matches)) => process::courier(matches).await,
            _ => tool(&matches).await,
        }
    });
    // A thread that still waits for a slow disk must not hold up the answer.
    runtime.shutdown_background();
    ended.map_or_else(|failure| failure.tell(), |()| ExitCode::SUCCESS)
}

async fn tool(matches: &clap::ArgMatches) -> Result<(), Failure> {
    match Cli::from_arg_matches(matches).map_err(Failure::said)?.tool {
        Tool::Demo(demo) => demo.run().await,
        // It has a runtime of its own, whose clock is stepped.
        Tool::Replay(replay) => tokio::task::block_in_place(|| replay.run()),
        Tool::Status(status) => status.run().await,
        Tool::Contacts(contacts) => contacts.run().await,
        Tool::Customers(customers) => customers.run().await,
        Tool::Metric(metric) => metric.run().await,
        Tool::Outages(outages) => outages.run().await,
        Tool::Report(report) => report.run().await,
        Tool::Health(health) => health.run().await,
        Tool::Standards(standards) => standards.run().await,
        Tool::Keys(keys) => keys.run(),
        Tool::Notice(notice) => notice.run().await,
        Tool::Billing(billing) => billing.run().await,
        Tool::SmscSim(smsc) => smsc.run().await,
        Tool::Bench(bench) => bench.run().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }
}
