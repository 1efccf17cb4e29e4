use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use gridcare_domain::{
    contact::Contact,
    feed::Change,
    metric::Definition,
    refusal::{Refusal, RefusalKind},
    ticket::{Ticket, TimelineEntry},
};
use tokio::{
    runtime::Handle,
    sync::{Notify, mpsc, oneshot},
};
use uuid::Uuid;

use crate::{
    Committed, NodeStore, StoreError,
    batches::{self, Enough, LANES, Tools},
    contact::{self, StoredContact},
    db::{Db, Engine, Tx},
    feed,
    notification::{self, Notification},
    opening, relation,
    request::{self, Answered, Request},
    statement::{Statement, Value},
    team, ticket,
    under_way::UnderWay,
};

/// What a decided change of a ticket writes.
pub struct TicketWrite {
    /// The ticket afterwards.
    pub ticket: Ticket,
    /// The folded words by which it is found.
    pub words: String,
    /// Its clocks as they are stored.
    pub clocks: String,
    /// Its new timeline entry.
    pub entry: TimelineEntry,
    /// Further entries, after that one.
    pub more: Vec<TimelineEntry>,
    /// Its feed entry.
    pub change: Change,
    /// The answer, stored under the request.
    pub response: Vec<u8>,
}

/// What a decision about one or several tickets writes, all or nothing.
#[derive(Default)]
pub struct Changes {
    /// Tickets that were there before.
    pub changed: Vec<TicketWrite>,
    /// Tickets that change without an entry in their timelines.
    pub silent: Vec<(Ticket, Change)>,
    /// New tickets.
    pub opened: Vec<TicketWrite>,
    /// Rows of other tables that belong to it.
    pub extras: Vec<Extra>,
    /// Who is told: recipient, ticket, event, target of the clock.
    pub notifications: Vec<Notification>,
    /// The answer, stored under the request.
    pub response: Vec<u8>,
}

impl From<TicketWrite> for Changes {
    fn from(mut write: TicketWrite) -> Self {
        let response = std::mem::take(&mut write.response);
        Self { changed: vec![write], response, ..Self::default() }
    }
}

/// A row that a module of this crate writes within a ticket's transaction, or a look at whether it may be written.
pub struct Extra {
    pub(crate) statement: &'static Statement,
    pub(crate) values: Vec<Value>,
}

impl TicketWrite {
    /// What is written. Words and clocks get their stored form here, by the caller's task, so that the one writer does not have
    /// to.
    #[must_use]
    pub fn new(ticket: Ticket, entry: TimelineEntry, change: Change, response: Vec<u8>) -> Self {
        let (words, clocks) = (ticket::words(&ticket), ticket.clocks.encode());
        Self { ticket, words, clocks, entry, more: Vec::new(), change, response }
    }
}

/// A decision about a ticket as it is now.
pub type DecideTicket = Box<dyn Fn(&Ticket) -> Result<TicketWrite, Refusal> + Send + Sync>;
/// A decision about several tickets as they are now, in the order in which they were named.
pub type DecideTickets = Box<dyn Fn(&[Ticket]) -> Result<Changes, Refusal> + Send + Sync>;
/// A decision about a contact as it is now: the corrected one, and how to answer with its number and version.
pub type DecideContact = Box<dyn Fn(&StoredContact) -> Result<Contact, Refusal> + Send + Sync>;
/// How to answer with a stored contact.
pub type RespondContact = fn(&StoredContact) -> Vec<u8>;

pub(crate) enum Work {
    Open(Box<TicketWrite>),
    Change(Vec<Uuid>, DecideTickets),
    Record(Box<Contact>, RespondContact),
    Correct(Uuid, DecideContact, RespondContact),
}

pub(crate) struct Member {
    pub(crate) request: Request,
    pub(crate) work: Work,
    now_us: i64,
    batch_id: Uuid,
    pub(crate) span: tracing::Span,
    pub(crate) answer: oneshot::Sender<Answer>,
}

/// What a caller gets, once it is durable.
pub type Answer = Result<Result<Vec<u8>, Refusal>, StoreError>;

/// Lets concurrent requests share one transaction. A caller is answered only after its batch is durable.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Message>,
    stopped: Arc<Notify>,
    on_commit: Arc<dyn Fn(Committed) + Send + Sync>,
    definition: Arc<std::sync::RwLock<Definition>>,
    enough: Arc<Enough>,
}

pub(crate) enum Message {
    Member(Member),
    Stop,
}

