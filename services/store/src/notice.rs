//! Notices and their revisions. What is published becomes dispatches, and an entry of the feed, in the transaction of publishing.

use std::collections::{BTreeMap, BTreeSet};

use gridcare_domain::{
    customer_code::CustomerCode,
    feed::Change,
    notice::{Content, Notice, Revision, RevisionState},
    refusal::Refusal,
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    Committed, NodeStore, StoreError,
    db::{Row, Tx},
    dispatch::{self, Dispatch},
    feed, progress,
    request::{self, Request},
    statement::{Rows, statements, values},
    writer::Answer,
};

statements! {
    NOTICE_INSERT =
        "INSERT INTO notice (id, version, incident, outage_id, national, shown_until_us, ended) VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (id) DO NOTHING";
    NOTICE_UPDATE = "UPDATE notice SET version = $2, shown_until_us = $3, ended = $4 WHERE id = $1";
    NOTICE_LOCK = "SELECT notice.id, notice.version, notice.incident, notice.outage_id, notice.national FROM notice WHERE notice.id = $1 {lock:notice}";
    NOTICE_BY_ID = "SELECT notice.id, notice.version, notice.incident, notice.outage_id, notice.national FROM notice WHERE notice.id = $1";
    NOTICE_PAGE =
        "SELECT notice.id, notice.version, notice.incident, notice.outage_id, notice.national FROM notice
         WHERE notice.id > $1 ORDER BY notice.id LIMIT $2";
    NOTICE_NEWEST =
        "SELECT notice.id, notice.version, notice.incident, notice.outage_id, notice.national FROM notice
         WHERE notice.id < $1 AND notice.shown_until_us > $2 AND notice.ended <= $3 ORDER BY notice.id DESC LIMIT $4";
    NOTICE_OF_INCIDENT =
        "SELECT notice.id, notice.version, notice.incident, notice.outage_id, notice.national FROM notice
         WHERE notice.incident = $5 AND notice.id < $1 AND notice.shown_until_us > $2 AND notice.ended <= $3 ORDER BY notice.id DESC LIMIT $4";
    // Where there are more than fit, the oldest are left out, however long they hold.
    NOTICE_SHOWN =
        "SELECT notice.id, notice.version, notice.incident, notice.outage_id, notice.national FROM notice
         WHERE notice.shown_until_us > $1
         ORDER BY (SELECT MAX(notice_revision.published_us) FROM notice_revision WHERE notice_revision.notice_id = notice.id) DESC,
             notice.id DESC LIMIT $2";
    // Each notice has readers of its own: the one that lags behind counts. What has ended tells nothing any more, unless all have.
    OUTAGES_TOLD [outage_id Uuid] =
        "SELECT notice.outage_id, COALESCE(MIN(CASE WHEN notice.ended = 0 THEN notice_revision.created_us END), MAX(notice_revision.created_us))
         FROM v JOIN notice ON notice.outage_id = v.outage_id
         JOIN notice_revision ON notice_revision.notice_id = notice.id AND notice_revision.number = (
             SELECT MAX(n.number) FROM notice_revision AS n WHERE n.notice_id = notice.id AND n.published_us IS NOT NULL)
         GROUP BY notice.outage_id";
    NOTICE_OF_OUTAGE = "SELECT notice.id FROM notice WHERE notice.outage_id = $1 AND notice.national = 0";
    // Drafts, and what was submitted or approved; nothing follows them before they are published or withdrawn.
    OUTAGE_DRAFTS [outage_id Uuid, since_us Int] =
        "SELECT notice.outage_id, notice.id FROM v JOIN notice ON notice.outage_id = v.outage_id AND notice.national = 0
         JOIN notice_revision ON notice_revision.notice_id = notice.id AND notice_revision.state IN (1, 2, 3)
             AND notice_revision.created_us >= v.since_us";
    REVISION_PUT =
        "INSERT INTO notice_revision (notice_id, number, state, author, created_us, approver, published_us, reviewer, content)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (notice_id, number) DO UPDATE SET state = excluded.state, author = excluded.author, created_us = excluded.created_us,
             approver = excluded.approver, published_us = excluded.published_us, reviewer = excluded.reviewer, content = excluded.content";
    REVISIONS_OF [notice_id Uuid] =
        "SELECT notice_revision.notice_id, notice_revision.number, notice_revision.state, notice_revision.author, notice_revision.created_us,
             notice_revision.approver, notice_revision.published_us, notice_revision.reviewer, notice_revision.content
         FROM v JOIN notice_revision ON notice_revision.notice_id = v.notice_id ORDER BY notice_revision.number";
    NAMED_DELETE = "DELETE FROM notice_customer WHERE notice_id = $1 AND revision = $2";
    NAMED_PUT [notice_id Uuid, revision Int, customer_code Text] =
        "INSERT INTO notice_customer (notice_id, revision, customer_code) SELECT notice_id, revision, customer_code FROM v WHERE true
         ON CONFLICT (notice_id, revision, customer_code) DO NOTHING";
    NAMED_OF [notice_id Uuid] =
        "SELECT notice_customer.notice_id, notice_customer.revision, notice_customer.customer_code FROM v
         JOIN notice_customer ON notice_customer.notice_id = v.notice_id ORDER BY notice_customer.revision, notice_customer.customer_code";
    NAMED_FORGET = "UPDATE notice_customer SET customer_code = $2 WHERE customer_code = $1";
}

