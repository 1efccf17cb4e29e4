//! A text as an announcer reads it: times, dates, numbers, units and abbreviations in words.

mod english;
mod figures;
#[cfg(test)]
mod tests;
mod vietnamese;

use figures::{Figure, figure};

use crate::customer::Language;

/// Words of one language for what is written short.
struct Tongue {
    /// Written short, and in full; a space in the first is one in the text.
    short: &'static [(&'static str, &'static str)],
    /// Written short and stuck to what follows, and in full.
    stuck: &'static [(&'static str, &'static str)],
    /// Units, and in full.
    units: &'static [(&'static str, &'static str)],
    /// Marks between figures or names, and in full.
    marks: &'static [(char, &'static str)],
    /// Between two ends of a range.
    to: &'static str,
    number: fn(u64) -> String,
    digit: fn(u8) -> &'static str,
    /// What separates a whole number from its fraction, as written and in full.
    point: (char, &'static str),
    time: fn(u8, u8) -> String,
    date: fn(Figure<'_>) -> String,
    /// Words that may stand before a date; the first is put there where the text has none.
    before_date: &'static [&'static str],
    /// What stands before a month and its year, and is put there where the text does not have it.
    before_month: &'static str,
}

const fn tongue(language: Language) -> &'static Tongue {
    match language {
        Language::Vi => &vietnamese::TONGUE,
        Language::En => &english::TONGUE,
    }
}

/// The text as it is read aloud, in words alone but for the marks at which an announcer pauses.
///
/// What it knows no words for stays as it is written.
#[must_use]
pub fn spoken(text: &str, language: Language) -> String {
    let tongue = tongue(language);
    // In capitals throughout, a short word is no abbreviation.
    let shouted = !text.chars().any(char::is_lowercase);
    let text = expanded(text, tongue);
    let mut said = Said { tongue, out: Vec::new(), after_figure: false };
    let mut words = text.split_whitespace().peekable();
    while let Some(word) = words.next() {
        // A number that is called is not a quantity, however it is grouped: 1900 6769.
        let called =
            matches!(word, "1900" | "1800") && words.peek().is_some_and(|next| digits_of(bare(next).1).is_some());
        said.word(word, shouted, called);
        while called && let Some(next) = words.next_if(|next| digits_of(bare(next).1).is_some()) {
            said.word(next, shouted, true);
        }
    }
    said.out.join(" ")
}

/// The text with what is written short in full, longest first, where it stands as a word of its own.
fn expanded(text: &str, tongue: &Tongue) -> String {
    let mut out = String::new();
    let mut rest = text;
    let mut inside = false;
    while let Some(c) = rest.chars().next() {
        let begins = |short: &str| !inside || !short.starts_with(char::is_alphanumeric);
        let fits = |(short, _): &&(&str, &str)| {
            begins(short) && rest.strip_prefix(short).is_some_and(|after| !after.starts_with(char::is_alphanumeric))
        };
        let sticks = |(short, _): &&(&str, &str)| {
            let name = |c: char| c.is_ascii_digit() || short.ends_with('.') && (c.is_alphabetic() || c == ' ');
            begins(short) && rest.strip_prefix(short).is_some_and(|after| after.starts_with(name))
        };
        let found = tongue.short.iter().find(fits).or_else(|| tongue.stuck.iter().find(sticks));
        if let Some((short, full)) = found {
            out.push_str(full);
            rest = &rest[short.len()..];
            inside = full.ends_with(char::is_alphanumeric);
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
            inside = c.is_alphanumeric();
        }
    }
    out
}

/// What stands before a word, the word, and what stands after it.
fn bare(word: &str) -> (&str, &str, &str) {
    let edge = |c: char| !c.is_alphanumeric() && !matches!(c, '%' | '&' | '+' | '°' | '₫');
    let core = word.trim_matches(edge);
    let at = word.len() - word.trim_start_matches(edge).len();
    (&word[..at], core, &word[at + core.len()..])
}

fn digits_of(core: &str) -> Option<&str> {
    (!core.is_empty() && core.bytes().all(|b| b.is_ascii_digit())).then_some(core)
}

struct Said {
    tongue: &'static Tongue,
    out: Vec<String>,
    /// Whether the last word was a number, after which a unit may follow.
    after_figure: bool,
}

impl Said {
    fn word(&mut self, word: &str, shouted: bool, called: bool) {
        let (_, core, after) = bare(word);
        if core.is_empty() {
            // Between two names an announcer sees that they are two.
            if matches!(word, "-" | "–" | "—") && !self.out.is_empty() {
                self.out.push("–".to_owned());
            }
            return self.pause(after);
        }
        let figure = if called { Figure::Called } else { figure(core, self.tongue.point.0) };
        self.before(figure);
        let unit = self.after_figure.then(|| unit(core, self.tongue)).flatten();
        self.after_figure = matches!(figure, Figure::Number(_) | Figure::Fraction { .. });
        let full = unit.map_or_else(|| self.read(core, figure, shouted), str::to_owned);
        self.out.push(full);
        self.pause(after);
    }

