//! A customer's text message arrives: the node answers it, its centre hears that it is taken, and the answer goes out through the
//! session by which it came.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use gridcare_chassis::{backoff::Backoff, clock::SharedClock, id::new_id};
use gridcare_domain::sms_text::Encoding;
use gridcare_proto::{
    contact::v1::{AnswerSmsRequest, AnswerSmsResponse, SmsEncoding},
    convert::time::timestamp,
};
use jiff::SignedDuration;
use sha2::{Digest as _, Sha256};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

use crate::{
    node::{self, Node},
    smpp::{Outcome, Outgoing, Route, Sender, Taken, inbound::Inbound, session::NotSent},
    state::Told,
};

/// Messages of one session that are answered at once.
const AT_ONCE: usize = 64;
/// The node is asked again for so long before the centre is told to come again.
const PATIENCE: Duration = Duration::from_secs(10);
/// An answer that cannot leave within this says nothing to anybody any more.
const ANSWER_EXPIRES: SignedDuration = SignedDuration::from_mins(5);
/// The same message from the same phone, within this after it was answered, is the same one again.
const SAME: Duration = Duration::from_mins(1);
/// A message that was not answered is remembered for so long.
const REMEMBERED: Duration = Duration::from_mins(10);
/// With more of them, those that are answered are forgotten.
const MOST_SEEN: usize = 20_000;
/// Within a slot of so many seconds a message has the same id, also for a courier that was started anew.
const SLOT_S: i64 = 300;
/// For so long an incomplete message waits for its other parts, after its centre has been told to go on.
const WHOLE: Duration = Duration::from_mins(1);
/// Incomplete messages of one session that wait so; beyond them the centre is told to come again.
const MOST_INCOMPLETE: usize = 1_000;
/// What the node takes at most.
const LONGEST_TEXT: usize = 4_096;

/// A message that was seen.
#[derive(Debug)]
pub(crate) struct Seen {
    request_id: String,
    at: Instant,
    answered: Option<Instant>,
}

/// Messages of one centre that were seen lately: it may deliver them again, by any of its sessions.
pub(crate) type SeenMessages = Arc<Mutex<HashMap<[u8; 32], Seen>>>;

/// What answering the messages of one session needs.
#[derive(Clone)]
pub(crate) struct Replies {
    pub(crate) node: Node,
    pub(crate) clock: SharedClock,
    pub(crate) told: Told,
    pub(crate) centre: String,
    /// The session alone, by which answers go back.
    pub(crate) route: Route,
    pub(crate) seen: SeenMessages,
}

/// The messages of one session that are being answered.
struct Answering {
    replies: Replies,
    under_way: JoinSet<()>,
}

impl Answering {
    /// Begins to answer a message, once there is room.
    async fn begin(&mut self, inbound: Inbound, taken: Taken) {
        while self.under_way.len() >= AT_ONCE {
            self.under_way.join_next().await;
        }
        let replies = self.replies.clone();
        self.under_way.spawn(async move {
            replies.answer(inbound, taken).await;
            replies.told.inbound(|state| state.waiting -= 1);
        });
    }
}

/// Answers messages until there are no more.
pub(crate) async fn run(replies: Replies, mut messages: mpsc::Receiver<(Inbound, Taken)>) {
    let told = replies.told.clone();
    let mut answering = Answering { replies, under_way: JoinSet::new() };
    // Those that have waited longest come first.
    let mut incomplete: VecDeque<(Instant, Inbound)> = VecDeque::new();
    loop {
        let due = incomplete.front().map(|(until, _)| *until);
        tokio::select! {
            came = messages.recv() => {
                let Some((inbound, taken)) = came else { break };
                if let Some(id) = inbound.replaces
                    && let Some(at) = incomplete.iter().position(|(_, part)| part.id == id)
                {
                    incomplete.remove(at);
                    told.inbound(|state| state.waiting -= 1);
                }
                if inbound.missing.is_empty() {
                    told.inbound(|state| state.waiting += 1);
                    answering.begin(inbound, taken).await;
                } else if incomplete.len() < MOST_INCOMPLETE {
                    told.inbound(|state| state.waiting += 1);
                    incomplete.push_back((Instant::now() + WHOLE, inbound));
                    // Its centre may send the next part only now.
                    taken.taken();
                } else {
                    // Whoever floods is held back: the centre keeps it.
                    told.inbound(|state| state.put_off += 1);
                }
            }
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                if let Some((_, inbound)) = incomplete.pop_front() {
                    answering.begin(inbound, Taken::default()).await;
                }
            }
        }
    }
    // No other part comes any more.
    for (_, inbound) in incomplete {
        answering.begin(inbound, Taken::default()).await;
    }
    while answering.under_way.join_next().await.is_some() {}
}

impl Replies {
    async fn answer(&self, inbound: Inbound, taken: Taken) {
        let key = key(&self.centre, &inbound);
        let Some(request_id) = self.seen(key) else {
            self.told.inbound(|state| state.repeated += 1);
            return taken.taken();
        };
        match self.ask(&inbound, request_id).await {
            Some(answer) => {
                let first = self.first(key);
                self.told.inbound(|state| if first { state.answered += 1 } else { state.repeated += 1 });
                taken.taken();
                if first && !answer.suppressed && !answer.text.is_empty() {
                    self.send(&inbound, answer, key).await;
                }
            }
            None => self.told.inbound(|state| state.put_off += 1),
        }
    }

