use std::{collections::BTreeMap, sync::OnceLock};

use gridcare_domain::notice::printed::Face;
use ttf_parser::{Face as Parsed, GlyphId};

/// What is shown for a character that no carried font has.
const MISSING: char = '□';

/// A font of the program.
pub(super) struct Font {
    pub(super) data: &'static [u8],
    pub(super) parsed: Parsed<'static>,
    /// The character of each glyph. One glyph may show several characters; it stands for the first of them alone, since from a
    /// page it could not be told which was meant.
    characters: BTreeMap<u16, char>,
}

/// Which font a character is shown in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Which {
    Regular,
    Bold,
    Italic,
    /// For what the others lack.
    Last,
}

impl Which {
    pub(super) const ALL: [Self; 4] = [Self::Regular, Self::Bold, Self::Italic, Self::Last];

    pub(super) fn font(self) -> &'static Font {
        static FONTS: OnceLock<[Font; 4]> = OnceLock::new();
        let fonts =
            FONTS.get_or_init(|| Self::ALL.map(|which| Font::carried(which).expect("the program carries its fonts")));
        &fonts[self as usize]
    }

    /// Where a character of this face is found: the font, and the glyph in it.
    pub(super) fn of(face: Face, c: char) -> (Self, GlyphId) {
        let which = match face {
            Face::Regular => Self::Regular,
            Face::Bold => Self::Bold,
            Face::Italic => Self::Italic,
        };
        if let Some(glyph) = which.font().own(c) {
            return (which, glyph);
        }
        let last = &Self::Last.font().parsed;
        (Self::Last, last.glyph_index(c).or_else(|| last.glyph_index(MISSING)).unwrap_or_default())
    }
}

/// How wide a text of this face is, in parts of its size.
pub(super) fn width(face: Face, text: &str) -> f32 {
    text.chars()
        .map(|c| {
            let (which, glyph) = Which::of(face, c);
            which.font().advance(glyph)
        })
        .sum()
}

impl Font {
    fn carried(which: Which) -> Option<Self> {
        let data = match which {
            Which::Regular => include_bytes!(concat!(env!("OUT_DIR"), "/regular")).as_slice(),
            Which::Bold => include_bytes!(concat!(env!("OUT_DIR"), "/bold")),
            Which::Italic => include_bytes!(concat!(env!("OUT_DIR"), "/italic")),
            Which::Last => include_bytes!(concat!(env!("OUT_DIR"), "/last")),
        };
        Some(Self::new(data, Parsed::parse(data, 0).ok()?))
    }

    fn new(data: &'static [u8], parsed: Parsed<'static>) -> Self {
        let mut characters: BTreeMap<u16, char> = BTreeMap::new();
        for table in parsed
            .tables()
            .cmap
            .into_iter()
            .flat_map(|cmap| cmap.subtables)
            .filter(ttf_parser::cmap::Subtable::is_unicode)
        {
            table.codepoints(|point| {
                if let (Some(c), Some(glyph)) = (char::from_u32(point), table.glyph_index(point)) {
                    let first = characters.entry(glyph.0).or_insert(c);
                    *first = c.min(*first);
                }
            });
        }
        Self { data, parsed, characters }
    }

    fn own(&self, c: char) -> Option<GlyphId> {
        let glyph = self.parsed.glyph_index(c)?;
        (self.characters.get(&glyph.0) == Some(&c)).then_some(glyph)
    }

    /// In parts of the size.
    pub(super) fn advance(&self, glyph: GlyphId) -> f32 {
        f32::from(self.parsed.glyph_hor_advance(glyph).unwrap_or_default()) / f32::from(self.parsed.units_per_em())
    }
}
