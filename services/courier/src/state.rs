//! What can be seen of a courier from outside: how much it has in hand, and what it has done.

use std::sync::Arc;

use gridcare_proto::notice::v1::NoticeChannel;
use tokio::sync::watch;

/// How one channel stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChannelState {
    /// Whether the node had nothing when it was asked last.
    pub in_vain: bool,
    /// Leased messages that wait for their turn.
    pub waiting: usize,
    /// Messages that are being written, or wait for what becomes of them.
    pub submitting: usize,
    /// Outcomes that the node does not have yet.
    pub unreported: usize,
    /// Messages that were leased so far.
    pub leased: u64,
    /// Messages that were taken by the other side.
    pub sent: u64,
    /// Messages that it will not take.
    pub failed: u64,
    /// Messages that went back to the node, to be tried again.
    pub returned: u64,
    /// Messages of which nobody knows whether they were taken.
    pub unknown: u64,
    /// Leases that were lost.
    pub leases_lost: u64,
}

impl ChannelState {
    fn is_idle(&self) -> bool {
        self.in_vain && self.waiting == 0 && self.submitting == 0 && self.unreported == 0
    }
}

/// How receipts stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReceiptState {
    /// Receipts that the node does not have yet.
    pub waiting: usize,
    /// Receipts that the node has.
    pub reported: u64,
    /// Receipts for messages of which nobody has heard, that were let go.
    pub let_go: u64,
}

/// How messages from customers stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InboundState {
    /// Messages that the node has not answered yet, or whose answers have not left.
    pub waiting: usize,
    /// Messages that the node has answered.
    pub answered: u64,
    /// Messages that came again after they had been answered.
    pub repeated: u64,
    /// Answers that could not be sent.
    pub unsent: u64,
    /// Messages that were put back, since the node did not answer.
    pub put_off: u64,
}

/// How a courier stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CourierState {
    /// Whether it has begun; until then it has nothing in hand because it has not asked.
    pub begun: bool,
    /// Whether the node answered when it was asked for messages last.
    pub node_reached: bool,
    /// Text messages; none when there is no centre.
    pub sms: Option<ChannelState>,
    /// Email; none when there is no server.
    pub email: Option<ChannelState>,
    /// Webhooks; none when there are none.
    pub webhook: Option<ChannelState>,
    /// Receipts of all channels.
    pub receipts: ReceiptState,
    /// Text messages from customers.
    pub inbound: InboundState,
}

impl CourierState {
    /// Whether nothing is in hand on any channel, and the node had nothing either.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let channels = [self.sms, self.email, self.webhook];
        self.begun
            && channels.iter().flatten().all(ChannelState::is_idle)
            && self.receipts.waiting == 0
            && self.inbound.waiting == 0
    }
}

/// Where a courier tells how it stands; clones tell the same.
#[derive(Debug, Clone)]
pub(crate) struct Told(Arc<watch::Sender<CourierState>>);

impl Told {
    pub(crate) fn new(state: watch::Sender<CourierState>) -> Self {
        Self(Arc::new(state))
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut CourierState)) {
        self.0.send_if_modified(|state| {
            let before = *state;
            change(state);
            *state != before
        });
    }

    pub(crate) fn channel(&self, channel: NoticeChannel, stands: ChannelState) {
        self.change(|state| match channel {
            NoticeChannel::Sms => state.sms = Some(stands),
            NoticeChannel::Email => state.email = Some(stands),
            NoticeChannel::Webhook => state.webhook = Some(stands),
            // No courier carries the others.
            _ => {}
        });
    }

    pub(crate) fn receipts(&self, change: impl FnOnce(&mut ReceiptState)) {
        self.change(|state| change(&mut state.receipts));
    }

    pub(crate) fn inbound(&self, change: impl FnOnce(&mut InboundState)) {
        self.change(|state| change(&mut state.inbound));
    }
}
