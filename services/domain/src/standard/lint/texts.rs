//! Escalations, keywords and templates.

use std::collections::BTreeSet;

use super::{root, rules::permille};
use crate::{
    keyword::Grammar,
    standard::{
        bundle::{Bundle, EscalationEntry, Target, When},
        finding::{Finding, Path, hint},
        template::{KNOWN_OF_CLOSED, PLACEHOLDERS, placeholders},
    },
};

pub(super) fn check(bundle: &Bundle, found: &mut Vec<Finding>) {
    for (at, escalation) in bundle.escalations.iter().enumerate() {
        escalates(bundle, escalation, &root().item("escalations", at), found);
    }
    for (at, set) in bundle.sms.iter().enumerate() {
        if let Err(e) = Grammar::compile(set) {
            found.push(Finding::error(&root().item("sms", at).key("keywords"), "MALFORMED_KEYWORD", e.to_string()));
        }
    }
    for (at, template) in bundle.templates.iter().enumerate() {
        let path = root().item("templates", at);
        let vi = read_template(&template.text_vi, &path.key("text_vi"), found);
        let en = read_template(&template.text_en, &path.key("text_en"), found);
        if vi != en {
            let differ: Vec<_> = vi.symmetric_difference(&en).copied().collect();
            let message = format!("both languages should say the same; only one names {}", differ.join(", "));
            found.push(Finding::warning(&path, "TEMPLATES_DIFFER", message));
        }
        if template.id == bundle.feedback.template {
            asks_by_itself(&vi, &path.key("text_vi"), found);
            asks_by_itself(&en, &path.key("text_en"), found);
        }
    }
}

/// Nobody fills anything into the question how satisfied a customer is.
fn asks_by_itself(names: &BTreeSet<&str>, path: &Path, found: &mut Vec<Finding>) {
    for name in names.iter().filter(|name| PLACEHOLDERS.contains(name) && !KNOWN_OF_CLOSED.contains(name)) {
        let known = KNOWN_OF_CLOSED.join(", ");
        let message = format!("the question goes out by itself, when nobody gives `{{{name}}}`; use {known} alone");
        found.push(Finding::error(path, "NOT_KNOWN_BY_ITSELF", message));
    }
}

fn read_template<'a>(text: &'a str, path: &Path, found: &mut Vec<Finding>) -> BTreeSet<&'a str> {
    match placeholders(text) {
        Err(message) => {
            found.push(Finding::error(path, "MALFORMED_TEMPLATE", message));
            BTreeSet::new()
        }
        Ok(names) => {
            for name in names.iter().filter(|name| !PLACEHOLDERS.contains(name)) {
                let message = format!("there is nothing to put in for `{{{name}}}`{}", hint(name, PLACEHOLDERS));
                found.push(Finding::error(path, "UNKNOWN_PLACEHOLDER", message));
            }
            names
        }
    }
}

fn escalates(bundle: &Bundle, escalation: &EscalationEntry, path: &Path, found: &mut Vec<Finding>) {
    if escalation.raise_to.is_none() && escalation.notify.is_empty() && escalation.reassign_to.is_none() {
        let message = "say what follows: `raise_to`, `notify` or `reassign_to`";
        found.push(Finding::error(path, "NOTHING_FOLLOWS", message));
    }
    let concerned = |target: &&Target| {
        (escalation.kinds.is_empty() || escalation.kinds.contains(&target.kind))
            && (escalation.targets.is_empty() || escalation.targets.contains(&target.id))
    };
    let concerned: Vec<_> = bundle.targets.iter().filter(concerned).collect();
    if concerned.is_empty() {
        found.push(Finding::error(path, "UNREACHABLE", "no target is of these kinds and ids; correct one of them"));
    }
    match (escalation.when, escalation.at) {
        (When::Warned, None) => {
            found.push(Finding::error(path, "MISSING_KEY", "add `at`: the fraction of the limit, such as 0.8"));
        }
        (When::Breached, Some(_)) => {
            let message = "take it out: a breach comes at the whole limit";
            found.push(Finding::error(&path.key("at"), "NEEDLESS_FRACTION", message));
        }
        (When::Warned, Some(at)) => {
            let warned = |target: &&Target| target.warnings.iter().any(|warning| permille(*warning) == permille(at));
            if permille(at).is_none() || !concerned.iter().any(warned) && !concerned.is_empty() {
                let message = format!("none of its targets warns at {at}; use a fraction of their `warnings`");
                found.push(Finding::error(&path.key("at"), "UNREACHABLE", message));
            }
        }
        (When::Breached, None) => {}
    }
}
