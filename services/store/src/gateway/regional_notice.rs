use std::collections::BTreeMap;

use uuid::Uuid;

use super::{
    GatewayStore, notice,
    proof::{self, NATIONAL, ProofEntry},
};
use crate::{
    StoreError,
    db::{Row, Tx},
    statement::{Rows, statements, values},
};

statements! {
    REGIONAL_NOTICE_PUT [node Text, id Uuid, version Int, incident Text, published_us Int, expires_us Int, state Blob, snapshot_no Int] =
        "INSERT INTO regional_notice (node, id, version, incident, published_us, expires_us, state, snapshot_no)
         SELECT node, id, version, incident, published_us, expires_us, state, snapshot_no FROM v WHERE true
         ON CONFLICT (node, id) DO UPDATE SET version = excluded.version, incident = excluded.incident,
             published_us = excluded.published_us, expires_us = excluded.expires_us, state = excluded.state,
             snapshot_no = excluded.snapshot_no
         WHERE excluded.snapshot_no > 0 OR excluded.version > regional_notice.version";
    REGIONAL_NOTICE_SWEEP = "DELETE FROM regional_notice WHERE node = $1 AND snapshot_no <> $2";
    REGIONAL_NOTICE_NEWEST =
        "SELECT node, id, version, incident, published_us, expires_us, state FROM regional_notice AS n
         WHERE n.published_us <= $1 AND (n.published_us < $1 OR n.id < $2 OR (n.id = $2 AND n.node < $3))
         AND (CAST($4 AS TEXT) IS NULL OR CAST($4 AS TEXT) LIKE '%|' || n.node || '|%')
         ORDER BY n.published_us DESC, n.id DESC, n.node DESC LIMIT $5";
    REGIONAL_NOTICE_OF_INCIDENT =
        "SELECT node, id, version, incident, published_us, expires_us, state FROM regional_notice AS n
         WHERE n.incident = $1 AND n.published_us <= $2 AND (n.published_us < $2 OR n.id < $3 OR (n.id = $3 AND n.node < $4))
         AND (CAST($5 AS TEXT) IS NULL OR CAST($5 AS TEXT) LIKE '%|' || n.node || '|%')
         ORDER BY n.published_us DESC, n.id DESC, n.node DESC LIMIT $6";
    REGIONAL_NOTICE_TOLD =
        "SELECT node, id, version, incident, published_us, expires_us, state FROM regional_notice WHERE expires_us > $1
         ORDER BY expires_us DESC LIMIT $2";
    REGIONAL_NOTICE_BY_ID =
        "SELECT node, id, version, incident, published_us, expires_us, state FROM regional_notice WHERE id = $1 ORDER BY node LIMIT 1";
    NOTICE_PROGRESS_PUT [node Text, notice_id Uuid, version Int, state Blob, snapshot_no Int] =
        "INSERT INTO notice_progress (node, notice_id, version, state, snapshot_no)
         SELECT node, notice_id, version, state, snapshot_no FROM v WHERE true
         ON CONFLICT (node, notice_id) DO UPDATE SET version = excluded.version, state = excluded.state, snapshot_no = excluded.snapshot_no
         WHERE excluded.snapshot_no > 0 OR excluded.version > notice_progress.version";
    NOTICE_PROGRESS_SWEEP = "DELETE FROM notice_progress WHERE node = $1 AND snapshot_no <> $2";
    NOTICE_PROGRESS_OF = "SELECT node, notice_id, version, state FROM notice_progress WHERE notice_id = $1 ORDER BY node";
}

/// A member's own notice, as its feed tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FederatedNotice {
    /// `UUIDv7`.
    pub id: Uuid,
    /// Grows with every change.
    pub version: i64,
    /// The incident that it is about.
    pub incident: String,
    /// When its first revision was published, microseconds since 1970.
    pub published_us: i64,
    /// When its newest one expires.
    pub expires_us: i64,
    /// The federated state, as the wire carries it.
    pub state: Vec<u8>,
    /// What its proof says of it.
    pub entries: Vec<ProofEntry>,
}

/// How far a notice has come at a member, as its feed tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeProgress {
    /// Of which notice, the nation's or the member's.
    pub notice_id: Uuid,
    /// Grows with every change.
    pub version: i64,
    /// The federated state, as the wire carries it.
    pub state: Vec<u8>,
    /// What the notice's proof says of it.
    pub entries: Vec<ProofEntry>,
}

/// A notice or progress, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfMember<T> {
    /// The member.
    pub node: String,
    /// What it tells.
    pub told: T,
}

/// Which regional notices a page of a list has.
#[derive(Debug, Clone, Copy)]
pub struct RegionalPage<'a> {
    /// Those of these members alone; of all when empty.
    pub nodes: &'a [String],
    /// Those of one incident alone.
    pub incident: Option<&'a str>,
    /// The place of the last one of the page before: when it was published, its id and its node.
    pub after: Option<(i64, Uuid, &'a str)>,
    /// How many at most.
    pub limit: usize,
}

fn read(row: &Row) -> Result<OfMember<FederatedNotice>, StoreError> {
    let told = FederatedNotice {
        id: row.uuid(1)?,
        version: row.int(2)?,
        incident: row.text(3)?,
        published_us: row.int(4)?,
        expires_us: row.int(5)?,
        state: row.blob(6)?,
        entries: Vec::new(),
    };
    Ok(OfMember { node: row.text(0)?, told })
}

