//! What an outage and its parts come to together, and who of them are the same people.

use super::supply::Interruption;

/// Customers who are without supply.
#[derive(Debug, Clone, Copy)]
struct Without {
    since_us: i64,
    customers: i64,
    /// Which interruption of the outage itself counted them first; none when a part did.
    own: Option<usize>,
    /// Which interruption of a part counts them now; none when the outage alone does.
    part: Option<usize>,
}

/// An interruption of the outage itself, or of a part, begins or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    at_us: i64,
    begins: bool,
    itself: bool,
    place: usize,
    customers: i64,
}

/// Who lost supply so far, the longest without it first.
#[derive(Debug, Default)]
struct Tally {
    open: Vec<Without>,
    ended: Vec<Interruption>,
}

/// What an outage and its parts come to together: at every moment as many as it says itself, or as its parts add up to,
/// whichever is more. So a feeder within a regional event counts once, whether the event knew of it or not.
///
/// Where the parts know of as many, whoever one of them counts has supply again when it says so, and nobody of another part
/// instead. Where the outage itself knows of more, it says how many lose and regain supply: whom it counted already does not
/// lose supply a second time when a part begins to count them, nor regain it when the part is over.
#[must_use]
pub fn together(own: &[Interruption], parts: &[Vec<Interruption>]) -> Vec<Interruption> {
    let lasts = |one: &&Interruption| one.until_us != Some(one.from_us);
    let parts: Vec<&Interruption> = parts.iter().flatten().filter(lasts).collect();
    if parts.is_empty() {
        return own.to_vec();
    }
    let own: Vec<&Interruption> = own.iter().filter(lasts).collect();
    if own.is_empty() {
        return parts.into_iter().map(|one| Interruption { group: 0, ..*one }).collect();
    }
    let mut all = turns(&own, true);
    all.extend(turns(&parts, false));
    all.sort_unstable();
    let mut tally = Tally::default();
    let (mut itself, mut others) = (0_i64, 0_i64);
    for moment in all.chunk_by(|one, next| one.at_us == next.at_us) {
        let before = (itself - others).max(0);
        for turn in moment {
            let customers = if turn.begins { turn.customers } else { -turn.customers };
            *(if turn.itself { &mut itself } else { &mut others }) += customers;
        }
        tally.pass(moment, before, (itself - others).max(0));
    }
    let Tally { open, mut ended } = tally;
    ended.extend(open.into_iter().map(|one| one.until(None)));
    ended
}

fn turns(interruptions: &[&Interruption], itself: bool) -> Vec<Turn> {
    let mut found = Vec::new();
    for (place, one) in interruptions.iter().enumerate() {
        let turn = |at_us, begins| Turn { at_us, begins, itself, place, customers: one.customers };
        found.push(turn(one.from_us, true));
        found.extend(one.until_us.map(|until_us| turn(until_us, false)));
    }
    found
}

impl Without {
    const fn until(self, until_us: Option<i64>) -> Interruption {
        Interruption { from_us: self.since_us, until_us, customers: self.customers, group: 0 }
    }
}

impl Tally {
    /// One moment, after which the outage counts so many of its own: those beyond its parts.
    fn pass(&mut self, moment: &[Turn], before: i64, alone: i64) {
        let at_us = moment[0].at_us;
        let of = |itself: bool, begins: bool| {
            moment.iter().filter(move |turn| turn.itself == itself && turn.begins == begins)
        };
        let over = |itself: bool| of(itself, false).map(|turn| turn.place).collect::<Vec<_>>();
        let (own_over, parts_over) = (over(true), over(false));
        let left = |one: &Without| one.part.is_some_and(|part| parts_over.contains(&part));
        let back: i64 = of(false, false).map(|turn| turn.customers).sum();
        // Where the outage knows of more than its parts, whoever a part gives back may still be without supply.
        let known = if alone > 0 {
            before + back
        } else {
            self.regain(back, at_us, left);
            before
        };
        let (mut fewer, mut more) = ((known - alone).max(0), (alone - known).max(0));
        let free = |one: &Without| one.part.is_none() || left(one);
        for turn in of(false, true) {
            let mut new = turn.customers;
            // Whom the outage counted already does not lose supply a second time.
            for one in self.take(new.min(fewer), free) {
                (new, fewer) = (new - one.customers, fewer - one.customers);
                self.lose(Without { part: Some(turn.place), ..one });
            }
            self.lose(Without { since_us: at_us, customers: new, own: None, part: Some(turn.place) });
        }
        // Those of whom it is said, and of them who came last: whoever the outage counted before them, it counts still.
        self.open.reverse();
        let said = |one: &Without| left(one) || (free(one) && one.own.is_some_and(|own| own_over.contains(&own)));
        fewer -= self.regain(fewer, at_us, said);
        self.open.reverse();
        self.regain(fewer, at_us, free);
        for one in self.open.iter_mut().filter(|one| left(one)) {
            one.part = None;
        }
        for turn in of(true, true) {
            let customers = turn.customers.min(more);
            more -= customers;
            self.lose(Without { since_us: at_us, customers, own: Some(turn.place), part: None });
        }
        self.open.sort_by_key(|one| one.since_us);
    }

    /// Takes so many of those who `are`, in the order in which they stand.
    fn take(&mut self, customers: i64, are: impl Fn(&Without) -> bool) -> Vec<Without> {
        let (mut left, mut taken) = (customers, Vec::new());
        for one in &mut self.open {
            let customers = if are(one) { one.customers.min(left) } else { 0 };
            if customers > 0 {
                taken.push(Without { customers, ..*one });
                (one.customers, left) = (one.customers - customers, left - customers);
            }
        }
        self.open.retain(|one| one.customers > 0);
        taken
    }

    fn lose(&mut self, one: Without) {
        self.open.extend((one.customers > 0).then_some(one));
    }

    /// So many of those who `are` have supply again: how many there were.
    fn regain(&mut self, customers: i64, at_us: i64, are: impl Fn(&Without) -> bool) -> i64 {
        let taken = self.take(customers, are);
        self.ended.extend(taken.iter().map(|one| one.until(Some(at_us))));
        taken.iter().map(|one| one.customers).sum()
    }
}

#[cfg(test)]
#[path = "parts_tests.rs"]
mod tests;
