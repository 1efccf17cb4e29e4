use std::sync::Arc;

use super::{at, opened};
use crate::{
    clock::ClockKind,
    standard::{Shelf, Standard, builtin, read},
    ticket::{Governance, State, Ticket, open, rebase, rebase_late, settle, transition},
};

/// What ships, as another version that takes effect so many minutes into the day, and wants supply back within this limit.
fn version(number: u32, minute: i64, limit: &str) -> Arc<Standard> {
    let yaml = builtin()
        .replacen("version: 1\n", &format!("version: {number}\n"), 1)
        .replacen("effective_at: 2013-01-01T00:00:00+07:00", &format!("effective_at: {}", at(minute)), 1)
        .replacen("limit: 2 h, from: 2013", &format!("limit: {limit}, from: 2013"), 1);
    Arc::new(Standard::compile(read(&yaml).unwrap()).unwrap())
}

/// One that comes late and two that follow it, and a shelf with these and the one that ships.
fn shelf() -> ([Arc<Standard>; 3], Shelf) {
    let standards = [version(2, 30, "1 h"), version(3, 90, "2 h"), version(4, 100, "2 h")];
    let mut shelf = Shelf::default();
    shelf.put(Arc::new(Standard::compile(read(builtin()).unwrap()).unwrap()));
    for standard in &standards {
        shelf.put(standard.clone());
    }
    (standards, shelf)
}

fn under<'a>(standard: &'a Standard, book: &'a Shelf) -> Governance<'a> {
    Governance { standard, book }
}

#[test]
fn a_standard_that_comes_late_holds_between_those_that_came_before_it() {
    let ([late, newest, _], book) = shelf();
    let us = |minute: i64| at(minute).as_microsecond();
    let restored = |ticket: &Ticket| {
        let explained = ticket.clocks.explain(&book, us(110));
        explained.into_iter().find(|one| one.kind == ClockKind::Resolution).unwrap()
    };
    let known = rebase(&opened("outage"), under(&newest, &book), at(95)).unwrap();
    assert_eq!(restored(&known).breached_us, None);
    assert_eq!(rebase(&known, under(&late, &book), at(105)), None, "nothing goes back by itself");

    let later = [newest.clone()];
    let placed = rebase_late(&known, under(&late, &book), &later, at(105)).unwrap();
    assert_eq!((placed.standard.as_str(), placed.version), ("evn-2013.3", known.version + 1));
    let explained = restored(&placed);
    let stretches = explained.intervals.iter().map(|one| (one.rule.0.as_str(), one.from_us, one.until_us));
    assert_eq!(
        stretches.collect::<Vec<_>>(),
        [
            ("evn-2013.1/restore_after_fault/0", us(0), us(30)),
            ("evn-2013.2/restore_after_fault/0", us(30), us(90)),
            ("evn-2013.3/restore_after_fault/0", us(90), us(110)),
        ]
    );
    assert_eq!(explained.breached_us, Some(us(60)), "while its hour held");
    let mut settled = placed.clone();
    settle(&mut settled, under(&newest, &book));
    assert_eq!(settled, placed);
    assert_eq!(rebase_late(&placed, under(&late, &book), &later, at(106)), None, "once");
}

#[test]
fn a_standard_that_comes_late_leaves_alone_what_it_does_not_concern() {
    let ([late, newest, unknown], book) = shelf();
    let known = rebase(&opened("outage"), under(&newest, &book), at(95)).unwrap();
    let draft = Ticket { opened_at: at(92), updated_at: at(92), ..opened("outage") };
    let young = open(draft, under(&newest, &book));
    let ended = transition(&known, State::Resolved, under(&newest, &book), at(96)).unwrap();
    let ahead = rebase(&known, under(&unknown, &book), at(101)).unwrap();
    for (ticket, why) in [
        (&young, "opened when it held no longer"),
        (&ended, "no clock goes on"),
        (&ahead, "another process knows of more"),
        (&opened("outage"), "under an earlier one, which any other rebase finds"),
    ] {
        assert_eq!(rebase_late(ticket, under(&late, &book), std::slice::from_ref(&newest), at(105)), None, "{why}");
    }
    assert_eq!(rebase_late(&known, under(&newest, &book), &[], at(105)), None, "nothing follows it");
    let both = [newest.clone(), unknown.clone()];
    let placed = rebase_late(&ahead, under(&late, &book), &both, at(105)).unwrap();
    assert_eq!(placed.standard, unknown.version());
}
