use uuid::Uuid;

use super::{
    GatewayStore,
    notice_target::{self, Handed},
    proof::{self, NATIONAL, ProofEntry},
};
use crate::{
    StoreError,
    db::{Row, Tx},
    request::{self, Request},
    statement::{Rows, statements, values},
    writer::Answer,
};

statements! {
    NATIONAL_NOTICE_NEW =
        "INSERT INTO national_notice (id, version, incident, created_us, expires_us, ended, state)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING";
    NATIONAL_NOTICE_SAVE =
        "UPDATE national_notice SET version = $1, expires_us = $2, ended = $3, state = $4 WHERE id = $5 AND version = $6";
    NATIONAL_NOTICE_ONE =
        "SELECT id, version, incident, created_us, expires_us, ended, state FROM national_notice WHERE id = $1";
    NATIONAL_NOTICE_KNOWN [id Uuid] = "SELECT n.id FROM national_notice AS n JOIN v ON v.id = n.id";
    NATIONAL_NOTICE_NEWEST =
        "SELECT id, version, incident, created_us, expires_us, ended, state FROM national_notice
         WHERE created_us <= $1 AND (created_us < $1 OR id < $2) ORDER BY created_us DESC, id DESC LIMIT $3";
    NATIONAL_NOTICE_OF_INCIDENT =
        "SELECT id, version, incident, created_us, expires_us, ended, state FROM national_notice
         WHERE incident = $1 AND created_us <= $2 AND (created_us < $2 OR id < $3) ORDER BY created_us DESC, id DESC LIMIT $4";
    NATIONAL_NOTICE_TOLD =
        "SELECT id, version, incident, created_us, expires_us, ended, state FROM national_notice WHERE expires_us > $1
         ORDER BY expires_us DESC LIMIT $2";
    NATIONAL_REVISION_PUT =
        "INSERT INTO national_revision (notice_id, number, published_us, expires_us, regions, landing) VALUES ($1, $2, $3, $4, $5, $6)";
    NATIONAL_REVISION_LANDING = "SELECT landing FROM national_revision WHERE notice_id = $1 AND number = $2";
    NATIONAL_PRINT_PUT =
        "INSERT INTO print_sent (notice_id, id, revision, output, recipient, sent_us, author) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    NATIONAL_PRINT_OF =
        "SELECT id, revision, output, recipient, sent_us, author FROM print_sent WHERE notice_id = $1 ORDER BY sent_us, id";
}

/// A notice of the nation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NationalNotice {
    /// `UUIDv7`.
    pub id: Uuid,
    /// Grows by one with every change.
    pub version: i64,
    /// The incident that it is about.
    pub incident: String,
    /// When it was first written, microseconds since 1970.
    pub created_us: i64,
    /// After this the public is not told any more; none before anything of it is published.
    pub expires_us: Option<i64>,
    /// Its newest published revision ends it.
    pub ended: bool,
    /// The notice as the wire shows it.
    pub state: Vec<u8>,
}

/// A revision that is published with a change of its notice.
#[derive(Debug, Clone)]
pub struct PublishedRevision<'a> {
    /// Its number.
    pub number: i64,
    /// When it was published.
    pub published_us: i64,
    /// After this nobody is told any more.
    pub expires_us: i64,
    /// Codes of the regions whose members are to get it, also those that join later; none: all.
    pub regions: &'a [String],
    /// What members are handed, as the wire carries it.
    pub landing: Vec<u8>,
    /// The members that are to get it.
    pub nodes: &'a [&'a str],
}

/// A change of a national notice, with all that follows from it.
#[derive(Debug)]
pub struct NoticeSave<'a> {
    /// The version on which it was decided; none for a new notice.
    pub before: Option<i64>,
    /// The notice afterwards.
    pub notice: &'a NationalNotice,
    /// What is published with it, if something is.
    pub published: Option<PublishedRevision<'a>>,
    /// What its proof says of it.
    pub entries: Vec<ProofEntry>,
    /// When, microseconds since 1970.
    pub now_us: i64,
}

/// Somebody says that a printed output was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrintSent {
    /// `UUIDv7`.
    pub id: Uuid,
    /// What was sent.
    pub revision: i64,
    /// The channel's number.
    pub output: i64,
    /// To whom.
    pub recipient: String,
    /// When, microseconds since 1970.
    pub sent_us: i64,
    /// Who says so.
    pub author: String,
}

/// Which notices a page of a list has.
#[derive(Debug, Clone, Copy)]
pub struct NoticePage<'a> {
    /// Those of one incident alone.
    pub incident: Option<&'a str>,
    /// The place of the last one of the page before: when it was first written, and its id.
    pub after: Option<(i64, Uuid)>,
    /// How many at most.
    pub limit: usize,
}

fn read(row: &Row) -> Result<NationalNotice, StoreError> {
    Ok(NationalNotice {
        id: row.uuid(0)?,
        version: row.int(1)?,
        incident: row.text(2)?,
        created_us: row.int(3)?,
        expires_us: row.int_or_null(4)?,
        ended: row.int(5)? != 0,
        state: row.blob(6)?,
    })
}

/// Which of these are the nation's.
pub(super) async fn known(tx: &mut Tx, ids: impl ExactSizeIterator<Item = Uuid>) -> Result<Vec<Uuid>, StoreError> {
    let mut rows = Rows::of(&NATIONAL_NOTICE_KNOWN, ids.len());
    for id in ids {
        rows.push(values![id]);
    }
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    tx.fetch_rows(&NATIONAL_NOTICE_KNOWN, rows).await?.iter().map(|row| row.uuid(0)).collect()
}

