//! What of notices, messages and questions concerns one customer, for an export of all that is held.

use std::collections::BTreeSet;

use gridcare_domain::{
    customer_code::CustomerCode,
    delivery::{DeliveryState, Way},
};
use uuid::Uuid;

use crate::{
    NodeStore, StoreError,
    db::Row,
    question::NO_NOTICE,
    statement::{statements, values},
};

statements! {
    // In the order of the index by which they are found, so that a page begins where the one before ended.
    MESSAGE_PAGE =
        "SELECT delivery.dispatch_no, delivery.number, dispatch.kind, delivery.state, dispatch.notice_id, dispatch.revision, delivery.text
         FROM delivery JOIN dispatch ON dispatch.no = delivery.dispatch_no
         WHERE delivery.customer_code = $1 AND (delivery.dispatch_no, delivery.number) > ($2, $3)
         ORDER BY delivery.dispatch_no, delivery.number LIMIT $4";
    // Not in the order of their primary keys, which would lead through the customers of all notices.
    NOTICE_NAMING = "SELECT notice_id, revision FROM notice_customer WHERE customer_code = $1";
    DISPATCH_NAMING =
        "SELECT dispatch.notice_id, dispatch.revision FROM dispatch_customer JOIN dispatch ON dispatch.no = dispatch_customer.dispatch_no
         WHERE dispatch_customer.customer_code = $1";
    QUESTION_OF = "SELECT due_us, ticket_id, asked_us FROM question WHERE customer_code = $1";
}

/// Where a page of messages ended: dispatch and number.
pub type MessageAfter = (i64, i64);

/// A message to one customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerMessage {
    /// Goes on after it.
    pub after: MessageAfter,
    /// The notice that it tells of, and its revision; none where it tells of none.
    pub notice: Option<(Uuid, i64)>,
    /// On which way.
    pub way: Way,
    /// Where it stands.
    pub state: DeliveryState,
    /// What it says, where that is not what the notice says.
    pub text: Option<String>,
}

/// What one customer is or was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CustomerQuestion {
    /// From when on, microseconds since 1970.
    pub due_us: i64,
    /// About which ticket.
    pub ticket_id: Uuid,
    /// When they were, microseconds since 1970.
    pub asked_us: Option<i64>,
}

fn message(row: &Row) -> Result<CustomerMessage, StoreError> {
    let corrupt = |what: &str| StoreError::Corrupt { table: "delivery", what: what.to_owned() };
    let notice = (row.uuid(4)?, row.int(5)?);
    Ok(CustomerMessage {
        after: (row.int(0)?, row.int(1)?),
        notice: (notice.0 != NO_NOTICE).then_some(notice),
        way: Way::from_number(row.int(2)?).ok_or_else(|| corrupt("unknown way"))?,
        state: DeliveryState::from_number(row.int(3)?).ok_or_else(|| corrupt("unknown state"))?,
        text: row.text_or_null(6)?,
    })
}

impl NodeStore {
    /// A page of the messages to a customer, the oldest dispatch first.
    pub async fn messages_to(
        &self,
        code: &CustomerCode,
        after: Option<MessageAfter>,
        limit: i64,
    ) -> Result<Vec<CustomerMessage>, StoreError> {
        let (dispatch, number) = after.unwrap_or((i64::MIN, i64::MIN));
        let rows = self.db.fetch(&MESSAGE_PAGE, values![code.as_str(), dispatch, number, limit]).await?;
        rows.iter().map(message).collect()
    }

    /// The revisions of notices that name a customer, by their ids and numbers.
    pub async fn notices_naming(&self, code: &CustomerCode) -> Result<BTreeSet<(Uuid, i64)>, StoreError> {
        let mut tx = self.db.snapshot().await?;
        let mut rows = tx.fetch(&NOTICE_NAMING, values![code.as_str()]).await?;
        rows.extend(tx.fetch(&DISPATCH_NAMING, values![code.as_str()]).await?);
        rows.iter().map(|row| Ok((row.uuid(0)?, row.int(1)?))).collect()
    }

    /// What a customer is still to be asked, and was asked lately, in the order in which it was or is due.
    pub async fn questions_of(&self, code: &CustomerCode) -> Result<Vec<CustomerQuestion>, StoreError> {
        let question = |row: &Row| {
            Ok(CustomerQuestion { due_us: row.int(0)?, ticket_id: row.uuid(1)?, asked_us: row.int_or_null(2)? })
        };
        let rows = self.db.fetch(&QUESTION_OF, values![code.as_str()]).await?;
        let mut questions = rows.iter().map(question).collect::<Result<Vec<_>, StoreError>>()?;
        questions.sort_unstable();
        Ok(questions)
    }
}
