//! Reading customers: one, and pages of many.

use std::collections::{BTreeSet, HashMap};

use gridcare_domain::{
    contact::Channel,
    customer::{Consent, ContactPoint, Customer, Language, Locality, PointKind, Premises, Purpose},
    customer_code::CustomerCode,
};
use jiff::Timestamp;

use crate::{
    NodeStore, StoreError,
    db::{Row, Tx},
    statement::{Rows, Statement, Value, row, statements, values},
};

/// Columns of a customer, in the order in which rows are read.
macro_rules! columns {
    () => {
        "customer.code, customer.version, customer.source, customer.name, customer.name_plain, customer.name_key,
         customer.preferred_channel, customer.preferred_language, customer.updated_us"
    };
}

/// Filters that have not chosen the index; each asks of the customers that the chosen one has found.
macro_rules! filters {
    () => {
        " AND (CAST($3 AS TEXT) IS NULL OR (customer.name_key >= $3 AND customer.name_key < $4))
          AND (CAST($5 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM customer_point AS p WHERE p.customer_code = customer.code AND p.value = $5))
          AND (CAST($6 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM customer_point AS p WHERE p.customer_code = customer.code AND p.value = $6))
          AND (CAST($7 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM premises AS q WHERE q.customer_code = customer.code AND q.feeder = $7))
          AND (CAST($8 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM premises AS q WHERE q.customer_code = customer.code AND q.province = $8
               AND (CAST($9 AS TEXT) IS NULL OR q.district = $9) AND (CAST($10 AS TEXT) IS NULL OR q.area = $10))) "
    };
}

statements! {
    CUSTOMER_BY_CODE = concat!("SELECT ", columns!(), " FROM customer WHERE customer.code = $1");
    POINTS_OF [code Text] =
        "SELECT customer_point.customer_code, customer_point.kind, customer_point.value, customer_point.consents
         FROM customer_point JOIN v ON v.code = customer_point.customer_code ORDER BY customer_point.customer_code, customer_point.no";
    PREMISES_OF [code Text] =
        "SELECT premises.customer_code, premises.code, premises.address, premises.province, premises.district, premises.area,
             premises.locality, premises.feeder, premises.transformer, premises.flags
         FROM premises JOIN v ON v.code = premises.customer_code ORDER BY premises.customer_code, premises.code";
    CUSTOMER_PAGE = concat!("SELECT ", columns!(), ", '', '' FROM customer WHERE customer.code > $1 ", filters!(), " ORDER BY customer.code LIMIT $2");
    CUSTOMER_NAMED = concat!("SELECT ", columns!(), ", customer.name_key, '' FROM customer
         WHERE customer.name_key >= $11 AND customer.name_key < $12 AND (customer.name_key > $11 OR customer.code > $1) ", filters!(), "
         ORDER BY customer.name_key, customer.code LIMIT $2");
    CUSTOMER_AT = concat!("SELECT ", columns!(), ", '', '' FROM customer_point AS found JOIN customer ON customer.code = found.customer_code
         WHERE found.value = $11 AND found.customer_code > $1 ", filters!(), " ORDER BY found.customer_code LIMIT $2");
    // A customer is found once, by the first of the premises that match.
    CUSTOMER_FED = concat!("SELECT ", columns!(), ", '', '' FROM premises AS found JOIN customer ON customer.code = found.customer_code
         WHERE found.feeder = $11 AND found.customer_code > $1
           AND NOT EXISTS (SELECT 1 FROM premises AS other WHERE other.customer_code = found.customer_code AND other.feeder = found.feeder AND other.code < found.code)
         ", filters!(), " ORDER BY found.customer_code LIMIT $2");
    CUSTOMER_IN = concat!("SELECT ", columns!(), ", found.district, found.area FROM premises AS found JOIN customer ON customer.code = found.customer_code
         WHERE found.province = $11 AND (found.district, found.area, found.customer_code) > ($12, $13, $1) AND (found.district, found.area) <= ($14, $15)
           AND NOT EXISTS (SELECT 1 FROM premises AS other WHERE other.customer_code = found.customer_code AND other.province = found.province
               AND (other.district, other.area, other.code) < (found.district, found.area, found.code) AND (other.district, other.area) >= ($16, $17))
         ", filters!(), " ORDER BY found.district, found.area, found.customer_code LIMIT $2");
}

/// A customer as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCustomer {
    /// The customer.
    pub customer: Customer,
    /// Grows with every change.
    pub version: i64,
    /// Where the last change came from.
    pub source: String,
    /// When that was.
    pub updated_at: Timestamp,
}

/// What a list asks for; all that is set must hold. Values are in normal forms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CustomerQuery {
    /// Beginning of the folded name.
    pub name: Option<String>,
    /// E.164.
    pub phone: Option<String>,
    /// Lower case.
    pub email: Option<String>,
    /// Code of a feeder.
    pub feeder: Option<String>,
    /// ISO 3166-2 code.
    pub province: Option<String>,
    /// Within the province.
    pub district: Option<String>,
    /// Within the district.
    pub area: Option<String>,
}

/// Where a page ended, in the order of its list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CustomerAfter {
    /// The last customer's code.
    pub code: String,
    /// The name, or the district.
    pub first: String,
    /// The area.
    pub second: String,
}

/// A page, and where it ended when there may be more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CustomerPage {
    /// The customers.
    pub customers: Vec<StoredCustomer>,
    /// Where to go on.
    pub after: Option<CustomerAfter>,
}

