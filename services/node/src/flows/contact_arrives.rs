use std::time::Duration;

use gridcare_chassis::id::new_id;
use gridcare_domain::{
    contact::Contact,
    refusal::{Refusal, RefusalKind},
};
use gridcare_proto::{
    contact::v1 as wire,
    convert::{contact as convert, ticket::etag},
};
use gridcare_store::{
    StoreError,
    contact::{ContactBatch, Imported, PreparedBatch, StoredContact},
    db::Engine,
    request::Request,
    writer::Answer,
};
use prost::Message as _;
use uuid::Uuid;

use crate::{CONTACTS, Node, SharedNode, outlet::Outlet};

/// Contacts per transaction of an import: large enough to be fast, and on SQLite, where a ticket waits for it, small
/// enough that it waits a few milliseconds at most.
const fn chunk(engine: Engine) -> usize {
    match engine {
        Engine::Sqlite => 2_000,
        Engine::Postgres => 2_500,
    }
}
/// How often a quiet watch is told that it is alive.
const BOOKMARK: Duration = Duration::from_secs(5);
const WATCH_PAGE: i64 = 500;

/// A batch as it came: sound contacts, and the others with their rejections.
pub(crate) struct Sorted {
    pub(crate) contacts: Vec<Contact>,
    pub(crate) rejections: Vec<wire::ContactRejection>,
}

/// A stored contact on the wire.
pub(crate) fn to_wire(stored: &StoredContact) -> wire::Contact {
    wire::Contact {
        id: stored.contact.id.to_string(),
        source: stored.contact.source.clone(),
        etag: etag(stored.version),
        arrival_no: u64::try_from(stored.arrival_no).unwrap_or(0),
        contact: Some(convert::to_wire(&stored.contact)),
    }
}

/// Tells sound contacts from the others; one bad contact does not stop the rest.
pub(crate) fn sort(source: &str, drafts: Vec<wire::ContactDraft>) -> Sorted {
    let mut sorted = Sorted { contacts: Vec::with_capacity(drafts.len()), rejections: Vec::new() };
    for (index, draft) in drafts.into_iter().enumerate() {
        // The key is kept for the report, in case the draft is rejected.
        let source_key = if draft.source_key.len() <= 200 { draft.source_key.clone() } else { String::new() };
        match convert::from_wire(draft, new_id(), source, "") {
            Ok(contact) => sorted.contacts.push(contact),
            Err(violations) => sorted.rejections.push(wire::ContactRejection {
                index: u32::try_from(index).unwrap_or(u32::MAX),
                source_key,
                violations: violations.into_iter().map(convert::violation_to_wire).collect(),
            }),
        }
    }
    sorted
}

impl Node {
    /// A contact arrives: it is stored and counted in one transaction.
    pub(crate) async fn record_contact(&self, request: Request, contact: Contact) -> Answer {
        let respond =
            |stored: &StoredContact| wire::RecordContactResponse { contact: Some(to_wire(stored)) }.encode_to_vec();
        self.store.record_contact(request, self.now_us(), new_id(), contact, respond).await
    }

    /// A contact is corrected: what it counted for is taken back, and its buckets are rebuilt.
    pub(crate) async fn correct_contact(
        &self,
        request: Request,
        id: Uuid,
        version: Option<i64>,
        contact: Contact,
    ) -> Answer {
        let decide = Box::new(move |old: &StoredContact| {
            if version.is_some_and(|version| version != old.version) {
                let message = "the contact has changed since; read it again and decide again";
                return Err(
                    Refusal::new(RefusalKind::Conflict, "ETAG_MISMATCH", message).with("etag", etag(old.version))
                );
            }
            let Contact { source, source_key, .. } = &old.contact;
            Ok(Contact { id, source: source.clone(), source_key: source_key.clone(), ..contact.clone() })
        });
        let respond =
            |stored: &StoredContact| wire::CorrectContactResponse { contact: Some(to_wire(stored)) }.encode_to_vec();
        self.store.correct_contact(request, self.now_us(), new_id(), id, decide, respond).await
    }

