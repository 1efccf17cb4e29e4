//! What indices of reliability are computed from: how many are served since when, and where.

use gridcare_domain::{feed::Change, outage::Site, reliability::Served};
use uuid::Uuid;

use crate::{
    Committed, NodeStore, StoreError,
    db::{Row, Tx},
    feed,
    request::{self, Request},
    statement::{statements, values},
    writer::Answer,
};

statements! {
    SERVED_PUT =
        "INSERT INTO customers_served (day, customers, version, author, updated_us) VALUES ($1, $2, 1, $3, $4)
         ON CONFLICT (day) DO UPDATE SET customers = excluded.customers, version = customers_served.version + 1,
             author = excluded.author, updated_us = excluded.updated_us
         RETURNING version";
    SERVED_LIST = "SELECT day, customers, version FROM customers_served ORDER BY day";
    PREMISES_PLACES =
        "SELECT province, district, area, feeder, transformer, COUNT(*) FROM premises
         GROUP BY province, district, area, feeder, transformer";
}

/// Somebody says how many are served.
#[derive(Debug, Clone)]
pub struct Said<'a> {
    /// How many since when.
    pub served: Served,
    /// Who says so.
    pub author: &'a str,
    /// The answer, stored under the request.
    pub response: Vec<u8>,
}

/// Customers of one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    province: Option<String>,
    district: String,
    area: String,
    feeder: Option<String>,
    transformer: Option<String>,
    /// How many premises are supplied there.
    pub premises: i64,
}

impl Place {
    /// Where it is.
    #[must_use]
    pub fn site(&self) -> Site<'_> {
        let given = |text: &&str| !text.is_empty();
        Site {
            province: self.province.as_deref(),
            district: Some(self.district.as_str()).filter(given),
            area_code: Some(self.area.as_str()).filter(given),
            feeder: self.feeder.as_deref(),
            transformer: self.transformer.as_deref(),
            position: None,
        }
    }
}

fn served(row: &Row) -> Result<(Served, i64), StoreError> {
    let corrupt = |_| StoreError::Corrupt { table: "customers_served", what: "a day beyond the calendar".into() };
    let from = i32::try_from(row.int(0)?).map_err(corrupt)?;
    Ok((Served { from, customers: row.int(1)? }, row.int(2)?))
}

/// What was said of how many are served, with versions, in the order of days.
pub(crate) async fn served_in(tx: &mut Tx) -> Result<Vec<(Served, i64)>, StoreError> {
    tx.fetch(&SERVED_LIST, vec![]).await?.iter().map(served).collect()
}

impl NodeStore {
    /// Keeps how many are served since a day, with its feed entry and its answer. `change` makes the entry of a version.
    pub async fn put_served(
        &self,
        request: Request,
        now_us: i64,
        batch_id: Uuid,
        said: Said<'_>,
        change: impl Fn(Served, i64) -> Change + Send + Sync,
    ) -> Answer {
        let Said { served: given, author, response } = said;
        let mut tx = self.db.begin().await?;
        if let Some(answered) = request::find(&mut tx, [request].into_iter()).await?.get(&request.key) {
            return Ok(answered.replay(&request));
        }
        if !request::answer(&mut tx, request, now_us, &response).await? {
            return Err(StoreError::Raced);
        }
        let values = values![i64::from(given.from), given.customers, author, now_us];
        let row = tx.fetch_one(&SERVED_PUT, values).await?;
        let version = row.ok_or(StoreError::Raced)?.int(0)?;
        feed::append(&mut tx, batch_id, now_us, vec![change(given, version)]).await?;
        tx.commit().await?;
        self.writer.committed(Committed { feed: true, contacts: false });
        Ok(Ok(response))
    }

    /// Since when how many are served, in the order of days.
    pub async fn served(&self) -> Result<Vec<Served>, StoreError> {
        let rows = self.db.fetch(&SERVED_LIST, vec![]).await?;
        rows.iter().map(|row| served(row).map(|(served, _)| served)).collect()
    }

    /// Where how many premises are supplied.
    pub async fn places(&self) -> Result<Vec<Place>, StoreError> {
        let place = |row: &Row| {
            Ok(Place {
                province: row.text_or_null(0)?,
                district: row.text(1)?,
                area: row.text(2)?,
                feeder: row.text_or_null(3)?,
                transformer: row.text_or_null(4)?,
                premises: row.int(5)?,
            })
        };
        self.db.fetch(&PREMISES_PLACES, vec![]).await?.iter().map(place).collect()
    }
}
