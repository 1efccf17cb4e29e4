//! Messages are leased to couriers, written, and reported. Who changes them takes the one row of `delivery_head` first.

use std::collections::{BTreeMap, BTreeSet};

use gridcare_domain::{
    customer::Language,
    delivery::{DeliveryState, of_parts},
};

use crate::{
    NodeStore, StoreError,
    db::Tx,
    statement::{Rows, statements, values},
};

statements! {
    DELIVERY_TURN = "UPDATE delivery_head SET epoch = epoch WHERE one = 1";
    DELIVERY_EPOCH = "UPDATE delivery_head SET epoch = epoch + 1 WHERE one = 1 RETURNING epoch";
    DISPATCH_OPEN =
        "SELECT no, vi, en, diacritics, expires_us FROM dispatch
         WHERE stage IN (0, 1) AND kind = $1 AND cancelled_us IS NULL AND due_us <= $2 AND expires_us > $2 ORDER BY urgency DESC, no";
    DELIVERY_TAKE =
        "UPDATE delivery SET state = 2, lease = $1 WHERE number IN
             (SELECT number FROM delivery WHERE dispatch_no = $2 AND state = 1 ORDER BY wave, number LIMIT $3)
         RETURNING number";
    // A customer whose number is gone meanwhile is not in the answer, and fails.
    DELIVERY_ADDRESS [number Int] =
        "SELECT delivery.number, delivery.wave, customer_point.value, customer.preferred_language FROM v
         JOIN delivery ON delivery.number = v.number
         JOIN customer ON customer.code = delivery.customer_code
         JOIN customer_point ON customer_point.customer_code = delivery.customer_code AND customer_point.no = delivery.point_no
         WHERE (customer_point.granted & 2) <> 0 ORDER BY delivery.wave, delivery.number";
    LEASE_PUT = "INSERT INTO delivery_lease (epoch, courier, until_us) VALUES ($1, $2, $3)";
    LEASE_RENEW = "UPDATE delivery_lease SET until_us = $1 WHERE epoch = $2 AND courier = $3 AND until_us > $4";
    LEASE_HELD = "SELECT epoch FROM delivery_lease WHERE epoch = $1 AND courier = $2 AND until_us > $3";
    LEASES_OVER = "SELECT epoch FROM delivery_lease WHERE until_us <= $1";
    LEASE_END = "DELETE FROM delivery_lease WHERE epoch = $1";
    // A lost courier makes only what it was writing unknown.
    DELIVERY_RELEASE = "UPDATE delivery SET state = CASE WHEN state = 2 THEN 1 ELSE 4 END WHERE lease = $1 AND state IN (2, 3)";
    DELIVERY_SUBMITTING [number Int, lease Int, now_us Int] =
        "UPDATE delivery SET state = 3 FROM v, dispatch WHERE delivery.number = v.number AND delivery.lease = v.lease AND delivery.state = 2
             AND dispatch.no = delivery.dispatch_no AND dispatch.cancelled_us IS NULL AND dispatch.expires_us > v.now_us
         RETURNING delivery.number";
    DELIVERY_OUTCOME [number Int, lease Int, state Int] =
        "UPDATE delivery SET state = v.state FROM v WHERE delivery.number = v.number AND delivery.lease = v.lease AND delivery.state IN (2, 3, 4)
             AND (v.state > 1 OR delivery.state < 4)
         RETURNING delivery.number";
    PART_PUT [message_id Text, number Int] =
        "INSERT INTO delivery_part (message_id, number, state) SELECT message_id, number, 5 FROM v WHERE true ON CONFLICT (message_id) DO NOTHING";
    // A receipt that echoes our own number resolves what was unknown.
    PART_ADOPT [message_id Text, number Int] =
        "INSERT INTO delivery_part (message_id, number, state) SELECT v.message_id, v.number, 5 FROM v
         JOIN delivery ON delivery.number = v.number WHERE delivery.state = 4 ON CONFLICT (message_id) DO NOTHING";
    PART_MERGE [message_id Text, state Int] =
        "UPDATE delivery_part SET state = CASE WHEN delivery_part.state < v.state THEN v.state ELSE delivery_part.state END
         FROM v WHERE delivery_part.message_id = v.message_id RETURNING delivery_part.message_id, delivery_part.number";
    PARTS_OF [number Int] =
        "SELECT delivery_part.number, delivery_part.state FROM v JOIN delivery_part ON delivery_part.number = v.number";
    DELIVERY_MERGE [number Int, state Int] =
        "UPDATE delivery SET state = v.state FROM v WHERE delivery.number = v.number AND delivery.state < v.state";
    DISPATCH_OVER = "SELECT no FROM dispatch WHERE stage IN (0, 1) AND (expires_us <= $1 OR cancelled_us IS NOT NULL) ORDER BY stage, no";
    DELIVERY_EXPIRE =
        "UPDATE delivery SET state = 6 WHERE number IN (SELECT number FROM delivery WHERE dispatch_no = $1 AND state = 1 LIMIT $2)";
    DISPATCH_CLOSE = "UPDATE dispatch SET stage = 2, after_code = '' WHERE no = $1";
    DELIVERY_COUNTS = "SELECT state, COUNT(*) FROM delivery WHERE dispatch_no = $1 GROUP BY state ORDER BY state";
    DELIVERY_FORGET = "UPDATE delivery SET customer_code = NULL, state = CASE WHEN state < 3 THEN 6 ELSE state END WHERE customer_code = $1";
    DISPATCH_CUSTOMER_FORGET = "DELETE FROM dispatch_customer WHERE customer_code = $1";
}

