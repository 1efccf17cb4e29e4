//! Codes of customers, and the pseudonyms under which customers and agents leave a node.

use std::{fmt, str::FromStr};

/// Why a text is no customer code. The text itself is personal and is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a customer code is 13 characters: P, a letter, and 11 letters or digits")]
pub struct CustomerCodeError;

/// Code of a customer: `^P[A-Z][A-Z0-9]{11}$`, for example `PE01000123456`.
///
/// The prefix names the corporation that first gave the code, which need not be the one that serves the customer today.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CustomerCode(String);

impl CustomerCode {
    /// Reads a code in any case, with white space around it.
    ///
    /// # Errors
    /// [`CustomerCodeError`] when it does not have the shape.
    pub fn parse(text: &str) -> Result<Self, CustomerCodeError> {
        let code = text.trim().as_bytes();
        let shaped = code.len() == 13
            && code[0].eq_ignore_ascii_case(&b'P')
            && code[1].is_ascii_alphabetic()
            && code.iter().all(u8::is_ascii_alphanumeric);
        if shaped { Ok(Self(text.trim().to_ascii_uppercase())) } else { Err(CustomerCodeError) }
    }

    /// The code, upper case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Codes that stand for erased customers begin so; no corporation gives them.
const ERASED: &str = "PZ0";

impl CustomerCode {
    /// What stands for this code once the customer is erased: of the same shape, so that tickets and contacts that must be kept
    /// stay one customer's, and keyed, so that nobody without the node's key can test a guess. The same code always gives the same.
    #[must_use]
    pub fn erased(&self, key: &[u8; 32]) -> Self {
        const LETTERS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        if self.is_pseudonym() {
            return self.clone();
        }
        let key = blake3::derive_key("gridcare 2026 pseudonym v1 erased customer", key);
        let hash = blake3::keyed_hash(&key, self.0.as_bytes());
        let mut number = [0; 8];
        number.copy_from_slice(&hash.as_bytes()[..8]);
        let mut number = u64::from_le_bytes(number);
        let mut code = ERASED.to_owned();
        // Ten letters of 36 are 51 bits: among ten million erased customers, two hardly ever share one.
        for _ in 0..10 {
            code.push(char::from(LETTERS[usize::try_from(number % 36).unwrap_or(0)]));
            number /= 36;
        }
        Self(code)
    }

    /// Whether it stands for an erased customer.
    #[must_use]
    pub fn is_pseudonym(&self) -> bool {
        self.0.starts_with(ERASED)
    }
}

impl fmt::Display for CustomerCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for CustomerCode {
    // Debugging output ends up in logs, and a code is personal; its first four characters name corporation and district.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CustomerCode({}…)", &self.0[..4])
    }
}

impl AsRef<str> for CustomerCode {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for CustomerCode {
    type Err = CustomerCodeError;

    fn from_str(text: &str) -> Result<Self, CustomerCodeError> {
        Self::parse(text)
    }
}

/// Whom a pseudonym stands for; each kind has a key of its own, so that an agent and a customer of one name differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A customer, by customer code.
    Customer,
    /// An agent, by the id that the node knows.
    Agent,
}

impl Subject {
    /// BLAKE3 asks for contexts that are global, unique and hard-coded.
    const fn context(self) -> &'static str {
        match self {
            Self::Customer => "gridcare 2026 pseudonym v1 customer",
            Self::Agent => "gridcare 2026 pseudonym v1 agent",
        }
    }
}

/// The stand-in for a person outside the node: 128 bits of BLAKE3 as 32 lowercase hexadecimal digits, keyed with a key that
/// is derived from the node's own, so that nobody without that key can test a guess.
///
/// Customer codes are folded to upper case first; agents are taken as they are.
#[must_use]
pub fn pseudonym(subject: Subject, code: &str, key: &[u8; 32]) -> String {
    let code = match subject {
        Subject::Customer => code.trim().to_ascii_uppercase(),
        Subject::Agent => code.to_owned(),
    };
    let key = blake3::derive_key(subject.context(), key);
    blake3::keyed_hash(&key, code.as_bytes()).to_hex()[..32].to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn codes_are_trimmed_and_upper_case() {
        assert_eq!(CustomerCode::parse(" pe01000123456\n").unwrap().as_str(), "PE01000123456");
        assert_eq!("PA23ABCDEFGHI".parse::<CustomerCode>().unwrap().to_string(), "PA23ABCDEFGHI");
    }

    #[test]
    fn what_has_another_shape_is_refused() {
        for text in [
            "",
            "PE0100012345",
            "PE010001234567",
            "QE01000123456",
            "P101000123456",
            "PE01000 23456",
            "PE0100012345é",
            "PĐ0100012345",
            "ΡE01000123456",
        ] {
            assert_eq!(CustomerCode::parse(text), Err(CustomerCodeError), "{text}");
        }
    }

    #[test]
    fn debugging_output_does_not_show_the_code() {
        assert_eq!(format!("{:?}", CustomerCode::parse("PE01000123456").unwrap()), "CustomerCode(PE01…)");
    }

    #[test]
    fn a_pseudonym_is_stable_and_differs_by_key_kind_and_person() {
        let of = |subject, code, key| pseudonym(subject, code, &[key; 32]);
        let one = of(Subject::Customer, "PE01000123456", 1);
        assert_eq!(one.len(), 32);
        assert!(one.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)));
        assert_eq!(one, of(Subject::Customer, " pe01000123456", 1));
        assert_ne!(one, of(Subject::Customer, "PE01000123456", 2));
        assert_ne!(one, of(Subject::Customer, "PE01000123457", 1));
        assert_ne!(one, of(Subject::Agent, "PE01000123456", 1));
        assert_ne!(of(Subject::Agent, "lan", 1), of(Subject::Agent, "Lan", 1));
    }

    #[test]
    fn a_published_pseudonym_never_changes() {
        // What was sent in a feed is compared with what is sent tomorrow; changing this number breaks that.
        assert_eq!(pseudonym(Subject::Customer, "PE01000123456", &[1; 32]), "0ac9c242aad8edc533d4d7f7f34757ef");
        assert_eq!(pseudonym(Subject::Agent, "lan", &[1; 32]), "b2597fca0408f6d624cbc36cdaa95ae2");
    }

    #[test]
    fn an_erased_code_is_a_code_that_says_nothing_of_the_first() {
        let code = CustomerCode::parse("PE01000123456").unwrap();
        let erased = code.erased(&[1; 32]);
        assert_eq!(CustomerCode::parse(erased.as_str()), Ok(erased.clone()));
        assert!(erased.is_pseudonym() && !code.is_pseudonym());
        assert_eq!(erased, code.erased(&[1; 32]), "the same code always gives the same");
        assert_eq!(erased.erased(&[1; 32]), erased, "erasing twice changes nothing");
        assert_ne!(erased, code.erased(&[2; 32]));
        assert_ne!(erased, CustomerCode::parse("PE01000123457").unwrap().erased(&[1; 32]));
    }

    proptest! {
        #[test]
        fn exactly_the_pattern_is_accepted(text in "[Pp]?[A-Za-z0-9 đ]{10,14}") {
            let upper = text.trim().to_ascii_uppercase();
            let bytes = upper.as_bytes();
            let fits = bytes.len() == 13 && bytes[0] == b'P' && bytes[1].is_ascii_uppercase()
                && bytes.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
            prop_assert_eq!(CustomerCode::parse(&text).map(|code| code.to_string()).ok(), fits.then_some(upper));
        }
    }
}
