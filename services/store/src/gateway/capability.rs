use std::collections::BTreeMap;

use gridcare_domain::{capability::Capability, contact::Channel};
use jiff::Timestamp;

use super::GatewayStore;
use crate::{
    StoreError,
    db::{Row, Tx},
    statement::{Rows, statements, values},
};

statements! {
    NATIONAL_CAPABILITY_PUT [node Text, channel Int, metric Text, version Int, offered_from_us Int, reported_from_us Int, reported_through_us Int, snapshot_no Int] =
        "INSERT INTO national_capability (node, channel, metric, version, offered_from_us, reported_from_us, reported_through_us, snapshot_no)
         SELECT node, channel, metric, version, offered_from_us, reported_from_us, reported_through_us, snapshot_no FROM v WHERE true
         ON CONFLICT (node, channel, metric) DO UPDATE SET version = excluded.version, offered_from_us = excluded.offered_from_us,
             reported_from_us = excluded.reported_from_us, reported_through_us = excluded.reported_through_us, snapshot_no = excluded.snapshot_no
         WHERE excluded.snapshot_no > 0 OR excluded.version > national_capability.version";
    NATIONAL_CAPABILITY_SWEEP = "DELETE FROM national_capability WHERE node = $1 AND snapshot_no <> $2";
    NATIONAL_CAPABILITY_OF = "SELECT channel, metric, offered_from_us, reported_from_us, reported_through_us FROM national_capability WHERE node = $1 ORDER BY channel, metric";
}

/// Keeps the greater versions; a snapshot's whatever they are, since its history may have been rewritten.
pub(super) async fn put(
    tx: &mut Tx,
    node: &str,
    capabilities: &[(&Capability, i64)],
    snapshot_no: i64,
) -> Result<(), StoreError> {
    // One statement may touch a row once.
    let mut newest = BTreeMap::new();
    for (capability, version) in capabilities {
        let kept = newest.entry((capability.channel, capability.metric.as_str())).or_insert((*capability, *version));
        if *version > kept.1 {
            *kept = (*capability, *version);
        }
    }
    let mut rows = Rows::of(&NATIONAL_CAPABILITY_PUT, newest.len());
    for ((channel, metric), (capability, version)) in newest {
        let us = |at: Option<Timestamp>| at.map(Timestamp::as_microsecond);
        rows.push(values![
            node,
            channel.number(),
            metric,
            version,
            us(capability.offered_from),
            us(capability.reported_from),
            us(capability.reported_through),
            snapshot_no,
        ]);
    }
    tx.execute_rows(&NATIONAL_CAPABILITY_PUT, rows).await.map(drop)
}

/// Deletes what the snapshot did not bring.
pub(super) async fn sweep(tx: &mut Tx, node: &str, snapshot_no: i64) -> Result<(), StoreError> {
    tx.execute(&NATIONAL_CAPABILITY_SWEEP, values![node, snapshot_no]).await.map(drop)
}

fn capability(row: &Row) -> Result<Capability, StoreError> {
    let corrupt = || StoreError::Corrupt { table: "national_capability", what: "unknown channel".into() };
    let at = |column| -> Result<Option<Timestamp>, StoreError> {
        Ok(row.int_or_null(column)?.and_then(|us| Timestamp::from_microsecond(us).ok()))
    };
    Ok(Capability {
        channel: Channel::from_number(row.int(0)?).ok_or_else(corrupt)?,
        metric: row.text(1)?,
        offered_from: at(2)?,
        reported_from: at(3)?,
        reported_through: at(4)?,
    })
}

impl GatewayStore {
    /// What a member has declared.
    pub async fn capabilities(&self, node: &str) -> Result<Vec<Capability>, StoreError> {
        self.db.fetch(&NATIONAL_CAPABILITY_OF, values![node]).await?.iter().map(capability).collect()
    }
}
