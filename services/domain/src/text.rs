//! Text: one normal form for storing, one folding for searching.
//!
//! Words are made here and not by the engines, so that `SQLite` (FTS5 `unicode61 remove_diacritics 0`) and Postgres index the
//! same tokens and return identical ids for "mat dien".

use std::sync::OnceLock;

use unicode_normalization::{
    IsNormalized, UnicodeNormalization,
    char::{decompose_canonical, is_combining_mark},
    is_nfc_quick,
};

/// Longest word in bytes; what is longer is cut at a character's boundary, in columns and in queries alike.
pub const WORD_LIMIT: usize = 64;

/// The text in Unicode normal form C, in which all text is stored.
#[must_use]
pub fn nfc(text: &str) -> String {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        text.to_owned()
    } else {
        text.nfc().collect()
    }
}

/// Characters below this one are folded by a table: all of Vietnamese is among them.
const TABLED: usize = 0x2000;
/// Stands in the table for what does not fold to one character.
const UNTABLED: char = '\0';

/// The text without diacritics and in lower case, for comparing what people type: `Mất điện` becomes `mat dien`.
///
/// Decomposes (NFD), drops combining marks, turns đ into d, lowers the case. Folding twice changes nothing.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    fold_into(text, &mut folded);
    folded
}

/// Character by character: a decomposition moves nothing but marks, which are dropped, and a lower case that looks at
/// neighbours (final sigma) would make a prefix fold differently.
fn fold_into(text: &str, folded: &mut String) {
    static TABLE: OnceLock<Box<[char]>> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        let one = |c: usize| {
            let mut folded = String::new();
            fold_char(char::from_u32(u32::try_from(c).ok()?)?, &mut folded);
            let mut chars = folded.chars();
            chars.next().filter(|_| chars.next().is_none())
        };
        (0..TABLED).map(|c| one(c).unwrap_or(UNTABLED)).collect()
    });
    for c in text.chars() {
        match table.get(c as usize) {
            Some(&UNTABLED) | None => fold_char(c, folded),
            Some(&one) => folded.push(one),
        }
    }
}

fn fold_char(c: char, folded: &mut String) {
    decompose_canonical(c, |part| {
        if !is_combining_mark(part) {
            folded.extend(part.to_lowercase().filter_map(plainer));
        }
    });
}

/// The text without diacritics, its case kept, for what cannot show them: `Nguyễn Văn Đức` becomes `Nguyen Van Duc`.
#[must_use]
pub fn plain(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    let letter = |c| match c {
        'đ' | 'ð' | 'ɖ' => 'd',
        'Đ' | 'Ð' | 'Ɖ' => 'D',
        _ => c,
    };
    text.nfd().filter(|c| !is_combining_mark(*c)).map(letter).nfc().collect()
}

/// What neither decomposition nor lower case makes plain; none for a mark that lowering the case has set free.
fn plainer(c: char) -> Option<char> {
    match c {
        // đ has no decomposition; ð and ɖ are what conversions from older Vietnamese fonts leave in its place.
        'đ' | 'ð' | 'ɖ' => Some('d'),
        'ς' => Some('σ'),
        // Variants that FTS5 folds by itself, whatever it is told about diacritics; Postgres would not.
        'µ' => Some('μ'),
        'ϐ' => Some('β'),
        'ϑ' => Some('θ'),
        'ϕ' => Some('φ'),
        'ϖ' => Some('π'),
        'ϰ' => Some('κ'),
        'ϱ' => Some('ρ'),
        'ϵ' => Some('ε'),
        'ſ' => Some('s'),
        _ if is_combining_mark(c) => None,
        _ => Some(c),
    }
}

/// The words of a text, folded, each at most [`WORD_LIMIT`] bytes, without repetition, in ascending order.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    let mut words = query_words(text);
    words.sort_unstable();
    words.dedup();
    words
}

/// What is stored for searching: the words of all these texts, joined by a space.
#[must_use]
pub fn search_column(texts: &[&str]) -> String {
    let mut folded = String::with_capacity(texts.iter().map(|text| text.len() + 1).sum());
    for text in texts {
        fold_into(text, &mut folded);
        folded.push(' ');
    }
    let mut words: Vec<&str> = split(&folded).collect();
    words.sort_unstable();
    words.dedup();
    words.join(" ")
}

/// The words of a query in the order typed. All must match, the last as a prefix.
#[must_use]
pub fn query_words(text: &str) -> Vec<String> {
    split(&fold(text)).map(str::to_owned).collect()
}

/// The words of a folded text.
fn split(folded: &str) -> impl Iterator<Item = &str> {
    folded.split(|c| !is_word_char(c)).filter(|word| !word.is_empty()).map(cut)
}

/// Letters and numbers (general categories L and N) that every engine takes for part of a word and leaves as they are.
///
/// Checked for every character against FTS5 of `SQLite` 3.51. Rust's notion is wider by marks, which folding has dropped, and by
/// circled letters, which are symbols; the Tai Lue and Vedic ones were marks in the Unicode version of FTS5.
fn is_word_char(c: char) -> bool {
    c.is_alphanumeric()
        && !matches!(
            c,
            '\u{24b6}'..='\u{24e9}'
                | '\u{1f130}'..='\u{1f149}'
                | '\u{1f150}'..='\u{1f169}'
                | '\u{1f170}'..='\u{1f189}'
                | '\u{19b0}'..='\u{19c0}'
                | '\u{19c8}'..='\u{19c9}'
                | '\u{1cf2}'..='\u{1cf3}'
        )
}

