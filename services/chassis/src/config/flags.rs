//! The command line that a list of settings makes.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::Setting;

/// The ids of the two flags that are not settings; no path of a setting has a dash.
pub(super) const FILE: &str = "config-file";
pub(super) const PRINT: &str = "print-config";

/// A subcommand with `--config FILE`, `--print-config`, and one flag for each setting.
#[must_use]
pub fn command(name: &'static str, about: &'static str, settings: &'static [Setting]) -> Command {
    let file = Arg::new(FILE)
        .long("config")
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .help("YAML file with settings [env: GRIDCARE_CONFIG]");
    let print = Arg::new(PRINT)
        .long("print-config")
        .action(ArgAction::SetTrue)
        .help("Print the whole configuration as it would be used, secrets hidden, and exit");
    let flags = settings.iter().map(|setting| {
        let secret = if setting.secret { "; @FILE reads it from a file" } else { "" };
        Arg::new(setting.path)
            .long(setting.flag())
            .value_name("VALUE")
            // A negative number or a value such as -10% is a value, not another flag.
            .allow_hyphen_values(true)
            .hide_env_values(true)
            .help(format!("{}{secret} [env: {}]", setting.help, setting.variable()))
            .help_heading("Settings")
    });
    Command::new(name).about(about).arg(file).arg(print).args(flags)
}

/// Whether `--print-config` was given.
#[must_use]
pub fn print_wanted(matches: &ArgMatches) -> bool {
    matches.get_flag(PRINT)
}
