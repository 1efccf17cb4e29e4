//! Every seed of every fuzz target, through the very function that is fuzzed: seeds and targets stay true without a fuzzer.

#![expect(clippy::unwrap_used, reason = "a seed that cannot be read is a seed that is missing")]

use std::{fs, path::Path};

#[path = "targets/cap.rs"]
mod cap;
#[path = "targets/dsn.rs"]
mod dsn;
#[path = "targets/open311.rs"]
mod open311;
#[path = "targets/pdu.rs"]
mod pdu;
#[path = "targets/sms_text.rs"]
mod sms_text;

macro_rules! targets {
    ($($name:ident),+ $(,)?) => {
        mod seeds_are_survived {
            $(#[test]
            fn $name() {
                super::run_seeds(stringify!($name), crate::$name::run);
            })+
        }

        const TARGETS: &[&str] = &[$(stringify!($name)),+];
    };
}

targets![cap, dsn, open311, pdu, sms_text];

fn folder(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(name)
}

fn run_seeds(target: &str, run: impl Fn(&[u8])) {
    let mut seeds: Vec<_> =
        fs::read_dir(folder("seeds").join(target)).unwrap().map(|entry| entry.unwrap().path()).collect();
    seeds.sort();
    assert!(seeds.len() >= 3, "{target} has {} seeds", seeds.len());
    for seed in seeds {
        println!("{}", seed.display());
        run(&fs::read(&seed).unwrap());
    }
}

#[test]
fn every_target_has_its_fuzzer_and_every_fuzzer_its_seeds() {
    let mut fuzzers: Vec<_> = fs::read_dir(folder("fuzz_targets"))
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    fuzzers.sort();
    assert_eq!(fuzzers, TARGETS);
    let manifest = fs::read_to_string(folder("Cargo.toml")).unwrap();
    for target in TARGETS {
        assert!(manifest.contains(&format!("fuzz_targets/{target}.rs")), "{target}");
    }
}
