//! A published revision becomes messages to customers: in ranges of their codes, each range once, however often it breaks off.

use std::collections::BTreeSet;

use gridcare_domain::{
    delivery::Way,
    notice::{NoticeText, Phase, RevisionKind, Urgency},
    outage::Area,
    text::fold,
};
use uuid::Uuid;

use crate::{
    NodeStore, StoreError,
    db::Tx,
    progress,
    recipients::{self, recipients},
    statement::{Rows, statements, values},
};

statements! {
    DISPATCH_PUT =
        "INSERT INTO dispatch (notice_id, revision, kind, incident, phase, urgency, vi, en, diacritics, everybody, due_us, expires_us, cancelled_us, after_code, stage,
             revision_kind, vi_title, en_title, published_us)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, NULL, '', $13, $14, $15, $16, $17)
         ON CONFLICT (notice_id, revision, kind) DO NOTHING RETURNING no";
    DISPATCH_OF = "SELECT no FROM dispatch WHERE notice_id = $1 AND revision = $2 AND kind = $3";
    DISPATCH_PLACE_PUT [dispatch_no Int, n Int, province Text, district Text, area Text, feeder Text] =
        "INSERT INTO dispatch_place (dispatch_no, n, province, district, area, feeder)
         SELECT dispatch_no, n, province, district, area, feeder FROM v WHERE true";
    DISPATCH_CUSTOMER_PUT [dispatch_no Int, customer_code Text] =
        "INSERT INTO dispatch_customer (dispatch_no, customer_code)
         SELECT dispatch_no, customer_code FROM v WHERE true ON CONFLICT (dispatch_no, customer_code) DO NOTHING";
    // A partner is told of every phase by each notice: who reads it there is not ours to know.
    DELIVERY_WEBHOOK [dispatch_no Int, address Text] =
        "INSERT INTO delivery (dispatch_no, customer_code, point_no, wave, state, lease, address)
         SELECT dispatch_no, NULL, 0, 3, 1, 0, address FROM v WHERE true";
    DISTRICT_SPELLINGS = "SELECT DISTINCT premises.district FROM premises WHERE premises.province = $1";
    DISPATCH_TURNING = "SELECT no FROM dispatch WHERE stage = 0 ORDER BY urgency DESC, no";
    // Locked, so that one process turns it at a time and each range is there once.
    DISPATCH_LOCK =
        "SELECT kind, everybody, incident, phase, notice_id, after_code FROM dispatch WHERE no = $1 AND stage = 0 {lock:dispatch}";
    TURN_UNTIL =
        "SELECT MAX(page.code) FROM (SELECT customer.code FROM customer WHERE customer.code > $1 ORDER BY customer.code LIMIT $2) AS page";
    DISPATCH_BESIDE = "SELECT no FROM dispatch WHERE incident = $1 AND phase = $2 AND kind = $3 AND notice_id <> $4 LIMIT 1";
    TURN_RANGE = concat!(
        "INSERT INTO delivery (dispatch_no, customer_code, point_no, wave, state, lease)
         SELECT CAST($1 AS BIGINT), page.code, page.point_no, page.wave, 1, 0 FROM ",
        recipients!(""),
        " ORDER BY page.code"
    );
    // Everybody is the largest audience, and asks for no places: half of the work.
    TURN_EVERYBODY =
        "INSERT INTO delivery (dispatch_no, customer_code, point_no, wave, state, lease)
         SELECT CAST($1 AS BIGINT), o.customer_code, MIN(o.no),
             CAST(MIN(CASE WHEN (r.flags & 1) <> 0 THEN 1 WHEN (r.flags & 2) <> 0 THEN 2 ELSE 3 END) AS BIGINT), 1, 0
         FROM customer_point AS o
         LEFT JOIN premises AS r ON r.customer_code = o.customer_code AND r.customer_code > $3 AND r.customer_code <= $4
         WHERE o.customer_code > $3 AND o.customer_code <= $4 AND o.kind = $2 AND (o.granted & 2) <> 0
         GROUP BY o.customer_code ORDER BY o.customer_code";
    // A national and a regional notice of one incident reach nobody twice; whom the other one did not reach is told by this.
    TURN_RANGE_BESIDE = concat!(
        "INSERT INTO delivery (dispatch_no, customer_code, point_no, wave, state, lease)
         SELECT CAST($1 AS BIGINT), page.code, page.point_no, page.wave, 1, 0 FROM ",
        recipients!(
            " AND c.code NOT IN (SELECT e.customer_code FROM dispatch AS q JOIN delivery AS e ON e.dispatch_no = q.no
                 WHERE q.incident = $6 AND q.phase = $7 AND q.kind = $2 AND q.notice_id <> $8
                     AND e.state <> 6 AND e.customer_code > $3 AND e.customer_code <= $4)"
        ),
        " ORDER BY page.code"
    );
    TURNED_TO = "UPDATE dispatch SET after_code = $1, stage = $2 WHERE no = $3 AND after_code = $4 AND stage = 0";
    DISPATCH_CANCEL = "UPDATE dispatch SET cancelled_us = $1 WHERE notice_id = $2 AND cancelled_us IS NULL";
}