/// Greater than every text that begins so.
fn beyond(text: &str) -> String {
    format!("{text}\u{10ffff}")
}

fn corrupt(what: &dyn std::fmt::Display) -> StoreError {
    StoreError::Corrupt { table: "customer", what: what.to_string() }
}

/// A customer without its parts.
fn bare(row: &Row) -> Result<StoredCustomer, StoreError> {
    let customer = Customer {
        code: CustomerCode::parse(&row.text(0)?).map_err(|e| corrupt(&e))?,
        name: row.text(3)?,
        name_plain: row.text(4)?,
        contact_points: Vec::new(),
        preferred_channel: row.int_or_null(6)?.and_then(Channel::from_number),
        preferred_language: Language::from_number(row.int(7)?).ok_or_else(|| corrupt(&"unknown language"))?,
        premises: Vec::new(),
    };
    let updated_at = Timestamp::from_microsecond(row.int(8)?).map_err(|e| corrupt(&e))?;
    Ok(StoredCustomer { customer, version: row.int(1)?, source: row.text(2)?, updated_at })
}

fn point(row: &Row) -> Result<ContactPoint, StoreError> {
    let kind = PointKind::from_number(row.int(1)?).ok_or_else(|| corrupt(&"unknown kind of contact point"))?;
    Ok(ContactPoint { kind, value: row.text(2)?, consents: consents(&row.text(3)?)? })
}

fn consents(text: &str) -> Result<Vec<Consent>, StoreError> {
    if text == "[]" {
        return Ok(Vec::new());
    }
    let read: Vec<(i64, bool, i64, String)> = serde_json::from_str(text).map_err(|e| corrupt(&e))?;
    let one = |(purpose, granted, given_us, source)| {
        let purpose = Purpose::from_number(purpose).ok_or_else(|| corrupt(&"unknown purpose"))?;
        Ok(Consent {
            purpose,
            granted,
            given_at: Timestamp::from_microsecond(given_us).map_err(|e| corrupt(&e))?,
            source,
        })
    };
    read.into_iter().map(one).collect()
}

fn place(row: &Row) -> Result<Premises, StoreError> {
    let flags = row.int(9)?;
    Ok(Premises {
        code: row.text(1)?,
        address: row.text(2)?,
        province: row.text_or_null(3)?,
        district: row.text(4)?,
        area: row.text(5)?,
        locality: row.int_or_null(6)?.and_then(Locality::from_number),
        feeder: row.text_or_null(7)?,
        transformer: row.text_or_null(8)?,
        medical_equipment: flags & 1 != 0,
        critical_service: flags & 2 != 0,
    })
}

/// Adds contact points and premises: one statement for each table.
async fn whole(tx: &mut Tx, mut customers: Vec<StoredCustomer>) -> Result<Vec<StoredCustomer>, StoreError> {
    let codes: Vec<String> = customers.iter().map(|stored| stored.customer.code.to_string()).collect();
    let place_of: HashMap<&str, usize> = codes.iter().enumerate().map(|(at, code)| (code.as_str(), at)).collect();
    let rows = |statement| {
        let mut rows = Rows::of(statement, codes.len());
        for code in &codes {
            rows.push(row![code.as_str()]);
        }
        rows
    };
    for found in tx.fetch_rows(&POINTS_OF, rows(&POINTS_OF)).await? {
        if let Some(at) = place_of.get(found.text(0)?.as_str()) {
            customers[*at].customer.contact_points.push(point(&found)?);
        }
    }
    for found in tx.fetch_rows(&PREMISES_OF, rows(&PREMISES_OF)).await? {
        if let Some(at) = place_of.get(found.text(0)?.as_str()) {
            customers[*at].customer.premises.push(place(&found)?);
        }
    }
    Ok(customers)
}

