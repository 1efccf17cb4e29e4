//! Two-way SMS: what a corporation's customers may write, as data, and what a text that came in asks for.

mod grammar;
mod loops;
mod matching;
mod parse;
mod phrases;
mod reading;
mod score;

pub use grammar::{Answer, Element, GrammarError, Keyword, KeywordSet};
pub use loops::{Exchanged, Limits, Silence, silence};
pub use parse::{Grammar, Missing, Parsed};
pub use reading::Month;
pub use score::{lone_score, score_among_words};
