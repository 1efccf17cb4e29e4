//! Indices as text. Pure: what was answered goes in, a text comes out.

use std::fmt::Write as _;

use gridcare_proto::{
    federation::v1::FigureCompleteness,
    outage::v1::{ClaimedReliability, FrequentInterruptions, Reliability, ReliabilityClass, ReliabilityIndices},
};

use crate::status::texts::Texts;

/// Width of the first column.
const LABEL: usize = 34;

/// Regions one after the other, and what other claims of an onset would change.
pub(super) fn render(regions: &[(String, Reliability)], claimed: &[ClaimedReliability], texts: &Texts) -> String {
    let mut out = String::new();
    for (region, reliability) in regions {
        if !region.is_empty() {
            let _ = writeln!(out, "{region}");
        }
        if reliability.indices.is_empty() {
            let _ = writeln!(out, "{}", texts.of("indices-none"));
            continue;
        }
        let _ = writeln!(out, "{:<LABEL$}{:>11}{:>9}{:>9}{:>11}{:>9}", "", "SAIDI", "SAIFI", "CAIDI", "ASAI", "MAIFI");
        for indices in &reliability.indices {
            let class = ReliabilityClass::try_from(indices.reliability_class).unwrap_or_default();
            let _ = writeln!(out, "{}", row(&texts.of(&format!("indices-class-{}", class as i32)), indices));
        }
        if let Some(threshold) = &reliability.threshold {
            let (minutes, days) = (format!("{:.2}", threshold.minutes), threshold.days.to_string());
            let major = reliability.major_event_days.join(", ");
            let values = [
                ("minutes", minutes.as_str()),
                ("days", &days),
                ("major", if major.is_empty() { "–" } else { &major }),
            ];
            let _ = writeln!(out, "{}", texts.with("indices-threshold", &values));
        }
        out.push('\n');
    }
    for claim in claimed {
        let Some(indices) = &claim.indices else { continue };
        let at =
            claim.onset.as_ref().and_then(|at| jiff::Timestamp::new(at.seconds, at.nanos).ok()).unwrap_or_default();
        let no = claim.claim_no.to_string();
        let values = [("outage", claim.outage_id.as_str()), ("no", no.as_str()), ("at", &at.to_string())];
        let told = if claim.chosen { "indices-claim-chosen" } else { "indices-claim" };
        let _ = writeln!(out, "{}\n{}", texts.with(told, &values), row("", indices));
    }
    out
}

fn row(label: &str, indices: &ReliabilityIndices) -> String {
    let or_none =
        |value: Option<f64>, places: usize| value.map_or("–".to_owned(), |value| format!("{value:.places$}"));
    let pad = LABEL.saturating_sub(label.chars().count());
    format!(
        "{label}{:pad$}{:>11.3}{:>9.4}{:>9}{:>11.6}{:>9}",
        "",
        indices.saidi,
        indices.saifi,
        or_none(indices.caidi, 2),
        indices.asai,
        or_none(indices.maifi, 4)
    )
}

/// Which regions are in the country's indices.
pub(super) fn coverage(figure: &FigureCompleteness, texts: &Texts) -> String {
    let (covered, expected) = (figure.covered.to_string(), figure.expected.to_string());
    let mut out = texts.with("indices-covers", &[("covered", covered.as_str()), ("expected", &expected)]) + "\n";
    if !figure.not_reported.is_empty() {
        out.push_str(&texts.with("indices-unreported", &[("regions", &figure.not_reported.join(", "))]));
        out.push('\n');
    }
    out
}

/// Who was interrupted often.
pub(super) fn frequent(frequent: &FrequentInterruptions, texts: &Texts) -> String {
    let (n, cemi) = (frequent.n.to_string(), format!("{:.4}", frequent.cemi));
    let (customers, known) = (frequent.customers.to_string(), frequent.known.to_string());
    let values = [("n", n.as_str()), ("cemi", &cemi), ("customers", &customers), ("known", &known)];
    texts.with("indices-frequent", &values) + "\n"
}
