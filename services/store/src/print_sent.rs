//! The log of printed outputs that somebody has sent.

use gridcare_domain::notice::NoticeChannel;
use uuid::Uuid;

use crate::{
    NodeStore, StoreError,
    db::Row,
    request::{self, Request},
    statement::{statements, values},
    writer::Answer,
};

statements! {
    PRINT_SENT_PUT =
        "INSERT INTO notice_print_sent (id, notice_id, revision, output, recipient, sent_us, author) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    PRINT_SENT_OF =
        "SELECT revision, output, recipient, sent_us, author FROM notice_print_sent WHERE notice_id = $1 ORDER BY sent_us, id LIMIT 10000";
}

/// A deadlock or a race is run again this often.
const RETRIES: usize = 3;

/// An entry of the log of what was sent by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrintSent {
    /// Of which revision.
    pub revision: i64,
    /// What.
    pub output: NoticeChannel,
    /// To whom; personal.
    pub recipient: String,
    /// When, microseconds since 1970.
    pub sent_us: i64,
    /// Who says so.
    pub author: String,
}

impl NodeStore {
    /// Keeps that a printed output was sent, once for each request.
    pub async fn record_print_sent(
        &self,
        request: Request,
        now_us: i64,
        id: Uuid,
        notice_id: Uuid,
        sent: &PrintSent,
        response: &[u8],
    ) -> Answer {
        let mut tries = 0;
        loop {
            match self.record_print_sent_once(request, now_us, id, notice_id, sent, response).await {
                Err(e) if e.is_transient() && tries < RETRIES => tries += 1,
                outcome => return outcome,
            }
        }
    }

    async fn record_print_sent_once(
        &self,
        request: Request,
        now_us: i64,
        id: Uuid,
        notice_id: Uuid,
        sent: &PrintSent,
        response: &[u8],
    ) -> Answer {
        let mut tx = self.db.begin().await?;
        if let Some(answered) = request::find(&mut tx, [request].into_iter()).await?.get(&request.key) {
            return Ok(answered.replay(&request));
        }
        let row = values![
            id,
            notice_id,
            sent.revision,
            sent.output.number(),
            sent.recipient.as_str(),
            sent.sent_us,
            sent.author.as_str()
        ];
        tx.execute(&PRINT_SENT_PUT, row).await?;
        if !request::answer(&mut tx, request, now_us, response).await? {
            return Err(StoreError::Raced);
        }
        tx.commit().await?;
        Ok(Ok(response.to_vec()))
    }

    /// What was sent by hand of a notice, in the order of its times; at most 10,000 entries.
    pub async fn prints_sent(&self, notice_id: Uuid) -> Result<Vec<PrintSent>, StoreError> {
        let unknown = || StoreError::Corrupt { table: "notice_print_sent", what: "unknown output".into() };
        let sent = |row: &Row| {
            let output = NoticeChannel::from_number(row.int(1)?).ok_or_else(unknown)?;
            let (revision, recipient, sent_us, author) = (row.int(0)?, row.text(2)?, row.int(3)?, row.text(4)?);
            Ok(PrintSent { revision, output, recipient, sent_us, author })
        };
        self.db.fetch(&PRINT_SENT_OF, values![notice_id]).await?.iter().map(sent).collect()
    }
}
