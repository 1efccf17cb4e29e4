use gridcare_domain::{
    contact::Outcome,
    customer::{Consent, Customer, Purpose},
    refusal::RefusalKind,
    topic::Topic,
};
use gridcare_store::{
    customer::CustomerWrite,
    customer_page::{CustomerQuery, StoredCustomer},
};
use jiff::Timestamp;

use super::{Cause, Message, Told, Trouble, asker::Asker};
use crate::Node;

/// Where a consent by message is on record.
const SOURCE: &str = "sms";
/// Somebody else's change in between is read again this often.
const TRIES: usize = 3;
/// Customers of one number who are read together: a landlord's or a company's can have hundreds.
const PAGE: usize = 50;

/// What a customer says of a purpose from now on, by what was said before; none where that stands.
type Change<'a> = &'a (dyn Fn(Purpose, Option<&Consent>) -> Option<Consent> + Send + Sync);

impl Node {
    /// No more notices to this number, of whatever kind.
    pub(super) async fn stop_notices(
        &self,
        cause: &Cause<'_>,
        message: &Message,
        asker: &Asker,
    ) -> Result<Told, Trouble> {
        let refuse = |purpose, before: Option<&Consent>| {
            // What was refused before keeps its date and record; what was never asked about is not sent but for outages.
            let open = before.map_or(purpose == Purpose::OutageNotice, |before| before.granted);
            open.then(|| consent(purpose, false, message.received_at))
        };
        self.change_consents(cause, asker, &refuse).await?;
        Ok(self.about_notices(asker, "stop", if asker.own.is_empty() { "stopped-unknown" } else { "stopped" }))
    }

    /// Notices of outages to this number, and whatever else a message had stopped.
    pub(super) async fn start_notices(
        &self,
        cause: &Cause<'_>,
        message: &Message,
        asker: &Asker,
    ) -> Result<Told, Trouble> {
        let grant = |purpose, before: Option<&Consent>| {
            let stopped = before.is_some_and(|before| !before.granted && before.source == SOURCE);
            let wanted = stopped || purpose == Purpose::OutageNotice && !before.is_some_and(|before| before.granted);
            wanted.then(|| consent(purpose, true, message.received_at))
        };
        self.change_consents(cause, asker, &grant).await?;
        Ok(self.about_notices(asker, "start", if asker.own.is_empty() { "started-unknown" } else { "started" }))
    }

    fn about_notices(&self, asker: &Asker, keyword: &'static str, id: &str) -> Told {
        Told {
            text: self.plainly(asker, id),
            keyword,
            topic: Topic::Information,
            customer: asker.code.clone(),
            ticket: None,
            outcome: Outcome::SelfServed,
        }
    }

    /// Changes what every customer of this number has said about it, however many they are. Under one request each, so that a
    /// repetition is harmless.
    async fn change_consents(&self, cause: &Cause<'_>, asker: &Asker, change: Change<'_>) -> Result<(), Trouble> {
        let Some(number) = &asker.number else { return Ok(()) };
        let query = CustomerQuery { phone: Some(number.clone()), ..CustomerQuery::default() };
        let mut after = None;
        loop {
            let page = self.store.customers(&query, after, PAGE).await?;
            for stored in page.customers {
                self.change_consents_of(cause, stored, number, change).await?;
            }
            after = page.after;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn change_consents_of(
        &self,
        cause: &Cause<'_>,
        stored: StoredCustomer,
        number: &str,
        change: Change<'_>,
    ) -> Result<(), Trouble> {
        let code = stored.customer.code.clone();
        let request = cause.of(&format!("/consent/{code}"));
        let mut stored = Some(stored);
        for left in (0..TRIES).rev() {
            let Some(now) = stored else { break };
            let write = CustomerWrite {
                customer: changed(now.customer, number, change),
                source: SOURCE.to_owned(),
                version: Some(now.version),
                after_erasure: false,
            };
            let put = self.store.put_customer(request, self.now_us(), write, &self.pseudonym_key, |_, _| Vec::new());
            match put.await? {
                Ok(_) => break,
                Err(refusal) if refusal.kind == RefusalKind::Conflict && left > 0 => {
                    stored = self.store.customer(&code).await?;
                }
                Err(refusal) => return Err(Trouble::Refused(refusal)),
            }
        }
        Ok(())
    }
}

const fn consent(purpose: Purpose, granted: bool, given_at: Timestamp) -> Consent {
    Consent { purpose, granted, given_at, source: String::new() }
}

/// The customer with what `change` says about each purpose of this number.
fn changed(mut customer: Customer, number: &str, change: Change<'_>) -> Customer {
    for point in customer.contact_points.iter_mut().filter(|point| point.value == number) {
        for purpose in Purpose::ALL {
            let before = point.consents.iter().position(|consent| consent.purpose == *purpose);
            let Some(new) = change(*purpose, before.map(|at| &point.consents[at])) else { continue };
            let new = Consent { source: SOURCE.to_owned(), ..new };
            match before {
                Some(at) => point.consents[at] = new,
                None => point.consents.push(new),
            }
        }
        point.consents.sort_by_key(|consent| consent.purpose);
    }
    customer
}
