//! The two drivers. This is the only file that knows that there are two: everything else says its SQL once.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    path::Path,
    str::FromStr as _,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::TryStreamExt as _;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgPool, Postgres, Row as _, Sqlite, SqlitePool,
    Transaction,
    migrate::Migrator,
    pool::PoolOptions,
    postgres::{PgArguments, PgConnectOptions, PgRow},
    query::Query,
    sqlite::{SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqliteRow, SqliteSynchronous},
};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::{
    error::StoreError,
    kept::Kept,
    statement::{Column, LentColumn, LentRows, Rows, Statement, Value},
    under_way::UnderWay,
};

/// The bundled `SQLite` must be at least this one: older ones can corrupt a database when its WAL is reset.
const OLDEST_SQLITE: (u32, u32, u32) = (3, 51, 3);
/// A database that gives no connection for this long is away.
const AWAY_AFTER: Duration = Duration::from_secs(5);
/// `SQLite`'s limit of bound values is 32,766; rows are bound in chunks below it.
const SQLITE_BINDS: usize = 30_000;

/// Which engine a database runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Embedded: a node is one file.
    Sqlite,
    /// Several replicas of a node on one database.
    Postgres,
}

/// An open database.
#[derive(Clone)]
pub struct Db {
    pub(crate) pools: Pools,
    seen: Arc<Mutex<BTreeSet<&'static str>>>,
    /// Those of [`Db::commit_rows`].
    kept: Arc<Kept>,
}

#[derive(Clone)]
pub(crate) enum Pools {
    /// One writer, many readers.
    Sqlite {
        write: SqlitePool,
        read: SqlitePool,
    },
    Postgres(PgPool),
}

/// The migrations of one role, for both engines.
pub(crate) struct Migrations {
    pub(crate) sqlite: Migrator,
    pub(crate) postgres: Migrator,
}

impl Db {
    /// Opens `address`, checks that acknowledged writes are safe there, and brings the schema up to date.
    pub(crate) async fn open(address: &str, connections: u32, migrations: Migrations) -> Result<Self, StoreError> {
        let pools = if let Some(path) = address.strip_prefix("sqlite:") {
            open_sqlite(path.strip_prefix("//").unwrap_or(path), connections).await?
        } else if address.starts_with("postgres://") || address.starts_with("postgresql://") {
            Pools::Postgres(open_postgres(address, connections).await?)
        } else {
            let scheme = address.split(':').next().unwrap_or_default();
            return Err(StoreError::Address(format!("scheme {scheme:?} is neither sqlite nor postgres")));
        };
        let db = Self { pools, seen: Arc::default(), kept: Arc::default() };
        // Before anything is written there.
        db.assert_durable().await?;
        match &db.pools {
            Pools::Sqlite { write, .. } => migrations.sqlite.run(write).await?,
            Pools::Postgres(pool) => migrations.postgres.run(pool).await?,
        }
        Ok(db)
    }

    /// The same database over connections of its own, made in the runtime in which they are first used: one for each of so many
    /// lanes to keep, and one for what a lane does in a transaction.
    pub(crate) fn alone(&self, lanes: usize) -> Self {
        let pools = match &self.pools {
            // Its one writing connection has a thread of its own already.
            sqlite @ Pools::Sqlite { .. } => sqlite.clone(),
            Pools::Postgres(pool) => Pools::Postgres(
                PoolOptions::new()
                    .max_connections(u32::try_from(2 * lanes).unwrap_or(2))
                    .acquire_timeout(AWAY_AFTER)
                    .connect_lazy_with((*pool.connect_options()).clone()),
            ),
        };
        Self { pools, seen: self.seen.clone(), kept: Arc::default() }
    }

    /// The engine.
    #[must_use]
    pub const fn engine(&self) -> Engine {
        match self.pools {
            Pools::Sqlite { .. } => Engine::Sqlite,
            Pools::Postgres(_) => Engine::Postgres,
        }
    }

