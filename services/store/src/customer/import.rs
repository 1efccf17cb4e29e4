//! A batch of an import: who is new, who is replaced and by what, and who stays away.

use std::collections::HashSet;

use gridcare_domain::{
    customer::{Customer, digest, keep_later_consents},
    customer_code::CustomerCode,
};
use uuid::Uuid;

use super::{CustomerBatch, CustomersImported, Prepared, RETRIES, erased_among, known, lock_head, prepare, write_rows};
use crate::{NodeStore, StoreError, contact::put_checkpoint, customer_page::points_of, db::Tx};

impl NodeStore {
    /// Stores a batch of an import: a customer who is stored as given is left alone, another is replaced whole, save what they have
    /// said since the import's word on a consent, and the checkpoint goes with them in one transaction. `key` makes the pseudonyms
    /// by which erased customers are remembered.
    pub async fn import_customers(
        &self,
        mut batch: CustomerBatch,
        key: &[u8; 32],
    ) -> Result<CustomersImported, StoreError> {
        let mut tries = 0;
        loop {
            match self.import_customers_once(&mut batch, key).await {
                Err(e) if e.is_transient() && tries < RETRIES => tries += 1,
                outcome => return outcome,
            }
        }
    }

    async fn import_customers_once(
        &self,
        batch: &mut CustomerBatch,
        key: &[u8; 32],
    ) -> Result<CustomersImported, StoreError> {
        let all = batch.all.take();
        let mut tx = self.db().begin().await?;
        let outcome = put(&mut tx, batch, all, key).await?;
        if let Some(checkpoint) = &batch.checkpoint {
            put_checkpoint(&mut tx, &checkpoint_name(&batch.source), checkpoint, batch.now_us).await?;
        }
        tx.commit().await?;
        Ok(outcome)
    }

    /// Where this source's importer of customers would resume.
    pub async fn customer_checkpoint(&self, source: &str) -> Result<Option<String>, StoreError> {
        self.checkpoint(&checkpoint_name(source)).await
    }
}

/// Beside the checkpoints of contacts, in the same table: no source's name can hold a colon.
fn checkpoint_name(source: &str) -> String {
    format!("customers:{source}")
}

async fn put(
    tx: &mut Tx,
    batch: &CustomerBatch,
    all: Option<Prepared>,
    key: &[u8; 32],
) -> Result<CustomersImported, StoreError> {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let mut outcome = CustomersImported::default();
    let erased = lock_head(tx).await?;
    if erased > 0 {
        let pseudonyms: Vec<CustomerCode> = batch.customers.iter().map(|customer| customer.code.erased(key)).collect();
        let gone = erased_among(tx, pseudonyms.iter().map(CustomerCode::as_str)).await?;
        outcome.erased =
            (0..pseudonyms.len()).filter(|at| !gone.is_empty() && gone.contains(pseudonyms[*at].as_str())).collect();
    }
    let known = known(tx, &batch.customers).await?;
    if known.is_empty() && outcome.erased.is_empty() {
        // The first import of a corporation: the rows are those that were made beforehand.
        let all = all.or_else(|| Some(prepare(&batch.source, batch.customers.iter().zip(&batch.bodies), batch.now_us)));
        write_rows(tx, &[], all, false).await?;
        outcome.created = count(batch.customers.len());
        return Ok(outcome);
    }
    let gone: HashSet<usize> = outcome.erased.iter().copied().collect();
    let (mut changed, mut differing) = (Vec::new(), Vec::new());
    for (at, (customer, body)) in batch.customers.iter().zip(&batch.bodies).enumerate() {
        match known.get(customer.code.as_str()) {
            _ if gone.contains(&at) => {}
            Some((_, stored)) if stored == body => outcome.unchanged += 1,
            Some((_, stored)) => differing.push((customer, *stored)),
            None => changed.push((customer, body)),
        }
    }
    let replacing = replacing(tx, &differing).await?;
    outcome.created = count(changed.len());
    outcome.updated = count(replacing.len());
    outcome.unchanged += count(differing.len() - replacing.len());
    let replaced: Vec<&str> = replacing.iter().map(|(customer, _)| customer.code.as_str()).collect();
    for (customer, body) in &replacing {
        changed.push((customer, body));
    }
    if !changed.is_empty() {
        // In the order of codes pages of the tables are touched once each.
        changed.sort_unstable_by(|(one, _), (other, _)| one.code.cmp(&other.code));
        let rows = prepare(&batch.source, changed.into_iter(), batch.now_us);
        write_rows(tx, &replaced, Some(rows), !replaced.is_empty()).await?;
    }
    Ok(outcome)
}

/// Of those who differ from their stored hashes, who still do so once their later consents are kept, as they are to be stored.
async fn replacing(tx: &mut Tx, differing: &[(&Customer, Uuid)]) -> Result<Vec<(Customer, Uuid)>, StoreError> {
    let stored = points_of(tx, differing.iter().map(|(customer, _)| customer.code.as_str())).await?;
    let mut replacing = Vec::with_capacity(differing.len());
    for (given, before) in differing {
        let mut customer = (*given).clone();
        if let Some(points) = stored.get(customer.code.as_str()) {
            keep_later_consents(&mut customer.contact_points, points);
        }
        let body = Uuid::from_bytes(digest(&customer));
        if body != *before {
            replacing.push((customer, body));
        }
    }
    Ok(replacing)
}
