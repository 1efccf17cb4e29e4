//! The baseline of an import of customers: three tables, the same rows, settings and indexes, and nothing else.

use std::time::Duration;

use gridcare_domain::customer::{Customer, Locality, PointKind, name_key};
use sqlx::{
    Arguments as _, AssertSqlSafe, Postgres, Sqlite, postgres::PgArguments, query::Query, sqlite::SqliteArguments,
};
use tokio::time::Instant;
use uuid::Uuid;

use super::{SQLITE_ROWS, failed};
use crate::{
    NodeStore, StoreError,
    customer::consents_text,
    db::Pools,
    told_at::{flags, granted, province, told_at, wave},
};

/// One column of a table, with what goes into it: one value for each row.
enum Column {
    Int(Vec<Option<i64>>),
    Text(Vec<Option<String>>),
    Uuid(Vec<Uuid>),
}

/// The rows of one batch for one table.
struct Table {
    name: &'static str,
    columns: Vec<(&'static str, Column)>,
    rows: usize,
}

/// Inserts `customers` into the empty database at `address`, `batch` of them in each transaction, and returns how long the
/// statements and commits took; making the rows is not part of it.
pub async fn bare_customers(address: &str, customers: &[Customer], batch: usize) -> Result<Duration, StoreError> {
    let store = NodeStore::open(address, 4, |_| ()).await?;
    let batches: Vec<_> = customers.chunks(batch).map(tables).collect();
    let began = Instant::now();
    for tables in &batches {
        match &store.db().pools {
            Pools::Sqlite { write, .. } => {
                let mut tx = write.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
                for table in tables {
                    for from in (0..table.rows).step_by(SQLITE_ROWS) {
                        let until = (from + SQLITE_ROWS).min(table.rows);
                        sqlite(table, from, until)?.execute(&mut *tx).await.map_err(failed)?;
                    }
                }
                tx.commit().await.map_err(failed)?;
            }
            Pools::Postgres(pool) => {
                let mut tx = pool.begin().await.map_err(failed)?;
                for table in tables {
                    postgres(table)?.execute(&mut *tx).await.map_err(failed)?;
                }
                tx.commit().await.map_err(failed)?;
            }
        }
    }
    let took = began.elapsed();
    store.close().await;
    Ok(took)
}

/// What autovacuum does within minutes of so many rows: without it, whoever reads them first would pay for it.
pub async fn settle(address: &str) -> Result<(), StoreError> {
    let store = NodeStore::open(address, 4, |_| ()).await?;
    if let Pools::Postgres(pool) = &store.db().pools {
        sqlx::query("VACUUM ANALYZE").execute(pool).await.map_err(failed)?;
    }
    store.close().await;
    Ok(())
}

fn tables(customers: &[Customer]) -> [Table; 3] {
    let texts = |of: &dyn Fn(&Customer) -> String| Column::Text(customers.iter().map(|c| Some(of(c))).collect());
    let ints = |of: &dyn Fn(&Customer) -> Option<i64>| Column::Int(customers.iter().map(of).collect());
    let customer = Table {
        name: "customer",
        columns: vec![
            ("code", texts(&|c| c.code.as_str().to_owned())),
            ("version", ints(&|_| Some(1))),
            (
                "body",
                Column::Uuid(
                    customers.iter().map(|c| Uuid::from_bytes(gridcare_domain::customer::digest(c))).collect(),
                ),
            ),
            ("source", texts(&|_| "bench".to_owned())),
            ("name", texts(&|c| c.name.clone())),
            ("name_plain", texts(&|c| c.name_plain.clone())),
            ("name_key", texts(&|c| name_key(&c.name))),
            ("preferred_channel", ints(&|c| c.preferred_channel.map(gridcare_domain::contact::Channel::number))),
            ("preferred_language", ints(&|c| Some(c.preferred_language.number()))),
            ("updated_us", ints(&|_| Some(1))),
            ("phone_no", ints(&|c| told_at(c, PointKind::Phone))),
            ("email_no", ints(&|c| told_at(c, PointKind::Email))),
            ("wave", ints(&|c| Some(wave(c).number()))),
            ("province", Column::Text(customers.iter().map(|c| province(c).map(str::to_owned)).collect())),
        ],
        rows: customers.len(),
    };
    let points: Vec<_> = customers.iter().flat_map(|c| (0_i64..).zip(&c.contact_points).map(move |p| (c, p))).collect();
    let point = Table {
        name: "customer_point",
        columns: vec![
            ("customer_code", Column::Text(points.iter().map(|(c, _)| Some(c.code.as_str().to_owned())).collect())),
            ("no", Column::Int(points.iter().map(|(_, (no, _))| Some(*no)).collect())),
            ("kind", Column::Int(points.iter().map(|(_, (_, p))| Some(p.kind.number())).collect())),
            ("value", Column::Text(points.iter().map(|(_, (_, p))| Some(p.value.clone())).collect())),
            ("granted", Column::Int(points.iter().map(|(_, (_, p))| Some(granted(p))).collect())),
            ("consents", Column::Text(points.iter().map(|(_, (_, p))| Some(consents_text(&p.consents))).collect())),
        ],
        rows: points.len(),
    };
    let places: Vec<_> = customers.iter().flat_map(|c| c.premises.iter().map(move |place| (c, place))).collect();
    let premises = Table {
        name: "premises",
        columns: vec![
            ("customer_code", Column::Text(places.iter().map(|(c, _)| Some(c.code.as_str().to_owned())).collect())),
            ("code", Column::Text(places.iter().map(|(_, p)| Some(p.code.clone())).collect())),
            ("address", Column::Text(places.iter().map(|(_, p)| Some(p.address.clone())).collect())),
            ("province", Column::Text(places.iter().map(|(_, p)| p.province.clone()).collect())),
            ("district", Column::Text(places.iter().map(|(_, p)| Some(p.district.clone())).collect())),
            ("area", Column::Text(places.iter().map(|(_, p)| Some(p.area.clone())).collect())),
            ("locality", Column::Int(places.iter().map(|(_, p)| p.locality.map(Locality::number)).collect())),
            ("feeder", Column::Text(places.iter().map(|(_, p)| p.feeder.clone()).collect())),
            ("transformer", Column::Text(places.iter().map(|(_, p)| p.transformer.clone()).collect())),
            ("flags", Column::Int(places.iter().map(|(_, p)| Some(flags(p))).collect())),
        ],
        rows: places.len(),
    };
    [customer, point, premises]
}

impl Table {
    fn names(&self) -> String {
        self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }
}

fn encoding(error: sqlx::error::BoxDynError) -> StoreError {
    failed(sqlx::Error::Encode(error))
}

/// Multi-row `VALUES`.
fn sqlite(table: &Table, from: usize, until: usize) -> Result<Query<'_, Sqlite, SqliteArguments>, StoreError> {
    let mut arguments = SqliteArguments::default();
    for row in from..until {
        for (_, column) in &table.columns {
            match column {
                Column::Int(values) => arguments.add(values[row]),
                Column::Text(values) => arguments.add(values[row].as_deref()),
                Column::Uuid(values) => arguments.add(values[row]),
            }
            .map_err(encoding)?;
        }
    }
    let row = format!("({})", vec!["?"; table.columns.len()].join(","));
    let rows = vec![row; until - from].join(",");
    let text = format!("INSERT INTO {} ({}) VALUES {rows}", table.name, table.names());
    Ok(sqlx::query_with(AssertSqlSafe(text), arguments))
}

/// Arrays and `UNNEST`: one statement and one round trip for all rows.
fn postgres(table: &Table) -> Result<Query<'_, Postgres, PgArguments>, StoreError> {
    let mut arguments = PgArguments::default();
    let mut arrays = Vec::new();
    for (n, (_, column)) in (1..).zip(&table.columns) {
        let kind = match column {
            Column::Int(values) => arguments.add(values).map(|()| "BIGINT"),
            Column::Text(values) => arguments.add(values).map(|()| "TEXT"),
            Column::Uuid(values) => arguments.add(values).map(|()| "UUID"),
        }
        .map_err(encoding)?;
        arrays.push(format!("${n}::{kind}[]"));
    }
    let (name, names) = (table.name, table.names());
    let text = format!("INSERT INTO {name} ({names}) SELECT * FROM UNNEST({})", arrays.join(", "));
    Ok(sqlx::query_with(AssertSqlSafe(text), arguments))
}
