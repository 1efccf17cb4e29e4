//! Which receipt belongs to which part. A receipt may come before the answer that tells the id, and through another session.

mod ids;
#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use uuid::Uuid;

pub use self::ids::{IdForm, candidates, normal};

/// A part of a delivery, as its submitter knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartKey {
    /// The delivery.
    pub delivery: Uuid,
    /// Which part, from 1.
    pub number: u8,
    /// Of how many.
    pub total: u8,
}

/// How many are kept, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Keeping {
    /// How the centre writes ids.
    pub ids: IdForm,
    /// Accepted parts that wait for their final receipt; the oldest are forgotten first, and their receipts are then reported
    /// without a part.
    pub parts: usize,
    /// Receipts that wait for the answer with their id.
    pub early: usize,
    /// For how long they wait, in seconds.
    pub early_s: u64,
}

impl Default for Keeping {
    fn default() -> Self {
        Self { ids: IdForm::Auto, parts: 100_000, early: 1_000, early_s: 10 }
    }
}

#[derive(Debug)]
struct Kept {
    key: PartKey,
    number: String,
    serial: u64,
}

#[derive(Debug)]
struct Early<T> {
    id: String,
    from: String,
    is_final: bool,
    until: Instant,
    held: T,
}

/// What is known of a receipt's id.
#[derive(Debug, PartialEq, Eq)]
pub enum Found<T> {
    /// It belongs to this part.
    Part(PartKey, T),
    /// It waits for the answer that tells its id.
    Held,
    /// It belongs to nothing that is known here.
    Unknown(T),
}

/// Parts by the ids of their centre, and receipts that came too early; `T` is what is held with a receipt.
#[derive(Debug)]
pub struct Matching<T> {
    keeping: Keeping,
    learnt: IdForm,
    parts: HashMap<String, Vec<Kept>>,
    order: VecDeque<(String, u64)>,
    early: VecDeque<Early<T>>,
    serial: u64,
}

impl<T> Matching<T> {
    /// Nothing known yet.
    #[must_use]
    pub fn new(keeping: Keeping) -> Self {
        let (parts, order, early) = (HashMap::new(), VecDeque::new(), VecDeque::new());
        Self { keeping, learnt: keeping.ids, parts, order, early, serial: 0 }
    }

    /// The centre took a part for `to` under this id. Gives back what was held for it.
    pub fn accepted(&mut self, id: &str, to: &str, key: PartKey) -> Vec<T> {
        // A centre that tells no id tells no receipt either.
        if id.is_empty() {
            return Vec::new();
        }
        self.serial += 1;
        let kept = Kept { key, number: to.to_owned(), serial: self.serial };
        match self.parts.entry(normal(id)) {
            // Nearly always the only one; room for four would be most of what all this takes.
            Entry::Vacant(new) => {
                new.insert(vec![kept]);
            }
            Entry::Occupied(mut known) => known.get_mut().push(kept),
        }
        self.order.push_back((normal(id), self.serial));
        if self.order.len() > self.keeping.parts
            && let Some((id, serial)) = self.order.pop_front()
        {
            self.forget(&id, |kept| kept.serial == serial);
        }
        let mut found = Vec::new();
        let mut at = 0;
        while at < self.early.len() {
            let early = &self.early[at];
            let (id, from, is_final) = (early.id.clone(), early.from.clone(), early.is_final);
            if self.find(&id, &from).is_some_and(|(found, _)| found == key) {
                self.ended(key, &id, is_final);
                found.extend(self.early.remove(at).map(|early| early.held));
            } else {
                at += 1;
            }
        }
        found
    }

    /// The id, in normal form, that the answer had for the part of a receipt from `from`; none when it is not known here.
    pub fn answered(&mut self, id: &str, from: &str) -> Option<String> {
        self.find(id, from).map(|(_, answered)| answered)
    }

