//! How far a notice has come: what centres took by the minute, what reached a province first, and marks for whoever tells it.

use std::collections::{BTreeMap, BTreeSet};

use gridcare_domain::{
    delivery::{DeliveryState, Way},
    feed::Change,
    notice::NoticeChannel,
};
use uuid::Uuid;

use crate::{
    Committed, NodeStore, StoreError,
    db::{Row, Tx},
    feed,
    lease::{self, Lease},
    question::NO_NOTICE,
    statement::{Rows, statements, values},
};

statements! {
    // In the order of ids, so that two processes lock them in the same order.
    PROGRESS_MARK [notice_id Uuid] =
        "INSERT INTO notice_progress (notice_id, mark, told, version) SELECT notice_id, 1, 0, 0 FROM v WHERE true
         ON CONFLICT (notice_id) DO UPDATE SET mark = notice_progress.mark + 1";
    PROGRESS_CHANGED =
        "SELECT notice_id, mark, version FROM notice_progress WHERE mark > told AND notice_id > $1 ORDER BY notice_id LIMIT $2";
    PROGRESS_TOLD = "UPDATE notice_progress SET told = $2, version = version + 1 WHERE notice_id = $1 AND version = $3";
    PROGRESS_VERSIONS [notice_id Uuid] =
        "SELECT notice_progress.notice_id, notice_progress.version FROM notice_progress JOIN v ON v.notice_id = notice_progress.notice_id";
    DELIVERY_OF_NOTICE [number Int] =
        "SELECT delivery.number, dispatch.notice_id, dispatch.revision, dispatch.kind FROM v
         JOIN delivery ON delivery.number = v.number JOIN dispatch ON dispatch.no = delivery.dispatch_no";
    DELIVERY_PROVINCES [number Int] =
        "SELECT DISTINCT delivery.number, premises.province FROM v JOIN delivery ON delivery.number = v.number
         JOIN premises ON premises.customer_code = delivery.customer_code WHERE premises.province IS NOT NULL";
    MINUTE_ADD [notice_id Uuid, revision Int, minute_us Int, accepted Int] =
        "INSERT INTO notice_minute (notice_id, revision, minute_us, accepted) SELECT notice_id, revision, minute_us, accepted FROM v WHERE true
         ON CONFLICT (notice_id, revision, minute_us) DO UPDATE SET accepted = notice_minute.accepted + excluded.accepted";
    FIRST_PUT [notice_id Uuid, province Text, channel Int, at_us Int] =
        "INSERT INTO notice_first (notice_id, province, channel, at_us) SELECT notice_id, province, channel, at_us FROM v WHERE true
         ON CONFLICT (notice_id, province, channel) DO NOTHING";
    FIRST_OF [notice_id Uuid] =
        "SELECT notice_first.notice_id, notice_first.province, notice_first.channel, notice_first.at_us FROM v
         JOIN notice_first ON notice_first.notice_id = v.notice_id ORDER BY notice_first.province, notice_first.channel";
    MINUTE_OF [notice_id Uuid] =
        "SELECT notice_minute.notice_id, notice_minute.revision, notice_minute.minute_us, notice_minute.accepted FROM v
         JOIN notice_minute ON notice_minute.notice_id = v.notice_id ORDER BY notice_minute.revision, notice_minute.minute_us";
    // Queued messages and the others have an index each.
    PROGRESS_COUNTS =
        "SELECT dispatch.notice_id, dispatch.revision, dispatch.kind, delivery.state, COUNT(*) FROM dispatch
         JOIN delivery ON delivery.dispatch_no = dispatch.no AND delivery.state = 1 WHERE dispatch.notice_id = $1
         GROUP BY dispatch.notice_id, dispatch.revision, dispatch.kind, delivery.state
         UNION ALL SELECT dispatch.notice_id, dispatch.revision, dispatch.kind, delivery.state, COUNT(*) FROM dispatch
         JOIN delivery ON delivery.dispatch_no = dispatch.no AND delivery.state <> 1 WHERE dispatch.notice_id = $1
         GROUP BY dispatch.notice_id, dispatch.revision, dispatch.kind, delivery.state";
    PROGRESS_PLANNED [notice_id Uuid] =
        "SELECT notice_revision.notice_id, notice_revision.number, notice_revision.published_us, dispatch.planned_recipients, dispatch.planned_within
         FROM v JOIN notice_revision ON notice_revision.notice_id = v.notice_id
         LEFT JOIN dispatch ON dispatch.notice_id = notice_revision.notice_id AND dispatch.revision = notice_revision.number AND dispatch.kind = 1
         WHERE notice_revision.published_us IS NOT NULL ORDER BY notice_revision.number";
}

const MINUTE_US: i64 = 60_000_000;

