use gridcare_domain::{
    acknowledgement::{Acknowledgement, StandardStatus, Turn, statuses},
    feed::Change,
};
use uuid::Uuid;

use crate::{
    Committed, NodeStore, StoreError,
    db::{Row, Tx},
    feed,
    lease::{self, Lease},
    request::{self, Request},
    statement::{Rows, statements, values},
    writer::Answer,
};

statements! {
    // Taken first by whoever changes what is said, so that they come one after the other.
    STANDARD_TURN = "UPDATE standard_head SET revision = revision + 1 WHERE one = 1";
    STANDARD_TURN_STILL = "UPDATE standard_head SET revision = revision WHERE one = 1 AND revision = $1";
    STANDARD_REVISION = "SELECT revision FROM standard_head WHERE one = 1";
    STANDARD_PUT [digest Text, name Text, status Int, status_us Int, reasons Text, verdict Blob, published_us Int, received_us Int, effective_us Int,
                  superseded_us Int, revision Int, rebased Int, bundle Blob, signature Blob, overlay Text] =
        "INSERT INTO standard (digest, name, status, status_us, reasons, verdict, published_us, received_us, effective_us, superseded_us, revision, rebased, bundle, signature, overlay)
         SELECT digest, name, status, status_us, reasons, verdict, published_us, received_us, effective_us, superseded_us, revision, rebased, bundle, signature, overlay FROM v WHERE true
         ON CONFLICT (digest) DO UPDATE SET name = excluded.name, status = excluded.status, status_us = excluded.status_us, reasons = excluded.reasons,
             verdict = excluded.verdict, published_us = excluded.published_us, received_us = excluded.received_us, effective_us = excluded.effective_us,
             superseded_us = excluded.superseded_us, revision = excluded.revision, rebased = excluded.rebased, signature = excluded.signature, overlay = excluded.overlay";
    STANDARD_SETTLE [digest Text, status Int, status_us Int, superseded_us Int, revision Int, rebased Int] =
        "UPDATE standard SET status = v.status, status_us = v.status_us, superseded_us = v.superseded_us, revision = v.revision, rebased = v.rebased
         FROM v WHERE standard.digest = v.digest";
    STANDARD_TIGHTEN = "UPDATE standard SET overlay = $1, rebased = 0 WHERE status IN (1, 2) AND overlay <> $1";
    OVERLAY_PUT = "INSERT INTO standard_overlay (name, yaml, since_us) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING";
    OVERLAY_LIST = "SELECT name, yaml FROM standard_overlay ORDER BY since_us, name";
    STANDARD_REBASED = "UPDATE standard SET rebased = 1 WHERE digest = $1";
    STANDARD_ACCEPTED =
        "SELECT digest, name, status, status_us, reasons, verdict, published_us, received_us, effective_us, superseded_us, revision, rebased
         FROM standard WHERE status IN (1, 2, 4) ORDER BY effective_us, published_us, name";
    STANDARD_ACCEPTED_WHOLE =
        "SELECT digest, name, status, status_us, reasons, verdict, published_us, received_us, effective_us, superseded_us, revision, rebased, bundle, signature, overlay
         FROM standard WHERE status IN (1, 2, 4) ORDER BY effective_us, published_us, name";
    STANDARD_OF_DIGEST =
        "SELECT digest, name, status, status_us, reasons, verdict, published_us, received_us, effective_us, superseded_us, revision, rebased
         FROM standard WHERE digest = $1";
    // The accepted one if there is one, else what was refused last under this name.
    STANDARD_OF_NAME =
        "SELECT digest, name, status, status_us, reasons, verdict, published_us, received_us, effective_us, superseded_us, revision, rebased, bundle, signature, overlay
         FROM standard WHERE name = $1 ORDER BY CASE WHEN status = 3 THEN 1 ELSE 0 END, received_us DESC LIMIT 1";
    STANDARD_NEWEST =
        "SELECT digest, name, status, status_us, reasons, verdict, published_us, received_us, effective_us, superseded_us, revision, rebased
         FROM standard WHERE (received_us, digest) < ($1, $2) ORDER BY received_us DESC, digest DESC LIMIT $3";
    STANDARD_PAGE =
        "SELECT digest, name, status, status_us, reasons, verdict, published_us, received_us, effective_us, superseded_us, revision, rebased
         FROM standard WHERE digest > $1 ORDER BY digest LIMIT $2";
}

