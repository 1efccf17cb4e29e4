//! Messages from phones, put together from their parts.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use gridcare_chassis::id::new_id;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use uuid::Uuid;

use super::{coding, pdu::Message, piece::Piece};

/// How long parts wait for each other, and how many messages may be in the making.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Assembly {
    /// After so many milliseconds without another part, what has come is handed over as incomplete: a centre that sends one
    /// part at a time waits for our answer before it sends the next.
    pub patience_ms: u64,
    /// After so many seconds, what has come is forgotten here.
    pub memory_s: u64,
    /// Messages in the making; beyond it the oldest is handed over and forgotten.
    pub messages: usize,
}

impl Default for Assembly {
    fn default() -> Self {
        Self { patience_ms: 2_000, memory_s: 600, messages: 1_000 }
    }
}

/// A message from a phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbound {
    /// Made here, unique.
    pub id: Uuid,
    /// The incomplete message that this one, with more parts, takes the place of.
    pub replaces: Option<Uuid>,
    /// The phone, as the centre writes it.
    pub from: String,
    /// The number that it was sent to.
    pub to: String,
    /// What it says; missing parts are left out.
    pub text: String,
    /// Whether it came in UCS-2.
    pub ucs2: bool,
    /// The phone's own number of it, where it gave one; 0 otherwise.
    pub reference: u16,
    /// Numbers of the parts that have not come, from 1. Mostly none.
    pub missing: Vec<u8>,
}

/// No network carries a longer part; one that claims to be is not kept waiting.
const LONGEST_PART: usize = 255;

#[derive(Debug, PartialEq, Eq, Hash, Clone)]
struct Which {
    from: String,
    to: String,
    reference: u16,
    total: u8,
}

#[derive(Debug)]
struct Making<T> {
    parts: BTreeMap<u8, (Vec<u8>, u8)>,
    held: Vec<T>,
    begun: Instant,
    patient_until: Instant,
    handed: Option<Uuid>,
}

/// Messages in the making; `T` is what is held with each part until the caller has taken it.
#[derive(Debug)]
pub struct Inbox<T> {
    assembly: Assembly,
    making: HashMap<Which, Making<T>>,
}

impl<T> Inbox<T> {
    /// Nothing in it.
    #[must_use]
    pub fn new(assembly: Assembly) -> Self {
        Self { assembly, making: HashMap::new() }
    }

    /// A message or a part came. Gives what can be handed over now, with all that was held for it.
    pub fn arrived(&mut self, message: &Message, held: T, now: Instant) -> Vec<(Inbound, Vec<T>)> {
        let (piece, octets) = Piece::of(message);
        let part = (octets.to_vec(), message.data_coding);
        let which = |piece: Option<Piece>| Which {
            from: message.source.digits.clone(),
            to: message.destination.digits.clone(),
            reference: piece.map(|piece| piece.reference).or(message.user_message_reference()).unwrap_or(0),
            total: piece.map_or(1, |piece| piece.total),
        };
        let Some(piece) = piece.filter(|piece| piece.total > 1 && octets.len() <= LONGEST_PART) else {
            let alone = BTreeMap::from([(1, part)]);
            return vec![(joined(&which(None), &alone, None), vec![held])];
        };
        let which = which(Some(piece));
        let mut out = Vec::new();
        // The same reference with another text: the phone has begun anew.
        let begun_anew = self
            .making
            .get(&which)
            .and_then(|making| making.parts.get(&piece.number))
            .is_some_and(|known| *known != part);
        if begun_anew || (!self.making.contains_key(&which) && self.making.len() >= self.assembly.messages) {
            out.extend(self.give_up(if begun_anew { Some(which.clone()) } else { self.oldest() }));
        }
        let patience = Duration::from_millis(self.assembly.patience_ms);
        let making = self.making.entry(which.clone()).or_insert_with(|| Making {
            parts: BTreeMap::new(),
            held: Vec::new(),
            begun: now,
            patient_until: now,
            handed: None,
        });
        making.parts.insert(piece.number, part);
        making.held.push(held);
        making.patient_until = now + patience;
        if making.parts.len() == usize::from(which.total)
            && let Some(making) = self.making.remove(&which)
        {
            out.push((joined(&which, &making.parts, making.handed), making.held));
        }
        out
    }

    /// What has waited long enough for its other parts.
    pub fn overdue(&mut self, now: Instant) -> Vec<(Inbound, Vec<T>)> {
        let mut out = Vec::new();
        for (which, making) in &mut self.making {
            if !making.held.is_empty() && making.patient_until <= now {
                let inbound = joined(which, &making.parts, making.handed);
                making.handed = Some(inbound.id);
                out.push((inbound, std::mem::take(&mut making.held)));
            }
        }
        let memory = Duration::from_secs(self.assembly.memory_s);
        self.making.retain(|_, making| !making.held.is_empty() || now < making.begun + memory);
        out
    }

    /// When something has waited long enough.
    #[must_use]
    pub fn next_overdue(&self) -> Option<Instant> {
        let memory = Duration::from_secs(self.assembly.memory_s);
        let due = |making: &Making<T>| {
            if making.held.is_empty() { making.begun + memory } else { making.patient_until }
        };
        self.making.values().map(due).min()
    }

    fn oldest(&self) -> Option<Which> {
        self.making.iter().min_by_key(|(_, making)| making.begun).map(|(which, _)| which.clone())
    }

