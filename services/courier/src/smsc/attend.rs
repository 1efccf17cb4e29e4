//! One session at the centre's end.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, VecDeque},
    io,
    time::Duration,
};

use bytes::BytesMut;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf},
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{
    Smsc,
    ledger::{Verdict, fate},
    lock, receipts,
};
use crate::smpp::{
    pdu::{Bind, BindResp, Body, Frames, Message, Pdu, Role, Status, Tlv, VERSION, tag},
    receipt::State,
    session::Wire,
};

/// What is to be sent to an account.
#[derive(Debug)]
pub(super) struct Owed {
    pub(super) message: Box<Message>,
    pub(super) is_receipt: bool,
    pub(super) tries: u32,
}

/// What comes due later.
#[derive(Debug)]
enum Later {
    Say(Pdu),
    /// A part comes to its end; with its receipt, where one is given.
    Ended(Option<Owed>),
    Owe(Owed),
}

/// When, and the place in the order of planning.
struct Due(Reverse<(Instant, u64)>, Later);

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

const LONGEST_PDU: usize = 64 * 1024;
const UNWRITTEN: usize = 256 * 1024;
/// What the other end puts off comes again after this.
const AGAIN: Duration = Duration::from_secs(1);
/// A message is given up after so many tries.
const TRIES: u32 = 100;
/// Who has not bound by then is sent away.
const BIND_WITHIN: Duration = Duration::from_secs(30);

struct Attendance {
    smsc: Smsc,
    account: Option<(String, Role)>,
    link: u64,
    frames: Frames,
    out: BytesMut,
    due: BinaryHeap<Due>,
    planned: u64,
    unanswered_submits: u64,
    owed: VecDeque<Owed>,
    sent: HashMap<u32, Owed>,
    sequence: u32,
    injected: (mpsc::UnboundedSender<Owed>, mpsc::UnboundedReceiver<Owed>),
    leaving: bool,
}

pub(super) async fn attend(smsc: Smsc, wire: Box<dyn Wire>) {
    let (mut reader, mut writer) = tokio::io::split(wire);
    let cut = lock(&smsc.0.links).cut.clone();
    let mut attendance = Attendance {
        smsc,
        account: None,
        link: 0,
        frames: Frames::up_to(LONGEST_PDU),
        out: BytesMut::new(),
        due: BinaryHeap::new(),
        planned: 0,
        unanswered_submits: 0,
        owed: VecDeque::new(),
        sent: HashMap::new(),
        sequence: 0,
        injected: mpsc::unbounded_channel(),
        leaving: false,
    };
    if let Err(error) = attendance.work(&mut reader, &mut writer, &cut).await {
        tracing::debug!(%error, "a session ended");
    }
    attendance.leave();
}

impl Attendance {
    async fn work(
        &mut self,
        reader: &mut ReadHalf<Box<dyn Wire>>,
        writer: &mut WriteHalf<Box<dyn Wire>>,
        cut: &CancellationToken,
    ) -> io::Result<()> {
        let stop = self.smsc.0.stop.clone();
        let bind_until = Instant::now() + BIND_WITHIN;
        let mut unflushed = false;
        loop {
            let cutting = |error| io::Error::new(io::ErrorKind::InvalidData, error);
            while let Some(frame) = self.frames.cut().map_err(cutting)? {
                self.understand(&frame);
            }
            self.do_what_is_due();
            self.send_what_is_owed();
            if self.leaving && self.out.is_empty() && !unflushed {
                return writer.shutdown().await;
            }
            let far = Instant::now() + Duration::from_mins(1);
            let wake = self.due.peek().map_or(far, |due| due.0.0.0);
            tokio::select! {
                read = read(reader, &mut self.frames), if self.out.len() < UNWRITTEN && !self.leaving => {
                    if read? == 0 {
                        return Ok(());
                    }
                }
                written = write(writer, &mut self.out), if unflushed || !self.out.is_empty() => unflushed = written? > 0,
                Some(owed) = self.injected.1.recv() => self.owed.push_back(owed),
                () = sleep_until(wake) => {}
                () = sleep_until(bind_until), if self.account.is_none() => return Ok(()),
                () = cut.cancelled() => return Ok(()),
                () = stop.cancelled(), if !self.leaving => {
                    let sequence = self.next_sequence();
                    if self.account.is_some() {
                        self.say(&Pdu::request(sequence, Body::Unbind));
                    }
                    self.leaving = true;
                }
            }
        }
    }