    /// What is said before a date, unless the text says it.
    fn before(&mut self, figure: Figure<'_>) {
        let tongue = self.tongue;
        let (known, word) = match figure {
            Figure::Date { .. } => (tongue.before_date, tongue.before_date.first().copied().unwrap_or_default()),
            Figure::Month { .. } => (std::slice::from_ref(&tongue.before_month), tongue.before_month),
            _ => return,
        };
        let last = self.out.last().and_then(|last| last.rsplit(' ').next()).map(str::to_lowercase);
        if !word.is_empty() && !last.is_some_and(|last| known.contains(&last.as_str())) {
            self.out.push(word.to_owned());
        }
    }

    /// The mark after a word, if one pauses there.
    fn pause(&mut self, after: &str) {
        let mark = after.chars().find_map(|c| match c {
            '.' | '!' | '?' | ',' | ';' | ':' => Some(c),
            '…' => Some('.'),
            ')' | ']' | '–' | '—' => Some(','),
            _ => None,
        });
        if let (Some(mark), Some(last)) = (mark, self.out.last_mut())
            && last.ends_with(char::is_alphanumeric)
        {
            last.push(mark);
            self.after_figure = false;
        }
    }

    fn read(&self, core: &str, figure: Figure<'_>, shouted: bool) -> String {
        let tongue = self.tongue;
        match figure {
            Figure::Number(number) => (tongue.number)(number),
            Figure::Fraction { whole, fraction } => {
                let (whole, fraction) = ((tongue.number)(whole), one_by_one(fraction, tongue));
                format!("{whole} {} {fraction}", tongue.point.1)
            }
            Figure::Called => one_by_one(core, tongue),
            Figure::Time { hour, minute } => (tongue.time)(hour, minute),
            Figure::Date { .. } | Figure::Month { .. } => (tongue.date)(figure),
            Figure::Range { from, to } => {
                format!("{} {} {}", self.part(from, shouted), tongue.to, self.part(to, shouted))
            }
            Figure::None => self.name(core, shouted),
        }
    }

    fn part(&self, core: &str, shouted: bool) -> String {
        self.read(core, figure(core, self.tongue.point.0), shouted)
    }

    /// What is no figure as a whole: a unit behind its number, an abbreviation, an address, letters among digits.
    fn name(&self, core: &str, shouted: bool) -> String {
        let tongue = self.tongue;
        let at = core.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ',').unwrap_or(core.len());
        let (number, rest) = core.split_at(at);
        if let (false, Some(unit)) = (number.is_empty(), unit(rest, tongue)) {
            return format!("{} {unit}", self.part(number, shouted));
        }
        let mark = |c: char| tongue.marks.iter().find(|(mark, _)| *mark == c);
        if let Some((at, (mark, full))) = core.char_indices().find_map(|(at, c)| Some((at, mark(c)?))) {
            let (before, after) = (&core[..at], &core[at + mark.len_utf8()..]);
            let side = |side: &str| if side.is_empty() { String::new() } else { self.part(side, shouted) };
            return [side(before), (*full).to_owned(), side(after)].join(" ").trim().to_owned();
        }
        if core.chars().any(|c| c.is_ascii_digit()) {
            let runs = runs(core);
            return runs.iter().map(|run| self.run(run)).collect::<Vec<_>>().join(" ");
        }
        if shouted { core.to_owned() } else { spelled(core) }
    }

    /// Letters, or digits, of a code such as T2 or PE0400.
    fn run(&self, run: &str) -> String {
        match digits_of(run) {
            Some(digits) if digits.len() <= 3 && !digits.starts_with('0') => self.part(digits, false),
            Some(digits) => one_by_one(digits, self.tongue),
            None => spelled(run),
        }
    }
}

fn unit(core: &str, tongue: &Tongue) -> Option<&'static str> {
    tongue.units.iter().find(|(short, _)| *short == core).map(|(_, full)| *full)
}

fn one_by_one(digits: &str, tongue: &Tongue) -> String {
    let digits = digits.bytes().filter(u8::is_ascii_digit);
    digits.map(|b| (tongue.digit)(b - b'0')).collect::<Vec<_>>().join(" ")
}

/// An abbreviation by its letters, everything else as it is.
fn spelled(word: &str) -> String {
    let short = (2..=5).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_uppercase());
    if short { word.chars().map(String::from).collect::<Vec<_>>().join("-") } else { word.to_owned() }
}

/// A word cut where digits begin or end.
fn runs(word: &str) -> Vec<&str> {
    let mut runs = Vec::new();
    let mut rest = word;
    while let Some(first) = rest.chars().next() {
        let digit = first.is_ascii_digit();
        let (run, after) = rest.split_at(rest.find(|c: char| c.is_ascii_digit() != digit).unwrap_or(rest.len()));
        // What is neither letter nor digit is not said: hyphens in codes.
        let run = run.trim_matches(|c: char| !c.is_alphanumeric());
        if !run.is_empty() {
            runs.push(run);
        }
        rest = after;
    }
    runs
}
