use gridcare_domain::keyword::{Exchanged, Silence};
use uuid::Uuid;

use crate::{
    NodeStore, StoreError,
    request::{self, Request},
    statement::{statements, values},
    writer::Answer,
};

const MINUTE_US: i64 = 60 * 1_000_000;
/// Within this long answers to one number are counted.
const HOUR_US: i64 = 60 * MINUTE_US;
/// Within this long answers to one text of one number are counted.
const SAME_TEXT_US: i64 = 10 * MINUTE_US;
/// A deadlock or a race is run again this often.
const RETRIES: usize = 3;

statements! {
    SENDER_TOUCH =
        "INSERT INTO sms_sender (sender, at_us) VALUES ($1, $2)
         ON CONFLICT (sender) DO UPDATE SET at_us = CASE WHEN excluded.at_us > sms_sender.at_us THEN excluded.at_us ELSE sms_sender.at_us END";
    EXCHANGE_GET = "SELECT silence FROM sms_exchange WHERE id = $1";
    // `IS TRUE` keeps the time from choosing the index: a number has few rows, an hour may have many.
    EXCHANGE_COUNT =
        "SELECT CAST(COUNT(*) AS BIGINT), CAST(COALESCE(SUM(CASE WHEN text = $3 AND at_us > $4 THEN 1 ELSE 0 END), 0) AS BIGINT)
         FROM sms_exchange WHERE sender = $1 AND (at_us > $2) IS TRUE AND silence = 0";
    EXCHANGE_OWN = "SELECT silence FROM sms_exchange WHERE reply = $1 LIMIT 1";
    EXCHANGE_INSERT = "INSERT INTO sms_exchange (id, sender, at_us, text, silence) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING";
    EXCHANGE_REPLY = "UPDATE sms_exchange SET reply = $2 WHERE id = $1";
    EXCHANGE_EXPIRE = "DELETE FROM sms_exchange WHERE id IN (SELECT id FROM sms_exchange WHERE at_us < $1 ORDER BY at_us LIMIT $2)";
    SENDER_EXPIRE = "DELETE FROM sms_sender WHERE sender IN (SELECT sender FROM sms_sender WHERE at_us < $1 ORDER BY at_us LIMIT $2)";
}

/// A message that came in, as far as loops are concerned: keyed hashes, no text and no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SmsArrival {
    /// The key of its request, by which a repetition is known.
    pub id: Uuid,
    /// Who wrote.
    pub sender: Uuid,
    /// What, folded.
    pub text: Uuid,
    /// When it is judged, microseconds since 1970.
    pub at_us: i64,
}

impl NodeStore {
    /// Whether a message is answered, as `judge` says of what was exchanged with its sender before; it counts from now on. A
    /// message that was judged before keeps its judgement. Messages of one number are judged one after the other.
    pub async fn judge_sms(
        &self,
        arrival: &SmsArrival,
        judge: &(dyn Fn(&Exchanged) -> Option<Silence> + Send + Sync),
    ) -> Result<Option<Silence>, StoreError> {
        let mut tries = 0;
        loop {
            match self.judge_sms_once(arrival, judge).await {
                Err(e) if e.is_transient() && tries < RETRIES => tries += 1,
                outcome => return outcome,
            }
        }
    }

    async fn judge_sms_once(
        &self,
        arrival: &SmsArrival,
        judge: &(dyn Fn(&Exchanged) -> Option<Silence> + Send + Sync),
    ) -> Result<Option<Silence>, StoreError> {
        let SmsArrival { id, sender, text, at_us } = *arrival;
        let mut tx = self.db.begin().await?;
        tx.execute(&SENDER_TOUCH, values![sender, at_us]).await?;
        if let Some(row) = tx.fetch_one(&EXCHANGE_GET, values![id]).await? {
            return Ok(Silence::from_number(row.int(0)?));
        }
        let counted = tx.fetch_one(&EXCHANGE_COUNT, values![sender, at_us - HOUR_US, text, at_us - SAME_TEXT_US]);
        let counted = counted.await?;
        let count = |column| counted.as_ref().map_or(Ok(0), |row| row.int(column));
        let exchanged = Exchanged {
            answered: count(0)?,
            same_text: count(1)?,
            own_text: tx.fetch_one(&EXCHANGE_OWN, values![text]).await?.is_some(),
        };
        let silence = judge(&exchanged);
        let number = silence.map_or(0, Silence::number);
        tx.execute(&EXCHANGE_INSERT, values![id, sender, at_us, text, number]).await?;
        tx.commit().await?;
        Ok(silence)
    }

    /// Stores the answer to a message under its request, and remembers what was answered (a keyed hash of it, folded).
    pub async fn answer_sms(&self, request: Request, now_us: i64, reply: Option<Uuid>, response: Vec<u8>) -> Answer {
        let mut tx = self.db.begin().await?;
        if !request::answer(&mut tx, request, now_us, &response).await? {
            let answered = request::find(&mut tx, [request].into_iter()).await?;
            let vanished = || StoreError::Corrupt { table: "request", what: "an answer vanished".into() };
            return Ok(answered.get(&request.key).ok_or_else(vanished)?.replay(&request));
        }
        if let Some(reply) = reply {
            tx.execute(&EXCHANGE_REPLY, values![request.key, reply]).await?;
        }
        tx.commit().await?;
        Ok(Ok(response))
    }

    /// Forgets at most `limit` messages and as many senders from before `before_us`; returns how many.
    pub async fn forget_sms(&self, before_us: i64, limit: i64) -> Result<u64, StoreError> {
        let mut tx = self.db.begin().await?;
        let exchanges = tx.execute(&EXCHANGE_EXPIRE, values![before_us, limit]).await?;
        let senders = tx.execute(&SENDER_EXPIRE, values![before_us, limit]).await?;
        tx.commit().await?;
        Ok(exchanges + senders)
    }
}
