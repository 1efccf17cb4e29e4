//! The forms of a centre's message ids: hexadecimal in one place, decimal in another.

use serde::{Deserialize, Serialize};

/// How the ids in receipts relate to those in the answers to submits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdForm {
    /// Found out: by the number that a receipt comes from, and by what fitted before.
    #[default]
    Auto,
    /// They are the same.
    Same,
    /// Hexadecimal in the answer, decimal in the receipt.
    HexThenDecimal,
    /// Decimal in the answer, hexadecimal in the receipt.
    DecimalThenHex,
}

impl IdForm {
    /// What [`IdForm::Auto`] tries, in this order.
    pub(super) const TRIED: [Self; 3] = [Self::Same, Self::HexThenDecimal, Self::DecimalThenHex];

    /// The id in the answer that an id in a receipt stands for, in normal form; none when it cannot be of this form.
    #[must_use]
    pub fn answered(self, receipt: &str) -> Option<String> {
        match self {
            Self::Auto => None,
            Self::Same => Some(normal(receipt)),
            Self::HexThenDecimal => receipt.trim().parse::<u128>().ok().map(|number| format!("{number:x}")),
            Self::DecimalThenHex => u128::from_str_radix(receipt.trim(), 16).ok().map(|number| number.to_string()),
        }
    }
}

/// An id without blanks, leading zeros and upper case: centres change all of them between an answer and its receipt.
#[must_use]
pub fn normal(id: &str) -> String {
    let id = id.trim().to_ascii_lowercase();
    let short = id.trim_start_matches('0');
    if short.is_empty() && !id.is_empty() { "0".to_owned() } else { short.to_owned() }
}

/// The ids that an answer may have had for the id of a receipt, the likeliest first: for whoever keeps answers elsewhere.
#[must_use]
pub fn candidates(receipt: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for id in IdForm::TRIED.into_iter().filter_map(|form| form.answered(receipt)) {
        if !found.contains(&id) {
            found.push(id);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_found_in_each_form() {
        assert_eq!(candidates("0000002047"), ["2047", "7ff", "8263"]);
        assert_eq!(candidates("7FF"), ["7ff", "2047"]);
        assert_eq!(candidates("0"), ["0"]);
        assert_eq!(candidates("a-b-c"), ["a-b-c"]);
        assert_eq!(candidates(&"9".repeat(64)).len(), 1, "a number that is longer than any");
    }
}