/// A deadlock or a race is run again this often.
const RETRIES: usize = 3;

/// A notice at this node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredNotice {
    /// The notice.
    pub notice: Notice,
    /// It came from the gateway, and is written there.
    pub national: bool,
}

/// A notice as it is to be stored. Of its revisions one alone is written.
#[derive(Debug, Clone)]
pub struct NoticeWrite {
    /// The notice afterwards.
    pub stored: StoredNotice,
    /// The number of the revision that is new or changed; it need not be the newest.
    pub revision: i64,
    /// Its feed entry, when the country learns of it.
    pub change: Option<Change>,
    /// Nothing of earlier revisions is sent any more.
    pub stops: bool,
    /// What is sent of the newest one, once it is published.
    pub dispatches: Vec<Dispatch>,
    /// The answer.
    pub response: Vec<u8>,
}

/// What is decided about a notice.
#[derive(Debug, Clone)]
pub enum NoticeDecision {
    /// It stays as it is, and this is the answer.
    Stays(Vec<u8>),
    /// It becomes another.
    Becomes(Box<NoticeWrite>),
}

/// A decision about a notice as it is now; none where there is none yet.
pub type DecideNotice<'a> = &'a (dyn Fn(Option<&StoredNotice>) -> Result<NoticeDecision, Refusal> + Send + Sync);

/// Which notices a list asks for.
#[derive(Debug, Clone, Default)]
pub struct NoticeQuery {
    /// Of every incident when unset.
    pub incident: Option<String>,
    /// Only what is published, has not ended and does not expire before this, microseconds since 1970.
    pub current_us: Option<i64>,
}

fn corrupt(what: &impl ToString) -> StoreError {
    StoreError::Corrupt { table: "notice", what: what.to_string() }
}

fn time(us: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(us).map_err(|e| corrupt(&e))
}

fn revision(row: &Row) -> Result<Revision, StoreError> {
    let content: Content = serde_json::from_str(&row.text(8)?).map_err(|e| corrupt(&e))?;
    Ok(Revision {
        number: row.int(1)?,
        content,
        state: RevisionState::from_number(row.int(2)?).ok_or_else(|| corrupt(&"unknown state"))?,
        author: row.text(3)?,
        created_at: time(row.int(4)?)?,
        approver: row.text_or_null(5)?,
        published_at: row.int_or_null(6)?.map(time).transpose()?,
        reviewer: row.text_or_null(7)?,
    })
}

/// The notices of these rows, in their order, with their revisions.
async fn whole(tx: &mut Tx, heads: &[Row]) -> Result<Vec<StoredNotice>, StoreError> {
    let mut ids = Vec::with_capacity(heads.len());
    for head in heads {
        ids.push(head.uuid(0)?);
    }
    let rows = |statement| {
        let mut rows = Rows::of(statement, ids.len());
        for id in &ids {
            rows.push(values![*id]);
        }
        rows
    };
    let mut revisions: BTreeMap<Uuid, BTreeMap<i64, Revision>> = BTreeMap::new();
    for row in tx.fetch_rows(&REVISIONS_OF, rows(&REVISIONS_OF)).await? {
        let revision = revision(&row)?;
        revisions.entry(row.uuid(0)?).or_default().insert(revision.number, revision);
    }
    for row in tx.fetch_rows(&NAMED_OF, rows(&NAMED_OF)).await? {
        let named = CustomerCode::parse(&row.text(2)?).map_err(|e| corrupt(&e))?;
        if let Some(revision) = revisions.entry(row.uuid(0)?).or_default().get_mut(&row.int(1)?) {
            revision.content.audience.customers.push(named);
        }
    }
    let notice = |head: &Row| {
        let id = head.uuid(0)?;
        let revisions = revisions.remove(&id).unwrap_or_default().into_values().collect();
        let (version, incident, outage_id) = (head.int(1)?, head.text(2)?, head.uuid_or_null(3)?);
        let notice = Notice { id, version, outage_id, incident, revisions };
        Ok(StoredNotice { notice, national: head.int(4)? == 1 })
    };
    heads.iter().map(notice).collect()
}

