//! A message leaves: leased from the node, begun durably, handed over, and reported.
//!
//! One task a channel, which never waits for one thing while another could go on. What it has in hand is bounded, however long
//! the node's queue is: about four windows, and what rests until its address may be tried again.

mod hand;
mod reports;

use std::{sync::Arc, time::Duration};

use futures::{StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use gridcare_chassis::{backoff::Backoff, clock::SharedClock};
use gridcare_proto::{
    delivery::v1::{LeaseMessagesResponse, RenewLeaseResponse, SubmitResult},
    notice::v1::NoticeChannel,
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until, timeout_at},
};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use self::{hand::Hand, reports::Reports};
use crate::{
    carrier::{Carrier, Ending, Errand, Rest},
    node::{self, Node},
    state::{ChannelState, Told},
};

/// What the node gives and takes in one call at most.
const MOST: usize = 5_000;
/// Windows of messages in hand: while one is under way and one is begun, the node has the time of two to hand out more.
const WINDOWS: usize = 4;
/// The longest wait between attempts when the node, or the whole other side, takes nothing.
const LONGEST: Duration = Duration::from_secs(30);
/// For so long the last answers are waited for once it is to stop, and for so long the node to take their outcomes.
const LAST_ANSWERS: Duration = Duration::from_secs(15);
const LAST_REPORTS: Duration = Duration::from_secs(5);

/// A late word on a message whose outcome was told as unknown: its lease, its number, and what it came to.
pub(crate) type Late = (i64, i64, Ending);

/// What one channel needs.
pub(crate) struct Around {
    pub(crate) node: Node,
    pub(crate) clock: SharedClock,
    pub(crate) stop: CancellationToken,
    pub(crate) told: Told,
    pub(crate) carrier: Arc<dyn Carrier>,
    pub(crate) channel: NoticeChannel,
    pub(crate) late: mpsc::Receiver<Late>,
}

type Call<T> = Option<BoxFuture<'static, Result<T, Status>>>;

/// What was to begin, and the numbers of those that may.
type Begun = (Vec<Errand>, Result<Vec<i64>, Status>);

/// Waits for a call, if there is one; it is over then.
async fn answered<T>(call: &mut Option<BoxFuture<'static, T>>) -> T {
    match call {
        Some(future) => {
            let answer = future.await;
            *call = None;
            answer
        }
        None => std::future::pending().await,
    }
}

struct Leaving {
    around: Around,
    hand: Hand,
    reports: Reports,
    under_way: FuturesUnordered<BoxFuture<'static, (Errand, Ending)>>,
    lease: Call<LeaseMessagesResponse>,
    begin: Option<BoxFuture<'static, Begun>>,
    /// Messages whose beginning is asked for.
    beginning: usize,
    renew: Option<BoxFuture<'static, (i64, Result<RenewLeaseResponse, Status>)>>,
    /// Nothing is leased, and nothing begun, before these.
    ask_at: Instant,
    ask_again: Backoff,
    go_on_at: Instant,
    go_on_again: Backoff,
    state: ChannelState,
}

/// Carries the messages of one channel until it is told to stop.
pub(crate) async fn run(around: Around) {
    let (now, name) = (Instant::now(), around.channel.as_str_name());
    let reports = Reports::new(around.node.clone(), name);
    let mut leaving = Leaving {
        hand: Hand::default(),
        reports,
        under_way: FuturesUnordered::new(),
        lease: None,
        begin: None,
        beginning: 0,
        renew: None,
        ask_at: now,
        ask_again: Backoff::up_to(LONGEST),
        go_on_at: now,
        go_on_again: Backoff::up_to(LONGEST),
        state: ChannelState::default(),
        around,
    };
    leaving.work().await;
    leaving.end().await;
}

