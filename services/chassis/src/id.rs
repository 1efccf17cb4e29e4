//! The one place where a process makes ids.

use uuid::Uuid;

/// A new `UUIDv7`: unique, and sorted by the time of its making, so that indexes grow at one end.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the door through which processes make ids")]
pub fn new_id() -> Uuid {
    Uuid::now_v7()
}

#[cfg(test)]
mod tests {
    #[test]
    fn ids_are_version_7_and_grow() {
        let ids: Vec<_> = std::iter::repeat_with(super::new_id).take(1_000).collect();
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
        assert!(ids.is_sorted());
    }
}
