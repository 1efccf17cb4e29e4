use gridcare_chassis::id::new_id;
use std::sync::{Arc, OnceLock};

use gridcare_domain::{
    clock::Clocks,
    contact::{Channel, Contact, Direction, Outcome},
    feed::{Change, Entry, Kind},
    metric::{Bucket, BucketKey, Definition, QUARTER_US},
    reference::Reference,
    refusal::Refusal,
    standard::{Shelf, Standard, builtin, read},
    ticket::{Governance, Priority, State, Ticket, TimelineEntry, TimelineKind, Visibility},
    topic::Topic,
};
use gridcare_store::{
    NodeStore,
    contact::{ContactBatch, Imported, StoredContact},
    request::Request,
    writer::{DecideTicket, RespondContact, TicketWrite},
};
use gridcare_tests::Place;
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use uuid::Uuid;

/// The morning of 22 May 2013, microseconds since 1970; a whole quarter of an hour.
pub(crate) const MORNING_US: i64 = 1_369_180_800_000_000;

/// A database of one test's own.
pub(crate) struct Home {
    pub(crate) folder: TempDir,
    pub(crate) address: String,
}

impl Home {
    pub(crate) async fn new(place: Place) -> Self {
        let folder = tempfile::Builder::new().prefix("gridcare-contract-").tempdir().unwrap();
        let address = place.database(&folder, "node").await;
        Self { folder, address }
    }

    /// One more process of the node, as far as the store can tell.
    pub(crate) async fn store(&self) -> NodeStore {
        NodeStore::open(&self.address, 8, |_| ()).await.unwrap()
    }
}

/// The instant so many seconds into the morning.
pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_microsecond(MORNING_US).unwrap() + SignedDuration::from_secs(second)
}

/// A request that nobody made before.
pub(crate) fn request() -> Request {
    Request { key: new_id(), body: new_id() }
}

/// A new ticket, opened in the morning.
pub(crate) fn ticket(number: u64, subject: &str) -> Ticket {
    Ticket {
        id: new_id(),
        reference: Reference::new("HCMC", number).unwrap(),
        version: 1,
        state: State::New,
        priority: Priority::Normal,
        topic: Topic::Outage,
        channel: Channel::Hotline,
        subject: subject.into(),
        description: String::new(),
        customer_code: None,
        requester_name: None,
        requester_contact_point: None,
        province: None,
        assignee: None,
        opened_at: at(0),
        updated_at: at(0),
        resolved_at: None,
        closed_at: None,
        category: "outage".into(),
        locality: None,
        team: None,
        standard: String::new(),
        clocks: Clocks::open(&[], MORNING_US, None),
        due_us: None,
        deadline_us: None,
        event_at: None,
        first_response_at: None,
        parent: None,
        merged_into: None,
        satisfaction: None,
        rated_at: None,
        repetition: None,
    }
}

/// The rules of the standard that ships with the product.
pub(crate) fn governance() -> Governance<'static> {
    static SHIPPED: OnceLock<(Arc<Standard>, Shelf)> = OnceLock::new();
    let (standard, book) = SHIPPED.get_or_init(|| {
        let standard = Arc::new(Standard::compile(read(builtin()).unwrap()).unwrap());
        let mut shelf = Shelf::default();
        shelf.put(standard.clone());
        (standard, shelf)
    });
    Governance { standard, book }
}

/// The ticket with the clocks that the shipped standard asks for.
pub(crate) fn governed(ticket: Ticket) -> Ticket {
    gridcare_domain::ticket::open(ticket, governance())
}

/// What the feed says of a ticket; here its number and version alone.
pub(crate) fn change_of(ticket: &Ticket) -> Change {
    let payload = format!("{} v{}", ticket.reference, ticket.version).into_bytes();
    Change { kind: Kind::Ticket, key: ticket.id.to_string(), version: ticket.version, payload }
}

