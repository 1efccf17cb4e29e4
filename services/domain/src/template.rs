//! Texts with placeholders, in Vietnamese and English.
//!
//! `{customer_name}` and `{ticket.reference}` stand for values, `{{` and `}}` for braces. A value goes in as it is and is never
//! read again, so that nobody's name can pull in what is not theirs.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::{Deserialize, Serialize};

use crate::{
    contact::code::codes,
    refusal::{Refusal, RefusalKind},
};

/// Longest name of a placeholder, in bytes.
pub const NAME_LIMIT: usize = 64;

codes! {
    /// A language that texts are written in.
    Language {
        /// Vietnamese.
        Vietnamese = 1 "vi",
        /// English.
        English = 2 "en",
    }
}

/// What to do where a template lacks the language asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    /// Take the Vietnamese text.
    Vietnamese,
    /// Say no.
    Refuse,
}

/// A text in both languages, as a standard lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// Its name within the standard.
    pub code: String,
    /// The Vietnamese text, which there always is.
    pub vi: String,
    /// The English text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub en: Option<String>,
}

/// What is wrong with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mistake {
    /// `{` without an end.
    Unclosed,
    /// `}` without a start.
    Unopened,
    /// `{}`.
    Empty,
    /// A name is words of lowercase letters, digits and underscores, each beginning with a letter, joined by dots.
    BadName,
}

/// A mistake and its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseError {
    /// The character at which it is, counted from 1.
    pub position: usize,
    /// What it is.
    pub mistake: Mistake,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.mistake {
            Mistake::Unclosed => "a brace is never closed: add }, or write {{ for a brace",
            Mistake::Unopened => "a brace was never opened: write }} for a brace",
            Mistake::Empty => "a placeholder has no name: write one between the braces, or {{}} for braces",
            Mistake::BadName => "a placeholder has a name that is none: use lowercase letters, digits, _ and dots",
        };
        write!(f, "character {}: {what}", self.position)
    }
}

impl std::error::Error for ParseError {}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Placeholder(String),
}

/// A text that was read, ready to be filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    parts: Vec<Part>,
}

impl Parsed {
    /// Reads a text, or says where it cannot be read and why.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut characters = text.chars().enumerate().peekable();
        while let Some((index, character)) = characters.next() {
            let error = |mistake| ParseError { position: index + 1, mistake };
            let doubled = characters.peek().is_some_and(|(_, next)| *next == character);
            match character {
                '{' | '}' if doubled => {
                    characters.next();
                    plain.push(character);
                }
                '}' => return Err(error(Mistake::Unopened)),
                '{' => {
                    let mut name = String::new();
                    loop {
                        match characters.next() {
                            None | Some((_, '{')) => return Err(error(Mistake::Unclosed)),
                            Some((_, '}')) => break,
                            Some((_, character)) => name.push(character),
                        }
                    }
                    if name.is_empty() {
                        return Err(error(Mistake::Empty));
                    }
                    if !is_name(&name) {
                        return Err(error(Mistake::BadName));
                    }
                    if !plain.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut plain)));
                    }
                    parts.push(Part::Placeholder(name));
                }
                _ => plain.push(character),
            }
        }
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self { parts })
    }

    /// The names of all placeholders, each once, in order of the alphabet.
    #[must_use]
    pub fn placeholders(&self) -> BTreeSet<&str> {
        let names =
            self.parts.iter().filter_map(|part| if let Part::Placeholder(name) = part { Some(name) } else { None });
        names.map(String::as_str).collect()
    }

    /// The text with its values; refused with all names that have none.
    pub fn render(&self, values: &BTreeMap<&str, String>) -> Result<String, Refusal> {
        let missing: Vec<_> = self.placeholders().into_iter().filter(|name| !values.contains_key(name)).collect();
        if !missing.is_empty() {
            let missing = missing.join(", ");
            let message = format!("the template needs values for {missing}: give them, or take another template");
            return Err(Refusal::new(RefusalKind::Precondition, "MISSING_VALUES", message).with("missing", missing));
        }
        let value = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Placeholder(name) => values.get(name.as_str()).cloned().unwrap_or_default(),
        };
        Ok(self.parts.iter().map(value).collect())
    }
}

