//! Reading the layers, and finding everything that is wrong with them in one go.

use std::{collections::BTreeMap, fs, path::PathBuf};

use clap::ArgMatches;
use figment::{
    Figment,
    providers::Serialized,
    value::{Empty, Value},
};

use super::{ConfigError, Setting, Settings, flags::FILE};

/// Defaults < file < environment < flags. Refuses with every violation at once.
pub fn load<T: Settings>(matches: &ArgMatches) -> Result<T, ConfigError> {
    load_from(
        matches,
        &std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
    )
}

/// [`load`] with the environment as an argument.
pub fn load_from<T: Settings>(matches: &ArgMatches, environment: &BTreeMap<String, String>) -> Result<T, ConfigError> {
    let mut layers = Layers::<T>::new();
    let file =
        matches.get_one::<PathBuf>(FILE).cloned().or_else(|| environment.get("GRIDCARE_CONFIG").map(PathBuf::from));
    if let Some(file) = file {
        layers.file(&file);
    }
    for setting in T::SETTINGS {
        // An empty variable is what compose files make of an absent one.
        if let Some(text) = environment.get(&setting.variable()).filter(|text| !text.is_empty()) {
            layers.text(setting, text, &setting.variable());
        }
    }
    for setting in T::SETTINGS {
        if let Ok(Some(text)) = matches.try_get_one::<String>(setting.path) {
            layers.text(setting, text, &format!("--{}", setting.flag()));
        }
    }
    layers.finish()
}

/// The layers so far, and what was wrong with them.
struct Layers<T> {
    merged: Figment,
    violations: Vec<String>,
    /// Keys with a refused value; a complaint of [`Settings::check`] about them would only confuse.
    refused: Vec<&'static str>,
    _of: std::marker::PhantomData<T>,
}

impl<T: Settings> Layers<T> {
    fn new() -> Self {
        let merged = Figment::from(Serialized::defaults(T::default()));
        Self { merged, violations: Vec::new(), refused: Vec::new(), _of: std::marker::PhantomData }
    }

    fn file(&mut self, path: &std::path::Path) {
        let shown = path.display();
        let read = fs::read_to_string(path).map_err(|error| format!("--config: cannot read {shown}: {error}"));
        let parsed = read.and_then(|text| {
            let value = serde_yaml_ng::from_str::<serde_yaml_ng::Value>(&text).map_err(|error| error.to_string());
            value
                .and_then(|value| Value::serialize(value).map_err(|error| error.to_string()))
                .map_err(|error| format!("--config: {shown} is not YAML as expected: {error}"))
        });
        let value = match parsed {
            Ok(Value::Empty(..)) => return,
            Ok(value @ Value::Dict(..)) => value,
            Ok(_) => return self.violations.push(format!("--config: {shown} must hold keys and values at its top")),
            Err(violation) => return self.violations.push(violation),
        };
        let mut found = Vec::new();
        leaves(&value, String::new(), &|path| T::SETTINGS.iter().any(|setting| setting.path == path), &mut found);
        for (key, value) in found {
            match T::SETTINGS.iter().find(|setting| setting.path == key) {
                Some(setting) => self.value(setting, value, &format!("in {shown}")),
                // A section without keys, such as `tls:` with everything under it commented out.
                None if matches!(value, Value::Empty(..)) && is_section::<T>(&key) => {}
                None => self.violations.push(unknown::<T>(&key, &shown.to_string())),
            }
        }
    }

    /// A variable or a flag: text where the key takes text, else YAML.
    fn text(&mut self, setting: &'static Setting, text: &str, source: &str) {
        let plain = Value::from(text);
        if setting.secret && text.starts_with('@') || Self::accepts(setting, &plain).is_ok() {
            return self.value(setting, plain, source);
        }
        let parsed = serde_yaml_ng::from_str::<serde_yaml_ng::Value>(text).ok();
        self.value(setting, parsed.and_then(|value| Value::serialize(value).ok()).unwrap_or(plain), source);
    }

    fn value(&mut self, setting: &'static Setting, mut value: Value, source: &str) {
        if setting.secret
            && let Some(path) = value.as_str().and_then(|text| text.strip_prefix('@'))
        {
            match fs::read_to_string(path) {
                Ok(text) => value = Value::from(text.trim_end_matches(['\r', '\n'])),
                Err(error) => return self.refuse(setting, source, &format!("cannot read {path}: {error}")),
            }
        }
        match Self::accepts(setting, &value) {
            Ok(()) => self.merged = std::mem::take(&mut self.merged).merge((setting.path, value)),
            Err(reason) => {
                // The reason quotes the value.
                let reason = if setting.secret { "the value does not fit".to_owned() } else { reason };
                self.refuse(setting, source, &reason);
            }
        }
    }

    fn refuse(&mut self, setting: &'static Setting, source: &str, reason: &str) {
        self.violations.push(format!("{} ({source}): {reason}; expected: {}", setting.path, setting.help));
        self.refused.push(setting.path);
    }

    /// Each value is tried alone on top of the defaults, so that one wrong value does not hide the next.
    fn accepts(setting: &Setting, value: &Value) -> Result<(), String> {
        let trial = Figment::from(Serialized::defaults(T::default())).merge((setting.path, value.clone()));
        trial.extract::<T>().map(drop).map_err(|error| {
            let inside = error.path.join(".");
            let inside = inside.strip_prefix(setting.path).unwrap_or_default().trim_start_matches('.');
            if inside.is_empty() { error.kind.to_string() } else { format!("{inside}: {}", error.kind) }
        })
    }

    fn finish(mut self) -> Result<T, ConfigError> {
        match self.merged.extract::<T>() {
            Ok(config) => {
                let refused =
                    |violation: &str| self.refused.iter().any(|key| violation.starts_with(&format!("{key}:")));
                self.violations.extend(config.check().into_iter().filter(|violation| !refused(violation)));
                if self.violations.is_empty() {
                    return Ok(config);
                }
            }
            Err(error) => self.violations.extend(error.into_iter().map(|error| error.to_string())),
        }
        Err(ConfigError { violations: self.violations })
    }
}

/// Walks down to the keys that `is_leaf` names, and to what is no map.
pub(super) fn leaves(value: &Value, path: String, is_leaf: &dyn Fn(&str) -> bool, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Dict(_, entries) if !is_leaf(&path) && (path.is_empty() || !entries.is_empty()) => {
            for (key, value) in entries {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                leaves(value, path, is_leaf, found);
            }
        }
        Value::Dict(tag, entries) if entries.is_empty() && !is_leaf(&path) => {
            found.push((path, Value::Empty(*tag, Empty::None)));
        }
        other => found.push((path, other.clone())),
    }
}

fn is_section<T: Settings>(key: &str) -> bool {
    T::SETTINGS.iter().any(|setting| setting.path.strip_prefix(key).is_some_and(|rest| rest.starts_with('.')))
}

fn unknown<T: Settings>(key: &str, file: &str) -> String {
    if is_section::<T>(key) {
        return format!("{key} (in {file}): this is a section; put keys under it");
    }
    let near = T::SETTINGS.iter().map(|setting| (distance(key, setting.path), setting.path)).min();
    match near {
        Some((steps, path)) if steps <= 3 => format!("{key} (in {file}): unknown key; did you mean {path}?"),
        _ => format!("{key} (in {file}): unknown key; remove it, or see --help for all keys"),
    }
}

/// How many letters must change to turn one key into the other.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let here = (diagonal + usize::from(x != y)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = row[j + 1];
            row[j + 1] = here;
        }
    }
    row[b.len()]
}
