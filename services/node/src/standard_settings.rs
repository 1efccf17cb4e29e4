use std::{collections::BTreeSet, fs, path::PathBuf};

use gridcare_chassis::config::{Setting, TrustedKey};
use gridcare_domain::{
    refusal::Refusal,
    standard::{
        FEDERATED, Finding, INDISPENSABLE, Overlay, PublicKey, Severity, Standard, builtin, read, read_overlay,
    },
};
use serde::{Deserialize, Serialize};

/// Whose rules this node takes, and what it promises beyond them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StandardSettings {
    /// Whose bundles are taken; nobody's when empty.
    pub trusted_keys: Vec<TrustedKey>,
    /// YAML file with what this node promises beyond the standard.
    pub overlay: Option<PathBuf>,
    /// Federated fields that may leave at most; whatever the standard lets go when absent.
    pub exports: Option<Vec<String>>,
    /// What a fresh node begins with: `builtin`, or a YAML file.
    pub initial: String,
}

impl Default for StandardSettings {
    fn default() -> Self {
        Self { trusted_keys: Vec::new(), overlay: None, exports: None, initial: "builtin".to_owned() }
    }
}

/// What the settings say, read.
pub(crate) struct Prepared {
    pub(crate) trusted: Vec<PublicKey>,
    pub(crate) overlay: Option<(Overlay, String)>,
    pub(crate) exports: Option<Vec<String>>,
    /// Text of the bundle that a fresh node begins with, and the same as it is without an overlay.
    pub(crate) initial: (String, Standard),
}

impl StandardSettings {
    /// Its keys, under `standards`.
    pub(crate) const SETTINGS: [Setting; 4] = [
        Setting::new("standards.trusted_keys", "list of {id, public}: whose bundles of rules are taken"),
        Setting::new("standards.overlay", "YAML file with what this node promises beyond the standard"),
        Setting::new("standards.exports", "list of federated fields that may leave at most"),
        Setting::new("standards.initial", "what a fresh node begins with: builtin, or a YAML file"),
    ];

    /// Violations of its rules, those of the files that it names among them.
    pub(crate) fn check(&self) -> Vec<String> {
        self.read().err().unwrap_or_default()
    }

    /// Reads keys and files, or says everything that is wrong with them.
    pub(crate) fn read(&self) -> Result<Prepared, Vec<String>> {
        let mut found = Vec::new();
        let trusted = TrustedKey::read_all("standards.trusted_keys", &self.trusted_keys, &mut found);
        self.check_exports(&mut found);
        let initial = self.initial(&mut found);
        let overlay = self.overlay(&mut found);
        if let Some((_, standard)) = &initial {
            let refusals = against(standard, overlay.as_ref().map(|(overlay, _)| overlay), self.exports.as_deref());
            found.extend(refusals.iter().map(complaint));
        }
        match initial {
            Some(initial) if found.is_empty() => {
                Ok(Prepared { trusted, overlay, exports: self.exports.clone(), initial })
            }
            _ => Err(found),
        }
    }

    fn check_exports(&self, found: &mut Vec<String>) {
        let mut seen = BTreeSet::new();
        for field in self.exports.iter().flatten() {
            if !FEDERATED.contains(&field.as_str()) {
                found.push(format!(
                    "standards.exports: {field} is no federated field; give some of {}",
                    FEDERATED.join(", ")
                ));
            }
            if !seen.insert(field) {
                found.push(format!("standards.exports: {field} stands twice; leave one"));
            }
        }
    }

    fn initial(&self, found: &mut Vec<String>) -> Option<(String, Standard)> {
        let text = match self.initial.as_str() {
            "builtin" => builtin().to_owned(),
            file => text_of("standards.initial", file, found)?,
        };
        match read(&text).and_then(Standard::compile) {
            Ok(standard) => Some((text, standard)),
            Err(findings) => {
                found.extend(errors("standards.initial", &self.initial, &findings));
                None
            }
        }
    }

    fn overlay(&self, found: &mut Vec<String>) -> Option<(Overlay, String)> {
        let file = self.overlay.as_ref()?.display().to_string();
        let text = text_of("standards.overlay", &file, found)?;
        match read_overlay(&text) {
            Ok(overlay) => Some((overlay, text)),
            Err(findings) => {
                found.extend(errors("standards.overlay", &file, &findings));
                None
            }
        }
    }
}

/// What this node's settings have against a standard: an overlay that is laxer, fields that must not leave.
pub(crate) fn against(standard: &Standard, overlay: Option<&Overlay>, exports: Option<&[String]>) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    if let Some(overlay) = overlay.filter(|overlay| overlay.fits(standard.bundle())) {
        refusals.extend(standard.with_overlay(overlay).err().into_iter().flatten());
    }
    if let Some(limit) = exports {
        let beyond = |field: &&String| !limit.contains(field) && !INDISPENSABLE.contains(&field.as_str());
        for field in standard.bundle().export.iter().filter(beyond) {
            let message = format!(
                "{} lets {field} leave the region; let it go, or begin with another standard",
                standard.version()
            );
            let kind = gridcare_domain::refusal::RefusalKind::Precondition;
            refusals.push(Refusal::new(kind, "WIDER_EXPORT", message));
        }
    }
    refusals
}

/// A refusal as a violation of the setting that causes it.
pub(crate) fn complaint(refusal: &Refusal) -> String {
    let path = if refusal.reason == "WIDER_EXPORT" { "standards.exports" } else { "standards.overlay" };
    format!("{path}: {refusal}")
}

fn text_of(path: &str, file: &str, found: &mut Vec<String>) -> Option<String> {
    fs::read_to_string(file).map_err(|error| found.push(format!("{path}: cannot read {file}: {error}"))).ok()
}

fn errors(path: &str, file: &str, findings: &[Finding]) -> Vec<String> {
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
    errors.map(|finding| format!("{path}: {file}:{finding}")).collect()
}
