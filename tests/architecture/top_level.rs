use std::collections::BTreeSet;

use crate::sources::root;

/// What the design names.
const ROOMS: [&str; 7] = ["Cargo.toml", "proto", "services", "deploy", "helm", "tests", "README.md"];
/// What tools and readers look for by name.
const WELL_KNOWN: [&str; 9] = [
    "ARCHITECTURE.md",
    "Cargo.lock",
    "LICENSE",
    "clippy.toml",
    "deny.toml",
    "rustfmt.toml",
    ".cargo",
    ".ci",
    ".gitignore",
];
/// What may be there.
const MAYBE: [&str; 4] = [".dockerignore", ".git", ".github", "target"];

fn violations(entries: &BTreeSet<String>) -> Vec<String> {
    let must = ROOMS.iter().chain(&WELL_KNOWN);
    let missing = must.clone().filter(|name| !entries.contains(**name)).map(|name| format!("{name} is missing"));
    let known = |name: &str| must.clone().chain(&MAYBE).any(|known| *known == name);
    let surplus = entries.iter().filter(|name| !known(name)).map(|name| format!("{name} does not belong at the top"));
    missing.chain(surplus).collect()
}

fn entries() -> BTreeSet<String> {
    std::fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn the_top_level_is_what_the_design_names() {
    assert_eq!(violations(&entries()), Vec::<String>::new());
}

#[test]
fn the_check_of_the_top_level_finds_what_is_missing_and_what_is_too_much() {
    let all: BTreeSet<String> = ROOMS.iter().chain(&WELL_KNOWN).map(|name| (*name).to_owned()).collect();
    assert_eq!(violations(&all), Vec::<String>::new());
    let mut planted = all.clone();
    planted.insert("scripts".into());
    assert_eq!(violations(&planted), ["scripts does not belong at the top"]);
    let mut planted = all;
    planted.remove("helm");
    assert_eq!(violations(&planted), ["helm is missing"]);
}
