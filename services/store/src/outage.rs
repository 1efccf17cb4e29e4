use std::collections::{BTreeMap, HashMap};

use gridcare_domain::{
    outage::{Area, Cause, Estimate, EstimateSource, Outage, OutageKind, Site},
    refusal::{Refusal, RefusalKind},
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    NodeStore, StoreError,
    db::{Row, Tx},
    request::{self, Request},
    statement::{Rows, Value, statements, values},
    writer::Answer,
};

/// Columns of an outage, in the order in which rows are read.
macro_rules! columns {
    () => {
        "outage.id, outage.version, outage.kind, outage.cause, outage.begins_us, outage.ended_us, outage.earliest_us,
         outage.latest_us, outage.estimate_source, outage.updated_us"
    };
}

statements! {
    OUTAGE_INSERT =
        "INSERT INTO outage (id, version, kind, cause, begins_us, ended_us, earliest_us, latest_us, estimate_source, updated_us)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    OUTAGE_UPDATE =
        "UPDATE outage SET version = $2, kind = $3, cause = $4, begins_us = $5, ended_us = $6, earliest_us = $7, latest_us = $8,
             estimate_source = $9, updated_us = $10
         WHERE id = $1";
    OUTAGE_LOCK = concat!("SELECT ", columns!(), " FROM outage WHERE outage.id = $1 {lock:outage}");
    OUTAGE_BY_ID = concat!("SELECT ", columns!(), " FROM outage WHERE outage.id = $1");
    AREA_DELETE = "DELETE FROM outage_area WHERE outage_id = $1";
    AREA_INSERT [outage_id Uuid, n Int, scope Text, begins_us Int, until_us Int, province Text, district Text, area_code Text, feeder Text] =
        "INSERT INTO outage_area (outage_id, n, scope, begins_us, until_us, province, district, area_code, feeder)
         SELECT outage_id, n, scope, begins_us, until_us, province, district, area_code, feeder FROM v WHERE true";
    AREA_OF [outage_id Uuid] =
        "SELECT outage_area.outage_id, outage_area.province, outage_area.district, outage_area.area_code, outage_area.feeder
         FROM outage_area JOIN v ON v.outage_id = outage_area.outage_id ORDER BY outage_area.outage_id, outage_area.n";
    OUTAGE_NEWEST = concat!("SELECT ", columns!(), " FROM outage
         WHERE outage.begins_us <= $1 AND (outage.begins_us < $1 OR outage.id < $2)
         AND (outage.ended_us IS NULL OR outage.ended_us > $3) AND ((CAST($4 AS BIGINT) >> CAST(outage.kind AS INTEGER)) & 1) = 1
         ORDER BY outage.begins_us DESC, outage.id DESC LIMIT $5");
    OUTAGE_OF_SCOPE [scope Text, from_us Int, until_us Int] = concat!("SELECT DISTINCT ", columns!(), " FROM v
         JOIN outage_area ON outage_area.scope = v.scope AND outage_area.until_us > v.from_us AND outage_area.begins_us < v.until_us
         JOIN outage ON outage.id = outage_area.outage_id");
}

/// A deadlock or a race is run again this often.
const RETRIES: usize = 3;

/// A decision about an outage as it is now: the changed one, and how it is answered.
pub type DecideOutage<'a> = &'a (dyn Fn(&Outage) -> Result<(Outage, Vec<u8>), Refusal> + Send + Sync);

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

fn fields(o: &Outage) -> Vec<Value> {
    let us = |at: Option<Timestamp>| at.map(Timestamp::as_microsecond);
    values![
        o.id,
        o.version,
        o.kind.number(),
        o.cause.number(),
        o.begins_at.as_microsecond(),
        us(o.ended_at),
        us(o.estimate.map(|estimate| estimate.earliest)),
        us(o.estimate.map(|estimate| estimate.latest)),
        o.estimate.map(|estimate| estimate.source.number()),
        o.updated_at.as_microsecond(),
    ]
}

/// An outage as its row says, still without its areas.
fn outage(row: &Row) -> Result<Outage, StoreError> {
    let corrupt = |what: &str| StoreError::Corrupt { table: "outage", what: what.to_owned() };
    let at = |us: i64| Timestamp::from_microsecond(us).map_err(|e| corrupt(&e.to_string()));
    let earliest = row.int_or_null(6)?.map(at).transpose()?;
    let latest = row.int_or_null(7)?.map(at).transpose()?;
    let source = row.int_or_null(8)?.and_then(EstimateSource::from_number);
    let estimate = match (earliest, latest, source) {
        (Some(earliest), Some(latest), Some(source)) => Some(Estimate { earliest, latest, source }),
        (None, None, None) => None,
        _ => return Err(corrupt("half an estimate")),
    };
    Ok(Outage {
        id: row.uuid(0)?,
        version: row.int(1)?,
        kind: OutageKind::from_number(row.int(2)?).ok_or_else(|| corrupt("unknown kind"))?,
        cause: Cause::from_number(row.int(3)?).ok_or_else(|| corrupt("unknown cause"))?,
        areas: Vec::new(),
        begins_at: at(row.int(4)?)?,
        ended_at: row.int_or_null(5)?.map(at).transpose()?,
        estimate,
        updated_at: at(row.int(9)?)?,
    })
}

async fn write_areas(tx: &mut Tx, outage: &Outage) -> Result<(), StoreError> {
    let mut rows = Rows::of(&AREA_INSERT, outage.areas.len());
    for (n, area) in (0_i64..).zip(&outage.areas) {
        rows.push(values![
            outage.id,
            n,
            area.scope(),
            outage.begins_at.as_microsecond(),
            outage.ended_at.map_or(i64::MAX, Timestamp::as_microsecond),
            area.province.as_deref(),
            area.district.as_deref(),
            area.area_code.as_deref(),
            area.feeder.as_deref(),
        ]);
    }
    tx.execute_rows(&AREA_INSERT, rows).await.map(drop)
}

/// The same outages with their areas.
async fn with_areas(tx: &mut Tx, mut outages: Vec<Outage>) -> Result<Vec<Outage>, StoreError> {
    let mut rows = Rows::of(&AREA_OF, outages.len());
    for outage in &outages {
        rows.push(values![outage.id]);
    }
    let mut areas: HashMap<Uuid, Vec<Area>> = HashMap::with_capacity(outages.len());
    for row in tx.fetch_rows(&AREA_OF, rows).await? {
        areas.entry(row.uuid(0)?).or_default().push(Area {
            province: row.text_or_null(1)?,
            district: row.text_or_null(2)?,
            area_code: row.text_or_null(3)?,
            feeder: row.text_or_null(4)?,
        });
    }
    for outage in &mut outages {
        outage.areas = areas.remove(&outage.id).unwrap_or_default();
    }
    Ok(outages)
}

impl NodeStore {
    /// Stores a new outage, its areas and its answer in one transaction.
    pub async fn record_outage(&self, request: Request, now_us: i64, outage: &Outage, response: &[u8]) -> Answer {
        let mut tries = 0;
        loop {
            match self.record_outage_once(request, now_us, outage, response).await {
                Err(e) if e.is_transient() && tries < RETRIES => tries += 1,
                outcome => return outcome,
            }
        }
    }

    async fn record_outage_once(&self, request: Request, now_us: i64, outage: &Outage, response: &[u8]) -> Answer {
        let mut tx = self.db.begin().await?;
        if let Some(answered) = request::find(&mut tx, [request].into_iter()).await?.get(&request.key) {
            return Ok(answered.replay(&request));
        }
        if !request::answer(&mut tx, request, now_us, response).await? {
            return Err(StoreError::Raced);
        }
        tx.execute(&OUTAGE_INSERT, fields(outage)).await?;
        write_areas(&mut tx, outage).await?;
        tx.commit().await?;
        Ok(Ok(response.to_vec()))
    }

    /// Changes an outage as `decide` says of its state at that moment, under its lock.
    pub async fn update_outage(&self, request: Request, now_us: i64, id: Uuid, decide: DecideOutage<'_>) -> Answer {
        let mut tries = 0;
        loop {
            match self.update_outage_once(request, now_us, id, decide).await {
                Err(e) if e.is_transient() && tries < RETRIES => tries += 1,
                outcome => return outcome,
            }
        }
    }

    async fn update_outage_once(&self, request: Request, now_us: i64, id: Uuid, decide: DecideOutage<'_>) -> Answer {
        let mut tx = self.db.begin().await?;
        // The lock first, so that a repetition waits for the first and finds its answer.
        let locked = tx.fetch_one(&OUTAGE_LOCK, values![id]).await?.as_ref().map(outage).transpose()?;
        if let Some(answered) = request::find(&mut tx, [request].into_iter()).await?.get(&request.key) {
            return Ok(answered.replay(&request));
        }
        let Some(found) = locked else {
            let message = "there is no such outage at this node";
            return Ok(Err(Refusal::new(RefusalKind::NotFound, "NO_SUCH_OUTAGE", message)));
        };
        let Some(old) = with_areas(&mut tx, vec![found]).await?.pop() else { return Err(StoreError::Raced) };
        let (new, response) = match decide(&old) {
            Ok(decided) => decided,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if !request::answer(&mut tx, request, now_us, &response).await? {
            return Err(StoreError::Raced);
        }
        tx.execute(&OUTAGE_UPDATE, fields(&new)).await?;
        tx.execute(&AREA_DELETE, values![id]).await?;
        write_areas(&mut tx, &new).await?;
        tx.commit().await?;
        Ok(Ok(response))
    }

    /// An outage by its id.
    pub async fn outage(&self, id: Uuid) -> Result<Option<Outage>, StoreError> {
        let mut tx = self.db.snapshot().await?;
        let found: Option<Outage> = tx.fetch_one(&OUTAGE_BY_ID, values![id]).await?.as_ref().map(outage).transpose()?;
        Ok(with_areas(&mut tx, found.into_iter().collect()).await?.pop())
    }

    /// A page of outages, the latest beginning first; `after` is the last one's beginning (microseconds) and id.
    pub async fn outages(
        &self,
        query: &OutageQuery,
        after: Option<(i64, Uuid)>,
        limit: usize,
    ) -> Result<Vec<Outage>, StoreError> {
        let (begins, id) = after.unwrap_or((query.until_us.map_or(i64::MAX, |us| us.saturating_sub(1)), Uuid::max()));
        let mut tx = self.db.snapshot().await?;
        let values = values![
            begins,
            id,
            query.from_us.unwrap_or(i64::MIN),
            query.kind.map_or(i64::MAX, |kind| 1 << kind.number()),
            i64::try_from(limit).unwrap_or(i64::MAX),
        ];
        let found = tx.fetch(&OUTAGE_NEWEST, values).await?.iter().map(outage).collect::<Result<_, _>>()?;
        with_areas(&mut tx, found).await
    }

    /// All outages whose areas cover one of these sites, the latest beginning first.
    pub async fn outages_at(&self, sites: &[Site<'_>], query: &OutageQuery) -> Result<Vec<Outage>, StoreError> {
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
        let mut found = with_areas(&mut tx, found.into_values().collect()).await?;
        found.retain(|outage| {
            query.kind.is_none_or(|kind| kind == outage.kind) && sites.iter().any(|site| outage.covers(site))
        });
        found.sort_by_key(|outage| std::cmp::Reverse((outage.begins_at, outage.id)));
        Ok(found)
    }
}
