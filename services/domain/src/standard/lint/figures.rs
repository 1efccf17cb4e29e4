//! Figures: the product has one formula for each. A bundle names them and says what should be reached; it changes none.

use super::root;
use crate::{
    clock::Limit,
    metric::Definition,
    reliability::SUSTAINED_OVER_US,
    standard::{
        bundle::{Bundle, Kpi, Merging},
        finding::{Finding, Path, hint},
        limit,
    },
};

/// What a figure is, whatever a bundle says.
struct Computed {
    id: &'static str,
    formula: &'static str,
    denominator: Option<&'static str>,
    merges_by: Merging,
    threshold: Threshold,
}

/// Who decides the time that a figure depends on.
enum Threshold {
    /// It depends on none.
    None,
    /// Whoever counts: what was counted keeps the time that it was counted by.
    Counted { setting: &'static str, ms: fn(&Definition) -> i64 },
    /// The bundle, where it says how customers are asked.
    RepeatedContact,
    /// The product, in microseconds.
    Fixed(i64),
}

const fn share(id: &'static str, formula: &'static str, denominator: &'static str) -> Computed {
    Computed { denominator: Some(denominator), ..number(id, formula, Merging::Adding) }
}

const fn number(id: &'static str, formula: &'static str, merges_by: Merging) -> Computed {
    Computed { id, formula, denominator: None, merges_by, threshold: Threshold::None }
}

const COMPUTED: &[Computed] = &[
    Computed {
        threshold: Threshold::Counted {
            setting: "figures.service_level_s",
            ms: |definition| definition.service_level_ms,
        },
        ..share("service_level", "answered_within / offered", "offered")
    },
    share("average_speed_of_answer", "wait_answered / answered", "answered"),
    Computed {
        threshold: Threshold::Counted {
            setting: "figures.short_abandon_s",
            ms: |definition| definition.short_abandon_ms,
        },
        ..share("abandonment", "(abandoned - short_abandoned) / offered", "offered")
    },
    number("blocked_calls", "blocked", Merging::Adding),
    share("average_handling_time", "(talk_time + hold_time + wrap_time) / handled", "handled"),
    number("most_calls_at_once", "most_at_once", Merging::AlignedBuckets),
    number("unique_customers", "distinct_customers", Merging::Sketch),
    share("compliance", "met / opened", "opened"),
    share("compliance_of_ended", "met / ended", "ended"),
    number("first_response_p50", "p50_first_response", Merging::Sketch),
    number("first_response_p90", "p90_first_response", Merging::Sketch),
    number("resolution_p50", "p50_resolution", Merging::Sketch),
    number("resolution_p90", "p90_resolution", Merging::Sketch),
    share("satisfaction", "score_sum / scores", "scores"),
    Computed {
        merges_by: Merging::AtHome,
        threshold: Threshold::RepeatedContact,
        ..share("first_contact_resolution", "settled_at_once / settled", "settled")
    },
    Computed {
        threshold: Threshold::Fixed(SUSTAINED_OVER_US),
        ..share("saidi", "customer_minutes_interrupted / customers_served", "customers_served")
    },
    Computed {
        threshold: Threshold::Fixed(SUSTAINED_OVER_US),
        ..share("saifi", "customers_interrupted / customers_served", "customers_served")
    },
    share("caidi", "saidi / saifi", "saifi"),
];

fn computed(id: &str) -> Option<&'static Computed> {
    COMPUTED.iter().find(|computed| computed.id == id)
}

pub(super) fn check(bundle: &Bundle, found: &mut Vec<Finding>) {
    for (at, kpi) in bundle.kpis.iter().enumerate() {
        let path = root().item("kpis", at);
        let Some(computed) = computed(&kpi.id) else {
            let guess = hint(&kpi.id, COMPUTED.iter().map(|computed| computed.id));
            let message = format!("`{}` is no figure of the product{guess}; take it out", kpi.id);
            found.push(Finding::error(&path.key("id"), "UNKNOWN_KPI", message));
            continue;
        };
        making(kpi, computed, &path, found);
        threshold(bundle, kpi, computed, &path.key("threshold"), found);
    }
}

fn making(kpi: &Kpi, computed: &Computed, path: &Path, found: &mut Vec<Finding>) {
    let mut other = |key: &str, cure: String| {
        let message = format!("{cure}: the product computes this figure in one way, which a bundle does not change");
        found.push(Finding::error(&path.key(key), "OTHER_FORMULA", message));
    };
    if !same(&kpi.formula, computed.formula) {
        other("formula", format!("write `{}`", computed.formula));
    }
    if kpi.denominator.as_deref() != computed.denominator {
        let cure = computed.denominator.map_or_else(|| "take it out".to_owned(), |of| format!("write `{of}`"));
        other("denominator", cure);
    }
    if kpi.merges_by != computed.merges_by {
        other("merges_by", format!("write `{}`", word(computed.merges_by)));
    }
}

/// Whether two formulas are one but for blanks.
fn same(one: &str, other: &str) -> bool {
    let marks = |text| str::chars(text).filter(|mark| *mark != ' ');
    marks(one).eq(marks(other))
}

const fn word(merging: Merging) -> &'static str {
    match merging {
        Merging::Adding => "adding",
        Merging::Sketch => "sketch",
        Merging::AlignedBuckets => "aligned_buckets",
        Merging::AtHome => "at_home",
    }
}

fn threshold(bundle: &Bundle, kpi: &Kpi, computed: &Computed, path: &Path, found: &mut Vec<Finding>) {
    let Some(threshold) = &kpi.threshold else { return };
    let window = &bundle.feedback.repeat_contact_window;
    let (decided_us, cure) = match &computed.threshold {
        Threshold::None => {
            let message = "take it out: this figure depends on no time";
            found.push(Finding::error(path, "NEEDLESS_THRESHOLD", message));
            return;
        }
        // Each node and gateway has its own, and says so where they differ.
        Threshold::Counted { .. } => return,
        Threshold::RepeatedContact => {
            (limit::iso_us(window), format!("write {window}, as `repeat_contact_window` of the feedback says"))
        }
        Threshold::Fixed(us) => {
            let text = limit::write(&Limit::Elapsed { us: *us });
            (Some(*us), format!("write what the product counts by: {text}"))
        }
    };
    if limit::iso_us(threshold) != decided_us {
        found.push(Finding::error(path, "OTHER_THRESHOLD", cure));
    }
}

/// Figures whose threshold in a standard is not the one by which whoever has this definition counts.
#[must_use]
pub fn other_thresholds(bundle: &Bundle, definition: &Definition) -> Vec<Finding> {
    let mut found = Vec::new();
    for (at, kpi) in bundle.kpis.iter().enumerate() {
        let (Some(threshold), Some(computed)) = (&kpi.threshold, computed(&kpi.id)) else { continue };
        let Threshold::Counted { setting, ms } = &computed.threshold else { continue };
        let counted_ms = ms(definition);
        if limit::iso_us(threshold) == Some(counted_ms * 1_000) {
            continue;
        }
        let message = format!(
            "`{}` has the threshold {threshold} in {} and is counted here by {} s of {setting}; what was counted keeps \
             its threshold, so correct the standard, or begin a new node",
            kpi.id,
            bundle.version_id(),
            counted_ms / 1_000
        );
        found.push(Finding::warning(&root().item("kpis", at).key("threshold"), "OTHER_THRESHOLD", message));
    }
    found
}
