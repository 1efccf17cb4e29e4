use std::collections::HashMap;

use gridcare_domain::refusal::{Refusal, RefusalKind};
use uuid::Uuid;

use crate::{
    NodeStore, StoreError,
    db::{Db, Tx},
    statement::{Rows, statements, values},
};

statements! {
    REQUEST_INSERT [key Uuid, body Uuid, created_us Int, response Blob] =
        "INSERT INTO request (key, body, created_us, response)
         SELECT key, body, created_us, response FROM v WHERE true
         ON CONFLICT (key) DO NOTHING RETURNING key";
    REQUEST_FIND [key Uuid] =
        "SELECT request.key, request.body, request.response FROM request JOIN v ON v.key = request.key";
    REQUEST_EXPIRE = "DELETE FROM request WHERE key > $1 AND key <= $2 AND created_us < $3";
    REQUEST_PAGE = "SELECT key FROM request WHERE key > $1 ORDER BY key LIMIT $2";
}

/// A mutation's identity: who asked for what, under which id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Hash of principal, method and request id.
    pub key: Uuid,
    /// Hash of the body; the same id with another body is refused.
    pub body: Uuid,
}

impl Request {
    /// The request of the product itself: nobody asks for its answer again, and none is kept.
    #[must_use]
    pub const fn of_our_own(key: Uuid) -> Self {
        Self { key, body: Uuid::nil() }
    }

    pub(crate) const fn is_kept(&self) -> bool {
        !self.body.is_nil()
    }
}
/// Stands for an answer that was erased with a customer's data. No message is encoded so.
pub(crate) const ERASED: &[u8] = &[0xff];

/// A stored answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answered {
    body: Uuid,
    response: Vec<u8>,
}

impl Answered {
    /// The stored response, when the body is the same.
    pub(crate) fn replay(&self, request: &Request) -> Result<Vec<u8>, Refusal> {
        if self.body == request.body && self.response == ERASED {
            let message =
                "this was carried out, and its answer was erased with the customer's data; read what it concerns anew";
            return Err(Refusal::new(RefusalKind::Precondition, "ANSWER_ERASED", message));
        }
        if self.body == request.body {
            return Ok(self.response.clone());
        }
        Err(Refusal::new(
            RefusalKind::AlreadyExists,
            "REQUEST_ID_REUSED",
            "this request_id was used with another content; use a new one for a new request",
        ))
    }
}

/// Stores responses; returns the keys that were new.
pub(crate) async fn insert(
    tx: &mut Tx,
    now_us: i64,
    answers: impl ExactSizeIterator<Item = (Request, Vec<u8>)>,
) -> Result<Vec<Uuid>, StoreError> {
    let mut rows = Rows::of(&REQUEST_INSERT, answers.len());
    for (request, response) in answers {
        rows.push(values![request.key, request.body, now_us, response]);
    }
    tx.fetch_rows(&REQUEST_INSERT, rows).await?.iter().map(|row| row.uuid(0)).collect()
}

/// Stores the answer of a mutation; false when the request was answered meanwhile, and then nothing may be kept.
pub(crate) async fn answer(tx: &mut Tx, request: Request, now_us: i64, response: &[u8]) -> Result<bool, StoreError> {
    let new = insert(tx, now_us, [(request, response.to_vec())].into_iter()).await?;
    Ok(!new.is_empty())
}

/// The stored answers of these requests.
pub(crate) async fn find(
    tx: &mut Tx,
    requests: impl ExactSizeIterator<Item = Request>,
) -> Result<HashMap<Uuid, Answered>, StoreError> {
    let mut rows = Rows::of(&REQUEST_FIND, requests.len());
    for request in requests {
        rows.push(values![request.key]);
    }
    let found = tx.fetch_rows(&REQUEST_FIND, rows).await?;
    found.iter().map(|row| Ok((row.uuid(0)?, Answered { body: row.uuid(1)?, response: row.blob(2)? }))).collect()
}

impl NodeStore {
    /// The answer that was given to this request before: its bytes, or a refusal when the body differs.
    pub async fn answered(&self, request: Request) -> Result<Option<Result<Vec<u8>, Refusal>>, StoreError> {
        let mut tx = self.db.snapshot().await?;
        let found = find(&mut tx, [request].into_iter()).await?;
        Ok(found.get(&request.key).map(|answered| answered.replay(&request)))
    }

    /// Forgets answers older than `before_us`, one page of keys at a time; returns where to go on, `None` at the end.
    pub async fn expire_requests(&self, after: Uuid, page: i64, before_us: i64) -> Result<Option<Uuid>, StoreError> {
        expire(&self.db, after, page, before_us).await
    }
}

/// Forgets answers older than `before_us`, one page of keys at a time; returns where to go on, `None` at the end.
pub(crate) async fn expire(db: &Db, after: Uuid, page: i64, before_us: i64) -> Result<Option<Uuid>, StoreError> {
    let keys = db.fetch(&REQUEST_PAGE, values![after, page]).await?;
    let Some(last) = keys.last() else { return Ok(None) };
    let last = last.uuid(0)?;
    let mut tx = db.begin().await?;
    tx.execute(&REQUEST_EXPIRE, values![after, last, before_us]).await?;
    tx.commit().await?;
    Ok(Some(last))
}
