mod import;

use std::collections::{HashMap, HashSet};

use gridcare_domain::{
    contact::Channel,
    customer::{Consent, Customer, Locality, PointKind, digest, name_key},
    refusal::{Refusal, RefusalKind},
};
use serde_json::json;
use uuid::Uuid;

use crate::{
    NodeStore, StoreError,
    db::Tx,
    request::{self, Request},
    statement::{Rows, row, statements, values},
    told_at::{flags, granted, province, told_at, wave},
};

statements! {
    // The lock of all writes of customers, and how many erasures stand: none, and nobody need look.
    CUSTOMER_HEAD = "SELECT erased FROM customer_head WHERE one = 1 {lock:customer_head}";
    CUSTOMER_KNOWN [code Text] =
        "SELECT customer.code, customer.version, customer.body FROM customer JOIN v ON v.code = customer.code";
    CUSTOMER_PUT [code Text, body Uuid, source Text, name Text, name_plain Text, name_key Text, preferred_channel Int,
                  preferred_language Int, updated_us Int, phone_no Int, email_no Int, wave Int, province Text] =
        "INSERT INTO customer (code, version, body, source, name, name_plain, name_key, preferred_channel, preferred_language, updated_us,
             phone_no, email_no, wave, province)
         SELECT code, 1, body, source, name, name_plain, name_key, preferred_channel, preferred_language, updated_us,
             phone_no, email_no, wave, province FROM v WHERE true
         ON CONFLICT (code) DO UPDATE SET version = customer.version + 1, body = excluded.body, source = excluded.source,
             name = excluded.name, name_plain = excluded.name_plain, name_key = excluded.name_key,
             preferred_channel = excluded.preferred_channel, preferred_language = excluded.preferred_language,
             updated_us = excluded.updated_us, phone_no = excluded.phone_no, email_no = excluded.email_no, wave = excluded.wave,
             province = excluded.province";
    POINT_ADD [customer_code Text, no Int, kind Int, value Text, granted Int, consents Text] =
        "INSERT INTO customer_point (customer_code, no, kind, value, granted, consents)
         SELECT customer_code, no, kind, value, granted, consents FROM v WHERE true";
    POINT_DROP [code Text] = "DELETE FROM customer_point WHERE customer_code IN (SELECT code FROM v)";
    PREMISES_ADD [customer_code Text, code Text, address Text, province Text, district Text, area Text, locality Int, feeder Text,
                  transformer Text, flags Int] =
        "INSERT INTO premises (customer_code, code, address, province, district, area, locality, feeder, transformer, flags)
         SELECT customer_code, code, address, province, district, area, locality, feeder, transformer, flags FROM v WHERE true";
    PREMISES_DROP [code Text] = "DELETE FROM premises WHERE customer_code IN (SELECT code FROM v)";
    ERASED_KNOWN [pseudonym Text] =
        "SELECT customer_erasure.pseudonym FROM customer_erasure JOIN v ON v.pseudonym = customer_erasure.pseudonym
         WHERE customer_erasure.returned_us IS NULL";
    ERASED_RETURN = "UPDATE customer_erasure SET returned_us = $2 WHERE pseudonym = $1 AND returned_us IS NULL";
    ERASED_LESS = "UPDATE customer_head SET erased = erased - 1 WHERE one = 1";
}

/// A deadlock or a race is run again this often.
const RETRIES: usize = 3;

/// What became of a batch of customers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CustomersImported {
    /// Not known before.
    pub created: u32,
    /// Known, and different now.
    pub updated: u32,
    /// Stored as they are already.
    pub unchanged: u32,
    /// Places within the batch of those who were erased: they are not brought back unnoticed.
    pub erased: Vec<usize>,
}

/// Customers of one source, with their rows made: what is left is to store them.
pub struct CustomerBatch {
    source: String,
    customers: Vec<Customer>,
    bodies: Vec<Uuid>,
    checkpoint: Option<String>,
    now_us: i64,
    all: Option<Prepared>,
}

impl CustomerBatch {
    /// Makes the rows of these customers, each code once. Takes no lock and no time of the database's.
    #[must_use]
    pub fn prepare(source: &str, customers: Vec<Customer>, checkpoint: Option<String>, now_us: i64) -> Self {
        let bodies: Vec<_> = customers.iter().map(|customer| Uuid::from_bytes(digest(customer))).collect();
        let all = Some(prepare(source, customers.iter().zip(&bodies), now_us));
        Self { source: source.to_owned(), customers, bodies, checkpoint, now_us, all }
    }
}

