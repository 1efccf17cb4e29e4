//! References of tickets: unique nationwide, readable aloud, with a check digit.

use std::{fmt, str::FromStr};

/// Fewest digits of the number.
const MIN_DIGITS: usize = 8;

/// Digits per group; the number is padded to whole groups.
const GROUP: usize = 4;

/// The totally antisymmetric quasigroup of order 10 of H. Michael Damm's dissertation (Marburg 2004): catches every single
/// wrong digit and every transposition of neighbours, the two mistakes that people make most.
const DAMM: [[u8; 10]; 10] = [
    [0, 3, 1, 7, 5, 9, 8, 6, 4, 2],
    [7, 0, 9, 2, 1, 5, 4, 8, 6, 3],
    [4, 2, 0, 6, 8, 7, 1, 3, 5, 9],
    [1, 7, 5, 0, 9, 8, 3, 4, 2, 6],
    [6, 1, 2, 3, 0, 4, 5, 9, 7, 8],
    [3, 6, 7, 4, 2, 0, 9, 5, 8, 1],
    [5, 8, 6, 9, 7, 2, 0, 1, 3, 4],
    [8, 9, 4, 5, 3, 6, 2, 0, 1, 7],
    [9, 4, 3, 8, 6, 1, 7, 2, 0, 5],
    [2, 5, 8, 1, 4, 3, 6, 7, 9, 0],
];

/// Why a text is no reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// It does not have the shape of one.
    #[error("not a ticket reference such as HCMC-0001-2345-3: {0}")]
    Malformed(&'static str),
    /// It has the shape, but was misheard or mistyped. Which digit is wrong nobody can tell.
    #[error("the check digit does not fit; please read the reference again")]
    WrongCheckDigit,
}

/// Reference of a ticket, for example `HCMC-0001-2345-3`.
///
/// The number is padded with zeros to whole groups of four, at least two of them; the last digit checks prefix and number.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    prefix: String,
    number: u64,
}

impl Reference {
    /// The reference of this number under this prefix.
    ///
    /// # Errors
    /// [`ReferenceError::Malformed`] unless the prefix is 2 to 8 of `A`–`Z` and `0`–`9` and begins with a letter.
    pub fn new(prefix: impl Into<String>, number: u64) -> Result<Self, ReferenceError> {
        let prefix = prefix.into();
        if is_prefix(&prefix) {
            Ok(Self { prefix, number })
        } else {
            Err(ReferenceError::Malformed("the prefix is not 2 to 8 letters and digits beginning with a letter"))
        }
    }

    /// What stands in the place of a reference until a node gives one.
    #[must_use]
    pub fn unset() -> Self {
        Self { prefix: "XX".to_owned(), number: 0 }
    }

    /// Reads a reference as people write it: in any case, with spaces, hyphens or nothing between the groups.
    ///
    /// # Errors
    /// [`ReferenceError`] tells what is malformed from what was mistyped.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let text = text.trim_matches(is_separator);
        // A reference of 8 + 20 + 1 characters with separators everywhere is shorter; longer texts are not worth a copy.
        if text.len() > 200 {
            return Err(ReferenceError::Malformed("too long"));
        }
        let compact: String = text.chars().filter(|c| !is_separator(*c)).map(|c| c.to_ascii_uppercase()).collect();
        if !compact.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(ReferenceError::Malformed("only letters, digits, spaces and hyphens may occur"));
        }
        let last_letter = compact.rfind(|c: char| c.is_ascii_alphabetic());
        let letters = last_letter.map_or(0, |at| at + 1);
        // What is written apart in front is the prefix, which matters when the prefix itself ends with digits.
        let apart = text.find(is_separator).filter(|end| *end >= letters && is_prefix(&compact[..*end]));
        if let Some(end) = apart {
            return Self::of_parts(&compact[..end], &compact[end..])
                .ok_or(ReferenceError::Malformed("the number has too few or too many digits"))?;
        }
        let mut candidates =
            (letters..compact.len()).filter_map(|end| Self::of_parts(&compact[..end], &compact[end..]));
        match (candidates.next(), candidates.next()) {
            (Some(only), None) => only,
            (None, _) => {
                Err(ReferenceError::Malformed("it needs a prefix, a number in groups of four, and a check digit"))
            }
            (Some(_), Some(_)) => Err(ReferenceError::Malformed("write the prefix apart from the number")),
        }
    }

    /// None when the shape is wrong; else whether the check digit fits.
    fn of_parts(prefix: &str, digits: &str) -> Option<Result<Self, ReferenceError>> {
        let (padded, check) = digits.split_at_checked(digits.len().checked_sub(1)?)?;
        let whole = padded.len() >= MIN_DIGITS && padded.len().is_multiple_of(GROUP);
        // One number is written in one way, so that a lost or added group is noticed.
        let overpadded = padded.len() > MIN_DIGITS && padded.starts_with("0000");
        if !whole || overpadded || !is_prefix(prefix) {
            return None;
        }
        let number = padded.parse().ok()?;
        let fits = check.parse() == Ok(check_digit(prefix, padded));
        Some(if fits { Ok(Self { prefix: prefix.to_owned(), number }) } else { Err(ReferenceError::WrongCheckDigit) })
    }

    /// Whose ticket it is: the prefix of the node that gave the reference.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The number under the prefix.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// The number padded to whole groups.
    fn padded(&self) -> String {
        let digits = self.number.checked_ilog10().map_or(1, |log| log as usize + 1);
        let width = digits.next_multiple_of(GROUP).max(MIN_DIGITS);
        format!("{:0width$}", self.number)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let padded = self.padded();
        f.write_str(&self.prefix)?;
        for (at, digit) in padded.chars().enumerate() {
            if at % GROUP == 0 {
                f.write_str("-")?;
            }
            write!(f, "{digit}")?;
        }
        write!(f, "-{}", check_digit(&self.prefix, &padded))
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        Self::parse(text)
    }
}

