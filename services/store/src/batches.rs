//! What has arrived goes together: requests that wait become batches, each one transaction, and some batches go side by side.

use std::{
    collections::{HashSet, VecDeque},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering, fence},
    },
};

use futures::{StreamExt as _, stream::FuturesUnordered};
use gridcare_domain::metric::Definition;
use tokio::{
    runtime::Handle,
    sync::{Notify, mpsc},
};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::{
    Committed, StoreError,
    db::{Db, Engine},
    writer::{Member, Message, Work, commit, is_one_statement},
};

/// At most this many members share a transaction.
const BATCH: usize = 512;
/// So many are looked at for the next batch.
pub(crate) const AT_HAND: usize = 4 * BATCH;
/// So few are never divided, and do not go beside others.
const FEW: usize = 32;
/// A deadlock or a serialisation failure is run again this often before its members are run singly.
const RETRIES: usize = 3;
/// So many batches go side by side, if all that they do is to open tickets: while one is made durable, the next ones are written.
/// They meet at the feed's one row alone, as those of two processes do. Every other batch goes by itself.
pub(crate) const LANES: usize = 3;

/// Tells when enough wait to go beside a batch that is under way. Woken by each arrival, the writer would be woken ten times for one
/// batch.
#[derive(Default)]
pub(crate) struct Enough {
    /// How many more must arrive; 0 while nobody waits for them.
    missing: AtomicUsize,
    reached: Notify,
}

impl Enough {
    /// One more has arrived in the queue.
    pub(crate) fn arrived(&self, queue: &mpsc::Sender<Message>) {
        // With the one below: either this sees what is asked for, or whoever asks sees this arrival.
        fence(Ordering::SeqCst);
        let missing = self.missing.load(Ordering::Relaxed);
        let queued = || queue.max_capacity() - queue.capacity();
        if missing > 0 && queued() >= missing && self.missing.swap(0, Ordering::Relaxed) > 0 {
            self.reached.notify_one();
        }
    }

