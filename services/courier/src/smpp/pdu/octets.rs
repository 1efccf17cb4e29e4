//! Reading and writing the fields of a PDU, within its bounds.

use super::Malformed;

/// What is left of a body. Every read stays within it.
pub(super) struct Octets<'a>(&'a [u8]);

impl<'a> Octets<'a> {
    pub(super) const fn new(body: &'a [u8]) -> Self {
        Self(body)
    }

    pub(super) fn take(&mut self, length: usize, field: &'static str) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Malformed { field })?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn octet(&mut self, field: &'static str) -> Result<u8, Malformed> {
        Ok(self.take(1, field)?[0])
    }

    fn double(&mut self, field: &'static str) -> Result<u16, Malformed> {
        let taken = self.take(2, field)?;
        Ok(u16::from_be_bytes([taken[0], taken[1]]))
    }

    /// A text that ends with NUL, each octet as the character of Latin-1, so that none is lost.
    pub(super) fn text(&mut self, field: &'static str) -> Result<String, Malformed> {
        let end = self.0.iter().position(|octet| *octet == 0).ok_or(Malformed { field })?;
        let text = latin(&self.0[..end]);
        self.0 = &self.0[end + 1..];
        Ok(text)
    }

    /// The last text of a body, whose NUL some centres leave out.
    pub(super) fn last_text(&mut self) -> String {
        let end = self.0.iter().position(|octet| *octet == 0).unwrap_or(self.0.len());
        let text = latin(&self.0[..end]);
        self.0 = self.0.get(end + 1..).unwrap_or_default();
        text
    }

    /// Optional parameters, known or not. One that claims more than there is ends them: what came before it is worth keeping.
    pub(super) fn tlvs(&mut self) -> Vec<super::Tlv> {
        let mut found = Vec::new();
        while let Ok(tlv) = self.tlv() {
            found.push(tlv);
        }
        found
    }

    fn tlv(&mut self) -> Result<super::Tlv, Malformed> {
        let (tag, length) = (self.double("tag")?, self.double("length")?);
        Ok(super::Tlv { tag, value: self.take(usize::from(length), "value")?.to_vec() })
    }
}

/// Octets as the characters of Latin-1.
pub(crate) fn latin(octets: &[u8]) -> String {
    octets.iter().copied().map(char::from).collect()
}

/// A body in the making, and the first field that did not fit.
pub(super) struct Body {
    pub(super) octets: Vec<u8>,
    pub(super) refused: Option<super::Unwritable>,
}

impl Body {
    pub(super) fn octets(&mut self, octets: &[u8]) {
        self.octets.extend_from_slice(octets);
    }

    /// A text of at most `longest` octets, its NUL not counted.
    pub(super) fn text(&mut self, field: &'static str, text: &str, longest: usize) {
        let before = self.octets.len();
        for c in text.chars() {
            match u8::try_from(c) {
                Ok(0) | Err(_) => self.refuse(field, "a character that SMPP cannot carry"),
                Ok(octet) => self.octets.push(octet),
            }
        }
        if self.octets.len() - before > longest {
            self.refuse(field, "too long");
        }
        self.octets.push(0);
    }

    pub(super) fn tlvs(&mut self, tlvs: &[super::Tlv]) {
        for tlv in tlvs {
            let Ok(length) = u16::try_from(tlv.value.len()) else {
                self.refuse("tlv", "too long");
                continue;
            };
            self.octets(&tlv.tag.to_be_bytes());
            self.octets(&length.to_be_bytes());
            self.octets(&tlv.value);
        }
    }

    pub(super) fn refuse(&mut self, field: &'static str, reason: &'static str) {
        self.refused.get_or_insert(super::Unwritable { field, reason });
    }
}