fn is_prefix(text: &str) -> bool {
    (2..=8).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// Spaces, hyphens, and the dashes that word processors make of hyphens.
fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// The Damm digit over the prefix, a letter as two digits (A = 10 … Z = 35), and the padded number.
fn check_digit(prefix: &str, padded: &str) -> u8 {
    let step = |interim: u8, digit: u8| DAMM[usize::from(interim)][usize::from(digit)];
    prefix.bytes().chain(padded.bytes()).fold(0, |interim, byte| match byte {
        b'0'..=b'9' => step(interim, byte - b'0'),
        letter => {
            let value = letter - b'A' + 10;
            step(step(interim, value / 10), value % 10)
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reference(prefix: &str, number: u64) -> Reference {
        Reference::new(prefix, number).unwrap()
    }

    #[test]
    fn the_table_gives_the_published_example_and_is_totally_antisymmetric() {
        assert_eq!(check_digit("", "572"), 4);
        let step = |interim: u8, digit: u8| DAMM[usize::from(interim)][usize::from(digit)];
        for c in 0..10 {
            assert_eq!(step(c, c), 0);
            for (x, y) in (0..10).flat_map(|x| (0..10).map(move |y| (x, y))).filter(|(x, y)| x != y) {
                assert_ne!(step(c, x), step(c, y), "a wrong digit");
                assert_ne!(step(step(c, x), y), step(step(c, y), x), "a transposition");
            }
        }
    }

    #[test]
    fn numbers_are_padded_to_groups_of_four() {
        assert_eq!(reference("HCMC", 12_345).to_string(), "HCMC-0001-2345-3");
        assert!(reference("NPC", 0).to_string().starts_with("NPC-0000-0000-"));
        assert!(reference("NPC", 99_999_999).to_string().starts_with("NPC-9999-9999-"));
        assert!(reference("NPC", 100_000_000).to_string().starts_with("NPC-0001-0000-0000-"));
        assert!(reference("NPC", u64::MAX).to_string().starts_with("NPC-1844-6744-0737-0955-1615-"));
    }

    #[test]
    fn people_write_references_in_many_ways() {
        for text in [
            "HCMC-0001-2345-3",
            "hcmc 0001 2345 3",
            "HCMC000123453",
            " Hcmc–00012345–3 ",
            "HCMC 00012345-3",
            "H C M C 0001 2345 3",
        ] {
            assert_eq!(Reference::parse(text), Ok(reference("HCMC", 12_345)), "{text}");
        }
    }

    #[test]
    fn errors_tell_malformed_from_mistyped() {
        for digit in (0..10).filter(|digit| *digit != 3) {
            assert_eq!(Reference::parse(&format!("HCMC-0001-2345-{digit}")), Err(ReferenceError::WrongCheckDigit));
        }
        for text in [
            "",
            "-",
            "HCMC",
            "0001-2345-0",
            "H-0001-2345-0",
            "HCMC-001-2345-0",
            "HCMC-0000-0001-2345-0",
            "HCMC-0001-2345",
            "HCMC_0001_2345_0",
            "HCMC-0001-2345-0-0",
            "ABCDEFGHI-0001-2345-0",
            "HCMC-9999-9999-9999-9999-9999-0",
            "ĐN-0001-2345-0",
            "HCMC-0001-2345-0;--",
        ] {
            assert!(matches!(Reference::parse(text), Err(ReferenceError::Malformed(_))), "{text}");
        }
        assert!(Reference::parse(&"1-".repeat(1_000_000)).is_err());
    }

    #[test]
    fn a_prefix_is_two_to_eight_letters_and_digits_beginning_with_a_letter() {
        for prefix in ["A", "ABCDEFGHI", "1A", "hcmc", "HC-C", "ĐN", ""] {
            assert!(Reference::new(prefix, 1).is_err(), "{prefix}");
        }
        assert!(Reference::new("A1", 1).is_ok());
    }

    #[test]
    fn a_prefix_that_ends_with_digits_is_read_when_written_apart() {
        let text = reference("SPC1234", 5).to_string();
        assert_eq!(Reference::parse(&text), Ok(reference("SPC1234", 5)));
        assert!(matches!(Reference::parse(&text.replace('-', "")), Err(ReferenceError::Malformed(_))));
        let joined = reference("SPC2", 5).to_string().replace('-', "");
        assert_eq!(Reference::parse(&joined), Ok(reference("SPC2", 5)));
    }

    #[test]
    fn every_mistake_of_one_kind_is_caught_in_many_numbers() {
        for number in (0..100_000_000).step_by(199_999) {
            caught("HCMC", number);
        }
    }

    /// Every single wrong digit and every transposition of neighbours, check digit included.
    fn caught(prefix: &str, number: u64) {
        let text = reference(prefix, number).to_string();
        let compact = text.replace('-', "").split_off(prefix.len()).into_bytes();
        let parse = |digits: &[u8]| Reference::parse(&format!("{prefix}-{}", std::str::from_utf8(digits).unwrap()));
        assert_eq!(parse(&compact), Ok(reference(prefix, number)));
        for at in 0..compact.len() {
            for digit in b'0'..=b'9' {
                let mut wrong = compact.clone();
                wrong[at] = digit;
                assert!(wrong == compact || parse(&wrong).is_err(), "{text} digit {at}");
            }
            let mut wrong = compact.clone();
            if at > 0 {
                wrong.swap(at - 1, at);
            }
            assert!(wrong == compact || parse(&wrong).is_err(), "{text} transposed at {at}");
        }
    }

    proptest! {
        #[test]
        fn what_is_displayed_is_read_back(prefix in "[A-Z][A-Z0-9]{1,7}", number: u64, small in 0_u64..100_000_000) {
            for number in [number, small] {
                let reference = reference(&prefix, number);
                prop_assert_eq!(Reference::parse(&reference.to_string()), Ok(reference.clone()));
                prop_assert_eq!(Reference::parse(&reference.to_string().to_lowercase().replace('-', " ")), Ok(reference));
            }
        }

        #[test]
        fn without_separators_a_reference_is_read_right_or_not_at_all(prefix in "[A-Z][A-Z0-9]{1,7}", number: u64) {
            let reference = reference(&prefix, number);
            match Reference::parse(&reference.to_string().replace('-', "")) {
                Ok(read) => prop_assert_eq!(read, reference),
                Err(error) => prop_assert!(matches!(error, ReferenceError::Malformed(_))),
            }
        }

        #[test]
        fn without_separators_letters_and_eight_digits_are_enough(prefix in "[A-Z]{2,8}", number in 0_u64..100_000_000) {
            let reference = reference(&prefix, number);
            prop_assert_eq!(Reference::parse(&reference.to_string().replace('-', "")), Ok(reference));
        }

        #[test]
        fn mistakes_are_caught(prefix in "[A-Z][A-Z0-9]{1,7}", number: u64, small in 0_u64..100_000_000) {
            caught(&prefix, number);
            caught(&prefix, small);
        }

        #[test]
        fn random_text_never_panics(text in "\\PC{0,40}") {
            let _ = Reference::parse(&text);
        }
    }
}
