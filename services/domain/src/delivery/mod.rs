//! One message to one recipient on one channel: where it stands, and what receipts make of that.

use crate::{contact::code::codes, notice::NoticeChannel};

mod lease;

pub use lease::{LeaseEnd, lease_ended};

codes! {
    /// Where a delivery stands.
    DeliveryState {
        /// Nobody has it yet.
        Queued = 1 "queued",
        /// A courier has it, and has written none of it.
        Leased = 2 "leased",
        /// Durably about to be written; what became of it is known by its outcome alone.
        Submitting = 3 "submitting",
        /// Its courier was lost while it was being written: it may or may not have gone out.
        Unknown = 4 "unknown",
        /// A message centre has taken it.
        Sent = 5 "sent",
        /// Its time was over before it was handed over, or before it reached anybody.
        Expired = 6 "expired",
        /// It cannot be delivered.
        Failed = 7 "failed",
        /// It has reached the recipient.
        Delivered = 8 "delivered",
    }
}

impl DeliveryState {
    /// Whether nothing but a better receipt can change it.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Expired | Self::Failed | Self::Delivered)
    }

    /// Whether a courier may get it.
    #[must_use]
    pub const fn may_be_leased(self) -> bool {
        matches!(self, Self::Queued)
    }

    /// What stands after something was heard, in whatever order and however often it is heard: the later stage. Of two ends the
    /// one that says more about the recipient stands: who has the message has it, whatever else was reported.
    #[must_use]
    pub fn after(self, heard: Self) -> Self {
        self.max(heard)
    }
}

/// What a delivery of several parts comes to: none is delivered before all of its parts are, and it fails with one of them.
/// None for no parts.
#[must_use]
pub fn of_parts(parts: &[DeliveryState]) -> Option<DeliveryState> {
    if let Some(open) = parts.iter().filter(|part| !part.is_final()).min() {
        return Some(*open);
    }
    parts.iter().min().copied()
}

codes! {
    /// On which way a courier reaches a recipient.
    Way {
        /// Text message to a telephone number.
        Sms = 1 "sms",
        /// Electronic mail.
        Email = 2 "email",
        /// Call of a partner's system.
        Webhook = 3 "webhook",
    }
}

impl Way {
    /// The way of a channel; none where no courier carries it.
    #[must_use]
    pub const fn of(channel: NoticeChannel) -> Option<Self> {
        match channel {
            NoticeChannel::Sms => Some(Self::Sms),
            NoticeChannel::Email => Some(Self::Email),
            NoticeChannel::Webhook => Some(Self::Webhook),
            _ => None,
        }
    }

    /// The channel that it carries.
    #[must_use]
    pub const fn channel(self) -> NoticeChannel {
        match self {
            Self::Sms => NoticeChannel::Sms,
            Self::Email => NoticeChannel::Email,
            Self::Webhook => NoticeChannel::Webhook,
        }
    }
}

codes! {
    /// In which order recipients are told; lower ones first.
    Wave {
        /// Somebody's health depends on the supply.
        Medical = 1 "medical",
        /// Hospitals, waterworks and the like.
        Critical = 2 "critical",
        /// Everybody else.
        Others = 3 "others",
    }
}

impl Wave {
    /// The wave of a customer by the flags of their premises, as stored: 1 medical equipment, 2 critical service.
    #[must_use]
    pub const fn of_flags(flags: i64) -> Self {
        if flags & 1 != 0 {
            Self::Medical
        } else if flags & 2 != 0 {
            Self::Critical
        } else {
            Self::Others
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn state() -> impl Strategy<Value = DeliveryState> {
        prop::sample::select(DeliveryState::ALL)
    }

    #[test]
    fn an_unknown_delivery_is_resolved_by_its_receipt_and_never_leased_again() {
        assert!(!DeliveryState::Unknown.may_be_leased());
        assert_eq!(DeliveryState::Unknown.after(DeliveryState::Delivered), DeliveryState::Delivered);
        assert_eq!(DeliveryState::Delivered.after(DeliveryState::Sent), DeliveryState::Delivered);
    }

    #[test]
    fn a_message_is_delivered_with_its_last_part_and_fails_with_one() {
        use DeliveryState::{Delivered, Failed, Sent};
        assert_eq!(of_parts(&[Delivered, Sent]), Some(Sent));
        assert_eq!(of_parts(&[Delivered, Delivered]), Some(Delivered));
        assert_eq!(of_parts(&[Delivered, Failed]), Some(Failed));
        assert_eq!(of_parts(&[]), None);
    }

    #[test]
    fn a_way_is_that_of_its_channel_and_paper_has_none() {
        assert!(Way::ALL.iter().all(|way| Way::of(way.channel()) == Some(*way)));
        assert_eq!(NoticeChannel::ALL.iter().filter(|channel| Way::of(**channel).is_some()).count(), Way::ALL.len());
    }

    #[test]
    fn who_needs_supply_to_live_is_told_first() {
        assert_eq!([3, 2, 1, 0].map(Wave::of_flags), [Wave::Medical, Wave::Critical, Wave::Medical, Wave::Others]);
    }

    proptest! {
        #[test]
        fn receipts_in_any_order_and_however_often_come_to_the_same(
            heard in prop::collection::vec(state(), 1..8),
            order in prop::collection::vec(any::<prop::sample::Index>(), 0..24),
        ) {
            let once = heard.iter().fold(DeliveryState::Queued, |stands, one| stands.after(*one));
            let mut stands = DeliveryState::Queued;
            for one in order.iter().map(|index| *index.get(&heard)).chain(heard.iter().rev().copied()) {
                let next = stands.after(one);
                prop_assert!(next >= stands, "a receipt took {stands} back to {next}");
                stands = next;
            }
            prop_assert_eq!(stands, once);
        }

        #[test]
        fn receipts_of_parts_never_take_a_message_back(parts in prop::collection::vec((state(), state()), 1..5)) {
            let sent: Vec<_> = parts.iter().map(|(before, _)| before.after(DeliveryState::Sent)).collect();
            let heard: Vec<_> = sent.iter().zip(&parts).map(|(before, (_, heard))| before.after(*heard)).collect();
            prop_assert!(of_parts(&heard) >= of_parts(&sent));
        }
    }
}
