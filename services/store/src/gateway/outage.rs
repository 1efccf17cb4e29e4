use std::collections::BTreeMap;

use gridcare_domain::{outage::OutageKind, reliability::Served};
use uuid::Uuid;

use super::GatewayStore;
use crate::{
    StoreError,
    db::{Row, Tx},
    statement::{Rows, statements, values},
};

statements! {
    NATIONAL_OUTAGE_PUT [node Text, id Uuid, version Int, kind Int, begins_us Int, ended_us Int, state Blob, snapshot_no Int] =
        "INSERT INTO national_outage (node, id, version, kind, begins_us, ended_us, state, snapshot_no)
         SELECT node, id, version, kind, begins_us, ended_us, state, snapshot_no FROM v WHERE true
         ON CONFLICT (node, id) DO UPDATE SET version = excluded.version, kind = excluded.kind, begins_us = excluded.begins_us,
             ended_us = excluded.ended_us, state = excluded.state, snapshot_no = excluded.snapshot_no
         WHERE excluded.snapshot_no > 0 OR excluded.version > national_outage.version";
    NATIONAL_OUTAGE_SWEEP = "DELETE FROM national_outage WHERE node = $1 AND snapshot_no <> $2";
    NATIONAL_OUTAGE_NEWEST =
        "SELECT o.node, o.id, o.version, o.kind, o.begins_us, o.ended_us, o.state FROM national_outage AS o
         WHERE o.begins_us <= $1 AND (o.begins_us < $1 OR o.id < $2)
         AND (o.ended_us IS NULL OR o.ended_us > $3) AND ((CAST($4 AS BIGINT) >> CAST(o.kind AS INTEGER)) & 1) = 1
         AND (CAST($5 AS TEXT) IS NULL OR CAST($5 AS TEXT) LIKE '%|' || o.node || '|%')
         ORDER BY o.begins_us DESC, o.id DESC LIMIT $6";
    NATIONAL_OUTAGE_BETWEEN =
        "SELECT o.node, o.id, o.version, o.kind, o.begins_us, o.ended_us, o.state FROM national_outage AS o
         WHERE o.node = $1 AND o.begins_us < $3 AND (o.ended_us IS NULL OR o.ended_us >= $2) ORDER BY o.begins_us, o.id";
    NATIONAL_SERVED_PUT [node Text, day Int, customers Int, version Int, snapshot_no Int] =
        "INSERT INTO national_served (node, day, customers, version, snapshot_no)
         SELECT node, day, customers, version, snapshot_no FROM v WHERE true
         ON CONFLICT (node, day) DO UPDATE SET customers = excluded.customers, version = excluded.version,
             snapshot_no = excluded.snapshot_no
         WHERE excluded.snapshot_no > 0 OR excluded.version > national_served.version";
    NATIONAL_SERVED_SWEEP = "DELETE FROM national_served WHERE node = $1 AND snapshot_no <> $2";
    NATIONAL_SERVED_OF = "SELECT day, customers FROM national_served WHERE node = $1 ORDER BY day";
}

/// An outage as a member's feed tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FederatedOutage {
    /// `UUIDv7`.
    pub id: Uuid,
    /// Grows with every change.
    pub version: i64,
    /// Planned or not.
    pub kind: OutageKind,
    /// When it begins, or began, microseconds since 1970.
    pub begins_us: i64,
    /// When it ended; none while it goes on.
    pub ended_us: Option<i64>,
    /// The federated state, as the wire carries it.
    pub state: Vec<u8>,
}

/// An outage and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NationalOutage {
    /// The member.
    pub node: String,
    /// Its outage.
    pub outage: FederatedOutage,
}

/// What a list asks for.
#[derive(Debug, Clone, Default)]
pub struct NationalOutageQuery {
    /// Nodes; all when empty.
    pub nodes: Vec<String>,
    /// Both kinds when unset.
    pub kind: Option<OutageKind>,
    /// Lasted after, microseconds since 1970.
    pub from_us: Option<i64>,
    /// Began before, microseconds since 1970.
    pub until_us: Option<i64>,
}

fn national_outage(row: &Row) -> Result<NationalOutage, StoreError> {
    let kind = OutageKind::from_number(row.int(3)?)
        .ok_or_else(|| StoreError::Corrupt { table: "national_outage", what: "unknown kind".into() })?;
    let outage = FederatedOutage {
        id: row.uuid(1)?,
        version: row.int(2)?,
        kind,
        begins_us: row.int(4)?,
        ended_us: row.int_or_null(5)?,
        state: row.blob(6)?,
    };
    Ok(NationalOutage { node: row.text(0)?, outage })
}

