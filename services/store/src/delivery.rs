//! Messages are leased to couriers, written, and reported. Who hands them out, takes them back or hears of them takes the one row
//! of `delivery_head` first; who writes under a lease and says what became of it locks that lease, or its messages, alone.

use std::collections::{BTreeMap, BTreeSet};

use gridcare_domain::{
    customer::Language,
    delivery::{DeliveryState, Way},
    notice::{NoticeText, Phase, RevisionKind, Urgency},
};
use uuid::Uuid;

use crate::{
    NodeStore, StoreError,
    db::{Row, Tx},
    progress,
    statement::{Rows, statements, values},
};

statements! {
    DELIVERY_TURN = "UPDATE delivery_head SET epoch = epoch WHERE one = 1";
    DELIVERY_EPOCH = "UPDATE delivery_head SET epoch = epoch + 1 WHERE one = 1 RETURNING epoch";
    DISPATCH_OPEN =
        "SELECT no, vi, en, diacritics, expires_us, notice_id, revision, incident, revision_kind, phase, vi_title, en_title, published_us FROM dispatch
         WHERE stage IN (0, 1) AND kind = $1 AND urgency >= $3 AND cancelled_us IS NULL AND due_us <= $2 AND expires_us > $2
         ORDER BY urgency DESC, no";
    // Changed by their numbers afterwards: of a limit that it does not know Postgres expects a tenth of all messages, and would
    // read all of them for a courier that asks for some.
    DELIVERY_NEXT = "SELECT number FROM delivery WHERE dispatch_no = $1 AND state = 1 ORDER BY wave, number LIMIT $2";
    DELIVERY_TAKE [number Int, lease Int] =
        "UPDATE delivery SET state = 2, lease = v.lease FROM v WHERE delivery.number = v.number AND delivery.state + 0 = 1 RETURNING delivery.number";
    // A customer whose number is gone meanwhile, or agrees no longer, is not in the answer, and fails. What has a text of its own is a
    // question, and agreed to by itself.
    DELIVERY_ADDRESS [number Int] =
        "SELECT delivery.number, delivery.wave, customer_point.value, customer.preferred_language, delivery.text FROM v
         JOIN delivery ON delivery.number = v.number
         JOIN customer ON customer.code = delivery.customer_code
         JOIN customer_point ON customer_point.customer_code = delivery.customer_code AND customer_point.no = delivery.point_no
         WHERE (customer_point.granted & CASE WHEN delivery.text IS NULL THEN 2 ELSE 8 END) <> 0";
    DELIVERY_NAME [number Int] =
        "SELECT delivery.number, delivery.wave, delivery.address FROM v JOIN delivery ON delivery.number = v.number WHERE delivery.address IS NOT NULL";
    LEASE_PUT = "INSERT INTO delivery_lease (epoch, courier, until_us) VALUES ($1, $2, $3)";
    LEASE_RENEW = "UPDATE delivery_lease SET until_us = $1 WHERE epoch = $2 AND courier = $3 AND until_us > $4";
    // It cannot end before what is begun under it is durable.
    LEASE_HELD = "SELECT epoch FROM delivery_lease WHERE epoch = $1 AND courier = $2 AND until_us > $3 {keep:delivery_lease}";
    // `+ 0`: found by their numbers alone. What an index of states says of messages that pass through is mostly over.
    DELIVERY_SUBMITTING [number Int, lease Int, now_us Int] =
        "UPDATE delivery SET state = 3 FROM v, dispatch WHERE delivery.number = v.number AND delivery.lease = v.lease AND delivery.state + 0 = 2
             AND dispatch.no = delivery.dispatch_no AND dispatch.cancelled_us IS NULL AND dispatch.expires_us > v.now_us
         RETURNING delivery.number";
    DELIVERY_OUTCOME [number Int, lease Int, state Int] =
        "UPDATE delivery SET state = v.state FROM v WHERE delivery.number = v.number AND delivery.lease = v.lease AND delivery.state + 0 IN (2, 3, 4)
             AND (v.state > 1 OR delivery.state < 4) AND v.state <> delivery.state
         RETURNING delivery.number";
    PART_PUT [message_id Text, number Int] =
        "INSERT INTO delivery_part (message_id, number, state) SELECT message_id, number, 5 FROM v WHERE true ON CONFLICT (message_id) DO NOTHING";
    // Queued messages and the others have an index each.
    DELIVERY_COUNTS =
        "SELECT state, COUNT(*) FROM delivery WHERE dispatch_no = $1 AND state = 1 GROUP BY state
         UNION ALL SELECT state, COUNT(*) FROM delivery WHERE dispatch_no = $1 AND state <> 1 GROUP BY state";
    DELIVERY_FORGET = "UPDATE delivery SET customer_code = NULL, text = NULL, state = CASE WHEN state < 3 THEN 6 ELSE state END WHERE customer_code = $1";
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
    /// What it says, where that is not what its dispatch says; personal.
    pub text: Option<String>,
}