    /// Refuses settings under which an acknowledged write could be lost. Runs at every start and before every benchmark.
    pub async fn assert_durable(&self) -> Result<(), StoreError> {
        match &self.pools {
            Pools::Sqlite { write, .. } => {
                let version: String = scalar(sqlx::query_scalar("SELECT sqlite_version()").fetch_one(write).await)?;
                let mut parts = version.split('.').map(|p| p.parse::<u32>().unwrap_or(0));
                let found = (parts.next().unwrap_or(0), parts.next().unwrap_or(0), parts.next().unwrap_or(0));
                if found < OLDEST_SQLITE {
                    return Err(StoreError::Unsafe {
                        setting: "sqlite version",
                        found: version,
                        wanted: "3.51.3 or newer",
                    });
                }
                let level: i64 = scalar(sqlx::query_scalar("PRAGMA synchronous").fetch_one(write).await)?;
                if level < 2 {
                    return Err(StoreError::Unsafe {
                        setting: "synchronous",
                        found: level.to_string(),
                        wanted: "2 (FULL)",
                    });
                }
                let mode: String = scalar(sqlx::query_scalar("PRAGMA journal_mode").fetch_one(write).await)?;
                if mode != "wal" {
                    return Err(StoreError::Unsafe { setting: "journal_mode", found: mode, wanted: "wal" });
                }
            }
            Pools::Postgres(pool) => {
                for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
                    let found: String =
                        scalar(sqlx::query_scalar("SELECT current_setting($1)").bind(setting).fetch_one(pool).await)?;
                    // remote_write, local and remote_apply are all at least as durable here as a local flush, or more.
                    if found == "off" {
                        return Err(StoreError::Unsafe { setting, found, wanted: "on" });
                    }
                }
            }
        }
        Ok(())
    }

    /// Begins a writing transaction: immediate on `SQLite`, READ COMMITTED on Postgres.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        let under_way = UnderWay::begin();
        let failed = |source| StoreError::Transaction { step: "begin", source };
        // Boxed, since it holds all that making a connection may need: 14 KiB, which every call of whoever may begin a transaction
        // would be moved about with.
        let inner = match &self.pools {
            Pools::Sqlite { write, .. } => {
                Inner::Sqlite(Box::pin(write.begin_with("BEGIN IMMEDIATE")).await.map_err(failed)?)
            }
            Pools::Postgres(pool) => Inner::Postgres(Box::pin(pool.begin()).await.map_err(failed)?),
        };
        Ok(Tx { inner, seen: self.seen.clone(), _under_way: under_way })
    }

    /// Begins a reading transaction that sees one moment of the whole database.
    pub async fn snapshot(&self) -> Result<Tx, StoreError> {
        let under_way = UnderWay::begin();
        let failed = |source| StoreError::Transaction { step: "begin", source };
        let inner = match &self.pools {
            Pools::Sqlite { read, .. } => Inner::Sqlite(Box::pin(read.begin()).await.map_err(failed)?),
            Pools::Postgres(pool) => {
                let begins = Box::pin(pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"));
                Inner::Postgres(begins.await.map_err(failed)?)
            }
        };
        Ok(Tx { inner, seen: self.seen.clone(), _under_way: under_way })
    }

    /// Runs one reading statement outside a transaction.
    pub async fn fetch(&self, statement: &'static Statement, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        self.mark(statement);
        let _under_way = UnderWay::begin();
        let failed = |source| StoreError::Statement { statement: statement.name, source };
        async {
            match &self.pools {
                Pools::Sqlite { read, .. } => {
                    let query = bind_sqlite(sqlx::query(sqlite_text(statement)), values);
                    query.fetch(read).map_ok(Row::Sqlite).try_collect().await.map_err(failed)
                }
                Pools::Postgres(pool) => {
                    let query = bind_postgres(sqlx::query(postgres_text(statement)), values);
                    query.fetch(pool).map_ok(Row::Postgres).try_collect().await.map_err(failed)
                }
            }
        }
        .instrument(span(statement, self.engine()))
        .await
    }

    /// Runs one bulk statement that is a transaction of its own, durable when this returns. Postgres alone.
    pub(crate) async fn commit_rows(
        &self,
        statement: &'static Statement,
        rows: LentRows<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        self.mark(statement);
        let _under_way = UnderWay::begin();
        let failed = |source| StoreError::Statement { statement: statement.name, source };
        let Pools::Postgres(pool) = &self.pools else {
            return Err(StoreError::Corrupt { table: "none", what: "a statement of Postgres on SQLite".into() });
        };
        loop {
            let kept = self.kept.take().await;
            let is_kept = kept.is_some();
            let mut connection = match kept {
                Some(connection) => connection,
                None => Box::pin(pool.acquire()).await.map_err(failed)?,
            };
            let mut query = sqlx::query(postgres_text(statement));
            for column in &rows.columns {
                query = match column {
                    LentColumn::Int(c) => query.bind(c.as_slice()),
                    LentColumn::Text(c) => query.bind(c.as_slice()),
                    LentColumn::Uuid(c) => query.bind(c.as_slice()),
                    LentColumn::Blob(c) => query.bind(c.as_slice()),
                };
            }
            let found = query.fetch(&mut *connection).map_ok(Row::Postgres).try_collect();
            match found.instrument(span(statement, self.engine())).await.map_err(failed) {
                Err(failure) if !failure.is_answer() => {
                    connection.close_on_drop();
                    if !is_kept || !failure.is_away() {
                        return Err(failure);
                    }
                    // A server that was restarted is there again for a new connection; what it had committed without saying so is met
                    // as a repetition.
                    self.kept.clear();
                }
                outcome => {
                    self.kept.put(connection);
                    return outcome;
                }
            }
        }
    }

    /// Runs one reading statement that has at most one row.
    pub async fn fetch_one(
        &self,
        statement: &'static Statement,
        values: Vec<Value>,
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.fetch(statement, values).await?.into_iter().next())
    }

    /// The query plan of a statement with all values NULL, for the contract suite.
    pub async fn plan(&self, statement: &'static Statement) -> Result<String, StoreError> {
        let failed = |source| StoreError::Statement { statement: statement.name, source };
        let mut plan = String::new();
        match &self.pools {
            Pools::Sqlite { read, .. } => {
                let body = if statement.columns.is_empty() {
                    sqlite_text(statement).to_owned()
                } else {
                    // As many rows as it ever has at once: one alone has another plan.
                    sqlite_bulk(statement, sqlite_sizes(statement).max().unwrap_or(1))
                };
                let rows = sqlx::raw_sql(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {body}")))
                    .fetch_all(read)
                    .await
                    .map_err(failed)?;
                for row in rows {
                    let _ = writeln!(plan, "{}", row.get::<String, _>(row.columns().len() - 1));
                }
            }
            Pools::Postgres(pool) => {
                let mut tx = pool.begin().await.map_err(failed)?;
                // The tables of a test are small; what matters is whether an index could serve the statement.
                tx.execute("SET LOCAL enable_seqscan = off").await.map_err(failed)?;
                let text = postgres_text(statement);
                let nulls =
                    (1..100).take_while(|n| text.contains(&format!("${n}"))).map(|_| "NULL").collect::<Vec<_>>();
                let call = if nulls.is_empty() { String::new() } else { format!("({})", nulls.join(", ")) };
                tx.execute(AssertSqlSafe(format!("PREPARE plan_of AS {text}"))).await.map_err(failed)?;
                let explain = format!("EXPLAIN EXECUTE plan_of{call}");
                let rows = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(&mut *tx).await.map_err(failed)?;
                tx.execute("DEALLOCATE plan_of").await.map_err(failed)?;
                for row in rows {
                    let _ = writeln!(plan, "{}", row.get::<String, _>(0));
                }
            }
        }
        Ok(plan)
    }

    /// The search of these folded words, all of them, the last as a prefix, in the engine's own query language.
    #[must_use]
    pub fn words_query(&self, words: &[String]) -> String {
        words_query(self.engine(), words)
    }

    /// Lets go of words that no row has any more. `SQLite`'s index of words keeps those of a changed row until its parts are
    /// merged; here they are, a bounded part in each transaction, so that a ticket waits for milliseconds at most.
    pub(crate) async fn merge_words(&self) -> Result<(), StoreError> {
        let Pools::Sqlite { write, .. } = &self.pools else { return Ok(()) };
        let _under_way = UnderWay::begin();
        let failed = |source| StoreError::Statement { statement: "WORDS_MERGE", source };
        // A negative number of pages begins a merge of all parts; positive ones go on with it.
        for pages in std::iter::once(-200_i64).chain(std::iter::repeat(200)) {
            let mut connection = write.acquire().await.map_err(failed)?;
            let changes = "SELECT total_changes()";
            let before: i64 = sqlx::query_scalar(changes).fetch_one(&mut *connection).await.map_err(failed)?;
            let merge = sqlx::query("INSERT INTO ticket_words (ticket_words, rank) VALUES ('merge', $1)").bind(pages);
            merge.execute(&mut *connection).await.map_err(failed)?;
            let after: i64 = sqlx::query_scalar(changes).fetch_one(&mut *connection).await.map_err(failed)?;
            // Fewer than two changes mean that nothing was left to merge.
            if after - before < 2 {
                break;
            }
        }
        Ok(())
    }

    /// Names of the statements that have run on this database, for the contract suite.
    #[must_use]
    pub fn seen(&self) -> BTreeSet<&'static str> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Closes all connections, so that a `SQLite` file is whole without its WAL.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite { write, read } => {
                read.close().await;
                write.close().await;
            }
            Pools::Postgres(pool) => {
                self.kept.clear();
                pool.close().await;
            }
        }
    }

    fn mark(&self, statement: &'static Statement) {
        mark(&self.seen, statement);
    }
}

