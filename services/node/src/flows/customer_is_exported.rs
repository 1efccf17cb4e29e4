use gridcare_chassis::status::fault;
use gridcare_domain::customer_code::CustomerCode;
use gridcare_proto::{convert::ticket, customer::v1 as wire};
use gridcare_store::{StoreError, erasure::Traced};
use serde_json::{Value, json};

use crate::{
    SharedNode,
    flows::{contact_arrives, customer_is_imported},
    open_form::OpenForm,
    outlet::Outlet,
};

/// Bytes of one part, about.
const PART: usize = 64 * 1024;

/// Sends all that is held of one customer as one JSON document, in parts: profile and premises, tickets with their whole
/// timelines, contacts.
pub(crate) async fn export(
    node: SharedNode,
    code: CustomerCode,
    held: Traced,
    out: Outlet<wire::ExportCustomerDataResponse>,
) {
    let mut document = Document { part: String::new(), out };
    if let Err(e) = write(&node, &code, held, &mut document).await {
        document.out.fail(fault(&e));
    }
}

/// A JSON document on its way.
struct Document {
    part: String,
    out: Outlet<wire::ExportCustomerDataResponse>,
}

impl Document {
    /// Adds text; false when nobody reads any more.
    async fn add(&mut self, text: &str, last: bool) -> bool {
        self.part.push_str(text);
        if self.part.len() < PART && !last {
            return true;
        }
        let part = std::mem::take(&mut self.part).into_bytes();
        self.out.send(wire::ExportCustomerDataResponse { part }, "the beginning").await
    }
}

async fn write(
    node: &SharedNode,
    code: &CustomerCode,
    held: Traced,
    document: &mut Document,
) -> Result<(), StoreError> {
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
    // The object stays open for the two lists.
    let opening = opening.to_string();
    if !document.add(opening.strip_suffix('}').unwrap_or(&opening), false).await
        || !document.add(",\"tickets\":[", false).await
    {
        return Ok(());
    }
    let mut between = "";
    let rules = node.rules();
    for id in held.tickets {
        let Some(found) = node.store.ticket(id).await? else { continue };
        let timeline = node.store.timeline(id, i64::MAX).await?;
        let mut shown = ticket::to_wire(&found, ticket::clocks_to_wire(&found, rules.book()), &timeline);
        let relations = node.store.relations(id).await?;
        shown.attachments = relations.attachments.iter().map(ticket::attachment_to_wire).collect();
        let text = format!("{between}{}", form.of("gridcare.ticket.v1.Ticket", &shown));
        between = ",";
        if !document.add(&text, false).await {
            return Ok(());
        }
    }
    if !document.add("],\"contacts\":[", false).await {
        return Ok(());
    }
    between = "";
    for stored in &held.contacts {
        let text = format!("{between}{}", form.of("gridcare.contact.v1.Contact", &contact_arrives::to_wire(stored)));
        between = ",";
        if !document.add(&text, false).await {
            return Ok(());
        }
    }
    document.add("]}\n", true).await;
    Ok(())
}
