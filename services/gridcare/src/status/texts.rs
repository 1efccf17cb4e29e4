//! What the terminal says, in Vietnamese and in English.

use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use unic_langid::LanguageIdentifier;

/// A language of the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Lang {
    /// Tiếng Việt
    Vi,
    /// English
    En,
}

impl Lang {
    fn source(self) -> &'static str {
        match self {
            Self::Vi => include_str!("../../lang/vi.ftl"),
            Self::En => include_str!("../../lang/en.ftl"),
        }
    }

    /// Between the thousands of a number.
    const fn group(self) -> char {
        match self {
            Self::Vi => '.',
            Self::En => ',',
        }
    }
}

/// The texts of one language.
pub(crate) struct Texts {
    lang: Lang,
    bundle: FluentBundle<FluentResource>,
}

impl Texts {
    pub(crate) fn new(lang: Lang) -> Self {
        let id: LanguageIdentifier = match lang {
            Lang::Vi => "vi",
            Lang::En => "en",
        }
        .parse()
        .unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![id]);
        // Marks around values are for text of mixed directions, and terminals show them.
        bundle.set_use_isolating(false);
        // The files are part of the program; a test reads them without an error.
        let (Ok(resource) | Err((resource, _))) = FluentResource::try_new(lang.source().to_owned());
        bundle.add_resource_overriding(resource);
        Self { lang, bundle }
    }

    /// A text without values.
    pub(crate) fn of(&self, id: &str) -> String {
        self.with(id, &[])
    }

    /// A text with its values.
    pub(crate) fn with(&self, id: &str, values: &[(&'static str, &str)]) -> String {
        self.say(id, &values.iter().map(|(name, value)| (*name, FluentValue::from(*value))).collect())
    }

    /// A text with numbers, which decide between singular and plural.
    pub(crate) fn count(&self, id: &str, values: &[(&'static str, u64)]) -> String {
        self.say(id, &values.iter().map(|(name, value)| (*name, FluentValue::from(*value))).collect())
    }

    /// What others named in both languages, in this one.
    pub(crate) const fn either<'a>(&self, vi: &'a str, en: &'a str) -> &'a str {
        match self.lang {
            Lang::Vi => vi,
            Lang::En => en,
        }
    }

    /// A number with its thousands apart.
    pub(crate) fn number(&self, number: u64) -> String {
        let digits = number.to_string();
        let mut text = String::with_capacity(digits.len() + digits.len() / 3);
        for (at, digit) in digits.char_indices() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                text.push(self.lang.group());
            }
            text.push(digit);
        }
        text
    }

    /// The text, or its name when there is none, so that something is seen.
    fn say(&self, id: &str, values: &FluentArgs<'_>) -> String {
        let Some(pattern) = self.bundle.get_message(id).and_then(|message| message.value()) else {
            return id.to_owned();
        };
        self.bundle.format_pattern(pattern, Some(values), &mut Vec::new()).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn names(lang: Lang) -> BTreeSet<String> {
        let lines = lang.source().lines().filter(|line| !line.starts_with(['#', ' ']));
        lines.filter_map(|line| Some(line.split_once(" =")?.0.to_owned())).collect()
    }

    #[test]
    fn both_languages_say_everything_in_normal_form() {
        assert_eq!(names(Lang::Vi), names(Lang::En));
        for lang in [Lang::Vi, Lang::En] {
            assert!(FluentResource::try_new(lang.source().to_owned()).is_ok());
            assert_eq!(gridcare_domain::text::nfc(lang.source()), lang.source());
        }
    }

    #[test]
    fn numbers_and_plurals_follow_the_language() {
        let (vi, en) = (Texts::new(Lang::Vi), Texts::new(Lang::En));
        assert_eq!(
            (vi.number(642_116), en.number(642_116), en.number(999)),
            ("642.116".into(), "642,116".into(), "999".into())
        );
        assert_eq!(en.count("behind", &[("count", 1)]), "one entry behind");
        assert_eq!(en.count("behind", &[("count", 2)]), "2 entries behind");
        assert_eq!(vi.of("office"), "Phòng giao dịch");
        assert_eq!(en.of("no-such-text"), "no-such-text");
    }
}
