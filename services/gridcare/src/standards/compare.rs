use std::path::PathBuf;

use clap::Args;
use gridcare_domain::standard::diff;

use super::bundle;
use crate::{failure::Failure, output};

/// Tell what changes from one standard to another, by meaning: what is promised more or less, what comes and goes. How a
/// file is spelt does not matter.
#[derive(Debug, Args)]
#[command(after_help = "\
Prints one change a line: added, removed, tightened (promises more), loosened (promises less) or changed. Nothing is printed
when both mean the same; the exit code is 0 either way.

Example:
  gridcare standards diff evn-2013.1.yaml evn-2013.2.yaml
  tightened target restore_after_fault, rule from 2026-01-01: 2 h -> 90 min")]
pub(crate) struct Diff {
    /// The old one
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The new one
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Print one JSON list
    #[arg(long)]
    json: bool,
}

impl Diff {
    pub(super) fn run(self) -> Result<(), Failure> {
        let changes = diff(&bundle(&self.old)?, &bundle(&self.new)?);
        if self.json {
            let list = serde_json::to_value(&changes).map_err(|error| Failure::because("the changes", &error))?;
            output::line(list)?;
            return Ok(());
        }
        for change in changes {
            output::line(change)?;
        }
        Ok(())
    }
}