/// What messages of one dispatch have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeasedText {
    /// Which dispatch.
    pub dispatch: i64,
    /// The notice; nil where there is none, and the messages have texts of their own.
    pub notice_id: Uuid,
    /// Its revision.
    pub revision: i64,
    /// The incident that it is about.
    pub incident: String,
    /// What the revision does to those before it.
    pub kind: RevisionKind,
    /// What it is about.
    pub phase: Phase,
    /// In Vietnamese.
    pub vi: NoticeText,
    /// In English.
    pub en: NoticeText,
    /// When it was published, microseconds since 1970.
    pub published_us: i64,
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
    /// It was taken, and its parts were named so.
    Sent {
        /// What receipts name.
        message_ids: Vec<String>,
        /// When, microseconds since 1970.
        at_us: i64,
    },
    /// It will not be taken.
    Failed,
    /// Nothing of it was taken, and it may be tried again.
    Returned,
    /// It was written, and nobody knows whether it was taken; it is not sent again.
    Unknown,
}

fn corrupt(what: &str) -> StoreError {
    StoreError::Corrupt { table: "delivery", what: what.to_owned() }
}

fn text(dispatch: i64, row: &Row) -> Result<LeasedText, StoreError> {
    Ok(LeasedText {
        dispatch,
        notice_id: row.uuid(5)?,
        revision: row.int(6)?,
        incident: row.text(7)?,
        kind: RevisionKind::from_number(row.int(8)?).ok_or_else(|| corrupt("unknown kind of revision"))?,
        phase: Phase::from_number(row.int(9)?).ok_or_else(|| corrupt("unknown phase"))?,
        vi: NoticeText { title: row.text(10)?, body: row.text(1)? },
        en: NoticeText { title: row.text(11)?, body: row.text(2)? },
        diacritics: row.int(3)? == 1,
        expires_us: row.int(4)?,
        published_us: row.int(12)?,
    })
}

/// Where these messages go, with their waves; those without an address any more are not in it.
async fn addressed(
    tx: &mut Tx,
    way: Way,
    dispatch: i64,
    numbers: &[i64],
) -> Result<BTreeMap<i64, (i64, Leased)>, StoreError> {
    let statement = if way == Way::Webhook { &DELIVERY_NAME } else { &DELIVERY_ADDRESS };
    let mut rows = Rows::of(statement, numbers.len());
    for number in numbers {
        rows.push(values![*number]);
    }
    let mut found = BTreeMap::new();
    for row in tx.fetch_rows(statement, rows).await? {
        let number = row.int(0)?;
        let language = match way {
            Way::Webhook => Language::Vi,
            _ => Language::from_number(row.int(3)?).ok_or_else(|| corrupt("unknown language"))?,
        };
        let text = if way == Way::Webhook { None } else { row.text_or_null(4)? };
        found.insert(number, (row.int(1)?, Leased { number, address: row.text(2)?, language, dispatch, text }));
    }
    Ok(found)
}

/// An erased customer's messages still count, and name nobody.
pub(crate) async fn forget(tx: &mut Tx, code: &str) -> Result<(), StoreError> {
    tx.execute(&DELIVERY_TURN, vec![]).await?;
    tx.execute(&DELIVERY_FORGET, values![code]).await?;
    tx.execute(&DISPATCH_CUSTOMER_FORGET, values![code]).await.map(drop)
}

