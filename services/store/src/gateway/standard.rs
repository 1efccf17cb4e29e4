use gridcare_domain::refusal::{Refusal, RefusalKind};
use uuid::Uuid;

use super::GatewayStore;
use crate::{
    StoreError,
    db::Row,
    lease::{self, Lease},
    request::{self, Request},
    statement::{Rows, statements, values},
    writer::Answer,
};

statements! {
    PUBLISHED_PUT =
        "INSERT INTO published_standard (name, digest, key_id, published_us, effective_us, bundle, signature)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (name) DO NOTHING";
    PUBLISHED_ONE = "SELECT name, digest, key_id, published_us, effective_us FROM published_standard WHERE name = $1";
    PUBLISHED_WHOLE = "SELECT bundle, signature FROM published_standard WHERE name = $1";
    PUBLISHED_NEWEST =
        "SELECT name, digest, key_id, published_us, effective_us FROM published_standard WHERE (published_us, name) < ($1, $2)
         ORDER BY published_us DESC, name DESC LIMIT $3";
    TARGET_PUT [node Text, name Text, published_us Int, state_us Int, answer Blob] =
        "INSERT INTO standard_target (node, name, published_us, state, state_us, attempts, failing_since_us, answer)
         SELECT node, name, published_us, 1, state_us, 0, NULL, answer FROM v WHERE true ON CONFLICT (node, name) DO NOTHING";
    // What holds now or will hold goes to members that join later; what was superseded before does not.
    TARGET_LATE [node Text, state_us Int, answer Blob] =
        "INSERT INTO standard_target (node, name, published_us, state, state_us, attempts, failing_since_us, answer)
         SELECT v.node, p.name, p.published_us, 1, v.state_us, 0, NULL, v.answer FROM v, published_standard AS p
         WHERE p.effective_us >= COALESCE((SELECT MAX(effective_us) FROM published_standard WHERE effective_us <= v.state_us), 0)
         ON CONFLICT (node, name) DO NOTHING";
    TARGET_AGAIN = "UPDATE standard_target SET state = 1, state_us = $1, failing_since_us = NULL WHERE name = $2 AND state = 4";
    TARGET_NEXT =
        "SELECT node, name, state, state_us, attempts, failing_since_us, answer FROM standard_target
         WHERE node = $1 AND state < 3 ORDER BY published_us, name LIMIT 1";
    TARGET_SENT = "UPDATE standard_target SET state = 2, state_us = $1, attempts = attempts + 1 WHERE node = $2 AND name = $3 AND state < 3";
    TARGET_FAILED =
        "UPDATE standard_target SET state = 1, state_us = $1, failing_since_us = COALESCE(failing_since_us, $1) WHERE node = $2 AND name = $3 AND state < 3";
    TARGET_ANSWERED =
        "UPDATE standard_target SET state = $1, state_us = $2, failing_since_us = NULL, answer = $3 WHERE node = $4 AND name = $5 AND state < 3";
    TARGET_OF_NAME =
        "SELECT node, name, state, state_us, attempts, failing_since_us, answer FROM standard_target WHERE name = $1 ORDER BY node";
}

/// Where a bundle stands with a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetState {
    /// Not sent yet, or to be sent again.
    Waiting = 1,
    /// Sent, and not answered yet.
    Sent = 2,
    /// The member has taken it.
    Acknowledged = 3,
    /// The member has refused it.
    Refused = 4,
}

impl TargetState {
    fn from_number(number: i64) -> Result<Self, StoreError> {
        let all = [Self::Waiting, Self::Sent, Self::Acknowledged, Self::Refused];
        let corrupt = || StoreError::Corrupt { table: "standard_target", what: "unknown state".into() };
        all.into_iter().find(|state| *state as i64 == number).ok_or_else(corrupt)
    }
}

/// A bundle that this gateway has published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Such as `evn-2013.1`.
    pub name: String,
    /// SHA-256 of its bytes, 64 lowercase hexadecimal digits.
    pub digest: String,
    /// Name of the key that signed it.
    pub key_id: String,
    /// When it was published.
    pub published_us: i64,
    /// From when its rules hold.
    pub effective_us: i64,
}

/// One bundle for one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The member's node.
    pub node: String,
    /// The bundle.
    pub name: String,
    /// Where it stands.
    pub state: TargetState,
    /// When the state became what it is.
    pub state_us: i64,
    /// Attempts so far.
    pub attempts: i64,
    /// Since when attempts fail.
    pub failing_since_us: Option<i64>,
    /// What the member answered, as the wire says it; empty before.
    pub answer: Vec<u8>,
}

fn published(row: &Row) -> Result<Published, StoreError> {
    Ok(Published {
        name: row.text(0)?,
        digest: row.text(1)?,
        key_id: row.text(2)?,
        published_us: row.int(3)?,
        effective_us: row.int(4)?,
    })
}

fn target(row: &Row) -> Result<Target, StoreError> {
    Ok(Target {
        node: row.text(0)?,
        name: row.text(1)?,
        state: TargetState::from_number(row.int(2)?)?,
        state_us: row.int(3)?,
        attempts: row.int(4)?,
        failing_since_us: row.int_or_null(5)?,
        answer: row.blob(6)?,
    })
}

/// A bundle to be published.
#[derive(Debug, Clone)]
pub struct Publication {
    /// What it is.
    pub standard: Published,
    /// Its bytes.
    pub bundle: Vec<u8>,
    /// Its signature document.
    pub signature: Vec<u8>,
    /// Why it must not be published unless it already was: it would be in force before anybody has it.
    pub too_late: Option<Refusal>,
}