impl Template {
    /// The text of a language, or what stands in for it.
    pub fn text(&self, language: Language, fallback: Fallback) -> Result<&str, Refusal> {
        match (language, &self.en) {
            (Language::English, Some(text)) => Ok(text),
            (Language::English, None) if fallback == Fallback::Refuse => {
                let message =
                    format!("template {} has no text in {language}: write one, or allow the Vietnamese", self.code);
                Err(Refusal::new(RefusalKind::Precondition, "NO_TEXT_IN_LANGUAGE", message)
                    .with("template", self.code.as_str())
                    .with("language", language.code()))
            }
            (Language::English, None) | (Language::Vietnamese, _) => Ok(&self.vi),
        }
    }

    /// Every mistake of its texts, with the language; empty if both can be read.
    #[must_use]
    pub fn mistakes(&self) -> Vec<(Language, ParseError)> {
        let texts = [(Language::Vietnamese, Some(&self.vi)), (Language::English, self.en.as_ref())];
        let mistake = |(language, text): (Language, Option<&String>)| Some((language, Parsed::parse(text?).err()?));
        texts.into_iter().filter_map(mistake).collect()
    }

    /// The text of a language, filled in.
    pub fn render(
        &self,
        language: Language,
        fallback: Fallback,
        values: &BTreeMap<&str, String>,
    ) -> Result<String, Refusal> {
        let parsed = Parsed::parse(self.text(language, fallback)?).map_err(|error| {
            let message = format!("template {} cannot be read: {error}", self.code);
            Refusal::new(RefusalKind::Precondition, "MALFORMED_TEMPLATE", message).with("template", self.code.as_str())
        })?;
        parsed.render(values).map_err(|refusal| refusal.with("template", self.code.as_str()))
    }
}

