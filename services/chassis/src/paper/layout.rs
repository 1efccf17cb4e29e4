use gridcare_domain::notice::printed::{Block, Face, Paragraph, Place, Printed};

use super::font::width;

/// A4, in points of 1/72 inch.
pub(super) const PAPER: (f32, f32) = (595.28, 841.89);
/// Decree 30/2020/NĐ-CP: 30 to 35 mm at the left, 15 to 20 mm at the right, 20 to 25 mm above and beneath.
const LEFT: f32 = 85.04;
const RIGHT: f32 = 48.19;
const ABOVE: f32 = 65.2;
const BENEATH: f32 = 65.2;
pub(super) const WIDTH: f32 = PAPER.0 - LEFT - RIGHT;
/// Of which the left column takes so much, and between the two is a gap: the name of the state must fit into the right one.
const LEFT_SHARE: f32 = 0.42;
const GAP: f32 = 12.0;
/// Sizes of letters: of text, of what is in columns, of headlines, of the footer.
const TEXT: f32 = 13.0;
const COLUMN: f32 = 11.5;
const LARGE: f32 = 17.0;
const SMALL: f32 = 9.0;
/// From one line to the next, in parts of the size.
const LEADING: f32 = 1.3;
const INDENT: f32 = 28.35;
const BETWEEN: f32 = 6.0;
/// From a line's lower edge to the rule beneath.
const RULED: f32 = 3.0;

/// One line of text, `x` and `y` being where its baseline begins, from the lower left corner.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) size: f32,
    pub(super) face: Face,
    pub(super) text: String,
}

/// A horizontal rule from `x` on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rule {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) length: f32,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Page {
    pub(super) lines: Vec<Line>,
    pub(super) rules: Vec<Rule>,
    /// The number, and what each page repeats.
    pub(super) margins: Vec<Line>,
}

/// How far the text has come: the page, and the height at which the next line may begin.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Cursor {
    page: usize,
    y: f32,
}

struct Sheets {
    pages: Vec<Page>,
    /// Text ends above this.
    floor: f32,
}

const TOP: f32 = PAPER.1 - ABOVE;

/// A print on its pages. No line is wider than its column, and none lower than the margin.
pub(super) fn pages(printed: &Printed) -> Vec<Page> {
    let footer = Paragraph { text: printed.footer.clone(), face: Face::Italic, ..Paragraph::default() };
    let footer = broken(&footer, SMALL, WIDTH);
    let mut sheets = Sheets { pages: vec![Page::default()], floor: BENEATH };
    let mut cursor = Cursor { page: 0, y: TOP };
    for block in &printed.blocks {
        cursor = sheets.block(block, cursor);
    }
    let mut pages = sheets.pages;
    for (at, page) in pages.iter_mut().enumerate() {
        // The decree numbers pages from the second on, in the middle above the text.
        if at > 0 {
            page.margins.push(middle(&(at + 1).to_string(), Face::Regular, TEXT, PAPER.1 - ABOVE / 2.0));
        }
        let mut y = BENEATH - 2.0 * SMALL;
        for text in &footer {
            page.margins.push(middle(text, Face::Italic, SMALL, y));
            y -= SMALL * LEADING;
        }
    }
    pages
}

fn middle(text: &str, face: Face, size: f32, y: f32) -> Line {
    Line { x: LEFT + (WIDTH - width(face, text) * size) / 2.0, y, size, face, text: text.to_owned() }
}