/// Customers who are turned together: so many that a million take seconds, so few that whoever writes meanwhile waits for
/// milliseconds.
pub const RANGE: i64 = 5_000;

/// A published revision, as it is sent on one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispatch {
    /// The notice.
    pub notice_id: Uuid,
    /// Its revision.
    pub revision: i64,
    /// What the revision does to those before it.
    pub revision_kind: RevisionKind,
    /// On which way.
    pub way: Way,
    /// The incident, shared by the national and the regional notices about it.
    pub incident: String,
    /// What it is about.
    pub phase: Phase,
    /// Pressing ones go first.
    pub urgency: Urgency,
    /// In Vietnamese.
    pub vi: NoticeText,
    /// In English.
    pub en: NoticeText,
    /// Whether SMS go out with diacritics.
    pub diacritics: bool,
    /// Every customer who is supplied in one of these. With neither these nor customers: everybody.
    pub places: Vec<Area>,
    /// Codes of customers who are told as well.
    pub customers: Vec<String>,
    /// Names of those who are called, where the way is that of webhooks; places and customers have no meaning then.
    pub webhooks: Vec<String>,
    /// When it was published, microseconds since 1970.
    pub published_us: i64,
    /// From when on messages may go out, microseconds since 1970.
    pub due_us: i64,
    /// After this none does.
    pub expires_us: i64,
}

/// What turning a range came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turned {
    /// So many messages were added, and there may be more customers.
    Range(u64),
    /// All of its messages are there.
    All,
}

/// A place with every spelling under which its district is on record, since the engines compare letter by letter; and in every
/// province where it names none, since premises find their places by province.
async fn spelled(tx: &mut Tx, place: &Area) -> Result<Vec<Area>, StoreError> {
    let Some(province) = &place.province else {
        let mut served = recipients::provinces_in(tx).await?;
        served.push(String::new());
        return Ok(served.into_iter().map(|province| Area { province: Some(province), ..place.clone() }).collect());
    };
    let Some(district) = &place.district else { return Ok(vec![place.clone()]) };
    let asked = fold(district.trim());
    let mut found = Vec::new();
    for row in tx.fetch(&DISTRICT_SPELLINGS, values![province.as_str()]).await? {
        let district = row.text(0)?;
        if fold(district.trim()) == asked {
            found.push(Area { district: Some(district), ..place.clone() });
        }
    }
    Ok(found)
}

/// Keeps what is to be sent, once for each revision and way; returns its number.
pub(crate) async fn open_in(tx: &mut Tx, dispatch: &Dispatch) -> Result<i64, StoreError> {
    let everybody = dispatch.places.is_empty() && dispatch.customers.is_empty();
    // Webhooks are few and known: their messages are there at once.
    let stage = i64::from(dispatch.way == Way::Webhook);
    let row = values![
        dispatch.notice_id,
        dispatch.revision,
        dispatch.way.number(),
        dispatch.incident.as_str(),
        dispatch.phase.number(),
        dispatch.urgency.number(),
        dispatch.vi.body.as_str(),
        dispatch.en.body.as_str(),
        i64::from(dispatch.diacritics),
        i64::from(everybody),
        dispatch.due_us,
        dispatch.expires_us,
        stage,
        dispatch.revision_kind.number(),
        dispatch.vi.title.as_str(),
        dispatch.en.title.as_str(),
        dispatch.published_us,
    ];
    let Some(row) = tx.fetch_one(&DISPATCH_PUT, row).await? else {
        let known = values![dispatch.notice_id, dispatch.revision, dispatch.way.number()];
        let known = tx.fetch_one(&DISPATCH_OF, known).await?.ok_or(StoreError::Raced)?;
        return known.int(0);
    };
    let no = row.int(0)?;
    let mut places = Rows::of(&DISPATCH_PLACE_PUT, dispatch.places.len());
    let mut n = 0;
    for place in &dispatch.places {
        for place in spelled(tx, place).await? {
            n += 1;
            places.push(values![
                no,
                n,
                place.province.as_deref().unwrap_or_default(),
                place.district.as_deref(),
                place.area_code.as_deref(),
                place.feeder.as_deref(),
            ]);
        }
    }
    tx.execute_rows(&DISPATCH_PLACE_PUT, places).await?;
    let customers: BTreeSet<_> = dispatch.customers.iter().map(String::as_str).collect();
    let mut named = Rows::of(&DISPATCH_CUSTOMER_PUT, customers.len());
    for code in customers {
        named.push(values![no, code]);
    }
    tx.execute_rows(&DISPATCH_CUSTOMER_PUT, named).await?;
    let webhooks: BTreeSet<_> = dispatch.webhooks.iter().map(String::as_str).collect();
    let mut called = Rows::of(&DELIVERY_WEBHOOK, webhooks.len());
    for name in webhooks {
        called.push(values![no, name]);
    }
    tx.execute_rows(&DELIVERY_WEBHOOK, called).await?;
    Ok(no)
}

