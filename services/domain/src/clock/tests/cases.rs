use std::sync::Arc;

use super::stories::Book;
use crate::{
    calendar::{
        Calendar,
        wall_clock::{HOUR, MINUTE, daily, office, us, vn},
    },
    clock::{ClockKind, Clocks, Due, IntervalKind, Limit, Mode, Phase, Rule, RuleKey, Why},
};

fn rule(version: &str, target: &str, kind: ClockKind, limit: Limit) -> Rule {
    Rule {
        key: RuleKey(format!("{version}/{target}/0")),
        target: target.into(),
        kind,
        limit,
        calendar: Some(Arc::new(Calendar::new(office()))),
        pauses_customer: true,
        pauses_third_party: false,
        warnings: vec![500, 800],
        source: "test".into(),
        assumed: false,
    }
}

fn resolution(version: &str, limit: Limit) -> Arc<Rule> {
    Arc::new(rule(version, "restore", ClockKind::Resolution, limit))
}

fn book(rules: &[&Arc<Rule>]) -> Book {
    rules.iter().map(|rule| (rule.key.clone(), Arc::clone(rule))).collect()
}

fn working(hours: i64) -> Limit {
    Limit::Working { us: hours * HOUR }
}

fn elapsed(hours: i64) -> Limit {
    Limit::Elapsed { us: hours * HOUR }
}

#[test]
fn tet_lies_outside_of_hours_and_is_called_a_holiday() {
    let rule = resolution("a.1", working(4));
    let book = book(&[&rule]);
    let clocks = Clocks::open(&[Arc::clone(&rule)], vn("2013-02-08 15:00"), None);
    assert_eq!(clocks.deadline(&book), Some(vn("2013-02-18 09:30")));
    let explained = clocks.explain(&book, vn("2013-02-18 09:30")).remove(0);
    let parts: Vec<_> = explained.intervals.iter().map(|i| (i.from_us, i.kind, i.why)).collect();
    assert_eq!(
        parts,
        [
            (vn("2013-02-08 15:00"), IntervalKind::Counted, Why::Running),
            (vn("2013-02-08 17:00"), IntervalKind::Outside, Why::OutsideHours),
            (vn("2013-02-09 00:00"), IntervalKind::Outside, Why::Holiday),
            (vn("2013-02-16 00:00"), IntervalKind::Outside, Why::OutsideHours),
            (vn("2013-02-18 07:30"), IntervalKind::Counted, Why::Running),
        ]
    );
    assert_eq!((explained.counted_us, explained.budget_us), (4 * HOUR, Some(4 * HOUR)));
    assert_eq!(explained.breached_us, Some(vn("2013-02-18 09:30")));
}

#[test]
fn three_working_days_end_at_the_close_of_the_third_over_a_weekend_and_over_tet() {
    let rule = resolution("a.1", Limit::WorkingDays { days: 3 });
    let book = book(&[&rule]);
    let deadline = |opened: &str| Clocks::open(&[Arc::clone(&rule)], vn(opened), None).deadline(&book);
    assert_eq!(deadline("2013-05-23 16:59"), Some(vn("2013-05-28 17:00")));
    assert_eq!(deadline("2013-05-25 03:00"), Some(vn("2013-05-29 17:00")));
    assert_eq!(deadline("2013-02-07 10:00"), Some(vn("2013-02-19 17:00")));
    assert_eq!(deadline("2024-02-28 10:00"), Some(vn("2024-03-04 17:00")));
}