impl Sheets {
    fn block(&mut self, block: &Block, from: Cursor) -> Cursor {
        match block {
            Block::Whole(paragraph) => self.column(std::slice::from_ref(paragraph), LEFT, WIDTH, TEXT, from),
            Block::Columns { left, right, room } => {
                let (x, wide) = (LEFT + WIDTH * LEFT_SHARE + GAP, WIDTH * (1.0 - LEFT_SHARE) - GAP);
                let narrow = WIDTH * LEFT_SHARE;
                let height = height(right, wide).max(height(left, narrow)) + f32::from(*room) * COLUMN * LEADING;
                // Kept together where a page can hold it.
                let fits = from.y - height >= self.floor || height > TOP - self.floor;
                let from = if fits { from } else { self.next(from) };
                let right = self.column(right, x, wide, COLUMN, from);
                let left = self.column(left, LEFT, narrow, COLUMN, from);
                let end = match left.page.cmp(&right.page) {
                    std::cmp::Ordering::Less => right,
                    std::cmp::Ordering::Greater => left,
                    std::cmp::Ordering::Equal => Cursor { page: left.page, y: left.y.min(right.y) },
                };
                Cursor { page: end.page, y: end.y - 2.0 * BETWEEN }
            }
        }
    }

    fn column(&mut self, paragraphs: &[Paragraph], x: f32, width: f32, size: f32, from: Cursor) -> Cursor {
        let mut at = from;
        for paragraph in paragraphs {
            let size = size_of(paragraph, size);
            let mut last = 0.0;
            for (nth, text) in broken(paragraph, size, width).into_iter().enumerate() {
                let advance = size * LEADING;
                if at.y - advance < self.floor {
                    at = self.next(at);
                }
                at.y -= advance;
                let long = super::font::width(paragraph.face, &text) * size;
                let shift = match paragraph.place {
                    Place::Middle => (width - long) / 2.0,
                    Place::Indented if nth == 0 => INDENT,
                    Place::Left | Place::Indented => 0.0,
                };
                last = long;
                // Letters reach below their line: it is lifted by as much.
                let y = at.y + size * (LEADING - 1.0);
                self.pages[at.page].lines.push(Line { x: x + shift, y, size, face: paragraph.face, text });
            }
            if paragraph.ruled {
                let length = last / 2.0;
                // Beneath the marks under letters.
                at.y -= RULED;
                self.pages[at.page].rules.push(Rule { x: x + (width - length) / 2.0, y: at.y, length });
            }
            at.y -= gap(size);
        }
        at
    }

    fn next(&mut self, from: Cursor) -> Cursor {
        let page = from.page + 1;
        if page == self.pages.len() {
            self.pages.push(Page::default());
        }
        Cursor { page, y: TOP }
    }
}

/// After a paragraph: columns are set closer than text.
fn gap(size: f32) -> f32 {
    if size < TEXT { BETWEEN / 3.0 } else { BETWEEN }
}

fn size_of(paragraph: &Paragraph, size: f32) -> f32 {
    if paragraph.large { LARGE } else { size }
}

fn height(paragraphs: &[Paragraph], width: f32) -> f32 {
    let of = |paragraph: &Paragraph| {
        let size = size_of(paragraph, COLUMN);
        let mut height = gap(size) + if paragraph.ruled { RULED } else { 0.0 };
        for _ in broken(paragraph, size, width) {
            height += size * LEADING;
        }
        height
    };
    paragraphs.iter().map(of).sum()
}

/// A paragraph in lines that fit. A word is broken only where it alone is wider than a line.
fn broken(paragraph: &Paragraph, size: f32, wide: f32) -> Vec<String> {
    let (face, space) = (paragraph.face, width(paragraph.face, " ") * size);
    let indent = if paragraph.place == Place::Indented { INDENT } else { 0.0 };
    let mut lines = Vec::new();
    let (mut line, mut used) = (String::new(), indent);
    for word in paragraph.text.split(' ').filter(|word| !word.is_empty()) {
        let long = width(face, word) * size;
        if !line.is_empty() && used + space + long > wide {
            lines.push(std::mem::take(&mut line));
            used = 0.0;
        }
        if !line.is_empty() {
            line.push(' ');
            used += space;
        }
        for c in word.chars() {
            let advance = width(face, c.encode_utf8(&mut [0; 4])) * size;
            if used + advance > wide && !line.is_empty() {
                lines.push(std::mem::take(&mut line));
                used = 0.0;
            }
            line.push(c);
            used += advance;
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}
