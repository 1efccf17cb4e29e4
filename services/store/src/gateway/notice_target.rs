use uuid::Uuid;

use super::{
    GatewayStore,
    proof::{self, NATIONAL, ProofEntry},
};
use crate::{
    StoreError,
    db::{Row, Tx},
    lease::{self, Lease},
    statement::{Rows, statements, values},
};

statements! {
    NOTICE_TARGET_PUT [node Text, notice_id Uuid, revision Int, published_us Int, expires_us Int, state_us Int] =
        "INSERT INTO notice_target (node, notice_id, revision, published_us, expires_us, state, state_us, attempts, failing_since_us, reason)
         SELECT node, notice_id, revision, published_us, expires_us, 1, state_us, 0, NULL, '' FROM v WHERE true
         ON CONFLICT (node, notice_id, revision) DO NOTHING";
    // Members that join later get what has not expired and went out to their region.
    NOTICE_TARGET_LATE [node Text, region Text, now_us Int] =
        "INSERT INTO notice_target (node, notice_id, revision, published_us, expires_us, state, state_us, attempts, failing_since_us, reason)
         SELECT v.node, r.notice_id, r.number, r.published_us, r.expires_us, 1, v.now_us, 0, NULL, '' FROM v, national_revision AS r
         WHERE r.expires_us > v.now_us AND (r.regions = '' OR r.regions LIKE '%|' || v.region || '|%')
         ON CONFLICT (node, notice_id, revision) DO NOTHING";
    NOTICE_TARGET_NEXT =
        "SELECT node, notice_id, revision, published_us, expires_us, state, state_us, attempts, failing_since_us, reason FROM notice_target
         WHERE node = $1 AND state = 1 ORDER BY node, published_us, notice_id, revision LIMIT 1";
    NOTICE_TARGET_EXPIRED =
        "SELECT node, notice_id, revision, published_us, expires_us, state, state_us, attempts, failing_since_us, reason FROM notice_target
         WHERE node = $1 AND state = 1 AND expires_us <= $2 ORDER BY node, expires_us LIMIT 1";
    NOTICE_TARGET_BEFORE =
        "SELECT MAX(revision) FROM notice_target WHERE node = $1 AND notice_id = $2 AND revision < $3 AND state = 2 AND expires_us > $4";
    NOTICE_TARGET_SENT = "UPDATE notice_target SET attempts = attempts + 1 WHERE node = $1 AND notice_id = $2 AND revision = $3 AND state = 1";
    NOTICE_TARGET_FAILED =
        "UPDATE notice_target SET failing_since_us = COALESCE(failing_since_us, $1) WHERE node = $2 AND notice_id = $3 AND revision = $4 AND state = 1";
    NOTICE_TARGET_DONE =
        "UPDATE notice_target SET state = $1, state_us = $2, reason = $3, failing_since_us = NULL
         WHERE node = $4 AND notice_id = $5 AND revision = $6 AND state = 1";
    NOTICE_TARGET_AGAIN =
        "UPDATE notice_target SET state = 1, state_us = $1 WHERE node = $2 AND notice_id = $3 AND revision < $4 AND state = 2 AND expires_us > $1";
    NOTICE_TARGET_LACKS = "UPDATE notice_target SET reason = $1 WHERE node = $2 AND notice_id = $3 AND revision = $4 AND state = 1";
    // Whatever it had, a member whose history was rewritten may have lost.
    NOTICE_TARGET_REWRITTEN = "UPDATE notice_target SET state = 1, state_us = $1 WHERE node = $2 AND state = 2 AND expires_us > $1";
    NOTICE_TARGET_OF =
        "SELECT node, notice_id, revision, published_us, expires_us, state, state_us, attempts, failing_since_us, reason FROM notice_target
         WHERE notice_id = $1 ORDER BY notice_id, revision, node";
}

/// Where a revision stands with a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LandingState {
    /// Not handed over yet, or to be tried again.
    Waiting = 1,
    /// The member has it.
    Landed = 2,
    /// The member has refused it.
    Refused = 3,
    /// Its time was over before the member could be reached.
    Expired = 4,
}

impl LandingState {
    fn from_number(number: i64) -> Result<Self, StoreError> {
        let all = [Self::Waiting, Self::Landed, Self::Refused, Self::Expired];
        let corrupt = || StoreError::Corrupt { table: "notice_target", what: "unknown state".into() };
        all.into_iter().find(|state| *state as i64 == number).ok_or_else(corrupt)
    }
}

/// A revision that is handed to members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handed {
    /// Of which notice.
    pub notice_id: Uuid,
    /// Its number.
    pub revision: i64,
    /// When it was published, microseconds since 1970.
    pub published_us: i64,
    /// After this nobody is told any more.
    pub expires_us: i64,
}

/// One revision for one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeTarget {
    /// The member's node.
    pub node: String,
    /// What it is to get.
    pub handed: Handed,
    /// Where it stands.
    pub state: LandingState,
    /// When the state became what it is.
    pub state_us: i64,
    /// Attempts so far.
    pub attempts: i64,
    /// Since when attempts fail.
    pub failing_since_us: Option<i64>,
    /// Stable reason of a refusal, or empty.
    pub reason: String,
}

fn read(row: &Row) -> Result<NoticeTarget, StoreError> {
    let handed =
        Handed { notice_id: row.uuid(1)?, revision: row.int(2)?, published_us: row.int(3)?, expires_us: row.int(4)? };
    Ok(NoticeTarget {
        node: row.text(0)?,
        handed,
        state: LandingState::from_number(row.int(5)?)?,
        state_us: row.int(6)?,
        attempts: row.int(7)?,
        failing_since_us: row.int_or_null(8)?,
        reason: row.text(9)?,
    })
}

