//! Parts that were written and wait for their answers.

use std::collections::{HashMap, VecDeque};

use tokio::time::Instant;

use super::state::Submit;
use crate::smpp::matching::PartKey;

/// How many unanswered parts are remembered, in case their answers come after all.
const LATE: usize = 10_000;

/// One part that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) submit: Submit,
    pub(super) written: Instant,
    /// Where its first octet stands in all that was written through this connection.
    pub(super) begins: u64,
    /// How many parts had been answered when it was written.
    pub(super) answered_before: u64,
}

/// By sequence number. Deadlines are in the order of writing, since all wait equally long.
#[derive(Debug, Default)]
pub(super) struct Window {
    waiting: HashMap<u32, Waiting>,
    order: VecDeque<(u32, Instant)>,
    late: HashMap<u32, (PartKey, String)>,
    late_order: VecDeque<u32>,
}

impl Window {
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn wrote(&mut self, sequence: u32, waiting: Waiting) {
        self.order.push_back((sequence, waiting.written));
        self.waiting.insert(sequence, waiting);
    }

    pub(super) fn answered(&mut self, sequence: u32) -> Option<Waiting> {
        let found = self.waiting.remove(&sequence);
        while self.order.front().is_some_and(|(sequence, _)| !self.waiting.contains_key(sequence)) {
            self.order.pop_front();
        }
        found
    }

    /// A part whose answer came after it had been given up, and its phone.
    pub(super) fn answered_late(&mut self, sequence: u32) -> Option<(PartKey, String)> {
        self.late.remove(&sequence)
    }

    /// When the oldest was written.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.order.front().map(|(_, written)| *written)
    }

    /// Takes out what was written at or before `before`, and remembers it.
    pub(super) fn overdue(&mut self, before: Instant) -> Vec<Waiting> {
        let mut found = Vec::new();
        while let Some((sequence, _)) = self.order.front().filter(|(_, written)| *written <= before) {
            let sequence = *sequence;
            self.order.pop_front();
            if let Some(waiting) = self.waiting.remove(&sequence) {
                let phone = waiting.submit.message.destination.digits.clone();
                self.late.insert(sequence, (waiting.submit.key, phone));
                self.late_order.push_back(sequence);
                found.push(waiting);
            }
        }
        while self.late_order.len() > LATE
            && let Some(sequence) = self.late_order.pop_front()
        {
            self.late.remove(&sequence);
        }
        found
    }

    /// Takes everything out, in the order of writing.
    pub(super) fn drain(&mut self) -> Vec<Waiting> {
        let order = std::mem::take(&mut self.order);
        order.into_iter().filter_map(|(sequence, _)| self.waiting.remove(&sequence)).collect()
    }
}
