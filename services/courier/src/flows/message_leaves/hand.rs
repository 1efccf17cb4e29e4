//! What a courier has in hand of one channel: leased messages that have not begun, and their leases.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use gridcare_chassis::backoff::Backoff;
use gridcare_proto::{convert::time::instant, delivery::v1::LeaseMessagesResponse};
use jiff::Timestamp;
use tokio::time::Instant;

use crate::carrier::Errand;

/// Messages that rest until their address may be tried again; with more of them nothing more is leased.
const RESTING: usize = 5_000;
/// Addresses whose rest is remembered.
const ADDRESSES: usize = 10_000;
/// The longest rest of an address.
const LONGEST_REST: Duration = Duration::from_mins(5);
/// A lease whose renewal was not answered is asked for again after this.
const SOON: Duration = Duration::from_secs(1);

#[derive(Debug)]
struct Lease {
    /// Messages of it that the node has heard nothing of since.
    open: usize,
    renew_at: Instant,
    until: Instant,
}

/// An address that could not take a message.
#[derive(Debug)]
struct Resting {
    until: Instant,
    again: Backoff,
    /// One message tries whether it takes them again; the others wait for what becomes of it.
    trying: bool,
}

#[derive(Debug, Default)]
pub(super) struct Hand {
    leases: BTreeMap<i64, Lease>,
    queue: VecDeque<Errand>,
    resting: Vec<(Instant, Errand)>,
    addresses: HashMap<String, Resting>,
}

impl Hand {
    /// Messages that wait, for their turn or for their address.
    pub(super) fn waiting(&self) -> usize {
        self.queue.len() + self.resting.len()
    }

    /// Messages that wait for their turn alone.
    pub(super) fn waiting_now(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.resting.len() >= RESTING
    }

    /// Takes what was leased; gives back the numbers of messages that say nothing.
    pub(super) fn take(&mut self, leased: LeaseMessagesResponse, seconds: u64, now: Timestamp) -> Vec<(i64, i64)> {
        let LeaseMessagesResponse { epoch, texts, messages, .. } = leased;
        if messages.is_empty() {
            return Vec::new();
        }
        let texts = texts.into_iter().map(|text| {
            let expires = text.expires_at.as_ref().and_then(instant).unwrap_or(now);
            (text.dispatch, (Arc::new(text), expires))
        });
        let texts: HashMap<_, _> = texts.collect();
        let mut mute = Vec::new();
        let lease = Lease { open: messages.len(), ..lease(seconds) };
        self.leases.insert(epoch, lease);
        for message in messages {
            match texts.get(&message.dispatch) {
                Some((text, expires)) => {
                    self.queue.push_back(Errand::new(message, epoch, Arc::clone(text), *expires));
                }
                None => mute.push((epoch, message.number)),
            }
        }
        mute
    }

    /// At most so many that may begin now, all of one lease and in their order, and those whose time is over.
    pub(super) fn next_group(&mut self, group: usize, now: Instant, time: Timestamp) -> (Vec<Errand>, Vec<Errand>) {
        let (mut next, mut over): (Vec<Errand>, Vec<Errand>) = (Vec::new(), Vec::new());
        while next.len() < group
            && let Some(errand) = self.queue.front()
            && next.first().is_none_or(|first| first.epoch == errand.epoch)
            && let Some(errand) = self.queue.pop_front()
        {
            if errand.expires <= time {
                over.push(errand);
                continue;
            }
            match self.addresses.get_mut(&errand.address) {
                Some(resting) if resting.trying || resting.until > now => {
                    self.resting.push((resting.until.max(now + SOON), errand));
                }
                Some(resting) => {
                    resting.trying = true;
                    next.push(errand);
                }
                None => next.push(errand),
            }
        }
        (next, over)
    }

    pub(super) fn put_back(&mut self, errands: Vec<Errand>) {
        for errand in errands.into_iter().rev() {
            self.untried(&errand.address);
            if self.leases.contains_key(&errand.epoch) {
                self.queue.push_front(errand);
            }
        }
    }

