use proptest::prelude::*;

use super::{
    brute_force::Clerk,
    stories::{HORIZON, Told, stories},
};
use crate::{
    calendar::wall_clock::MINUTE,
    clock::{ClockKind, Clocks, Due, IntervalKind, Noticed, Phase},
};

/// Whole minutes after the opening, as far as the clerk looked.
fn seen(opened_us: i64, at_us: Option<i64>) -> Option<i64> {
    at_us.map(|at_us| (at_us - opened_us) / MINUTE).filter(|minute| *minute < HORIZON)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn deadlines_breaches_and_totals_equal_a_count_of_minutes(story in stories(3000, false), later in 0..HORIZON / 2) {
        let clocks = story.clocks();
        let (book, clerk) = (story.book(), Clerk::new(&story));
        let now = story.told.last().map_or(0, |(minute, _)| *minute) + later;
        let explained = clocks.explain(&book, story.at(now));
        let states = clocks.states(&book);
        prop_assert_eq!(explained.len(), clerk.sheets.len());
        let (mut next, mut deadline) = (None::<i64>, None::<i64>);
        for ((explained, state), sheet) in explained.iter().zip(&states).zip(&clerk.sheets) {
            let kept = clerk.keep(sheet);
            prop_assert_eq!((&explained.target, explained.kind), (&sheet.target, sheet.kind));
            prop_assert_eq!((explained.started_us, explained.stopped_us), (story.at(sheet.start), sheet.stop.map(|stop| story.at(stop))));
            prop_assert_eq!(explained.phase == Phase::Void, sheet.void);
            prop_assert_eq!(state.rule.0.split('/').nth(1), Some(sheet.target.as_str()));

            // What every minute is.
            let looked_at = (now.min(sheet.stop.unwrap_or(now)) - sheet.start).max(0);
            let expected = &kept.minutes[..usize::try_from(looked_at).unwrap()];
            let mut minutes = Vec::new();
            let mut at = explained.started_us;
            for interval in &explained.intervals {
                prop_assert!(interval.from_us == at && at < interval.until_us, "disjoint, exhaustive, in order");
                at = interval.until_us;
                let length = usize::try_from((at - interval.from_us) / MINUTE).unwrap();
                minutes.extend(std::iter::repeat_n(interval.kind, length));
            }
            prop_assert_eq!(&minutes, expected);

            // The totals.
            let sum = |kind| MINUTE * i64::try_from(expected.iter().filter(|minute| **minute == kind).count()).unwrap();
            prop_assert_eq!(explained.counted_us, sum(IntervalKind::Counted));
            prop_assert_eq!(explained.paused_us, sum(IntervalKind::Paused));
            prop_assert_eq!(explained.outside_us, sum(IntervalKind::Outside));
            prop_assert_eq!(explained.elapsed_us, looked_at * MINUTE);
            prop_assert_eq!(explained.elapsed_us, explained.counted_us + explained.paused_us + explained.outside_us);

            // What is due, and was.
            let breach = kept.dues.iter().find(|(_, what)| *what == Due::Breached).map(|(minute, _)| *minute);
            prop_assert_eq!(explained.breached_us, breach.filter(|minute| *minute <= now).map(|minute| story.at(minute)));
            prop_assert_eq!(seen(story.opened_us, explained.deadline_us), kept.deadline.filter(|minute| *minute < HORIZON), "deadline");
            prop_assert_eq!(explained.deadline_us, state.deadline_us);
            let ended = matches!(state.phase, Phase::Stopped | Phase::Resting);
            let met = if breach.is_some() && state.breached_us.is_some() { Some(false) } else if ended { Some(true) } else { None };
            prop_assert_eq!(state.met, met);
            let first = if sheet.stop.is_some() { breach } else { kept.dues.first().map(|(minute, _)| *minute) };
            next = next.into_iter().chain(first).min();
            if state.phase == Phase::Running {
                deadline = deadline.into_iter().chain(state.deadline_us).min();
            }
        }
        prop_assert_eq!(seen(story.opened_us, clocks.next_due(&book)), next);
        prop_assert_eq!(clocks.deadline(&book), deadline);
    }

    #[test]
    fn a_timer_hears_every_warning_and_breach_once_at_its_instant(story in stories(0, false)) {
        let book = story.book();
        let mut clocks = story.open();
        let mut heard: Vec<Noticed> = Vec::new();
        for index in 0..=story.told.len() {
            let until = story.told.get(index).map_or(HORIZON, |(minute, _)| *minute);
            while let Some(due) = clocks.next_due(&book).filter(|due| *due < story.at(until)) {
                let noticed = clocks.notice(&book, due);
                prop_assert!(!noticed.is_empty() && noticed.iter().all(|noticed| noticed.at_us == due));
                heard.extend(noticed);
                prop_assert_eq!(clocks.notice(&book, due), vec![]);
            }
            if index < story.told.len() {
                story.tell(&mut clocks, index);
                // Stored and loaded between any two steps.
                clocks = Clocks::decode(&clocks.encode()).unwrap();
            }
        }
        let clerk = Clerk::new(&story);
        let mut expected: Vec<_> = clerk.sheets.iter().filter(|sheet| !sheet.void).flat_map(|sheet| {
            clerk.keep(sheet).dues.into_iter().map(|(minute, what)| (story.at(minute), sheet.target.clone(), what))
        }).collect();
        // What fell away had its say before.
        let void: Vec<_> = clerk.sheets.iter().filter(|sheet| sheet.void).map(|sheet| sheet.target.as_str()).collect();
        let is_expected = |noticed: &&Noticed| expected.contains(&(noticed.at_us, noticed.target.clone(), noticed.what)) || !void.contains(&noticed.target.as_str());
        let mut heard: Vec<_> = heard.iter().filter(is_expected).map(|noticed| (noticed.at_us, noticed.target.clone(), noticed.what)).collect();
        let key = |entry: &(i64, String, Due)| (entry.0, entry.1.clone(), format!("{:?}", entry.2));
        expected.sort_by_key(key);
        heard.sort_by_key(key);
        prop_assert_eq!(heard, expected);
    }

    #[test]
    fn storing_between_the_steps_changes_nothing(story in stories(3000, false), breaks in 0..HORIZON) {
        let book = story.book();
        let (mut kept, mut stored) = (story.open(), story.open());
        for index in 0..story.told.len() {
            for clocks in [&mut kept, &mut stored] {
                story.tell(clocks, index);
                clocks.notice(&book, story.at(breaks));
            }
            let text = stored.encode();
            stored = Clocks::decode(&text).unwrap();
            prop_assert_eq!(stored.encode(), text);
            prop_assert_eq!(&stored, &kept);
        }
        prop_assert_eq!(stored.states(&book), kept.states(&book));
    }

    #[test]
    fn a_late_ruling_counts_as_if_it_had_come_in_time(story in stories(0, true), set in 0_usize..3, minute in 0..HORIZON / 2) {
        // Of the rulings only the one that comes late is kept: a later one would be replaced.
        let mut in_time = story;
        in_time.told.retain(|(at, told)| !matches!(told, Told::Ruled(..)) || *at < minute);
        let mut late = in_time.clone();
        let last = late.told.last().map_or(0, |(at, _)| *at).max(minute);
        late.told.push((last, Told::Ruled(set, last - minute, None)));
        let place = in_time.told.partition_point(|(at, _)| *at < minute);
        in_time.told.insert(place, (minute, Told::Ruled(set, 0, None)));
        let book = in_time.book();
        let explain = |clocks: &Clocks| -> Vec<_> {
            let now_us = in_time.at(HORIZON);
            clocks.explain(&book, now_us).into_iter().filter(|explained| explained.kind == ClockKind::Resolution && explained.phase != Phase::Void).collect()
        };
        prop_assert_eq!(explain(&late.clocks()), explain(&in_time.clocks()));
    }

    #[test]
    fn a_breach_once_noticed_stays(story in stories(3000, true), now in 0..HORIZON) {
        let book = story.book();
        let mut clocks = story.open();
        let breached: Vec<_> = clocks.notice(&book, story.at(now)).into_iter().filter(|noticed| noticed.what == Due::Breached).collect();
        for index in 0..story.told.len() {
            story.tell(&mut clocks, index);
            clocks.notice(&book, story.at(now));
        }
        for noticed in breached {
            let state = clocks.states(&book).into_iter().find(|state| state.target == noticed.target).unwrap();
            prop_assert_eq!(state.breached_us, Some(noticed.at_us));
            prop_assert!(state.met == Some(false) || state.phase == Phase::Void);
        }
    }

    #[test]
    fn nothing_is_due_while_everything_rests(story in stories(0, false), now in 0..HORIZON) {
        let book = story.book();
        let mut clocks = story.clocks();
        clocks.notice(&book, story.at(now).max(story.at(HORIZON / 2)));
        let rests = |clocks: &Clocks| clocks.states(&book).iter().all(|state| state.phase != Phase::Running);
        if rests(&clocks) {
            prop_assert_eq!(clocks.next_due(&book), None);
            prop_assert_eq!(clocks.deadline(&book), None);
        }
    }
}