/// How far one revision has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RevisionProgress {
    /// When it was published, microseconds since 1970.
    pub published_us: i64,
    /// How many messages stand where, by their way.
    pub counts: BTreeMap<(Way, DeliveryState), i64>,
    /// Text messages that centres took, by the beginning of the minute, microseconds since 1970.
    pub accepted: BTreeMap<i64, i64>,
    /// Recipients by text message, and those whom 30 minutes were to reach; once that was planned.
    pub planned: Option<(i64, i64)>,
}

/// How far a notice has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// By the number of the revision; those that were published.
    pub revisions: BTreeMap<i64, RevisionProgress>,
    /// When a channel first reached a province, microseconds since 1970.
    pub first: BTreeMap<(String, NoticeChannel), i64>,
}

/// A notice whose progress is to be told: its mark as it was seen, and the version that the feed knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    /// Which.
    pub notice_id: Uuid,
    /// The mark that was seen.
    pub mark: i64,
    /// The newest version in the feed.
    pub version: i64,
}

fn corrupt(what: &str) -> StoreError {
    StoreError::Corrupt { table: "notice_progress", what: what.to_owned() }
}

fn ids_of(statement: &'static crate::statement::Statement, ids: &BTreeSet<Uuid>) -> Rows {
    let mut rows = Rows::of(statement, ids.len());
    for id in ids {
        rows.push(values![*id]);
    }
    rows
}

/// Leaves a durable mark that the progress of these changed; messages of no notice have none.
pub(crate) async fn mark(tx: &mut Tx, notices: impl IntoIterator<Item = Uuid>) -> Result<(), StoreError> {
    let notices: BTreeSet<_> = notices.into_iter().filter(|id| *id != NO_NOTICE).collect();
    tx.execute_rows(&PROGRESS_MARK, ids_of(&PROGRESS_MARK, &notices)).await.map(drop)
}

/// Counts messages that have moved: by their numbers, and when somebody took them, microseconds since 1970, if that is news.
pub(crate) async fn moved(tx: &mut Tx, news: &BTreeMap<i64, Option<i64>>) -> Result<(), StoreError> {
    let mut rows = Rows::of(&DELIVERY_OF_NOTICE, news.len());
    for number in news.keys() {
        rows.push(values![*number]);
    }
    let (mut notices, mut minutes, mut taken) = (BTreeSet::new(), BTreeMap::new(), BTreeMap::new());
    for row in tx.fetch_rows(&DELIVERY_OF_NOTICE, rows).await? {
        let (number, notice_id) = (row.int(0)?, row.uuid(1)?);
        if notice_id == NO_NOTICE {
            continue;
        }
        notices.insert(notice_id);
        let Some(at_us) = news.get(&number).copied().flatten().filter(|_| row.int(3).ok() == Some(Way::Sms.number()))
        else {
            continue;
        };
        taken.insert(number, (notice_id, at_us));
        *minutes.entry((notice_id, row.int(2)?, at_us.div_euclid(MINUTE_US) * MINUTE_US)).or_insert(0) += 1;
    }
    let mut rows = Rows::of(&MINUTE_ADD, minutes.len());
    for ((notice_id, revision, minute_us), accepted) in minutes {
        rows.push(values![notice_id, revision, minute_us, accepted]);
    }
    tx.execute_rows(&MINUTE_ADD, rows).await?;
    let mut rows = Rows::of(&DELIVERY_PROVINCES, taken.len());
    for number in taken.keys() {
        rows.push(values![*number]);
    }
    let mut first: BTreeMap<(Uuid, String), i64> = BTreeMap::new();
    for row in tx.fetch_rows(&DELIVERY_PROVINCES, rows).await? {
        if let Some((notice_id, at_us)) = taken.get(&row.int(0)?) {
            let earliest = first.entry((*notice_id, row.text(1)?)).or_insert(*at_us);
            *earliest = (*earliest).min(*at_us);
        }
    }
    let mut rows = Rows::of(&FIRST_PUT, first.len());
    for ((notice_id, province), at_us) in first {
        rows.push(values![notice_id, province, NoticeChannel::Sms.number(), at_us]);
    }
    tx.execute_rows(&FIRST_PUT, rows).await?;
    mark(tx, notices).await
}

