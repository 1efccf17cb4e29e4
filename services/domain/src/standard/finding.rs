//! What is wrong with a document, and where.

use std::fmt;

use serde::Serialize;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The document cannot be used.
    Error,
    /// It can, but somebody should look at it.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// One thing that is wrong, at its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Line in the document, from 1; 0 when the document was not read from text.
    pub line: usize,
    /// Column in characters, from 1; 0 when the document was not read from text.
    pub column: usize,
    /// How bad it is.
    pub severity: Severity,
    /// Stable, upper snake case.
    pub code: &'static str,
    /// Lowercase, without a full stop; says what to do.
    pub message: String,
    /// Where it is by names, such as `targets[3].rules[0].limit`.
    pub path: Path,
}

impl Finding {
    /// An error at `path`; its line is found later.
    #[must_use]
    pub fn error(path: &Path, code: &'static str, message: impl Into<String>) -> Self {
        Self { line: 0, column: 0, severity: Severity::Error, code, message: message.into(), path: path.clone() }
    }

    /// A warning at `path`; its line is found later.
    #[must_use]
    pub fn warning(path: &Path, code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(path, code, message) }
    }

    /// The same finding at a place of the text.
    #[must_use]
    pub(crate) fn at(mut self, (line, column): (usize, usize)) -> Self {
        (self.line, self.column) = (line, column);
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}: {}", self.line, self.column, self.severity, self.code, self.message)
    }
}

/// Whether any finding forbids use.
#[must_use]
pub fn has_errors(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity == Severity::Error)
}

/// One step into a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Key(String),
    Index(usize),
}

/// The way from the root of a document to one of its values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Path(pub(crate) Vec<Step>);

impl Path {
    /// The value under `key` of the value here.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step::Key(key.to_owned()));
        Self(steps)
    }

    /// The value at `index` of the list here.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step::Index(index));
        Self(steps)
    }

    /// Element `index` of the list under `key`.
    #[must_use]
    pub fn item(&self, key: &str, index: usize) -> Self {
        self.key(key).index(index)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if at == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

impl Serialize for Path {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// The known word that somebody who wrote `word` most likely meant.
pub(crate) fn meant<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let distance = |known: &str| strsim::damerau_levenshtein(&word, &known.to_lowercase());
    let near = known.into_iter().map(|known| (distance(known), known)).min_by_key(|(distance, _)| *distance)?;
    (near.0 <= word.chars().count().div_ceil(3).min(4)).then_some(near.1)
}

/// `, did you mean …`, or nothing.
pub(crate) fn hint<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    // A document may hold a word of any length; what is that long was no slip of the finger.
    let near = if word.len() > 80 { None } else { meant(word, known) };
    near.map_or_else(String::new, |known| format!(", did you mean `{known}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_guessed_and_a_stranger_is_not() {
        let known = ["calendars", "categories", "targets"];
        assert_eq!(meant("calender", known), Some("calendars"));
        assert_eq!(meant("Targts", known), Some("targets"));
        assert_eq!(meant("holidays", known), None);
        assert_eq!(meant("x", []), None);
        assert_eq!(hint(&"a".repeat(1000), known), "");
    }

    #[test]
    fn a_path_reads_as_people_write_it() {
        let path = Path::default().item("targets", 3).item("rules", 0).key("limit");
        assert_eq!(path.to_string(), "targets[3].rules[0].limit");
        assert_eq!(Path::default().to_string(), "");
    }
}
