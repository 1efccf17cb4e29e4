/// Most bytes of a form: the longest description, percent-encoded, and room for the rest.
pub const MOST_BYTES: usize = 64 << 10;
/// Most fields of a form.
pub const MOST_FIELDS: usize = 100;

/// Fields of `application/x-www-form-urlencoded`, in their order; a name may stand several times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form(Vec<(String, String)>);

/// Why bytes are no form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// More than [`MOST_BYTES`].
    #[error("the form is longer than {MOST_BYTES} bytes; send less")]
    TooLong,
    /// More than [`MOST_FIELDS`].
    #[error("the form has more than {MOST_FIELDS} fields; send fewer")]
    TooManyFields,
    /// A `%` without two hexadecimal digits.
    #[error("a % is not followed by two hexadecimal digits; write a percent sign as %25")]
    Percent,
    /// Not UTF-8.
    #[error("the form is not UTF-8; encode it so")]
    NotUtf8,
}

impl Form {
    /// Reads a form, or the query of an address. Nothing is guessed: what is malformed is refused whole.
    pub fn parse(bytes: &[u8]) -> Result<Self, FormError> {
        if bytes.len() > MOST_BYTES {
            return Err(FormError::TooLong);
        }
        let mut fields = Vec::new();
        for pair in bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            if fields.len() == MOST_FIELDS {
                return Err(FormError::TooManyFields);
            }
            let equals = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let (name, value) = pair.split_at(equals);
            fields.push((decode(name)?, decode(value.get(1..).unwrap_or_default())?));
        }
        Ok(Self(fields))
    }

    /// The first value of a name; none when it is not given, or empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All values of a name that are not empty.
    pub fn all<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.0
            .iter()
            .filter(move |(known, value)| known == name && !value.trim().is_empty())
            .map(|(_, value)| value.trim())
    }

    /// A list of values between commas.
    pub fn list<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.all(name).flat_map(|value: &'a str| value.split(',')).map(str::trim).filter(|value| !value.is_empty())
    }
}

fn decode(bytes: &[u8]) -> Result<String, FormError> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit =
                    || rest.next().and_then(|byte| char::from(*byte).to_digit(16)).ok_or(FormError::Percent);
                let (high, low) = (digit()?, digit()?);
                u8::try_from(high << 4 | low).map_err(|_| FormError::Percent)?
            }
            byte => *byte,
        });
    }
    String::from_utf8(out).map_err(|_| FormError::NotUtf8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encode(text: &str) -> String {
        let each = |byte: u8| match byte {
            b' ' => "+".to_owned(),
            byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            byte => format!("%{byte:02x}"),
        };
        text.bytes().map(each).collect()
    }

    #[test]
    fn fields_are_read_as_browsers_write_them() {
        let form = Form::parse("a=1&b=M%E1%BA%A5t+%C4%91i%E1%BB%87n&a=2&&c&d=x%3Dy=z&e=+".as_bytes()).unwrap();
        assert_eq!(form.get("b"), Some("Mất điện"));
        assert_eq!(form.all("a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!((form.get("c"), form.get("d"), form.get("e")), (None, Some("x=y=z"), None));
        assert_eq!(Form::parse(b"x=a,+b,,c").unwrap().list("x").collect::<Vec<_>>(), ["a", "b", "c"]);
    }

    #[test]
    fn what_is_malformed_or_too_much_is_refused_whole() {
        for broken in ["a=%", "a=%4", "a=%zz", "%=1"] {
            assert_eq!(Form::parse(broken.as_bytes()), Err(FormError::Percent), "{broken}");
        }
        assert_eq!(Form::parse(b"a=%ff"), Err(FormError::NotUtf8));
        assert_eq!(Form::parse(&vec![b'a'; MOST_BYTES + 1]), Err(FormError::TooLong));
        assert_eq!(Form::parse("a=1&".repeat(MOST_FIELDS + 1).as_bytes()), Err(FormError::TooManyFields));
        assert!(Form::parse("a=1&".repeat(MOST_FIELDS).as_bytes()).is_ok());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Form::parse(&bytes);
        }

        #[test]
        fn any_fields_survive(fields in prop::collection::vec(("\\PC{1,10}", "\\PC{0,20}"), 0..10)) {
            let text: Vec<_> = fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
            prop_assert_eq!(Form::parse(text.join("&").as_bytes()).unwrap(), Form(fields));
        }
    }
}