    fn with_seen<R>(&self, look: impl FnOnce(&mut HashMap<[u8; 32], Seen>) -> R) -> R {
        look(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The id under which the node is asked: the same for the same message again; none once that was answered.
    fn seen(&self, key: [u8; 32]) -> Option<String> {
        let (now, slot) = (Instant::now(), self.clock.now().as_second().div_euclid(SLOT_S));
        self.with_seen(|seen| {
            seen.retain(|_, seen| match seen.answered {
                Some(answered) => now < answered + SAME,
                None => now < seen.at + REMEMBERED,
            });
            if seen.len() >= MOST_SEEN {
                seen.retain(|_, seen| seen.answered.is_none());
            }
            let new = || Seen { request_id: request_id(key, slot), at: now, answered: None };
            let seen = seen.entry(key).or_insert_with(new);
            seen.answered.is_none().then(|| seen.request_id.clone())
        })
    }

    /// Whether this is the first time that it is answered: only then the answer goes out.
    fn first(&self, key: [u8; 32]) -> bool {
        self.with_seen(|seen| {
            let seen = seen.get_mut(&key);
            seen.is_none_or(|seen| seen.answered.replace(Instant::now()).is_none())
        })
    }

    /// The node's answer, durable there; none when the centre had better come again later.
    async fn ask(&self, inbound: &Inbound, request_id: String) -> Option<AnswerSmsResponse> {
        let cut = inbound.text.floor_char_boundary(LONGEST_TEXT);
        let encoding = if inbound.ucs2 { SmsEncoding::Ucs2 } else { SmsEncoding::Gsm7 };
        let request = AnswerSmsRequest {
            request_id,
            from: inbound.from.clone(),
            to: inbound.to.clone(),
            text: inbound.text[..cut].to_owned(),
            received_at: Some(timestamp(self.clock.now())),
            encoding: encoding.into(),
        };
        let (until, mut node) = (Instant::now() + PATIENCE, self.node.clone());
        let mut backoff = Backoff::up_to(Duration::from_secs(2));
        loop {
            match node.answer(request.clone()).await {
                Ok(answer) => return Some(answer),
                Err(status) if node::is_malformed(&status) => {
                    // It will never be read; a centre that is not told so sends it for ever.
                    tracing::warn!(reason = status.message(), "the node cannot read a customer's message");
                    return Some(AnswerSmsResponse { suppressed: true, ..AnswerSmsResponse::default() });
                }
                Err(status) if Instant::now() >= until => {
                    tracing::warn!(code = ?status.code(), reason = status.message(), "a customer's message is put off");
                    return None;
                }
                Err(_) => sleep(backoff.wait()).await,
            }
        }
    }

    async fn send(&self, inbound: &Inbound, answer: AnswerSmsResponse, key: [u8; 32]) {
        let encoding = if answer.encoding() == SmsEncoding::Ucs2 { Encoding::Ucs2 } else { Encoding::Gsm7 };
        let Ok(from) = Sender::parse(&inbound.to) else {
            tracing::warn!("an answer cannot be sent from where the message went");
            return self.told.inbound(|state| state.unsent += 1);
        };
        let mut outgoing = Outgoing {
            id: new_id(),
            from,
            to: inbound.from.clone(),
            text: answer.text,
            encoding,
            reference: u16::from_be_bytes([key[0], key[1]]),
            expires: self.clock.now() + ANSWER_EXPIRES,
        };
        let mut backoff = Backoff::up_to(Duration::from_secs(10));
        loop {
            let Ok(reports) = self.route.send(&outgoing).await else { break };
            let passing = |outcome: &Outcome| match outcome {
                Outcome::Refused { status } => status.is_temporary(),
                Outcome::NotSent { reason } => *reason == NotSent::Unbound,
                Outcome::Accepted { .. } | Outcome::Unknown { .. } => false,
            };
            let unknown = |outcome: &Outcome| matches!(outcome, Outcome::Unknown { .. });
            if reports
                .iter()
                .all(|report| matches!(report.outcome, Outcome::Accepted { .. }) || unknown(&report.outcome))
            {
                return;
            }
            if !reports.iter().all(|report| passing(&report.outcome)) {
                break;
            }
            outgoing.id = new_id();
            sleep(backoff.wait()).await;
        }
        tracing::warn!("an answer to a customer could not be sent");
        self.told.inbound(|state| state.unsent += 1);
    }
}

/// What makes a message the same one, whoever delivers it and however often.
fn key(centre: &str, inbound: &Inbound) -> [u8; 32] {
    let mut digest = Sha256::new();
    let reference = inbound.reference.to_be_bytes();
    let fields: [&[u8]; 5] =
        [centre.as_bytes(), inbound.from.as_bytes(), inbound.to.as_bytes(), inbound.text.as_bytes(), &reference];
    for field in fields {
        digest.update(field.len().to_be_bytes());
        digest.update(field);
    }
    digest.finalize().into()
}

/// At most 64 characters.
fn request_id(key: [u8; 32], slot: i64) -> String {
    let mut half = [0; 16];
    half.copy_from_slice(&key[..16]);
    format!("smpp-{:032x}-{slot}", u128::from_be_bytes(half))
}