#[test]
fn a_pause_on_a_leap_day_moves_the_deadline_by_its_working_time() {
    let rule = resolution("a.1", Limit::WorkingDays { days: 1 });
    let book = book(&[&rule]);
    let mut clocks = Clocks::open(&[Arc::clone(&rule)], vn("2024-02-28 10:00"), None);
    assert_eq!(clocks.deadline(&book), Some(vn("2024-02-29 17:00")));
    clocks.mode(Mode::WaitingCustomer, vn("2024-02-29 10:30"));
    assert_eq!((clocks.deadline(&book), clocks.next_due(&book)), (None, Some(vn("2024-02-29 08:45"))));
    clocks.mode(Mode::Active, vn("2024-02-29 14:00"));
    // Paused for an hour before lunch and one after it.
    assert_eq!(clocks.deadline(&book), Some(vn("2024-03-01 09:30")));
    let explained = clocks.explain(&book, vn("2024-02-29 14:00")).remove(0);
    assert_eq!(explained.paused_us, 2 * HOUR);
    let pauses: Vec<_> = explained.intervals.iter().filter(|i| i.kind == IntervalKind::Paused).collect();
    assert!(pauses.iter().all(|pause| pause.why == Why::WaitingCustomer));
    assert_eq!(pauses.len(), 2, "lunch lies outside of hours, also while waiting");
}

#[test]
fn a_clock_runs_through_a_night_shift_and_through_both_changes_of_daylight_saving() {
    let night = Rule {
        calendar: Some(Arc::new(Calendar::new(daily("Europe/Berlin", 1320, 1800)))),
        ..rule("a.1", "restore", ClockKind::Resolution, working(8))
    };
    let night = Arc::new(night);
    let book = book(&[&night]);
    let deadline = |opened: &str| Clocks::open(&[Arc::clone(&night)], us(opened), None).deadline(&book);
    // Eight hours from ten in the evening: until six, but until seven of the wall clock never comes in spring.
    assert_eq!(deadline("2013-05-22T20:00:00Z"), Some(us("2013-05-23T04:00:00Z")));
    assert_eq!(deadline("2013-03-30T21:00:00Z"), Some(us("2013-03-31T21:00:00Z")));
    assert_eq!(deadline("2013-10-26T20:00:00Z"), Some(us("2013-10-27T04:00:00Z")));
}

#[test]
fn a_new_limit_keeps_the_time_spent() {
    let (slow, fast) = (resolution("a.1", working(8)), resolution("a.2", working(2)));
    let book = book(&[&slow, &fast]);
    let mut clocks = Clocks::open(&[Arc::clone(&slow)], vn("2013-05-22 07:30"), None);
    clocks.ruled(&[Arc::clone(&fast)], vn("2013-05-22 08:30"), None);
    assert_eq!(clocks.deadline(&book), Some(vn("2013-05-22 09:30")));
    // A limit that was used up before it was in force is breached when it comes into force, not before.
    let mut clocks = Clocks::open(&[Arc::clone(&slow)], vn("2013-05-22 07:30"), None);
    clocks.ruled(&[fast], vn("2013-05-22 10:30"), None);
    assert_eq!(clocks.deadline(&book), Some(vn("2013-05-22 09:30")));
    let noticed = clocks.notice(&book, vn("2013-05-22 10:30"));
    assert_eq!(
        noticed.iter().map(|n| (n.at_us, n.what)).collect::<Vec<_>>(),
        [(vn("2013-05-22 10:30"), Due::Breached)]
    );
}

#[test]
fn a_restated_limit_warns_no_second_time_and_an_extended_one_does() {
    let (old, same, longer) =
        (resolution("a.1", elapsed(10)), resolution("a.2", elapsed(10)), resolution("a.3", elapsed(20)));
    let book = book(&[&old, &same, &longer]);
    let opened = vn("2013-05-22 00:00");
    let mut clocks = Clocks::open(&[Arc::clone(&old)], opened, None);
    assert_eq!(clocks.notice(&book, opened + 6 * HOUR).len(), 1);
    clocks.ruled(&[same], opened + 6 * HOUR, None);
    assert_eq!(clocks.next_due(&book), Some(opened + 8 * HOUR));
    clocks.ruled(&[Arc::clone(&longer)], opened + 7 * HOUR, None);
    let due: Vec<_> =
        clocks.notice(&book, opened + 30 * HOUR).into_iter().map(|n| (n.at_us - opened, n.what)).collect();
    assert_eq!(due, [(10 * HOUR, Due::Warned(500)), (16 * HOUR, Due::Warned(800)), (20 * HOUR, Due::Breached)]);
    // The same, told late: what was warned of under the shorter limit is warned of again.
    let mut clocks = Clocks::open(&[old], opened, None);
    clocks.notice(&book, opened + 6 * HOUR);
    clocks.ruled(&[longer], opened + HOUR, None);
    assert_eq!(clocks.next_due(&book), Some(opened + 10 * HOUR));
}

