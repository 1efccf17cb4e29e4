use std::collections::BTreeMap;

use gridcare_domain::{
    feed::Change,
    outage::{Entry, Outage, OutageKind, Site},
    refusal::{Refusal, RefusalKind, Violation},
    ticket::LinkKind,
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    Committed, NodeStore, StoreError, bulk,
    db::{Row, Tx},
    feed,
    request::{self, Request},
    statement::{Rows, Value, statements, values},
    writer::Answer,
};

statements! {
    OUTAGE_INSERT =
        "INSERT INTO outage (id, version, kind, begins_us, ended_us, parent_id, history, updated_us)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    OUTAGE_UPDATE =
        "UPDATE outage SET version = $2, kind = $3, begins_us = $4, ended_us = $5, parent_id = $6, history = $7, updated_us = $8
         WHERE id = $1";
    OUTAGE_LOCK = "SELECT outage.id, outage.history FROM outage WHERE outage.id = $1 {lock:outage}";
    OUTAGE_PARENT_LOCK = "SELECT outage.parent_id FROM outage WHERE outage.id = $1 {lock:outage}";
    OUTAGE_BY_ID = "SELECT outage.id, outage.history FROM outage WHERE outage.id = $1";
    OUTAGE_PARTS = "SELECT outage.id FROM outage WHERE outage.parent_id = $1 ORDER BY outage.id LIMIT 10000";
    OUTAGE_PAGE = "SELECT outage.id, outage.history FROM outage WHERE outage.id > $1 ORDER BY outage.id LIMIT $2";
    AREA_DELETE = "DELETE FROM outage_area WHERE outage_id = $1";
    AREA_INSERT [outage_id Uuid, n Int, scope Text, begins_us Int, until_us Int] =
        "INSERT INTO outage_area (outage_id, n, scope, begins_us, until_us)
         SELECT outage_id, n, scope, begins_us, until_us FROM v WHERE true";
    OUTAGE_NEWEST =
        "SELECT outage.id, outage.history FROM outage
         WHERE outage.begins_us <= $1 AND (outage.begins_us < $1 OR outage.id < $2)
         AND (outage.ended_us IS NULL OR outage.ended_us > $3) AND ((CAST($4 AS BIGINT) >> CAST(outage.kind AS INTEGER)) & 1) = 1
         ORDER BY outage.begins_us DESC, outage.id DESC LIMIT $5";
    OUTAGE_BETWEEN =
        "SELECT outage.id, outage.history FROM outage
         WHERE outage.begins_us < $2 AND (outage.ended_us IS NULL OR outage.ended_us >= $1) ORDER BY outage.begins_us, outage.id";
    OUTAGE_OF_SCOPE [scope Text, from_us Int, until_us Int] =
        "SELECT DISTINCT outage.id, outage.history FROM v
         JOIN outage_area ON outage_area.scope = v.scope AND outage_area.until_us > v.from_us AND outage_area.begins_us < v.until_us
         JOIN outage ON outage.id = outage_area.outage_id";
}

/// A deadlock or a race is run again this often.
const RETRIES: usize = 3;
/// No outage is a part of a part of … more often.
const DEEPEST: usize = 20;

/// An outage as it is to be stored, with its feed entry and its answer.
#[derive(Debug, Clone)]
pub struct OutageWrite {
    /// The outage afterwards.
    pub outage: Outage,
    /// Its feed entry.
    pub change: Change,
    /// The answer, stored under the request.
    pub response: Vec<u8>,
    /// When supply is back: a bulk operation and what it does with every linked ticket.
    pub answering: Option<(Uuid, Vec<u8>)>,
}

/// A decision about an outage as it is now.
pub type DecideOutage<'a> = &'a (dyn Fn(&Outage) -> Result<OutageWrite, Refusal> + Send + Sync);

/// Which outages a list asks for.
#[derive(Debug, Clone, Copy, Default)]
pub struct OutageQuery {
    /// Both when unset.
    pub kind: Option<OutageKind>,
    /// Lasted after, microseconds since 1970.
    pub from_us: Option<i64>,
    /// Began before, microseconds since 1970.
    pub until_us: Option<i64>,
}

fn corrupt(what: &impl ToString) -> StoreError {
    StoreError::Corrupt { table: "outage", what: what.to_string() }
}

fn fields(outage: &Outage) -> Result<Vec<Value>, StoreError> {
    let history = serde_json::to_string(&outage.history).map_err(|e| corrupt(&e))?;
    Ok(values![
        outage.id,
        outage.version,
        outage.kind.number(),
        outage.begins_at.as_microsecond(),
        outage.until().map(Timestamp::as_microsecond),
        outage.parent,
        history,
        outage.updated_at.as_microsecond(),
    ])
}

fn outage(row: &Row) -> Result<Outage, StoreError> {
    let history: Vec<Entry> = serde_json::from_str(&row.text(1)?).map_err(|e| corrupt(&e))?;
    Outage::of_history(row.uuid(0)?, history).ok_or_else(|| corrupt(&"a history without a beginning"))
}

