use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ops::RangeInclusive,
};

use gridcare_domain::{
    contact::{Channel, Contact, Direction, Outcome},
    customer_code::CustomerCode,
    metric::{BucketKey, Counts, Definition},
    topic::Topic,
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    Committed, NodeStore, StoreError,
    db::{Row, Tx},
    metric,
    request::{self, Request},
    statement::{Rows, Statement, Value, row, statements, values},
};

/// Columns of a contact, in the order in which rows are read.
macro_rules! columns {
    () => {
        "contact.arrival_no, contact.id, contact.version, contact.source, contact.source_key, contact.channel, contact.direction,
         contact.arrived_us, contact.answered_us, contact.ended_us, contact.outcome, contact.wait_ms, contact.talk_ms, contact.hold_ms,
         contact.wrap_ms, contact.topic, contact.customer_code, contact.contact_point, contact.agent, contact.ticket, contact.note"
    };
}

/// The insertion of contacts, but for what happens to a known key.
macro_rules! insertion {
    () => {
        "INSERT INTO contact (arrival_no, id, version, source, source_key, channel, direction, arrived_us, answered_us, ended_us, outcome,
             wait_ms, talk_ms, hold_ms, wrap_ms, topic, customer_code, contact_point, agent, ticket, note)
         SELECT arrival_no, id, version, source, source_key, channel, direction, arrived_us, answered_us, ended_us, outcome,
             wait_ms, talk_ms, hold_ms, wrap_ms, topic, customer_code, contact_point, agent, ticket, note
         FROM v WHERE true"
    };
}

/// What counting a contact needs, in the order in which rows are read.
macro_rules! counting {
    () => {
        "contact.arrival_no, contact.id, contact.channel, contact.direction, contact.arrived_us, contact.ended_us, contact.outcome,
         contact.wait_ms, contact.talk_ms, contact.hold_ms, contact.wrap_ms, contact.customer_code"
    };
}

