use std::{pin::Pin, time::Duration};

use futures::{Stream, StreamExt as _};
use gridcare_chassis::{identity::principal_of, status::refuse};
use gridcare_domain::{
    contact::check_text,
    customer::{ErasureReason, email, name_key, phone},
    customer_code::CustomerCode,
    province,
    refusal::{Refusal, Violation},
};
use gridcare_proto::{
    convert::{customer as convert, time},
    customer::v1::{self as wire, customer_service_server::CustomerService},
};
use gridcare_store::customer_page::{CustomerAfter, CustomerQuery};
use prost::Message as _;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::{Customers, answered, failed, page, refuse_if, version_of};
use crate::{
    Node,
    flows::{
        customer_is_exported::export,
        customer_is_imported::{Ready, to_wire},
    },
    idempotency::{check_request_id, request_of},
    outlet::{Outflow, outlet},
};

/// Customers in one batch of an import at most.
const BATCH: usize = 5_000;
/// An importer that says nothing for this long has gone away.
const PATIENCE: Duration = Duration::from_mins(5);

fn ready(node: &Node, batch: wire::ImportCustomersRequest) -> Result<(u64, Ready), Status> {
    let mut found = Vec::new();
    check_source(&batch.source, &mut found);
    if batch.customers.len() > BATCH {
        found.push(Violation::new("customers", "TOO_MANY", format!("give at most {BATCH} customers in one batch")));
    }
    check_text("checkpoint", &batch.checkpoint, 4_096, &mut found);
    refuse_if(found)?;
    let sorted = node.sort_customers(batch.customers);
    let checkpoint = (!batch.checkpoint.is_empty()).then_some(batch.checkpoint);
    Ok((batch.batch, node.prepare_customers(&batch.source, sorted, checkpoint)))
}

#[tonic::async_trait]
impl CustomerService for Customers {
    type ImportCustomersStream = Pin<Box<dyn Stream<Item = Result<wire::ImportCustomersResponse, Status>> + Send>>;
    type ExportCustomerDataStream = Outflow<wire::ExportCustomerDataResponse>;

    async fn get_customer(
        &self,
        request: Request<wire::GetCustomerRequest>,
    ) -> Result<Response<wire::GetCustomerResponse>, Status> {
        let code = code(&request.get_ref().code)?;
        let stored = self.0.store.customer(&code).await.map_err(|e| failed(&e))?;
        let stored = stored.ok_or_else(|| refuse(&self.0.no_such_customer(&code)))?;
        Ok(Response::new(wire::GetCustomerResponse { customer: Some(to_wire(&stored)) }))
    }

    async fn list_customers(
        &self,
        request: Request<wire::ListCustomersRequest>,
    ) -> Result<Response<wire::ListCustomersResponse>, Status> {
        let body = request.into_inner();
        let mut found = Vec::new();
        let bound =
            wire::ListCustomersRequest { page_token: String::new(), page_size: 0, ..body.clone() }.encode_to_vec();
        let limit = page::size(body.page_size, &mut found);
        let after = page::texts::<3>(&bound, &body.page_token, &mut found);
        let query = query(&body.filter.unwrap_or_default(), &mut found);
        refuse_if(found)?;
        let after = after.map(|[code, first, second]| CustomerAfter { code, first, second });
        let page = self.0.store.customers(&query, after, limit).await.map_err(|e| failed(&e))?;
        let token = page.after.map(|after| page::text_token(&bound, &[&after.code, &after.first, &after.second]));
        Ok(Response::new(wire::ListCustomersResponse {
            customers: page.customers.iter().map(to_wire).collect(),
            next_page_token: token.unwrap_or_default(),
        }))
    }