async fn write_areas(tx: &mut Tx, outage: &Outage) -> Result<(), StoreError> {
    let mut rows = Rows::of(&AREA_INSERT, outage.areas.len());
    for (n, area) in (0_i64..).zip(&outage.areas) {
        rows.push(values![
            outage.id,
            n,
            area.scope(),
            outage.begins_at.as_microsecond(),
            outage.until().map_or(i64::MAX, Timestamp::as_microsecond),
        ]);
    }
    tx.execute_rows(&AREA_INSERT, rows).await.map(drop)
}

/// Refuses a parent that is not there, or that is itself a part of the outage. Locks all of whom it is a part, so that two
/// outages cannot become parts of each other at one moment.
async fn check_parent(tx: &mut Tx, outage: &Outage, field: &str) -> Result<Result<(), Refusal>, StoreError> {
    let refuse = |reason, cure: &str| Ok(Err(Refusal::invalid(vec![Violation::new(field, reason, cure)])));
    let mut above = outage.parent;
    for _ in 0..DEEPEST {
        let Some(id) = above else { return Ok(Ok(())) };
        if id == outage.id {
            return refuse("PART_OF_ITSELF", "give another outage: that one is a part of this one");
        }
        match tx.fetch_one(&OUTAGE_PARENT_LOCK, values![id]).await? {
            Some(row) => above = row.uuid_or_null(0)?,
            None => return refuse("NO_SUCH_OUTAGE", "give the id of an outage of this node, or none"),
        }
    }
    refuse("TOO_DEEP", "give the outage of which that one is a part: parts of parts have a limit")
}

pub(crate) async fn page_in(tx: &mut Tx, after: Uuid, limit: i64) -> Result<Vec<Outage>, StoreError> {
    tx.fetch(&OUTAGE_PAGE, values![after, limit]).await?.iter().map(outage).collect()
}

impl NodeStore {
    /// Stores a new outage, its areas, its feed entry and its answer in one transaction. `batch_id` names the commit.
    pub async fn record_outage(&self, request: Request, now_us: i64, batch_id: Uuid, write: &OutageWrite) -> Answer {
        let mut tries = 0;
        loop {
            match self.record_outage_once(request, now_us, batch_id, write).await {
                Err(e) if e.is_transient() && tries < RETRIES => tries += 1,
                outcome => return outcome,
            }
        }
    }

    async fn record_outage_once(&self, request: Request, now_us: i64, batch_id: Uuid, write: &OutageWrite) -> Answer {
        let mut tx = self.db.begin().await?;
        if let Some(answered) = request::find(&mut tx, [request].into_iter()).await?.get(&request.key) {
            return Ok(answered.replay(&request));
        }
        if let Err(refusal) = check_parent(&mut tx, &write.outage, "outage.parent_id").await? {
            return Ok(Err(refusal));
        }
        if !request::answer(&mut tx, request, now_us, &write.response).await? {
            return Err(StoreError::Raced);
        }
        tx.execute(&OUTAGE_INSERT, fields(&write.outage)?).await?;
        write_areas(&mut tx, &write.outage).await?;
        feed::append(&mut tx, batch_id, now_us, vec![write.change.clone()]).await?;
        tx.commit().await?;
        self.writer.committed(Committed { feed: true, contacts: false });
        Ok(Ok(write.response.clone()))
    }

    /// Changes an outage as `decide` says of its state at that moment, under its lock.
    pub async fn change_outage(
        &self,
        request: Request,
        now_us: i64,
        batch_id: Uuid,
        id: Uuid,
        decide: DecideOutage<'_>,
    ) -> Answer {
        let mut tries = 0;
        loop {
            match self.change_outage_once(request, now_us, batch_id, id, decide).await {
                Err(e) if e.is_transient() && tries < RETRIES => tries += 1,
                outcome => return outcome,
            }
        }
    }

