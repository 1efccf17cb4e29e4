use crate::sources::{root, text};

const COLUMNS: [&str; 6] = ["Sentence", "Wire", "Flow", "Rules", "Rows", "Proof"];

/// What a newcomer types first.
const COMMANDS: [&str; 2] = ["cargo run --release -- demo", "./tests/run"];

/// Paths in backticks: with a slash, and nothing that only a command or a pattern has.
fn paths(markdown: &str) -> Vec<&str> {
    let quoted = markdown.split('`').skip(1).step_by(2);
    let is_path = |text: &&str| {
        text.contains('/') && !text.contains([' ', ':', '*', '<', '{', '…', '$', '\n']) && !text.starts_with(['-', '/'])
    };
    quoted.filter(is_path).collect()
}

fn missing(markdown: &str, exists: impl Fn(&str) -> bool) -> Vec<&str> {
    paths(markdown).into_iter().filter(|path| !exists(path)).collect()
}

fn exists(path: &str) -> bool {
    root().join(path.trim_start_matches("./")).exists()
}

/// Rows of the table of sentences, by cells.
fn sentences(markdown: &str) -> Result<Vec<Vec<&str>>, String> {
    let cells = |line: &'_ str| -> Vec<String> {
        line.trim().trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let mut lines = markdown.lines().skip_while(|line| cells(line) != COLUMNS);
    lines.next().ok_or_else(|| format!("no table with the columns {COLUMNS:?}"))?;
    let rows = lines.skip(1).take_while(|line| line.trim_start().starts_with('|'));
    Ok(rows.map(|line| line.trim().trim_matches('|').split('|').map(str::trim).collect()).collect())
}

/// What is wrong with the table: a cell that names nothing, and does not say so by a dash.
fn hollow(markdown: &str) -> Vec<String> {
    let rows = match sentences(markdown) {
        Ok(rows) if rows.is_empty() => return vec!["the table of sentences is empty".into()],
        Ok(rows) => rows,
        Err(e) => return vec![e],
    };
    let mut found = Vec::new();
    for row in rows {
        if row.len() != COLUMNS.len() {
            found.push(format!("{} has {} cells", row[0], row.len()));
        }
        for (cell, column) in row.iter().zip(COLUMNS).skip(1) {
            // Who has a sentence has a flow and a proof; another floor may have nothing to say about it.
            let may_be_empty = !["Flow", "Proof"].contains(&column) && *cell == "–";
            if paths(cell).is_empty() && !may_be_empty {
                found.push(format!("{}: {column} names no file", row[0]));
            }
        }
    }
    found
}

fn without_commands(readme: &str) -> Vec<&'static str> {
    COMMANDS.into_iter().filter(|command| !readme.lines().any(|line| line.contains(command))).collect()
}

#[test]
fn every_path_that_the_architecture_names_exists() {
    let architecture = text("ARCHITECTURE.md");
    assert!(paths(&architecture).len() > 20, "{:?}", paths(&architecture));
    assert_eq!(missing(&architecture, exists), Vec::<&str>::new());
}

#[test]
fn every_sentence_names_its_flow_and_its_proof() {
    assert_eq!(hollow(&text("ARCHITECTURE.md")), Vec::<String>::new());
}

#[test]
fn the_readme_shows_both_commands_and_only_paths_that_exist() {
    let readme = text("README.md");
    assert_eq!(without_commands(&readme), Vec::<&str>::new());
    assert_eq!(missing(&readme, exists), Vec::<&str>::new());
}

#[test]
fn the_checks_of_documents_find_what_is_wrong() {
    let table =
        |row: &str| format!("| Sentence | Wire | Flow | Rules | Rows | Proof |\n|---|---|---|---|---|---|\n{row}\n");
    let good = table("| a ticket moves | `proto/a` | `services/a`, `services/b` | – | – | `tests/a` |");
    assert_eq!(hollow(&good), Vec::<String>::new());
    assert_eq!(missing(&good, |path| path != "services/b"), ["services/b"]);
    for bad in [
        "no table".to_owned(),
        table(""),
        table("| a ticket moves | `proto/a` | – | – | – | `tests/a` |"),
        table("| a ticket moves | `proto/a` | `services/a` | – | – | … |"),
        table("| a ticket moves | `proto/a` | `services/a` | – | `tests/a` |"),
    ] {
        assert!(!hollow(&bad).is_empty(), "{bad}");
    }
    assert_eq!(without_commands("run ./tests/run"), ["cargo run --release -- demo"]);
    assert_eq!(without_commands("cargo run --release -- demo\n./tests/run"), Vec::<&str>::new());
    assert!(!exists("services/nowhere/src/lib.rs"));
}