/// How these customers are reached as stored, by their codes: one statement for all.
pub(crate) async fn points_of<'a>(
    tx: &mut Tx,
    codes: impl ExactSizeIterator<Item = &'a str>,
) -> Result<HashMap<String, Vec<ContactPoint>>, StoreError> {
    let mut rows = Rows::of(&POINTS_OF, codes.len());
    for code in codes {
        rows.push(row![code]);
    }
    let mut points: HashMap<String, Vec<ContactPoint>> = HashMap::new();
    for found in tx.fetch_rows(&POINTS_OF, rows).await? {
        points.entry(found.text(0)?).or_default().push(point(&found)?);
    }
    Ok(points)
}

/// A customer by code, whole, within a transaction.
pub(crate) async fn find(tx: &mut Tx, code: &CustomerCode) -> Result<Option<StoredCustomer>, StoreError> {
    let Some(row) = tx.fetch_one(&CUSTOMER_BY_CODE, values![code.as_str()]).await? else { return Ok(None) };
    Ok(whole(tx, vec![bare(&row)?]).await?.pop())
}

impl NodeStore {
    /// A customer by code.
    pub async fn customer(&self, code: &CustomerCode) -> Result<Option<StoredCustomer>, StoreError> {
        find(&mut self.db().snapshot().await?, code).await
    }

    /// The premises of these customers, by the customer's code.
    pub async fn premises_of(
        &self,
        codes: &BTreeSet<&CustomerCode>,
    ) -> Result<HashMap<String, Vec<Premises>>, StoreError> {
        let mut rows = Rows::of(&PREMISES_OF, codes.len());
        for code in codes {
            rows.push(row![code.as_str()]);
        }
        let mut premises: HashMap<String, Vec<Premises>> = HashMap::new();
        for found in self.db().snapshot().await?.fetch_rows(&PREMISES_OF, rows).await? {
            premises.entry(found.text(0)?).or_default().push(place(&found)?);
        }
        Ok(premises)
    }

    /// A page of customers. The narrowest filter chooses the index, and with it the order: contact point, feeder, area, name.
    pub async fn customers(
        &self,
        query: &CustomerQuery,
        after: Option<CustomerAfter>,
        limit: usize,
    ) -> Result<CustomerPage, StoreError> {
        let begun = after.is_some();
        let after = after.unwrap_or_default();
        let mut rest = query.clone();
        let (statement, chosen) = choose(&mut rest, &after, begun);
        let name = rest.name.as_deref();
        let mut all: Vec<Value> = values![
            after.code.as_str(),
            i64::try_from(limit + 1).unwrap_or(i64::MAX),
            name,
            name.map(beyond),
            rest.phone.as_deref(),
            rest.email.as_deref(),
            rest.feeder.as_deref(),
            rest.province.as_deref(),
            rest.district.as_deref(),
            rest.area.as_deref(),
        ];
        all.extend(chosen);
        let mut tx = self.db().snapshot().await?;
        let mut rows = tx.fetch(statement, all).await?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let end = |row: &Row| {
            Ok::<_, StoreError>(CustomerAfter { code: row.text(0)?, first: row.text(9)?, second: row.text(10)? })
        };
        let after = rows.last().filter(|_| more).map(end).transpose()?;
        let customers = rows.iter().map(bare).collect::<Result<_, _>>()?;
        Ok(CustomerPage { customers: whole(&mut tx, customers).await?, after })
    }
}

/// The statement for a query and the values of its own; what it serves is taken out of the query.
fn choose(query: &mut CustomerQuery, after: &CustomerAfter, begun: bool) -> (&'static Statement, Vec<Value>) {
    if let Some(value) = query.phone.take().or_else(|| query.email.take()) {
        return (&CUSTOMER_AT, values![value]);
    }
    if let Some(feeder) = query.feeder.take() {
        return (&CUSTOMER_FED, values![feeder]);
    }
    if let Some(province) = query.province.take() {
        let (district, area) = (query.district.take(), query.area.take());
        let low = (district.clone().unwrap_or_default(), area.clone().unwrap_or_default());
        let high = match (district, area) {
            (Some(district), Some(area)) => (district, area),
            (Some(district), None) => (district, beyond("")),
            (None, _) => (beyond(""), String::new()),
        };
        let from = if begun { (after.first.clone(), after.second.clone()) } else { low.clone() };
        return (&CUSTOMER_IN, values![province, from.0, from.1, high.0, high.1, low.0, low.1]);
    }
    if let Some(name) = query.name.take() {
        let from = if begun { after.first.clone() } else { name.clone() };
        return (&CUSTOMER_NAMED, values![from, beyond(&name)]);
    }
    (&CUSTOMER_PAGE, Vec::new())
}
