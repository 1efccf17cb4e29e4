use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::standard::tree;

fn value(yaml: &str) -> Value {
    tree::parse(yaml).unwrap().value()
}

fn takes(schema: &Value, yaml: &str) -> bool {
    jsonschema::draft202012::new(schema).unwrap().is_valid(&value(yaml))
}

#[test]
fn the_schema_is_one_and_takes_what_ships() {
    let schema = schema();
    assert!(jsonschema::meta::is_valid(&schema));
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let errors: Vec<_> = validator.iter_errors(&value(builtin())).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
    assert!(takes(&schema, SMALL));
}

#[test]
fn the_schema_refuses_what_is_broken() {
    let schema = schema();
    for (from, to) in [
        ("standard: small", "standrad: small"),
        ("version: 1\n", "version: one\n"),
        ("version: 1\n", "version: 0\n"),
        ("name_vi: Nhỏ\n", ""),
        ("name_en: Town", "name_en: \"  \""),
        ("2030-01-01T00:00:00Z", "2030-01-01"),
        ("13:00-17:00", "13:00"),
        ("limit: 4 h", "limit: 4 hours"),
        ("date: 2013-01-01", "date: 2013-13-01"),
        ("[0.5, 0.8]", "[0.5, 1.5]"),
        ("assumed: true", "assumed: yes"),
        ("topic: bill", "topic: bil"),
        ("ask_after: PT1H", "ask_after: 1 h"),
        ("notify:", "notfy:"),
        ("kind: resolution\n    name_vi: Khôi phục", "kind: solution\n    name_vi: Khôi phục"),
        ("      - { limit: 3 wd, from: 2013-01-01, source: x }\n", "      []\n"),
        ("merges_by: adding", "merges_by: averaging"),
        ("[id, reference", "[7, reference"),
    ] {
        let yaml = with(from, to);
        assert!(!takes(&schema, &yaml), "{from} -> {to}");
        assert!(read(&yaml).is_err(), "the reader agrees: {from} -> {to}");
    }
}

#[test]
fn what_the_reader_takes_the_schema_takes_and_serde_knows_every_key() {
    // What serde writes has every key; a key that the schema does not know would be refused.
    let bundle = read(builtin()).unwrap();
    let written = serde_json::to_value(&bundle).unwrap();
    let validator = jsonschema::draft202012::new(&schema()).unwrap();
    let errors: Vec<_> = validator.iter_errors(&written).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
    assert_eq!(serde_json::from_value::<Bundle>(written).unwrap(), bundle);
}

#[test]
fn overlays_have_a_schema_too() {
    let schema = overlay_schema();
    assert!(jsonschema::meta::is_valid(&schema));
    let good = "overlay: fast\nversion: 1\nregion: HCMC\nstandard: small\ntargets: [{ id: restore, limit: 1 h, from: 2026-01-01, source: x }]\n";
    assert!(takes(&schema, good));
    assert!(!takes(&schema, &good.replace("region: HCMC\n", "")));
    assert!(!takes(&schema, &good.replace("limit: 1 h", "limit: 1")));
}

proptest! {
    #[test]
    fn what_the_reader_takes_the_schema_takes(
        line in 0..SMALL.lines().count(), word in 0_usize..8,
        put in prop_oneof![
            "[0-9]{1,4} (h|d|wd|wh|min)( before| after)?", "P[0-9]{0,2}D?T?[0-9]{0,2}[HMS]?", "[a-z_0-9-]{1,12}",
            "[0-9]{4}-[0-9]{2}-[0-9]{2}", "[0-2][0-9]:[0-5][0-9]-[0-4][0-9]:[0-5][0-9]", "[A-Z][a-z]{1,6}/[A-Z][a-z]{1,6}",
            "0\\.[0-9]{1,4}", "true|false|null|~|[0-9]{1,3}", "[a-z]{1,5} [-+*/] [a-z0-9]{1,5}",
        ],
    ) {
        // One word of one line is replaced: most often nonsense, sometimes a bundle.
        let mut lines: Vec<String> = SMALL.lines().map(str::to_owned).collect();
        let words: Vec<String> = lines[line].split(' ').map(str::to_owned).collect();
        let at = word % words.len();
        lines[line] = words.iter().enumerate().map(|(n, w)| if n == at { put.as_str() } else { w }).collect::<Vec<_>>().join(" ");
        let yaml = lines.join("\n");
        if read(&yaml).is_ok() {
            let validator = validator();
            prop_assert!(validator.is_valid(&value(&yaml)), "{}", yaml);
        }
    }
}

fn validator() -> &'static jsonschema::Validator {
    static VALIDATOR: std::sync::OnceLock<jsonschema::Validator> = std::sync::OnceLock::new();
    VALIDATOR.get_or_init(|| jsonschema::draft202012::new(&schema()).unwrap())
}
