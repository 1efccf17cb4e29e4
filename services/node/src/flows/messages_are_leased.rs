use std::{collections::BTreeSet, time::Duration};

use gridcare_chassis::serve::Deadline;
use gridcare_domain::{
    delivery::Way,
    notice::{Urgency, may_go_from},
    refusal::{Refusal, RefusalKind},
};
use gridcare_store::{
    StoreError,
    delivery::{Batch, Outcome},
    receipt::Receipt,
};

use crate::{DELIVERIES, Node};

/// Without a wake-up, messages are looked for this often: the bus is only a hint, and some become due by themselves.
const LOOK: Duration = Duration::from_secs(1);
/// What an answer takes of a call's deadline.
const ANSWER: Duration = Duration::from_secs(1);

/// Its courier has lost it.
pub(crate) fn lease_lost() -> Refusal {
    let message = "this lease is over; submit nothing of it, and lease anew";
    Refusal::new(RefusalKind::Precondition, "LEASE_LOST", message)
}

/// A courier's question for messages.
pub(crate) struct Asked {
    pub(crate) courier: String,
    pub(crate) way: Way,
    pub(crate) limit: i64,
    pub(crate) lease: Duration,
    pub(crate) wait: Duration,
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

impl Node {
    /// Messages for a courier, and until when they are its own; none when there were none for as long as it would wait.
    pub(crate) async fn lease_messages(&self, asked: &Asked) -> Result<(Batch, i64), StoreError> {
        // Subscribed before the first look, so that nothing that comes in between is slept over.
        let mut wakeups = self.bus.subscribe(DELIVERIES);
        // What is leased for a caller that has gone would wait for the end of its lease.
        let patience = Deadline::current().map_or(asked.wait, |call| call.remaining().saturating_sub(ANSWER));
        let deadline = tokio::time::Instant::now() + asked.wait.min(patience);
        loop {
            let now_us = self.now_us();
            let until_us = now_us.saturating_add(micros(asked.lease));
            let least = self.disturbs_now(asked.way);
            let batch =
                self.store.lease_deliveries(&asked.courier, asked.way, least, asked.limit, now_us, until_us).await?;
            let left = deadline.saturating_duration_since(tokio::time::Instant::now());
            if !batch.messages.is_empty() || left.is_zero() {
                return Ok((batch, until_us));
            }
            tokio::select! {
                () = self.stopping.cancelled() => return Ok((batch, until_us)),
                () = wakeups.changed() => {}
                () = tokio::time::sleep(LOOK.min(left)) => {}
            }
        }
    }

    /// What may go out on a way now: a queue that is still there when the quiet hours begin waits for their end too.
    fn disturbs_now(&self, way: Way) -> Urgency {
        let (now, quiet) = (self.now(), self.notices.quiet().filter(|_| way != Way::Webhook));
        if may_go_from(now, Urgency::Routine, quiet.as_ref(), &self.zone) > now {
            Urgency::Safety
        } else {
            Urgency::Routine
        }
    }

    /// Prolongs a lease; until when, or none when it is lost.
    pub(crate) async fn renew_messages(
        &self,
        courier: &str,
        epoch: i64,
        lease: Duration,
    ) -> Result<Option<i64>, StoreError> {
        let now_us = self.now_us();
        let until_us = now_us.saturating_add(micros(lease));
        let held = self.store.renew_deliveries(epoch, courier, now_us, until_us).await?;
        Ok(held.then_some(until_us))
    }

    /// Messages that a courier may write now, and no others; none when its lease is lost.
    pub(crate) async fn begin_submitting(
        &self,
        courier: &str,
        epoch: i64,
        numbers: &[i64],
    ) -> Result<Option<Vec<i64>>, StoreError> {
        self.store.submitting(epoch, courier, numbers, self.now_us()).await
    }

    /// What became of messages; returns those for which it was news.
    pub(crate) async fn report_outcomes(
        &self,
        epoch: i64,
        outcomes: &[(i64, Outcome)],
    ) -> Result<BTreeSet<i64>, StoreError> {
        let changed = self.store.delivery_outcomes(epoch, outcomes).await?;
        if outcomes.iter().any(|(_, outcome)| *outcome == Outcome::Returned) {
            self.bus.wake(DELIVERIES);
        }
        Ok(changed)
    }

    /// What was heard of messages; returns the ids that nobody knows here.
    pub(crate) async fn report_receipts(&self, receipts: &[Receipt]) -> Result<Vec<String>, StoreError> {
        self.store.delivery_receipts(receipts).await
    }
}