    /// A receipt came from `from`. It is held only while answers are awaited, and while there is room.
    pub fn arrived(&mut self, id: &str, from: &str, is_final: bool, awaited: bool, held: T) -> Found<T> {
        if let Some((key, _)) = self.find(id, from) {
            self.ended(key, id, is_final);
            return Found::Part(key, held);
        }
        if !awaited || self.early.len() >= self.keeping.early {
            return Found::Unknown(held);
        }
        let until = Instant::now() + Duration::from_secs(self.keeping.early_s);
        self.early.push_back(Early { id: id.to_owned(), from: from.to_owned(), is_final, until, held });
        Found::Held
    }

    /// Receipts that waited long enough: nobody knows their ids.
    pub fn overdue(&mut self, now: Instant) -> Vec<T> {
        let mut found = Vec::new();
        while self.early.front().is_some_and(|early| early.until <= now) {
            found.extend(self.early.pop_front().map(|early| early.held));
        }
        found
    }

    /// When the first that is held has waited long enough.
    #[must_use]
    pub fn next_overdue(&self) -> Option<Instant> {
        self.early.front().map(|early| early.until)
    }

    /// Parts that wait for their final receipt.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.parts.values().map(Vec::len).sum()
    }

    fn ended(&mut self, key: PartKey, id: &str, is_final: bool) {
        if !is_final {
            return;
        }
        for id in candidates(id) {
            self.forget(&id, |kept| kept.key == key);
        }
    }

    fn forget(&mut self, id: &str, which: impl Fn(&Kept) -> bool) {
        if let Some(kept) = self.parts.get_mut(id) {
            kept.retain(|kept| !which(kept));
            if kept.is_empty() {
                self.parts.remove(id);
            }
        }
    }

    /// The part of a receipt. One whose phone is the receipt's sender goes before all others, and teaches the form of the ids
    /// when no other form fits; without such a one, only the form that is configured, learnt, or the same counts: `10` and
    /// `16` may be one id or two.
    fn find(&mut self, id: &str, from: &str) -> Option<(PartKey, String)> {
        let forms: &[IdForm] = match &self.keeping.ids {
            IdForm::Auto => &IdForm::TRIED,
            _ => std::slice::from_ref(&self.keeping.ids),
        };
        let mut fits = Vec::new();
        for form in forms {
            let Some(answered) = form.answered(id) else { continue };
            let kept = self.parts.get(&answered).into_iter().flatten();
            fits.extend(kept.map(|kept| (*form, kept.key, same_phone(&kept.number, from))));
        }
        let named = |(form, key): (IdForm, PartKey)| form.answered(id).map(|answered| (key, answered));
        let by_phone: Vec<_> = fits.iter().filter(|(.., phone)| *phone).map(|(form, key, _)| (*form, *key)).collect();
        if let [(form, key), others @ ..] = &by_phone[..] {
            let (form, key) = (*form, *key);
            if others.iter().all(|(_, other)| *other == key) {
                // A number that reads the same in both forms teaches nothing.
                if self.keeping.ids == IdForm::Auto && others.is_empty() {
                    self.learnt = form;
                }
                return named((form, key));
            }
            let learnt = by_phone.iter().find(|(form, _)| *form == self.learnt).or(by_phone.first());
            return learnt.copied().and_then(named);
        }
        let expected = if self.learnt == IdForm::Auto { IdForm::Same } else { self.learnt };
        fits.iter().find(|(form, ..)| *form == expected).and_then(|(form, key, _)| named((*form, *key)))
    }
}

/// Whether two numbers are of one phone, with or without its country's code or its 0.
pub(crate) fn same_phone(a: &str, b: &str) -> bool {
    const TELLING: usize = 9;
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<Vec<_>>();
    let (a, b) = (digits(a), digits(b));
    let (short, long) = (a.len().min(TELLING), b.len().min(TELLING));
    short > 2 && short == long && a[a.len() - short..] == b[b.len() - long..]
}
