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
    db::{Engine, Tx},
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
    // Who finds the next ranges. Those who turn others meanwhile are in nobody's way.
    DISPATCH_PLAN = "SELECT notice_id, after_code FROM dispatch WHERE no = $1 AND stage = 0 {change:dispatch}";
    DISPATCH_RANGED = "UPDATE dispatch SET after_code = $1 WHERE no = $2";
    DISPATCH_TURNED = "UPDATE dispatch SET after_code = '', stage = 1 WHERE no = $1";
    // Kept as it is while a range of it is turned: it is neither closed, nor is another one about the incident turned.
    DISPATCH_KEEP = "SELECT kind, everybody, incident, phase, notice_id FROM dispatch WHERE no = $1 AND stage = 0 {keep:dispatch}";
    // All about one incident are locked together: who turns one of them sees whom the others reach already.
    DISPATCH_LOCK_BESIDE =
        "SELECT no FROM dispatch WHERE incident = (SELECT incident FROM dispatch WHERE no = $1) AND phase = (SELECT phase FROM dispatch WHERE no = $1)
             AND kind = (SELECT kind FROM dispatch WHERE no = $1) ORDER BY no {lock:dispatch}";
    RANGE_PUT [dispatch_no Int, after_code Text, until_code Text] =
        "INSERT INTO dispatch_range (dispatch_no, after_code, until_code) SELECT dispatch_no, after_code, until_code FROM v WHERE true";
    RANGE_TAKE = "SELECT after_code, until_code FROM dispatch_range WHERE dispatch_no = $1 ORDER BY after_code LIMIT 1 {free:dispatch_range}";
    RANGE_LEFT = "SELECT after_code FROM dispatch_range WHERE dispatch_no = $1 LIMIT 1";
    RANGE_TURNED = "DELETE FROM dispatch_range WHERE dispatch_no = $1 AND after_code = $2";
    TURN_UNTIL =
        "SELECT MAX(page.code) FROM (SELECT customer.code FROM customer WHERE customer.code > $1 ORDER BY customer.code LIMIT $2) AS page";
    DISPATCH_BESIDE = "SELECT no FROM dispatch WHERE incident = $1 AND phase = $2 AND kind = $3 AND notice_id <> $4 LIMIT 1";
    TURN_RANGE = concat!(
        "INSERT INTO delivery (dispatch_no, customer_code, point_no, wave, state, lease)
         SELECT CAST($1 AS BIGINT), page.code, page.point_no, page.wave, 1, 0 FROM ",
        recipients!(""),
        " ORDER BY page.code"
    );
    // A national and a regional notice of one incident reach nobody twice; whom the other one did not reach is told by this.
    TURN_RANGE_BESIDE = concat!(
        "INSERT INTO delivery (dispatch_no, customer_code, point_no, wave, state, lease)
         SELECT CAST($1 AS BIGINT), page.code, page.point_no, page.wave, 1, 0 FROM ",
        recipients!(beside),
        " ORDER BY page.code"
    );
    DISPATCH_CANCEL = "UPDATE dispatch SET cancelled_us = $1 WHERE notice_id = $2 AND cancelled_us IS NULL";
}

/// Customers who are turned together: so many that a million take seconds, so few that whoever writes meanwhile waits for
/// milliseconds.
pub const RANGE: i64 = 5_000;