/// A bundle as this node has it, and what it says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredStandard {
    /// SHA-256 of its bytes, 64 lowercase hexadecimal digits.
    pub digest: String,
    /// Such as `evn-2013.1`; empty when it could not be read.
    pub name: String,
    /// What it is.
    pub status: StandardStatus,
    /// When the status became what it is.
    pub status_us: i64,
    /// Stable reasons of a refusal.
    pub reasons: Vec<String>,
    /// Everything that was found, as the wire says it.
    pub verdict: Vec<u8>,
    /// When its publisher published it.
    pub published_us: i64,
    /// When it came here.
    pub received_us: i64,
    /// From when its rules hold; `None` when it could not be read.
    pub effective_us: Option<i64>,
    /// Until when it was in force, once it is superseded.
    pub superseded_us: Option<i64>,
    /// Grows with every change of what is said of it.
    pub revision: i64,
    /// Whether open clocks run under it, as far as it is in force.
    pub rebased: bool,
}

/// The same with what it consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WholeStandard {
    /// What is said of it.
    pub standard: StoredStandard,
    /// Its bytes.
    pub bundle: Vec<u8>,
    /// Its signature document; empty for the one that the node began with.
    pub signature: Vec<u8>,
    /// What this node tightens in it: the name of an overlay, or empty.
    pub overlay: String,
}

/// What a node tightens in standards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredOverlay {
    /// Such as `hcmc-fast.1`.
    pub name: String,
    /// Its text.
    pub yaml: String,
}

/// Everything that a node may have decided under.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AcceptedStandards {
    /// Grows with every change of what is said of bundles.
    pub revision: i64,
    /// Accepted bundles by the time from which they hold.
    pub standards: Vec<WholeStandard>,
    /// What was tightened at any time, oldest first.
    pub overlays: Vec<StoredOverlay>,
}

impl StoredStandard {
    /// What the country learns of it.
    #[must_use]
    pub fn acknowledgement(&self) -> Acknowledgement {
        Acknowledgement {
            standard: self.name.clone(),
            status: self.status,
            reasons: self.reasons.clone(),
            digest: self.digest.clone(),
            at_us: self.status_us,
            version: self.revision,
        }
    }

    /// What decides when it is in force, once it is accepted.
    #[must_use]
    pub fn turn(&self) -> Turn {
        Turn {
            effective_us: self.effective_us.unwrap_or(i64::MAX),
            published_us: self.published_us,
            standard: self.name.clone(),
        }
    }
}

pub(crate) fn read(row: &Row) -> Result<StoredStandard, StoreError> {
    let corrupt = || StoreError::Corrupt { table: "standard", what: "unknown status".into() };
    Ok(StoredStandard {
        digest: row.text(0)?,
        name: row.text(1)?,
        status: StandardStatus::from_number(row.int(2)?).ok_or_else(corrupt)?,
        status_us: row.int(3)?,
        reasons: row.text(4)?.split_whitespace().map(str::to_owned).collect(),
        verdict: row.blob(5)?,
        published_us: row.int(6)?,
        received_us: row.int(7)?,
        effective_us: row.int_or_null(8)?,
        superseded_us: row.int_or_null(9)?,
        revision: row.int(10)?,
        rebased: row.int(11)? != 0,
    })
}

fn read_whole(row: &Row) -> Result<WholeStandard, StoreError> {
    Ok(WholeStandard { standard: read(row)?, bundle: row.blob(12)?, signature: row.blob(13)?, overlay: row.text(14)? })
}

fn read_overlay(row: &Row) -> Result<StoredOverlay, StoreError> {
    Ok(StoredOverlay { name: row.text(0)?, yaml: row.text(1)? })
}

async fn put(tx: &mut Tx, whole: &WholeStandard) -> Result<(), StoreError> {
    let WholeStandard { standard, bundle, signature, overlay } = whole;
    let mut rows = Rows::of(&STANDARD_PUT, 1);
    rows.push(values![
        standard.digest.as_str(),
        standard.name.as_str(),
        standard.status.number(),
        standard.status_us,
        standard.reasons.join(" "),
        standard.verdict.as_slice(),
        standard.published_us,
        standard.received_us,
        standard.effective_us,
        standard.superseded_us,
        standard.revision,
        i64::from(standard.rebased),
        bundle.as_slice(),
        signature.as_slice(),
        overlay.as_str(),
    ]);
    tx.execute_rows(&STANDARD_PUT, rows).await.map(drop)
}