/// A page of notices in the order of their ids, within a transaction, for a snapshot.
pub(crate) async fn page_in(tx: &mut Tx, after: Uuid, limit: i64) -> Result<Vec<StoredNotice>, StoreError> {
    let heads = tx.fetch(&NOTICE_PAGE, values![after, limit]).await?;
    whole(tx, &heads).await
}

/// What stands for an erased customer takes the place of the code, so that as many are named as before.
pub(crate) async fn forget(tx: &mut Tx, code: &str, pseudonym: &str) -> Result<(), StoreError> {
    tx.execute(&NAMED_FORGET, values![code, pseudonym]).await.map(drop)
}

async fn put(tx: &mut Tx, write: &NoticeWrite, new: bool, now_us: i64) -> Result<(), StoreError> {
    let StoredNotice { notice, national } = &write.stored;
    let shown = notice.published().map(|revision| &revision.content);
    let shown_until = shown.map_or(0, |content| content.expires_at.as_microsecond());
    let ended = i64::from(shown.is_some_and(|content| content.kind.ends()));
    if new {
        let outage_id = notice.outage_id;
        let row = values![
            notice.id,
            notice.version,
            notice.incident.as_str(),
            outage_id,
            i64::from(*national),
            shown_until,
            ended
        ];
        if tx.execute(&NOTICE_INSERT, row).await? == 0 {
            return Err(StoreError::Raced);
        }
    } else {
        tx.execute(&NOTICE_UPDATE, values![notice.id, notice.version, shown_until, ended]).await?;
    }
    let Some(revision) = notice.revisions.iter().find(|revision| revision.number == write.revision) else {
        return Err(corrupt(&"a notice without the revision that is written"));
    };
    let row = values![
        notice.id,
        revision.number,
        revision.state.number(),
        revision.author.as_str(),
        revision.created_at.as_microsecond(),
        revision.approver.as_deref(),
        revision.published_at.map(Timestamp::as_microsecond),
        revision.reviewer.as_deref(),
        serde_json::to_string(&revision.content).map_err(|e| corrupt(&e))?,
    ];
    tx.execute(&REVISION_PUT, row).await?;
    tx.execute(&NAMED_DELETE, values![notice.id, revision.number]).await?;
    let named: BTreeSet<_> = revision.content.audience.customers.iter().map(CustomerCode::as_str).collect();
    let mut rows = Rows::of(&NAMED_PUT, named.len());
    for code in named {
        rows.push(values![notice.id, revision.number, code]);
    }
    tx.execute_rows(&NAMED_PUT, rows).await?;
    if write.stops {
        dispatch::cancel_in(tx, notice.id, now_us).await?;
    }
    for dispatch in &write.dispatches {
        dispatch::open_in(tx, dispatch).await?;
    }
    if revision.state == RevisionState::Published {
        progress::mark(tx, [notice.id]).await?;
    }
    Ok(())
}

impl NodeStore {
    /// Writes a notice as `decide` says of its state at that moment, under its lock: revision, dispatches, feed entry and answer
    /// in one transaction. Without a `request` no answer is kept: what is decided is the same whenever it is asked again.
    pub async fn write_notice(
        &self,
        request: Option<Request>,
        now_us: i64,
        batch_id: Uuid,
        id: Uuid,
        decide: DecideNotice<'_>,
    ) -> Answer {
        let mut tries = 0;
        loop {
            match self.write_notice_once(request, now_us, batch_id, id, decide).await {
                Err(e) if e.is_transient() && tries < RETRIES => tries += 1,
                outcome => return outcome,
            }
        }
    }

