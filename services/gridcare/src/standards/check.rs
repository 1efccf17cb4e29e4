use std::path::PathBuf;

use clap::Args;
use gridcare_domain::standard::{Finding, Severity, Standard, lint, lint_overlay, read_overlay};
use serde_json::{Value, json};

use super::{bundle, lines, text};
use crate::{failure::Failure, output};

/// Find what is wrong: overlaps, gaps, rules that never hold, names of things that are not there, and every mistake of form.
#[derive(Debug, Args)]
#[command(after_help = "\
Prints FILE:LINE:COLUMN: SEVERITY: CODE: MESSAGE for each finding, in the order of the lines. Exits with 1 when any is an
error; warnings alone exit with 0. A file with the key `overlay:` is checked as an overlay.

Examples:
  gridcare standards lint evn.yaml
  gridcare standards lint --json evn.yaml | jq '.[] | select(.severity == \"error\")'
  gridcare standards lint hcmc-fast.yaml --over evn.yaml")]
pub(crate) struct Lint {
    /// The files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Whether overlays fit this standard too: limits that are lower and count alike, no wider export
    #[arg(long, value_name = "FILE")]
    over: Option<PathBuf>,
    /// Print one JSON list
    #[arg(long)]
    json: bool,
}

impl Lint {
    pub(super) fn run(self) -> Result<(), Failure> {
        let over = self.over.as_deref().map(bundle).transpose()?;
        let over = match over.map(Standard::compile).transpose() {
            Ok(over) => over,
            Err(found) => return Err(Failure::said(lines(&self.over.unwrap_or_default(), &found))),
        };
        let (mut errors, mut all) = (false, Vec::new());
        for file in &self.files {
            let yaml = text(file)?;
            let found = findings(&yaml, over.as_ref());
            errors |= found.iter().any(|finding| finding.severity == Severity::Error);
            if self.json {
                all.extend(found.iter().map(|finding| value(&file.display().to_string(), finding)));
            } else if !found.is_empty() {
                output::line(lines(file, &found))?;
            }
        }
        if self.json {
            output::line(Value::Array(all))?;
        }
        if errors { Err(Failure::No) } else { Ok(()) }
    }
}

/// What is wrong with a standard or an overlay.
pub(super) fn findings(yaml: &str, over: Option<&Standard>) -> Vec<Finding> {
    if !yaml.lines().any(|line| line.starts_with("overlay:")) {
        return lint(yaml);
    }
    let mut found = lint_overlay(yaml);
    if let (Some(standard), Ok(overlay)) = (over, read_overlay(yaml)) {
        for refusal in standard.with_overlay(&overlay).err().unwrap_or_default() {
            let target = refusal.metadata.iter().find(|(key, _)| *key == "target").map(|(_, target)| target);
            let line = target.and_then(|id| line_of(yaml, id)).unwrap_or(1);
            let finding = Finding::error(&gridcare_domain::standard::Path::default(), refusal.reason, refusal.message);
            found.push(Finding { line, column: 1, ..finding });
        }
    }
    found
}

/// The line on which an overlay names a target.
fn line_of(yaml: &str, id: &str) -> Option<usize> {
    let names = |line: &str| line.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word == id);
    yaml.lines().position(|line| line.contains("id:") && names(line)).map(|at| at + 1)
}

fn value(file: &str, finding: &Finding) -> Value {
    json!({
        "file": file, "line": finding.line, "column": finding.column, "severity": finding.severity,
        "code": finding.code, "message": finding.message, "path": finding.path,
    })
}
