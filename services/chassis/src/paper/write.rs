use std::collections::{BTreeMap, BTreeSet};

use gridcare_domain::notice::printed::Printed;
use jiff::tz::TimeZone;
use pdf_writer::{Content, Date, Finish, Name, Pdf, Rect, Ref, Str, TextStr};
use ttf_parser::GlyphId;

use super::{
    embed::Embedded,
    font::Which,
    layout::{Line, PAPER, Page},
};

const RULE: f32 = 0.7;

/// The document of these pages: catalogue, fonts, pages.
pub(super) fn document(printed: &Printed, pages: &[Page]) -> Vec<u8> {
    let mut last = 0;
    let mut next = || {
        last += 1;
        Ref::new(last)
    };
    let (catalog, tree, about) = (next(), next(), next());
    let fonts: Vec<(Which, Embedded, Ref)> =
        used(pages).into_iter().map(|(which, used)| (which, Embedded::new(which, &used), next())).collect();
    let sheets: Vec<(Ref, Ref)> = pages.iter().map(|_| (next(), next())).collect();

    let mut pdf = Pdf::new();
    let mut root = pdf.catalog(catalog);
    root.pages(tree).lang(TextStr(printed.language.code()));
    root.viewer_preferences().display_doc_title(true);
    root.finish();
    pdf.document_info(about)
        .title(TextStr(&printed.title))
        .author(TextStr(&printed.author))
        .creator(TextStr("Gridcare"))
        .creation_date(date(printed));
    pdf.pages(tree).kids(sheets.iter().map(|(sheet, _)| *sheet)).count(i32::try_from(sheets.len()).unwrap_or(i32::MAX));
    for (page, (sheet, content)) in pages.iter().zip(&sheets) {
        let mut written = pdf.page(*sheet);
        written.parent(tree).media_box(Rect::new(0.0, 0.0, PAPER.0, PAPER.1)).contents(*content);
        let mut resources = written.resources();
        let mut named = resources.fonts();
        for (which, _, id) in &fonts {
            named.pair(name(*which), *id);
        }
        named.finish();
        resources.finish();
        written.finish();
        pdf.stream(*content, &drawn(page, &fonts));
    }
    for (_, font, id) in &fonts {
        font.write(&mut pdf, *id, &mut next);
    }
    pdf.finish()
}

/// When it was published: a print made later is the same document.
fn date(printed: &Printed) -> Date {
    let at = printed.at.to_zoned(TimeZone::UTC);
    let part = |number: i8| number.unsigned_abs();
    Date::new(at.year().unsigned_abs())
        .month(part(at.month()))
        .day(part(at.day()))
        .hour(part(at.hour()))
        .minute(part(at.minute()))
        .second(part(at.second()))
        .utc_offset_hour(0)
}

const fn name(which: Which) -> Name<'static> {
    match which {
        Which::Regular => Name(b"R"),
        Which::Bold => Name(b"B"),
        Which::Italic => Name(b"I"),
        Which::Last => Name(b"L"),
    }
}

/// The characters that pages show, by the font that has them.
fn used(pages: &[Page]) -> BTreeMap<Which, BTreeSet<(char, GlyphId)>> {
    let mut used: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for line in pages.iter().flat_map(|page| page.lines.iter().chain(&page.margins)) {
        for c in line.text.chars() {
            let (which, glyph) = Which::of(line.face, c);
            used.entry(which).or_default().insert((c, glyph));
        }
    }
    used
}

fn drawn(page: &Page, fonts: &[(Which, Embedded, Ref)]) -> Vec<u8> {
    let mut content = Content::new();
    for line in page.lines.iter().chain(&page.margins) {
        write(&mut content, line, fonts);
    }
    content.set_line_width(RULE);
    for rule in &page.rules {
        content.move_to(rule.x, rule.y).line_to(rule.x + rule.length, rule.y).stroke();
    }
    content.finish().into_vec()
}

/// A line, in as many pieces as it changes fonts.
fn write(content: &mut Content, line: &Line, fonts: &[(Which, Embedded, Ref)]) {
    content.begin_text();
    content.next_line(line.x, line.y);
    let characters: Vec<(Which, char)> = line.text.chars().map(|c| (Which::of(line.face, c).0, c)).collect();
    for piece in characters.chunk_by(|one, other| one.0 == other.0) {
        let Some((which, font, _)) = fonts.iter().find(|(which, ..)| *which == piece[0].0) else { continue };
        let numbers = piece.iter().filter_map(|(_, c)| font.numbers.get(c));
        let shown: Vec<u8> = numbers.flat_map(|number| number.to_be_bytes()).collect();
        content.set_font(name(*which), line.size).show(Str(&shown));
    }
    content.end_text();
}
