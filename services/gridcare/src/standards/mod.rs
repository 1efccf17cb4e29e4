//! `gridcare standards`: writing, checking, comparing and signing the rules that all share.

mod check;
mod compare;
mod publish;
mod signing;
mod status;
#[cfg(test)]
mod tests;

use std::{fs, path::Path};

use clap::{Args, Subcommand};
use gridcare_domain::standard::{Bundle, Finding, builtin, overlay_schema, read, schema};

use crate::{failure::Failure, output};

/// Write, check, compare and sign standards: the dated rules that all regions share.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
From a change to a rule in force:
  gridcare standards show > evn.yaml          begin with what ships
  $EDITOR evn.yaml                            raise `version`, set `effective_at` to a day to come
  gridcare standards lint evn.yaml            every mistake with its line
  gridcare standards show | gridcare standards diff - evn.yaml
  gridcare keys generate --out standards.key  once; nodes are configured with standards.key.pub
  gridcare standards sign evn.yaml --key standards.key
  gridcare standards verify evn.yaml --trust standards.key.pub

A file named - is standard input.")]
pub(crate) enum Standards {
    Show(Show),
    Schema(Schema),
    Lint(check::Lint),
    Diff(compare::Diff),
    Sign(signing::Sign),
    Verify(signing::Verify),
    Publish(publish::Publish),
    Status(status::Status),
}

/// Print the standard that ships with the product, to begin a new one with.
#[derive(Debug, Args)]
pub(crate) struct Show {}

/// Print the JSON Schema (draft 2020-12) of a standard. Editors check and complete by it; `lint` checks more.
#[derive(Debug, Args)]
#[command(after_help = "\
Example, for editors with the YAML language server:
  gridcare standards schema > standard.schema.json
  and in the first line of the standard:  # yaml-language-server: $schema=standard.schema.json")]
pub(crate) struct Schema {
    /// Of an overlay: what one region promises beyond a standard
    #[arg(long)]
    overlay: bool,
}

impl Standards {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Show(_) => Ok(output::raw(builtin())?),
            Self::Schema(of) => {
                let schema = if of.overlay { overlay_schema() } else { schema() };
                Ok(output::line(format_args!("{schema:#}"))?)
            }
            Self::Lint(lint) => lint.run(),
            Self::Diff(diff) => diff.run(),
            Self::Sign(sign) => sign.run(),
            Self::Verify(verify) => verify.run(),
            Self::Publish(publish) => publish.run().await,
            Self::Status(status) => status.run().await,
        }
    }
}

/// The text of a file, or of standard input.
fn text(path: &Path) -> Result<String, Failure> {
    let text =
        if path == Path::new("-") { std::io::read_to_string(std::io::stdin()) } else { fs::read_to_string(path) };
    text.map_err(|error| Failure::because(path.display(), &error))
}

/// A bundle without errors; otherwise all of them.
fn bundle(path: &Path) -> Result<Bundle, Failure> {
    bundle_of(path, &text(path)?)
}

/// The same of a text that was read from there.
fn bundle_of(path: &Path, yaml: &str) -> Result<Bundle, Failure> {
    read(yaml).map_err(|found| Failure::said(lines(path, &found)))
}

/// Findings as compilers write them, one a line.
fn lines(path: &Path, found: &[Finding]) -> String {
    let lines: Vec<_> = found.iter().map(|finding| format!("{}:{finding}", path.display())).collect();
    lines.join("\n")
}
