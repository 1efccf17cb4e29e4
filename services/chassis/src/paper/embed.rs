use std::collections::{BTreeMap, BTreeSet};

use pdf_writer::{
    Finish, Name, Pdf, Rect, Ref, Str,
    types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap},
};
use subsetter::{GlyphRemapper, subset};
use ttf_parser::{GlyphId, RawFace, Tag};

use super::font::Which;

const IDENTITY: SystemInfo<'static> = SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// Of one font, the characters that a document uses, and how its pages call them.
pub(super) struct Embedded {
    which: Which,
    /// Numbers of glyphs in the document, by character; no number stands for two of them.
    pub(super) numbers: BTreeMap<char, u16>,
    glyphs: BTreeMap<u16, GlyphId>,
    mapper: GlyphRemapper,
    /// Where outlines have numbers of their own: glyphs by number, two octets each.
    map: Option<Vec<u8>>,
}

impl Embedded {
    pub(super) fn new(which: Which, characters: &BTreeSet<(char, GlyphId)>) -> Self {
        let mut mapper = GlyphRemapper::new();
        let (mut numbers, mut glyphs) = (BTreeMap::new(), BTreeMap::new());
        // Only TrueType can show two characters by one glyph and still tell them apart: all that is missing shows as a box.
        let mut map = which.font().parsed.tables().cff.is_none().then(|| vec![0, 0]);
        for (number, (c, glyph)) in (1_u16..).zip(characters) {
            let in_subset = mapper.remap(glyph.0);
            let number = map.as_mut().map_or(in_subset, |map| {
                map.extend(in_subset.to_be_bytes());
                number
            });
            numbers.insert(*c, number);
            glyphs.insert(number, *glyph);
        }
        Self { which, numbers, glyphs, mapper, map }
    }

    /// Writes the font; `of` gives numbers of objects, and `id` is the font's own.
    pub(super) fn write(&self, pdf: &mut Pdf, id: Ref, of: &mut impl FnMut() -> Ref) {
        let (cid, descriptor, unicode, program, map) = (of(), of(), of(), of(), of());
        let font = self.which.font();
        let parsed = &font.parsed;
        let scale = 1_000.0 / f32::from(parsed.units_per_em());
        let scaled = |units: i16| f32::from(units) * scale;
        let subset = subset(font.data, 0, &self.mapper).expect("the program's fonts are sound");
        // A subset's name begins with six letters that no other font of the document has.
        let name = format!("AAAAA{}+{}", ["A", "B", "C", "D"][self.which as usize], self.postscript_name());
        let name = Name(name.as_bytes());

        let mut type0 = pdf.type0_font(id);
        type0.base_font(name).encoding_predefined(Name(b"Identity-H")).descendant_font(cid).to_unicode(unicode);
        type0.finish();

        let mut descendant = pdf.cid_font(cid);
        let kind = if self.map.is_some() { CidFontType::Type2 } else { CidFontType::Type0 };
        descendant.subtype(kind).base_font(name).system_info(IDENTITY).font_descriptor(descriptor).default_width(0.0);
        let mut widths = descendant.widths();
        for (number, glyph) in &self.glyphs {
            widths.consecutive(*number, [font.advance(*glyph) * 1_000.0]);
        }
        widths.finish();
        if self.map.is_some() {
            descendant.cid_to_gid_map_stream(map);
        }
        descendant.finish();

        let bounds = parsed.global_bounding_box();
        let mut flags = FontFlags::SYMBOLIC;
        flags.set(FontFlags::SERIF, self.which != Which::Last);
        flags.set(FontFlags::FIXED_PITCH, self.which == Which::Last);
        flags.set(FontFlags::ITALIC, parsed.is_italic());
        let mut described = pdf.font_descriptor(descriptor);
        described
            .name(name)
            .flags(flags)
            .bbox(Rect::new(scaled(bounds.x_min), scaled(bounds.y_min), scaled(bounds.x_max), scaled(bounds.y_max)))
            .italic_angle(parsed.italic_angle())
            .ascent(scaled(parsed.ascender()))
            .descent(scaled(parsed.descender()))
            .cap_height(scaled(parsed.capital_height().unwrap_or(parsed.ascender())))
            // No font says it; so wide are the stems of fonts of this weight.
            .stem_v(if self.which == Which::Bold { 140.0 } else { 80.0 });
        if self.map.is_some() {
            described.font_file2(program);
        } else {
            described.font_file3(program);
        }
        described.finish();

        let mut characters = UnicodeCmap::new(Name(b"Unicode"), IDENTITY);
        for (c, number) in &self.numbers {
            characters.pair(*number, *c);
        }
        pdf.cmap(unicode, &characters.finish()).name(Name(b"Unicode")).system_info(IDENTITY);

        if let Some(table) = &self.map {
            pdf.stream(map, table);
            pdf.stream(program, &subset);
        } else {
            let outlines = RawFace::parse(&subset, 0).ok().and_then(|face| face.table(Tag::from_bytes(b"CFF ")));
            let outlines = outlines.expect("a subset keeps its outlines");
            pdf.stream(program, outlines).pair(Name(b"Subtype"), Name(b"CIDFontType0C"));
        }
    }

    fn postscript_name(&self) -> &'static str {
        match self.which {
            Which::Regular => "LibertinusSerif-Regular",
            Which::Bold => "LibertinusSerif-Bold",
            Which::Italic => "LibertinusSerif-Italic",
            Which::Last => "DejaVuSansMono",
        }
    }
}
