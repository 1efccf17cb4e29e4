use jiff::Timestamp;
use proptest::{prelude::*, sample::select};
use uuid::Uuid;

use super::{at, elapsed_us, governance, opened, state_of};
use crate::{
    clock::{ClockKind, Clocks, Phase},
    reference::Reference,
    refusal::{Refusal, RefusalKind},
    ticket::{Governance, State, Ticket, asked, merge, move_part, open, reopen, replied, settle, split, transition},
};

#[test]
fn what_is_open_is_merged_only_into_what_is_open() {
    let (one, mut two) = (opened("bill"), opened("bill"));
    two.id = Uuid::from_u128(2);
    let resolved = transition(&two, State::Resolved, governance(), at(5)).unwrap();
    let closed = transition(&resolved, State::Closed, governance(), at(6)).unwrap();
    for ended in [&resolved, &closed] {
        let refused = merge(&one, ended, governance(), at(7)).unwrap_err();
        assert_eq!((refused.reason, refused.kind), ("TARGET_NOT_OPEN", RefusalKind::Precondition));
        assert!(refused.message.contains("reopen it first"), "{}", refused.message);
    }
    assert!(merge(&one, &reopen(&closed, governance(), at(8)).unwrap(), governance(), at(9)).is_ok());
    let done = transition(&one, State::Resolved, governance(), at(5)).unwrap();
    assert!(merge(&done, &closed, governance(), at(7)).is_ok(), "of these nothing is left to do");
}

#[test]
fn a_question_that_a_merged_ticket_left_open_is_answered_where_it_lives_on() {
    let source = asked(&replied(&opened("bill"), governance(), at(3)), governance(), at(5));
    for category in ["bill", "outage"] {
        let into = Ticket { id: Uuid::from_u128(2), ..opened(category) };
        let (ended, living) = merge(&source, &into, governance(), at(9)).unwrap();
        assert_eq!(state_of(&ended, ClockKind::NextResponse).phase, Phase::Void);
        let state = state_of(&living, ClockKind::NextResponse);
        assert_eq!((state.started_us, state.phase), (at(5).as_microsecond(), Phase::Running), "{category}");
        let own = governance().standard.next_response_rule(&Governance::subject(&into)).unwrap();
        assert_eq!(state.target, own.target, "by the rule of the ticket that lives on");
        let mut settled = living.clone();
        settle(&mut settled, governance());
        assert_eq!(settled, living);
        assert_eq!(Clocks::decode(&living.clocks.encode()).unwrap(), living.clocks);
        let answered = replied(&living, governance(), at(12));
        assert_eq!(state_of(&answered, ClockKind::NextResponse).stopped_us, Some(at(12).as_microsecond()));
    }
}

#[test]
fn of_two_open_questions_the_older_one_counts() {
    let source = asked(&replied(&opened("bill"), governance(), at(1)), governance(), at(5));
    for (other, expected) in [(3, 3), (7, 5)] {
        let into = asked(&replied(&opened("bill"), governance(), at(1)), governance(), at(other));
        let into = Ticket { id: Uuid::from_u128(2), ..into };
        let (_, living) = merge(&source, &into, governance(), at(9)).unwrap();
        let questions = living.clocks.all().iter().filter(|clock| clock.kind == ClockKind::NextResponse);
        assert_eq!(questions.map(|clock| clock.started_us).collect::<Vec<_>>(), [at(expected).as_microsecond()]);
    }
}

#[test]
fn a_question_older_than_the_ticket_in_which_it_lives_on_keeps_its_age() {
    let source = asked(&replied(&opened("bill"), governance(), at(3)), governance(), at(5));
    let draft = Ticket { id: Uuid::from_u128(2), opened_at: at(8), updated_at: at(8), ..opened("bill") };
    let (_, living) = merge(&source, &open(draft, governance()), governance(), at(9)).unwrap();
    assert_eq!(state_of(&living, ClockKind::NextResponse).started_us, at(5).as_microsecond());
    assert_eq!(elapsed_us(&living, ClockKind::NextResponse, at(15)).0, 600_000_000);
    assert_eq!(Clocks::decode(&living.clocks.encode()).unwrap(), living.clocks);
}

#[test]
fn a_part_of_what_ended_becomes_a_part_of_what_is_no_part_itself() {
    let part = Ticket { id: Uuid::from_u128(3), parent: Some(Uuid::from_u128(1)), ..opened("bill") };
    let living = Ticket { id: Uuid::from_u128(2), ..opened("bill") };
    let moved = move_part(&part, &living, at(9));
    assert_eq!((moved.parent, moved.version, moved.updated_at), (Some(living.id), part.version + 1, at(9)));
    let within = Ticket { parent: Some(Uuid::from_u128(4)), ..living };
    assert_eq!(move_part(&part, &within, at(9)).parent, within.parent, "a part has no parts");
    let twisted = Ticket { parent: Some(part.id), ..within };
    assert_eq!(move_part(&part, &twisted, at(9)).parent, None, "nothing is a part of itself");
}

