use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// A disk between a process and the real one: counts syncs, and can lose what was not synced. See `sync_counter.c`.
pub(crate) struct Disk {
    library: PathBuf,
    report: PathBuf,
    cut: PathBuf,
    lies: bool,
}

impl Disk {
    /// A disk that does what it says.
    pub(crate) fn new(folder: &TempDir) -> Self {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("sync_counter/sync_counter.c");
        let library = folder.path().join("sync_counter.so");
        let flags = ["-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-O1", "-o"];
        let built =
            Command::new("cc").args(flags).args([&library, &source]).args(["-ldl", "-lpthread"]).status().unwrap();
        assert!(built.success(), "the C compiler builds sync_counter.c");
        Self { library, report: folder.path().join("syncs"), cut: folder.path().join("cut"), lies: false }
    }

    /// A disk that says that it has synced and has not.
    pub(crate) fn lying(folder: &TempDir) -> Self {
        Self { lies: true, ..Self::new(folder) }
    }

    /// What a process needs to be put on this disk.
    pub(crate) fn environment(&self) -> BTreeMap<String, String> {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let mut environment = BTreeMap::from([
            ("LD_PRELOAD".to_owned(), text(&self.library)),
            ("SYNC_COUNTER_REPORT".to_owned(), text(&self.report)),
            ("SYNC_COUNTER_CUT".to_owned(), text(&self.cut)),
        ]);
        if self.lies {
            environment.insert("SYNC_COUNTER_LIES".into(), "1".into());
        }
        environment
    }

    /// How often files with this ending have been synced.
    pub(crate) fn syncs(&self, ending: &str) -> usize {
        fs::read_to_string(&self.report).unwrap_or_default().lines().filter(|line| line.ends_with(ending)).count()
    }

    /// Cuts the power: whatever is not synced is gone, and so are the processes on this disk.
    pub(crate) fn cut(&self) {
        fs::write(&self.cut, "").unwrap();
    }

    /// The power is back.
    pub(crate) fn restore(&self) {
        fs::remove_file(&self.cut).unwrap();
    }
}
