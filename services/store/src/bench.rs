//! The baselines of `gridcare bench rows` and `customer-rows`: the least that could store these contacts and customers.
//! Nothing that serves calls it.
//!
//! It speaks to the drivers itself, as nothing else outside `db.rs` does, because a baseline that went through our own
//! statements would flatter us: here is the fastest plain form that each engine has, with no conflict clause, no
//! counting and no order of arrival to keep. Settings, schema, indexes and durability are those of the store.

mod customers;

use std::time::Duration;

pub use customers::{bare_customers, settle};

use gridcare_domain::{
    contact::{Contact, Outcome},
    customer_code::CustomerCode,
    topic::Topic,
};
use jiff::Timestamp;
use sqlx::{
    Arguments as _, AssertSqlSafe, Sqlite, SqlitePool,
    postgres::{PgArguments, PgPool},
    sqlite::SqliteArguments,
};
use tokio::time::Instant;

use crate::{NodeStore, StoreError, db::Pools};

const COLUMNS: &str = "arrival_no, id, version, source, source_key, channel, direction, arrived_us, answered_us, ended_us, \
                       outcome, wait_ms, talk_ms, hold_ms, wrap_ms, topic, customer_code, contact_point, agent, ticket, note";
const WIDTH: usize = 21;
/// Rows in one statement at most. From 50 to 1,000 it makes no difference to the engine, and each costs the driver a turn.
const SQLITE_ROWS: usize = 500;

/// Inserts `contacts` into the empty database at `address`, `batch` of them in each transaction, and returns how long
/// the inserts and commits took; opening the database and bringing its schema up to date is not part of it.
pub async fn bare_inserts(address: &str, contacts: &[Contact], batch: usize) -> Result<Duration, StoreError> {
    // Also asserts that a commit is as durable as that of any other write.
    let store = NodeStore::open(address, 4, |_| ()).await?;
    let batches: Vec<_> = (1..).step_by(batch).zip(contacts.chunks(batch)).collect();
    let began = Instant::now();
    let done = match &store.db().pools {
        Pools::Sqlite { write, .. } => sqlite(write, &batches).await,
        Pools::Postgres(pool) => postgres(pool, &batches).await,
    };
    let took = began.elapsed();
    store.close().await;
    done.map(|()| took)
}

/// A batch and the arrival number of its first contact.
type Batch<'a> = (i64, &'a [Contact]);

fn failed(source: sqlx::Error) -> StoreError {
    StoreError::Statement { statement: "BARE_INSERT", source }
}

/// Multi-row `VALUES`, in statements of equal size, so that each is prepared once and found again.
async fn sqlite(pool: &SqlitePool, batches: &[Batch<'_>]) -> Result<(), StoreError> {
    for (first, contacts) in batches {
        let mut tx = pool.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        let statements = contacts.len().div_ceil(SQLITE_ROWS);
        let rows = contacts.len().div_ceil(statements);
        let mut numbered = (*first..).zip(*contacts);
        for part in contacts.chunks(rows) {
            let row = format!("({})", vec!["?"; WIDTH].join(","));
            let text = format!("INSERT INTO contact ({COLUMNS}) VALUES {}", vec![row; part.len()].join(","));
            let arguments = bound(numbered.by_ref().take(part.len()), part.len())?;
            sqlx::query_with::<Sqlite, _>(AssertSqlSafe(text), arguments).execute(&mut *tx).await.map_err(failed)?;
        }
        tx.commit().await.map_err(failed)?;
    }
    Ok(())
}

fn bound<'a>(contacts: impl Iterator<Item = (i64, &'a Contact)>, rows: usize) -> Result<SqliteArguments, StoreError> {
    let mut arguments = SqliteArguments::default();
    arguments.reserve(rows * WIDTH, 0);
    macro_rules! bind {
        ($($value:expr),+ $(,)?) => {
            $(arguments.add($value).map_err(|error| failed(sqlx::Error::Encode(error)))?;)+
        };
    }
    for (number, c) in contacts {
        bind![
            number,
            c.id,
            1_i64,
            c.source.as_str(),
            c.source_key.as_str(),
            c.channel.number(),
            c.direction.number(),
            c.arrived_at.as_microsecond(),
            c.answered_at.map(Timestamp::as_microsecond),
            c.ended_at.map(Timestamp::as_microsecond),
            c.outcome.map(Outcome::number),
            c.wait_ms,
            c.talk_ms,
            c.hold_ms,
            c.wrap_ms,
            c.topic.map(Topic::number),
            c.customer_code.as_ref().map(CustomerCode::as_str),
            c.contact_point.as_deref(),
            c.agent.as_deref(),
            c.ticket.as_deref(),
            c.note.as_deref(),
        ];
    }
    Ok(arguments)
}

/// Arrays and `UNNEST`: one statement is one batch, one round trip and one commit.
async fn postgres(pool: &PgPool, batches: &[Batch<'_>]) -> Result<(), StoreError> {
    let text = format!(
        "INSERT INTO contact ({COLUMNS}) SELECT * FROM UNNEST($1::BIGINT[], $2::UUID[], $3::BIGINT[], $4::TEXT[], $5::TEXT[], \
         $6::BIGINT[], $7::BIGINT[], $8::BIGINT[], $9::BIGINT[], $10::BIGINT[], $11::BIGINT[], $12::BIGINT[], $13::BIGINT[], \
         $14::BIGINT[], $15::BIGINT[], $16::BIGINT[], $17::TEXT[], $18::TEXT[], $19::TEXT[], $20::TEXT[], $21::TEXT[])"
    );
    let mut connection = pool.acquire().await.map_err(failed)?;
    for (first, contacts) in batches {
        let arguments = arrays(*first, contacts)?;
        let query = sqlx::query_with(AssertSqlSafe(text.as_str()), arguments);
        query.execute(&mut *connection).await.map_err(failed)?;
    }
    Ok(())
}

fn arrays(first: i64, contacts: &[Contact]) -> Result<PgArguments, StoreError> {
    fn column<'a, T>(contacts: &'a [Contact], of: impl Fn(&'a Contact) -> T) -> Vec<T> {
        contacts.iter().map(of).collect()
    }
    let mut arguments = PgArguments::default();
    macro_rules! bind {
        ($($of:expr),+ $(,)?) => {
            $(arguments.add(column(contacts, $of)).map_err(|error| failed(sqlx::Error::Encode(error)))?;)+
        };
    }
    let numbers: Vec<_> = (first..).take(contacts.len()).collect();
    arguments.add(numbers).map_err(|error| failed(sqlx::Error::Encode(error)))?;
    bind![
        |c| c.id,
        |_| 1_i64,
        |c| c.source.as_str(),
        |c| c.source_key.as_str(),
        |c| c.channel.number(),
        |c| c.direction.number(),
        |c| c.arrived_at.as_microsecond(),
        |c| c.answered_at.map(Timestamp::as_microsecond),
        |c| c.ended_at.map(Timestamp::as_microsecond),
        |c| c.outcome.map(Outcome::number),
        |c| c.wait_ms,
        |c| c.talk_ms,
        |c| c.hold_ms,
        |c| c.wrap_ms,
        |c| c.topic.map(Topic::number),
        |c| c.customer_code.as_ref().map(CustomerCode::as_str),
        |c| c.contact_point.as_deref(),
        |c| c.agent.as_deref(),
        |c| c.ticket.as_deref(),
        |c| c.note.as_deref(),
    ];
    Ok(arguments)
}
