use std::borrow::Cow;

/// Writes an XML 1.0 document, element by element.
#[derive(Debug)]
pub struct Xml {
    out: String,
    /// Whether the element that was begun last is still without content.
    hollow: bool,
}

impl Default for Xml {
    fn default() -> Self {
        Self::new()
    }
}

impl Xml {
    /// A document without its root.
    #[must_use]
    pub fn new() -> Self {
        Self { out: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned(), hollow: false }
    }

    /// An element with what `fill` writes into it.
    pub fn element(&mut self, name: &str, attributes: &[(&str, &str)], fill: impl FnOnce(&mut Self)) {
        self.close_tag();
        self.out.push('<');
        self.out.push_str(name);
        for (name, value) in attributes {
            self.out.push(' ');
            self.out.push_str(name);
            self.out.push_str("=\"");
            self.out.push_str(&escape(value, true));
            self.out.push('"');
        }
        self.hollow = true;
        fill(self);
        if std::mem::take(&mut self.hollow) {
            self.out.push_str("/>");
        } else {
            self.out.push_str("</");
            self.out.push_str(name);
            self.out.push('>');
        }
    }

    /// An element with a text.
    pub fn leaf(&mut self, name: &str, text: &str) {
        self.element(name, &[], |xml| xml.text(text));
    }

    /// Text within the element that is open.
    pub fn text(&mut self, text: &str) {
        if !text.is_empty() {
            self.close_tag();
            self.out.push_str(&escape(text, false));
        }
    }

    /// The document.
    #[must_use]
    pub fn finish(mut self) -> String {
        self.out.push('\n');
        self.out
    }

    fn close_tag(&mut self) {
        if std::mem::take(&mut self.hollow) {
            self.out.push('>');
        }
    }
}

/// Text as it stands in an element, or in an attribute within quotes. A reader gets back what was given, save for characters
/// that no XML document may hold (§2.2), which become U+FFFD.
fn escape(text: &str, attribute: bool) -> Cow<'_, str> {
    let replaced = |c: char| -> Option<&'static str> {
        Some(match c {
            '<' => "&lt;",
            '>' => "&gt;",
            '&' => "&amp;",
            // A reader takes it for the end of a line (§2.11).
            '\r' => "&#13;",
            // And these, in an attribute, for spaces (§3.3.3).
            '"' if attribute => "&quot;",
            '\n' if attribute => "&#10;",
            '\t' if attribute => "&#9;",
            '\n' | '\t' => return None,
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => "\u{fffd}",
            _ => return None,
        })
    };
    if !text.chars().any(|c| replaced(c).is_some()) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match replaced(c) {
            Some(other) => out.push_str(other),
            None => out.push(c),
        }
    }
    Cow::Owned(out)
}
