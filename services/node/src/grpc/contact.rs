use std::{pin::Pin, time::Duration};

use futures::{Stream, StreamExt as _};
use gridcare_chassis::{id::new_id, identity::principal_of, status::refuse};
use gridcare_domain::refusal::{Refusal, RefusalKind, Violation};
use gridcare_proto::{
    contact::v1::{self as wire, contact_service_server::ContactService},
    convert::{code, contact as convert, time},
};
use gridcare_store::contact::{ContactQuery, Imported, PreparedBatch};
use jiff::Timestamp;
use prost::Message as _;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use super::{Contacts, answered, codes, failed, page, refuse_if, version_of};
use crate::{
    Node,
    flows::contact_arrives::{Sorted, sort, to_wire, watch},
    idempotency::{check_request_id, request_of},
    outlet::{Outflow, outlet},
};

/// Contacts in one batch of an import at most.
const BATCH: usize = 5_000;
/// An importer that says nothing for this long has gone away.
const PATIENCE: Duration = Duration::from_mins(5);

/// A batch of an import that only has to be stored.
struct Ready {
    batch: u64,
    batches: Vec<PreparedBatch>,
    rejections: Vec<wire::ContactRejection>,
}

impl Ready {
    fn from(node: &Node, batch: wire::ImportContactsRequest) -> Result<Self, Status> {
        check_batch(&batch.source, batch.contacts.len(), &batch.checkpoint)?;
        let Sorted { contacts, rejections } = sort(&batch.source, batch.contacts);
        let checkpoint = (!batch.checkpoint.is_empty()).then_some(batch.checkpoint);
        let batches = node.prepare_import(&batch.source, contacts, checkpoint);
        Ok(Self { batch: batch.batch, batches, rejections })
    }
}

#[tonic::async_trait]
impl ContactService for Contacts {
    type WatchContactsStream = Outflow<wire::WatchContactsResponse>;
    type ImportContactsStream = Pin<Box<dyn Stream<Item = Result<wire::ImportContactsResponse, Status>> + Send>>;

    async fn record_contact(
        &self,
        request: Request<wire::RecordContactRequest>,
    ) -> Result<Response<wire::RecordContactResponse>, Status> {
        let principal = principal_of(&request);
        let body = request.into_inner();
        let id = request_of(&principal, "RecordContact", &body.request_id, &body);
        let mut found = Vec::new();
        check_request_id(&body.request_id, &mut found);
        let mut draft = draft(body.contact, &mut found);
        let contact_id = new_id();
        if draft.source_key.is_empty() {
            draft.source_key = contact_id.to_string();
        }
        let contact = match convert::from_wire(draft, contact_id, "api", "contact.") {
            Ok(contact) if found.is_empty() => contact,
            Ok(_) => return Err(refuse(&Refusal::invalid(found))),
            Err(more) => {
                found.extend(more);
                return Err(refuse(&Refusal::invalid(found)));
            }
        };
        answered(self.0.record_contact(id, contact).await)
    }

    async fn correct_contact(
        &self,
        request: Request<wire::CorrectContactRequest>,
    ) -> Result<Response<wire::CorrectContactResponse>, Status> {
        let principal = principal_of(&request);
        let body = request.into_inner();
        let request_key = request_of(&principal, "CorrectContact", &body.request_id, &body);
        let mut found = Vec::new();
        check_request_id(&body.request_id, &mut found);
        let id = contact_id(&body.id, &mut found);
        let version = version_of(&body.etag, &mut found);
        let mut draft = draft(body.contact, &mut found);
        if draft.source_key.is_empty() {
            // It stays what it was, and must only pass the rule of length here.
            "kept".clone_into(&mut draft.source_key);
        }
        match convert::from_wire(draft, id.unwrap_or_default(), "api", "contact.") {
            Ok(contact) if found.is_empty() => {
                answered(self.0.correct_contact(request_key, contact.id, version, contact).await)
            }
            Ok(_) => Err(refuse(&Refusal::invalid(found))),
            Err(more) => {
                found.extend(more);
                Err(refuse(&Refusal::invalid(found)))
            }
        }
    }