/// The start of a word, at most [`WORD_LIMIT`] bytes.
fn cut(word: &str) -> &str {
    &word[..word.floor_char_boundary(WORD_LIMIT)]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn finds(query: &str, text: &str) -> bool {
        let (column, query) = (words(text), query_words(query));
        let Some((last, all)) = query.split_last() else { return true };
        all.iter().all(|word| column.contains(word)) && column.iter().any(|word| word.starts_with(last.as_str()))
    }

    #[test]
    fn mat_dien_finds_every_way_of_writing_it() {
        let decomposed: String = "Mất điện".nfd().collect();
        assert_ne!(decomposed, "Mất điện");
        for text in
            ["Mất điện", "MẤT ĐIỆN", "mat dien", "MAT DIEN", &decomposed, "(mất-điện)", "Khu 5: mất điện!", "Mất Ðiện"]
        {
            assert!(finds("mat dien", text), "{text}");
            assert!(finds("MẤT đi", text), "{text}");
        }
        assert!(!finds("mat dien", "mất nước"));
    }

    #[test]
    fn every_vietnamese_vowel_folds_to_its_letter() {
        let rows = [
            ("a", "aàáảãạăằắẳẵặâầấẩẫậ"),
            ("e", "eèéẻẽẹêềếểễệ"),
            ("i", "iìíỉĩị"),
            ("o", "oòóỏõọôồốổỗộơờớởỡợ"),
            ("u", "uùúủũụưừứửữự"),
            ("y", "yỳýỷỹỵ"),
            ("d", "dđ"),
        ];
        for (plain, letters) in rows {
            for form in [letters.to_owned(), letters.to_uppercase(), letters.nfd().collect()] {
                assert_eq!(fold(&form), plain.repeat(letters.chars().count()));
            }
        }
    }

    #[test]
    fn a_plain_text_keeps_its_case() {
        assert_eq!(plain("Nguyễn Văn ĐỨC"), "Nguyen Van DUC");
        assert_eq!(fold(&plain("Ðặng Thị Ánh")), fold("Ðặng Thị Ánh"));
    }

    #[test]
    fn nfc_composes_and_leaves_composed_text_alone() {
        let decomposed: String = "Điện lực Hồ Chí Minh".nfd().collect();
        assert_eq!(nfc(&decomposed), "Điện lực Hồ Chí Minh");
        assert_eq!(nfc("Điện lực Hồ Chí Minh"), "Điện lực Hồ Chí Minh");
        assert_eq!(nfc("plain"), "plain");
    }

    #[test]
    fn words_are_sorted_and_not_repeated_and_queries_keep_their_order() {
        assert_eq!(words("Trạm biến áp: trạm T2, 22/110kV"), ["110kv", "22", "ap", "bien", "t2", "tram"]);
        assert_eq!(query_words("trạm biến áp"), ["tram", "bien", "ap"]);
        assert_eq!(search_column(&["Mất điện", "điện yếu", ""]), "dien mat yeu");
    }

    #[test]
    fn text_without_letters_has_no_words() {
        assert!(words(" —…!?\u{301}\u{0}⚡ ").is_empty());
        assert_eq!(search_column(&[]), "");
    }

    #[test]
    fn a_long_word_is_cut_at_a_character() {
        let word = words(&"ж".repeat(100)).remove(0);
        assert_eq!(word, "ж".repeat(32));
        assert_eq!(words(&format!("a{}", "ж".repeat(100)))[0].len(), 63);
    }

    #[test]
    fn symbols_and_marks_that_only_some_engines_index_make_no_words() {
        assert_eq!(words("Ⓐb\u{1f130}c"), ["b", "c"]);
        assert_eq!(words("का"), ["क"]);
    }

    #[test]
    fn every_character_folds_to_itself_once_folded() {
        for c in '\0'..=char::MAX {
            let folded = fold(&c.to_string());
            assert_eq!(fold(&folded), folded, "U+{:04X}", u32::from(c));
        }
    }

    proptest! {
        #[test]
        fn a_text_folds_as_its_characters_do(text in "\\PC{0,40}", vietnamese in "[a-zàáảãạăâđêôơưÀẮỆĐ̣́̀ßİΣ .,-]{0,40}") {
            for text in [text, vietnamese] {
                let whole = text.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase);
                prop_assert_eq!(fold(&text), whole.filter_map(plainer).collect::<String>());
            }
        }

        #[test]
        fn folding_twice_changes_nothing(text in "\\PC{0,40}") {
            let folded = fold(&text);
            prop_assert_eq!(fold(&folded), folded);
        }

        #[test]
        fn normal_forms_make_no_difference_to_words(text in "[a-zàáảãạăâđêôơưÀẮỆĐ̣́̀ .,-]{0,40}") {
            let (composed, decomposed): (String, String) = (text.nfc().collect(), text.nfd().collect());
            prop_assert_eq!(words(&composed), words(&decomposed));
            prop_assert_eq!(words(&nfc(&text)), words(&text));
        }

        #[test]
        fn a_column_holds_exactly_its_words(texts in prop::collection::vec("\\PC{0,40}", 0..4)) {
            let column = search_column(&texts.iter().map(String::as_str).collect::<Vec<_>>());
            let split: Vec<_> = column.split(' ').filter(|word| !word.is_empty()).collect();
            prop_assert_eq!(&words(&column), &split);
            for text in &texts {
                for word in words(text) {
                    prop_assert!(split.contains(&word.as_str()));
                }
            }
        }
    }
}
