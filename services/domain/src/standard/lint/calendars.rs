//! Calendars: hours that do not overlap, days that are listed once and lie where holidays are known.

use std::collections::BTreeSet;

use super::root;
use crate::standard::{
    bundle::{Bundle, CalendarEntry},
    finding::{Finding, Path},
    limit,
};

pub(super) fn check(bundle: &Bundle, found: &mut Vec<Finding>) {
    for (at, calendar) in bundle.calendars.iter().enumerate() {
        let path = root().item("calendars", at);
        hours(calendar, &path, found);
        days(calendar, &path, found);
        let used = bundle.targets.iter().any(|target| target.calendar.as_deref() == Some(&calendar.id));
        if !used {
            let message = format!("no target counts by `{}`; take it out or use it", calendar.id);
            found.push(Finding::warning(&path.key("id"), "UNUSED_CALENDAR", message));
        }
    }
}

fn hours(calendar: &CalendarEntry, path: &Path, found: &mut Vec<Finding>) {
    let week = path.key("week");
    for (day, spans) in calendar.week.days() {
        overlapping(spans, &week.key(day), found);
    }
    if calendar.week.days().iter().all(|(_, spans)| spans.is_empty()) {
        found.push(Finding::error(&week, "NO_HOURS", "give at least one day hours, or clocks would never end"));
    }
    for (at, day) in calendar.exceptions.iter().enumerate() {
        overlapping(&day.spans, &path.item("exceptions", at).key("spans"), found);
    }
}

fn overlapping(spans: &[String], path: &Path, found: &mut Vec<Finding>) {
    let mut ends = 0;
    for (at, span) in spans.iter().enumerate() {
        if let Some((from, until)) = limit::hours(span) {
            if from < ends {
                let message = format!("`{span}` begins before the hours listed before it end; list them in order");
                found.push(Finding::error(&path.index(at), "OVERLAPPING_HOURS", message));
            }
            ends = until;
        }
    }
}

fn days(calendar: &CalendarEntry, path: &Path, found: &mut Vec<Finding>) {
    for (at, period) in calendar.holidays_known.iter().enumerate() {
        let path = path.item("holidays_known", at);
        if period.until <= period.from {
            let message = format!("end it after {}", period.from);
            found.push(Finding::error(&path.key("until"), "UNTIL_BEFORE_FROM", message));
        } else if !calendar.holidays.iter().any(|day| period.holds(day.date)) {
            found.push(Finding::warning(&path, "NO_HOLIDAYS", "no holiday lies in here; are they really known?"));
        }
    }
    let mut seen = BTreeSet::new();
    for (at, day) in calendar.holidays.iter().enumerate() {
        let path = path.item("holidays", at).key("date");
        if !seen.insert(day.date) {
            found.push(Finding::error(&path, "DUPLICATE_DAY", format!("{} is listed already", day.date)));
        }
        if !calendar.holidays_known.iter().any(|period| period.holds(day.date)) {
            let message = format!("{} lies outside the dates of `holidays_known`; correct one of them", day.date);
            found.push(Finding::error(&path, "HOLIDAY_OUTSIDE", message));
        }
    }
    let mut seen = BTreeSet::new();
    for (at, day) in calendar.exceptions.iter().enumerate() {
        if !seen.insert(day.date) {
            let path = path.item("exceptions", at).key("date");
            found.push(Finding::error(&path, "DUPLICATE_DAY", format!("{} is listed already", day.date)));
        }
    }
}