/// Gives every accepted bundle the status that it has at `now_us`; returns those that changed. Clocks are owed the rules
/// of whatever holds from now on, and of everything from `late_us` on, where a late bundle took its place.
async fn settle(tx: &mut Tx, now_us: i64, late_us: Option<i64>) -> Result<Vec<StoredStandard>, StoreError> {
    let mut accepted = tx.fetch(&STANDARD_ACCEPTED, vec![]).await?.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let turns: Vec<_> = accepted.iter().map(StoredStandard::turn).collect();
    let (mut rows, mut changed) = (Rows::of(&STANDARD_SETTLE, accepted.len()), Vec::new());
    for (standard, (status, superseded_us)) in accepted.iter_mut().zip(statuses(&turns, now_us)) {
        let said_otherwise = standard.status != status || standard.superseded_us != superseded_us;
        let owed = late_us.is_some_and(|late| standard.effective_us >= Some(late)) && standard.rebased;
        if !said_otherwise && !owed {
            continue;
        }
        if standard.status != status {
            standard.status_us = now_us;
        }
        (standard.status, standard.superseded_us) = (status, superseded_us);
        standard.rebased &= !owed;
        standard.revision += i64::from(said_otherwise);
        rows.push(values![
            standard.digest.as_str(),
            status.number(),
            standard.status_us,
            superseded_us,
            standard.revision,
            i64::from(standard.rebased),
        ]);
        if said_otherwise {
            changed.push(standard.clone());
        }
    }
    if !rows.is_empty() {
        tx.execute_rows(&STANDARD_SETTLE, rows).await?;
    }
    Ok(changed)
}

/// What is said of bundles, in the order of their digests, for snapshots.
pub(crate) async fn page_in(tx: &mut Tx, after: &str, limit: i64) -> Result<Vec<StoredStandard>, StoreError> {
    tx.fetch(&STANDARD_PAGE, values![after, limit]).await?.iter().map(read).collect()
}

impl NodeStore {
    /// Begins with a bundle where there is none yet, and keeps what the node tightens now in whatever is in force or
    /// waits; what has been superseded stays as it was decided under. `false` when an overlay of this name was kept with
    /// another text, and then nothing has changed.
    pub async fn begin_standards(
        &self,
        initial: &WholeStandard,
        overlay: Option<&StoredOverlay>,
        now_us: i64,
        batch_id: Uuid,
        change: impl Fn(&StoredStandard) -> Change,
    ) -> Result<bool, StoreError> {
        let mut tx = self.db.begin().await?;
        tx.execute(&STANDARD_TURN, vec![]).await?;
        let mut told = Vec::new();
        let mut kept = 0;
        if let Some(StoredOverlay { name, yaml }) = overlay {
            kept = tx.execute(&OVERLAY_PUT, values![name.as_str(), yaml.as_str(), now_us]).await?;
            let known =
                tx.fetch(&OVERLAY_LIST, vec![]).await?.iter().map(read_overlay).collect::<Result<Vec<_>, _>>()?;
            if known.iter().any(|known| known.name == *name && known.yaml != *yaml) {
                tx.rollback().await?;
                return Ok(false);
            }
        }
        if tx.fetch(&STANDARD_ACCEPTED, vec![]).await?.is_empty() {
            put(&mut tx, initial).await?;
            told.push(change(&initial.standard));
        }
        let name = overlay.map_or("", |overlay| overlay.name.as_str());
        let tightened = tx.execute(&STANDARD_TIGHTEN, values![name]).await?;
        if told.is_empty() && tightened == 0 && kept == 0 {
            tx.rollback().await?;
            return Ok(true);
        }
        let feed = !told.is_empty();
        feed::append(&mut tx, batch_id, now_us, told).await?;
        tx.commit().await?;
        if feed {
            self.writer.committed(Committed { feed, contacts: false });
        }
        Ok(true)
    }