    async fn upsert_customer(
        &self,
        request: Request<wire::UpsertCustomerRequest>,
    ) -> Result<Response<wire::UpsertCustomerResponse>, Status> {
        let principal = principal_of(&request);
        let body = request.into_inner();
        let id = request_of(&principal, "UpsertCustomer", &body.request_id, &body);
        let mut found = Vec::new();
        check_request_id(&body.request_id, &mut found);
        let version = version_of(&body.etag, &mut found);
        if body.customer.is_none() {
            found.push(Violation::new("customer", "REQUIRED", "give the customer"));
            refuse_if(std::mem::take(&mut found))?;
        }
        let customer = match convert::from_wire(body.customer.unwrap_or_default(), "customer.") {
            Ok(customer) if found.is_empty() => customer,
            Ok(_) => return Err(refuse(&Refusal::invalid(found))),
            Err(more) => {
                found.extend(more);
                return Err(refuse(&Refusal::invalid(found)));
            }
        };
        let province = customer.premises.iter().find_map(|place| place.province.as_deref());
        self.0.own(&customer.code, province).map_err(|refusal| refuse(&refusal))?;
        answered(self.0.upsert_customer(id, customer, version, body.after_erasure).await)
    }

    async fn import_customers(
        &self,
        request: Request<Streaming<wire::ImportCustomersRequest>>,
    ) -> Result<Response<Self::ImportCustomersStream>, Status> {
        let node = self.0.clone();
        let mut batches = request.into_inner();
        let (out, stream) = mpsc::channel(4);
        // The next batch is read, checked and made into rows, on another core, while this one is being stored.
        let (prepared, mut storing) = mpsc::channel::<Result<(u64, Ready), Status>>(2);
        let reader = node.clone();
        tokio::spawn(async move {
            loop {
                let next = match tokio::time::timeout(PATIENCE, batches.next()).await {
                    Err(_) => Err(Status::deadline_exceeded("no batch for five minutes; import again to resume")),
                    Ok(None) => return,
                    Ok(Some(Err(status))) => Err(status),
                    Ok(Some(Ok(batch))) => ready(&reader, batch),
                };
                let ended = next.is_err();
                if prepared.send(next).await.is_err() || ended {
                    return;
                }
            }
        });
        tokio::spawn(async move {
            while let Some(next) = storing.recv().await {
                let answer = match next {
                    Err(status) => Err(status),
                    Ok((batch, ready)) => match node.import_customers(ready).await {
                        Ok(answer) => Ok(wire::ImportCustomersResponse { batch, ..answer }),
                        Err(e) => Err(failed(&e)),
                    },
                };
                let ended = answer.is_err();
                if out.send(answer).await.is_err() || ended {
                    return;
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }

    async fn get_import_checkpoint(
        &self,
        request: Request<wire::GetImportCheckpointRequest>,
    ) -> Result<Response<wire::GetImportCheckpointResponse>, Status> {
        let mut found = Vec::new();
        check_source(&request.get_ref().source, &mut found);
        refuse_if(found)?;
        let checkpoint = self.0.store.customer_checkpoint(&request.get_ref().source).await.map_err(|e| failed(&e))?;
        Ok(Response::new(wire::GetImportCheckpointResponse { checkpoint: checkpoint.unwrap_or_default() }))
    }

    async fn export_customer_data(
        &self,
        request: Request<wire::ExportCustomerDataRequest>,
    ) -> Result<Response<Self::ExportCustomerDataStream>, Status> {
        let code = code(&request.get_ref().code)?;
        let held = self.0.store.trace_customer(&code).await.map_err(|e| failed(&e))?;
        if held.customer.is_none() && held.tickets.is_empty() && held.contacts.is_empty() {
            return Err(refuse(&self.0.no_such_customer(&code)));
        }
        let (out, stream) = outlet();
        tokio::spawn(export(self.0.clone(), code, held, out));
        Ok(Response::new(stream))
    }

    async fn erase_customer(
        &self,
        request: Request<wire::EraseCustomerRequest>,
    ) -> Result<Response<wire::EraseCustomerResponse>, Status> {
        let principal = principal_of(&request);
        let body = request.into_inner();
        let id = request_of(&principal, "EraseCustomer", &body.request_id, &body);
        let mut found = Vec::new();
        check_request_id(&body.request_id, &mut found);
        let code = read_code("code", &body.code, &mut found);
        let reason = ErasureReason::from_number(i64::from(body.reason));
        if reason.is_none() {
            found.push(Violation::new("reason", "REQUIRED", "give a reason of the closed list"));
        }
        refuse_if(found)?;
        let (Some(code), Some(reason)) = (code, reason) else { return Err(Status::invalid_argument("code, reason")) };
        answered(self.0.erase_customer(id, code, reason, principal.0).await)
    }

    async fn resolve_owner(
        &self,
        request: Request<wire::ResolveOwnerRequest>,
    ) -> Result<Response<wire::ResolveOwnerResponse>, Status> {
        let body = request.into_inner();
        let mut found = Vec::new();
        let code = read_code("code", &body.code, &mut found);
        check_province("province", &body.province, &mut found);
        let at = body.at.as_ref().map(time::instant);
        if at == Some(None) {
            found.push(Violation::new("at", "OUT_OF_RANGE", "give a time between the years -9999 and 9999"));
        }
        refuse_if(found)?;
        let Some(code) = code else { return Err(Status::invalid_argument("code")) };
        let day = self.0.day(at.flatten().unwrap_or_else(|| self.0.now()));
        let province = Some(body.province.as_str()).filter(|code| !code.is_empty());
        let owner = self.0.routing.owner(&code, province, day).map_err(|refusal| refuse(&refusal))?;
        Ok(Response::new(wire::ResolveOwnerResponse {
            own: self.0.owns(&owner),
            since: owner.since.map(|day| day.to_string()).unwrap_or_default(),
            until: owner.until.map(|day| day.to_string()).unwrap_or_default(),
            region: owner.region,
            rule: owner.rule,
        }))
    }
}

fn read_code(field: &str, given: &str, found: &mut Vec<Violation>) -> Option<CustomerCode> {
    let read = CustomerCode::parse(given);
    if let Err(e) = &read {
        found.push(Violation::new(field, "MALFORMED", e.to_string()));
    }
    read.ok()
}

fn code(given: &str) -> Result<CustomerCode, Status> {
    let mut found = Vec::new();
    read_code("code", given, &mut found).ok_or_else(|| refuse(&Refusal::invalid(found)))
}

fn check_source(source: &str, found: &mut Vec<Violation>) {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._/-".contains(c);
    if source.is_empty() || source.len() > 64 || !source.chars().all(plain) || source == "api" {
        let cure = "name the source with 1 to 64 of a-z, 0-9, dot, underscore, slash or hyphen; api is taken";
        found.push(Violation::new("source", "MALFORMED", cure));
    }
}

fn check_province(field: &str, code: &str, found: &mut Vec<Violation>) {
    if !code.is_empty() && province::find(code).is_none() {
        found.push(Violation::new(field, "UNKNOWN_CODE", "give an ISO 3166-2 code such as VN-SG, or none"));
    }
}

fn query(filter: &wire::CustomerFilter, found: &mut Vec<Violation>) -> CustomerQuery {
    let filled = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    for (field, text) in [
        ("filter.words", &filter.words),
        ("filter.phone", &filter.phone),
        ("filter.email", &filter.email),
        ("filter.feeder", &filter.feeder),
        ("filter.district", &filter.district),
        ("filter.area", &filter.area),
    ] {
        check_text(field, text, 254, found);
    }
    let name = filled(&filter.words).map(|words| name_key(&words));
    if name.as_deref() == Some("") {
        found.push(Violation::new("filter.words", "NO_WORDS", "give letters or digits, or nothing"));
    }
    let mut normal = |field: &str, read: Option<Result<String, String>>| match read {
        Some(Err(cure)) => {
            found.push(Violation::new(field, "MALFORMED", cure));
            None
        }
        Some(Ok(value)) => Some(value),
        None => None,
    };
    let number = filled(&filter.phone).map(|text| phone(&text).map_err(|e| e.to_string()));
    let address = filled(&filter.email).map(|text| email(&text).map_err(|e| e.to_string()));
    let (phone, email) = (normal("filter.phone", number), normal("filter.email", address));
    check_province("filter.province", &filter.province, found);
    if filter.province.is_empty() && !(filter.district.is_empty() && filter.area.is_empty()) {
        found.push(Violation::new("filter.province", "REQUIRED", "say in which province the district or area is"));
    }
    if filter.district.is_empty() && !filter.area.is_empty() {
        found.push(Violation::new("filter.district", "REQUIRED", "say in which district the area is"));
    }
    CustomerQuery {
        name,
        phone,
        email,
        feeder: filled(&filter.feeder).map(|code| code.to_uppercase()),
        province: filled(&filter.province),
        district: filled(&gridcare_domain::text::nfc(&filter.district)),
        area: filled(&filter.area).map(|code| code.to_uppercase()),
    }
}