    /// Everything that has not begun.
    pub(super) fn empty(&mut self) -> Vec<Errand> {
        let resting = std::mem::take(&mut self.resting).into_iter().map(|(_, errand)| errand);
        std::mem::take(&mut self.queue).into_iter().chain(resting).collect()
    }

    /// This address could not take a message: the next one waits.
    pub(super) fn rest(&mut self, address: &str, now: Instant) {
        if self.addresses.len() >= ADDRESSES {
            self.addresses.retain(|_, resting| resting.until > now);
        }
        if self.addresses.len() >= ADDRESSES {
            return;
        }
        let new = || Resting { until: now, again: Backoff::up_to(LONGEST_REST), trying: false };
        let resting = self.addresses.entry(address.to_owned()).or_insert_with(new);
        resting.trying = false;
        // Several that were under way at once are one attempt.
        if resting.until <= now {
            resting.until = now + resting.again.wait().max(SOON);
        }
    }

    /// A message that was to try this address did not get there.
    pub(super) fn untried(&mut self, address: &str) {
        if let Some(resting) = self.addresses.get_mut(address) {
            resting.trying = false;
        }
    }

    /// This address took a message, or said that it never will: it is there.
    pub(super) fn well(&mut self, address: &str) {
        if !self.addresses.is_empty() {
            self.addresses.remove(address);
        }
    }

    /// What has rested long enough waits for its turn again.
    pub(super) fn wake(&mut self, now: Instant) {
        let mut at = 0;
        while at < self.resting.len() {
            if self.resting[at].0 <= now {
                let (_, errand) = self.resting.swap_remove(at);
                self.queue.push_back(errand);
            } else {
                at += 1;
            }
        }
    }

    pub(super) fn next_wake(&self) -> Option<Instant> {
        self.resting.iter().map(|(until, _)| *until).min()
    }

    /// More is to be reported of a message that was reported before.
    pub(super) fn heard_again(&mut self, epoch: i64) {
        if let Some(lease) = self.leases.get_mut(&epoch) {
            lease.open += 1;
        }
    }

    /// The node has heard what became of so many of a lease.
    pub(super) fn done(&mut self, epoch: i64, count: usize) {
        if let Some(lease) = self.leases.get_mut(&epoch) {
            lease.open = lease.open.saturating_sub(count);
            if lease.open == 0 {
                self.leases.remove(&epoch);
            }
        }
    }

    /// A lease that should be renewed; the same one not again for a while.
    pub(super) fn due_for_renewal(&mut self, now: Instant) -> Option<i64> {
        let (epoch, lease) = self.leases.iter_mut().find(|(_, lease)| lease.renew_at <= now)?;
        lease.renew_at = now + SOON;
        Some(*epoch)
    }

    pub(super) fn next_renewal(&self) -> Option<Instant> {
        self.leases.values().map(|lease| lease.renew_at.min(lease.until)).min()
    }

    pub(super) fn renewed(&mut self, epoch: i64, seconds: u64) {
        if let Some(held) = self.leases.get_mut(&epoch) {
            *held = Lease { open: held.open, ..lease(seconds) };
        }
    }

    /// Leases that have run out without an answer from the node.
    pub(super) fn run_out(&self, now: Instant) -> Vec<i64> {
        self.leases.iter().filter(|(_, lease)| lease.until <= now).map(|(epoch, _)| *epoch).collect()
    }

    /// Forgets a lease and what has not begun of it; how much that was.
    pub(super) fn lose(&mut self, epoch: i64) -> usize {
        let before = self.waiting();
        self.leases.remove(&epoch);
        self.queue.retain(|errand| errand.epoch != epoch);
        self.resting.retain(|(_, errand)| errand.epoch != epoch);
        before - self.waiting()
    }
}

/// A lease as it begins now; it is renewed after a third of its time.
fn lease(seconds: u64) -> Lease {
    let (now, whole) = (Instant::now(), Duration::from_secs(seconds));
    Lease { open: 0, renew_at: now + whole / 3, until: now + whole }
}