/// An open transaction. Dropping it rolls it back.
pub struct Tx {
    inner: Inner,
    seen: Arc<Mutex<BTreeSet<&'static str>>>,
    _under_way: UnderWay,
}

enum Inner {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    /// The engine.
    #[must_use]
    pub const fn engine(&self) -> Engine {
        match self.inner {
            Inner::Sqlite(_) => Engine::Sqlite,
            Inner::Postgres(_) => Engine::Postgres,
        }
    }

    /// Runs a statement and returns its rows.
    pub async fn fetch(&mut self, statement: &'static Statement, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        mark(&self.seen, statement);
        let failed = |source| StoreError::Statement { statement: statement.name, source };
        let span = span(statement, self.engine());
        async {
            match &mut self.inner {
                Inner::Sqlite(tx) => {
                    let query = bind_sqlite(sqlx::query(sqlite_text(statement)), values);
                    query.fetch(&mut **tx).map_ok(Row::Sqlite).try_collect().await.map_err(failed)
                }
                Inner::Postgres(tx) => {
                    let query = bind_postgres(sqlx::query(postgres_text(statement)), values);
                    query.fetch(&mut **tx).map_ok(Row::Postgres).try_collect().await.map_err(failed)
                }
            }
        }
        .instrument(span)
        .await
    }

