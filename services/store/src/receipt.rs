//! What was heard of messages after they were handed over. Whoever keeps it takes the one row of `delivery_head` first.

use std::collections::{BTreeMap, BTreeSet};

use gridcare_domain::{
    customer::Language,
    delivery::{DeliveryState, Way, of_parts},
    sms_text::SmsText,
};

use crate::{
    NodeStore, StoreError,
    db::Tx,
    delivery::DELIVERY_TURN,
    progress,
    statement::{Rows, statements, values},
};

statements! {
    // A receipt that says whose it is resolves what was unknown: the first one of a message, and those of its other parts.
    PART_ADOPT [message_id Text, number Int] =
        "INSERT INTO delivery_part (message_id, number, state) SELECT v.message_id, v.number, 5 FROM v
         JOIN delivery ON delivery.number = v.number
         WHERE delivery.state = 4 OR EXISTS (SELECT 1 FROM delivery_part AS p WHERE p.number = v.number AND p.message_id LIKE '?%')
         {lock:delivery} ON CONFLICT (message_id) DO NOTHING RETURNING number";
    // The one message to a phone that a receipt may be of; of two, none. A message whose other parts are awaited may be it, too.
    UNKNOWN_AT [message_id Text, phone Text, sent_us Int, open_us Int] =
        "SELECT v.message_id, (
             SELECT CASE WHEN COUNT(*) = 1 THEN MIN(delivery.number) END FROM customer_point
             JOIN delivery ON delivery.customer_code = customer_point.customer_code AND delivery.point_no = customer_point.no
             JOIN dispatch ON dispatch.no = delivery.dispatch_no
             WHERE customer_point.value = v.phone AND dispatch.kind = 1 AND dispatch.due_us <= v.sent_us AND dispatch.expires_us > v.open_us
                 AND (delivery.state = 4
                     OR EXISTS (SELECT 1 FROM delivery_part AS p WHERE p.number = delivery.number AND p.message_id LIKE '?%'))) AS number
         FROM v";
    ADOPTED_TEXT [number Int] =
        "SELECT delivery.number, dispatch.kind, dispatch.vi, dispatch.en, dispatch.diacritics, customer.preferred_language, delivery.text FROM v
         JOIN delivery ON delivery.number = v.number JOIN dispatch ON dispatch.no = delivery.dispatch_no
         LEFT JOIN customer ON customer.code = delivery.customer_code";
    ADOPTED_PARTS = "SELECT message_id FROM delivery_part WHERE number = $1";
    PART_AWAITED [message_id Text, number Int] =
        "INSERT INTO delivery_part (message_id, number, state) SELECT message_id, number, 5 FROM v WHERE true ON CONFLICT (message_id) DO NOTHING";
    PART_HEARD [message_id Text] = "DELETE FROM delivery_part WHERE message_id IN (SELECT message_id FROM v)";
    PART_MERGE [message_id Text, state Int] =
        "UPDATE delivery_part SET state = CASE WHEN delivery_part.state < v.state THEN v.state ELSE delivery_part.state END
         FROM v WHERE delivery_part.message_id = v.message_id RETURNING delivery_part.message_id, delivery_part.number";
    // Within the range of the asked: a plan that was made while there were few parts would read all of them for ever.
    PARTS_OF [number Int] =
        "SELECT delivery_part.number, delivery_part.state FROM v JOIN delivery_part ON delivery_part.number = v.number
         WHERE delivery_part.number BETWEEN (SELECT MIN(number) FROM v) AND (SELECT MAX(number) FROM v)";
    DELIVERY_UNKNOWN [number Int] =
        "SELECT delivery.number FROM v JOIN delivery ON delivery.number = v.number WHERE delivery.state + 0 = 4";
    DELIVERY_MERGE [number Int, state Int] =
        "UPDATE delivery SET state = v.state FROM v WHERE delivery.number = v.number AND delivery.state < v.state RETURNING delivery.number";
}

/// A centre tries for as long as a message is valid. While no courier is there it holds the receipt, and may do so for a day.
const HELD_US: i64 = 86_400_000_000;
/// Centres tell times to the minute, and of a message two of them.
const ROUNDED_US: i64 = 120_000_000;

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
    /// The phone that it is of, E.164, where nothing else says whose it is; personal.
    pub phone: Option<String>,
    /// By when at the latest the message was submitted, microseconds since 1970, where that is known.
    pub submitted_us: Option<i64>,
}

/// The unknown messages that receipts are of which echo nothing, by phone and time. What may be another's is nobody's.
async fn by_phone(tx: &mut Tx, receipts: &[Receipt]) -> Result<Vec<(String, i64)>, StoreError> {
    let mut rows = Rows::of(&UNKNOWN_AT, 0);
    for receipt in receipts.iter().filter(|receipt| receipt.number.is_none()) {
        if let Some(phone) = &receipt.phone {
            let at_us = receipt.at_us;
            let sent_us = receipt.submitted_us.map_or(at_us, |by_us| by_us.saturating_add(ROUNDED_US).min(at_us));
            let open_us = at_us.saturating_sub(HELD_US);
            rows.push(values![receipt.message_id.as_str(), phone.as_str(), sent_us, open_us]);
        }
    }
    let mut found = Vec::new();
    for row in tx.fetch_rows(&UNKNOWN_AT, rows).await? {
        if let Some(number) = row.int_or_null(1)? {
            found.push((row.text(0)?, number));
        }
    }
    Ok(found)
}

/// Parts of messages that were unknown and of which a first receipt came: the others are awaited under names of our own, so that
/// nobody is said to have a text of which they have half.
async fn await_others(tx: &mut Tx, adopted: &BTreeSet<i64>) -> Result<(), StoreError> {
    let mut rows = Rows::of(&ADOPTED_TEXT, adopted.len());
    for number in adopted {
        rows.push(values![*number]);
    }
    let (mut awaited, mut heard) = (Rows::of(&PART_AWAITED, 0), Rows::of(&PART_HEARD, 0));
    for row in tx.fetch_rows(&ADOPTED_TEXT, rows).await? {
        let number = row.int(0)?;
        let english = row.int_or_null(5)? == Some(Language::En.number());
        let parts = if row.int(1)? == Way::Sms.number() {
            let own = row.text_or_null(6)?;
            let text = own.map_or_else(|| row.text(if english { 3 } else { 2 }), Ok)?;
            SmsText::answering(&text, "", row.int(4)? == 1).parts.len()
        } else {
            1
        };
        let stand = tx.fetch(&ADOPTED_PARTS, values![number]).await?;
        let stand = stand.iter().map(|row| row.text(0)).collect::<Result<Vec<_>, _>>()?;
        let named = |part: usize| format!("?{number}.{part}");
        let known = stand.iter().filter(|id| !id.starts_with('?')).count();
        for part in 1..=parts {
            let (name, open) = (named(part), part > known);
            match (open, stand.contains(&name)) {
                (true, false) => awaited.push(values![name, number]),
                (false, true) => heard.push(values![name]),
                _ => {}
            }
        }
    }
    tx.execute_rows(&PART_AWAITED, awaited).await?;
    tx.execute_rows(&PART_HEARD, heard).await.map(drop)
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
        // One whose id is known here conflicts with itself, and adopts nothing.
        for (id, number) in by_phone(&mut tx, receipts).await? {
            adopted.push(values![id, number]);
        }
        let adopted = tx.fetch_rows(&PART_ADOPT, adopted).await?;
        let adopted = adopted.iter().map(|row| row.int(0)).collect::<Result<BTreeSet<_>, _>>()?;
        await_others(&mut tx, &adopted).await?;
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
