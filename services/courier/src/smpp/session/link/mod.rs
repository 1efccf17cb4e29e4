//! One bound connection: one task that reads, writes and waits, none of which ever waits for another.

mod intake;
mod timing;

use std::{collections::VecDeque, io};

use bytes::BytesMut;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf},
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::{
    Ended, NotSent, Outcome, Phase, Wire,
    life::Life,
    state::Submit,
    window::{Waiting, Window},
};
use crate::smpp::{
    event::Event,
    pdu::{Bind, Body, Frames, Pdu, Role, Status},
};

/// Octets that may wait to be written. Beyond it nothing more is read: a centre that floods without reading is held back.
const UNWRITTEN: usize = 64 * 1024;
/// Octets that are read at once.
const READ: usize = 8 * 1024;
/// The highest sequence number that SMPP allows.
const LAST_SEQUENCE: u32 = 0x7fff_ffff;

type Reader = ReadHalf<Box<dyn Wire>>;
type Writer = WriteHalf<Box<dyn Wire>>;

/// What is answered to the centre, and to which of its messages.
type Said = (u32, Status);

/// A bound connection.
pub(super) struct Link {
    reader: Reader,
    writer: Writer,
    frames: Frames,
    out: BytesMut,
    /// Octets that were ever put into `out`, and those that have left it.
    queued: u64,
    written: u64,
    unflushed: bool,
    sequence: u32,
    window: Window,
    /// Answers to messages and receipts, by their sequence numbers, from whoever has taken them durably.
    answers: (mpsc::UnboundedSender<Said>, mpsc::UnboundedReceiver<Said>),
    /// Messages and receipts whose answer the centre still waits for.
    unanswered: usize,
    backlog: VecDeque<Event>,
    heard: Instant,
    enquired: Option<Instant>,
    /// Parts that were answered so far.
    answered: u64,
    /// Until when the last answers are waited for, once it is closing.
    closing: Option<Instant>,
    unbinding: bool,
}

fn broken(error: &io::Error) -> Ended {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Ended::Closed,
        kind => Ended::Broken(kind),
    }
}

impl Link {
    /// Binds as transceiver.
    pub(super) async fn bind(wire: Box<dyn Wire>, bind: Bind, longest_pdu: usize) -> Result<Self, Ended> {
        let (reader, writer) = tokio::io::split(wire);
        let now = Instant::now();
        let mut link = Self {
            reader,
            writer,
            frames: Frames::up_to(longest_pdu),
            out: BytesMut::new(),
            queued: 0,
            written: 0,
            unflushed: false,
            sequence: 0,
            window: Window::default(),
            answers: mpsc::unbounded_channel(),
            unanswered: 0,
            backlog: VecDeque::new(),
            heard: now,
            enquired: None,
            answered: 0,
            closing: None,
            unbinding: false,
        };
        let sequence = link.next_sequence();
        let request = Pdu::request(sequence, Body::Bind(Role::Transceiver, bind));
        // A name that does not fit would be refused by any centre.
        link.put(&request).map_err(|_| Ended::Refused(Status::INVALID_SYSTEM_ID))?;
        while !link.out.is_empty() {
            link.writer.write_buf(&mut link.out).await.map_err(|error| broken(&error))?;
        }
        link.writer.flush().await.map_err(|error| broken(&error))?;
        link.written = link.queued;
        loop {
            while let Some(frame) = link.frames.cut().map_err(Ended::Protocol)? {
                // Nothing else means anything before that.
                if let Ok(Pdu { status, body: Body::BindResp(..) | Body::GenericNack, .. }) = Pdu::read(&frame) {
                    link.heard = Instant::now();
                    return if status == Status::OK { Ok(link) } else { Err(Ended::Refused(status)) };
                }
            }
            if link.read().await.map_err(|error| broken(&error))? == 0 {
                return Err(Ended::Closed);
            }
        }
    }

    async fn read(&mut self) -> io::Result<usize> {
        read(&mut self.reader, &mut self.frames).await
    }

    /// Works until the connection ends, and answers all that was submitted through it.
    pub(super) async fn run(mut self, life: &mut Life) -> Ended {
        let ended = self.work(life).await;
        for waiting in self.window.drain() {
            // Nothing of it has left: it may go another way.
            let outcome = if waiting.begins >= self.written {
                Outcome::NotSent { reason: NotSent::Unbound }
            } else {
                intake::unanswered_part(life);
                Outcome::Unknown { reason: ended }
            };
            waiting.submit.answer(outcome);
        }
        // Whatever the caller still has in hand will be asked for again by the centre.
        for event in self.backlog.drain(..) {
            if let Err(lost) = life.around.events.try_send(event) {
                drop(lost.into_inner());
            }
        }
        ended
    }