statements! {
    // Taken before the rows are written, so that arrival numbers are in commit order.
    CONTACT_ADVANCE = "UPDATE contact_head SET arrival_no = arrival_no + $1 WHERE one = 1 RETURNING arrival_no";
    CONTACT_HEAD = "SELECT arrival_no FROM contact_head WHERE one = 1";
    // An unfinished contact is completed by its end; one that has ended is never changed by an import.
    CONTACT_INSERT [arrival_no Int, id Uuid, version Int, source Text, source_key Text, channel Int, direction Int, arrived_us Int,
                    answered_us Int, ended_us Int, outcome Int, wait_ms Int, talk_ms Int, hold_ms Int, wrap_ms Int, topic Int,
                    customer_code Text, contact_point Text, agent Text, ticket Text, note Text] =
        concat!(insertion!(), "
         ON CONFLICT (source, source_key) DO UPDATE SET
             arrival_no = excluded.arrival_no, version = contact.version + 1, channel = excluded.channel, direction = excluded.direction,
             arrived_us = excluded.arrived_us, answered_us = excluded.answered_us, ended_us = excluded.ended_us, outcome = excluded.outcome,
             wait_ms = excluded.wait_ms, talk_ms = excluded.talk_ms, hold_ms = excluded.hold_ms, wrap_ms = excluded.wrap_ms,
             topic = excluded.topic, customer_code = excluded.customer_code, contact_point = excluded.contact_point,
             agent = excluded.agent, ticket = excluded.ticket, note = excluded.note
         WHERE contact.ended_us IS NULL AND excluded.ended_us IS NOT NULL");
    // A contact that is recorded directly completes nothing: its key is new, or it is refused.
    CONTACT_RECORD [arrival_no Int, id Uuid, version Int, source Text, source_key Text, channel Int, direction Int, arrived_us Int,
                    answered_us Int, ended_us Int, outcome Int, wait_ms Int, talk_ms Int, hold_ms Int, wrap_ms Int, topic Int,
                    customer_code Text, contact_point Text, agent Text, ticket Text, note Text] =
        concat!(insertion!(), " ON CONFLICT (source, source_key) DO NOTHING");
    CONTACT_KNOWN [source Text, source_key Text] =
        "SELECT contact.source, contact.source_key, contact.ended_us FROM contact JOIN v ON v.source = contact.source AND v.source_key = contact.source_key";
    CONTACT_UNFINISHED = "SELECT arrival_no FROM contact WHERE source = $1 AND ended_us IS NULL LIMIT 1";
    CONTACT_BY_ID = concat!("SELECT ", columns!(), " FROM contact WHERE contact.id = $1");
    CONTACT_LOCK = concat!("SELECT ", columns!(), " FROM contact WHERE contact.id = $1 {lock:contact}");
    CONTACT_CORRECT =
        "UPDATE contact SET version = version + 1, channel = $2, direction = $3, arrived_us = $4, answered_us = $5, ended_us = $6, outcome = $7,
             wait_ms = $8, talk_ms = $9, hold_ms = $10, wrap_ms = $11, topic = $12, customer_code = $13, contact_point = $14, agent = $15,
             ticket = $16, note = $17
         WHERE id = $1";
    CONTACT_RENUMBER = "UPDATE contact SET arrival_no = $2 WHERE id = $1";
    CONTACT_NEWEST = concat!("SELECT ", columns!(), " FROM contact WHERE contact.arrived_us <= $1 AND (contact.arrived_us < $1 OR contact.arrival_no < $2)
         AND contact.arrived_us >= $3 AND ((CAST($4 AS BIGINT) >> CAST(contact.channel AS INTEGER)) & 1) = 1
         AND ((CAST($5 AS BIGINT) >> CAST(contact.direction AS INTEGER)) & 1) = 1
         ORDER BY contact.arrived_us DESC, contact.arrival_no DESC LIMIT $6");
    CONTACT_AFTER = concat!("SELECT ", columns!(), " FROM contact WHERE contact.arrival_no > $1 ORDER BY contact.arrival_no LIMIT $2");
    CONTACT_COUNTING = concat!("SELECT ", counting!(), " FROM contact WHERE contact.arrival_no > $1 ORDER BY contact.arrival_no LIMIT $2");
    CONTACT_BETWEEN = concat!("SELECT ", counting!(), " FROM contact WHERE contact.arrived_us >= $1 AND contact.arrived_us < $2
         AND contact.channel = $3 AND contact.direction = $4 AND contact.arrival_no <= $5 ORDER BY contact.arrived_us, contact.arrival_no");
    CONTACT_SPAN = concat!("SELECT ", counting!(), " FROM contact WHERE contact.arrived_us >= $1 AND contact.arrived_us < $2 ORDER BY contact.arrived_us, contact.arrival_no");
    // Asked block by block: see BLOCK_BITS.
    CONTACT_OF_CUSTOMER [block Int, customer_code Text] = concat!("SELECT ", columns!(), " FROM v
         JOIN contact ON (contact.arrival_no >> 14) = v.block AND contact.customer_code = v.customer_code");
    CONTACT_CAME_BACK [block Int, customer_code Text, topic Int, from_us Int, until_us Int] = "SELECT 1 FROM v
         JOIN contact ON (contact.arrival_no >> 14) = v.block AND contact.customer_code = v.customer_code
         WHERE contact.topic = v.topic AND contact.direction = 1 AND contact.arrived_us > v.from_us AND contact.arrived_us <= v.until_us LIMIT 1";
    CONTACT_AT_POINT [block Int, point Text] = concat!("SELECT ", columns!(), " FROM v
         JOIN contact ON (contact.arrival_no >> 14) = v.block AND contact.contact_point = v.point
         WHERE (contact.customer_code IS NULL) IS TRUE");
    CHECKPOINT_PUT =
        "INSERT INTO import_checkpoint (source, checkpoint, updated_us) VALUES ($1, $2, $3)
         ON CONFLICT (source) DO UPDATE SET checkpoint = excluded.checkpoint, updated_us = excluded.updated_us";
    CHECKPOINT_GET = "SELECT checkpoint FROM import_checkpoint WHERE source = $1";
}

/// A contact as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredContact {
    /// Order of arrival at the node.
    pub arrival_no: i64,
    /// Grows with every change.
    pub version: i64,
    /// The contact.
    pub contact: Contact,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Imported {
    /// Newly stored.
    pub accepted: u32,
    /// Were unfinished, and now ended.
    pub completed: u32,
    /// Were there already.
    pub duplicates: u32,
}

/// A deadlock or a race is run again this often.
const RETRIES: usize = 3;

/// How to answer with what became of a batch.
pub type RespondImported = Box<dyn Fn(Imported) -> Vec<u8> + Send + Sync>;

/// One batch of an import.
pub struct ContactBatch {
    /// Sound contacts of one source.
    pub contacts: Vec<Contact>,
    /// Where the importer would resume, stored with the batch.
    pub checkpoint: Option<(String, String)>,
    /// For a unary batch: its request and how to answer it.
    pub request: Option<(Request, RespondImported)>,
}

/// A batch that is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedBatch {
    /// What became of it.
    pub counts: Imported,
    /// The stored answer, when there was a request.
    pub response: Vec<u8>,
}

/// Which contacts a list asks for.
#[derive(Debug, Clone, Default)]
pub struct ContactQuery {
    /// All when empty.
    pub channels: Vec<Channel>,
    /// Both when unset.
    pub direction: Option<Direction>,
    /// Arrived at or after, microseconds since 1970.
    pub from_us: Option<i64>,
    /// Arrived before, microseconds since 1970.
    pub until_us: Option<i64>,
}

fn row_of(arrival_no: i64, c: &Contact) -> [Value; 21] {
    let us = |at: Option<Timestamp>| at.map(Timestamp::as_microsecond);
    row![
        arrival_no,
        c.id,
        1_i64,
        c.source.as_str(),
        c.source_key.as_str(),
        c.channel.number(),
        c.direction.number(),
        c.arrived_at.as_microsecond(),
        us(c.answered_at),
        us(c.ended_at),
        c.outcome.map(Outcome::number),
        c.wait_ms,
        c.talk_ms,
        c.hold_ms,
        c.wrap_ms,
        c.topic.map(Topic::number),
        c.customer_code.as_ref().map(CustomerCode::as_str),
        c.contact_point.as_deref(),
        c.agent.as_deref(),
        c.ticket.as_deref(),
        c.note.as_deref(),
    ]
}

pub(crate) fn stored(row: &Row) -> Result<StoredContact, StoreError> {
    let corrupt = |what: &str| StoreError::Corrupt { table: "contact", what: what.to_owned() };
    let at = |us: i64| Timestamp::from_microsecond(us).map_err(|e| corrupt(&e.to_string()));
    let contact = Contact {
        id: row.uuid(1)?,
        source: row.text(3)?,
        source_key: row.text(4)?,
        channel: Channel::from_number(row.int(5)?).ok_or_else(|| corrupt("unknown channel"))?,
        direction: Direction::from_number(row.int(6)?).ok_or_else(|| corrupt("unknown direction"))?,
        arrived_at: at(row.int(7)?)?,
        answered_at: row.int_or_null(8)?.map(at).transpose()?,
        ended_at: row.int_or_null(9)?.map(at).transpose()?,
        outcome: row.int_or_null(10)?.and_then(Outcome::from_number),
        wait_ms: row.int_or_null(11)?,
        talk_ms: row.int_or_null(12)?,
        hold_ms: row.int_or_null(13)?,
        wrap_ms: row.int_or_null(14)?,
        topic: row.int_or_null(15)?.and_then(Topic::from_number),
        customer_code: match row.text_or_null(16)? {
            Some(code) => Some(CustomerCode::parse(&code).map_err(|_| corrupt("malformed customer code"))?),
            None => None,
        },
        contact_point: row.text_or_null(17)?,
        agent: row.text_or_null(18)?,
        ticket: row.text_or_null(19)?,
        note: row.text_or_null(20)?,
    };
    Ok(StoredContact { arrival_no: row.int(0)?, version: row.int(2)?, contact })
}

/// A contact as far as counting needs it: its texts are left empty.
fn counting(row: &Row) -> Result<StoredContact, StoreError> {
    let corrupt = |what: &str| StoreError::Corrupt { table: "contact", what: what.to_owned() };
    let at = |us: i64| Timestamp::from_microsecond(us).map_err(|e| corrupt(&e.to_string()));
    let contact = Contact {
        id: row.uuid(1)?,
        source: String::new(),
        source_key: String::new(),
        channel: Channel::from_number(row.int(2)?).ok_or_else(|| corrupt("unknown channel"))?,
        direction: Direction::from_number(row.int(3)?).ok_or_else(|| corrupt("unknown direction"))?,
        arrived_at: at(row.int(4)?)?,
        answered_at: None,
        ended_at: row.int_or_null(5)?.map(at).transpose()?,
        outcome: row.int_or_null(6)?.and_then(Outcome::from_number),
        wait_ms: row.int_or_null(7)?,
        talk_ms: row.int_or_null(8)?,
        hold_ms: row.int_or_null(9)?,
        wrap_ms: row.int_or_null(10)?,
        topic: None,
        customer_code: match row.text_or_null(11)? {
            Some(code) => Some(CustomerCode::parse(&code).map_err(|_| corrupt("malformed customer code"))?),
            None => None,
        },
        contact_point: None,
        agent: None,
        ticket: None,
        note: None,
    };
    Ok(StoredContact { arrival_no: row.int(0)?, version: 0, contact })
}

/// Stores contacts that must all be new, and counts those that ended. Returns their first arrival number, or `None` when
/// some turned out to be known: then nothing may be kept.
pub(crate) async fn record(
    tx: &mut Tx,
    contacts: &[&Contact],
    definition: &Definition,
) -> Result<Option<i64>, StoreError> {
    insert_by(tx, &CONTACT_RECORD, prepare(&CONTACT_RECORD, contacts.iter().copied(), definition)).await
}

/// Takes the lock on the order of arrival without moving it. Whoever writes contacts or tallies takes it first, so that
/// imports and corrections never wait for each other crosswise, and what is read after it is still true when it is written.
pub(crate) async fn lock_order(tx: &mut Tx) -> Result<(), StoreError> {
    tx.execute(&CONTACT_ADVANCE, values![0_i64]).await.map(drop)
}

/// The same of prepared rows, by the statement that says what a known contact becomes.
async fn insert_by(
    tx: &mut Tx,
    statement: &'static Statement,
    Prepared { mut rows, tallies }: Prepared,
) -> Result<Option<i64>, StoreError> {
    let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let corrupt = || StoreError::Corrupt { table: "contact_head", what: "the one row is missing".into() };
    let head = tx.fetch_one(&CONTACT_ADVANCE, values![count]).await?.ok_or_else(corrupt)?.int(0)?;
    let first = head - count + 1;
    rows.number(first);
    let changed = tx.execute_rows(statement, rows).await?;
    if changed != u64::try_from(count).unwrap_or(u64::MAX) {
        return Ok(None);
    }
    metric::tally(tx, &tallies).await?;
    Ok(Some(first))
}

/// Rows of contacts, still without their arrival numbers, and what they add to the tallies: all that can be made before
/// a lock is taken.
struct Prepared {
    rows: Rows,
    tallies: BTreeMap<BucketKey, Counts>,
}

fn prepare<'a>(
    statement: &'static Statement,
    contacts: impl ExactSizeIterator<Item = &'a Contact>,
    definition: &Definition,
) -> Prepared {
    let mut prepared = Prepared { rows: Rows::of(statement, contacts.len()), tallies: BTreeMap::new() };
    for contact in contacts {
        prepared.rows.push(row_of(0, contact));
        if contact.counts() {
            prepared.tallies.entry(BucketKey::of(contact)).or_default().add(&Counts::of(contact, definition), 1);
        }
    }
    prepared
}

/// A batch of an import whose rows are made: what is left is to store them.
pub struct PreparedBatch {
    batch: ContactBatch,
    repeated: u32,
    definition: Definition,
    all: Option<Prepared>,
}

impl ContactBatch {
    /// Makes the rows of this batch. Takes no lock and no time of the database's.
    #[must_use]
    pub fn prepare(mut self, definition: &Definition) -> PreparedBatch {
        let repeated = drop_repeated(&mut self.contacts);
        let all = Some(prepare(&CONTACT_INSERT, self.contacts.iter(), definition));
        PreparedBatch { batch: self, repeated, definition: definition.clone(), all }
    }
}

/// Which of these keys are stored, and whether those have ended.
async fn known(tx: &mut Tx, contacts: &[Contact]) -> Result<HashMap<(String, String), bool>, StoreError> {
    let mut rows = Rows::of(&CONTACT_KNOWN, contacts.len());
    for contact in contacts {
        rows.push(values![contact.source.as_str(), contact.source_key.as_str()]);
    }
    let found = tx.fetch_rows(&CONTACT_KNOWN, rows).await?;
    found.iter().map(|row| Ok(((row.text(0)?, row.text(1)?), row.int_or_null(2)?.is_some()))).collect()
}

impl NodeStore {
    /// Stores a batch of an import: new contacts, ends of unfinished ones, and nothing twice. `None` when the batch's
    /// request was answered by another process meanwhile: nothing was kept, and that answer stands.
    pub async fn import(
        &self,
        batch: ContactBatch,
        definition: &Definition,
        now_us: i64,
    ) -> Result<Option<ImportedBatch>, StoreError> {
        self.import_prepared(batch.prepare(definition), now_us).await
    }

    /// The same of a batch whose rows are made.
    pub async fn import_prepared(
        &self,
        mut batch: PreparedBatch,
        now_us: i64,
    ) -> Result<Option<ImportedBatch>, StoreError> {
        let mut tries = 0;
        loop {
            match self.import_once(&mut batch, now_us).await {
                Err(e) if e.is_transient() && tries < RETRIES => tries += 1,
                outcome => return outcome,
            }
        }
    }

    // By exclusive reference, because what answers the request may be sent between threads but not shared.
    async fn import_once(
        &self,
        prepared: &mut PreparedBatch,
        now_us: i64,
    ) -> Result<Option<ImportedBatch>, StoreError> {
        let all = prepared.all.take();
        let (mut tx, mut outcome) = self.insert_new(&prepared.batch.contacts, all, &prepared.definition).await?;
        outcome.duplicates += prepared.repeated;
        let batch = &prepared.batch;
        if let Some((source, checkpoint)) = &batch.checkpoint {
            put_checkpoint(&mut tx, source, checkpoint, now_us).await?;
        }
        let answer = batch.request.as_ref().map(|(request, respond)| (*request, respond(outcome)));
        if let Some(answer) = &answer {
            let new = request::insert(&mut tx, now_us, [answer.clone()].into_iter()).await?;
            if new.is_empty() {
                tx.rollback().await?;
                return Ok(None);
            }
        }
        tx.commit().await?;
        self.writer.committed(Committed { feed: false, contacts: true });
        let response = answer.map(|(_, response)| response).unwrap_or_default();
        Ok(Some(ImportedBatch { counts: outcome, response }))
    }

    async fn insert_new(
        &self,
        contacts: &[Contact],
        all: Option<Prepared>,
        definition: &Definition,
    ) -> Result<(Tx, Imported), StoreError> {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let mut tx = self.db.begin().await?;
        let Some(first) = contacts.first() else { return Ok((tx, Imported::default())) };
        lock_order(&mut tx).await?;
        // Nearly always all are new, and the row count alone tells; unless some might complete an unfinished one.
        if tx.fetch_one(&CONTACT_UNFINISHED, values![first.source.as_str()]).await?.is_none() {
            let all = all.unwrap_or_else(|| prepare(&CONTACT_INSERT, contacts.iter(), definition));
            if insert_by(&mut tx, &CONTACT_INSERT, all).await?.is_some() {
                return Ok((tx, Imported { accepted: count(contacts.len()), ..Imported::default() }));
            }
            tx.rollback().await?;
            tx = self.db.begin().await?;
            lock_order(&mut tx).await?;
        }
        let known = known(&mut tx, contacts).await?;
        let stored = |c: &Contact| known.get(&(c.source.clone(), c.source_key.clone())).copied();
        let fresh: Vec<_> = contacts
            .iter()
            .filter(|c| match stored(c) {
                None => true,
                Some(ended) => !ended && c.ended_at.is_some(),
            })
            .collect();
        let completed = fresh.iter().filter(|c| stored(c).is_some()).count();
        let outcome = Imported {
            accepted: count(fresh.len() - completed),
            completed: count(completed),
            duplicates: count(contacts.len() - fresh.len()),
        };
        let chosen = prepare(&CONTACT_INSERT, fresh.iter().copied(), definition);
        if !fresh.is_empty() && insert_by(&mut tx, &CONTACT_INSERT, chosen).await?.is_none() {
            // Whoever stores contacts holds the lock that we hold: only somebody else's hand in the database does this.
            return Err(StoreError::Raced);
        }
        Ok((tx, outcome))
    }

    /// Where this source's importer would resume.
    pub async fn checkpoint(&self, source: &str) -> Result<Option<String>, StoreError> {
        self.db.fetch_one(&CHECKPOINT_GET, values![source]).await?.map(|row| row.text(0)).transpose()
    }

    /// A contact by its id.
    pub async fn contact(&self, id: Uuid) -> Result<Option<StoredContact>, StoreError> {
        self.db.fetch_one(&CONTACT_BY_ID, values![id]).await?.as_ref().map(stored).transpose()
    }

    /// A page of contacts, newest arrival first; `after` is the last one's arrival (microseconds) and number.
    pub async fn contacts(
        &self,
        query: &ContactQuery,
        after: Option<(i64, i64)>,
        limit: i64,
    ) -> Result<Vec<StoredContact>, StoreError> {
        let channels = query.channels.iter().fold(0_i64, |mask, c| mask | (1 << c.number()));
        let (until, before_no) = after.unwrap_or((query.until_us.map_or(i64::MAX, |us| us - 1), i64::MAX));
        let values = values![
            until,
            before_no,
            query.from_us.unwrap_or(i64::MIN),
            if channels == 0 { i64::MAX } else { channels },
            query.direction.map_or(i64::MAX, |d| 1 << d.number()),
            limit,
        ];
        self.db.fetch(&CONTACT_NEWEST, values).await?.iter().map(stored).collect()
    }

    /// Contacts in order of arrival after a number.
    pub async fn contacts_after(&self, arrival_no: i64, limit: i64) -> Result<Vec<StoredContact>, StoreError> {
        self.db.fetch(&CONTACT_AFTER, values![arrival_no, limit]).await?.iter().map(stored).collect()
    }

    /// The newest arrival number.
    pub async fn contact_head(&self) -> Result<i64, StoreError> {
        let row = self.db.fetch_one(&CONTACT_HEAD, vec![]).await?;
        row.ok_or(StoreError::Corrupt { table: "contact_head", what: "the one row is missing".into() })?.int(0)
    }
}

/// Within one batch a key stands once, as it would when each came in a batch of its own: its first end, or its first
/// state when it has none. Returns how many were dropped.
fn drop_repeated(contacts: &mut Vec<Contact>) -> u32 {
    let before = contacts.len();
    let mut stands: HashMap<(&str, &str), usize> = HashMap::with_capacity(before);
    for (i, contact) in contacts.iter().enumerate() {
        let place = stands.entry((contact.source.as_str(), contact.source_key.as_str())).or_insert(i);
        if contacts[*place].ended_at.is_none() && contact.ended_at.is_some() {
            *place = i;
        }
    }
    if stands.len() == before {
        return 0;
    }
    let stands: HashSet<usize> = stands.into_values().collect();
    let mut i = 0;
    contacts.retain(|_| {
        i += 1;
        stands.contains(&(i - 1))
    });
    u32::try_from(before - contacts.len()).unwrap_or(u32::MAX)
}

/// A correction within the writer's transaction: the contact changes, its tallies with it, and its buckets are marked.
pub(crate) async fn correct(
    tx: &mut Tx,
    old: &StoredContact,
    new: &Contact,
    definition: &Definition,
) -> Result<i64, StoreError> {
    let us = |at: Option<Timestamp>| at.map(Timestamp::as_microsecond);
    let values = values![
        new.id,
        new.channel.number(),
        new.direction.number(),
        new.arrived_at.as_microsecond(),
        us(new.answered_at),
        us(new.ended_at),
        new.outcome.map(Outcome::number),
        new.wait_ms,
        new.talk_ms,
        new.hold_ms,
        new.wrap_ms,
        new.topic.map(Topic::number),
        new.customer_code.as_ref().map(CustomerCode::as_str),
        new.contact_point.as_deref(),
        new.agent.as_deref(),
        new.ticket.as_deref(),
        new.note.as_deref(),
    ];
    tx.execute(&CONTACT_CORRECT, values).await?;
    let mut arrival_no = old.arrival_no;
    let mut tallies: BTreeMap<BucketKey, Counts> = BTreeMap::new();
    if old.contact.counts() {
        tallies.entry(BucketKey::of(&old.contact)).or_default().add(&Counts::of(&old.contact, definition), -1);
    }
    if new.counts() {
        tallies.entry(BucketKey::of(new)).or_default().add(&Counts::of(new, definition), 1);
    }
    if new.counts() && !old.contact.counts() {
        // Its end is news: it arrives again, so that watchers and the roller see it.
        let corrupt = || StoreError::Corrupt { table: "contact_head", what: "the one row is missing".into() };
        arrival_no = tx.fetch_one(&CONTACT_ADVANCE, values![1_i64]).await?.ok_or_else(corrupt)?.int(0)?;
        tx.execute(&CONTACT_RENUMBER, values![new.id, arrival_no]).await?;
    } else {
        metric::mark_rebuild(tx, tallies.keys()).await?;
    }
    metric::tally(tx, &tallies).await?;
    Ok(arrival_no)
}

/// Contacts that arrived together share a block of the indexes by customer and by point. Whoever calls next is anybody, so
/// that an index by customer alone is written all over with every batch; a block's pages are few and soon done with.
const BLOCK_BITS: u32 = 14;

/// Every block that contacts may be in.
async fn blocks(tx: &mut Tx) -> Result<RangeInclusive<i64>, StoreError> {
    let head = tx.fetch_one(&CONTACT_HEAD, vec![]).await?.map(|row| row.int(0)).transpose()?;
    Ok(0..=head.unwrap_or_default() >> BLOCK_BITS)
}

/// Every contact of a customer, in order of arrival.
pub(crate) async fn of_customer(tx: &mut Tx, code: &CustomerCode) -> Result<Vec<StoredContact>, StoreError> {
    let mut rows = Rows::of(&CONTACT_OF_CUSTOMER, 0);
    for block in blocks(tx).await? {
        rows.push(row![block, code.as_str()]);
    }
    let found = tx.fetch_rows(&CONTACT_OF_CUSTOMER, rows).await?;
    let mut found = found.iter().map(stored).collect::<Result<Vec<_>, _>>()?;
    found.sort_by_key(|contact| contact.arrival_no);
    Ok(found)
}

/// Whether a customer called, wrote or came about a topic after one moment and until another.
pub(crate) async fn came_back(
    tx: &mut Tx,
    code: &CustomerCode,
    topic: i64,
    from_us: i64,
    until_us: i64,
) -> Result<bool, StoreError> {
    let mut rows = Rows::of(&CONTACT_CAME_BACK, 0);
    for block in blocks(tx).await? {
        rows.push(row![block, code.as_str(), topic, from_us, until_us]);
    }
    Ok(!tx.fetch_rows(&CONTACT_CAME_BACK, rows).await?.is_empty())
}

/// Every contact of nobody's code that came from one of these points, as they were written.
pub(crate) async fn at_points(tx: &mut Tx, points: &[String]) -> Result<Vec<StoredContact>, StoreError> {
    let mut rows = Rows::of(&CONTACT_AT_POINT, points.len());
    for block in blocks(tx).await? {
        for point in points {
            rows.push(row![block, point.as_str()]);
        }
    }
    tx.fetch_rows(&CONTACT_AT_POINT, rows).await?.iter().map(stored).collect()
}

/// Where an importer would resume, written with the batch that it belongs to.
pub(crate) async fn put_checkpoint(tx: &mut Tx, source: &str, checkpoint: &str, now_us: i64) -> Result<(), StoreError> {
    tx.execute(&CHECKPOINT_PUT, values![source, checkpoint, now_us]).await.map(drop)
}

/// The stored contact, locked until the commit.
pub(crate) async fn lock(tx: &mut Tx, id: Uuid) -> Result<Option<StoredContact>, StoreError> {
    tx.fetch_one(&CONTACT_LOCK, values![id]).await?.as_ref().map(stored).transpose()
}

/// Contacts of a bucket up to an arrival number.
pub(crate) async fn of_bucket(tx: &mut Tx, key: &BucketKey, through: i64) -> Result<Vec<StoredContact>, StoreError> {
    let end = key.start_us + gridcare_domain::metric::QUARTER_US;
    let values = values![key.start_us, end, key.channel.number(), key.direction.number(), through];
    tx.fetch(&CONTACT_BETWEEN, values).await?.iter().map(counting).collect()
}

/// Contacts after an arrival number, as far as counting needs them, within a transaction.
pub(crate) async fn after_in(tx: &mut Tx, arrival_no: i64, limit: i64) -> Result<Vec<StoredContact>, StoreError> {
    tx.fetch(&CONTACT_COUNTING, values![arrival_no, limit]).await?.iter().map(counting).collect()
}

/// Contacts that arrived within a span, within a transaction.
pub(crate) async fn span_in(tx: &mut Tx, from_us: i64, until_us: i64) -> Result<Vec<StoredContact>, StoreError> {
    tx.fetch(&CONTACT_SPAN, values![from_us, until_us]).await?.iter().map(counting).collect()
}