    fn understand(&mut self, frame: &[u8]) {
        let pdu = match Pdu::read(frame) {
            Ok(pdu) => pdu,
            Err((head, _)) => {
                return self.say(&Pdu::response(head.sequence, Status::INVALID_LENGTH, Body::GenericNack));
            }
        };
        let (sequence, is_request) = (pdu.sequence, pdu.is_request());
        match pdu.body {
            Body::Bind(role, bind) => self.bind(sequence, role, &bind),
            Body::SubmitSm(message) => self.submit(sequence, &message),
            Body::DeliverSmResp => self.delivered(sequence, pdu.status),
            // Whoever nacks a message does not want it.
            Body::GenericNack => self.delivered(sequence, Status::OK),
            Body::EnquireLink => {
                lock(&self.smsc.0.ledger).counts.enquiries += 1;
                if !lock(&self.smsc.0.config).dead {
                    self.say(&Pdu::response(sequence, Status::OK, Body::EnquireLinkResp));
                }
            }
            Body::Unbind => {
                self.say(&Pdu::response(sequence, Status::OK, Body::UnbindResp));
                self.leaving = true;
            }
            _ if is_request => self.say(&Pdu::response(sequence, Status::INVALID_COMMAND, Body::GenericNack)),
            _ => {}
        }
        self.smsc.0.changed.notify_waiters();
    }

    fn bind(&mut self, sequence: u32, role: Role, bind: &Bind) {
        let wanted = lock(&self.smsc.0.config).account.clone();
        let status = match wanted {
            _ if self.account.is_some() => Status::ALREADY_BOUND,
            Some((account, _)) if account != bind.system_id => Status::INVALID_SYSTEM_ID,
            Some((_, password)) if password != bind.password => Status::INVALID_PASSWORD,
            _ => Status::OK,
        };
        let tlvs = vec![Tlv::new(tag::SC_INTERFACE_VERSION, [VERSION])];
        let response = BindResp { system_id: "gridcare-sim".into(), tlvs };
        self.say(&Pdu::response(sequence, status, Body::BindResp(role, response)));
        if status != Status::OK {
            self.leaving |= self.account.is_none();
            return;
        }
        lock(&self.smsc.0.ledger).counts.binds += 1;
        self.account = Some((bind.system_id.clone(), role));
        if role != Role::Transmitter {
            let mut links = lock(&self.smsc.0.links);
            links.next += 1;
            self.link = links.next;
            let sender = self.injected.0.clone();
            links.bound.push((self.link, bind.system_id.clone(), sender));
            drop(links);
            let mut owed = lock(&self.smsc.0.owed);
            for account in [bind.system_id.as_str(), ""] {
                self.owed.extend(owed.remove(account).unwrap_or_default());
            }
        }
    }

    fn submit(&mut self, sequence: u32, message: &Message) {
        if !matches!(self.account, Some((_, Role::Transmitter | Role::Transceiver))) {
            return self.say(&Pdu::response(sequence, Status::INVALID_STATE, Body::SubmitSmResp(String::new())));
        }
        let config = self.smsc.config();
        let now = self.smsc.0.clock.now();
        self.unanswered_submits += 1;
        let verdict = {
            let mut ledger = lock(&self.smsc.0.ledger);
            ledger.counts.peak_window = ledger.counts.peak_window.max(self.unanswered_submits);
            ledger.judge(&config, message, now)
        };
        let answer_at = Instant::now() + config.latency + config.jitter.mul_f64(fate(config.seed, message, "latency"));
        let (status, id) = match verdict {
            Verdict::Swallowed => return,
            Verdict::Refused(status) => (status, String::new()),
            Verdict::Taken(part) => {
                let state = if fate(config.seed, message, "delivered") < config.undelivered {
                    State::Undeliverable
                } else {
                    State::Delivered
                };
                let parties = (message.source.clone(), message.destination.clone());
                let wanted = message.registered_delivery & 3;
                // 1 asks for every outcome, 2 for failures alone.
                let wanted = wanted == 1 || (wanted == 2 && state != State::Delivered);
                let done = now.checked_add(config.delivery).unwrap_or(now);
                let receipt = receipts::receipt(&config, &part, state, parties, done).filter(|_| wanted);
                let owed = receipt.map(|message| Owed { message: Box::new(message), is_receipt: true, tries: 0 });
                let at = if config.early_receipts { Instant::now() } else { answer_at + config.delivery };
                self.plan(at, Later::Ended(owed));
                (Status::OK, config.ids.answered(part.id))
            }
        };
        let answer = Pdu::response(sequence, status, Body::SubmitSmResp(id));
        if answer_at <= Instant::now() && !config.early_receipts {
            self.unanswered_submits = self.unanswered_submits.saturating_sub(1);
            return self.say(&answer);
        }
        self.plan(answer_at, Later::Say(answer));
    }

