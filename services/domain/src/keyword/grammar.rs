use serde::{Deserialize, Serialize};

use crate::{contact::code::codes, text, topic::Topic};

codes! {
    /// What a keyword asks for.
    Answer {
        /// The bill of a month.
        Bill = 1 "bill",
        /// What is owed.
        AmountOwed = 2 "amount_owed",
        /// The schedule of planned outages.
        PlannedOutages = 3 "planned_outages",
        /// The cause of the present outage, and when supply returns.
        PresentOutage = 4 "present_outage",
        /// The day on which the meter is read.
        ReadingDay = 5 "reading_day",
        /// What was read from the meter.
        MeterReading = 6 "meter_reading",
        /// Nothing: it tells that supply is lost.
        ReportOutage = 7 "report_outage",
        /// How to ask.
        Help = 8 "help",
    }
}

impl Answer {
    /// What a contact that asks for it is about.
    #[must_use]
    pub const fn topic(self) -> Topic {
        match self {
            Self::Bill => Topic::Bill,
            Self::AmountOwed => Topic::Debt,
            Self::PlannedOutages => Topic::PlannedOutage,
            Self::PresentOutage | Self::ReportOutage => Topic::Outage,
            Self::ReadingDay | Self::MeterReading => Topic::MeterReading,
            Self::Help => Topic::Information,
        }
    }

    /// Whether it tells what only the customer may know: amounts.
    #[must_use]
    pub const fn is_private(self) -> bool {
        matches!(self, Self::Bill | Self::AmountOwed | Self::MeterReading)
    }
}

/// The keywords of one corporation, as its standard writes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeywordSet {
    /// Code of the corporation, such as `HCMC`.
    pub region: String,
    /// The number that customers write to.
    pub short_code: String,
    /// The number by which they subscribe to notices, where it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscribe_short_code: Option<String>,
    /// What they may write.
    pub keywords: Vec<Keyword>,
}

/// One thing that customers may write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keyword {
    /// Words, `<code>` for a customer code and `mm/yy` for a month: `TD <code> mm/yy`.
    pub syntax: String,
    /// What it asks for: the word of an [`Answer`].
    pub answer: String,
}

/// One part of a syntax.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Element {
    /// A word, folded: small letters and digits without diacritics.
    Word(String),
    /// A customer code.
    Code,
    /// A month.
    Month,
}

/// Why a set of keywords cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrammarError {
    /// The answer is none of the closed list.
    #[error("keyword {0}: {1:?} is no answer; give one such as bill or present_outage")]
    Answer(usize, String),
    /// A syntax has to begin with a word, or nobody could tell it from prose.
    #[error("keyword {0}: begin the syntax with a word of letters and digits, such as TD <code>")]
    NoWord(usize),
    /// Something else than words, one code and one month.
    #[error("keyword {0}: {1:?} is neither a word, nor <code>, nor mm/yy, or stands twice; leave it out")]
    Part(usize, String),
    /// A longer syntax than anyone could type.
    #[error("keyword {0}: a syntax has at most {MOST_ELEMENTS} parts; shorten it")]
    TooLong(usize),
    /// Two keywords that the same text would mean.
    #[error("keywords {0} and {1} are written alike; change one of them")]
    Alike(usize, usize),
}

/// Orders of a syntax's parts are tried, so there are few of them.
pub(super) const MOST_ELEMENTS: usize = 4;

impl Keyword {
    /// The parts of its syntax. `at` is its place in the set, for the error.
    pub(super) fn elements(&self, at: usize) -> Result<Vec<Element>, GrammarError> {
        let mut elements = Vec::new();
        for part in self.syntax.split_whitespace() {
            let folded = text::fold(part);
            let element = match folded.as_str() {
                "<code>" => Element::Code,
                "mm/yy" | "<mm/yy>" | "<month>" => Element::Month,
                word if word.chars().all(|c| c.is_ascii_alphanumeric()) => Element::Word(folded),
                _ => return Err(GrammarError::Part(at, part.to_owned())),
            };
            if elements.contains(&element) {
                return Err(GrammarError::Part(at, part.to_owned()));
            }
            elements.push(element);
        }
        if !matches!(elements.first(), Some(Element::Word(_))) {
            return Err(GrammarError::NoWord(at));
        }
        if elements.len() > MOST_ELEMENTS {
            return Err(GrammarError::TooLong(at));
        }
        Ok(elements)
    }
}
