//! What customers are told, in Vietnamese and in English.

use std::sync::OnceLock;

use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use gridcare_domain::customer::Language;
use unic_langid::LanguageIdentifier;

/// The texts of one language.
pub(crate) struct Texts {
    language: Language,
    bundle: FluentBundle<FluentResource>,
}

/// Values of a text.
pub(crate) type Values<'a> = [(&'static str, &'a str)];

const fn source(language: Language) -> &'static str {
    match language {
        Language::Vi => include_str!("../lang/vi.ftl"),
        Language::En => include_str!("../lang/en.ftl"),
    }
}

impl Texts {
    /// The texts of a language.
    pub(crate) fn of(language: Language) -> &'static Self {
        static VI: OnceLock<Texts> = OnceLock::new();
        static EN: OnceLock<Texts> = OnceLock::new();
        match language {
            Language::Vi => VI.get_or_init(|| Self::new(language)),
            Language::En => EN.get_or_init(|| Self::new(language)),
        }
    }

    fn new(language: Language) -> Self {
        let id: LanguageIdentifier = language.code().parse().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![id]);
        // Marks around values are for text of mixed directions; in a message each would cost a character.
        bundle.set_use_isolating(false);
        // The files are part of the program; a test reads them without an error.
        let (Ok(resource) | Err((resource, _))) = FluentResource::try_new(source(language).to_owned());
        bundle.add_resource_overriding(resource);
        Self { language, bundle }
    }

    /// A text with its values.
    pub(crate) fn say(&self, id: &str, values: &Values<'_>) -> String {
        self.format(id, &values.iter().map(|(name, value)| (*name, FluentValue::from(*value))).collect())
    }

    /// A text with values and a count, which decides between singular and plural.
    pub(crate) fn count(&self, id: &str, count: usize, values: &Values<'_>) -> String {
        let mut all: FluentArgs<'_> = values.iter().map(|(name, value)| (*name, FluentValue::from(*value))).collect();
        all.set("count", FluentValue::from(count));
        self.format(id, &all)
    }

    /// A whole number with its thousands apart.
    pub(crate) fn number(&self, number: i64) -> String {
        let digits = number.unsigned_abs().to_string();
        let mut text = if number < 0 { "-".to_owned() } else { String::new() };
        for (at, digit) in digits.char_indices() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                text.push(if self.language == Language::Vi { '.' } else { ',' });
            }
            text.push(digit);
        }
        text
    }

    /// The text, or its name when there is none, so that something is seen.
    fn format(&self, id: &str, values: &FluentArgs<'_>) -> String {
        let Some(pattern) = self.bundle.get_message(id).and_then(|message| message.value()) else {
            return id.to_owned();
        };
        self.bundle.format_pattern(pattern, Some(values), &mut Vec::new()).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use gridcare_domain::{keyword::Answer, outage::Cause, ticket::State};

    use super::*;

    fn names(language: Language) -> BTreeSet<String> {
        let lines = source(language).lines().filter(|line| !line.starts_with(['#', ' ']));
        lines.filter_map(|line| Some(line.split_once(" =")?.0.to_owned())).collect()
    }

    #[test]
    fn both_languages_say_everything_in_normal_form() {
        assert_eq!(names(Language::Vi), names(Language::En));
        for language in [Language::Vi, Language::En] {
            assert!(FluentResource::try_new(source(language).to_owned()).is_ok());
            assert_eq!(gridcare_domain::text::nfc(source(language)), source(language));
        }
        let causes = Cause::ALL.iter().map(|cause| format!("cause-{cause}"));
        let answers = Answer::ALL.iter().map(|answer| format!("help-{answer}"));
        let states = State::ALL.iter().map(|state| format!("state-{state}"));
        let missing: Vec<_> =
            causes.chain(answers).chain(states).filter(|name| !names(Language::Vi).contains(name)).collect();
        assert_eq!(missing, Vec::<String>::new());
    }

    #[test]
    fn numbers_and_plurals_follow_the_language() {
        let (vi, en) = (Texts::of(Language::Vi), Texts::of(Language::En));
        assert_eq!((vi.number(512_300), en.number(-1_234_567)), ("512.300".into(), "-1,234,567".into()));
        assert_eq!(en.count("planned-more", 1, &[]), "and one more");
        assert_eq!(en.count("planned-more", 2, &[]), "and 2 more");
        assert_eq!(vi.count("planned-more", 2, &[]), "và 2 lần nữa");
        assert_eq!(en.say("no-such-text", &[]), "no-such-text");
    }
}