    async fn work(&mut self, life: &mut Life) -> Ended {
        let (stop, events) = (life.around.stop.clone(), life.around.events.clone());
        loop {
            if let Err(ended) = self.take_in(life) {
                return self.last_words(ended).await;
            }
            if let Some(ended) = self.look_at_the_time(life) {
                return ended;
            }
            let phase = if self.closing.is_some() { Phase::Closing } else { Phase::Bound };
            life.tell(phase, self.window.len());
            let now = Instant::now();
            let ready = life.pace.ready_at(now, 0);
            let window = usize::try_from(life.config.window.get()).unwrap_or(usize::MAX);
            let room = self.closing.is_none() && self.window.len() < window && self.out.len() < UNWRITTEN;
            let wake = self.next_time(life);
            tokio::select! {
                read = read(&mut self.reader, &mut self.frames), if self.out.len() < UNWRITTEN => match read {
                    Ok(0) => return Ended::Closed,
                    Ok(_) => {}
                    Err(error) => return broken(&error),
                },
                written = write(&mut self.writer, &mut self.out), if self.unflushed || !self.out.is_empty() => match written {
                    Ok(octets) => {
                        self.written += octets as u64;
                        self.unflushed = octets > 0;
                    }
                    Err(error) => return broken(&error),
                },
                submit = life.submits.recv(), if room && now >= ready => match submit {
                    Some(submit) => self.submit(submit, life),
                    // The last handle has gone.
                    None => self.close(life),
                },
                () = sleep_until(ready), if room && now < ready => {}
                Some((sequence, status)) = self.answers.1.recv() => self.answer(sequence, status),
                permit = events.reserve(), if !self.backlog.is_empty() => match permit {
                    Ok(permit) => if let Some(event) = self.backlog.pop_front() { permit.send(event) },
                    // Nobody listens: the centre keeps what it has.
                    Err(_) => self.backlog.clear(),
                },
                () = sleep_until(wake) => {}
                () = stop.cancelled(), if self.closing.is_none() => self.close(life),
            }
        }
    }

    /// Writes what is still to be said, if it can be said at once, and gives the reason back.
    async fn last_words(&mut self, ended: Ended) -> Ended {
        let words = async {
            while !self.out.is_empty() {
                self.writer.write_buf(&mut self.out).await?;
            }
            self.writer.shutdown().await
        };
        // Whoever does not listen any more need not hear it.
        let _ = tokio::time::timeout(std::time::Duration::from_secs(1), words).await;
        ended
    }

    fn submit(&mut self, mut submit: Submit, life: &mut Life) {
        if submit.expires <= life.clock().now() {
            return submit.answer(Outcome::NotSent { reason: NotSent::Expired });
        }
        let (sequence, begins, now) = (self.next_sequence(), self.queued, Instant::now());
        let pdu = Pdu::request(sequence, Body::SubmitSm(submit.message.clone()));
        if let Err(error) = self.put(&pdu) {
            tracing::warn!(session = life.config.name, %error, "a part cannot be written");
            return submit.answer(Outcome::NotSent { reason: NotSent::Unwritable });
        }
        life.pace.spend(now);
        submit.ahead = None;
        self.window.wrote(sequence, Waiting { submit, written: now, begins, answered_before: self.answered });
    }

    fn answer(&mut self, sequence: u32, status: Status) {
        self.unanswered = self.unanswered.saturating_sub(1);
        self.say(&Pdu::response(sequence, status, Body::DeliverSmResp));
    }

    fn next_sequence(&mut self) -> u32 {
        self.sequence = if self.sequence >= LAST_SEQUENCE { 1 } else { self.sequence + 1 };
        self.sequence
    }

    fn put(&mut self, pdu: &Pdu) -> Result<(), crate::smpp::pdu::Unwritable> {
        let before = self.out.len();
        pdu.write(&mut self.out)?;
        self.queued += (self.out.len() - before) as u64;
        Ok(())
    }

    /// Puts a unit that has no field that could not be written.
    fn say(&mut self, pdu: &Pdu) {
        if let Err(error) = self.put(pdu) {
            tracing::error!(%error, "an answer cannot be written");
        }
    }
}

async fn read(reader: &mut Reader, frames: &mut Frames) -> io::Result<usize> {
    frames.arrived().reserve(READ);
    reader.read_buf(frames.arrived()).await
}

/// Writes what can be written, and flushes once nothing waits: TLS may hold something back until then.
async fn write(writer: &mut Writer, out: &mut BytesMut) -> io::Result<usize> {
    if out.is_empty() { writer.flush().await.map(|()| 0) } else { writer.write_buf(out).await }
}
