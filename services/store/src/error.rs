use std::path::PathBuf;

/// An unexpected failure of the store. Expected noes are refusals, and never one of these.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database's address is not one of the two kinds.
    #[error("cannot read the database address: {0}; use sqlite:///path/to/file or postgres://user@host/database")]
    Address(String),
    /// The database could not be opened or migrated.
    #[error("cannot open the database; check that it runs and that its address and rights are right")]
    Open(#[source] sqlx::Error),
    /// The folder of a `SQLite` file could not be made.
    #[error("cannot make the folder {path}; check its parent's rights")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The schema could not be brought up to date.
    #[error("cannot migrate the database")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The database would lose acknowledged writes, or is known to corrupt them.
    #[error("the database is not safe for acknowledged writes: {setting} is {found}, and must be {wanted}")]
    Unsafe {
        /// The setting.
        setting: &'static str,
        /// What it is.
        found: String,
        /// What it must be.
        wanted: &'static str,
    },
    /// A statement failed.
    #[error("statement {statement} failed")]
    Statement {
        /// The statement's name.
        statement: &'static str,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// Beginning or committing failed; after a commit that failed, nobody knows whether it happened.
    #[error("the transaction could not {step}")]
    Transaction {
        /// `begin`, `commit` or `roll back`.
        step: &'static str,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// A row holds what no writer of this product writes.
    #[error("row of {table} cannot be read: {what}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// What is wrong.
        what: String,
    },
    /// A request id was used twice at once; nothing of it was kept, and running it again finds the first one's answer.
    #[error("a request id was used twice at once; try again")]
    Raced,
    /// A timeline entry that was to change hands had left its ticket meanwhile; nothing of that write was kept.
    #[error("a timeline entry that was to move has left its ticket; read the ticket again")]
    EntryGone,
    /// An agent was given as much as they may have meanwhile; nothing of that write was kept.
    #[error("the agent has as many open tickets as they may; choose another agent")]
    AgentFull,
    /// A ticket that was to become a part got parts of its own meanwhile; nothing of that write was kept.
    #[error("a ticket that has parts is no part of another; read the ticket again")]
    HasParts,
    /// The lease was lost in the middle of work done under it; nothing of that work was kept.
    #[error("lease {0} was taken over by another holder")]
    LeaseLost(String),
    /// The database is away; whether a write that was under way happened is known under its request id.
    #[error("the database is away; try again")]
    Away,
    /// The writer's thread could not be started.
    #[error("cannot start the writer's thread; check the limits of this process")]
    Thread(#[source] std::io::Error),
    /// The writer has stopped.
    #[error("the store is shutting down; try again at another replica")]
    Stopped,
}

impl StoreError {
    /// Whether the database cannot be reached at all: nothing is wrong with what was asked.
    #[must_use]
    pub fn is_away(&self) -> bool {
        let (Self::Statement { source, .. } | Self::Transaction { source, .. } | Self::Open(source)) = self else {
            return matches!(self, Self::Away);
        };
        match source {
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
                true
            }
            // Postgres: the server is being shut down, has crashed, or starts.
            sqlx::Error::Database(error) => error.code().is_some_and(|code| code.starts_with("57P")),
            _ => false,
        }
    }

    /// Whether it is what the database answered, after which its connection is as good as before.
    pub(crate) fn is_answer(&self) -> bool {
        !self.is_away() && matches!(self, Self::Statement { source: sqlx::Error::Database(_), .. })
    }

    /// Whether a row was written whose key was there.
    pub(crate) fn is_repetition(&self) -> bool {
        let (Self::Statement { source, .. } | Self::Transaction { source, .. }) = self else { return false };
        source.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
    }

    /// Whether the same transaction may succeed when it is run again: deadlock, serialisation, a busy file, a race.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        if matches!(self, Self::Raced) {
            return true;
        }
        let (Self::Statement { source, .. } | Self::Transaction { source, .. }) = self else { return false };
        let Some(code) = source.as_database_error().and_then(|e| e.code().map(std::borrow::Cow::into_owned)) else {
            return false;
        };
        // Postgres: serialization_failure, deadlock_detected. SQLite: BUSY, LOCKED, BUSY_SNAPSHOT.
        matches!(code.as_str(), "40001" | "40P01" | "5" | "6" | "517")
    }
}
