use std::path::{Path, PathBuf};

/// The repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the repository").to_owned()
}

/// Every file of the repository by its path within it, but for what git, cargo and Python made.
pub(crate) fn files() -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().expect("names of files are UTF-8").to_owned();
            if path.is_dir() {
                if ![".git", "target", "__pycache__"].contains(&name.as_str()) {
                    folders.push(path);
                }
            } else {
                found.push(path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    assert!(found.len() > 100, "the walk sees the repository");
    found
}

/// The text of a file of the repository.
pub(crate) fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Whether a file is one that people write code in.
pub(crate) fn is_source(path: &str) -> bool {
    [".rs", ".proto", ".sql", ".sh", ".py", ".js", ".c"].iter().any(|ending| path.ends_with(ending))
        || path == "tests/run"
}