fn is_name(name: &str) -> bool {
    let is_word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_lowercase())
            && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    name.len() <= NAME_LIMIT && name.split('.').all(is_word)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn template() -> Template {
        Template {
            code: "ticket_opened".into(),
            vi: "Kính chào {customer_name}, yêu cầu {ticket.reference} đã được tiếp nhận.".into(),
            en: Some("Dear {customer_name}, we received your request {ticket.reference}.".into()),
        }
    }

    fn values(pairs: &[(&'static str, &str)]) -> BTreeMap<&'static str, String> {
        pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
    }

    #[test]
    fn a_template_speaks_both_languages() {
        let values =
            values(&[("customer_name", "Nguyễn Văn Ân"), ("ticket.reference", "HCMC-0001-2345-3"), ("unused", "")]);
        let render = |language| template().render(language, Fallback::Refuse, &values).unwrap();
        let vietnamese = "Kính chào Nguyễn Văn Ân, yêu cầu HCMC-0001-2345-3 đã được tiếp nhận.";
        assert_eq!(render(Language::Vietnamese), vietnamese);
        assert_eq!(render(Language::English), "Dear Nguyễn Văn Ân, we received your request HCMC-0001-2345-3.");
    }

    #[test]
    fn what_has_no_english_falls_back_or_is_refused() {
        let only = Template { en: None, ..template() };
        assert_eq!(only.text(Language::English, Fallback::Vietnamese).unwrap(), only.vi);
        assert_eq!(only.text(Language::English, Fallback::Refuse).unwrap_err().reason, "NO_TEXT_IN_LANGUAGE");
    }

    #[test]
    fn all_missing_values_are_named_at_once() {
        let refusal = template().render(Language::English, Fallback::Refuse, &values(&[])).unwrap_err();
        assert_eq!(refusal.reason, "MISSING_VALUES");
        assert!(refusal.metadata.contains(&("missing", "customer_name, ticket.reference".into())), "{refusal:?}");
    }

    #[test]
    fn doubled_braces_are_braces_and_values_are_not_read_again() {
        let parsed = Parsed::parse("{{{name}}} {{name}}").unwrap();
        assert_eq!(parsed.render(&values(&[("name", "{secret}")])).unwrap(), "{{secret}} {name}");
        assert_eq!(parsed.placeholders().into_iter().collect::<Vec<_>>(), ["name"]);
    }

    #[test]
    fn mistakes_have_a_place_and_a_name() {
        for (text, position, mistake) in [
            ("điện {name", 6, Mistake::Unclosed),
            ("{", 1, Mistake::Unclosed),
            ("a {b {c}", 3, Mistake::Unclosed),
            ("a } b", 3, Mistake::Unopened),
            ("a {} b", 3, Mistake::Empty),
            ("{Name}", 1, Mistake::BadName),
            ("{a..b}", 1, Mistake::BadName),
            ("{.a}", 1, Mistake::BadName),
            ("{ a }", 1, Mistake::BadName),
            ("{1a}", 1, Mistake::BadName),
            ("{tên}", 1, Mistake::BadName),
        ] {
            assert_eq!(Parsed::parse(text), Err(ParseError { position, mistake }), "{text}");
        }
        assert!(Parsed::parse(&format!("{{{}}}", "a".repeat(NAME_LIMIT + 1))).is_err());
        let bad = Template { vi: "{".into(), en: Some("}".into()), ..template() };
        let mistakes: Vec<_> = bad.mistakes().into_iter().map(|(language, error)| (language, error.mistake)).collect();
        assert_eq!(mistakes, [(Language::Vietnamese, Mistake::Unclosed), (Language::English, Mistake::Unopened)]);
        assert_eq!(template().mistakes(), []);
    }

    #[test]
    fn a_standard_lists_templates_in_yaml() {
        let yaml = "code: greeting\nvi: Kính chào {customer_name}\n";
        let read: Template = serde_yaml_ng::from_str(yaml).unwrap();
        assert_eq!((read.vi.as_str(), &read.en), ("Kính chào {customer_name}", &None));
        assert_eq!(serde_yaml_ng::to_string(&read).unwrap(), yaml);
    }

    proptest! {
        #[test]
        fn any_text_and_any_values_come_out_as_they_went_in(
            pieces in prop::collection::vec(("\\PC{0,10}", "[a-c](_[a-z0-9]{1,3})?(\\.[a-z]{1,3})?"), 0..6),
            value in "[{}a-c. ]{0,12}|\\PC{0,12}",
        ) {
            let mut text = String::new();
            let mut expected = String::new();
            for (plain, name) in &pieces {
                text.push_str(&plain.replace('{', "{{").replace('}', "}}"));
                text.extend(["{", name, "}"]);
                expected.push_str(plain);
                expected.push_str(&value);
            }
            let parsed = Parsed::parse(&text).unwrap();
            let names: BTreeSet<_> = pieces.iter().map(|(_, name)| name.as_str()).collect();
            prop_assert_eq!(parsed.placeholders(), names.clone());
            let values: BTreeMap<_, _> = names.into_iter().map(|name| (name, value.clone())).collect();
            prop_assert_eq!(parsed.render(&values).unwrap(), expected);
        }

        #[test]
        fn a_value_that_is_missing_is_always_named(names in prop::collection::btree_set("[a-z]{1,4}", 1..6), keep in 0_usize..6) {
            let text: String = names.iter().flat_map(|name| ["{", name, "}"]).collect();
            let given: BTreeMap<_, _> = names.iter().take(keep).map(|name| (name.as_str(), String::new())).collect();
            let missing: Vec<_> = names.iter().skip(keep).map(String::as_str).collect();
            match Parsed::parse(&text).unwrap().render(&given) {
                Ok(text) => prop_assert!(missing.is_empty() && text.is_empty()),
                Err(refusal) => prop_assert_eq!(refusal.metadata, vec![("missing", missing.join(", "))]),
            }
        }

        #[test]
        fn random_text_never_panics_and_errors_lie_within_it(text in "[{}a-z. ]{0,20}|\\PC{0,20}") {
            if let Err(error) = Parsed::parse(&text) {
                prop_assert!(error.position >= 1 && error.position <= text.chars().count());
                let is_brace = matches!(text.chars().nth(error.position - 1), Some('{' | '}'));
                prop_assert!(is_brace);
            }
        }
    }
}