    /// Keeps a bundle that was offered, with what was decided of it and its feed entries. What stands accepted already is
    /// answered again; what was refused before is decided anew. `twin` refuses another content of an accepted version.
    #[expect(clippy::too_many_arguments, reason = "one transaction, and what each part of it needs")]
    pub async fn offer_standard(
        &self,
        request: Request,
        mut offered: WholeStandard,
        now_us: i64,
        batch_id: Uuid,
        twin: impl FnOnce(&mut StoredStandard, &StoredStandard),
        change: impl Fn(&StoredStandard) -> Change,
        respond: impl FnOnce(&StoredStandard) -> Vec<u8>,
    ) -> Answer {
        let mut tx = self.db.begin().await?;
        tx.execute(&STANDARD_TURN, vec![]).await?;
        if let Some(answered) = request::find(&mut tx, [request].into_iter()).await?.get(&request.key) {
            return Ok(answered.replay(&request));
        }
        let known = tx.fetch_one(&STANDARD_OF_DIGEST, values![offered.standard.digest.as_str()]).await?;
        let known = known.as_ref().map(read).transpose()?;
        let mut changed = Vec::new();
        let standing = match known {
            Some(known) if known.status != StandardStatus::Refused => known,
            known => {
                if offered.standard.status != StandardStatus::Refused {
                    let named = tx.fetch_one(&STANDARD_OF_NAME, values![offered.standard.name.as_str()]).await?;
                    let named = named.as_ref().map(read).transpose()?;
                    if let Some(accepted) = named.filter(|named| named.status != StandardStatus::Refused) {
                        twin(&mut offered.standard, &accepted);
                    }
                }
                offered.standard.revision = known.map_or(0, |known| known.revision) + 1;
                put(&mut tx, &offered).await?;
                if offered.standard.status != StandardStatus::Refused {
                    changed = settle(&mut tx, now_us, offered.standard.effective_us).await?;
                }
                if !changed.iter().any(|standard| standard.digest == offered.standard.digest) {
                    changed.push(offered.standard.clone());
                }
                let settled = changed.iter().find(|standard| standard.digest == offered.standard.digest);
                settled.cloned().unwrap_or(offered.standard)
            }
        };
        let response = respond(&standing);
        request::insert(&mut tx, now_us, [(request, response.clone())].into_iter()).await?;
        let feed = !changed.is_empty();
        feed::append(&mut tx, batch_id, now_us, changed.iter().map(change).collect()).await?;
        tx.commit().await?;
        if feed {
            self.writer.committed(Committed { feed, contacts: false });
        }
        Ok(Ok(response))
    }

    /// Lets every bundle whose time has come take effect; returns those whose status changed. Of several processes that
    /// try, the first changes them and the others find nothing to do.
    pub async fn settle_standards(
        &self,
        now_us: i64,
        batch_id: Uuid,
        change: impl Fn(&StoredStandard) -> Change,
    ) -> Result<Vec<StoredStandard>, StoreError> {
        let mut tx = self.db.begin().await?;
        tx.execute(&STANDARD_TURN, vec![]).await?;
        let changed = settle(&mut tx, now_us, None).await?;
        if changed.is_empty() {
            tx.rollback().await?;
            return Ok(changed);
        }
        feed::append(&mut tx, batch_id, now_us, changed.iter().map(change).collect()).await?;
        tx.commit().await?;
        self.writer.committed(Committed { feed: true, contacts: false });
        Ok(changed)
    }

    /// Notes that open clocks run under this bundle, unless anything was said since `revision` was read. Whether it was
    /// noted.
    pub async fn standard_rebased(&self, lease: &Lease, digest: &str, revision: i64) -> Result<bool, StoreError> {
        let mut tx = self.db.begin().await?;
        lease::fence(&mut tx, lease).await?;
        if tx.execute(&STANDARD_TURN_STILL, values![revision]).await? == 0 {
            tx.rollback().await?;
            return Ok(false);
        }
        tx.execute(&STANDARD_REBASED, values![digest]).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Grows with every change of what is said of bundles.
    pub async fn standard_revision(&self) -> Result<i64, StoreError> {
        let row = self.db.fetch_one(&STANDARD_REVISION, vec![]).await?;
        row.map(|row| row.int(0)).transpose().map(Option::unwrap_or_default)
    }

    /// All accepted bundles by the time from which they hold, and all overlays, at one revision.
    pub async fn accepted_standards(&self) -> Result<AcceptedStandards, StoreError> {
        let mut tx = self.db.snapshot().await?;
        let revision = tx.fetch_one(&STANDARD_REVISION, vec![]).await?.map(|row| row.int(0)).transpose()?;
        let standards = tx.fetch(&STANDARD_ACCEPTED_WHOLE, vec![]).await?;
        let overlays = tx.fetch(&OVERLAY_LIST, vec![]).await?;
        Ok(AcceptedStandards {
            revision: revision.unwrap_or_default(),
            standards: standards.iter().map(read_whole).collect::<Result<_, _>>()?,
            overlays: overlays.iter().map(read_overlay).collect::<Result<_, _>>()?,
        })
    }

    /// The accepted bundle of this version, else the one that was refused last.
    pub async fn standard(&self, name: &str) -> Result<Option<WholeStandard>, StoreError> {
        self.db.fetch_one(&STANDARD_OF_NAME, values![name]).await?.as_ref().map(read_whole).transpose()
    }

    /// Bundles as they were received, newest first, below a place, at most `limit`.
    pub async fn standards(&self, below: Option<(i64, &str)>, limit: i64) -> Result<Vec<StoredStandard>, StoreError> {
        let (received_us, digest) = below.unwrap_or((i64::MAX, ""));
        self.db.fetch(&STANDARD_NEWEST, values![received_us, digest, limit]).await?.iter().map(read).collect()
    }
}
