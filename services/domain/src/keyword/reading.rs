use std::fmt;

use unicode_normalization::UnicodeNormalization as _;

use crate::text;

/// Letters and digits of a text that are looked at: more than any message has.
const MOST: usize = 1_600;

/// A month, as customers name the one of a bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Month {
    /// From 2000 to 2099.
    pub year: i16,
    /// From 1 to 12.
    pub month: i8,
}

impl Month {
    /// The month, when there is one: years of two digits are of this century.
    #[must_use]
    pub fn new(month: u32, year: u32) -> Option<Self> {
        let year = if year < 100 { 2_000 + year } else { year };
        let in_range = (1..=12).contains(&month) && (2_000..=2_099).contains(&year);
        Some(Self { year: i16::try_from(year).ok()?, month: i8::try_from(month).ok()? }).filter(|_| in_range)
    }

    /// The month that a text is, in any of the ways in which customers write one: `5/13`, `05-2013`, `2013-05`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let reading = Reading::of(text);
        reading.month(0).filter(|(_, end)| *end == reading.len()).map(|(month, _)| month)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}/{}", self.month, self.year)
    }
}

/// A text as its letters and digits alone, folded, and where its words begin. Spaces and punctuation only divide, because
/// people leave them out, repeat them, and write others.
#[derive(Debug)]
pub(super) struct Reading {
    letters: Vec<char>,
    starts: Vec<bool>,
    /// Where a word begins after a slash, which stands in months and never in codes.
    slashed: Vec<bool>,
}

impl Reading {
    pub(super) fn of(text: &str) -> Self {
        // Compatibility forms first: full-width letters, circled digits and hard spaces are what some keyboards give.
        let compatible: String = text.chars().take(MOST).nfkc().filter(|c| !is_invisible(*c)).collect();
        let mut reading = Self { letters: Vec::new(), starts: Vec::new(), slashed: Vec::new() };
        let (mut divided, mut slash) = (true, false);
        for c in text::fold(&compatible).chars().take(MOST) {
            if c.is_alphanumeric() {
                reading.letters.push(c);
                reading.starts.push(std::mem::take(&mut divided));
                reading.slashed.push(std::mem::take(&mut slash));
            } else {
                divided = true;
                slash |= matches!(c, '/' | '\u{2044}' | '\u{2215}');
            }
        }
        reading
    }

    pub(super) fn len(&self) -> usize {
        self.letters.len()
    }

    /// Whether a word begins here, or the text has ended.
    pub(super) fn divides(&self, at: usize) -> bool {
        self.starts.get(at).is_none_or(|starts| *starts)
    }

    /// The beginning of the next word after `at`.
    pub(super) fn next(&self, at: usize) -> usize {
        (at + 1..self.len()).find(|at| self.starts[*at]).unwrap_or(self.len())
    }

    /// Places where words begin.
    pub(super) fn words(&self) -> impl Iterator<Item = usize> {
        self.starts.iter().enumerate().filter(|(_, starts)| **starts).map(|(at, _)| at)
    }

    pub(super) fn slice(&self, from: usize, until: usize) -> &[char] {
        self.letters.get(from..until.min(self.len())).unwrap_or_default()
    }

    /// The words with one space between and around, for looking for phrases.
    pub(super) fn spaced(&self) -> String {
        let mut text = String::with_capacity(self.len() * 2);
        for (at, c) in self.letters.iter().enumerate() {
            if self.starts[at] {
                text.push(' ');
            }
            text.push(*c);
        }
        text.push(' ');
        text
    }

    /// Where this word ends, when it stands here, whether or not somebody has put spaces into it.
    pub(super) fn word(&self, at: usize, word: &str) -> Option<usize> {
        let end = at + word.chars().count();
        (end <= self.len() && self.slice(at, end).iter().copied().eq(word.chars())).then_some(end)
    }

    /// The customer code that begins here, and where it ends: in one piece, after which anything may follow without a space;
    /// or in pieces, whose last ends where a word does. Each piece but the first has a digit, or prose would complete codes.
    pub(super) fn code(&self, at: usize) -> Option<(String, usize)> {
        const LENGTH: usize = 13;
        let end = at + LENGTH;
        let code: String = self.slice(at, end).iter().collect();
        let shaped = crate::customer_code::CustomerCode::parse(&code).is_ok();
        if end > self.len() || !shaped {
            return None;
        }
        let mut pieces: Vec<usize> = (at + 1..end).filter(|at| self.starts[*at]).collect();
        if pieces.is_empty() {
            return Some((code, end));
        }
        pieces.push(end);
        let numbered = |pair: &[usize]| self.slice(pair[0], pair[1]).iter().any(char::is_ascii_digit);
        let slashed = pieces.iter().any(|at| self.slashed.get(*at).is_some_and(|slashed| *slashed));
        (self.divides(end) && !slashed && pieces.windows(2).all(numbered)).then_some((code, end))
    }

    /// Whether what begins here was meant for a code: a word with a digit and at least five characters.
    pub(super) fn resembles_code(&self, at: usize) -> bool {
        let word = self.slice(at, self.next(at));
        word.len() >= 5 && word.iter().any(char::is_ascii_digit) && word.iter().all(char::is_ascii_alphanumeric)
    }

    /// The month that begins here, and where it ends: `5/13`, `05-2013`, `0513`, `thang 5 nam 2013`, `2013-05`.
    pub(super) fn month(&self, at: usize) -> Option<(Month, usize)> {
        let at = self.after(at, &["thang", "ky", "t"]);
        let (first, digits, end) = self.number(at)?;
        let (month, end) = match digits {
            1 | 2 => {
                let (second, digits, end) = self.number(self.after(end, &["nam", "n"]))?;
                (if matches!(digits, 2 | 4) { Month::new(first, second) } else { None }, end)
            }
            3 | 4 => match Month::new(first / 100, first % 100) {
                Some(month) if first / 100 > 0 => (Some(month), end),
                _ => {
                    let (second, digits, end) = self.number(end)?;
                    (if digits <= 2 && first >= 2_000 { Month::new(second, first) } else { None }, end)
                }
            },
            5 | 6 => (Month::new(first / 10_000, first % 10_000).filter(|_| first % 10_000 >= 2_000), end),
            _ => return None,
        };
        let alone = self.divides(end) && !self.letters.get(end).is_some_and(char::is_ascii_digit);
        month.filter(|_| alone).map(|month| (month, end))
    }

    /// Whether a number begins here.
    pub(super) fn is_digit(&self, at: usize) -> bool {
        self.letters.get(at).is_some_and(char::is_ascii_digit)
    }

    /// Past the first of these words, when a digit follows it.
    fn after(&self, at: usize, words: &[&str]) -> usize {
        words.iter().filter_map(|word| self.word(at, word)).find(|end| self.is_digit(*end)).unwrap_or(at)
    }

    /// The number that begins here, its digits, and where it ends.
    fn number(&self, at: usize) -> Option<(u32, usize, usize)> {
        let mut end = at;
        while self.is_digit(end) && (end == at || !self.starts[end]) {
            end += 1;
        }
        let digits: String = self.slice(at, end).iter().take(7).collect();
        Some((digits.parse().ok()?, end - at, end))
    }
}

/// Characters without width, which come along when texts are copied.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}