/// What the store writes for a ticket that is in this state now.
pub(crate) fn write(ticket: Ticket, kind: TimelineKind) -> TicketWrite {
    let entry = TimelineEntry {
        id: new_id(),
        at: ticket.updated_at,
        kind,
        visibility: Visibility::Public,
        author: "lan".into(),
        text: String::new(),
        state: Some(ticket.state),
    };
    let response = format!("{} v{}", ticket.id, ticket.version).into_bytes();
    let change = change_of(&ticket);
    TicketWrite::new(ticket, entry, change, response)
}

/// Opens a ticket that the store must take.
pub(crate) async fn open(store: &NodeStore, ticket: &Ticket) {
    let write = write(ticket.clone(), TimelineKind::Opened);
    store.open_ticket(request(), MORNING_US, new_id(), write).await.unwrap().unwrap();
}

/// Opens a new ticket with the next number.
pub(crate) async fn open_new(store: &NodeStore, subject: &str) -> Ticket {
    let ticket = ticket(store.next_number().await.unwrap(), subject);
    open(store, &ticket).await;
    ticket
}

/// A note, which every ticket takes at any time.
pub(crate) fn note() -> DecideTicket {
    Box::new(|ticket| Ok(write(Ticket { version: ticket.version + 1, ..ticket.clone() }, TimelineKind::Note)))
}

/// A no.
pub(crate) fn refuse(reason: &'static str) -> DecideTicket {
    Box::new(move |_| Err(Refusal::new(gridcare_domain::refusal::RefusalKind::Precondition, reason, "as planned")))
}

/// Changes a ticket as `decide` says.
pub(crate) async fn change(store: &NodeStore, id: Uuid, decide: DecideTicket) {
    store.change_ticket(request(), MORNING_US, new_id(), id, decide).await.unwrap().unwrap();
}

/// An answered call of one minute.
pub(crate) fn call(source: &str, key: &str, second: i64) -> Contact {
    Contact {
        id: new_id(),
        source: source.into(),
        source_key: key.into(),
        channel: Channel::Hotline,
        direction: Direction::Inbound,
        arrived_at: at(second),
        answered_at: Some(at(second + 10)),
        ended_at: Some(at(second + 70)),
        outcome: Some(Outcome::Answered),
        wait_ms: Some(10_000),
        talk_ms: Some(60_000),
        hold_ms: None,
        wrap_ms: None,
        topic: Some(Topic::Outage),
        customer_code: None,
        contact_point: None,
        agent: None,
        ticket: None,
        note: None,
    }
}

/// The same call while it goes on.
pub(crate) fn unfinished(contact: &Contact) -> Contact {
    Contact {
        id: new_id(),
        answered_at: None,
        ended_at: None,
        outcome: None,
        wait_ms: None,
        talk_ms: None,
        ..contact.clone()
    }
}

/// How a contact is answered: its id, number and version.
pub(crate) const RESPOND: RespondContact =
    |stored: &StoredContact| format!("{} no {} v{}", stored.contact.id, stored.arrival_no, stored.version).into_bytes();

/// Imports contacts without a checkpoint or a request.
pub(crate) async fn import(store: &NodeStore, contacts: Vec<Contact>) -> Imported {
    let batch = ContactBatch { contacts, checkpoint: None, request: None };
    store.import(batch, &Definition::default(), MORNING_US).await.unwrap().unwrap().counts
}

/// An empty bucket of this quarter and channel.
pub(crate) fn bucket(quarter: i64, channel: Channel) -> Bucket {
    let key = BucketKey { channel, direction: Direction::Inbound, start_us: MORNING_US + quarter * QUARTER_US };
    Bucket { revision: 1, ..Bucket::new(key, &Definition::default(), "test") }
}

/// What the feed says of a bucket; here its revision alone.
pub(crate) fn change_of_bucket(bucket: &Bucket) -> Change {
    let key = format!("{}/{}/{}", bucket.key.channel, bucket.key.direction, bucket.key.start_us);
    Change { kind: Kind::MetricBucket, key, version: bucket.revision, payload: vec![1] }
}

/// The whole feed from its beginning.
pub(crate) async fn whole_feed(store: &NodeStore) -> Vec<Entry> {
    store.feed_after(0, i64::MAX).await.unwrap()
}
