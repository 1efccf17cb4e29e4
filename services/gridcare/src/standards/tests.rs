use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Parser;
use gridcare_domain::standard::{SecretKey, builtin};

use super::{Standards, check::findings};
use crate::failure::Failure;

#[derive(Debug, Parser)]
struct Line {
    #[command(subcommand)]
    standards: Standards,
}

/// Runs `gridcare standards ARGUMENTS`.
fn run(arguments: &[&str]) -> Result<(), Failure> {
    // None of these asks anybody.
    futures::executor::block_on(Line::try_parse_from(["standards"].iter().chain(arguments)).unwrap().standards.run())
}

fn said(ended: Result<(), Failure>) -> String {
    match ended {
        Err(Failure::Said(text)) => text,
        other => panic!("{other:?}"),
    }
}

/// A folder with a key, its public part, and a standard of the future.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        desk.write("evn.yaml", &builtin().replace("effective_at: 2013-01-01", "effective_at: 2199-01-01"));
        for (name, seed) in [("ours", 1), ("theirs", 2)] {
            let secret = SecretKey::from_seed(&[seed; 32]);
            desk.write(&format!("{name}.key"), &secret.to_pem().unwrap());
            desk.write(&format!("{name}.pub"), &secret.public().to_pem().unwrap());
        }
        desk
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.folder.path().join(name), text).unwrap();
        self.path(name)
    }

    fn sign(&self) {
        run(&["sign", &self.path("evn.yaml"), "--key", &self.path("ours.key")]).unwrap();
    }

    fn verify(&self, trust: &str, more: &[&str]) -> Result<(), Failure> {
        let (file, trust) = (self.path("evn.yaml"), self.path(trust));
        run(&[&["verify", &file, "--trust", &trust], more].concat())
    }
}

#[test]
fn what_is_signed_verifies_by_its_key_and_by_no_other() {
    let desk = Desk::new();
    desk.sign();
    desk.verify("ours.pub", &[]).unwrap();
    desk.verify("ours.pub", &["--json"]).unwrap();
    assert!(said(desk.verify("theirs.pub", &[])).contains("UNKNOWN_KEY"));
    assert!(matches!(desk.verify("theirs.pub", &["--json"]), Err(Failure::No)));
}

#[test]
fn a_changed_byte_is_noticed() {
    let desk = Desk::new();
    desk.sign();
    let yaml = fs::read_to_string(desk.path("evn.yaml")).unwrap();
    desk.write("evn.yaml", &format!("{yaml}\n"));
    assert!(said(desk.verify("ours.pub", &[])).contains("BAD_SIGNATURE"));
}

#[test]
fn what_was_in_force_before_it_was_signed_is_refused() {
    let desk = Desk::new();
    desk.write("evn.yaml", builtin());
    desk.sign();
    assert!(said(desk.verify("ours.pub", &[])).contains("EFFECTIVE_IN_THE_PAST"));
}

#[test]
fn a_standard_with_errors_is_not_signed_and_says_where_they_are() {
    let desk = Desk::new();
    let path = desk.write("evn.yaml", &builtin().replace("kind: event", "kind: evnt"));
    let text = said(run(&["sign", &path, "--key", &desk.path("ours.key")]));
    assert!(text.contains("UNKNOWN_WORD") && text.contains("did you mean `event`?"), "{text}");
    assert!(!Path::new(&desk.path("evn.yaml.sig")).exists());
}

#[test]
fn an_export_and_an_overlay_are_weighed() {
    let desk = Desk::new();
    desk.sign();
    assert!(said(desk.verify("ours.pub", &["--export", "topic"])).contains("WIDER_EXPORT"));
    let overlay = |limit: &str| {
        let head = "overlay: fast\nversion: 1\nregion: HCMC\nstandard: evn-2013\ntargets:\n";
        format!("{head}  - {{ id: refund, limit: {limit}, from: 2199-01-01, source: region }}\n")
    };
    let faster = desk.write("faster.yaml", &overlay("2 d"));
    desk.verify("ours.pub", &["--overlay", &faster]).unwrap();
    let laxer = desk.write("laxer.yaml", &overlay("4 d"));
    assert!(said(desk.verify("ours.pub", &["--overlay", &laxer])).contains("LAXER_OVERLAY"));
    run(&["lint", &faster, &laxer]).unwrap();
    run(&["lint", &faster, "--over", &desk.path("evn.yaml")]).unwrap();
    assert!(matches!(run(&["lint", &laxer, "--over", &desk.path("evn.yaml")]), Err(Failure::No)));
    let standard = gridcare_domain::standard::read(builtin()).and_then(gridcare_domain::standard::Standard::compile);
    let found = findings(&overlay("4 d"), Some(&standard.unwrap()));
    assert_eq!((found[0].line, found[0].code), (6, "LAXER_OVERLAY"));
}

#[test]
fn lint_exits_by_errors_and_not_by_warnings() {
    let desk = Desk::new();
    run(&["lint", &desk.path("evn.yaml")]).unwrap();
    let warned =
        desk.write("warned.yaml", &builtin().replace("Please answer this message or call {hotline}", "Please answer"));
    run(&["lint", "--json", &warned]).unwrap();
    assert_eq!(findings(&fs::read_to_string(&warned).unwrap(), None)[0].code, "TEMPLATES_DIFFER");
    let broken = desk.write("broken.yaml", "standard: evn-2013\n");
    assert!(matches!(run(&["lint", &desk.path("evn.yaml"), &broken]), Err(Failure::No)));
    assert!(said(run(&["lint", &desk.path("absent.yaml")])).contains("absent.yaml"));
}

#[test]
fn what_ships_compares_and_its_schema_prints() {
    let desk = Desk::new();
    let old: PathBuf = desk.write("old.yaml", builtin()).into();
    let (old, new) = (old.to_str().unwrap().to_owned(), desk.path("evn.yaml"));
    run(&["diff", &old, &new]).unwrap();
    run(&["diff", "--json", &old, &old]).unwrap();
    run(&["schema"]).unwrap();
    run(&["schema", "--overlay"]).unwrap();
}