#[test]
fn another_category_voids_a_target_and_starts_another_from_the_opening() {
    let first = Arc::new(rule("a.1", "meter_complaint", ClockKind::Resolution, elapsed(10)));
    let second = Arc::new(rule("a.1", "other_complaint", ClockKind::Resolution, elapsed(20)));
    let book = book(&[&first, &second]);
    let opened = vn("2013-05-22 00:00");
    let mut clocks = Clocks::open(&[Arc::clone(&first)], opened, None);
    clocks.ruled(&[Arc::clone(&second)], opened + 2 * HOUR, None);
    let states = clocks.states(&book);
    assert_eq!((states[0].phase, states[0].met, states[0].deadline_us), (Phase::Void, None, None));
    assert_eq!((states[1].started_us, states[1].deadline_us), (opened, Some(opened + 20 * HOUR)));
    // Back again: a new clock of the first target, and the void one stays on record.
    clocks.ruled(&[first], opened + 3 * HOUR, None);
    let phases: Vec<_> = clocks.states(&book).into_iter().map(|state| state.phase).collect();
    assert_eq!(phases, [Phase::Void, Phase::Void, Phase::Running]);
    assert_eq!(clocks.deadline(&book), Some(opened + 10 * HOUR));
}

#[test]
fn a_resolution_rests_while_done_and_goes_on_when_reopened() {
    let rule = resolution("a.1", elapsed(10));
    let book = book(&[&rule]);
    let opened = vn("2013-05-22 00:00");
    let mut clocks = Clocks::open(&[rule], opened, None);
    clocks.notice(&book, opened + 6 * HOUR);
    clocks.mode(Mode::Done, opened + 6 * HOUR);
    let state = clocks.states(&book).remove(0);
    assert_eq!((state.phase, state.met, state.deadline_us), (Phase::Resting, Some(true), Some(opened + 10 * HOUR)));
    assert_eq!((clocks.next_due(&book), clocks.deadline(&book)), (None, None));
    clocks.mode(Mode::Active, opened + 30 * HOUR);
    assert_eq!(clocks.deadline(&book), Some(opened + 34 * HOUR));
    assert_eq!(clocks.explain(&book, opened + 30 * HOUR)[0].intervals[1].why, Why::Done);
}

#[test]
fn responses_are_awaited_one_at_a_time() {
    let first = Arc::new(rule("a.1", "answer", ClockKind::FirstResponse, elapsed(1)));
    let next = Arc::new(rule("a.1", "next_answer", ClockKind::NextResponse, elapsed(2)));
    let book = book(&[&first, &next]);
    let opened = vn("2013-05-22 00:00");
    let mut clocks = Clocks::open(&[first, Arc::clone(&next)], opened, None);
    clocks.asked(Some(&next), opened + MINUTE);
    assert_eq!(clocks.all().len(), 1, "the first response is awaited still");
    clocks.replied(opened + HOUR);
    clocks.asked(Some(&next), opened + 3 * HOUR);
    clocks.asked(Some(&next), opened + 4 * HOUR);
    assert_eq!(clocks.deadline(&book), Some(opened + 5 * HOUR));
    clocks.mode(Mode::Done, opened + 6 * HOUR);
    clocks.asked(None, opened + 7 * HOUR);
    let met: Vec<_> = clocks.states(&book).into_iter().map(|state| (state.kind, state.met)).collect();
    // An answer at the very deadline is in time.
    assert_eq!(met, [(ClockKind::FirstResponse, Some(true)), (ClockKind::NextResponse, Some(false))]);
}