impl NodeStore {
    /// Hands a courier at most `limit` messages that are at least so urgent, pressing dispatches and early waves first, until
    /// `until_us`.
    pub async fn lease_deliveries(
        &self,
        courier: &str,
        way: Way,
        urgency: Urgency,
        limit: i64,
        now_us: i64,
        until_us: i64,
    ) -> Result<Batch, StoreError> {
        let mut tx = self.db.begin().await?;
        let epoch = tx.fetch_one(&DELIVERY_EPOCH, vec![]).await?;
        let epoch = epoch.ok_or_else(|| corrupt("the one row is missing"))?.int(0)?;
        let mut batch = Batch { epoch, texts: Vec::new(), messages: Vec::new() };
        let mut left = limit;
        let mut anything = false;
        for row in tx.fetch(&DISPATCH_OPEN, values![way.number(), now_us, urgency.number()]).await? {
            let dispatch = row.int(0)?;
            let next = tx.fetch(&DELIVERY_NEXT, values![dispatch, left]).await?;
            let mut rows = Rows::of(&DELIVERY_TAKE, next.len());
            for row in &next {
                rows.push(values![row.int(0)?, epoch]);
            }
            let taken = tx.fetch_rows(&DELIVERY_TAKE, rows).await?;
            let mut unreached = BTreeSet::new();
            let mut numbers = Vec::with_capacity(taken.len());
            for row in &taken {
                unreached.insert(row.int(0)?);
                numbers.push(row.int(0)?);
            }
            let found = addressed(&mut tx, way, dispatch, &numbers).await?;
            unreached.retain(|number| !found.contains_key(number));
            let mut failed = Rows::of(&DELIVERY_OUTCOME, unreached.len());
            for number in unreached {
                failed.push(values![number, epoch, DeliveryState::Failed.number()]);
            }
            if !failed.is_empty() {
                anything = true;
                tx.fetch_rows(&DELIVERY_OUTCOME, failed).await?;
                progress::mark(&mut tx, [row.uuid(5)?]).await?;
            }
            left -= i64::try_from(found.len()).unwrap_or(left);
            if !found.is_empty() {
                anything = true;
                batch.texts.push(text(dispatch, &row)?);
                let mut found: Vec<_> = found.into_values().collect();
                found.sort_unstable_by_key(|(wave, message)| (*wave, message.number));
                batch.messages.extend(found.into_iter().map(|(_, message)| message));
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
        if anything {
            tx.commit().await?;
        } else {
            // A courier that waits costs no write.
            tx.rollback().await?;
        }
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
        let outcomes: BTreeMap<i64, &Outcome> = outcomes.iter().map(|(number, outcome)| (*number, outcome)).collect();
        let mut rows = Rows::of(&DELIVERY_OUTCOME, outcomes.len());
        for (number, outcome) in &outcomes {
            let state = match outcome {
                Outcome::Sent { .. } => DeliveryState::Sent,
                Outcome::Failed => DeliveryState::Failed,
                Outcome::Returned => DeliveryState::Queued,
                Outcome::Unknown => DeliveryState::Unknown,
            };
            rows.push(values![*number, epoch, state.number()]);
        }
        let changed = tx.fetch_rows(&DELIVERY_OUTCOME, rows).await?;
        let changed: BTreeSet<i64> = changed.iter().map(|row| row.int(0)).collect::<Result<_, _>>()?;
        let mut parts = Rows::of(&PART_PUT, changed.len());
        let mut news = BTreeMap::new();
        for (number, outcome) in outcomes.iter().filter(|(number, _)| changed.contains(number)) {
            news.insert(*number, None);
            if let Outcome::Sent { message_ids, at_us } = outcome {
                news.insert(*number, Some(*at_us));
                for id in message_ids {
                    parts.push(values![id.as_str(), *number]);
                }
            }
        }
        tx.execute_rows(&PART_PUT, parts).await?;
        progress::moved(&mut tx, &news).await?;
        tx.commit().await?;
        Ok(changed)
    }

    /// How many messages of a dispatch stand where.
    pub async fn delivery_counts(&self, dispatch: i64) -> Result<BTreeMap<DeliveryState, u64>, StoreError> {
        let count = |row: &Row| {
            let state = DeliveryState::from_number(row.int(0)?).ok_or_else(|| corrupt("unknown state"))?;
            Ok((state, u64::try_from(row.int(1)?).unwrap_or(0)))
        };
        self.db.fetch(&DELIVERY_COUNTS, values![dispatch]).await?.iter().map(count).collect()
    }
}
