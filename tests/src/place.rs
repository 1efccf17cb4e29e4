use tempfile::TempDir;

/// Where a test's rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Files in the test's own folder.
    Sqlite,
    /// Databases of the test's own on the private Postgres.
    Postgres,
}

impl Place {
    /// A new, empty database here; its address.
    pub async fn database(self, folder: &TempDir, name: &str) -> String {
        match self {
            Self::Sqlite => format!("sqlite://{}/{name}.sqlite", folder.path().display()),
            Self::Postgres => fresh_postgres(name).await,
        }
    }
}

/// A new, empty database on the private Postgres; its address.
///
/// # Panics
/// Without `GRIDCARE_TEST_POSTGRES`.
pub async fn fresh_postgres(name: &str) -> String {
    let server = variable("GRIDCARE_TEST_POSTGRES");
    let name = format!("{}_{}", name.replace('-', "_").to_lowercase(), gridcare_chassis::id::new_id().simple());
    gridcare_store::db::ensure_database(&server, &name[..name.len().min(60)])
        .await
        .expect("the private Postgres makes a database")
}

/// The private Redis.
///
/// # Panics
/// Without `GRIDCARE_TEST_REDIS`.
#[must_use]
pub fn redis_url() -> String {
    variable("GRIDCARE_TEST_REDIS")
}

/// A variable of the harness.
///
/// # Panics
/// When it is not set.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "tests learn from the harness where the private servers are")]
pub fn variable(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set; run ./tests/run, which starts private servers and sets it"))
}