/// A message as a courier gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leased {
    /// Its number at this node.
    pub number: i64,
    /// A telephone number or an email address; personal.
    pub address: String,
    /// In which language.
    pub language: Language,
    /// The dispatch that it belongs to.
    pub dispatch: i64,
}

/// What messages of one dispatch have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeasedText {
    /// Which dispatch.
    pub dispatch: i64,
    /// In Vietnamese.
    pub vi: String,
    /// In English.
    pub en: String,
    /// Whether SMS go out with diacritics.
    pub diacritics: bool,
    /// After this none goes out, microseconds since 1970.
    pub expires_us: i64,
}

/// What a courier was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Goes with everything that is reported of it. 0 when there was nothing.
    pub epoch: i64,
    /// Texts of its messages.
    pub texts: Vec<LeasedText>,
    /// The messages, in the order in which they are to go.
    pub messages: Vec<Leased>,
}

/// What became of writing a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A message centre has taken it and named its parts so.
    Sent(Vec<String>),
    /// It will not be taken.
    Failed,
    /// Nothing of it was taken, and it may be tried again.
    Returned,
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
}

/// An erased customer's messages still count, and name nobody.
pub(crate) async fn forget(tx: &mut Tx, code: &str) -> Result<(), StoreError> {
    tx.execute(&DELIVERY_TURN, vec![]).await?;
    tx.execute(&DELIVERY_FORGET, values![code]).await?;
    tx.execute(&DISPATCH_CUSTOMER_FORGET, values![code]).await.map(drop)
}

