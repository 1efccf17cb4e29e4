//! Notices on paper and on air: letters, press releases and radio scripts, as values that lay themselves out as text or pages.
//!
//! The words stand here, and not in a file of translations, because they follow from rules of form: which phase asks what of
//! whom, and where Decree 30/2020/NĐ-CP has a letter's lines stand. A node and a gateway print the same words.

mod addressee;
mod letter;
mod press;
mod radio;
mod reading;
mod sender;
mod spoken;
#[cfg(test)]
mod tests;
mod wording;

pub use reading::{reading_seconds, syllables};
pub use sender::{Bilingual, Sender};
pub use spoken::spoken;

use jiff::{Timestamp, tz::TimeZone};

use super::{NoticeChannel, Revision, RevisionState};
use crate::{customer::Language, text};

/// How a line is set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Face {
    /// Upright.
    #[default]
    Regular,
    /// Bold.
    Bold,
    /// Slanted.
    Italic,
}

/// Where a line stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Place {
    /// At the left.
    #[default]
    Left,
    /// At the left, its first line indented.
    Indented,
    /// In the middle.
    Middle,
}

/// What is printed in one piece, broken into lines where it is too long.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paragraph {
    /// In normal form C, without control characters, its words one space apart.
    pub text: String,
    /// How it is set.
    pub face: Face,
    /// Where it stands.
    pub place: Place,
    /// Whether it is larger than others.
    pub large: bool,
    /// Whether a rule stands beneath.
    pub ruled: bool,
    /// Whether it is read aloud.
    pub aloud: bool,
}

/// What stands beneath each other on paper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// One paragraph over the whole width.
    Whole(Paragraph),
    /// Two columns; what stands at the right is read first, as the name of the state is before that of the office.
    Columns {
        /// At the left.
        left: Vec<Paragraph>,
        /// At the right.
        right: Vec<Paragraph>,
        /// How many empty lines belong to it, for what is written by hand.
        room: u8,
    },
}

impl Block {
    /// Its paragraphs, as they are read.
    pub fn paragraphs(&self) -> impl Iterator<Item = &Paragraph> {
        let (first, then) = match self {
            Self::Whole(paragraph) => (std::slice::from_ref(paragraph), &[][..]),
            Self::Columns { left, right, .. } => (right.as_slice(), left.as_slice()),
        };
        first.iter().chain(then)
    }
}

/// A revision of a notice as it goes out by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printed {
    /// What it is.
    pub output: NoticeChannel,
    /// Its language.
    pub language: Language,
    /// What it is about, in one line.
    pub title: String,
    /// Whose it is.
    pub author: String,
    /// All of it, as it stands beneath each other.
    pub blocks: Vec<Block>,
    /// What each page repeats: of which revision this is a print.
    pub footer: String,
    /// When what it says was published, or written where it was not.
    pub at: Timestamp,
}

impl Printed {
    /// As plain text: a paragraph a line, blocks one empty line apart, the footer last.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for block in &self.blocks {
            for paragraph in block.paragraphs() {
                text.push_str(&paragraph.text);
                text.push('\n');
            }
            text.push('\n');
        }
        text.push_str(&self.footer);
        text.push('\n');
        text
    }
}

/// All that a print says is made from.
struct Matter<'a> {
    incident: &'a str,
    revision: &'a Revision,
    sender: &'a Sender,
    language: Language,
    zone: &'a TimeZone,
}

impl Matter<'_> {
    /// What is printed is dated by its publication.
    fn at(&self) -> Timestamp {
        self.revision.published_at.unwrap_or(self.revision.created_at)
    }

    fn title(&self) -> String {
        clean(&self.revision.content.text(self.language).title)
    }

    /// The notice's paragraphs, none of them empty.
    fn body(&self) -> Vec<String> {
        let body = &self.revision.content.text(self.language).body;
        body.split(['\n', '\r', '\u{2028}', '\u{2029}', '\u{b}', '\u{c}', '\u{85}'])
            .map(clean)
            .filter(|line| !line.is_empty())
            .collect()
    }
}

/// A revision as one of the outputs that go out by hand; none for a channel that couriers or the web carry.
///
/// `incident` is the notice's, `zone` that of the dates and times it says. What is not published yet says so.
#[must_use]
pub fn printed(
    output: NoticeChannel,
    incident: &str,
    revision: &Revision,
    sender: &Sender,
    language: Language,
    zone: &TimeZone,
) -> Option<Printed> {
    let incident = clean(incident);
    let matter = Matter { incident: &incident, revision, sender, language, zone };
    let mut blocks = match output {
        NoticeChannel::Press => press::blocks(&matter),
        NoticeChannel::Radio => radio::blocks(&matter),
        NoticeChannel::LetterToLocalities | NoticeChannel::LetterToGenerators => letter::blocks(output, &matter),
        NoticeChannel::Web | NoticeChannel::Sms | NoticeChannel::Email | NoticeChannel::Webhook => return None,
    };
    if revision.state != RevisionState::Published {
        blocks.insert(0, Block::Whole(Paragraph { place: Place::Middle, ..bold(wording::draft(language)) }));
    }
    let footer = wording::footer(&matter);
    let author = clean(sender.name.of(language));
    Some(Printed { output, language, title: matter.title(), author, blocks, footer, at: matter.at() })
}

/// A paragraph of text that may be anybody's.
fn plain(text: &str) -> Paragraph {
    Paragraph { text: clean(text), ..Paragraph::default() }
}

fn bold(text: &str) -> Paragraph {
    Paragraph { face: Face::Bold, ..plain(text) }
}

fn indented(text: &str) -> Paragraph {
    Paragraph { place: Place::Indented, ..plain(text) }
}

fn middle(paragraph: Paragraph) -> Paragraph {
    Paragraph { place: Place::Middle, ..paragraph }
}

/// In normal form C, its words one space apart, without what is not seen.
fn clean(text: &str) -> String {
    let seen = |c: &char| {
        let mark = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}');
        !mark && *c != '\u{feff}' && (!c.is_control() || c.is_whitespace())
    };
    let visible: String = text.chars().filter(seen).collect();
    text::nfc(&visible.split_whitespace().collect::<Vec<_>>().join(" "))
}
