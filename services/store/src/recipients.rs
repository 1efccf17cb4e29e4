//! Who is told: the customers of an audience who agreed, counted before a notice goes out, and after.

use gridcare_domain::{customer::Language, delivery::Wave};
use uuid::Uuid;

use crate::{
    NodeStore, StoreError,
    db::{Row, Tx},
    dispatch::{self, DISPATCH_BESIDE, Dispatch, TURN_UNTIL},
    progress,
    statement::{statements, values},
};

/// The customers of a range of codes who are told of a dispatch: $1 its number, $2 the kind of contact point, codes after $3 and
/// until $4, $5 whether everybody is told; and what else must hold of them.
///
/// Where, in which wave and in which province a customer is told stands with the customer. Every table is cut to the range by
/// itself, so that however an engine joins them it reads the range and no more; and who tells everybody, or whole provinces,
/// asks for no premises.
///
/// `recipients!(beside)` leaves out whom other notices of the incident, $6, and the phase, $7, reach than $8. What of those waits
/// and is cancelled, or was over before this one was published, reaches nobody any more.
macro_rules! recipients {
    (beside) => {
        $crate::recipients::recipients!(
            " AND c.code NOT IN (SELECT e.customer_code FROM dispatch AS q JOIN delivery AS e ON e.dispatch_no = q.no
                 WHERE q.incident = $6 AND q.phase = $7 AND q.kind = $2 AND q.notice_id <> $8
                     AND e.state <> 6 AND e.customer_code > $3 AND e.customer_code <= $4
                     AND NOT (e.state IN (1, 2) AND (q.cancelled_us IS NOT NULL
                         OR q.expires_us <= (SELECT o.published_us FROM dispatch AS o WHERE o.no = $1))))"
        )
    };
    ($unless:literal) => {
        concat!(
            "(
             SELECT c.code, c.preferred_language AS language, CASE WHEN CAST($2 AS BIGINT) = 1 THEN c.phone_no ELSE c.email_no END AS point_no, c.wave
             FROM customer AS c
             WHERE c.code > $3 AND c.code <= $4
                 AND CASE WHEN CAST($2 AS BIGINT) = 1 THEN c.phone_no ELSE c.email_no END IS NOT NULL
                 AND (CAST($5 AS BIGINT) = 1
                     OR c.province IN (SELECT w.province FROM dispatch_place AS w
                         WHERE w.dispatch_no = $1 AND w.district IS NULL AND w.area IS NULL AND w.feeder IS NULL)
                     OR ((c.province IS NULL OR EXISTS (SELECT 1 FROM dispatch_place AS f
                             WHERE f.dispatch_no = $1 AND (f.district IS NOT NULL OR f.area IS NOT NULL OR f.feeder IS NOT NULL)))
                         AND c.code IN (SELECT r.customer_code FROM premises AS r
                             JOIN dispatch_place AS a ON a.dispatch_no = $1 AND a.province = COALESCE(r.province, '')
                                 AND (a.district IS NULL OR a.district = r.district) AND (a.area IS NULL OR a.area = r.area)
                                 AND (a.feeder IS NULL OR a.feeder = r.feeder)
                             WHERE r.customer_code > $3 AND r.customer_code <= $4))
                     OR c.code IN (SELECT n.customer_code FROM dispatch_customer AS n
                         WHERE n.dispatch_no = $1 AND n.customer_code > $3 AND n.customer_code <= $4))",
            $unless,
            ") AS page"
        )
    };
}
pub(crate) use recipients;

statements! {
    PROVINCE_NEXT = "SELECT MIN(premises.province) FROM premises WHERE premises.province > $1";
    RECIPIENT_COUNT = concat!(
        "SELECT page.wave, page.language, COUNT(*) FROM ",
        recipients!(""),
        " GROUP BY page.wave, page.language"
    );
    RECIPIENT_COUNT_BESIDE = concat!(
        "SELECT page.wave, page.language, COUNT(*) FROM ",
        recipients!(beside),
        " GROUP BY page.wave, page.language"
    );
    DISPATCH_UNPLANNED =
        "SELECT no, vi, en, diacritics, due_us - published_us FROM dispatch WHERE planned_recipients IS NULL AND kind = 1 AND stage > 0 ORDER BY no LIMIT 10";
    DISPATCH_GROUPS =
        "SELECT page.wave, customer.preferred_language, COUNT(*) FROM (
             SELECT wave, customer_code FROM delivery WHERE dispatch_no = $1 AND state = 1
             UNION ALL SELECT wave, customer_code FROM delivery WHERE dispatch_no = $1 AND state <> 1) AS page
         JOIN customer ON customer.code = page.customer_code
         GROUP BY page.wave, customer.preferred_language ORDER BY page.wave, customer.preferred_language";
    DISPATCH_PLANNED =
        "UPDATE dispatch SET planned_recipients = $2, planned_within = $3 WHERE no = $1 AND planned_recipients IS NULL RETURNING notice_id";
}

/// So many of a wave read a language.
pub type Group = (Wave, Language, u64);

