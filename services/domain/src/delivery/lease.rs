use super::DeliveryState;

/// What becomes of a delivery whose courier's lease has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseEnd {
    /// It stays as it is: it was never the courier's, or the courier is done with it.
    Stays,
    /// It is queued again: nothing of it was written.
    QueuedAgain,
    /// Nobody knows whether it went out; it is not sent again.
    Unknown,
    /// Its time is over.
    Expired,
}

/// Decides what the end of a lease means. A lost courier makes only what it was about to write unknown.
#[must_use]
pub const fn lease_ended(state: DeliveryState, expires_us: i64, now_us: i64) -> LeaseEnd {
    match state {
        DeliveryState::Leased if expires_us <= now_us => LeaseEnd::Expired,
        DeliveryState::Leased => LeaseEnd::QueuedAgain,
        DeliveryState::Submitting => LeaseEnd::Unknown,
        _ => LeaseEnd::Stays,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_courier_makes_only_what_it_was_writing_unknown() {
        assert_eq!(lease_ended(DeliveryState::Leased, 10, 5), LeaseEnd::QueuedAgain);
        assert_eq!(lease_ended(DeliveryState::Leased, 10, 10), LeaseEnd::Expired);
        assert_eq!(lease_ended(DeliveryState::Submitting, 10, 50), LeaseEnd::Unknown);
        for state in
            DeliveryState::ALL.iter().filter(|s| !matches!(s, DeliveryState::Leased | DeliveryState::Submitting))
        {
            assert_eq!(lease_ended(*state, 10, 50), LeaseEnd::Stays);
        }
    }
}
