//! Rules of one target: they count as the target counts, and on every day exactly one holds.

use std::cmp::Reverse;

use super::root;
use crate::{
    clock::{ClockKind, Limit},
    standard::{
        bundle::{Bundle, Counting, DatedRule, Overlap, Target},
        finding::{Finding, Path},
        limit,
    },
};

pub(super) fn check(bundle: &Bundle, found: &mut Vec<Finding>) {
    for (at, target) in bundle.targets.iter().enumerate() {
        let path = root().item("targets", at);
        counting(target, &path, found);
        warnings(&target.warnings, &path.key("warnings"), found);
        dates(target, &path, found);
        if target.pauses.iter().enumerate().any(|(at, pause)| target.pauses[..at].contains(pause)) {
            found.push(Finding::error(&path.key("pauses"), "DUPLICATE_ID", "list each pause once"));
        }
    }
}

fn counting(target: &Target, path: &Path, found: &mut Vec<Finding>) {
    match (target.clock, &target.calendar) {
        (Counting::Working, None) => {
            found.push(Finding::error(&path.key("clock"), "NO_CALENDAR", "name the `calendar` whose hours count"));
        }
        (Counting::Elapsed, Some(_)) => {
            let message = "take it out: elapsed time has no calendar; or count `working` time";
            found.push(Finding::error(&path.key("calendar"), "NEEDLESS_CALENDAR", message));
        }
        _ => {}
    }
    if target.kind == ClockKind::Event {
        if target.clock == Counting::Working {
            let message = "count `elapsed`: time before or after an event passes as it passes";
            found.push(Finding::error(&path.key("clock"), "CLOCK_MISMATCH", message));
        }
        if !target.pauses.is_empty() {
            let message = "take them out: an event does not wait";
            found.push(Finding::error(&path.key("pauses"), "CLOCK_MISMATCH", message));
        }
    }
    for (at, rule) in target.rules.iter().enumerate() {
        let Ok(limit) = limit::read(&rule.limit) else { continue };
        let cure = match (target.kind, target.clock, limit) {
            (ClockKind::Event, _, Limit::BeforeEvent { .. } | Limit::AfterEvent { .. }) => continue,
            (ClockKind::Event, ..) => "say `before` or `after` the event",
            (_, _, Limit::BeforeEvent { .. } | Limit::AfterEvent { .. }) => {
                "take out `before` or `after`, or make the target's kind `event`"
            }
            (_, Counting::Elapsed, Limit::Elapsed { .. })
            | (_, Counting::Working, Limit::Working { .. } | Limit::WorkingDays { .. }) => continue,
            (_, Counting::Elapsed, _) => "write `h` or `d`, or let the target's clock count `working` time",
            (_, Counting::Working, _) => "write `wh` or `wd`, or let the target's clock count `elapsed` time",
        };
        let message = format!("`{}` does not count as the target does: {cure}", rule.limit);
        found.push(Finding::error(&path.item("rules", at).key("limit"), "CLOCK_MISMATCH", message));
    }
}

/// Fractions that are not whole permilles, or do not ascend.
fn warnings(warnings: &[f64], path: &Path, found: &mut Vec<Finding>) {
    let mut last = 0;
    for (at, fraction) in warnings.iter().enumerate() {
        let path = path.index(at);
        match permille(*fraction) {
            None => {
                let message = "write at most three decimals between 0.001 and 0.999, such as 0.8";
                found.push(Finding::error(&path, "MALFORMED_FRACTION", message));
            }
            Some(permille) if permille <= last => {
                found.push(Finding::error(&path, "WARNINGS_DESCEND", "list warnings in ascending order, each once"));
            }
            Some(permille) => last = permille,
        }
    }
}

/// A fraction as whole permilles.
#[must_use]
pub(in crate::standard) fn permille(fraction: f64) -> Option<u16> {
    (1..=999).find(|permille| (f64::from(*permille) / 1000.0 - fraction).abs() < 1e-9)
}

fn dates(target: &Target, path: &Path, found: &mut Vec<Finding>) {
    let rules = path.key("rules");
    for (at, rule) in target.rules.iter().enumerate() {
        if rule.until.is_some_and(|until| until <= rule.from) {
            let message = format!("end it after {}, when it begins; so it never holds", rule.from);
            found.push(Finding::error(&rules.index(at).key("until"), "UNTIL_BEFORE_FROM", message));
        }
    }
    let mut ordered: Vec<(usize, &DatedRule)> =
        target.rules.iter().enumerate().filter(|(_, rule)| rule.until.is_none_or(|until| until > rule.from)).collect();
    ordered.sort_by_key(|(at, rule)| (rule.from, *at));
    for (place, (at, rule)) in ordered.iter().enumerate().skip(1) {
        let before = &ordered[..place];
        // The rule before that lasts longest: a gap opens only behind it.
        let Some((earlier, last)) =
            before.iter().max_by_key(|(at, rule)| (rule.until.is_none(), rule.until, Reverse(*at)))
        else {
            continue;
        };
        let path = rules.index(*at);
        match last.until {
            Some(until) if until < rule.from => {
                let message = format!("no rule holds from {until} until {}; close the gap", rule.from);
                found.push(Finding::error(&path.key("from"), "GAP", message));
            }
            Some(until) if until == rule.from => {}
            _ => overlap(target, (*earlier, last), rule, &path, found),
        }
    }
}

fn overlap(
    target: &Target,
    (earlier, last): (usize, &DatedRule),
    rule: &DatedRule,
    path: &Path,
    found: &mut Vec<Finding>,
) {
    let limits = (limit::read(&last.limit), limit::read(&rule.limit));
    match (target.overlap, limits) {
        (None, _) => {
            let message = format!(
                "from {} rule {} holds as well; end it then, or say `overlap: stricter`",
                rule.from,
                earlier + 1
            );
            found.push(Finding::error(&path.key("from"), "OVERLAP", message));
        }
        (Some(Overlap::Stricter), (Ok(one), Ok(other))) if limit::compare(&one, &other).is_none() => {
            let message = format!("`{}` and `{}` count differently; none is the stricter", last.limit, rule.limit);
            found.push(Finding::error(&path.key("limit"), "CLOCK_MISMATCH", message));
        }
        (Some(Overlap::Stricter), _) => {}
    }
}
