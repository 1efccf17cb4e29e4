//! What must still be told to Redis: kept while it is away, so that a hint is late and not lost.

use std::{
    collections::HashSet,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Beyond so many entries the outbox says "everything" instead of naming each.
const MANY: usize = 10_000;

/// A set of names, or all names.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pub(crate) named: HashSet<String>,
    pub(crate) all: bool,
}

impl Names {
    pub(crate) fn is_empty(&self) -> bool {
        !self.all && self.named.is_empty()
    }

    fn add(&mut self, name: &str) {
        if self.all || self.named.contains(name) {
            return;
        }
        if self.named.len() >= MANY {
            self.all = true;
            self.named = HashSet::new();
        } else {
            self.named.insert(name.to_owned());
        }
    }
}

/// Names that wait to be sent. Adding one twice is adding it once.
#[derive(Debug, Default)]
pub(crate) struct Outbox(Mutex<Names>);

impl Outbox {
    fn lock(&self) -> MutexGuard<'_, Names> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, name: &str) {
        self.lock().add(name);
    }

    pub(crate) fn take(&self) -> Names {
        mem::take(&mut *self.lock())
    }

    /// What could not be sent goes back, beside what has come since.
    pub(crate) fn put_back(&self, unsent: Names) {
        let mut names = self.lock();
        names.all |= unsent.all;
        for name in unsent.named {
            names.add(&name);
        }
        if names.all {
            names.named = HashSet::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_once_and_too_many_become_all() {
        let outbox = Outbox::default();
        outbox.add("a");
        outbox.add("a");
        let unsent = outbox.take();
        assert!(unsent.named.len() == 1 && !unsent.all && outbox.take().is_empty());
        outbox.put_back(unsent);
        for name in 0..=MANY {
            outbox.add(&name.to_string());
        }
        let names = outbox.take();
        assert!(names.all && names.named.is_empty());
    }
}
