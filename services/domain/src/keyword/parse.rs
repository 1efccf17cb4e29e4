use super::{
    Answer, KeywordSet, Month,
    grammar::{Element, GrammarError},
    matching::{Found, Pattern},
    phrases::{self, Reserved},
    reading::Reading,
};
use crate::customer_code::CustomerCode;

/// What a message lacks, of what its keyword needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// Which of several keywords that begin alike.
    Keyword,
    /// The customer code.
    Code,
    /// The customer code has another shape.
    WrongCode,
    /// The month.
    Month,
    /// There is no such month.
    WrongMonth,
}

/// What a message asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parsed {
    /// Everything that it needs is there.
    Recognised {
        /// What is asked.
        answer: Answer,
        /// Whose.
        code: Option<CustomerCode>,
        /// Of which month.
        month: Option<Month>,
    },
    /// A keyword, without all that it needs.
    Incomplete {
        /// What is asked; none when that is what is missing.
        answer: Option<Answer>,
        /// Whose, when that is there.
        code: Option<CustomerCode>,
        /// What is missing.
        missing: Vec<Missing>,
    },
    /// No more notices are wanted.
    Stop,
    /// Notices are wanted again.
    Start,
    /// Something else.
    Unknown,
}

/// The keywords of a corporation, ready to read messages.
#[derive(Debug, Clone, Default)]
pub struct Grammar {
    patterns: Vec<Pattern>,
    syntaxes: Vec<String>,
}

impl Grammar {
    /// Reads the syntaxes of a set.
    ///
    /// # Errors
    /// [`GrammarError`], the first that is found.
    pub fn compile(set: &KeywordSet) -> Result<Self, GrammarError> {
        let mut patterns: Vec<Pattern> = Vec::new();
        for (at, keyword) in set.keywords.iter().enumerate() {
            let answer =
                Answer::parse(&keyword.answer).ok_or_else(|| GrammarError::Answer(at, keyword.answer.clone()))?;
            let elements = keyword.elements(at)?;
            let alike = |other: &Pattern| {
                other.elements.len() == elements.len()
                    && other.elements.first() == elements.first()
                    && elements.iter().all(|element| other.elements.contains(element))
            };
            if let Some(other) = patterns.iter().position(alike) {
                return Err(GrammarError::Alike(other, at));
            }
            patterns.push(Pattern { answer, elements });
        }
        Ok(Self { patterns, syntaxes: set.keywords.iter().map(|keyword| keyword.syntax.clone()).collect() })
    }

    /// How to ask for this, as the standard writes it; the first of several.
    #[must_use]
    pub fn syntax(&self, answer: Answer) -> Option<&str> {
        let at = self.patterns.iter().position(|pattern| pattern.answer == answer)?;
        self.syntaxes.get(at).map(String::as_str)
    }

    /// All that can be asked, and how.
    pub fn syntaxes(&self) -> impl Iterator<Item = (Answer, &str)> {
        self.patterns.iter().map(|pattern| pattern.answer).zip(self.syntaxes.iter().map(String::as_str))
    }

    /// What a message asks for. Case, diacritics, punctuation and spaces make no difference, where they do not have to.
    #[must_use]
    pub fn parse(&self, text: &str) -> Parsed {
        let reading = Reading::of(text);
        let spaced = reading.spaced();
        match phrases::reserved(&spaced) {
            Some(Reserved::Stop) => return Parsed::Stop,
            Some(Reserved::Start) => return Parsed::Start,
            Some(Reserved::Help) => return Parsed::Recognised { answer: Answer::Help, code: None, month: None },
            None => {}
        }
        if let Some((answer, found)) = self.whole(&reading) {
            return Parsed::Recognised { answer, code: read(found.code), month: found.month };
        }
        if let Some(answer) = phrases::meaning(&spaced) {
            let code = reading.words().find_map(|at| reading.code(at)).and_then(|(code, _)| read(Some(code)));
            return Parsed::Recognised { answer, code, month: None };
        }
        self.incomplete(&reading).unwrap_or(Parsed::Unknown)
    }

    /// A keyword with all that it needs: at the beginning, or later where a code shows that it is no prose.
    fn whole(&self, reading: &Reading) -> Option<(Answer, Found)> {
        for at in reading.words() {
            let found = self.patterns.iter().filter(|pattern| at == 0 || pattern.has_code());
            let found = found.filter_map(|pattern| pattern.whole(reading, at).map(|found| (pattern, found)));
            // The one that explains most of the text.
            if let Some((pattern, found)) = found.max_by_key(|(pattern, found)| (found.end, pattern.elements.len())) {
                return Some((pattern.answer, found));
            }
        }
        None
    }