impl NodeStore {
    /// Hands a courier at most `limit` messages, pressing dispatches and early waves first, until `until_us`.
    pub async fn lease_deliveries(
        &self,
        courier: &str,
        kind: gridcare_domain::customer::PointKind,
        limit: i64,
        now_us: i64,
        until_us: i64,
    ) -> Result<Batch, StoreError> {
        let corrupt = |what: &str| StoreError::Corrupt { table: "delivery_head", what: what.to_owned() };
        let mut tx = self.db.begin().await?;
        let epoch = tx.fetch_one(&DELIVERY_EPOCH, vec![]).await?;
        let epoch = epoch.ok_or_else(|| corrupt("the one row is missing"))?.int(0)?;
        let mut batch = Batch { epoch, texts: Vec::new(), messages: Vec::new() };
        let mut left = limit;
        for row in tx.fetch(&DISPATCH_OPEN, values![kind.number(), now_us]).await? {
            let dispatch = row.int(0)?;
            let taken = tx.fetch(&DELIVERY_TAKE, values![epoch, dispatch, left]).await?;
            let mut unreached = BTreeSet::new();
            let mut rows = Rows::of(&DELIVERY_ADDRESS, taken.len());
            for row in &taken {
                unreached.insert(row.int(0)?);
                rows.push(values![row.int(0)?]);
            }
            // Rows come in chunks, so that their order is made here.
            let mut found = BTreeMap::new();
            for row in tx.fetch_rows(&DELIVERY_ADDRESS, rows).await? {
                let number = row.int(0)?;
                unreached.remove(&number);
                let language = Language::from_number(row.int(3)?).ok_or_else(|| corrupt("unknown language"))?;
                found.insert((row.int(1)?, number), Leased { number, address: row.text(2)?, language, dispatch });
            }
            let mut failed = Rows::of(&DELIVERY_OUTCOME, unreached.len());
            for number in unreached {
                failed.push(values![number, epoch, DeliveryState::Failed.number()]);
            }
            tx.fetch_rows(&DELIVERY_OUTCOME, failed).await?;
            left -= i64::try_from(found.len()).unwrap_or(left);
            if !found.is_empty() {
                batch.texts.push(LeasedText {
                    dispatch,
                    vi: row.text(1)?,
                    en: row.text(2)?,
                    diacritics: row.int(3)? == 1,
                    expires_us: row.int(4)?,
                });
                batch.messages.extend(found.into_values());
            }
            if left <= 0 {
                break;
            }
        }
        if batch.messages.is_empty() {
            batch.epoch = 0;
        } else {
            tx.execute(&LEASE_PUT, values![epoch, courier, until_us]).await?;
        }
        tx.commit().await?;
        Ok(batch)
    }

    /// Prolongs a lease; false when it is lost.
    pub async fn renew_deliveries(
        &self,
        epoch: i64,
        courier: &str,
        now_us: i64,
        until_us: i64,
    ) -> Result<bool, StoreError> {
        let mut tx = self.db.begin().await?;
        let renewed = tx.execute(&LEASE_RENEW, values![until_us, epoch, courier, now_us]).await?;
        tx.commit().await?;
        Ok(renewed == 1)
    }

    /// Makes it durable that these are about to be written; returns those that may be. None when the lease is lost.
    pub async fn submitting(
        &self,
        epoch: i64,
        courier: &str,
        numbers: &[i64],
        now_us: i64,
    ) -> Result<Option<Vec<i64>>, StoreError> {
        let mut tx = self.db.begin().await?;
        tx.execute(&DELIVERY_TURN, vec![]).await?;
        if tx.fetch_one(&LEASE_HELD, values![epoch, courier, now_us]).await?.is_none() {
            return Ok(None);
        }
        let mut rows = Rows::of(&DELIVERY_SUBMITTING, numbers.len());
        for number in numbers.iter().collect::<BTreeSet<_>>() {
            rows.push(values![*number, epoch, now_us]);
        }
        let granted = tx.fetch_rows(&DELIVERY_SUBMITTING, rows).await?;
        let granted: BTreeSet<i64> = granted.iter().map(|row| row.int(0)).collect::<Result<_, _>>()?;
        tx.commit().await?;
        Ok(Some(granted.into_iter().collect()))
    }

