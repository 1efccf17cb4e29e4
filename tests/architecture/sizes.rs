use crate::sources::{files, is_source, text};

const LIMIT: usize = 400;

/// Files that were looked at again and stayed longer, and why.
const LONGER: [(&str, &str); 10] = [
    (
        "services/node/src/channels/hotline.rs",
        "one file format, its state machine and its many sample lines, read side by side",
    ),
    ("services/node/src/channels/table.rs", "one file format, its mapping file and their samples, read side by side"),
    ("services/node/src/grpc/ticket/mod.rs", "the thirty methods of one service, each a few lines that look alike"),
    ("services/store/src/ticket.rs", "one table: half of it is statements with thirty columns each"),
    ("tests/contract/statements.rs", "one list of all statements and how each is used"),
    (
        "services/store/src/db.rs",
        "the only file that knows that there are two engines; cutting it would let that knowledge out",
    ),
    ("services/store/src/writer.rs", "group commit is one algorithm, whose order of locks must be seen as a whole"),
    ("services/store/src/contact.rs", "one table: half of it is statements with twenty columns each"),
    (
        "services/domain/src/metric/hyperloglog.rs",
        "one sketch defined byte for byte, half of it tests against the definition",
    ),
    (
        "services/domain/src/metric/ddsketch.rs",
        "one sketch defined byte for byte, half of it tests against the definition",
    ),
];

fn violations(sizes: &[(String, usize)]) -> Vec<String> {
    let listed = |path: &str| LONGER.iter().any(|(name, _)| *name == path);
    let long = sizes.iter().filter(|(path, lines)| *lines > LIMIT && !listed(path));
    let mut found: Vec<_> =
        long.map(|(path, lines)| format!("{path} has {lines} lines: cut it, or list it with a reason")).collect();
    for (name, _) in LONGER {
        if !sizes.iter().any(|(path, lines)| path == name && *lines > LIMIT) {
            found.push(format!("{name} is not longer than {LIMIT} lines: take it off the list"));
        }
    }
    found
}

fn sizes() -> Vec<(String, usize)> {
    files()
        .into_iter()
        .filter(|path| is_source(path))
        .map(|path| (text(&path).lines().count(), path))
        .map(|(n, p)| (p, n))
        .collect()
}

#[test]
fn no_file_grows_long_without_a_reason() {
    assert_eq!(violations(&sizes()), Vec::<String>::new());
}

#[test]
fn the_check_of_sizes_finds_a_long_file_and_a_stale_reason() {
    let fine = violations(&sizes()).len();
    let mut planted = sizes();
    planted.push(("services/node/src/everything.rs".into(), LIMIT + 1));
    assert_eq!(violations(&planted).len(), fine + 1);
    planted.pop();
    planted.retain(|(path, _)| path != "services/store/src/db.rs");
    assert_eq!(violations(&planted).len(), fine + 1);
}