/// Nothing of these revisions is handed out any more.
pub(crate) async fn cancel_in(tx: &mut Tx, notice_id: Uuid, now_us: i64) -> Result<u64, StoreError> {
    tx.execute(&DISPATCH_CANCEL, values![now_us, notice_id]).await
}

impl NodeStore {
    /// Keeps what is to be sent, once for each revision and way; returns its number.
    pub async fn open_dispatch(&self, dispatch: &Dispatch) -> Result<i64, StoreError> {
        let mut tx = self.db.begin().await?;
        let no = open_in(&mut tx, dispatch).await?;
        tx.commit().await?;
        Ok(no)
    }

    /// Numbers of those whose messages are not all there yet.
    pub async fn turning_dispatches(&self) -> Result<Vec<i64>, StoreError> {
        self.db.fetch(&DISPATCH_TURNING, vec![]).await?.iter().map(|row| row.int(0)).collect()
    }

    /// Turns the next `page` customers into messages. What broke off goes on behind the last range that is durable.
    pub async fn turn_dispatch(&self, no: i64, page: i64) -> Result<Turned, StoreError> {
        let mut tx = self.db.begin().await?;
        let Some(row) = tx.fetch_one(&DISPATCH_LOCK, values![no]).await? else { return Ok(Turned::All) };
        let after = row.text(5)?;
        let until = tx.fetch_one(&TURN_UNTIL, values![after.as_str(), page]).await?;
        let Some(until) = until.map(|row| row.text_or_null(0)).transpose()?.flatten() else {
            tx.execute(&TURNED_TO, values!["", 1_i64, no, after]).await?;
            progress::mark(&mut tx, [row.uuid(4)?]).await?;
            tx.commit().await?;
            return Ok(Turned::All);
        };
        let (kind, incident, phase, notice_id) = (row.int(0)?, row.text(2)?, row.int(3)?, row.uuid(4)?);
        let everybody = row.int(1)?;
        let mut range = values![no, kind, after.as_str(), until.as_str()];
        let beside = tx.fetch_one(&DISPATCH_BESIDE, values![incident.as_str(), phase, kind, notice_id]).await?;
        let added = if beside.is_some() {
            range.extend(values![everybody, incident, phase, notice_id]);
            tx.execute(&TURN_RANGE_BESIDE, range).await?
        } else if everybody == 1 {
            tx.execute(&TURN_EVERYBODY, range).await?
        } else {
            range.extend(values![everybody]);
            tx.execute(&TURN_RANGE, range).await?
        };
        if tx.execute(&TURNED_TO, values![until, 0_i64, no, after]).await? == 0 {
            tx.rollback().await?;
            return Err(StoreError::Raced);
        }
        progress::mark(&mut tx, [row.uuid(4)?]).await?;
        tx.commit().await?;
        Ok(Turned::Range(added))
    }

    /// Nothing of these revisions is handed out any more.
    pub async fn cancel_dispatches(&self, notice_id: Uuid, now_us: i64) -> Result<u64, StoreError> {
        let mut tx = self.db.begin().await?;
        let cancelled = cancel_in(&mut tx, notice_id, now_us).await?;
        tx.commit().await?;
        Ok(cancelled)
    }
}
