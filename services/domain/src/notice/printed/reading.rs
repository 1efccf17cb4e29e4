use super::{Paragraph, Printed};
use crate::customer::Language;

/// Hundredths of a syllable a second at which people read aloud: Pellegrino, Coupé and Marsico, "A cross-language perspective
/// on speech information rate", Language 87 (2011): 5.22 for Vietnamese, 6.19 for English.
const fn measured(language: Language) -> usize {
    match language {
        Language::Vi => 522,
        Language::En => 619,
    }
}

/// Of what was measured, an announcer who must be understood at once reads three quarters. Assumed.
const SHARE: (usize, usize) = (3, 4);
/// Between two sentences, in milliseconds: what was measured has no pauses. Assumed.
const PAUSE_MS: usize = 400;

/// How long a print takes to read aloud, in whole seconds, rounded up; 0 for one that is not read aloud.
///
/// Syllables at three quarters of the measured rate (about 3.9 a second in Vietnamese, 4.6 in English), and a pause of
/// 0.4 seconds after each sentence.
#[must_use]
pub fn reading_seconds(printed: &Printed) -> i64 {
    seconds_of(printed.blocks.iter().flat_map(super::Block::paragraphs), printed.language)
}

pub(super) fn seconds_of<'a>(paragraphs: impl Iterator<Item = &'a Paragraph>, language: Language) -> i64 {
    let (mut spoken, mut pauses) = (0, 0);
    for paragraph in paragraphs.filter(|paragraph| paragraph.aloud) {
        spoken += syllables(&paragraph.text, language);
        pauses += 1;
    }
    let ms = (spoken * 100_000 * SHARE.1).div_ceil(measured(language) * SHARE.0) + pauses * PAUSE_MS;
    i64::try_from(ms.div_ceil(1_000)).unwrap_or(i64::MAX)
}

/// Syllables of a text as it is spoken.
///
/// Vietnamese writes each syllable apart. In English a syllable is a group of vowels, a silent `e` at the end counting for
/// none, and each word has at least one: a rule of thumb, which errs on both sides.
#[must_use]
pub fn syllables(text: &str, language: Language) -> usize {
    text.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '’')
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .map(|word| match language {
            Language::Vi => 1,
            Language::En => english(word),
        })
        .sum()
}

fn english(word: &str) -> usize {
    let word = word.to_lowercase();
    if word == "w" {
        return 3;
    }
    let mut groups = 0;
    let mut in_group = false;
    for c in word.chars() {
        let vowel = matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y') || (!c.is_ascii() && c.is_alphabetic());
        groups += usize::from(vowel && !in_group);
        in_group = vowel;
    }
    let silent = word.ends_with('e') && !word.ends_with("le") && groups > 1;
    (groups - usize::from(silent)).max(1)
}
