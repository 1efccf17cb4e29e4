//! What a document may look like, told once: the reader checks by it, with places and guesses, and `schema` prints it.

use serde_json::{Map, Value, json};
use unicode_normalization::is_nfc;

use super::{
    finding::{Finding, Path, hint},
    tree::{Kind, Node},
};

/// The form of a value.
pub(super) enum Shape {
    /// Text in words of its own.
    Free,
    /// Text of a certain form.
    Text(&'static Form),
    /// One of some words.
    OneOf(fn() -> Vec<&'static str>),
    /// A whole number.
    Whole { least: i64, most: i64 },
    /// A number.
    Number,
    /// More than nothing and less than the whole.
    Fraction,
    /// Yes or no.
    Flag,
    /// Some values of one shape.
    List { of: &'static Shape, least: usize, most: usize },
    /// Named values.
    Record(&'static Record),
}

/// Text of a certain form.
pub(super) struct Form {
    /// What schemas check.
    pub(super) pattern: &'static str,
    /// What the reader checks; at least what the pattern says.
    pub(super) holds: fn(&str) -> bool,
    /// The code of the finding.
    pub(super) code: &'static str,
    /// How to write it.
    pub(super) cure: &'static str,
}

/// Named values.
pub(super) struct Record {
    /// What it is, as one line.
    pub(super) about: &'static str,
    /// Its values.
    pub(super) fields: &'static [Field],
}

/// One named value.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) required: bool,
    pub(super) shape: Shape,
    pub(super) about: &'static str,
}

/// Longest text, in characters.
const TEXT_LIMIT: usize = 2_000;

impl Record {
    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.fields.iter().map(|field| field.name)
    }

    /// The JSON Schema of the whole document.
    pub(super) fn schema(&'static self, id: &str, title: &str) -> Value {
        let mut schema = self.described();
        schema.insert("$schema".into(), "https://json-schema.org/draft/2020-12/schema".into());
        schema.insert("$id".into(), id.into());
        schema.insert("title".into(), title.into());
        Value::Object(schema)
    }

    fn described(&'static self) -> Map<String, Value> {
        let described = |field: &'static Field| {
            let mut schema = field.shape.schema();
            schema.insert("description".into(), field.about.into());
            (field.name.to_owned(), Value::Object(schema))
        };
        let required: Vec<_> = self.fields.iter().filter(|field| field.required).map(|field| field.name).collect();
        let properties: Map<_, _> = self.fields.iter().map(described).collect();
        object(json!({
            "type": "object", "description": self.about, "additionalProperties": false,
            "required": required, "properties": properties,
        }))
    }

    fn check(&'static self, node: &Node, path: &Path, found: &mut Vec<Finding>) {
        let Kind::Map(map) = &node.kind else {
            found.push(
                Finding::error(path, "WRONG_TYPE", format!("write keys and values: {}", self.about)).at(node.place),
            );
            return;
        };
        for (key, value) in map {
            if let Some(field) = self.fields.iter().find(|field| field.name == key.text) {
                field.shape.check(value, &path.key(field.name), found);
            } else {
                let shown: String = key.text.chars().take(80).collect();
                let message = format!("`{shown}` is no key of this{}", hint(&key.text, self.names()));
                found.push(Finding::error(path, "UNKNOWN_FIELD", message).at(key.place));
            }
        }
        let absent = |field: &&Field| field.required && !map.iter().any(|(key, _)| key.text == field.name);
        for field in self.fields.iter().filter(absent) {
            let code = if field.name.starts_with("name_") { "MISSING_NAME" } else { "MISSING_KEY" };
            let message = format!("add `{}`: {}", field.name, field.about);
            found.push(Finding::error(path, code, message).at(node.place));
        }
    }
}

impl Shape {
    fn schema(&'static self) -> Map<String, Value> {
        object(match self {
            Self::Free => json!({ "type": "string", "pattern": "\\S", "maxLength": TEXT_LIMIT }),
            Self::Text(form) => json!({ "type": "string", "pattern": form.pattern, "maxLength": TEXT_LIMIT }),
            Self::OneOf(words) => json!({ "enum": words() }),
            Self::Whole { least, most } => json!({ "type": "integer", "minimum": least, "maximum": most }),
            Self::Number => json!({ "type": "number" }),
            Self::Fraction => json!({ "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1 }),
            Self::Flag => json!({ "type": "boolean" }),
            Self::List { of, least, most } => {
                json!({ "type": "array", "items": of.schema(), "minItems": least, "maxItems": most })
            }
            Self::Record(record) => return record.described(),
        })
    }

    /// Checks the value and everything in it.
    pub(super) fn check(&'static self, node: &Node, path: &Path, found: &mut Vec<Finding>) {
        let mut say = |code, message: String| found.push(Finding::error(path, code, message).at(node.place));
        match self {
            Self::Record(record) => record.check(node, path, found),
            Self::List { of, least, most } => match &node.kind {
                Kind::List(list) => {
                    if !(*least..=*most).contains(&list.len()) {
                        say("WRONG_LENGTH", format!("list {least} to {most} values, not {}", list.len()));
                    }
                    for (at, value) in list.iter().enumerate().take(*most) {
                        of.check(value, &path.index(at), found);
                    }
                }
                _ => say("WRONG_TYPE", "write a list".into()),
            },
            scalar => {
                if let Err((code, message)) = scalar.check_scalar(&node.value()) {
                    say(code, message);
                }
            }
        }
    }

    fn check_scalar(&self, value: &Value) -> Result<(), (&'static str, String)> {
        let wrong = |message: &str| Err(("WRONG_TYPE", message.to_owned()));
        match (self, value) {
            (Self::Free | Self::Text(_) | Self::OneOf(_), Value::String(text)) => self.check_text(text),
            (Self::Free | Self::Text(_) | Self::OneOf(_), Value::Number(_) | Value::Bool(_)) => {
                wrong("put it into quotes: this is text")
            }
            (Self::Free | Self::Text(_) | Self::OneOf(_), _) => wrong("write a text"),
            (Self::Whole { least, most }, value) => match value.as_i64() {
                Some(whole) if (*least..=*most).contains(&whole) => Ok(()),
                _ => Err(("OUT_OF_RANGE", format!("write a whole number from {least} to {most}"))),
            },
            (Self::Number, Value::Number(_))
            | (Self::Flag, Value::Bool(_))
            | (Self::List { .. } | Self::Record(_), _) => Ok(()),
            (Self::Number, _) => wrong("write a number"),
            (Self::Flag, _) => wrong("write true or false"),
            (Self::Fraction, value) => match value.as_f64() {
                Some(share) if share > 0.0 && share < 1.0 => Ok(()),
                _ => Err(("MALFORMED_FRACTION", "write a fraction between 0 and 1, such as 0.8".to_owned())),
            },
        }
    }

    fn check_text(&self, text: &str) -> Result<(), (&'static str, String)> {
        if text.chars().count() > TEXT_LIMIT {
            return Err(("TOO_LONG", format!("keep it within {TEXT_LIMIT} characters")));
        }
        match self {
            Self::Text(form) if !(form.holds)(text) => Err((form.code, form.cure.to_owned())),
            Self::OneOf(words) => {
                let words = words();
                if words.contains(&text) {
                    return Ok(());
                }
                let shown: String = text.chars().take(80).collect();
                let known = words.join(", ");
                Err(("UNKNOWN_WORD", format!("`{shown}` is none of {known}{}", hint(text, words))))
            }
            _ if text.trim().is_empty() => Err(("EMPTY", "write something here".to_owned())),
            _ if !is_nfc(text) => Err((
                "NOT_NORMAL",
                "save the file in Unicode normal form C, or this letter is not that letter".to_owned(),
            )),
            _ => Ok(()),
        }
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