/// One target for each of these members.
pub(super) async fn put(tx: &mut Tx, handed: &Handed, nodes: &[&str], now_us: i64) -> Result<(), StoreError> {
    let Handed { notice_id, revision, published_us, expires_us } = *handed;
    let mut rows = Rows::of(&NOTICE_TARGET_PUT, nodes.len());
    for node in nodes {
        rows.push(values![*node, notice_id, revision, published_us, expires_us, now_us]);
    }
    if rows.is_empty() {
        return Ok(());
    }
    tx.execute_rows(&NOTICE_TARGET_PUT, rows).await.map(drop)
}

/// A member's history was rewritten: what it had and what has not expired goes to it again.
pub(super) async fn rewritten(tx: &mut Tx, node: &str, now_us: i64) -> Result<(), StoreError> {
    tx.execute(&NOTICE_TARGET_REWRITTEN, values![now_us, node]).await.map(drop)
}

impl GatewayStore {
    /// Gives members (node and region) that have joined since what has not expired and concerns them.
    pub async fn notices_for_newcomers(&self, members: &[(&str, &str)], now_us: i64) -> Result<u64, StoreError> {
        if members.is_empty() {
            return Ok(0);
        }
        let mut tx = self.db.begin().await?;
        let mut rows = Rows::of(&NOTICE_TARGET_LATE, members.len());
        for (node, region) in members {
            rows.push(values![*node, *region, now_us]);
        }
        let new = tx.execute_rows(&NOTICE_TARGET_LATE, rows).await?;
        tx.commit().await?;
        Ok(new)
    }

    /// What a member is to get next; what it is too late for goes first, since that only has to be said.
    pub async fn next_notice(&self, node: &str, now_us: i64) -> Result<Option<NoticeTarget>, StoreError> {
        let late = self.db.fetch_one(&NOTICE_TARGET_EXPIRED, values![node, now_us]).await?;
        let next = match late {
            Some(late) => Some(late),
            None => self.db.fetch_one(&NOTICE_TARGET_NEXT, values![node]).await?,
        };
        next.as_ref().map(read).transpose()
    }

    /// The newest revision before this one that the member has and that has not expired; 0 when it has none.
    pub async fn landed_before(&self, target: &NoticeTarget, now_us: i64) -> Result<i64, StoreError> {
        let Handed { notice_id, revision, .. } = target.handed;
        let values = values![target.node.as_str(), notice_id, revision, now_us];
        let row = self.db.fetch_one(&NOTICE_TARGET_BEFORE, values).await?;
        Ok(row.map(|row| row.int_or_null(0)).transpose()?.flatten().unwrap_or(0))
    }

    /// Where every revision of a notice stands with every member that is to get it.
    pub async fn notice_targets(&self, notice_id: Uuid) -> Result<Vec<NoticeTarget>, StoreError> {
        self.db.fetch(&NOTICE_TARGET_OF, values![notice_id]).await?.iter().map(read).collect()
    }

    /// It is being handed over.
    pub async fn notice_sent(&self, lease: &Lease, target: &NoticeTarget) -> Result<(), StoreError> {
        let Handed { notice_id, revision, .. } = target.handed;
        let mut tx = self.db.begin().await?;
        lease::fence(&mut tx, lease).await?;
        tx.execute(&NOTICE_TARGET_SENT, values![target.node.as_str(), notice_id, revision]).await?;
        tx.commit().await
    }

    /// It could not be handed over, or nobody knows whether it arrived; it is tried again.
    pub async fn notice_failed(&self, lease: &Lease, target: &NoticeTarget, now_us: i64) -> Result<(), StoreError> {
        let Handed { notice_id, revision, .. } = target.handed;
        let mut tx = self.db.begin().await?;
        lease::fence(&mut tx, lease).await?;
        tx.execute(&NOTICE_TARGET_FAILED, values![now_us, target.node.as_str(), notice_id, revision]).await?;
        tx.commit().await
    }

    /// This target is done, with its entry in the notice's proof.
    pub async fn notice_done(
        &self,
        lease: &Lease,
        target: &NoticeTarget,
        (state, reason): (LandingState, &str),
        entry: Option<ProofEntry>,
        now_us: i64,
    ) -> Result<(), StoreError> {
        let Handed { notice_id, revision, .. } = target.handed;
        let mut tx = self.db.begin().await?;
        lease::fence(&mut tx, lease).await?;
        let row = values![state as i64, now_us, reason, target.node.as_str(), notice_id, revision];
        tx.execute(&NOTICE_TARGET_DONE, row).await?;
        proof::append(&mut tx, NATIONAL, notice_id, entry.as_slice()).await?;
        tx.commit().await
    }

    /// The member has lost the revisions before this one: those that have not expired go again, and this one remembers why. How
    /// many they are.
    pub async fn notices_again(
        &self,
        lease: &Lease,
        target: &NoticeTarget,
        reason: &str,
        now_us: i64,
    ) -> Result<u64, StoreError> {
        let Handed { notice_id, revision, .. } = target.handed;
        let node = target.node.as_str();
        let mut tx = self.db.begin().await?;
        lease::fence(&mut tx, lease).await?;
        let again = tx.execute(&NOTICE_TARGET_AGAIN, values![now_us, node, notice_id, revision]).await?;
        tx.execute(&NOTICE_TARGET_LACKS, values![reason, node, notice_id, revision]).await?;
        tx.commit().await?;
        Ok(again)
    }
}