    /// Asks to be told of so many more; what has arrived by now tells nobody.
    fn ask(&self, missing: usize) {
        self.missing.store(missing, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }
}

/// What the writer works with.
pub(crate) struct Tools {
    pub(crate) db: Db,
    pub(crate) on_commit: Arc<dyn Fn(Committed) + Send + Sync>,
    pub(crate) definition: Arc<RwLock<Definition>>,
    pub(crate) enough: Arc<Enough>,
    /// Where the callers wait. They are answered there: each would be woken from outside otherwise.
    pub(crate) callers: Handle,
}

pub(crate) async fn run(tools: &Tools, mut inbox: mpsc::Receiver<Message>) {
    let Tools { db, definition, enough, .. } = tools;
    let lanes = if db.engine() == Engine::Postgres { LANES } else { 1 };
    // Beside another one, a batch of few is not worth its sync: what arrives meanwhile joins it.
    let must_wait = |under_way, waiting| waiting == 0 || under_way >= lanes || (under_way > 0 && waiting < FEW);
    let mut waiting: VecDeque<Member> = VecDeque::new();
    let mut under_way = FuturesUnordered::new();
    let mut stopping = false;
    loop {
        if must_wait(under_way.len(), waiting.len()) {
            if stopping && waiting.is_empty() && under_way.is_empty() {
                return;
            }
            let beside = !under_way.is_empty() && under_way.len() < lanes;
            let missing = if beside { FEW.saturating_sub(waiting.len()) } else { 0 };
            enough.ask(missing);
            let there = beside && inbox.len() >= missing;
            tokio::select! {
                biased;
                () = std::future::ready(()), if there => {}
                Some(()) = under_way.next() => {}
                () = enough.reached.notified(), if beside => {}
                message = inbox.recv(), if under_way.is_empty() && !stopping => match message {
                    Some(Message::Member(member)) => waiting.push_back(member),
                    Some(Message::Stop) | None => {
                        stopping = true;
                        inbox.close();
                    }
                },
            }
        }
        // No lingering: what has arrived by now goes together.
        while waiting.len() < AT_HAND {
            match inbox.try_recv() {
                Ok(Message::Member(member)) => waiting.push_back(member),
                Ok(Message::Stop) => {
                    stopping = true;
                    inbox.close();
                }
                Err(_) => break,
            }
        }
        if must_wait(under_way.len(), waiting.len()) {
            continue;
        }
        let batch = choose(&mut waiting, lanes);
        let definition = definition.read().unwrap_or_else(PoisonError::into_inner).clone();
        metrics::histogram!("gridcare_commit_batch_members").record(u32::try_from(batch.len()).unwrap_or(u32::MAX));
        let alone = !is_one_statement(db, &batch);
        let work = commit_and_answer(tools, batch, definition);
        if alone {
            while under_way.next().await.is_some() {}
            work.await;
        } else {
            under_way.push(work);
        }
    }
}

/// The next batch: one member per aggregate, in order of arrival; the others wait for the next one.
fn choose(waiting: &mut VecDeque<Member>, lanes: usize) -> Vec<Member> {
    let mut taken: HashSet<Uuid> = HashSet::new();
    // Half of those that wait: while the database works on these, the callers of the others are answered and ask again. Taken all
    // at once, database and callers would wait for each other in turn.
    let least = if lanes > 1 { 2 * FEW } else { FEW };
    let most = (waiting.len() / 2).clamp(least, BATCH);
    let mut batch = Vec::new();
    let mut later = VecDeque::new();
    while let Some(member) = waiting.pop_front() {
        let aggregates = match &member.work {
            Work::Change(ids, _) => ids.as_slice(),
            Work::Correct(id, ..) => std::slice::from_ref(id),
            Work::Open(_) | Work::Record(..) => &[],
        };
        let free = batch.len() < most
            && !taken.contains(&member.request.key)
            && !aggregates.iter().any(|id| taken.contains(id));
        // Also of those that wait, so that a later one does not overtake an earlier one of the same aggregate for ever.
        taken.insert(member.request.key);
        taken.extend(aggregates);
        if free {
            batch.push(member);
        } else {
            later.push_back(member);
        }
    }
    *waiting = later;
    // Unique keys are taken in one order by all processes, or two batches would lock each other out.
    batch.sort_by_key(|member| member.request.key);
    batch
}

async fn commit_and_answer(tools: &Tools, batch: Vec<Member>, definition: Definition) {
    let mut tries = 0;
    let outcome = loop {
        let parent = &batch[0].span;
        let span = tracing::debug_span!(parent: parent, "commit batch", members = batch.len());
        for member in &batch[1..] {
            span.follows_from(&member.span);
        }
        match commit(&tools.db, &batch, &definition).instrument(span).await {
            Err(e) if e.is_transient() && tries < RETRIES => tries += 1,
            other => break other,
        }
    };
    match outcome {
        Ok((answers, committed)) => {
            (tools.on_commit)(committed);
            tools.callers.spawn(async move {
                for (member, answer) in batch.into_iter().zip(answers) {
                    // A caller that has gone away finds its answer under its request id.
                    let _ = member.answer.send(Ok(answer));
                }
            });
        }
        Err(failure) if batch.len() == 1 => {
            // Whoever was overtaken decides anew.
            if !matches!(failure, StoreError::EntryGone | StoreError::AgentFull | StoreError::HasParts) {
                tracing::error!(error = &failure as &dyn std::error::Error, "a write failed");
            }
            if let Some(member) = batch.into_iter().next() {
                let _ = member.answer.send(Err(failure));
            }
        }
        Err(failure) if failure.is_away() => {
            // Run singly, each would wait for the database in turn.
            tracing::warn!(error = &failure as &dyn std::error::Error, members = batch.len(), "the database is away");
            for member in batch {
                let _ = member.answer.send(Err(StoreError::Away));
            }
        }
        Err(failure) => {
            tracing::warn!(
                error = &failure as &dyn std::error::Error,
                members = batch.len(),
                "a batch failed; its members run singly"
            );
            metrics::counter!("gridcare_commit_batches_split_total").increment(1);
            for member in batch {
                Box::pin(commit_and_answer(tools, vec![member], definition.clone())).await;
            }
        }
    }
}