/// Keeps the greater versions; a snapshot's whatever they are, since its history may have been rewritten.
pub(super) async fn put(
    tx: &mut Tx,
    node: &str,
    outages: &[&FederatedOutage],
    snapshot_no: i64,
) -> Result<(), StoreError> {
    // One statement may touch a row once.
    let mut newest: BTreeMap<Uuid, &FederatedOutage> = BTreeMap::new();
    for outage in outages {
        let kept = newest.entry(outage.id).or_insert(outage);
        if outage.version > kept.version {
            *kept = outage;
        }
    }
    if newest.is_empty() {
        return Ok(());
    }
    let mut rows = Rows::of(&NATIONAL_OUTAGE_PUT, newest.len());
    for outage in newest.into_values() {
        rows.push(values![
            node,
            outage.id,
            outage.version,
            outage.kind.number(),
            outage.begins_us,
            outage.ended_us,
            outage.state.as_slice(),
            snapshot_no,
        ]);
    }
    tx.execute_rows(&NATIONAL_OUTAGE_PUT, rows).await.map(drop)
}

/// Keeps the greater versions of how many are served; a snapshot's whatever they are.
pub(super) async fn put_served(
    tx: &mut Tx,
    node: &str,
    served: &[(Served, i64)],
    snapshot_no: i64,
) -> Result<(), StoreError> {
    // One statement may touch a row once.
    let mut newest: BTreeMap<i32, (i64, i64)> = BTreeMap::new();
    for (served, version) in served {
        let kept = newest.entry(served.from).or_insert((served.customers, *version));
        if *version > kept.1 {
            *kept = (served.customers, *version);
        }
    }
    if newest.is_empty() {
        return Ok(());
    }
    let mut rows = Rows::of(&NATIONAL_SERVED_PUT, newest.len());
    for (day, (customers, version)) in newest {
        rows.push(values![node, i64::from(day), customers, version, snapshot_no]);
    }
    tx.execute_rows(&NATIONAL_SERVED_PUT, rows).await.map(drop)
}

/// Deletes what a snapshot did not bring.
pub(super) async fn sweep(tx: &mut Tx, node: &str, snapshot_no: i64) -> Result<(), StoreError> {
    tx.execute(&NATIONAL_SERVED_SWEEP, values![node, snapshot_no]).await?;
    tx.execute(&NATIONAL_OUTAGE_SWEEP, values![node, snapshot_no]).await.map(drop)
}

impl GatewayStore {
    /// A page of outages, the latest beginning first; `after` is the last one's beginning (microseconds) and id.
    pub async fn national_outages(
        &self,
        query: &NationalOutageQuery,
        after: Option<(i64, Uuid)>,
        limit: usize,
    ) -> Result<Vec<NationalOutage>, StoreError> {
        let (begins, id) = after.unwrap_or((query.until_us.map_or(i64::MAX, |us| us.saturating_sub(1)), Uuid::max()));
        let nodes = (!query.nodes.is_empty()).then(|| format!("|{}|", query.nodes.join("|")));
        let values = values![
            begins,
            id,
            query.from_us.unwrap_or(i64::MIN),
            query.kind.map_or(i64::MAX, |kind| 1 << kind.number()),
            nodes,
            i64::try_from(limit).unwrap_or(i64::MAX),
        ];
        self.db.fetch(&NATIONAL_OUTAGE_NEWEST, values).await?.iter().map(national_outage).collect()
    }

    /// A member's outages that lasted at some moment between these, in the order of their beginnings.
    pub async fn national_outages_between(
        &self,
        node: &str,
        from_us: i64,
        until_us: i64,
    ) -> Result<Vec<NationalOutage>, StoreError> {
        let rows = self.db.fetch(&NATIONAL_OUTAGE_BETWEEN, values![node, from_us, until_us]).await?;
        rows.iter().map(national_outage).collect()
    }

    /// Since when how many a member serves, in the order of days.
    pub async fn national_served(&self, node: &str) -> Result<Vec<Served>, StoreError> {
        let corrupt = |_| StoreError::Corrupt { table: "national_served", what: "a day beyond the calendar".into() };
        let rows = self.db.fetch(&NATIONAL_SERVED_OF, values![node]).await?;
        let served = |row: &Row| {
            let from = i32::try_from(row.int(0)?).map_err(corrupt)?;
            Ok(Served { from, customers: row.int(1)? })
        };
        rows.iter().map(served).collect()
    }
}
