use std::collections::BTreeMap;

use gridcare_domain::acknowledgement::{Acknowledgement, StandardStatus};

use super::GatewayStore;
use crate::{
    StoreError,
    db::{Row, Tx},
    statement::{Rows, statements, values},
};

statements! {
    NATIONAL_ACKNOWLEDGEMENT_PUT [node Text, digest Text, name Text, status Int, reasons Text, at_us Int, version Int, snapshot_no Int] =
        "INSERT INTO national_acknowledgement (node, digest, name, status, reasons, at_us, version, snapshot_no)
         SELECT node, digest, name, status, reasons, at_us, version, snapshot_no FROM v WHERE true
         ON CONFLICT (node, digest) DO UPDATE SET name = excluded.name, status = excluded.status, reasons = excluded.reasons,
             at_us = excluded.at_us, version = excluded.version, snapshot_no = excluded.snapshot_no
         WHERE excluded.snapshot_no > 0 OR excluded.version > national_acknowledgement.version";
    NATIONAL_ACKNOWLEDGEMENT_SWEEP = "DELETE FROM national_acknowledgement WHERE node = $1 AND snapshot_no <> $2";
    NATIONAL_ACKNOWLEDGEMENT_IN_FORCE =
        "SELECT node, digest, name, status, reasons, at_us, version FROM national_acknowledgement WHERE status = 2 ORDER BY node";
    NATIONAL_ACKNOWLEDGEMENT_OF =
        "SELECT node, digest, name, status, reasons, at_us, version FROM national_acknowledgement WHERE digest = $1 ORDER BY node";
}

/// Keeps the greater versions; a snapshot's whatever they are, since its history may have been rewritten.
pub(super) async fn put(
    tx: &mut Tx,
    node: &str,
    said: &[&Acknowledgement],
    snapshot_no: i64,
) -> Result<(), StoreError> {
    // One statement may touch a row once.
    let mut newest = BTreeMap::new();
    for said in said {
        let kept = newest.entry(said.digest.as_str()).or_insert(*said);
        if said.version > kept.version {
            *kept = said;
        }
    }
    let mut rows = Rows::of(&NATIONAL_ACKNOWLEDGEMENT_PUT, newest.len());
    for (digest, said) in newest {
        rows.push(values![
            node,
            digest,
            said.standard.as_str(),
            said.status.number(),
            said.reasons.join(" "),
            said.at_us,
            said.version,
            snapshot_no,
        ]);
    }
    tx.execute_rows(&NATIONAL_ACKNOWLEDGEMENT_PUT, rows).await.map(drop)
}

/// Deletes what the snapshot did not bring.
pub(super) async fn sweep(tx: &mut Tx, node: &str, snapshot_no: i64) -> Result<(), StoreError> {
    tx.execute(&NATIONAL_ACKNOWLEDGEMENT_SWEEP, values![node, snapshot_no]).await.map(drop)
}

fn read(row: &Row) -> Result<(String, Acknowledgement), StoreError> {
    let corrupt = || StoreError::Corrupt { table: "national_acknowledgement", what: "unknown status".into() };
    let said = Acknowledgement {
        digest: row.text(1)?,
        standard: row.text(2)?,
        status: StandardStatus::from_number(row.int(3)?).ok_or_else(corrupt)?,
        reasons: row.text(4)?.split_whitespace().map(str::to_owned).collect(),
        at_us: row.int(5)?,
        version: row.int(6)?,
    };
    Ok((row.text(0)?, said))
}

impl GatewayStore {
    /// What each node says is in force there.
    pub async fn standards_in_force(&self) -> Result<Vec<(String, Acknowledgement)>, StoreError> {
        self.db.fetch(&NATIONAL_ACKNOWLEDGEMENT_IN_FORCE, vec![]).await?.iter().map(read).collect()
    }

    /// What each node says of the bundle with this digest.
    pub async fn acknowledgements_of(&self, digest: &str) -> Result<Vec<(String, Acknowledgement)>, StoreError> {
        self.db.fetch(&NATIONAL_ACKNOWLEDGEMENT_OF, values![digest]).await?.iter().map(read).collect()
    }
}