impl Writer {
    /// Starts the writer on a thread of its own: among the thousands of tasks of requests, each of its waits for the
    /// database would end late, and the database would idle meanwhile.
    pub(crate) fn start(db: &Db, on_commit: Arc<dyn Fn(Committed) + Send + Sync>) -> Result<Self, StoreError> {
        let (queue, inbox) = mpsc::channel(batches::AT_HAND);
        let stopped = Arc::new(Notify::new());
        let definition = Arc::new(std::sync::RwLock::new(Definition::default()));
        let enough = Arc::<Enough>::default();
        let writer = Self {
            queue,
            stopped: stopped.clone(),
            on_commit: on_commit.clone(),
            definition: definition.clone(),
            enough: enough.clone(),
        };
        let (db, callers) = (db.clone(), Handle::current());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(StoreError::Thread)?;
        let work = move || {
            runtime.block_on(async move {
                let tools = Tools { db: db.alone(LANES), on_commit, definition, enough, callers };
                batches::run(&tools, inbox).await;
                if tools.db.engine() == Engine::Postgres {
                    tools.db.close().await;
                }
            });
            stopped.notify_one();
        };
        std::thread::Builder::new().name("writer".to_owned()).spawn(work).map_err(StoreError::Thread)?;
        Ok(writer)
    }

    pub(crate) fn committed(&self, committed: Committed) {
        (self.on_commit)(committed);
    }

    /// Whether it still takes writes.
    pub(crate) fn alive(&self) -> bool {
        !self.queue.is_closed()
    }

    pub(crate) async fn stop(&self) {
        if self.queue.send(Message::Stop).await.is_ok() {
            self.stopped.notified().await;
        }
    }

    async fn submit(&self, request: Request, now_us: i64, batch_id: Uuid, work: Work) -> Answer {
        // The writer's own thread begins the transaction a moment later.
        let _under_way = UnderWay::begin();
        let (answer, answered) = oneshot::channel();
        let member = Member { request, work, now_us, batch_id, span: tracing::Span::current(), answer };
        self.queue.send(Message::Member(member)).await.map_err(|_| StoreError::Stopped)?;
        self.enough.arrived(&self.queue);
        answered.await.map_err(|_| StoreError::Stopped)?
    }
}

impl NodeStore {
    /// Sets what the counts of contacts mean from now on.
    pub(crate) fn define(&self, definition: Definition) {
        *self.writer.definition.write().unwrap_or_else(std::sync::PoisonError::into_inner) = definition;
    }

    /// Stores a new ticket. `batch_id` names the commit batch, should this member lead it.
    pub async fn open_ticket(
        &self,
        request: Request,
        now_us: i64,
        batch_id: Uuid,
        write: impl Into<Box<TicketWrite>>,
    ) -> Answer {
        self.writer.submit(request, now_us, batch_id, Work::Open(write.into())).await
    }

    /// Changes a ticket as `decide` says of its state at that moment.
    pub async fn change_ticket(
        &self,
        request: Request,
        now_us: i64,
        batch_id: Uuid,
        id: Uuid,
        decide: DecideTicket,
    ) -> Answer {
        let decide = Box::new(move |tickets: &[Ticket]| match tickets {
            [ticket] => decide(ticket).map(Changes::from),
            _ => Err(no_such_ticket()),
        });
        self.change_tickets(request, now_us, batch_id, vec![id], decide).await
    }

    /// Changes several tickets together, as `decide` says of their states at that moment. Each is named once.
    pub async fn change_tickets(
        &self,
        request: Request,
        now_us: i64,
        batch_id: Uuid,
        ids: Vec<Uuid>,
        decide: DecideTickets,
    ) -> Answer {
        self.writer.submit(request, now_us, batch_id, Work::Change(ids, decide)).await
    }

    /// Stores a contact.
    pub async fn record_contact(
        &self,
        request: Request,
        now_us: i64,
        batch_id: Uuid,
        contact: Contact,
        respond: RespondContact,
    ) -> Answer {
        self.writer.submit(request, now_us, batch_id, Work::Record(Box::new(contact), respond)).await
    }

    /// Corrects a contact as `decide` says of its state at that moment.
    pub async fn correct_contact(
        &self,
        request: Request,
        now_us: i64,
        batch_id: Uuid,
        id: Uuid,
        decide: DecideContact,
        respond: RespondContact,
    ) -> Answer {
        self.writer.submit(request, now_us, batch_id, Work::Correct(id, decide, respond)).await
    }
}