/// Text messages of one revision that are all there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnedText {
    /// The number of the dispatch.
    pub no: i64,
    /// In Vietnamese.
    pub vi: String,
    /// In English.
    pub en: String,
    /// Whether they go out with diacritics.
    pub diacritics: bool,
    /// How long after publishing they may go out, microseconds.
    pub held_us: i64,
    /// Who gets them, in the order of their waves.
    pub groups: Vec<Group>,
}

impl TurnedText {
    /// What is said in a language.
    #[must_use]
    pub fn text(&self, language: Language) -> &str {
        if language == Language::En { &self.en } else { &self.vi }
    }
}

fn group(row: &Row) -> Result<Group, StoreError> {
    let corrupt = |what: &str| StoreError::Corrupt { table: "delivery", what: what.to_owned() };
    let wave = Wave::from_number(row.int(0)?).ok_or_else(|| corrupt("unknown wave"))?;
    let language = Language::from_number(row.int(1)?).ok_or_else(|| corrupt("unknown language"))?;
    Ok((wave, language, u64::try_from(row.int(2)?).unwrap_or(0)))
}

/// Provinces in which somebody is supplied, in the order of their codes.
pub(crate) async fn provinces_in(tx: &mut Tx) -> Result<Vec<String>, StoreError> {
    let mut found: Vec<String> = Vec::new();
    loop {
        // A province at a time: each is one look into an index, however many live there.
        let after = found.last().map_or("", String::as_str);
        let next = tx.fetch_one(&PROVINCE_NEXT, values![after]).await?;
        match next.map(|row| row.text_or_null(0)).transpose()?.flatten() {
            Some(province) => found.push(province),
            None => return Ok(found),
        }
    }
}

impl NodeStore {
    /// Provinces in which somebody is supplied by this node, in the order of their codes.
    pub async fn provinces_served(&self) -> Result<Vec<String>, StoreError> {
        provinces_in(&mut self.db.snapshot().await?).await
    }

    /// Who would be told, in the order of their waves; whom another notice of the incident and phase reaches is not. Nothing of it is
    /// kept: each range of `page` customers is asked for in a transaction that is rolled back, so that whoever writes waits for one
    /// range at most. `dispatch` is of a revision that is not sent yet.
    pub async fn count_recipients(&self, dispatch: &Dispatch, page: i64) -> Result<Vec<Group>, StoreError> {
        let mut counts = std::collections::BTreeMap::new();
        let mut after = String::new();
        let everybody = i64::from(dispatch.places.is_empty() && dispatch.customers.is_empty());
        loop {
            let mut tx = self.db.begin().await?;
            let until = tx.fetch_one(&TURN_UNTIL, values![after.as_str(), page]).await?;
            let until = until.map(|row| row.text_or_null(0)).transpose()?.flatten();
            let Some(until) = until else {
                tx.rollback().await?;
                return Ok(counts.into_iter().map(|((wave, language), count)| (wave, language, count)).collect());
            };
            let no = dispatch::open_in(&mut tx, dispatch).await?;
            let mut range = values![no, dispatch.way.number(), after, until.as_str(), everybody];
            let (incident, phase) = (dispatch.incident.as_str(), dispatch.phase.number());
            let beside = values![incident, phase, dispatch.way.number(), dispatch.notice_id];
            // Without an incident it is beside nothing.
            let statement = if !incident.is_empty() && tx.fetch_one(&DISPATCH_BESIDE, beside).await?.is_some() {
                range.extend(values![incident, phase, dispatch.notice_id]);
                &RECIPIENT_COUNT_BESIDE
            } else {
                &RECIPIENT_COUNT
            };
            for row in tx.fetch(statement, range).await? {
                let (wave, language, count) = group(&row)?;
                *counts.entry((wave, language)).or_insert(0) += count;
            }
            tx.rollback().await?;
            after = until;
        }
    }

    /// Text messages that are all there, and for which nobody has kept yet what is expected of sending them; some of them.
    pub async fn unplanned_dispatches(&self) -> Result<Vec<TurnedText>, StoreError> {
        let mut found = Vec::new();
        for row in self.db.fetch(&DISPATCH_UNPLANNED, vec![]).await? {
            let no = row.int(0)?;
            let groups = self.db.fetch(&DISPATCH_GROUPS, values![no]).await?;
            found.push(TurnedText {
                no,
                vi: row.text(1)?,
                en: row.text(2)?,
                diacritics: row.int(3)? == 1,
                held_us: row.int(4)?,
                groups: groups.iter().map(group).collect::<Result<_, _>>()?,
            });
        }
        Ok(found)
    }

    /// Keeps what is expected of sending a dispatch: recipients, and those whom 30 minutes reach.
    pub async fn dispatch_planned(&self, no: i64, recipients: u64, within: u64) -> Result<(), StoreError> {
        let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let mut tx = self.db.begin().await?;
        let notices = tx.fetch(&DISPATCH_PLANNED, values![no, count(recipients), count(within)]).await?;
        let notices: Vec<Uuid> = notices.iter().map(|row| row.uuid(0)).collect::<Result<_, _>>()?;
        progress::mark(&mut tx, notices).await?;
        tx.commit().await
    }
}
