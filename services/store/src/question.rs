//! Customers of closed tickets are asked how satisfied they are: what is still to be asked, and what was. Whoever asks takes the
//! row of the question first, so that it is asked once, whichever process is faster.

use gridcare_domain::{
    customer_code::CustomerCode,
    delivery::{Wave, Way},
    notice::{Phase, RevisionKind, Urgency},
    ticket::{TimelineEntry, is_to_be_asked},
};
use uuid::Uuid;

use crate::{
    NodeStore, StoreError,
    db::{Row, Tx},
    dispatch::DISPATCH_OF,
    lease::{self, Lease},
    statement::{Rows, statements, values},
    ticket,
    writer::Extra,
};

statements! {
    // A ticket that is closed again is not asked about again.
    QUESTION_PUT =
        "INSERT INTO question (ticket_id, customer_code, due_us, asked_us) VALUES ($1, $2, $3, NULL)
         ON CONFLICT (ticket_id) DO UPDATE SET customer_code = excluded.customer_code, due_us = excluded.due_us
         WHERE question.asked_us IS NULL";
    QUESTION_DUE =
        "SELECT ticket_id, customer_code, due_us FROM question WHERE asked_us IS NULL AND due_us <= $1 ORDER BY due_us, ticket_id LIMIT $2";
    // As it was read: a ticket that was closed once more meanwhile is asked about in its time.
    QUESTION_DROP = "DELETE FROM question WHERE ticket_id = $1 AND asked_us IS NULL AND due_us = $2";
    QUESTION_ASKED = "UPDATE question SET asked_us = $2 WHERE ticket_id = $1 AND asked_us IS NULL AND due_us = $3";
    QUESTION_LATELY =
        "SELECT ticket_id, asked_us FROM question WHERE customer_code = $1 AND asked_us > $2 ORDER BY asked_us DESC LIMIT 1";
    // The first number that agreed to be asked.
    QUESTION_POINT =
        "SELECT MIN(customer_point.no) FROM customer_point WHERE customer_point.customer_code = $1 AND customer_point.kind = 1
             AND (customer_point.granted & 8) <> 0";
    // Questions of one day go together, without diacritics. They are no revision of a notice, and nothing is expected of sending them.
    QUESTION_DISPATCH =
        "INSERT INTO dispatch (notice_id, revision, kind, incident, phase, urgency, vi, en, diacritics, everybody, due_us, expires_us, cancelled_us, after_code, stage,
             revision_kind, published_us, planned_recipients, planned_within)
         VALUES ($1, $2, 1, '', $3, $4, '', '', 0, 0, $5, $6, NULL, '', 1, $7, $5, 0, 0)
         ON CONFLICT (notice_id, revision, kind) DO NOTHING RETURNING no";
    QUESTION_MESSAGE =
        "INSERT INTO delivery (dispatch_no, customer_code, point_no, wave, state, lease, text) VALUES ($1, $2, $3, $4, 1, 0, $5)";
    QUESTION_FORGET = "DELETE FROM question WHERE customer_code = $1";
    QUESTION_OLD = "SELECT ticket_id FROM question WHERE asked_us IS NOT NULL AND asked_us < $1 ORDER BY asked_us, ticket_id LIMIT $2";
    // Days lie in one another's range: those before were emptied when it was their turn.
    QUESTION_DAYS = "SELECT no FROM dispatch WHERE notice_id = $1 AND revision >= $2 AND revision < $3";
    QUESTION_TEXT_FORGET = "UPDATE delivery SET text = '' WHERE dispatch_no = $1 AND state <> 1 AND text <> ''";
    QUESTION_EXPIRE [ticket_id Uuid] = "DELETE FROM question WHERE ticket_id IN (SELECT ticket_id FROM v) AND asked_us IS NOT NULL";
}

/// What a dispatch of questions has in place of a notice.
pub(crate) const NO_NOTICE: Uuid = Uuid::nil();

const DAY_US: i64 = 24 * 3_600 * 1_000_000;

/// A customer who is still to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// About which ticket.
    pub ticket_id: Uuid,
    /// Whom; personal.
    pub customer: CustomerCode,
    /// From when on, microseconds since 1970.
    pub due_us: i64,
}

/// A question as it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asking {
    /// Which.
    pub question: Question,
    /// In which words, in the customer's language.
    pub text: String,
    /// Not if they were asked after this, microseconds since 1970.
    pub unless_since_us: i64,
    /// What the ticket's timeline says of it.
    pub entry: TimelineEntry,
}

/// What became of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// A message waits for a courier.
    Queued,
    /// Nobody is to be asked any more, or no number of theirs agreed to be asked; the question is dropped.
    LetBe,
    /// Another process was faster.
    Already,
}

fn corrupt(error: &impl ToString) -> StoreError {
    StoreError::Corrupt { table: "question", what: error.to_string() }
}

/// Whoever a closed ticket belongs to is asked about it from `due_us` on, microseconds since 1970.
#[must_use]
pub fn ask_later(ticket: Uuid, customer: &CustomerCode, due_us: i64) -> Extra {
    Extra { statement: &QUESTION_PUT, values: values![ticket, customer.as_str(), due_us] }
}

/// An erased customer is asked nothing. Called before what was asked is forgotten: whoever asks meanwhile has done so, or finds
/// no question.
pub(crate) async fn forget(tx: &mut Tx, code: &str) -> Result<(), StoreError> {
    tx.execute(&QUESTION_FORGET, values![code]).await.map(drop)
}

