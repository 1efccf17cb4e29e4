use std::collections::BTreeMap;

use gridcare_domain::{
    refusal::{Refusal, RefusalKind},
    ticket::Ticket,
};
use gridcare_proto::ticket::v1 as wire;
use gridcare_store::StoreError;
use jiff::Timestamp;

use crate::{
    Node,
    flows::ticket_moves::{Name, no_such_ticket},
};

impl Node {
    /// A template of the standard with what the ticket and the caller give for its placeholders.
    pub(crate) async fn render(
        &self,
        name: &Name,
        asked: &wire::RenderTemplateRequest,
    ) -> Result<Result<String, Refusal>, StoreError> {
        let Some((ticket, _)) = self.find_ticket(name).await? else { return Ok(Err(no_such_ticket())) };
        let rules = self.rules();
        let Some(template) = rules.standard.template(&asked.template) else {
            let message =
                format!("standard {} has no template {}", rules.standard.version(), asked.template.escape_default());
            return Ok(Err(Refusal::new(RefusalKind::NotFound, "NO_SUCH_TEMPLATE", message)));
        };
        let english = asked.language() == wire::Language::En;
        let mut values = self.values_of(&ticket, &rules.standard, english);
        values.extend(asked.values.iter().map(|(key, value)| (key.clone(), value.clone())));
        let text = if english { &template.en } else { &template.vi };
        Ok(text.render(&values))
    }

    /// What every template can say of a ticket.
    fn values_of(
        &self,
        ticket: &Ticket,
        standard: &gridcare_domain::standard::Standard,
        english: bool,
    ) -> BTreeMap<String, String> {
        let local = |at: Timestamp| at.to_zoned(self.zone.clone()).strftime("%H:%M %d/%m/%Y").to_string();
        let category = standard.category(&ticket.category);
        let mut values: BTreeMap<String, String> = BTreeMap::new();
        let mut put = |key: &str, value: Option<String>| {
            if let Some(value) = value {
                values.insert(key.to_owned(), value);
            }
        };
        put("ticket.reference", Some(ticket.reference.to_string()));
        put("ticket.subject", Some(ticket.subject.clone()));
        put("ticket.category", category.map(|c| if english { c.name_en.clone() } else { c.name_vi.clone() }));
        put("ticket.opened_at", Some(local(ticket.opened_at)));
        put("ticket.resolved_at", ticket.resolved_at.map(local));
        put("ticket.event_at", ticket.event_at.map(local));
        put("ticket.deadline", ticket.deadline_us.and_then(|us| Timestamp::from_microsecond(us).ok()).map(local));
        put("customer_name", ticket.requester_name.clone());
        put("customer_code", ticket.customer_code.as_ref().map(|code| code.as_str().to_owned()));
        put("agent", ticket.assignee.clone());
        put("region", Some(self.region.clone()));
        values
    }
}