/// Rows of the three tables.
struct Prepared {
    customers: Rows,
    points: Rows,
    premises: Rows,
}

fn prepare<'a>(
    source: &str,
    customers: impl ExactSizeIterator<Item = (&'a Customer, &'a Uuid)>,
    now_us: i64,
) -> Prepared {
    let most = customers.len();
    let mut prepared = Prepared {
        customers: Rows::of(&CUSTOMER_PUT, most),
        points: Rows::of(&POINT_ADD, most),
        premises: Rows::of(&PREMISES_ADD, most),
    };
    for (customer, body) in customers {
        let code = customer.code.as_str();
        prepared.customers.push(row![
            code,
            *body,
            source,
            customer.name.as_str(),
            customer.name_plain.as_str(),
            name_key(&customer.name),
            customer.preferred_channel.map(Channel::number),
            customer.preferred_language.number(),
            now_us,
            told_at(customer, PointKind::Phone),
            told_at(customer, PointKind::Email),
            wave(customer).number(),
            province(customer),
        ]);
        for (no, point) in (0_i64..).zip(&customer.contact_points) {
            let (granted, consents) = (granted(point), consents_text(&point.consents));
            prepared.points.push(row![code, no, point.kind.number(), point.value.as_str(), granted, consents]);
        }
        for place in &customer.premises {
            let flags = flags(place);
            prepared.premises.push(row![
                code,
                place.code.as_str(),
                place.address.as_str(),
                place.province.as_deref(),
                place.district.as_str(),
                place.area.as_str(),
                place.locality.map(Locality::number),
                place.feeder.as_deref(),
                place.transformer.as_deref(),
                flags,
            ]);
        }
    }
    prepared
}

pub(crate) fn consents_text(consents: &[Consent]) -> String {
    if consents.is_empty() {
        return "[]".to_owned();
    }
    let one = |c: &Consent| json!([c.purpose.number(), c.granted, c.given_at.as_microsecond(), c.source]);
    json!(consents.iter().map(one).collect::<Vec<_>>()).to_string()
}

/// One customer that somebody gives under a request.
pub struct CustomerWrite {
    /// The customer.
    pub customer: Customer,
    /// Where it comes from.
    pub source: String,
    /// Refused unless this is the stored version.
    pub version: Option<i64>,
    /// Whether a customer who was erased may come back.
    pub after_erasure: bool,
}

/// What became of one customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CustomerChange {
    /// Not known before.
    Created,
    /// Known, and different now.
    Updated,
    /// Stored as it is already.
    Unchanged,
}

/// How to answer with what became of a customer, and its version.
pub type RespondCustomer = fn(CustomerChange, i64) -> Vec<u8>;

impl NodeStore {
    /// Stores one customer, and the answer under the request.
    pub async fn put_customer(
        &self,
        request: Request,
        now_us: i64,
        write: CustomerWrite,
        key: &[u8; 32],
        respond: RespondCustomer,
    ) -> crate::writer::Answer {
        let mut tries = 0;
        loop {
            match self.put_customer_once(request, now_us, &write, key, respond).await {
                Err(e) if e.is_transient() && tries < RETRIES => tries += 1,
                outcome => return outcome,
            }
        }
    }

