//! The text of a receipt: `id:… sub:… dlvrd:… submit date:… done date:… stat:… err:… text:…`.

use std::fmt;

use jiff::civil::DateTime;

/// What a text says, as it says it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fields {
    /// The centre's id of the message.
    pub id: String,
    /// Messages submitted.
    pub sub: String,
    /// Messages delivered.
    pub dlvrd: String,
    /// When it was submitted.
    pub submit_date: String,
    /// When it came to its end.
    pub done_date: String,
    /// What became of it.
    pub stat: String,
    /// The network's error.
    pub err: String,
    /// The beginning of the message.
    pub text: String,
}

const KEYS: [&str; 8] = ["id", "sub", "dlvrd", "submitdate", "donedate", "stat", "err", "text"];
const TEXT: usize = 7;
/// Longer than any key with its blanks.
const LONGEST_KEY: usize = 24;

/// A key and its colon, found in a text.
struct Label {
    key: usize,
    from: usize,
    value: usize,
}

impl Fields {
    /// Reads a text in any order and any case of its keys. The quoted beginning of the message may itself look like keys, so
    /// that all after `text:` is its own, unless the id would be missing then.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut labels = labels(text);
        let id_first = |labels: &[Label]| labels.iter().any(|label| label.key == 0);
        if let Some(at) = labels.iter().position(|label| label.key == TEXT)
            && id_first(&labels[..at])
        {
            labels.truncate(at + 1);
        }
        let mut found = Self::default();
        for (n, label) in labels.iter().enumerate() {
            let end = labels.get(n + 1).map_or(text.len(), |next| next.from);
            let slot = found.slot(label.key);
            // The first of two wins: a second one is quoted.
            if slot.is_empty() {
                text[label.value..end].trim().clone_into(slot);
            }
        }
        found
    }

    fn slot(&mut self, key: usize) -> &mut String {
        match key {
            0 => &mut self.id,
            1 => &mut self.sub,
            2 => &mut self.dlvrd,
            3 => &mut self.submit_date,
            4 => &mut self.done_date,
            5 => &mut self.stat,
            6 => &mut self.err,
            _ => &mut self.text,
        }
    }

    /// When the message was submitted, in the centre's own zone.
    #[must_use]
    pub fn submitted(&self) -> Option<DateTime> {
        date(&self.submit_date)
    }

    /// When the centre was done, in its own zone.
    #[must_use]
    pub fn done(&self) -> Option<DateTime> {
        date(&self.done_date)
    }
}

/// `YYMMDDhhmm`, with or without seconds, or with a year of four digits.
fn date(text: &str) -> Option<DateTime> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let long = |digits: String| moment(&digits);
    match digits.len() {
        10 => long(format!("20{digits}00")),
        12 => long(format!("20{digits}")).or_else(|| long(format!("{digits}00"))),
        14 => long(digits),
        _ => None,
    }
}

/// `YYYYMMDDhhmmss`
fn moment(digits: &str) -> Option<DateTime> {
    let pair = |at: usize| digits.get(at..at + 2)?.parse::<i8>().ok();
    let year = digits.get(..4)?.parse::<i16>().ok()?;
    DateTime::new(year, pair(4)?, pair(6)?, pair(8)?, pair(10)?, pair(12)?, 0).ok()
}

fn labels(text: &str) -> Vec<Label> {
    let mut found: Vec<Label> = Vec::new();
    for (colon, _) in text.match_indices(':') {
        let earliest = found.last().map_or(0, |label| label.value);
        if let Some((key, from)) = key_before(text, earliest, colon) {
            found.push(Label { key, from, value: colon + 1 });
        }
    }
    found
}

/// The key that ends at `end`, and where it begins: at the beginning of a word.
fn key_before(text: &str, earliest: usize, end: usize) -> Option<(usize, usize)> {
    let mut letters = String::new();
    let mut found = None;
    for (at, c) in text[earliest..end].char_indices().rev().take(LONGEST_KEY) {
        let at = earliest + at;
        if c.is_ascii_alphabetic() {
            letters.insert(0, c.to_ascii_lowercase());
        } else if !(c == ' ' || c == '_') {
            break;
        }
        let begins_word = text[earliest..at].chars().next_back().is_none_or(|before| !before.is_alphanumeric());
        if begins_word && let Some(key) = KEYS.iter().position(|key| *key == letters) {
            // Go on: `date` alone is no key, but `done date` is.
            found = Some((key, at));
        }
    }
    found
}

impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "id:{} sub:{} dlvrd:{} ", self.id, self.sub, self.dlvrd)?;
        write!(f, "submit date:{} done date:{} ", self.submit_date, self.done_date)?;
        write!(f, "stat:{} err:{} text:{}", self.stat, self.err, self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn receipts_are_read_as_centres_write_them() {
        for text in [
            "id:7f3 sub:001 dlvrd:001 submit date:1305221419 done date:1305221420 stat:DELIVRD err:000 text:id:9 stat:X",
            "ID:7f3 Sub:001 Dlvrd:001 Submit Date:1305221419 Done Date:1305221420 Stat:DELIVRD Err:000 Text:id:9 stat:X",
            "stat:DELIVRD id:7f3 err:000 done_date:130522142000 dlvrd:001 sub:001 submit_date:1305221419 text:id:9 stat:X",
            "id: 7f3 sub: 001 dlvrd: 001 submit date: 1305221419 done date: 20130522142000 stat: DELIVRD err: 000 text: id:9 stat:X",
        ] {
            let found = Fields::read(text);
            let read = (found.id.as_str(), found.stat.as_str(), found.err.as_str(), found.text.as_str());
            assert_eq!(read, ("7f3", "DELIVRD", "000", "id:9 stat:X"), "{text}");
            assert_eq!(found.submitted(), Some(jiff::civil::date(2013, 5, 22).at(14, 19, 0, 0)), "{text}");
            assert_eq!(found.done(), Some(jiff::civil::date(2013, 5, 22).at(14, 20, 0, 0)), "{text}");
        }
        let late_id = Fields::read("text:xin chao id:5 stat:EXPIRED");
        assert_eq!((late_id.id.as_str(), late_id.text.as_str()), ("5", "xin chao"));
        assert_eq!(Fields::read("paid:4 id").id, "", "the end of another word is no key");
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read(
            id in "[0-9a-fA-F-]{1,36}", n in "[0-9]{3}", at in "[0-9]{10}", stat in "[A-Z]{7}", text in "[ -~]{0,20}",
        ) {
            let fields = Fields {
                id, sub: n.clone(), dlvrd: n.clone(), submit_date: at.clone(), done_date: at, stat, err: n,
                text: text.trim().to_owned(),
            };
            prop_assert_eq!(Fields::read(&fields.to_string()), fields);
        }

        #[test]
        fn any_text_is_survived(text in any::<String>()) {
            let _ = Fields::read(&text).done();
        }

        #[test]
        fn any_order_of_keys_is_read(order in Just(["id:7", "sub:1", "dlvrd:1", "done date:1305221420", "stat:EXPIRED", "err:3"]).prop_shuffle()) {
            let found = Fields::read(&order.join(" "));
            prop_assert_eq!((found.id, found.stat, found.err), ("7".to_owned(), "EXPIRED".to_owned(), "3".to_owned()));
            prop_assert!(found.done_date == "1305221420");
        }
    }
}
