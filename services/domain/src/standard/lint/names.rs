//! Names: each stands for one thing, and whatever is named exists.

use std::collections::BTreeSet;

use super::root;
use crate::{
    standard::{
        bundle::{Bundle, UNKNOWN_LOCALITY},
        export::{FEDERATED, INDISPENSABLE},
        finding::{Finding, Path, hint},
    },
    topic::Topic,
};

pub(super) fn check(bundle: &Bundle, found: &mut Vec<Finding>) {
    duplicates(bundle, found);
    targets(bundle, found);
    escalations(bundle, found);
    for (at, category) in bundle.categories.iter().enumerate() {
        let path = root().item("categories", at).key("default_priority");
        priority(bundle, category.default_priority.code(), &path, found);
    }
    for topic in Topic::ALL.iter().filter(|topic| !bundle.categories.iter().any(|category| category.topic == **topic)) {
        let message = format!("add a category for the topic {topic}, or its tickets have none");
        found.push(Finding::warning(&root().key("categories"), "TOPIC_WITHOUT_CATEGORY", message));
    }
    let templates: Vec<_> = bundle.templates.iter().map(|template| template.id.as_str()).collect();
    let path = root().key("feedback").key("template");
    known(&bundle.feedback.template, &templates, "UNKNOWN_TEMPLATE", "template", &path, found);
    export(&bundle.export, found);
}

/// Codes and ids that stand for two things.
fn duplicates(bundle: &Bundle, found: &mut Vec<Finding>) {
    let mut once = |list: &str, key: &str, ids: Vec<&str>| {
        let mut seen = BTreeSet::new();
        for (at, id) in ids.into_iter().enumerate() {
            if !seen.insert(id) {
                let path = root().item(list, at);
                let path = if key.is_empty() { path } else { path.key(key) };
                found.push(Finding::error(&path, "DUPLICATE_ID", format!("`{id}` stands for another one already")));
            }
        }
    };
    once("calendars", "id", bundle.calendars.iter().map(|it| it.id.as_str()).collect());
    once("localities", "code", bundle.localities.iter().map(|it| it.code.code()).collect());
    once("priorities", "code", bundle.priorities.iter().map(|it| it.code.code()).collect());
    once("categories", "code", bundle.categories.iter().map(|it| it.code.as_str()).collect());
    once("targets", "id", bundle.targets.iter().map(|it| it.id.as_str()).collect());
    once("escalations", "id", bundle.escalations.iter().map(|it| it.id.as_str()).collect());
    once("kpis", "id", bundle.kpis.iter().map(|it| it.id.as_str()).collect());
    once("notices", "id", bundle.notices.iter().map(|it| it.id.as_str()).collect());
    once("sms", "region", bundle.sms.iter().map(|it| it.region.as_str()).collect());
    once("templates", "id", bundle.templates.iter().map(|it| it.id.as_str()).collect());
    once("export", "", bundle.export.iter().map(String::as_str).collect());
}

fn targets(bundle: &Bundle, found: &mut Vec<Finding>) {
    let calendars: Vec<_> = bundle.calendars.iter().map(|calendar| calendar.id.as_str()).collect();
    let categories: Vec<_> = bundle.categories.iter().map(|category| category.code.as_str()).collect();
    let localities: Vec<_> =
        bundle.localities.iter().map(|locality| locality.code.code()).chain([UNKNOWN_LOCALITY]).collect();
    for (at, target) in bundle.targets.iter().enumerate() {
        let path = root().item("targets", at);
        if let Some(calendar) = &target.calendar {
            known(calendar, &calendars, "UNKNOWN_CALENDAR", "calendar", &path.key("calendar"), found);
        }
        let path = path.key("applies_to");
        for (at, category) in target.applies_to.categories.iter().enumerate() {
            known(category, &categories, "UNKNOWN_CATEGORY", "category", &path.item("categories", at), found);
        }
        for (at, code) in target.applies_to.priorities.iter().enumerate() {
            priority(bundle, code.code(), &path.item("priorities", at), found);
        }
        for (at, locality) in target.applies_to.localities.iter().enumerate() {
            known(locality, &localities, "UNKNOWN_LOCALITY", "locality", &path.item("localities", at), found);
        }
    }
}

fn escalations(bundle: &Bundle, found: &mut Vec<Finding>) {
    let targets: Vec<_> = bundle.targets.iter().map(|target| target.id.as_str()).collect();
    for (at, escalation) in bundle.escalations.iter().enumerate() {
        let path = root().item("escalations", at);
        for (at, target) in escalation.targets.iter().enumerate() {
            known(target, &targets, "UNKNOWN_TARGET", "target", &path.item("targets", at), found);
        }
        for (at, code) in escalation.priorities.iter().enumerate() {
            priority(bundle, code.code(), &path.item("priorities", at), found);
        }
        if let Some(code) = escalation.raise_to {
            priority(bundle, code.code(), &path.key("raise_to"), found);
        }
    }
    for (at, notice) in bundle.notices.iter().enumerate() {
        if let Some(target) = &notice.target {
            let path = root().item("notices", at).key("target");
            known(target, &targets, "UNKNOWN_TARGET", "target", &path, found);
        }
    }
}

fn priority(bundle: &Bundle, code: &str, path: &Path, found: &mut Vec<Finding>) {
    let priorities: Vec<_> = bundle.priorities.iter().map(|priority| priority.code.code()).collect();
    known(code, &priorities, "UNKNOWN_PRIORITY", "priority", path, found);
}

fn known(word: &str, all: &[&str], code: &'static str, what: &str, path: &Path, found: &mut Vec<Finding>) {
    if !all.contains(&word) {
        let message = format!("there is no {what} `{word}`{}", hint(word, all.iter().copied()));
        found.push(Finding::error(path, code, message));
    }
}

/// What leaves a region: nothing that the product does not federate, and what an entry of a feed needs.
pub(in crate::standard) fn export(fields: &[String], found: &mut Vec<Finding>) {
    for (at, field) in fields.iter().enumerate().filter(|(_, field)| !FEDERATED.contains(&field.as_str())) {
        let guess = hint(field, FEDERATED);
        let message = format!("`{field}` is no field that may leave a region{guess}; take it out");
        found.push(Finding::error(&root().item("export", at), "WIDER_EXPORT", message));
    }
    for field in INDISPENSABLE.iter().filter(|field| !fields.iter().any(|named| named == **field)) {
        let message = format!("add `{field}`: without it an entry of a feed says nothing");
        found.push(Finding::error(&root().key("export"), "MISSING_EXPORT", message));
    }
}