/// One statement may touch a row once: the greatest version of each.
fn newest<'a, T>(all: &[&'a T], key: impl Fn(&T) -> (Uuid, i64)) -> impl ExactSizeIterator<Item = &'a T> {
    let mut newest: BTreeMap<Uuid, &'a T> = BTreeMap::new();
    for one in all {
        let kept = newest.entry(key(one).0).or_insert(one);
        if key(one).1 > key(kept).1 {
            *kept = one;
        }
    }
    newest.into_values()
}

/// Keeps the greater versions of notices, and what proves them; a snapshot's whatever they are, since its history may have
/// been rewritten.
pub(super) async fn put(
    tx: &mut Tx,
    node: &str,
    notices: &[&FederatedNotice],
    snapshot_no: i64,
) -> Result<(), StoreError> {
    if notices.is_empty() {
        return Ok(());
    }
    let newest = newest(notices, |notice| (notice.id, notice.version));
    let mut rows = Rows::of(&REGIONAL_NOTICE_PUT, newest.len());
    for notice in newest {
        let FederatedNotice { id, version, incident, published_us, expires_us, state, .. } = notice;
        let (incident, state) = (incident.as_str(), state.as_slice());
        rows.push(values![node, *id, *version, incident, *published_us, *expires_us, state, snapshot_no]);
    }
    tx.execute_rows(&REGIONAL_NOTICE_PUT, rows).await?;
    let entries = notices.iter().map(|notice| (node, notice.id, notice.entries.as_slice()));
    append_all(tx, entries).await
}

/// Keeps the greater versions of progress, and what proves it.
pub(super) async fn put_progress(
    tx: &mut Tx,
    node: &str,
    progress: &[&NoticeProgress],
    snapshot_no: i64,
) -> Result<(), StoreError> {
    if progress.is_empty() {
        return Ok(());
    }
    let newest = newest(progress, |progress| (progress.notice_id, progress.version));
    let mut rows = Rows::of(&NOTICE_PROGRESS_PUT, newest.len());
    for progress in newest {
        rows.push(values![node, progress.notice_id, progress.version, progress.state.as_slice(), snapshot_no]);
    }
    tx.execute_rows(&NOTICE_PROGRESS_PUT, rows).await?;
    let national = notice::known(tx, progress.iter().map(|progress| progress.notice_id)).await?;
    let owner = |id: &Uuid| if national.contains(id) { NATIONAL } else { node };
    let entries =
        progress.iter().map(|progress| (owner(&progress.notice_id), progress.notice_id, progress.entries.as_slice()));
    append_all(tx, entries).await
}

/// Appends to several chains, in the order of their keys, so that two who do so never wait for each other.
async fn append_all<'a>(
    tx: &mut Tx,
    entries: impl Iterator<Item = (&'a str, Uuid, &'a [ProofEntry])>,
) -> Result<(), StoreError> {
    let mut chains: BTreeMap<_, Vec<ProofEntry>> = BTreeMap::new();
    for (owner, id, entries) in entries {
        chains.entry((owner, id)).or_default().extend_from_slice(entries);
    }
    for ((owner, id), entries) in chains {
        proof::append(tx, owner, id, &entries).await?;
    }
    Ok(())
}

/// Deletes what a snapshot did not bring. Proofs stay: what was proven once was so.
pub(super) async fn sweep(tx: &mut Tx, node: &str, snapshot_no: i64) -> Result<(), StoreError> {
    tx.execute(&REGIONAL_NOTICE_SWEEP, values![node, snapshot_no]).await?;
    tx.execute(&NOTICE_PROGRESS_SWEEP, values![node, snapshot_no]).await.map(drop)
}

impl GatewayStore {
    /// A page of members' notices, the last published first.
    pub async fn regional_notices(&self, page: RegionalPage<'_>) -> Result<Vec<OfMember<FederatedNotice>>, StoreError> {
        let (published_us, id, node) = page.after.unwrap_or((i64::MAX, Uuid::max(), ""));
        let nodes = (!page.nodes.is_empty()).then(|| format!("|{}|", page.nodes.join("|")));
        let limit = i64::try_from(page.limit).unwrap_or(i64::MAX);
        let rows = match page.incident {
            None => {
                let values = values![published_us, id, node, nodes, limit];
                self.db.fetch(&REGIONAL_NOTICE_NEWEST, values).await?
            }
            Some(incident) => {
                let values = values![incident, published_us, id, node, nodes, limit];
                self.db.fetch(&REGIONAL_NOTICE_OF_INCIDENT, values).await?
            }
        };
        rows.iter().map(read).collect()
    }

    /// Members' notices whose newest revision has not expired, the last to expire first.
    pub async fn regional_told(&self, now_us: i64, limit: usize) -> Result<Vec<OfMember<FederatedNotice>>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.db.fetch(&REGIONAL_NOTICE_TOLD, values![now_us, limit]).await?.iter().map(read).collect()
    }

    /// The member's notice with this id.
    pub async fn regional_notice(&self, id: Uuid) -> Result<Option<OfMember<FederatedNotice>>, StoreError> {
        self.db.fetch_one(&REGIONAL_NOTICE_BY_ID, values![id]).await?.as_ref().map(read).transpose()
    }

    /// How far a notice has come at each member that has said so.
    pub async fn notice_progress(&self, notice_id: Uuid) -> Result<Vec<OfMember<NoticeProgress>>, StoreError> {
        let read = |row: &Row| {
            let (notice_id, version, state) = (row.uuid(1)?, row.int(2)?, row.blob(3)?);
            let told = NoticeProgress { notice_id, version, state, entries: Vec::new() };
            Ok(OfMember { node: row.text(0)?, told })
        };
        self.db.fetch(&NOTICE_PROGRESS_OF, values![notice_id]).await?.iter().map(read).collect()
    }
}