    /// Runs a statement that has at most one row.
    pub async fn fetch_one(
        &mut self,
        statement: &'static Statement,
        values: Vec<Value>,
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.fetch(statement, values).await?.into_iter().next())
    }

    /// Runs a statement and returns how many rows it changed.
    pub async fn execute(&mut self, statement: &'static Statement, values: Vec<Value>) -> Result<u64, StoreError> {
        mark(&self.seen, statement);
        let failed = |source| StoreError::Statement { statement: statement.name, source };
        let span = span(statement, self.engine());
        async {
            match &mut self.inner {
                Inner::Sqlite(tx) => {
                    let query = bind_sqlite(sqlx::query(sqlite_text(statement)), values);
                    query.execute(&mut **tx).await.map(|done| done.rows_affected()).map_err(failed)
                }
                Inner::Postgres(tx) => {
                    let query = bind_postgres(sqlx::query(postgres_text(statement)), values);
                    query.execute(&mut **tx).await.map(|done| done.rows_affected()).map_err(failed)
                }
            }
        }
        .instrument(span)
        .await
    }

    /// Runs a bulk statement and returns how many rows it changed.
    pub async fn execute_rows(&mut self, statement: &'static Statement, rows: Rows) -> Result<u64, StoreError> {
        mark(&self.seen, statement);
        let failed = |source| StoreError::Statement { statement: statement.name, source };
        let span = span(statement, self.engine());
        async {
            match &mut self.inner {
                Inner::Sqlite(tx) => {
                    let mut changed = 0;
                    for (text, arguments) in sqlite_chunks(statement, rows) {
                        let query = sqlx::query_with(AssertSqlSafe(text), arguments);
                        changed += query.execute(&mut **tx).await.map_err(failed)?.rows_affected();
                    }
                    Ok(changed)
                }
                Inner::Postgres(tx) => {
                    if rows.is_empty() {
                        return Ok(0);
                    }
                    let query = bind_arrays(sqlx::query(postgres_text(statement)), rows);
                    query.execute(&mut **tx).await.map(|done| done.rows_affected()).map_err(failed)
                }
            }
        }
        .instrument(span)
        .await
    }

    /// Runs a bulk statement and returns its rows.
    pub async fn fetch_rows(&mut self, statement: &'static Statement, rows: Rows) -> Result<Vec<Row>, StoreError> {
        mark(&self.seen, statement);
        let failed = |source| StoreError::Statement { statement: statement.name, source };
        let span = span(statement, self.engine());
        async {
            match &mut self.inner {
                Inner::Sqlite(tx) => {
                    let mut found = Vec::new();
                    for (text, arguments) in sqlite_chunks(statement, rows) {
                        let query = sqlx::query_with(AssertSqlSafe(text), arguments);
                        let rows: Vec<_> = query.fetch(&mut **tx).try_collect().await.map_err(failed)?;
                        found.extend(rows.into_iter().map(Row::Sqlite));
                    }
                    Ok(found)
                }
                Inner::Postgres(tx) => {
                    if rows.is_empty() {
                        return Ok(Vec::new());
                    }
                    let query = bind_arrays(sqlx::query(postgres_text(statement)), rows);
                    query.fetch(&mut **tx).map_ok(Row::Postgres).try_collect().await.map_err(failed)
                }
            }
        }
        .instrument(span)
        .await
    }

    /// The search of these folded words, as [`Db::words_query`] makes it.
    #[must_use]
    pub fn words_query(&self, words: &[String]) -> String {
        words_query(self.engine(), words)
    }

    /// Makes everything durable. When this fails, nobody knows whether it happened: ask by `request_id`.
    pub async fn commit(self) -> Result<(), StoreError> {
        let failed = |source| StoreError::Transaction { step: "commit", source };
        let span = tracing::debug_span!("sql", otel.name = "COMMIT", db.system.name = engine_name(self.engine()));
        match self.inner {
            Inner::Sqlite(tx) => tx.commit().instrument(span).await.map_err(failed),
            Inner::Postgres(tx) => tx.commit().instrument(span).await.map_err(failed),
        }
    }

    /// Undoes everything.
    pub async fn rollback(self) -> Result<(), StoreError> {
        let failed = |source| StoreError::Transaction { step: "roll back", source };
        match self.inner {
            Inner::Sqlite(tx) => tx.rollback().await.map_err(failed),
            Inner::Postgres(tx) => tx.rollback().await.map_err(failed),
        }
    }
}