async fn of(tx: &mut Tx, ids: &BTreeSet<Uuid>) -> Result<BTreeMap<Uuid, Progress>, StoreError> {
    let mut found: BTreeMap<Uuid, Progress> = BTreeMap::new();
    for row in tx.fetch_rows(&PROGRESS_PLANNED, ids_of(&PROGRESS_PLANNED, ids)).await? {
        let planned = row.int_or_null(3)?.zip(row.int_or_null(4)?);
        let revision = RevisionProgress { published_us: row.int(2)?, planned, ..RevisionProgress::default() };
        found.entry(row.uuid(0)?).or_default().revisions.insert(row.int(1)?, revision);
    }
    let mut revision = |row: &Row, fill: &mut dyn FnMut(&mut RevisionProgress) -> Result<(), StoreError>| {
        let progress = found.entry(row.uuid(0)?).or_default();
        fill(progress.revisions.entry(row.int(1)?).or_default())
    };
    let mut counts = Vec::new();
    for id in ids {
        counts.extend(tx.fetch(&PROGRESS_COUNTS, values![*id]).await?);
    }
    for row in counts {
        let way = Way::from_number(row.int(2)?).ok_or_else(|| corrupt("unknown way"))?;
        let state = DeliveryState::from_number(row.int(3)?).ok_or_else(|| corrupt("unknown state"))?;
        let count = row.int(4)?;
        revision(&row, &mut |revision| {
            revision.counts.insert((way, state), count);
            Ok(())
        })?;
    }
    for row in tx.fetch_rows(&MINUTE_OF, ids_of(&MINUTE_OF, ids)).await? {
        revision(&row, &mut |revision| {
            revision.accepted.insert(row.int(2)?, row.int(3)?);
            Ok(())
        })?;
    }
    for row in tx.fetch_rows(&FIRST_OF, ids_of(&FIRST_OF, ids)).await? {
        let channel = NoticeChannel::from_number(row.int(2)?).ok_or_else(|| corrupt("unknown channel"))?;
        found.entry(row.uuid(0)?).or_default().first.insert((row.text(1)?, channel), row.int(3)?);
    }
    Ok(found)
}

/// The progress of these notices with the versions that the feed knows, within a transaction, for a snapshot; those that the
/// feed does not know yet are not in it.
pub(crate) async fn told_in(tx: &mut Tx, ids: &BTreeSet<Uuid>) -> Result<Vec<(Uuid, i64, Progress)>, StoreError> {
    let mut versions = BTreeMap::new();
    for row in tx.fetch_rows(&PROGRESS_VERSIONS, ids_of(&PROGRESS_VERSIONS, ids)).await? {
        if row.int(1)? > 0 {
            versions.insert(row.uuid(0)?, row.int(1)?);
        }
    }
    let told: BTreeSet<_> = versions.keys().copied().collect();
    let mut progress = of(tx, &told).await?;
    Ok(versions.into_iter().map(|(id, version)| (id, version, progress.remove(&id).unwrap_or_default())).collect())
}

impl NodeStore {
    /// How far a notice has come.
    pub async fn notice_progress(&self, id: Uuid) -> Result<Progress, StoreError> {
        let mut tx = self.db.snapshot().await?;
        Ok(of(&mut tx, &BTreeSet::from([id])).await?.remove(&id).unwrap_or_default())
    }

    /// Keeps that somebody outside read a notice about these provinces, unless that was known.
    pub async fn notice_read(&self, id: Uuid, provinces: &[String], at_us: i64) -> Result<(), StoreError> {
        let mut rows = Rows::of(&FIRST_PUT, provinces.len());
        for province in provinces.iter().collect::<BTreeSet<_>>() {
            rows.push(values![id, province.as_str(), NoticeChannel::Web.number(), at_us]);
        }
        let mut tx = self.db.begin().await?;
        if tx.execute_rows(&FIRST_PUT, rows).await? == 0 {
            return tx.rollback().await;
        }
        mark(&mut tx, [id]).await?;
        tx.commit().await
    }

    /// Notices whose progress the feed does not know yet, after one of them, with how far they have come.
    pub async fn notices_moved(&self, after: Uuid, limit: i64) -> Result<Vec<(Changed, Progress)>, StoreError> {
        let mut tx = self.db.snapshot().await?;
        let mut changed = Vec::new();
        for row in tx.fetch(&PROGRESS_CHANGED, values![after, limit]).await? {
            changed.push(Changed { notice_id: row.uuid(0)?, mark: row.int(1)?, version: row.int(2)? });
        }
        let ids = changed.iter().map(|one| one.notice_id).collect();
        let mut progress = of(&mut tx, &ids).await?;
        Ok(changed.into_iter().map(|one| (one, progress.remove(&one.notice_id).unwrap_or_default())).collect())
    }

    /// Tells the feed of notices whose progress changed, under the lease of whoever does that.
    pub async fn tell_progress(
        &self,
        lease: &Lease,
        moved: &[Changed],
        batch_id: Uuid,
        now_us: i64,
        changes: Vec<Change>,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        lease::fence(&mut tx, lease).await?;
        for one in moved {
            tx.execute(&PROGRESS_TOLD, values![one.notice_id, one.mark, one.version]).await?;
        }
        feed::append(&mut tx, batch_id, now_us, changes).await?;
        tx.commit().await?;
        self.writer.committed(Committed { feed: true, contacts: false });
        Ok(())
    }
}