    fn delivered(&mut self, sequence: u32, status: Status) {
        let Some(mut owed) = self.sent.remove(&sequence) else { return };
        let mut ledger = lock(&self.smsc.0.ledger);
        if status.is_temporary() && owed.tries < TRIES {
            ledger.counts.put_off += 1;
            drop(ledger);
            owed.tries += 1;
            return self.plan(Instant::now() + AGAIN, Later::Owe(owed));
        }
        match (status, owed.is_receipt) {
            (Status::OK, true) => ledger.receipted(),
            (Status::OK, false) => ledger.counts.inbound += 1,
            _ => {}
        }
    }

    fn plan(&mut self, at: Instant, later: Later) {
        self.planned += 1;
        self.due.push(Due(Reverse((at, self.planned)), later));
    }

    fn do_what_is_due(&mut self) {
        let now = Instant::now();
        while self.due.peek().is_some_and(|due| due.0.0.0 <= now) && self.out.len() < UNWRITTEN {
            match self.due.pop().map(|due| due.1) {
                Some(Later::Say(pdu)) => {
                    self.unanswered_submits = self.unanswered_submits.saturating_sub(1);
                    self.say(&pdu);
                }
                Some(Later::Ended(owed)) => {
                    self.one_less();
                    self.owed.extend(owed);
                }
                Some(Later::Owe(owed)) => self.owed.push_back(owed),
                None => {}
            }
        }
    }

    fn one_less(&self) {
        let mut ledger = lock(&self.smsc.0.ledger);
        ledger.queue = ledger.queue.saturating_sub(1);
    }

    fn send_what_is_owed(&mut self) {
        if self.leaving || !matches!(self.account, Some((_, Role::Receiver | Role::Transceiver))) {
            return;
        }
        let window = lock(&self.smsc.0.config).window.max(1);
        while self.sent.len() < window && self.out.len() < UNWRITTEN {
            let Some(owed) = self.owed.pop_front() else { break };
            let sequence = self.next_sequence();
            self.say(&Pdu::request(sequence, Body::DeliverSm(owed.message.clone())));
            self.sent.insert(sequence, owed);
        }
    }

    /// Keeps for the account's next session what this one was not given.
    fn leave(&mut self) {
        let mut left: Vec<_> = self.sent.drain().collect();
        left.sort_unstable_by_key(|(sequence, _)| *sequence);
        let mut left: VecDeque<_> = left.into_iter().map(|(_, owed)| owed).collect();
        left.append(&mut self.owed);
        lock(&self.smsc.0.links).bound.retain(|(link, ..)| *link != self.link);
        self.injected.1.close();
        while let Ok(owed) = self.injected.1.try_recv() {
            left.push_back(owed);
        }
        while let Some(Due(_, later)) = self.due.pop() {
            match later {
                Later::Say(_) => {}
                Later::Ended(owed) => {
                    self.one_less();
                    left.extend(owed);
                }
                Later::Owe(owed) => left.push_back(owed),
            }
        }
        if let Some((account, _)) = &self.account {
            lock(&self.smsc.0.owed).entry(account.clone()).or_default().append(&mut left);
        }
    }

    fn next_sequence(&mut self) -> u32 {
        self.sequence = self.sequence % 0x7fff_ffff + 1;
        self.sequence
    }

    fn say(&mut self, pdu: &Pdu) {
        if let Err(error) = pdu.write(&mut self.out) {
            tracing::warn!(%error, "a unit cannot be written");
        }
    }
}

async fn read(reader: &mut ReadHalf<Box<dyn Wire>>, frames: &mut Frames) -> io::Result<usize> {
    frames.arrived().reserve(8 * 1024);
    reader.read_buf(frames.arrived()).await
}

async fn write(writer: &mut WriteHalf<Box<dyn Wire>>, out: &mut BytesMut) -> io::Result<usize> {
    if out.is_empty() { writer.flush().await.map(|()| 0) } else { writer.write_buf(out).await }
}
