//! A YAML document whose every value knows its line and column.

use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use serde_json::Value;

use super::finding::{Finding, Path, Step};

/// Longest document, in bytes.
pub const DOCUMENT_LIMIT: usize = 1 << 20;
/// Deepest nesting.
const DEPTH_LIMIT: usize = 16;

/// A value at its place.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// Line and column, from 1.
    pub(crate) place: (usize, usize),
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Scalar { text: String, plain: bool },
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// A key at its place.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) place: (usize, usize),
}

/// A collection whose end has not come yet; a map remembers the key whose value comes next.
struct Open {
    node: Node,
    key: Option<Key>,
}

/// Reads one document. No anchors, aliases or tags: a rule that everybody must read the same says what it says in its place.
pub(crate) fn parse(yaml: &str) -> Result<Node, Vec<Finding>> {
    if yaml.len() > DOCUMENT_LIMIT {
        return Err(vec![problem((1, 1), "TOO_LONG", format!("keep the document within {DOCUMENT_LIMIT} bytes"))]);
    }
    let (mut open, mut root, mut found): (Vec<Open>, Option<Node>, Vec<Finding>) = (Vec::new(), None, Vec::new());
    for event in Parser::new_from_str(yaml) {
        let (event, span) = match event {
            Ok(event) => event,
            Err(e) => {
                found.push(problem((e.marker().line(), e.marker().col() + 1), "SYNTAX", e.info().to_lowercase()));
                return Err(found);
            }
        };
        let place = place(&span);
        let (anchored, tagged) = match &event {
            Event::Alias(_) => (true, false),
            Event::Scalar(_, _, anchor, tag) | Event::SequenceStart(anchor, tag) | Event::MappingStart(anchor, tag) => {
                (*anchor > 0, tag.is_some())
            }
            _ => (false, false),
        };
        if anchored || tagged {
            found.push(problem(place, "SYNTAX", "write the value itself: anchors, aliases and tags are not read"));
            return Err(found);
        }
        match event {
            Event::DocumentStart(_) if root.is_some() => {
                found.push(problem(place, "SYNTAX", "put one document into a file"));
                return Err(found);
            }
            Event::Scalar(text, style, ..) => {
                let kind = Kind::Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain };
                put(&mut open, &mut root, &mut found, Node { place, kind });
            }
            Event::SequenceStart(..) => open.push(Open { node: Node { place, kind: Kind::List(vec![]) }, key: None }),
            Event::MappingStart(..) => open.push(Open { node: Node { place, kind: Kind::Map(vec![]) }, key: None }),
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(closed) = open.pop() {
                    put(&mut open, &mut root, &mut found, closed.node);
                }
            }
            _ => {}
        }
        if open.len() > DEPTH_LIMIT {
            found.push(problem(place, "SYNTAX", "nothing in a standard lies that deep"));
            return Err(found);
        }
    }
    match root {
        Some(root) if found.is_empty() => Ok(root),
        Some(_) => Err(found),
        None => Err(vec![problem((1, 1), "SYNTAX", "the document is empty")]),
    }
}

fn problem(place: (usize, usize), code: &'static str, message: impl Into<String>) -> Finding {
    Finding::error(&Path::default(), code, message).at(place)
}

fn place(span: &Span) -> (usize, usize) {
    (span.start.line(), span.start.col() + 1)
}

/// Puts a finished value where it belongs: into the innermost open collection, or at the root.
fn put(open: &mut [Open], root: &mut Option<Node>, found: &mut Vec<Finding>, node: Node) {
    let Some(into) = open.last_mut() else {
        *root = Some(node);
        return;
    };
    match (&mut into.node.kind, into.key.take(), node) {
        (Kind::List(list), _, node) => list.push(node),
        (Kind::Map(map), Some(key), node) => {
            if map.iter().any(|(known, _)| known.text == key.text) {
                let message = format!("`{}` stands here twice; keep one", key.text);
                found.push(problem(key.place, "DUPLICATE_KEY", message));
            }
            map.push((key, node));
        }
        (Kind::Map(_), None, Node { place, kind: Kind::Scalar { text, .. } }) => into.key = Some(Key { text, place }),
        (Kind::Map(_), None, Node { place, .. }) => {
            found.push(problem(place, "SYNTAX", "a key is one word"));
            into.key = Some(Key { text: String::new(), place });
        }
        (Kind::Scalar { .. }, ..) => {}
    }
}