    /// A keyword at the beginning that lacks something.
    fn incomplete(&self, reading: &Reading) -> Option<Parsed> {
        let begun: Vec<(&Pattern, usize)> =
            self.patterns.iter().filter_map(|pattern| begins(pattern, reading).map(|end| (pattern, end))).collect();
        // The longest word, since `TDX` does not begin with a `TD`.
        let end = begun.iter().map(|(_, end)| *end).max()?;
        let begun: Vec<&Pattern> = begun.iter().filter(|(_, own)| *own == end).map(|(pattern, _)| *pattern).collect();
        let spaced = reading.spaced();
        let said =
            |pattern: &Pattern| pattern.words().skip(1).filter(|word| spaced.contains(&format!(" {word} "))).count();
        let most = begun.iter().map(|pattern| said(pattern)).max()?;
        let chosen: Vec<&Pattern> = begun.into_iter().filter(|pattern| said(pattern) == most).collect();
        let sure = chosen.len() == 1 || chosen.iter().all(|pattern| pattern.answer == chosen[0].answer);
        let pattern = chosen.first()?;
        let mut missing = Vec::new();
        if !sure || most < pattern.words().skip(1).count() {
            missing.push(Missing::Keyword);
        }
        let places = || std::iter::once(end).chain(reading.words().filter(|at| *at > end));
        let code = places().find_map(|at| reading.code(at).map(|(code, until)| (code, at, until)));
        // A code that runs on into more digits is none.
        let code = code.filter(|(_, from, until)| {
            // Nor one that borrows its end from a month.
            let borrowed = |at: usize| reading.month(at).is_some_and(|(_, end)| end > *until);
            if (from + 1..*until).any(|at| reading.divides(at) && borrowed(at)) {
                return false;
            }
            let longer = reading.is_digit(*until) && reading.month(*until).is_none() && !pattern.has_month();
            reading.divides(*until) && !longer
        });
        let outside = |at: &usize| code.as_ref().is_none_or(|(_, from, until)| at < from || at >= until);
        let month = places().filter(outside).find_map(|at| reading.month(at)).map(|(month, _)| month);
        if pattern.has_code() && code.is_none() {
            let tried = places().any(|at| reading.resembles_code(at) && reading.month(at).is_none());
            missing.push(if tried { Missing::WrongCode } else { Missing::Code });
        }
        if pattern.has_month() && sure && month.is_none() {
            let tried = code.is_some() && places().filter(outside).any(|at| reading.is_digit(at));
            missing.push(if tried { Missing::WrongMonth } else { Missing::Month });
        }
        if missing.is_empty() {
            // All is there, but in a way that only a person could sort out.
            missing.push(if pattern.has_code() { Missing::WrongCode } else { Missing::Keyword });
        }
        let answer = sure.then_some(pattern.answer);
        Some(Parsed::Incomplete { answer, code: read(code.map(|(code, ..)| code)), missing })
    }
}

fn read(code: Option<String>) -> Option<CustomerCode> {
    code.and_then(|code| CustomerCode::parse(&code).ok())
}

/// Where the first word of a pattern ends, when a text begins with it and does not go on in prose: `NO` alone and `NO PE01` are
/// a keyword, `nổ trạm biến áp` is none.
fn begins(pattern: &Pattern, reading: &Reading) -> Option<usize> {
    let Some(Element::Word(word)) = pattern.elements.first() else { return None };
    let end = reading.word(0, word)?;
    let known = |at: usize| pattern.words().any(|word| reading.word(at, word).is_some_and(|end| reading.divides(end)));
    let numbered = |at: usize| reading.slice(at, reading.next(at)).iter().any(char::is_ascii_digit);
    if reading.divides(end) {
        let prose = reading.words().filter(|at| *at >= end).any(|at| !known(at) && !numbered(at));
        let meant = |at: usize| {
            let word = reading.slice(at, reading.next(at));
            reading.resembles_code(at) && (word.len() >= 8 || word.first() == Some(&'p'))
        };
        return (!prose || reading.words().any(meant)).then_some(end);
    }
    // The space is missing: what follows has to look like a code.
    (pattern.has_code() && reading.resembles_code(end)).then_some(end)
}

#[cfg(test)]
mod tests;