impl GatewayStore {
    /// Publishes a bundle, with a target for each of these members. What was published before with the same content goes
    /// again to those who refused it.
    pub async fn publish_standard(
        &self,
        request: Request,
        publication: &Publication,
        nodes: &[&str],
        respond: impl FnOnce(&Published) -> Vec<u8>,
    ) -> Answer {
        let Publication { standard, bundle, signature, too_late } = publication;
        let now_us = standard.published_us;
        let mut tx = self.db.begin().await?;
        if let Some(answered) = request::find(&mut tx, [request].into_iter()).await?.get(&request.key) {
            return Ok(answered.replay(&request));
        }
        let mut known = tx.fetch_one(&PUBLISHED_ONE, values![standard.name.as_str()]).await?;
        if known.is_none() {
            if let Some(refusal) = too_late {
                return Ok(Err(refusal.clone()));
            }
            let row = values![
                standard.name.as_str(),
                standard.digest.as_str(),
                standard.key_id.as_str(),
                standard.published_us,
                standard.effective_us,
                bundle.as_slice(),
                signature.as_slice(),
            ];
            if tx.execute(&PUBLISHED_PUT, row).await? == 0 {
                // Somebody else was faster.
                known = tx.fetch_one(&PUBLISHED_ONE, values![standard.name.as_str()]).await?;
            }
        }
        let known = known.as_ref().map(published).transpose()?;
        if known.as_ref().is_some_and(|known| known.digest != standard.digest) {
            let message = format!("{} was published with another content; give it the next version", standard.name);
            return Ok(Err(Refusal::new(RefusalKind::AlreadyExists, "VERSION_EXISTS", message)));
        }
        if known.is_some() {
            tx.execute(&TARGET_AGAIN, values![now_us, standard.name.as_str()]).await?;
        }
        let standard = known.as_ref().unwrap_or(standard);
        let mut rows = Rows::of(&TARGET_PUT, nodes.len());
        for node in nodes {
            rows.push(values![*node, standard.name.as_str(), standard.published_us, now_us, Vec::<u8>::new()]);
        }
        tx.execute_rows(&TARGET_PUT, rows).await?;
        let response = respond(standard);
        let kept = request::insert(&mut tx, now_us, [(request, response.clone())].into_iter()).await?;
        if kept.is_empty() {
            return Err(StoreError::Raced);
        }
        tx.commit().await?;
        Ok(Ok(response))
    }

    /// Gives members that have joined since what holds now and what will hold.
    pub async fn target_newcomers(&self, nodes: &[&str], now_us: i64) -> Result<u64, StoreError> {
        let mut tx = self.db.begin().await?;
        let mut rows = Rows::of(&TARGET_LATE, nodes.len());
        for node in nodes {
            rows.push(values![*node, now_us, Vec::<u8>::new()]);
        }
        let new = tx.execute_rows(&TARGET_LATE, rows).await?;
        tx.commit().await?;
        Ok(new)
    }

    /// What a member is to get next.
    pub async fn next_target(&self, node: &str) -> Result<Option<Target>, StoreError> {
        self.db.fetch_one(&TARGET_NEXT, values![node]).await?.as_ref().map(target).transpose()
    }

    /// A published bundle.
    pub async fn published_standard(&self, name: &str) -> Result<Option<Published>, StoreError> {
        self.db.fetch_one(&PUBLISHED_ONE, values![name]).await?.as_ref().map(published).transpose()
    }

    /// The bytes of a published bundle and of its signature document.
    pub async fn published_bytes(&self, name: &str) -> Result<Option<(Vec<u8>, Vec<u8>)>, StoreError> {
        let row = self.db.fetch_one(&PUBLISHED_WHOLE, values![name]).await?;
        row.map(|row| Ok((row.blob(0)?, row.blob(1)?))).transpose()
    }

    /// Published bundles, newest first, below a place, at most `limit`.
    pub async fn published_standards(
        &self,
        below: Option<(i64, &str)>,
        limit: i64,
    ) -> Result<Vec<Published>, StoreError> {
        let (published_us, name) = below.unwrap_or((i64::MAX, ""));
        self.db.fetch(&PUBLISHED_NEWEST, values![published_us, name, limit]).await?.iter().map(published).collect()
    }

    /// Where a bundle stands with each member that is to get it.
    pub async fn targets_of(&self, name: &str) -> Result<Vec<Target>, StoreError> {
        self.db.fetch(&TARGET_OF_NAME, values![name]).await?.iter().map(target).collect()
    }

    /// It is being sent.
    pub async fn target_sent(&self, lease: &Lease, target: &Target, now_us: i64) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        lease::fence(&mut tx, lease).await?;
        tx.execute(&TARGET_SENT, values![now_us, target.node.as_str(), target.name.as_str()]).await?;
        tx.commit().await
    }

    /// It could not be sent, or nobody knows whether it arrived; it is sent again.
    pub async fn target_failed(&self, lease: &Lease, target: &Target, now_us: i64) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        lease::fence(&mut tx, lease).await?;
        tx.execute(&TARGET_FAILED, values![now_us, target.node.as_str(), target.name.as_str()]).await?;
        tx.commit().await
    }

    /// The member has answered, and this target is done.
    pub async fn target_answered(
        &self,
        lease: &Lease,
        target: &Target,
        state: TargetState,
        answer: &[u8],
        now_us: i64,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        lease::fence(&mut tx, lease).await?;
        let row = values![state as i64, now_us, answer, target.node.as_str(), target.name.as_str()];
        tx.execute(&TARGET_ANSWERED, row).await?;
        tx.commit().await
    }

    /// Forgets answers to mutations older than `before_us`, one page of keys at a time; returns where to go on, `None` at
    /// the end.
    pub async fn expire_requests(&self, after: Uuid, page: i64, before_us: i64) -> Result<Option<Uuid>, StoreError> {
        request::expire(&self.db, after, page, before_us).await
    }
}