/// The dispatch of the questions of one day, which expire with the day after it.
async fn dispatch(tx: &mut Tx, now_us: i64) -> Result<i64, StoreError> {
    let day = now_us.div_euclid(DAY_US);
    let (phase, urgency, kind) = (Phase::Progress.number(), Urgency::Routine.number(), RevisionKind::Initial.number());
    let row = values![NO_NOTICE, day, phase, urgency, day * DAY_US, (day + 2) * DAY_US, kind];
    if let Some(row) = tx.fetch_one(&QUESTION_DISPATCH, row).await? {
        return row.int(0);
    }
    let known = tx.fetch_one(&DISPATCH_OF, values![NO_NOTICE, day, Way::Sms.number()]).await?;
    known.ok_or(StoreError::Raced)?.int(0)
}

impl NodeStore {
    /// Customers who are to be asked by now, the longest waiting first.
    pub async fn due_questions(&self, now_us: i64, limit: i64) -> Result<Vec<Question>, StoreError> {
        let question = |row: &Row| {
            let customer = CustomerCode::parse(&row.text(1)?).map_err(|e| corrupt(&e))?;
            Ok(Question { ticket_id: row.uuid(0)?, customer, due_us: row.int(2)? })
        };
        self.db.fetch(&QUESTION_DUE, values![now_us, limit]).await?.iter().map(question).collect()
    }

    /// Asks, under the lease of whoever does: one message for a courier, one entry in the ticket's timeline, once. The ticket is
    /// locked, so that what happens to it meanwhile has happened, or comes after.
    pub async fn ask(&self, lease: &Lease, asking: &Asking, now_us: i64) -> Result<Asked, StoreError> {
        let mut tx = self.db.begin().await?;
        lease::fence(&mut tx, lease).await?;
        let code = asking.question.customer.as_str();
        let ticket = ticket::lock(&mut tx, [asking.question.ticket_id].into_iter()).await?.pop();
        let point = tx.fetch_one(&QUESTION_POINT, values![code]).await?;
        let point = point.map(|row| row.int_or_null(0)).transpose()?.flatten();
        let lately = tx.fetch_one(&QUESTION_LATELY, values![code, asking.unless_since_us]).await?;
        let stands =
            lately.is_none() && ticket.is_some_and(|ticket| is_to_be_asked(&ticket, &asking.question.customer));
        let Some(point_no) = point.filter(|_| stands) else {
            let dropped =
                tx.execute(&QUESTION_DROP, values![asking.question.ticket_id, asking.question.due_us]).await?;
            tx.commit().await?;
            return Ok(if dropped == 0 { Asked::Already } else { Asked::LetBe });
        };
        let question = &asking.question;
        if tx.execute(&QUESTION_ASKED, values![question.ticket_id, now_us, question.due_us]).await? == 0 {
            tx.rollback().await?;
            return Ok(Asked::Already);
        }
        let dispatch_no = dispatch(&mut tx, now_us).await?;
        let message = values![dispatch_no, code, point_no, Wave::Others.number(), asking.text.as_str()];
        tx.execute(&QUESTION_MESSAGE, message).await?;
        ticket::add_entries(&mut tx, &[(asking.question.ticket_id, &asking.entry)]).await?;
        tx.commit().await?;
        Ok(Asked::Queued)
    }

    /// Lets a question be that nobody is to be asked any more.
    pub async fn drop_question(&self, question: &Question) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        tx.execute(&QUESTION_DROP, values![question.ticket_id, question.due_us]).await?;
        tx.commit().await
    }

    /// About which ticket a customer was asked last, after `from_us`, and when; both times in microseconds since 1970.
    pub async fn asked_lately(&self, code: &CustomerCode, from_us: i64) -> Result<Option<(Uuid, i64)>, StoreError> {
        let row = self.db.fetch_one(&QUESTION_LATELY, values![code.as_str(), from_us]).await?;
        row.map(|row| Ok((row.uuid(0)?, row.int(1)?))).transpose()
    }

    /// Empties the texts of questions of the week before `before_us`: whom they were about is on the tickets.
    pub async fn forget_question_texts(&self, before_us: i64) -> Result<u64, StoreError> {
        let until = before_us.div_euclid(DAY_US);
        let mut emptied = 0;
        for row in self.db.fetch(&QUESTION_DAYS, values![NO_NOTICE, until - 7, until]).await? {
            let mut tx = self.db.begin().await?;
            emptied += tx.execute(&QUESTION_TEXT_FORGET, values![row.int(0)?]).await?;
            tx.commit().await?;
        }
        Ok(emptied)
    }

    /// Forgets at most `limit` questions that were asked before `before_us`; returns how many.
    pub async fn forget_questions(&self, before_us: i64, limit: i64) -> Result<u64, StoreError> {
        let old = self.db.fetch(&QUESTION_OLD, values![before_us, limit]).await?;
        let mut rows = Rows::of(&QUESTION_EXPIRE, old.len());
        for row in &old {
            rows.push(values![row.uuid(0)?]);
        }
        let mut tx = self.db.begin().await?;
        let gone = tx.execute_rows(&QUESTION_EXPIRE, rows).await?;
        tx.commit().await?;
        Ok(gone)
    }
}