    async fn write_notice_once(
        &self,
        request: Option<Request>,
        now_us: i64,
        batch_id: Uuid,
        id: Uuid,
        decide: DecideNotice<'_>,
    ) -> Answer {
        let mut tx = self.db.begin().await?;
        // The lock first, so that a repetition waits for the first and finds its answer.
        let heads = tx.fetch(&NOTICE_LOCK, values![id]).await?;
        if let Some(request) = request
            && let Some(answered) = request::find(&mut tx, [request].into_iter()).await?.get(&request.key)
        {
            return Ok(answered.replay(&request));
        }
        let stored = whole(&mut tx, &heads).await?.pop();
        let write = match decide(stored.as_ref()) {
            Ok(NoticeDecision::Becomes(write)) => write,
            Ok(NoticeDecision::Stays(response)) => return Ok(Ok(response)),
            Err(refusal) => return Ok(Err(refusal)),
        };
        if let Some(request) = request
            && !request::answer(&mut tx, request, now_us, &write.response).await?
        {
            return Err(StoreError::Raced);
        }
        put(&mut tx, &write, stored.is_none(), now_us).await?;
        let feed = write.change.is_some();
        feed::append(&mut tx, batch_id, now_us, write.change.into_iter().collect()).await?;
        tx.commit().await?;
        self.writer.committed(Committed { feed, contacts: false });
        Ok(Ok(write.response))
    }

    /// A notice by its id.
    pub async fn notice(&self, id: Uuid) -> Result<Option<StoredNotice>, StoreError> {
        let mut tx = self.db.snapshot().await?;
        let heads = tx.fetch(&NOTICE_BY_ID, values![id]).await?;
        Ok(whole(&mut tx, &heads).await?.pop())
    }

    /// A page of notices, the newest first; `before` is the last one's id.
    pub async fn notices(
        &self,
        query: &NoticeQuery,
        before: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<StoredNotice>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut asked = values![
            before.unwrap_or(Uuid::max()),
            query.current_us.unwrap_or(i64::MIN),
            i64::from(query.current_us.is_none()),
            limit,
        ];
        let mut tx = self.db.snapshot().await?;
        let heads = match &query.incident {
            Some(incident) => {
                asked.extend(values![incident.as_str()]);
                tx.fetch(&NOTICE_OF_INCIDENT, asked).await?
            }
            None => tx.fetch(&NOTICE_NEWEST, asked).await?,
        };
        whole(&mut tx, &heads).await
    }

    /// When what is told of each of these outages was written, microseconds since 1970; of those of which something is published.
    /// Of several notices that have not ended, the one whose newest published revision is the oldest counts; where all have ended,
    /// the newest.
    pub async fn outages_told(&self, outages: &[Uuid]) -> Result<BTreeMap<Uuid, i64>, StoreError> {
        let mut rows = Rows::of(&OUTAGES_TOLD, outages.len());
        for outage in outages {
            rows.push(values![*outage]);
        }
        let mut tx = self.db.snapshot().await?;
        tx.fetch_rows(&OUTAGES_TOLD, rows).await?.iter().map(|row| Ok((row.uuid(0)?, row.int(1)?))).collect()
    }

    /// The notices of this corporation about an outage, the oldest first.
    pub async fn notices_of_outage(&self, outage: Uuid) -> Result<Vec<Uuid>, StoreError> {
        let rows = self.db.fetch(&NOTICE_OF_OUTAGE, values![outage]).await?;
        let mut ids = rows.iter().map(|row| row.uuid(0)).collect::<Result<Vec<_>, _>>()?;
        ids.sort_unstable();
        Ok(ids)
    }

    /// Of each of these outages, the notice about it whose open revision was written at this time or later, microseconds since
    /// 1970; the oldest, where there are several.
    pub async fn outage_drafts(&self, since: &[(Uuid, i64)]) -> Result<BTreeMap<Uuid, Uuid>, StoreError> {
        let mut rows = Rows::of(&OUTAGE_DRAFTS, since.len());
        for (outage, since_us) in since {
            rows.push(values![*outage, *since_us]);
        }
        let mut tx = self.db.snapshot().await?;
        let mut drafts = BTreeMap::new();
        for row in tx.fetch_rows(&OUTAGE_DRAFTS, rows).await? {
            let (outage, notice) = (row.uuid(0)?, row.uuid(1)?);
            let oldest = drafts.entry(outage).or_insert(notice);
            *oldest = notice.min(*oldest);
        }
        Ok(drafts)
    }

    /// Notices that are shown to the public now: published and not expired; also those that have ended. The newest published
    /// first.
    pub async fn notices_shown(&self, now_us: i64, limit: i64) -> Result<Vec<StoredNotice>, StoreError> {
        let mut tx = self.db.snapshot().await?;
        let heads = tx.fetch(&NOTICE_SHOWN, values![now_us, limit]).await?;
        whole(&mut tx, &heads).await
    }
}
