use gridcare_domain::report::{Amount, Key, Measure, Sums, Tally, Want, day::Grain};

use crate::{
    StoreError,
    db::{Db, Tx},
    statement::{Rows, statements, values},
};

statements! {
    // Rows in key order, so that two processes lock them in the same order.
    REPORT_TALLY_ADD [node Text, grain Int, measure Int, category Text, start Int, detail Text, n Int, total Int] =
        "INSERT INTO ticket_tally (node, grain, measure, category, start, detail, n, total)
         SELECT node, grain, measure, category, start, detail, n, total FROM v WHERE true
         ON CONFLICT (node, grain, measure, category, start, detail) DO UPDATE SET
             n = ticket_tally.n + excluded.n, total = ticket_tally.total + excluded.total";
    REPORT_TALLY_NOTHING [node Text, grain Int, measure Int, category Text, start Int, detail Text] =
        "DELETE FROM ticket_tally
         WHERE (node, grain, measure, category, start, detail) IN (SELECT node, grain, measure, category, start, detail FROM v)
           AND n = 0 AND total = 0";
    REPORT_TALLY_SUM [slot Int, node Text, grain Int, measure Int, category Text, from_day Int, until_day Int] =
        "SELECT v.slot, t.measure, t.category, t.detail, CAST(SUM(t.n) AS BIGINT), CAST(SUM(t.total) AS BIGINT)
         FROM v JOIN ticket_tally AS t ON t.node = v.node AND t.grain = v.grain AND t.measure = v.measure AND t.category = v.category
             AND t.start >= v.from_day AND t.start < v.until_day
         GROUP BY v.slot, t.measure, t.category, t.detail";
    REPORT_TALLY_CATEGORIES = "SELECT DISTINCT category FROM ticket_tally WHERE node = $1 AND grain = 2 AND measure = 1 AND category > '' ORDER BY category";
    REPORT_TALLY_EVER [node Text, measure Int] =
        "SELECT v.measure FROM v WHERE EXISTS (SELECT 1 FROM ticket_tally AS t WHERE t.node = v.node AND t.grain = 2 AND t.measure = v.measure AND t.category = '')";
    REPORT_TALLY_CLEAR = "DELETE FROM ticket_tally WHERE node = $1";
}

/// What was read for a report, as of one moment.
#[derive(Debug, Default)]
pub struct Reading {
    /// Every category that has ever had a ticket.
    pub categories: Vec<String>,
    /// What was wanted.
    pub sums: Sums,
}

pub(crate) fn measure_of(number: i64) -> Result<Measure, StoreError> {
    let corrupt = || StoreError::Corrupt { table: "ticket_tally", what: "unknown measure".into() };
    Measure::from_number(number).ok_or_else(corrupt)
}

/// Adds a difference to the tallies of a node, by days and by months.
pub(crate) async fn add(tx: &mut Tx, node: &str, tally: &Tally) -> Result<(), StoreError> {
    let months = tally.months();
    let mut rows = Rows::of(&REPORT_TALLY_ADD, tally.len() + months.len());
    let mut nothing = Rows::of(&REPORT_TALLY_NOTHING, 0);
    for (grain, tally) in [(Grain::Day, tally), (Grain::Month, &months)] {
        for (Key { measure, category, day, detail }, amount) in tally.iter() {
            let key =
                || values![node, grain.number(), measure.number(), category.as_str(), i64::from(*day), detail.as_str()];
            rows.push(key().into_iter().chain(values![amount.n, amount.total]));
            // Only what is taken away can come to nothing.
            if amount.n < 0 {
                nothing.push(key());
            }
        }
    }
    tx.execute_rows(&REPORT_TALLY_ADD, rows).await?;
    tx.execute_rows(&REPORT_TALLY_NOTHING, nothing).await.map(drop)
}

/// Forgets the tallies of a node.
pub(crate) async fn clear(tx: &mut Tx, node: &str) -> Result<(), StoreError> {
    tx.execute(&REPORT_TALLY_CLEAR, values![node]).await.map(drop)
}

/// Adds to the tallies of a node what so many tickets would, for a benchmark that has no time to open them all.
pub async fn fill(db: &Db, node: &str, tally: &Tally) -> Result<(), StoreError> {
    let mut tx = db.begin().await?;
    add(&mut tx, node, tally).await?;
    tx.commit().await
}

/// Reads what a report wants of a node, which may depend on the categories that there are.
pub async fn read(
    db: &Db,
    node: &str,
    wants: impl FnOnce(&[String]) -> Vec<Want> + Send,
) -> Result<Reading, StoreError> {
    let mut tx = db.snapshot().await?;
    read_in(&mut tx, node, wants).await
}

pub(crate) async fn read_in(
    tx: &mut Tx,
    node: &str,
    wants: impl FnOnce(&[String]) -> Vec<Want> + Send,
) -> Result<Reading, StoreError> {
    let categories = tx.fetch(&REPORT_TALLY_CATEGORIES, values![node]).await?;
    let categories = categories.iter().map(|row| row.text(0)).collect::<Result<Vec<_>, _>>()?;
    let wants = wants(&categories);
    let mut rows = Rows::of(&REPORT_TALLY_SUM, wants.len());
    for Want { slot, grain, measure, category, days } in &wants {
        let (grain, measure) = (grain.number(), measure.number());
        let (from, until) = (i64::from(days.from), i64::from(days.until));
        rows.push(values![*slot, node, grain, measure, category.as_str(), from, until]);
    }
    let mut sums = Sums::default();
    for row in tx.fetch_rows(&REPORT_TALLY_SUM, rows).await? {
        let amount = Amount { n: row.int(4)?, total: row.int(5)? };
        sums.add(&row.text(2)?, row.int(0)?, measure_of(row.int(1)?)?, row.text(3)?, amount);
    }
    Ok(Reading { categories, sums })
}

/// Which of these measures a node has ever reported.
pub async fn ever(db: &Db, node: &str, measures: &[Measure]) -> Result<Vec<Measure>, StoreError> {
    let mut rows = Rows::of(&REPORT_TALLY_EVER, measures.len());
    for measure in measures {
        rows.push(values![node, measure.number()]);
    }
    let mut tx = db.snapshot().await?;
    tx.fetch_rows(&REPORT_TALLY_EVER, rows).await?.iter().map(|row| measure_of(row.int(0)?)).collect()
}