impl Leaving {
    async fn work(&mut self) {
        let stop = self.around.stop.clone();
        loop {
            let now = Instant::now();
            self.hand.wake(now);
            self.ask(now);
            self.begin(now);
            self.renew(now);
            self.reports.go();
            self.tell();
            let wake = self.wake(now);
            tokio::select! {
                answer = answered(&mut self.lease) => self.leased(answer),
                (errands, answer) = answered(&mut self.begin) => self.begun(errands, answer),
                (epoch, answer) = answered(&mut self.renew) => self.renewed(epoch, answer),
                Some((errand, ending)) = self.under_way.next() => self.ended(&errand, ending),
                Some((epoch, number, ending)) = self.around.late.recv() => {
                    self.hand.heard_again(epoch);
                    self.report(epoch, number, ending);
                }
                reported = self.reports.done() => self.reported(reported),
                () = sleep_until(wake) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Nothing more begins: the last answers are waited for, and what has not begun goes back at once.
    async fn end(&mut self) {
        self.lease = None;
        let until = Instant::now() + LAST_ANSWERS;
        if let Ok((errands, _)) = timeout_at(until, async {
            if self.begin.is_some() { answered(&mut self.begin).await } else { (Vec::new(), Ok(Vec::new())) }
        })
        .await
        {
            for errand in errands {
                self.report(errand.epoch, errand.number, Ending::returned(Rest::Nobody));
            }
        }
        for errand in self.hand.empty() {
            self.report(errand.epoch, errand.number, Ending::returned(Rest::Nobody));
        }
        while !self.under_way.is_empty() && Instant::now() < until {
            self.renew(Instant::now());
            self.reports.go();
            self.tell();
            let wake = self.hand.next_renewal().unwrap_or(until).min(until);
            tokio::select! {
                Some((errand, ending)) = self.under_way.next() => self.ended(&errand, ending),
                (epoch, answer) = answered(&mut self.renew) => self.renewed(epoch, answer),
                reported = self.reports.done() => self.reported(reported),
                () = sleep_until(wake) => {}
            }
        }
        let until = Instant::now() + LAST_REPORTS;
        while self.reports.waiting() > 0 {
            self.reports.go();
            match timeout_at(until, self.reports.done()).await {
                Ok(reported) => self.reported(reported),
                Err(_) => break,
            }
        }
        self.tell();
        let left = self.under_way.len() + self.reports.waiting();
        if left > 0 {
            tracing::warn!(left, "messages whose outcome the node will call unknown");
        }
    }

    /// Asks for more, as soon as half of what it may hold has gone.
    fn ask(&mut self, now: Instant) {
        let window = self.around.carrier.window();
        let in_hand = self.hand.waiting() + self.state_submitting() + self.reports.waiting();
        let room = (window * WINDOWS).saturating_sub(in_hand);
        let rests = now < self.ask_at || now < self.go_on_at || self.hand.is_full();
        if self.lease.is_none() && room > window * WINDOWS / 2 && !rests {
            self.lease = Some(Box::pin(self.around.node.clone().lease(self.around.channel, room.min(MOST))));
        }
    }

    fn leased(&mut self, answer: Result<LeaseMessagesResponse, Status>) {
        match answer {
            Ok(leased) => {
                self.ask_again.reset();
                self.around.told.change(|state| state.node_reached = true);
                self.state.in_vain = leased.messages.is_empty();
                self.state.leased += leased.messages.len() as u64;
                let wait = self.around.node.leasing();
                if leased.messages.is_empty() && wait.wait_seconds == 0 {
                    self.ask_at = Instant::now() + Duration::from_secs(1);
                }
                let now = self.around.clock.now();
                for (epoch, number) in self.hand.take(leased, wait.seconds, now) {
                    tracing::error!(number, "a message came without its text");
                    self.report(epoch, number, Ending::failed());
                }
            }
            Err(status) => {
                self.state.in_vain = false;
                self.around.told.change(|state| state.node_reached = false);
                self.ask_at = Instant::now() + self.ask_again.wait();
                tracing::warn!(channel = self.reports.channel(), code = ?status.code(), reason = status.message(), "no messages could be leased");
            }
        }
    }

    /// Makes it durable that some are about to be written: in groups, and no more under way than the window holds.
    fn begin(&mut self, now: Instant) {
        let window = self.around.carrier.window();
        let room = window.saturating_sub(self.state_submitting());
        let group = room.min(self.hand.waiting_now()).min(MOST);
        if self.begin.is_some() || group == 0 || now < self.go_on_at {
            return;
        }
        // A group of one for each place that becomes free would be a transaction at the node for each message.
        if room < window.min(MOST).div_ceil(2) && group == room {
            return;
        }
        let (errands, over) = self.hand.next_group(group, now, self.around.clock.now());
        for errand in over {
            self.report(errand.epoch, errand.number, Ending::returned(Rest::Nobody));
        }
        let Some(epoch) = errands.first().map(|errand| errand.epoch) else { return };
        self.beginning = errands.len();
        let numbers = errands.iter().map(|errand| errand.number).collect();
        let begin = self.around.node.clone().begin(epoch, numbers);
        self.begin = Some(Box::pin(async move { (errands, begin.await) }));
    }

    fn begun(&mut self, errands: Vec<Errand>, answer: Result<Vec<i64>, Status>) {
        self.beginning = 0;
        match answer {
            Ok(mut granted) => {
                granted.sort_unstable();
                for errand in errands {
                    if granted.binary_search(&errand.number).is_ok() {
                        let carrying = self.around.carrier.carry(errand.clone());
                        self.under_way.push(Box::pin(async move { (errand, carrying.await) }));
                    } else {
                        self.hand.untried(&errand.address);
                        // Cancelled or expired meanwhile, or begun by a request whose answer was lost: not an octet was written.
                        self.report(errand.epoch, errand.number, Ending::returned(Rest::Nobody));
                    }
                }
            }
            Err(status) if node::is_lost(&status) => {
                for errand in &errands {
                    self.hand.untried(&errand.address);
                }
                if let Some(epoch) = errands.first().map(|errand| errand.epoch) {
                    self.lost(epoch);
                }
            }
            Err(status) => {
                tracing::warn!(code = ?status.code(), reason = status.message(), "messages could not be begun");
                self.go_on_at = Instant::now() + self.go_on_again.wait();
                self.hand.put_back(errands);
            }
        }
    }

    fn renew(&mut self, now: Instant) {
        if self.renew.is_some() {
            return;
        }
        for epoch in self.hand.run_out(now) {
            self.lost(epoch);
        }
        if let Some(epoch) = self.hand.due_for_renewal(now) {
            let renewing = self.around.node.clone().renew(epoch);
            self.renew = Some(Box::pin(async move { (epoch, renewing.await) }));
        }
    }

    fn renewed(&mut self, epoch: i64, answer: Result<RenewLeaseResponse, Status>) {
        let held = match answer {
            Ok(RenewLeaseResponse { held, .. }) => held,
            Err(status) if node::is_lost(&status) => false,
            // Asked again in a moment, until it has run out.
            Err(_) => return,
        };
        if held {
            self.hand.renewed(epoch, self.around.node.leasing().seconds);
        } else {
            self.lost(epoch);
        }
    }

    /// Nothing of it begins any more; it is another's already. What is under way is reported all the same.
    fn lost(&mut self, epoch: i64) {
        let dropped = self.hand.lose(epoch);
        self.state.leases_lost += 1;
        tracing::warn!(epoch, dropped, "a lease is lost");
    }

    fn ended(&mut self, errand: &Errand, ending: Ending) {
        let now = Instant::now();
        match ending.rest {
            Rest::Channel => {
                self.hand.untried(&errand.address);
                // Several that were under way at once are one attempt.
                if self.go_on_at <= now {
                    self.go_on_at = now + self.go_on_again.wait();
                }
            }
            Rest::Address => self.hand.rest(&errand.address, now),
            Rest::Nobody => self.hand.well(&errand.address),
        }
        if ending.result == SubmitResult::Sent {
            self.go_on_again.reset();
        }
        self.report(errand.epoch, errand.number, ending);
    }

    fn report(&mut self, epoch: i64, number: i64, ending: Ending) {
        match ending.result {
            SubmitResult::Sent => self.state.sent += 1,
            SubmitResult::Failed => self.state.failed += 1,
            SubmitResult::Returned => self.state.returned += 1,
            SubmitResult::Unknown | SubmitResult::Unspecified => self.state.unknown += 1,
        }
        self.reports.put(epoch, number, ending, self.around.clock.now());
    }

    fn reported(&mut self, (epoch, count): (i64, usize)) {
        self.hand.done(epoch, count);
    }

    fn state_submitting(&self) -> usize {
        self.under_way.len() + self.beginning
    }

    fn wake(&self, now: Instant) -> Instant {
        let due = [self.hand.next_renewal(), self.hand.next_wake(), Some(self.ask_at), Some(self.go_on_at)];
        let later = due.into_iter().flatten().filter(|at| *at > now);
        later.fold(now + LONGEST, Instant::min)
    }

    fn tell(&mut self) {
        self.state.waiting = self.hand.waiting();
        self.state.submitting = self.state_submitting();
        self.state.unreported = self.reports.waiting();
        let (state, channel) = (self.state, self.around.channel);
        self.around.told.channel(channel, state);
    }
}
