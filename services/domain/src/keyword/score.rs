use unicode_normalization::UnicodeNormalization as _;

use crate::text;

/// The score that a message is: one digit from 1 to 5, and nothing else.
#[must_use]
pub fn lone_score(text: &str) -> Option<i64> {
    let mut characters = text.trim().nfkc();
    let digit = characters.next()?.to_digit(10)?;
    (characters.next().is_none() && (1..=5).contains(&digit)).then(|| i64::from(digit))
}

/// The score in the answer to a question: the one number in it, from 1 to 5, whatever words stand around it.
#[must_use]
pub fn score_among_words(text: &str) -> Option<i64> {
    let compatible: String = text.nfkc().collect();
    let words = text::query_words(&compatible);
    let mut numbers = words.iter().filter(|word| word.bytes().all(|byte| byte.is_ascii_digit()));
    let score = numbers.next()?.parse().ok()?;
    (numbers.next().is_none() && (1..=5).contains(&score)).then_some(score)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_score_is_one_digit_alone() {
        assert_eq!(["1", " 5\n", "3", "５"].map(lone_score), [Some(1), Some(5), Some(3), Some(5)]);
        for text in ["", " ", "0", "6", "10", "5 sao", "-1", "5.", "năm"] {
            assert_eq!(lone_score(text), None, "{text}");
        }
    }

    #[test]
    fn the_answer_to_a_question_is_read_among_words() {
        for (text, expected) in [
            ("5", Some(5)),
            ("５", Some(5)),
            ("5 sao", Some(5)),
            ("Số 4.", Some(4)),
            ("toi cho 3 diem", Some(3)),
            ("4 hoac 5", None),
            ("10", None),
            ("0", None),
            ("rất hài lòng", None),
            ("", None),
        ] {
            assert_eq!(score_among_words(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_written_a_score_is_between_one_and_five(text in ".{0,40}") {
            for score in [lone_score(&text), score_among_words(&text)].into_iter().flatten() {
                prop_assert!((1..=5).contains(&score));
            }
        }
    }
}
