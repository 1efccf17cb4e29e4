use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::MetadataCommand;

use crate::sources::root;

/// Who may import whom. A package that is not here may import nothing and is not allowed to exist.
const MAY_IMPORT: [(&str, &[&str]); 11] = [
    ("gridcare-domain", &[]),
    ("gridcare-bus", &[]),
    ("gridcare-proto", &["gridcare-domain"]),
    ("gridcare-store", &["gridcare-domain"]),
    ("gridcare-chassis", &["gridcare-domain"]),
    ("gridcare-node", &["gridcare-domain", "gridcare-proto", "gridcare-store", "gridcare-bus", "gridcare-chassis"]),
    ("gridcare-gateway", &["gridcare-domain", "gridcare-proto", "gridcare-store", "gridcare-bus", "gridcare-chassis"]),
    ("gridcare-courier", &["gridcare-domain", "gridcare-proto", "gridcare-bus", "gridcare-chassis"]),
    ("gridcare-web", &["gridcare-domain", "gridcare-proto", "gridcare-bus", "gridcare-chassis"]),
    ("gridcare", ROOMS),
    ("gridcare-tests", ROOMS),
];

/// Everything but the binary and the tests.
const ROOMS: &[&str] = &[
    "gridcare-domain",
    "gridcare-bus",
    "gridcare-proto",
    "gridcare-store",
    "gridcare-chassis",
    "gridcare-node",
    "gridcare-gateway",
    "gridcare-courier",
    "gridcare-web",
];

/// Who alone may name a dependency, besides the tests.
const ONLY: [(&str, &str); 2] = [("sqlx", "gridcare-store"), ("redis", "gridcare-bus")];

/// What the domain must not know: no async, no I/O, no randomness.
const NOT_IN_DOMAIN: [&str; 8] = ["tokio", "futures", "tonic", "axum", "rand", "tracing", "prost", "async-trait"];

/// Names of the dependencies of each package.
type Packages = BTreeMap<String, BTreeSet<String>>;

fn violations(packages: &Packages) -> Vec<String> {
    let mut found = Vec::new();
    for (package, dependencies) in packages {
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| name == package) else {
            found.push(format!("{package} has no place in the house"));
            continue;
        };
        let ours = dependencies.iter().filter(|name| packages.contains_key(*name) || name.starts_with("gridcare"));
        found.extend(
            ours.filter(|name| !allowed.contains(&name.as_str())).map(|name| format!("{package} imports {name}")),
        );
        for (dependency, owner) in ONLY {
            if dependencies.contains(dependency) && package != owner && package != "gridcare-tests" {
                found.push(format!("{package} names {dependency}, which is {owner}'s alone"));
            }
        }
        if package == "gridcare-domain" {
            found.extend(
                NOT_IN_DOMAIN
                    .iter()
                    .filter(|name| dependencies.contains(**name))
                    .map(|name| format!("the domain names {name}")),
            );
        }
    }
    found
}

fn ours() -> Packages {
    let metadata =
        MetadataCommand::new().current_dir(root()).no_deps().other_options(["--offline".to_owned()]).exec().unwrap();
    let dependencies =
        |package: &cargo_metadata::Package| package.dependencies.iter().map(|d| d.name.clone()).collect();
    metadata.packages.iter().map(|package| (package.name.to_string(), dependencies(package))).collect()
}

#[test]
fn every_package_imports_only_what_it_may() {
    let packages = ours();
    assert!(packages.len() >= 9, "{packages:?}");
    assert_eq!(violations(&packages), Vec::<String>::new());
}

#[test]
fn the_check_of_imports_finds_what_is_wrong() {
    for (package, dependency) in [
        ("gridcare-node", "gridcare-gateway"),
        ("gridcare-gateway", "gridcare-node"),
        ("gridcare-domain", "gridcare-proto"),
        ("gridcare-bus", "gridcare-domain"),
        ("gridcare-store", "gridcare-proto"),
        ("gridcare-web", "gridcare-store"),
        ("gridcare-node", "sqlx"),
        ("gridcare", "redis"),
        ("gridcare-domain", "tokio"),
        ("gridcare-cellar", "gridcare-domain"),
        ("gridcare-chassis", "gridcare-courier"),
    ] {
        let mut planted = ours();
        planted.entry(package.to_owned()).or_default().insert(dependency.to_owned());
        assert_eq!(violations(&planted).len(), 1, "{package} imports {dependency}");
    }
}