/// A row of an answer; columns are read by their place.
pub enum Row {
    /// From `SQLite`.
    Sqlite(SqliteRow),
    /// From Postgres.
    Postgres(PgRow),
}

macro_rules! read {
    ($($(#[$doc:meta])* $name:ident -> $type:ty;)+) => {$(
        $(#[$doc])*
        pub fn $name(&self, column: usize) -> Result<$type, StoreError> {
            match self {
                Self::Sqlite(row) => row.try_get(column),
                Self::Postgres(row) => row.try_get(column),
            }
            .map_err(|source| StoreError::Statement { statement: "reading a row", source })
        }
    )+};
}

impl Row {
    read! {
        /// An integer.
        int -> i64;
        /// An integer or NULL.
        int_or_null -> Option<i64>;
        /// Text.
        text -> String;
        /// Text or NULL.
        text_or_null -> Option<String>;
        /// A UUID.
        uuid -> Uuid;
        /// A UUID or NULL.
        uuid_or_null -> Option<Uuid>;
        /// Bytes.
        blob -> Vec<u8>;
    }
}

fn mark(seen: &Mutex<BTreeSet<&'static str>>, statement: &'static Statement) {
    // Only the contract suite asks; a release build does not pay for it.
    if cfg!(debug_assertions) {
        seen.lock().unwrap_or_else(PoisonError::into_inner).insert(statement.name);
    }
}

/// Makes sure that a Postgres server has a database of this name, and returns its address.
///
/// `name` becomes part of a statement: only lowercase letters, digits and underscores are accepted.
pub async fn ensure_database(server: &str, name: &str) -> Result<String, StoreError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || name.len() > 63 || !name.chars().all(plain) {
        return Err(StoreError::Address(format!("{name:?} cannot name a database; use a-z, 0-9 and _")));
    }
    let options = PgConnectOptions::from_str(server).map_err(StoreError::Open)?;
    let mut connection = options.connect().await.map_err(StoreError::Open)?;
    let there: Option<i64> = scalar(
        sqlx::query_scalar("SELECT 1::BIGINT FROM pg_database WHERE datname = $1")
            .bind(name)
            .fetch_optional(&mut connection)
            .await,
    )?;
    if there.is_none() {
        let made = connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await;
        // Somebody else may have made it between the two statements.
        if let Err(e) = made.map(drop) {
            let duplicate = e.as_database_error().is_some_and(|e| e.code().as_deref() == Some("42P04"));
            if !duplicate {
                return Err(StoreError::Open(e));
            }
        }
    }
    connection.close().await.map_err(StoreError::Open)?;
    Ok(options.database(name).to_url_lossy().to_string())
}

const fn engine_name(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "sqlite",
        Engine::Postgres => "postgresql",
    }
}