pub(crate) type Decided = Result<Vec<u8>, Refusal>;

/// Whether a batch can be written by one statement, beside another one.
pub(crate) fn is_one_statement(db: &Db, batch: &[Member]) -> bool {
    let plain = |member: &Member| matches!(&member.work, Work::Open(write) if opening::is_plain(write));
    db.engine() == Engine::Postgres && batch.iter().all(plain)
}

/// Decides a batch and makes it durable.
pub(crate) async fn commit(
    db: &Db,
    batch: &[Member],
    definition: &Definition,
) -> Result<(Vec<Decided>, Committed), StoreError> {
    let is_one_statement = is_one_statement(db, batch);
    if is_one_statement && let Some(answers) = commit_openings(db, batch).await? {
        return Ok((answers, Committed { feed: true, contacts: false }));
    }
    let mut tx = db.begin().await?;
    let (answers, mut committed) = apply(&mut tx, batch, definition).await?;
    // What is repeated may be what this very batch committed over a connection that broke before it said so.
    committed.feed |= is_one_statement;
    if committed.anything {
        tx.commit().await?;
    } else {
        tx.rollback().await?;
    }
    Ok((answers, Committed { feed: committed.feed, contacts: committed.contacts }))
}

/// The same for a batch of nothing but openings, in one round trip; none if there are repetitions among them, which have answers
/// to be looked for.
async fn commit_openings(db: &Db, batch: &[Member]) -> Result<Option<Vec<Decided>>, StoreError> {
    let writes: Vec<(Request, &TicketWrite)> = batch
        .iter()
        .filter_map(|member| if let Work::Open(write) = &member.work { Some((member.request, &**write)) } else { None })
        .collect();
    let all = opening::commit(db, batch[0].batch_id, batch[0].now_us, &writes).await?;
    Ok(all.then(|| writes.iter().map(|(_, write)| Ok(write.response.clone())).collect()))
}

#[derive(Default)]
struct Effects {
    anything: bool,
    feed: bool,
    contacts: bool,
}