    async fn change_outage_once(
        &self,
        request: Request,
        now_us: i64,
        batch_id: Uuid,
        id: Uuid,
        decide: DecideOutage<'_>,
    ) -> Answer {
        let mut tx = self.db.begin().await?;
        // The lock first, so that a repetition waits for the first and finds its answer.
        let locked = tx.fetch_one(&OUTAGE_LOCK, values![id]).await?.as_ref().map(outage).transpose()?;
        if let Some(answered) = request::find(&mut tx, [request].into_iter()).await?.get(&request.key) {
            return Ok(answered.replay(&request));
        }
        let Some(old) = locked else {
            let message = "there is no such outage at this node";
            return Ok(Err(Refusal::new(RefusalKind::NotFound, "NO_SUCH_OUTAGE", message)));
        };
        let OutageWrite { outage: new, change, response, answering } = match decide(&old) {
            Ok(decided) => decided,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if new.parent != old.parent
            && let Err(refusal) = check_parent(&mut tx, &new, "changes").await?
        {
            return Ok(Err(refusal));
        }
        if !request::answer(&mut tx, request, now_us, &response).await? {
            return Err(StoreError::Raced);
        }
        tx.execute(&OUTAGE_UPDATE, fields(&new)?).await?;
        tx.execute(&AREA_DELETE, values![id]).await?;
        write_areas(&mut tx, &new).await?;
        if let Some((operation, action)) = answering {
            bulk::start_linked(&mut tx, now_us, operation, &action, LinkKind::Outage, id).await?;
        }
        feed::append(&mut tx, batch_id, now_us, vec![change]).await?;
        tx.commit().await?;
        self.writer.committed(Committed { feed: true, contacts: false });
        Ok(Ok(response))
    }

    /// An outage by its id.
    pub async fn outage(&self, id: Uuid) -> Result<Option<Outage>, StoreError> {
        self.db.fetch_one(&OUTAGE_BY_ID, values![id]).await?.as_ref().map(outage).transpose()
    }

    /// An outage by its id, once whoever changes it now has done so.
    pub async fn outage_settled(&self, id: Uuid) -> Result<Option<Outage>, StoreError> {
        let mut tx = self.db.begin().await?;
        let found = tx.fetch_one(&OUTAGE_LOCK, values![id]).await?.as_ref().map(outage).transpose()?;
        tx.rollback().await?;
        Ok(found)
    }

    /// Outages that lasted at some moment between these, microseconds since 1970, in the order of their beginnings.
    pub async fn outages_between(&self, from_us: i64, until_us: i64) -> Result<Vec<Outage>, StoreError> {
        self.db.fetch(&OUTAGE_BETWEEN, values![from_us, until_us]).await?.iter().map(outage).collect()
    }

    /// Outages that are parts of this one.
    pub async fn outage_parts(&self, id: Uuid) -> Result<Vec<Uuid>, StoreError> {
        self.db.fetch(&OUTAGE_PARTS, values![id]).await?.iter().map(|row| row.uuid(0)).collect()
    }

    /// A page of outages, the latest beginning first; `after` is the last one's beginning (microseconds) and id.
    pub async fn outages(
        &self,
        query: &OutageQuery,
        after: Option<(i64, Uuid)>,
        limit: usize,
    ) -> Result<Vec<Outage>, StoreError> {
        let (begins, id) = after.unwrap_or((query.until_us.map_or(i64::MAX, |us| us.saturating_sub(1)), Uuid::max()));
        let values = values![
            begins,
            id,
            query.from_us.unwrap_or(i64::MIN),
            query.kind.map_or(i64::MAX, |kind| 1 << kind.number()),
            i64::try_from(limit).unwrap_or(i64::MAX),
        ];
        self.db.fetch(&OUTAGE_NEWEST, values).await?.iter().map(outage).collect()
    }

    /// All outages whose areas cover one of these sites, the latest beginning first.
    pub async fn outages_at(&self, sites: &[Site<'_>], query: &OutageQuery) -> Result<Vec<Outage>, StoreError> {
        let mut found = self.outages_of_scopes(sites, query).await?;
        found.retain(|outage| sites.iter().any(|site| outage.covers(site)));
        Ok(found)
    }

    /// All outages that may be meant from one of these sites, the latest beginning first: their areas cover it, or the boxes
    /// around their rings come within so many metres of it. Whether they are meant is for a rule to decide.
    pub async fn outages_near(
        &self,
        sites: &[Site<'_>],
        metres: f64,
        query: &OutageQuery,
    ) -> Result<Vec<Outage>, StoreError> {
        let mut found = self.outages_of_scopes(sites, query).await?;
        found.retain(|outage| outage.areas.iter().any(|area| sites.iter().any(|site| area.may_reach(site, metres))));
        Ok(found)
    }

    /// All outages of which an area is found under a scope of these sites, the latest beginning first.
    async fn outages_of_scopes(&self, sites: &[Site<'_>], query: &OutageQuery) -> Result<Vec<Outage>, StoreError> {
        let mut scopes: Vec<String> = sites.iter().flat_map(Site::scopes).collect();
        scopes.sort_unstable();
        scopes.dedup();
        let mut rows = Rows::of(&OUTAGE_OF_SCOPE, scopes.len());
        for scope in scopes {
            rows.push(values![scope, query.from_us.unwrap_or(i64::MIN), query.until_us.unwrap_or(i64::MAX)]);
        }
        let mut tx = self.db.snapshot().await?;
        let found = tx.fetch_rows(&OUTAGE_OF_SCOPE, rows).await?;
        // Chunks of scopes may find one outage twice.
        let found: BTreeMap<Uuid, Outage> =
            found.iter().map(|row| outage(row).map(|outage| (outage.id, outage))).collect::<Result<_, _>>()?;
        let mut found: Vec<Outage> = found.into_values().collect();
        found.retain(|outage| query.kind.is_none_or(|kind| kind == outage.kind));
        found.sort_by_key(|outage| std::cmp::Reverse((outage.begins_at, outage.id)));
        Ok(found)
    }
}