/// Values never enter a span: they may be personal.
fn span(statement: &Statement, engine: Engine) -> tracing::Span {
    tracing::debug_span!(
        "sql",
        otel.name = statement.name,
        db.system.name = engine_name(engine),
        db.operation.name = statement.name
    )
}

fn scalar<T>(found: Result<T, sqlx::Error>) -> Result<T, StoreError> {
    found.map_err(StoreError::Open)
}

async fn open_sqlite(path: &str, connections: u32) -> Result<Pools, StoreError> {
    let path = Path::new(path);
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|source| StoreError::Folder { path: folder.to_owned(), source })?;
    }
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(30))
        .statement_cache_capacity(200)
        .command_buffer_size(16)
        .row_buffer_size(512)
        // Rows with random keys touch the same pages again and again: a WAL of 16 MiB, recycled in place, writes each to the
        // database less often than a small one, and a larger one would hold up a ticket while it is written back.
        .pragma("wal_autocheckpoint", "4096")
        .pragma("journal_size_limit", "33554432")
        .pragma("cache_size", "-8192")
        .pragma("temp_store", "memory")
        .disable_statement_logging();
    let write = PoolOptions::new()
        .max_connections(1)
        .min_connections(1)
        .connect_with(options.clone())
        .await
        .map_err(StoreError::Open)?;
    let reads = options.pragma("query_only", "on").pragma("cache_size", "-2048");
    let read = PoolOptions::new()
        .max_connections(connections.clamp(2, 8))
        .min_connections(0)
        .idle_timeout(Duration::from_mins(1))
        .connect_lazy_with(reads);
    Ok(Pools::Sqlite { write, read })
}

async fn open_postgres(address: &str, connections: u32) -> Result<PgPool, StoreError> {
    let options = PgConnectOptions::from_str(address)
        .map_err(StoreError::Open)?
        .application_name("gridcare")
        .statement_cache_capacity(200)
        // One plan per statement: planning a batch anew costs more than the batch.
        // A process that is paused in the middle of a transaction would hold its locks, and with them every other
        // process, for as long as it is paused: the server ends such a session.
        // A plan that was made while a table was new stays until the server has counted its rows. What a node works on is in
        // memory or on a disk without a head to move, and each statement has an index: at the default price of a page the server
        // would read a new table whole instead, for each batch, and go on so while the table grows.
        .options([
            ("plan_cache_mode", "force_generic_plan"),
            ("random_page_cost", "1.1"),
            ("idle_in_transaction_session_timeout", "15000"),
        ])
        // Our own spans name statements. The driver's log would repeat their texts, and its asking whether it may do so
        // leaves per-layer filters in a state in which the next event of a thread is lost.
        .disable_statement_logging();
    PoolOptions::new()
        .max_connections(connections.max(4))
        .acquire_timeout(AWAY_AFTER)
        .connect_with(options)
        .await
        .map_err(StoreError::Open)
}