    /// Many contacts arrive from a source: their rows are made, in transactions of at most [`chunk`] each. The checkpoint goes
    /// with the last of them, so that it never promises more than there is.
    pub(crate) fn prepare_import(
        &self,
        source: &str,
        mut contacts: Vec<Contact>,
        checkpoint: Option<String>,
    ) -> Vec<PreparedBatch> {
        // Sorted by time few buckets are touched at once.
        contacts.sort_by_key(|contact| contact.arrived_at);
        let chunk = chunk(self.store.db().engine());
        let mut batches = Vec::new();
        let mut checkpoint = checkpoint.map(|text| (source.to_owned(), text));
        loop {
            let rest = if contacts.len() > chunk { contacts.split_off(chunk) } else { Vec::new() };
            let last = rest.is_empty();
            let checkpoint = if last { checkpoint.take() } else { None };
            if !contacts.is_empty() || checkpoint.is_some() {
                batches.push(ContactBatch { contacts, checkpoint, request: None }.prepare(&self.definition));
            }
            if last {
                return batches;
            }
            contacts = rest;
        }
    }

    /// New ones of the prepared contacts are stored and counted, in order, and nothing twice.
    pub(crate) async fn import_contacts(&self, batches: Vec<PreparedBatch>) -> Result<Imported, StoreError> {
        let mut sum = Imported::default();
        for batch in batches {
            if let Some(done) = self.store.import_prepared(batch, self.now_us()).await? {
                sum.accepted += done.counts.accepted;
                sum.completed += done.counts.completed;
                sum.duplicates += done.counts.duplicates;
            }
        }
        Ok(sum)
    }

    /// The same for one batch with a request id: one transaction, one stored answer.
    pub(crate) async fn import_batch(
        &self,
        request: Request,
        source: &str,
        contacts: Vec<Contact>,
        checkpoint: Option<String>,
        respond: impl Fn(Imported) -> Vec<u8> + Send + Sync + 'static,
    ) -> Answer {
        if let Some(answered) = self.store.answered(request).await? {
            return Ok(answered);
        }
        let checkpoint = checkpoint.map(|text| (source.to_owned(), text));
        let batch = ContactBatch { contacts, checkpoint, request: Some((request, Box::new(respond))) };
        match self.store.import(batch, &self.definition, self.now_us()).await? {
            Some(answer) => Ok(Ok(answer.response)),
            None => match self.store.answered(request).await? {
                Some(answered) => Ok(answered),
                None => Err(StoreError::Corrupt { table: "request", what: "an answer vanished".into() }),
            },
        }
    }
}

/// Sends contacts as they arrive, from a number on, until the watcher goes away or is too slow.
pub(crate) async fn watch(node: SharedNode, mut after: i64, out: Outlet<wire::WatchContactsResponse>) {
    let mut wakeups = node.bus.subscribe(CONTACTS);
    loop {
        let page = match node.store.contacts_after(after, WATCH_PAGE).await {
            Ok(page) => page,
            Err(e) => {
                out.fail(gridcare_chassis::status::fault(&e));
                return;
            }
        };
        let full = page.len() == usize::try_from(WATCH_PAGE).unwrap_or(usize::MAX);
        if let Some(last) = page.last() {
            after = last.arrival_no;
        }
        let contacts: Vec<_> = page.iter().map(to_wire).collect();
        let quiet = contacts.is_empty();
        let response = wire::WatchContactsResponse { contacts, arrival_no: u64::try_from(after).unwrap_or(0) };
        if !quiet && !out.send(response, &after.to_string()).await {
            return;
        }
        if full {
            continue;
        }
        tokio::select! {
            () = out.closed() => return,
            () = wakeups.changed() => {}
            () = tokio::time::sleep(BOOKMARK) => {
                let bookmark = wire::WatchContactsResponse { contacts: Vec::new(), arrival_no: u64::try_from(after).unwrap_or(0) };
                if !out.send(bookmark, &after.to_string()).await {
                    return;
                }
            }
        }
    }
}
