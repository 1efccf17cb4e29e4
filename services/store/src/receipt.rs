//! What was heard of messages after they were handed over. Whoever keeps it takes the one row of `delivery_head` first.

use std::collections::{BTreeMap, BTreeSet};

use gridcare_domain::delivery::{DeliveryState, of_parts};

use crate::{
    NodeStore, StoreError,
    delivery::DELIVERY_TURN,
    progress,
    statement::{Rows, statements, values},
};

statements! {
    // A receipt that echoes our own number resolves what was unknown.
    PART_ADOPT [message_id Text, number Int] =
        "INSERT INTO delivery_part (message_id, number, state) SELECT v.message_id, v.number, 5 FROM v
         JOIN delivery ON delivery.number = v.number WHERE delivery.state = 4 ON CONFLICT (message_id) DO NOTHING";
    PART_MERGE [message_id Text, state Int] =
        "UPDATE delivery_part SET state = CASE WHEN delivery_part.state < v.state THEN v.state ELSE delivery_part.state END
         FROM v WHERE delivery_part.message_id = v.message_id RETURNING delivery_part.message_id, delivery_part.number";
    // Within the range of the asked: a plan that was made while there were few parts would read all of them for ever.
    PARTS_OF [number Int] =
        "SELECT delivery_part.number, delivery_part.state FROM v JOIN delivery_part ON delivery_part.number = v.number
         WHERE delivery_part.number BETWEEN (SELECT MIN(number) FROM v) AND (SELECT MAX(number) FROM v)";
    DELIVERY_UNKNOWN [number Int] =
        "SELECT delivery.number FROM v JOIN delivery ON delivery.number = v.number WHERE delivery.state = 4";
    DELIVERY_MERGE [number Int, state Int] =
        "UPDATE delivery SET state = v.state FROM v WHERE delivery.number = v.number AND delivery.state < v.state RETURNING delivery.number";
}

/// What was heard of one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// As the message centre named it.
    pub message_id: String,
    /// Our own number, where it was echoed.
    pub number: Option<i64>,
    /// What was heard.
    pub state: DeliveryState,
    /// When that came about, microseconds since 1970.
    pub at_us: i64,
}

impl NodeStore {
    /// Merges receipts, in whatever order and however often they come; returns the ids that nobody knows here.
    pub async fn delivery_receipts(&self, receipts: &[Receipt]) -> Result<Vec<String>, StoreError> {
        let mut heard: BTreeMap<&str, DeliveryState> = BTreeMap::new();
        let at_us =
            receipts.iter().map(|receipt| (receipt.message_id.as_str(), receipt.at_us)).collect::<BTreeMap<_, _>>();
        let mut echoed = BTreeMap::new();
        for receipt in receipts {
            let id = receipt.message_id.as_str();
            heard.entry(id).and_modify(|stands| *stands = stands.after(receipt.state)).or_insert(receipt.state);
            if let Some(number) = receipt.number {
                echoed.insert(id, number);
            }
        }
        let mut tx = self.db.begin().await?;
        tx.execute(&DELIVERY_TURN, vec![]).await?;
        let mut adopted = Rows::of(&PART_ADOPT, echoed.len());
        for (id, number) in echoed {
            adopted.push(values![id, number]);
        }
        tx.execute_rows(&PART_ADOPT, adopted).await?;
        let mut rows = Rows::of(&PART_MERGE, heard.len());
        for (id, state) in &heard {
            rows.push(values![*id, state.number()]);
        }
        let (mut known, mut numbers) = (BTreeSet::new(), BTreeMap::new());
        for row in tx.fetch_rows(&PART_MERGE, rows).await? {
            let id = row.text(0)?;
            numbers.insert(row.int(1)?, at_us.get(id.as_str()).copied().unwrap_or(0));
            known.insert(id);
        }
        let mut rows = Rows::of(&PARTS_OF, numbers.len());
        let mut unknown = Rows::of(&DELIVERY_UNKNOWN, numbers.len());
        for number in numbers.keys() {
            rows.push(values![*number]);
            unknown.push(values![*number]);
        }
        // What was unknown and has a receipt was taken after all.
        let taken = tx.fetch_rows(&DELIVERY_UNKNOWN, unknown).await?;
        let taken = taken.iter().map(|row| row.int(0)).collect::<Result<BTreeSet<_>, _>>()?;
        let mut parts: BTreeMap<i64, Vec<DeliveryState>> = BTreeMap::new();
        for row in tx.fetch_rows(&PARTS_OF, rows).await? {
            let state = DeliveryState::from_number(row.int(1)?);
            let corrupt = || StoreError::Corrupt { table: "delivery_part", what: "unknown state".into() };
            parts.entry(row.int(0)?).or_default().push(state.ok_or_else(corrupt)?);
        }
        let mut rows = Rows::of(&DELIVERY_MERGE, parts.len());
        for (number, parts) in parts {
            if let Some(state) = of_parts(&parts) {
                rows.push(values![number, state.number()]);
            }
        }
        let mut news = BTreeMap::new();
        for row in tx.fetch_rows(&DELIVERY_MERGE, rows).await? {
            let number = row.int(0)?;
            news.insert(number, numbers.get(&number).copied().filter(|_| taken.contains(&number)));
        }
        progress::moved(&mut tx, &news).await?;
        tx.commit().await?;
        Ok(heard.into_keys().filter(|id| !known.contains(*id)).map(str::to_owned).collect())
    }
}