/// Ranges that are found together: some for each who turns them, and so few that nobody waits for that.
const RANGES: usize = 8;

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
    /// What is left is in the hands of others.
    Others,
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

    /// How many may turn ranges of a dispatch at once to its advantage.
    #[must_use]
    pub fn turning_lanes(&self) -> usize {
        match self.db.engine() {
            Engine::Postgres => 3,
            Engine::Sqlite => 1,
        }
    }

    /// Turns the next `page` customers into messages. Whoever asks meanwhile, in whatever process, gets another range, and what
    /// broke off is turned by the next who asks.
    pub async fn turn_dispatch(&self, no: i64, page: i64) -> Result<Turned, StoreError> {
        loop {
            if let Some(added) = self.turn_range(no).await? {
                return Ok(Turned::Range(added));
            }
            if let Some(turned) = self.find_ranges(no, page).await? {
                return Ok(turned);
            }
        }
    }

    /// Turns a range that nobody has in hand; how many messages that are. None when there is none.
    async fn turn_range(&self, no: i64) -> Result<Option<u64>, StoreError> {
        let mut alone = false;
        loop {
            let mut tx = self.db.begin().await?;
            let Some(range) = tx.fetch_one(&RANGE_TAKE, values![no]).await? else {
                tx.rollback().await?;
                return Ok(None);
            };
            let (after, until) = (range.text(0)?, range.text(1)?);
            if alone {
                tx.fetch(&DISPATCH_LOCK_BESIDE, values![no]).await?;
            }
            let Some(row) = tx.fetch_one(&DISPATCH_KEEP, values![no]).await? else {
                tx.rollback().await?;
                return Ok(None);
            };
            let (kind, everybody, incident) = (row.int(0)?, row.int(1)?, row.text(2)?);
            let (phase, notice_id) = (row.int(3)?, row.uuid(4)?);
            let beside = tx.fetch_one(&DISPATCH_BESIDE, values![incident.as_str(), phase, kind, notice_id]).await?;
            if beside.is_some() && !alone {
                // Not locked on top of what is: two who did that would wait for each other.
                tx.rollback().await?;
                alone = true;
                continue;
            }
            let mut range = values![no, kind, after.as_str(), until, everybody];
            let added = if beside.is_some() {
                range.extend(values![incident, phase, notice_id]);
                tx.execute(&TURN_RANGE_BESIDE, range).await?
            } else {
                tx.execute(&TURN_RANGE, range).await?
            };
            tx.execute(&RANGE_TURNED, values![no, after]).await?;
            progress::mark(&mut tx, [notice_id]).await?;
            tx.commit().await?;
            return Ok(Some(added));
        }
    }

    /// Cuts the next customers into ranges of `page`. When there are none, it says how far the dispatch is; none when there are.
    async fn find_ranges(&self, no: i64, page: i64) -> Result<Option<Turned>, StoreError> {
        let mut tx = self.db.begin().await?;
        let Some(row) = tx.fetch_one(&DISPATCH_PLAN, values![no]).await? else {
            tx.rollback().await?;
            return Ok(Some(Turned::All));
        };
        let mut after = row.text(1)?;
        let mut rows = Rows::of(&RANGE_PUT, RANGES);
        while rows.len() < RANGES {
            let until = tx.fetch_one(&TURN_UNTIL, values![after.as_str(), page]).await?;
            let Some(until) = until.map(|row| row.text_or_null(0)).transpose()?.flatten() else { break };
            rows.push(values![no, after, until.as_str()]);
            after = until;
        }
        if !rows.is_empty() {
            tx.execute_rows(&RANGE_PUT, rows).await?;
            tx.execute(&DISPATCH_RANGED, values![after, no]).await?;
            tx.commit().await?;
            return Ok(None);
        }
        if tx.fetch_one(&RANGE_LEFT, values![no]).await?.is_some() {
            tx.rollback().await?;
            return Ok(Some(Turned::Others));
        }
        tx.execute(&DISPATCH_TURNED, values![no]).await?;
        progress::mark(&mut tx, [row.uuid(0)?]).await?;
        tx.commit().await?;
        Ok(Some(Turned::All))
    }

    /// Nothing of these revisions is handed out any more.
    pub async fn cancel_dispatches(&self, notice_id: Uuid, now_us: i64) -> Result<u64, StoreError> {
        let mut tx = self.db.begin().await?;
        let cancelled = cancel_in(&mut tx, notice_id, now_us).await?;
        tx.commit().await?;
        Ok(cancelled)
    }
}