fn words_query(engine: Engine, words: &[String]) -> String {
    let quoted: Vec<_> = words
        .iter()
        .enumerate()
        .map(|(i, word)| {
            let prefix = i + 1 == words.len();
            match engine {
                Engine::Sqlite => format!("\"{word}\"{}", if prefix { "*" } else { "" }),
                Engine::Postgres => format!("'{word}'{}", if prefix { ":*" } else { "" }),
            }
        })
        .collect();
    quoted.join(if engine == Engine::Sqlite { " AND " } else { " & " })
}

/// The words predicate, `{words:$n}`, and what it finds, `{hits:$n}`: the one search that the engines serve differently.
fn render(
    text: &str,
    rows: impl Fn(&str) -> String,
    lock: impl Fn(&str, &str) -> String,
    words: impl Fn(&str) -> String,
    hits: impl Fn(&str) -> String,
) -> String {
    let mut rendered = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (token, behind) = after.split_once('}').expect("a token of a statement is closed");
        rendered.push_str(before);
        match token.split_once(':') {
            Some(("rows", names)) => rendered.push_str(&rows(names)),
            Some((how @ ("lock" | "change" | "keep" | "free"), table)) => rendered.push_str(&lock(how, table)),
            Some(("words", value)) => rendered.push_str(&words(value)),
            Some(("hits", value)) => rendered.push_str(&hits(value)),
            _ => panic!("a statement has an unknown token {token:?}"),
        }
        rest = behind;
    }
    rendered.push_str(rest);
    rendered
}

