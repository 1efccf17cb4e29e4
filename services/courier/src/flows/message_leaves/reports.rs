//! Outcomes on their way to the node, which must have every one of them.

use std::{collections::BTreeMap, time::Duration};

use futures::future::BoxFuture;
use gridcare_chassis::backoff::Backoff;
use gridcare_proto::{
    convert::time::timestamp,
    delivery::v1::{SubmitOutcome, SubmitResult},
};
use jiff::Timestamp;

use crate::{
    carrier::Ending,
    node::{self, Node},
};

/// Outcomes in one report at most.
const BATCH: usize = 1_000;
/// The longest wait between two attempts.
const LONGEST: Duration = Duration::from_secs(10);

pub(super) struct Reports {
    node: Node,
    channel: &'static str,
    waiting: BTreeMap<i64, Vec<SubmitOutcome>>,
    count: usize,
    on_the_way: Option<BoxFuture<'static, (i64, usize)>>,
}

impl Reports {
    pub(super) fn new(node: Node, channel: &'static str) -> Self {
        Self { node, channel, waiting: BTreeMap::new(), count: 0, on_the_way: None }
    }

    pub(super) fn channel(&self) -> &'static str {
        self.channel
    }

    /// Outcomes that the node does not have yet.
    pub(super) fn waiting(&self) -> usize {
        self.count
    }

    pub(super) fn put(&mut self, epoch: i64, number: i64, ending: Ending, at: Timestamp) {
        let told = match ending.result {
            SubmitResult::Sent => "sent",
            SubmitResult::Failed => "failed",
            SubmitResult::Returned => "returned",
            SubmitResult::Unknown | SubmitResult::Unspecified => "unknown",
        };
        metrics::counter!("gridcare_courier_messages_total", "channel" => self.channel, "outcome" => told).increment(1);
        let outcome =
            SubmitOutcome { number, result: ending.result.into(), at: Some(timestamp(at)), message_ids: ending.ids };
        self.waiting.entry(epoch).or_default().push(outcome);
        self.count += 1;
    }

    /// Reports what waits, unless a report is on its way.
    pub(super) fn go(&mut self) {
        if self.on_the_way.is_some() {
            return;
        }
        let Some(mut entry) = self.waiting.first_entry() else { return };
        let (epoch, outcomes) = (*entry.key(), entry.get_mut());
        let batch: Vec<_> = outcomes.drain(..outcomes.len().min(BATCH)).collect();
        if outcomes.is_empty() {
            entry.remove();
        }
        self.on_the_way = Some(Box::pin(report(self.node.clone(), epoch, batch)));
    }

    /// Waits until the node has a report; its lease, and how many outcomes were in it.
    pub(super) async fn done(&mut self) -> (i64, usize) {
        let done = super::answered(&mut self.on_the_way).await;
        self.count -= done.1;
        done
    }
}

async fn report(mut node: Node, epoch: i64, outcomes: Vec<SubmitOutcome>) -> (i64, usize) {
    let count = outcomes.len();
    // One that the node cannot read must not hold up the others.
    let mut batches = vec![outcomes];
    let mut backoff = Backoff::up_to(LONGEST);
    while let Some(batch) = batches.pop() {
        match node.report(epoch, batch.clone()).await {
            Ok(()) => backoff.reset(),
            Err(status) if node::is_malformed(&status) && batch.len() > 1 => {
                batches.extend(batch.into_iter().map(|outcome| vec![outcome]));
            }
            Err(status) if node::is_malformed(&status) => {
                tracing::error!(epoch, reason = status.message(), "the node cannot read an outcome");
            }
            Err(status) => {
                tracing::warn!(epoch, code = ?status.code(), reason = status.message(), "outcomes wait for the node");
                batches.push(batch);
                tokio::time::sleep(backoff.wait()).await;
            }
        }
    }
    (epoch, count)
}