async fn apply(tx: &mut Tx, batch: &[Member], definition: &Definition) -> Result<(Vec<Decided>, Effects), StoreError> {
    let mut answers: Vec<Option<Decided>> = batch.iter().map(|_| None).collect();
    // Locks first, in key order; then what was answered before, so that a repetition waits for the first.
    let tickets = lock_tickets(tx, batch).await?;
    if batch.iter().any(|member| matches!(member.work, Work::Record(..) | Work::Correct(..))) {
        contact::lock_order(tx).await?;
    }
    let changes_known = known_answers(tx, batch, |work| !matches!(work, Work::Open(_))).await?;
    let mut decided: Vec<(usize, Changes)> = Vec::new();
    let mut recorded: Vec<(usize, &Contact, RespondContact)> = Vec::new();
    let mut corrected: Vec<(usize, StoredContact, Vec<u8>)> = Vec::new();
    for (i, member) in batch.iter().enumerate() {
        if let Some(answered) = changes_known.get(&member.request.key) {
            answers[i] = Some(answered.replay(&member.request));
            continue;
        }
        match &member.work {
            Work::Open(_) => {}
            Work::Record(contact, respond) => recorded.push((i, contact, *respond)),
            Work::Change(ids, decide) => {
                let found: Vec<Ticket> = ids.iter().filter_map(|id| tickets.get(id).cloned()).collect();
                let decision = if found.len() == ids.len() { decide(&found) } else { Err(no_such_ticket()) };
                match decision {
                    Ok(changes) => decided.push((i, changes)),
                    Err(refusal) => answers[i] = Some(Err(refusal)),
                }
            }
            Work::Correct(id, decide, respond) => match contact::lock(tx, *id).await? {
                None => {
                    answers[i] = Some(Err(Refusal::new(
                        RefusalKind::NotFound,
                        "NO_SUCH_CONTACT",
                        "there is no such contact at this node",
                    )));
                }
                Some(old) => match decide(&old) {
                    Err(refusal) => answers[i] = Some(Err(refusal)),
                    Ok(new) => {
                        let arrival_no = contact::correct(tx, &old, &new, definition).await?;
                        let stored = StoredContact { arrival_no, version: old.version + 1, contact: new };
                        let response = respond(&stored);
                        corrected.push((i, stored, response));
                    }
                },
            },
        }
    }
    let mut effects = Effects { contacts: !corrected.is_empty(), ..Effects::default() };
    let mut responses: Vec<(usize, Vec<u8>)> = corrected.into_iter().map(|(i, _, response)| (i, response)).collect();
    record(tx, batch.len(), &recorded, definition, &mut answers, &mut responses, &mut effects).await?;
    responses.extend(decided.iter_mut().map(|(i, changes)| (*i, std::mem::take(&mut changes.response))));
    for (i, member) in batch.iter().enumerate() {
        if let (Work::Open(write), None) = (&member.work, &answers[i]) {
            responses.push((i, write.response.clone()));
        }
    }
    responses.sort_by_key(|(i, _)| *i);
    let (kept, own): (Vec<_>, Vec<_>) = responses.iter().partition(|(i, _)| batch[*i].request.is_kept());
    let stored: Vec<_> = kept.into_iter().map(|(i, response)| (batch[*i].request, response.clone())).collect();
    let mut new: HashSet<Uuid> = request::insert(tx, batch[0].now_us, stored.into_iter()).await?.into_iter().collect();
    new.extend(own.into_iter().map(|(i, _)| batch[*i].request.key));
    for (i, response) in responses {
        if new.contains(&batch[i].request.key) {
            answers[i] = Some(Ok(response));
        }
    }
    // What is left without an answer lost the race for its request id. Only an opening has written nothing yet.
    let repeated = |i: usize, answers: &[Option<Decided>]| answers[i].is_none();
    if (0..batch.len()).any(|i| repeated(i, &answers) && !matches!(batch[i].work, Work::Open(_))) {
        return Err(StoreError::Raced);
    }
    if (0..batch.len()).any(|i| repeated(i, &answers)) {
        let known = known_answers(tx, batch, |work| matches!(work, Work::Open(_))).await?;
        for (i, member) in batch.iter().enumerate().filter(|(i, _)| answers[*i].is_none()).collect::<Vec<_>>() {
            let answered = known
                .get(&member.request.key)
                .ok_or_else(|| StoreError::Corrupt { table: "request", what: "an answer vanished".into() })?;
            answers[i] = Some(answered.replay(&member.request));
        }
    }
    effects.anything = !new.is_empty();
    let extras = decided.iter_mut().flat_map(|(_, changes)| std::mem::take(&mut changes.extras)).collect();
    let opened = openings(batch, &answers, &new).chain(decided.iter().flat_map(|(_, changes)| &changes.opened));
    let opened: Vec<&TicketWrite> = opened.collect();
    let entries = write_decisions(tx, batch[0].now_us, &opened, &decided, extras).await?;
    effects.feed = !entries.is_empty();
    feed::append(tx, batch[0].batch_id, batch[0].now_us, entries).await?;
    let unanswered = || StoreError::Corrupt { table: "none", what: "a member of a batch has no answer".into() };
    let answers = answers.into_iter().map(|answer| answer.ok_or_else(unanswered)).collect::<Result<_, _>>()?;
    Ok((answers, effects))
}

/// Writes what was decided, and returns what the feed says of it, which comes last.
async fn write_decisions(
    tx: &mut Tx,
    now_us: i64,
    opened: &[&TicketWrite],
    decided: &[(usize, Changes)],
    extras: Vec<Extra>,
) -> Result<Vec<Change>, StoreError> {
    let changed: Vec<&TicketWrite> = decided.iter().flat_map(|(_, changes)| &changes.changed).collect();
    write_tickets(tx, opened, &changed).await?;
    let silent: Vec<&(Ticket, Change)> = decided.iter().flat_map(|(_, changes)| &changes.silent).collect();
    if !silent.is_empty() {
        let clocks: Vec<_> = silent.iter().map(|(ticket, _)| ticket.clocks.encode()).collect();
        let silent = silent.iter().zip(&clocks).map(|((ticket, _), clocks)| (ticket, clocks.as_str()));
        ticket::update(tx, silent).await?;
    }
    for extra in extras {
        write_extra(tx, extra).await?;
    }
    let told: Vec<&Notification> = decided.iter().flat_map(|(_, changes)| &changes.notifications).collect();
    notification::tell(tx, now_us, &told).await?;
    let spoken = opened.iter().chain(&changed).map(|write| &write.change);
    Ok(spoken.chain(silent.iter().map(|(_, change)| change)).cloned().collect())
}