#[derive(Debug, Clone)]
enum Cut {
    Merge(usize, usize),
    Split(usize),
    Become(usize, State),
}

fn cuts() -> impl Strategy<Value = Vec<Cut>> {
    let cut = prop_oneof![
        4 => (0..12_usize, 0..12_usize).prop_map(|(source, into)| Cut::Merge(source, into)),
        3 => (0..12_usize).prop_map(Cut::Split),
        2 => (0..12_usize, select(State::ALL)).prop_map(|(ticket, state)| Cut::Become(ticket, state)),
    ];
    prop::collection::vec(cut, 0..30)
}

/// Tickets by their places, and of each timeline entry the ticket that it belongs to, as the store moves them.
struct Desk {
    tickets: Vec<Ticket>,
    owners: Vec<Uuid>,
}

impl Desk {
    fn new() -> Self {
        let ticket = |n: u64| Ticket {
            id: Uuid::from_u128(u128::from(n)),
            reference: Reference::new("HCMC", n).unwrap(),
            ..opened("bill")
        };
        let tickets: Vec<_> = (1..=4).map(ticket).collect();
        let owners = tickets.iter().flat_map(|ticket| [ticket.id; 3]).collect();
        Self { tickets, owners }
    }

    fn apply(&mut self, cut: &Cut, now: Timestamp) -> Result<(), Refusal> {
        let count = self.tickets.len();
        match *cut {
            Cut::Merge(source, into) => {
                let (source, into) = (source % count, into % count);
                let (was, target) = (self.tickets[source].clone(), self.tickets[into].clone());
                let (ended, living) = merge(&was, &target, governance(), now)?;
                assert!(living.is_open() || !was.is_open(), "nobody has to act on what was open");
                for owner in self.owners.iter_mut().filter(|owner| **owner == ended.id) {
                    *owner = living.id;
                }
                (self.tickets[source], self.tickets[into]) = (ended, living);
            }
            Cut::Split(place) => {
                let place = place % count;
                let number = u64::try_from(count).unwrap() + 1;
                let (id, reference) = (Uuid::from_u128(u128::from(number)), Reference::new("HCMC", number).unwrap());
                let (kept, part) = split(&self.tickets[place], id, reference, "phần", None, governance(), now)?;
                if let Some(owner) = self.owners.iter_mut().find(|owner| **owner == kept.id) {
                    *owner = part.id;
                }
                self.tickets[place] = kept;
                self.tickets.push(part);
            }
            Cut::Become(place, state) => {
                let place = place % count;
                self.tickets[place] = transition(&self.tickets[place], state, governance(), now)?;
            }
        }
        Ok(())
    }

    /// The ticket in which this one lives on.
    fn living(&self, id: Uuid) -> Option<&Ticket> {
        let find = |id: Uuid| self.tickets.iter().find(|ticket| ticket.id == id);
        let mut living = find(id)?;
        for _ in 0..self.tickets.len() {
            match living.merged_into {
                Some(into) => living = find(into)?,
                None => return Some(living),
            }
        }
        None
    }
}

proptest! {
    #[test]
    fn after_merges_and_splits_every_reference_leads_on_and_every_entry_is_of_one_living_ticket(cuts in cuts()) {
        let mut desk = Desk::new();
        let entries = desk.owners.len();
        for (minute, cut) in (1..).zip(&cuts) {
            let (before, count) = (desk.tickets.clone(), desk.tickets.len());
            if desk.apply(cut, at(minute)).is_ok() {
                prop_assert_eq!(desk.tickets.len(), count + usize::from(matches!(cut, Cut::Split(_))));
            } else {
                prop_assert_eq!(&desk.tickets, &before, "a refusal changes nothing");
            }
            prop_assert_eq!(desk.owners.len(), entries);
            for ticket in &desk.tickets {
                prop_assert!(desk.living(ticket.id).is_some(), "{} leads nowhere", ticket.reference);
                if ticket.merged_into.is_some() {
                    prop_assert_eq!((ticket.state, ticket.deadline_us), (State::Cancelled, None));
                    prop_assert!(!desk.owners.contains(&ticket.id), "{} has kept an entry", ticket.reference);
                }
            }
        }
    }
}
