use gridcare_chassis::id::new_id;
use gridcare_domain::{customer::ErasureReason, customer_code::CustomerCode};
use gridcare_proto::{
    convert::{feed::ticket_change, ticket::clocks_to_wire, time},
    customer::v1 as wire,
};
use gridcare_store::{
    erasure::{Erased, Erasure},
    request::Request,
    writer::Answer,
};
use prost::Message as _;

use crate::Node;

impl Node {
    /// A customer is erased: what names the person goes, tickets and contacts are kept under a pseudonym, and the country is told
    /// of the tickets without it. Then the stored answers are gone through; should that be interrupted, `old_rows_go` goes on.
    pub(crate) async fn erase_customer(
        &self,
        request: Request,
        code: CustomerCode,
        reason: ErasureReason,
        by: String,
    ) -> Answer {
        let now = self.now();
        let pseudonym = code.erased(&self.pseudonym_key);
        let erasure = Erasure { code, pseudonym, reason, by, now, batch_id: new_id() };
        let respond = |erased: &Erased| {
            let response = wire::EraseCustomerResponse {
                pseudonym: erased.pseudonym.to_string(),
                erased_at: Some(time::micros(erased.erased_us)),
                tickets: erased.tickets,
                contacts: erased.contacts,
            };
            response.encode_to_vec()
        };
        let rules = self.rules();
        let change = |ticket: &_| {
            ticket_change(ticket, clocks_to_wire(ticket, rules.book()), rules.leaving(&self.pseudonym_key))
        };
        let answer = self.store.erase_customer(request, &erasure, change, respond).await?;
        let Err(refusal) = &answer else {
            if let Err(e) = self.store.sweep_answers(self.now_us()).await {
                tracing::warn!(error = &e as &dyn std::error::Error, "stored answers are gone through later");
            }
            return Ok(answer);
        };
        // Nothing is known of them here: another may know.
        if refusal.reason == "NO_SUCH_CUSTOMER" {
            return Ok(Err(self.no_such_customer(&erasure.code)));
        }
        Ok(answer)
    }
}
