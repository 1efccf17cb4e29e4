use gridcare_chassis::status::fault;
use gridcare_domain::customer_code::CustomerCode;
use gridcare_proto::{convert::ticket, customer::v1 as wire};
use gridcare_store::{
    StoreError,
    customer_traces::{CustomerMessage, CustomerQuestion},
    erasure::Traced,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    SharedNode,
    flows::{contact_arrives, customer_is_imported},
    open_form::OpenForm,
    outlet::Outlet,
};

/// Bytes of one part, about.
const PART: usize = 64 * 1024;
/// Messages that are read together.
const PAGE: i64 = 1_000;

/// Sends all that is held of one customer as one JSON document, in parts: profile and premises, tickets with their whole
/// timelines, contacts, messages, the notices that name them, and what they are asked.
pub(crate) async fn export(
    node: SharedNode,
    code: CustomerCode,
    held: Traced,
    out: Outlet<wire::ExportCustomerDataResponse>,
) {
    let mut document = Document { part: String::new(), between: "", out };
    if let Err(Broken::Store(e)) = write(&node, &code, held, &mut document).await {
        document.out.fail(fault(&e));
    }
}

/// Why an export ends before its end.
enum Broken {
    /// Nobody reads any more.
    Unread,
    Store(StoreError),
}

impl From<StoreError> for Broken {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A JSON document on its way.
struct Document {
    part: String,
    /// What stands before the next item of a list.
    between: &'static str,
    out: Outlet<wire::ExportCustomerDataResponse>,
}

impl Document {
    async fn add(&mut self, text: &str, last: bool) -> Result<(), Broken> {
        self.part.push_str(text);
        if self.part.len() < PART && !last {
            return Ok(());
        }
        let part = std::mem::take(&mut self.part).into_bytes();
        let read = self.out.send(wire::ExportCustomerDataResponse { part }, "the beginning").await;
        if read { Ok(()) } else { Err(Broken::Unread) }
    }

    /// Begins a list of the object that is open; `before` ends what stands there.
    async fn list(&mut self, before: &str, name: &str) -> Result<(), Broken> {
        self.between = "";
        self.add(&format!("{before},\"{name}\":["), false).await
    }

    async fn item(&mut self, item: &Value) -> Result<(), Broken> {
        let text = format!("{}{item}", self.between);
        self.between = ",";
        self.add(&text, false).await
    }
}

async fn write(node: &SharedNode, code: &CustomerCode, held: Traced, document: &mut Document) -> Result<(), Broken> {
    let form = OpenForm::new();
    let profile = held
        .customer
        .as_ref()
        .map_or(Value::Null, |stored| form.of("gridcare.customer.v1.Customer", &customer_is_imported::to_wire(stored)));
    let opening = json!({
        "format": "gridcare.customer/1",
        "node": node.id,
        "region": node.region,
        "exported_at": node.now().to_string(),
        "code": code.as_str(),
        "customer": profile,
    });
    // The object stays open for the lists.
    let opening = opening.to_string();
    document.list(opening.strip_suffix('}').unwrap_or(&opening), "tickets").await?;
    let rules = node.rules();
    for id in held.tickets {
        let Some((found, timeline)) = node.store.ticket_with_timeline(id, i64::MAX).await? else { continue };
        let mut shown = ticket::to_wire(&found, ticket::clocks_to_wire(&found, rules.book()), &timeline);
        let relations = node.store.relations(id).await?;
        shown.attachments = relations.attachments.iter().map(ticket::attachment_to_wire).collect();
        document.item(&form.of("gridcare.ticket.v1.Ticket", &shown)).await?;
    }
    document.list("]", "contacts").await?;
    for stored in &held.contacts {
        document.item(&form.of("gridcare.contact.v1.Contact", &contact_arrives::to_wire(stored))).await?;
    }
    write_traces(node, code, document).await?;
    document.add("]}\n", true).await
}

/// What was sent to the customer, names them, and is asked of them. Of messages no more than a page is held at once.
async fn write_traces(node: &SharedNode, code: &CustomerCode, document: &mut Document) -> Result<(), Broken> {
    document.list("]", "messages").await?;
    let mut after = None;
    loop {
        let page = node.store.messages_to(code, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.after);
        for sent in &page {
            document.item(&message(sent)).await?;
        }
    }
    document.list("]", "named_in").await?;
    for notice in node.store.notices_naming(code).await? {
        document.item(&revision(notice)).await?;
    }
    document.list("]", "questions").await?;
    for asked in node.store.questions_of(code).await? {
        document.item(&question(asked)).await?;
    }
    Ok(())
}

/// A revision of a notice, which says to everybody what it says to the customer.
fn revision((notice, revision): (Uuid, i64)) -> Value {
    json!({ "notice_id": notice.to_string(), "revision": revision })
}

fn message(sent: &CustomerMessage) -> Value {
    let mut shown = sent.notice.map_or_else(|| json!({}), revision);
    shown["way"] = sent.way.code().into();
    shown["state"] = sent.state.code().into();
    if let Some(text) = &sent.text {
        shown["text"] = text.as_str().into();
    }
    shown
}

fn question(asked: CustomerQuestion) -> Value {
    let time = |us| Timestamp::from_microsecond(us).map_or(Value::Null, |at| at.to_string().into());
    let mut shown = json!({ "ticket_id": asked.ticket_id.to_string(), "due_at": time(asked.due_us) });
    if let Some(us) = asked.asked_us {
        shown["asked_at"] = time(us);
    }
    shown
}