    /// Keeps what became of messages that were handed out under this lease, even when it has been lost since: what went out
    /// went out. Returns the numbers of those for which it was news.
    pub async fn delivery_outcomes(
        &self,
        epoch: i64,
        outcomes: &[(i64, Outcome)],
    ) -> Result<BTreeSet<i64>, StoreError> {
        let mut tx = self.db.begin().await?;
        tx.execute(&DELIVERY_TURN, vec![]).await?;
        let outcomes: BTreeMap<i64, &Outcome> = outcomes.iter().map(|(number, outcome)| (*number, outcome)).collect();
        let mut rows = Rows::of(&DELIVERY_OUTCOME, outcomes.len());
        for (number, outcome) in &outcomes {
            let state = match outcome {
                Outcome::Sent(_) => DeliveryState::Sent,
                Outcome::Failed => DeliveryState::Failed,
                Outcome::Returned => DeliveryState::Queued,
            };
            rows.push(values![*number, epoch, state.number()]);
        }
        let changed = tx.fetch_rows(&DELIVERY_OUTCOME, rows).await?;
        let changed: BTreeSet<i64> = changed.iter().map(|row| row.int(0)).collect::<Result<_, _>>()?;
        let mut parts = Rows::of(&PART_PUT, changed.len());
        for (number, outcome) in outcomes.iter().filter(|(number, _)| changed.contains(number)) {
            if let Outcome::Sent(ids) = outcome {
                for id in ids {
                    parts.push(values![id.as_str(), *number]);
                }
            }
        }
        tx.execute_rows(&PART_PUT, parts).await?;
        tx.commit().await?;
        Ok(changed)
    }

    /// Merges receipts, in whatever order and however often they come; returns the ids that nobody knows here.
    pub async fn delivery_receipts(&self, receipts: &[Receipt]) -> Result<Vec<String>, StoreError> {
        let mut heard: BTreeMap<&str, DeliveryState> = BTreeMap::new();
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
        let (mut known, mut numbers) = (BTreeSet::new(), BTreeSet::new());
        for row in tx.fetch_rows(&PART_MERGE, rows).await? {
            known.insert(row.text(0)?);
            numbers.insert(row.int(1)?);
        }
        let mut rows = Rows::of(&PARTS_OF, numbers.len());
        for number in numbers {
            rows.push(values![number]);
        }
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
        tx.execute_rows(&DELIVERY_MERGE, rows).await?;
        tx.commit().await?;
        Ok(heard.into_keys().filter(|id| !known.contains(*id)).map(str::to_owned).collect())
    }

    /// Takes messages back from couriers that are lost; returns how many leases ended.
    pub async fn end_delivery_leases(&self, now_us: i64) -> Result<usize, StoreError> {
        let mut tx = self.db.begin().await?;
        tx.execute(&DELIVERY_TURN, vec![]).await?;
        let over = tx.fetch(&LEASES_OVER, values![now_us]).await?;
        for row in &over {
            tx.execute(&DELIVERY_RELEASE, values![row.int(0)?]).await?;
            tx.execute(&LEASE_END, values![row.int(0)?]).await?;
        }
        tx.commit().await?;
        Ok(over.len())
    }

    /// Lets at most `limit` queued messages of each dispatch expire that is cancelled or whose time is over; returns how many.
    pub async fn expire_deliveries(&self, now_us: i64, limit: i64) -> Result<u64, StoreError> {
        let mut tx = self.db.begin().await?;
        tx.execute(&DELIVERY_TURN, vec![]).await?;
        let mut expired = 0;
        for row in tx.fetch(&DISPATCH_OVER, values![now_us]).await? {
            let no = row.int(0)?;
            let gone = tx.execute(&DELIVERY_EXPIRE, values![no, limit]).await?;
            expired += gone;
            if gone == 0 {
                tx.execute(&DISPATCH_CLOSE, values![no]).await?;
            }
        }
        tx.commit().await?;
        Ok(expired)
    }

    /// How many messages of a dispatch stand where.
    pub async fn delivery_counts(&self, dispatch: i64) -> Result<BTreeMap<DeliveryState, u64>, StoreError> {
        let corrupt = || StoreError::Corrupt { table: "delivery", what: "unknown state".into() };
        let count = |row: &crate::db::Row| {
            let state = DeliveryState::from_number(row.int(0)?).ok_or_else(corrupt)?;
            Ok((state, u64::try_from(row.int(1)?).unwrap_or(0)))
        };
        self.db.fetch(&DELIVERY_COUNTS, values![dispatch]).await?.iter().map(count).collect()
    }
}
