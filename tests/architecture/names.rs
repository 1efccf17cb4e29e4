use crate::sources::{files, is_source, text};

/// Names that say nothing about what is in there.
const EMPTY: [&str; 6] = ["manager", "helper", "util", "common", "base", "impl"];

/// The words of a name, in lower case: `FooBar`, `foo_bar` and `foo-bar.rs` have two each.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for c in name.chars() {
        if !c.is_alphanumeric() || c.is_uppercase() {
            words.push(String::new());
        }
        if c.is_alphanumeric() {
            words.last_mut().unwrap().extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Empty words of a name, plurals included.
fn is_empty_name(name: &str) -> bool {
    words(name).iter().any(|word| EMPTY.iter().any(|empty| word == empty || *word == format!("{empty}s")))
}

/// Names of types, traits, modules and macros that a Rust source declares.
fn declared(source: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for line in source.lines() {
        let mut tokens =
            line.trim_start().split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '!')).filter(|t| !t.is_empty());
        let keyword = tokens.find(|token| !["pub", "crate", "super", "in", "unsafe", "const"].contains(token));
        if matches!(keyword, Some("struct" | "enum" | "trait" | "type" | "mod" | "union" | "macro_rules!")) {
            names.extend(tokens.next());
        }
    }
    names
}

fn violations<'a>(sources: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let mut found = Vec::new();
    for (path, source) in sources {
        found.extend(path.split('/').filter(|part| is_empty_name(part)).map(|part| format!("{path}: the name {part}")));
        if std::path::Path::new(path).extension().is_some_and(|ending| ending == "rs") {
            found.extend(
                declared(source)
                    .into_iter()
                    .filter(|name| is_empty_name(name))
                    .map(|name| format!("{path}: the name {name}")),
            );
        }
    }
    found
}

#[test]
fn no_file_and_no_type_has_a_name_that_says_nothing() {
    let sources: Vec<_> = files().into_iter().filter(|path| is_source(path)).map(|path| (text(&path), path)).collect();
    let found = violations(sources.iter().map(|(text, path)| (path.as_str(), text.as_str())));
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn the_check_of_names_finds_what_says_nothing() {
    for (path, source) in [
        ("services/node/src/utils.rs", ""),
        ("services/common/src/lib.rs", ""),
        ("tests/tools/helper.sh", ""),
        ("a.rs", "pub(crate) struct TicketManager;"),
        ("a.rs", "    trait StoreBase {"),
        ("a.rs", "enum Impl<'a> {}"),
        ("a.rs", "pub mod test_helpers;"),
        ("a.rs", "type FooUtil = u8;"),
    ] {
        assert_eq!(violations([(path, source)].into_iter()).len(), 1, "{path} {source}");
    }
    let fine = "struct Database; impl Base64 for X {} fn common() {} mod baseline; let manager = 1;";
    assert_eq!(violations([("services/base64/implement.rs", fine)].into_iter()), Vec::<String>::new());
}
