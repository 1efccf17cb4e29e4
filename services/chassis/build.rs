//! Takes the fonts that pages use out of the crate that carries them with many others, which would be most of the binary.

use std::{env, error::Error, fs, path::Path};

use ttf_parser::Face;

/// Name of the file, family, bold, italic.
const FONTS: [(&str, &str, bool, bool); 4] = [
    ("regular", "Libertinus Serif", false, false),
    ("bold", "Libertinus Serif", true, false),
    ("italic", "Libertinus Serif", false, true),
    ("last", "DejaVu Sans Mono", false, false),
];

#[expect(clippy::disallowed_methods, reason = "this is how cargo tells a build script where to write")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let folder = env::var("OUT_DIR")?;
    for (file, family, bold, italic) in FONTS {
        // Chosen by what a font says of itself, so that another order of the fonts changes nothing.
        let wanted = |data: &&[u8]| {
            Face::parse(data, 0).is_ok_and(|font| {
                let named = font
                    .names()
                    .into_iter()
                    .any(|name| name.name_id == 1 && name.to_string().as_deref() == Some(family));
                named && (font.weight().to_number() == 700) == bold && font.is_italic() == italic
            })
        };
        let data = typst_assets::fonts().find(wanted).ok_or_else(|| format!("no font {file} of {family}"))?;
        fs::write(Path::new(&folder).join(file), data)?;
    }
    Ok(())
}