#[test]
fn a_breach_before_the_end_is_due_even_if_the_end_came_first() {
    let first = Arc::new(rule("a.1", "answer", ClockKind::FirstResponse, elapsed(1)));
    let book = book(&[&first]);
    let opened = vn("2013-05-22 00:00");
    let mut clocks = Clocks::open(&[first], opened, None);
    clocks.replied(opened + HOUR + 1);
    assert_eq!(clocks.next_due(&book), Some(opened + HOUR));
    assert_eq!(clocks.notice(&book, opened + 2 * HOUR).len(), 1);
    assert_eq!(clocks.next_due(&book), None);
}

#[test]
fn a_clock_counts_towards_an_event_and_moves_with_it() {
    let before =
        Arc::new(rule("a.1", "planned_outage_notice", ClockKind::Event, Limit::BeforeEvent { us: 120 * HOUR }));
    let after = Arc::new(rule("a.1", "emergency_outage_notice", ClockKind::Event, Limit::AfterEvent { us: 12 * HOUR }));
    let rules = [Arc::clone(&before), Arc::clone(&after)];
    let book = book(&[&before, &after]);
    let (opened, event) = (vn("2013-05-01 08:00"), vn("2013-05-22 06:00"));
    assert_eq!(Clocks::open(&rules, opened, None).all().len(), 0);
    let mut clocks = Clocks::open(&rules, opened, Some(event));
    let deadlines =
        |clocks: &Clocks| clocks.states(&book).into_iter().filter_map(|s| s.deadline_us).collect::<Vec<_>>();
    assert_eq!(deadlines(&clocks), [event - 120 * HOUR, event + 12 * HOUR]);
    clocks.ruled(&rules, opened + HOUR, Some(event + 24 * HOUR));
    // Nobody waits with an event, and a ruling without one leaves it where it is.
    clocks.mode(Mode::WaitingCustomer, opened + 2 * HOUR);
    clocks.ruled(&rules, opened + 3 * HOUR, None);
    assert_eq!(deadlines(&clocks), [event - 96 * HOUR, event + 36 * HOUR]);
    clocks.happened(event);
    let met: Vec<_> = clocks.states(&book).into_iter().map(|state| state.met).collect();
    assert_eq!(met, [Some(false), Some(true)]);
}

#[test]
fn a_merged_ticket_waits_for_nothing_any_more() {
    let rule = resolution("a.1", elapsed(10));
    let book = book(&[&rule]);
    let opened = vn("2013-05-22 00:00");
    let mut clocks = Clocks::open(&[Arc::clone(&rule)], opened, None);
    clocks.void(opened + HOUR);
    let void = clocks.clone();
    clocks.mode(Mode::Done, opened + 2 * HOUR);
    clocks.asked(Some(&rule), opened + 2 * HOUR);
    clocks.ruled(&[rule], opened, None);
    clocks.replied(opened + 2 * HOUR);
    clocks.happened(opened + 2 * HOUR);
    assert_eq!(clocks, void);
    assert_eq!((clocks.next_due(&book), clocks.deadline(&book)), (None, None));
    assert_eq!(clocks.explain(&book, opened + 5 * HOUR)[0].elapsed_us, HOUR);
}

#[test]
fn a_clock_whose_rule_nobody_knows_has_no_deadline_and_still_explains_its_time() {
    let clocks = Clocks::open(&[resolution("lost.1", elapsed(1))], 0, None);
    let book = Book::new();
    assert_eq!((clocks.deadline(&book), clocks.next_due(&book)), (None, None));
    let explained = clocks.explain(&book, HOUR).remove(0);
    assert_eq!((explained.counted_us, explained.budget_us, explained.intervals[0].source.as_str()), (HOUR, None, ""));
}
