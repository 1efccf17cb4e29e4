//! Callers that open tickets, in a closed or an open loop.
//!
//! In a closed loop each caller makes its next call when the last one was answered: it finds the highest rate, and says
//! nothing about callers who do not wait. In an open loop calls are due at fixed times whatever the node does, and a call
//! that had to wait for a free caller counts from when it was due: this is the correction for coordinated omission.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use gridcare_chassis::tls::{self, ClientTls};
use tokio::{
    task::{JoinSet, LocalSet},
    time::{Instant, sleep, sleep_until, timeout_at},
};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::{
    opener::{self, Opener},
    summary::Summary,
};
use crate::failure::Failure;

/// How far an open loop may fall behind its end before what is still due is given up.
const BEHIND: Duration = Duration::from_secs(5);
/// How long the last calls may take; a node itself ends a call after 30 s.
const LAST: Duration = Duration::from_secs(35);
/// A caller whose call failed does not hammer on.
const AFTER_ERROR: Duration = Duration::from_millis(10);

/// A load to be put on a node.
#[derive(Debug, Clone)]
pub(super) struct Load {
    pub(super) address: String,
    pub(super) callers: u32,
    pub(super) connections: u32,
    /// Calls per second of an open loop; none makes it closed.
    pub(super) rate: Option<u32>,
    pub(super) warmup: Duration,
    /// How long it is measured; none goes on until `stop`.
    pub(super) measured: Option<Duration>,
    pub(super) stop: CancellationToken,
}

impl Load {
    /// An open loop beside other work, of so many calls a second, that goes on until it is told to stop.
    pub(super) fn beside(address: &str, rate: u32, stop: CancellationToken) -> Self {
        Self {
            address: address.to_owned(),
            // Enough that a second of silence still leaves callers free.
            callers: rate.clamp(16, 1_000),
            connections: 1,
            rate: Some(rate),
            warmup: Duration::ZERO,
            measured: None,
            stop,
        }
    }

    /// Runs the load on a thread of its own: with one thread no caller ever wakes another core.
    pub(super) async fn run(self) -> Result<Summary, Failure> {
        let ended = tokio::task::spawn_blocking(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            LocalSet::new().block_on(&runtime, self.run_here())
        });
        ended.await.map_err(|error| Failure::because("the load broke off", &error))?
    }

    async fn run_here(self) -> Result<Summary, Failure> {
        let files = ClientTls::default();
        let connections = self.connections.min(self.callers).max(1);
        let channels: Result<Vec<_>, _> = (0..connections).map(|_| tls::channel(&self.address, &files)).collect();
        let channels = channels?;
        // Also connects them all, before the clock starts.
        for channel in &channels {
            opener::try_one(channel.clone()).await.map_err(|status| {
                Failure::answered(format!("the node at {} did not open a ticket", self.address), &status)
            })?;
        }
        let clock = Rc::new(Clock::starting(&self));
        let summary = Rc::new(RefCell::new(Summary::new()?));
        let openers = Opener::over(&channels);
        let mut callers = JoinSet::new();
        for opener in openers.iter().cycle().take(usize::try_from(self.callers).unwrap_or(usize::MAX)) {
            callers.spawn_local(call(opener.clone(), clock.clone(), summary.clone()));
        }
        let ended = async { while callers.join_next().await.is_some() {} };
        let all = if let Some(end) = clock.end {
            timeout_at(end + BEHIND + LAST, ended).await.is_ok()
        } else {
            ended.await;
            true
        };
        if !all {
            let mut summary = summary.borrow_mut();
            (0..callers.len()).for_each(|_| summary.badly(&Status::deadline_exceeded("no answer long after the end")));
        }
        drop(callers);
        let mut summary = summary.replace(Summary::new()?);
        summary.took = self.measured.unwrap_or_else(|| clock.begin.elapsed());
        summary.unsent = clock.unsent();
        Ok(summary)
    }
}