/// Writes a row of another table. What was decided before the locks were held is looked at once more: another may have been
/// first, and an entry is nowhere twice.
async fn write_extra(tx: &mut Tx, Extra { statement, values }: Extra) -> Result<(), StoreError> {
    let is = |other: &Statement| std::ptr::eq(statement, other);
    let overtaken = if is(&team::AGENT_FULL) {
        Some(StoreError::AgentFull)
    } else if is(&ticket::TICKET_CHILDREN) {
        Some(StoreError::HasParts)
    } else {
        None
    };
    if let Some(overtaken) = overtaken {
        let found = tx.fetch_one(statement, values).await?;
        return if found.is_some() { Err(overtaken) } else { Ok(()) };
    }
    let moves_entry = is(&relation::ENTRY_MOVE);
    let changed = tx.execute(statement, values).await?;
    if moves_entry && changed == 0 { Err(StoreError::EntryGone) } else { Ok(()) }
}

/// The new tickets of the members that open one and were not answered before.
fn openings<'a>(
    batch: &'a [Member],
    answers: &'a [Option<Decided>],
    new: &'a HashSet<Uuid>,
) -> impl Iterator<Item = &'a TicketWrite> {
    batch.iter().zip(answers).filter_map(|(member, answer)| match (&member.work, answer) {
        (Work::Open(write), Some(Ok(_))) if new.contains(&member.request.key) => Some(&**write),
        _ => None,
    })
}

fn no_such_ticket() -> Refusal {
    Refusal::new(RefusalKind::NotFound, "NO_SUCH_TICKET", "there is no such ticket at this node")
}

async fn lock_tickets(tx: &mut Tx, batch: &[Member]) -> Result<HashMap<Uuid, Ticket>, StoreError> {
    let mut ids: Vec<Uuid> = batch
        .iter()
        .flat_map(|m| if let Work::Change(ids, _) = &m.work { ids.as_slice() } else { &[] })
        .copied()
        .collect();
    ids.sort_unstable();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    Ok(ticket::lock(tx, ids.into_iter()).await?.into_iter().map(|t| (t.id, t)).collect())
}

async fn known_answers(
    tx: &mut Tx,
    batch: &[Member],
    of: impl Fn(&Work) -> bool,
) -> Result<HashMap<Uuid, Answered>, StoreError> {
    let requests: Vec<Request> = batch.iter().filter(|m| of(&m.work)).map(|m| m.request).collect();
    if requests.is_empty() {
        return Ok(HashMap::new());
    }
    request::find(tx, requests.into_iter()).await
}

async fn record(
    tx: &mut Tx,
    members: usize,
    recorded: &[(usize, &Contact, RespondContact)],
    definition: &Definition,
    answers: &mut [Option<Decided>],
    responses: &mut Vec<(usize, Vec<u8>)>,
    effects: &mut Effects,
) -> Result<(), StoreError> {
    if recorded.is_empty() {
        return Ok(());
    }
    let contacts: Vec<&Contact> = recorded.iter().map(|(_, contact, _)| *contact).collect();
    match contact::record(tx, &contacts, definition).await? {
        Some(first) => {
            effects.contacts = true;
            for (arrival_no, (i, contact, respond)) in (first..).zip(recorded) {
                responses.push((*i, respond(&StoredContact { arrival_no, version: 1, contact: (*contact).clone() })));
            }
            Ok(())
        }
        None if members == 1 => {
            // The failed insertion wrote nothing but a gap in the order of arrival, and that is rolled back.
            answers[recorded[0].0] = Some(Err(Refusal::new(
                RefusalKind::AlreadyExists,
                "SOURCE_KEY_USED",
                "a contact with this source_key was recorded before; correct that one instead",
            )));
            Ok(())
        }
        None => Err(StoreError::Corrupt {
            table: "contact",
            what: "a source key of the batch is already used; its members are decided singly".into(),
        }),
    }
}

async fn write_tickets(tx: &mut Tx, opened: &[&TicketWrite], changed: &[&TicketWrite]) -> Result<(), StoreError> {
    if !opened.is_empty() {
        ticket::insert(tx, opened).await?;
    }
    if !changed.is_empty() {
        ticket::update(tx, changed.iter().map(|w| (&w.ticket, w.clocks.as_str()))).await?;
    }
    let entries: Vec<_> = opened
        .iter()
        .chain(changed)
        .flat_map(|w| std::iter::once(&w.entry).chain(&w.more).map(|entry| (w.ticket.id, entry)))
        .collect();
    if !entries.is_empty() {
        ticket::add_entries(tx, &entries).await?;
    }
    Ok(())
}
