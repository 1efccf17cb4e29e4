//! Answers in both languages, with places to fill in.

use std::{collections::BTreeSet, fmt::Write as _};

use super::bundle::Template;

/// What can be filled in.
pub const PLACEHOLDERS: [&str; 14] = [
    "reference",
    "customer_name",
    "customer_code",
    "category",
    "state",
    "opened_at",
    "deadline",
    "resolved_at",
    "agent",
    "region_name",
    "hotline",
    "place",
    "expected_return",
    "feedback_link",
];

/// What can be filled in of a closed ticket by itself, where nobody is there who knows the rest.
pub(super) const KNOWN_OF_CLOSED: [&str; 9] = [
    "reference",
    "customer_name",
    "customer_code",
    "category",
    "state",
    "opened_at",
    "resolved_at",
    "region_name",
    "hotline",
];

/// The names between braces, or what is wrong with the text.
pub(super) fn placeholders(text: &str) -> Result<BTreeSet<&str>, &'static str> {
    let mut names = BTreeSet::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (found, after) = rest.split_at(at);
        let _ = found;
        let inner = after.strip_prefix('{').ok_or("a brace closes that never opened")?;
        let (name, after) = inner.split_once('}').ok_or("a brace is not closed")?;
        if name.is_empty() || !name.bytes().all(|c| c.is_ascii_lowercase() || c == b'_') {
            return Err("write a placeholder such as {reference}");
        }
        names.insert(name);
        rest = after;
    }
    Ok(names)
}

/// A language of templates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Vietnamese.
    Vi,
    /// English.
    En,
}

impl Template {
    /// The text with everything filled in, or the names for which there was nothing.
    pub fn fill(&self, language: Language, value: impl Fn(&str) -> Option<String>) -> Result<String, Vec<String>> {
        let mut rest = match language {
            Language::Vi => self.text_vi.as_str(),
            Language::En => self.text_en.as_str(),
        };
        let (mut text, mut missing) = (String::with_capacity(rest.len() * 2), Vec::new());
        while let Some((before, after)) = rest.split_once('{') {
            text.push_str(before);
            let Some((name, after)) = after.split_once('}') else { break };
            match value(name) {
                // What is filled in is never read again: a customer's name with braces stays a name.
                Some(value) => text.push_str(&value),
                None => missing.push(name.to_owned()),
            }
            rest = after;
        }
        let _ = write!(text, "{rest}");
        if missing.is_empty() { Ok(text) } else { Err(missing) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn template(text: &str) -> Template {
        let text = text.to_owned();
        Template { id: "t".into(), name_vi: "t".into(), name_en: "t".into(), text_vi: text.clone(), text_en: text }
    }

    #[test]
    fn everything_is_filled_in_or_what_is_missing_is_named() {
        let template = template("Kính gửi {customer_name}, mã {reference}.");
        let value = |name: &str| match name {
            "customer_name" => Some("Bà {reference}".to_owned()),
            "reference" => Some("A1".to_owned()),
            _ => None,
        };
        assert_eq!(template.fill(Language::Vi, value).unwrap(), "Kính gửi Bà {reference}, mã A1.");
        assert_eq!(template.fill(Language::En, |_| None).unwrap_err(), ["customer_name", "reference"]);
    }

    #[test]
    fn malformed_placeholders_are_refused() {
        assert_eq!(placeholders("{a} {b} {a}").unwrap(), BTreeSet::from(["a", "b"]));
        for text in ["{", "}", "{}", "{a b}", "{a", "a}", "{{a}}"] {
            assert!(placeholders(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "[{}a-zé ]{0,40}") {
            let _ = placeholders(&text);
            let _ = template(&text).fill(Language::En, |_| Some(String::new()));
        }
    }
}