    async fn put_customer_once(
        &self,
        request: Request,
        now_us: i64,
        write: &CustomerWrite,
        key: &[u8; 32],
        respond: RespondCustomer,
    ) -> crate::writer::Answer {
        let mut tx = self.db().begin().await?;
        let erased = lock_head(&mut tx).await?;
        if let Some(answered) = request::find(&mut tx, [request].into_iter()).await?.get(&request.key) {
            return Ok(answered.replay(&request));
        }
        let known = known(&mut tx, std::slice::from_ref(&write.customer)).await?;
        let version = known.get(write.customer.code.as_str()).map(|(version, _)| *version);
        if write.version.is_some_and(|wanted| version != Some(wanted)) {
            let message = "the customer has changed since; read it again and decide again";
            let refusal = Refusal::new(RefusalKind::Conflict, "ETAG_MISMATCH", message);
            return Ok(Err(version.map_or(refusal.clone(), |version| refusal.with("etag", format!("v{version}")))));
        }
        let pseudonym = write.customer.code.erased(key);
        if erased > 0 && !erased_among(&mut tx, std::iter::once(pseudonym.as_str())).await?.is_empty() {
            if !write.after_erasure {
                return Ok(Err(was_erased()));
            }
            tx.execute(&ERASED_RETURN, values![pseudonym.as_str(), now_us]).await?;
            tx.execute(&ERASED_LESS, vec![]).await?;
        }
        let batch = CustomerBatch::prepare(&write.source, vec![write.customer.clone()], None, now_us);
        let change = match known.get(write.customer.code.as_str()) {
            Some((_, body)) if *body == batch.bodies[0] => CustomerChange::Unchanged,
            Some(_) => CustomerChange::Updated,
            None => CustomerChange::Created,
        };
        let version = match change {
            CustomerChange::Unchanged => version.unwrap_or(1),
            CustomerChange::Created | CustomerChange::Updated => {
                write_rows(&mut tx, &[write.customer.code.as_str()], batch.all, change == CustomerChange::Updated)
                    .await?;
                version.unwrap_or(0) + 1
            }
        };
        let response = respond(change, version);
        if request::insert(&mut tx, now_us, [(request, response.clone())].into_iter()).await?.is_empty() {
            return Err(StoreError::Raced);
        }
        tx.commit().await?;
        Ok(Ok(response))
    }
}

fn was_erased() -> Refusal {
    let message = "this customer was erased; give after_erasure if they have come back";
    Refusal::new(RefusalKind::Precondition, "ERASED", message)
}

/// Takes the lock of all writes of customers; returns how many erasures stand.
pub(crate) async fn lock_head(tx: &mut Tx) -> Result<i64, StoreError> {
    let row = tx.fetch_one(&CUSTOMER_HEAD, vec![]).await?;
    row.ok_or(StoreError::Corrupt { table: "customer_head", what: "the one row is missing".into() })?.int(0)
}

/// Versions and hashes of those who are stored.
async fn known(tx: &mut Tx, customers: &[Customer]) -> Result<HashMap<String, (i64, Uuid)>, StoreError> {
    let mut rows = Rows::of(&CUSTOMER_KNOWN, customers.len());
    for customer in customers {
        rows.push(row![customer.code.as_str()]);
    }
    let found = tx.fetch_rows(&CUSTOMER_KNOWN, rows).await?;
    found.iter().map(|row| Ok((row.text(0)?, (row.int(1)?, row.uuid(2)?)))).collect()
}

async fn erased_among<'a>(
    tx: &mut Tx,
    pseudonyms: impl ExactSizeIterator<Item = &'a str>,
) -> Result<HashSet<String>, StoreError> {
    let mut rows = Rows::of(&ERASED_KNOWN, pseudonyms.len());
    for pseudonym in pseudonyms {
        rows.push(row![pseudonym]);
    }
    tx.fetch_rows(&ERASED_KNOWN, rows).await?.iter().map(|row| row.text(0)).collect()
}

/// One statement for each table; what belonged to those who are replaced goes first.
async fn write_rows(tx: &mut Tx, replaced: &[&str], rows: Option<Prepared>, replacing: bool) -> Result<(), StoreError> {
    let Some(Prepared { customers, points, premises }) = rows else { return Ok(()) };
    if replacing {
        drop_parts(tx, replaced.iter().copied()).await?;
    }
    tx.execute_rows(&CUSTOMER_PUT, customers).await?;
    tx.execute_rows(&POINT_ADD, points).await?;
    tx.execute_rows(&PREMISES_ADD, premises).await?;
    Ok(())
}

/// Removes contact points and premises.
pub(crate) async fn drop_parts<'a>(
    tx: &mut Tx,
    codes: impl ExactSizeIterator<Item = &'a str> + Clone,
) -> Result<(), StoreError> {
    for statement in [&POINT_DROP, &PREMISES_DROP] {
        let mut rows = Rows::of(statement, codes.len());
        for code in codes.clone() {
            rows.push(row![code]);
        }
        tx.execute_rows(statement, rows).await?;
    }
    Ok(())
}
