/// What a reader does with an entry that has just arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is the next one: apply it.
    Apply,
    /// It was applied before: ignore it.
    Known,
    /// Entries before it are missing: ask again from the cursor.
    Gap,
}

/// The reader's side of a feed: takes entries in order, once, whatever the wire does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intake {
    position: i64,
}

impl Intake {
    /// A reader that has applied everything up to `position`.
    #[must_use]
    pub const fn after(position: i64) -> Self {
        Self { position }
    }

    /// Everything up to here has been applied.
    #[must_use]
    pub const fn position(self) -> i64 {
        self.position
    }

    /// Decides about the entry at `position`, and moves on when it is the next one.
    pub const fn take(&mut self, position: i64) -> Taken {
        if position <= self.position {
            Taken::Known
        } else if position == self.position + 1 {
            self.position = position;
            Taken::Apply
        } else {
            Taken::Gap
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// What a faulty wire does to a feed.
    #[derive(Debug, Clone)]
    enum Fault {
        Repeat(usize),
        Swap(usize),
        Cut(usize),
    }

    fn fault() -> impl Strategy<Value = Fault> {
        prop_oneof![
            (0..400_usize).prop_map(Fault::Repeat),
            (0..400_usize).prop_map(Fault::Swap),
            (0..400_usize).prop_map(Fault::Cut)
        ]
    }

    proptest! {
        #[test]
        fn duplicates_reorders_and_cuts_end_in_the_state_of_the_plain_feed(
            keys in prop::collection::vec(0..7_u8, 1..60),
            faults in prop::collection::vec(fault(), 0..40),
        ) {
            let plain: Vec<(i64, u8)> = keys.iter().enumerate().map(|(i, k)| (i64::try_from(i).unwrap() + 1, *k)).collect();
            let expected: BTreeMap<u8, i64> = plain.iter().map(|(p, k)| (*k, *p)).collect();

            let mut intake = Intake::after(0);
            let mut state: BTreeMap<u8, i64> = BTreeMap::new();
            let mut faults = faults.into_iter();
            // Each round is one stream from the cursor, until the wire has no more faults to give.
            loop {
                let mut wire: Vec<_> = plain.iter().copied().filter(|(p, _)| *p > intake.position()).collect();
                let fault = faults.next();
                if !wire.is_empty() {
                    let len = wire.len();
                    match &fault {
                        Some(Fault::Repeat(i)) => { let e = wire[i % len]; wire.push(e); wire.insert(0, e); }
                        Some(Fault::Swap(i)) => wire.swap(i % len, 0),
                        Some(Fault::Cut(i)) => wire.truncate(i % len),
                        None => {}
                    }
                }
                for (position, key) in wire {
                    match intake.take(position) {
                        Taken::Apply => { state.insert(key, position); }
                        Taken::Known => {}
                        Taken::Gap => break,
                    }
                }
                if fault.is_none() { break; }
            }
            prop_assert_eq!(intake.position(), i64::try_from(plain.len()).unwrap());
            prop_assert_eq!(state, expected);
        }
    }
}