    async fn get_contact(
        &self,
        request: Request<wire::GetContactRequest>,
    ) -> Result<Response<wire::GetContactResponse>, Status> {
        let mut found = Vec::new();
        let id = contact_id(&request.get_ref().id, &mut found);
        refuse_if(found)?;
        let stored = self.0.store.contact(id.unwrap_or_default()).await.map_err(|e| failed(&e))?;
        let missing =
            || Refusal::new(RefusalKind::NotFound, "NO_SUCH_CONTACT", "there is no such contact at this node");
        let stored = stored.ok_or_else(|| refuse(&missing()))?;
        Ok(Response::new(wire::GetContactResponse { contact: Some(to_wire(&stored)) }))
    }

    async fn list_contacts(
        &self,
        request: Request<wire::ListContactsRequest>,
    ) -> Result<Response<wire::ListContactsResponse>, Status> {
        let body = request.into_inner();
        let mut found = Vec::new();
        let bound =
            wire::ListContactsRequest { page_token: String::new(), page_size: 0, ..body.clone() }.encode_to_vec();
        let limit = page::size(body.page_size, &mut found);
        let place = page::place::<16>(&bound, &body.page_token, &mut found);
        let query = query(&body.filter.unwrap_or_default(), &mut found);
        refuse_if(found)?;
        let after = place.map(|place| {
            let read = |half: &[u8]| i64::from_be_bytes(half.try_into().unwrap_or_default());
            (read(&place[..8]), read(&place[8..]))
        });
        let asked = i64::try_from(limit + 1).unwrap_or(i64::MAX);
        let mut contacts = self.0.store.contacts(&query, after, asked).await.map_err(|e| failed(&e))?;
        let more = contacts.len() > limit;
        contacts.truncate(limit);
        let next_page_token = match contacts.last().filter(|_| more) {
            Some(last) => {
                let place =
                    [last.contact.arrived_at.as_microsecond().to_be_bytes(), last.arrival_no.to_be_bytes()].concat();
                page::token(&bound, &place)
            }
            None => String::new(),
        };
        Ok(Response::new(wire::ListContactsResponse {
            contacts: contacts.iter().map(to_wire).collect(),
            next_page_token,
        }))
    }

    async fn watch_contacts(
        &self,
        request: Request<wire::WatchContactsRequest>,
    ) -> Result<Response<Self::WatchContactsStream>, Status> {
        let head = self.0.store.contact_head().await.map_err(|e| failed(&e))?;
        let after = match request.get_ref().after_arrival_no {
            None => head,
            Some(after) => i64::try_from(after).ok().filter(|after| *after <= head).ok_or_else(|| {
                let message = format!("the newest contact here is {head}; resume at or before it");
                refuse(&Refusal::new(RefusalKind::OutOfRange, "TOKEN_OF_THE_FUTURE", message))
            })?,
        };
        let (out, stream) = outlet();
        tokio::spawn(watch(self.0.clone(), after, out));
        Ok(Response::new(stream))
    }

