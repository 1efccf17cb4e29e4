use std::sync::atomic::{AtomicUsize, Ordering};

static CALLS: AtomicUsize = AtomicUsize::new(0);

/// How many calls of databases this process waits for just now. A replay lets its clock go on only when there are none.
#[must_use]
pub fn calls_under_way() -> usize {
    CALLS.load(Ordering::Acquire)
}

/// One call that is waited for, from its making to its end.
#[derive(Debug)]
pub(crate) struct UnderWay(());

impl UnderWay {
    pub(crate) fn begin() -> Self {
        CALLS.fetch_add(1, Ordering::AcqRel);
        Self(())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        CALLS.fetch_sub(1, Ordering::AcqRel);
    }
}
