use super::{Answer, Month, grammar::Element, reading::Reading};

/// A keyword, ready to be looked for.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    pub(super) answer: Answer,
    pub(super) elements: Vec<Element>,
}

/// What a keyword found.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    pub(super) code: Option<String>,
    pub(super) month: Option<Month>,
    /// Where it ended.
    pub(super) end: usize,
}

impl Pattern {
    pub(super) fn has_code(&self) -> bool {
        self.elements.contains(&Element::Code)
    }

    pub(super) fn has_month(&self) -> bool {
        self.elements.contains(&Element::Month)
    }

    /// Its words.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        self.elements
            .iter()
            .filter_map(|element| if let Element::Word(word) = element { Some(word.as_str()) } else { None })
    }

    /// All of it, from here on: its first word, and then the other parts in any order.
    pub(super) fn whole(&self, reading: &Reading, at: usize) -> Option<Found> {
        let (Some(Element::Word(first)), rest) = (self.elements.first(), self.elements.get(1..)?) else { return None };
        let end = reading.word(at, first)?;
        let found = Found { end, ..Found::default() };
        let rest: Vec<&Element> = rest.iter().collect();
        let found = all(reading, found, &rest)?;
        // Digits right after a code are a code with too many of them, unless they are a month that nobody asked for.
        let too_long = found.code.is_some()
            && found.month.is_none()
            && reading.is_digit(found.end)
            && reading.month(found.end).is_none();
        // Words with spaces in them are believed only where a code shows that somebody meant them.
        (!too_long && (self.has_code() || self.in_whole_words(reading, at))).then_some(found)
    }

    /// Whether its words stand there one by one.
    fn in_whole_words(&self, reading: &Reading, from: usize) -> bool {
        let mut at = from;
        self.words().all(|word| {
            let end = at + word.chars().count();
            at = reading.next(at);
            at == end
        })
    }
}

/// All of these parts, in any order, one right after the other.
fn all(reading: &Reading, found: Found, rest: &[&Element]) -> Option<Found> {
    if rest.is_empty() {
        return reading.divides(found.end).then_some(found);
    }
    rest.iter().enumerate().find_map(|(chosen, element)| {
        let next = step(reading, &found, element)?;
        let others: Vec<&Element> =
            rest.iter().enumerate().filter(|(i, _)| *i != chosen).map(|(_, element)| *element).collect();
        all(reading, next, &others)
    })
}

fn step(reading: &Reading, found: &Found, element: &Element) -> Option<Found> {
    let at = found.end;
    Some(match element {
        Element::Word(word) => Found { end: reading.word(at, word)?, ..found.clone() },
        Element::Code => {
            let (code, end) = reading.code(at)?;
            Found { code: Some(code), end, ..found.clone() }
        }
        Element::Month => {
            let (month, end) = reading.month(at)?;
            Found { month: Some(month), end, ..found.clone() }
        }
    })
}