/// When calls are due, and which of them count.
struct Clock {
    start: Instant,
    /// The end of the warm-up.
    begin: Instant,
    end: Option<Instant>,
    rate: Option<u32>,
    /// The number of the next call.
    next: Cell<u64>,
    stop: CancellationToken,
}

impl Clock {
    fn starting(load: &Load) -> Self {
        let start = Instant::now();
        let begin = start + load.warmup;
        let end = load.measured.map(|measured| begin + measured);
        Self { start, begin, end, rate: load.rate, next: Cell::new(0), stop: load.stop.clone() }
    }

    /// The number of the next call and when it is due, once that is now or past; `None` when there are no more.
    async fn next(&self) -> Option<(u64, Instant)> {
        let number = self.next.get();
        let now = Instant::now();
        let due = match self.rate {
            None => now,
            Some(rate) => self.due(number, rate),
        };
        let over = self.end.is_some_and(|end| due >= end || now >= end + BEHIND);
        if over || self.stop.is_cancelled() {
            return None;
        }
        self.next.set(number + 1);
        if due > now {
            tokio::select! {
                () = sleep_until(due) => {}
                () = self.stop.cancelled() => return None,
            }
        }
        Some((number, due))
    }

    fn due(&self, number: u64, rate: u32) -> Instant {
        // Below 2^64 for 500 years of calls.
        self.start + Duration::from_nanos(number.saturating_mul(1_000_000_000) / u64::from(rate))
    }

    /// How many calls of an open loop were due and given up.
    fn unsent(&self) -> u64 {
        let (Some(rate), Some(end)) = (self.rate, self.end) else { return 0 };
        let nanos = end.duration_since(self.start).as_nanos() * u128::from(rate);
        let all = u64::try_from(nanos.div_ceil(1_000_000_000)).unwrap_or(u64::MAX);
        all.saturating_sub(self.next.get())
    }
}

async fn call(mut opener: Opener, clock: Rc<Clock>, summary: Rc<RefCell<Summary>>) {
    while let Some((number, due)) = clock.next().await {
        let answer = opener.open(number).await;
        let now = Instant::now();
        let failed = answer.is_err();
        if now >= clock.begin {
            let inside = clock.end.is_none_or(|end| now <= end);
            match answer {
                Ok(()) => summary.borrow_mut().well((due >= clock.begin).then(|| now - due), inside),
                Err(status) => summary.borrow_mut().badly(&status),
            }
        }
        if failed {
            sleep(AFTER_ERROR).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(rate: Option<u32>) -> Clock {
        let load = Load {
            address: String::new(),
            callers: 1,
            connections: 1,
            rate,
            warmup: Duration::from_secs(1),
            measured: Some(Duration::from_secs(2)),
            stop: CancellationToken::new(),
        };
        Clock::starting(&load)
    }

    #[tokio::test(start_paused = true)]
    async fn calls_of_an_open_loop_are_due_at_fixed_times_however_late_they_are_made() {
        let clock = clock(Some(10));
        assert_eq!(clock.next().await, Some((0, clock.start)));
        // The node takes a second; what was due meanwhile counts from then.
        sleep(Duration::from_secs(1)).await;
        let later: Vec<_> = [clock.next().await, clock.next().await].into_iter().flatten().collect();
        let due = |ms| clock.start + Duration::from_millis(ms);
        assert_eq!(later, [(1, due(100)), (2, due(200))]);
        while clock.next().await.is_some() {}
        assert_eq!((clock.next.get(), clock.unsent()), (30, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_too_far_behind_is_given_up_and_counted() {
        let clock = clock(Some(10));
        clock.next().await;
        sleep(Duration::from_secs(9)).await;
        assert_eq!(clock.next().await, None);
        assert_eq!(clock.unsent(), 29);
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_loop_ends_with_its_time_and_any_loop_when_it_is_stopped() {
        let closed = clock(None);
        assert_eq!(closed.next().await, Some((0, closed.start)));
        sleep(Duration::from_secs(3)).await;
        assert_eq!(closed.next().await, None);
        let open = clock(Some(1));
        open.stop.cancel();
        assert_eq!(open.next().await, None);
    }
}