    async fn import_contacts(
        &self,
        request: Request<Streaming<wire::ImportContactsRequest>>,
    ) -> Result<Response<Self::ImportContactsStream>, Status> {
        let node = self.0.clone();
        let mut batches = request.into_inner();
        let (out, stream) = mpsc::channel(4);
        // The next batch is read, checked and made into rows, on another core, while this one is being stored.
        let (ready, mut storing) = mpsc::channel::<Result<Ready, Status>>(2);
        let reader = node.clone();
        tokio::spawn(async move {
            loop {
                let next = match tokio::time::timeout(PATIENCE, batches.next()).await {
                    Err(_) => Err(Status::deadline_exceeded("no batch for five minutes; import again to resume")),
                    Ok(None) => return,
                    Ok(Some(Err(status))) => Err(status),
                    Ok(Some(Ok(batch))) => Ready::from(&reader, batch),
                };
                let ended = next.is_err();
                if ready.send(next).await.is_err() || ended {
                    return;
                }
            }
        });
        tokio::spawn(async move {
            while let Some(next) = storing.recv().await {
                let answer = match next {
                    Err(status) => Err(status),
                    Ok(Ready { batch, batches, rejections }) => {
                        node.import_contacts(batches).await.map_err(|e| failed(&e)).map(
                            |Imported { accepted, completed, duplicates }| wire::ImportContactsResponse {
                                batch,
                                accepted,
                                completed,
                                duplicates,
                                rejections,
                            },
                        )
                    }
                };
                let ended = answer.is_err();
                if out.send(answer).await.is_err() || ended {
                    return;
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }

    async fn batch_import_contacts(
        &self,
        request: Request<wire::BatchImportContactsRequest>,
    ) -> Result<Response<wire::BatchImportContactsResponse>, Status> {
        let principal = principal_of(&request);
        let mut body = request.into_inner();
        let id = request_of(&principal, "BatchImportContacts", &body.request_id, &body);
        let mut found = Vec::new();
        check_request_id(&body.request_id, &mut found);
        refuse_if(found)?;
        check_batch(&body.source, body.contacts.len(), &body.checkpoint)?;
        let Sorted { contacts, rejections } = sort(&body.source, std::mem::take(&mut body.contacts));
        let checkpoint = (!body.checkpoint.is_empty()).then_some(body.checkpoint);
        let respond = move |Imported { accepted, completed, duplicates }| {
            wire::BatchImportContactsResponse { accepted, completed, duplicates, rejections: rejections.clone() }
                .encode_to_vec()
        };
        answered(self.0.import_batch(id, &body.source, contacts, checkpoint, respond).await)
    }

    async fn get_import_checkpoint(
        &self,
        request: Request<wire::GetImportCheckpointRequest>,
    ) -> Result<Response<wire::GetImportCheckpointResponse>, Status> {
        let mut found = Vec::new();
        check_source(&request.get_ref().source, &mut found);
        refuse_if(found)?;
        let checkpoint = self.0.store.checkpoint(&request.get_ref().source).await.map_err(|e| failed(&e))?;
        Ok(Response::new(wire::GetImportCheckpointResponse { checkpoint: checkpoint.unwrap_or_default() }))
    }
}

fn draft(given: Option<wire::ContactDraft>, found: &mut Vec<Violation>) -> wire::ContactDraft {
    if given.is_none() {
        found.push(Violation::new("contact", "REQUIRED", "give the contact"));
    }
    given.unwrap_or_default()
}

fn contact_id(given: &str, found: &mut Vec<Violation>) -> Option<Uuid> {
    let id = Uuid::try_parse(given).ok();
    if id.is_none() {
        found.push(Violation::new("id", "MALFORMED", "give the contact's id, a uuid"));
    }
    id
}

fn check_source(source: &str, found: &mut Vec<Violation>) {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._/-".contains(c);
    if source.is_empty() || source.len() > 64 || !source.chars().all(plain) || source == "api" {
        let cure = "name the source with 1 to 64 of a-z, 0-9, dot, underscore, slash or hyphen; api is taken";
        found.push(Violation::new("source", "MALFORMED", cure));
    }
}

fn check_batch(source: &str, contacts: usize, checkpoint: &str) -> Result<(), Status> {
    let mut found = Vec::new();
    check_source(source, &mut found);
    if contacts > BATCH {
        found.push(Violation::new("contacts", "TOO_MANY", format!("give at most {BATCH} contacts in one batch")));
    }
    if checkpoint.len() > 4_096 || checkpoint.contains('\0') {
        found.push(Violation::new("checkpoint", "LENGTH", "give at most 4096 bytes, without NUL"));
    }
    refuse_if(found)
}

fn query(filter: &wire::ContactFilter, found: &mut Vec<Violation>) -> ContactQuery {
    let channels = codes("filter.channels", &filter.channels, |number| code::channel_from_wire(*number), found);
    let direction = code::direction_from_wire(filter.direction);
    if direction.is_none() && filter.direction != 0 {
        found.push(Violation::new("filter.direction", "UNKNOWN_CODE", "give a direction, or none for both"));
    }
    let mut at = |field: &str, given: &Option<prost_types::Timestamp>| {
        let read = given.as_ref().map(|at| time::instant(at).map(Timestamp::as_microsecond));
        if read == Some(None) {
            found.push(Violation::new(
                format!("filter.{field}"),
                "OUT_OF_RANGE",
                "give a time between the years -9999 and 9999",
            ));
        }
        read.flatten()
    };
    let (from_us, until_us) = (at("arrived_from", &filter.arrived_from), at("arrived_until", &filter.arrived_until));
    ContactQuery { channels, direction, from_us, until_us }
}
