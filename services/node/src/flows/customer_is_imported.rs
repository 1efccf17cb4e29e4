use std::collections::HashMap;

use gridcare_domain::{customer::Customer, refusal::Violation};
use gridcare_proto::{
    convert::{customer as convert, ticket::etag, time},
    customer::v1 as wire,
};
use gridcare_store::{
    StoreError,
    customer::{CustomerBatch, CustomerChange, CustomerWrite},
    customer_page::StoredCustomer,
    db::Engine,
    request::Request,
    writer::Answer,
};
use prost::Message as _;

use crate::Node;

/// Customers per transaction of an import: each has a row in three tables, and on SQLite a ticket waits for it.
const fn chunk(engine: Engine) -> usize {
    match engine {
        Engine::Sqlite => 1_000,
        Engine::Postgres => 2_500,
    }
}

/// A batch as it came: sound customers, each code once, with their places in it; and the others with their rejections.
pub(crate) struct Sorted {
    customers: Vec<Customer>,
    places: Vec<u32>,
    /// Codes that stood again later in the batch: the last stands.
    repeated: u32,
    pub(crate) rejections: Vec<wire::CustomerRejection>,
}

/// A batch that only has to be stored.
pub(crate) struct Ready {
    batches: Vec<(CustomerBatch, Vec<u32>)>,
    repeated: u32,
    pub(crate) rejections: Vec<wire::CustomerRejection>,
}

/// A stored customer on the wire.
pub(crate) fn to_wire(stored: &StoredCustomer) -> wire::Customer {
    wire::Customer {
        customer: Some(convert::to_wire(&stored.customer)),
        etag: etag(stored.version),
        source: stored.source.clone(),
        updated_at: Some(time::timestamp(stored.updated_at)),
    }
}

fn rejection(index: u32, violations: Vec<Violation>) -> wire::CustomerRejection {
    wire::CustomerRejection { index, violations: violations.into_iter().map(convert::violation_to_wire).collect() }
}

impl Node {
    /// Tells sound customers of this corporation from the others; one bad customer does not stop the rest.
    pub(crate) fn sort_customers(&self, drafts: Vec<wire::CustomerDraft>) -> Sorted {
        let mut sound: Vec<(u32, Customer)> = Vec::with_capacity(drafts.len());
        let mut rejections = Vec::new();
        for (index, draft) in (0_u32..).zip(drafts) {
            let owned =
                convert::from_wire(draft, "").and_then(|customer| self.check_own(&customer, "").map(|()| customer));
            match owned {
                Ok(customer) => sound.push((index, customer)),
                Err(violations) => rejections.push(rejection(index, violations)),
            }
        }
        let last: HashMap<&str, u32> = sound.iter().map(|(index, c)| (c.code.as_str(), *index)).collect();
        let stands: Vec<bool> = sound.iter().map(|(index, c)| last[c.code.as_str()] == *index).collect();
        let before = sound.len();
        let mut stands = stands.into_iter();
        sound.retain(|_| stands.next().unwrap_or(true));
        let repeated = u32::try_from(before - sound.len()).unwrap_or(u32::MAX);
        let (places, customers) = sound.into_iter().unzip();
        Sorted { customers, places, repeated, rejections }
    }

    /// Whether the customer is this corporation's today.
    pub(crate) fn check_own(&self, customer: &Customer, at: &str) -> Result<(), Vec<Violation>> {
        let province = customer.premises.iter().find_map(|place| place.province.as_deref());
        self.own(&customer.code, province)
            .map_err(|refusal| vec![Violation::new(format!("{at}code"), refusal.reason, refusal.message)])
    }

    /// Makes the rows of a batch, in transactions of at most [`chunk`] each. The checkpoint goes with the last of them, so that it
    /// never promises more than there is.
    pub(crate) fn prepare_customers(&self, source: &str, sorted: Sorted, checkpoint: Option<String>) -> Ready {
        let Sorted { customers, places, repeated, rejections } = sorted;
        let chunk = chunk(self.store.db().engine());
        let mut both: Vec<_> = places.into_iter().zip(customers).collect();
        // In the order of codes pages of the tables are touched once each.
        both.sort_unstable_by(|a, b| a.1.code.cmp(&b.1.code));
        let mut batches = Vec::new();
        let mut checkpoint = checkpoint;
        loop {
            let rest = if both.len() > chunk { both.split_off(chunk) } else { Vec::new() };
            let last = rest.is_empty();
            let checkpoint = if last { checkpoint.take() } else { None };
            if !both.is_empty() || checkpoint.is_some() {
                let (places, customers) = both.into_iter().unzip();
                batches.push((CustomerBatch::prepare(source, customers, checkpoint, self.now_us()), places));
            }
            if last {
                return Ready { batches, repeated, rejections };
            }
            both = rest;
        }
    }

    /// The prepared customers are stored, in order; those who were erased are rejected.
    pub(crate) async fn import_customers(&self, ready: Ready) -> Result<wire::ImportCustomersResponse, StoreError> {
        let mut answer = wire::ImportCustomersResponse {
            unchanged: ready.repeated,
            rejections: ready.rejections,
            ..Default::default()
        };
        for (batch, places) in ready.batches {
            let done = self.store.import_customers(batch, &self.pseudonym_key).await?;
            answer.created += done.created;
            answer.updated += done.updated;
            answer.unchanged += done.unchanged;
            for at in done.erased {
                let cure = "this customer was erased; upsert them with after_erasure if they have come back";
                answer.rejections.push(rejection(places[at], vec![Violation::new("code", "ERASED", cure)]));
            }
        }
        answer.rejections.sort_by_key(|rejection| rejection.index);
        Ok(answer)
    }

    /// One customer is given directly.
    pub(crate) async fn upsert_customer(
        &self,
        request: Request,
        customer: Customer,
        version: Option<i64>,
        after_erasure: bool,
    ) -> Answer {
        let respond = |change: CustomerChange, version: i64| {
            let outcome = match change {
                CustomerChange::Created => wire::CustomerOutcome::Created,
                CustomerChange::Updated => wire::CustomerOutcome::Updated,
                CustomerChange::Unchanged => wire::CustomerOutcome::Unchanged,
            };
            wire::UpsertCustomerResponse { outcome: outcome.into(), etag: etag(version) }.encode_to_vec()
        };
        let write = CustomerWrite { customer, source: "api".to_owned(), version, after_erasure };
        self.store.put_customer(request, self.now_us(), write, &self.pseudonym_key, respond).await
    }
}