    /// Forgets one, handing over what was not handed over yet.
    fn give_up(&mut self, which: Option<Which>) -> Option<(Inbound, Vec<T>)> {
        let which = which?;
        let making = self.making.remove(&which)?;
        (!making.held.is_empty()).then(|| (joined(&which, &making.parts, making.handed), making.held))
    }
}

fn joined(which: &Which, parts: &BTreeMap<u8, (Vec<u8>, u8)>, replaces: Option<Uuid>) -> Inbound {
    let mut text = String::new();
    let mut waiting: (Vec<u8>, u8) = (Vec::new(), 0);
    // Neighbours in one coding are decoded together: a phone may cut between the halves of a pair.
    for (octets, data_coding) in parts.values() {
        if *data_coding != waiting.1 {
            text.push_str(&coding::decode(&waiting.0, waiting.1));
            waiting = (Vec::new(), *data_coding);
        }
        waiting.0.extend_from_slice(octets);
    }
    text.push_str(&coding::decode(&waiting.0, waiting.1));
    Inbound {
        id: new_id(),
        replaces,
        from: which.from.clone(),
        to: which.to.clone(),
        text,
        reference: which.reference,
        ucs2: parts.values().any(|(_, data_coding)| coding::is_ucs2(*data_coding)),
        missing: (1..=which.total).filter(|number| !parts.contains_key(number)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use gridcare_domain::sms_text::{Encoding, SmsText};
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::smpp::{
        outgoing::{Dialect, Outgoing, Sender},
        piece::Joining,
    };

    fn parts(text: &str, encoding: Encoding, joining: Joining, reference: u16) -> Vec<Message> {
        let outgoing = Outgoing {
            id: Uuid::nil(),
            from: Sender::Number("84901234567".into()),
            to: "19001006".into(),
            text: text.into(),
            encoding,
            reference,
            expires: Timestamp::MAX - jiff::SignedDuration::from_hours(48),
        };
        outgoing.parts(Dialect { joining, ..Dialect::default() }, Timestamp::UNIX_EPOCH).unwrap()
    }

    fn long() -> Vec<Message> {
        parts(&"Mất điện ở Quận 1. ".repeat(10), Encoding::Ucs2, Joining::Header, 7)
    }

    proptest! {
        #[test]
        fn parts_in_any_order_are_the_text_that_was_cut(
            text in "[a-zA-Z €{}^ếđĐ😀\n]{0,900}", wide: bool, sar: bool, reference: u16, seed: u64,
        ) {
            let encoding = if wide { Encoding::Ucs2 } else { Encoding::Gsm7 };
            let mut messages = parts(&text, encoding, if sar { Joining::Sar } else { Joining::Header }, reference);
            let total = messages.len();
            messages.sort_by_key(|message| message.text.iter().fold(seed, |hash, octet| hash.wrapping_mul(31) ^ u64::from(*octet)));
            let mut inbox = Inbox::new(Assembly::default());
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
            let out = runtime.block_on(async {
                messages.iter().flat_map(|message| inbox.arrived(message, (), Instant::now())).collect::<Vec<_>>()
            });
            prop_assert_eq!(out.len(), 1);
            prop_assert_eq!(out[0].1.len(), total);
            prop_assert_eq!(&out[0].0.text, &SmsText::new(&text, encoding).text);
            prop_assert!(out[0].0.missing.is_empty() && out[0].0.ucs2 == wide);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_alone_is_handed_over_in_time_and_replaced_by_the_whole() {
        let (mut inbox, messages) = (Inbox::new(Assembly::default()), long());
        assert_eq!(inbox.arrived(&messages[1], 'b', Instant::now()), vec![]);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(inbox.next_overdue().is_some_and(|at| at <= Instant::now()));
        let first = inbox.overdue(Instant::now()).remove(0);
        assert_eq!((first.0.missing.clone(), first.1, first.0.replaces), (vec![1, 3], vec!['b'], None));
        inbox.arrived(&messages[0], 'a', Instant::now());
        let whole = inbox.arrived(&messages[2], 'c', Instant::now()).remove(0);
        assert_eq!((whole.0.missing.len(), whole.1, whole.0.replaces), (0, vec!['a', 'c'], Some(first.0.id)));
        assert_eq!(whole.0.text, "Mất điện ở Quận 1. ".repeat(10));
        assert_eq!(inbox.next_overdue(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_never_comes_together_is_forgotten_and_only_so_many_are_kept() {
        let mut inbox = Inbox::new(Assembly { messages: 3, ..Assembly::default() });
        let mut handed = 0;
        for reference in 0..10 {
            let message = parts(&"x".repeat(300), Encoding::Gsm7, Joining::Header, reference).remove(0);
            handed += inbox.arrived(&message, (), Instant::now()).len();
        }
        assert_eq!((handed, inbox.making.len()), (7, 3));
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(inbox.overdue(Instant::now()).len(), 3);
        tokio::time::advance(Duration::from_mins(10)).await;
        assert_eq!((inbox.overdue(Instant::now()).len(), inbox.making.len()), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_repeated_part_is_one_and_another_text_begins_anew() {
        let (mut inbox, messages) = (Inbox::new(Assembly::default()), long());
        inbox.arrived(&messages[0], 1, Instant::now());
        assert_eq!(inbox.arrived(&messages[0], 2, Instant::now()), vec![]);
        let mut other = messages[0].clone();
        other.text.push(0);
        other.text.push(b'!');
        let given_up = inbox.arrived(&other, 3, Instant::now());
        assert_eq!((given_up.len(), given_up[0].1.as_slice(), given_up[0].0.missing.len()), (1, &[1, 2][..], 2));
    }
}
