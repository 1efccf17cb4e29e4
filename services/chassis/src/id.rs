//! The one place where a process makes ids.

use uuid::Uuid;

/// A new `UUIDv7`: unique, and sorted by the time of its making, so that indexes grow at one end.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the door through which processes make ids")]
pub fn new_id() -> Uuid {
    Uuid::now_v7()
}

/// A new `UUIDv7` that sorts among those made at `at`, for what happened elsewhere and is only now written down.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the door through which processes make ids")]
pub fn id_at(at: jiff::Timestamp) -> Uuid {
    let mut bytes = *Uuid::now_v7().as_bytes();
    let ms = u64::try_from(at.as_millisecond()).unwrap_or(0);
    bytes[..6].copy_from_slice(&ms.to_be_bytes()[2..]);
    Uuid::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_id_of_the_past_sorts_by_its_time() {
        let at = |second| jiff::Timestamp::from_second(second).unwrap();
        let (early, late) = (super::id_at(at(1_369_200_000)), super::id_at(at(1_369_200_001)));
        assert!(early < late && late < super::new_id());
        assert_eq!(early.get_version_num(), 7);
        assert_ne!(early, super::id_at(at(1_369_200_000)));
    }

    #[test]
    fn ids_are_version_7_and_grow() {
        let ids: Vec<_> = std::iter::repeat_with(super::new_id).take(1_000).collect();
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
        assert!(ids.is_sorted());
    }
}