impl Node {
    /// The place of the value at `path`, or of the innermost value on the way to it.
    pub(crate) fn locate(&self, path: &Path) -> (usize, usize) {
        let mut here = self;
        for step in &path.0 {
            let next = match (&here.kind, step) {
                (Kind::List(list), Step::Index(index)) => list.get(*index),
                (Kind::Map(map), Step::Key(key)) => map.iter().find(|(known, _)| known.text == *key).map(|(_, v)| v),
                _ => None,
            };
            match next {
                Some(next) => here = next,
                None => break,
            }
        }
        here.place
    }

    /// The value as JSON, by the core schema of YAML 1.2.
    pub(crate) fn value(&self) -> Value {
        match &self.kind {
            Kind::Scalar { text, plain } => scalar(text, *plain),
            Kind::List(list) => list.iter().map(Self::value).collect(),
            Kind::Map(map) => map.iter().map(|(key, node)| (key.text.clone(), node.value())).collect(),
        }
    }
}

fn scalar(text: &str, plain: bool) -> Value {
    if !plain {
        return text.into();
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => true.into(),
        "false" | "False" | "FALSE" => false.into(),
        _ if text.trim_start_matches(['-', '+']).starts_with(|c: char| c.is_ascii_digit() || c == '.') => {
            number(text).unwrap_or_else(|| text.into())
        }
        _ => text.into(),
    }
}

fn number(text: &str) -> Option<Value> {
    let fits = |text: &str| text.chars().all(|c| matches!(c, '0'..='9' | '.' | '-' | '+' | 'e' | 'E'));
    if let Ok(whole) = text.parse::<i64>() {
        return Some(whole.into());
    }
    text.parse::<f64>().ok().filter(|_| fits(text)).and_then(serde_json::Number::from_f64).map(Value::Number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_value_knows_its_line_and_column() {
        let tree = parse("a: 1\nlist:\n  - { x: \"7\", y: [p, q] }\n  - z: |\n      two\n      lines\n").unwrap();
        let path = Path::default();
        assert_eq!(tree.locate(&path.key("a")), (1, 4));
        assert_eq!(tree.locate(&path.item("list", 0).item("y", 1)), (3, 22));
        assert_eq!(tree.locate(&path.item("list", 1)), (4, 5));
        assert_eq!(tree.locate(&path.item("list", 1).key("missing")), (4, 5), "the innermost value that is there");
        let value = json!({ "a": 1, "list": [{ "x": "7", "y": ["p", "q"] }, { "z": "two\nlines\n" }] });
        assert_eq!(tree.value(), value);
    }

    #[test]
    fn plain_scalars_are_read_by_the_core_schema() {
        for (text, value) in [
            ("2013-01-01", json!("2013-01-01")),
            ("07:30-11:30", json!("07:30-11:30")),
            ("0.5", json!(0.5)),
            ("-3", json!(-3)),
            ("true", json!(true)),
            ("no", json!("no")),
            ("~", json!(null)),
            ("2 h", json!("2 h")),
            ("\"8055\"", json!("8055")),
            ("1e400", json!("1e400")),
        ] {
            assert_eq!(parse(text).unwrap().value(), value, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_said_with_its_place() {
        for (yaml, place, code) in [
            ("", (1, 1), "SYNTAX"),
            ("a: 1\na: 2\n", (2, 1), "DUPLICATE_KEY"),
            ("a: &x 1\nb: *x\n", (1, 4), "SYNTAX"),
            ("a: 1\n---\nb: 1\n", (2, 1), "SYNTAX"),
            ("a: [1, 2\n", (2, 1), "SYNTAX"),
            ("? [a]\n: 1\n", (1, 3), "SYNTAX"),
        ] {
            let found = parse(yaml).unwrap_err();
            assert_eq!(((found[0].line, found[0].column), found[0].code), (place, code), "{yaml:?} {found:?}");
        }
        assert_eq!(parse(&"[".repeat(1000)).unwrap_err()[0].code, "SYNTAX");
        assert_eq!(parse(&" ".repeat(DOCUMENT_LIMIT + 1)).unwrap_err()[0].code, "TOO_LONG");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "[-a-z0-9:{}\\[\\]&*!|>'\"%@`#, \n\t~?é]{0,120}") {
            let _ = parse(&text).map(|tree| tree.value());
        }
    }
}
