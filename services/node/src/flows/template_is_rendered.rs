use gridcare_domain::{
    customer,
    refusal::{Refusal, RefusalKind},
    standard::{Language, Standard},
    ticket::Ticket,
};
use gridcare_proto::ticket::v1 as wire;
use gridcare_store::StoreError;
use jiff::Timestamp;

use crate::{
    Node,
    flows::ticket_moves::{Name, no_such_ticket},
    texts::Texts,
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
        let language = if asked.language() == wire::Language::En { Language::En } else { Language::Vi };
        let given = |name: &str| asked.values.get(name).filter(|value| !value.is_empty()).cloned();
        let value = |name: &str| given(name).or_else(|| self.value_of(name, &ticket, &rules.standard, language));
        Ok(template.fill(language, value).map_err(|missing| {
            let message = format!("give values for these placeholders: {}", missing.join(", "));
            Refusal::new(RefusalKind::Precondition, "PLACEHOLDERS_MISSING", message)
                .with("placeholders", missing.join(","))
        }))
    }

    /// What every template can say of a ticket, and of the corporation.
    pub(super) fn value_of(
        &self,
        name: &str,
        ticket: &Ticket,
        standard: &Standard,
        language: Language,
    ) -> Option<String> {
        let local = |at: Timestamp| at.to_zoned(self.zone.clone()).strftime("%H:%M %d/%m/%Y").to_string();
        let either = |vi: &str, en: &str| if language == Language::En { en.to_owned() } else { vi.to_owned() };
        let texts = Texts::of(if language == Language::En { customer::Language::En } else { customer::Language::Vi });
        match name {
            "reference" => Some(ticket.reference.to_string()),
            "category" => standard.category(&ticket.category).map(|c| either(&c.name_vi, &c.name_en)),
            "state" => Some(texts.say(&format!("state-{}", ticket.state), &[])),
            "opened_at" => Some(local(ticket.opened_at)),
            "resolved_at" => ticket.resolved_at.map(local),
            "deadline" => ticket.deadline_us.and_then(|us| Timestamp::from_microsecond(us).ok()).map(local),
            "customer_name" => ticket.requester_name.clone(),
            "customer_code" => ticket.customer_code.as_ref().map(|code| code.as_str().to_owned()),
            "agent" => ticket.assignee.clone(),
            "region_name" => Some(self.open.publisher.name.clone()),
            "hotline" => Some(self.hotline(texts)),
            _ => None,
        }
    }
}
