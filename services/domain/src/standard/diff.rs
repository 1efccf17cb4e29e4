//! What changes between two bundles, in terms of what they promise.

use std::{cmp::Ordering, collections::BTreeMap, fmt};

use serde::Serialize;
use serde_json::Value;

use super::{
    bundle::{Bundle, CalendarEntry, DatedRule, Target},
    limit,
};

/// How something changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It promises more.
    Tightened,
    /// It promises less.
    Loosened,
    /// It is different.
    Changed,
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Tightened => "tightened",
            Self::Loosened => "loosened",
            Self::Changed => "changed",
        })
    }
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// How.
    pub sort: Sort,
    /// What, for example `target restore_after_fault, rule from 2013-01-01`.
    pub what: String,
    /// What it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<9} {}", self.sort, self.what)?;
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => write!(f, ": {before} -> {after}"),
            (Some(one), None) | (None, Some(one)) => write!(f, ": {one}"),
            (None, None) => Ok(()),
        }
    }
}

/// What changes from one bundle to another.
#[must_use]
pub fn diff(old: &Bundle, new: &Bundle) -> Vec<Change> {
    let mut changes = Vec::new();
    fields(&plain(old), &plain(new), "", &mut changes);
    pairs(&old.targets, &new.targets, |target| target.id.clone(), "target ", &mut changes, target);
    pairs(&old.calendars, &new.calendars, |calendar| calendar.id.clone(), "calendar ", &mut changes, calendar);
    entries(&old.localities, &new.localities, |it| it.code.to_string(), "locality ", &mut changes);
    entries(&old.priorities, &new.priorities, |it| it.code.to_string(), "priority ", &mut changes);
    entries(&old.categories, &new.categories, |it| it.code.clone(), "category ", &mut changes);
    entries(&old.escalations, &new.escalations, |it| it.id.clone(), "escalation ", &mut changes);
    entries(&old.kpis, &new.kpis, |it| it.id.clone(), "kpi ", &mut changes);
    entries(&old.notices, &new.notices, |it| it.id.clone(), "notice ", &mut changes);
    entries(&old.sms, &new.sms, |it| it.region.clone(), "sms ", &mut changes);
    entries(&old.templates, &new.templates, |it| it.id.clone(), "template ", &mut changes);
    entries(&old.export, &new.export, Clone::clone, "export ", &mut changes);
    changes
}

/// What stands at the top of a bundle and is no list.
fn plain(bundle: &Bundle) -> Value {
    let mut value = serde_json::to_value(bundle).unwrap_or_default();
    if let Some(map) = value.as_object_mut() {
        map.retain(|_, value| !value.is_array());
    }
    value
}

/// Walks through two lists by the names of their entries.
fn pairs<T>(
    old: &[T],
    new: &[T],
    name: impl Fn(&T) -> String,
    what: &str,
    changes: &mut Vec<Change>,
    both: impl Fn(&T, &T, &str, &mut Vec<Change>),
) {
    let by_name = |list| -> BTreeMap<String, &T> { <[T]>::iter(list).map(|entry| (name(entry), entry)).collect() };
    let (was, is) = (by_name(old), by_name(new));
    for (name, entry) in &was {
        match is.get(name) {
            None => {
                changes.push(Change { sort: Sort::Removed, what: format!("{what}{name}"), before: None, after: None });
            }
            Some(now) => both(entry, now, &format!("{what}{name}"), changes),
        }
    }
    for name in is.keys().filter(|name| !was.contains_key(*name)) {
        changes.push(Change { sort: Sort::Added, what: format!("{what}{name}"), before: None, after: None });
    }
}

fn entries<T: Serialize>(old: &[T], new: &[T], name: impl Fn(&T) -> String, what: &str, changes: &mut Vec<Change>) {
    pairs(old, new, name, what, changes, |was, is, what, changes| {
        let json = |entry: &T| serde_json::to_value(entry).unwrap_or_default();
        fields(&json(was), &json(is), what, changes);
    });
}

/// Fields of one entry that differ.
fn fields(was: &Value, is: &Value, what: &str, changes: &mut Vec<Change>) {
    let (Some(was), Some(is)) = (was.as_object(), is.as_object()) else { return };
    let keys: std::collections::BTreeSet<_> = was.keys().chain(is.keys()).collect();
    for key in keys {
        let (before, after) = (was.get(key), is.get(key));
        if before != after {
            let what = if what.is_empty() { key.clone() } else { format!("{what}, {key}") };
            changes.push(Change { sort: Sort::Changed, what, before: before.map(text), after: after.map(text) });
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn target(old: &Target, new: &Target, what: &str, changes: &mut Vec<Change>) {
    let without_rules = |target: &Target| {
        let mut value = serde_json::to_value(target).unwrap_or_default();
        if let Some(map) = value.as_object_mut() {
            map.remove("rules");
        }
        value
    };
    fields(&without_rules(old), &without_rules(new), what, changes);
    // Rules of one day are told apart by their order.
    let keyed = |rules: &[DatedRule]| -> Vec<(String, DatedRule)> {
        let same_day = |at: usize| rules[..at].iter().filter(|other| other.from == rules[at].from).count();
        let key = |at: usize, rule: &DatedRule| match same_day(at) {
            0 => rule.from.to_string(),
            more => format!("{} ({})", rule.from, more + 1),
        };
        rules.iter().enumerate().map(|(at, it)| (key(at, it), it.clone())).collect()
    };
    let what = format!("{what}, rule from ");
    pairs(
        &keyed(&old.rules),
        &keyed(&new.rules),
        |(key, _)| key.clone(),
        &what,
        changes,
        |(_, was), (_, is), what, changes| {
            rule(was, is, what, changes);
        },
    );
}

fn rule(was: &DatedRule, is: &DatedRule, what: &str, changes: &mut Vec<Change>) {
    let limits = (limit::read(&was.limit).ok(), limit::read(&is.limit).ok());
    let order = match limits {
        (Some(was), Some(is)) => limit::compare(&is, &was),
        _ => None,
    };
    let sort = match order {
        Some(Ordering::Equal) => None,
        Some(Ordering::Less) => Some(Sort::Tightened),
        Some(Ordering::Greater) => Some(Sort::Loosened),
        None => Some(Sort::Changed),
    };
    if let Some(sort) = sort {
        let (before, after) = (Some(was.limit.clone()), Some(is.limit.clone()));
        changes.push(Change { sort, what: what.to_owned(), before, after });
    }
    let rest = |rule: &DatedRule| {
        let rule = DatedRule { limit: String::new(), ..rule.clone() };
        serde_json::to_value(rule).unwrap_or_default()
    };
    fields(&rest(was), &rest(is), what, changes);
}

fn calendar(old: &CalendarEntry, new: &CalendarEntry, what: &str, changes: &mut Vec<Change>) {
    let without_days = |calendar: &CalendarEntry| {
        let calendar = CalendarEntry { holidays: vec![], exceptions: vec![], ..calendar.clone() };
        serde_json::to_value(calendar).unwrap_or_default()
    };
    fields(&without_days(old), &without_days(new), what, changes);
    entries(&old.holidays, &new.holidays, |day| day.date.to_string(), &format!("{what}, holiday "), changes);
    entries(&old.exceptions, &new.exceptions, |day| day.date.to_string(), &format!("{what}, exception "), changes);
}
