//! Where the demo keeps its databases, and how it knows that a folder is its own.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use super::draw::GENERATION;
use crate::failure::Failure;

/// Marks a folder as the demo's, and says of which generation its contacts are.
const MARK: &str = "gridcare-demo.txt";

/// Where the databases are.
#[derive(Debug)]
pub(super) enum Place {
    /// One `SQLite` file each, in a folder.
    Folder { path: PathBuf, used: bool },
    /// One database each, on a server.
    Postgres(String),
}

impl Place {
    /// Takes the place, and refuses a folder that holds anything else.
    pub(super) fn open(database: Option<&str>, folder: &Path) -> Result<Self, Failure> {
        if let Some(url) = database {
            return Ok(Self::Postgres(url.to_owned()));
        }
        let failed = |error: io::Error| Failure::because(format!("the folder {}", folder.display()), &error);
        fs::create_dir_all(folder).map_err(failed)?;
        let path = folder.canonicalize().map_err(failed)?;
        let used = match fs::read_to_string(path.join(MARK)) {
            Ok(mark) if mark.trim() == GENERATION => true,
            Ok(_) => return Err(refused(&path, "is of another version of the demo")),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            Err(_) if fs::read_dir(&path).map_err(failed)?.next().is_some() => {
                return Err(refused(&path, "holds other files"));
            }
            Err(_) => {
                fs::write(path.join(MARK), format!("{GENERATION}\n")).map_err(failed)?;
                false
            }
        };
        Ok(Self::Folder { path, used })
    }

    /// Whether something may have been left there by an earlier run, or by whoever tried it out.
    pub(super) const fn used(&self) -> bool {
        matches!(self, Self::Folder { used: true, .. } | Self::Postgres(_))
    }

    /// The address of one database, which is created when it is not there.
    pub(super) async fn database(&self, name: &str) -> Result<String, Failure> {
        match self {
            Self::Folder { path, .. } => Ok(format!("sqlite://{}", path.join(format!("{name}.db")).display())),
            Self::Postgres(url) => gridcare_store::db::ensure_database(url, &format!("gridcare_demo_{name}"))
                .await
                .map_err(|error| Failure::because(format!("--database: the database of {name}"), &error)),
        }
    }
}

fn refused(path: &Path, why: &str) -> Failure {
    Failure::said(format!("the folder {} {why}; remove it, or name another with --folder", path.display()))
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder { path, used: false } => write!(f, "databases are in {}", path.display()),
            Self::Folder { path, used: true } => write!(f, "databases of an earlier run, in {}", path.display()),
            // The address may hold a password.
            Self::Postgres(_) => write!(f, "databases are gridcare_demo_* on the Postgres server given"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_empty_folder_or_its_own_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let demo = folder.path().join("demo");
        assert!(matches!(Place::open(None, &demo), Ok(Place::Folder { used: false, .. })));
        fs::write(demo.join("hcmc.db"), "").unwrap();
        assert!(matches!(Place::open(None, &demo), Ok(Place::Folder { used: true, .. })));
        fs::write(demo.join(MARK), "something older").unwrap();
        assert!(Place::open(None, &demo).is_err());
        match Place::open(None, folder.path()) {
            Err(Failure::Said(text)) => assert!(text.contains("holds other files; remove it"), "{text}"),
            other => panic!("{other:?}"),
        }
    }
}
