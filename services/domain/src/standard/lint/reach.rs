//! Targets and rules that never apply to any request, and requests for which two targets compete.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::root;
use crate::{
    clock::ClockKind,
    standard::{
        Locality,
        bundle::{Bundle, Target},
        finding::Finding,
    },
    ticket::Priority,
};

/// One kind of request, as selectors see it.
type Subject<'a> = (&'a str, Priority, Option<Locality>);

pub(super) fn check(bundle: &Bundle, found: &mut Vec<Finding>) {
    let subjects = subjects(bundle);
    for (at, target) in bundle.targets.iter().enumerate() {
        let path = root().item("targets", at);
        let mine: Vec<_> = subjects.iter().filter(|subject| selects(target, subject)).collect();
        if mine.is_empty() {
            let message = "no category, priority and locality of this bundle is selected; correct the selector";
            found.push(Finding::error(&path.key("applies_to"), "UNREACHABLE", message));
            continue;
        }
        if target.kind == ClockKind::Event {
            continue;
        }
        let rivals: Vec<_> = rivals(bundle, at).collect();
        for (number, rule) in target.rules.iter().enumerate() {
            // Who wins changes only where a rule begins or ends.
            let starts = days(&rivals, rule.from).into_iter().filter(|day| rule.holds(*day)).collect::<Vec<_>>();
            let wins = |day: &Date| mine.iter().any(|subject| !beaten(subject, &rivals, *day));
            if !starts.is_empty() && !starts.iter().any(wins) {
                let message = "more specific targets of the same kind take every request before this rule";
                found.push(Finding::warning(&path.item("rules", number), "UNREACHABLE", message));
            }
        }
        ambiguous(bundle, at, &mine, found);
    }
}

/// Every kind of request that there can be under this bundle.
fn subjects(bundle: &Bundle) -> Vec<Subject<'_>> {
    let localities: Vec<_> = bundle.localities.iter().map(|it| Some(it.code)).chain([None]).collect();
    let mut subjects = Vec::new();
    for category in &bundle.categories {
        for priority in &bundle.priorities {
            subjects.extend(localities.iter().map(|locality| (category.code.as_str(), priority.code, *locality)));
        }
    }
    subjects
}

fn selects(target: &Target, (category, priority, locality): &Subject<'_>) -> bool {
    target.applies_to.selects(category, *priority, *locality)
}

/// More specific targets of the same kind.
fn rivals(bundle: &Bundle, at: usize) -> impl Iterator<Item = &Target> {
    let target = &bundle.targets[at];
    let more_specific = |rival: &&Target| rival.applies_to.specificity() > target.applies_to.specificity();
    bundle.targets.iter().filter(|rival| rival.kind == target.kind).filter(more_specific)
}

fn days(rivals: &[&Target], from: Date) -> BTreeSet<Date> {
    let rules = rivals.iter().flat_map(|rival| &rival.rules);
    rules.flat_map(|rule| [Some(rule.from), rule.until]).flatten().chain([from]).collect()
}

fn beaten(subject: &Subject<'_>, rivals: &[&Target], day: Date) -> bool {
    rivals.iter().any(|rival| selects(rival, subject) && rival.rules.iter().any(|rule| rule.holds(day)))
}

/// Earlier targets that are as specific, and take the same requests on the same day.
fn ambiguous(bundle: &Bundle, at: usize, mine: &[&Subject<'_>], found: &mut Vec<Finding>) {
    let target = &bundle.targets[at];
    let equal = |rival: &&Target| {
        rival.kind == target.kind && rival.applies_to.specificity() == target.applies_to.specificity()
    };
    for rival in bundle.targets[..at].iter().filter(equal) {
        let together = target.rules.iter().any(|rule| {
            rival.rules.iter().any(|other| {
                let day = rule.from.max(other.from);
                rule.holds(day) && other.holds(day)
            })
        });
        let shared = mine.iter().find(|subject| selects(rival, subject));
        if let (true, Some((category, priority, locality))) = (together, shared) {
            let place = locality.map_or("unknown", Locality::code);
            let message = format!(
                "a request of category {category}, priority {priority}, locality {place} has both this target and `{}` \
                 on one day; make one of them more specific",
                rival.id
            );
            found.push(Finding::error(&root().item("targets", at).key("id"), "OVERLAP", message));
        }
    }
}