fn sqlite_text(statement: &'static Statement) -> &'static str {
    if !statement.text.contains('{') {
        return statement.text;
    }
    statement.rendered_sqlite.get_or_init(|| {
        render(
            statement.text,
            |_| String::new(),
            |_, _| String::new(),
            |value| format!("ticket.number IN (SELECT rowid FROM ticket_words WHERE ticket_words MATCH {value})"),
            |value| format!("SELECT 1 AS hit FROM ticket_words WHERE ticket_words MATCH {value}"),
        )
    })
}

fn postgres_text(statement: &'static Statement) -> &'static str {
    if statement.columns.is_empty() && !statement.text.contains('{') {
        return statement.text;
    }
    statement.rendered.get_or_init(|| {
        let array = |wanted: &str| {
            let found = statement.columns.iter().enumerate().find(|(_, (name, _))| *name == wanted);
            let (i, (_, kind)) = found.expect("a statement's rows have this column");
            format!("${}::{}[]", i + 1, kind.on_postgres())
        };
        let text = render(
            statement.text,
            |names| {
                let columns: Vec<_> =
                    names.split(' ').map(|name| format!("UNNEST({}) AS {name}", array(name))).collect();
                format!("(SELECT {}) AS v", columns.join(", "))
            },
            |how, table| match how {
                "change" => format!("FOR NO KEY UPDATE OF {table}"),
                "keep" => format!("FOR KEY SHARE OF {table}"),
                "free" => format!("FOR UPDATE OF {table} SKIP LOCKED"),
                _ => format!("FOR UPDATE OF {table}"),
            },
            |value| format!("array_to_tsvector(string_to_array(ticket.words, ' ')) @@ CAST({value} AS tsquery)"),
            |value| {
                let found = format!("array_to_tsvector(string_to_array(words, ' ')) @@ CAST({value} AS tsquery)");
                format!("SELECT 1 AS hit FROM ticket WHERE {found}")
            },
        );
        if statement.columns.is_empty() || statement.text.contains("{rows:") {
            return text;
        }
        let names: Vec<_> = statement.columns.iter().map(|(name, _)| *name).collect();
        let arrays: Vec<_> = names.iter().map(|name| array(name)).collect();
        format!("WITH v({}) AS (SELECT * FROM UNNEST({})) {text}", names.join(", "), arrays.join(", "))
    })
}

fn sqlite_bulk(statement: &'static Statement, rows: usize) -> String {
    let names: Vec<_> = statement.columns.iter().map(|(name, _)| *name).collect();
    let (names, row) = (names.join(", "), format!("({})", vec!["?"; names.len()].join(",")));
    let (values, text) = (vec![row; rows].join(","), sqlite_text(statement));
    // Told of hundreds of rows, the planner would rather read a whole table and look each of its rows up among them. A limit
    // says nothing of how many there are, and so v always leads into the index of the other.
    let leads = if text.trim_start().starts_with("INSERT") {
        format!("VALUES {values}")
    } else {
        format!("SELECT * FROM (VALUES {values}) LIMIT {rows}")
    };
    format!("WITH v({names}) AS ({leads}) {text}")
}

/// Numbers of rows for which a bulk statement has a text: few, so that few statements fill the cache.
fn sqlite_sizes(statement: &'static Statement) -> impl Iterator<Item = usize> {
    let width = statement.columns.len();
    [1_000, 250, 64, 16, 4, 2, 1].into_iter().filter(move |size| *size == 1 || size * width <= SQLITE_BINDS)
}

/// Cuts rows into chunks of these sizes.
fn sqlite_chunks(statement: &'static Statement, rows: Rows) -> Vec<(String, SqliteArguments)> {
    let width = statement.columns.len();
    let mut chunks = Vec::new();
    let mut columns: Vec<_> = rows.columns.into_iter().map(ColumnIter::from).collect();
    let mut left = rows.len;
    for size in sqlite_sizes(statement) {
        while left >= size {
            let mut arguments = SqliteArguments::default();
            sqlx::Arguments::reserve(&mut arguments, size * width, 0);
            for _ in 0..size {
                for column in &mut columns {
                    column.bind_next(&mut arguments);
                }
            }
            chunks.push((sqlite_bulk(statement, size), arguments));
            left -= size;
        }
    }
    chunks
}

enum ColumnIter {
    Int(std::vec::IntoIter<Option<i64>>),
    Text(std::vec::IntoIter<Option<String>>),
    Uuid(std::vec::IntoIter<Option<Uuid>>),
    Blob(std::vec::IntoIter<Option<Vec<u8>>>),
}

impl From<Column> for ColumnIter {
    fn from(column: Column) -> Self {
        match column {
            Column::Int(c) => Self::Int(c.into_iter()),
            Column::Text(c) => Self::Text(c.into_iter()),
            Column::Uuid(c) => Self::Uuid(c.into_iter()),
            Column::Blob(c) => Self::Blob(c.into_iter()),
        }
    }
}

impl ColumnIter {
    fn bind_next(&mut self, arguments: &mut SqliteArguments) {
        // These types always encode; an error would be a broken driver.
        let bound = match self {
            Self::Int(c) => sqlx::Arguments::add(arguments, c.next().flatten()),
            Self::Text(c) => sqlx::Arguments::add(arguments, c.next().flatten()),
            Self::Uuid(c) => sqlx::Arguments::add(arguments, c.next().flatten()),
            Self::Blob(c) => sqlx::Arguments::add(arguments, c.next().flatten()),
        };
        bound.expect("integers, text, uuids and bytes encode");
    }
}

fn bind_sqlite(
    mut query: Query<'_, Sqlite, SqliteArguments>,
    values: Vec<Value>,
) -> Query<'_, Sqlite, SqliteArguments> {
    for value in values {
        query = match value {
            Value::Int(v) => query.bind(v),
            Value::Text(v) => query.bind(v),
            Value::Uuid(v) => query.bind(v),
            Value::Blob(v) => query.bind(v),
        };
    }
    query
}

fn bind_postgres(mut query: Query<'_, Postgres, PgArguments>, values: Vec<Value>) -> Query<'_, Postgres, PgArguments> {
    for value in values {
        query = match value {
            Value::Int(v) => query.bind(v),
            Value::Text(v) => query.bind(v),
            Value::Uuid(v) => query.bind(v),
            Value::Blob(v) => query.bind(v),
        };
    }
    query
}

fn bind_arrays(mut query: Query<'_, Postgres, PgArguments>, rows: Rows) -> Query<'_, Postgres, PgArguments> {
    for column in rows.columns {
        query = match column {
            Column::Int(c) => query.bind(c),
            Column::Text(c) => query.bind(c),
            Column::Uuid(c) => query.bind(c),
            Column::Blob(c) => query.bind(c),
        };
    }
    query
}