impl GatewayStore {
    /// The answer that was given to this request before.
    pub async fn answered(&self, request: Request) -> Result<Option<Answer>, StoreError> {
        let mut tx = self.db.snapshot().await?;
        let found = request::find(&mut tx, [request].into_iter()).await?;
        Ok(found.get(&request.key).map(|answered| Ok(answered.replay(&request))))
    }

    /// Keeps a change of a national notice, the targets of what is published with it, its proof and the answer, all or
    /// nothing. [`StoreError::Raced`] when the notice is another one meanwhile, or the request was answered: decide anew.
    pub async fn save_notice(&self, request: Request, save: NoticeSave<'_>, response: &[u8]) -> Result<(), StoreError> {
        let NoticeSave { before, notice, published, entries, now_us } = save;
        let mut tx = self.db.begin().await?;
        if !request::answer(&mut tx, request, now_us, response).await? {
            return Err(StoreError::Raced);
        }
        let (ended, state) = (i64::from(notice.ended), notice.state.as_slice());
        let kept = match before {
            None => {
                let incident = notice.incident.as_str();
                let row =
                    values![notice.id, notice.version, incident, notice.created_us, notice.expires_us, ended, state];
                tx.execute(&NATIONAL_NOTICE_NEW, row).await?
            }
            Some(before) => {
                let row = values![notice.version, notice.expires_us, ended, state, notice.id, before];
                tx.execute(&NATIONAL_NOTICE_SAVE, row).await?
            }
        };
        if kept == 0 {
            return Err(StoreError::Raced);
        }
        if let Some(revision) = published {
            let PublishedRevision { number, published_us, expires_us, regions, landing, nodes } = revision;
            let regions = if regions.is_empty() { String::new() } else { format!("|{}|", regions.join("|")) };
            let row = values![notice.id, number, published_us, expires_us, regions, landing];
            tx.execute(&NATIONAL_REVISION_PUT, row).await?;
            let handed = Handed { notice_id: notice.id, revision: number, published_us, expires_us };
            notice_target::put(&mut tx, &handed, nodes, now_us).await?;
        }
        proof::append(&mut tx, NATIONAL, notice.id, &entries).await?;
        tx.commit().await
    }

    /// A national notice.
    pub async fn national_notice(&self, id: Uuid) -> Result<Option<NationalNotice>, StoreError> {
        self.db.fetch_one(&NATIONAL_NOTICE_ONE, values![id]).await?.as_ref().map(read).transpose()
    }

    /// A page of national notices, whatever their state, the last written first.
    pub async fn national_notices(&self, page: NoticePage<'_>) -> Result<Vec<NationalNotice>, StoreError> {
        let (created_us, id) = page.after.unwrap_or((i64::MAX, Uuid::max()));
        let limit = i64::try_from(page.limit).unwrap_or(i64::MAX);
        let rows = match page.incident {
            None => self.db.fetch(&NATIONAL_NOTICE_NEWEST, values![created_us, id, limit]).await?,
            Some(incident) => {
                self.db.fetch(&NATIONAL_NOTICE_OF_INCIDENT, values![incident, created_us, id, limit]).await?
            }
        };
        rows.iter().map(read).collect()
    }

    /// National notices of which something is published that has not expired, the last to expire first.
    pub async fn notices_told(&self, now_us: i64, limit: usize) -> Result<Vec<NationalNotice>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.db.fetch(&NATIONAL_NOTICE_TOLD, values![now_us, limit]).await?.iter().map(read).collect()
    }

    /// What members are handed of a published revision, as the wire carries it.
    pub async fn landing(&self, notice_id: Uuid, number: i64) -> Result<Option<Vec<u8>>, StoreError> {
        let row = self.db.fetch_one(&NATIONAL_REVISION_LANDING, values![notice_id, number]).await?;
        row.map(|row| row.blob(0)).transpose()
    }

    /// Keeps that a printed output was sent, with the answer; [`StoreError::Raced`] when the request was answered meanwhile.
    pub async fn record_print(
        &self,
        request: Request,
        notice_id: Uuid,
        sent: &PrintSent,
        now_us: i64,
        response: &[u8],
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        if !request::answer(&mut tx, request, now_us, response).await? {
            return Err(StoreError::Raced);
        }
        let PrintSent { id, revision, output, recipient, sent_us, author } = sent;
        let row = values![notice_id, *id, *revision, *output, recipient.as_str(), *sent_us, author.as_str()];
        tx.execute(&NATIONAL_PRINT_PUT, row).await?;
        tx.commit().await
    }

    /// What was said to be sent of a notice, the oldest first.
    pub async fn prints_sent(&self, notice_id: Uuid) -> Result<Vec<PrintSent>, StoreError> {
        let sent = |row: &Row| {
            Ok(PrintSent {
                id: row.uuid(0)?,
                revision: row.int(1)?,
                output: row.int(2)?,
                recipient: row.text(3)?,
                sent_us: row.int(4)?,
                author: row.text(5)?,
            })
        };
        self.db.fetch(&NATIONAL_PRINT_OF, values![notice_id]).await?.iter().map(sent).collect()
    }
}
